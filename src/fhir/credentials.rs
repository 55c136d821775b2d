//! By what an organization, a location or a practitioner is known beyond the system that holds its record.

use serde_json::Value;

use super::identity::normalized;

/// By what an organization, a location or a practitioner is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// National Provider Identifiers with a valid check digit.
    pub npis: Vec<String>,
    /// Other identifiers, system and value, but for numbers of the tax and pension offices, which several may share.
    pub identifiers: Vec<(String, String)>,
    /// Names as a person reads them, the first one first.
    pub names: Vec<String>,
    /// The reference to the organization that a location belongs to.
    pub organization: Option<String>,
}

/// System of National Provider Identifiers.
const NPI: &str = "http://hl7.org/fhir/sid/us-npi";
/// The same as an OID.
const NPI_OID: &str = "urn:oid:2.16.840.1.113883.4.6";
/// Systems whose numbers do not tell two parties of one owner apart.
const TAX: [&str; 4] = [
    "http://hl7.org/fhir/sid/us-ein",
    "urn:oid:2.16.840.1.113883.4.4",
    "http://hl7.org/fhir/sid/us-ssn",
    "urn:oid:2.16.840.1.113883.4.1",
];
/// Types (v2-0203) of such numbers.
const TAX_TYPES: [&str; 4] = ["TAX", "EN", "EI", "SS"];
/// Words that many names have in common.
const COMMON: [&str; 32] = [
    "and",
    "associates",
    "care",
    "center",
    "centre",
    "clinic",
    "department",
    "doctor",
    "dr",
    "family",
    "for",
    "group",
    "health",
    "healthcare",
    "hospital",
    "inc",
    "llc",
    "llp",
    "ltd",
    "md",
    "medical",
    "medicine",
    "of",
    "office",
    "pa",
    "pc",
    "physicians",
    "pllc",
    "practice",
    "services",
    "system",
    "the",
];

/// Reads the credentials of a record; what is missing or of another kind is not there.
pub fn credentials(line: &[u8]) -> Credentials {
    let record: Value = serde_json::from_slice(line).unwrap_or_default();
    let mut found = Credentials::default();
    for identifier in list(&record["identifier"]) {
        let text = |name: &str| identifier[name].as_str().map(str::trim).filter(|text| !text.is_empty());
        let (Some(system), Some(value)) = (text("system"), text("value")) else {
            continue;
        };
        let codes = || {
            list(&identifier["type"]["coding"])
                .iter()
                .filter_map(|coding| coding["code"].as_str())
        };
        if system == NPI || system == NPI_OID {
            if is_npi(value) {
                found.npis.push(value.to_owned());
            }
        } else if !TAX.contains(&system) && !codes().any(|code| TAX_TYPES.contains(&code)) {
            found.identifiers.push((system.to_owned(), value.to_owned()));
        }
    }
    match &record["name"] {
        Value::String(name) => found.names.push(name.clone()),
        names => found.names.extend(list(names).iter().filter_map(human_name)),
    }
    let aliases = list(&record["alias"]).iter().filter_map(Value::as_str);
    found.names.extend(aliases.map(ToOwned::to_owned));
    found.organization = record["managingOrganization"]["reference"]
        .as_str()
        .map(ToOwned::to_owned);
    found
}

impl Credentials {
    /// Its names without case, accents and punctuation.
    pub fn whole_names(&self) -> impl Iterator<Item = String> {
        self.names
            .iter()
            .map(|name| normalized(name))
            .filter(|name| !name.is_empty())
    }

    /// Whether some name of the one is some name of the other, case, accents and punctuation aside.
    pub fn same_name(&self, other: &Self) -> bool {
        self.whole_names()
            .any(|name| other.whole_names().any(|theirs| theirs == name))
    }

