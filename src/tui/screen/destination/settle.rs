//! Whose record stays, where the store and the server differ.

use super::{TOLD, lines, problems_of};
use crate::engine::Command;
use crate::engine::destination::Problem as Undelivered;
use crate::migration::{By, Keep, Standing};
use crate::tui::figure::several;
use crate::tui::message::Effect;
use crate::tui::model::Model;
use crate::tui::overlay::{Choose, Gets, Overlay};

/// Stands for all conflicts of the chosen type.
const ALL: &str = "*";

/// The conflicts of the chosen type.
fn conflicts(model: &Model) -> Vec<&Undelivered> {
    let Some(line) = lines(model).into_iter().nth(model.destination.list.at) else {
        return Vec::new();
    };
    let own = problems_of(model, &line.name).into_iter();
    own.filter(|problem| matches!(problem.standing, Standing::Conflict { .. }))
        .collect()
}

/// The chosen type has no conflict with the server.
pub fn no_conflict(model: &Model) -> Option<String> {
    let none = conflicts(model).is_empty();
    super::busy(model).or_else(|| none.then(|| "nothing of it is in conflict with the server".to_owned()))
}

fn name(problem: &Undelivered) -> String {
    format!("{}/{}", problem.resource_type, problem.id)
}

/// Asks which conflict is to be settled.
pub fn ask(model: &mut Model) {
    let found = conflicts(model);
    let mut options = Vec::new();
    if found.len() > 1 {
        let all = format!("all of them: {}", several(found.len() as u64, "record"));
        options.push((ALL.to_owned(), all));
    }
    options.extend(found.into_iter().take(TOLD).map(|problem| {
        let reason = match &problem.standing {
            Standing::Conflict { reason, .. } => reason.as_str(),
            _ => "",
        };
        let id = model.private(&problem.id);
        let text = format!("{}/{id}: {reason}", problem.resource_type);
        (name(problem), crate::fhir::safe(&text).into_owned())
    }));
    let choose = Choose::one(
        "Which conflict with the server is settled?",
        Gets::Unsettled,
        options,
        "",
    );
    model.overlay = Some(Overlay::Choose(choose));
}

/// Asks whose record stays.
pub fn chosen(model: &mut Model, value: &str) {
    let settling = if value == ALL {
        conflicts(model).into_iter().map(name).collect()
    } else {
        vec![value.to_owned()]
    };
    model.destination.settling = settling;
    let options = [
        (Keep::Store, "ours: the next delivery puts it there"),
        (Keep::Server, "theirs: it stays as it is there"),
    ];
    let options = options.map(|(keep, text)| (keep.name().to_owned(), text.to_owned()));
    let choose = Choose::one("Whose record stays?", Gets::Keep, options.to_vec(), Keep::Server.name());
    model.overlay = Some(Overlay::Choose(choose));
}

/// Has it settled.
pub fn keep(model: &mut Model, value: &str) -> Vec<Effect> {
    let records = std::mem::take(&mut model.destination.settling);
    let who: By = model.place.operator.clone().into();
    let Some(keep) = Keep::parse(value).filter(|_| !records.is_empty()) else {
        return Vec::new();
    };
    super::start(model, Command::Agree { records, keep, who })
}
