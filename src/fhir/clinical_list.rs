//! The lists on which a patient's safety hangs, item by item: who the patient is, active allergies, current medications, the problem list.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::scan::scan;

/// A list of which each patient has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClinicalList {
    /// Name, birth date, sex, numbers, death.
    Identity,
    /// Allergies and intolerances that are active.
    Allergies,
    /// Medications that are taken.
    Medications,
    /// Problems that are active.
    Problems,
}

impl ClinicalList {
    /// All of them, in the order in which a chart is read.
    pub const ALL: [Self; 4] = [Self::Identity, Self::Allergies, Self::Medications, Self::Problems];

    /// The list on which records of a type are.
    pub fn of(resource_type: &str) -> Option<Self> {
        Some(match resource_type {
            "Patient" => Self::Identity,
            "AllergyIntolerance" => Self::Allergies,
            "MedicationRequest" | "MedicationStatement" => Self::Medications,
            "Condition" => Self::Problems,
            _ => return None,
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Allergies => "allergy list",
            Self::Medications => "medication list",
            Self::Problems => "problem list",
        }
    }

    fn item(self, standing: Standing) -> &'static str {
        match (self, standing) {
            (Self::Identity, _) => "a patient",
            (Self::Allergies, Standing::Current) => "an active allergy",
            (Self::Allergies, Standing::Past) => "an allergy that is over",
            (Self::Allergies, Standing::Struck) => "an allergy that was refuted or entered in error",
            (Self::Medications, Standing::Current) => "a current medication",
            (Self::Medications, Standing::Past) => "a medication that was stopped",
            (Self::Medications, Standing::Struck) => "a medication that was entered in error",
            (Self::Problems, Standing::Current) => "an active problem",
            (Self::Problems, Standing::Past) => "a resolved problem",
            (Self::Problems, Standing::Struck) => "a problem that was refuted or entered in error",
        }
    }

    fn arrived(self, standing: Standing) -> &'static str {
        match (self, standing) {
            (Self::Medications, Standing::Current) => "current",
            (_, Standing::Current) => "active",
            (Self::Medications, Standing::Past) => "stopped",
            (Self::Medications, Standing::Struck) => "entered in error",
            (_, Standing::Past) => "resolved",
            (_, Standing::Struck) => "refuted or entered in error",
        }
    }
}

/// How an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is on the list.
    Current,
    /// It was, and is over.
    Past,
    /// It never was so: refuted, or entered in error.
    Struck,
}

/// An item as one side has it. It says whose it is by id, and what it is by hashes only.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ListItem {
    /// The list.
    pub list: ClinicalList,
    /// Id of the patient, if it says whose it is.
    pub patient: Option<String>,
    /// How it stands.
    pub standing: Standing,
    /// Hashes of what it is about: of a patient one for each of name, birth date, sex, numbers and death, of everything else one.
    pub about: Vec<u64>,
}

/// What of an identity differs, by the place of its hash.
const IDENTITY: [&str; 5] = ["name", "birth date", "sex", "numbers", "death"];

impl fmt::Debug for ListItem {
    /// Without whose it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ListItem")
            .field(&self.list)
            .field(&self.standing)
            .finish()
    }
}

impl ListItem {
    /// Whether it is on the patient's list now.
    pub fn is_listed(&self) -> bool {
        self.standing == Standing::Current
    }
}

