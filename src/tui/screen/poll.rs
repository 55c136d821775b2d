//! Poll: the EHR prepares the export; how far it says it is, and when it is asked again.

use crate::engine::{Command, Standing};
use crate::migration::Stage;
use crate::tui::action::Action;
use crate::tui::canvas::Canvas;
use crate::tui::figure::{clock, day, several};
use crate::tui::look::Role;
use crate::tui::message::Effect;
use crate::tui::model::Model;
use crate::tui::overlay::{Overlay, Question};

/// Opens the screen.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    model.read_standings()
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::PollNow => model.open.clone().map(Effect::Hurry).into_iter().collect(),
        Action::CancelExport => {
            let Some(plan) = model.plan().cloned() else {
                return Vec::new();
            };
            let text = [
                "The EHR is told to drop what it has prepared. Nothing that was received before is touched.",
                "The next run asks for a new export; some EHRs allow one a day.",
            ];
            let word = plan.id.clone();
            let yes = vec![Effect::Start(Box::new(plan), Command::CancelExport)];
            let question = Question::new("Cancel the export at the EHR?", &text, yes).typed(word);
            model.overlay = Some(Overlay::Question(question));
            Vec::new()
        }
        Action::CopyAddress => {
            let url = model.opened().and_then(|standing| standing.state.status_url.clone());
            let Some(url) = url else { return Vec::new() };
            model.say("the job's address was copied, where the terminal allows it", Role::Done);
            vec![Effect::Copy(url)]
        }
        other => super::common(model, other),
    }
}

/// The per cent in a server's words, such as `47 % complete`, in thousandths.
pub fn share(words: &str) -> Option<u16> {
    let before = words[..words.find('%')?].trim_end();
    let start = before
        .rfind(|c: char| !(c.is_ascii_digit() || c == '.'))
        .map_or(0, |at| at + 1);
    let per_cent: f32 = before.get(start..)?.parse().ok()?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Between 0 and 1000.
    (0.0..=100.0).contains(&per_cent).then_some((per_cent * 10.0) as u16)
}

/// Draws the screen.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    let Some(standing) = model.opened() else { return };
    let state = &standing.state;
    let polling = model
        .job()
        .and_then(|job| job.snapshot.polling.clone())
        .unwrap_or_default();
    let (text, role) = told(model, standing);
    canvas.text(3, 0, text, role);
    if let (Stage::Exporting, Some(stopped)) = (state.stage, &state.stopped) {
        canvas.text(3, 1, stopped, Role::Plain);
    }
    let end = canvas.width().saturating_sub(1);
    if let Some(words) = &state.progress {
        canvas.text(3, 2, "Server says", Role::Plain);
        canvas.text(20, 2, words, Role::Strong);
        if let Some(share) = share(words) {
            let done = state.stage > Stage::Exporting;
            canvas.bar(3, 3, end.saturating_sub(10), if done { 1000 } else { share.min(999) });
            canvas.right(
                end,
                3,
                &format!("{} %", if done { 100 } else { share / 10 }),
                Role::Plain,
            );
        }
    }
    let live = state.stage == Stage::Exporting && model.job().is_some();
    let mut y = 5;
    let mut row = |name: &str, value: &str, more: &str, canvas: &mut Canvas<'_>| {
        canvas.text(3, y, name, Role::Plain);
        canvas.within(20, y, end.saturating_sub(20), value, Role::Strong);
        canvas.within(38, y, end.saturating_sub(38), more, Role::Quiet);
        y += 1;
    };
    if live {
        if let Some(at) = standing.kicked_off {
            let running = u64::try_from(model.now.as_second() - at.as_second()).unwrap_or(0);
            row(
                "Running for",
                &clock(running),
                &format!("asked {} since we went on", several(polling.polls.into(), "time")),
                canvas,
            );
        }
        if let Some(next) = polling.next {
            let left = u64::try_from(next.as_second() - model.now.as_second()).unwrap_or(0);
            let asked = match polling.asked {
                Some(asked) => format!("the server asked for {}", clock(asked.as_secs())),
                None => "the server names no time".to_owned(),
            };
            row("Next poll in", &clock(left), &asked, canvas);
        }
        let job = model.job().map(|job| &job.snapshot);
        if let (Some(left), Some(most)) = (
            job.and_then(|snapshot| snapshot.budget),
            standing.plan.requests_per_minute,
        ) {
            row(
                "Requests left",
                &format!("{left} of {most}"),
                "in this minute, for everything that talks to it",
                canvas,
            );
        }
        if let Some(until) = job.and_then(|snapshot| snapshot.token_until) {
            let left = u64::try_from(until.as_second() - model.now.as_second()).unwrap_or(0);
            row("Token", &format!("valid {}", clock(left)), "renews by itself", canvas);
        }
    }
    if let Some(at) = standing.kicked_off {
        row("Asked for", &day(at, &model.zone), "", canvas);
    }
    if let Some(url) = &state.status_url {
        canvas.text(3, y, "Job", Role::Plain);
        canvas.within(
            20,
            y,
            end.saturating_sub(20),
            &tail(url, usize::from(end.saturating_sub(20))),
            Role::Plain,
        );
    }
    if live {
        let bottom = canvas.height().saturating_sub(1);
        let text = "You can close this window: the job is saved, and goes on when you are back.";
        canvas.text(3, bottom, text, Role::Quiet);
    }
}

/// How it stands, in a sentence.
fn told(model: &Model, standing: &Standing) -> (&'static str, Role) {
    let state = &standing.state;
    match state.stage {
        Stage::Cancelled => (
            "The export was cancelled. Run under Export asks for a new one.",
            Role::Note,
        ),
        Stage::New | Stage::RolledBack => ("Nothing was asked for yet.", Role::Quiet),
        Stage::Started | Stage::KickingOff => ("The export is being asked for.", Role::Here),
        Stage::Exporting if model.job().is_some_and(|job| job.stopping) => {
            ("Stopping. The job's address is saved.", Role::Note)
        }
        Stage::Exporting if model.job().is_some() => ("The EHR is preparing the export.", Role::Here),
        Stage::Exporting if state.stopped.is_some() => ("It stopped, and nobody asks how far it is.", Role::Wrong),
        Stage::Exporting => (
            "Paused: nobody asks how far it is. The job at the EHR goes on.",
            Role::Note,
        ),
        _ => ("The export is ready; its files are listed under Ingest.", Role::Done),
    }
}

/// The end of an address, which tells one from another.
fn tail(url: &str, room: usize) -> String {
    let len = url.chars().count();
    if len <= room {
        url.to_owned()
    } else {
        format!("…{}", url.chars().skip(len + 1 - room).collect::<String>())
    }
}

#[cfg(test)]
mod tests;
