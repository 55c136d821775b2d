//! Blocks: sealed, compressed runs of NDJSON lines, the unit in which landed bytes are kept on disk.
//!
//! On disk a block is a 56-byte header and a payload. All numbers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | magic `CTOB` |
//! | 4 | format version, 1 |
//! | 5 | kind: 1 landing, 2 changed |
//! | 6 | piece: 0 whole lines, 1 the beginning of an oversize line, 2 a further piece of it |
//! | 7 | how the lines are kept: 0 compressed, 1 as they are |
//! | 8..12 | run |
//! | 12..16 | file within the run |
//! | 16..24 | number of the first line, from 1 |
//! | 24..32 | byte offset of the first line in the file as received |
//! | 32..36 | length of the lines before compression |
//! | 36..40 | length of the payload |
//! | 40..52 | nonce |
//! | 52..56 | CRC-32 of bytes 0..52 |
//!
//! The payload is zstd level 1 of the lines, sealed with AES-256-GCM; bytes 0..36 are authenticated with it, so a block cannot pass for
//! another file's or another place's. A line of more than [`PACKED_UP_TO`] bytes is a document, which would be a quarter smaller: it is
//! sealed as it is, so that it is opened where it is read and there need not be memory for it twice.

use zstd::zstd_safe::CParameter;

use super::sealer::{Sealer, TAG_LEN};

/// Bytes of a block's header on disk.
pub const HEADER_LEN: usize = 56;
/// Lines are gathered into blocks of about this many bytes before compression.
pub const TARGET_LEN: usize = 256 * 1024;
/// The most a block may hold before compression, in bytes: a bound on what a damaged header can make a reader allocate.
pub const MAX_RAW_LEN: usize = 64 * 1024 * 1024;

/// Longer blocks are not compressed, in bytes.
const PACKED_UP_TO: usize = 16 * 1024 * 1024;

const MAGIC: [u8; 4] = *b"CTOB";
const VERSION: u8 = 1;
const AUTHENTICATED: usize = 36;

/// What a block's lines are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    /// Bytes exactly as received from the source.
    Landing,
    /// Records that the migration changed (re-pointed, merged).
    Changed,
}

/// Whether a block holds whole lines or a piece of one that is too long to be read as a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// Whole lines.
    Lines,
    /// The beginning of an oversize line.
    OversizeStart,
    /// A further piece of the oversize line that began in an earlier block of the same file.
    OversizeRest,
}

/// Where a block's lines come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHeader {
    /// Received or changed.
    pub kind: BlockKind,
    /// Whole lines, or a piece of an oversize one.
    pub piece: Piece,
    /// The run that received them.
    pub run: u32,
    /// The file within that run.
    pub file: u32,
    /// Number of the first line in that file, from 1.
    pub first_line: u64,
    /// Byte offset of the first line in that file.
    pub source_offset: u64,
    /// Length of the lines in bytes, newlines included.
    pub raw_len: u32,
    /// Length of the payload on disk in bytes.
    pub stored_len: u32,
}

/// Why a block could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// The header is not one of ours, or is damaged.
    #[error("the block header is damaged")]
    Header,
    /// The payload does not open: altered, or sealed with another key.
    #[error("the block does not open: its bytes were altered, or it belongs to another workspace")]
    Sealed,
    /// The payload opened but did not decompress to the length that the header states.
    #[error("the block does not decompress to its stated length")]
    Compression,
}

/// Makes blocks; one per worker, because it keeps its compressor and buffers.
pub struct BlockWriter {
    sealer: Sealer,
    compressor: zstd::bulk::Compressor<'static>,
    payload: Vec<u8>,
}

impl BlockWriter {
    /// A writer that seals with `sealer`.
    pub fn new(sealer: Sealer) -> std::io::Result<Self> {
        let mut compressor = zstd::bulk::Compressor::new(1)?;
        // NDJSON repeats itself in long runs: looking only for those is an eighth faster than plain level 1, and no larger.
        compressor.set_parameter(CParameter::MinMatch(7))?;
        compressor.set_parameter(CParameter::HashLog(15))?;
        compressor.set_parameter(CParameter::TargetLength(2))?;
        Ok(Self {
            sealer,
            compressor,
            payload: Vec::new(),
        })
    }

