//! Which files an export has, and which lines of them the faults strike.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::content;
use super::edit::{self, Edit};
use super::ehr::Ehr;
use super::fault::Fault;
use super::job::Job;
use super::outcome::outcome;

/// One NDJSON file of an export. Its bytes are a function of this, so any range of them can be made again.
#[derive(Debug)]
pub(crate) struct File {
    pub name: String,
    pub resource_type: String,
    /// Lines of the dataset it is made from.
    pub source: Range<u64>,
    /// Resources the selection takes from there.
    pub resources: u64,
    /// Edits by ordinal of the resource in the file.
    pub edits: BTreeMap<u64, Vec<Edit>>,
    /// Lines at the end that are not from `source`.
    pub appended: Vec<Vec<u8>>,
    /// Size in bytes, once known.
    pub size: OnceLock<u64>,
}

impl File {
    /// Non-blank lines, the headers of `organizeOutputBy` not counted: the manifest's `count`.
    pub(crate) fn count(&self) -> u64 {
        let left_out = self.edits.values().filter(|edits| edits.contains(&Edit::Leave)).count() as u64;
        self.resources - left_out + self.appended.len() as u64
    }
}

/// All files of an export.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub output: Vec<File>,
    pub deleted: Option<File>,
    pub error: Option<File>,
    /// What each fault struck.
    pub affected: BTreeMap<String, Vec<String>>,
}

impl Plan {
    /// A file by its name.
    pub(crate) fn file(&self, name: &str) -> Option<&File> {
        self.output
            .iter()
            .chain(&self.deleted)
            .chain(&self.error)
            .find(|file| file.name == name)
    }

    /// The file that faults strike always: the last one.
    pub(crate) fn is_victim(&self, file: &File) -> bool {
        self.output.last().is_some_and(|last| last.name == file.name)
    }

    /// Lays out an export; reads the data only as far as the selection and the faults demand.
    pub(crate) fn build(ehr: &Ehr, job: &Job) -> Self {
        let mut plan = Self::default();
        for (name, count) in ehr.config.dataset.types() {
            if job.kickoff.types.contains(&name) {
                lay_out(ehr, job, &name, count, &mut plan.output);
            }
        }
        plan.strike(ehr, job);
        let ignored = job
            .kickoff
            .ignored
            .iter()
            .map(|text| outcome("information", "not-supported", text));
        let errors = ehr
            .config
            .find(|fault| {
                if let Fault::ErrorFile(count) = fault {
                    Some(*count)
                } else {
                    None
                }
            })
            .unwrap_or(0);
        let made = (0..errors).map(|number| {
            let severity = if number % 2 == 0 { "error" } else { "warning" };
            outcome(
                severity,
                "exception",
                &format!("Resource {number} could not be exported."),
            )
        });
        let lines: Vec<Vec<u8>> = ignored
            .chain(made)
            .map(|issue| issue.to_string().into_bytes())
            .collect();
        plan.error = (!lines.is_empty()).then(|| written("error", "OperationOutcome", lines));
        plan
    }

