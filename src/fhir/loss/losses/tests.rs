use proptest::prelude::*;
use serde_json::json;

use super::*;
use LossClass::*;

const BASE: Option<&str> = Some("https://ehr.example/fhir");

/// What is told of `expected` where the destination gives `given`; it has every record but those whose id begins with `no`.
fn told(expected: &Value, given: &Value) -> Vec<(LossClass, String)> {
    let leads = |_: &str, id: &str| !id.starts_with("no");
    let found = losses(
        expected.to_string().as_bytes(),
        given.to_string().as_bytes(),
        BASE,
        &leads,
    );
    found.into_iter().map(|loss| (loss.class, loss.element)).collect()
}

/// The one difference that is told of a record after `change`.
fn one(record: &Value, change: impl FnOnce(&mut Value)) -> (LossClass, String) {
    let mut changed = record.clone();
    change(&mut changed);
    let mut found = told(record, &changed);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn remove(value: &mut Value, name: &str) {
    value.as_object_mut().unwrap().remove(name).unwrap();
}

fn problem() -> Value {
    json!({"resourceType": "Condition", "id": "c", "meta": {"lastUpdated": "2024-01-01T00:00:00Z"},
        "clinicalStatus": {"coding": [{"system": "http://cs", "code": "resolved"}]},
        "verificationStatus": {"coding": [{"system": "http://vs", "code": "confirmed"}]},
        "category": [{"coding": [{"system": "http://cat", "code": "problem-list-item"}]}],
        "severity": {"coding": [{"system": "http://snomed.info/sct", "code": "24484000"}]},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "195967001", "display": "Asthma"},
            {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "J45"}], "text": "Asthma"},
        "subject": {"reference": "Patient/p", "display": "Ann"}, "encounter": {"reference": "Encounter/e"},
        "onsetDateTime": "2009-03-04", "abatementDateTime": "2019-05-06T10:00:00Z",
        "extension": [{"url": "http://x/a", "valueString": "a"}, {"url": "http://x/b", "valueCode": "b"}]})
}

fn result() -> Value {
    serde_json::from_str(
        r#"{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2345-7"}]},
        "valueQuantity":{"value":1.10,"unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"},
        "interpretation":[{"coding":[{"code":"H"}]}],
        "referenceRange":[{"low":{"value":70,"unit":"mg/dL"},"text":"70 to 99"}],
        "performer":[{"reference":"Practitioner/d"},{"reference":"Practitioner/f"}],
        "component":[{"code":{"text":"a"},"valueCodeableConcept":{"coding":[{"system":"s","code":"x"}],"text":"X"}}]}"#,
    )
    .unwrap()
}

#[test]
fn codes_that_become_text_and_systems_that_change_are_told_apart() {
    let record = problem();
    assert_eq!(
        one(&record, |r| remove(&mut r["code"], "coding")),
        (CodeFlattened, "code".into())
    );
    assert_eq!(
        one(&record, |r| drop(r["code"]["coding"].as_array_mut().unwrap().pop())),
        (CodeFlattened, "code.coding[1]".into())
    );
    assert_eq!(
        one(&record, |r| remove(&mut r["code"]["coding"][0], "code")).0,
        CodeFlattened
    );
    assert_eq!(
        one(&record, |r| remove(&mut r["code"]["coding"][0], "system")),
        (CodeSystemChanged, "code.coding[0].system".into())
    );
    assert_eq!(
        one(&record, |r| r["code"]["coding"][1]["system"] = json!("urn:local")).0,
        CodeSystemChanged
    );
    assert_eq!(
        one(&record, |r| r["code"]["coding"][0]["code"] = json!("1")).0,
        CodeChanged
    );
    assert_eq!(
        one(&record, |r| r["code"]["coding"][0]["display"] = json!("?")).0,
        ValueChanged
    );
    let value = "component[0].valueCodeableConcept".to_owned();
    let flatten = |r: &mut Value| {
        remove(&mut r["component"][0], "valueCodeableConcept");
        r["component"][0]["valueString"] = json!("X");
    };
    assert_eq!(one(&result(), flatten), (CodeFlattened, value));
}

