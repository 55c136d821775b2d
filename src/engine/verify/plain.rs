//! Blocks whose rows all stand as they were received.
//!
//! Such a record is its bytes in the landing: the index leads to them. Every row says which entry the index must have for it if nothing was
//! done to it, and the sum of hashes of those is held against the sum of the entries that lead into the block, as the census found them.
//! Where they are the same, so are the entries, one by one, and none has to be looked up. One record of the block is read back all the
//! same, as a client would. Any other block is gone through row by row.

use super::census::plain;
use super::crew::BlockAt;
use super::reader::{Reader, row_id};
use crate::engine::error::EngineError;
use crate::engine::history::taken_in;
use crate::engine::row::lines;
use crate::fhir::{self, Scan};
use crate::migration::{Disposition, Explained, ExportFile, FileKind, RecordState};
use crate::store::{Entry, Location, Piece, RecordKey};

/// A row as it must stand if nothing was done to it.
struct Plain<'t> {
    scan: Scan<'t>,
    text: &'t [u8],
    key: RecordKey,
    entry: Entry,
}

impl Reader<'_> {
    /// Takes in a block in which every record stands as it was received; false, with nothing taken in, where one does not.
    pub(super) fn plain(&mut self, file: &ExportFile, at: &BlockAt, block: &[u8]) -> Result<bool, EngineError> {
        let ground = self.ground;
        let there = self.census.plain.get(&(at.segment, at.offset)).copied();
        let (Some(there), FileKind::Output | FileKind::Attachments, Piece::Lines) = (there, file.kind, at.header.piece)
        else {
            return Ok(false);
        };
        let (mut rows, mut sum) = (Vec::with_capacity(block.len() / 512 + 1), Explained::default());
        for (line, start, text) in lines(block, at.header.first_line, at.header.source_offset == 0) {
            let Some(row) = self.as_received(file, at, (line, start, text))? else {
                return Ok(false);
            };
            sum.add(plain(&row.key, row.entry));
            rows.push(row);
        }
        if sum != there {
            return Ok(false);
        }
        if let Some(first) = rows.first() {
            let given = ground.store.read(&first.entry)?;
            if !ground.is_as_made(first.text, &given) {
                return Ok(false);
            }
        }
        for Plain { scan, text, key, entry } in &rows {
            self.found.patients += u64::from(scan.resource_type == "Patient");
            self.found.compared += 1;
            self.sample(scan, text);
            self.count(scan.resource_type, Disposition::Stored);
            self.state(scan.resource_type, RecordState::Validated);
            self.explain(scan.resource_type, key, entry.row);
            self.references(text)?;
        }
        Ok(true)
    }

    /// A row with the entry that it has in the index if nothing was done to it; `None` where something had to be.
    fn as_received<'t>(
        &mut self,
        file: &ExportFile,
        at: &BlockAt,
        (line, start, text): (u64, usize, &'t [u8]),
    ) -> Result<Option<Plain<'t>>, EngineError> {
        let ground = self.ground;
        let row = row_id(file, line);
        let Ok(scan) = fhir::scan(text) else { return Ok(None) };
        let own = file.resource_type.as_deref();
        if own.is_some_and(|own| own != scan.resource_type)
            || !taken_in(file, at.header.source_offset, scan.resource_type == "Patient")
            || ground.is_aside(row)
            || !matches!(ground.transforms.apply(text), Ok(None))
            || ground.patients.repoint(ground.storage, text, ground.base()).is_some()
        {
            return Ok(None);
        }
        let (Ok(start), Ok(len)) = (u32::try_from(start), u32::try_from(text.len())) else {
            return Ok(None);
        };
        let key = self.key(scan.resource_type, scan.id)?;
        let entry = Entry {
            location: Location {
                segment: at.segment,
                block: at.offset,
                start,
                len,
            },
            hash: ground.storage.content_hash(text),
            row,
            last_updated: scan.last_updated.and_then(fhir::instant::micros),
            version: 1,
            local: false,
            rewritten: false,
            merged: false,
            deleted: false,
        };
        Ok(Some(Plain { scan, text, key, entry }))
    }
}
