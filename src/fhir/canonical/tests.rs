use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;
use crate::fhir::json::tests::value;

const BASE: &str = "https://ehr.example/r4";

fn hash(line: &str) -> [u8; 32] {
    canonical_hash(line.as_bytes(), Some(BASE)).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// The same value with the members of every object the other way round.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .rev()
                .map(|(name, value)| (name.clone(), reversed(value)))
                .collect(),
        ),
        Value::Array(items) => items.iter().map(reversed).collect(),
        other => other.clone(),
    }
}

/// The same text with every character of every string value escaped.
fn escaped(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("\"{name}\" : {}", escaped(value)))
                .collect();
            format!("{{\n{}}}", members.join(" ,\t"))
        }
        Value::Array(items) => format!("[ {} ]", items.iter().map(escaped).collect::<Vec<_>>().join("\r,")),
        Value::String(text) => {
            let units: Vec<_> = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
            format!("\"{}\"", units.concat())
        }
        other => other.to_string(),
    }
}

/// Changes one thing somewhere in `value`, chosen by `steps`.
fn change(value: &mut Value, steps: &mut dyn Iterator<Item = usize>) {
    let step = steps.next().unwrap_or(0);
    match value {
        Value::Object(members) if !members.is_empty() && !step.is_multiple_of(4) => {
            let place = step % members.len();
            change(members.values_mut().nth(place).unwrap(), steps);
        }
        Value::Array(items) if !items.is_empty() && !step.is_multiple_of(4) => {
            let place = step % items.len();
            change(&mut items[place], steps);
        }
        Value::Object(members) => drop(members.insert("new".into(), Value::Null)),
        Value::Array(items) => items.push(Value::Null),
        Value::String(text) => text.push('x'),
        Value::Null => *value = Value::from("null"),
        Value::Bool(flag) => *flag = !*flag,
        Value::Number(number) => *value = Value::from(number.to_string()),
    }
}

fn record() -> impl Strategy<Value = Value> {
    prop::collection::vec(("[a-z]{1,6}", value()), 0..6).prop_map(|members| {
        Value::Object(
            members
                .into_iter()
                .filter(|(name, _)| name != "id")
                .collect::<Map<_, _>>(),
        )
    })
}

proptest! {
    #[test]
    fn how_it_is_written_does_not_count(record in record()) {
        let expected = hash(&record.to_string());
        prop_assert_eq!(hash(&format!("{record:#}")), expected);
        prop_assert_eq!(hash(&reversed(&record).to_string()), expected);
        prop_assert_eq!(hash(&escaped(&record)), expected);
    }

    #[test]
    fn what_it_says_counts(record in record(), steps in prop::collection::vec(0usize..100, 6)) {
        let mut changed = record.clone();
        change(&mut changed, &mut steps.into_iter());
        prop_assert_ne!(hash(&changed.to_string()), hash(&record.to_string()), "{} {}", record, changed);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = canonical_hash(&bytes, None);
    }
}

