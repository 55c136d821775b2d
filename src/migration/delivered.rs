//! What is known of each record at a server that records are written to.

use serde::{Deserialize, Serialize};

use super::conflict::By;

/// What is known of a record at the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// Its id there; empty while it has none.
    pub id: String,
    /// Its version there as we left it, where the server names versions.
    pub version: Option<String>,
    /// Keyed hash of what was sent, hexadecimal; empty while nothing was.
    pub content: String,
    /// Keyed hash of the store's entry that it was made of, hexadecimal.
    pub made_from: String,
    /// Every reference in it leads to where it will always lead.
    pub complete: bool,
    /// It was not there before.
    pub created: bool,
    /// How it stands.
    pub state: Standing,
}

impl Delivered {
    /// A record that could not be written: what was known of it stays, where it is, in which version, and whether it is ours.
    pub fn not_done(known: Option<Self>, state: Standing) -> Self {
        let known = known.unwrap_or(Self {
            id: String::new(),
            version: None,
            content: String::new(),
            made_from: String::new(),
            complete: false,
            created: false,
            state: Standing::Delivered,
        });
        Self { state, ..known }
    }

    /// Whether the server has it, in whatever version.
    pub fn is_there(&self) -> bool {
        !self.id.is_empty()
    }

    /// Whether somebody decided that the server's stays, and the store's record is still the one of then.
    pub fn kept(&self, made_from: &str) -> bool {
        matches!(&self.state, Standing::Agreed { keep: Keep::Server, made_from: then, .. } if then == made_from)
    }

    /// Whether it is open: the server has not what it should, and nobody has decided that it need not.
    pub fn open(&self) -> bool {
        matches!(self.state, Standing::Refused { .. } | Standing::Conflict { .. })
    }

    /// Whether its bytes are in another record.
    pub fn inside(&self) -> bool {
        matches!(self.state, Standing::Inside { .. })
    }

    /// Whether the server has it as it was sent last.
    pub fn settled(&self) -> bool {
        self.is_there() && self.state == Standing::Delivered
    }
}

/// How a record stands at the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Standing {
    /// It is there as sent.
    Delivered,
    /// Its bytes are in records that show them and are there.
    Inside {
        /// Those records.
        holders: Vec<Holder>,
    },
    /// It is in a file that the server was given to import, and was not seen there yet.
    HandedOff,
    /// The server does not take it.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The server's words, fit to be shown.
        reason: String,
    },
    /// The server has something else there, which is not ours to replace.
    Conflict {
        /// What.
        reason: String,
        /// The server's version of it then, where it has one.
        #[serde(default)]
        version: Option<String>,
    },
    /// Somebody settled such a conflict.
    Agreed {
        /// Whose record stays.
        keep: Keep,
        /// The server's version of it then, where it had one; another one is another conflict.
        version: Option<String>,
        /// Keyed hash of the store's entry then, hexadecimal; empty where the store had none.
        made_from: String,
        /// Who decided.
        by: By,
    },
}

/// A record that a document was put into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The record's key.
    pub record: Vec<u8>,
    /// Keyed hash of the document's entry in the store then, hexadecimal.
    pub made_from: String,
}

/// Whose record stays where store and server differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// The store's: the server gets it with the next delivery.
    Store,
    /// The server's: it is left as it is.
    Server,
}

impl Keep {
    /// Its name in commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Server => "server",
        }
    }

    /// That of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Store, Self::Server].into_iter().find(|keep| keep.name() == name)
    }
}
