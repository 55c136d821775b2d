//! Previews: what transforms would make of records, with nothing written.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::error::EngineError;
use super::replay::each_landed;
use super::tally::every_run_of;
use crate::fhir;
use crate::migration::{FileKind, NoProgram, Plan, Transforms};
use crate::store::Storage;

/// Bytes of the lines that are looked at together.
const TOGETHER: usize = 1 << 18;

/// A record before and after. It holds a patient's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// `Type/id`.
    pub record: String,
    /// The transforms that changed it.
    pub by: Vec<String>,
    /// As received.
    pub before: Vec<u8>,
    /// As it would be stored.
    pub after: Vec<u8>,
}

/// What transforms would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Records looked at.
    pub read: u64,
    /// Records that each transform would change, in their order.
    pub changed: Vec<(String, u64)>,
    /// Records that would be set aside, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Some of the records.
    pub samples: Vec<Sample>,
    shown: usize,
}

impl Preview {
    /// Nothing looked at yet; so many records are kept for each transform.
    pub fn new(transforms: &Transforms, shown: usize) -> Self {
        Self {
            read: 0,
            changed: transforms.names().map(|name| (name.to_owned(), 0)).collect(),
            refused: BTreeMap::new(),
            samples: Vec::new(),
            shown,
        }
    }
}

/// Lines that are looked at together: a program is run on many of them at once.
#[derive(Default)]
pub struct Batch {
    lines: Vec<Vec<u8>>,
    bytes: usize,
}

impl Batch {
    /// Adds a line, and looks at all when they are many.
    pub fn add(&mut self, transforms: &Transforms, line: &[u8], seen: &mut Preview) -> Result<(), NoProgram> {
        self.bytes += line.len();
        self.lines.push(line.to_vec());
        if self.bytes < TOGETHER {
            return Ok(());
        }
        self.end(transforms, seen)
    }

    /// Looks at those that are left.
    pub fn end(&mut self, transforms: &Transforms, seen: &mut Preview) -> Result<(), NoProgram> {
        self.bytes = 0;
        let lines = std::mem::take(&mut self.lines);
        transforms.run_programs(|| lines.iter().map(Vec::as_slice))?;
        for line in lines {
            preview(transforms, &line, seen);
        }
        Ok(())
    }
}

/// Looks at one line; what is no record is passed over.
fn preview(transforms: &Transforms, line: &[u8], seen: &mut Preview) {
    let Ok(scan) = fhir::scan(line) else { return };
    seen.read += 1;
    let changed = match transforms.apply(line) {
        Ok(Some(changed)) => changed,
        Ok(None) => return,
        Err(error) => {
            *seen.refused.entry(error.to_string()).or_default() += 1;
            return;
        }
    };
    let mut wanted = false;
    let mut by = Vec::new();
    for place in &changed.by {
        if let Some((name, count)) = seen.changed.get_mut(usize::from(*place)) {
            wanted |= *count < seen.shown as u64;
            *count += 1;
            by.push(name.clone());
        }
    }
    if wanted {
        seen.samples.push(Sample {
            record: format!("{}/{}", scan.resource_type, scan.id),
            by,
            before: line.to_vec(),
            after: changed.line,
        });
    }
}

/// Looks at everything that was received for a migration, in runs that were taken back, too.
pub fn preview_landing(
    storage: &Arc<Storage>,
    plan: &Plan,
    transforms: &Transforms,
    shown: usize,
) -> Result<Preview, EngineError> {
    let mut files = HashSet::new();
    for (run, _) in every_run_of(storage, &plan.id)? {
        let of_run = storage.files(run)?.into_iter();
        files.extend(
            of_run
                .filter(|file| file.kind == FileKind::Output)
                .map(|file| file.origin()),
        );
    }
    let mut seen = Preview::new(transforms, shown);
    let mut batch = Batch::default();
    let mut failed = Ok(());
    each_landed(storage, &files, |text| {
        if failed.is_ok() {
            failed = batch.add(transforms, text, &mut seen);
        }
    })?;
    failed?;
    batch.end(transforms, &mut seen)?;
    if seen.read == 0 {
        return Err(EngineError::NotReady {
            what: format!("nothing was received for `{}` yet", plan.id),
            hint: "give NDJSON files with --from, such as `cutover export` writes".to_owned(),
        });
    }
    Ok(seen)
}
