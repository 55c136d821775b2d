//! `store`: reading the embedded store, and loading the destination's own records into it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::args::{StoreCommand, WorkspaceArgs};
use super::failure::{Failure, code};
use super::progress::Progress;
use super::{open, output, wait};
use crate::engine::{self, Import, Snapshot};
use crate::fhir;
use crate::migration::total;
use crate::store::{Storage, create_folder};
use crate::target::EmbeddedStore;

/// Carries out a `store` command.
pub fn store(workspace: &WorkspaceArgs, command: &StoreCommand) -> Result<u8, Failure> {
    match command {
        StoreCommand::Count { tenant, json } => count(workspace, tenant, *json),
        StoreCommand::Hash { tenant } => hash(workspace, tenant),
        StoreCommand::Get { tenant, record } => get(workspace, tenant, record),
        StoreCommand::Export {
            tenant,
            folder,
            resource_type,
            as_received,
        } => {
            let storage = open::open(workspace, "store export")?;
            known(&storage, tenant)?;
            export(&storage, tenant, folder, resource_type.as_deref(), *as_received)
        }
        StoreCommand::Import { tenant, folder } => import(workspace, tenant, folder),
    }
}

fn count(workspace: &WorkspaceArgs, tenant: &str, json: bool) -> Result<u8, Failure> {
    let storage = open::open(workspace, "store count")?;
    known(&storage, tenant)?;
    let counts = EmbeddedStore::new(storage).count(tenant)?;
    if json {
        output::json(&counts)?;
        return Ok(code::DONE);
    }
    for (resource_type, count) in &counts {
        output::say(&format!("{resource_type:<32}{count:>12}"));
    }
    output::say(&format!("{:<32}{:>12}", "Total", counts.values().sum::<u64>()));
    Ok(code::DONE)
}

fn hash(workspace: &WorkspaceArgs, tenant: &str) -> Result<u8, Failure> {
    let storage = open::open(workspace, "store hash")?;
    known(&storage, tenant)?;
    let hash = EmbeddedStore::new(storage).hash(tenant)?;
    output::say(
        &hash
            .iter()
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}")),
    );
    Ok(code::DONE)
}

fn get(workspace: &WorkspaceArgs, tenant: &str, record: &str) -> Result<u8, Failure> {
    let storage = open::open(workspace, "store get")?;
    known(&storage, tenant)?;
    let Some((resource_type, id)) = record
        .split_once('/')
        .filter(|(t, id)| fhir::is_type_name(t) && fhir::is_id(id))
    else {
        return Err(Failure::usage(
            "a record is written as Type/id",
            "for example Patient/123",
        ));
    };
    match EmbeddedStore::new(storage).get(tenant, resource_type, id)? {
        Some(line) => {
            output::bytes(&line);
            output::say("");
            Ok(code::DONE)
        }
        None => Err(Failure::failed(
            &format!("tenant `{tenant}` has no {resource_type} with that id"),
            Some(format!("`cutover store count --tenant {tenant}` says what it has")),
        )),
    }
}

/// Fails for a tenant that nothing was ever stored for: a slip of the finger must not look like an empty store.
fn known(storage: &Storage, tenant: &str) -> Result<(), Failure> {
    let tenants: Vec<String> = storage.names.tenants().into_iter().map(|(name, _)| name).collect();
    if tenants.iter().any(|known| known == tenant) {
        return Ok(());
    }
    let hint = if tenants.is_empty() {
        "nothing is stored here yet".to_owned()
    } else {
        format!("there is {}", tenants.join(", "))
    };
    Err(Failure::usage(
        &format!("there is no tenant `{}`", fhir::safe(tenant)),
        &hint,
    ))
}

fn export(
    storage: &Arc<Storage>,
    tenant: &str,
    folder: &Path,
    resource_type: Option<&str>,
    as_received: bool,
) -> Result<u8, Failure> {
    output::complain(&format!(
        "note: the files in {} are NOT sealed: anyone who can read them reads patients' data.",
        folder.display()
    ));
    if !folder.exists() {
        create_folder(folder)?;
    }
    let store = EmbeddedStore::new(Arc::clone(storage));
    let mut files: BTreeMap<String, NewFile> = BTreeMap::new();
    for item in store.entries(tenant, resource_type)? {
        let (name, entry) = item;
        let line = if as_received {
            storage.bytes(&entry)?
        } else {
            store.read(&entry)?
        };
        if !files.contains_key(&name) {
            files.insert(name.clone(), NewFile::create(folder, &name)?);
        }
        if let Some(file) = files.get_mut(&name) {
            file.line(&line)?;
        }
    }
    let mut records = 0;
    for (name, file) in files {
        records += file.lines;
        output::say(&format!("{name:<32}{:>12}", file.lines));
        file.finish()?;
    }
    output::say(&format!("{:<32}{records:>12}", "Total"));
    Ok(code::DONE)
}

