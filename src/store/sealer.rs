//! Sealing (AES-256-GCM) and keyed hashing (SipHash-2-4-128), each under a key of its own.

use std::hash::Hasher;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand;
use siphasher::sip128::{Hasher128, SipHasher24};

/// Length of a nonce in bytes (96 bits, NIST SP 800-38D section 5.2.1.1).
pub const NONCE_LEN: usize = 12;
/// Length of an authentication tag in bytes.
pub const TAG_LEN: usize = 16;
/// What sealing adds to the length of the plain bytes when nonce and tag are stored with them.
pub const OVERHEAD: usize = NONCE_LEN + TAG_LEN;

/// Sealed bytes are not what this workspace sealed in this place: altered, moved, cut, or sealed under another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed bytes failed their authenticity check")]
pub struct Unauthentic;

/// Seals and opens bytes of one domain; cheap to clone and safe to share between threads.
///
/// Nonces are random 96-bit numbers. NIST SP 800-38D section 8.3 allows 2^32 of those under one key, which keeps the chance
/// that any two are equal below 2^-32. As every domain has its own key, the bound holds for each domain alone: 2^32 blocks of
/// 256 KB are a pebibyte, and 2^32 ledger records are far more than a ledger holds.
#[derive(Clone)]
pub struct Sealer {
    key: Arc<LessSafeKey>,
}

impl Sealer {
    pub(super) fn new(key: &[u8; 32]) -> Sealer {
        // The only failure is a key of another length, which the type excludes.
        let key = UnboundKey::new(&AES_256_GCM, key).expect("AES-256 keys have 32 bytes");
        Sealer {
            key: Arc::new(LessSafeKey::new(key)),
        }
    }

    /// Encrypts `buffer` in place and appends the 16-byte tag; the returned nonce and the same `aad` open it again.
    ///
    /// # Panics
    /// When `buffer` exceeds the 64 GiB that GCM allows, or the system's random generator fails.
    pub fn seal_in_place(&self, aad: &[u8], buffer: &mut Vec<u8>) -> [u8; NONCE_LEN] {
        let nonce = random::<NONCE_LEN>();
        buffer.reserve(TAG_LEN);
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), buffer)
            .expect("a buffer within GCM's limit is always sealed");
        nonce
    }

    /// Decrypts `buffer` (sealed bytes and tag) in place and drops the tag; after an error the contents are meaningless.
    pub fn open_in_place(&self, aad: &[u8], nonce: &[u8; NONCE_LEN], buffer: &mut Vec<u8>) -> Result<(), Unauthentic> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self
            .key
            .open_in_place(nonce, Aad::from(aad), buffer)
            .map_err(|_| Unauthentic)?
            .len();
        buffer.truncate(plain);
        Ok(())
    }

    /// Seals a copy of `plain` as nonce, ciphertext, tag: [`OVERHEAD`] bytes longer.
    ///
    /// # Panics
    /// As [`Sealer::seal_in_place`].
    pub fn seal(&self, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD);
        let nonce = random::<NONCE_LEN>();
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let tag = self
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(aad),
                &mut sealed[NONCE_LEN..],
            )
            .expect("a buffer within GCM's limit is always sealed");
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Opens what [`Sealer::seal`] returned for the same `aad`.
    pub fn unseal(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unauthentic> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(Unauthentic)?;
        let mut plain = body.to_vec();
        self.open_in_place(aad, nonce, &mut plain)?;
        Ok(plain)
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(..)")
    }
}

/// Hashes bytes of one domain so that, without the workspace's key, nobody can tell what was hashed.
#[derive(Clone)]
pub struct KeyedHasher {
    keyed: SipHasher24,
}

impl KeyedHasher {
    pub(super) fn new(key: &[u8; 32]) -> KeyedHasher {
        // SipHash takes 128 bits of key; they are derived for this domain alone.
        let mut sip = [0; 16];
        sip.copy_from_slice(&key[..16]);
        KeyedHasher {
            keyed: SipHasher24::new_with_key(&sip),
        }
    }

    /// SipHash-2-4 with 128 bits of output, a pseudo-random function; each part is preceded by its length, so `["ab", "c"]` is not
    /// `["a", "bc"]`. Nothing is allocated: it is called for every record.
    pub fn hash(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut hasher = self.keyed;
        for part in parts {
            hasher.write(&(part.len() as u64).to_le_bytes());
            hasher.write(part);
        }
        hasher.finish128().as_bytes()
    }
}

impl std::fmt::Debug for KeyedHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyedHasher(..)")
    }
}

/// `N` bytes from the system's random generator.
///
/// # Panics
/// When the generator fails: nothing can be sealed safely then, so nothing is.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the system's random generator works");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sealed_bytes_open_only_unaltered_in_their_own_context(
            plain in prop::collection::vec(any::<u8>(), 0..400),
            aad in prop::collection::vec(any::<u8>(), 0..40),
            flip in any::<prop::sample::Index>(),
        ) {
            let sealer = Sealer::new(&[7; 32]);
            let sealed = sealer.seal(&aad, &plain);
            prop_assert_eq!(sealed.len(), plain.len() + OVERHEAD);
            prop_assert_eq!(sealer.unseal(&aad, &sealed), Ok(plain));

            let mut altered = sealed.clone();
            altered[flip.index(sealed.len())] ^= 1;
            prop_assert_eq!(sealer.unseal(&aad, &altered), Err(Unauthentic));
            prop_assert_eq!(sealer.unseal(&aad, &sealed[..flip.index(sealed.len())]), Err(Unauthentic));
            let mut elsewhere = aad.clone();
            elsewhere.push(0);
            prop_assert_eq!(sealer.unseal(&elsewhere, &sealed), Err(Unauthentic));
            prop_assert_eq!(Sealer::new(&[8; 32]).unseal(&aad, &sealed), Err(Unauthentic));
        }

        #[test]
        fn in_place_sealing_returns_to_the_same_bytes(plain in prop::collection::vec(any::<u8>(), 0..400)) {
            let sealer = Sealer::new(&[7; 32]);
            let mut buffer = plain.clone();
            let nonce = sealer.seal_in_place(b"block 1", &mut buffer);
            prop_assert_eq!(buffer.len(), plain.len() + TAG_LEN);
            let mut wrong = buffer.clone();
            prop_assert_eq!(sealer.open_in_place(b"block 2", &nonce, &mut wrong), Err(Unauthentic));
            prop_assert_eq!(sealer.open_in_place(b"block 1", &nonce, &mut buffer), Ok(()));
            prop_assert_eq!(buffer, plain);
        }
    }

    #[test]
    fn nonces_differ() {
        let sealer = Sealer::new(&[7; 32]);
        assert_ne!(sealer.seal(b"", b"same"), sealer.seal(b"", b"same"));
    }

    #[test]
    fn hashes_depend_on_the_key_and_on_where_parts_end() {
        let hasher = KeyedHasher::new(&[7; 32]);
        let base = hasher.hash(&[b"ab", b"c"]);
        assert_eq!(base, hasher.clone().hash(&[b"ab", b"c"]));
        for other in [
            &[b"a".as_slice(), b"bc"][..],
            &[b"abc"],
            &[b"ab", b"c", b""],
            &[b"", b"ab", b"c"],
        ] {
            assert_ne!(base, hasher.hash(other));
        }
        assert_ne!(base, KeyedHasher::new(&[8; 32]).hash(&[b"ab", b"c"]));
    }
}
