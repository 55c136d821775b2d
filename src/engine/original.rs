//! The original bytes of a quarantined row, from the landing; those of an oversize line are in several blocks.

use super::error::EngineError;
use crate::store::{Piece, QuarantinedRow, Storage};

/// Gives a quarantined row's bytes, as received and without the newline, piece by piece, until `take` wants no more.
pub fn original(
    storage: &Storage,
    row: &QuarantinedRow,
    take: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<(), EngineError> {
    let at = row.location;
    let header = storage.segments.header(at.segment, at.block)?;
    if header.piece == Piece::Lines {
        take(&storage.segments.read(&at)?);
        return Ok(());
    }
    let first = storage.segments.block(at.segment, at.block)?;
    let mut end = header.source_offset + first.len() as u64;
    if !piece(&first, take) {
        return Ok(());
    }
    // A file that was interrupted goes on in a later segment, never in an earlier one.
    for segment in storage.segments.ids().into_iter().filter(|id| *id >= at.segment) {
        for item in storage.segments.headers(segment) {
            let (offset, next) = item?;
            let goes_on = next.piece == Piece::OversizeRest && next.source_offset == end;
            if (next.run, next.file) != (header.run, header.file) || !goes_on {
                continue;
            }
            let block = storage.segments.block(segment, offset)?;
            end += block.len() as u64;
            if !piece(&block, take) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Hands a piece on; false when the line ends with it or nobody wants more.
fn piece(block: &[u8], take: &mut dyn FnMut(&[u8]) -> bool) -> bool {
    match block.strip_suffix(b"\n") {
        Some(last) => {
            take(last);
            false
        }
        None => take(block),
    }
}
