//! `migration`: add, set, list, show and remove.

use serde_json::Value;

use super::args::{MigrationCommand, NameArgs, PlanArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::{open, output, plan};
use crate::engine::{change, keys, recorded_counts, remove, state};
use crate::migration::{AuthMethod, ExportLevel, Plan, Preset, total};
use crate::store::Storage;

/// Carries out a `migration` command.
pub fn migration(workspace: &WorkspaceArgs, command: &MigrationCommand) -> Result<u8, Failure> {
    match command {
        MigrationCommand::Add(args) => add(workspace, args),
        MigrationCommand::Set(args) => set(workspace, args),
        MigrationCommand::List(args) => list(workspace, args.json),
        MigrationCommand::Show(args) => show(workspace, args),
        MigrationCommand::Remove(args) => remove_one(workspace, args),
    }
}

fn add(workspace: &WorkspaceArgs, args: &PlanArgs) -> Result<u8, Failure> {
    // Everything that was typed is checked before a workspace is made for it.
    let presets = open::path(workspace)?.join("presets");
    let (plan, preset) = plan::make(args, Some(&presets))?;
    let secrets = plan::secrets(args, None)?;
    let storage = open::open_or_create(workspace, "migration add")?;
    if storage.tables.migrations.contains(plan.id.as_bytes())? {
        return Err(Failure::usage(
            &format!("there is a migration `{}` already", plan.id),
            &format!(
                "change it with `cutover migration set {}`, or choose another name",
                plan.id
            ),
        ));
    }
    if let Some(secrets) = secrets {
        storage.tables.secrets.put(plan.id.as_bytes(), &secrets)?;
    }
    change(&storage, &plan, false)?;
    if args.json {
        output::json(&plan)?;
    } else {
        output::say(&format!(
            "Added `{}`: {}, from {}",
            plan.id, preset.label, plan.base_url
        ));
        output::say(&format!("The workspace is {}", storage.workspace.root().display()));
        advice(&storage, &plan, &preset)?;
    }
    Ok(code::DONE)
}

fn set(workspace: &WorkspaceArgs, args: &PlanArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "migration set")?;
    let before = open::plan(&storage, &args.migration)?;
    let (plan, preset) = plan::changed(&before, args, Some(&storage.workspace.presets_dir()))?;
    let known = storage.tables.secrets.get(plan.id.as_bytes())?;
    let secrets = plan::secrets(args, known)?;
    let given = secrets.is_some();
    let fields = change(&storage, &plan, given)?;
    if let Some(secrets) = secrets {
        storage.tables.secrets.put(plan.id.as_bytes(), &secrets)?;
        storage.workspace.ledger().durable()?;
    }
    if fields.is_empty() {
        return Err(Failure::usage(
            "nothing was given that would change the migration",
            "`cutover migration set --help` lists what can be changed",
        ));
    }
    if args.json {
        output::json(&plan)?;
    } else {
        output::say(&output::wrapped("Changed: ", &fields.join(", ")));
        advice(&storage, &plan, &preset)?;
    }
    Ok(code::DONE)
}

/// What is still missing, and what surprises people with this source.
fn advice(storage: &Storage, plan: &Plan, preset: &Preset) -> Result<(), Failure> {
    for warning in warnings(storage, plan, preset)? {
        output::say(&output::wrapped("warning: ", &warning));
    }
    if !preset.checklist.is_empty() {
        output::say(&format!(
            "\nBy hand, for {} (last verified {}):",
            preset.label, preset.last_verified
        ));
        for (number, step) in (1..).zip(&preset.checklist) {
            output::say(&output::wrapped(&format!("{number:>3}. "), step));
        }
    }
    if !preset.notes.is_empty() {
        output::say("\nGood to know:");
        for note in &preset.notes {
            output::say(&output::wrapped("  - ", note));
        }
    }
    output::say(&format!("\nNext: {}", next(storage, plan)?));
    Ok(())
}

fn warnings(storage: &Storage, plan: &Plan, preset: &Preset) -> Result<Vec<String>, Failure> {
    let mut warnings = Vec::new();
    if plan.level == ExportLevel::Group && plan.group.is_none() {
        warnings.push(format!(
            "the export is at group level and no group is known; `cutover migration set {} --group ID` before it is run",
            plan.id
        ));
    }
    if preset.auth.jku && plan.jku.is_none() {
        warnings.push("this source wants the address of our JWK Set named in assertions: --jwks-url URL".to_owned());
    }
    let secrets = storage.tables.secrets.get(plan.id.as_bytes())?.unwrap_or_default();
    for name in &preset.auth.extra_token_params {
        if !secrets.token_params.contains_key(name) {
            warnings.push(format!(
                "this source's token request needs `{name}`: --token-param {name}=FILE"
            ));
        }
    }
    if !preset.auth.algorithms.is_empty() && !preset.auth.algorithms.contains(&plan.algorithm) {
        warnings.push(format!("{} is not known to take {:?} signatures", preset.label, plan.algorithm).to_string());
    }
    Ok(warnings)
}

