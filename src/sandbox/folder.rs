//! Real NDJSON files in a folder as a dataset, plain or gzipped, several for a type.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::dataset::{Dataset, Extent, Group};
use super::ndjson_file::{NdjsonFile, is_ndjson};

/// Types that others refer to come first; the rest follow by name.
const FIRST: &[&str] = &[
    "Organization",
    "Location",
    "Practitioner",
    "PractitionerRole",
    "Patient",
    "Encounter",
];

/// The one group: everyone in the folder.
const EVERYONE: &str = "everyone";

/// Why a folder cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The folder or a file in it cannot be read.
    #[error("{} cannot be read: {source}.", path.display())]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// There is nothing to serve.
    #[error("{} holds no NDJSON files.", .0.display())]
    Empty(PathBuf),
    /// The type of a file's resources is not to be told.
    #[error("The first line of {} is no FHIR resource.", .0.display())]
    NotFhir(PathBuf),
}

impl FolderError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => None,
            Self::Empty(_) => Some("Files have to end in .ndjson or .jsonl, or in one of these and .gz.".to_owned()),
            Self::NotFhir(_) => Some("Move the file away, or repair its first line.".to_owned()),
        }
    }
}

/// A folder of NDJSON files, of which only sparse line offsets are in memory.
#[derive(Debug)]
pub struct Folder {
    /// Resource type and file, in dependency order.
    sources: Vec<(String, NdjsonFile)>,
    types: Vec<(String, u64)>,
    transaction_time: String,
}

impl Folder {
    /// Reads every `.ndjson` and `.jsonl` file of a folder once, gzipped (`.gz`) or not, in the order of their names.
    pub fn open(folder: &Path) -> Result<Self, FolderError> {
        let failed = |source| FolderError::Read {
            path: folder.to_owned(),
            source,
        };
        let entries = std::fs::read_dir(folder)
            .and_then(Iterator::collect::<io::Result<Vec<_>>>)
            .map_err(failed)?;
        let mut paths: Vec<PathBuf> = entries
            .into_iter()
            .map(|entry| entry.path())
            .filter(|path| is_ndjson(path))
            .collect();
        paths.sort();
        let mut sources = Vec::new();
        let mut latest = None;
        for path in paths {
            let failed = |source| FolderError::Read {
                path: path.clone(),
                source,
            };
            latest = latest.max(std::fs::metadata(&path).and_then(|about| about.modified()).ok());
            let source = NdjsonFile::scan(&path).map_err(failed)?;
            match &source.resource_type {
                _ if source.lines == 0 => {}
                Some(name) => sources.push((name.clone(), source)),
                None => return Err(FolderError::NotFhir(path)),
            }
        }
        if sources.is_empty() {
            return Err(FolderError::Empty(folder.to_owned()));
        }
        let rank = |name: &str| FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len());
        sources.sort_by(|(a, _), (b, _)| (rank(a), a).cmp(&(rank(b), b)));
        let mut types: Vec<(String, u64)> = Vec::new();
        for (name, source) in &sources {
            match types.last_mut().filter(|(last, _)| last == name) {
                Some((_, count)) => *count += source.lines,
                None => types.push((name.clone(), source.lines)),
            }
        }
        let transaction_time = latest
            .and_then(|at| jiff::Timestamp::try_from(at).ok())
            .unwrap_or_default();
        Ok(Self {
            sources,
            types,
            transaction_time: transaction_time.to_string(),
        })
    }

    /// The files of a type with the part of `range` that is in each, counted from the file's first line.
    fn parts(&self, resource_type: &str, range: Range<u64>) -> impl Iterator<Item = (&NdjsonFile, Range<u64>)> {
        let mut first = 0;
        self.files(resource_type).filter_map(move |source| {
            let begin = first;
            first += source.lines;
            let part = range.start.max(begin)..range.end.min(first);
            (part.start < part.end).then(|| (source, part.start - begin..part.end - begin))
        })
    }

    fn files(&self, resource_type: &str) -> impl Iterator<Item = &NdjsonFile> {
        let of_type = self.sources.iter().filter(move |(name, _)| name == resource_type);
        of_type.map(|(_, source)| source)
    }
}

impl Dataset for Folder {
    fn types(&self) -> Vec<(String, u64)> {
        self.types.clone()
    }

    fn lines<'a>(&'a self, resource_type: &str, range: Range<u64>) -> Box<dyn Iterator<Item = Vec<u8>> + Send + 'a> {
        let parts: Vec<_> = self.parts(resource_type, range).collect();
        let some = |part: &Range<u64>| usize::try_from(part.end - part.start).unwrap_or(usize::MAX);
        Box::new(
            parts
                .into_iter()
                .flat_map(move |(source, part)| source.lines_from(part.start).take(some(&part))),
        )
    }

    fn read(&self, resource_type: &str, id: &str) -> Option<Vec<u8>> {
        self.files(resource_type).find_map(|source| source.find(id))
    }

    fn groups(&self) -> Vec<Group> {
        vec![Group {
            id: EVERYONE.to_owned(),
            name: "Everyone in the folder".to_owned(),
        }]
    }

    fn in_group(&self, group: &str, _patient_id: &str) -> bool {
        group == EVERYONE
    }

    fn transaction_time(&self) -> String {
        self.transaction_time.clone()
    }

    fn holds_all(&self, group: &str) -> bool {
        group == EVERYONE
    }

    fn on_disk(&self, resource_type: &str, range: Range<u64>) -> Option<Vec<Extent>> {
        self.parts(resource_type, range)
            .map(|(source, part)| {
                let bytes = source.offset(part.start).ok()?..source.offset(part.end).ok()?;
                source.verbatim.then(|| Extent {
                    path: source.path.clone(),
                    bytes,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
