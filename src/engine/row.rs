//! Rows: what the lines of a block are, worked out without looking at the store, so that it can be done on several threads.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::error::EngineError;
pub use super::file_context::{FileContext, Pass};
pub use super::lines::{is_header, lines};
use super::not_given::NOT_GIVEN;
use super::patient_facts::PatientFacts;
use super::patients::PatientMap;
use crate::fhir::{self, Kind, Mention, Reject};
use crate::migration::{FileKind, Transformed, Transforms};
use crate::store::{CheckpointError, Location, RecordKey, Storage};

/// A block's worth of received bytes: whole lines, or a piece of an oversize one.
pub struct RawBlock {
    /// The file.
    pub file: Arc<FileContext>,
    /// Position among the file's blocks, from 0.
    pub sequence: u64,
    /// Byte offset in the file.
    pub offset: u64,
    /// Number of the first line, from 1.
    pub first_line: u64,
    /// Line ends in it.
    pub newlines: u64,
    /// The `If-Range` value of the version that the bytes come from.
    pub validator: Option<Arc<str>>,
    /// Whole lines or a piece.
    pub piece: crate::store::Piece,
    /// The bytes, newlines included.
    pub bytes: Vec<u8>,
    /// Segment and offset, when it is landed already and only read once more.
    pub landed: Option<(u32, u64)>,
}

impl RawBlock {
    /// One line that a person set right, to be read in the place of the one that was received in this file.
    pub fn of_one(file: &Arc<FileContext>, line: u32, bytes: Vec<u8>) -> Self {
        Self {
            file: Arc::clone(file),
            sequence: 0,
            // Not the beginning of a file, where a byte order mark may be.
            offset: 1,
            first_line: u64::from(line),
            newlines: 0,
            validator: None,
            piece: crate::store::Piece::Lines,
            bytes,
            landed: None,
        }
    }
}

/// One line and what it is.
pub struct Row {
    /// Line in the file, from 1.
    pub line: u64,
    /// Byte offset in the block.
    pub start: u32,
    /// Length in bytes, without line end.
    pub len: u32,
    /// What it is.
    pub what: What,
}

/// What a line is.
pub enum What {
    /// A record.
    Record(Record),
    /// Not usable.
    Rejected(Rejected),
    /// Requests to delete.
    Deletions(Vec<RecordKey>),
    /// Issues of an export, by severity.
    Issues(Vec<String>),
}

impl What {
    fn belongs_to(&self, pass: Pass) -> bool {
        let rest = matches!(self, Self::Record(record) if record.patient.is_none());
        match pass {
            Pass::Whole => true,
            Pass::Patients => !rest,
            Pass::Rest => rest,
        }
    }
}

/// Why a line is not usable.
pub struct Rejected {
    /// The type it stands for: that of its file, or its own.
    pub resource_type: String,
    /// Stable name of the reason.
    pub code: &'static str,
    /// The reason in a sentence without content.
    pub reason: String,
}

/// A record, as far as its line tells.
pub struct Record {
    /// Its key under its own id.
    pub key: RecordKey,
    /// Keyed hash of its bytes as received.
    pub hash: [u8; 16],
    /// `meta.lastUpdated` in microseconds since 1970.
    pub last_updated: Option<i64>,
    /// How it refers to patients who are not simply themselves.
    pub pointer: Pointer,
    /// For a Patient: what identifies it.
    pub patient: Option<Box<PatientFacts>>,
    /// Places of the transforms that changed it.
    pub transformed_by: Vec<u16>,
}

/// How a record refers to patients who are not simply themselves.
pub enum Pointer {
    /// Not at all.
    Plain,
    /// It waits for this one (keyed hash of the id).
    Held([u8; 16]),
    /// It was transformed, or its references re-pointed; these are the new bytes.
    Rewritten(Vec<u8>),
}

/// Reads blocks into rows; one per thread.
pub struct RowReader {
    storage: Arc<Storage>,
    tenant: u16,
    base_url: Option<String>,
    systems: BTreeMap<String, String>,
    transforms: Arc<Transforms>,
    types: HashMap<String, u16>,
    of_patients: Mention,
}

impl RowReader {
    /// A reader for a tenant; references below `base_url` count as relative.
    pub fn new(storage: Arc<Storage>, tenant: u16, base_url: Option<String>) -> Self {
        Self {
            storage,
            tenant,
            base_url,
            systems: BTreeMap::new(),
            transforms: Arc::default(),
            types: HashMap::new(),
            of_patients: Mention::of("Patient"),
        }
    }

