//! What the resource index holds for a record: where its bytes are, what they are, and which received row put them there.

use std::hash::{Hash, Hasher};

use super::segment::Location;

/// Key of a record in the index: tenant and type (numbers from the ledger's name table), then a keyed hash of the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordKey([u8; 20]);

/// A key is a hash already, so a map of keys needs no other: see [`ByLot`].
impl Hash for RecordKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.lot());
    }
}

/// Hasher for maps of [`RecordKey`]s, whose lot it takes as it is: nobody without the workspace's key can choose it.
#[derive(Default)]
pub struct ByLot(u64);

impl Hasher for ByLot {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, lot: u64) {
        self.0 = lot;
    }
}

impl RecordKey {
    /// The key of the record `id` (its keyed hash) of a tenant and type.
    pub fn new(tenant: u16, resource_type: u16, id: [u8; 16]) -> Self {
        let mut key = [0; 20];
        key[0..2].copy_from_slice(&tenant.to_be_bytes());
        key[2..4].copy_from_slice(&resource_type.to_be_bytes());
        key[4..].copy_from_slice(&id);
        Self(key)
    }

    /// The prefix under which all records of a tenant and type stand.
    pub fn prefix(tenant: u16, resource_type: u16) -> [u8; 4] {
        let (t, r) = (tenant.to_be_bytes(), resource_type.to_be_bytes());
        [t[0], t[1], r[0], r[1]]
    }

    /// The key's bytes.
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The keyed hash of the record's id.
    pub fn id(&self) -> [u8; 16] {
        let mut id = [0; 16];
        id.copy_from_slice(&self.0[4..]);
        id
    }

    /// The number of the record's type in the ledger's name table.
    pub fn resource_type(&self) -> u16 {
        u16::from_be_bytes([self.0[2], self.0[3]])
    }

    /// A number that is as good as random, the same for the same key: the id in it is a hash already.
    pub fn lot(&self) -> u64 {
        let [a, b, c, d, rest @ ..] = self.0;
        let place = u64::from(u32::from_be_bytes([a, b, c, d])).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        rest.first_chunk().map_or(place, |id| u64::from_le_bytes(*id) ^ place)
    }

    /// The key in these bytes, if they are as long as one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// A received row: the line of a file of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct RowId {
    /// The run.
    pub run: u32,
    /// The file within the run.
    pub file: u32,
    /// The line within the file, from 1.
    pub line: u32,
}

/// One version of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Where the bytes are.
    pub location: Location,
    /// Keyed 128-bit hash of the bytes as received, before anything was rewritten.
    pub hash: [u8; 16],
    /// The row that put it there.
    pub row: RowId,
    /// The source's `meta.lastUpdated` in microseconds since 1970, if it stated one.
    pub last_updated: Option<i64>,
    /// Version of the record at the destination, from 1.
    pub version: u32,
    /// Put there by the destination's own users (or loaded as such), not by a migration.
    pub local: bool,
    /// The bytes are in a changed block: re-pointed or placed under another id.
    pub rewritten: bool,
    /// The record was deleted; `location` is that of the request to delete it.
    pub deleted: bool,
}

const LEN: usize = 61;

impl Entry {
    /// The entry as stored, 61 bytes.
    pub fn encode(&self) -> [u8; LEN] {
        let mut out = [0; LEN];
        out[0..4].copy_from_slice(&self.location.segment.to_le_bytes());
        out[4..12].copy_from_slice(&self.location.block.to_le_bytes());
        out[12..16].copy_from_slice(&self.location.start.to_le_bytes());
        out[16..20].copy_from_slice(&self.location.len.to_le_bytes());
        out[20..36].copy_from_slice(&self.hash);
        out[36..40].copy_from_slice(&self.row.run.to_le_bytes());
        out[40..44].copy_from_slice(&self.row.file.to_le_bytes());
        out[44..48].copy_from_slice(&self.row.line.to_le_bytes());
        out[48..56].copy_from_slice(&self.last_updated.unwrap_or(i64::MIN).to_le_bytes());
        out[56..60].copy_from_slice(&self.version.to_le_bytes());
        out[60] = u8::from(self.local) | (u8::from(self.rewritten) << 1) | (u8::from(self.deleted) << 2);
        out
    }

    /// The entry in these bytes, if they are one.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let b: &[u8; LEN] = bytes.try_into().ok()?;
        let u32_at = |at: usize| u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]]);
        let block = u64::from(u32_at(4)) | (u64::from(u32_at(8)) << 32);
        let stamp = i64::from_le_bytes([b[48], b[49], b[50], b[51], b[52], b[53], b[54], b[55]]);
        let mut hash = [0; 16];
        hash.copy_from_slice(&b[20..36]);
        Some(Self {
            location: Location {
                segment: u32_at(0),
                block,
                start: u32_at(12),
                len: u32_at(16),
            },
            hash,
            row: RowId {
                run: u32_at(36),
                file: u32_at(40),
                line: u32_at(44),
            },
            last_updated: (stamp != i64::MIN).then_some(stamp),
            version: u32_at(56),
            local: b[60] & 1 != 0,
            rewritten: b[60] & 2 != 0,
            deleted: b[60] & 4 != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_entry_survives_its_encoding(
            place in any::<(u32, u64, u32, u32)>(), hash in any::<[u8; 16]>(), row in any::<(u32, u32, u32)>(),
            stamp in proptest::option::of(-9_000_000_000_000_000_i64..9_000_000_000_000_000), version in any::<u32>(), flags in any::<[bool; 3]>(),
        ) {
            let entry = Entry {
                location: Location { segment: place.0, block: place.1, start: place.2, len: place.3 },
                hash,
                row: RowId { run: row.0, file: row.1, line: row.2 },
                last_updated: stamp,
                version,
                local: flags[0],
                rewritten: flags[1],
                deleted: flags[2],
            };
            prop_assert_eq!(Entry::decode(&entry.encode()), Some(entry));
        }
    }
}
