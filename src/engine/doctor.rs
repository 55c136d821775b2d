//! The doctor: everything in a workspace that can be damaged, looked at piece by piece. It changes nothing.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::EngineError;
use crate::store::Storage;

/// Paths that are named one by one; beyond that they are counted.
const NAMED_PATHS: usize = 5;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Examined {
    /// What, such as `audit trail`.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub sound: bool,
    /// What was found, in a sentence.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Examined {
    /// Something that is as it should be.
    pub fn sound(name: &'static str, what: impl Into<String>) -> Self {
        Self {
            name,
            sound: true,
            what: what.into(),
            hint: None,
        }
    }

    /// Something that is not.
    pub fn damaged(name: &'static str, what: impl Into<String>, hint: Option<String>) -> Self {
        Self {
            name,
            sound: false,
            what: what.into(),
            hint,
        }
    }
}

/// Looks at who may read the files of a workspace: folders must be 0700, files 0600.
pub fn examine_permissions(root: &Path) -> Vec<Examined> {
    let name = "permissions";
    let mut open = Vec::new();
    let mut seen = 0;
    if let Err(error) = walk(root, &mut seen, &mut open) {
        return vec![Examined::damaged(name, error.to_string(), error.hint())];
    }
    if open.is_empty() {
        return vec![Examined::sound(name, format!("{seen} files and folders, ours alone"))];
    }
    let mut found: Vec<Examined> = open
        .iter()
        .take(NAMED_PATHS)
        .map(|(path, mode)| {
            Examined::damaged(
                name,
                format!(
                    "{} is open to other users of this machine (mode {mode:04o})",
                    path.display()
                ),
                Some(format!("chmod go= '{}'", path.display())),
            )
        })
        .collect();
    if open.len() > NAMED_PATHS {
        let what = format!(
            "{} more files and folders are open to other users",
            open.len() - NAMED_PATHS
        );
        found.push(Examined::damaged(
            name,
            what,
            Some(format!("chmod -R go= '{}'", root.display())),
        ));
    }
    found
}

fn walk(path: &Path, seen: &mut u64, open: &mut Vec<(PathBuf, u32)>) -> Result<(), EngineError> {
    let failed = |source| EngineError::File {
        doing: "look at",
        path: path.to_owned(),
        source,
    };
    let metadata = match std::fs::symlink_metadata(path) {
        // Databases remove files of their own while we look.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(failed)?,
    };
    *seen += 1;
    let mode = metadata.permissions().mode() & 0o7777;
    if !metadata.is_symlink() && mode & 0o077 != 0 {
        open.push((path.to_owned(), mode));
    }
    if metadata.is_dir() {
        for entry in std::fs::read_dir(path).map_err(failed)? {
            walk(&entry.map_err(failed)?.path(), seen, open)?;
        }
    }
    Ok(())
}

/// Looks at everything inside an open store; `progress` is told what is being looked at.
pub fn examine(storage: &Storage, progress: &mut dyn FnMut(&Examined)) -> Vec<Examined> {
    let mut found = Vec::new();
    let mut add = |one: Examined| {
        progress(&one);
        found.push(one);
    };
    ledger(storage).into_iter().for_each(&mut add);
    let or_damaged = |name, part: Result<Vec<Examined>, EngineError>| {
        part.unwrap_or_else(|error| vec![Examined::damaged(name, error.to_string(), error.hint())])
    };
    or_damaged("audit trail", trails(storage))
        .into_iter()
        .for_each(&mut add);
    blocks(storage).into_iter().for_each(&mut add);
    or_damaged("index", index(storage)).into_iter().for_each(&mut add);
    or_damaged("deliveries", deliveries(storage))
        .into_iter()
        .for_each(&mut add);
    found
}

fn ledger(storage: &Storage) -> Vec<Examined> {
    let repairs = storage.workspace.repairs();
    if repairs.is_empty() {
        return vec![Examined::sound(
            "ledger",
            "opens, with everything that was made durable",
        )];
    }
    // Put right already: worth knowing, nothing to do.
    repairs
        .iter()
        .map(|repair| Examined::sound("ledger", repair.to_string()))
        .collect()
}

fn trails(storage: &Storage) -> Result<Vec<Examined>, EngineError> {
    let mut found = Vec::new();
    for item in storage.tables.migrations.iter() {
        let plan = item?.1;
        found.push(match storage.journal.verify_chain(&plan.id) {
            Ok(head) => Examined::sound("audit trail", format!("{}: {} entries, unbroken", plan.id, head.seq)),
            Err(error) => Examined::damaged("audit trail", error.to_string(), error.hint()),
        });
    }
    Ok(found)
}

fn blocks(storage: &Storage) -> Vec<Examined> {
    let name = "landing";
    let segments = &storage.segments;
    if let Err(error) = segments.check_lengths() {
        return vec![Examined::damaged(name, error.to_string(), error.hint())];
    }
    let mut found = Vec::new();
    let (mut blocks, mut bytes) = (0_u64, 0_u64);
    for segment in segments.ids() {
        for item in segments.headers(segment) {
            match item.and_then(|(offset, _)| segments.block(segment, offset)) {
                Ok(block) => {
                    blocks += 1;
                    bytes += block.len() as u64;
                }
                Err(error) => found.push(Examined::damaged(name, error.to_string(), Some(lost(storage, segment)))),
            }
        }
    }
    if found.is_empty() {
        let what = format!(
            "{} segments, {blocks} blocks, {bytes} bytes, all readable",
            segments.ids().len()
        );
        found.push(Examined::sound(name, what));
    }
    found
}

/// What a damaged segment costs.
fn lost(storage: &Storage, segment: u32) -> String {
    let mut runs: Vec<u32> = storage
        .segments
        .headers(segment)
        .map_while(Result::ok)
        .map(|(_, header)| header.run)
        .collect();
    runs.dedup();
    let runs: Vec<String> = runs.iter().map(ToString::to_string).collect();
    let of = if runs.is_empty() {
        String::new()
    } else {
        format!(" of run {}", runs.join(", "))
    };
    format!(
        "records{of} in this block are lost here: restore the segment from a backup, or fetch them again with `cutover run NAME --new`"
    )
}

/// What is known of records at a destination, where there is one.
fn deliveries(storage: &Storage) -> Result<Vec<Examined>, EngineError> {
    if storage.tables.destinations.last()?.is_none() {
        return Ok(Vec::new());
    }
    let mut rows = 0_u64;
    for row in storage.deliveries.scan_prefix(&[]) {
        row?;
        rows += 1;
    }
    let what = format!("{rows} records at the destination are known, all readable");
    Ok(vec![Examined::sound("deliveries", what)])
}

fn index(storage: &Storage) -> Result<Vec<Examined>, EngineError> {
    let name = "index";
    let (entries, added) = (storage.index.count()?, storage.vouched()?);
    // A decision that was cut off may have added records that nothing vouches for yet, so there may be more, never fewer.
    if entries < added {
        return Ok(vec![Examined::damaged(
            name,
            format!("{entries} records can be found, and {added} were added"),
            Some("`cutover doctor --rebuild-index` makes the index anew from the landed bytes".to_owned()),
        )]);
    }
    Ok(vec![Examined::sound(
        name,
        format!("{entries} records can be found, {added} were added"),
    )])
}