    /// Whether their names have a word in common that says something, or one of them has no name.
    pub fn alike(&self, other: &Self) -> bool {
        if self.names.is_empty() || other.names.is_empty() || self.same_name(other) {
            return true;
        }
        let theirs: Vec<String> = other.names.iter().flat_map(|name| words(name)).collect();
        self.names
            .iter()
            .flat_map(|name| words(name))
            .any(|word| theirs.contains(&word))
    }
}

/// The items of an array; what should be one and is not has none.
fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn human_name(name: &Value) -> Option<String> {
    let given = list(&name["given"]).iter().filter_map(Value::as_str);
    let parts: Vec<&str> = given.chain(name["family"].as_str()).collect();
    if parts.is_empty() {
        return name["text"].as_str().map(ToOwned::to_owned);
    }
    Some(parts.join(" "))
}

fn words(name: &str) -> impl Iterator<Item = String> {
    name.split(|c: char| !c.is_alphanumeric())
        .map(normalized)
        .filter(|word| word.chars().count() > 1 && !COMMON.contains(&word.as_str()))
}

/// Whether it is ten digits of which the last is the check digit (45 CFR 162.406: Luhn with the prefix 80840, which adds 24).
fn is_npi(value: &str) -> bool {
    if value.len() != 10 || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let sum: u32 = value.bytes().rev().enumerate().fold(24, |sum, (place, digit)| {
        let digit = u32::from(digit - b'0') * if place % 2 == 0 { 1 } else { 2 };
        sum + digit / 10 + digit % 10
    });
    // Nobody has number zero, though its check digit is right.
    sum.is_multiple_of(10) && value.bytes().any(|byte| byte != b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_practitioner_is_known_by_a_valid_npi_only() {
        let of = |value: &str| {
            let line = format!(r#"{{"identifier":[{{"system":"{NPI}","value":"{value}"}}]}}"#);
            credentials(line.as_bytes()).npis
        };
        assert_eq!(of("1234567893"), ["1234567893"]);
        assert_eq!(of(" 1234567893 "), ["1234567893"]);
        for wrong in ["1234567890", "123456789", "12345678930", "0000000000", "N/A", ""] {
            assert!(of(wrong).is_empty(), "{wrong}");
        }
    }

    #[test]
    fn numbers_that_several_share_do_not_count_and_nothing_is_expected_to_be_there() {
        let line = br#"{"identifier":[{"system":"http://hl7.org/fhir/sid/us-ein","value":"12-3"},{"value":"x"},7,
            {"system":"urn:a","value":"1","type":{"coding":[{"code":"TAX"}]}},{"system":"urn:b","value":"2"}],
            "name":"Hillside","alias":["Old Mill"],"managingOrganization":{"reference":"Organization/1"}}"#;
        let found = credentials(line);
        assert_eq!(found.identifiers, [("urn:b".to_owned(), "2".to_owned())]);
        assert_eq!(found.names, ["Hillside", "Old Mill"]);
        assert_eq!(found.organization.as_deref(), Some("Organization/1"));
        for odd in ["", "[]", r#"{"identifier":{},"name":[7,{"given":"x"}],"alias":"y"}"#] {
            assert_eq!(credentials(odd.as_bytes()), Credentials::default());
        }
    }

    #[test]
    fn names_are_alike_by_words_that_say_something() {
        let named = |names: &[&str]| Credentials {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            ..Credentials::default()
        };
        let alike = |a: &[&str], b: &[&str]| named(a).alike(&named(b));
        assert!(alike(&["Río Bravo Family Medicine, P.C."], &["RIO BRAVO"]));
        assert!(alike(&["Ann Smith"], &["Anna Jones", "Ann Jones-Smith"]));
        assert!(alike(&["The Clinic"], &["the clinic"]));
        assert!(alike(&[], &["Hillside"]));
        assert!(!alike(&["Hillside Clinic"], &["Westside Clinic"]));
        assert!(!alike(&["A B"], &["A C"]));
        assert!(named(&["O'Neil, Ann"]).same_name(&named(&["oneil ann"])));
    }
}
