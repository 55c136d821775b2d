//! The trail: what the gate needs to know of a migration's journal, folded entry by entry.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::counts::total;
use super::event::Event;
use super::sample::{ChartVerdict, Judgement};
use super::sign_off::{Capacity, Flip, SignOff};
use crate::fhir::instant;

/// A verification that took place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Number of its entry.
    pub entry: u64,
    /// When.
    pub at: Timestamp,
    /// Records read back and compared.
    pub compared: u64,
    /// What did not agree.
    pub findings: u64,
}

/// A run that brought everything that it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// Its number.
    pub run: u32,
    /// It asked only for what had changed since.
    pub since: Option<String>,
    /// The instant that the source's export shows, if it said.
    pub shows: Option<String>,
    /// Rows received.
    pub rows: u64,
    /// When it was over.
    pub at: Timestamp,
}

/// What the gate needs to know of the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail {
    /// The last thing that may have changed what is stored: number of its entry, and what it was.
    pub changed: Option<(u64, String)>,
    /// The latest verification.
    pub verified: Option<Verified>,
    /// The latest judgement of each patient's chart, by the keyed hash of the patient.
    pub judgements: BTreeMap<String, Judgement>,
    /// Runs that stand, since what is asked for was last changed.
    pub brought: Vec<Brought>,
    /// The latest sign-off in each capacity.
    pub signed: BTreeMap<Capacity, SignOff>,
    /// That the practice has gone over, if it has.
    pub flip: Option<Flip>,
    under_way: Option<Brought>,
}

/// Parts of a plan that say which records are asked for.
const SCOPE: [&str; 9] = [
    "types",
    "type_filters",
    "patients",
    "level",
    "group",
    "elements",
    "until",
    "include_associated_data",
    "base_url",
];

