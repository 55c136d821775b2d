//! Search in one type: which parameters there are, and which records they find.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::records::{Records, Token};
use super::request::Query;
use crate::sandbox::outcome::Refusal;

/// Entries on a page when `_count` is left out.
const PAGE: usize = 20;
/// Entries on a page at most.
const LONGEST_PAGE: usize = 1000;

/// A search as it is asked for.
#[derive(Debug)]
pub(super) struct Search {
    pub criteria: Vec<Criterion>,
    /// Entries on a page.
    pub count: usize,
    /// The id after which the page begins, for pages after the first.
    pub after: Option<String>,
    /// Whether only the number is asked for.
    pub count_only: bool,
    /// `_elements`
    pub elements: Option<Vec<String>>,
}

/// One parameter; all have to hold, each by one of its values.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Criterion {
    Id(Vec<String>),
    Identifier(Vec<Token>),
    Tag(Vec<Token>),
    Source(Vec<String>),
    /// `ge`, `gt`, `le`, `lt` and an instant.
    LastUpdated(String, Timestamp),
    /// Members of `name`, how they are compared, and the values.
    Name(&'static [&'static str], Compare, Vec<String>),
    BirthDate(Vec<String>),
    Gender(Vec<String>),
    /// Elements, and references like `Patient/1`.
    Reference(&'static [&'static str], Vec<String>),
}

/// How a text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    Starts,
    Contains,
    Exact,
}

impl Search {
    /// Reads a query; parameters that are not supported are refused, for an answer without them would be to another question.
    pub(super) fn parse(kind: &str, query: &Query) -> Result<Self, Refusal> {
        let mut search = Self {
            criteria: Vec::new(),
            count: PAGE,
            after: None,
            count_only: false,
            elements: None,
        };
        for (name, value) in query {
            match name.as_str() {
                "_format" | "_pretty" | "_total" => {}
                "_count" => {
                    let count: usize = value.parse().map_err(|_| Refusal::invalid("_count is not a number."))?;
                    search.count = count.min(LONGEST_PAGE);
                    search.count_only |= count == 0;
                }
                "_cursor" => search.after = Some(value.clone()),
                "_summary" if value == "count" => search.count_only = true,
                "_summary" if value == "false" => {}
                "_elements" => search.elements = Some(value.split(',').map(str::to_owned).collect()),
                _ => search.criteria.push(criterion(kind, name, value)?),
            }
        }
        Ok(search)
    }
}

/// The criteria of a condition, which has to have one (FHIR R4, "Conditional update").
pub(super) fn condition(kind: &str, query: &Query) -> Result<Vec<Criterion>, Refusal> {
    let criteria = Search::parse(kind, query)?.criteria;
    if criteria.is_empty() {
        return Err(Refusal::new(
            412,
            "multiple-matches",
            "The condition has no search parameter, so that it says nothing.",
        ));
    }
    Ok(criteria)
}

/// The ids of the records that meet all criteria, sorted.
pub(super) fn find(records: &Records, kind: &str, criteria: &[Criterion]) -> Vec<String> {
    let narrow = criteria.iter().find_map(|criterion| match criterion {
        Criterion::Id(ids) => {
            let mut ids = ids.clone();
            ids.sort();
            ids.dedup();
            Some(ids)
        }
        Criterion::Identifier(tokens) => Some(records.identified(kind, tokens)),
        _ => None,
    });
    let takes = |id: &str, resource: &Value| criteria.iter().all(|one| one.takes(id, resource));
    match narrow {
        Some(ids) => ids
            .into_iter()
            .filter(|id| {
                records
                    .current(kind, id)
                    .is_some_and(|resource: &Arc<Value>| takes(id, resource))
            })
            .collect(),
        None => records
            .of_type(kind)
            .filter(|(id, resource)| takes(id, resource))
            .map(|(id, _)| id.to_owned())
            .collect(),
    }
}

fn criterion(kind: &str, name: &str, value: &str) -> Result<Criterion, Refusal> {
    let (plain, modifier) = name
        .split_once(':')
        .map_or((name, ""), |(plain, modifier)| (plain, modifier));
    let unsupported = || Refusal::unsupported(format!("The search parameter {name} is not supported for {kind}."));
    let compare = match modifier {
        "" => Compare::Starts,
        "exact" => Compare::Exact,
        "contains" => Compare::Contains,
        _ => return Err(unsupported()),
    };
    let values = alternatives(value);
    let names = |members: &'static [&'static str]| Criterion::Name(members, compare, values.clone());
    if kind == "Patient" || kind == "Practitioner" || kind == "RelatedPerson" {
        match plain {
            "family" => return Ok(names(&["family"])),
            "given" => return Ok(names(&["given"])),
            "name" => return Ok(names(&["family", "given", "text"])),
            _ => {}
        }
    }
    if !modifier.is_empty() {
        return Err(unsupported());
    }
    Ok(match plain {
        "_id" => Criterion::Id(values),
        "identifier" => Criterion::Identifier(values.iter().map(|value| token(value)).collect()),
        "_tag" => Criterion::Tag(values.iter().map(|value| token(value)).collect()),
        "_source" => Criterion::Source(values),
        "_lastUpdated" => {
            let (prefix, date) = value.split_at_checked(2).ok_or_else(unsupported)?;
            let at = date
                .parse()
                .map_err(|_| Refusal::invalid("_lastUpdated takes an instant."))?;
            if !matches!(prefix, "ge" | "gt" | "le" | "lt") {
                return Err(Refusal::unsupported("_lastUpdated takes ge, gt, le or lt."));
            }
            Criterion::LastUpdated(prefix.to_owned(), at)
        }
        "birthdate" if kind == "Patient" || kind == "RelatedPerson" => Criterion::BirthDate(values),
        "gender" if kind == "Patient" || kind == "Practitioner" => Criterion::Gender(values),
        "patient" if kind != "Patient" => Criterion::Reference(&["patient", "subject", "beneficiary"], values),
        "subject" => Criterion::Reference(&["subject"], values),
        _ => return Err(unsupported()),
    })
}

