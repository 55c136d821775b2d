//! `_typeFilter`: one REST search on one type, applied to lines (Bulk Data IG, "_typeFilter Query Parameter").

use jiff::Timestamp;
use serde_json::Value;

/// Token parameters that are searched by the element of the same name (in camel case).
const TOKENS: &[&str] = &[
    "status",
    "code",
    "category",
    "type",
    "clinical-status",
    "verification-status",
    "intent",
    "gender",
    "class",
    "vaccine-code",
    "criticality",
    "active",
];

/// `Type?name=value&name=value`: all criteria have to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypeFilter {
    pub resource_type: String,
    criteria: Vec<Criterion>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Criterion {
    LastUpdated {
        prefix: String,
        from: Timestamp,
        to: Timestamp,
    },
    Id(Vec<String>),
    /// An element, and alternatives of system (when given) and code.
    Token {
        element: String,
        alternatives: Vec<(Option<String>, String)>,
    },
}

/// Splits a GET parameter that joins several filters by commas; commas inside a filter stay.
pub(crate) fn split_joined(joined: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (comma, _) in joined.match_indices(',') {
        let next = &joined[comma + 1..];
        let name = next.split_once('?').map_or("", |(name, _)| name);
        if name.starts_with(|first: char| first.is_ascii_uppercase())
            && name.chars().all(|letter| letter.is_ascii_alphabetic())
        {
            parts.push(&joined[start..comma]);
            start = comma + 1;
        }
    }
    parts.push(&joined[start..]);
    parts
}

impl TypeFilter {
    /// Reads one filter; the error is a sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (resource_type, query) = text
            .split_once('?')
            .ok_or_else(|| format!("The _typeFilter \"{text}\" is not of the form Type?query."))?;
        let mut criteria = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let plain = name.split_once(':').map_or(&*name, |(name, _)| name);
            criteria.push(match plain {
                "_lastUpdated" => {
                    last_updated(&value).ok_or_else(|| format!("\"{value}\" is no date for _lastUpdated."))?
                }
                "_id" => Criterion::Id(value.split(',').map(str::to_owned).collect()),
                token if TOKENS.contains(&token) && plain == name => {
                    let alternatives = value.split(',').map(|one| match one.split_once('|') {
                        Some((system, code)) => (Some(system.to_owned()), code.to_owned()),
                        None => (None, one.to_owned()),
                    });
                    Criterion::Token {
                        element: camel_case(token),
                        alternatives: alternatives.collect(),
                    }
                }
                _ => {
                    return Err(format!("The parameter {name} of _typeFilter is not supported."));
                }
            });
        }
        Ok(Self {
            resource_type: resource_type.to_owned(),
            criteria,
        })
    }

    /// Whether a resource meets all criteria.
    pub(crate) fn takes(&self, resource: &Value) -> bool {
        self.criteria.iter().all(|criterion| match criterion {
            Criterion::LastUpdated { prefix, from, to } => {
                instant(&resource["meta"]["lastUpdated"]).is_some_and(|at| match prefix.as_str() {
                    "gt" | "sa" => {
                        if from == to {
                            at > *from
                        } else {
                            at >= *to
                        }
                    }
                    "ge" => at >= *from,
                    "lt" | "eb" => at < *from,
                    "le" => {
                        if from == to {
                            at <= *from
                        } else {
                            at < *to
                        }
                    }
                    _ => at >= *from && (at < *to || at == *from),
                })
            }
            Criterion::Id(ids) => resource["id"]
                .as_str()
                .is_some_and(|id| ids.iter().any(|wanted| wanted == id)),
            Criterion::Token { element, alternatives } => alternatives
                .iter()
                .any(|(system, code)| has_code(&resource[element], system.as_deref(), code)),
        })
    }
}

fn instant(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// An instant, or a day as the time from its beginning to its end in UTC.
fn last_updated(value: &str) -> Option<Criterion> {
    let (prefix, date) = if value.starts_with(|first: char| first.is_ascii_digit()) {
        ("eq", value)
    } else {
        value.split_at_checked(2)?
    };
    if !matches!(prefix, "eq" | "gt" | "ge" | "lt" | "le" | "sa" | "eb") {
        return None;
    }
    let (from, to) = if let Ok(at) = date.parse::<Timestamp>() {
        (at, at)
    } else {
        let day: jiff::civil::Date = date.parse().ok()?;
        let midnight = |day: jiff::civil::Date| day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|at| at.timestamp());
        (midnight(day)?, midnight(day.tomorrow().ok()?)?)
    };
    Some(Criterion::LastUpdated {
        prefix: prefix.to_owned(),
        from,
        to,
    })
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('-');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at(1);
        camel.push_str(&first.to_ascii_uppercase());
        camel.push_str(rest);
    }
    camel
}

/// Token search in a code, boolean, Coding, `CodeableConcept`, or a list of these.
fn has_code(value: &Value, system: Option<&str>, code: &str) -> bool {
    match value {
        Value::String(text) => system.is_none_or(str::is_empty) && text == code,
        Value::Bool(truth) => system.is_none() && code == if *truth { "true" } else { "false" },
        Value::Array(several) => several.iter().any(|one| has_code(one, system, code)),
        Value::Object(object) => match object.get("coding") {
            Some(coding) => has_code(coding, system, code),
            None => {
                (code.is_empty() || object.get("code").and_then(Value::as_str) == Some(code))
                    && system
                        .is_none_or(|system| object.get("system").and_then(Value::as_str).unwrap_or_default() == system)
            }
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tokens_match_codes_and_concepts() {
        let condition = json!({
            "clinicalStatus": { "coding": [{ "system": "urn:s", "code": "active" }] },
            "meta": { "lastUpdated": "2024-05-06T07:08:09Z" }, "id": "c1", "status": "final",
        });
        let takes = |text: &str| TypeFilter::parse(text).unwrap().takes(&condition);
        assert!(takes("Condition?clinical-status=active"));
        assert!(takes("Condition?clinical-status=urn:s%7Cactive,resolved"));
        assert!(!takes("Condition?clinical-status=urn:other%7Cactive"));
        assert!(takes("Condition?status=final&_id=c0,c1"));
        assert!(!takes("Condition?status=final&_id=c0"));
    }

    #[test]
    fn last_updated_compares_instants_and_days() {
        let resource = json!({ "meta": { "lastUpdated": "2024-05-06T23:30:00-01:00" } });
        let takes = |text: &str| TypeFilter::parse(text).unwrap().takes(&resource);
        assert!(takes("X?_lastUpdated=gt2024-05-07T00:29:59Z"));
        assert!(!takes("X?_lastUpdated=gt2024-05-07T00:30:00Z"));
        assert!(takes("X?_lastUpdated=2024-05-07"));
        assert!(!takes("X?_lastUpdated=gt2024-05-07"));
        assert!(takes("X?_lastUpdated=ge2024-05-07&_lastUpdated=lt2024-05-08"));
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        for text in [
            "Observation",
            "Observation?_sort=date",
            "Observation?_lastUpdated=gtsoon",
            "Observation?_lastUpdated=zz2024-01-01",
        ] {
            assert!(TypeFilter::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn joined_filters_come_apart_at_the_next_type() {
        assert_eq!(
            split_joined("Observation?code=a,b,Condition?category=c"),
            ["Observation?code=a,b", "Condition?category=c"]
        );
    }
}
