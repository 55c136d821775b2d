//! What a file's landing holds so far: where a download goes on, and the hash of what is there.

use aws_lc_rs::digest;

use super::error::EngineError;
use super::landing::Mark;
use crate::migration::ExportFile;
use crate::store::{Piece, Storage};

/// The end of a file's landing and the SHA-256 state over it.
pub fn resume_at(storage: &Storage, file: &ExportFile) -> Result<(Mark, digest::Context), EngineError> {
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut mark = Mark {
        offset: 0,
        lines: file.lines,
        oversize: false,
    };
    if file.bytes == 0 {
        return Ok((Mark::default(), hash));
    }
    for segment in storage.segments.ids() {
        for item in storage.segments.headers(segment) {
            let (at, header) = item?;
            if (header.run, header.file) != (file.run, file.number) {
                continue;
            }
            let block = storage.segments.block(segment, at)?;
            hash.update(&block);
            mark.offset = header.source_offset + block.len() as u64;
            mark.oversize = header.piece != Piece::Lines && block.last() != Some(&b'\n');
        }
    }
    if mark.offset != file.bytes {
        return Err(EngineError::NotReady {
            what: format!(
                "the landing of {} holds {} of {} bytes",
                file.name, mark.offset, file.bytes
            ),
            hint: "run `cutover doctor`: it says what is damaged and what can be fetched again".to_owned(),
        });
    }
    Ok((mark, hash))
}
