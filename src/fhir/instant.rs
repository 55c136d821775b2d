//! FHIR instants, dateTimes and dates, compared as moments rather than as strings.

use std::cmp::Ordering;

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, ToSpan};

/// Which of two moments is earlier; None when that cannot be told, or one of them is not a FHIR date or time.
///
/// A date, a month or a year covers all its moments, in whatever time zone (from 14 hours before UTC's to 12 after); so
/// it compares with an instant only when that lies outside. Two of them compare when neither holds a part of the other,
/// and are equal when they are the same.
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    match (Moment::read(a)?, Moment::read(b)?) {
        (Moment::Exact(a), Moment::Exact(b)) => Some(a.cmp(&b)),
        (Moment::Exact(a), Moment::Local { start, end }) => beside(a, start, end),
        (Moment::Local { start, end }, Moment::Exact(b)) => beside(b, start, end).map(Ordering::reverse),
        (Moment::Local { start: a, end: a_end }, Moment::Local { start: b, end: b_end }) => {
            if (a, a_end) == (b, b_end) {
                Some(Ordering::Equal)
            } else if a_end <= b {
                Some(Ordering::Less)
            } else if b_end <= a {
                Some(Ordering::Greater)
            } else {
                None
            }
        }
    }
}

/// Microseconds since 1970 of an instant; None when it is not one.
pub fn micros(text: &str) -> Option<i64> {
    match Moment::read(text)? {
        Moment::Exact(instant) => Some(instant.as_microsecond()),
        Moment::Local { .. } => None,
    }
}

/// The instant of [`micros`], in UTC.
pub fn from_micros(micros: i64) -> Option<String> {
    Timestamp::from_microsecond(micros)
        .ok()
        .map(|instant| instant.to_string())
}

enum Moment {
    Exact(Timestamp),
    /// From `start` to before `end`, in an unknown time zone.
    Local {
        start: DateTime,
        end: DateTime,
    },
}

impl Moment {
    fn read(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if !bytes.is_ascii() || !bytes.first()?.is_ascii_digit() {
            return None;
        }
        match bytes.len() {
            4 => Self::from_date(&format!("{text}-01-01"), 1.year()),
            7 => Self::from_date(&format!("{text}-01"), 1.month()),
            10 => Self::from_date(text, 1.day()),
            _ if bytes.get(10) != Some(&b'T') || bytes.len() < 19 => None,
            _ if text.ends_with('Z') || text[19..].contains(['+', '-']) => text.parse().ok().map(Self::Exact),
            _ => {
                let local: DateTime = text.parse().ok()?;
                Some(Self::Local {
                    start: local,
                    end: local,
                })
            }
        }
    }

    fn from_date(first: &str, length: jiff::Span) -> Option<Self> {
        // The parser takes more than FHIR does: no dashes, week dates.
        let is_date = |(at, byte): (usize, u8)| {
            if at == 4 || at == 7 {
                byte == b'-'
            } else {
                byte.is_ascii_digit()
            }
        };
        if first.len() != 10 || !first.bytes().enumerate().all(is_date) {
            return None;
        }
        let start: Date = first.parse().ok()?;
        let end = start.checked_add(length).ok()?;
        Some(Self::Local {
            start: start.into(),
            end: end.into(),
        })
    }
}

/// How an exact moment lies to a stretch of local time.
fn beside(moment: Timestamp, start: DateTime, end: DateTime) -> Option<Ordering> {
    let utc = |local: DateTime| {
        local
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
            .map(|zoned| zoned.timestamp())
    };
    if moment < utc(start)?.checked_sub(14.hours()).ok()? {
        Some(Ordering::Less)
    } else if moment >= utc(end)?.checked_add(12.hours()).ok()? {
        Some(Ordering::Greater)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_and_precision_do_not_mislead() {
        assert_eq!(
            compare("2024-01-02T00:30:00+05:00", "2024-01-01T20:00:00Z"),
            Some(Ordering::Less)
        );
        assert_eq!(
            compare("2024-01-02T00:30:00+05:00", "2024-01-01T19:30:00.000Z"),
            Some(Ordering::Equal)
        );
        assert_eq!(
            compare("2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00.45Z"),
            Some(Ordering::Greater)
        );
    }

    #[test]
    fn partial_dates_compare_only_when_they_cannot_be_mistaken() {
        assert_eq!(compare("2024", "2024-05-01"), None);
        assert_eq!(compare("2023", "2024-05-01"), Some(Ordering::Less));
        assert_eq!(compare("2024-05", "2024-04-30"), Some(Ordering::Greater));
        assert_eq!(compare("2024-05-01", "2024-05-01"), Some(Ordering::Equal));
        assert_eq!(compare("2024-05-01", "2024-05-01T10:00:00Z"), None);
        assert_eq!(compare("2024-05-01", "2024-05-02T11:59:59Z"), None);
        assert_eq!(compare("2024-05-01", "2024-05-02T12:00:00Z"), Some(Ordering::Less));
        assert_eq!(compare("2024-05-01T09:00:00", "2024-05-01T10:00:00Z"), None);
        assert_eq!(
            compare("2024-05-01T09:00:00", "2024-05-03T10:00:00Z"),
            Some(Ordering::Less)
        );
        assert_eq!(compare("2024-12-31", "2025-01-02T00:00:00-05:00"), Some(Ordering::Less));
    }

    #[test]
    fn what_is_no_date_compares_with_nothing() {
        for text in [
            "",
            "x",
            "20240501",
            "2024-13-01",
            "2024-W01-1",
            "2024-05-01 10:00:00Z",
            "2024-05-01T25:00:00Z",
            "-024",
            "é024",
        ] {
            assert_eq!(compare(text, "2024-05-01"), None, "{text}");
            assert_eq!(compare("2024-05-01T10:00:00Z", text), None, "{text}");
        }
        assert_eq!(compare("9999", "2024"), None, "a stretch beyond the calendar");
    }
}
