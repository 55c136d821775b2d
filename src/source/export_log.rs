//! The items of the Bulk Data export log, one JSON object a line, as other Bulk Data clients write them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogItem {
    /// The same for all items of one export.
    pub export_id: String,
    /// When, as an instant.
    pub timestamp: String,
    /// What happened.
    #[serde(flatten)]
    pub event: LogEvent,
}

/// What happened, with its details.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "eventId",
    content = "eventDetail",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
pub enum LogEvent {
    /// The export was asked for.
    Kickoff {
        /// The URL asked.
        export_url: String,
        /// The status of the answer.
        error_code: Option<u16>,
        /// The server's words, if it refused.
        error_body: Option<Value>,
        /// Software name of the server.
        software_name: Option<String>,
        /// Software version of the server.
        software_version: Option<String>,
        /// FHIR version of the server.
        fhir_version: Option<String>,
        /// The parameters sent.
        request_parameters: Map<String, Value>,
        /// Headers of the answer.
        response_headers: Option<Map<String, Value>>,
    },
    /// The export runs.
    StatusProgress {
        /// Whatever was told.
        body: Option<Value>,
        /// The value of `X-Progress`.
        #[serde(rename = "xProgress")]
        progress: Option<String>,
        /// The value of `Retry-After`.
        #[serde(rename = "retryAfter")]
        retry_after: Option<String>,
    },
    /// A page of the manifest is there, and there are more.
    StatusPageComplete {
        /// `transactionTime` of the manifest.
        transaction_time: Option<String>,
        /// Files with resources in it.
        output_file_count: u64,
        /// Files that delete.
        deleted_file_count: u64,
        /// Files with outcomes.
        error_file_count: u64,
    },
    /// The export is done.
    StatusComplete {
        /// `transactionTime` of the manifest.
        transaction_time: Option<String>,
    },
    /// The export has failed.
    StatusError {
        /// What was answered.
        body: Option<Value>,
        /// The status.
        code: Option<u16>,
        /// In one sentence.
        message: String,
    },
    /// The whole manifest is known.
    ManifestComplete {
        /// `transactionTime` of the manifest.
        transaction_time: Option<String>,
        /// Files with resources in it.
        total_output_file_count: u64,
        /// Files that delete.
        total_deleted_file_count: u64,
        /// Files with outcomes.
        total_error_file_count: u64,
        /// Pages read.
        total_manifests: u64,
    },
    /// A file is asked for.
    DownloadRequest {
        /// Its URL, redacted.
        file_url: String,
        /// `output`, `deleted` or `error`.
        item_type: ItemType,
        /// Its resource type.
        resource_type: Option<String>,
    },
    /// A file is there.
    DownloadComplete {
        /// Its URL, redacted.
        file_url: String,
        /// Lines in it.
        resource_count: Option<u64>,
        /// Decoded bytes.
        file_size: u64,
    },
    /// A file could not be fetched.
    DownloadError {
        /// Its URL, redacted.
        file_url: String,
        /// What was answered.
        body: Option<Value>,
        /// The status.
        code: Option<u16>,
        /// In one sentence.
        message: String,
    },
    /// Everything is done.
    ExportComplete {
        /// Files fetched.
        files: u64,
        /// Resources in them.
        resources: u64,
        /// Decoded bytes.
        bytes: u64,
        /// Attachments fetched.
        attachments: u64,
        /// Milliseconds since the kickoff.
        duration: u64,
    },
}

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemType {
    /// Resources.
    Output,
    /// Transaction Bundles that delete.
    Deleted,
    /// `OperationOutcome`s.
    Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_have_the_names_that_other_readers_of_the_log_expect() {
        let item = |event| LogItem {
            export_id: "e1".to_owned(),
            timestamp: "2026-11-20T10:00:00Z".to_owned(),
            event,
        };
        let request = LogEvent::DownloadRequest {
            file_url: "https://e/1".to_owned(),
            item_type: ItemType::Output,
            resource_type: Some("Patient".to_owned()),
        };
        let line = serde_json::to_string(&item(request)).unwrap();
        assert_eq!(
            line,
            r#"{"exportId":"e1","timestamp":"2026-11-20T10:00:00Z","eventId":"download_request","eventDetail":{"fileUrl":"https://e/1","itemType":"output","resourceType":"Patient"}}"#
        );
        let complete = LogEvent::ExportComplete {
            files: 1,
            resources: 2,
            bytes: 3,
            attachments: 0,
            duration: 4,
        };
        let json = serde_json::to_value(item(complete)).unwrap();
        assert_eq!(
            (
                json["eventId"].as_str(),
                json["eventDetail"]["resources"].as_u64()
            ),
            (Some("export_complete"), Some(2))
        );
        assert_eq!(
            serde_json::from_value::<LogItem>(json.clone())
                .map(|item| serde_json::to_value(item).unwrap())
                .unwrap(),
            json
        );
    }
}
