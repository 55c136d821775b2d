//! Ways in which a migration loses data, as changes of a record at the destination.

use std::collections::BTreeMap;

use cutover::fhir::LossClass::{self, *};
use serde_json::{Value, json};

/// What other records there are.
pub struct Others<'a> {
    pub records: &'a BTreeMap<String, Vec<(String, Vec<u8>)>>,
}

impl Others<'_> {
    /// A reference to another record of the type than the one referred to by `reference`.
    fn than(&self, resource_type: &str, reference: &Value) -> Value {
        let own = reference.as_str().unwrap_or_default();
        let other = self.records[resource_type]
            .iter()
            .find(|(id, _)| !own.ends_with(id.as_str()));
        json!(format!("{resource_type}/{}", other.unwrap().0))
    }
}

/// What is done.
#[derive(Clone, Copy)]
pub enum How {
    /// The record says something else; false where it has nothing of the kind.
    Edit(fn(&mut Value, &Others<'_>) -> bool),
    /// Half of its bytes are gone.
    CutOff,
    /// It is gone.
    Remove,
    /// Another record is in its place.
    Swap,
    /// It is there twice.
    Double,
    /// There is one of which nothing was received.
    Invent,
    /// It has become one with another.
    Merge,
}

impl How {
    pub fn doubles(self) -> bool {
        matches!(self, Self::Double)
    }
}

pub struct Mutation {
    pub name: &'static str,
    pub resource_type: &'static str,
    /// As what it must be reported.
    pub class: LossClass,
    pub how: How,
}

const fn edit(
    class: LossClass,
    resource_type: &'static str,
    name: &'static str,
    edit: fn(&mut Value, &Others<'_>) -> bool,
) -> Mutation {
    Mutation {
        name,
        resource_type,
        class,
        how: How::Edit(edit),
    }
}

const fn whole(class: LossClass, resource_type: &'static str, name: &'static str, how: How) -> Mutation {
    Mutation {
        name,
        resource_type,
        class,
        how,
    }
}

fn at<'v>(record: &'v mut Value, pointer: &str) -> Option<&'v mut Value> {
    record.pointer_mut(pointer)
}

/// Takes away what the pointer leads to.
fn drop_at(record: &mut Value, pointer: &str) -> bool {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    match at(record, parent) {
        Some(Value::Object(members)) => members.remove(last).is_some(),
        Some(Value::Array(items)) => {
            let place: usize = last.parse().unwrap();
            place < items.len() && items.remove(place) != Value::Null
        }
        _ => false,
    }
}

/// Puts another value where there is one.
fn set(record: &mut Value, pointer: &str, value: Value) -> bool {
    at(record, pointer).map(|there| *there = value).is_some()
}

/// Puts a value where that one is.
fn turn(record: &mut Value, pointer: &str, from: &str, to: &str) -> bool {
    let there = at(record, pointer).filter(|there| *there == from);
    there.map(|there| *there = json!(to)).is_some()
}

/// Gives an element another name and value.
fn coerce(record: &mut Value, from: &str, to: &str, value: fn(&Value) -> Value) -> bool {
    let members = record.as_object_mut().unwrap();
    let Some(there) = members.remove(from) else {
        return false;
    };
    members.insert(to.to_owned(), value(&there));
    true
}

/// Keeps of a record only whose it is and how it reads.
fn narrative(record: &mut Value) -> bool {
    let kept = ["resourceType", "id", "meta", "subject", "status"];
    record
        .as_object_mut()
        .unwrap()
        .retain(|name, _| kept.contains(&name.as_str()));
    record["text"] =
        json!({"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">As it was</div>"});
    true
}

fn text_of(value: &Value) -> Value {
    json!(value["text"].as_str().unwrap_or("as it was"))
}

/// Drops the last digit behind the point where there are some.
fn rounded(value: &mut Value) -> bool {
    let text = value.to_string();
    let Some((_, digits)) = text.split_once('.') else {
        return false;
    };
    if !digits.ends_with('0') {
        return false;
    }
    let short = text.trim_end_matches('0').trim_end_matches('.');
    *value = serde_json::from_str(short).unwrap();
    true
}

pub const MUTATIONS: &[Mutation] = &[
    edit(CodeFlattened, "Condition", "the code becomes text", |r, _| {
        drop_at(r, "/code/coding")
    }),
    edit(CodeFlattened, "Condition", "one of two codes is dropped", |r, _| {
        drop_at(r, "/code/coding/1")
    }),
    edit(CodeFlattened, "Observation", "the code becomes text", |r, _| {
        drop_at(r, "/code/coding")
    }),
    edit(
        CodeFlattened,
        "MedicationStatement",
        "the medication becomes text",
        |r, _| drop_at(r, "/medicationCodeableConcept/coding"),
    ),
    edit(
        CodeFlattened,
        "AllergyIntolerance",
        "the reaction becomes text",
        |r, _| drop_at(r, "/reaction/0/manifestation/0/coding"),
    ),
    edit(
        CodeFlattened,
        "Procedure",
        "the code itself is dropped, system and display stay",
        |r, _| drop_at(r, "/code/coding/0/code"),
    ),
    edit(CodeFlattened, "Procedure", "the code becomes a bare string", |r, _| {
        let text = text_of(&r["code"]);
        set(r, "/code", text)
    }),
    edit(NarrativeOnly, "Condition", "only the narrative is left", |r, _| {
        narrative(r)
    }),
    edit(NarrativeOnly, "Procedure", "only the narrative is left", |r, _| {
        narrative(r)
    }),
    edit(
        CodeSystemChanged,
        "Observation",
        "the code's system is dropped",
        |r, _| drop_at(r, "/code/coding/0/system"),
    ),
    edit(
        CodeSystemChanged,
        "Condition",
        "the code's system is another one",
        |r, _| set(r, "/code/coding/0/system", json!("urn:oid:2.16.840.1.113883.6.96")),
    ),
    edit(
        CodeSystemChanged,
        "MedicationStatement",
        "the medication's code is said to be another system's",
        |r, _| {
            set(
                r,
                "/medicationCodeableConcept/coding/0/system",
                json!("http://hl7.org/fhir/sid/ndc"),
            )
        },
    ),
    edit(
        CodeChanged,
        "Immunization",
        "another code under the same name",
        |r, _| set(r, "/vaccineCode/coding/0/code", json!("999")),
    ),
    edit(CodeChanged, "Encounter", "the class is another one", |r, _| {
        set(r, "/class/code", json!("IMP"))
    }),
    edit(
        StatusChanged,
        "AllergyIntolerance",
        "what was refuted is confirmed",
        |r, _| turn(r, "/verificationStatus/coding/0/code", "refuted", "confirmed"),
    ),
    edit(
        StatusChanged,
        "AllergyIntolerance",
        "what was entered in error says so no more",
        |r, _| {
            let error = r["verificationStatus"]["coding"][0]["code"] == "entered-in-error";
            error && drop_at(r, "/verificationStatus")
        },
    ),
    edit(
        StatusChanged,
        "AllergyIntolerance",
        "what was active is over",
        |r, _| turn(r, "/clinicalStatus/coding/0/code", "active", "resolved"),
    ),
    edit(
        StatusChanged,
        "Condition",
        "a resolved problem is active again",
        |r, _| turn(r, "/clinicalStatus/coding/0/code", "resolved", "active"),
    ),
    edit(
        StatusChanged,
        "MedicationRequest",
        "a medication that was given up is active",
        |r, _| turn(r, "/status", "completed", "active"),
    ),
    edit(StatusChanged, "Observation", "a final result is preliminary", |r, _| {
        turn(r, "/status", "final", "preliminary")
    }),
    edit(
        SeverityChanged,
        "AllergyIntolerance",
        "criticality is dropped",
        |r, _| drop_at(r, "/criticality"),
    ),
    edit(SeverityChanged, "AllergyIntolerance", "a reaction is milder", |r, _| {
        turn(r, "/reaction/0/severity", "severe", "mild")
    }),
    edit(CategoryChanged, "Condition", "the category is another one", |r, _| {
        set(r, "/category/0/coding/0/code", json!("health-concern"))
    }),
    edit(AbatementChanged, "Condition", "it does not end", |r, _| {
        drop_at(r, "/abatementDateTime")
    }),
    edit(OnsetChanged, "Condition", "it begins at another time", |r, _| {
        set(r, "/onsetDateTime", json!("1999-01-01"))
    }),
    edit(ChoiceTypeCoerced, "Condition", "the onset becomes text", |r, _| {
        coerce(r, "onsetDateTime", "onsetString", Value::clone)
    }),
    edit(ChoiceTypeCoerced, "Observation", "a time becomes a period", |r, _| {
        coerce(r, "effectiveDateTime", "effectivePeriod", |time| json!({"start": time}))
    }),
    edit(ChoiceTypeCoerced, "Observation", "a quantity becomes text", |r, _| {
        coerce(r, "valueQuantity", "valueString", |quantity| {
            json!(format!("{} {}", quantity["value"], quantity["unit"]))
        })
    }),
    edit(AttachmentMissing, "Binary", "the bytes are gone", |r, _| {
        drop_at(r, "/data")
    }),
    edit(AttachmentAltered, "Binary", "the bytes are others", |r, _| {
        set(r, "/data", json!("AAAA"))
    }),
    edit(AttachmentAltered, "Binary", "the media type is another one", |r, _| {
        set(r, "/contentType", json!("application/octet-stream"))
    }),
    edit(AttachmentMissing, "DocumentReference", "the address is gone", |r, _| {
        drop_at(r, "/content/0/attachment/url")
    }),
    edit(
        AttachmentMissing,
        "DocumentReference",
        "the bytes inside are gone",
        |r, _| drop_at(r, "/content/0/attachment/data"),
    ),
    edit(
        AttachmentAltered,
        "DocumentReference",
        "the address is one that expires",
        |r, _| {
            set(
                r,
                "/content/0/attachment/url",
                json!("https://ehr.example/files/1?expires=1700000000"),
            )
        },
    ),
    edit(
        ReferenceToAnotherPatient,
        "Observation",
        "the result is another patient's",
        |r, o| {
            let other = o.than("Patient", &r["subject"]["reference"]);
            set(r, "/subject/reference", other)
        },
    ),
    edit(
        ReferenceToAnotherPatient,
        "DocumentReference",
        "the document is another patient's",
        |r, o| {
            let other = o.than("Patient", &r["subject"]["reference"]);
            set(r, "/subject/reference", other)
        },
    ),
    edit(
        ReferenceToAnotherPatient,
        "AllergyIntolerance",
        "the allergy is another patient's",
        |r, o| {
            let other = o.than("Patient", &r["patient"]["reference"]);
            set(r, "/patient/reference", other)
        },
    ),
    edit(
        ReferenceToNothing,
        "Immunization",
        "the patient is one who is not there",
        |r, _| set(r, "/patient/reference", json!("Patient/nobody")),
    ),
    edit(
        ReferenceToNothing,
        "Procedure",
        "the encounter is on a server that is to be switched off",
        |r, _| set(r, "/encounter/reference", json!("https://old.example/fhir/Encounter/1")),
    ),
    edit(
        ReferenceChanged,
        "Observation",
        "the result is another visit's",
        |r, o| {
            let other = o.than("Encounter", &r["encounter"]["reference"]);
            set(r, "/encounter/reference", other)
        },
    ),
    edit(ReferenceDropped, "Condition", "the visit is dropped", |r, _| {
        drop_at(r, "/encounter")
    }),
    edit(ReferenceDropped, "Observation", "the performers are dropped", |r, _| {
        drop_at(r, "/performer")
    }),
    edit(
        ReferenceDropped,
        "CareTeam",
        "of a member only the name is left",
        |r, _| drop_at(r, "/participant/0/member/reference"),
    ),
    edit(
        ReferenceDropped,
        "DiagnosticReport",
        "one of the results is dropped",
        |r, _| drop_at(r, "/result/0"),
    ),
    edit(ReferenceDropped, "Provenance", "who it was is dropped", |r, _| {
        drop_at(r, "/agent/0/who")
    }),
    edit(
        PrecisionLost,
        "Observation",
        "a zero behind the point is dropped",
        |r, _| at(r, "/valueQuantity/value").is_some_and(rounded),
    ),
    edit(PrecisionLost, "Encounter", "of a time only the day is left", |r, _| {
        at(r, "/period/start").is_some_and(|start| {
            *start = json!(start.as_str().unwrap()[..10]);
            true
        })
    }),
    edit(UnitChanged, "Observation", "the unit is dropped", |r, _| {
        drop_at(r, "/valueQuantity/unit")
    }),
    edit(UnitChanged, "Observation", "the unit is another one", |r, _| {
        set(r, "/valueQuantity/code", json!("mol/L"))
    }),
    edit(
        UnitChanged,
        "MedicationStatement",
        "the unit of a dose is another one",
        |r, _| set(r, "/dosage/0/doseAndRate/0/doseQuantity/unit", json!("mL")),
    ),
    edit(
        ReferenceRangeChanged,
        "Observation",
        "the reference range is dropped",
        |r, _| drop_at(r, "/referenceRange"),
    ),
    edit(
        ReferenceRangeChanged,
        "Observation",
        "the reference range is another one",
        |r, _| set(r, "/referenceRange/0/low/value", json!(1)),
    ),
    edit(ExtensionDropped, "Patient", "race is dropped", |r, _| {
        drop_at(r, "/extension/0")
    }),
    edit(
        ExtensionDropped,
        "Patient",
        "a part of an extension is dropped",
        |r, _| drop_at(r, "/extension/0/extension/0"),
    ),
    edit(
        ElementDropped,
        "Observation",
        "the interpretation is dropped",
        |r, _| drop_at(r, "/interpretation"),
    ),
    edit(ElementDropped, "Immunization", "the lot number is dropped", |r, _| {
        drop_at(r, "/lotNumber")
    }),
    edit(ElementDropped, "Patient", "a telephone number is dropped", |r, _| {
        drop_at(r, "/telecom/0")
    }),
    edit(ElementDropped, "MedicationRequest", "the dosage is dropped", |r, _| {
        drop_at(r, "/dosageInstruction")
    }),
    edit(ValueChanged, "Condition", "the narrative is another one", |r, _| {
        set(r, "/text/div", json!("<div/>"))
    }),
    edit(
        ValueChanged,
        "Procedure",
        "the display of a code is another one",
        |r, _| set(r, "/code/coding/0/display", json!("Something else")),
    ),
    edit(ElementAdded, "Observation", "a note is added", |r, _| {
        r["note"].is_null() && {
            r["note"] = json!([{"text": "not from the source"}]);
            true
        }
    }),
    edit(OrderChanged, "Condition", "the second code is the first", |r, _| {
        let codes = at(r, "/code/coding").and_then(Value::as_array_mut);
        codes
            .filter(|codes| codes.len() > 1)
            .map(|codes| codes.swap(0, 1))
            .is_some()
    }),
    edit(Duplicated, "Patient", "a telephone number is there twice", |r, _| {
        let items = at(r, "/telecom").and_then(Value::as_array_mut);
        items.map(|items| items.push(items[0].clone())).is_some()
    }),
    edit(IdentityChanged, "Patient", "the birth date is another one", |r, _| {
        set(r, "/birthDate", json!("1900-01-01"))
    }),
    edit(IdentityChanged, "Patient", "the family name is another one", |r, _| {
        set(r, "/name/0/family", json!("Nobody"))
    }),
    edit(IdentityChanged, "Patient", "the number is another one", |r, _| {
        set(r, "/identifier/0/value", json!("0"))
    }),
    edit(IdentityChanged, "Patient", "the sex is dropped", |r, _| {
        drop_at(r, "/gender")
    }),
    edit(
        MergedWithoutDecision,
        "Patient",
        "it says that it replaces another",
        |r, o| {
            let other = o.than("Patient", &r["id"]);
            r["link"].is_null() && {
                r["link"] = json!([{"other": {"reference": other}, "type": "replaces"}]);
                true
            }
        },
    ),
    whole(MergedWithoutDecision, "Patient", "two are made one", How::Merge),
    whole(Missing, "Condition", "it is gone", How::Remove),
    whole(Missing, "Observation", "it is gone", How::Remove),
    whole(Duplicated, "MedicationRequest", "it is there twice", How::Double),
    whole(Extra, "Observation", "there is one that nobody sent", How::Invent),
    whole(MixedUp, "Observation", "another one is in its place", How::Swap),
    whole(Unreadable, "Observation", "half of its bytes are gone", How::CutOff),
];
