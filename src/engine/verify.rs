//! Verification: everything that was received against everything that the store gives back.
//!
//! The landing is read once more, block by block, on all processors. Each file's bytes must have the hash that was computed while they
//! arrived. Each row's disposition is worked out again from ledger and index. A record that stands as it was received is its bytes in the
//! landing, and that the index leads to them is proved block by block; every other one is read back through the store and compared, to the
//! byte where it can be, else element by element. What the store has beyond that is found too.
//!
//! - `ground`: what the ledger knows. `census`: what the index has. `crew`, `reader`: the landing, block by block and row by row. `plain`:
//!   blocks to whose rows nothing was done. `place`, `compare`: one row.
//! - `extra`: what nothing explains. `telling`: what was found, in words. `charts`: sample charts. `whole`: files, counts, the result.
//! - `before`: what was compared before and need not be compared again.

mod before;
mod census;
mod charts;
mod compare;
mod crew;
mod extra;
mod ground;
mod place;
mod plain;
mod reader;
mod telling;
mod whole;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use before::Extent;
use census::Census;
use crew::BlockRead;
pub use extra::read_row;
pub use ground::Ground;
pub use telling::tell;

use super::error::EngineError;
use super::sample::Draw;
use crate::migration::{Explained, ExportFile, Finding, Plan, Verification, VerifiedBlock};
use crate::store::{FileHasher, Storage};

/// Seed of the sample draw; the same patients are drawn every time, so a second look is a look at the same charts.
pub const SEED: u64 = 8841;

/// How often what was found is made durable.
const DURABLE_EVERY: Duration = Duration::from_millis(250);

/// Verifies all runs of a migration; `progress` is told how many bytes of how many were read.
pub fn verify(
    storage: &Arc<Storage>,
    plan: &Plan,
    extent: Extent,
    progress: &mut dyn FnMut(u64, u64),
    stop: &dyn Fn() -> bool,
) -> Result<Verification, EngineError> {
    let ground = Ground::read(storage, plan)?;
    let mut check = Check::new(&ground)?;
    // Both read what the other does not, on one processor each.
    let census = std::thread::scope(|scope| {
        let census = scope.spawn(|| Census::take(&ground));
        check.draw(stop)?;
        census.join().map_err(|_| EngineError::Stopped)?
    })?;
    let before = before::begin(&ground, extent)?;
    let drawn = check.sample.drawn();
    let landed = ground.files.values().filter(|file| file.same_as.is_none());
    let total: u64 = landed.map(|file| file.bytes).sum();
    let mut seen = 0;
    crew::read_all(&ground, &census, &drawn, &before, &mut |read| {
        if stop() {
            storage.workspace.ledger().durable()?;
            return Err(EngineError::Cancelled);
        }
        seen += read.bytes.len() as u64;
        check.take(read)?;
        progress(seen, total);
        Ok(())
    })?;
    check.files();
    check.store(&census)?;
    check.finish()
}

struct Check<'a> {
    ground: &'a Ground<'a>,
    files: HashMap<(u32, u32), FileCheck>,
    /// Records of the store that rows put there, by type.
    explained: BTreeMap<String, Explained>,
    sample: Draw,
    /// What is wrong with files, with the store or the counts as a whole.
    whole: Vec<Finding>,
    result: Verification,
    durable: Instant,
}

/// A file as far as it was read.
struct FileCheck {
    at: u64,
    hash: FileHasher,
}

impl<'a> Check<'a> {
    fn new(ground: &'a Ground<'a>) -> Result<Self, EngineError> {
        Ok(Self {
            ground,
            files: HashMap::new(),
            explained: BTreeMap::new(),
            sample: charts::draw(ground.storage, ground.plan, ground.tenant)?,
            whole: Vec::new(),
            result: Verification {
                when: jiff::Timestamp::now().to_string(),
                seed: SEED,
                ..Verification::default()
            },
            durable: Instant::now(),
        })
    }

    /// Takes in what a block came to.
    fn take(&mut self, read: BlockRead) -> Result<(), EngineError> {
        let header = read.at.header;
        let check = self
            .files
            .entry((header.run, header.file))
            .or_insert_with(|| FileCheck {
                at: 0,
                hash: FileHasher::landed(),
            });
        let gap = header.source_offset != check.at;
        check.at = header.source_offset + read.bytes.len() as u64;
        check.hash.update(&read.bytes);
        if gap {
            let file = &self.ground.files[&(header.run, header.file)];
            let what = "bytes of the file are missing in the landing or there twice";
            self.find(file, "landing-gap", header.first_line, what.to_owned());
        }
        let table = &self.ground.storage.tables.verified;
        let key = before::key(self.ground, (read.at.segment, read.at.offset));
        if let Some(found) = read.found {
            table.put(&key, &found)?;
            self.add(found);
        } else if let Some(found) = table.get(&key)? {
            self.result.compared_before += found.compared;
            self.add(found);
        }
        for record in read.sampled {
            let (id, patient) = (record.id.as_str(), record.patient.as_deref());
            let (resource_type, line) = (record.resource_type.as_str(), record.line.as_slice());
            self.sample.received(id, resource_type, patient, line, record.said);
        }
        if self.durable.elapsed() > DURABLE_EVERY {
            self.ground.storage.workspace.ledger().durable()?;
            self.durable = Instant::now();
        }
        Ok(())
    }

    fn add(&mut self, found: VerifiedBlock) {
        let result = &mut self.result;
        for (resource_type, counts) in &found.counts {
            result.counts.entry(resource_type.clone()).or_default().merge(counts);
        }
        for (resource_type, states) in &found.states {
            result.states.entry(resource_type.clone()).or_default().merge(states);
        }
        for (resource_type, explained) in &found.explained {
            self.explained
                .entry(resource_type.clone())
                .or_default()
                .merge(explained);
        }
        for (kind, number) in found.dangling {
            *result.dangling.entry(kind).or_default() += number;
        }
        result.compared += found.compared;
        result.references += found.references;
        result.lists.patients += found.patients;
    }

    fn find(&mut self, file: &ExportFile, code: &str, line: u64, what: String) {
        self.whole.push(Finding {
            code: code.to_owned(),
            resource_type: file.resource_type.clone().unwrap_or_default(),
            run: file.run,
            file: file.name.clone(),
            line,
            what,
            elements: Vec::new(),
        });
    }
}
