//! The destination, drawn.

use std::time::Duration;

use jiff::Timestamp;

use super::{Server, Tried, lines, room, words};
use crate::engine::Delivery;
use crate::engine::destination::{Probed, Stand};
use crate::tui::canvas::Canvas;
use crate::tui::figure::{clock, count, several};
use crate::tui::look::{Role, Sign};
use crate::tui::model::Model;

/// Draws the screen.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    let Some(stand) = model.destination.stand() else {
        if model.destination.server == Server::Unread {
            return;
        }
        let width = canvas.width().saturating_sub(6);
        let text = "The records are in the embedded store of this workspace. They can be delivered to the practice's new FHIR server as well: \
                    give its address, and see what it can do before anything is written.";
        canvas.part(3, 0, width, 6).paragraph(0, 0, text, Role::Plain);
        return;
    };
    canvas.text(3, 0, &format!("Server     {}", stand.destination.base_url), Role::Plain);
    canvas.text(
        3,
        1,
        &format!("Kind       {}", words(stand.destination.kind)),
        Role::Plain,
    );
    answered(model, canvas);
    if let Some(delivery) = model.job().and_then(|job| job.snapshot.delivery.as_ref()) {
        delivering(delivery, model.now, canvas);
    } else {
        standing(stand, canvas);
        if let Some(Tried::Done(Ok(tried))) = &model.destination.tried {
            let text = format!("Plan       {}", tried.plan.describe());
            canvas.text(3, 5, &text, Role::Plain);
        }
    }
    table(model, canvas);
}

/// What the server said of itself.
fn answered(model: &Model, canvas: &mut Canvas<'_>) {
    let (text, role) = match &model.destination.tried {
        None => ("not asked yet".to_owned(), Role::Quiet),
        Some(Tried::Asking) => (
            "asking what it can do, and writing one record to try".to_owned(),
            Role::Here,
        ),
        Some(Tried::Done(Err(problem))) => (problem.what.clone(), Role::Wrong),
        Some(Tried::Done(Ok(tried))) => {
            let (what, role) = match tried.probed {
                Probed::Removed => ("one record written and removed", Role::Done),
                Probed::Left => ("one record written, and not removed again", Role::Wrong),
                Probed::Untried => ("nothing written to try", Role::Done),
            };
            let text = format!("{} (FHIR {}); {what}", tried.software, tried.fhir_version);
            (text, role)
        }
    };
    canvas.text(3, 2, "Answers", role);
    let width = canvas.width().saturating_sub(15);
    canvas.part(14, 2, width, 2).paragraph(0, 0, &text, role);
}

/// How a delivery goes.
fn delivering(delivery: &Delivery, now: Timestamp, canvas: &mut Canvas<'_>) {
    let counts = &delivery.counts;
    let what = [
        (counts.created, "new"),
        (counts.updated, "changed"),
        (counts.found, "found there"),
        (counts.removed, "removed"),
        (counts.refused, "refused"),
        (counts.conflicts, "in conflict"),
        (counts.kept, "left as they are there"),
    ];
    let what = what.iter().filter(|(number, _)| *number > 0);
    let what: Vec<String> = what
        .map(|(number, name)| format!("{} {name}", count(*number)))
        .collect();
    canvas.text(3, 4, &format!("Delivering {}", what.join("   ")), Role::Here);
    let pace = match (delivery.until, delivery.throttled) {
        (Some(until), _) => {
            let left = u64::try_from(until.as_second() - now.as_second()).unwrap_or(0);
            format!("busy: goes on in {}", clock(left))
        }
        (None, 0) => took(delivery.latency),
        (None, times) => format!("{}   waited {}", took(delivery.latency), several(times, "time")),
    };
    let text = format!(
        "{} requests of up to {}   {} at once   {pace}",
        count(delivery.requests),
        delivery.batch,
        delivery.at_once,
    );
    canvas.text(14, 5, &text, Role::Plain);
}

fn took(time: Duration) -> String {
    format!("{} ms", count(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
}

/// How the records stand.
fn standing(stand: &Stand, canvas: &mut Canvas<'_>) {
    let there: u64 = stand.there.values().sum();
    let open = stand.problems.len() as u64;
    let (text, role) = match (there, open) {
        (0, 0) => ("nothing was delivered yet".to_owned(), Role::Quiet),
        (there, 0) => (format!("{} there as sent", several(there, "record")), Role::Done),
        (there, open) => (
            format!(
                "{} there as sent; {} not there as they should be",
                several(there, "record"),
                count(open)
            ),
            Role::Wrong,
        ),
    };
    canvas.text(3, 4, &format!("Records    {text}"), role);
}

fn table(model: &Model, canvas: &mut Canvas<'_>) {
    let lines = lines(model);
    if lines.is_empty() {
        return;
    }
    let end = canvas.width().saturating_sub(2);
    let there = end.saturating_sub(10);
    canvas.text(3, 7, "Type", Role::Quiet);
    canvas.text(26, 7, "How it is written", Role::Quiet);
    canvas.right(there, 7, "there", Role::Quiet);
    canvas.right(end, 7, "problems", Role::Quiet);
    let list = model.destination.list;
    for (y, index) in (8..).zip(list.window(lines.len(), room(usize::from(canvas.height())))) {
        let line = &lines[index];
        canvas.within(3, y, 22, &line.name, Role::Plain);
        let role = if line.cannot { Role::Wrong } else { Role::Plain };
        canvas.within(26, y, there.saturating_sub(26 + 10), &line.how, role);
        let role = if line.there == 0 { Role::Quiet } else { Role::Plain };
        canvas.right(there, y, &count(line.there), role);
        let role = if line.problems == 0 { Role::Quiet } else { Role::Wrong };
        canvas.right(end, y, &count(line.problems), role);
        if index == list.at {
            canvas.sign(1, y, Sign::Chosen, Role::Key);
        }
    }
}
