//! What the model does when it is told something.

use super::above;
use super::action::Action;
use super::binding;
use super::edit;
use super::input::Input;
use super::job_news;
use super::key::Key;
use super::list::Move;
use super::look::Role;
use super::message::{Effect, Msg, Problem, Reply};
use super::model::Model;
use super::overlay::{Ask, Commands, For, Help, Notice, Overlay, Question};
use super::screen::{self, Screen};
use super::text_input::Typed;
use crate::engine::{Command, RunOptions};
use crate::migration::Step;

/// Takes a message in and says what is to be done about it.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    if model.toast.as_ref().is_some_and(|(until, _)| *until <= model.now) {
        model.toast = None;
    }
    match msg {
        Msg::Input(Input::Key(key)) => pressed(model, key),
        Msg::Input(Input::Paste(text)) => typed(model, Typed::Text(&text)),
        Msg::Input(Input::Resized) | Msg::Second => Vec::new(),
        Msg::Input(Input::Continued) => vec![Effect::Redraw],
        Msg::Input(Input::Terminate | Input::Gone) => vec![Effect::Quit],
        Msg::Read(reply) => read(model, reply),
        Msg::Saved => model.read_standings(),
        Msg::Done(what) => {
            model.say(what, Role::Done);
            model.read_standings()
        }
        Msg::Failed(problem) => {
            failed(model, "That cannot be done", problem);
            model.read_standings()
        }
        Msg::Job(migration, news) => job_news::told(model, migration, news),
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
    typed(model, Typed::Key(key))
}

/// Puts what was typed or pasted where something is being typed.
fn typed(model: &mut Model, what: Typed<'_>) -> Vec<Effect> {
    match &mut model.overlay {
        Some(Overlay::Question(question)) if question.word.is_some() => question.typed.take(what),
        Some(Overlay::Commands(commands)) => {
            commands.typed.take(what);
            commands.typed_anew();
        }
        Some(Overlay::Ask(ask)) => ask.typed.take(what),
        Some(Overlay::Filter(filter)) => {
            filter.take(what);
            let text = filter.text().to_owned();
            return narrow(model, &text);
        }
        Some(Overlay::Edit(editor)) => {
            editor.take(what);
            match model.screen {
                Screen::Quarantine => screen::quarantine::check(model),
                _ => screen::merge::check(model),
            }
        }
        None => {
            if let Some(editing) = &mut model.editing {
                editing.input.take(what);
                edit::look_over(model);
            }
        }
        _ => {}
    }
    Vec::new()
}

/// Does what an action means: to what stands over the screen, to the program, or else to the screen.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if let Some(overlay) = model.overlay.take() {
        return above::act(model, overlay, action);
    }
    if model.editing.is_some()
        && let Some(effects) = editing(model, action)
    {
        return effects;
    }
    match action {
        Action::New if model.screen == Screen::Home => {
            let text = "The practice's name, as people call it. Everything else is asked on the next screens, and can be changed later.";
            model.overlay = Some(Overlay::Ask(Ask::new(
                "Whose records are to be moved?",
                text,
                For::NewMigration,
            )));
        }
        Action::ImportKey => {
            let text = "The path of a file with a private key: PKCS#8 or SEC1 PEM, or a JWK. It takes the place of the key pair that is \
                        there, if one is: the EHR must know it before the next run.";
            model.overlay = Some(Overlay::Ask(Ask::new(
                "Which key is to be imported?",
                text,
                For::ImportKey,
            )));
        }
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
        Action::Charts => return screen::enter(model, Screen::Charts),
        Action::Destination => return screen::enter(model, Screen::Destination),
        Action::Conflicts => return screen::enter(model, Screen::Conflicts),
        Action::Quarantine => return screen::enter(model, Screen::Quarantine),
        Action::StepBefore => return beside(model, |at| at.checked_sub(1)),
        Action::StepAfter => return beside(model, |at| Some(at + 1)),
        Action::Run if model.screen != Screen::Destination => return run(model, RunOptions::default()),
        Action::LastChanges => return run(model, RunOptions::since_last()),
        Action::Pause => return pause(model),
        other => return screen::act(model, other),
    }
    Vec::new()
}

/// What an action means while a field is typed; nothing if it means the same as ever.
fn editing(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    match action {
        Action::Yes => Some(edit::keep(model)),
        Action::KeepNext => {
            let mut effects = edit::keep(model);
            if model.editing.is_none() {
                effects.extend(screen::act(model, Action::Go(Move::Down)));
                effects.extend(screen::act(model, Action::Open));
            }
            Some(effects)
        }
        Action::Back => {
            model.editing = None;
            Some(Vec::new())
        }
        _ => None,
    }
}

