//! A server's own import of files that were made for it: started, and watched until it is over.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use url::Url;

use super::super::error::EngineError;
use super::deliver::{Delivering, save, settle_strategies};
use super::hand_off::{HandedFile, hand_off};
use super::link::{LONGEST_ANSWER, Link, link};
use crate::migration::{Event, Importing, Strategy};
use crate::source::{SessionError, TokenUse};
use crate::target::Folder;
use crate::target::remote::{ImportStatus, Input, get_fresh, import_status, import_status_url, imports, start_import};

/// How long to wait before asking again, where the server does not say.
const OFTEN: Duration = Duration::from_secs(10);
/// No wait is longer.
const SELDOM: Duration = Duration::from_secs(600);
/// Answers in a row that say nothing of the import before it is given up; it goes on at the server all the same.
const SILENT: u32 = 20;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportOptions {
    /// Where the files go; not needed to go on watching an import.
    pub to: Option<String>,
    /// The address at which the server sees that folder, where it is another one.
    pub seen_as: Option<String>,
    /// The files are made, and nothing is started.
    pub files_only: bool,
    /// An import that was asked for before is watched no longer: somebody knows that it is over, or never began.
    pub forget: bool,
}

/// What came of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// The address of the folder in which the files are.
    pub folder: String,
    /// The files; none where an import that had begun before was watched.
    pub files: Vec<HandedFile>,
    /// Records in them.
    pub records: u64,
    /// Whether the server has imported them, or was only given the files.
    pub over: bool,
    /// What the server says went wrong. A delivery sends what is missing.
    pub errors: Vec<String>,
}

/// Makes the files, has the server import them, and waits until it has; one that had begun before is only waited for.
pub async fn bulk_import(job: Delivering, options: ImportOptions) -> Result<Imported, EngineError> {
    let link = link(&job.storage, &job.plan, Arc::clone(&job.clock), &job.cancel).await?;
    if options.forget {
        return forget(&job, link);
    }
    let done = match link.destination.importing.clone() {
        Some(importing) => watch(&job, link, &importing).await,
        None => begin(&job, link, &options).await,
    };
    job.snapshot.send_modify(|snapshot| snapshot.importing = None);
    done
}

async fn begin(job: &Delivering, link: Link, options: &ImportOptions) -> Result<Imported, EngineError> {
    let kind = link.destination.kind;
    if !options.files_only && !imports(kind) {
        return Err(EngineError::NotReady {
            what: format!(
                "servers of the kind `{}` do not import files by themselves",
                kind.name()
            ),
            hint: format!(
                "`cutover destination deliver {0}` sends the records; `--files-only` makes the files for the server's administrator",
                job.plan.id
            ),
        });
    }
    let Some(to) = &options.to else {
        return Err(EngineError::NotReady {
            what: "nothing says where the files go".to_owned(),
            hint: "`--to FOLDER`, or `--to s3://bucket/folder` and the like".to_owned(),
        });
    };
    // One of its own each time: what was made before must not be imported with it.
    let folder = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let target = Folder::open(to)?.inside(&folder);
    if !options.files_only && options.seen_as.is_none() && target.is_here() {
        return Err(EngineError::NotReady {
            what: format!("the server does not see {to}"),
            hint: "`--seen-as URL` says at which address it does; `--files-only` makes the files and starts nothing"
                .to_owned(),
        });
    }
    let seen = match options.seen_as.as_deref() {
        Some(seen) => format!("{}/{folder}", seen.trim_end_matches('/')),
        None => target.url().to_owned(),
    };
    let mut types = BTreeSet::new();
    for (name, _) in job.storage.names.resource_types() {
        let ours = link.strategy(&name) == Ok(Strategy::ClientId);
        if ours && link.count(&name, &job.cancel).await? == Some(0) {
            types.insert(name);
        }
    }
    let link = Arc::new(settle_strategies(job, link)?);
    let files = hand_off(job, &link, &types, &target).await?;
    let records = files.iter().map(|file| file.records).sum();
    job.recorder.record(&Event::HandedOff {
        files: files.len() as u64,
        records,
    })?;
    let made = Imported {
        folder: target.url().to_owned(),
        files,
        records,
        ..Imported::default()
    };
    if options.files_only || made.files.is_empty() {
        return Ok(made);
    }
    let inputs: Vec<Input> = made.files.iter().map(|file| input(file, &seen)).collect();
    // An import writes over what is there, and making the files may have taken hours.
    for name in &types {
        if link.count(name, &job.cancel).await? != Some(0) {
            return Err(EngineError::NotReady {
                what: format!("the server has records of the type {name} by now, and an import would write over them"),
                hint:
                    "import again: files are made of what it has nothing of; what it has something of is for a delivery"
                        .to_owned(),
            });
        }
    }
    let mut link = Link::clone(&link);
    let importing = start(job, &mut link, &seen, &inputs, records).await?;
    job.recorder.record(&Event::ImportBegun { records })?;
    let over = watch(job, link, &importing).await?;
    Ok(Imported {
        over: over.over,
        errors: over.errors,
        ..made
    })
}

fn input(file: &HandedFile, seen: &str) -> Input {
    Input {
        resource_type: file.resource_type.clone(),
        url: format!("{seen}/{}", file.name),
    }
}

