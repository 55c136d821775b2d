//! Documents that the EHR did not give: what stands for them in the landing, and what becomes of that later.
//!
//! In the place of such a document a line is landed that says so, an `OperationOutcome` under the document's id. It becomes a row in quarantine,
//! so that a person can do without the document or put it in by hand, and nothing else waits for it. Later runs ask for the document again.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::aside::{Aside, beginning, quarantine_of};
use super::attachments::Wanted;
use super::error::EngineError;
use super::job::Job;
use super::tally::runs_of;
use super::waive::waive;
use crate::fhir;
use crate::migration::{By, FileKind, Plan};
use crate::source::{Access, NotGiven};
use crate::store::{Storage, operator};

/// The code under which it is in quarantine.
pub const NOT_GIVEN: &str = "not-given";
/// Who is on record for a row that nobody needs to decide of any more.
const PROGRAM: &str = "cutover";

/// The line that stands for a document.
pub fn note(document: &Wanted, why: &NotGiven) -> Vec<u8> {
    // Only the sentence is told where patients' data do not belong.
    let issue = json!([{
        "severity": "error",
        "code": why.code,
        "details": { "text": why.sentence },
        "diagnostics": why.words,
        "location": [document.url],
        "expression": [document.shown_by],
    }]);
    let mut line = json!({ "resourceType": "OperationOutcome", "id": document.id, "issue": issue }).to_string();
    line.push('\n');
    line.into_bytes()
}

/// What earlier runs, and this one as far as it came, say of documents; of each what was said last.
pub struct Notes(BTreeMap<String, (Aside, Value)>);

/// What is to be done about a document.
pub enum Said {
    /// It is not asked for: it was in this run, or somebody has decided of it, or it is in quarantine for another reason.
    Settled,
    /// It is asked for again.
    Again(Box<Wanted>),
}

impl Notes {
    /// Those of a migration.
    pub fn of(storage: &Storage, plan: &Plan) -> Result<Self, EngineError> {
        let mut landed = HashSet::new();
        for run in runs_of(storage, &plan.id)? {
            let files = storage.files(run)?.into_iter();
            let attachments = files.filter(|file| file.kind == FileKind::Attachments);
            landed.extend(attachments.map(|file| (run, file.number)));
        }
        let mut notes = BTreeMap::new();
        for aside in quarantine_of(storage, plan)? {
            if landed.contains(&(aside.row.run, aside.row.file)) {
                let line = beginning(storage, aside.row, usize::MAX)?.text;
                // What is not readable has no name by which it would be asked for.
                let Ok(scan) = fhir::scan(line.as_bytes()) else {
                    continue;
                };
                let (id, is_note) = (scan.id.to_owned(), scan.resource_type == "OperationOutcome");
                let note = if is_note {
                    serde_json::from_str(&line).unwrap_or_default()
                } else {
                    Value::Null
                };
                notes.insert(id, (aside, note));
            }
        }
        Ok(Self(notes))
    }

    /// What is said of each document, by its id.
    pub fn said(&self, run: u32) -> impl Iterator<Item = (&str, Said)> {
        self.0.iter().map(move |(id, (aside, note))| {
            let given_once = aside.waived.as_ref().is_some_and(by_program);
            let issue = &note["issue"][0];
            let said = match issue["location"][0].as_str() {
                Some(url) if aside.row.run != run && (aside.open() || given_once) => Said::Again(Box::new(Wanted {
                    url: url.to_owned(),
                    id: id.clone(),
                    // It goes to the EHR's own address, or not at all.
                    access: Access::Unknown,
                    shown_by: issue["expression"][0].as_str().unwrap_or_default().to_owned(),
                    noted: aside.open(),
                })),
                _ => Said::Settled,
            };
            (id.as_str(), said)
        })
    }
}

fn by_program(waived: &crate::migration::Waived) -> bool {
    waived.by.name.as_deref() == Some(PROGRAM)
}

/// Nobody needs to decide of documents any more that came after all.
pub fn close(job: &Arc<Job>) -> Result<(), EngineError> {
    let storage = &job.storage;
    let tenant = storage.names.tenant(&job.plan.tenant)?;
    let mut rows = Vec::new();
    for (id, (aside, note)) in Notes::of(storage, &job.plan)?.0 {
        let key = storage.key(tenant, "Binary", &id)?;
        if aside.open() && !note.is_null() && storage.index.get(&key)?.is_some_and(|entry| !entry.deleted) {
            rows.push(aside.row);
        }
    }
    let by = By {
        login: operator(),
        name: Some(PROGRAM.to_owned()),
        why: Some(format!("the document is there since run {}", job.run)),
    };
    if !rows.is_empty() {
        waive(storage, &job.plan, &job.recorder, &rows, &by)?;
    }
    Ok(())
}
