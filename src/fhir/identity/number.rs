//! Social security numbers.

/// Numbers that were printed in advertisements or are typed where a form wants one; nobody has them.
const FILLERS: [&str; 5] = ["078051120", "219099999", "123456789", "123121234", "111223333"];

/// Whether an identifier system is that of social security numbers.
pub(super) fn is_ssn_system(system: &str) -> bool {
    matches!(
        system,
        "http://hl7.org/fhir/sid/us-ssn" | "urn:oid:2.16.840.1.113883.4.1"
    )
}

/// The nine digits of a social security number; `None` for anything that cannot be somebody's.
pub(super) fn ssn(value: &str) -> Option<String> {
    let ours = |c: char| c.is_ascii_digit() || c == '-' || c.is_whitespace();
    if !value.chars().all(ours) {
        return None;
    }
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    if digits.len() != 9 {
        return None;
    }
    let (area, group, serial) = (&digits[..3], &digits[3..5], &digits[5..]);
    let never = area == "000" || area == "666" || area.starts_with('9') || group == "00" || serial == "0000";
    let same = digits.bytes().all(|digit| digit == digits.as_bytes()[0]);
    (!never && !same && !FILLERS.contains(&digits.as_str())).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::ssn;

    #[test]
    fn only_numbers_that_somebody_can_have_count() {
        for good in ["536-22-1849", "536221849", " 536 22 1849 "] {
            assert_eq!(ssn(good).as_deref(), Some("536221849"), "{good}");
        }
        for bad in [
            "000000000",
            "999-99-9999",
            "123-45-6789",
            "111111111",
            "078-05-1120",
            "666-12-3456",
            "900-12-3456",
            "536-00-1849",
            "536-22-0000",
            "***-**-1849",
            "53622184",
            "5362218490",
            "",
        ] {
            assert_eq!(ssn(bad), None, "{bad}");
        }
    }
}
