//! Birth dates, and in what way two of them are nearly one.

use serde::{Deserialize, Serialize};

use super::comparison::Level;

/// A birth date, as far as it is known.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BirthDate {
    pub(super) year: u16,
    /// 0 when unknown.
    pub(super) month: u8,
    /// 0 when unknown.
    pub(super) day: u8,
}

impl BirthDate {
    /// Reads `YYYY`, `YYYY-MM` or `YYYY-MM-DD`; `None` for anything else, and for the dates that stand for none.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let date = Self {
            year: digits(parts.next()?, 4)?,
            month: small(parts.next(), 12)?,
            day: small(parts.next(), 31)?,
        };
        let stands_for_none = date.year <= 1901 && date.month <= 1 && date.day <= 1;
        (parts.next().is_none() && !stands_for_none).then_some(date)
    }

    /// Whether year, month and day are known.
    pub(super) fn whole(self) -> bool {
        self.day != 0
    }

    /// Whether it is the first of January, which often stands for a day nobody knows.
    pub(super) fn vague(self) -> bool {
        self.month == 1 && self.day == 1
    }

    /// How this date and another agree.
    pub(super) fn level(self, other: Self) -> Level {
        if self == other {
            return Level::Same;
        }
        let fits = |a: u8, b: u8| a == 0 || b == 0 || a == b;
        if !self.whole() || !other.whole() {
            let part = self.year == other.year && fits(self.month, other.month) && fits(self.day, other.day);
            return if part { Level::Part } else { Level::Different };
        }
        if self.year == other.year && self.month == other.day && self.day == other.month {
            return Level::Swapped;
        }
        let (a, b) = (self.digits(), other.digits());
        let differing: Vec<usize> = (0..8).filter(|&at| a[at] != b[at]).collect();
        match differing[..] {
            [_] => Level::Close,
            [x, y] if y == x + 1 && a[x] == b[y] && a[y] == b[x] => Level::Close,
            _ if self.year == other.year && (self.vague() || other.vague()) => Level::Part,
            _ if self.year == other.year && self.days().abs_diff(other.days()) == 1 => Level::Close,
            _ => Level::Different,
        }
    }

    fn digits(self) -> [u8; 8] {
        let number = u32::from(self.year) * 10_000 + u32::from(self.month) * 100 + u32::from(self.day);
        let mut digits = [0; 8];
        let mut rest = number;
        for digit in digits.iter_mut().rev() {
            *digit = u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        digits
    }

    /// Days since some day, good enough to tell neighbours: a time zone moves a date by one.
    fn days(self) -> u16 {
        const BEFORE: [u16; 13] = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        BEFORE[usize::from(self.month)] + u16::from(self.day)
    }
}

/// 0 for a part that is not there; `None` for one that is no number in range.
fn small(part: Option<&str>, most: u16) -> Option<u8> {
    let Some(part) = part else { return Some(0) };
    let number = digits(part, 2).filter(|number| (1..=most).contains(number))?;
    u8::try_from(number).ok()
}

/// A number of exactly `len` digits.
fn digits(part: &str, len: usize) -> Option<u16> {
    let good = part.len() == len && part.bytes().all(|b| b.is_ascii_digit());
    part.parse().ok().filter(|_| good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_dates_agree_in_one_way() {
        let read = |text| BirthDate::read(text).unwrap();
        for (a, b, level) in [
            ("1970-05-01", "1970-05-01", Level::Same),
            ("1970-05-01", "1970-01-05", Level::Swapped),
            ("1970-05-01", "1970-05-07", Level::Close),
            ("1970-05-12", "1970-05-21", Level::Close),
            ("1979-05-12", "1997-05-12", Level::Close),
            ("1970-05-31", "1970-06-01", Level::Close),
            ("1970", "1970-05-01", Level::Part),
            ("1970-05", "1970-05-01", Level::Part),
            ("1970-06", "1970-05-01", Level::Different),
            ("1970-01-01", "1970-05-12", Level::Part),
            ("1970-05-01", "1971-06-01", Level::Different),
            ("1941-03-12", "1968-11-27", Level::Different),
        ] {
            assert!(read(a).level(read(b)) == level, "{a} {b}");
            assert!(read(b).level(read(a)) == level, "{b} {a}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for none in [
            "",
            "70",
            "1970-13-01",
            "1970-00-01",
            "1970-05-32",
            "1970-5-1",
            "05/01/1970",
            "1900-01-01",
            "1970-05-01T00:00",
        ] {
            assert!(BirthDate::read(none).is_none(), "{none}");
        }
    }
}