    /// The bytes of a block that holds `raw`, at most [`MAX_RAW_LEN`]; the lengths in `header` are filled in here.
    pub fn write(&mut self, mut header: BlockHeader, raw: &[u8]) -> std::io::Result<Vec<u8>> {
        let too_long = || std::io::Error::new(std::io::ErrorKind::InvalidInput, "block too long");
        if raw.len() > MAX_RAW_LEN {
            return Err(too_long());
        }
        header.raw_len = u32::try_from(raw.len()).map_err(|_| too_long())?;
        if raw.len() > PACKED_UP_TO {
            let mut block = Vec::with_capacity(HEADER_LEN + raw.len() + TAG_LEN);
            block.extend_from_slice(raw);
            let head = self.seal(&header, &mut block)?;
            block.splice(0..0, head);
            return Ok(block);
        }
        let mut payload = std::mem::take(&mut self.payload);
        payload.clear();
        payload.reserve(zstd::zstd_safe::compress_bound(raw.len()) + TAG_LEN);
        self.compressor.compress_to_buffer(raw, &mut payload)?;
        let head = self.seal(&header, &mut payload)?;
        let block = [&head[..], &payload].concat();
        if raw.len() <= 4 * TARGET_LEN {
            self.payload = payload;
        }
        Ok(block)
    }

    /// Seals a payload in place; the header that goes before it.
    fn seal(&self, header: &BlockHeader, payload: &mut Vec<u8>) -> std::io::Result<[u8; HEADER_LEN]> {
        let mut head = [0u8; HEADER_LEN];
        header.encode(&mut head);
        let nonce = self.sealer.seal_in_place(&head[..AUTHENTICATED], payload);
        let stored = u32::try_from(payload.len()).map_err(std::io::Error::other)?;
        head[36..40].copy_from_slice(&stored.to_le_bytes());
        head[40..52].copy_from_slice(&nonce);
        let crc = crc32fast::hash(&head[..52]);
        head[52..56].copy_from_slice(&crc.to_le_bytes());
        Ok(head)
    }
}

impl BlockHeader {
    fn encode(&self, out: &mut [u8; HEADER_LEN]) {
        out[0..4].copy_from_slice(&MAGIC);
        out[4] = VERSION;
        out[5] = match self.kind {
            BlockKind::Landing => 1,
            BlockKind::Changed => 2,
        };
        out[6] = match self.piece {
            Piece::Lines => 0,
            Piece::OversizeStart => 1,
            Piece::OversizeRest => 2,
        };
        out[7] = u8::from(self.raw_len as usize > PACKED_UP_TO);
        out[8..12].copy_from_slice(&self.run.to_le_bytes());
        out[12..16].copy_from_slice(&self.file.to_le_bytes());
        out[16..24].copy_from_slice(&self.first_line.to_le_bytes());
        out[24..32].copy_from_slice(&self.source_offset.to_le_bytes());
        out[32..36].copy_from_slice(&self.raw_len.to_le_bytes());
    }

    /// The header in the first [`HEADER_LEN`] bytes of `bytes`.
    pub fn decode(bytes: &[u8]) -> Result<Self, BlockError> {
        let head: &[u8; HEADER_LEN] = bytes.first_chunk().ok_or(BlockError::Header)?;
        let u32_at = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let u64_at = |at: usize| u64::from(u32_at(at)) | (u64::from(u32_at(at + 4)) << 32);
        if head[0..4] != MAGIC || head[4] != VERSION || crc32fast::hash(&head[..52]) != u32_at(52) {
            return Err(BlockError::Header);
        }
        let kind = match head[5] {
            1 => BlockKind::Landing,
            2 => BlockKind::Changed,
            _ => return Err(BlockError::Header),
        };
        let piece = match head[6] {
            0 => Piece::Lines,
            1 => Piece::OversizeStart,
            2 => Piece::OversizeRest,
            _ => return Err(BlockError::Header),
        };
        let header = Self {
            kind,
            piece,
            run: u32_at(8),
            file: u32_at(12),
            first_line: u64_at(16),
            source_offset: u64_at(24),
            raw_len: u32_at(32),
            stored_len: u32_at(36),
        };
        if header.raw_len as usize > MAX_RAW_LEN {
            return Err(BlockError::Header);
        }
        Ok(header)
    }
}

/// Opens a whole block (header and payload) and gives back its lines.
pub fn open(mut block: Vec<u8>, sealer: &Sealer) -> Result<(BlockHeader, Vec<u8>), BlockError> {
    let header = BlockHeader::decode(&block)?;
    let head: [u8; HEADER_LEN] = *block.first_chunk().ok_or(BlockError::Header)?;
    if block.len() != HEADER_LEN + header.stored_len as usize {
        return Err(BlockError::Header);
    }
    let nonce: [u8; 12] = head[40..52].try_into().map_err(|_| BlockError::Header)?;
    let packed = match head[7] {
        0 => true,
        1 => false,
        _ => return Err(BlockError::Header),
    };
    block.drain(..HEADER_LEN);
    sealer
        .open_in_place(&head[..AUTHENTICATED], &nonce, &mut block)
        .map_err(|_| BlockError::Sealed)?;
    let raw = if packed {
        zstd::bulk::decompress(&block, header.raw_len as usize).map_err(|_| BlockError::Compression)?
    } else {
        block
    };
    if raw.len() != header.raw_len as usize {
        return Err(BlockError::Compression);
    }
    Ok((header, raw))
}

#[cfg(test)]
mod tests;
