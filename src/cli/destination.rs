//! `destination`: a FHIR server that the store's records are delivered to.

use std::sync::Arc;

use super::args::{DeliverArgs, DestinationArgs, DestinationCommand, ImportArgs, NameArgs, SettleArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::run::{self, Show, show_for};
use super::undo::by;
use super::{open, output, plan, wait};
use crate::engine::destination::{ImportOptions, Probed, Problem, choose, destination, problems, trial};
use crate::engine::{Answer, Command, EngineError};
use crate::fhir;
use crate::http::SystemClock;
use crate::migration::{Bundling, Destination, Keep, Plan, Secrets, ServerKind, Standing, total};
use crate::store::Storage;

/// Carries out a `destination` command.
pub fn command(workspace: &WorkspaceArgs, command: &DestinationCommand) -> Result<u8, Failure> {
    match command {
        DestinationCommand::Set(args) => set(workspace, args),
        DestinationCommand::Show(args) => show(workspace, args),
        DestinationCommand::Check(args) => check(workspace, args),
        DestinationCommand::Pull(args) => pull(workspace, args),
        DestinationCommand::Import(args) => import(workspace, args),
        DestinationCommand::Deliver(args) => deliver(workspace, args),
        DestinationCommand::Verify(args) => verify(workspace, args),
        DestinationCommand::Settle(args) => settle(workspace, args),
        DestinationCommand::Problems(args) => list(workspace, args),
    }
}

fn set(workspace: &WorkspaceArgs, args: &DestinationArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "destination set")?;
    let plan = open::plan(&storage, &args.migration)?;
    let after = changed(destination(&storage, &plan.id)?, args)?;
    let secret = args
        .client_secret_file
        .as_ref()
        .map(|file| plan::secret_in(file))
        .transpose()?;
    let secrets = secret.map(|client_secret| Secrets {
        client_secret: Some(client_secret),
        ..Secrets::default()
    });
    choose(&storage, &plan, &after, secrets.as_ref())?;
    if args.json {
        output::json(&after)?;
    } else {
        output::say(&format!(
            "`{}` is delivered to {}.\n\nNext: cutover destination check {0}",
            plan.id, after.base_url
        ));
    }
    Ok(code::DONE)
}

fn changed(before: Option<Destination>, args: &DestinationArgs) -> Result<Destination, Failure> {
    let base_url = args.base_url.as_deref().map(|url| url.trim_end_matches('/').to_owned());
    let mut after = match (before, &base_url) {
        (Some(before), _) => before,
        (None, Some(base_url)) => Destination::new(base_url),
        (None, None) => return Err(Failure::usage("no server is known yet", "give --base-url https://...")),
    };
    if let Some(base_url) = base_url {
        after.base_url = base_url;
    }
    if let Some(kind) = &args.kind {
        let names: Vec<&str> = ServerKind::ALL.iter().map(|kind| kind.name()).collect();
        after.kind = ServerKind::parse(kind).ok_or_else(|| plan::unknown("kind of server", kind, &names.join(", ")))?;
    }
    if let Some(auth) = &args.auth {
        after.auth = plan::auth(auth)?;
    }
    if let Some(algorithm) = &args.algorithm {
        after.algorithm = plan::algorithm(algorithm)?;
    }
    if let Some(scopes) = &args.scopes {
        after.scopes.clone_from(scopes);
    }
    after.token_url = args.token_url.clone().or(after.token_url);
    after.client_id = args.client_id.clone().or(after.client_id);
    if let Some(path) = &args.ca_file {
        after.ca_file = plan::ca_file(path)?;
    }
    if let Some(bundles) = &args.bundles {
        after.bundling = Some(
            Bundling::parse(bundles).ok_or_else(|| plan::unknown("bundle", bundles, "batch, transaction, patient"))?,
        );
    }
    if let Some(bytes) = args.inline_attachments {
        after.inline_attachments = usize::try_from(bytes).ok();
    }
    after.requests_per_minute = args.requests_per_minute.or(after.requests_per_minute);
    Ok(after)
}

