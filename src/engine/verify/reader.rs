//! A block of the landing, row by row: what became of each, and what does not agree. One reader per thread.

use std::collections::{HashMap, HashSet};

use super::census::Census;
use super::crew::BlockAt;
use super::ground::Ground;
use crate::engine::error::EngineError;
use crate::engine::history::taken_in;
use crate::engine::row::{is_header, lines};
use crate::fhir::{self, Scan};
use crate::migration::{Disposition, ExportFile, FileKind, RecordFinding, RecordState, VerifiedBlock};
use crate::store::{Piece, RecordKey, RowId};

/// A received record that belongs to a drawn chart.
pub struct Sampled {
    pub id: String,
    pub resource_type: String,
    pub patient: Option<String>,
    pub line: Vec<u8>,
    pub said: [u8; 16],
}

/// Reads blocks against the store.
pub struct Reader<'a> {
    pub ground: &'a Ground<'a>,
    pub(super) census: &'a Census,
    /// Ids of the patients whose charts are drawn.
    pub drawn: &'a HashSet<String>,
    /// Numbers of types in keys.
    types: HashMap<String, u16>,
    /// Whether the store has records of a type.
    pub(super) there: HashMap<String, bool>,
    /// Hashes of references that lead somewhere: most point at the same patients and visits.
    pub(super) sound: HashSet<u64>,
    /// What the block at hand comes to.
    pub(super) found: VerifiedBlock,
    sampled: Vec<Sampled>,
}

/// A row, with what is known of it before it is compared.
#[derive(Clone, Copy)]
pub struct RowAt<'t> {
    pub scan: &'t Scan<'t>,
    pub row: RowId,
    /// The bytes as received.
    pub text: &'t [u8],
}

impl<'a> Reader<'a> {
    /// A reader that has seen nothing.
    pub fn new(ground: &'a Ground<'a>, census: &'a Census, drawn: &'a HashSet<String>) -> Self {
        Self {
            ground,
            census,
            drawn,
            types: HashMap::new(),
            there: HashMap::new(),
            sound: HashSet::new(),
            found: VerifiedBlock::default(),
            sampled: Vec::new(),
        }
    }

    /// Compares every row of a block with the store, or only takes out what belongs to the sample.
    pub fn read(
        &mut self,
        file: &ExportFile,
        at: &BlockAt,
        block: &[u8],
        compare: bool,
    ) -> Result<(VerifiedBlock, Vec<Sampled>), EngineError> {
        if compare && self.plain(file, at, block)? {
            return Ok((std::mem::take(&mut self.found), std::mem::take(&mut self.sampled)));
        }
        let header = &at.header;
        match header.piece {
            Piece::Lines => {
                for (line, _, text) in lines(block, header.first_line, header.source_offset == 0) {
                    let right = self.ground.right(row_id(file, line))?;
                    let text = right.as_deref().unwrap_or(text);
                    if compare {
                        self.row(file, header.source_offset, line, text)?;
                    } else if !self.drawn.is_empty()
                        && matches!(file.kind, FileKind::Output | FileKind::Attachments)
                        && let Ok(scan) = fhir::scan(text)
                    {
                        self.sample(&scan, text);
                    }
                }
            }
            Piece::OversizeStart if compare => match self.ground.right(row_id(file, header.first_line))? {
                Some(right) => self.row(file, header.source_offset, header.first_line, &right)?,
                None => self.reject(file, header.first_line, None),
            },
            Piece::OversizeStart | Piece::OversizeRest => {}
        }
        Ok((std::mem::take(&mut self.found), std::mem::take(&mut self.sampled)))
    }

