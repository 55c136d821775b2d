//! Files as a whole, the store as a whole, the counts, and the result.

use std::collections::BTreeSet;

use super::before::{self, EXTRAS};
use super::census::Census;
use super::extra::extras;
use super::telling::tell;
use super::{Check, FileCheck};
use crate::engine::error::EngineError;
use crate::engine::place::hex;
use crate::engine::tally::{describe, recorded_counts};
use crate::migration::{Finding, RecordState, Verification, VerifiedBlock};
use crate::store::FileHasher;

impl Check<'_> {
    /// Compares each file as a whole with what was recorded of it.
    pub(super) fn files(&mut self) {
        let mut read = std::mem::take(&mut self.files);
        let mut files: Vec<_> = self.ground.files.values().collect();
        files.sort_by_key(|file| (file.run, file.number));
        for file in files {
            if let Some(origin) = file.same_as {
                // Compared byte for byte when it came; the rows themselves are verified where they are landed.
                let landed = self.ground.files.get(&origin).filter(|origin| origin.same_as.is_none());
                if landed.map(|landed| &landed.blake3) != Some(&file.blake3) {
                    let what = "the file that it equals is not landed";
                    self.find(file, "landing-short", 0, what.to_owned());
                }
                for (resource_type, counts) in &file.counts {
                    let sum = self.result.counts.entry(resource_type.clone()).or_default();
                    sum.merge(counts);
                }
                continue;
            }
            let check = read.remove(&(file.run, file.number)).unwrap_or_else(|| FileCheck {
                at: 0,
                hash: FileHasher::landed(),
            });
            if check.at != file.bytes {
                let what = format!("the landing has {} of {} bytes", check.at, file.bytes);
                self.find(file, "landing-short", 0, what);
            }
            if let Some(expected) = &file.blake3
                && *expected != hex(&check.hash.sum())
            {
                let what = "the landed bytes do not have the hash they had when they were received";
                self.find(file, "landing-altered", 0, what.to_owned());
            }
        }
    }

    /// Compares the store as a whole with what rows put there: nothing is to be in it that none of them explains.
    pub(super) fn store(&mut self, census: &Census) -> Result<(), EngineError> {
        let storage = self.ground.storage;
        let Census { all: there, ours, .. } = census;
        let vouched = storage.vouched()?;
        if *there != vouched {
            // The index engine has been seen to lose inserts; what is landed makes it whole again.
            self.whole.push(Finding {
                code: "index-count".to_owned(),
                what: format!(
                    "the index has {there} records where checkpoints and decisions vouch for {vouched}: \
                     run `cutover doctor --rebuild-index`"
                ),
                ..Finding::default()
            });
        }
        let mut differing = Vec::new();
        for (resource_type, number) in storage.names.resource_types() {
            let there = ours.get(&number).copied().unwrap_or_default();
            let explained = self.explained.get(&resource_type).copied().unwrap_or_default();
            if there != explained {
                differing.push((resource_type, number));
            }
        }
        let findings = extras(self.ground, &differing)?;
        for finding in &findings {
            let states = self.result.states.entry(finding.resource_type.clone()).or_default();
            states.add(RecordState::Extra, 1);
        }
        let beyond = VerifiedBlock {
            findings,
            ..VerifiedBlock::default()
        };
        let table = &storage.tables.verified;
        let key = before::key(self.ground, EXTRAS);
        if beyond.findings.is_empty() {
            table.remove(&key)?;
        } else {
            table.put(&key, &beyond)?;
        }
        Ok(())
    }

    fn counts(&mut self) -> Result<(), EngineError> {
        let mut recorded = recorded_counts(self.ground.storage, &self.ground.plan.id)?;
        recorded.retain(|_, counts| counts.rows > 0);
        let differing: Vec<String> = recorded
            .keys()
            .chain(self.result.counts.keys())
            .filter(|t| recorded.get(*t) != self.result.counts.get(*t))
            .cloned()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        for resource_type in differing {
            self.whole.push(Finding {
                code: "counts-differ".to_owned(),
                what: format!(
                    "the counts kept while {resource_type} was taken in differ from those found now: {} against {}",
                    describe(recorded.get(&resource_type)),
                    describe(self.result.counts.get(&resource_type)),
                ),
                resource_type,
                ..Finding::default()
            });
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Verification, EngineError> {
        let (storage, migration) = (self.ground.storage, &self.ground.plan.id);
        // What is wrong with records comes first: it is what people look for.
        self.result.lists.differing = tell(storage, migration, &mut |told, _| {
            self.result.find(told);
            Ok(())
        })?;
        self.counts()?;
        for finding in std::mem::take(&mut self.whole) {
            self.result.find(finding);
        }
        self.charts()?;
        storage.tables.verifications.put(migration.as_bytes(), &self.result)?;
        before::complete(self.ground)?;
        storage.workspace.ledger().durable()?;
        Ok(self.result)
    }
}
