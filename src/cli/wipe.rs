//! `wipe`: everything that holds a patient's data destroyed, once the practice has gone over; the evidence stays.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::args::{WipeArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::{open, output};
use crate::engine::{self, Copied, Wipeable};
use crate::migration::By;
use crate::migration::figure::{count, several};
use crate::store::{Storage, Wiped, operator};

/// How long others in this process may still read the store.
const LONGEST_USE: Duration = Duration::from_secs(5);

/// Says what would be destroyed, or destroys it.
pub fn wipe(workspace: &WorkspaceArgs, args: &WipeArgs) -> Result<u8, Failure> {
    let confirmed = !args.confirm.is_empty();
    if confirmed && !same(&args.confirm, &args.migrations) {
        return Err(Failure::usage(
            "--confirm does not name what is to be wiped",
            &format!("write --confirm {}", args.migrations.join(" --confirm ")),
        ));
    }
    let copies: Vec<Copied> = args.copies.iter().map(|text| copied(text)).collect();
    let storage = open::open(workspace, "wipe")?;
    let found = engine::wipeable(&storage, &args.migrations, &copies)?;
    output::say(&goes(&found));
    if !confirmed {
        output::say(&format!(
            "\nNothing was destroyed. The same command with --confirm {} does it.",
            args.migrations.join(" --confirm ")
        ));
        return Ok(code::DONE);
    }
    let by = By {
        login: operator(),
        name: args.name.clone(),
        why: None,
    };
    let note = engine::begin_wipe(&storage, &found, &by)?;
    destroy(storage, note, workspace.key_file.as_deref())
}

/// Destroys a workspace whose evidence is written, and says what stays.
pub fn destroy(storage: Arc<Storage>, note: Wiped, key_file: Option<&Path>) -> Result<u8, Failure> {
    let root = storage.workspace.root().to_owned();
    let note = alone(storage)?.wipe(note)?;
    output::say(&stays(&root, &note, key_file));
    Ok(code::DONE)
}

/// The store, once whoever read it in this process has let go of it.
fn alone(mut storage: Arc<Storage>) -> Result<Storage, Failure> {
    let begun = Instant::now();
    loop {
        match Arc::try_unwrap(storage) {
            Ok(alone) => return Ok(alone),
            Err(shared) if begun.elapsed() < LONGEST_USE => storage = shared,
            Err(_) => {
                return Err(Failure::failed(
                    "the workspace is still being read by this very process; nothing was destroyed",
                    Some("give the same command again".to_owned()),
                ));
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn same(one: &[String], other: &[String]) -> bool {
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort();
        names
    };
    sorted(one) == sorted(other)
}

fn copied(text: &str) -> Copied {
    match text.split_once('=') {
        Some((tenant, folder)) => Copied {
            tenant: Some(tenant.to_owned()),
            folder: PathBuf::from(folder),
        },
        None => Copied {
            tenant: None,
            folder: PathBuf::from(text),
        },
    }
}

/// What goes, for people.
fn goes(found: &Wipeable) -> String {
    let mut lines = vec!["Goes for good:".to_owned()];
    lines.extend(found.copies.iter().map(|copy| {
        format!(
            "  {} stored for tenant `{}`; {} holds the same:\n    {}",
            several(copy.records, "record"),
            copy.tenant,
            copy.folder.display(),
            copy.hash
        )
    }));
    lines.push(format!(
        "  {} MB as received, sealed: former versions and what decisions left out too",
        count(found.landed.div_ceil(1_000_000))
    ));
    if found.quarantined > 0 {
        lines.push(format!(
            "  of those {} set aside and waived, which are in no copy",
            several(found.quarantined, "row")
        ));
    }
    lines.push(format!(
        "  {} and comments on them; plans, secrets, private keys, and the key of\n    the workspace",
        several(found.charts, "sample chart")
    ));
    lines.push(
        "Stays: signed evidence without patients' data, in `reports`; public keys; presets;\n  the copy, which is NOT sealed."
            .to_owned(),
    );
    lines.join("\n")
}

/// What stays, for people.
fn stays(root: &Path, note: &Wiped, key_file: Option<&Path>) -> String {
    let mut lines = vec![
        "\nThe key of the workspace is destroyed, and everything that was sealed with it is\ngone. Evidence:"
            .to_owned(),
    ];
    let reports = root.join("reports");
    lines.extend(
        note.evidence
            .iter()
            .map(|name| format!("  {}", reports.join(name).display())),
    );
    lines.push("signed by the key with the thumbprint".to_owned());
    lines.extend(note.keys.iter().map(|key| format!("  {key}")));
    let key_file = key_file.map(|path| format!(", and the key file {}", path.display()));
    let out_of_reach = format!(
        "What this program cannot reach: backups of this folder, snapshots, and blocks that a solid-state disk has not reused. What is \
         there is sealed, and only as safe as what unlocked it: destroy backups of keys/vault.json{}.",
        key_file.unwrap_or_default()
    );
    lines.push(format!("\n{}", output::wrapped("", &out_of_reach)));
    lines.join("\n")
}
