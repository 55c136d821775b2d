use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::fhir::reference::tests::record;

const BASE: &str = "https://ehr.example/fhir/r4/ABC";

/// Everything that can refer, in an order that matters to a splice.
const EVERYWHERE: &str = r##"{"resourceType":"DocumentReference","id":"d","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"Practitioner/p1\">Dr. A</a> <a\nhref = 'https:\/\/ehr.example/fhir/r4/ABC/Practitioner/p1/_history/3'>B</a> <img src=\"Binary/b1\"/> <a href=\"#c\">c</a> xhref=\"Practitioner/p1\"</div>"},
"contained":[{"resourceType":"PractitionerRole","id":"c","practitioner":{"reference":"Practitioner/p1/_history/9"}}],
"extension":[{"url":"https://ehr.example/fhir/r4/ABC/Practitioner/p1","valueReference":{"reference":"Practitioner/p1"}},{"url":"u","valueUri":"https://EHR.example/fhir/r4/ABC/Practitioner/p1"},{"url":"u","valueUrl":"Practitioner/p1"}],
"author":[{"reference":"#c"},{"reference":"urn:uuid:p1"},{"reference":"https://other.example/Practitioner/p1"},{"reference":"Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9","display":"Practitioner/p1"},{"reference":"Practitioner\/p1"},{"reference":"Practitioner/p2"}],
"content":[{"attachment":{"url":"Binary/b1","size":1.10}}],"description":"see Practitioner/p1"}"##;

fn to(resource_type: &str, id: &str) -> Option<String> {
    match (resource_type, id) {
        ("Practitioner", "p1") => Some("Practitioner/TARGET".to_owned()),
        ("Practitioner", search) if search.starts_with('?') => Some("Practitioner/FOUND".to_owned()),
        ("Binary", "b1") => Some("Binary/TARGET".to_owned()),
        _ => None,
    }
}

#[test]
fn every_form_of_a_reference_is_rewritten_where_it_stands_and_nothing_else() {
    let written = rewrite(EVERYWHERE.as_bytes(), Some(BASE), to).unwrap();
    insta::assert_snapshot!(String::from_utf8(written).unwrap());
}

#[test]
fn nothing_is_rewritten_where_nothing_is_mapped() {
    assert_eq!(rewrite(EVERYWHERE.as_bytes(), Some(BASE), |_, _| None), None);
}

#[test]
fn whoever_is_mapped_is_asked_for_in_every_place() {
    let mut asked = Vec::new();
    rewrite(EVERYWHERE.as_bytes(), Some(BASE), |resource_type, id| {
        asked.push(format!("{resource_type}/{id}"));
        None
    });
    let count = |text: &str| asked.iter().filter(|asked| *asked == text).count();
    // In a contained resource, three references and addresses, two links of the narrative.
    assert_eq!(
        (count("Practitioner/p1"), count("Practitioner/p2"), count("Binary/b1")),
        (7, 1, 2)
    );
}

proptest! {
    #[test]
    fn rewriting_to_the_same_changes_nothing(record in record()) {
        let text = record.to_string();
        let rewritten = rewrite(text.as_bytes(), None, |kind, id| Some(format!("{kind}/{id}")));
        prop_assert!(rewritten.is_none());
    }

    #[test]
    fn rewriting_touches_nothing_else(record in record(), pretty in any::<bool>()) {
        let text = if pretty { format!("{record:#}") } else { record.to_string() };
        let there = rewrite(text.as_bytes(), None, |kind, id| (kind == "Patient").then(|| format!("Patient/new-{id}")));
        let back = there.as_ref().map(|there| {
            rewrite(there, None, |_, id| id.strip_prefix("new-").map(|id| format!("Patient/{id}"))).unwrap()
        });
        prop_assert_eq!(back.is_some(), text.contains("\"Patient/1\""));
        prop_assert_eq!(back.unwrap_or(text.clone().into()), text.into_bytes());
    }


    /// Whatever stands between references survives, character by character.
    #[test]
    fn what_stands_between_references_stays(
        pieces in prop::collection::vec("[ -~é]{0,12}", 1..6),
        in_narrative in prop::collection::vec(any::<bool>(), 6),
    ) {
        let record = |target: &str| {
            let items: Vec<Value> = pieces
                .iter()
                .zip(&in_narrative)
                .map(|(piece, narrative)| {
                    if *narrative {
                        let div = format!("<div>{piece} <a href=\"{target}\">{piece}</a></div>");
                        serde_json::json!({ "text": { "div": div }, "note": piece })
                    } else {
                        serde_json::json!({ "display": piece, "reference": target, "note": piece })
                    }
                })
                .collect();
            serde_json::to_string(&items).unwrap()
        };
        let written = rewrite(record("Patient/1").as_bytes(), None, |_, id| (id == "1").then(|| "Patient/new".to_owned()));
        prop_assert_eq!(String::from_utf8(written.unwrap()).unwrap(), record("Patient/new"));
    }
}

#[test]
fn a_new_reference_drops_base_and_version_and_keeps_its_surroundings() {
    let line = br#"{"subject" : { "reference" :"https:\/\/ehr.example\/fhir\/r4\/ABC\/Patient\/1\/_history\/2","display":"\u00e9"},"n":1.10}"#;
    let new = rewrite(line, Some(BASE), |kind, id| Some(format!("{kind}/t-{id}"))).unwrap();
    assert_eq!(
        String::from_utf8(new).unwrap(),
        r#"{"subject" : { "reference" :"Patient/t-1","display":"\u00e9"},"n":1.10}"#
    );
}
