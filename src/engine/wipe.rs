//! Wiping: once a practice has gone over, everything here that holds a patient's data is destroyed, and the evidence stays.
//!
//! The embedded store reads from the landing, so that with the landing it goes as well. It is destroyed only when a copy of everything that
//! it holds lies elsewhere and says the same, hash for hash.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::error::EngineError;
use super::evidence::write_report;
use super::gate::gate;
use super::keys;
use super::place::hex;
use super::tally::every_run_of;
use crate::fhir;
use crate::migration::{By, Event, Plan, Requirement};
use crate::store::{Storage, Wiped, migration_key, run_key};
use crate::target::{ContentHash, EmbeddedStore};

/// Where everything that a tenant's store holds was written to by `store export`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The tenant; absent where there is only one.
    pub tenant: Option<String>,
    /// The folder.
    pub folder: PathBuf,
}

/// A copy that says what the store says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProvenCopy {
    /// The tenant.
    pub tenant: String,
    /// The folder.
    pub folder: PathBuf,
    /// Records in both.
    pub records: u64,
    /// The hash of both, hexadecimal.
    pub hash: String,
}

/// What a wipe would destroy; that it may be destroyed was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wipeable {
    /// The migrations for which something was received.
    pub migrations: Vec<String>,
    /// The copies of what is stored.
    pub copies: Vec<ProvenCopy>,
    /// Bytes on disk as received or changed, sealed and compressed.
    pub landed: u64,
    /// Rows that were set aside, which are nowhere else here.
    pub quarantined: u64,
    /// Sample charts.
    pub charts: u64,
}

/// Says what a wipe would destroy. Refuses while the practice of a migration has not gone over as it should, or where the copies do not
/// hold what is stored.
pub fn wipeable(storage: &Arc<Storage>, named: &[String], copies: &[Copied]) -> Result<Wipeable, EngineError> {
    let plans = received(storage)?;
    let known: Vec<String> = storage
        .tables
        .migrations
        .iter()
        .map(|item| item.map(|(_, plan)| plan.id))
        .collect::<Result<_, _>>()?;
    if let Some(unknown) = named.iter().find(|name| !known.contains(name)) {
        let id = unknown.clone();
        return Err(EngineError::UnknownMigration { id, known });
    }
    if let Some(other) = plans.iter().find(|plan| !named.contains(&plan.id)) {
        return Err(EngineError::NotReady {
            what: format!(
                "`{}` is in this workspace as well, and what was received for it would be destroyed with the rest",
                other.id
            ),
            hint: "name every migration of the workspace, once each of them has gone over".to_owned(),
        });
    }
    if plans.is_empty() {
        return Err(EngineError::NotReady {
            what: "nothing was received here".to_owned(),
            hint: "remove the folder; there is no evidence to keep".to_owned(),
        });
    }
    let mut quarantined = 0;
    let mut charts = 0;
    for plan in &plans {
        over(storage, plan)?;
        charts += storage.tables.samples.count_prefix(&migration_key(&plan.id, &[]))?;
        for (run, _) in every_run_of(storage, &plan.id)? {
            quarantined += storage.tables.quarantine.count_prefix(&run_key(run))?;
        }
    }
    let segments = &storage.segments;
    Ok(Wipeable {
        copies: proven(storage, copies)?,
        migrations: plans.into_iter().map(|plan| plan.id).collect(),
        landed: segments.ids().into_iter().map(|id| segments.sealed_len(id)).sum(),
        quarantined,
        charts,
    })
}

/// Puts the wipe on record and writes the evidence; what is given back has [`Storage::wipe`] destroy everything else.
pub fn begin_wipe(storage: &Arc<Storage>, found: &Wipeable, by: &By) -> Result<Wiped, EngineError> {
    let stored: BTreeMap<String, String> = found
        .copies
        .iter()
        .map(|copy| (copy.tenant.clone(), copy.hash.clone()))
        .collect();
    let mut note = Wiped {
        when: jiff::Timestamp::now(),
        who: by.name.clone().unwrap_or_else(|| by.login.clone()),
        evidence: Vec::new(),
        keys: Vec::new(),
        complete: false,
    };
    for plan in received(storage)? {
        let begun = Event::WipeBegun {
            stored: stored.clone(),
            name: by.name.clone(),
        };
        storage.journal.append(&plan.id, &begun)?;
        storage.workspace.ledger().durable()?;
        let written = write_report(storage, &plan)?;
        for path in [&written.bundle, &written.page] {
            note.evidence
                .extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
        }
        note.keys.extend(written.key);
    }
    Ok(note)
}

/// The plans of all migrations for which something was received.
fn received(storage: &Storage) -> Result<Vec<Plan>, EngineError> {
    let mut plans = Vec::new();
    for item in storage.tables.migrations.iter() {
        let plan = item?.1;
        let mut some = false;
        for (run, _) in every_run_of(storage, &plan.id)? {
            some |= storage.files(run)?.iter().any(|file| file.bytes > 0);
        }
        if some {
            plans.push(plan);
        }
    }
    Ok(plans)
}