#[test]
fn status_severity_category_and_times_each_have_their_class() {
    let record = problem();
    let status = |r: &mut Value| r["clinicalStatus"]["coding"][0]["code"] = json!("active");
    assert_eq!(
        one(&record, status),
        (StatusChanged, "clinicalStatus.coding[0].code".into())
    );
    assert_eq!(one(&record, |r| remove(r, "verificationStatus")).0, StatusChanged);
    assert_eq!(one(&record, |r| remove(r, "severity")).0, SeverityChanged);
    assert_eq!(
        one(&record, |r| r["category"][0]["coding"][0]["code"] =
            json!("encounter-diagnosis"))
        .0,
        CategoryChanged
    );
    assert_eq!(one(&record, |r| remove(r, "category")).0, CategoryChanged);
    assert_eq!(one(&record, |r| remove(r, "abatementDateTime")).0, AbatementChanged);
    assert_eq!(one(&record, |r| r["onsetDateTime"] = json!("2009")).0, OnsetChanged);
    let coerce = |r: &mut Value| {
        remove(r, "abatementDateTime");
        r["abatementString"] = json!("2019");
    };
    assert_eq!(one(&record, coerce), (ChoiceTypeCoerced, "abatementDateTime".into()));
    assert_eq!(one(&result(), |r| r["status"] = json!("preliminary")).0, StatusChanged);
}

#[test]
fn digits_units_and_ranges_are_parts_of_a_result() {
    let record = result();
    let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(
        one(&record, |r| r["valueQuantity"]["value"] = number("1.1")),
        (PrecisionLost, "valueQuantity.value".into())
    );
    assert_eq!(
        one(&record, |r| r["valueQuantity"]["value"] = number("1")).0,
        PrecisionLost
    );
    assert_eq!(
        one(&record, |r| r["valueQuantity"]["value"] = number("11.0")).0,
        ValueChanged
    );
    assert_eq!(one(&record, |r| remove(&mut r["valueQuantity"], "unit")).0, UnitChanged);
    assert_eq!(
        one(&record, |r| r["valueQuantity"]["code"] = json!("g/L")).0,
        UnitChanged
    );
    assert_eq!(one(&record, |r| remove(r, "referenceRange")).0, ReferenceRangeChanged);
    assert_eq!(
        one(&record, |r| r["referenceRange"][0]["low"]["value"] = json!(7)).0,
        ReferenceRangeChanged
    );
    let as_text = |r: &mut Value| {
        remove(r, "valueQuantity");
        r["valueString"] = json!("1.10 mg/dL");
    };
    assert_eq!(one(&record, as_text).0, ChoiceTypeCoerced);
    assert_eq!(
        one(&problem(), |r| r["abatementDateTime"] = json!("2019-05-06")).0,
        AbatementChanged
    );
}

#[test]
fn references_are_told_by_where_they_lead() {
    let record = problem();
    let subject = "subject.reference".to_owned();
    assert_eq!(
        one(&record, |r| r["subject"]["reference"] = json!("Patient/q")),
        (ReferenceToAnotherPatient, subject.clone())
    );
    assert_eq!(
        one(&record, |r| r["subject"]["reference"] = json!("Patient/no")),
        (ReferenceToNothing, subject.clone())
    );
    assert_eq!(
        one(&record, |r| remove(&mut r["subject"], "reference")),
        (ReferenceDropped, subject)
    );
    assert_eq!(one(&record, |r| remove(r, "encounter")).0, ReferenceDropped);
    assert_eq!(
        one(&record, |r| r["encounter"]["reference"] = json!("Encounter/f")).0,
        ReferenceChanged
    );
    assert_eq!(
        one(&record, |r| r["encounter"]["reference"] = json!("")).0,
        ReferenceToNothing
    );
    let drop_one = |r: &mut Value| drop(r["performer"].as_array_mut().unwrap().remove(0));
    assert_eq!(one(&result(), drop_one), (ReferenceDropped, "performer[0]".into()));
    let absolute = |r: &mut Value| r["subject"]["reference"] = json!("https://ehr.example/fhir/Patient/p");
    let mut same = record.clone();
    absolute(&mut same);
    assert_eq!(told(&record, &same), []);
}