    /// The same, reading the source's MRN systems as the destination's.
    pub fn mapping(self, systems: &BTreeMap<String, String>) -> Self {
        Self {
            systems: systems.clone(),
            ..self
        }
    }

    /// The same, with these transforms done to every record.
    pub fn transforming(self, transforms: &Arc<Transforms>) -> Self {
        Self {
            transforms: Arc::clone(transforms),
            ..self
        }
    }

    /// The rows of a block; blank lines and header lines are none.
    pub fn read(&mut self, block: &RawBlock) -> Result<Vec<Row>, EngineError> {
        match block.piece {
            crate::store::Piece::Lines => {}
            crate::store::Piece::OversizeRest => return Ok(Vec::new()),
            crate::store::Piece::OversizeStart if block.file.pass == Pass::Rest => return Ok(Vec::new()),
            crate::store::Piece::OversizeStart => {
                return Ok(vec![Row {
                    line: block.first_line,
                    start: 0,
                    len: clamp(block.bytes.len()),
                    what: oversize(&block.file),
                }]);
            }
        }
        if self.transforms.has_programs() && matches!(block.file.kind, FileKind::Output | FileKind::Attachments) {
            let lines = || lines(&block.bytes, block.first_line, block.offset == 0).map(|(_, _, text)| text);
            self.transforms.run_programs(lines)?;
        }
        let mut rows = Vec::with_capacity(block.bytes.len() / 512 + 1);
        for (line, start, text) in lines(&block.bytes, block.first_line, block.offset == 0) {
            let what = if text.len() > block.file.max_line {
                Some(oversize(&block.file))
            } else {
                self.line(&block.file, text)?
            };
            if let Some(what) = what.filter(|what| what.belongs_to(block.file.pass)) {
                rows.push(Row {
                    line,
                    start: clamp(start),
                    len: clamp(text.len()),
                    what,
                });
            }
        }
        Ok(rows)
    }

    fn line(&mut self, file: &FileContext, text: &[u8]) -> Result<Option<What>, CheckpointError> {
        match file.kind {
            FileKind::Output | FileKind::Attachments => {}
            FileKind::Outcome => {
                let issues = fhir::issues(text).unwrap_or_default();
                return Ok(Some(What::Issues(
                    issues.into_iter().map(|i| i.severity.name().to_owned()).collect(),
                )));
            }
            FileKind::Deleted => {
                return match fhir::deletions(text, self.base_url.as_deref()) {
                    Ok(deletions) => {
                        let keys = deletions
                            .records
                            .iter()
                            .map(|(resource_type, id)| self.key(resource_type, id))
                            .collect::<Result<_, _>>()?;
                        Ok(Some(What::Deletions(keys)))
                    }
                    Err(_) => Ok(Some(What::Rejected(Rejected {
                        resource_type: "Bundle".to_owned(),
                        code: "bad-deletion",
                        reason: "the line is not a transaction Bundle of deletions".to_owned(),
                    }))),
                };
            }
        }
        match fhir::scan(text) {
            Ok(scan) => {
                if let Some(expected) = &file.resource_type
                    && expected != scan.resource_type
                {
                    if file.kind == FileKind::Attachments
                        && let Some(issue) = fhir::issues(text).and_then(|issues| issues.into_iter().next())
                    {
                        return Ok(Some(What::Rejected(Rejected {
                            resource_type: expected.clone(),
                            code: NOT_GIVEN,
                            reason: issue.text,
                        })));
                    }
                    return Ok(Some(What::Rejected(Rejected {
                        resource_type: expected.clone(),
                        code: "other-type",
                        reason: format!("the record is a {}, in a file of {expected}", scan.resource_type),
                    })));
                }
                match self.transforms.apply(text) {
                    Ok(changed) => Ok(Some(What::Record(self.changed(file, text, &scan, changed)?))),
                    Err(untransformed) => Ok(Some(What::Rejected(Rejected {
                        resource_type: scan.resource_type.to_owned(),
                        code: "transform",
                        reason: untransformed.to_string(),
                    }))),
                }
            }
            Err(_) if file.organized && is_header(text) => Ok(None),
            Err(reject) => Ok(Some(What::Rejected(rejected(file, &reject)))),
        }
    }

