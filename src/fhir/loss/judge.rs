//! Of which class a difference is: by where it stands, and by what stands there on both sides.

use serde_json::{Map, Value};

use super::class::LossClass;
use crate::fhir::reference::{Kind, classify};

/// A difference at an element.
pub(super) enum Difference<'v> {
    /// It is gone.
    Dropped(&'v Value),
    /// It was not received.
    Added,
    /// It says something else.
    Differs(&'v Value, &'v Value),
    /// It is a choice, and has another type.
    Coerced(&'v Value, &'v Value),
}

#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    pub resource_type: &'a str,
    pub leads: &'a dyn Fn(&str, &str) -> bool,
}

/// Elements that say in which state something is, or that turn what is said into its opposite.
const STATUS: [&str; 8] = [
    "status",
    "clinicalStatus",
    "verificationStatus",
    "docStatus",
    "statusReason",
    "intent",
    "doNotPerform",
    "active",
];
/// Elements of a Patient that say who it is.
const IDENTITY: [&str; 6] = [
    "name",
    "birthDate",
    "gender",
    "identifier",
    "deceasedBoolean",
    "deceasedDateTime",
];
/// Elements that are attachments, or hold one and nothing else that matters (R4).
const ATTACHMENTS: [&str; 7] = [
    "attachment",
    "content",
    "contentAttachment",
    "photo",
    "presentedForm",
    "sourceAttachment",
    "valueAttachment",
];

/// The class of an object that as a whole became something else: a coded element of which only text is left.
pub(super) fn whole(names: &[String], expected: &Value, given: &Value) -> Option<LossClass> {
    let flattened = has_codes(expected) && !has_codes(given) && given["text"].is_string();
    let status = names.first().is_some_and(|top| STATUS.contains(&top.as_str()));
    (flattened && !status).then_some(LossClass::CodeFlattened)
}

impl Judge<'_> {
    /// The class of a difference at the element to which `names` lead; `parents` are the objects that hold it.
    pub fn class(
        &self,
        names: &[String],
        difference: &Difference<'_>,
        parents: (&Map<String, Value>, &Map<String, Value>),
        relative: &dyn Fn(&str) -> String,
    ) -> LossClass {
        let last = names.last().map_or("", String::as_str);
        let top = names.first().map_or("", String::as_str);
        let is = |list: &[&str]| list.contains(&top);
        let under = |name: &str| names.iter().any(|n| n == name);
        if let Difference::Coerced(expected, given) = difference {
            return match given {
                Value::String(_) if has_codes(expected) || is_coding(expected) => LossClass::CodeFlattened,
                _ if self.resource_type == "Patient" && is(&IDENTITY) => LossClass::IdentityChanged,
                _ => LossClass::ChoiceTypeCoerced,
            };
        }
        if last == "reference" {
            return self.reference(difference, relative);
        }
        let in_extension = under("extension") || under("modifierExtension") || last.starts_with('_');
        if let Difference::Dropped(value) = difference {
            if refers(value) && !in_extension {
                return LossClass::ReferenceDropped;
            }
            if in_extension {
                return LossClass::ExtensionDropped;
            }
        }
        let quantity = |parent: &Map<String, Value>| parent.get("value").is_some_and(Value::is_number);
        let coding = |parent: &Map<String, Value>| !quantity(parent) && !parent.contains_key("value");
        // Within a code it is the system that tells what the code means, wherever the code stands.
        if last == "system" && coding(parents.0) && parents.0.contains_key("code") {
            return LossClass::CodeSystemChanged;
        }
        if self.resource_type == "Patient" && top == "link" && matches!(difference, Difference::Added) {
            return LossClass::MergedWithoutDecision;
        }
        if self.resource_type == "Patient" && is(&IDENTITY) && !in_extension {
            return LossClass::IdentityChanged;
        }
        if is(&STATUS) {
            return LossClass::StatusChanged;
        }
        if under("severity") || top == "criticality" {
            return LossClass::SeverityChanged;
        }
        if under("referenceRange") {
            return LossClass::ReferenceRangeChanged;
        }
        if quantity(parents.0) && ["unit", "code", "system"].contains(&last) {
            return LossClass::UnitChanged;
        }
        if self.is_attachment(names) {
            return match difference {
                Difference::Dropped(_)
                    if !["size", "hash", "contentType", "title", "creation", "language"].contains(&last) =>
                {
                    LossClass::AttachmentMissing
                }
                _ => LossClass::AttachmentAltered,
            };
        }
        if top == "category" && !matches!(difference, Difference::Dropped(_)) {
            return LossClass::CategoryChanged;
        }
        match (last, difference) {
            ("coding", Difference::Dropped(_)) => return LossClass::CodeFlattened,
            ("code", Difference::Dropped(_)) if coding(parents.0) && under("coding") => {
                return LossClass::CodeFlattened;
            }
            ("code", Difference::Differs(Value::String(_), _)) if !in_extension => return LossClass::CodeChanged,
            (_, Difference::Differs(expected, Value::String(_))) if has_codes(expected) => {
                return LossClass::CodeFlattened;
            }
            _ => {}
        }
        if top == "category" {
            return LossClass::CategoryChanged;
        }
        if top.starts_with("onset") {
            return LossClass::OnsetChanged;
        }
        if top.starts_with("abatement") {
            return LossClass::AbatementChanged;
        }
        match difference {
            Difference::Dropped(_) => LossClass::ElementDropped,
            Difference::Added => LossClass::ElementAdded,
            Difference::Differs(expected, given) if is_less_precise(expected, given) => LossClass::PrecisionLost,
            Difference::Differs(..) | Difference::Coerced(..) => LossClass::ValueChanged,
        }
    }

    fn is_attachment(&self, names: &[String]) -> bool {
        if self.resource_type == "Binary" {
            return names.len() == 1 && ["data", "contentType"].contains(&names[0].as_str());
        }
        let place = names.iter().position(|name| ATTACHMENTS.contains(&name.as_str()));
        place.is_some_and(|at| at + 3 >= names.len())
    }

    fn reference(&self, difference: &Difference<'_>, relative: &dyn Fn(&str) -> String) -> LossClass {
        let (expected, given) = match difference {
            Difference::Dropped(_) => return LossClass::ReferenceDropped,
            Difference::Added => return LossClass::ElementAdded,
            Difference::Differs(expected, given) | Difference::Coerced(expected, given) => (expected, given),
        };
        let (Some(expected), Some(given)) = (expected.as_str(), given.as_str()) else {
            return LossClass::ReferenceDropped;
        };
        let (expected, given) = (relative(expected), relative(given));
        match (classify(&expected, None), classify(&given, None)) {
            (_, Kind::Local { resource_type, id, .. }) if !(self.leads)(resource_type, id) => {
                LossClass::ReferenceToNothing
            }
            (
                Kind::Local {
                    resource_type: "Patient",
                    ..
                },
                Kind::Local {
                    resource_type: "Patient",
                    ..
                },
            ) => LossClass::ReferenceToAnotherPatient,
            (_, Kind::Local { .. } | Kind::Contained) => LossClass::ReferenceChanged,
            _ => LossClass::ReferenceToNothing,
        }
    }
}