/// The item that a record is on its patient's list; `None` for records of which there is no list, and for what is no record.
pub fn list_item(record: &[u8]) -> Option<ListItem> {
    let scan = scan(record).ok()?;
    let list = ClinicalList::of(scan.resource_type)?;
    let tree: Value = serde_json::from_slice(record).ok()?;
    let patient = match list {
        ClinicalList::Identity => Some(scan.id),
        _ => scan.patient,
    };
    let (standing, about) = match list {
        ClinicalList::Identity => {
            let death = [&tree["deceasedBoolean"], &tree["deceasedDateTime"]]
                .map(Value::to_string)
                .concat();
            let parts = ["name", "birthDate", "gender", "identifier"].map(|name| hash(&tree[name].to_string()));
            (Standing::Current, [&parts[..], &[hash(&death)]].concat())
        }
        ClinicalList::Allergies => {
            let standing = if is_struck(&tree) {
                Standing::Struck
            } else if has_code(&tree["clinicalStatus"], &["inactive", "resolved"]) {
                Standing::Past
            } else {
                Standing::Current
            };
            (standing, vec![hash(&tree["code"].to_string())])
        }
        ClinicalList::Medications => {
            let standing = match tree["status"].as_str() {
                Some("entered-in-error") => Standing::Struck,
                Some("active" | "on-hold" | "intended" | "unknown") | None => Standing::Current,
                Some(_) => Standing::Past,
            };
            let what = [
                "medicationCodeableConcept",
                "medicationReference",
                "contained",
                "doNotPerform",
            ];
            (standing, vec![hash(&what.map(|name| tree[name].to_string()).concat())])
        }
        ClinicalList::Problems => {
            let over = [
                "abatementDateTime",
                "abatementPeriod",
                "abatementAge",
                "abatementRange",
                "abatementString",
            ];
            let standing = if is_struck(&tree) {
                Standing::Struck
            } else if has_code(&tree["clinicalStatus"], &["inactive", "remission", "resolved"])
                || (tree["clinicalStatus"].is_null() && over.iter().any(|name| !tree[*name].is_null()))
            {
                Standing::Past
            } else {
                Standing::Current
            };
            (standing, vec![hash(&tree["code"].to_string())])
        }
    };
    Some(ListItem {
        list,
        patient: patient.map(str::to_owned),
        standing,
        about,
    })
}

/// What became of an item, as a clinician says it and without saying what it is; `None` where no list changes by it.
pub fn list_change(source: Option<&ListItem>, target: Option<&ListItem>) -> Option<String> {
    let list = source.or(target)?.list;
    let (name, listed) = (list.name(), |item: &&ListItem| item.is_listed());
    if list == ClinicalList::Identity {
        return match (source, target) {
            (Some(_), None) => Some("a patient is missing".to_owned()),
            (None, _) => Some("there is a patient whom the source has not".to_owned()),
            (Some(source), Some(target)) => {
                let each = IDENTITY.iter().zip(source.about.iter().zip(&target.about));
                let differing: Vec<&str> = each.filter(|(_, (a, b))| a != b).map(|(name, _)| *name).collect();
                (!differing.is_empty())
                    .then(|| format!("the patient's {} came over otherwise", differing.join(" and ")))
            }
        };
    }
    match (source, target) {
        (Some(source), Some(target)) => {
            if !source.is_listed() && !target.is_listed() {
                return None;
            }
            let item = list.item(source.standing);
            let is = list.arrived(target.standing);
            if source.patient != target.patient {
                return Some(format!("{item} is on another patient's {name}"));
            }
            match (source.standing, target.standing) {
                (Standing::Current, Standing::Current) if source.about == target.about => None,
                (Standing::Current, Standing::Current) => Some(format!("{item} is on the {name} as something else")),
                (Standing::Current, _) => Some(format!("{item} has left the {name}: it arrived as {is}")),
                _ => Some(format!("{item} is back on the {name} as {is}")),
            }
        }
        (source, target) => {
            let gone = source
                .filter(listed)
                .map(|s| format!("{} is missing from the {name}", list.item(s.standing)));
            let come = target
                .filter(listed)
                .map(|t| format!("the {name} has {} that the source has not", list.item(t.standing)));
            gone.or(come)
        }
    }
}

/// The same of an item that the destination has once more than the source.
pub fn list_double(target: &ListItem) -> Option<String> {
    let (list, item) = (target.list, target.list.item(target.standing));
    target.is_listed().then(|| match list {
        ClinicalList::Identity => format!("{item} is there twice"),
        _ => format!("{item} is on the {} twice", list.name()),
    })
}

