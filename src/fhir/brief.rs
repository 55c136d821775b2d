//! What an element says, in one line for a person who compares it with another.

use serde_json::{Map, Value};

/// An element, given as JSON, in words: a name as it is written, a telephone number with its use. What has no known shape keeps the
/// names of its members; text that is no JSON stays as it is. Two elements that differ can read alike.
pub fn brief(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(value) => words(&value),
        Err(_) => json.to_owned(),
    }
}

pub(super) fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => joined(items.iter().map(words), "; "),
        Value::Object(members) => object(members),
    }
}

fn object(members: &Map<String, Value>) -> String {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let all = |name: &str| members.get(name).map_or_else(String::new, spaced);
    let has = |names: &[&str]| names.iter().any(|name| members.contains_key(*name));
    let (said, more) = if has(&["family", "given"]) {
        let parts = ["prefix", "given", "family", "suffix"].map(all);
        (joined(parts.into_iter(), " "), text("use"))
    } else if has(&["line", "city", "postalCode"]) {
        let street = members.get("line").map_or_else(String::new, words);
        let town = joined(["state", "postalCode"].map(all).into_iter(), " ");
        (joined([street, all("city"), town].into_iter(), ", "), text("use"))
    } else if members.get("value").is_some_and(Value::is_string) {
        (all("value"), text("use").or(text("system")))
    } else if members.get("value").is_some_and(Value::is_number) {
        (all("value"), text("unit").or(text("code")))
    } else if has(&["coding"]) {
        let coding = members.get("coding").map_or_else(String::new, words);
        (text("text").map_or(coding, str::to_owned), None)
    } else if has(&["code", "display"]) && has(&["system", "display"]) {
        (text("display").map_or_else(|| all("code"), str::to_owned), text("code"))
    } else if has(&["reference", "display"]) {
        (text("display").unwrap_or_default().to_owned(), text("reference"))
    } else if has(&["start", "end"]) {
        (format!("{} to {}", all("start"), all("end")), None)
    } else if let Some(written) = text("text") {
        (written.to_owned(), text("use"))
    } else {
        return named(members);
    };
    match more.filter(|more| *more != said) {
        Some(more) if said.is_empty() => more.to_owned(),
        Some(more) => format!("{said} ({more})"),
        None => said,
    }
}

/// Members by name; a single one, which the field is called after, without.
fn named(members: &Map<String, Value>) -> String {
    if members.len() == 1 {
        return members.values().map(words).collect();
    }
    let each = members.iter().map(|(name, value)| format!("{name}: {}", words(value)));
    joined(each, ", ")
}

fn spaced(value: &Value) -> String {
    match value {
        Value::Array(items) => joined(items.iter().map(words), " "),
        other => words(other),
    }
}

fn joined(parts: impl Iterator<Item = String>, between: &str) -> String {
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(between)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elements_read_as_people_write_them() {
        let said = [
            (
                r#"{"use":"old","family":"Nguyễn","given":["Thị","Lan"]}"#,
                "Thị Lan Nguyễn (old)",
            ),
            (r#"{"family":"Nguyễn"}"#, "Nguyễn"),
            (
                r#"{"system":"phone","use":"home","value":"913-555-2003"}"#,
                "913-555-2003 (home)",
            ),
            (
                r#"{"line":["2222 Home St"],"city":"Lawrence","state":"KS","postalCode":"66044"}"#,
                "2222 Home St, Lawrence, KS 66044",
            ),
            (
                r#"{"coding":[{"system":"urn:s","code":"1","display":"Asthma"}]}"#,
                "Asthma (1)",
            ),
            (r#"{"text":"Asthma","coding":[{"code":"1"}]}"#, "Asthma"),
            (r#"{"reference":"Patient/1"}"#, "Patient/1"),
            (r#"{"value":1.10,"unit":"mg"}"#, "1.10 (mg)"),
            (r#"{"birthDate":"1984-03-07"}"#, "1984-03-07"),
            (r#"["a",{"x":1,"y":[true]}]"#, "a; x: 1, y: true"),
            ("\"female\"", "female"),
            ("null", ""),
            ("no json", "no json"),
        ];
        for (json, words) in said {
            assert_eq!(brief(json), words);
        }
    }

    proptest! {
        #[test]
        fn every_number_keeps_its_digits(whole in "[1-9][0-9]{0,24}", part in "[0-9]{1,9}") {
            let number = format!("{whole}.{part}");
            prop_assert_eq!(brief(&number), number);
        }
    }
}
