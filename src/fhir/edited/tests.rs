use super::*;

fn taken(path: &str, json: &str, sides: &[&str]) -> Result<String, String> {
    match members(path, json, sides) {
        Ok(members) => Ok(members.join(",")),
        Err(MergeError::Edited { why, .. }) => Err(why.to_owned()),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn values_and_members_in_braces_are_taken_in_the_form_of_the_sides() {
    let is = |path: &str, json: &str, sides: &[&str], expected: &str| {
        assert_eq!(taken(path, json, sides).as_deref(), Ok(expected), "{path} {json}");
    };
    is("birthDate", "\"1970-02\"", &["\"1970\""], "\"birthDate\":\"1970-02\"");
    is(
        "maritalStatus",
        " {\"text\":\"M\"}",
        &["{\"text\":\"S\"}"],
        "\"maritalStatus\":{\"text\":\"M\"}",
    );
    is("x", "1.10", &["-2"], "\"x\":1.10");
    is("active", "false", &["true"], "\"active\":false");
    is(
        "deceased[x]",
        r#"{"deceasedDateTime":"2020-01-01T10:00:00Z"}"#,
        &[r#"{"deceasedBoolean":true}"#],
        r#""deceasedDateTime":"2020-01-01T10:00:00Z""#,
    );
    is(
        "birthDate",
        r#"{"birthDate":"1970","_birthDate":{"id":"b"}}"#,
        &[r#"{"birthDate":"1970","_birthDate":{"id":"a"}}"#],
        r#""birthDate":"1970","_birthDate":{"id":"b"}"#,
    );
    is("meta.profile", "[\"p\"]", &["[\"q\"]"], "\"profile\":[\"p\"]");
}

#[test]
fn what_fhir_does_not_allow_is_refused() {
    for (path, json, sides) in [
        ("birthDate", "\"1970-13-01\"", &["\"1970\""][..]),
        ("birthDate", "\"1970-1-1\"", &["\"1970\""]),
        ("birthDate", "1970", &["\"1970\""]),
        (
            "birthDate",
            "\"1970\"",
            &[r#"{"birthDate":"1970","_birthDate":{"id":"a"}}"#],
        ),
        ("birthDate", "\"\"", &["\"1970\""]),
        ("birthDate", "null", &["\"1970\""]),
        ("birthDate", "\"1970", &["\"1970\""]),
        ("gender", "\"man\"", &["\"male\""]),
        ("status", "\" final\"", &["\"final\""]),
        (
            "maritalStatus",
            "{\"text\":\"a\",\"text\":\"b\"}",
            &["{\"text\":\"S\"}"],
        ),
        ("maritalStatus", "{}", &["{\"text\":\"S\"}"]),
        ("maritalStatus", "{\"text\":null}", &["{\"text\":\"S\"}"]),
        ("period", r#"{"start":"2020-01-01T10:00"}"#, &["{}"]),
        ("deceased[x]", "true", &[r#"{"deceasedBoolean":true}"#]),
        (
            "deceased[x]",
            r#"{"birthDate":"1970"}"#,
            &[r#"{"deceasedBoolean":true}"#],
        ),
        (
            "deceased[x]",
            r#"{"deceasedBoolean":true,"deceasedDateTime":"2020"}"#,
            &[r#"{"deceasedBoolean":true}"#],
        ),
        (
            "deceased[x]",
            r#"{"deceasedDateTime":"yesterday"}"#,
            &[r#"{"deceasedBoolean":true}"#],
        ),
        ("gender", r#"{"id":"other"}"#, &["\"male\""]),
    ] {
        assert!(taken(path, json, sides).is_err(), "{path} {json}");
    }
    assert!(item("name[use=none]", "name", r#"{"use":"whatever"}"#, &["{}"]).is_err());
    assert!(
        item(
            "name[use=none]",
            "name",
            r#"{"use":"old","period":{"end":"2020"}}"#,
            &["{}"]
        )
        .is_ok()
    );
    assert!(item("name[use=none]", "name", "\"A\"", &["{}"]).is_err());
}

#[test]
fn a_refusal_does_not_repeat_what_was_typed() {
    let error = members("gender", "\"secret\"", &["\"male\""]).unwrap_err();
    assert!(!format!("{error} {error:?} {:?}", error.hint()).contains("secret"));
}
