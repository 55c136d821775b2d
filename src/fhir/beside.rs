//! Two elements beside each other, in words: what a person who compares them needs to see of each.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::brief::{brief, words};

/// Two elements, given as JSON, in one line each. Where they differ only in what [`brief()`] leaves out, each line ends with what that is.
pub fn briefs(left: &str, right: &str) -> [String; 2] {
    let [mut a, mut b] = [left, right].map(brief);
    if a != b {
        return [a, b];
    }
    let (Some(left), Some(right)) = (parts(left), parts(right)) else {
        return [a, b];
    };
    let mut names: Vec<&String> = left.keys().chain(right.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let (left, right) = (left.get(name), right.get(name));
        if left != right {
            for (line, values) in [(&mut a, left), (&mut b, right)] {
                let said = values.map_or_else(|| "none".to_owned(), |values| values.join("; "));
                let between = if line.is_empty() { "" } else { ", " };
                // Writing to a string does not fail.
                let _ = write!(line, "{between}{name}: {said}");
            }
        }
    }
    [a, b]
}

/// Everything that an element says, given as JSON: a line for each value, with the names of the members that lead to it. Text that is
/// no JSON stays as it is.
pub fn outline(json: &str) -> String {
    let Ok(value) = serde_json::from_str::<Value>(json) else {
        return json.to_owned();
    };
    let mut lines = Vec::new();
    walk(&value, "", &mut |name, text| {
        lines.push(if name.is_empty() {
            text
        } else {
            format!("{name}: {text}")
        });
    });
    lines.join("\n")
}

/// The values of an element by the names that lead to them, each in the order in which it is there.
fn parts(json: &str) -> Option<BTreeMap<String, Vec<String>>> {
    let value: Value = serde_json::from_str(json).ok()?;
    let mut parts = BTreeMap::new();
    walk(&value, "", &mut |name, text| {
        parts.entry(name.to_owned()).or_insert_with(Vec::new).push(text);
    });
    Some(parts)
}

/// Shows `each` every value and the names that lead to it.
fn walk(value: &Value, name: &str, each: &mut impl FnMut(&str, String)) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (member, value) in members {
                let between = if name.is_empty() { "" } else { " " };
                walk(value, &format!("{name}{between}{member}"), each);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                walk(item, name, each);
            }
        }
        Value::Null => each(name, "null".to_owned()),
        other => each(name, words(other)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_differs_in_part_says_in_which() {
        let said = [
            (
                r#"{"system":"phone","use":"home","value":"913","rank":1}"#,
                r#"{"system":"phone","use":"home","value":"913","rank":2}"#,
                ["913 (home), rank: 1", "913 (home), rank: 2"],
            ),
            (
                r#"{"text":"M","coding":[{"code":"M","display":"Married"}]}"#,
                r#"{"text":"M"}"#,
                [
                    "M, coding code: M, coding display: Married",
                    "M, coding code: none, coding display: none",
                ],
            ),
            (r#"{"family":"Lee"}"#, r#"{"family":"Li"}"#, ["Lee", "Li"]),
            ("[1,2]", "[1,2]", ["1; 2", "1; 2"]),
            ("{}", r#"{"id":"x"}"#, ["", "x"]),
        ];
        for (left, right, lines) in said {
            assert_eq!(briefs(left, right), lines);
        }
    }

    #[test]
    fn an_outline_says_everything() {
        let json = r#"{"use":"old","given":["Thị","Lan"],"period":{"end":"2001"},"_family":{"extension":[{"url":"u","valueBoolean":true}]}}"#;
        let lines = "use: old\ngiven: Thị\ngiven: Lan\nperiod end: 2001\n_family extension url: u\n_family extension valueBoolean: true";
        assert_eq!(outline(json), lines);
        assert_eq!(outline("\"1984\""), "1984");
        assert_eq!(outline("no json"), "no json");
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof!["[a-c]{1,2}".prop_map(Value::from), any::<u8>().prop_map(Value::from)];
        leaf.prop_recursive(3, 12, 3, |inner| {
            let names = prop_oneof![
                Just("use"),
                Just("value"),
                Just("text"),
                Just("coding"),
                Just("code"),
                Just("display"),
                Just("family"),
                Just("rank")
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..3).prop_map(Value::from),
                prop::collection::vec((names, inner), 1..4).prop_map(|members| members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn elements_that_say_different_things_read_differently(left in json(), right in json()) {
            let (left, right) = (left.to_string(), right.to_string());
            let [a, b] = briefs(&left, &right);
            prop_assert_eq!(parts(&left) == parts(&right) && a == b, a == b);
        }
    }
}
