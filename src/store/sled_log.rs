//! Keeping sled from throwing its own log away.
//!
//! sled 0.34's log is a row of 512 KiB segments, each headed by its log sequence number (LSN) and the LSN up to which the log
//! was stable when the segment was begun. When it opens, sled looks for the segment that holds the highest such stable LSN and
//! insists that all from there on are present; if that first one is missing it takes *everything* after its snapshot for torn
//! and overwrites it. But the segment may be missing because all it held was replaced since and sled itself reclaimed it. So
//! before sled sees the log, an empty segment is appended in its place. That loses nothing: what was stable and is gone was
//! reclaimed, and what was damaged instead is found out by the witness.

use std::collections::BTreeSet;
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
/// The kind of message that says that nothing follows in its segment.
const CAP: u8 = 2;

/// Appends the segment that sled will miss, if there is one; `from` is the LSN of the snapshot that sled will start from.
/// Returns the LSN of the segment that was added.
pub(super) fn bridge_reclaimed(log: &Path, from: u64) -> Result<Option<u64>, FileError> {
    let file = match OpenOptions::new().read(true).write(true).open(log) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(FileError::new("open", log, e)),
    };
    let missing = missing_segment(&file, from - from % SEGMENT)
        .map_err(|e| FileError::new("read", log, e))?;
    if let Some(lsn) = missing {
        append_empty(&file, lsn).map_err(|e| FileError::new("write", log, e))?;
    }
    Ok(missing)
}

/// The LSN of the segment that sled looks for first, if it is not there but later ones or earlier ones are.
fn missing_segment(log: &File, from: u64) -> io::Result<Option<u64>> {
    let mut present = BTreeSet::new();
    let mut stable = from;
    let mut offset = 0;
    let length = log.metadata()?.len();
    while offset + HEADER as u64 <= length {
        let mut header = [0; HEADER];
        log.read_exact_at(&mut header, offset)?;
        if let Some((lsn, stable_then)) = decode(&header)
            && lsn >= from
        {
            present.insert(lsn);
            stable = stable.max(stable_then);
        }
        offset += SEGMENT;
    }
    let first = stable - stable % SEGMENT;
    Ok((!present.is_empty() && !present.contains(&first)).then_some(first))
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
