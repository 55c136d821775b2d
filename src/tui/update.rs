//! What the model does when it is told something.

use super::action::Action;
use super::binding;
use super::figure;
use super::input::Input;
use super::key::Key;
use super::live::Live;
use super::look::Role;
use super::message::{Effect, Msg, News, Problem, Reply};
use super::model::{Line, Model};
use super::overlay::{Commands, Help, Overlay, Question};
use super::screen::{self, Screen};
use crate::engine::{Answer, Command, RunOptions};
use crate::migration::{Event, Step};

/// Takes a message in and says what is to be done about it.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    if model.toast.as_ref().is_some_and(|(until, _)| *until <= model.now) {
        model.toast = None;
    }
    match msg {
        Msg::Input(Input::Key(key)) => pressed(model, key),
        Msg::Input(Input::Paste(text)) => pasted(model, &text),
        Msg::Input(Input::Resized) | Msg::Second => Vec::new(),
        Msg::Input(Input::Continued) => vec![Effect::Redraw],
        Msg::Input(Input::Terminate | Input::Gone) => vec![Effect::Quit],
        Msg::Read(reply) => read(model, reply),
        Msg::Done(what) => {
            model.say(what, Role::Done);
            model.read_standings()
        }
        Msg::Failed(problem) => {
            failed(model, &problem);
            model.read_standings()
        }
        Msg::Job(migration, news) => told(model, migration, news),
        Msg::Panicked(place) => {
            model.say(
                format!("a part of the program failed at {place}; what was received is safe"),
                Role::Wrong,
            );
            Vec::new()
        }
    }
}

fn pressed(model: &mut Model, key: Key) -> Vec<Effect> {
    if let Some(binding) = binding::find(model, key) {
        return match (binding.why_not)(model) {
            None => act(model, binding.action),
            Some(why) => {
                model.say(format!("{}: {why}", binding.label), Role::Note);
                Vec::new()
            }
        };
    }
    match &mut model.overlay {
        Some(Overlay::Question(question)) if question.word.is_some() => drop(question.typed.key(key)),
        Some(Overlay::Commands(commands)) => {
            commands.typed.key(key);
            commands.typed_anew();
        }
        Some(Overlay::Filter(typed)) => {
            typed.key(key);
            let text = typed.text().to_owned();
            narrow(model, &text);
        }
        Some(Overlay::Edit(editor)) => {
            editor.key(key);
            screen::merge::check(model);
        }
        _ => {}
    }
    Vec::new()
}

fn pasted(model: &mut Model, text: &str) -> Vec<Effect> {
    match &mut model.overlay {
        Some(Overlay::Question(question)) if question.word.is_some() => question.typed.insert(text),
        Some(Overlay::Commands(commands)) => commands.typed.insert(text),
        Some(Overlay::Filter(typed)) => {
            typed.insert(text);
            let text = typed.text().to_owned();
            narrow(model, &text);
        }
        Some(Overlay::Edit(editor)) => {
            editor.insert(text);
            screen::merge::check(model);
        }
        _ => {}
    }
    Vec::new()
}

/// Does what an action means: to what stands over the screen, to the program, or else to the screen.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if let Some(overlay) = model.overlay.take() {
        return above(model, overlay, action);
    }
    match action {
        Action::Help => model.overlay = Some(Overlay::Help(Help::default())),
        Action::Commands => model.overlay = Some(Overlay::Commands(Commands::default())),
        Action::Privacy => {
            model.privacy = !model.privacy;
            let hidden = "names, dates of birth and identifiers are hidden";
            let shown = "names, dates of birth and identifiers are shown";
            model.say(if model.privacy { hidden } else { shown }, Role::Note);
        }
        Action::Redraw => return vec![Effect::Redraw],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Quit => return quit(model),
        Action::Step(step) => return screen::enter(model, Screen::Step(step)),
        Action::Conflicts => return screen::enter(model, Screen::Conflicts),
        Action::StepBefore => return beside(model, |at| at.checked_sub(1)),
        Action::StepAfter => return beside(model, |at| Some(at + 1)),
        Action::Run => return run(model),
        Action::Pause => return pause(model),
        other => return screen::act(model, other),
    }
    Vec::new()
}

