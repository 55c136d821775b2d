use super::*;

fn of(members: &str) -> Person {
    person(format!(r#"{{"resourceType":"Patient","id":"1",{members}}}"#).as_bytes()).unwrap()
}

fn named(family: &str, given: &str) -> Person {
    of(&format!(r#""name":[{{"family":"{family}","given":["{given}"]}}]"#))
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
fn telephone_numbers_are_compared_by_their_digits() {
    let found = of(
        r#""telecom":[{"system":"phone","value":"+1 (555) 010-0199"},{"system":"sms","value":"555.010.0199"},
        {"system":"email","value":"A@X.example"},{"system":"phone","value":"none"},{"value":"x"}]"#,
    );
    assert_eq!(
        (found.phones, found.emails),
        (vec!["5550100199".to_owned()], vec!["a@x.example".to_owned()])
    );
}

#[test]
fn elements_of_the_wrong_kind_are_passed_over() {
    let found =
        of(r#""identifier":{"value":1},"name":[7,{"family":["x"],"given":"y"}],"birthDate":1970,"address":[null]"#);
    assert!(found == Person::default());
    assert_eq!(person(b"{"), Err(PersonError::NotJson));
    assert_eq!(person(br#"{"resourceType":"Group"}"#), Err(PersonError::NotPatient));
}

#[test]
fn names_are_compared_as_people_would() {
    for (a, b) in [
        ("García", "GARCIA"),
        ("O'Brien", "OBrien"),
        ("Smith-Jones", "Smith Jones"),
        ("Groß", "GROSS"),
        ("Søren", "Soren"),
        ("Müller", "Mu\u{308}ller"),
        ("ＳＭＩＴＨ", "smith"),
        ("محمّد", "محمد"),
    ] {
        assert_eq!(normalized(a), normalized(b), "{a} {b}");
    }
    for (a, b) in [("が", "か"), ("कि", "कु"), ("Ann", "Anna")] {
        assert_ne!(normalized(a), normalized(b), "{a} {b}");
    }
}

#[test]
fn people_contradict_each_other_in_what_both_say() {
    let none: [Contradiction; 0] = [];
    let date = |date: &str| of(&format!(r#""birthDate":"{date}""#));
    assert_eq!(
        contradicts(&date("1970-05-01"), &date("1970-05-02")),
        [Contradiction::BirthDate]
    );
    assert_eq!(contradicts(&date("1970"), &date("1970-05-02")), none);
    assert_eq!(
        contradicts(&date("1970-05-02"), &date("1970-05-0")),
        [Contradiction::BirthDate]
    );
    let gender = |gender: &str| of(&format!(r#""gender":"{gender}""#));
    assert_eq!(contradicts(&gender("male"), &gender("female")), [Contradiction::Gender]);
    assert_eq!(contradicts(&gender("male"), &gender("unknown")), none);
    assert_eq!(contradicts(&gender("male"), &date("1970")), none);
}

#[test]
fn names_contradict_when_none_is_shared() {
    let none: [Contradiction; 0] = [];
    assert_eq!(
        contradicts(&named("Lee", "Ana"), &named("Kim", "Bea")),
        [Contradiction::Name]
    );
    assert_eq!(contradicts(&named("Lee", "Ana"), &named("Kim", "ANA")), none);
    assert_eq!(contradicts(&named("Lee", "Ana María"), &named("Kim", "Maria")), none);
    assert_eq!(contradicts(&named("Lee", "Ana"), &named("lee", "Bea")), none);
    assert_eq!(
        contradicts(&named("Lee", ""), &named("Kim", "Bea")),
        [Contradiction::Name]
    );
    assert_eq!(contradicts(&named("Lee", "Ana"), &of(r#""gender":"male""#)), none);
    let married = of(r#""name":[{"family":"Kim"},{"use":"maiden","family":"Lee"}]"#);
    assert_eq!(contradicts(&named("Lee", "Ana"), &married), none);
}

#[test]
fn printing_a_person_tells_nothing() {
    let printed = format!(
        "{:?}",
        of(r#""name":[{"family":"Doe","given":["Jane"]}],"birthDate":"1970-05-01""#)
    );
    assert_eq!(printed, "Person { mrns: 0, names: 2, .. }");
}
