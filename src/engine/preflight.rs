//! Preflight: everything that an export will need, looked at one by one, without asking for an export.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::connect::{ask, connect, http};
use super::error::EngineError;
use super::export::request;
use super::keys;
use super::preflight_source::{clock, discovery, export, level, tls, types};
use super::tally::runs_of;
use crate::migration::{AuthMethod, ExportLevel, Plan};
use crate::source::{Discovered, unreadable};
use crate::store::Storage;

/// Free bytes below which an export should not begin.
const LEAST_FREE: u64 = 256 << 20;
/// Free bytes below which it is worth a note when nothing is known of the practice's size.
const LITTLE_FREE: u64 = 5 << 30;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Worth knowing; an export can go on.
    Note,
    /// An export would fail, or leave something out.
    Failed,
    /// Not looked at, for something before it failed.
    Skipped,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name, such as `clock`.
    pub name: &'static str,
    /// How it came out.
    pub verdict: Verdict,
    /// What was found, in a sentence.
    pub what: String,
    /// More of it, line by line.
    pub details: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

impl Check {
    pub(super) fn new(name: &'static str, verdict: Verdict, what: impl Into<String>) -> Self {
        Self {
            name,
            verdict,
            what: what.into(),
            details: Vec::new(),
            hint: None,
            millis: 0,
        }
    }

    pub(super) fn ok(name: &'static str, what: impl Into<String>) -> Self {
        Self::new(name, Verdict::Ok, what)
    }

    fn failed(name: &'static str, error: &EngineError) -> Self {
        Self {
            hint: error.hint(),
            ..Self::new(name, Verdict::Failed, error.to_string())
        }
    }

    fn skipped(name: &'static str, before: &str) -> Self {
        Self::new(name, Verdict::Skipped, format!("not looked at: {before} failed"))
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn since(mut self, began: Instant) -> Self {
        self.millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self
    }
}

/// Looks at everything that an export of this plan needs; `seen` is told each check as it is done.
pub async fn preflight(
    storage: &Arc<Storage>,
    plan: &Plan,
    cancel: &CancellationToken,
    mut seen: impl FnMut(&Check),
) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut add = |check: Check| {
        seen(&check);
        checks.push(check);
    };
    let began = Instant::now();
    add(store(storage).since(began));
    let began = Instant::now();
    add(disk(storage, plan)
        .unwrap_or_else(|e| Check::failed("disk space", &e))
        .since(began));
    add(asked(plan));

    let began = Instant::now();
    let found = match http(plan) {
        Ok(http) => ask(&http, plan, cancel).await.map(|found| (http, found)),
        Err(error) => Err(error),
    };
    let (http, found) = match found {
        Ok(found) => found,
        Err(error) => {
            add(Check::failed("connection", &error).since(began));
            add(key(storage, plan, None));
            for name in ["discovery", "clock", "token", "scopes", "export", "types"] {
                add(Check::skipped(name, "the connection"));
            }
            return checks;
        }
    };
    add(tls(plan).since(began));
    add(discovery(plan, &found).since(began));
    add(clock(plan, &http));
    add(key(storage, plan, Some(&found)));
    let began = Instant::now();
    let (token, scopes) = token(storage, plan, cancel).await;
    add(token.since(began));
    add(scopes);
    add(export(plan, &found));
    add(types(plan, &found));
    checks
}

fn store(storage: &Storage) -> Check {
    let repairs = storage.workspace.repairs();
    if let Err(error) = storage.segments.check_lengths() {
        return Check::failed("store", &error.into());
    }
    if repairs.is_empty() {
        return Check::ok("store", "open, ours alone, and as long as it should be");
    }
    let mut check = Check::new(
        "store",
        Verdict::Note,
        "something had to be put right when it was opened",
    );
    check.details = repairs.iter().map(ToString::to_string).collect();
    check.hint("`cutover doctor` looks at all of it")
}

