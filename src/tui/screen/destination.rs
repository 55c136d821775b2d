//! Destination: the FHIR server that the records are delivered to, what it can do, how a delivery goes, and what it does not take.

mod draw;
pub mod settle;

pub use draw::view;
pub use settle::no_conflict;

use super::Screen;
use crate::engine::Command;
use crate::engine::destination::{Problem as Undelivered, Stand, Trial};
use crate::migration::{Destination, ServerKind, Standing, Step};
use crate::tui::action::Action;
use crate::tui::figure::{count, several};
use crate::tui::list::List;
use crate::tui::message::{Effect, Problem, Query};
use crate::tui::model::Model;
use crate::tui::overlay::{Ask, Choose, For, Gets, Overlay, Reading};

/// Problems of one type that are told.
const TOLD: usize = 200;

/// What is known of the destination.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The server and how the records stand there.
    pub server: Server,
    /// What came of trying it.
    pub tried: Option<Tried>,
    from: Screen,
    list: List,
    /// The records about which somebody is being asked whose stay.
    settling: Vec<String>,
}

/// The server, as far as that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Server {
    /// It was not read yet.
    #[default]
    Unread,
    /// There is none.
    None,
    /// How the records stand there.
    Known(Box<Stand>),
}

impl Server {
    /// As it was read.
    pub fn of(read: Option<Stand>) -> Self {
        read.map_or(Self::None, |stand| Self::Known(Box::new(stand)))
    }
}

/// What came of trying a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// It has not answered yet.
    Asking,
    /// It has, or cannot be had.
    Done(Result<Trial, Problem>),
}

impl State {
    fn stand(&self) -> Option<&Stand> {
        match &self.server {
            Server::Known(stand) => Some(stand),
            Server::Unread | Server::None => None,
        }
    }
}

/// Opens the screen.
pub fn enter(model: &mut Model, from: Screen) -> Vec<Effect> {
    model.destination = State {
        from,
        ..State::default()
    };
    read(model)
}

/// Reads again what it shows.
pub fn read(model: &Model) -> Vec<Effect> {
    let open = model.open.clone();
    open.map(|id| Effect::Read(Query::Destination(id)))
        .into_iter()
        .collect()
}

/// A job is at work.
pub fn busy(model: &Model) -> Option<String> {
    model.job().map(|_| "a job is at work".to_owned())
}

/// No server is known.
pub fn not_known(model: &Model) -> Option<String> {
    match model.destination.stand() {
        None => Some("no server is known yet".to_owned()),
        Some(_) => busy(model),
    }
}

/// Nothing can be delivered now.
pub fn not_deliverable(model: &Model) -> Option<String> {
    let unfinished = model.opened().is_some_and(|standing| standing.state.unfinished());
    not_known(model).or_else(|| unfinished.then(|| "the run is not done".to_owned()))
}

/// The chosen type has no problem.
pub fn no_problem(model: &Model) -> Option<String> {
    let chosen = lines(model).into_iter().nth(model.destination.list.at);
    let none = chosen.is_none_or(|line| line.problems == 0);
    none.then(|| "nothing of it is in the way".to_owned())
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Go(movement) => {
            let (len, page) = (lines(model).len(), room(model.body_rows()));
            model.destination.list.go(movement, len, page);
            Vec::new()
        }
        Action::Edit => {
            let text = "The FHIR base URL of the practice's new server, such as https://fhir.example.org/r4. Credentials are given with \
                        `cutover destination set`. Every record is written so that writing it twice makes one of it.";
            let mut ask = Ask::new("Which server are the records delivered to?", text, For::Destination);
            if let Some(stand) = model.destination.stand() {
                ask.typed = crate::tui::text_input::TextInput::new(stand.destination.base_url.clone());
            }
            model.overlay = Some(Overlay::Ask(ask));
            Vec::new()
        }
        Action::Preset => {
            let options = ServerKind::ALL.map(|kind| (kind.name().to_owned(), words(kind).to_owned()));
            if let Some(stand) = model.destination.stand() {
                let now = stand.destination.kind.name();
                let choose = Choose::one("Which server is it?", Gets::ServerKind, options.to_vec(), now);
                model.overlay = Some(Overlay::Choose(choose));
            }
            Vec::new()
        }
        Action::Test => {
            model.destination.tried = Some(Tried::Asking);
            let plan = model.plan().cloned();
            plan.map(|plan| Effect::Try(Box::new(plan))).into_iter().collect()
        }
        Action::Run => start(model, Command::Deliver { force: false }),
        Action::VerifyAgain => start(model, Command::Prove),
        Action::Settle => {
            settle::ask(model);
            Vec::new()
        }
        Action::Open => {
            tell(model);
            Vec::new()
        }
        Action::Back => match model.destination.from {
            from @ Screen::Step(_) => super::enter(model, from),
            _ => super::enter(model, Screen::Step(Step::Ingest)),
        },
        _ => Vec::new(),
    }
}

fn start(model: &Model, command: Command) -> Vec<Effect> {
    let plan = model.plan().cloned();
    plan.map(|plan| Effect::Start(Box::new(plan), command))
        .into_iter()
        .collect()
}

