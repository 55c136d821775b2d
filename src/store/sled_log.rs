//! Looking at sled's log before sled does.
//!
//! sled 0.34's log is a row of 512 KiB segments, each headed by its log sequence number (LSN) and the LSN up to which the log
//! was stable when the segment was begun. Two things about how sled opens it lose records without a word, so they are looked
//! for first:
//!
//! - sled looks for the segment that holds the highest such stable LSN and insists that all from there on are present. If that
//!   first one is missing it takes *everything* after its snapshot for torn and overwrites it. But it may be missing because
//!   all it held was replaced since, and sled itself reclaimed it. An empty segment is appended in its place.
//! - A message that fails its checksum is taken for the end of its segment, as it is where an old segment was being overwritten
//!   with a new one. Where valid messages of the same segment follow, and the log was stable beyond, it is damage.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::private::FileError;

/// Bytes in a segment (sled's default, which the ledger does not change).
const SEGMENT: u64 = 512 * 1024;
/// Bytes in a segment's header: CRC-32 (4), LSN (8), stable LSN (8).
const HEADER: usize = 20;
/// LSNs are stored with these bits flipped, so that zeros are no valid header.
const MASK: u64 = 0x7FFF_FFFF_FFFF_FFFF;
/// Longest header of a message; none begins closer to the end of a segment.
const LONGEST_MESSAGE_HEADER: usize = 32;
/// The highest number of a kind of message; 0 stands for none.
const LAST_KIND: u8 = 11;
/// The kind of message that says that nothing follows in its segment.
const CAP: u8 = 2;

/// What is to be known about a log before sled may open it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Nothing is in the way.
    Sound,
    /// sled would have missed a segment; an empty one with this LSN was appended.
    Bridged(u64),
    /// Records are unreadable that sled would have left out in silence.
    Damaged,
}

/// Examines the part of the log that sled will replay after the snapshot with LSN `from`, and bridges a reclaimed segment.
pub(super) fn prepare(path: &Path, from: u64) -> Result<Finding, FileError> {
    let log = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Finding::Sound),
        Err(e) => return Err(FileError::new("open", path, e)),
    };
    let fail = |e| FileError::new("read", path, e);
    let from = from - from % SEGMENT;
    let headers = Headers::read(&log, from).map_err(fail)?;
    if headers.would_overlook_damage(&log, from).map_err(fail)? {
        return Ok(Finding::Damaged);
    }
    let first = headers.stable - headers.stable % SEGMENT;
    if headers.segments.is_empty() || headers.segments.contains_key(&first) {
        return Ok(Finding::Sound);
    }
    append_empty(&log, first).map_err(|e| FileError::new("write", path, e))?;
    Ok(Finding::Bridged(first))
}

/// The headers of the segments.
struct Headers {
    /// The offsets of segments by LSN.
    segments: BTreeMap<u64, u64>,
    /// The offsets of what has no valid header: reclaimed, never used, or damaged.
    headless: Vec<u64>,
    /// The LSN up to which the log was certainly stable.
    stable: u64,
}

impl Headers {
    /// Reads the headers of segments with an LSN from `from` on.
    fn read(log: &File, from: u64) -> io::Result<Headers> {
        let mut headers = Headers {
            segments: BTreeMap::new(),
            headless: Vec::new(),
            stable: from,
        };
        let length = log.metadata()?.len();
        let mut offset = 0;
        while offset + HEADER as u64 <= length {
            let mut header = [0; HEADER];
            log.read_exact_at(&mut header, offset)?;
            match decode(&header) {
                Some((lsn, stable)) if lsn >= from => {
                    headers.segments.insert(lsn, offset);
                    headers.stable = headers.stable.max(stable);
                }
                Some(_) => {}
                None => headers.headless.push(offset),
            }
            offset += SEGMENT;
        }
        Ok(headers)
    }