    /// Chooses lines for the line faults, evenly over the whole export and always the same for a seed.
    fn strike(&mut self, ehr: &Ehr, job: &Job) {
        let mut choice = Choice {
            seed: ehr.config.seed,
            taken: BTreeSet::new(),
            total: self.output.iter().map(|file| file.resources).sum(),
        };
        let mut wanted: BTreeMap<u64, (&'static str, Act)> = BTreeMap::new();
        for fault in &ehr.config.faults {
            let (count, act) = match fault {
                Fault::MalformedLines(count) => (*count, Act::Edit(Edit::Malform)),
                Fault::EmptyLines(count) => (*count, Act::Edit(Edit::BlankBefore)),
                Fault::MistypedLines(count) => (*count, Act::Edit(Edit::Mistype)),
                Fault::MissingLastUpdated(count) => (*count, Act::Edit(Edit::Unstamp)),
                Fault::DuplicateLines(count) => (*count, Act::Copy),
                Fault::ConflictingDuplicate(count) => (*count, Act::Contradict),
                _ => continue,
            };
            wanted.extend(
                (0..count)
                    .filter_map(|_| choice.next(fault.name()))
                    .map(|line| (line, (fault.name(), act))),
            );
        }
        wanted.extend(
            (0..ehr.config.deletions)
                .filter_map(|_| choice.next("deletions"))
                .map(|line| (line, ("deletions", Act::Delete))),
        );
        let mut deletions = Vec::new();
        for (index, hits) in self.by_file(&wanted) {
            let ordinals: BTreeSet<u64> = hits.iter().map(|(ordinal, ..)| *ordinal).collect();
            let lines = content::resources(ehr, job, &self.output[index], &ordinals);
            for (turn, (ordinal, fault, act)) in hits.into_iter().enumerate() {
                let Some(line) = lines.get(&ordinal) else {
                    continue;
                };
                let name = edit::name_of(line).unwrap_or_default();
                self.affected.entry(fault.to_owned()).or_default().push(name.clone());
                // By turns the copy lands in the same file and in the next of its type.
                let target = if turn % 2 == 0 { index } else { self.sibling(index) };
                match act {
                    Act::Edit(edit) => self.output[index].edits.entry(ordinal).or_default().push(edit),
                    Act::Copy => self.output[target].appended.push(line.clone()),
                    Act::Contradict => self.output[target].appended.push(edit::contradict(line.clone())),
                    Act::Delete => {
                        self.output[index].edits.entry(ordinal).or_default().push(Edit::Leave);
                        let entry = json!({ "request": { "method": "DELETE", "url": name } });
                        deletions.push(
                            json!({ "resourceType": "Bundle", "type": "transaction", "entry": [entry] })
                                .to_string()
                                .into_bytes(),
                        );
                    }
                }
            }
        }
        self.deleted = (!deletions.is_empty()).then(|| written("deleted", "Bundle", deletions));
        let mebibytes = ehr.config.find(|fault| {
            if let Fault::OversizeLines { mebibytes } = fault {
                Some(*mebibytes)
            } else {
                None
            }
        });
        if let (Some(mebibytes), Some(last)) = (mebibytes, self.output.last_mut()) {
            last.appended.push(edit::oversize(
                &last.resource_type,
                usize::try_from(mebibytes << 20).unwrap_or(0),
            ));
            self.affected.insert(
                "oversize-lines".to_owned(),
                vec![format!("{}/oversize", last.resource_type)],
            );
        }
    }

    /// Groups chosen lines, numbered over the whole export, by file: index, then ordinal in the file.
    fn by_file(&self, wanted: &BTreeMap<u64, (&'static str, Act)>) -> BTreeMap<usize, Vec<(u64, &'static str, Act)>> {
        let mut grouped: BTreeMap<usize, Vec<_>> = BTreeMap::new();
        let mut first = 0;
        for (index, file) in self.output.iter().enumerate() {
            let hits = wanted
                .range(first..first + file.resources)
                .map(|(line, (fault, act))| (line - first, *fault, *act));
            let hits: Vec<_> = hits.collect();
            if !hits.is_empty() {
                grouped.insert(index, hits);
            }
            first += file.resources;
        }
        grouped
    }

    /// Another file of the same type, or the same when there is none.
    fn sibling(&self, index: usize) -> usize {
        let count = self.output.len();
        let same_type = |other: &usize| self.output[*other].resource_type == self.output[index].resource_type;
        (1..count)
            .map(|step| (index + step) % count)
            .find(same_type)
            .unwrap_or(index)
    }
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Edit(Edit),
    Copy,
    Contradict,
    Delete,
}

/// Draws distinct line numbers below `total`.
struct Choice {
    seed: u64,
    taken: BTreeSet<u64>,
    total: u64,
}

impl Choice {
    fn next(&mut self, fault: &str) -> Option<u64> {
        if self.taken.len() as u64 >= self.total {
            return None;
        }
        let mut hash = fault.bytes().fold(self.seed ^ self.taken.len() as u64, |hash, byte| {
            mix(hash ^ u64::from(byte))
        }) % self.total;
        while !self.taken.insert(hash) {
            hash = (hash + 1) % self.total;
        }
        Some(hash)
    }
}

/// The finalizer of `SplitMix64`.
fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// Divides one type into files.
fn lay_out(ehr: &Ehr, job: &Job, name: &str, count: u64, files: &mut Vec<File>) {
    let largest = ehr.config.lines_per_file.max(1);
    let mut number = 0;
    let mut add = |source: Range<u64>, resources: u64| {
        if resources > 0 {
            number += 1;
            files.push(file(format!("{name}.{number:03}.ndjson"), name, source, resources));
        }
    };
    let selection = &job.kickoff.selection;
    if selection.takes_all(name) {
        let mut start = 0;
        while start < count {
            let end = start.saturating_add(largest).min(count);
            add(start..end, end - start);
            start = end;
        }
        return;
    }
    let (mut start, mut taken) = (0, 0);
    for (line, index) in ehr.config.dataset.lines(name, 0..count).zip(0_u64..) {
        if job.deleted.load(Ordering::Relaxed) {
            return;
        }
        if selection.takes(name, &line, &*ehr.config.dataset) {
            taken += 1;
            if taken == largest {
                add(start..index + 1, taken);
                (start, taken) = (index + 1, 0);
            }
        }
    }
    add(start..count, taken);
}

fn file(name: String, resource_type: &str, source: Range<u64>, resources: u64) -> File {
    let (edits, appended, size) = (BTreeMap::new(), Vec::new(), OnceLock::new());
    File {
        name,
        resource_type: resource_type.to_owned(),
        source,
        resources,
        edits,
        appended,
        size,
    }
}

/// A file whose lines are all made here.
fn written(stem: &str, resource_type: &str, lines: Vec<Vec<u8>>) -> File {
    let mut file = file(format!("{stem}.ndjson"), resource_type, 0..0, 0);
    file.appended = lines;
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_chooses_the_same_lines_and_none_twice() {
        let draw = |seed| {
            let mut choice = Choice {
                seed,
                taken: BTreeSet::new(),
                total: 10,
            };
            std::iter::from_fn(|| choice.next("malformed-lines")).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_eq!(draw(1).into_iter().collect::<BTreeSet<_>>().len(), 10);
    }
}
