//! Telling: a tenant's history once more, from its beginning, into a store aside.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::carry_out::Carrier;
use super::error::EngineError;
use super::history::{Chapter, History, LeftOut, Step};
use super::place::Placer;
use super::program::transforms;
use super::row::{FileContext, Pass, RawBlock, Row, RowReader, What, location};
use super::told::Told;
use crate::migration::{ByType, Disposition, FileKind, Ground, Plan};
use crate::store::{Aside, BlockHeader, ConflictRow, Location, RowId, Storage, Writer, row_of, run_key};

/// What was told is written out after this many bytes of source.
const TOGETHER_BYTES: u64 = 16 * 1024 * 1024;
/// What was told is written out after this many decisions.
const TOGETHER: usize = 1024;

/// Tells the history of a tenant but for what is left out; `known` is a plan that goes before the one in the ledger, `progress` is told
/// the bytes read so far.
pub fn tell(
    storage: &Arc<Storage>,
    tenant: &str,
    known: Option<&Plan>,
    left_out: &LeftOut,
    progress: &mut dyn FnMut(u64),
) -> Result<Told, EngineError> {
    let history = History::of(storage, tenant, left_out)?;
    let aside = Aside::open(storage)?;
    let mut teller = Teller {
        storage,
        aside: Arc::clone(&aside.storage),
        history: &history,
        known,
        left_out,
        open: None,
        quarantined: HashMap::new(),
        right: HashMap::new(),
        counts: BTreeMap::new(),
        added: BTreeMap::new(),
        groundless: Vec::new(),
        amended: HashMap::new(),
        untold: 0,
        read: 0,
    };
    teller.map(None)?;
    let mut steps = history.steps.iter().peekable();
    while let Some(step) = steps.next() {
        match step {
            Step::Block {
                segment,
                offset,
                header,
                pass,
            } => {
                teller.block((*segment, *offset), header, *pass)?;
                progress(teller.read);
            }
            Step::Decision { migration, key, run } => {
                let mut keys = vec![key];
                while let Some(Step::Decision { key, .. }) = steps.next_if(
                    |next| matches!(next, Step::Decision { migration: m, run: r, .. } if m == migration && r == run),
                ) {
                    keys.push(key);
                }
                teller.decisions(migration, *run, &keys)?;
            }
        }
    }
    teller.close()?;
    let (counts, added, groundless, amended) = (teller.counts, teller.added, teller.groundless, teller.amended);
    Ok(Told {
        aside,
        tenant: history.tenant,
        migrations: history.migrations,
        runs: history.chapters.into_keys().collect(),
        counts,
        added,
        amended,
        groundless,
    })
}

struct Teller<'a> {
    storage: &'a Arc<Storage>,
    aside: Arc<Storage>,
    history: &'a History,
    known: Option<&'a Plan>,
    left_out: &'a LeftOut,
    open: Option<Open>,
    quarantined: HashMap<u32, HashSet<RowId>>,
    /// Rows that were set right, by the block in which they were received: where their bytes are.
    right: HashMap<(u32, u64), Vec<(RowId, Location)>>,
    counts: BTreeMap<(u32, u32), ByType>,
    added: BTreeMap<u32, u64>,
    groundless: Vec<ConflictRow>,
    /// What became of rows that were set right.
    amended: HashMap<RowId, Disposition>,
    /// Bytes whose rows are not written out yet.
    untold: u64,
    read: u64,
}

/// The run whose rows are told.
struct Open {
    run: u32,
    placer: Placer,
    reader: RowReader,
    writer: Writer,
}

