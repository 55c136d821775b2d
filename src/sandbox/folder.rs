//! Real NDJSON files in a folder as a dataset, plain or gzipped, several for a type.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::iter;
use std::ops::Range;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use memchr::{memchr, memmem};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::dataset::{Dataset, Extent, Group};

/// The byte offset of every so many lines is kept; what lies between is found by reading.
const STRIDE: u64 = 1024;
const BUFFER: usize = 256 * 1024;

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
            Self::Empty(_) => Some(
                "Files have to end in .ndjson or .jsonl, or in one of these and .gz.".to_owned(),
            ),
            Self::NotFhir(_) => Some("Move the file away, or repair its first line.".to_owned()),
        }
    }
}

/// One file of the folder.
#[derive(Debug)]
struct Source {
    path: PathBuf,
    resource_type: String,
    /// Non-blank lines.
    lines: u64,
    /// Plain files only: byte offset of the lines 0, `STRIDE`, 2 `STRIDE`, ...
    offsets: Vec<u64>,
    /// Whether bytes can be served as they are: plain, LF after every line, none blank, no placeholder.
    verbatim: bool,
    size: u64,
}

/// A folder of NDJSON files, of which only sparse line offsets are in memory.
#[derive(Debug)]
pub struct Folder {
    sources: Vec<Source>,
    types: Vec<(String, u64)>,
    transaction_time: String,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, rename = "resourceType")]
    resource_type: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
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
            latest = latest.max(
                std::fs::metadata(&path)
                    .and_then(|about| about.modified())
                    .ok(),
            );
            let (first, source) = Source::scan(&path).map_err(failed)?;
            if source.lines > 0 {
                let resource_type = first
                    .as_deref()
                    .and_then(|line| value_of(line, |head| head.resource_type));
                sources.push(Source {
                    resource_type: resource_type.ok_or(FolderError::NotFhir(path))?,
                    ..source
                });
            }
        }
        if sources.is_empty() {
            return Err(FolderError::Empty(folder.to_owned()));
        }
        let rank = |name: &str| {
            FIRST
                .iter()
                .position(|first| *first == name)
                .unwrap_or(FIRST.len())
        };
        sources.sort_by(|a, b| {
            (rank(&a.resource_type), &a.resource_type)
                .cmp(&(rank(&b.resource_type), &b.resource_type))
        });
        let mut types: Vec<(String, u64)> = Vec::new();
        for source in &sources {
            match types
                .last_mut()
                .filter(|(name, _)| *name == source.resource_type)
            {
                Some((_, count)) => *count += source.lines,
                None => types.push((source.resource_type.clone(), source.lines)),
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
    fn parts(
        &self,
        resource_type: &str,
        range: Range<u64>,
    ) -> impl Iterator<Item = (&Source, Range<u64>)> {
        let mut first = 0;
        self.sources
            .iter()
            .filter(move |source| source.resource_type == resource_type)
            .filter_map(move |source| {
                let begin = first;
                first += source.lines;
                let part = range.start.max(begin)..range.end.min(first);
                (part.start < part.end).then(|| (source, part.start - begin..part.end - begin))
            })
    }
}

impl Source {
    /// Reads a file through once. The type is not known yet; the first non-blank line comes with it.
    fn scan(path: &Path) -> io::Result<(Option<Vec<u8>>, Self)> {
        let gzipped = is_gzipped(path);
        let mut reader = open(path, 0)?;
        let placeholder = memmem::Finder::new("{base}");
        let (mut first, mut line) = (None, Vec::new());
        let (mut lines, mut at, mut offsets, mut verbatim) = (0, 0, Vec::new(), !gzipped);
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line)?;
            if read == 0 {
                break;
            }
            let content = trim(&line, at == 0);
            verbatim &= !content.is_empty()
                && content.len() + 1 == read
                && placeholder.find(content).is_none();
            if !content.is_empty() {
                if lines % STRIDE == 0 && !gzipped {
                    offsets.push(at);
                }
                if lines == 0 {
                    first = Some(content.to_vec());
                }
                lines += 1;
            }
            at += read as u64;
        }
        Ok((
            first,
            Self {
                path: path.to_owned(),
                resource_type: String::new(),
                lines,
                offsets,
                verbatim,
                size: at,
            },
        ))
    }

    /// The non-blank lines from `start` on; ends early when the file cannot be read any more.
    fn lines_from(&self, start: u64) -> Box<dyn Iterator<Item = Vec<u8>> + Send> {
        let nearest = usize::try_from(start / STRIDE)
            .ok()
            .and_then(|index| self.offsets.get(index))
            .copied();
        let known = nearest.map_or(0, |_| start - start % STRIDE);
        let offset = nearest.unwrap_or(0);
        let Ok(mut reader) = open(&self.path, offset) else {
            return Box::new(iter::empty());
        };
        let mut at_start = offset == 0;
        let lines = iter::from_fn(move || {
            loop {
                let mut line = Vec::with_capacity(1024);
                if reader.read_until(b'\n', &mut line).ok()? == 0 {
                    return None;
                }
                let length = trim(&line, at_start).len();
                let before = if at_start && line.starts_with(BOM) {
                    BOM.len()
                } else {
                    0
                };
                at_start = false;
                if length > 0 {
                    line.truncate(before + length);
                    line.drain(..before);
                    return Some(line);
                }
            }
        });
        Box::new(lines.skip(usize::try_from(start - known).unwrap_or(usize::MAX)))
    }

    /// Byte offset of the beginning of a line of a verbatim file.
    fn offset(&self, line: u64) -> io::Result<u64> {
        if line >= self.lines {
            return Ok(self.size);
        }
        let Some(mut at) = usize::try_from(line / STRIDE)
            .ok()
            .and_then(|index| self.offsets.get(index))
            .copied()
        else {
            return Ok(self.size);
        };
        let mut left = line % STRIDE;
        if left == 0 {
            return Ok(at);
        }
        let mut reader = open(&self.path, at)?;
        while left > 0 {
            let buffer = reader.fill_buf()?;
            if buffer.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let (used, ended) =
                memchr(b'\n', buffer).map_or((buffer.len(), false), |end| (end + 1, true));
            left -= u64::from(ended);
            at += used as u64;
            reader.consume(used);
        }
        Ok(at)
    }
}

