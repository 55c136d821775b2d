//! What a job tells: counters, events, and how it ended.

use super::figure;
use super::live::Live;
use super::look::Role;
use super::message::{Effect, News};
use super::model::{Line, Model};
use super::screen::{self, Screen};
use super::update;
use crate::engine::{Answer, Outcome};
use crate::migration::{Event, Step};

/// Takes in what a job tells.
pub fn told(model: &mut Model, migration: String, news: News) -> Vec<Effect> {
    match news {
        News::Began => {
            model.jobs.insert(migration, Live::default());
            model.read_standings()
        }
        News::Snapshot(snapshot) => {
            let now = model.now;
            if let Some(live) = model.jobs.get_mut(&migration) {
                live.update(now, *snapshot);
            }
            Vec::new()
        }
        News::Event(recorded) => {
            let elsewhere = model.open.as_ref() != Some(&migration);
            if let Some(text) = recorded.event.line() {
                let text = match model.standing(&migration).filter(|_| elsewhere) {
                    Some(standing) => format!("{}: {text}", standing.plan.name),
                    None => text,
                };
                model.last = Some(Line {
                    at: model.now,
                    text,
                    role: Role::Plain,
                });
            }
            let follow = follow(model, &recorded.event, elsewhere);
            let mut effects = if changes_standing(&recorded.event) {
                model.read_standings()
            } else {
                Vec::new()
            };
            if model.screen == Screen::Log && !elsewhere {
                effects.extend(screen::log::read(model));
            }
            if let Some(step) = follow {
                effects.extend(screen::enter(model, Screen::Step(step)));
            }
            effects
        }
        News::Ended(result) => {
            model.jobs.remove(&migration);
            let name = model
                .standing(&migration)
                .map_or_else(|| migration.clone(), |s| s.plan.name.clone());
            match *result {
                Ok(answer) => {
                    let (text, role) = outcome(&answer);
                    let elsewhere = model.open.as_ref() != Some(&migration) || model.screen == Screen::Home;
                    model.say(if elsewhere { format!("{name}: {text}") } else { text }, role);
                }
                Err(problem) => update::failed(model, &format!("{name}: it stopped"), problem),
            }
            let mut effects = model.read_standings();
            effects.extend(screen::refresh(model));
            effects
        }
    }
}

/// The step that a person who watches the one before it is taken to.
fn follow(model: &Model, event: &Event, elsewhere: bool) -> Option<Step> {
    let at = match model.screen {
        Screen::Step(step) if !elsewhere => step,
        _ => return None,
    };
    match event {
        Event::Kickoff { .. } if at == Step::Export => Some(Step::Poll),
        Event::StatusComplete { .. } if matches!(at, Step::Export | Step::Poll) => Some(Step::Ingest),
        _ => None,
    }
}

/// Whether an event may change what the home screen or the rail says.
fn changes_standing(event: &Event) -> bool {
    !matches!(event, Event::DownloadRequest { .. } | Event::DownloadComplete { .. })
}

fn outcome(answer: &Answer) -> (String, Role) {
    match answer {
        Answer::Run(Outcome::Done) => ("done, every row is accounted for".to_owned(), Role::Done),
        Answer::Run(Outcome::NeedsDecision { conflicts, held }) => (
            format!("{conflicts} conflicts need you; {held} rows wait for them"),
            Role::Waiting,
        ),
        Answer::Run(Outcome::Rejected { rejects, allowed }) => (
            format!("paused: {rejects} rows were rejected, {allowed} are allowed"),
            Role::Waiting,
        ),
        Answer::Run(Outcome::Mismatch { findings }) => (
            format!("{findings} findings: the store does not agree with what was received"),
            Role::Wrong,
        ),
        Answer::Run(Outcome::Undelivered { reason }) => {
            (format!("the store is done, the server is not: {reason}"), Role::Wrong)
        }
        Answer::Run(Outcome::FilesFailed { files }) => (format!("{} files could not be had", files.len()), Role::Wrong),
        Answer::Cancelled => ("the export was cancelled".to_owned(), Role::Note),
        Answer::Verified(found) if found.clean() => ("verified, nothing to find".to_owned(), Role::Done),
        Answer::Verified(found) => (format!("verified: {} findings", found.total_findings), Role::Wrong),
        Answer::Resolved(decided) => {
            let done = decided.iter().filter(|(_, how)| how.is_some()).count() as u64;
            let left = decided.len() as u64 - done;
            let mut text = format!("{} decided", figure::several(done, "conflict"));
            if left > 0 {
                text = format!("{text}; of {left} the rule cannot tell which is right");
            }
            (text, if left > 0 { Role::Note } else { Role::Done })
        }
        Answer::Repaired(_) => ("taken in once more; v verifies what has changed".to_owned(), Role::Done),
        Answer::Amended(done) => {
            let became = done.rows.first().map_or("done", |(_, now)| now.words());
            if done.dependent.is_empty() {
                (format!("the row was taken in: {became}"), Role::Done)
            } else {
                let back = figure::several(done.dependent.len() as u64, "decision");
                let text = format!("the row was taken in: {became}; {back} had nothing to stand on any more");
                (text, Role::Note)
            }
        }
        Answer::Waived(rows) => (format!("{} waived", figure::several(*rows, "row")), Role::Done),
        Answer::Pulled(_) => ("the destination's own records are here".to_owned(), Role::Done),
        Answer::Imported(_) => ("the server has imported the files".to_owned(), Role::Done),
        Answer::Delivered(counts) if counts.clean() => ("delivered".to_owned(), Role::Done),
        Answer::Delivered(counts) => (
            format!(
                "delivered, but for {}",
                figure::several(counts.refused + counts.conflicts, "record")
            ),
            Role::Wrong,
        ),
        Answer::Proven(proof) if proof.clean() => ("read back, nothing to find".to_owned(), Role::Done),
        Answer::Proven(proof) => (
            format!(
                "read back: {} not as they should be",
                figure::several(proof.wrong + proof.undelivered, "record")
            ),
            Role::Wrong,
        ),
        Answer::TakenBack(_) => ("taken back".to_owned(), Role::Done),
        Answer::Recorded => ("done, and on record".to_owned(), Role::Done),
    }
}
