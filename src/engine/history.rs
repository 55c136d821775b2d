//! History: everything that made a tenant's records what they are, in the order in which it happened.
//!
//! The store is a function of it: rows as they were landed, by the rules and mappings of their runs, and what persons decided in between.
//! What is taken back is left out, and the rest is told once more (`telling`).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::error::EngineError;
use super::export::tier;
use super::row::Pass;
use crate::migration::{Conflict, Event, ExportFile, Ground, Mapping};
use crate::store::{BlockHeader, BlockKind, ConflictRow, Location, RecordKey, RowId, RunInfo, Storage, migration_key};

/// What is left out of a history, and what reads otherwise in it than it was received.
#[derive(Debug, Clone, Default)]
pub struct LeftOut {
    /// Runs, besides those that were taken back before.
    pub runs: BTreeSet<u32>,
    /// Decisions, by their conflict's key in the ledger; no policy makes them instead.
    pub decisions: HashSet<Vec<u8>>,
    /// Rows of the destination's own.
    pub rows: HashSet<RowId>,
    /// Rows that a person set right: where the bytes are that stand for those received.
    pub amended: HashMap<RowId, Location>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The rows of a block of the landing were taken in, as far as they belong to this pass.
    Block {
        /// The segment.
        segment: u32,
        /// Where in it the block is.
        offset: u64,
        /// The block's header.
        header: BlockHeader,
        /// Which of its rows.
        pass: Pass,
    },
    /// A person decided a conflict.
    Decision {
        /// The migration.
        migration: String,
        /// The conflict's key in the ledger.
        key: Vec<u8>,
        /// The migration's last run then.
        run: u32,
    },
}

/// A run that stands.
pub struct Chapter {
    /// What it was started with.
    pub info: RunInfo,
    /// Its files by number.
    pub files: HashMap<u32, ExportFile>,
    /// `transactionTime` of its export.
    pub transaction_time: Option<String>,
    /// The number of the journal's entry with which it began.
    began: u64,
}

/// A tenant's history.
pub struct History {
    /// Number of the tenant.
    pub tenant: u16,
    /// Every migration that ever ran for it, imports included.
    pub migrations: BTreeSet<String>,
    /// The runs that stand, by number.
    pub chapters: BTreeMap<u32, Chapter>,
    /// Mappings that were made beside decisions, by migration: their key in the ledger and what they say.
    pub mappings: BTreeMap<String, Vec<(Vec<u8>, Mapping)>>,
    /// Conflicts, by their key in the ledger, that no policy decides for rows from this run on: a person took back what was decided of them.
    pub asked: Arc<HashMap<Vec<u8>, u32>>,
    /// Whom patients met, by the row.
    pub met: Arc<HashMap<RowId, RecordKey>>,
    /// What happened.
    pub steps: Vec<Step>,
}

/// A decision and where it stands among what was received: after this segment, and in the migration's order.
type Placed<'a> = (u32, &'a String, u64, Vec<u8>, u32);

impl History {
    /// The history of a tenant but for what is left out.
    pub fn of(storage: &Arc<Storage>, tenant: &str, left_out: &LeftOut) -> Result<Self, EngineError> {
        let (migrations, chapters) = chapters(storage, tenant, left_out)?;
        let blocks = blocks(storage, &chapters)?;
        let mut asked = HashMap::new();
        let mut met = HashMap::new();
        let mut decisions: Vec<Placed> = Vec::new();
        let mut mappings: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for migration in &migrations {
            let prefix = migration_key(migration, &[]);
            for item in storage.tables.conflicts.scan_prefix(&prefix) {
                let (key, row) = item?;
                if let Some(target) = RecordKey::from_bytes(&row.target).filter(|_| row.conflict.kind.between_two()) {
                    met.insert(row.row(), target);
                }
                if let Some((landed, seq, run)) = place(&row, &chapters, &blocks)
                    && !left_out.decisions.contains(&key)
                {
                    decisions.push((landed, migration, seq, key.clone(), run));
                }
                if row.asked || left_out.decisions.contains(&key) {
                    asked.insert(key, row.conflict.run);
                }
            }
            let of = mappings.entry(migration.clone()).or_default();
            for item in storage.tables.crosswalk.scan_prefix(&prefix) {
                let (key, mapping) = item?;
                if mapping.ground != Ground::Decision {
                    of.push((key, mapping));
                }
            }
        }
        decisions.sort_unstable();
        let steps = in_order(&chapters, &blocks, decisions);
        Ok(Self {
            tenant: storage.names.tenant(tenant)?,
            migrations,
            chapters,
            mappings,
            asked: Arc::new(asked),
            met: Arc::new(met),
            steps,
        })
    }
}

