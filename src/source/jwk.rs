//! Public keys as JSON Web Keys (RFC 7517), and their set.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// What a key signs with (SMART, Client Authentication: Asymmetric).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyAlgorithm {
    /// RSA with SHA-384; what every EHR takes.
    #[serde(rename = "RS384")]
    Rs384,
    /// ECDSA on P-384 with SHA-384.
    #[serde(rename = "ES384")]
    Es384,
}

impl KeyAlgorithm {
    /// The name in `alg`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs384 => "RS384",
            Self::Es384 => "ES384",
        }
    }
}

/// The numbers of a public key, base64url without padding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub enum PublicNumbers {
    /// RSA.
    #[serde(rename = "RSA")]
    Rsa {
        /// Modulus.
        n: String,
        /// Exponent.
        e: String,
    },
    /// A point on a curve.
    #[serde(rename = "EC")]
    Ec {
        /// The curve, `P-384`.
        crv: String,
        /// First coordinate.
        x: String,
        /// Second coordinate.
        y: String,
    },
}

/// A public key as it is published: never with a private member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicJwk {
    /// `kty` and the numbers.
    #[serde(flatten)]
    pub numbers: PublicNumbers,
    /// The key's name: its SHA-256 thumbprint (RFC 7638).
    pub kid: String,
    /// `RS384` or `ES384`.
    pub alg: KeyAlgorithm,
    /// `sig`.
    #[serde(rename = "use")]
    pub purpose: String,
    /// `["verify"]`; some servers pass over a key without it.
    pub key_ops: Vec<String>,
}

/// The set that is registered with the EHR.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwks {
    /// The keys; during a change of keys the old and the new one.
    pub keys: Vec<PublicJwk>,
}

impl PublicJwk {
    /// A key with these numbers, named by its thumbprint.
    pub fn new(numbers: PublicNumbers) -> Self {
        let alg = match &numbers {
            PublicNumbers::Rsa { .. } => KeyAlgorithm::Rs384,
            PublicNumbers::Ec { .. } => KeyAlgorithm::Es384,
        };
        Self {
            kid: numbers.thumbprint(),
            numbers,
            alg,
            purpose: "sig".to_owned(),
            key_ops: vec!["verify".to_owned()],
        }
    }
}

impl PublicNumbers {
    /// RSA numbers from big-endian bytes.
    pub(super) fn rsa(n: &[u8], e: &[u8]) -> Self {
        Self::Rsa {
            n: URL_SAFE_NO_PAD.encode(n),
            e: URL_SAFE_NO_PAD.encode(e),
        }
    }

    /// A P-384 point from its uncompressed form (`04`, x, y).
    pub(super) fn p384(point: &[u8]) -> Option<Self> {
        let (x, y) = point.strip_prefix(&[4])?.split_at_checked(48)?;
        Some(Self::Ec {
            crv: "P-384".to_owned(),
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
        })
    }

    /// The SHA-256 over the required members in lexical order, base64url (RFC 7638, section 3).
    pub fn thumbprint(&self) -> String {
        // base64url and curve names need no JSON escapes.
        let members = match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Self::Ec { crv, x, y } => {
                format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
        };
        URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))
    }
}

impl Jwks {
    /// The document to publish, as indented JSON.
    pub fn to_json(&self) -> String {
        // Strings and lists of strings always serialize.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let numbers = PublicNumbers::Rsa {
            n: n.to_owned(),
            e: "AQAB".to_owned(),
        };
        assert_eq!(numbers.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }
}
