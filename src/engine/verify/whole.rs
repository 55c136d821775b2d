//! Files as a whole, the counts, and the result.

use std::collections::{BTreeSet, HashMap};

use super::Check;
use crate::engine::error::EngineError;
use crate::engine::place::hex;
use crate::engine::tally::{describe, recorded_counts};
use crate::migration::{Finding, Verification};

impl Check<'_> {
    /// Compares each file as a whole with what was recorded of it.
    pub(super) fn files(&mut self) -> Result<(), EngineError> {
        let mut files: Vec<_> = std::mem::take(&mut self.files).into_values().collect();
        files.sort_by_key(|f| (f.file.run, f.file.number));
        let landed: HashMap<(u32, u32), Option<String>> = files
            .iter()
            .filter(|f| f.file.same_as.is_none())
            .map(|f| ((f.file.run, f.file.number), f.file.blake3.clone()))
            .collect();
        for check in files {
            let file = check.file;
            if let Some(origin) = file.same_as {
                // Compared byte for byte when it came; the rows themselves are verified where they are landed.
                if landed.get(&origin) != Some(&file.blake3) {
                    self.find(
                        &file,
                        "landing-short",
                        0,
                        "the file that it equals is not landed".to_owned(),
                    );
                }
                for (resource_type, counts) in &file.counts {
                    let sum = self.result.counts.entry(resource_type.clone()).or_default();
                    sum.merge(counts);
                }
                continue;
            }
            if check.at != file.bytes {
                self.find(
                    &file,
                    "landing-short",
                    0,
                    format!("the landing has {} of {} bytes", check.at, file.bytes),
                );
            }
            if let Some(expected) = &file.blake3
                && *expected != hex(&check.hash.sum())
            {
                self.find(
                    &file,
                    "landing-altered",
                    0,
                    "the landed bytes do not have the hash they had when they were received".to_owned(),
                );
            }
            for (resource_type, counts) in &check.counts {
                self.result
                    .counts
                    .entry(resource_type.clone())
                    .or_default()
                    .merge(counts);
            }
        }
        let (there, vouched) = (self.storage.index.count()?, self.storage.vouched()?);
        if there != vouched {
            // The index engine has been seen to lose inserts; what is landed makes it whole again.
            self.result.find(Finding {
                code: "index-count".to_owned(),
                resource_type: String::new(),
                run: 0,
                file: String::new(),
                line: 0,
                what: format!(
                    "the index has {there} records where checkpoints and decisions vouch for {vouched}: \
                     run `cutover doctor --rebuild-index`"
                ),
            });
        }
        let mut recorded = recorded_counts(self.storage, &self.plan.id)?;
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
            self.result.find(Finding {
                code: "counts-differ".to_owned(),
                run: 0,
                file: String::new(),
                line: 0,
                what: format!(
                    "the counts kept while {resource_type} was taken in differ from those found now: {} against {}",
                    describe(recorded.get(&resource_type)),
                    describe(self.result.counts.get(&resource_type)),
                ),
                resource_type,
            });
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Verification, EngineError> {
        self.charts()?;
        let tables = &self.storage.tables;
        tables.verifications.put(self.plan.id.as_bytes(), &self.result)?;
        self.storage.workspace.ledger().durable()?;
        Ok(self.result)
    }
}
