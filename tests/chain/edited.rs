//! A dataset with changes: the source a while later, or a source with oddities of its own.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use cutover::sandbox::{Dataset, Group};

/// Another dataset with some lines replaced, some added, and types in another order.
pub struct Edited {
    inner: Arc<dyn Dataset>,
    lines: BTreeMap<String, Vec<Vec<u8>>>,
    order: Vec<String>,
}

impl Edited {
    /// All lines of `inner`, each passed through `edit`; small practices only, for it holds them.
    pub fn new(inner: Arc<dyn Dataset>, edit: impl Fn(&str, usize, Vec<u8>) -> Vec<Vec<u8>>) -> Self {
        let mut lines = BTreeMap::new();
        let mut order = Vec::new();
        for (name, count) in inner.types() {
            let of_type = inner.lines(&name, 0..count).enumerate();
            let edited: Vec<Vec<u8>> = of_type.flat_map(|(at, line)| edit(&name, at, line)).collect();
            order.push(name.clone());
            lines.insert(name, edited);
        }
        Self { inner, lines, order }
    }

    /// The same with one more line.
    pub fn with_line(mut self, resource_type: &str, line: Vec<u8>) -> Self {
        if !self.lines.contains_key(resource_type) {
            self.order.push(resource_type.to_owned());
        }
        self.lines.entry(resource_type.to_owned()).or_default().push(line);
        self
    }

    /// The same with one type after all others.
    pub fn with_last(mut self, resource_type: &str) -> Self {
        self.order.retain(|name| name != resource_type);
        self.order.push(resource_type.to_owned());
        self
    }
}

impl Dataset for Edited {
    fn types(&self) -> Vec<(String, u64)> {
        let count = |name: &String| (name.clone(), self.lines[name].len() as u64);
        self.order.iter().map(count).collect()
    }

    fn lines<'a>(&'a self, resource_type: &str, range: Range<u64>) -> Box<dyn Iterator<Item = Vec<u8>> + Send + 'a> {
        let skipped = usize::try_from(range.start).unwrap();
        let taken = usize::try_from(range.end - range.start).unwrap();
        let all = self.lines.get(resource_type).into_iter().flatten();
        Box::new(all.skip(skipped).take(taken).cloned())
    }

    fn read(&self, resource_type: &str, id: &str) -> Option<Vec<u8>> {
        let named = |line: &&Vec<u8>| cutover::fhir::scan(line).is_ok_and(|scan| scan.id == id);
        self.lines.get(resource_type)?.iter().find(named).cloned()
    }

    fn groups(&self) -> Vec<Group> {
        self.inner.groups()
    }

    fn in_group(&self, group: &str, patient_id: &str) -> bool {
        self.inner.in_group(group, patient_id)
    }

    fn transaction_time(&self) -> String {
        self.inner.transaction_time()
    }
}

/// A record with its `meta.lastUpdated` and `language` set to these.
pub fn changed(line: &[u8], last_updated: &str, language: &str) -> Vec<u8> {
    let mut record: serde_json::Value = serde_json::from_slice(line).unwrap();
    record["meta"]["lastUpdated"] = last_updated.into();
    record["language"] = language.into();
    record.to_string().into_bytes()
}
