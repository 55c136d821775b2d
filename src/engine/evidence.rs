//! Evidence: a migration's report as text, JSON and HTML, and all of it in a bundle, each signed as a whole, and the check of them by
//! somebody who has nothing but the file.

mod bundle;
mod chain;
mod check;
mod error;
mod parts;
mod signature;

use std::path::{Path, PathBuf};

use super::error::EngineError;
use super::keys;
use super::report::{Report, report, report_page};
use super::report_text::report_text;
use crate::migration::{Event, Plan};
use crate::source::PrivateKey;
use crate::store::{Storage, replace_file};

pub use check::{Checked, check};
pub use error::CheckError;
pub use signature::{Form, Statement};

/// Everything that evidence of a migration is made of, as of one end of its journal.
pub struct Evidence<'a> {
    storage: &'a Storage,
    plan: &'a Plan,
    /// The report.
    pub report: Report,
    key: Option<PrivateKey>,
    entries: Vec<Vec<u8>>,
}

impl<'a> Evidence<'a> {
    /// Gathers it. `with_phi` has it tell whose the sample charts are, what was said of them, and ids of patients' records.
    pub fn gather(storage: &'a Storage, plan: &'a Plan, with_phi: bool) -> Result<Self, EngineError> {
        let key = keys::exists(storage, &plan.id)
            .then(|| keys::load(storage, plan))
            .transpose()?;
        if let Some(key) = &key {
            own(storage, plan, key)?;
        }
        let report = report(storage, plan, with_phi)?;
        let entries = chain::entries(storage, plan, &report.journal)?;
        Ok(Self {
            storage,
            plan,
            report,
            key,
            entries,
        })
    }

    /// The report in one form, or the bundle, signed if there is a key.
    pub fn made(&self, form: Form) -> Result<Vec<u8>, EngineError> {
        let body = match form {
            Form::Text => report_text(&self.report).into_bytes(),
            Form::Html => report_page(&self.report).into_bytes(),
            Form::Json => self.json()?,
            Form::Bundle => bundle::packed(self)?,
        };
        signature::signed(form, body, &self.plan.id, &self.report.journal, self.key.as_ref())
    }

    /// The report as one JSON document with the journal's entries to the byte, up to where the signature follows.
    fn json(&self) -> Result<Vec<u8>, EngineError> {
        let mut json = serde_json::to_vec(&self.report).map_err(|error| EngineError::source(&error, None))?;
        // The object goes on.
        json.pop();
        json.extend(b",\n\"entries\":[\n");
        json.extend(self.entries.join(&b",\n"[..]));
        json.extend(b"\n],\n");
        Ok(json)
    }
}

/// The journal has to know the key that signs it: it may not, if a process ended while it made the key.
fn own(storage: &Storage, plan: &Plan, key: &PrivateKey) -> Result<(), EngineError> {
    let kid = &key.public().kid;
    for entry in storage.journal.read(&plan.id, 0) {
        if matches!(&entry?.event, Event::KeyCreated { kid: known } if known == kid) {
            return Ok(());
        }
    }
    storage
        .journal
        .append(&plan.id, &Event::KeyCreated { kid: kid.clone() })?;
    Ok(storage.workspace.ledger().durable()?)
}

/// Where evidence was written to, and what signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The bundle.
    pub bundle: PathBuf,
    /// The page.
    pub page: PathBuf,
    /// Thumbprint of the key, if it is signed.
    pub key: Option<String>,
}

/// Writes the report of a migration in every form, and the bundle, into the workspace's folder of reports, without patients' data.
pub fn write_report(storage: &Storage, plan: &Plan) -> Result<Written, EngineError> {
    let evidence = Evidence::gather(storage, plan, false)?;
    let moment = jiff::Timestamp::now().strftime("%Y-%m-%d-%H%M%S");
    let path = |end: &str| {
        storage
            .workspace
            .reports_dir()
            .join(format!("{}-{moment}.{end}", plan.id))
    };
    for (form, end) in [
        (Form::Text, "txt"),
        (Form::Json, "json"),
        (Form::Html, "html"),
        (Form::Bundle, "tar.zst"),
    ] {
        write(&path(end), &evidence.made(form)?)?;
    }
    Ok(Written {
        bundle: path("tar.zst"),
        page: path("html"),
        key: evidence.report.key,
    })
}

/// Writes a file that only its owner can read, whole or not at all.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), EngineError> {
    replace_file(path, bytes).map_err(|error| EngineError::source(&error, error.hint()))
}

#[cfg(test)]
mod tests;