#[test]
fn attachments_extensions_and_elements_are_missed() {
    let document = json!({"resourceType": "DocumentReference", "id": "d", "content": [{"attachment":
        {"contentType": "application/pdf", "url": "Binary/b", "size": 120, "hash": "aGFzaA=="}}]});
    let at = |r: &mut Value, name: &str| remove(&mut r["content"][0]["attachment"], name);
    assert_eq!(one(&document, |r| at(r, "url")).0, AttachmentMissing);
    assert_eq!(one(&document, |r| remove(r, "content")).0, AttachmentMissing);
    assert_eq!(one(&document, |r| at(r, "hash")).0, AttachmentAltered);
    assert_eq!(
        one(&document, |r| r["content"][0]["attachment"]["size"] = json!(9)).0,
        AttachmentAltered
    );
    let bytes = json!({"resourceType": "Binary", "id": "b", "contentType": "text/plain", "data": "YQ=="});
    assert_eq!(one(&bytes, |r| remove(r, "data")).0, AttachmentMissing);
    assert_eq!(one(&bytes, |r| r["data"] = json!("Yg==")).0, AttachmentAltered);
    let record = problem();
    let drop_one = |r: &mut Value| drop(r["extension"].as_array_mut().unwrap().remove(0));
    assert_eq!(one(&record, drop_one), (ExtensionDropped, "extension[0]".into()));
    assert_eq!(one(&record, |r| r["note"] = json!([{"text": "x"}])).0, ElementAdded);
    assert_eq!(one(&result(), |r| remove(r, "interpretation")).0, ElementDropped);
    let swap = |r: &mut Value| r["code"]["coding"].as_array_mut().unwrap().swap(0, 1);
    assert_eq!(one(&record, swap), (OrderChanged, "code.coding".into()));
}

#[test]
fn people_are_not_to_become_others() {
    let patient = json!({"resourceType": "Patient", "id": "p", "identifier": [{"system": "urn:mrn", "value": "1"}],
        "name": [{"family": "Mori"}], "birthDate": "1984-03-07", "deceasedBoolean": false, "telecom": [{"value": "1"}]});
    for name in ["identifier", "name", "birthDate", "deceasedBoolean"] {
        assert_eq!(one(&patient, |r| remove(r, name)), (IdentityChanged, name.into()));
    }
    assert_eq!(one(&patient, |r| remove(r, "telecom")).0, ElementDropped);
    let link = json!([{"other": {"reference": "Patient/q"}, "type": "replaces"}]);
    assert_eq!(one(&patient, |r| r["link"] = link).0, MergedWithoutDecision);
}

#[test]
fn whole_records_can_be_gone_too() {
    let record = problem();
    let narrative = json!({"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}, "text": {"div": "<div>Asthma</div>"}});
    assert_eq!(told(&record, &narrative), [(NarrativeOnly, String::new())]);
    assert_eq!(one(&record, |r| r["id"] = json!("d")).0, MixedUp);
    let found = losses(record.to_string().as_bytes(), b"{\"resourceType\":", BASE, &|_, _| true);
    assert_eq!(found[0].class, Unreadable);
}

#[test]
fn what_a_server_manages_is_no_difference_and_nested_ids_are() {
    let record = problem();
    let mut given = record.clone();
    given["meta"] = json!({"versionId": "3", "lastUpdated": "2025-01-01T00:00:00Z", "source": "#x",
        "tag": [{"system": "https://cutover.dev/fhir/tenant", "code": "t"}]});
    assert_eq!(told(&record, &given), []);
    remove(&mut given, "meta");
    assert_eq!(told(&record, &given), []);
    let contained = json!({"resourceType": "Basic", "id": "x", "contained": [{"resourceType": "Basic", "id": "1"}]});
    assert_eq!(
        one(&contained, |r| r["contained"][0]["id"] = json!("2")),
        (ValueChanged, "contained[0].id".into())
    );
}

proptest! {
    /// Whatever is taken away, wherever, is told, and nothing is told of a record that is as it was.
    #[test]
    fn nothing_is_lost_silently(which in any::<prop::sample::Index>(), result_too in any::<bool>()) {
        let record = if result_too { result() } else { problem() };
        let mut places = Vec::new();
        collect(&record, &mut Vec::new(), &mut places);
        let place = &places[which.index(places.len())];
        let mut given = record.clone();
        let (last, path) = place.split_last().unwrap();
        let parent = path.iter().fold(&mut given, |at, step| match step.parse::<usize>() {
            Ok(number) => &mut at[number],
            Err(_) => &mut at[step.as_str()],
        });
        match (parent, last.parse::<usize>()) {
            (Value::Array(list), Ok(number)) => drop(list.remove(number)),
            (parent, _) => remove(parent, last),
        }
        prop_assert_eq!(told(&record, &record), []);
        let found = told(&record, &given);
        let managed = place[0] == "meta";
        prop_assert_eq!(found.is_empty(), managed, "{:?}", place);
    }
}

/// Paths to everything in a record but type and id.
fn collect(value: &Value, at: &mut Vec<String>, into: &mut Vec<Vec<String>>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, value)| (at.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (name, child) in children {
        if at.is_empty() && ["resourceType", "id"].contains(&name.as_str()) {
            continue;
        }
        at.push(name);
        into.push(at.clone());
        collect(child, at, into);
        at.pop();
    }
}
