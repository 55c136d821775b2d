//! Reading a private key that somebody brings along: PEM (PKCS#8, PKCS#1, SEC1) or JWK.

use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::key::{KeyError, PrivateKey};

/// The members of a private JWK (RFC 7518, section 6) that are needed to sign.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
struct PrivateJwk {
    #[serde(default)]
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<String>,
    p: Option<String>,
    q: Option<String>,
    dp: Option<String>,
    dq: Option<String>,
    qi: Option<String>,
}

#[derive(Deserialize)]
struct PrivateJwks {
    keys: Vec<PrivateJwk>,
}

impl PrivateKey {
    /// Reads a private key from PEM (PKCS#8, PKCS#1 or SEC1; other blocks beside it are passed over) or from a JWK, alone or
    /// as the only private key of a set.
    pub fn import(text: &str) -> Result<Self, KeyError> {
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.starts_with('{') {
            return from_json(text);
        }
        let mut refused = KeyError::Unrecognized;
        for (label, body) in pem_blocks(text) {
            let base64 = Zeroizing::new(body.filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<u8>>());
            let der = || {
                STANDARD
                    .decode(&*base64)
                    .map(Zeroizing::new)
                    .map_err(|_| KeyError::Unrecognized)
            };
            match label {
                "PRIVATE KEY" => return from_pkcs8(&der()?),
                "RSA PRIVATE KEY" | "EC PRIVATE KEY" if text.contains("ENCRYPTED") => {
                    return Err(KeyError::Encrypted);
                }
                "RSA PRIVATE KEY" => {
                    return Self::from_rsa(&RsaKeyPair::from_der(&der()?).map_err(|_| KeyError::UnfitRsa)?);
                }
                "EC PRIVATE KEY" => {
                    let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P384_SHA384_FIXED_SIGNING, &der()?);
                    return Self::from_ec(&pair.map_err(|_| KeyError::WrongCurve { form: "SEC1" })?);
                }
                "ENCRYPTED PRIVATE KEY" => return Err(KeyError::Encrypted),
                "PUBLIC KEY" | "RSA PUBLIC KEY" => refused = KeyError::NotPrivate("a public key"),
                "CERTIFICATE" => refused = KeyError::NotPrivate("a certificate"),
                "OPENSSH PRIVATE KEY" => refused = KeyError::Unsupported,
                _ => {}
            }
        }
        Err(refused)
    }
}

/// The blocks of a PEM text (RFC 7468): label and base64 body.
fn pem_blocks(text: &str) -> impl Iterator<Item = (&str, impl Iterator<Item = u8>)> {
    text.split("-----BEGIN ").skip(1).filter_map(|block| {
        let (label, rest) = block.split_once("-----")?;
        let (body, _) = rest.split_once("-----END ")?;
        Some((label, body.bytes()))
    })
}

fn from_pkcs8(der: &[u8]) -> Result<PrivateKey, KeyError> {
    /// The object identifiers of `rsaEncryption` and `id-ecPublicKey`, as they stand in DER.
    const RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    const EC: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    let head = &der[..der.len().min(32)];
    let is = |identifier: &[u8]| head.windows(identifier.len()).any(|window| window == identifier);
    if is(RSA) {
        PrivateKey::from_rsa(&RsaKeyPair::from_pkcs8(der).map_err(|_| KeyError::UnfitRsa)?)
    } else if is(EC) {
        let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P384_SHA384_FIXED_SIGNING, der);
        PrivateKey::from_ec(&pair.map_err(|_| KeyError::WrongCurve { form: "PKCS#8" })?)
    } else {
        Err(KeyError::Unsupported)
    }
}

fn from_json(text: &str) -> Result<PrivateKey, KeyError> {
    if let Ok(set) = serde_json::from_str::<PrivateJwks>(text) {
        let mut private = set.keys.iter().filter(|key| key.d.is_some());
        return match (private.next(), private.next()) {
            (Some(key), None) => from_jwk(key),
            (None, _) => Err(KeyError::NotPrivate("a set of public keys")),
            (Some(_), Some(_)) => Err(KeyError::Jwk {
                member: "keys (more than one private key is in it)",
            }),
        };
    }
    from_jwk(&serde_json::from_str(text).map_err(|_| KeyError::Unrecognized)?)
}

fn from_jwk(jwk: &PrivateJwk) -> Result<PrivateKey, KeyError> {
    let member = |value: &Option<String>, member: &'static str| {
        let value = value.as_deref().ok_or(KeyError::Jwk { member })?;
        let bytes = URL_SAFE_NO_PAD
            .decode(value.trim_end_matches('='))
            .map_err(|_| KeyError::Jwk { member })?;
        Ok::<_, KeyError>(Zeroizing::new(bytes))
    };
    if !jwk.kty.is_empty() && jwk.d.is_none() {
        return Err(KeyError::NotPrivate("a public key"));
    }
    match jwk.kty.as_str() {
        "RSA" => {
            let components = KeyPairComponents {
                public_key: PublicKeyComponents {
                    n: without_zeros(member(&jwk.n, "n")?),
                    e: without_zeros(member(&jwk.e, "e")?),
                },
                d: member(&jwk.d, "d")?,
                p: member(&jwk.p, "p")?,
                q: member(&jwk.q, "q")?,
                dP: member(&jwk.dp, "dp")?,
                dQ: member(&jwk.dq, "dq")?,
                qInv: member(&jwk.qi, "qi")?,
            };
            PrivateKey::from_rsa(&RsaKeyPair::from_components(&components).map_err(|_| KeyError::UnfitRsa)?)
        }
        "EC" if jwk.crv.as_deref() != Some("P-384") => Err(KeyError::WrongCurve { form: "JWK" }),
        "EC" => {
            let (x, y, d) = (member(&jwk.x, "x")?, member(&jwk.y, "y")?, member(&jwk.d, "d")?);
            let point: Vec<u8> = [&[4][..], &x, &y].concat();
            let pair = EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P384_SHA384_FIXED_SIGNING, &d, &point);
            PrivateKey::from_ec(&pair.map_err(|_| KeyError::Jwk {
                member: "d that fits x and y",
            })?)
        }
        "" => Err(KeyError::Jwk { member: "kty" }),
        _ => Err(KeyError::Unsupported),
    }
}

/// Some writers put a sign byte in front of a number.
fn without_zeros(mut number: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.drain(..zeros);
    number
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
