//! Records of the store that nothing received explains.
//!
//! Every row that put a record there adds a hash of both to a sum, and so does every record of the index: where the sums of a type are the
//! same, so are the records. Only where they are not, each record is held against the row that it is said to come from.

use std::sync::Arc;

use super::before::Places;
use super::census::is_ours;
use super::ground::Ground;
use super::reader::finding;
use crate::engine::error::EngineError;
use crate::engine::row::lines;
use crate::fhir::{self, LossClass};
use crate::migration::RecordFinding;
use crate::store::{Entry, RecordKey, RowId};

/// The records of these types that no row explains.
pub fn extras(ground: &Ground<'_>, types: &[(String, u16)]) -> Result<Vec<RecordFinding>, EngineError> {
    let mut extras = Vec::new();
    if types.is_empty() {
        return Ok(extras);
    }
    let places = Places::of(ground)?;
    for (resource_type, number) in types {
        let mut all = Vec::new();
        for item in ground.storage.index.scan(&RecordKey::prefix(ground.tenant, *number)) {
            let (key, entry) = item?;
            if is_ours(ground, &entry) {
                all.push((places.of_row(entry.row), entry.row.line, key, entry));
            }
        }
        // In the order of the landing each block is opened once.
        all.sort_unstable_by_key(|(place, line, key, _)| (*place, *line, *key));
        for (place, line, key, entry) in all {
            let text = match place {
                Some(place) => Line::read(ground, place, line)?,
                None => None,
            };
            if text.as_ref().is_some_and(|line| line.explains(ground, key)) {
                continue;
            }
            extras.push(extra(ground, resource_type, text.as_ref(), key, &entry)?);
        }
    }
    Ok(extras)
}

/// A line of the landing.
struct Line {
    block: Arc<Vec<u8>>,
    start: usize,
    len: usize,
}

/// The line of a row in the landing, as received.
pub fn read_row(ground: &Ground<'_>, row: RowId) -> Result<Option<Vec<u8>>, EngineError> {
    let place = Places::of(ground)?.of_row(row);
    let line = match place {
        Some(place) => Line::read(ground, place, row.line)?,
        None => None,
    };
    Ok(line.map(|line| line.text().to_vec()))
}

impl Line {
    fn read(ground: &Ground<'_>, (segment, offset): (u32, u64), line: u32) -> Result<Option<Self>, EngineError> {
        let segments = &ground.storage.segments;
        let header = segments.header(segment, offset)?;
        let block = segments.block(segment, offset)?;
        let mut all = lines(&block, header.first_line, header.source_offset == 0);
        let found = all.find(|(number, ..)| *number == u64::from(line));
        let place = found.map(|(_, start, text)| (start, text.len()));
        drop(all);
        Ok(place.map(|(start, len)| Self { block, start, len }))
    }

    fn text(&self) -> &[u8] {
        &self.block[self.start..self.start + self.len]
    }

    /// Whether the record of this line stands under that key, or a note of it that two patients were made one.
    fn explains(&self, ground: &Ground<'_>, key: RecordKey) -> bool {
        let Ok(scan) = fhir::scan(self.text()) else {
            return false;
        };
        let own = key.with_id(ground.storage.id_hash(scan.id));
        key == own || key == ground.patients.crosswalk.place(ground.storage, own)
    }
}

fn extra(
    ground: &Ground<'_>,
    resource_type: &str,
    line: Option<&Line>,
    key: RecordKey,
    entry: &Entry,
) -> Result<RecordFinding, EngineError> {
    let given = ground.store.read(entry)?;
    let id = fhir::scan(&given).map(|scan| scan.id.to_owned()).unwrap_or_default();
    let same = line.is_some_and(|line| {
        let said = |record: &[u8]| fhir::canonical_hash(record, ground.base()).ok();
        let own = fhir::scan(line.text()).map(|scan| key.with_id(ground.storage.id_hash(scan.id)));
        let led = own.map(|own| ground.led((own, ground.patients.crosswalk.place(ground.storage, own)), line.text()));
        led.is_ok_and(|led| said(&led).is_some() && said(&led) == said(&given))
    });
    let class = if same { LossClass::Duplicated } else { LossClass::Extra };
    Ok(RecordFinding {
        code: class.name().to_owned(),
        extra: true,
        target: fhir::list_item(&given),
        ..finding(resource_type, &id, entry.row)
    })
}