/// Fails while something of a migration may still be needed here.
fn over(storage: &Storage, plan: &Plan) -> Result<(), EngineError> {
    let gate = gate(storage, plan)?;
    let not_yet = |what: String, hint: String| Err(EngineError::NotReady { what, hint });
    if gate.flip.is_none() {
        return not_yet(
            format!("the practice of `{}` has not gone over", plan.id),
            format!("`cutover gate {}` says what is missing", plan.id),
        );
    }
    if let Some(first) = gate.unmet().next() {
        let words = first.requirement.words();
        return not_yet(
            format!(
                "the practice of `{}` went over though not everything was so: {words}: {}",
                plan.id, first.why
            ),
            match first.requirement {
                Requirement::ConflictsDecided | Requirement::NothingHeld | Requirement::QuarantineSettled => format!(
                    "those rows are nowhere but here; `cutover flip {} --take-back --why TEXT` opens the migration again",
                    plan.id
                ),
                _ => format!(
                    "what is here may still be needed; `cutover flip {} --take-back --why TEXT` opens the migration again",
                    plan.id
                ),
            },
        );
    }
    if !keys::exists(storage, &plan.id) {
        return not_yet(
            format!(
                "the evidence of `{}` would not be signed: there is no key pair",
                plan.id
            ),
            format!("`cutover keys new {}` makes one", plan.id),
        );
    }
    Ok(())
}

/// Every tenant's copy, compared with its store.
fn proven(storage: &Arc<Storage>, copies: &[Copied]) -> Result<Vec<ProvenCopy>, EngineError> {
    let store = EmbeddedStore::new(Arc::clone(storage));
    let mut tenants = Vec::new();
    for (tenant, _) in storage.names.tenants() {
        if !store.count(&tenant)?.is_empty() {
            tenants.push(tenant);
        }
    }
    tenants.sort();
    let mut left: Vec<&Copied> = copies.iter().collect();
    let mut proven = Vec::new();
    for tenant in &tenants {
        let whose = |copy: &Copied| copy.tenant.as_ref().map_or(tenants.len() == 1, |named| named == tenant);
        let Some(at) = left.iter().position(|copy| whose(copy)) else {
            return Err(EngineError::NotReady {
                what: format!("the only copy of what is stored for tenant `{tenant}` is here"),
                hint: format!(
                    "`cutover store export --tenant {tenant} DIR` writes one; then name it with --copy {tenant}=DIR"
                ),
            });
        };
        let copy = left.remove(at);
        proven.push(compared(&store, storage.workspace.root(), tenant, &copy.folder)?);
    }
    if let Some(over) = left.first() {
        return Err(EngineError::NotReady {
            what: format!("{} is the copy of nothing that is stored here", over.folder.display()),
            hint: format!("there is {}", tenants.join(", ")),
        });
    }
    Ok(proven)
}

/// Compares a folder with what is stored, record for record.
fn compared(store: &EmbeddedStore, root: &Path, tenant: &str, folder: &Path) -> Result<ProvenCopy, EngineError> {
    let failed = |doing, path: &Path| {
        let path = path.to_owned();
        move |source| EngineError::File { doing, path, source }
    };
    if !folder.is_dir() {
        return Err(EngineError::NotReady {
            what: format!("there is no folder {}", folder.display()),
            hint: format!("`cutover store export --tenant {tenant} DIR` writes a copy"),
        });
    }
    let real = folder.canonicalize().map_err(failed("open", folder))?;
    if real.starts_with(root.canonicalize().map_err(failed("open", root))?) {
        return Err(EngineError::NotReady {
            what: format!(
                "{} is in the workspace and would be destroyed with it",
                folder.display()
            ),
            hint: "put the copy somewhere else".to_owned(),
        });
    }
    let mut copy = ContentHash::default();
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(&real).map_err(failed("list", &real))? {
        let path = entry.map_err(failed("list", &real))?.path();
        if path.extension().is_some_and(|end| end == "ndjson") {
            paths.push(path);
        }
    }
    for path in paths {
        let file = File::open(&path).map_err(failed("open", &path))?;
        for line in BufReader::with_capacity(1 << 18, file).split(b'\n') {
            let line = line.map_err(failed("read", &path))?;
            let Ok(scan) = fhir::scan(&line) else {
                return Err(EngineError::NotReady {
                    what: format!("{} holds something that is no record", path.display()),
                    hint: format!("write the copy anew: cutover store export --tenant {tenant} DIR"),
                });
            };
            let resource_type = scan.resource_type.to_owned();
            copy.add(&resource_type, &line);
        }
    }
    let stored = store.content(tenant)?;
    let differs = difference(&stored, &copy);
    let records = stored.counts().values().sum();
    let (stored, copy) = (hex(&stored.finish()), hex(&copy.finish()));
    if stored != copy {
        return Err(EngineError::NotReady {
            what: format!(
                "{} does not hold what is stored for tenant `{tenant}`: {}",
                folder.display(),
                differs.unwrap_or_else(|| "as many records, but not the same".to_owned())
            ),
            hint: format!("write the copy anew, into an empty folder: cutover store export --tenant {tenant} DIR"),
        });
    }
    Ok(ProvenCopy {
        tenant: tenant.to_owned(),
        folder: folder.to_owned(),
        records,
        hash: stored,
    })
}

/// Of which type there are other numbers of records.
fn difference(stored: &ContentHash, copy: &ContentHash) -> Option<String> {
    let (stored, copy) = (stored.counts(), copy.counts());
    let types = stored.keys().chain(copy.keys());
    let mut differing = types.filter(|name| stored.get(*name) != copy.get(*name));
    let name = differing.next()?;
    let number = |counts: &BTreeMap<String, u64>| counts.get(name).copied().unwrap_or(0);
    Some(format!("{} of {} {}", number(copy), number(stored), fhir::safe(name)))
}
