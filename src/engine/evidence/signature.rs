//! How a piece of evidence is signed: everything before its last part is hashed, and the last part is a signed statement of that hash.
//!
//! The last part is the last line of a text, a page or a JSON document, which stay what they are, and a skippable frame (RFC 8878, section
//! 3.1.2) at the end of a bundle, which everything that unpacks Zstandard passes over. So no byte is outside the signature, and nothing
//! depends on how a format may be written differently.

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::error::CheckError;
use crate::engine::error::EngineError;
use crate::engine::place::hex;
use crate::source::PrivateKey;
use crate::store::ChainHead;

/// In which form evidence is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// The report as text.
    Text,
    /// The report as one JSON document, with the journal.
    Json,
    /// The report as a page of HTML.
    Html,
    /// Everything together, a compressed archive.
    Bundle,
}

impl Form {
    /// What it is, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Text => "report as text",
            Self::Json => "report as JSON",
            Self::Html => "report as HTML",
            Self::Bundle => "bundle of evidence",
        }
    }

    /// What stands before and after the statement; the bundle's frame has its length besides.
    fn around(self) -> (&'static str, &'static str) {
        match self {
            Self::Text => ("signature: ", "\n"),
            Self::Json => ("\"signature\":\"", "\"}\n"),
            Self::Html => ("<!-- signature: ", " -->\n"),
            Self::Bundle => ("\u{50}\u{2a}\u{4d}\u{18}", ""),
        }
    }
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The form of what it stands in.
    pub form: Form,
    /// SHA-256 of everything before it, hexadecimal.
    pub sha256: String,
    /// The migration.
    pub migration: String,
    /// The end of the journal.
    pub journal: ChainHead,
    /// The program that made it.
    pub program: String,
}

/// In place of the statement of what is not signed.
const UNSIGNED: &str = "none";
/// How a Zstandard frame begins.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Longest statement that is looked for, in bytes; those of the largest keys have 3,000.
const LONGEST: usize = 16 * 1024;

/// Puts a signed statement after a body, or the note that there is no key to sign with.
pub fn signed(
    form: Form,
    body: Vec<u8>,
    migration: &str,
    journal: &ChainHead,
    key: Option<&PrivateKey>,
) -> Result<Vec<u8>, EngineError> {
    let statement = Statement {
        form,
        sha256: sha256(&body),
        migration: migration.to_owned(),
        journal: journal.clone(),
        program: concat!("cutover ", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    let jws = match key {
        Some(key) => key
            .sign_statement(&statement)
            .map_err(|error| EngineError::source(&error, error.hint()))?,
        None => UNSIGNED.to_owned(),
    };
    let (before, after) = form.around();
    let mut whole = body;
    whole.extend(before.as_bytes());
    if form == Form::Bundle {
        // A statement is some kilobytes at most.
        whole.extend(u32::try_from(jws.len()).unwrap_or(u32::MAX).to_le_bytes());
    }
    whole.extend(jws.as_bytes());
    whole.extend(after.as_bytes());
    Ok(whole)
}

/// The parts of a piece of evidence: its form, everything that is signed, and the signed statement.
pub fn parted(whole: &[u8]) -> Result<(Form, &[u8], &str), CheckError> {
    let (form, body, jws) = if whole.starts_with(&ZSTD) {
        parted_bundle(whole).ok_or(CheckError::CutOff(Form::Bundle))?
    } else {
        parted_text(whole)?
    };
    if jws == UNSIGNED {
        return Err(CheckError::Unsigned(form));
    }
    Ok((form, body, jws))
}

fn parted_bundle(whole: &[u8]) -> Option<(Form, &[u8], &str)> {
    let mark = Form::Bundle.around().0.as_bytes();
    let from = whole.len().saturating_sub(LONGEST);
    // The statement is text and cannot hold the mark.
    let at = from + memchr::memmem::rfind(&whole[from..], mark)?;
    let (len, jws) = whole[at + mark.len()..].split_first_chunk::<4>()?;
    let whole_frame = usize::try_from(u32::from_le_bytes(*len)).ok()? == jws.len();
    let jws = std::str::from_utf8(jws).ok().filter(|_| whole_frame)?;
    Some((Form::Bundle, &whole[..at], jws))
}

fn parted_text(whole: &[u8]) -> Result<(Form, &[u8], &str), CheckError> {
    let end = whole.strip_suffix(b"\n").unwrap_or(whole);
    let at = memchr::memrchr(b'\n', end).map_or(0, |at| at + 1);
    let (body, last) = whole.split_at(at);
    let last = std::str::from_utf8(last).unwrap_or_default();
    for form in [Form::Text, Form::Json, Form::Html] {
        let (before, after) = form.around();
        if let Some(jws) = last.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)) {
            return Ok((form, body, jws));
        }
    }
    // What it began as, to say what is wrong with it.
    Err(match whole {
        [b'{', ..] => CheckError::CutOff(Form::Json),
        _ if whole.starts_with(b"<!DOCTYPE html>") => CheckError::CutOff(Form::Html),
        _ => CheckError::Foreign,
    })
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}