/// The command that comes next for a migration that has not run yet.
pub fn next(storage: &Storage, plan: &Plan) -> Result<String, Failure> {
    let id = &plan.id;
    let secret = || -> Result<bool, Failure> {
        let secrets = storage.tables.secrets.get(id.as_bytes())?.unwrap_or_default();
        Ok(secrets.client_secret.is_some())
    };
    Ok(match plan.auth {
        AuthMethod::PrivateKeyJwt if !keys::exists(storage, id) => format!("cutover keys new {id}"),
        AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost if !secret()? => {
            format!("cutover migration set {id} --client-secret-file FILE")
        }
        AuthMethod::None => format!("cutover preflight {id}"),
        _ if plan.client_id.is_none() => {
            format!("register with the EHR, then cutover migration set {id} --client-id ID")
        }
        _ if plan.level == ExportLevel::Group && plan.group.is_none() => {
            format!("cutover migration set {id} --group ID")
        }
        _ => format!("cutover preflight {id}, then cutover run {id}"),
    })
}

fn list(workspace: &WorkspaceArgs, json: bool) -> Result<u8, Failure> {
    let storage = open::open(workspace, "migration list")?;
    let plans = open::plans(&storage)?;
    if json {
        output::json(&plans)?;
        return Ok(code::DONE);
    }
    if plans.is_empty() {
        output::say("No migration yet.\n\nNext: cutover migration add NAME --preset PRESET");
        return Ok(code::DONE);
    }
    let mut rows = vec![
        ["MIGRATION", "TENANT", "PRESET", "SOURCE"]
            .map(ToOwned::to_owned)
            .to_vec(),
    ];
    rows.extend(plans.into_iter().map(|p| vec![p.id, p.tenant, p.preset, p.base_url]));
    output::print(&output::table(&rows));
    Ok(code::DONE)
}

fn show(workspace: &WorkspaceArgs, args: &NameArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "migration show")?;
    let plan = open::plan(&storage, &args.migration)?;
    let secrets = storage.tables.secrets.get(plan.id.as_bytes())?.unwrap_or_default();
    let mut value = serde_json::to_value(&plan).unwrap_or_default();
    value["client_secret_given"] = secrets.client_secret.is_some().into();
    value["token_params_given"] = secrets.token_params.keys().cloned().collect::<Vec<_>>().into();
    value["key_pair"] = keys::exists(&storage, &plan.id).into();
    if args.json {
        output::json(&value)?;
        return Ok(code::DONE);
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        let text = match value {
            Value::Null => continue,
            Value::Array(items) if items.is_empty() => continue,
            Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
            value => plain(value),
        };
        let label = name.replace('_', " ");
        output::say(&output::wrapped(&format!("{label:<22}"), &text));
    }
    Ok(code::DONE)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    }
}

fn remove_one(workspace: &WorkspaceArgs, args: &NameArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "migration remove")?;
    let plan = open::plan(&storage, &args.migration)?;
    let sum = total(&recorded_counts(&storage, &plan.id)?);
    if sum.rows > 0 {
        return Err(Failure::failed(
            &format!(
                "`{}` has brought {} rows here: {} stored, {} quarantined, {} waiting for a decision; removing it would lose what \
                 became of them",
                plan.id,
                sum.rows,
                sum.stored + sum.unchanged + sum.kept,
                sum.quarantined,
                sum.held + sum.undecided
            ),
            Some("taking back what a migration stored (rollback) is not in this version".to_owned()),
        ));
    }
    let left = state(&storage, &plan.id)?.status_url;
    remove(&storage, &plan)?;
    if args.json {
        output::json(&serde_json::json!({ "removed": plan.id, "job_at_source": left }))?;
    } else {
        output::say(&format!("Removed `{}`, its key pair and its secrets.", plan.id));
        if let Some(url) = left {
            output::say(&format!(
                "An export was asked for and may still be at the source:\n  {url}"
            ));
        }
    }
    Ok(code::DONE)
}
