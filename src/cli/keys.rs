//! `keys`: a migration's key pair, and whether the EHR will find its public half.

use serde_json::json;
use url::Url;
use zeroize::Zeroizing;

use super::args::{KeysCommand, NameArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::{open, output, plan, wait};
use crate::engine::{self, keys};
use crate::migration::{Algorithm, Event};
use crate::source::{FindingLevel, KeyAlgorithm, PrivateKey, check_published};
use crate::store::read_file;

/// Carries out a `keys` command.
pub fn keys(workspace: &WorkspaceArgs, command: &KeysCommand) -> Result<u8, Failure> {
    match command {
        KeysCommand::New {
            migration,
            algorithm,
            import,
            replace,
        } => new(workspace, migration, algorithm.as_deref(), import.as_deref(), *replace),
        KeysCommand::Show(args) => show(workspace, args),
        KeysCommand::Jwks { migration } => jwks(workspace, migration),
        KeysCommand::Check { migration, url, json } => check(workspace, migration, url, *json),
    }
}

fn new(
    workspace: &WorkspaceArgs,
    migration: &str,
    algorithm: Option<&str>,
    import: Option<&std::path::Path>,
    replace: bool,
) -> Result<u8, Failure> {
    let imported = match import {
        Some(path) => {
            let bytes = Zeroizing::new(read_file(path, 64 * 1024)?);
            let text = std::str::from_utf8(&bytes).map_err(|_| crate::source::KeyError::Unrecognized)?;
            Some(PrivateKey::import(text)?)
        }
        None => None,
    };
    let storage = open::open(workspace, "keys new")?;
    let mut plan = open::plan(&storage, migration)?;
    let had = keys::exists(&storage, &plan.id);
    if had && !replace {
        return Err(Failure::usage(
            &format!("`{migration}` has a key pair already"),
            "the EHR knows the one that is there; if it is to go, add --replace and register the new one",
        ));
    }
    let wanted = algorithm.map(plan::algorithm).transpose()?;
    let key = match imported {
        Some(key) => key,
        None => PrivateKey::generate(match wanted.unwrap_or(plan.algorithm) {
            Algorithm::Rs384 => KeyAlgorithm::Rs384,
            Algorithm::Es384 => KeyAlgorithm::Es384,
        })?,
    };
    let is = match key.algorithm() {
        KeyAlgorithm::Rs384 => Algorithm::Rs384,
        KeyAlgorithm::Es384 => Algorithm::Es384,
    };
    if wanted.is_some_and(|wanted| wanted != is) {
        return Err(Failure::usage(
            &format!(
                "the imported key signs {}, not what was asked for",
                key.algorithm().name()
            ),
            "leave --algorithm out",
        ));
    }
    keys::save(&storage, &plan.id, &key)?;
    if plan.algorithm != is {
        plan.algorithm = is;
        storage.tables.migrations.put(plan.id.as_bytes(), &plan)?;
    }
    let kid = key.public().kid.clone();
    storage
        .journal
        .append(&plan.id, &Event::KeyCreated { kid: kid.clone() })?;
    storage.workspace.ledger().durable()?;
    let verb = if import.is_some() { "Imported" } else { "Made" };
    output::say(&format!("{verb} a key pair for {} signatures.", key.algorithm().name()));
    output::say(&format!("  key id      {kid}"));
    output::say(&format!(
        "  public key  {}",
        keys::jwks_path(&storage, &plan.id).display()
    ));
    output::say("\nThe private key is sealed in the workspace. Publish the public one as a JWK Set");
    output::say(&format!(
        "(`cutover keys jwks {migration}` prints it), or give it to the EHR at registration."
    ));
    if had {
        output::say("The former key pair is gone: the EHR must be given the new one before the next run.");
    }
    Ok(code::DONE)
}

fn show(workspace: &WorkspaceArgs, args: &NameArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "keys show")?;
    let plan = open::plan(&storage, &args.migration)?;
    let key = keys::load(&storage, &plan)?;
    let path = keys::jwks_path(&storage, &plan.id);
    if args.json {
        output::json(&json!({ "public": key.public(), "jwks": path }))?;
    } else {
        output::say(&format!("algorithm   {}", key.algorithm().name()));
        output::say(&format!("key id      {}", key.public().kid));
        output::say(&format!("public key  {}", path.display()));
    }
    Ok(code::DONE)
}

fn jwks(workspace: &WorkspaceArgs, migration: &str) -> Result<u8, Failure> {
    let storage = open::open(workspace, "keys jwks")?;
    let key = keys::load(&storage, &open::plan(&storage, migration)?)?;
    output::say(&keys::jwks(&key));
    Ok(code::DONE)
}

fn check(workspace: &WorkspaceArgs, migration: &str, url: &str, as_json: bool) -> Result<u8, Failure> {
    let url =
        Url::parse(url).map_err(|_| Failure::usage("this is not a URL", "give the https address of the JWK Set"))?;
    let storage = open::open(workspace, "keys check")?;
    let plan = open::plan(&storage, migration)?;
    let key = keys::load(&storage, &plan)?;
    let http = engine::http(&plan)?;
    let check = wait::wait(|cancel| async move { check_published(&http, &url, key.public(), &cancel).await })?;
    if as_json {
        let findings: Vec<_> = check
            .findings
            .iter()
            .map(|f| json!({ "level": level(f.level), "message": f.message, "hint": f.hint }))
            .collect();
        output::json(&json!({ "usable": check.is_usable(), "findings": findings }))?;
    } else {
        for finding in &check.findings {
            output::say(&output::wrapped(
                &format!("{:<9}", level(finding.level)),
                &finding.message,
            ));
            if let Some(hint) = &finding.hint {
                output::say(&output::wrapped("         hint: ", hint));
            }
        }
        output::say(if check.is_usable() {
            "\nThe EHR will find our key there, if it can reach that address."
        } else {
            "\nThe EHR cannot use our key from there."
        });
    }
    Ok(if check.is_usable() { code::DONE } else { code::FAILED })
}

fn level(level: FindingLevel) -> &'static str {
    match level {
        FindingLevel::Fine => "ok",
        FindingLevel::Warning => "warning",
        FindingLevel::Error => "error",
        FindingLevel::Alarm => "ALARM",
    }
}
