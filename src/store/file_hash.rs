//! The hash over a whole file while it passes by.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};

/// The hash of a file so far.
///
/// What is landed is hashed with BLAKE3, for at the rate of an intake SHA-256 alone would take an eighth of two processors; files that
/// are left to a person have SHA-256, because every machine can check that.
#[derive(Clone)]
pub struct FileHasher(Kind);

#[derive(Clone)]
enum Kind {
    Landed(Box<blake3::Hasher>),
    Plain(Context),
}

impl FileHasher {
    /// BLAKE3 over nothing yet: of a file that is landed.
    pub fn landed() -> Self {
        Self(Kind::Landed(Box::default()))
    }

    /// SHA-256 over nothing yet: of a file that is left to a person.
    pub fn plain() -> Self {
        Self(Kind::Plain(Context::new(&SHA256)))
    }

    /// The same hash over nothing yet.
    #[must_use]
    pub fn anew(&self) -> Self {
        match &self.0 {
            Kind::Landed(_) => Self::landed(),
            Kind::Plain(_) => Self::plain(),
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Kind::Landed(hasher) => {
                hasher.update(bytes);
            }
            Kind::Plain(hasher) => hasher.update(bytes),
        }
    }

    /// The hash over everything taken so far, 256 bits.
    pub fn sum(&self) -> [u8; 32] {
        match &self.0 {
            Kind::Landed(hasher) => *hasher.finalize().as_bytes(),
            Kind::Plain(hasher) => {
                let mut sum = [0; 32];
                sum.copy_from_slice(hasher.clone().finish().as_ref());
                sum
            }
        }
    }
}

impl fmt::Debug for FileHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileHasher")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_the_hash_that_others_compute() {
        let hex = |hasher: &FileHasher| {
            hasher
                .sum()
                .iter()
                .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
        };
        for (mut hasher, expected) in [
            (
                FileHasher::landed(),
                "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
            ),
            (
                FileHasher::plain(),
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
        ] {
            hasher.update(b"ab");
            hasher.update(b"c");
            assert_eq!(hex(&hasher), expected);
            let mut again = hasher.anew();
            again.update(b"abc");
            assert_eq!(hex(&again), expected);
        }
    }
}