impl Teller<'_> {
    /// Makes what was mapped when a run began known to those whose turn comes; before the first run what was mapped by hand, which always
    /// was before it could concern anything received.
    fn map(&self, run: Option<u32>) -> Result<(), EngineError> {
        for (key, mapping) in self.history.mappings.values().flatten() {
            let by_hand = mapping.ground == Ground::Hand && run.is_none();
            if by_hand || run.is_some() && mapping.run == run {
                self.aside.tables.crosswalk.put(key, mapping)?;
            }
        }
        Ok(())
    }

    /// The plan of a migration by the rules of one of its runs.
    fn plan(&self, migration: &str, chapter: &Chapter) -> Result<Plan, EngineError> {
        let info = &chapter.info;
        let Some(base_url) = &info.base_url else {
            return Ok(Plan::local(&info.tenant));
        };
        let plan = match self.known.filter(|plan| plan.id == migration) {
            Some(plan) => Some(plan.clone()),
            None => self.storage.tables.migrations.get(migration.as_bytes())?,
        };
        let plan = Plan {
            base_url: base_url.clone(),
            tenant: info.tenant.clone(),
            ..plan.unwrap_or_else(|| Plan::new(migration, base_url))
        };
        Ok(match &info.rules {
            Some(rules) => plan.under(rules.clone()),
            None => plan,
        })
    }

    fn open(&mut self, run: u32, chapter: &Chapter) -> Result<Open, EngineError> {
        self.map(Some(run))?;
        let plan = self.plan(&chapter.info.migration, chapter)?;
        if !self.quarantined.contains_key(&run) {
            let mut rows = HashSet::new();
            for item in self.storage.tables.quarantine.scan_prefix(&run_key(run)) {
                let (key, row) = item?;
                let Some(id) = row_of(&key).filter(|_| self.storage.segments.has(&row.location)) else {
                    continue;
                };
                if let Some(bytes) = self.left_out.amended.get(&id) {
                    let block = (row.location.segment, row.location.block);
                    self.right.entry(block).or_default().push((id, *bytes));
                    continue;
                }
                rows.insert(id);
                let counts = self.counts.entry((run, id.file)).or_default();
                counts
                    .entry(row.what.resource_type)
                    .or_default()
                    .add(Disposition::Quarantined);
            }
            self.quarantined.insert(run, rows);
        }
        let expected = chapter.files.values().map(|file| file.lines).sum();
        let placer = Placer::new(
            Arc::clone(&self.aside),
            &plan,
            chapter.transaction_time.clone(),
            chapter.info.base_url.is_none(),
        )?;
        Ok(Open {
            run,
            placer: placer.once_more(Arc::clone(&self.history.asked), Arc::clone(&self.history.met)),
            reader: RowReader::new(
                Arc::clone(&self.aside),
                self.history.tenant,
                chapter.info.base_url.clone(),
            )
            .mapping(&plan.mrn_systems)
            .transforming(&Arc::new(transforms(&self.aside, &plan)?)),
            writer: self.aside.intake_writer(run, expected)?,
        })
    }

    fn block(&mut self, at: (u32, u64), header: &BlockHeader, pass: Pass) -> Result<(), EngineError> {
        let Some(chapter) = self.history.chapters.get(&header.run) else {
            return Ok(());
        };
        let Some(file) = chapter.files.get(&header.file) else {
            return Ok(());
        };
        if self.open.as_ref().is_none_or(|open| open.run != header.run) {
            self.close()?;
            self.open = Some(self.open(header.run, chapter)?);
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        let bytes = self.storage.segments.block(at.0, at.1)?;
        self.read += bytes.len() as u64;
        self.untold += bytes.len() as u64;
        let context = FileContext {
            number: file.number,
            kind: file.kind,
            resource_type: file.resource_type.clone(),
            // A line that was no header is in the quarantine, and so is one that was too long.
            organized: true,
            patients: Arc::clone(&open.placer.patients),
            max_line: usize::MAX,
            pass,
        };
        let block = RawBlock {
            file: Arc::new(context),
            sequence: 0,
            offset: header.source_offset,
            first_line: header.first_line,
            newlines: 0,
            validator: None,
            landed: Some(at),
            piece: header.piece,
            bytes: bytes.to_vec(),
        };
        let right = self.right.get(&at).map(Vec::as_slice).unwrap_or_default();
        let is_right = |line: u64| right.iter().any(|(id, _)| u64::from(id.line) == line);
        let rows = open.reader.read(&block)?.into_iter();
        let mut rows: Vec<(Row, Location)> = rows
            .filter(|row| !is_right(row.line))
            .map(|row| {
                let place = location(at.0, at.1, &row);
                (row, place)
            })
            .collect();
        for (id, bytes) in right {
            let line = RawBlock::of_one(&block.file, id.line, self.storage.segments.read(bytes)?);
            rows.extend(open.reader.read(&line)?.into_iter().map(|row| (row, *bytes)));
        }
        rows.sort_by_key(|(row, _)| row.line);
        // The placer has the patients to itself again.
        drop(block);
        let counts = self.counts.entry((header.run, header.file)).or_default();
        for (row, place) in rows {
            let id = RowId {
                run: header.run,
                file: header.file,
                line: u32::try_from(row.line).unwrap_or(u32::MAX),
            };
            let quarantined = || self.quarantined.get(&header.run).is_some_and(|rows| rows.contains(&id));
            match row.what {
                What::Record(_) if quarantined() => {}
                What::Record(record) => {
                    let now = if self.left_out.rows.contains(&id) {
                        Disposition::Kept
                    } else {
                        open.placer.place(&mut open.writer, id, place, &record)?
                    };
                    if is_right(row.line) {
                        self.amended.insert(id, now);
                    }
                    let name = open.placer.type_name(record.key.resource_type());
                    counts.entry(name).or_default().add(now);
                }
                What::Deletions(keys) => {
                    for key in keys {
                        open.placer.delete(&mut open.writer, id, place, key)?;
                        let name = open.placer.type_name(key.resource_type());
                        counts.entry(name).or_default().add(Disposition::Deleted);
                    }
                    if is_right(row.line) {
                        self.amended.insert(id, Disposition::Deleted);
                    }
                }
                What::Rejected(rejected) if is_right(row.line) => {
                    // It passed when it was set right; a program that transforms may have changed since.
                    counts
                        .entry(rejected.resource_type)
                        .or_default()
                        .add(Disposition::Quarantined);
                }
                What::Rejected(_) | What::Issues(_) => {}
            }
        }
        debug_assert!(file.kind != FileKind::Outcome || counts.is_empty());
        if self.untold >= TOGETHER_BYTES {
            self.write_out()?;
        }
        Ok(())
    }

    /// Writes out what was told of the open run.
    fn write_out(&mut self) -> Result<(), EngineError> {
        self.untold = 0;
        let Some(open) = &mut self.open else { return Ok(()) };
        *self.added.entry(open.run).or_default() += open.writer.pending.added();
        let aside = &self.aside;
        open.writer
            .checkpoint(|tails| -> Result<(), EngineError> { Ok(aside.put_tails(tails)?) })
    }

    fn close(&mut self) -> Result<(), EngineError> {
        self.write_out()?;
        self.open = None;
        Ok(())
    }

    /// Carries out decisions that were made after everything told so far, while `run` was the migration's last.
    fn decisions(&mut self, migration: &str, run: u32, keys: &[&Vec<u8>]) -> Result<(), EngineError> {
        self.close()?;
        let Some(chapter) = self.history.chapters.get(&run) else {
            return Ok(());
        };
        let plan = self.plan(migration, chapter)?;
        let mut carrier = Carrier::new(&self.aside, &plan)?.once_more(&self.history.asked);
        for (at, key) in (1..).zip(keys) {
            let Some(decided) = self.storage.tables.conflicts.get(key)? else {
                continue;
            };
            let open = self.aside.tables.conflicts.get(key)?.filter(|row| row.conflict.open());
            let stands = match (open, &decided.conflict.decided) {
                (Some(row), Some(made)) => carrier.repeat(row, made.clone())?,
                _ => false,
            };
            if !stands {
                self.groundless.push(decided);
            }
            if at % TOGETHER == 0 {
                carrier.checkpoint()?;
            }
        }
        carrier.checkpoint()
    }
}
