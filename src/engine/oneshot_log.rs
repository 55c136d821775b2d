//! What the log and the folder of a one-shot export call things, and what they leave out.

use serde_json::{Map, Value};
use url::Url;

use crate::http::redact_url;
use crate::migration::{ExportFile, Plan};
use crate::source::Access;

/// Whether a file needs the token, as the manifest said.
pub fn access(file: &ExportFile) -> Access {
    match file.needs_token {
        Some(true) => Access::Token,
        Some(false) => Access::NoToken,
        None => Access::Unknown,
    }
}

/// A file's URL as it may be shown.
pub fn shown(file: &ExportFile) -> String {
    Url::parse(&file.url).map_or_else(|_| file.name.clone(), |url| redact_url(&url))
}

/// The name under which a page of the manifest is kept, from 1.
pub fn page_name(number: usize) -> String {
    if number == 1 {
        "manifest.json".to_owned()
    } else {
        format!("manifest.{number}.json")
    }
}

/// The parameters of the request for the log; ids of patients are counted, not named.
pub fn parameters(plan: &Plan) -> Map<String, Value> {
    let mut all = Map::new();
    let mut add = |name: &str, value: Value| {
        if !value.is_null() && value.as_str() != Some("") {
            all.insert(name.to_owned(), value);
        }
    };
    add("_type", plan.types.join(",").into());
    add("_since", plan.since.clone().into());
    add("_until", plan.until.clone().into());
    add("_typeFilter", plan.type_filters.join(",").into());
    add("_elements", plan.elements.join(",").into());
    add("includeAssociatedData", plan.include_associated_data.join(",").into());
    add("organizeOutputBy", plan.organize_output_by.clone().into());
    if !plan.patients.is_empty() {
        add("patient", format!("{} ids", plan.patients.len()).into());
    }
    all
}