/// Takes another address.
pub fn set_address(model: &mut Model, text: &str) -> Vec<Effect> {
    let base_url = text.trim_end_matches('/');
    let before = model.destination.stand().map(|stand| stand.destination.clone());
    let chosen = Destination {
        base_url: base_url.to_owned(),
        ..before.unwrap_or_else(|| Destination::new(base_url))
    };
    choose(model, chosen)
}

/// Takes another kind of server.
pub fn set_kind(model: &mut Model, name: &str) -> Vec<Effect> {
    let before = model.destination.stand().map(|stand| stand.destination.clone());
    match before.zip(ServerKind::parse(name)) {
        Some((before, kind)) => choose(model, Destination { kind, ..before }),
        None => Vec::new(),
    }
}

fn choose(model: &mut Model, chosen: Destination) -> Vec<Effect> {
    model.destination.tried = None;
    let plan = model.plan().cloned();
    plan.map(|plan| Effect::Choose(Box::new(plan), Box::new(chosen)))
        .into_iter()
        .collect()
}

/// A kind of server in a word or two.
fn words(kind: ServerKind) -> &'static str {
    match kind {
        ServerKind::Generic => "any FHIR R4 server",
        ServerKind::Hapi => "HAPI FHIR, Smile CDR",
        ServerKind::Medplum => "Medplum",
        ServerKind::Azure => "Azure Health Data Services",
        ServerKind::Google => "Google Cloud Healthcare",
        ServerKind::Helios => "Helios",
        ServerKind::Eclinicalworks => "eClinicalWorks (demographics only)",
    }
}

/// What is known of one type.
struct Line {
    name: String,
    how: String,
    cannot: bool,
    there: u64,
    problems: u64,
}

/// How each type is written, and how its records stand.
fn lines(model: &Model) -> Vec<Line> {
    let Some(stand) = model.destination.stand() else {
        return Vec::new();
    };
    let tried = match &model.destination.tried {
        Some(Tried::Done(Ok(tried))) => Some(tried),
        _ => None,
    };
    let strategies = tried.map_or(&stand.destination.strategies, |tried| &tried.plan.strategies);
    let mut names: Vec<&String> = stand.there.keys().chain(strategies.keys()).collect();
    names.extend(tried.into_iter().flat_map(|tried| tried.plan.not_written.keys()));
    names.extend(stand.problems.iter().map(|problem| &problem.resource_type));
    names.sort_unstable();
    names.dedup();
    let planned = tried.map(|tried| tried.plan.types()).unwrap_or_default();
    let line = |name: &String| {
        let before = strategies
            .get(name)
            .map(|strategy| (strategy.describe().to_owned(), true));
        let (how, written) = planned
            .get(name.as_str())
            .cloned()
            .or(before)
            .unwrap_or((String::new(), true));
        let problems = stand.problems.iter().filter(|problem| problem.resource_type == *name);
        Line {
            name: name.clone(),
            how,
            cannot: !written,
            there: stand.there.get(name).copied().unwrap_or_default(),
            problems: problems.count() as u64,
        }
    };
    names.into_iter().map(line).collect()
}

/// The problems of a type.
fn problems_of<'a>(model: &'a Model, name: &str) -> Vec<&'a Undelivered> {
    let all = model.destination.stand().into_iter().flat_map(|stand| &stand.problems);
    all.filter(|problem| problem.resource_type == name).collect()
}

/// Shows the problems of the chosen type.
fn tell(model: &mut Model) {
    let Some(line) = lines(model).into_iter().nth(model.destination.list.at) else {
        return;
    };
    let own = problems_of(model, &line.name).into_iter();
    let mut parts: Vec<(String, String)> = own.take(TOLD).map(|problem| part(model, problem)).collect();
    if line.problems > parts.len() as u64 {
        let rest = "`cutover destination problems` lists them all".to_owned();
        parts.push((format!("The first {} of {}", parts.len(), count(line.problems)), rest));
    }
    let title = format!(
        "{}: {} not there as it should be",
        line.name,
        several(line.problems, "record")
    );
    model.overlay = Some(Overlay::Reading(Reading::new(title, parts)));
}

fn part(model: &Model, problem: &Undelivered) -> (String, String) {
    let record = format!("{}/{}", problem.resource_type, model.private(&problem.id));
    let why = match &problem.standing {
        Standing::Refused { status, reason } if *status > 0 => format!("refused (HTTP {status}): {reason}"),
        Standing::Refused { reason, .. } => format!("not sent: {reason}"),
        Standing::Conflict { reason, .. } => {
            format!("conflict: {reason}. `c` settles which of the two stays.")
        }
        Standing::Delivered | Standing::Inside { .. } | Standing::HandedOff | Standing::Agreed { .. } => String::new(),
    };
    (record, why)
}

/// Rows of types that are seen at once.
fn room(body: usize) -> usize {
    body.saturating_sub(9).max(1)
}

#[cfg(test)]
mod tests;
