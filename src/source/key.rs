//! Our own key pair.

use std::fmt;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use zeroize::Zeroizing;

use super::jwk::{KeyAlgorithm, PublicJwk, PublicNumbers};
use crate::http::Secret;

/// A private key and the public half of it. `Debug` shows only the name of the public half.
#[derive(Clone)]
pub struct PrivateKey {
    pkcs8: Zeroizing<Vec<u8>>,
    signing: EncodingKey,
    public: PublicJwk,
}

/// Why a key is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither PEM nor JSON.
    #[error("the key is neither a PEM file nor a JSON Web Key")]
    Unrecognized,
    /// Locked by a passphrase.
    #[error("the private key is encrypted with a passphrase")]
    Encrypted,
    /// Not private.
    #[error("this is {0}, not a private key")]
    NotPrivate(&'static str),
    /// Another curve, or parameters instead of a named curve.
    #[error("the EC key ({form}) is not on the named curve P-384, so it cannot sign ES384")]
    WrongCurve {
        /// `SEC1`, `PKCS#8` or `JWK`.
        form: &'static str,
    },
    /// RSA too short, too long, or damaged.
    #[error("the RSA key is damaged, or not between 2048 and 8192 bits")]
    UnfitRsa,
    /// Some other kind of key.
    #[error("the key is neither an RSA key nor an EC key on P-384")]
    Unsupported,
    /// A JWK without what it needs.
    #[error("the JSON Web Key has no usable \"{member}\"")]
    Jwk {
        /// The member.
        member: &'static str,
    },
    /// The library failed.
    #[error("the cryptographic library failed while {0}")]
    Library(&'static str),
}

impl KeyError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unrecognized => {
                "give a file that begins with -----BEGIN PRIVATE KEY-----, or a JWK in JSON; or make a new one with: cutover keys new"
            }
            Self::Encrypted => {
                "decrypt it first: openssl pkcs8 -in key.pem -out plain.pem (and delete plain.pem after the import)"
            }
            Self::NotPrivate(_) => "give the private half; the EHR gets the public half (cutover keys jwks)",
            Self::WrongCurve { form: "SEC1" } => {
                "if it is a P-384 key, convert it: openssl ec -in key.pem -param_enc named_curve | openssl pkcs8 -topk8 -nocrypt -out key-pkcs8.pem; if it is on another curve, make a new one with: cutover keys new MIGRATION --algorithm ES384"
            }
            Self::WrongCurve { .. } => {
                "make a new one with: cutover keys new MIGRATION --algorithm ES384 (or RS384, which every EHR takes)"
            }
            Self::UnfitRsa | Self::Unsupported => "make a new one with: cutover keys new",
            Self::Jwk { .. } => {
                "an RSA key needs n, e, d, p, q, dp, dq, qi; an EC key needs crv, x, y, d; all base64url"
            }
            Self::Library(_) => return None,
        };
        Some(hint.to_owned())
    }
}

impl PrivateKey {
    /// A new key: RSA of 3072 bits, or P-384.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        let failed = |_| KeyError::Library("making a key");
        match algorithm {
            KeyAlgorithm::Rs384 => Self::from_rsa(&RsaKeyPair::generate(KeySize::Rsa3072).map_err(failed)?),
            KeyAlgorithm::Es384 => {
                Self::from_ec(&EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).map_err(failed)?)
            }
        }
    }

    /// The private key as PKCS#8 in PEM; meant for the vault to seal and for nobody else.
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        let body = Zeroizing::new(STANDARD.encode(&*self.pkcs8));
        let mut pem = Zeroizing::new(String::with_capacity(body.len() + body.len() / 64 + 64));
        pem.push_str("-----BEGIN PRIVATE KEY-----\n");
        let mut rest = body.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        pem
    }

    /// The public half, to be published.
    pub fn public(&self) -> &PublicJwk {
        &self.public
    }

    /// What it signs with.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.public.alg
    }

    /// Signs claims as a compact JWT with `typ`, `alg`, `kid` and, if asked for, `jku` in its header (RFC 7515).
    pub(super) fn sign_jwt(&self, claims: &impl Serialize, jku: Option<&str>) -> Result<Secret, KeyError> {
        let mut header = Header::new(match self.algorithm() {
            KeyAlgorithm::Rs384 => Algorithm::RS384,
            KeyAlgorithm::Es384 => Algorithm::ES384,
        });
        header.kid = Some(self.public.kid.clone());
        header.jku = jku.map(str::to_owned);
        let jwt = jsonwebtoken::encode(&header, claims, &self.signing).map_err(|_| KeyError::Library("signing"))?;
        Ok(Secret::new(jwt))
    }

    pub(super) fn signing(&self) -> &EncodingKey {
        &self.signing
    }

    pub(super) fn from_rsa(pair: &RsaKeyPair) -> Result<Self, KeyError> {
        if !(256..=1024).contains(&pair.public_modulus_len()) {
            return Err(KeyError::UnfitRsa);
        }
        let public = pair.public_key();
        let numbers = PublicNumbers::rsa(
            public.modulus().big_endian_without_leading_zero(),
            public.exponent().big_endian_without_leading_zero(),
        );
        let der = pair.as_der().map_err(|_| KeyError::Library("encoding a key"))?;
        Self::assemble(Zeroizing::new(der.as_ref().to_vec()), numbers)
    }

    pub(super) fn from_ec(pair: &EcdsaKeyPair) -> Result<Self, KeyError> {
        let numbers = PublicNumbers::p384(pair.public_key().as_ref()).ok_or(KeyError::Unsupported)?;
        let der = pair.to_pkcs8v1().map_err(|_| KeyError::Library("encoding a key"))?;
        Self::assemble(Zeroizing::new(der.as_ref().to_vec()), numbers)
    }

    fn assemble(pkcs8: Zeroizing<Vec<u8>>, numbers: PublicNumbers) -> Result<Self, KeyError> {
        let public = PublicJwk::new(numbers);
        let mut key = Self {
            pkcs8,
            signing: EncodingKey::from_secret(&[]),
            public,
        };
        let pem = key.to_pkcs8_pem();
        let signing = match key.algorithm() {
            KeyAlgorithm::Rs384 => EncodingKey::from_rsa_pem(pem.as_bytes()),
            KeyAlgorithm::Es384 => EncodingKey::from_ec_pem(pem.as_bytes()),
        };
        key.signing = signing.map_err(|_| KeyError::Library("reading its own key"))?;
        Ok(key)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({} {})", self.algorithm().name(), self.public.kid)
    }
}
