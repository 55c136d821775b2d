//! What a Patient says about who it is, as written.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::{contact, number};

/// What a Patient says about who it is. Its `Debug` prints counts only, for all of it is PHI.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// Medical record numbers, as system and value: identifiers of type `MR` that have both. A number says nothing
    /// outside its system.
    pub mrns: Vec<(String, String)>,
    /// Social security numbers, nine digits; never one that nobody has.
    pub ssns: Vec<String>,
    /// Names, current and former.
    pub names: Vec<PersonName>,
    /// `birthDate`: a year, a month or a day.
    pub birth_date: Option<String>,
    /// `multipleBirthInteger`: which of twins or triplets.
    pub birth_order: Option<u64>,
    /// `gender`.
    pub gender: Option<String>,
    /// Telephone numbers in E.164; those without an area code are left out.
    pub phones: Vec<String>,
    /// E-mail addresses in small letters.
    pub emails: Vec<String>,
    /// Addresses.
    pub addresses: Vec<Address>,
    /// Another record replaces this one (`link` of type `replaced-by`).
    pub replaced: bool,
}

/// A name, as written.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PersonName {
    /// Family name.
    pub family: Option<String>,
    /// Given names, middle names included.
    pub given: Vec<String>,
    /// Suffixes, such as `Jr.`
    pub suffix: Vec<String>,
}

/// A postal address, as written.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// Lines above the city, joined by commas.
    pub line: String,
    /// City.
    pub city: Option<String>,
    /// State.
    pub state: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
}

/// Why a line tells of no person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PersonError {
    /// It cannot be read as JSON.
    #[error("the record is not JSON")]
    NotJson,
    /// It is a record of another type.
    #[error("the record is not a Patient")]
    NotPatient,
}

impl PersonError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        None
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person")
            .field("mrns", &self.mrns.len())
            .field("names", &self.names.len())
            .finish_non_exhaustive()
    }
}

impl Person {
    /// Family names, current and former.
    pub fn family(&self) -> impl Iterator<Item = &String> {
        self.names.iter().filter_map(|name| name.family.as_ref())
    }

    /// Given names, current and former.
    pub fn given(&self) -> impl Iterator<Item = &String> {
        self.names.iter().flat_map(|name| &name.given)
    }

    /// Puts the systems of its record numbers into the destination's words; `systems` leads from the source's to the destination's.
    pub fn map_systems(&mut self, systems: &BTreeMap<String, String>) {
        for (system, _) in &mut self.mrns {
            if let Some(theirs) = systems.get(system) {
                system.clone_from(theirs);
            }
        }
    }
}

/// Reads a Patient. What is not of the kind FHIR gives it is passed over, but one element counts as a list of one.
pub fn person(line: &[u8]) -> Result<Person, PersonError> {
    let patient: Value = serde_json::from_slice(line).map_err(|_| PersonError::NotJson)?;
    if patient["resourceType"] != "Patient" {
        return Err(PersonError::NotPatient);
    }
    let mut person = Person {
        birth_date: text(&patient["birthDate"]),
        birth_order: patient["multipleBirthInteger"].as_u64(),
        gender: text(&patient["gender"]),
        ..Person::default()
    };
    for identifier in items(&patient["identifier"]) {
        let (system, value) = (text(&identifier["system"]), text(&identifier["value"]));
        let coded = |code| has_code(&identifier["type"], code);
        if let Some(ssn) = value.as_deref().and_then(number::ssn)
            && (coded("SS") || system.as_deref().is_some_and(number::is_ssn_system))
        {
            add(&mut person.ssns, ssn);
        }
        if let (true, Some(system), Some(value)) = (coded("MR"), system, value) {
            add(&mut person.mrns, (system, value));
        }
    }
    person.replaced = items(&patient["link"]).iter().any(|link| link["type"] == "replaced-by");
    person.names = items(&patient["name"]).iter().filter_map(name).collect();
    for telecom in items(&patient["telecom"]) {
        let Some(value) = text(&telecom["value"]) else {
            continue;
        };
        match telecom["system"].as_str() {
            Some("phone" | "sms") => person.phones.extend(contact::phone(&value)),
            Some("email") => person.emails.extend(contact::email(&value)),
            _ => {}
        }
    }
    person.phones.sort_unstable();
    person.phones.dedup();
    person.addresses = items(&patient["address"]).iter().filter_map(address).collect();
    Ok(person)
}

fn name(name: &Value) -> Option<PersonName> {
    let texts = |member: &str| items(&name[member]).iter().filter_map(text).collect::<Vec<_>>();
    let mut found = PersonName {
        family: text(&name["family"]),
        given: texts("given"),
        suffix: texts("suffix"),
    };
    if found.family.is_none() && found.given.is_empty() {
        // Only the whole name: `Given Family` or `Family, Given`.
        let whole = text(&name["text"])?;
        let (given, family) = match whole.split_once(',') {
            Some((family, given)) => (given, family),
            None => whole.rsplit_once(char::is_whitespace).unwrap_or(("", &whole)),
        };
        found.family = Some(family.trim().to_owned());
        found.given = given.split_whitespace().map(str::to_owned).collect();
    }
    Some(found)
}

fn address(address: &Value) -> Option<Address> {
    let lines: Vec<String> = items(&address["line"]).iter().filter_map(text).collect();
    let found = Address {
        line: lines.join(", "),
        city: text(&address["city"]),
        state: text(&address["state"]),
        postal_code: text(&address["postalCode"]),
    };
    (found != Address::default()).then_some(found)
}

fn has_code(concept: &Value, code: &str) -> bool {
    items(&concept["coding"]).iter().any(|coding| {
        let system = coding["system"].as_str().unwrap_or_default();
        coding["code"] == code
            && matches!(
                system,
                "http://terminology.hl7.org/CodeSystem/v2-0203" | "http://hl7.org/fhir/v2/0203"
            )
    })
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        Value::Null => &[],
        one => std::slice::from_ref(one),
    }
}

fn text(value: &Value) -> Option<String> {
    value
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

#[cfg(test)]
mod tests;
