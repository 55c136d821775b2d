use super::*;

const RULES: &str = r#"
    [[transform]]
    name = "old identifier"
    type = "Patient, Practitioner"
    action = "remove"
    path = "identifier.where(system='urn:old')"

    [[transform]]
    type = "Patient"
    when = "gender == 'F'"
    action = "map"
    path = "gender"
    table = { F = "female", M = "male" }

    [[transform]]
    type = "Patient"
    when = "active missing"
    action = "set"
    path = "active"
    value = true

    [[transform]]
    type = "Patient"
    action = "copy"
    path = "identifier[0].value"
    to = "extra.number"

    [[transform]]
    type = "Patient"
    when = "birthPlace exists"
    action = "rename"
    path = "birthPlace"
    to = "place"

    [[transform]]
    type = "Patient"
    when = "n != 1.1"
    action = "set"
    path = "n"
    json = '1.100'

    [[transform]]
    type = "Patient"
    action = "replace"
    path = "telecom.value"
    find = "413"
    with = "414"
"#;

fn transforms(text: &str) -> Transforms {
    Transforms::new(&read_transforms(text).unwrap()).unwrap()
}

fn applied(line: &str) -> Option<(String, Vec<u16>)> {
    let done = transforms(RULES).apply(line.as_bytes()).unwrap()?;
    Some((String::from_utf8(done.line).unwrap(), done.by))
}

#[test]
fn they_are_done_in_order_and_say_which_changed_something() {
    let line = r#"{"resourceType":"Patient","id":"a","identifier":[{"system":"urn:old","value":"0"},{"value":"1"}],"gender":"F", "n": 1.10,"birthPlace":"x","telecom":[{"value":"413-413"},{"value":"7"}]}"#;
    let expected = r#"{"resourceType":"Patient","id":"a","identifier":[{"value":"1"}],"gender":"female", "n": 1.100,"place":"x","telecom":[{"value":"414-414"},{"value":"7"}],"active":true,"extra":{"number":"1"}}"#;
    assert_eq!(applied(line), Some((expected.to_owned(), vec![0, 1, 2, 3, 4, 5, 6])));
    assert_eq!(
        applied(r#"{"resourceType":"Patient","id":"a","gender":"M","active":false,"n":1.100}"#),
        None
    );
    assert_eq!(
        applied(r#"{"resourceType":"Basic","id":"a","identifier":[{"system":"urn:old"}]}"#),
        None
    );
}

#[test]
fn what_they_would_break_is_refused() {
    let broken = |action: &str, line: &str| {
        let text = format!("[[transform]]\ntype = 'Condition'\n{action}");
        transforms(&text).apply(line.as_bytes()).unwrap_err().to_string()
    };
    let line = r#"{"resourceType":"Condition","id":"a","subject":{"reference":"Patient/1"},"code":{},"recorder":1}"#;
    assert_eq!(
        broken("action='set'\npath='id'\nvalue='b'", line),
        "its transforms change its type or id"
    );
    assert_eq!(
        broken("action='set'\npath='resourceType'\nvalue='Basic'", line),
        "its transforms change its type or id"
    );
    insta::assert_snapshot!(broken("action='remove'\npath='subject'", line), @"its transforms make no record of it: the Condition has no subject, which FHIR R4 requires");
    assert!(broken("action='remove'\npath='id'", line).contains("no record"));
    assert_eq!(
        broken("action='rename'\npath='code'\nto='recorder'", line),
        "transform `1`: there is an element recorder already beside code"
    );
    assert!(broken("action='set'\npath='recorder.x'\nvalue=1", line).contains("not an object"));
}

#[test]
fn a_file_that_cannot_be_followed_says_why() {
    let refused = |text: &str| {
        let error = read_transforms(text).unwrap_err();
        assert!(error.hint().is_some());
        error.to_string()
    };
    let of = |text: &str| refused(&format!("[[transform]]\ntype='Patient'\npath='a'\n{text}"));
    assert!(of("action='shout'").contains("action"));
    assert!(of("action='set'").contains("value"));
    assert!(of("action='set'\nvalue=1.10").contains("fractions"));
    assert!(of("action='set'\nvalue=2026-01-01").contains("dates"));
    assert!(of("action='set'\njson='{'").contains("json"));
    assert!(of("action='map'").contains("table"));
    assert!(of("action='rename'").contains("`to`"));
    assert!(of("action='replace'\nfind=''\nwith=''").contains("empty"));
    assert!(of("action='remove'\nwhen='sometimes'").contains("when"));
    assert!(of("action='remove'\nwhat='x'").contains("what"));
    assert!(refused("[[transform]]\ntype='patient'\naction='remove'\npath='a'").contains("type"));
    assert!(refused("[[transform]]\ntype='Patient'\naction='remove'\npath='a b'").contains("path"));
    assert!(refused("[[transforms]]").contains("transforms"));
}