fn known(storage: &Storage, plan: &Plan) -> Result<Destination, Failure> {
    destination(storage, &plan.id)?.ok_or_else(|| {
        Failure::usage(
            &format!("`{}` has no server to deliver to", plan.id),
            &format!("`cutover destination set {} --base-url https://...`", plan.id),
        )
    })
}

fn show(workspace: &WorkspaceArgs, args: &NameArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "destination show")?;
    let plan = open::plan(&storage, &args.migration)?;
    let known = known(&storage, &plan)?;
    if args.json {
        output::json(&known)?;
        return Ok(code::DONE);
    }
    output::say(&format!("server                {}", known.base_url));
    output::say(&format!("kind                  {}", known.kind.name()));
    let bundles = known.bundling.unwrap_or_else(|| known.kind.bundling());
    output::say(&format!("bundles               {}", bundles.name()));
    if let Some(bytes) = known.inline_attachments {
        output::say(&format!("inline attachments    up to {bytes} bytes"));
    }
    output::say(&format!("scopes                {}", known.scopes));
    for (name, strategy) in &known.strategies {
        output::say(&format!("{name:<21} {}", strategy.describe()));
    }
    Ok(code::DONE)
}

fn check(workspace: &WorkspaceArgs, args: &NameArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "destination check")?;
    let plan = open::plan(&storage, &args.migration)?;
    known(&storage, &plan)?;
    let tried = {
        let (storage, plan) = (Arc::clone(&storage), plan.clone());
        wait::wait(
            move |cancel| async move { trial(&storage, &plan, Arc::new(SystemClock::default()), &cancel).await },
        )??
    };
    if args.json {
        output::json(&tried)?;
    } else {
        output::say(&format!("{} (FHIR {})", tried.software, tried.fhir_version));
        output::say(&format!("Records go in {}.", tried.plan.describe()));
        for (name, (how, written)) in tried.plan.types() {
            let not = if written { "" } else { "not written: " };
            output::say(&format!("  {name:<21} {not}{how}"));
        }
        output::say(match tried.probed {
            Probed::Removed => "One record was written, read back and removed.",
            Probed::Left => {
                "One record was written, and could not be read back and removed: look for `cutover: may anything be written here?`"
            }
            Probed::Untried => {
                "Nothing was written to try: the server takes nothing that could be removed without a trace."
            }
        });
    }
    Ok(match tried.probed {
        Probed::Removed | Probed::Untried => code::DONE,
        Probed::Left => code::FAILED,
    })
}

fn pull(workspace: &WorkspaceArgs, args: &NameArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "destination pull")?;
    let plan = open::plan(&storage, &args.migration)?;
    let show = show_for(args.json);
    let Answer::Pulled(counts) = run::command(&storage, &plan, Command::Pull, show)? else {
        return Err(EngineError::Stopped.into());
    };
    if show == Show::Text {
        let sum = total(&counts);
        output::say(&format!(
            "{} records of the server's own: {} new here, {} known; {} cannot be used.",
            sum.rows, sum.stored, sum.unchanged, sum.quarantined
        ));
    }
    Ok(code::DONE)
}

fn import(workspace: &WorkspaceArgs, args: &ImportArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "destination import")?;
    let plan = open::plan(&storage, &args.migration)?;
    let show = show_for(args.json);
    let command = Command::Import(ImportOptions {
        to: args.to.clone(),
        seen_as: args.seen_as.clone(),
        files_only: args.files_only,
        forget: args.forget,
    });
    let Answer::Imported(done) = run::command(&storage, &plan, command, show)? else {
        return Err(EngineError::Stopped.into());
    };
    if show == Show::Json {
        output::json(&done)?;
    } else {
        for file in &done.files {
            output::say(&format!("  {:<34} {} records", file.name, file.records));
        }
        for error in &done.errors {
            output::say(&format!("  the server says: {error}"));
        }
        let next = &plan.id;
        let files = match done.folder.as_str() {
            "" => "The files".to_owned(),
            folder => format!("The files in {folder}"),
        };
        output::say(&match (done.records, done.over) {
            _ if args.forget => format!("It is watched no longer.\n\nNext: cutover destination deliver {next}"),
            (0, _) => format!(
                "The server has something of every type: nothing is left to import.\n\nNext: cutover destination deliver {next}"
            ),
            (_, false) => {
                format!("{files} hold patients' records in the clear: remove them when they are no longer needed.")
            }
            (_, true) => format!(
                "{files} hold patients' records in the clear: remove them now.\n\nNext: cutover destination deliver {next}   (finds what is there, sends what is missing)"
            ),
        });
    }
    Ok(if done.errors.is_empty() {
        code::DONE
    } else {
        code::REJECTS
    })
}

