//! The check of evidence by somebody who has the file and nothing else: no workspace, no passphrase, no network.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::bundle::{self, HTML, JOURNAL, JSON, TEXT};
use super::chain::{self, Followed};
use super::error::CheckError;
use super::signature::{Form, Statement, parted, sha256};
use crate::migration::SignOff;
use crate::source::read_statement;

/// What was checked, and holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// What the signature states.
    pub statement: Statement,
    /// Thumbprint of the key that made it (RFC 7638).
    pub key: String,
    /// What it signs with, such as `RS384`.
    pub algorithm: &'static str,
    /// What the journal says, where the file holds it.
    pub journal: Option<CheckedJournal>,
}

/// A journal of which every entry follows from the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckedJournal {
    /// The entry that tells of the key.
    pub key_entry: u64,
    /// Who signed, stale signatures too.
    pub signed: Vec<SignOff>,
    /// That the practice has gone over, and whether the gate was shut.
    pub flip: Option<crate::migration::Flip>,
}

/// Checks a report or a bundle; `key` is the thumbprint of the key that must have signed it, if it is known.
pub fn check(whole: &[u8], key: Option<&str>) -> Result<Checked, CheckError> {
    let (form, body, jws) = parted(whole)?;
    let signed = read_statement::<Statement>(jws)?;
    let statement = signed.statement;
    if statement.form != form || statement.sha256 != sha256(body) {
        return Err(CheckError::Changed(form));
    }
    let found = signed.key.kid;
    if key.is_some_and(|key| key != found) {
        return Err(CheckError::OtherKey { found });
    }
    let mut checked = Checked {
        statement,
        key: found,
        algorithm: signed.key.alg.name(),
        journal: None,
    };
    match form {
        Form::Text | Form::Html => {}
        Form::Json => checked.journal = Some(report(whole, &checked)?),
        Form::Bundle => checked.journal = Some(parts(body, &checked)?),
    }
    Ok(checked)
}

/// What of a report as JSON is compared with its journal.
#[derive(Deserialize)]
struct Reported<'a> {
    signed: Value,
    gate: ReportedGate,
    #[serde(borrow)]
    entries: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct ReportedGate {
    flip: Value,
}

/// Follows the journal in a report, and compares what the report says of signatures and of the flip.
fn report(whole: &[u8], checked: &Checked) -> Result<CheckedJournal, CheckError> {
    let reported: Reported<'_> = serde_json::from_slice(whole).map_err(|_| CheckError::Unreadable {
        part: JSON,
        why: "it has not the form of a report".to_owned(),
    })?;
    let entries = reported.entries.iter().map(|entry| entry.get().as_bytes());
    let journal = followed(entries, checked)?;
    let same = |said: &Value, known: serde_json::Result<Value>| known.is_ok_and(|known| *said == known);
    if !same(&reported.signed, serde_json::to_value(&journal.signed)) {
        return Err(CheckError::Disagree("who signed"));
    }
    if !same(&reported.gate.flip, serde_json::to_value(&journal.flip)) {
        return Err(CheckError::Disagree("whether and how the practice went over"));
    }
    Ok(journal)
}

/// Checks every part of a bundle: the reports like any other, and that they are of the same moment and by the same key.
fn parts(packed: &[u8], checked: &Checked) -> Result<CheckedJournal, CheckError> {
    let parts = bundle::unpacked(packed)?;
    for (name, form) in [(TEXT, Form::Text), (HTML, Form::Html), (JSON, Form::Json)] {
        let inner = check(&parts[name], Some(&checked.key))?;
        let (part, whole) = (&inner.statement, &checked.statement);
        if (part.form, &part.migration, &part.journal) != (form, &whole.migration, &whole.journal) {
            return Err(CheckError::OtherPart(name));
        }
    }
    let lines = parts[JOURNAL]
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    followed(lines, checked)
}

fn followed<'a>(entries: impl Iterator<Item = &'a [u8]>, checked: &Checked) -> Result<CheckedJournal, CheckError> {
    let statement = &checked.statement;
    let Followed { trail, keys } = chain::follow(&statement.migration, entries, &statement.journal)?;
    let known = keys.iter().rev().find(|(_, kid)| *kid == checked.key);
    Ok(CheckedJournal {
        key_entry: known.map(|(entry, _)| *entry).ok_or(CheckError::ForeignKey)?,
        signed: trail.signed.into_values().collect(),
        flip: trail.flip,
    })
}
