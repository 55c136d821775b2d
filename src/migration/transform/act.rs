//! What a transform does to a record by itself.

use std::collections::BTreeMap;

use crate::fhir::{self, Action, Path, TransformError};

/// What is done to the values to which a path leads.
#[derive(Debug, Clone)]
pub enum Act {
    /// This JSON takes their place.
    Set(String),
    /// They go.
    Remove,
    /// Their element is called so.
    Rename(String),
    /// The first of them is put there as well.
    Copy(Path),
    /// Texts become what the table says.
    Map(BTreeMap<String, String>),
    /// In texts the second takes the place of the first.
    Replace(String, String),
}

impl Act {
    /// The record with it done; `None` when nothing changed.
    pub fn done(&self, path: &Path, record: &str) -> Result<Option<String>, TransformError> {
        match self {
            Self::Set(json) => fhir::transform(record, path, &Action::Set(json)),
            Self::Remove => fhir::transform(record, path, &Action::Remove),
            Self::Rename(to) => fhir::transform(record, path, &Action::Rename(to)),
            Self::Copy(to) => match path.values(record).first() {
                Some(value) => fhir::transform(record, to, &Action::Set(value)),
                None => Ok(None),
            },
            Self::Map(table) => fhir::transform(record, path, &Action::Each(&|text| table.get(text).cloned())),
            Self::Replace(find, with) => {
                let each = |text: &str| text.contains(find.as_str()).then(|| text.replace(find, with));
                fhir::transform(record, path, &Action::Each(&each))
            }
        }
    }
}
