//! Logical ids that look like an EHR's and still carry their index, so that one resource is found without a table.

use super::dice::{Shuffle, mix};
use super::kind::{IdStyle, Kind};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The account number in dotted ids.
const ACCOUNT: u64 = 25_483;

fn shuffle(seed: u64, kind: Kind, half_bits: u32) -> Shuffle {
    Shuffle::new(seed, 0x1D00 + kind as u64, half_bits)
}

/// Bits of each half of the number behind an id.
fn half_bits(style: IdStyle) -> u32 {
    match style {
        IdStyle::Numeric | IdStyle::Dotted => 20,
        // 122 bits are what a random UUID has besides its version and variant.
        IdStyle::Uuid | IdStyle::Mixed | IdStyle::Long => 61,
    }
}

/// The id of the resource of a type at `index`.
pub(super) fn of(seed: u64, kind: Kind, index: u64) -> String {
    let style = kind.id_style();
    let number = shuffle(seed, kind, half_bits(style)).forward(u128::from(index));
    match style {
        IdStyle::Uuid => uuid(number),
        IdStyle::Numeric => number.to_string(),
        IdStyle::Dotted => {
            let letter = kind.name().chars().next().unwrap_or('R');
            format!("{ACCOUNT}.{letter}-{number}")
        }
        IdStyle::Mixed => mixed(number),
        IdStyle::Long => {
            let low = u64::try_from(number & u128::from(u64::MAX)).unwrap_or(0);
            format!("{number:032x}{:016x}{:016x}", mix(low), mix(!low))
        }
    }
}

/// The index behind an id, if it is one `of` gives; the caller checks it against the count of the type.
pub(super) fn index(seed: u64, kind: Kind, id: &str) -> Option<u64> {
    let style = kind.id_style();
    let number = match style {
        IdStyle::Uuid => from_uuid(id)?,
        IdStyle::Numeric => id.parse().ok()?,
        IdStyle::Dotted => id.rsplit_once('-')?.1.parse().ok()?,
        IdStyle::Mixed => from_mixed(id)?,
        IdStyle::Long => u128::from_str_radix(id.get(..32)?, 16).ok()?,
    };
    let index = u64::try_from(shuffle(seed, kind, half_bits(style)).backward(number)).ok()?;
    // Writing it again settles every doubt at once: leading zeros, another letter, upper case, numbers out of range.
    (of(seed, kind, index) == id).then_some(index)
}

/// 122 bits as a version 4 UUID.
fn uuid(number: u128) -> String {
    let bits =
        (number >> 74 << 80) | (0x4 << 76) | ((number >> 62 & 0xFFF) << 64) | (0b10 << 62) | (number & ((1 << 62) - 1));
    let mut text = String::with_capacity(36);
    for digit in 0..32 {
        if matches!(digit, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        let nibble = u32::try_from(bits >> (124 - 4 * digit) & 0xF).unwrap_or(0);
        text.push(char::from_digit(nibble, 16).unwrap_or('0'));
    }
    text
}

fn from_uuid(id: &str) -> Option<u128> {
    let mut bits = 0_u128;
    let mut digits = 0;
    for digit in id.chars().filter(|&c| c != '-') {
        bits = bits << 4 | u128::from(digit.to_digit(16)?);
        digits += 1;
    }
    (digits == 32).then_some((bits >> 80 << 74) | ((bits >> 64 & 0xFFF) << 62) | (bits & ((1 << 62) - 1)))
}

/// An `e` and 21 digits in base 62, which hold 125 bits.
fn mixed(number: u128) -> String {
    let mut rest = number;
    let mut text = String::with_capacity(22);
    text.push('e');
    for _ in 0..21 {
        text.push(char::from(BASE62[usize::try_from(rest % 62).unwrap_or(0)]));
        rest /= 62;
    }
    text
}

fn from_mixed(id: &str) -> Option<u128> {
    let digits = id.strip_prefix('e')?.as_bytes();
    let mut number = 0_u128;
    for digit in digits.iter().rev() {
        let value = BASE62.iter().position(|c| c == digit)?;
        number = number.checked_mul(62)?.checked_add(u128::try_from(value).ok()?)?;
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_style_carries_its_index_and_is_a_valid_fhir_id() {
        for kind in Kind::ALL {
            for index_in in [0, 1, 2, 9_999, 4_000_000, 900_000_000] {
                let id = of(42, kind, index_in);
                assert_eq!(index(42, kind, &id), Some(index_in), "{kind:?} {id}");
                assert!((1..=64).contains(&id.len()), "{id}");
                assert!(
                    id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.'),
                    "{id}"
                );
            }
        }
    }

    #[test]
    fn ids_that_were_never_given_are_refused() {
        for (kind, id) in [
            (Kind::Patient, ""),
            (Kind::Patient, "----"),
            (Kind::Patient, "00000000-0000-4000-8000-00000000000g"),
            (Kind::Organization, "-1"),
            (Kind::Organization, "340282366920938463463374607431768211455"),
            (Kind::Condition, "25483.C-"),
            (Kind::CarePlan, "ezzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"),
            (Kind::Binary, "é"),
        ] {
            assert_eq!(index(42, kind, id), None, "{id}");
        }
        let id = of(42, Kind::Patient, 5);
        assert_eq!(index(42, Kind::Patient, &id.to_uppercase()), None);
        assert_eq!(
            index(42, Kind::Organization, &format!("0{}", of(42, Kind::Organization, 5))),
            None
        );
    }
}
