//! Opening the workspace with whatever the command line gave to unlock it.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::args::WorkspaceArgs;
use super::failure::Failure;
use crate::engine::{EngineError, complete};
use crate::migration::Plan;
use crate::store::{Secret, Storage, Workspace, create_key_file, read_file};

/// The workspace folder.
pub fn path(args: &WorkspaceArgs) -> Result<PathBuf, Failure> {
    match &args.home {
        Some(path) => Ok(path.clone()),
        None => Ok(Workspace::default_path()?),
    }
}

/// Opens an existing workspace.
pub fn open(args: &WorkspaceArgs, command: &'static str) -> Result<Arc<Storage>, Failure> {
    let path = path(args)?;
    // Nobody should have to type a passphrase that opens nothing any more.
    Workspace::refuse_wiped(&path)?;
    if !Workspace::exists(&path) && !path.exists() {
        return Err(crate::store::WorkspaceError::Missing { path }.into());
    }
    let secret = secret(args, false)?;
    let storage = Arc::new(Storage::open(Workspace::open(&path, &secret, command)?)?);
    // What was being taken back when a process ended is half done, and nobody should see that.
    for plan in plans(&storage)? {
        complete(&storage, &plan)?;
    }
    Ok(storage)
}

/// Opens an existing workspace with an index that is empty and has to be filled again.
pub fn open_with_new_index(args: &WorkspaceArgs, command: &'static str) -> Result<Arc<Storage>, Failure> {
    let path = path(args)?;
    let secret = secret(args, false)?;
    let workspace = Workspace::open(&path, &secret, command)?;
    Ok(Arc::new(Storage::open_with_new_index(workspace)?))
}

/// Opens a workspace, or makes one where none is.
pub fn open_or_create(args: &WorkspaceArgs, command: &'static str) -> Result<Arc<Storage>, Failure> {
    let path = path(args)?;
    Workspace::refuse_wiped(&path)?;
    let secret = secret(args, !Workspace::exists(&path))?;
    Ok(Arc::new(Storage::open(Workspace::open_or_create(
        &path, &secret, command,
    )?)?))
}

/// The plans of all migrations, by name.
pub fn plans(storage: &Storage) -> Result<Vec<Plan>, Failure> {
    let mut plans = Vec::new();
    for item in storage.tables.migrations.iter() {
        plans.push(item?.1);
    }
    Ok(plans)
}

/// A migration's plan.
pub fn plan(storage: &Storage, id: &str) -> Result<Plan, Failure> {
    if let Some(plan) = storage.tables.migrations.get(id.as_bytes())? {
        return Ok(plan);
    }
    let known = plans(storage)?.into_iter().map(|plan| plan.id).collect();
    Err(EngineError::UnknownMigration {
        id: id.to_owned(),
        known,
    }
    .into())
}

fn secret(args: &WorkspaceArgs, new: bool) -> Result<Secret, Failure> {
    if let Some(path) = &args.key_file {
        if new && !path.exists() {
            create_key_file(path)?;
        }
        return Ok(Secret::KeyFile(path.clone()));
    }
    if let Some(path) = &args.passphrase_file {
        let bytes = Zeroizing::new(read_file(path, 4096)?);
        let text = std::str::from_utf8(&bytes).map_err(|_| {
            Failure::usage(
                "the passphrase file is not UTF-8 text",
                "write the passphrase on its first line",
            )
        })?;
        let line = text.lines().next().unwrap_or_default();
        return Ok(Secret::Passphrase(Zeroizing::new(line.to_owned())));
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "the workspace is locked and there is no terminal to ask for the passphrase on",
            "give --passphrase-file FILE or --key-file FILE",
        ));
    }
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt)
            .map(Zeroizing::new)
            .map_err(|e| Failure::failed(&format!("cannot ask for the passphrase: {e}"), None))
    };
    let first = ask("Workspace passphrase: ")?;
    if new {
        let again = ask("Once more, for the new workspace: ")?;
        if *first != *again {
            return Err(Failure::usage("the two passphrases differ", "run the command again"));
        }
    }
    Ok(Secret::Passphrase(first))
}
