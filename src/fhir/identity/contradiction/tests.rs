use super::super::person::person;
use super::*;

fn of(members: &str) -> Person {
    person(format!(r#"{{"resourceType":"Patient","id":"1",{members}}}"#).as_bytes()).unwrap()
}

fn named(family: &str, given: &str) -> Person {
    of(&format!(r#""name":[{{"family":"{family}","given":["{given}"]}}]"#))
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