/// What an action means to what stands over the screen; it is gone unless it is put back.
fn above(model: &mut Model, overlay: Overlay, action: Action) -> Vec<Effect> {
    match (overlay, action) {
        (overlay, Action::Redraw) => {
            model.overlay = Some(overlay);
            vec![Effect::Redraw]
        }
        (overlay, Action::Suspend) => {
            model.overlay = Some(overlay);
            vec![Effect::Suspend]
        }
        (_, Action::Quit) => quit(model),
        (Overlay::Question(question), Action::Yes) => question.yes,
        (Overlay::Help(mut help), Action::Go(movement)) => {
            help.go(movement, model.body_rows(), super::overlay::keys(model).len());
            model.overlay = Some(Overlay::Help(help));
            Vec::new()
        }
        (Overlay::Commands(mut commands), Action::Go(movement)) => {
            let found = commands.found(model).len();
            commands.go(movement, found, model.body_rows().saturating_sub(4));
            model.overlay = Some(Overlay::Commands(commands));
            Vec::new()
        }
        (Overlay::Commands(commands), Action::Yes) => match commands.chosen(model) {
            None => Vec::new(),
            Some(binding) => match (binding.why_not)(model) {
                None => act(model, binding.action),
                Some(why) => {
                    model.say(format!("{}: {why}", binding.label), Role::Note);
                    Vec::new()
                }
            },
        },
        (Overlay::Edit(editor), Action::Yes) => {
            screen::merge::take(model, &editor);
            Vec::new()
        }
        (Overlay::Filter(_), Action::Back) => {
            narrow(model, "");
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Narrows the list of the screen.
fn narrow(model: &mut Model, text: &str) {
    match model.screen {
        Screen::Log => model.log.narrow(text),
        Screen::Conflicts => model.conflicts.narrow(text),
        Screen::Home | Screen::Step(_) | Screen::Conflict | Screen::Merge => {}
    }
}

/// To a step beside the one that is looked at.
fn beside(model: &mut Model, other: impl Fn(usize) -> Option<usize>) -> Vec<Effect> {
    let Screen::Step(step) = model.screen else {
        return Vec::new();
    };
    let at = Step::ALL.iter().position(|known| *known == step).unwrap_or(0);
    match other(at).and_then(|index| Step::ALL.get(index)) {
        Some(step) => screen::enter(model, Screen::Step(*step)),
        None => Vec::new(),
    }
}

fn quit(model: &mut Model) -> Vec<Effect> {
    if model.jobs.is_empty() || model.leaving {
        return vec![Effect::Quit];
    }
    let text = ["What was received so far is safe, and the job goes on from there when it is run again."];
    let question = Question::new("A job is at work. Stop it and quit?", &text, vec![Effect::Quit]);
    model.overlay = Some(Overlay::Question(question));
    Vec::new()
}

fn run(model: &mut Model) -> Vec<Effect> {
    let Some(plan) = model.plan().cloned() else {
        return Vec::new();
    };
    vec![Effect::Start(Box::new(plan), Command::Run(RunOptions::default()))]
}

fn pause(model: &mut Model) -> Vec<Effect> {
    let Some(id) = model.open.clone() else {
        return Vec::new();
    };
    if let Some(job) = model.jobs.get_mut(&id) {
        job.stopping = true;
    }
    vec![Effect::Stop(id)]
}

fn read(model: &mut Model, reply: Reply) -> Vec<Effect> {
    match reply {
        Reply::Standings(standings) => {
            let again = model.reading.take() == Some(true);
            model.standings = Some(standings);
            model.home.clamp(model.standings().len());
            if model.open.as_ref().is_some_and(|id| model.standing(id).is_none()) {
                // It was removed.
                model.open = None;
                model.screen = Screen::Home;
            }
            if again { model.read_standings() } else { Vec::new() }
        }
        Reply::Journal(migration, entries) => {
            if model.open.as_ref() == Some(&migration) {
                model.log.take(entries);
            }
            Vec::new()
        }
        Reply::Conflicts(migration, rows) => {
            if model.open.as_ref() == Some(&migration) {
                model.conflicts.take(rows);
            }
            match model.screen {
                Screen::Conflict => screen::conflict::ask(model),
                // What was to be merged is decided.
                Screen::Merge if !model.conflicts.chosen().is_some_and(|row| row.conflict.open()) => {
                    screen::enter(model, Screen::Conflict)
                }
                _ => Vec::new(),
            }
        }
        Reply::Beside(id, beside) => {
            model.conflict.take(&id, beside);
            Vec::new()
        }
    }
}

fn failed(model: &mut Model, problem: &Problem) {
    let text = match &problem.hint {
        Some(hint) => format!("{}; {hint}", problem.what),
        None => problem.what.clone(),
    };
    model.say(text, Role::Wrong);
}

/// Takes in what a job tells.
fn told(model: &mut Model, migration: String, news: News) -> Vec<Effect> {
    match news {
        News::Began => {
            model.jobs.insert(migration, Live::new(model.now));
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
                    model.say(format!("{name}: {text}"), role);
                }
                Err(problem) => failed(model, &problem),
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
    use crate::engine::Outcome;
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
        Answer::Run(Outcome::FilesFailed { files }) => (format!("{} files could not be had", files.len()), Role::Wrong),
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
        Answer::Waived(rows) => (format!("{} waived", figure::several(*rows, "row")), Role::Done),
        Answer::TakenBack(_) => ("taken back".to_owned(), Role::Done),
    }
}