impl Trail {
    /// The trail after one more entry of the journal, written by `login`.
    #[allow(clippy::too_many_lines)] // An arm for each event.
    pub fn apply(&mut self, entry: u64, at: Timestamp, login: &str, event: &Event) {
        match event {
            Event::MigrationRemoved {} => *self = Self::default(),
            Event::MigrationChanged { fields } => {
                if fields.iter().any(|field| SCOPE.contains(&field.as_str())) {
                    // What was brought does not tell of records that were not asked for.
                    self.brought.clear();
                }
            }
            Event::RunStarted { run, since } => {
                self.under_way = Some(Brought {
                    run: *run,
                    since: since.clone(),
                    shows: None,
                    rows: 0,
                    at,
                });
                self.change(entry, format!("run {run}"));
            }
            Event::StatusComplete { transaction_time, .. } => {
                if let Some(run) = &mut self.under_way {
                    run.shows.clone_from(transaction_time);
                }
            }
            Event::DownloadComplete { .. } => self.change(entry, "rows that came in".to_owned()),
            Event::IngestCompleted { counts } => {
                if let Some(run) = &mut self.under_way {
                    run.rows = total(counts).rows;
                }
                self.change(entry, "rows that came in".to_owned());
            }
            Event::RunCompleted { .. } => {
                if let Some(run) = self.under_way.take() {
                    self.brought.push(Brought { at, ..run });
                }
            }
            Event::RollbackBegun { run, .. } | Event::RolledBack { run } => {
                self.under_way = None;
                self.brought.retain(|brought| brought.run < *run);
                self.change(entry, "a rollback".to_owned());
            }
            Event::ConflictResolved { conflict, .. } => self.change(entry, format!("the decision on {conflict}")),
            Event::DecisionUndone { conflict, .. } => self.change(entry, format!("the undo of {conflict}")),
            Event::RowAmended { row, .. } => self.change(entry, format!("row {row}, which was set right")),
            Event::CrosswalkChanged { .. } => self.change(entry, "a change of the crosswalk".to_owned()),
            Event::RecordRepaired { .. } => self.change(entry, "the repair of a record".to_owned()),
            Event::Verified { compared, findings } => {
                if *findings > 0 {
                    self.spoil(&format!("a verification with {findings} findings"));
                }
                self.verified = Some(Verified {
                    entry,
                    at,
                    compared: *compared,
                    findings: *findings,
                });
            }
            Event::ChartJudged {
                chart,
                verdict,
                patient,
                content,
                name,
                remark,
            } => {
                if *verdict == ChartVerdict::Failed {
                    self.spoil(&format!("sample chart {chart}, which was failed"));
                }
                let judgement = Judgement {
                    verdict: *verdict,
                    login: login.to_owned(),
                    name: name.clone(),
                    remark: remark.clone(),
                    why: None,
                    when: at,
                    entry,
                    content: content.clone(),
                };
                self.judgements.insert(patient.clone(), judgement);
            }
            Event::SignedOff {
                capacity,
                name,
                why,
                head,
            } => {
                let signed = SignOff {
                    capacity: *capacity,
                    name: name.clone(),
                    login: login.to_owned(),
                    why: why.clone(),
                    when: at,
                    entry,
                    head: head.clone(),
                    stale: None,
                };
                self.signed.insert(*capacity, signed);
            }
            Event::Flipped {
                name,
                overridden,
                missing,
            } => {
                self.flip = Some(Flip {
                    who: name.clone().unwrap_or_else(|| login.to_owned()),
                    when: at,
                    overridden: overridden.clone(),
                    missing: missing.clone(),
                });
            }
            Event::FlipTakenBack { .. } => self.flip = None,
            Event::DestinationRead { .. } => self.change(entry, "the destination's own records".to_owned()),
            Event::MigrationAdded { .. }
            | Event::KeyCreated { .. }
            | Event::TokenGranted { .. }
            | Event::KickoffSent { .. }
            | Event::Kickoff { .. }
            | Event::StatusProgress { .. }
            | Event::ManifestRefreshed {}
            | Event::DownloadRequest { .. }
            | Event::DownloadError { .. }
            | Event::ExportComplete { .. }
            | Event::ExportCancelled {}
            | Event::RunPaused { .. }
            | Event::RunFailed { .. }
            | Event::RowWaived { .. }
            | Event::HandedOff { .. }
            | Event::ImportBegun { .. }
            | Event::ImportEnded { .. }
            | Event::ImportForgotten {}
            | Event::DeliveryBegun { .. }
            | Event::DeliveryEnded { .. }
            | Event::DeliveryFailed { .. }
            | Event::DestinationAgreed { .. }
            | Event::DeliveryProven { .. }
            | Event::WipeBegun { .. }
            | Event::JobDeleted {}
            | Event::JobKept { .. } => {}
        }
    }

    /// What is stored may be another since this entry.
    fn change(&mut self, entry: u64, what: String) {
        self.spoil(&what);
        self.changed = Some((entry, what));
    }

    /// Whoever signed has not seen this; the first of several such things is remembered.
    fn spoil(&mut self, what: &str) {
        for signed in self.signed.values_mut() {
            signed.stale.get_or_insert_with(|| what.to_owned());
        }
    }

    /// Whether the latest verification saw everything as it is now.
    pub fn verified_since(&self) -> bool {
        let changed = self.changed.as_ref().map_or(0, |(entry, _)| *entry);
        self.verified.as_ref().is_some_and(|verified| verified.entry > changed)
    }

    /// The instant up to which the source's changes were brought over without a gap; absent when it said none, or nothing was brought.
    pub fn covered(&self) -> Option<&str> {
        self.chain().0
    }

    /// The latest run that brought over what had changed since the runs before it.
    pub fn last_changes(&self) -> Option<&Brought> {
        self.chain().1
    }

    fn chain(&self) -> (Option<&str>, Option<&Brought>) {
        let (mut covered, mut latest) = (None, None);
        for (at, run) in self.brought.iter().enumerate() {
            let reaches = match (run.since.as_deref(), covered) {
                _ if at == 0 => true,
                (None, _) => true,
                (Some(since), Some(covered)) => instant::compare(since, covered).is_some_and(std::cmp::Ordering::is_le),
                (Some(_), None) => false,
            };
            if reaches {
                covered = run.shows.as_deref();
                latest = (at > 0).then_some(run).or(latest);
            }
        }
        (covered, latest)
    }
}

#[cfg(test)]
mod tests;
