//! Statements signed with our key: compact JWS that hold the public key as well, so that anyone can check them (RFC 7515).

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header, encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::jwk::{KeyAlgorithm, PublicJwk, PublicNumbers};
use super::key::{KeyError, PrivateKey};

/// `typ` of a signed statement: nobody can take one for a token request, or a token request for one.
const TYP: &str = "cutover-evidence+jws";

/// Why a signed statement cannot be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// It is not a compact JWS of this kind with a public key in its header.
    #[error("the signature is not one that this program makes")]
    Form,
    /// The key in its header is none that can be used.
    #[error("the public key beside the signature cannot be used")]
    Key,
    /// The signature does not belong to what it stands beside.
    #[error("the signature is not that of the key beside it")]
    Signature,
}

/// A statement whose signature holds, and the key that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed<T> {
    /// What is stated.
    pub statement: T,
    /// The public key, named by its own thumbprint whatever it called itself.
    pub key: PublicJwk,
}

impl PrivateKey {
    /// Signs a statement; its header holds the public key in `jwk` (RFC 7515, section 4.1.3).
    pub fn sign_statement(&self, statement: &impl Serialize) -> Result<String, KeyError> {
        let failed = KeyError::Library("signing");
        let public = serde_json::to_value(self.public()).and_then(serde_json::from_value::<Jwk>);
        let mut header = Header::new(algorithm(self.algorithm()));
        header.typ = Some(TYP.to_owned());
        header.kid = Some(self.public().kid.clone());
        header.jwk = Some(public.map_err(|_| failed.clone())?);
        encode(&header, statement, self.signing()).map_err(|_| failed)
    }
}

/// Reads a signed statement and checks its signature with the key in its header. Whose key that is, it cannot say.
pub fn read_statement<T: DeserializeOwned>(jws: &str) -> Result<Signed<T>, StatementError> {
    let header = decode_header(jws).map_err(|_| StatementError::Form)?;
    let jwk = header.jwk.filter(|_| header.typ.as_deref() == Some(TYP));
    let stated = serde_json::to_value(jwk.ok_or(StatementError::Form)?).and_then(serde_json::from_value::<PublicJwk>);
    let key = PublicJwk::new(stated.map_err(|_| StatementError::Key)?.numbers);
    let decoding = match &key.numbers {
        PublicNumbers::Rsa { n, e } => DecodingKey::from_rsa_components(n, e),
        PublicNumbers::Ec { crv, x, y } if crv == "P-384" => DecodingKey::from_ec_components(x, y),
        PublicNumbers::Ec { .. } => return Err(StatementError::Key),
    };
    let decoding = decoding.map_err(|_| StatementError::Key)?;
    // A statement is no token: it does not expire and is for everyone.
    let mut validation = Validation::new(algorithm(key.alg));
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let found = decode::<T>(jws, &decoding, &validation).map_err(|error| match error.kind() {
        jsonwebtoken::errors::ErrorKind::InvalidSignature => StatementError::Signature,
        _ => StatementError::Form,
    })?;
    Ok(Signed {
        statement: found.claims,
        key,
    })
}

fn algorithm(algorithm: KeyAlgorithm) -> Algorithm {
    match algorithm {
        KeyAlgorithm::Rs384 => Algorithm::RS384,
        KeyAlgorithm::Es384 => Algorithm::ES384,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn both_kinds_of_key_sign_and_nothing_of_it_can_be_changed() {
        for kind in [KeyAlgorithm::Rs384, KeyAlgorithm::Es384] {
            let key = PrivateKey::generate(kind).unwrap();
            let jws = key.sign_statement(&json!({"rows": 1})).unwrap();
            let read = read_statement::<Value>(&jws).unwrap();
            assert_eq!((&read.statement["rows"], &read.key), (&json!(1), key.public()));
            for at in 0..jws.len() {
                let mut changed = jws.clone().into_bytes();
                changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
                let changed = String::from_utf8(changed).unwrap();
                assert!(read_statement::<Value>(&changed).is_err(), "{at}");
            }
        }
    }

    #[test]
    fn a_token_request_is_no_statement() {
        let key = PrivateKey::generate(KeyAlgorithm::Es384).unwrap();
        let jwt = key.sign_jwt(&json!({"rows": 1}), None).unwrap();
        assert_eq!(read_statement::<Value>(jwt.expose()), Err(StatementError::Form));
    }

    #[test]
    fn a_statement_under_another_key_is_not_signed_by_it() {
        let [ours, theirs] = [(); 2].map(|()| PrivateKey::generate(KeyAlgorithm::Es384).unwrap());
        let [a, b] = [&ours, &theirs].map(|key| key.sign_statement(&json!({"rows": 1})).unwrap());
        let (head, _) = a.rsplit_once('.').unwrap();
        let (_, tail) = b.rsplit_once('.').unwrap();
        assert_eq!(
            read_statement::<Value>(&format!("{head}.{tail}")),
            Err(StatementError::Signature)
        );
    }
}
