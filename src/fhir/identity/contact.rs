//! Telephone numbers and e-mail addresses as they are compared.
//!
//! Numbers are put into E.164 here and not by a library: a source's numbers are North American unless they begin with `+` or `00`, and
//! what a library adds (which ranges are assigned, at several megabytes of tables) decides nothing about two numbers being equal.

/// A telephone number in E.164; `None` when it has no area code, or is one that forms are filled with.
pub(super) fn phone(value: &str) -> Option<String> {
    let number = without_extension(value);
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let international = number.trim_start().trim_start_matches('(').starts_with('+');
    let full = if international {
        digits
    } else if let Some(rest) = digits.strip_prefix("00") {
        rest.to_owned()
    } else if digits.len() == 10 {
        format!("1{digits}")
    } else {
        digits.strip_prefix('1').filter(|rest| rest.len() == 10)?;
        digits
    };
    if !(8..=15).contains(&full.len()) || full.starts_with('0') {
        return None;
    }
    if let Some(national) = full.strip_prefix('1').filter(|rest| rest.len() == 10) {
        let same = |digits: &str| digits.bytes().all(|digit| digit == digits.as_bytes()[0]);
        if national.starts_with(['0', '1'])
            || same(national)
            || same(&national[3..])
            || matches!(national, "2345678901" | "9876543210")
        {
            return None;
        }
    } else if full.starts_with('1') {
        return None;
    }
    Some(format!("+{full}"))
}

/// An e-mail address in small letters; `None` when it is none, or says that there is none.
pub(super) fn email(value: &str) -> Option<String> {
    let address = value.trim().trim_start_matches("mailto:").to_lowercase();
    let (name, domain) = address.split_once('@')?;
    let filler = |part: &str| {
        matches!(
            part,
            "none" | "noemail" | "no" | "na" | "n/a" | "nomail" | "declined" | "refused" | "unknown" | "test"
        )
    };
    let host = domain.split('.').next().unwrap_or_default();
    (!name.is_empty() && domain.contains('.') && !filler(name) && !filler(host)).then(|| address.clone())
}

fn without_extension(value: &str) -> &str {
    let end = value
        .char_indices()
        .position(|(_, c)| matches!(c, 'x' | 'X' | 'e' | 'E' | '#' | ';' | ','))
        .and_then(|nth| value.char_indices().nth(nth))
        .map_or(value.len(), |(at, _)| at);
    &value[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_put_into_one_form() {
        for (written, form) in [
            ("(413) 555-0142", "+14135550142"),
            ("413.555.0142 ext. 7", "+14135550142"),
            ("1-413-555-0142", "+14135550142"),
            ("+1 413 555 0142", "+14135550142"),
            ("+44 20 7946 0018", "+442079460018"),
            ("0044 20 7946 0018", "+442079460018"),
            ("4135550142x22", "+14135550142"),
        ] {
            assert_eq!(phone(written).as_deref(), Some(form), "{written}");
        }
        for none in [
            "",
            "none",
            "555-0142",
            "0000000000",
            "999-999-9999",
            "(413) 000-0000",
            "unknown",
            "+1 413",
            "+",
        ] {
            assert_eq!(phone(none), None, "{none}");
        }
    }

    #[test]
    fn addresses_that_say_none_are_none() {
        assert_eq!(email(" Ann@Example.ORG ").as_deref(), Some("ann@example.org"));
        for none in [
            "none@none.com",
            "noemail@clinic.org",
            "n/a",
            "ann@",
            "@x.org",
            "test@test.com",
            "",
        ] {
            assert_eq!(email(none), None, "{none}");
        }
    }
}
