//! One interaction as it is asked for, by HTTP or by an entry of a Bundle.

use axum::http::{HeaderMap, Method};
use serde_json::Value;

use crate::fhir::is_id;
use crate::sandbox::outcome::Refusal;
use crate::sandbox::scope::is_known_type;

/// Name and value of each parameter, decoded, in order.
pub(super) type Query = Vec<(String, String)>;

/// What a URL below the base names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// `Type` or `Type?query`
    Type(String),
    /// `Type/_search`
    Search(String),
    /// `Type/id`
    Record(String, String),
    /// `Type/id/_history`
    History(String, String),
    /// `Type/id/_history/version`
    Version(String, String, String),
}

impl Target {
    /// The resource type.
    pub(super) fn kind(&self) -> &str {
        match self {
            Self::Type(kind)
            | Self::Search(kind)
            | Self::Record(kind, _)
            | Self::History(kind, _)
            | Self::Version(kind, _, _) => kind,
        }
    }

    fn parse(path: &str) -> Result<Self, Refusal> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (kind, rest) = parts.split_first().unwrap_or((&"", &[]));
        if !is_known_type(kind) {
            return Err(Refusal::new(
                404,
                "not-supported",
                "There is no such resource type on this server.",
            ));
        }
        let kind = (*kind).to_owned();
        let target = match rest {
            [] => Self::Type(kind),
            ["_search"] => Self::Search(kind),
            [id, ..] if !is_id(id) => return Err(Refusal::invalid("The id in the URL is not a FHIR id.")),
            [id] => Self::Record(kind, (*id).to_owned()),
            [id, "_history"] => Self::History(kind, (*id).to_owned()),
            [id, "_history", version] => Self::Version(kind, (*id).to_owned(), (*version).to_owned()),
            _ => return Err(Refusal::new(404, "not-found", "There is nothing at this address.")),
        };
        Ok(target)
    }
}

/// One interaction.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub method: Method,
    pub target: Target,
    pub query: Query,
    /// A version id.
    pub if_match: Option<String>,
    /// A version id.
    pub if_none_match: Option<String>,
    /// The query of a conditional create.
    pub if_none_exist: Option<Query>,
    pub body: Option<Value>,
    /// Whether a cached search is no answer (`Cache-Control: no-cache`).
    pub fresh: bool,
    /// The id that a new record is to get, where it was given ahead.
    pub assigned: Option<String>,
    /// Whether it came in a Bundle.
    pub entry: bool,
}

impl Request {
    /// A request over HTTP; `path` is below the base.
    pub(super) fn from_http(
        method: &Method,
        path: &str,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<Self, Refusal> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        Ok(Self {
            method: method.clone(),
            target: Target::parse(path)?,
            query: parse_query(query.unwrap_or_default()),
            if_match: text("if-match").map(version_id),
            if_none_match: text("if-none-match").map(version_id),
            if_none_exist: text("if-none-exist").map(condition).transpose()?,
            body: None,
            fresh: is_fresh(headers),
            assigned: None,
            entry: false,
        })
    }

    /// `entry.request` and `entry.resource` of a Bundle.
    pub(super) fn from_entry(entry: &Value, base_url: &str, fresh: bool) -> Result<Self, Refusal> {
        let request = &entry["request"];
        let text = |name: &str| request[name].as_str();
        let method = match text("method") {
            Some("GET") => Method::GET,
            Some("POST") => Method::POST,
            Some("PUT") => Method::PUT,
            Some("DELETE") => Method::DELETE,
            _ => {
                return Err(Refusal::invalid(
                    "entry.request.method is not GET, POST, PUT or DELETE.",
                ));
            }
        };
        let url = text("url").ok_or_else(|| Refusal::new(400, "required", "entry.request.url is missing."))?;
        let url = url.strip_prefix(base_url).unwrap_or(url);
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        Ok(Self {
            method,
            target: Target::parse(path)?,
            query: parse_query(query),
            if_match: text("ifMatch").map(version_id),
            if_none_match: text("ifNoneMatch").map(version_id),
            if_none_exist: text("ifNoneExist").map(condition).transpose()?,
            body: entry.get("resource").cloned(),
            fresh,
            assigned: None,
            entry: true,
        })
    }

    /// Whether it would change something.
    pub(super) fn writes(&self) -> bool {
        !matches!(self.method, Method::GET | Method::HEAD) && !matches!(self.target, Target::Search(_))
    }

    /// The letter of the interaction in SMART scopes.
    pub(super) fn letter(&self) -> char {
        match (&self.method, &self.target) {
            (_, Target::Search(_)) | (&Method::GET, Target::Type(_)) => 's',
            (&Method::POST, _) => 'c',
            (&Method::PUT, _) => 'u',
            (&Method::DELETE, _) => 'd',
            _ => 'r',
        }
    }

    /// What it writes, by name: a record or a condition. Two of the same must never be in flight at once.
    pub(super) fn name(&self) -> Option<String> {
        match &self.target {
            Target::Record(kind, id) if self.writes() => Some(format!("{kind}/{id}")),
            _ => self.condition(),
        }
    }

    /// The type and the condition, where there is one.
    pub(super) fn condition(&self) -> Option<String> {
        let query = match (&self.method, &self.target, &self.if_none_exist) {
            (&Method::POST, Target::Type(_), Some(query)) => query,
            (&(Method::PUT | Method::DELETE), Target::Type(_), _) => &self.query,
            _ => return None,
        };
        Some(format!("{}?{query:?}", self.target.kind()))
    }
}

/// Whether the client asks for an answer that is not from a cache.
pub(super) fn is_fresh(headers: &HeaderMap) -> bool {
    let value = headers.get("cache-control").and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.contains("no-cache"))
}

/// The parameters of a query or a form.
pub(super) fn parse_query(query: &str) -> Query {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// `ifNoneExist` is the query alone (FHIR R4, Bundle.entry.request.ifNoneExist).
fn condition(text: &str) -> Result<Query, Refusal> {
    let query = parse_query(text);
    if query.is_empty() || text.contains('?') {
        return Err(Refusal::invalid(
            "If-None-Exist holds a search query, without a type or a question mark before it.",
        ));
    }
    Ok(query)
}

/// The version id of an entity tag, weak or not.
fn version_id(tag: &str) -> String {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn urls_name_types_records_and_versions() {
        assert_eq!(Target::parse("/Patient").ok(), Some(Target::Type("Patient".into())));
        assert_eq!(
            Target::parse("Patient/p1/_history/2").ok(),
            Some(Target::Version("Patient".into(), "p1".into(), "2".into()))
        );
        for wrong in ["", "Nonsense", "Patient/p 1", "Patient/p1/Observation"] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_entry_is_read_with_its_conditions() {
        let entry = json!({
            "request": { "method": "PUT", "url": "http://h/fhir/Patient?identifier=urn:s%7C1", "ifMatch": "W/\"3\"" },
        });
        let request = Request::from_entry(&entry, "http://h/fhir", false).ok().unwrap();
        assert_eq!(request.query, [("identifier".to_owned(), "urn:s|1".to_owned())]);
        assert_eq!(request.if_match.as_deref(), Some("3"));
        assert!(request.condition().is_some());
        let wrong = json!({ "request": { "method": "POST", "url": "Patient", "ifNoneExist": "Patient?identifier=1" } });
        assert!(Request::from_entry(&wrong, "http://h/fhir", false).is_err());
    }
}
