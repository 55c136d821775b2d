//! Who a Patient is, and whether two of them can be one person.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

/// What a Patient says about who it is. Its `Debug` prints counts only, for all of it is PHI.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// Medical record numbers, as system and value: identifiers of type `MR` that have both. A number says nothing
    /// outside its system.
    pub mrns: Vec<(String, String)>,
    /// Family names, current and former, as written.
    pub family: Vec<String>,
    /// Given names, current and former, as written.
    pub given: Vec<String>,
    /// `birthDate`: a year, a month or a day.
    pub birth_date: Option<String>,
    /// `gender`.
    pub gender: Option<String>,
    /// Telephone numbers, digits only, without the North American 1.
    pub phones: Vec<String>,
    /// E-mail addresses in small letters.
    pub emails: Vec<String>,
    /// Addresses, each in one line: lines, city, state, postal code.
    pub addresses: Vec<String>,
    /// Another record replaces this one (`link` of type `replaced-by`).
    pub replaced: bool,
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

/// A way in which two people who share a number cannot be one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contradiction {
    /// Born on different days.
    BirthDate,
    /// Of different gender.
    Gender,
    /// No name in common.
    Name,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BirthDate => "different birth dates",
            Self::Gender => "different genders",
            Self::Name => "no name in common",
        })
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.family.len() + self.given.len();
        f.debug_struct("Person")
            .field("mrns", &self.mrns.len())
            .field("names", &names)
            .finish_non_exhaustive()
    }
}

/// Reads a Patient. What is not of the kind FHIR gives it is passed over.
pub fn person(line: &[u8]) -> Result<Person, PersonError> {
    let patient: Value = serde_json::from_slice(line).map_err(|_| PersonError::NotJson)?;
    if patient["resourceType"] != "Patient" {
        return Err(PersonError::NotPatient);
    }
    let mut person = Person {
        birth_date: text(&patient["birthDate"]),
        gender: text(&patient["gender"]),
        ..Person::default()
    };
    for identifier in items(&patient["identifier"]) {
        if let (true, Some(system), Some(value)) = (
            is_mrn(identifier),
            text(&identifier["system"]),
            text(&identifier["value"]),
        ) {
            add(&mut person.mrns, (system, value));
        }
    }
    person.replaced = items(&patient["link"]).iter().any(|link| link["type"] == "replaced-by");
    for name in items(&patient["name"]) {
        if let Some(family) = text(&name["family"]) {
            add(&mut person.family, family);
        }
        for given in items(&name["given"]).iter().filter_map(text) {
            add(&mut person.given, given);
        }
    }
    for telecom in items(&patient["telecom"]) {
        let Some(value) = text(&telecom["value"]) else {
            continue;
        };
        match telecom["system"].as_str() {
            Some("phone" | "sms") => {
                let digits: String = value.chars().filter(char::is_ascii_digit).collect();
                let national = digits
                    .strip_prefix('1')
                    .filter(|rest| rest.len() == 10)
                    .unwrap_or(&digits);
                add(&mut person.phones, national.to_owned());
            }
            Some("email") => add(&mut person.emails, value.to_lowercase()),
            _ => {}
        }
    }
    for address in items(&patient["address"]) {
        let rest = ["city", "state", "postalCode"].map(|part| &address[part]);
        let parts: Vec<String> = items(&address["line"]).iter().chain(rest).filter_map(text).collect();
        add(&mut person.addresses, parts.join(", "));
    }
    person.phones.retain(|phone| !phone.is_empty());
    person.addresses.retain(|address| !address.is_empty());
    Ok(person)
}

/// In what `a` and `b` contradict each other; what one of them does not say contradicts nothing.
///
/// Birth dates contradict when neither is a part of the other (`1970` fits `1970-05-01`), genders when both are known
/// and differ, and names when of family and given names those that both have are all different, compared without case,
/// accents, spaces and punctuation.
pub fn contradicts(a: &Person, b: &Person) -> Vec<Contradiction> {
    let mut found = Vec::new();
    if let (Some(a), Some(b)) = (&a.birth_date, &b.birth_date)
        && !is_part_of(a, b)
        && !is_part_of(b, a)
    {
        found.push(Contradiction::BirthDate);
    }
    if let (Some(a), Some(b)) = (known_gender(a), known_gender(b))
        && !a.eq_ignore_ascii_case(b)
    {
        found.push(Contradiction::Gender);
    }
    let parts = [shared(&a.family, &b.family), shared(&split(&a.given), &split(&b.given))];
    if parts.contains(&Some(false)) && !parts.contains(&Some(true)) {
        found.push(Contradiction::Name);
    }
    found
}

/// A name as it is compared: letters and digits in small form, without accents.
pub fn normalized(name: &str) -> String {
    // Only the marks that are accents: elsewhere a mark can be a vowel, and makes another name.
    let is_accent =
        |c: char| matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{670}');
    let mut normal = String::with_capacity(name.len());
    for c in name.nfkd().filter(|&c| !is_accent(c)).flat_map(char::to_lowercase) {
        match c {
            'ß' => normal.push_str("ss"),
            'æ' => normal.push_str("ae"),
            'œ' => normal.push_str("oe"),
            'þ' => normal.push_str("th"),
            'ø' => normal.push('o'),
            'ł' => normal.push('l'),
            'đ' | 'ð' => normal.push('d'),
            'ı' => normal.push('i'),
            c if c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c) && !is_accent(c) => {
                normal.push(c);
            }
            _ => {}
        }
    }
    normal
}

/// Whether two lists of names have one in common; None when one of them has none.
fn shared(a: &[String], b: &[String]) -> Option<bool> {
    let normal = |names: &[String]| -> Vec<String> {
        names
            .iter()
            .map(|name| normalized(name))
            .filter(|name| !name.is_empty())
            .collect()
    };
    let (a, b) = (normal(a), normal(b));
    (!a.is_empty() && !b.is_empty()).then(|| a.iter().any(|name| b.contains(name)))
}

/// Given names one by one, since `Mary Ann` may be one name here and two there.
fn split(names: &[String]) -> Vec<String> {
    names
        .iter()
        .flat_map(|name| name.split_whitespace())
        .map(str::to_owned)
        .collect()
}

fn is_part_of(date: &str, longer: &str) -> bool {
    longer
        .strip_prefix(date)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn known_gender(person: &Person) -> Option<&str> {
    person
        .gender
        .as_deref()
        .filter(|gender| !gender.eq_ignore_ascii_case("unknown"))
}

fn is_mrn(identifier: &Value) -> bool {
    items(&identifier["type"]["coding"]).iter().any(|coding| {
        let system = coding["system"].as_str().unwrap_or_default();
        coding["code"] == "MR"
            && matches!(
                system,
                "http://terminology.hl7.org/CodeSystem/v2-0203" | "http://hl7.org/fhir/v2/0203"
            )
    })
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
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