#[test]
fn numbers_count_digit_for_digit() {
    let numbers = [
        "1.1",
        "1.10",
        "1.100",
        "11e-1",
        "12345678901234567890",
        "12345678901234567891",
        "1E2",
        "1e2",
        "-0",
        "0",
    ];
    let hashes: std::collections::HashSet<_> = numbers
        .iter()
        .map(|number| hash(&format!(r#"{{"v":{number}}}"#)))
        .collect();
    assert_eq!(hashes.len(), numbers.len());
}

#[test]
fn what_a_server_makes_of_its_own_does_not_count() {
    let bare = hash(r#"{"resourceType":"Basic","v":1}"#);
    for same in [
        r#"{"resourceType":"Basic","id":"1","v":1}"#,
        r#"{"resourceType":"Basic","meta":{},"v":1,"text":{}}"#,
        r#"{"resourceType":"Basic","meta":{"versionId":"1","lastUpdated":"x","source":"y","tag":[]},"v":1}"#,
        r#"{"resourceType":"Basic","meta":{"tag":[{"code":"t","system":"https:\/\/cutover.dev/fhir/tenant","extension":[{"url":"x"}]}]},"v":1}"#,
        r#"{"resourceType":"Basic","text":{"div":"<div/>"},"v":1}"#,
    ] {
        assert_eq!(hash(same), bare, "{same}");
    }
    for other in [
        r#"{"resourceType":"Basic","meta":{"tag":[{"code":"t","system":"urn:x"}]},"v":1}"#,
        r#"{"resourceType":"Basic","meta":{"tag":[[{"code":"t"},{"system":"https://cutover.dev/fhir/tenant"}]]},"v":1}"#,
        r#"{"resourceType":"Basic","meta":{"security":[]},"v":1}"#,
        r#"{"resourceType":"Basic","text":{"status":"empty","div":"<div/>"},"v":1}"#,
        r#"{"resourceType":"Basic","contained":[{"id":"1"}],"v":1}"#,
        r#"{"resourceType":"Basic","extension":[{"meta":{}}],"v":1}"#,
        r#"{"resourceType":"Basic","v":{"id":1}}"#,
    ] {
        assert_ne!(hash(other), bare, "{other}");
    }
    assert_ne!(
        hash(r#"{"contained":[{"id":"1"}]}"#),
        hash(r#"{"contained":[{"id":"2"}]}"#)
    );
}

#[test]
fn a_reference_to_the_source_counts_as_relative() {
    let subject = |reference: &str| hash(&format!(r#"{{"subject":{{"reference":"{reference}"}}}}"#));
    assert_eq!(subject("https://ehr.example/r4/Patient/1"), subject("Patient/1"));
    assert_eq!(subject(r"HTTPS:\/\/EHR.example\/r4\/Patient\/1"), subject("Patient/1"));
    assert_ne!(subject("https://other.example/r4/Patient/1"), subject("Patient/1"));
    assert_ne!(
        subject("https://ehr.example/r4/Patient/1/_history/2"),
        subject("Patient/1")
    );
}

#[test]
fn two_members_of_one_name_are_an_error_everywhere() {
    for (line, column) in [
        (r#"{"a":1,"b":2,"a":1}"#, 1),
        (r#"{"id":"1","id":"1"}"#, 1),
        (r#"{"text":{"div":{"x":1,"x":2}}}"#, 16),
        (
            r#"{"meta":{"tag":[{"system":"https://cutover.dev/fhir/x","a":[ {"b":1,"b":1}]}]}}"#,
            62,
        ),
    ] {
        assert_eq!(
            canonical_hash(line.as_bytes(), None),
            Err(CanonicalError::Duplicate { column }),
            "{line}"
        );
    }
}

#[test]
fn what_is_no_record_has_no_hash() {
    for line in ["", "[]", "7", "{}x", r#"{"a":"#] {
        assert!(
            matches!(canonical_hash(line.as_bytes(), None), Err(CanonicalError::NotJson(_))),
            "{line}"
        );
    }
    assert_eq!(
        canonical_hash(b"{\"a\":\"\xff\"}", None),
        Err(CanonicalError::NotUtf8 { column: 7 })
    );
    let deep = "{\"a\":".repeat(100_000);
    assert!(matches!(
        canonical_hash(deep.as_bytes(), None),
        Err(CanonicalError::NotJson(Flaw::TooDeep { .. }))
    ));
}

#[test]
fn the_deepest_record_fits_on_a_small_stack() {
    let inner = crate::fhir::MAX_DEPTH - 1;
    let line = format!("{{\"a\":{}{}}}", "[".repeat(inner), "]".repeat(inner));
    let deepest = std::thread::Builder::new()
        .stack_size(256 * 1024)
        .spawn(move || canonical_hash(line.as_bytes(), None).is_ok());
    assert!(deepest.unwrap().join().unwrap());
}

#[test]
fn no_value_can_pass_for_two() {
    assert_ne!(hash(r#"{"a":"x","b":"y"}"#), hash(r#"{"a":"x\"b\"y"}"#));
    assert_ne!(hash(r#"{"a":["x","y"]}"#), hash(r#"{"a":["x\"y"]}"#));
    assert_ne!(hash(r#"{"a":[1,2]}"#), hash(r#"{"a":[12]}"#));
    assert_ne!(hash(r#"{"a":"1"}"#), hash(r#"{"a":1}"#));
    assert_ne!(hash(r#"{"a":"null"}"#), hash(r#"{"a":null}"#));
}
