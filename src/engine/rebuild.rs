//! Making the resource index anew: every landed row is placed once more, in the order in which it was received, and what the ledger
//! says became of it holds.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::cut_off::forget_cut_off;
use super::error::EngineError;
use super::patients::PatientMap;
use super::place::Placer;
use super::program::transforms;
use super::reversal::complete;
use super::row::{FileContext, Pass, RawBlock, RowReader, What, location};
use crate::migration::{ExportFile, Plan};
use crate::store::{BlockHeader, BlockKind, RowId, Storage, Writer, row_of, run_key};

/// The new index is made durable after this many bytes of source.
const CHECKPOINT_BYTES: u64 = 16 * 1024 * 1024;

/// What came of making the index anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// Records in the new index.
    pub records: u64,
    /// Records that checkpoints and decisions vouched for before.
    pub vouched: u64,
}

/// Fills the empty index of a store that was opened with [`Storage::open_with_new_index`]; `progress` is told the bytes read so far.
pub fn rebuild_index(storage: &Arc<Storage>, progress: &mut dyn FnMut(u64)) -> Result<Rebuilt, EngineError> {
    let vouched = storage.vouched()?;
    let mut replay = Replay::new(storage)?;
    let mut read = 0;
    for segment in storage.segments.ids() {
        for item in storage.segments.headers(segment) {
            let (offset, header) = item?;
            if header.kind != BlockKind::Landing {
                continue;
            }
            let bytes = storage.segments.block(segment, offset)?;
            read += bytes.len() as u64;
            replay.block((segment, offset), header, bytes.to_vec())?;
            progress(read);
        }
    }
    let added = replay.finish()?;
    let tables = &storage.tables;
    for item in tables.progress.iter() {
        let (key, mut progress) = item?;
        let run = <[u8; 4]>::try_from(key.as_slice()).map(u32::from_be_bytes);
        progress.added = run.ok().and_then(|run| added.get(&run)).copied().unwrap_or(0);
        tables.progress.put(&key, &progress)?;
    }
    for item in tables.conflicts.iter() {
        let (key, mut row) = item?;
        // Counted with their run now.
        row.added = 0;
        tables.conflicts.put(&key, &row)?;
    }
    for item in tables.reversals.iter() {
        let (key, mut reversal) = item?;
        reversal.added = 0;
        tables.reversals.put(&key, &reversal)?;
    }
    storage.workspace.ledger().durable()?;
    for item in tables.migrations.iter() {
        complete(storage, &item?.1)?;
    }
    storage.index_is_whole()?;
    let records = storage.index.count()?;
    Ok(Rebuilt { records, vouched })
}

struct Replay<'a> {
    storage: &'a Arc<Storage>,
    /// Rows that wait, and the destination's own that were taken back by force.
    left_out: HashSet<RowId>,
    run: Option<Run>,
    added: BTreeMap<u32, u64>,
    uncommitted: u64,
}

/// The run whose blocks are being placed.
struct Run {
    number: u32,
    placer: Placer,
    reader: RowReader,
    writer: Writer,
    files: HashMap<u32, ExportFile>,
    patients: Arc<PatientMap>,
    max_line: usize,
}

impl<'a> Replay<'a> {
    fn new(storage: &'a Arc<Storage>) -> Result<Self, EngineError> {
        for item in storage.tables.migrations.iter() {
            forget_cut_off(storage, &item?.1)?;
        }
        let mut left_out = HashSet::new();
        for item in storage.tables.held.iter() {
            left_out.insert(item?.1.row);
        }
        for item in storage.tables.overruled.iter() {
            left_out.extend(row_of(&item?.0));
        }
        Ok(Self {
            storage,
            left_out,
            run: None,
            added: BTreeMap::new(),
            uncommitted: 0,
        })
    }

    fn block(&mut self, (segment, offset): (u32, u64), header: BlockHeader, bytes: Vec<u8>) -> Result<(), EngineError> {
        if self.run.as_ref().is_none_or(|run| run.number != header.run) {
            self.checkpoint()?;
            self.run = Run::open(self.storage, header.run)?;
        }
        let Some(run) = &mut self.run else { return Ok(()) };
        let Some(file) = run.files.get(&header.file) else {
            return Ok(());
        };
        self.uncommitted += bytes.len() as u64;
        let context = FileContext {
            number: file.number,
            kind: file.kind,
            resource_type: file.resource_type.clone(),
            organized: false,
            patients: Arc::clone(&run.patients),
            max_line: run.max_line,
            // All patients are known by now.
            pass: Pass::Whole,
        };
        let block = RawBlock {
            file: Arc::new(context),
            sequence: 0,
            offset: header.source_offset,
            first_line: header.first_line,
            newlines: 0,
            validator: None,
            landed: Some((segment, offset)),
            piece: header.piece,
            bytes,
        };
        for row in run.reader.read(&block)? {
            let id = RowId {
                run: header.run,
                file: header.file,
                line: u32::try_from(row.line).unwrap_or(u32::MAX),
            };
            let place = location(segment, offset, &row);
            match row.what {
                What::Record(record) if !self.left_out.contains(&id) => {
                    run.placer.place(&mut run.writer, id, place, &record)?;
                }
                What::Deletions(keys) => {
                    for key in keys {
                        run.placer.delete(&mut run.writer, id, place, key)?;
                    }
                }
                What::Record(_) | What::Rejected(_) | What::Issues(_) => {}
            }
        }
        if self.uncommitted >= CHECKPOINT_BYTES {
            self.checkpoint()?;
        }
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<(), EngineError> {
        self.uncommitted = 0;
        let Some(run) = &mut self.run else { return Ok(()) };
        *self.added.entry(run.number).or_default() += run.writer.pending.added();
        let storage = self.storage;
        run.writer.checkpoint(|tails| -> Result<(), EngineError> {
            storage.put_tails(tails)?;
            Ok(storage.workspace.ledger().durable()?)
        })
    }

    fn finish(mut self) -> Result<BTreeMap<u32, u64>, EngineError> {
        self.checkpoint()?;
        Ok(self.added)
    }
}

impl Run {
    /// A run as the ledger knows it; `None` for one that it does not know.
    fn open(storage: &Arc<Storage>, number: u32) -> Result<Option<Self>, EngineError> {
        let Some(info) = storage.tables.runs.get(&run_key(number))? else {
            return Ok(None);
        };
        if info.rolled_back.is_some() {
            return Ok(None);
        }
        let plan = match (
            storage.tables.migrations.get(info.migration.as_bytes())?,
            &info.base_url,
        ) {
            (_, None) => Plan::local(&info.tenant),
            (Some(plan), Some(base_url)) => Plan {
                base_url: base_url.clone(),
                ..plan
            },
            (None, Some(base_url)) => Plan {
                tenant: info.tenant.clone(),
                ..Plan::new(&info.migration, base_url)
            },
        };
        let mut placer = Placer::new(Arc::clone(storage), &plan, None, info.base_url.is_none())?;
        placer.replay()?;
        let tenant = storage.names.tenant(&plan.tenant)?;
        let files = storage.files(number)?.into_iter().map(|f| (f.number, f)).collect();
        Ok(Some(Self {
            number,
            max_line: plan.max_line as usize,
            patients: Arc::clone(&placer.patients),
            placer,
            reader: RowReader::new(Arc::clone(storage), tenant, info.base_url)
                .mapping(&plan.mrn_systems)
                .transforming(&Arc::new(transforms(storage, &plan)?)),
            writer: storage.writer(number)?,
            files,
        }))
    }
}