impl Dataset for Folder {
    fn types(&self) -> Vec<(String, u64)> {
        self.types.clone()
    }

    fn lines<'a>(
        &'a self,
        resource_type: &str,
        range: Range<u64>,
    ) -> Box<dyn Iterator<Item = Vec<u8>> + Send + 'a> {
        let parts: Vec<_> = self.parts(resource_type, range).collect();
        let some = |part: &Range<u64>| usize::try_from(part.end - part.start).unwrap_or(usize::MAX);
        Box::new(
            parts
                .into_iter()
                .flat_map(move |(source, part)| source.lines_from(part.start).take(some(&part))),
        )
    }

    fn read(&self, resource_type: &str, id: &str) -> Option<Vec<u8>> {
        let finder = memmem::Finder::new(id);
        let sources = self
            .sources
            .iter()
            .filter(|source| source.resource_type == resource_type);
        let mut candidates = sources
            .flat_map(|source| source.lines_from(0))
            .filter(|line| finder.find(line).is_some());
        candidates.find(|line| value_of(line, |head| head.id).as_deref() == Some(id))
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

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// A line without its end, and at the start of a file without a byte order mark; empty when it is blank.
fn trim(line: &[u8], at_start: bool) -> &[u8] {
    let line = if at_start {
        line.strip_prefix(BOM).unwrap_or(line)
    } else {
        line
    };
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.iter().all(u8::is_ascii_whitespace) {
        &[]
    } else {
        line
    }
}

fn value_of(
    line: &[u8],
    pick: impl for<'a> Fn(Head<'a>) -> Option<&'a RawValue>,
) -> Option<String> {
    let head: Head = serde_json::from_slice(line).ok()?;
    serde_json::from_str(pick(head)?.get()).ok()
}

fn is_gzipped(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
}

fn is_ndjson(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    path.is_file()
        && matches!(
            Path::new(name)
                .extension()
                .and_then(|extension| extension.to_str()),
            Some("ndjson" | "jsonl")
        )
}

fn open(path: &Path, offset: u64) -> io::Result<Box<dyn BufRead + Send>> {
    let mut file = File::open(path)?;
    Ok(if is_gzipped(path) {
        Box::new(BufReader::with_capacity(
            BUFFER,
            MultiGzDecoder::new(BufReader::with_capacity(BUFFER, file)),
        ))
    } else {
        file.seek(SeekFrom::Start(offset))?;
        Box::new(BufReader::with_capacity(BUFFER, file))
    })
}

#[cfg(test)]
mod tests;