fn deliver(workspace: &WorkspaceArgs, args: &DeliverArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "destination deliver")?;
    let plan = open::plan(&storage, &args.migration)?;
    let show = show_for(args.json);
    let command = Command::Deliver { force: args.force };
    let Answer::Delivered(counts) = run::command(&storage, &plan, command, show)? else {
        return Err(EngineError::Stopped.into());
    };
    if counts.clean() {
        if show == Show::Text {
            output::say(&format!("\nNext: cutover destination verify {}", plan.id));
        }
        return Ok(code::DONE);
    }
    let text = format!(
        "{} records were refused and {} are in conflict.\n\nhint: `cutover destination problems {}` lists them",
        counts.refused, counts.conflicts, plan.id
    );
    output::complain(&text);
    Ok(code::REJECTS)
}

fn verify(workspace: &WorkspaceArgs, args: &NameArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "destination verify")?;
    let plan = open::plan(&storage, &args.migration)?;
    let show = if args.json { Show::Nothing } else { show_for(false) };
    let Answer::Proven(proof) = run::command(&storage, &plan, Command::Prove, show)? else {
        return Err(EngineError::Stopped.into());
    };
    if args.json {
        output::json(&proof)?;
    } else if show == Show::Text {
        for (resource_type, id, what) in &proof.findings {
            output::say(&format!("  {resource_type}/{id}: {what}"));
        }
    }
    Ok(if proof.clean() { code::DONE } else { code::REJECTS })
}

fn settle(workspace: &WorkspaceArgs, args: &SettleArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "destination settle")?;
    let plan = open::plan(&storage, &args.migration)?;
    let keep = Keep::parse(&args.keep).ok_or_else(|| plan::unknown("side", &args.keep, "store, server"))?;
    let show = show_for(args.json);
    let command = Command::Agree {
        records: args.records.clone(),
        keep,
        who: by(&args.who),
    };
    run::command(&storage, &plan, command, show)?;
    if show == Show::Text {
        output::say(&format!("\nNext: cutover destination deliver {}", plan.id));
    }
    Ok(code::DONE)
}

fn list(workspace: &WorkspaceArgs, args: &NameArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "destination problems")?;
    let plan = open::plan(&storage, &args.migration)?;
    let found = problems(&storage, &plan)?;
    if args.json {
        output::json(&found)?;
        return Ok(code::DONE);
    }
    if found.is_empty() {
        output::say("Every record that was delivered is there as it should be.");
        return Ok(code::DONE);
    }
    let mut rows = vec![["RECORD", "WHAT", "WHY"].map(ToOwned::to_owned).to_vec()];
    rows.extend(found.into_iter().map(row));
    output::print(&output::table(&rows));
    Ok(code::DONE)
}

fn row(problem: Problem) -> Vec<String> {
    let record = format!("{}/{}", problem.resource_type, problem.id);
    let (what, why) = match problem.standing {
        Standing::Refused { status, reason } if status > 0 => (format!("refused ({status})"), reason),
        Standing::Refused { reason, .. } => ("not sent".to_owned(), reason),
        Standing::Conflict { reason, .. } => ("conflict".to_owned(), reason),
        Standing::Agreed { keep, by, .. } => {
            let who = by.name.unwrap_or(by.login);
            (
                format!("the {}'s stays", keep.name()),
                fhir::safe(&format!("so decided by {who}")).into_owned(),
            )
        }
        Standing::Delivered | Standing::Inside { .. } | Standing::HandedOff => (String::new(), String::new()),
    };
    vec![record, what, why]
}