    /// A record in its line, as seen under `file`'s patient map.
    pub fn record(
        &mut self,
        file: &FileContext,
        text: &[u8],
        scan: &fhir::Scan<'_>,
    ) -> Result<Record, CheckpointError> {
        // What cannot be transformed was set aside when it was received.
        let changed = self.transforms.apply(text).unwrap_or_default();
        self.changed(file, text, scan, changed)
    }

    fn changed(
        &mut self,
        file: &FileContext,
        received: &[u8],
        scan: &fhir::Scan<'_>,
        changed: Option<Transformed>,
    ) -> Result<Record, CheckpointError> {
        let text = changed.as_ref().map_or(received, |changed| &changed.line);
        let key = self.key(scan.resource_type, scan.id)?;
        let patient = (scan.resource_type == "Patient").then(|| {
            let links = self.patients_named(text);
            let crosswalk = &file.patients.crosswalk;
            let base = self.base_url.as_deref();
            let refers = crosswalk.repoint_others(&self.storage, text, base).is_some();
            let facts = PatientFacts::read(&self.storage, self.tenant, &self.systems, text, links);
            Box::new(PatientFacts { refers, ..facts })
        });
        let transformed_by = changed.as_ref().map(|changed| changed.by.clone()).unwrap_or_default();
        let pointer = if patient.is_some() || file.patients.is_empty() {
            Pointer::Plain
        } else {
            self.pointer(&file.patients, text)
        };
        Ok(Record {
            key,
            hash: self.storage.content_hash(received),
            last_updated: scan.last_updated.and_then(fhir::instant::micros),
            pointer: match (pointer, changed) {
                (Pointer::Plain, Some(changed)) => Pointer::Rewritten(changed.line),
                (pointer, _) => pointer,
            },
            patient,
            transformed_by,
        })
    }

    /// Keyed hashes of the ids of patients that a record refers to, in order.
    pub fn patients_named(&self, text: &[u8]) -> Vec<[u8; 16]> {
        let base = self.base_url.as_deref();
        let mut named = Vec::new();
        for found in fhir::references(text) {
            if let Kind::Local {
                resource_type: "Patient",
                id,
                ..
            } = fhir::classify(&found.text, base)
            {
                named.push(self.storage.id_hash(id));
            }
        }
        named
    }

    fn pointer(&self, patients: &PatientMap, text: &[u8]) -> Pointer {
        let base = self.base_url.as_deref();
        let waits = |id: &str| patients.undecided.contains(&self.storage.id_hash(id));
        if !patients.undecided.is_empty()
            && (self.of_patients.any(text, waits) || fhir::may_hide(text))
            && let Some(undecided) = self
                .patients_named(text)
                .into_iter()
                .find(|patient| patients.undecided.contains(patient))
        {
            return Pointer::Held(undecided);
        }
        if patients.crosswalk.is_empty() {
            return Pointer::Plain;
        }
        let rewritten = patients.repoint(&self.storage, text, base);
        rewritten.map_or(Pointer::Plain, Pointer::Rewritten)
    }

    /// The key of a record under its own id.
    pub fn key(&mut self, resource_type: &str, id: &str) -> Result<RecordKey, CheckpointError> {
        let number = if let Some(number) = self.types.get(resource_type) {
            *number
        } else {
            let number = self.storage.names.resource_type(resource_type)?;
            self.types.insert(resource_type.to_owned(), number);
            number
        };
        Ok(RecordKey::new(self.tenant, number, self.storage.id_hash(id)))
    }
}

/// Where a row's bytes are, given where its block is.
pub fn location(segment: u32, block: u64, row: &Row) -> Location {
    Location {
        segment,
        block,
        start: row.start,
        len: row.len,
    }
}

fn rejected(file: &FileContext, reject: &Reject) -> Rejected {
    Rejected {
        resource_type: file.resource_type.clone().unwrap_or_else(unknown),
        code: reject.code(),
        reason: reject.to_string(),
    }
}

fn oversize(file: &FileContext) -> What {
    What::Rejected(Rejected {
        resource_type: file.resource_type.clone().unwrap_or_else(unknown),
        code: "oversize",
        reason: "the line is longer than the plan allows".to_owned(),
    })
}

fn unknown() -> String {
    "unknown".to_owned()
}

/// Blocks are at most 64 MiB, so this never cuts.
fn clamp(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