    fn row(&mut self, file: &ExportFile, block: u64, line: u64, text: &[u8]) -> Result<(), EngineError> {
        match file.kind {
            FileKind::Outcome => return Ok(()),
            FileKind::Deleted => {
                match fhir::deletions(text, self.ground.base()) {
                    Ok(deletions) => {
                        for (resource_type, _) in deletions.records {
                            let counts = self.found.counts.entry(resource_type).or_default();
                            counts.add(Disposition::Deleted);
                        }
                    }
                    Err(_) => self.reject(file, line, Some("Bundle")),
                }
                return Ok(());
            }
            FileKind::Output | FileKind::Attachments => {}
        }
        let row = row_id(file, line);
        if !self.ground.set_aside.is_empty() && self.ground.set_aside.contains_key(&row) {
            self.reject(file, line, None);
            return Ok(());
        }
        let own = file.resource_type.as_deref();
        let scan = match fhir::scan(text) {
            Ok(scan) if own.is_none_or(|own| own == scan.resource_type) => scan,
            Err(_) if is_header(text) => return Ok(()),
            _ => {
                self.reject(file, line, None);
                return Ok(());
            }
        };
        let is_patient = scan.resource_type == "Patient";
        if !taken_in(file, block, is_patient) {
            return Ok(());
        }
        self.sample(&scan, text);
        let at = RowAt { scan: &scan, row, text };
        let (disposition, state) = self.place(&at)?;
        self.count(scan.resource_type, disposition);
        if let Some(state) = state {
            self.found.patients += u64::from(is_patient);
            self.state(scan.resource_type, state);
        }
        Ok(())
    }

    pub(super) fn count(&mut self, resource_type: &str, disposition: Disposition) {
        if let Some(counts) = self.found.counts.get_mut(resource_type) {
            counts.add(disposition);
        } else {
            let counts = self.found.counts.entry(resource_type.to_owned()).or_default();
            counts.add(disposition);
        }
    }

    pub(super) fn state(&mut self, resource_type: &str, state: RecordState) {
        if let Some(states) = self.found.states.get_mut(resource_type) {
            states.add(state, 1);
        } else {
            let states = self.found.states.entry(resource_type.to_owned()).or_default();
            states.add(state, 1);
        }
    }

    /// Counts a row that is not usable, and checks that it was set aside.
    fn reject(&mut self, file: &ExportFile, line: u64, resource_type: Option<&str>) {
        let kept = self.ground.set_aside.get(&row_id(file, line));
        let name = kept.map(|aside| aside.resource_type.as_str()).or(resource_type);
        let name = name.or(file.resource_type.as_deref()).unwrap_or("unknown").to_owned();
        if kept.is_none() {
            self.found.findings.push(RecordFinding {
                code: "not-quarantined".to_owned(),
                what: Some("a line that is not usable was not set aside".to_owned()),
                ..finding(&name, "", row_id(file, line))
            });
        }
        let state = match kept {
            Some(aside) if aside.waived => RecordState::Waived,
            _ => RecordState::Suspended,
        };
        self.state(&name, state);
        let counts = self.found.counts.entry(name).or_default();
        counts.add(Disposition::Quarantined);
    }

    /// Takes note of a received record that belongs to a drawn chart.
    pub(super) fn sample(&mut self, scan: &Scan<'_>, text: &[u8]) {
        let owner = match scan.resource_type {
            "Patient" => Some(scan.id),
            _ => scan.patient,
        };
        if owner.is_some_and(|owner| self.drawn.contains(owner)) {
            self.sampled.push(Sampled {
                id: scan.id.to_owned(),
                resource_type: scan.resource_type.to_owned(),
                patient: scan.patient.map(str::to_owned),
                line: text.to_vec(),
                said: self.ground.said(text),
            });
        }
    }

    /// The key of a record under its own id.
    pub(super) fn key(&mut self, resource_type: &str, id: &str) -> Result<RecordKey, EngineError> {
        let storage = self.ground.storage;
        let number = if let Some(number) = self.types.get(resource_type) {
            *number
        } else {
            let number = storage.names.resource_type(resource_type)?;
            self.types.insert(resource_type.to_owned(), number);
            number
        };
        Ok(RecordKey::new(self.ground.tenant, number, storage.id_hash(id)))
    }
}

/// The row on a line of a file.
pub(super) fn row_id(file: &ExportFile, line: u64) -> RowId {
    RowId {
        run: file.run,
        file: file.number,
        line: u32::try_from(line).unwrap_or(u32::MAX),
    }
}

/// A finding that says nothing yet.
pub(super) fn finding(resource_type: &str, id: &str, row: RowId) -> RecordFinding {
    RecordFinding {
        code: String::new(),
        resource_type: resource_type.to_owned(),
        id: id.to_owned(),
        run: row.run,
        file: row.file,
        line: u64::from(row.line),
        elements: Vec::new(),
        extra: false,
        what: None,
        source: None,
        target: None,
        numbers: Vec::new(),
        gained: Vec::new(),
    }
}