fn is_struck(record: &Value) -> bool {
    has_code(&record["verificationStatus"], &["refuted", "entered-in-error"])
}

fn has_code(concept: &Value, codes: &[&str]) -> bool {
    let codings = concept["coding"].as_array().map_or(&[][..], Vec::as_slice);
    let mut known = codings.iter().filter_map(|coding| coding["code"].as_str());
    known.any(|code| codes.contains(&code))
}

/// Only ever compared with hashes that the same verification made.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(source: Option<&str>, target: Option<&str>) -> Option<String> {
        let item = |record: &str| list_item(record.as_bytes());
        list_change(source.and_then(item).as_ref(), target.and_then(item).as_ref())
    }

    fn problem(status: &str, code: &str, patient: &str) -> String {
        format!(
            r#"{{"resourceType":"Condition","id":"c","clinicalStatus":{{"coding":[{{"code":"{status}"}}]}},
            "code":{{"text":"{code}"}},"subject":{{"reference":"Patient/{patient}"}}}}"#
        )
    }

    #[test]
    fn what_became_of_a_problem_is_said_in_a_clinicians_words() {
        let (active, resolved) = (problem("active", "Asthma", "p"), problem("resolved", "Asthma", "p"));
        let said = |source: &str, target: &str| changed(Some(source), Some(target)).unwrap_or_default();
        assert_eq!(
            said(&resolved, &active),
            "a resolved problem is back on the problem list as active"
        );
        assert_eq!(
            said(&active, &resolved),
            "an active problem has left the problem list: it arrived as resolved"
        );
        assert_eq!(
            said(&active, &problem("active", "COPD", "p")),
            "an active problem is on the problem list as something else"
        );
        assert_eq!(
            said(&active, &problem("active", "Asthma", "q")),
            "an active problem is on another patient's problem list"
        );
        assert_eq!(said(&resolved, &problem("resolved", "COPD", "p")), "");
        assert_eq!(
            changed(Some(&active), None).as_deref(),
            Some("an active problem is missing from the problem list")
        );
        assert_eq!(changed(Some(&resolved), None), None);
        assert_eq!(
            changed(None, Some(&active)).as_deref(),
            Some("the problem list has an active problem that the source has not")
        );
    }

    #[test]
    fn a_refuted_allergy_and_a_stopped_medication_come_back_too() {
        let allergy = |status: &str| {
            format!(
                r#"{{"resourceType":"AllergyIntolerance","id":"a","code":{{"text":"Penicillin"}},"patient":{{"reference":"Patient/p"}},
                "verificationStatus":{{"coding":[{{"code":"{status}"}}]}}}}"#
            )
        };
        assert_eq!(
            changed(Some(&allergy("refuted")), Some(&allergy("confirmed"))).as_deref(),
            Some("an allergy that was refuted or entered in error is back on the allergy list as active")
        );
        let taken = |status: &str| {
            format!(
                r#"{{"resourceType":"MedicationRequest","id":"m","status":"{status}","intent":"order",
                "medicationCodeableConcept":{{"text":"Lisinopril"}},"subject":{{"reference":"Patient/p"}}}}"#
            )
        };
        assert_eq!(
            changed(Some(&taken("stopped")), Some(&taken("active"))).as_deref(),
            Some("a medication that was stopped is back on the medication list as current")
        );
    }

    #[test]
    fn an_identity_is_told_part_by_part() {
        let patient = |name: &str, born: &str| {
            format!(r#"{{"resourceType":"Patient","id":"p","name":[{{"family":"{name}"}}],"birthDate":"{born}"}}"#)
        };
        let (ann, eve) = (patient("Ann", "1984-03-07"), patient("Eve", "1984-03"));
        assert_eq!(
            changed(Some(&ann), Some(&eve)).as_deref(),
            Some("the patient's name and birth date came over otherwise")
        );
        assert_eq!(changed(Some(&ann), Some(&ann)), None);
        assert_eq!(list_item(br#"{"resourceType":"Observation","id":"o"}"#), None);
    }
}