    /// Whether messages that come after `from` and were stable would be left out.
    fn would_overlook_damage(&self, log: &File, from: u64) -> io::Result<bool> {
        for (lsn, offset) in self.segments.range(..self.stable) {
            if has_hole(&read_segment(log, *offset)?, *lsn, self.stable) {
                return Ok(true);
            }
        }
        let missing = |number: u64| {
            let lsn = number.saturating_mul(SEGMENT);
            (from..self.stable).contains(&lsn) && !self.segments.contains_key(&lsn)
        };
        for offset in &self.headless {
            let segment = read_segment(log, *offset)?;
            if (HEADER..segment.len()).any(|at| message(&segment[at..], missing).is_some()) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn read_segment(log: &File, offset: u64) -> io::Result<Vec<u8>> {
    let length = log.metadata()?.len().saturating_sub(offset).min(SEGMENT);
    let mut segment = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    log.read_exact_at(&mut segment, offset)?;
    Ok(segment)
}

/// Whether messages follow in a segment after one that cannot be read and that lies below `stable`.
fn has_hole(segment: &[u8], lsn: u64, stable: u64) -> bool {
    let of_segment = |number| number == lsn / SEGMENT;
    let mut at = HEADER;
    while at + LONGEST_MESSAGE_HEADER <= segment.len() {
        match message(&segment[at..], of_segment) {
            Some((CAP, _)) => return false,
            Some((_, length)) => at += length,
            None if lsn + at as u64 >= stable => return false,
            None => {
                return (at + 1..segment.len()).any(|at| message(&segment[at..], of_segment).is_some());
            }
        }
    }
    false
}

/// The kind and whole length of the message that `bytes` begin with, if the number of its segment is `wanted` and its checksum
/// (over the contents, then the header) is right.
fn message(bytes: &[u8], wanted: impl Fn(u64) -> bool) -> Option<(u8, usize)> {
    let (checksum, rest) = bytes.split_first_chunk::<4>()?;
    let (kind, mut rest) = rest.split_first()?;
    if !(1..=LAST_KIND).contains(kind) {
        return None;
    }
    let length = usize::try_from(integer(&mut rest)?).ok()?;
    let is_wanted = wanted(integer(&mut rest)?);
    let _page = integer(&mut rest)?;
    let header = bytes.len() - rest.len();
    let contents = rest.get(..length).filter(|_| is_wanted)?;
    let mut crc = crc32fast::Hasher::new();
    crc.update(contents);
    crc.update(&bytes[4..header]);
    (crc.finalize() ^ u32::MAX == u32::from_le_bytes(*checksum)).then_some((*kind, header + length))
}

/// Takes one of sled's integers of variable length off the front.
fn integer(bytes: &mut &[u8]) -> Option<u64> {
    let (first, rest) = bytes.split_first()?;
    let extra = match first {
        0..=240 => 0,
        241..=248 => 1,
        249 => 2,
        250..=255 => usize::from(first - 247),
    };
    let (digits, rest) = rest.split_at_checked(extra)?;
    *bytes = rest;
    Some(match (first, digits) {
        (249, &[high, low]) => 2288 + 256 * u64::from(high) + u64::from(low),
        (241..=248, &[low]) => 240 + 256 * u64::from(first - 241) + u64::from(low),
        (250.., digits) => digits
            .iter()
            .rev()
            .fold(0, |number, digit| number << 8 | u64::from(*digit)),
        (small, _) => u64::from(*small),
    })
}

/// The LSN and stable LSN in a header; `None` when its checksum is wrong or an LSN is negative, as in unused segments.
fn decode(header: &[u8; HEADER]) -> Option<(u64, u64)> {
    let (checksum, lsns) = header.split_first_chunk::<4>()?;
    let (lsn, stable) = lsns.split_first_chunk::<8>()?;
    let stable = stable.first_chunk::<8>()?;
    let unmask = |bytes: &[u8; 8]| i64::try_from(u64::from_le_bytes(*bytes) ^ MASK).ok();
    let lsn = unmask(lsn)?.unsigned_abs();
    // -1, masked, stands for "nothing is stable yet".
    let stable = unmask(stable).map_or(0, i64::unsigned_abs);
    (crc32fast::hash(lsns) ^ u32::MAX == u32::from_le_bytes(*checksum)).then_some((lsn, stable))
}

/// Writes a segment with nothing in it at the end of the log, durably.
fn append_empty(log: &File, lsn: u64) -> io::Result<()> {
    let mut segment = vec![0; usize::try_from(SEGMENT).map_err(io::Error::other)?];
    segment[4..12].copy_from_slice(&(lsn ^ MASK).to_le_bytes());
    segment[12..20].copy_from_slice(&(lsn ^ MASK).to_le_bytes());
    let checksum = crc32fast::hash(&segment[4..20]) ^ u32::MAX;
    segment[..4].copy_from_slice(&checksum.to_le_bytes());

    // One message: checksum, kind, then length, segment number and page as integers in sled's longest form.
    let mut cap = vec![0; 4];
    cap.push(CAP);
    for number in [0, lsn / SEGMENT, u64::MAX] {
        cap.push(0xFF);
        cap.extend_from_slice(&number.to_le_bytes());
    }
    let checksum = crc32fast::hash(&cap[4..]) ^ u32::MAX;
    cap[..4].copy_from_slice(&checksum.to_le_bytes());
    segment[HEADER..HEADER + cap.len()].copy_from_slice(&cap);

    let end = log.metadata()?.len().next_multiple_of(SEGMENT);
    log.write_all_at(&segment, end)?;
    log.sync_data()
}