/// Starts the import. That it was asked for is durable before it is: whatever becomes of the answer, nothing is delivered beside it.
async fn start(
    job: &Delivering,
    link: &mut Link,
    seen: &str,
    inputs: &[Input],
    records: u64,
) -> Result<Importing, EngineError> {
    let base = link.session.base().clone();
    let call = start_import(link.destination.kind, &base, seen, inputs).ok_or_else(|| EngineError::NotReady {
        what: format!("{base} is no base URL of such a server"),
        hint: "Google's ends with `/fhirStores/NAME/fhir`".to_owned(),
    })?;
    let asked = Importing {
        status_url: None,
        records,
    };
    link.destination.importing = Some(asked.clone());
    save(job, link)?;
    // Once: asked again after an answer that got lost, the server would begin a second one.
    let answer = match link.session.send(&call, TokenUse::Allowed, &job.cancel).await {
        Ok(reply) => reply.read(LONGEST_ANSWER).await,
        Err(SessionError::Http(error)) => Err(error),
        Err(error) => {
            // It was not even sent: there was no token for it.
            link.destination.importing = None;
            save(job, link)?;
            return Err(EngineError::source(&error, error.hint()));
        }
    };
    let answer = answer.map_err(|_| not_known(job))?;
    // All of 4xx but a time-out, of which nobody knows what it cut off.
    if matches!(answer.status, 400..=407 | 409..=499) {
        link.destination.importing = None;
        save(job, link)?;
        let error = answer.to_error();
        return Err(EngineError::source(&error, error.hint()));
    }
    let status = import_status_url(&base, answer.header("content-location"), &answer.body);
    let status = status.filter(|_| answer.is_success()).ok_or_else(|| not_known(job))?;
    let importing = Importing {
        status_url: Some(status.to_string()),
        records,
    };
    link.destination.importing = Some(importing.clone());
    save(job, link)?;
    Ok(importing)
}

fn not_known(job: &Delivering) -> EngineError {
    let id = &job.plan.id;
    EngineError::NotReady {
        what: "the server was asked to import, and it is not known whether it is at it".to_owned(),
        hint: format!(
            "ask its administrator; once it is over, or has not begun, `cutover destination import {id} --forget`, then `cutover destination deliver {id}`"
        ),
    }
}

/// Asks how far the import is until it is over.
async fn watch(job: &Delivering, mut link: Link, importing: &Importing) -> Result<Imported, EngineError> {
    let url = importing.status_url.as_deref().and_then(|url| url.parse::<Url>().ok());
    let url = url.ok_or_else(|| not_known(job))?;
    let silence = |what: String| EngineError::NotReady {
        what: format!("the server does not say how far its import is: {what}"),
        hint: format!(
            "the same command goes on watching; if somebody knows that it is over, `cutover destination import {} --forget`",
            job.plan.id
        ),
    };
    let mut silent = 0;
    loop {
        let call = get_fresh(url.clone());
        let answer = match link.session.send(&call, TokenUse::Allowed, &job.cancel).await {
            Ok(reply) => reply.read(LONGEST_ANSWER).await.map_err(SessionError::from),
            Err(error) => Err(error),
        };
        let wait = match answer {
            Ok(answer) => {
                let asked = answer.retry_after;
                match import_status(answer.status, answer.header("x-progress"), &answer.body) {
                    ImportStatus::Working(words) => {
                        silent = 0;
                        let text = format!("the server is importing {} records  {words}", importing.records);
                        job.snapshot.send_modify(|snapshot| snapshot.importing = Some(text));
                    }
                    ImportStatus::Over { imported, errors } => {
                        over(job, &mut link, imported, &errors)?;
                        return Ok(Imported {
                            records: importing.records,
                            over: true,
                            errors,
                            ..Imported::default()
                        });
                    }
                    ImportStatus::Failed(words) => {
                        over(job, &mut link, None, std::slice::from_ref(&words))?;
                        return Err(EngineError::NotReady {
                            what: format!("the server's import failed: {words}"),
                            hint: format!(
                                "put it right and import again, or `cutover destination deliver {}`: it sends what is missing",
                                job.plan.id
                            ),
                        });
                    }
                    ImportStatus::Unknown if silent < SILENT && (answer.status == 429 || answer.status >= 500) => {}
                    ImportStatus::Unknown => return Err(silence(format!("HTTP {}", answer.status))),
                }
                asked
            }
            Err(error) if error.is_cancelled() => return Err(EngineError::Cancelled),
            Err(error) if error.is_retryable() && silent < SILENT => None,
            Err(error) => return Err(silence(error.to_string())),
        };
        silent += 1;
        tokio::select! {
            () = job.clock.sleep(wait.unwrap_or(OFTEN).min(SELDOM)) => {}
            () = job.cancel.cancelled() => return Err(EngineError::Cancelled),
        }
    }
}

/// Watches an import no longer, because somebody says so.
fn forget(job: &Delivering, mut link: Link) -> Result<Imported, EngineError> {
    if link.destination.importing.take().is_none() {
        return Err(EngineError::NotReady {
            what: "no import is watched".to_owned(),
            hint: format!("`cutover destination deliver {}` sends what is missing", job.plan.id),
        });
    }
    save(job, &link)?;
    job.recorder.record(&Event::ImportForgotten {})?;
    Ok(Imported::default())
}

fn over(job: &Delivering, link: &mut Link, imported: Option<u64>, errors: &[String]) -> Result<(), EngineError> {
    link.destination.importing = None;
    save(job, link)?;
    job.recorder.record(&Event::ImportEnded {
        imported,
        errors: errors.len() as u64,
    })
}
