//! Programs of the consultant's own: run on a block's worth of records at a time, watched, and what they made remembered.
//!
//! A program reads records from its standard input, one JSON line each, and writes one line for each in the same order; then it ends. What
//! it made is kept in the ledger, so that everything that looks at a received record again (verification, a decision, an undo) sees what
//! was stored, without running it once more.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::error::EngineError;
use crate::migration::{NoProgram, Output, Outside, Plan, TransformRule, Transforms, TransformsError};
use crate::store::{Storage, migration_key};

/// A program that is silent for so long on one block's records is stopped.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most that a program may write for a block, in bytes for each byte that it was given.
const GROWTH: usize = 16;

/// The transforms of a migration, its programs' memory in the ledger.
pub fn transforms(storage: &Arc<Storage>, plan: &Plan) -> Result<Transforms, EngineError> {
    let transforms = Transforms::new(&plan.transforms)?;
    if !transforms.has_programs() {
        return Ok(transforms);
    }
    Ok(transforms.with(Arc::new(InLedger {
        storage: Arc::clone(storage),
        migration: plan.id.clone(),
        remembering: Mutex::default(),
    })))
}

/// Transforms to be tried: what their programs make is forgotten with them.
pub fn trial(rules: &[TransformRule]) -> Result<Transforms, TransformsError> {
    Ok(Transforms::new(rules)?.with(Arc::new(InMemory::default())))
}

/// Forgets what the programs of a migration made.
pub fn forget(storage: &Storage, migration: &str) -> Result<(), EngineError> {
    for item in storage.tables.outputs.scan_prefix(&migration_key(migration, &[])) {
        storage.tables.outputs.remove(&item?.0)?;
    }
    Ok(())
}

struct InLedger {
    storage: Arc<Storage>,
    migration: String,
    /// Two threads may have run the program on equal records: what was remembered first holds.
    remembering: Mutex<()>,
}

impl InLedger {
    fn key(&self, place: u16, record: &str) -> Vec<u8> {
        let hash = self.storage.content_hash(record.as_bytes());
        migration_key(&self.migration, &[&place.to_be_bytes()[..], &hash].concat())
    }
}

impl std::fmt::Debug for InLedger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("InLedger").field(&self.migration).finish()
    }
}

impl Outside for InLedger {
    fn run(&self, place: u16, command: &[String], records: Vec<String>) -> Result<(), NoProgram> {
        let outputs = &self.storage.tables.outputs;
        let broken = |error: crate::store::LedgerError| NoProgram {
            program: program(command),
            why: error.to_string(),
        };
        let unknown = |record: &String| self.made(place, record).is_none();
        let made = batch(command, once(records, unknown), PATIENCE)?;
        let _alone = self.remembering.lock().unwrap_or_else(PoisonError::into_inner);
        for (record, output) in made.into_iter().filter(|(record, _)| unknown(record)) {
            outputs.put(&self.key(place, &record), &output).map_err(broken)?;
        }
        Ok(())
    }

    fn made(&self, place: u16, record: &str) -> Option<Output> {
        // What cannot be read is as good as not there: the record is set aside, or the verification finds it.
        self.storage.tables.outputs.get(&self.key(place, record)).ok().flatten()
    }
}

#[derive(Default)]
struct InMemory(Mutex<HashMap<(u16, String), Output>>);

impl std::fmt::Debug for InMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InMemory")
    }
}

impl Outside for InMemory {
    fn run(&self, place: u16, command: &[String], records: Vec<String>) -> Result<(), NoProgram> {
        let made = batch(command, once(records, |_| true), PATIENCE)?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Only the latest are asked for.
        known.retain(|(at, _), _| *at != place);
        known.extend(made.into_iter().map(|(record, output)| ((place, record), output)));
        Ok(())
    }

    fn made(&self, place: u16, record: &str) -> Option<Output> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(place, record.to_owned())).cloned()
    }
}

/// The records that are wanted, each once, in order.
fn once(records: Vec<String>, wanted: impl Fn(&String) -> bool) -> Vec<String> {
    let mut seen = HashSet::new();
    let records = records.into_iter().filter(|record| seen.insert(record.clone()));
    records.filter(wanted).collect()
}

fn program(command: &[String]) -> String {
    command.first().cloned().unwrap_or_default()
}

