//! Twins: files of the run before that come again byte for byte. Such a file is compared while it arrives and, being the same to its last
//! byte and hash, is neither landed nor taken in a second time.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::EngineError;
use super::patients::PatientMap;
use crate::migration::{Counts, ExportFile, FileKind, Plan};
use crate::store::{BlockHeader, Storage, run_key};

/// The files of the run before that may come again.
pub struct Twins {
    storage: Arc<Storage>,
    /// Where references led when the files before were taken in.
    patients: Arc<PatientMap>,
    files: HashMap<String, ExportFile>,
    blocks: HashMap<(u32, u32), Vec<Block>>,
}

/// Where a block of a former landing is.
#[derive(Clone, Copy)]
struct Block {
    segment: u32,
    offset: u64,
    header: BlockHeader,
}

/// A former file, compared block by block with one that arrives.
pub struct Twin {
    storage: Arc<Storage>,
    /// The former file; its landing is that of the file it equals itself, if it was not landed either.
    pub file: ExportFile,
    blocks: Vec<Block>,
    at: usize,
}

impl Twins {
    /// The files that run `run` may see again: none unless the run just before it was this migration's and from the same source, so
    /// that nothing else has written to the store since. `patients` are those known before anything more is taken in.
    pub fn of(storage: &Arc<Storage>, plan: &Plan, run: u32, patients: Arc<PatientMap>) -> Result<Self, EngineError> {
        let mut twins = Self {
            storage: Arc::clone(storage),
            patients,
            files: HashMap::new(),
            blocks: HashMap::new(),
        };
        let before = run.saturating_sub(1);
        let ours = storage.tables.runs.get(&run_key(before))?.is_some_and(|info| {
            info.rolled_back.is_none()
                && info.migration == plan.id
                && info.tenant == plan.tenant
                && info.base_url.as_ref() == Some(&plan.base_url)
        });
        // A run that goes on may have met patients before it was cut off.
        let taken = |file: &ExportFile| file.with_patients() && file.bytes > 0 && file.origin() == (run, file.number);
        if !ours || storage.files(run)?.iter().any(taken) {
            return Ok(twins);
        }
        for file in storage.files(before)? {
            if settled(&file) {
                twins.blocks.insert(file.origin(), Vec::new());
                twins.files.insert(file.name.clone(), file);
            }
        }
        for segment in storage.segments.ids() {
            for item in storage.segments.headers(segment) {
                let (offset, header) = item?;
                if let Some(blocks) = twins.blocks.get_mut(&(header.run, header.file)) {
                    blocks.push(Block {
                        segment,
                        offset,
                        header,
                    });
                }
            }
        }
        Ok(twins)
    }

    /// The former file that `file` may equal; none once `patients` says that what refers to one of them leads elsewhere than it did.
    pub fn find(&self, file: &ExportFile, patients: &PatientMap) -> Option<Twin> {
        let former = self.files.get(&file.name)?;
        if !patients.leads_like(&self.patients) {
            return None;
        }
        if file.bytes > 0 || file.deferred || file.resource_type != former.resource_type || file.kind != former.kind {
            return None;
        }
        Some(Twin {
            storage: Arc::clone(&self.storage),
            file: former.clone(),
            blocks: self.blocks.get(&former.origin())?.clone(),
            at: 0,
        })
    }
}

/// Whether every row of a file is simply in the store.
fn settled(file: &ExportFile) -> bool {
    let simple = |counts: &Counts| counts.rows == counts.stored + counts.unchanged;
    file.kind == FileKind::Output && file.resource_type.is_some() && file.complete() && file.counts.values().all(simple)
}

impl Twin {
    /// How many bytes the next comparison needs; nothing when the former file ends here.
    pub fn wants(&self) -> Option<usize> {
        self.blocks.get(self.at).map(|block| block.header.raw_len as usize)
    }

    /// Whether `bytes` begin with the former file's next block; then it is passed over.
    pub fn same(&mut self, bytes: &[u8]) -> Result<bool, EngineError> {
        let Some(block) = self.blocks.get(self.at) else {
            return Ok(false);
        };
        let same = bytes.starts_with(&self.storage.segments.block(block.segment, block.offset)?);
        self.at += usize::from(same);
        Ok(same)
    }

    /// The blocks passed over so far, for landing them after all.
    pub fn passed(&self) -> impl Iterator<Item = Result<(BlockHeader, Vec<u8>), EngineError>> + '_ {
        self.blocks[..self.at].iter().map(|block| {
            let bytes = self.storage.segments.block(block.segment, block.offset)?;
            Ok((block.header, bytes.to_vec()))
        })
    }
}