fn disk(storage: &Storage, plan: &Plan) -> Result<Check, EngineError> {
    let name = "disk space";
    let root = storage.workspace.root();
    let stat = rustix::fs::statvfs(root).map_err(|e| EngineError::File {
        doing: "ask for the free space of",
        path: root.to_owned(),
        source: e.into(),
    })?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let mut known = 0;
    for run in runs_of(storage, &plan.id)? {
        known = known.max(storage.files(run)?.iter().map(|file| file.bytes).sum());
    }
    let what = if known == 0 {
        format!("{} free; how much the practice needs is not known yet", size(free))
    } else {
        format!("{} free; the largest run so far received {}", size(free), size(known))
    };
    let hint = "free some space, or move the workspace to a larger disk ($CUTOVER_HOME); received files are kept compressed, \
                at about a fifth of their size";
    Ok(if free < LEAST_FREE || free < known / 4 {
        Check::new(name, Verdict::Failed, what).hint(hint)
    } else if free < LITTLE_FREE.min(known.max(LITTLE_FREE)) && free < known.max(LITTLE_FREE) {
        Check::new(name, Verdict::Note, what).hint(hint)
    } else {
        Check::ok(name, what)
    })
}

fn size(bytes: u64) -> String {
    let (unit, name) = if bytes >= 1 << 30 {
        (1 << 30, "GB")
    } else {
        (1 << 20, "MB")
    };
    format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit)
}

fn asked(plan: &Plan) -> Check {
    match request(plan) {
        Ok(_) if plan.level == ExportLevel::Group => {
            let group = plan.group.as_deref().unwrap_or_default();
            Check::ok("request", format!("an export of group {}", crate::fhir::safe(group)))
        }
        Ok(_) => Check::ok("request", format!("an export at {} level", level(plan.level))),
        Err(error) => Check::failed("request", &error),
    }
}

fn key(storage: &Storage, plan: &Plan, found: Option<&Discovered>) -> Check {
    let name = "key";
    match plan.auth {
        AuthMethod::None => Check::ok(name, "none needed"),
        AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => {
            match storage.tables.secrets.get(plan.id.as_bytes()) {
                Ok(Some(secrets)) if secrets.client_secret.is_some() => Check::ok(name, "a client secret is known"),
                Ok(_) => Check::new(name, Verdict::Failed, "no client secret is known")
                    .hint(format!("`cutover migration set {} --client-secret-file FILE`", plan.id)),
                Err(error) => Check::failed(name, &error.into()),
            }
        }
        AuthMethod::PrivateKeyJwt => {
            let key = match keys::load(storage, plan) {
                Ok(key) => key,
                Err(error) => return Check::failed(name, &error),
            };
            let alg = key.algorithm().name();
            let accepted = found.and_then(|found| found.signing_algorithms.as_ref());
            match accepted.map(|accepted| accepted.value.iter().any(|a| a == alg)) {
                Some(true) => Check::ok(name, format!("there, and the source takes {alg}")),
                Some(false) => Check::new(
                    name,
                    Verdict::Failed,
                    format!("the source does not list {alg} among what it takes"),
                )
                .hint(format!(
                    "`cutover keys new {} --replace --algorithm {}`, then register the new key",
                    plan.id,
                    if alg == "RS384" { "ES384" } else { "RS384" }
                )),
                None => Check::ok(name, format!("there, for {alg}; the source does not say what it takes")),
            }
        }
    }
}

/// The checks `token` and `scopes`.
async fn token(storage: &Storage, plan: &Plan, cancel: &CancellationToken) -> (Check, Check) {
    let failed = |error: &EngineError| (Check::failed("token", error), Check::skipped("scopes", "token"));
    let session = match connect(storage, plan, cancel).await {
        Ok(session) => session,
        Err(error) => return failed(&error),
    };
    let Some(tokens) = session.tokens() else {
        return (Check::ok("token", "none needed"), Check::ok("scopes", "none needed"));
    };
    if let Err(error) = tokens.bearer(cancel).await {
        return failed(&EngineError::source(&error, error.hint()));
    }
    let got = Check::ok("token", "granted");
    let missing = tokens.not_granted();
    let scopes = match tokens.granted_scope() {
        None => Check::ok("scopes", "granted as asked for"),
        Some(_) if missing.is_empty() => Check::ok("scopes", "everything that was asked for"),
        Some(granted) => {
            let wanted: Vec<&str> = plan.types.iter().map(String::as_str).collect();
            let lost = unreadable(&wanted, &granted);
            let what = format!("not granted: {}", missing.join(" "));
            let mut check = if lost.is_empty() {
                Check::new("scopes", Verdict::Note, what)
            } else {
                Check::new("scopes", Verdict::Failed, what)
            };
            if !lost.is_empty() {
                check
                    .details
                    .push(format!("these types would be missing: {}", lost.join(", ")));
            }
            check.hint(format!(
                "have the EHR grant them, or leave the types out with `cutover migration set {} --types ...`",
                plan.id
            ))
        }
    };
    (got, scopes)
}