/// What a program made of each record. Where it fails on several, it is run on halves of them, until it is known on which it fails.
fn batch(command: &[String], records: Vec<String>, patience: Duration) -> Result<Vec<(String, Output)>, NoProgram> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    match call(command, &records, patience)? {
        Ok(lines) => {
            let output = |record: &String, line: String| match line {
                line if line.trim().is_empty() => Output::Nothing("its program gave an empty line for it".to_owned()),
                line if line == *record => Output::Same,
                line => Output::Line(line),
            };
            let made = records.into_iter().zip(lines);
            Ok(made
                .map(|(record, line)| {
                    let output = output(&record, line);
                    (record, output)
                })
                .collect())
        }
        Err(why) if records.len() == 1 => Ok(records
            .into_iter()
            .map(|record| (record, Output::Nothing(why.clone())))
            .collect()),
        Err(_) => {
            let mut first = records;
            let second = first.split_off(first.len() / 2);
            let mut made = batch(command, first, patience)?;
            made.extend(batch(command, second, patience)?);
            Ok(made)
        }
    }
}

/// Runs a program on these records: a line for each, or why not.
fn call(command: &[String], records: &[String], patience: Duration) -> Result<Result<Vec<String>, String>, NoProgram> {
    let unrunnable = |error: std::io::Error| NoProgram {
        program: program(command),
        why: error.to_string(),
    };
    let mut child = Command::new(program(command))
        .args(command.iter().skip(1))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // What a program complains about may name a patient.
        .stderr(Stdio::null())
        // So that it can be stopped with everything that it started, and Ctrl-C is ours to handle.
        .process_group(0)
        .spawn()
        .map_err(unrunnable)?;
    let (Some(mut stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Ok(Err("its program has no standard input or output".to_owned()));
    };
    let given: usize = records.iter().map(|record| record.len() + 1).sum();
    let most = given.saturating_mul(GROWTH).max(1 << 20);
    let (tell, told) = channel();
    let written = std::thread::scope(|scope| {
        scope.spawn(move || {
            for record in records {
                // Who does not read to the end answers with fewer lines.
                if stdin
                    .write_all(record.as_bytes())
                    .and_then(|()| stdin.write_all(b"\n"))
                    .is_err()
                {
                    return;
                }
            }
        });
        scope.spawn(move || {
            let mut written = Vec::new();
            let mut piece = vec![0; 64 * 1024];
            loop {
                match stdout.read(&mut piece) {
                    Ok(0) => break,
                    Ok(read) if written.len() + read <= most => written.extend_from_slice(&piece[..read]),
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Ok(_) | Err(_) => return,
                }
                // Nobody listens once patience has run out.
                let _ = tell.send(None);
            }
            let _ = tell.send(Some(written));
        });
        loop {
            match told.recv_timeout(patience) {
                Ok(None) => {}
                Ok(Some(written)) => {
                    let ended = ends(&child, patience);
                    // Also what it left behind, which may hold our pipe open and never read it.
                    stop(&child);
                    return if ended {
                        Ok(written)
                    } else {
                        Err("its program wrote everything and did not end")
                    };
                }
                Err(error) => {
                    stop(&child);
                    return Err(match error {
                        std::sync::mpsc::RecvTimeoutError::Timeout => "its program was silent for too long",
                        std::sync::mpsc::RecvTimeoutError::Disconnected => {
                            "its program wrote far more than it was given"
                        }
                    });
                }
            }
        }
    });
    let ended = child.wait().map_err(unrunnable)?;
    Ok(match written {
        Err(why) => Err(why.to_owned()),
        Ok(_) if !ended.success() => Err(format!("its program ended with {ended}")),
        Ok(written) => match String::from_utf8(written) {
            Err(_) => Err("its program wrote what is not UTF-8".to_owned()),
            Ok(text) => {
                let lines: Vec<String> = text.lines().map(str::to_owned).collect();
                if lines.len() == records.len() {
                    Ok(lines)
                } else {
                    Err("its program did not write one line for each record".to_owned())
                }
            }
        },
    })
}

/// Waits for a program to end, which is not heard of yet: its number stays its own.
fn ends(child: &Child, patience: Duration) -> bool {
    let Some(pid) = pid(child) else { return false };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    let began = Instant::now();
    loop {
        match waitid(WaitId::Pid(pid), options) {
            Ok(None) if began.elapsed() < patience => std::thread::sleep(Duration::from_millis(1)),
            Ok(ended) => return ended.is_some(),
            Err(_) => return false,
        }
    }
}

/// Stops a program with everything that it started.
fn stop(child: &Child) {
    if let Some(group) = pid(child) {
        // It may have ended by itself.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests;
