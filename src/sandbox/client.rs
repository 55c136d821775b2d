//! The clients registered at the simulated EHR.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::rand;
use jsonwebtoken::jwk::JwkSet;

/// Where a client's public keys are.
#[derive(Debug, Clone)]
pub enum Keys {
    /// The client has none and proves itself by its secret.
    None,
    /// Registered as they are.
    Inline(JwkSet),
    /// Published by the client at a loopback URL and read whenever a token is asked for.
    Url(String),
}

/// A registered client.
#[derive(Clone)]
pub struct Client {
    /// The `client_id`.
    pub id: String,
    /// The secret, where the flavour takes one.
    pub secret: Option<String>,
    /// The public keys.
    pub keys: Keys,
    /// The scopes it may ask for, space separated; any when absent.
    pub scope: Option<String>,
}

impl Client {
    /// A client that proves itself by a secret nobody can guess; an error when the machine gives no randomness.
    pub(crate) fn with_secret(id: &str) -> io::Result<Self> {
        let secret = random_name().ok_or_else(|| io::Error::other("the machine gives no randomness"))?;
        Ok(Self {
            id: id.to_owned(),
            secret: Some(secret),
            keys: Keys::None,
            scope: None,
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("id", &self.id)
            .field("secret", &self.secret.as_ref().map(|_| "…"))
            .finish_non_exhaustive()
    }
}

/// The registered clients by id.
#[derive(Debug, Default)]
pub(crate) struct Clients(Mutex<HashMap<String, Client>>);

impl Clients {
    pub(crate) fn add(&self, client: Client) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(client.id.clone(), client);
    }

    pub(crate) fn get(&self, id: &str) -> Option<Client> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

/// An unguessable name of 32 hexadecimal digits; `None` when the machine gives no randomness.
pub(crate) fn random_name() -> Option<String> {
    let mut bytes = [0_u8; 16];
    rand::fill(&mut bytes).ok()?;
    Some(format!("{:032x}", u128::from_be_bytes(bytes)))
}