impl Criterion {
    fn takes(&self, id: &str, resource: &Value) -> bool {
        match self {
            Self::Id(ids) => ids.iter().any(|wanted| wanted == id),
            Self::Identifier(tokens) => super::records::identifiers(resource)
                .any(|(system, value)| tokens.iter().any(|token| token.takes(system, value))),
            Self::Tag(tokens) => list(&resource["meta"]["tag"]).any(|tag| {
                let code = tag["code"].as_str().unwrap_or_default();
                tokens.iter().any(|token| token.takes(tag["system"].as_str(), code))
            }),
            Self::Source(sources) => resource["meta"]["source"].as_str().is_some_and(|held| {
                let plain = held.rsplit_once('#').map_or(held, |(plain, _)| plain);
                sources.iter().any(|wanted| wanted == held || wanted == plain)
            }),
            Self::LastUpdated(prefix, at) => {
                let held: Option<Timestamp> = resource["meta"]["lastUpdated"].as_str().and_then(|at| at.parse().ok());
                held.is_some_and(|held| match prefix.as_str() {
                    "ge" => held >= *at,
                    "gt" => held > *at,
                    "le" => held <= *at,
                    _ => held < *at,
                })
            }
            Self::Name(members, compare, wanted) => list(&resource["name"]).any(|name| {
                let held = members.iter().flat_map(|member| list(&name[*member]));
                held.filter_map(Value::as_str)
                    .any(|held| wanted.iter().any(|wanted| compare.takes(held, wanted)))
            }),
            Self::BirthDate(dates) => resource["birthDate"].as_str().is_some_and(|held| {
                dates
                    .iter()
                    .any(|wanted| held.starts_with(wanted.strip_prefix("eq").unwrap_or(wanted)))
            }),
            Self::Gender(genders) => resource["gender"]
                .as_str()
                .is_some_and(|held| genders.iter().any(|wanted| wanted == held)),
            Self::Reference(elements, wanted) => elements.iter().any(|element| {
                let held = resource[*element]["reference"].as_str().unwrap_or_default();
                let id = held.rsplit_once('/').map_or("", |(_, id)| id);
                wanted.iter().any(|wanted| wanted == held || wanted == id)
            }),
        }
    }
}

impl Compare {
    fn takes(self, held: &str, wanted: &str) -> bool {
        let plain = |text: &str| deunicode::deunicode(text).to_lowercase();
        match self {
            Self::Exact => held == wanted,
            Self::Starts => plain(held).starts_with(&plain(wanted)),
            Self::Contains => plain(held).contains(&plain(wanted)),
        }
    }
}

/// What stands in a list, or alone.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    let several = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    several.iter().filter(|one| !one.is_null())
}

/// The values that commas divide; a comma behind a backslash belongs to the value.
fn alternatives(value: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        if letter == ',' {
            values.push(String::new());
        } else if let Some(last) = values.last_mut() {
            last.push(if letter == '\\' {
                letters.next().unwrap_or(letter)
            } else {
                letter
            });
        }
    }
    values
}

fn token(value: &str) -> Token {
    match value.split_once('|') {
        Some((system, code)) => Token {
            system: Some(system.to_owned()),
            code: code.to_owned(),
        },
        None => Token {
            system: None,
            code: value.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn takes(name: &str, value: &str) -> bool {
        let patient = json!({
            "meta": { "tag": [{ "system": "urn:run", "code": "7" }], "source": "http://old/fhir#abc" },
            "identifier": [{ "system": "urn:mrn", "value": "1,2" }, { "value": "plain" }],
            "name": [{ "family": "Müller", "given": ["Zoë"] }], "birthDate": "1980-05-06", "gender": "female",
        });
        let criterion = criterion("Patient", name, value);
        criterion.unwrap_or_else(|_| panic!("{name}")).takes("p1", &patient)
    }

    #[test]
    fn parameters_find_what_they_should() {
        for (name, value) in [
            ("_id", "p0,p1"),
            ("identifier", "urn:mrn|1\\,2"),
            ("identifier", "nothing,1\\,2"),
            ("identifier", "urn:mrn|"),
            ("identifier", "|plain"),
            ("_tag", "urn:run|7"),
            ("_source", "http://old/fhir"),
            ("family", "mull"),
            ("family:exact", "Müller"),
            ("given:contains", "OE"),
            ("birthdate", "1980-05"),
            ("gender", "male,female"),
        ] {
            assert!(takes(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("identifier", "urn:mrn|1"),
            ("identifier", "|1\\,2"),
            ("_tag", "urn:run|8"),
            ("family:exact", "Muller"),
            ("birthdate", "1980-06"),
        ] {
            assert!(!takes(name, value), "{name}={value}");
        }
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        for name in ["_sort", "identifier:not", "code", "_lastUpdated"] {
            assert!(criterion("Observation", name, "x").is_err(), "{name}");
        }
    }
}
