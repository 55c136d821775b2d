//! One NDJSON file, plain or gzipped: its lines by number.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::iter;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use memchr::{memchr, memmem};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The byte offset of every so many lines is kept; what lies between is found by reading.
const STRIDE: u64 = 1024;
const BUFFER: usize = 256 * 1024;
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One file, of which only sparse line offsets are in memory.
#[derive(Debug)]
pub(crate) struct NdjsonFile {
    pub path: PathBuf,
    /// Of the first line; `None` when that is no FHIR resource.
    pub resource_type: Option<String>,
    /// Non-blank lines.
    pub lines: u64,
    /// Plain files only: byte offset of the lines 0, `STRIDE`, 2 `STRIDE`, ...
    offsets: Vec<u64>,
    /// Whether bytes can be served as they are: plain, LF after every line, none blank, no placeholder.
    pub verbatim: bool,
    size: u64,
}

impl NdjsonFile {
    /// Reads a file through once.
    pub(crate) fn scan(path: &Path) -> io::Result<Self> {
        let gzipped = is_gzipped(path);
        let mut reader = open(path, 0)?;
        let placeholder = memmem::Finder::new("{base}");
        let mut line = Vec::new();
        let mut at = 0;
        let mut file = Self {
            path: path.to_owned(),
            resource_type: None,
            lines: 0,
            offsets: Vec::new(),
            verbatim: !gzipped,
            size: 0,
        };
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line)?;
            if read == 0 {
                file.size = at;
                return Ok(file);
            }
            let content = trim(&line, at == 0);
            file.verbatim &= !content.is_empty() && content.len() + 1 == read && placeholder.find(content).is_none();
            if !content.is_empty() {
                if file.lines.is_multiple_of(STRIDE) && !gzipped {
                    file.offsets.push(at);
                }
                if file.lines == 0 {
                    file.resource_type = value_of(content, |head| head.resource_type);
                }
                file.lines += 1;
            }
            at += read as u64;
        }
    }

    /// The line of the resource with this id, sought from the beginning.
    pub(crate) fn find(&self, id: &str) -> Option<Vec<u8>> {
        let finder = memmem::Finder::new(id);
        let mut candidates = self.lines_from(0).filter(|line| finder.find(line).is_some());
        candidates.find(|line| value_of(line, |head| head.id).as_deref() == Some(id))
    }

    /// The non-blank lines from `start` on; ends early when the file cannot be read any more.
    pub(crate) fn lines_from(&self, start: u64) -> Box<dyn Iterator<Item = Vec<u8>> + Send> {
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
    pub(crate) fn offset(&self, line: u64) -> io::Result<u64> {
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
            let (used, ended) = memchr(b'\n', buffer).map_or((buffer.len(), false), |end| (end + 1, true));
            left -= u64::from(ended);
            at += used as u64;
            reader.consume(used);
        }
        Ok(at)
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, rename = "resourceType")]
    resource_type: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

/// Whether a name is that of an NDJSON file, gzipped or not.
pub(crate) fn is_ndjson(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    path.is_file()
        && matches!(
            Path::new(name).extension().and_then(|extension| extension.to_str()),
            Some("ndjson" | "jsonl")
        )
}

fn is_gzipped(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
}

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

fn value_of(line: &[u8], pick: impl for<'a> Fn(Head<'a>) -> Option<&'a RawValue>) -> Option<String> {
    let head: Head = serde_json::from_slice(line).ok()?;
    serde_json::from_str(pick(head)?.get()).ok()
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
