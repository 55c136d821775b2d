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

    /// The key of another record of the same tenant and type.
    #[must_use]
    pub fn with_id(&self, id: [u8; 16]) -> Self {
        let mut key = self.0;
        key[4..].copy_from_slice(&id);
        Self(key)
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
#[expect(clippy::struct_excessive_bools, reason = "each is a bit of its own on disk")]
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
    /// The bytes are in a changed block: re-pointed, placed under another id, or merged.
    pub rewritten: bool,
    /// A person put it together from the source's record and the destination's.
    pub merged: bool,
    /// The record was deleted; `location` is that of the request to delete it.
    pub deleted: bool,
}

/// The flag of an entry that has a `last_updated`; below it, a bit for each property.
const STAMPED: u8 = 1 << 7;
/// The most bytes an entry takes: flags, hash, stamp, and eight numbers of up to 5 or 10 bytes.
const LONGEST: usize = 1 + 16 + 8 + 7 * 5 + 10;

/// An entry as stored, about 42 bytes: half of what ten million of them take up in memory and on disk.
pub struct Encoded {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Encoded {
    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Seven bits a byte, the lowest first, the eighth bit on all but the last.
    fn number(&mut self, number: impl Into<u64>) {
        let mut rest = number.into();
        while rest > 0x7f {
            self.put(&[rest.to_le_bytes()[0] | 0x80]);
            rest >>= 7;
        }
        self.put(&[rest.to_le_bytes()[0]]);
    }
}

struct Decoding<'a>(&'a [u8]);

impl Decoding<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.take()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn short(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }
}

impl Entry {
    /// The entry as stored.
    pub fn encode(&self) -> Encoded {
        let mut out = Encoded {
            bytes: [0; LONGEST],
            len: 0,
        };
        let stamped = if self.last_updated.is_some() { STAMPED } else { 0 };
        let flags = [self.local, self.rewritten, self.deleted, self.merged];
        let flags = (0..)
            .zip(flags)
            .fold(stamped, |byte, (bit, flag)| byte | u8::from(flag) << bit);
        out.put(&[flags]);
        out.put(&self.hash);
        if let Some(stamp) = self.last_updated {
            out.put(&stamp.to_le_bytes());
        }
        out.number(self.location.block);
        for number in [
            self.location.segment,
            self.location.start,
            self.location.len,
            self.row.run,
            self.row.file,
            self.row.line,
            self.version,
        ] {
            out.number(number);
        }
        out
    }

    /// The entry in these bytes, if they are one.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = Decoding(bytes);
        let [flags] = from.take()?;
        let hash = from.take()?;
        let last_updated = if flags & STAMPED == 0 {
            None
        } else {
            Some(i64::from_le_bytes(from.take()?))
        };
        let block = from.number()?;
        let entry = Self {
            location: Location {
                block,
                segment: from.short()?,
                start: from.short()?,
                len: from.short()?,
            },
            hash,
            row: RowId {
                run: from.short()?,
                file: from.short()?,
                line: from.short()?,
            },
            last_updated,
            version: from.short()?,
            local: flags & 1 != 0,
            rewritten: flags & 2 != 0,
            deleted: flags & 4 != 0,
            merged: flags & 8 != 0,
        };
        from.0.is_empty().then_some(entry)
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
            stamp in proptest::option::of(any::<i64>()), version in any::<u32>(), flags in any::<[bool; 4]>(),
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
                merged: flags[3],
            };
            let encoded = entry.encode();
            prop_assert_eq!(Entry::decode(encoded.as_slice()), Some(entry));
            prop_assert_eq!(Entry::decode(&encoded.as_slice()[..encoded.as_slice().len() - 1]), None);
        }
    }
}
