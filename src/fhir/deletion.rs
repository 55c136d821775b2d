//! What an EHR says it deleted: the lines of a `deleted` file (Bulk Data Access 2.0, `deleted`).

use serde_json::Value;

use super::reference::{Kind, classify};

/// What one line of a `deleted` file asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deletions {
    /// Type and id of each record deleted at the source, in order.
    pub records: Vec<(String, String)>,
    /// Entries that do not delete; the specification says to pass over them.
    pub ignored: usize,
    /// Entries that delete something that is no record of the source: a search, another server's, a version.
    pub unusable: usize,
}

/// Why a line of a `deleted` file says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeletionError {
    /// It cannot be read as JSON.
    #[error("the line is not JSON")]
    NotJson,
    /// It is not a Bundle of type `transaction`.
    #[error("the line is not a transaction Bundle")]
    NotTransaction,
}

impl DeletionError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        Some("nothing was deleted for this line; compare the deletions of the export with the EHR by hand".to_owned())
    }
}

/// Reads one line of a `deleted` file from the server at `source_base`.
pub fn deletions(line: &[u8], source_base: Option<&str>) -> Result<Deletions, DeletionError> {
    let bundle: Value = serde_json::from_slice(line).map_err(|_| DeletionError::NotJson)?;
    if bundle["resourceType"] != "Bundle" || bundle["type"] != "transaction" {
        return Err(DeletionError::NotTransaction);
    }
    let mut found = Deletions::default();
    for entry in bundle["entry"].as_array().into_iter().flatten() {
        let request = &entry["request"];
        if request["method"] != "DELETE" {
            found.ignored += 1;
            continue;
        }
        match classify(request["url"].as_str().unwrap_or_default(), source_base) {
            Kind::Local {
                resource_type,
                id,
                version: None,
            } => {
                found.records.push((resource_type.to_owned(), id.to_owned()));
            }
            _ => found.unusable += 1,
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Option<&str> = Some("https://ehr.example/r4");

    fn entries(entries: &str) -> Deletions {
        deletions(
            format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":{entries}}}"#).as_bytes(),
            BASE,
        )
        .unwrap()
    }

    #[test]
    fn only_deletions_of_the_source_s_own_records_count() {
        let found = entries(
            r#"[{"request":{"method":"DELETE","url":"Patient/1"}},
                {"request":{"method":"DELETE","url":"https://ehr.example/r4/Group/2"}},
                {"request":{"method":"PUT","url":"Patient/3"}},{},
                {"request":{"method":"DELETE","url":"Patient?name=x"}},
                {"request":{"method":"DELETE","url":"https://other.example/r4/Patient/4"}},
                {"request":{"method":"DELETE","url":"Patient/5/_history/1"}},
                {"request":{"method":"DELETE"}}]"#,
        );
        let records = [("Patient", "1"), ("Group", "2")].map(|(kind, id)| (kind.to_owned(), id.to_owned()));
        assert_eq!(
            found,
            Deletions {
                records: records.to_vec(),
                ignored: 2,
                unusable: 4
            }
        );
    }

    #[test]
    fn a_bundle_may_be_empty() {
        assert_eq!(
            deletions(br#"{"resourceType":"Bundle","type":"transaction"}"#, BASE),
            Ok(Deletions::default())
        );
    }

    #[test]
    fn anything_else_is_an_error() {
        assert_eq!(deletions(b"{", BASE), Err(DeletionError::NotJson));
        for line in [
            "[]",
            r#"{"resourceType":"Patient"}"#,
            r#"{"resourceType":"Bundle","type":"searchset"}"#,
        ] {
            assert_eq!(
                deletions(line.as_bytes(), BASE),
                Err(DeletionError::NotTransaction),
                "{line}"
            );
        }
    }
}
