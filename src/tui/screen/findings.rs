//! Findings: what a check found, each with the file and the line that it came from; of a record both sides, and its repair.

use super::Screen;
use super::conflict::hidden;
use super::verify::Check;
use crate::engine::{Command, DifferingField};
use crate::migration::{By, Finding, Step, Verification};
use crate::tui::action::Action;
use crate::tui::canvas::Canvas;
use crate::tui::figure::{count, several};
use crate::tui::list::List;
use crate::tui::look::{Role, Sign};
use crate::tui::message::{Effect, Problem, Query};
use crate::tui::model::Model;
use crate::tui::overlay::{Ask, For, Overlay, Reading};

/// Which finding is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    list: List,
}

/// Opens the screen.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    model.findings = State::default();
    Vec::new()
}

/// The chosen finding, with its number if it is on a record.
fn chosen(model: &Model) -> Option<(Option<u64>, Finding)> {
    model.verify.findings().into_iter().nth(model.findings.list.at)
}

/// Why there is no record to look at.
pub fn no_record(model: &Model) -> Option<String> {
    match chosen(model) {
        None => Some("nothing was found".to_owned()),
        Some((None, _)) => Some("it is not about a record".to_owned()),
        Some((Some(_), _)) => None,
    }
}

/// Why the chosen record cannot be taken in once more.
pub fn not_repairable(model: &Model) -> Option<String> {
    let flipped = model.opened().is_some_and(|standing| standing.state.flipped);
    match model.job() {
        Some(_) => Some("a job is at work".to_owned()),
        None if flipped => Some("the practice has gone over".to_owned()),
        None => no_record(model),
    }
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Go(movement) => {
            let (len, page) = (model.verify.findings().len(), page(model.body_rows()));
            model.findings.list.go(movement, len, page);
            Vec::new()
        }
        Action::Open => {
            let number = chosen(model).and_then(|(number, _)| number);
            let query = model.open.clone().zip(number);
            query
                .map(|(migration, number)| Effect::Read(Query::Finding(migration, number)))
                .into_iter()
                .collect()
        }
        Action::Repair => {
            let title = "Why is this record taken in once more?";
            let text = "The store gets what the migration should have made of the line that was received, as a new version; what nobody sent is \
                        taken out. It goes on record with your name.";
            model.overlay = Some(Overlay::Ask(Ask::new(title, text, For::Repair)));
            Vec::new()
        }
        Action::Back => super::enter(model, Screen::Step(Step::Verify)),
        _ => Vec::new(),
    }
}

/// Has the engine take the chosen record in once more.
pub fn repair(model: &mut Model, why: String) -> Vec<Effect> {
    let number = chosen(model).and_then(|(number, _)| number);
    let Some((plan, finding)) = model.plan().cloned().zip(number) else {
        return Vec::new();
    };
    let mut who: By = model.place.operator.clone().into();
    who.why = Some(why);
    vec![Effect::Start(Box::new(plan), Command::Repair { finding, who })]
}

/// Shows both sides of a record, field by field.
pub fn show(model: &mut Model, number: u64, shown: Result<(String, Vec<DifferingField>), Problem>) {
    let Some((Some(wanted), finding)) = chosen(model) else {
        return;
    };
    if model.screen != Screen::Findings || wanted != number {
        return;
    }
    let (record, fields) = match shown {
        Ok(shown) => shown,
        Err(problem) => {
            let parts = vec![(String::new(), problem.what)];
            model.overlay = Some(Overlay::Reading(Reading::new(format!("Finding {number}"), parts)));
            return;
        }
    };
    let mut parts = vec![(String::new(), finding.what.clone())];
    let lost = finding.elements.iter().filter(|lost| !lost.element.is_empty());
    let lost: Vec<String> = lost.map(|lost| format!("{}  {}", lost.element, lost.class)).collect();
    if !lost.is_empty() {
        parts.push(("Elements".to_owned(), lost.join("\n")));
    }
    for DifferingField {
        path, expected, given, ..
    } in fields
    {
        let side = |side: Option<String>| side.map_or("(none)".to_owned(), |text| hidden(model, &text).into_owned());
        parts.push((path, format!("EHR   {}\nhere  {}", side(expected), side(given))));
    }
    model.overlay = Some(Overlay::Reading(Reading::new(record, parts)));
}

