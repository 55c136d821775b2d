//! People for tests, each written in one line: `n=Smith,John Paul; b=1970-05-01; g=f; m=17; t=4135550142; a=12 Main St|Springfield|01103`.

use super::person::{Address, Person, PersonName, person};
use super::traits::Traits;

/// Reads a line of `key=value` parts: `n`ame (`family,given`, more than one for former names), `b`irth date, `g`ender, `m`rn (in
/// system `urn:a`, or `system#value`), `s`sn, `t`elephone, `e`-mail, `a`ddress (`line|city|postal code`), suffi`x`, birth `o`rder.
pub(super) fn sketch(text: &str) -> Person {
    let mut found = Person::default();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').expect("key=value");
        match key {
            "n" => {
                let (family, given) = value.split_once(',').unwrap_or((value, ""));
                found.names.push(PersonName {
                    family: (!family.is_empty()).then(|| family.to_owned()),
                    given: given.split_whitespace().map(str::to_owned).collect(),
                    suffix: Vec::new(),
                });
            }
            "x" => found.names[0].suffix.push(value.to_owned()),
            "b" => found.birth_date = Some(value.to_owned()),
            "g" => {
                let whole = [("f", "female"), ("m", "male")]
                    .into_iter()
                    .find(|(short, _)| *short == value);
                found.gender = Some(whole.map_or(value, |(_, whole)| whole).to_owned());
            }
            "m" => {
                let (system, value) = value.split_once('#').unwrap_or(("urn:a", value));
                found.mrns.push((system.to_owned(), value.to_owned()));
            }
            "s" => found.ssns.extend(super::number::ssn(value)),
            "t" => found.phones.extend(super::contact::phone(value)),
            "e" => found.emails.extend(super::contact::email(value)),
            "a" => {
                let mut parts = value.split('|').map(|part| (!part.is_empty()).then(|| part.to_owned()));
                found.addresses.push(Address {
                    line: parts.next().flatten().unwrap_or_default(),
                    city: parts.next().flatten(),
                    state: None,
                    postal_code: parts.next().flatten(),
                });
            }
            "o" => found.birth_order = value.parse().ok(),
            other => panic!("unknown key {other}"),
        }
    }
    found
}

/// The traits of a sketch.
pub(super) fn traits(text: &str) -> Traits {
    Traits::of(&sketch(text))
}

#[test]
fn a_sketch_is_what_a_patient_says() {
    let patient =
        br#"{"resourceType":"Patient","name":[{"family":"Lee","given":["Ana"],"suffix":["Jr"]}],"gender":"female",
        "birthDate":"1970-05-01","multipleBirthInteger":2,"telecom":[{"system":"phone","value":"(413) 555-0142"}],
        "address":[{"line":["12 Main St"],"city":"Springfield","postalCode":"01103"}],
        "identifier":[{"system":"http://hl7.org/fhir/sid/us-ssn","value":"536-22-1849"}]}"#;
    let sketched =
        "n=Lee,Ana; x=Jr; g=f; b=1970-05-01; o=2; t=413 555 0142; a=12 Main St|Springfield|01103; s=536221849";
    assert!(person(patient).unwrap() == sketch(sketched));
}
