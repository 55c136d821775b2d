use super::*;

fn of(members: &str) -> Person {
    person(format!(r#"{{"resourceType":"Patient","id":"1",{members}}}"#).as_bytes()).unwrap()
}

#[test]
fn a_record_number_needs_its_type_its_system_and_its_value() {
    let mr = r#""type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]}"#;
    let found = of(&format!(
        r#""identifier":[{{{mr},"system":"urn:a","value":" 1 "}},{{{mr},"value":"2"}},{{{mr},"system":"urn:a"}},
        {{{mr},"system":"urn:a","value":"1"}},{{"system":"urn:a","value":"3"}},
        {{"type":{{"coding":[{{"system":"urn:x","code":"MR"}}]}},"system":"urn:a","value":"4"}},
        {{"type":{{"text":"MRN"}},"system":"urn:a","value":"5"}}]"#
    ));
    assert_eq!(found.mrns, [("urn:a".to_owned(), "1".to_owned())]);
}

#[test]
fn telephone_numbers_come_in_one_form() {
    let found = of(
        r#""telecom":[{"system":"phone","value":"+1 (555) 010-0199"},{"system":"sms","value":"555.010.0199"},
        {"system":"email","value":"A@X.example"},{"system":"phone","value":"none"},{"value":"x"}]"#,
    );
    assert_eq!(
        (found.phones, found.emails),
        (vec!["+15550100199".to_owned()], vec!["a@x.example".to_owned()])
    );
}

#[test]
fn elements_of_the_wrong_kind_are_passed_over() {
    let found =
        of(r#""identifier":{"value":1},"name":[7,{"family":["x"],"given":{}}],"birthDate":1970,"address":[null]"#);
    assert!(found == Person::default());
    assert_eq!(person(b"{"), Err(PersonError::NotJson));
    assert_eq!(person(br#"{"resourceType":"Group"}"#), Err(PersonError::NotPatient));
}

#[test]
fn printing_a_person_tells_nothing() {
    let printed = format!(
        "{:?}",
        of(r#""name":[{"family":"Doe","given":["Jane"]}],"birthDate":"1970-05-01""#)
    );
    assert_eq!(printed, "Person { mrns: 0, names: 1, .. }");
}

#[test]
fn one_element_counts_as_a_list_of_one() {
    let found = of(r#""name":{"family":"Lee","given":"Ana"},"telecom":{"system":"phone","value":"4135550142"}"#);
    let listed = of(r#""name":[{"family":"Lee","given":["Ana"]}],"telecom":[{"system":"phone","value":"4135550142"}]"#);
    assert!(found == listed);
    assert_eq!(found.phones.len(), 1);
}

#[test]
fn a_name_in_one_text_is_taken_apart() {
    for text in ["Ana María Lee", "Lee, Ana María"] {
        let found = of(&format!(r#""name":[{{"text":"{text}"}}]"#));
        assert_eq!(found.family().collect::<Vec<_>>(), ["Lee"]);
        assert_eq!(found.given().collect::<Vec<_>>(), ["Ana", "María"]);
    }
}

#[test]
fn systems_of_record_numbers_are_mapped() {
    let mut found = Person {
        mrns: vec![
            ("urn:a".to_owned(), "1".to_owned()),
            ("urn:c".to_owned(), "2".to_owned()),
        ],
        ..Person::default()
    };
    found.map_systems(&[("urn:a".to_owned(), "urn:b".to_owned())].into());
    assert_eq!(
        found.mrns,
        [
            ("urn:b".to_owned(), "1".to_owned()),
            ("urn:c".to_owned(), "2".to_owned())
        ]
    );
}