fn page(body: usize) -> usize {
    body.saturating_sub(8).max(1)
}

/// Draws the screen.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    let findings = model.verify.findings();
    let check = model.verify.check();
    canvas.text(2, 0, check.name(), Role::Strong);
    let Some(found) = &model.verify.found else { return };
    match check {
        Check::References => return references(found, canvas),
        Check::Lists => return lists(found, canvas),
        _ => {}
    }
    let end = canvas.width().saturating_sub(2);
    canvas.right(end, 0, &several(findings.len() as u64, "finding"), Role::Quiet);
    if findings.is_empty() {
        canvas.text(3, 2, "Nothing was found.", Role::Done);
        return;
    }
    let room = page(usize::from(canvas.height()));
    let list = model.findings.list;
    for (y, at) in (2..).zip(list.window(findings.len(), room)) {
        let (_, finding) = &findings[at];
        canvas.within(3, y, 27, &finding.code, Role::Wrong);
        let place = if finding.line > 0 {
            format!("{} line {}", finding.file, count(finding.line))
        } else {
            finding.file.clone()
        };
        let place = if place.is_empty() { &finding.what } else { &place };
        canvas.within(31, y, end.saturating_sub(31), place, Role::Plain);
        if at == list.at {
            canvas.sign(1, y, Sign::Chosen, Role::Key);
            canvas.restyle(3, y, 27, Role::Chosen);
        }
    }
    if let Some((_, finding)) = findings.get(list.at) {
        let top = canvas.height().saturating_sub(5);
        let run = if finding.run > 0 {
            format!("Run {}: ", finding.run)
        } else {
            String::new()
        };
        let text = format!("{run}{}", finding.what);
        canvas
            .part(3, top, end.saturating_sub(3), 3)
            .paragraph(0, 0, &text, Role::Plain);
        let elements = finding.elements.iter().map(|lost| lost.element.as_str());
        let named: Vec<&str> = elements.filter(|element| !element.is_empty()).collect();
        canvas.within(3, top + 3, end.saturating_sub(3), &named.join(", "), Role::Quiet);
    }
}

/// The lists on which a patient's safety hangs: on how many patients each of them differs.
fn lists(found: &Verification, canvas: &mut Canvas<'_>) {
    let text = format!("Compared as lists, for {}:", several(found.lists.patients, "patient"));
    canvas.text(3, 2, &text, Role::Plain);
    for (y, list) in (4..).zip(crate::fhir::ClinicalList::ALL) {
        let differing = found.lists.differing.get(&list).copied().unwrap_or_default();
        canvas.within(3, y, 30, list.name(), Role::Plain);
        let role = if differing > 0 { Role::Wrong } else { Role::Done };
        let text = match differing {
            0 => "the same for each of them".to_owned(),
            _ => format!("otherwise for {}", count(differing)),
        };
        canvas.text(34, y, &text, role);
    }
    let bottom = canvas.height().saturating_sub(3);
    let width = canvas.width().saturating_sub(6);
    let text = "What differs is told with the records, under `Every record as received`.";
    canvas.part(3, bottom, width, 3).paragraph(0, 0, text, Role::Quiet);
}

/// References that lead nowhere, by why: the source had none of those records either, or they are elsewhere.
fn references(found: &Verification, canvas: &mut Canvas<'_>) {
    let sum: u64 = found.dangling.values().sum();
    let text = format!(
        "{} of {} lead to a record that was not exported.",
        count(sum),
        several(found.references, "reference")
    );
    canvas.text(3, 2, &text, Role::Plain);
    for (y, (kind, number)) in (4..).zip(&found.dangling) {
        canvas.within(3, y, 30, kind, Role::Plain);
        canvas.right(46, y, &count(*number), Role::Strong);
    }
    let bottom = canvas.height().saturating_sub(3);
    let width = canvas.width().saturating_sub(6);
    let text = "They are kept as they came: the record they name was not in the export, is on another server, or its type was not asked for.";
    canvas.part(3, bottom, width, 3).paragraph(0, 0, text, Role::Quiet);
}
