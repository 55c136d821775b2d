//! gzip, decoded as it comes.

use std::io::Write;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;

/// Input is fed in pieces this small, so that a bomb (at most a thousandfold) cannot fill the memory at once.
const BITE: usize = 8 * 1024;
/// Output is handed on in pieces of about this size.
const PIECE: usize = 128 * 1024;

/// The stream is not gzip, or ends too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadGzip;

/// A decoder for a body of one or more gzip members (RFC 1952, section 2.2).
pub(super) struct Gunzip {
    decoder: MultiGzDecoder<Vec<u8>>,
    fed: bool,
}

impl Gunzip {
    pub(super) fn new() -> Self {
        Self {
            decoder: MultiGzDecoder::new(Vec::with_capacity(PIECE)),
            fed: false,
        }
    }

    /// Feeds from the front of `input`, which it shortens, until a piece of output is ready or the input is used up.
    pub(super) fn next(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, BadGzip> {
        while !input.is_empty() {
            let bite = input.split_to(input.len().min(BITE));
            self.fed = true;
            self.decoder.write_all(&bite).map_err(|_| BadGzip)?;
            if self.decoder.get_ref().len() >= PIECE {
                return Ok(Some(self.take()));
            }
        }
        Ok(None)
    }

    /// The last piece of output; an error if the stream ended in the middle. A body without a single byte is an empty file.
    pub(super) fn finish(&mut self) -> Result<Bytes, BadGzip> {
        if self.fed {
            self.decoder.try_finish().map_err(|_| BadGzip)?;
        }
        Ok(self.take())
    }

    fn take(&mut self) -> Bytes {
        std::mem::replace(self.decoder.get_mut(), Vec::with_capacity(PIECE)).into()
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn zipped(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn unzip(chunks: &[&[u8]]) -> Result<Vec<u8>, BadGzip> {
        let (mut gunzip, mut out) = (Gunzip::new(), Vec::new());
        for chunk in chunks {
            let mut input = Bytes::copy_from_slice(chunk);
            while let Some(piece) = gunzip.next(&mut input)? {
                out.extend_from_slice(&piece);
            }
        }
        out.extend_from_slice(&gunzip.finish()?);
        Ok(out)
    }

    #[test]
    fn b75_gzip_is_decoded_whatever_way_it_is_cut_into_chunks() {
        let data: Vec<u8> = (0..200_000_u32)
            .flat_map(|number| format!("{{\"n\":{number}}}\n").into_bytes())
            .collect();
        let zip = zipped(&data);
        for size in [1000, 7919, zip.len()] {
            assert!(unzip(&zip.chunks(size).collect::<Vec<_>>()).unwrap() == data);
        }
        let small = zipped("Mu\u{f1}oz\n".as_bytes());
        assert_eq!(
            unzip(&small.chunks(1).collect::<Vec<_>>()).unwrap(),
            "Mu\u{f1}oz\n".as_bytes()
        );
    }

    #[test]
    fn several_members_are_one_file() {
        let both = [zipped(b"one\n"), zipped(b""), zipped(b"two\n")].concat();
        assert_eq!(
            unzip(&both.chunks(3).collect::<Vec<_>>()).unwrap(),
            b"one\ntwo\n"
        );
        assert_eq!(unzip(&[]).unwrap(), b"");
    }

    #[test]
    fn a_gzip_stream_cut_anywhere_is_noticed() {
        let zip = zipped(b"{\"resourceType\":\"Patient\",\"id\":\"a\"}\n");
        for end in 1..zip.len() {
            assert_eq!(unzip(&[&zip[..end]]), Err(BadGzip), "cut after {end}");
        }
        assert_eq!(unzip(&[b"{\"resourceType\":\"Patient\"}"]), Err(BadGzip));
        let mut damaged = zip.clone();
        let last = damaged.len() - 6;
        damaged[last] ^= 1;
        assert_eq!(unzip(&[&damaged]), Err(BadGzip));
    }
}
