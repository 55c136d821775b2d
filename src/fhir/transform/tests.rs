use proptest::prelude::*;

use super::*;
use crate::fhir::json::tests::value;

fn done(record: &str, path: &str, action: &Action<'_>) -> Result<Option<String>, TransformError> {
    transform(record, &path.parse().unwrap(), action)
}

fn to(record: &str, path: &str, action: &Action<'_>) -> String {
    done(record, path, action).unwrap().unwrap()
}

const RECORD: &str = r#"{ "a" : 1.10 , "list":[ {"s":"x","v":"one"},{"s":"y", "v" : "two","_v":{"id":"7"}} ],"o":{"p":"q"},"t":["b","c"]}"#;

#[test]
fn values_are_set_and_put_where_nothing_was() {
    assert_eq!(
        to(RECORD, "list.where(s='y').v", &Action::Set("20000000000000000001")),
        RECORD.replace(r#""two""#, "20000000000000000001")
    );
    assert_eq!(
        to(RECORD, "list[0].v", &Action::Set("null")),
        RECORD.replace(r#""one""#, "null")
    );
    assert_eq!(
        to(RECORD, "o.new.deep", &Action::Set("true")),
        RECORD.replace(r#""q"}"#, r#""q","new":{"deep":true}}"#)
    );
    assert_eq!(to("{}", "a", &Action::Set("1")), r#"{"a":1}"#);
    assert_eq!(done(RECORD, "list.where(s='z').v", &Action::Set("1")), Ok(None));
    assert_eq!(done(RECORD, "other[0].v", &Action::Set("1")), Ok(None));
    assert_eq!(done(RECORD, "a", &Action::Set("1.10")), Ok(None));
    assert!(matches!(
        done(RECORD, "a.b", &Action::Set("1")),
        Err(TransformError::NoWay { .. })
    ));
}

#[test]
fn what_is_removed_leaves_nothing_empty_behind() {
    assert_eq!(
        to(RECORD, "o.p", &Action::Remove),
        RECORD.replace(r#""o":{"p":"q"},"#, "")
    );
    assert_eq!(
        to(RECORD, "list", &Action::Remove),
        r#"{ "a" : 1.10,"o":{"p":"q"},"t":["b","c"]}"#
    );
    assert_eq!(
        to(RECORD, "list.where(s='x')", &Action::Remove),
        RECORD.replace(r#"{"s":"x","v":"one"},"#, "")
    );
    assert_eq!(
        to(RECORD, "list.v", &Action::Remove),
        r#"{ "a" : 1.10 , "list":[ {"s":"x"},{"s":"y"} ],"o":{"p":"q"},"t":["b","c"]}"#
    );
    assert_eq!(done(RECORD, "nothing.here", &Action::Remove), Ok(None));
}

#[test]
fn an_element_is_renamed_with_its_extensions_and_never_onto_another() {
    assert_eq!(
        to(RECORD, "list.where(s='y').v", &Action::Rename("w")),
        RECORD.replace(r#""v" : "two","_v""#, r#""w" : "two","_w""#)
    );
    assert!(matches!(
        done(RECORD, "a", &Action::Rename("o")),
        Err(TransformError::InTheWay { .. })
    ));
    assert_eq!(done(RECORD, "nothing", &Action::Rename("o")), Ok(None));
}

#[test]
fn texts_are_changed_one_by_one() {
    let shout = |text: &str| (text != "b").then(|| text.to_uppercase() + "\"");
    let each = Action::Each(&shout);
    assert_eq!(to(RECORD, "t", &each), RECORD.replace(r#""c""#, r#""C\"""#));
    assert_eq!(
        to(RECORD, "list.v", &each),
        RECORD
            .replace(r#""one""#, r#""ONE\"""#)
            .replace(r#""two""#, r#""TWO\"""#)
    );
    assert_eq!(done(RECORD, "a", &each), Ok(None));
}

#[test]
fn only_one_json_value_is_json() {
    assert!(is_json(" {\"a\":[1.10]} ") && is_json("\"x\""));
    assert!(!is_json("") && !is_json("1 2") && !is_json("{a:1}") && !is_json("x"));
}

proptest! {
    /// What a path does not lead to stays to the byte.
    #[test]
    fn nothing_else_changes(before in value(), after in value(), inner in value(), pretty in any::<bool>()) {
        let write = |value: &serde_json::Value| if pretty { format!("{value:#}") } else { value.to_string() };
        let (before, after, inner) = (write(&before), write(&after), write(&inner));
        let record = format!("{{\"b\":{before},\"x\" : {{\"y\":{inner} }},\"a\":{after}}}");
        prop_assert_eq!(to(&record, "x.y", &Action::Set("\"new\"")), format!("{{\"b\":{before},\"x\" : {{\"y\":\"new\" }},\"a\":{after}}}"));
        prop_assert_eq!(to(&record, "x.y", &Action::Rename("z")), format!("{{\"b\":{before},\"x\" : {{\"z\":{inner} }},\"a\":{after}}}"));
        prop_assert_eq!(to(&record, "x.y", &Action::Remove), format!("{{\"b\":{before},\"a\":{after}}}"));
    }
}
