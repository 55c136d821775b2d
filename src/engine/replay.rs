//! What a file's landing holds so far: where a download goes on, the hash of what is there, and reading it once more.

use std::collections::HashSet;
use std::sync::Arc;

use super::error::EngineError;
use super::landing::{Conveyor, FileEnd, Mark, Piecework};
use super::row::{FileContext, RawBlock, lines};
use crate::migration::ExportFile;
use crate::store::{BlockKind, FileHasher, Piece, Storage};

/// The end of a file's landing and the hash over it.
pub fn resume_at(storage: &Storage, file: &ExportFile) -> Result<(Mark, FileHasher), EngineError> {
    let mut hash = FileHasher::landed();
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

/// Hands the blocks of a landed file to the workers once more, from where that stopped, and then its end.
pub async fn replay(
    storage: &Arc<Storage>,
    file: &ExportFile,
    context: Arc<FileContext>,
    to: &Conveyor,
) -> Result<(), EngineError> {
    let stopped = |_| EngineError::Stopped;
    let mut sequence = 0;
    for segment in storage.segments.ids() {
        let (at, wanted) = (Arc::clone(storage), (file.run, file.number));
        let from = file.replayed;
        let blocks = move || -> Result<Vec<_>, EngineError> {
            let mut blocks = Vec::new();
            for item in at.segments.headers(segment) {
                let (offset, header) = item?;
                if (header.run, header.file) == wanted && header.source_offset >= from {
                    blocks.push((offset, header));
                }
            }
            Ok(blocks)
        };
        let blocks = tokio::task::spawn_blocking(blocks)
            .await
            .map_err(|_| EngineError::Stopped)??;
        for (offset, header) in blocks {
            let at = Arc::clone(storage);
            let bytes = tokio::task::spawn_blocking(move || at.segments.block(segment, offset))
                .await
                .map_err(|_| EngineError::Stopped)??;
            let block = RawBlock {
                file: Arc::clone(&context),
                sequence,
                offset: header.source_offset,
                first_line: header.first_line,
                newlines: memchr::memchr_iter(b'\n', &bytes).count() as u64,
                validator: None,
                piece: header.piece,
                bytes: bytes.to_vec(),
                landed: Some((segment, offset)),
            };
            sequence += 1;
            to.send(Piecework::Block(block)).await.map_err(stopped)?;
        }
    }
    let end = FileEnd {
        file: file.number,
        sequence,
        blake3: file.blake3.clone().unwrap_or_default(),
        pass: context.pass,
        same_as: None,
    };
    to.send(Piecework::End(end)).await.map_err(stopped)
}

/// Hands on every line of the landing of these files (run and number), in the order in which it was landed; what is longer than a block is left out.
pub fn each_landed(
    storage: &Storage,
    files: &HashSet<(u32, u32)>,
    mut each: impl FnMut(&[u8]),
) -> Result<(), EngineError> {
    if files.is_empty() {
        return Ok(());
    }
    for segment in storage.segments.ids() {
        for item in storage.segments.headers(segment) {
            let (offset, header) = item?;
            let wanted = header.kind == BlockKind::Landing && header.piece == Piece::Lines;
            if !wanted || !files.contains(&(header.run, header.file)) {
                continue;
            }
            let block = storage.segments.block(segment, offset)?;
            for (_, _, text) in lines(&block, header.first_line, header.source_offset == 0) {
                each(text);
            }
        }
    }
    Ok(())
}