/// Every migration of a tenant, and the runs of which rows are told.
fn chapters(
    storage: &Storage,
    tenant: &str,
    left_out: &LeftOut,
) -> Result<(BTreeSet<String>, BTreeMap<u32, Chapter>), EngineError> {
    let mut migrations = BTreeSet::new();
    let mut chapters = BTreeMap::new();
    for item in storage.tables.runs.iter() {
        let (key, info) = item?;
        let (Ok(key), true) = (<[u8; 4]>::try_from(key.as_slice()), info.tenant == tenant) else {
            continue;
        };
        migrations.insert(info.migration.clone());
        let run = u32::from_be_bytes(key);
        if info.rolled_back.is_some() || left_out.runs.contains(&run) {
            continue;
        }
        let files = storage.files(run)?.into_iter().map(|f| (f.number, f)).collect();
        let chapter = Chapter {
            info,
            files,
            transaction_time: None,
            began: 0,
        };
        chapters.insert(run, chapter);
    }
    for migration in &migrations {
        let mut run = 0;
        for entry in storage.journal.read(migration, 0) {
            let entry = entry?;
            match entry.event {
                Event::RunStarted { run: number, .. } => {
                    run = number;
                    if let Some(chapter) = chapters.get_mut(&run) {
                        chapter.began = entry.seq;
                    }
                }
                Event::StatusComplete { transaction_time, .. } => {
                    if let Some(chapter) = chapters.get_mut(&run) {
                        chapter.transaction_time = transaction_time;
                    }
                }
                _ => {}
            }
        }
    }
    Ok((migrations, chapters))
}

/// Segment, offset and header of the blocks of these runs, in the order in which they were landed.
fn blocks(storage: &Storage, chapters: &BTreeMap<u32, Chapter>) -> Result<Vec<(u32, u64, BlockHeader)>, EngineError> {
    let mut blocks = Vec::new();
    for segment in storage.segments.ids() {
        for item in storage.segments.headers(segment) {
            let (offset, header) = item?;
            let file = chapters.get(&header.run).and_then(|run| run.files.get(&header.file));
            if header.kind == BlockKind::Landing && file.is_some() {
                blocks.push((segment, offset, header));
            }
        }
    }
    Ok(blocks)
}

/// Where a person's decision stands: the last segment before it, its number in the journal, and the migration's last run then. `None` for
/// one that a policy made, or about what a run brought that does not stand.
fn place(
    row: &ConflictRow,
    chapters: &BTreeMap<u32, Chapter>,
    blocks: &[(u32, u64, BlockHeader)],
) -> Option<(u32, u64, u32)> {
    let Conflict {
        migration,
        run,
        decided,
        ..
    } = &row.conflict;
    let made = decided.as_ref()?;
    let seq = made.seq?;
    chapters.get(run)?;
    let begun = |(_, chapter): &(&u32, &Chapter)| chapter.info.migration == *migration && chapter.began < seq;
    let last = chapters.iter().rev().find(begun).map_or(*run, |(run, _)| *run);
    let landed = made.landed.unwrap_or_else(|| {
        let before = |header: &BlockHeader| {
            let of = chapters.get(&header.run);
            of.is_some_and(|chapter| begun(&(&header.run, chapter)))
        };
        let before = blocks.iter().filter(|(_, _, header)| before(header));
        before
            .map(|(segment, ..)| *segment)
            .max()
            .unwrap_or(row.location.segment)
    });
    Some((landed, seq, last))
}

/// Puts rows and decisions in order. Of a file that was deferred only patients were taken in as it was landed, and the rest when
/// everything of its tier and those before was there; until then nothing that came in between depended on it.
fn in_order(
    chapters: &BTreeMap<u32, Chapter>,
    blocks: &[(u32, u64, BlockHeader)],
    decisions: Vec<Placed>,
) -> Vec<Step> {
    let file = |header: &BlockHeader| chapters.get(&header.run).and_then(|run| run.files.get(&header.file));
    let mut last: BTreeMap<(u32, u8), usize> = BTreeMap::new();
    let mut rests: BTreeMap<(u32, u8), Vec<usize>> = BTreeMap::new();
    for (at, (_, _, header)) in blocks.iter().enumerate() {
        let Some(file) = file(header) else { continue };
        last.insert((header.run, tier(file)), at);
        if file.deferred && taken_in(file, header.source_offset, false) {
            rests.entry((header.run, tier(file))).or_default().push(at);
        }
    }
    let mut due: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for ((run, tier), mut rest) in rests {
        let before = last.range((run, 0)..=(run, tier));
        let at = before.map(|(_, at)| *at).max().unwrap_or_default();
        rest.sort_by_key(|at| (blocks[*at].2.file, blocks[*at].2.source_offset));
        due.entry(at).or_default().extend(rest);
    }
    let step = |at: usize, pass| {
        let (segment, offset, header) = blocks[at];
        Step::Block {
            segment,
            offset,
            header,
            pass,
        }
    };
    let decision = |(_, migration, _, key, run): Placed| Step::Decision {
        migration: migration.clone(),
        key,
        run,
    };
    let mut steps = Vec::new();
    let mut decisions = decisions.into_iter().peekable();
    for (at, (segment, _, header)) in blocks.iter().enumerate() {
        while let Some(made) = decisions.next_if(|(landed, ..)| landed < segment) {
            steps.push(decision(made));
        }
        let deferred = file(header).is_some_and(|file| file.deferred);
        steps.push(step(at, if deferred { Pass::Patients } else { Pass::Whole }));
        for rest in due.remove(&at).unwrap_or_default() {
            steps.push(step(rest, Pass::Rest));
        }
    }
    steps.extend(decisions.map(decision));
    steps
}

/// Whether a row's record was placed yet: of a deferred file, patients come before all others.
pub fn taken_in(file: &ExportFile, block: u64, patient: bool) -> bool {
    file.complete() || !file.deferred || patient || block < file.replayed
}