/// A file that gets its name when it is whole.
struct NewFile {
    out: BufWriter<File>,
    part: PathBuf,
    path: PathBuf,
    lines: u64,
}

impl NewFile {
    fn create(folder: &Path, resource_type: &str) -> Result<Self, Failure> {
        let path = folder.join(format!("{resource_type}.ndjson"));
        let part = folder.join(format!("{resource_type}.ndjson.part"));
        if path.exists() {
            return Err(Failure::failed(
                &format!("{} is there already", path.display()),
                Some("export into an empty folder, or move the file away".to_owned()),
            ));
        }
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&part);
        let out = BufWriter::with_capacity(1 << 18, file.map_err(|e| failed("create", &part, e))?);
        Ok(Self {
            out,
            part,
            path,
            lines: 0,
        })
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Failure> {
        self.lines += 1;
        let written = self.out.write_all(line).and_then(|()| self.out.write_all(b"\n"));
        written.map_err(|e| failed("write", &self.part, e))
    }

    fn finish(mut self) -> Result<(), Failure> {
        let done = self.out.flush().and_then(|()| self.out.get_ref().sync_all());
        done.and_then(|()| fs::rename(&self.part, &self.path))
            .map_err(|e| failed("write", &self.path, e))
    }
}

fn failed(doing: &'static str, path: &Path, source: std::io::Error) -> Failure {
    crate::store::FileError::new(doing, path, source).into()
}

fn import(workspace: &WorkspaceArgs, tenant: &str, folder: &Path) -> Result<u8, Failure> {
    if !fhir::is_id(tenant) {
        return Err(Failure::usage(
            &format!("`{}` cannot be the name of a tenant", fhir::safe(tenant)),
            "use 1 to 64 letters, digits, dashes and dots",
        ));
    }
    let paths = ndjson_files(folder)?;
    if paths.is_empty() {
        return Err(Failure::usage(
            &format!("there are no NDJSON files in {}", folder.display()),
            "files are taken whose names end in .ndjson, .jsonl, .ndjson.gz or .jsonl.gz",
        ));
    }
    let storage = open::open_or_create(workspace, "store import")?;
    let mut files = Vec::new();
    for path in &paths {
        files.push(opened(path)?);
    }
    let counts = wait::runtime()?.block_on(async {
        let (snapshot, mut seen) = tokio::sync::watch::channel(Snapshot::default());
        let mut progress = Progress::new(std::io::stderr().is_terminal());
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(200));
        let mut work = std::pin::pin!(engine::import(&storage, tenant, files.into_iter(), snapshot));
        loop {
            tokio::select! {
                counts = &mut work => {
                    progress.end();
                    return counts;
                }
                _ = tick.tick() => progress.show(&seen.borrow_and_update()),
            }
        }
    })?;
    for (resource_type, c) in &counts {
        let rejected = if c.quarantined > 0 {
            format!("  {} not readable", c.quarantined)
        } else {
            String::new()
        };
        output::say(&format!("{resource_type:<32}{:>12}{rejected}", c.stored + c.unchanged));
    }
    let sum = total(&counts);
    output::say(&format!("{:<32}{:>12}", "Total", sum.stored + sum.unchanged));
    if sum.quarantined > 0 {
        output::complain(&format!(
            "{} rows could not be read as records and were left out.",
            sum.quarantined
        ));
        return Ok(code::REJECTS);
    }
    Ok(code::DONE)
}

/// NDJSON files of a folder, by name.
fn ndjson_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| failed("list", folder, e))? {
        let path = entry.map_err(|e| failed("list", folder, e))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let plain = name.to_ascii_lowercase();
        let plain = plain.strip_suffix(".gz").unwrap_or(&plain);
        if [".ndjson", ".jsonl"].iter().any(|end| plain.ends_with(end)) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// A file to import; its type is what its name begins with, if that is the name of a type.
fn opened(path: &Path) -> Result<Import, Failure> {
    let file = File::open(path).map_err(|e| failed("open", path, e))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bytes: Box<dyn Read + Send> = if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz")) {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let stem = name.split('.').next().unwrap_or_default();
    Ok(Import {
        resource_type: fhir::is_type_name(stem).then(|| stem.to_owned()),
        name,
        bytes,
    })
}
