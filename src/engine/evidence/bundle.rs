//! The bundle: every part of the evidence in one compressed archive that any system unpacks.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Cursor, Read, Write as _};

use super::error::CheckError;
use super::signature::{Form, sha256};
use super::{Evidence, parts};
use crate::engine::error::EngineError;
use crate::engine::keys;

/// The parts of a bundle, in the order in which they are packed.
pub const PARTS: [&str; 12] = [
    README,
    TEXT,
    HTML,
    JSON,
    JOURNAL,
    "decisions.ndjson",
    "findings.ndjson",
    "quarantine.ndjson",
    "files.ndjson",
    "crosswalk.csv",
    "jwks.json",
    SUMS,
];
pub const TEXT: &str = "report.txt";
pub const HTML: &str = "report.html";
pub const JSON: &str = "report.json";
pub const JOURNAL: &str = "journal.ndjson";
pub const SUMS: &str = "SHA256SUMS";
const README: &str = "README.txt";

/// What a reader needs to know who has only the archive.
const ABOUT: &str = "\
Evidence of a migration of medical records, written by cutover.

  report.html, report.txt  the report, to be read and printed
  report.json              the same for programs, with the journal
  journal.ndjson           everything that happened, in order: each line holds the SHA-256 of the line before it
  decisions.ndjson         every conflict and who decided what
  findings.ndjson          what the latest verification found
  quarantine.ndjson        rows that were set aside, without their bytes, and who did without them
  files.ndjson             every file received, with its BLAKE3
  crosswalk.csv            who of the old system's is whom in the new one
  jwks.json                the public key that signed all this
  SHA256SUMS               a hash of every other file here

The signature is in the last frame of the archive itself: keep it as it is. This checks everything, without a network:

  cutover report --check FILE

Whose key it is no program can tell: compare its thumbprint with the one that you were given.
";

/// How hard it is compressed: evidence is small and kept for years.
const LEVEL: i32 = 12;
/// The most that a part may have when a bundle is checked, in bytes.
const PART_LIMIT: u64 = 1 << 30;

/// The archive, without its signature: the same evidence gives the same bytes.
pub fn packed(evidence: &Evidence<'_>) -> Result<Vec<u8>, EngineError> {
    let Evidence {
        storage, plan, report, ..
    } = evidence;
    let failed = |error: std::io::Error| EngineError::source(&error, None);
    let findings = report.verification.as_ref().map(|found| found.findings.as_slice());
    let mut journal = evidence.entries.join(&b'\n');
    journal.push(b'\n');
    let key = evidence.key.as_ref().map(keys::jwks).unwrap_or_default();
    let mut sums = String::new();
    let mut archive = tar::Builder::new(Vec::new());
    let seconds = report.as_of.map_or(0, |at| at.as_second().unsigned_abs());
    for name in PARTS {
        let bytes = match name {
            README => ABOUT.as_bytes().to_vec(),
            TEXT => evidence.made(Form::Text)?,
            HTML => evidence.made(Form::Html)?,
            JSON => evidence.made(Form::Json)?,
            JOURNAL => std::mem::take(&mut journal),
            "decisions.ndjson" => parts::decisions(storage, plan, report.with_phi)?,
            "findings.ndjson" => parts::lines(findings.unwrap_or_default())?,
            "quarantine.ndjson" => parts::quarantine(storage, plan)?,
            "files.ndjson" => parts::lines(&report.files)?,
            "crosswalk.csv" => parts::crosswalk(storage, plan, report.with_phi)?,
            "jwks.json" => key.clone().into_bytes(),
            _ => std::mem::take(&mut sums).into_bytes(),
        };
        // Writing to a String does not fail.
        let _ = writeln!(sums, "{}  {name}", sha256(&bytes));
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o600);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(seconds);
        archive
            .append_data(&mut header, name, bytes.as_slice())
            .map_err(failed)?;
    }
    let archive = archive.into_inner().map_err(failed)?;
    let mut packed = zstd::Encoder::new(Vec::new(), LEVEL).map_err(failed)?;
    packed
        .write_all(&archive)
        .and_then(|()| packed.finish())
        .map_err(failed)
}

/// The parts of an archive, each there once and nothing else, and as its list of hashes says.
pub fn unpacked(packed: &[u8]) -> Result<BTreeMap<&'static str, Vec<u8>>, CheckError> {
    let unreadable = |error: std::io::Error| CheckError::Unreadable {
        part: "the archive",
        why: error.to_string(),
    };
    let mut found = BTreeMap::new();
    let archive = zstd::Decoder::new(Cursor::new(packed)).map_err(unreadable)?;
    let mut archive = tar::Archive::new(archive);
    for (number, entry) in (1..).zip(archive.entries().map_err(unreadable)?) {
        let entry = entry.map_err(unreadable)?;
        let name = {
            let path = entry.path_bytes();
            PARTS.into_iter().find(|part| part.as_bytes() == &*path)
        };
        let Some(name) = name.filter(|name| !found.contains_key(name)) else {
            return Err(CheckError::Added(number));
        };
        let mut bytes = Vec::new();
        entry.take(PART_LIMIT).read_to_end(&mut bytes).map_err(unreadable)?;
        found.insert(name, bytes);
    }
    if let Some(missing) = PARTS.into_iter().find(|part| !found.contains_key(part)) {
        return Err(CheckError::Lacks(missing));
    }
    let mut sums = String::new();
    for part in PARTS.into_iter().filter(|part| *part != SUMS) {
        // Writing to a String does not fail.
        let _ = writeln!(sums, "{}  {part}", sha256(&found[part]));
    }
    if sums.as_bytes() != found[SUMS].as_slice() {
        return Err(CheckError::OtherPart(SUMS));
    }
    Ok(found)
}