/// Narrows the list of the screen, and asks for what is to be shown of the row that is chosen then.
pub fn narrow(model: &mut Model, text: &str) -> Vec<Effect> {
    match model.screen {
        Screen::Log => model.log.narrow(text),
        Screen::Conflicts => model.conflicts.narrow(text),
        Screen::Quarantine => {
            model.quarantine.narrow(text);
            return screen::quarantine::ask(model);
        }
        _ => {}
    }
    Vec::new()
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

/// Ends the program, after a question where a job is at work.
pub fn quit(model: &mut Model) -> Vec<Effect> {
    if model.jobs.is_empty() || model.leaving {
        return vec![Effect::Quit];
    }
    let text = ["What was received so far is safe, and the job goes on from there when it is run again."];
    let question = Question::new("A job is at work. Stop it and quit?", &text, vec![Effect::Quit]);
    model.overlay = Some(Overlay::Question(question));
    Vec::new()
}

fn run(model: &mut Model, options: RunOptions) -> Vec<Effect> {
    let Some(plan) = model.plan().cloned() else {
        return Vec::new();
    };
    vec![Effect::Start(Box::new(plan), Command::Run(options))]
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
            let mut effects = if again { model.read_standings() } else { Vec::new() };
            if model.screen == Screen::Step(Step::Export) {
                effects.extend(screen::export::read(model));
            }
            effects
        }
        Reply::Journal(id, entries) if model.open.as_ref() == Some(&id) => screen::log::took(model, entries),
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
        Reply::Quarantine(migration, rows) => {
            if model.open.as_ref() == Some(&migration) {
                model.quarantine.take(rows);
            }
            screen::quarantine::ask(model)
        }
        Reply::Original(row, line) => {
            model.quarantine.take_line(row, line);
            Vec::new()
        }
        Reply::Beside(id, beside) => {
            model.conflict.take(&id, beside);
            Vec::new()
        }
        Reply::Verified(migration, found, charts) => {
            if model.open.as_ref() != Some(&migration) {
                return Vec::new();
            }
            model.verify.take(*found, charts);
            if model.screen == Screen::Chart {
                return screen::chart::again(model);
            }
            Vec::new()
        }
        Reply::Finding(number, shown) => {
            screen::findings::show(model, number, shown);
            Vec::new()
        }
        Reply::Chart(number, content, rows) => {
            model.chart.take(number, content, rows);
            Vec::new()
        }
        Reply::Presets(presets) => {
            model.presets = presets;
            Vec::new()
        }
        Reply::WipeBegun(note) => vec![Effect::Wipe(note)],
        Reply::Added(id) => {
            model.open = Some(id);
            // Its standing is read before anything of it can be shown.
            screen::enter(model, Screen::Step(Step::Source))
        }
        other => {
            about(model, other);
            model.read_standings()
        }
    }
}

/// Takes in what was read about one migration; what is not about the open one comes too late.
fn about(model: &mut Model, reply: Reply) {
    let open = model.open.clone().unwrap_or_default();
    match reply {
        Reply::Registration(id, registration, key) if id == open => {
            model.register.busy = None;
            model.register.take(registration, key);
        }
        Reply::Check(id, check) if id == open => model.source.checks.push(*check),
        Reply::Checked(id) if id == open => model.source.testing = false,
        Reply::Published(id, findings) if id == open => {
            model.register.busy = None;
            model.register.found = findings;
        }
        Reply::Minted(id, result) if id == open => {
            let now = model.now;
            model.token.asking = false;
            match *result {
                Ok(Some(minted)) => model.token.minted = Some((now, minted)),
                Ok(None) => model.say("this source is open to anyone: it gives no tokens", Role::Note),
                Err(problem) => model.token.refused = Some((problem.what, problem.hint)),
            }
        }
        Reply::Preview(id, made) if id == open => model.export.request = Some(made),
        Reply::Written(id, written) if id == open => {
            model.say(format!("the report is in {}", written.page.display()), Role::Done);
            model.cutover.report = Some(written);
        }
        Reply::Destination(id, found) if id == open => {
            model.destination.server = screen::destination::Server::of(*found);
        }
        Reply::Tried(id, tried) if id == open => {
            model.destination.tried = Some(screen::destination::Tried::Done(*tried));
        }
        Reply::Wipeable(id, found) if id == open => screen::cutover::ask_wipe(model, found),
        _ => {}
    }
}

/// Says what cannot be done: in full, unless somebody is typing or is being asked something.
pub fn failed(model: &mut Model, title: &str, problem: Problem) {
    model.register.busy = None;
    model.cutover.comparing = false;
    if problem.wanted {
        model.say("paused; everything received so far is safe", Role::Note);
    } else if model.overlay.is_none() && model.editing.is_none() {
        let title = title.to_owned();
        model.overlay = Some(Overlay::Notice(Notice { title, problem }));
    } else {
        model.say(problem.what, Role::Wrong);
    }
}