/// Whether a value is a reference, or a list of some.
fn refers(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(refers),
        value => value["reference"].is_string(),
    }
}

/// Whether a value is a coding; the code of a quantity is its unit.
fn is_coding(value: &Value) -> bool {
    value["code"].is_string() && value["value"].is_null()
}

fn has_codes(value: &Value) -> bool {
    let coded = |coding: &Value| coding["code"].is_string();
    value["coding"]
        .as_array()
        .is_some_and(|codings| codings.iter().any(coded))
}

/// Whether a value is the other one cut off or rounded.
fn is_less_precise(expected: &Value, given: &Value) -> bool {
    match (expected, given) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.to_string(), b.to_string());
            let decimals = |text: &str| text.split_once('.').map_or(0, |(_, digits)| digits.len());
            let (Ok(exact), Ok(rough)) = (a.parse::<f64>(), b.parse::<f64>()) else {
                return false;
            };
            // Half a unit of the last place that is left, and as much again for what a binary fraction cannot say.
            let places = i32::try_from(decimals(&b)).unwrap_or(i32::MAX);
            decimals(&b) < decimals(&a) && (exact - rough).abs() <= 0.500_001 * 10_f64.powi(-places)
                || (decimals(&b) >= decimals(&a) && (exact - rough).abs() <= f64::EPSILON * exact.abs())
        }
        (Value::String(a), Value::String(b)) => {
            let digits = |text: &str| text.len() >= 4 && text.as_bytes()[..4].iter().all(u8::is_ascii_digit);
            let date = |text: &str| digits(text) && (text.len() == 4 || text.as_bytes().get(4) == Some(&b'-'));
            // A time without its fraction, its seconds, its zone or its day.
            let bare = b.trim_end_matches('Z');
            date(a) && date(b) && b.len() < a.len() && a.starts_with(bare)
        }
        _ => false,
    }
}
