//! Numbers without an exponent: what one server writes as `5E-3` another gives back as `5e-3` or `0.005`, with the same digits.

use std::borrow::Cow;

/// Exponents beyond this are left as they are.
const LARGEST: i64 = 400;

/// The JSON with every number that has an exponent written so that equal digits at equal places are equal text: `1.50E-2` as `0.0150`,
/// which is not `0.015`. Strings are left alone; what is not JSON may come out as anything, without a panic.
pub fn plain_numbers(json: &[u8]) -> Cow<'_, [u8]> {
    let mut written = Vec::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => at = end_of_string(json, at),
            b'-' | b'0'..=b'9' => {
                let length = json[at..]
                    .iter()
                    .take_while(|b| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
                let end = at + length.count();
                if let Some(plain) = std::str::from_utf8(&json[at..end]).ok().and_then(plain) {
                    written.extend_from_slice(&json[copied..at]);
                    written.extend_from_slice(plain.as_bytes());
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    written.extend_from_slice(&json[copied..]);
    Cow::Owned(written)
}

/// Where a string that begins with the quote at `start` is over.
pub(super) fn end_of_string(json: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = memchr::memchr2(b'"', b'\\', json.get(at..).unwrap_or_default()) {
        at += found;
        if json[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    json.len()
}

fn plain(number: &str) -> Option<String> {
    let (mantissa, exponent) = number.split_once(['e', 'E'])?;
    let exponent: i64 = exponent.parse().ok().filter(|e: &i64| e.abs() <= LARGEST)?;
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let places = exponent - i64::try_from(fraction.len()).ok()?;
    let digits = digits.trim_start_matches('0');
    if places > 0 {
        return Some(format!("{sign}{digits}e{places}"));
    }
    let behind = usize::try_from(-places).ok()?;
    let digits = format!("{digits:0>width$}", width = behind + 1);
    let (whole, fraction) = digits.split_at(digits.len() - behind);
    Some(if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plainly(json: &str) -> String {
        String::from_utf8(plain_numbers(json.as_bytes()).into_owned()).expect("UTF-8")
    }

    #[test]
    fn the_same_digits_at_the_same_places_are_the_same_text() {
        assert_eq!(
            plainly(r#"{"a":5E-3,"b":[5e-03,0.005,-1.50E-2],"c":"5E-3\"1e2"}"#),
            r#"{"a":0.005,"b":[0.005,0.005,-0.0150],"c":"5E-3\"1e2"}"#
        );
        assert_eq!(plainly("1.5E3"), plainly("15e+2"));
        assert_eq!(plainly("1.500E2"), "150.0");
        assert_eq!(plainly("12E0"), "12");
        assert_ne!(plainly("1E3"), plainly("1000"));
        assert_eq!(plainly("1e99999999"), "1e99999999");
        assert_eq!(plainly("0e0"), "0");
    }

    #[test]
    fn what_is_not_json_does_no_harm() {
        for text in ["\"", "\"\\", "1e", "--e-", "e5", "-", "1.e.5"] {
            plainly(text);
        }
    }
}
