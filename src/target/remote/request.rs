//! One interaction with a server, as an entry of a batch says it.

/// HTTP methods of interactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Read or search.
    Get,
    /// Create.
    Post,
    /// Update.
    Put,
    /// Delete.
    Delete,
}

impl Method {
    /// As HTTP writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// One interaction.
#[derive(Clone, PartialEq, Eq)]
pub struct Request<'a> {
    /// Method.
    pub method: Method,
    /// Relative to the base, encoded.
    pub url: String,
    /// The record without an id, for `POST` and `PUT`.
    pub resource: Option<&'a [u8]>,
    /// The id that it is given, for `PUT`.
    pub id: Option<&'a str>,
    /// Only if the server's version is this one (R4 http, section "managing resource contention").
    pub if_match: Option<String>,
    /// Only if a search finds nothing: the query (R4 http, section "conditional create").
    pub if_none_exist: Option<String>,
    /// Only if there is nothing under this id.
    pub if_none_match: bool,
}

impl<'a> Request<'a> {
    fn new(method: Method, url: String) -> Self {
        Self {
            method,
            url,
            resource: None,
            id: None,
            if_match: None,
            if_none_exist: None,
            if_none_match: false,
        }
    }

    /// Reads a record by its id.
    pub fn read(resource_type: &str, id: &str) -> Self {
        Self::new(Method::Get, format!("{resource_type}/{id}"))
    }

    /// Searches for records of a type; two are enough to know that it is not one.
    pub fn search(resource_type: &str, query: &str) -> Self {
        Self::new(Method::Get, format!("{resource_type}?{query}&_count=2"))
    }

    /// Writes a record under its id where there is nothing yet.
    pub fn put_new(resource_type: &str, id: &'a str, resource: &'a [u8]) -> Self {
        Self {
            resource: Some(resource),
            id: Some(id),
            if_none_match: true,
            ..Self::new(Method::Put, format!("{resource_type}/{id}"))
        }
    }

    /// Writes a new version of a record, if the one before is `version`.
    pub fn put(resource_type: &str, id: &'a str, version: Option<&str>, resource: &'a [u8]) -> Self {
        Self {
            resource: Some(resource),
            id: Some(id),
            if_match: version.map(|version| format!("W/\"{version}\"")),
            ..Self::new(Method::Put, format!("{resource_type}/{id}"))
        }
    }

    /// Writes a record under an id of the server's, if a search finds none.
    pub fn post(resource_type: &str, query: String, resource: &'a [u8]) -> Self {
        Self {
            resource: Some(resource),
            if_none_exist: Some(query),
            ..Self::new(Method::Post, resource_type.to_owned())
        }
    }

    /// Removes a record.
    pub fn delete(resource_type: &str, id: &str) -> Self {
        Self::new(Method::Delete, format!("{resource_type}/{id}"))
    }
}
