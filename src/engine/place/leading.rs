//! Leading: where the references of records lead that are there already, once a patient is known under another id.

use std::sync::Arc;

use super::Placer;
use crate::engine::crosswalk::mapping_key;
use crate::engine::error::EngineError;
use crate::engine::row::{Pointer, Record};
use crate::fhir;
use crate::migration::{Ground, Mapping};
use crate::store::{Entry, Link, Location, RecordKey, RowId, Writer, migration_key};

impl Placer {
    /// From now on the source's patient is the destination's `target`, also for patients already placed that refer to it.
    pub(super) fn link(
        &mut self,
        writer: &mut Writer,
        record: &Record,
        source: &str,
        target: &str,
    ) -> Result<(), EngineError> {
        let mapping = Mapping {
            resource_type: "Patient".to_owned(),
            source: source.to_owned(),
            target: target.to_owned(),
            ground: Ground::Decision,
            run: None,
        };
        let key = mapping_key(&self.migration, &record.key);
        self.storage.tables.crosswalk.put(&key, &mapping)?;
        let patients = Arc::make_mut(&mut self.patients);
        patients.crosswalk.insert(&self.storage, &mapping)?;
        let key = migration_key(&self.migration, &record.key.id());
        let referring: Vec<Link> = self
            .storage
            .tables
            .links
            .scan_prefix(&key)
            .map(|item| item.map(|(_, link)| link))
            .collect::<Result<_, _>>()?;
        for link in referring {
            let Some(key) = RecordKey::from_bytes(&link.from) else {
                continue;
            };
            let Some(entry) = writer.pending.get(&self.storage.index, &key)? else {
                continue;
            };
            if entry.deleted || entry.local {
                continue;
            }
            let line = if entry.merged {
                // What the destination's own record said in a merged one is not the source's to re-point.
                self.merged_again(writer, &key, &entry)?
            } else if entry.row == link.row {
                // From what was received: an id of the destination's may be one of the source's as well, and is not led on a second time.
                let line = self.transforms.of_landed(writer.read(&link.location)?);
                let own = fhir::scan(&line).map(|scan| key.with_id(self.storage.id_hash(scan.id)));
                let line = self.renamed(&own.unwrap_or(key), key, line)?;
                let base = self.base_url.as_deref();
                Some(self.patients.repoint(&self.storage, &line, base).unwrap_or(line))
            } else {
                None
            };
            if let Some(line) = line {
                Self::restate(writer, key, entry, &line)?;
            }
        }
        Ok(())
    }

    /// Leads the references of a record that came again unchanged to where they lead by now.
    pub(super) fn lead_on(
        &mut self,
        writer: &mut Writer,
        key: RecordKey,
        place: Location,
        record: &Record,
        present: Entry,
    ) -> Result<(), EngineError> {
        if present.local || self.local || self.patients.crosswalk.is_empty() || self.foreign(&present)? {
            return Ok(());
        }
        let line = if present.merged {
            match &record.pointer {
                Pointer::Rewritten(_) => self.merged_again(writer, &key, &present)?,
                Pointer::Plain | Pointer::Held(_) => None,
            }
        } else {
            self.line_of(writer, key, place, record)?
        };
        match line {
            Some(line) => Self::restate(writer, key, present, &line),
            None => Ok(()),
        }
    }

    /// Gives a record another line of the same row, if that is not what it has.
    fn restate(writer: &mut Writer, key: RecordKey, present: Entry, line: &[u8]) -> Result<(), EngineError> {
        if writer.read(&present.location)? == line {
            return Ok(());
        }
        let entry = Entry {
            location: writer.change_row(&key, present.row, line)?,
            version: present.version + 1,
            rewritten: true,
            ..present
        };
        writer.pending.put(key, entry, Some(present));
        Ok(())
    }

    /// Notes which patients a patient refers to: one of them may turn out to be known under another id later.
    pub(super) fn note_links(
        &self,
        record: &Record,
        row: RowId,
        place: Location,
        key: RecordKey,
    ) -> Result<(), EngineError> {
        for link in record.patient.iter().flat_map(|facts| &facts.links) {
            let at = [&link[..], key.as_bytes()].concat();
            let at = migration_key(&self.migration, &at);
            let link = Link {
                from: key.as_bytes().to_vec(),
                row,
                location: place,
            };
            self.storage.tables.links.put(&at, &link)?;
        }
        Ok(())
    }
}
