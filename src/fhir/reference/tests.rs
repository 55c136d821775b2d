use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::fhir::json::tests::value;

const BASE: &str = "https://ehr.example/fhir/r4/ABC";

/// What a reader that builds a tree finds, in the order of the text.
fn by_tree(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == "reference" => found.push(text.clone()),
                    other => by_tree(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| by_tree(item, found)),
        _ => {}
    }
}

/// JSON in which references are likely, and look-alikes of them.
pub(in crate::fhir) fn record() -> impl Strategy<Value = Value> {
    let text = prop::sample::select(vec![
        "Patient/1",
        "#a",
        "a\"reference\":\"b",
        "\\",
        "https://ehr.example/fhir/r4/ABC/Group/2",
    ]);
    let member = prop_oneof![
        text.prop_map(|text| ("reference", Value::from(text))),
        value().prop_map(|value| ("reference", value)),
        value().prop_map(|value| ("subject", value)),
    ];
    let object = prop::collection::vec(member, 0..3).prop_map(|members| {
        Value::Object(
            members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    });
    prop::collection::vec(prop_oneof![object, value()], 0..6).prop_map(Value::Array)
}

proptest! {
    #[test]
    fn it_finds_what_a_tree_walk_finds(record in record(), pretty in any::<bool>()) {
        let text = if pretty { format!("{record:#}") } else { record.to_string() };
        let mut expected = Vec::new();
        by_tree(&record, &mut expected);
        let found: Vec<_> = references(text.as_bytes()).map(|found| found.text.into_owned()).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..40), cut in 0usize..30) {
        let mut line = br#"{"a":{"reference": "Patient\/1"}}"#[..33 - cut].to_vec();
        line.extend(bytes);
        references(&line).for_each(drop);
        attachment_urls(&line).for_each(drop);
    }
}

#[test]
fn a_reference_is_local_in_every_spelling_of_the_base() {
    let local = |version| Kind::Local {
        resource_type: "Patient",
        id: "1",
        version,
    };
    for text in [
        "Patient/1",
        "https://ehr.example/fhir/r4/ABC/Patient/1",
        "HTTPS://EHR.Example:443/fhir/r4/ABC/Patient/1",
    ] {
        assert_eq!(classify(text, Some(BASE)), local(None), "{text}");
        assert_eq!(classify(text, Some(&format!("{BASE}/"))), local(None), "{text}");
        assert_eq!(
            classify(&format!("{text}/_history/7"), Some(BASE)),
            local(Some("7")),
            "{text}"
        );
    }
    assert_eq!(
        classify("https://ehr.example/Patient/1", Some("https://ehr.example")),
        local(None)
    );
}

#[test]
fn other_references_are_told_apart() {
    for (text, kind) in [
        ("#p", Kind::Contained),
        ("urn:uuid:3b1a9cb0-e3d3-4bce-8b20-864c3dc7e8c0", Kind::Urn),
        (
            "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|1",
            Kind::Conditional,
        ),
        ("https://other.example/fhir/r4/ABC/Patient/1", Kind::External),
        ("http://ehr.example/fhir/r4/ABC/Patient/1", Kind::External),
        ("https://ehr.example:8443/fhir/r4/ABC/Patient/1", Kind::External),
        ("https://ehr.example/fhir/r4/ABCD/Patient/1", Kind::External),
        ("https://ehr.example/fhir/r4/abc/Patient/1", Kind::External),
        ("https://ehr.example@evil.example/fhir/r4/ABC/Patient/1", Kind::External),
        ("https://ehr.example/fhir/r4/ABC/../XYZ/Patient/1", Kind::Malformed),
        ("", Kind::Malformed),
        ("1", Kind::Malformed),
        ("Patient/", Kind::Malformed),
        ("/Patient/1", Kind::Malformed),
        ("Patient/1/", Kind::Malformed),
        ("Patient/a b", Kind::Malformed),
        ("Patient/1/_history", Kind::Malformed),
        ("Patient/1/_history/2/3", Kind::Malformed),
    ] {
        assert_eq!(classify(text, Some(BASE)), kind, "{text}");
    }
    assert_eq!(
        classify("https://ehr.example/fhir/r4/ABC/Patient/1", None),
        Kind::External
    );
}

#[test]
fn attachments_are_found_and_extensions_are_not() {
    let line = br#"{"resourceType":"DocumentReference","extension":[{"url":"http://x/e","valueAttachment":{"url":"Binary/5"}}],
        "content":[{"extension":[{"url":"http://x/f"}],"attachment":{"extension":[{"url":"http://x/g"}],"url":"Binary\/1","size":3}},
        {"attachment":{"data":"aGk="}}],"presentedForm":[{"url":"Binary/2"},{"url":"Binary/3"}],
        "related":{"url":"http://x/h"}}"#;
    let urls: Vec<_> = attachment_urls(line).map(|found| found.text.into_owned()).collect();
    assert_eq!(urls, ["Binary/5", "Binary/1", "Binary/2", "Binary/3"]);
    let found = attachment_urls(line).nth(1).unwrap();
    assert_eq!(&line[found.range], br"Binary\/1");
    let media = br#"{"resourceType":"Media","content":{"url":"Binary/4"}}"#;
    assert_eq!(
        attachment_urls(media)
            .map(|found| found.text.into_owned())
            .collect::<Vec<_>>(),
        ["Binary/4"]
    );
}

#[test]
fn a_name_that_only_ends_in_reference_is_not_one() {
    let line = br#"{"x\"reference":"Patient/1","xreference":"Patient/2","references":"Patient/3"}"#;
    assert_eq!(references(line).count(), 0);
    assert_eq!(
        references(br#"["reference","Patient/1",{"reference":{"reference":7}}]"#).count(),
        0
    );
}
