//! Bundles that are posted to the base: batches and transactions (FHIR R4, "batch/transaction").

use std::collections::{HashMap, HashSet};

use axum::http::Method;
use serde_json::{Value, json};

use super::answer::{Answer, Prefer, refused_entry};
use super::reference;
use super::request::{Request, Target};
use super::world::World;
use super::write::Action;
use crate::sandbox::outcome::Refusal;

/// What stands in the way of an entry before it is looked at: scopes, points, faults.
pub(super) type Hinder<'a> = &'a mut dyn FnMut(&Request) -> Result<(), Refusal>;

/// How a Bundle is worked off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Each entry by itself.
    Batch,
    /// All or nothing.
    Transaction,
}

impl World {
    /// How this server works off a Bundle; its type may say more than the server does.
    pub(super) fn mode(&self, bundle: &Value) -> Result<Mode, Refusal> {
        if bundle["resourceType"] != "Bundle" {
            return Err(Refusal::invalid("Only a Bundle can be posted to the base."));
        }
        match bundle["type"].as_str() {
            Some("transaction") if self.manners.transactions => Ok(Mode::Transaction),
            Some("batch" | "transaction") if self.manners.batches => Ok(Mode::Batch),
            _ => Err(Refusal::invalid(
                "A Bundle posted to the base has to be a batch or a transaction.",
            )),
        }
    }

    /// The answer to a Bundle; an error only where the whole is refused.
    pub(super) fn bundle(
        &mut self,
        bundle: &Value,
        fresh: bool,
        prefer: Prefer,
        hinder: Hinder<'_>,
    ) -> Result<Value, Refusal> {
        let mode = self.mode(bundle)?;
        let entries = bundle["entry"].as_array().map_or(&[][..], Vec::as_slice);
        let requests = entries
            .iter()
            .map(|entry| Request::from_entry(entry, &self.base_url, fresh));
        let answered = match mode {
            Mode::Batch => {
                let requests = requests.collect();
                self.batch(entries, requests, prefer, hinder)
            }
            Mode::Transaction => {
                let numbered = requests.enumerate();
                let requests: Result<Vec<Request>, Refusal> = numbered
                    .map(|(at, request)| request.map_err(|refusal| refusal.at_entry(at)))
                    .collect();
                self.transaction(entries, &requests?, prefer, hinder)?
            }
        };
        // Named after what was asked for, even where a transaction is worked off as a batch; Medplum does so.
        let kind = bundle["type"].as_str().unwrap_or("batch");
        Ok(json!({ "resourceType": "Bundle", "type": format!("{kind}-response"), "entry": answered }))
    }

    /// One request by itself.
    pub(super) fn perform(&mut self, request: Request) -> Result<Answer, Refusal> {
        if !request.writes() {
            return self.look_up(&request);
        }
        let action = self.settle(&request)?;
        self.carry_out(action, request, false)
    }

    fn batch(
        &mut self,
        entries: &[Value],
        mut requests: Vec<Result<Request, Refusal>>,
        prefer: Prefer,
        hinder: Hinder<'_>,
    ) -> Vec<Value> {
        let mut order: Vec<usize> = (0..requests.len()).collect();
        let mut names = HashMap::new();
        if self.manners.sorts_batches {
            order.sort_by_key(|at| requests.get(*at).and_then(|one| one.as_ref().ok()).map_or(0, rank));
            names = self.name_ahead(entries, &mut requests);
        }
        let mut todo: Vec<Option<Result<Request, Refusal>>> = requests.into_iter().map(Some).collect();
        let mut answers = vec![Value::Null; todo.len()];
        for at in order {
            let (Some(request), Some(place)) = (todo.get_mut(at).and_then(Option::take), answers.get_mut(at)) else {
                continue;
            };
            let answered = request.and_then(|mut request| {
                hinder(&request)?;
                if let Some(body) = &mut request.body {
                    reference::rewrite(body, &names);
                }
                let written = request.writes();
                Ok((self.perform(request)?, written))
            });
            *place = match answered {
                Ok((answer, written)) => answer.entry(&self.manners, &self.base_url, prefer, written),
                Err(refusal) => refused_entry(&refusal, &self.manners),
            };
        }
        answers
    }

    /// Gives ids ahead to what entries would create, and names what they are about: the new references by `fullUrl`.
    fn name_ahead(&mut self, entries: &[Value], requests: &mut [Result<Request, Refusal>]) -> HashMap<String, String> {
        let mut names = HashMap::new();
        for (entry, request) in entries.iter().zip(requests) {
            let Ok(request) = request else { continue };
            // What is refused here is refused again, and told, when its turn comes.
            if request.writes()
                && let Ok(Action::Put(kind, id) | Action::Keep(kind, id)) = self.settle(request)
            {
                note(&mut names, entry, &kind, &id);
                request.assigned = Some(id);
            }
        }
        names
    }

    fn transaction(
        &mut self,
        entries: &[Value],
        requests: &[Request],
        prefer: Prefer,
        hinder: Hinder<'_>,
    ) -> Result<Vec<Value>, Refusal> {
        let mark = self.records.mark();
        let answers = self.attempt(entries, requests, hinder);
        let answers = answers.and_then(|answers| self.conclude(mark, answers));
        let answers = answers.inspect_err(|_| self.records.undo_to(mark))?;
        let shown = answers.iter().zip(requests);
        Ok(shown
            .map(|(answer, request)| answer.entry(&self.manners, &self.base_url, prefer, request.writes()))
            .collect())
    }

    /// Does all entries in the order of the specification; answers are in the order of the entries.
    fn attempt(&mut self, entries: &[Value], requests: &[Request], hinder: Hinder<'_>) -> Result<Vec<Answer>, Refusal> {
        let mut order: Vec<usize> = (0..requests.len()).collect();
        order.sort_by_key(|at| requests.get(*at).map_or(0, rank));
        let (mut names, mut actions) = (HashMap::new(), HashMap::new());
        let (mut touched, mut conditions) = (HashSet::new(), HashSet::new());
        for at in &order {
            let (Some(request), Some(entry)) = (requests.get(*at), entries.get(*at)) else {
                continue;
            };
            let twice = || Refusal::invalid("The record occurs twice in the transaction.").at_entry(*at);
            hinder(request).map_err(|refusal| refusal.at_entry(*at))?;
            if !request.writes() {
                continue;
            }
            if request
                .condition()
                .is_some_and(|condition| !conditions.insert(condition))
            {
                return Err(twice());
            }
            let action = self.settle(request).map_err(|refusal| refusal.at_entry(*at))?;
            if let Action::Put(kind, id) | Action::Delete(kind, id) = &action
                && !touched.insert((kind.clone(), id.clone()))
            {
                return Err(twice());
            }
            if let Action::Put(kind, id) | Action::Keep(kind, id) = &action {
                note(&mut names, entry, kind, id);
            }
            actions.insert(*at, action);
        }
        let mut answers = vec![Answer::plain(500, None); requests.len()];
        for at in order {
            let (Some(request), Some(place)) = (requests.get(at), answers.get_mut(at)) else {
                continue;
            };
            let mut request = request.clone();
            let answer = match actions.remove(&at) {
                Some(action) => {
                    if let Some(body) = &mut request.body {
                        reference::rewrite(body, &names);
                    }
                    self.carry_out(action, request, true)
                }
                None => self.look_up(&request),
            };
            *place = answer.map_err(|refusal| refusal.at_entry(at))?;
        }
        Ok(answers)
    }

    /// The end of a transaction: references that are searches find what was written, and all references lead somewhere.
    fn conclude(&mut self, mark: usize, mut answers: Vec<Answer>) -> Result<Vec<Answer>, Refusal> {
        let written = self.records.since(mark);
        for (kind, id) in &written {
            let Some(resource) = self.records.current(kind, id) else {
                continue;
            };
            if reference::has_conditional(resource) {
                let mut resource = Value::clone(resource);
                reference::resolve(&mut resource, &self.records, false)?;
                self.records.amend(kind, id, resource);
            }
        }
        for (kind, id) in &written {
            self.check_references(kind, id)?;
        }
        for answer in &mut answers {
            if let Some(of) = &answer.of
                && let Some((kind, id)) = of.record.split_once('/')
                && let Some(version) = self.records.latest(kind, id)
                && version.id == of.version
            {
                answer.resource.clone_from(&version.resource);
            }
        }
        Ok(answers)
    }
}

/// The order of work: deletions, creations, updates, reads.
fn rank(request: &Request) -> u8 {
    match (&request.method, &request.target) {
        (&Method::DELETE, _) => 0,
        (&Method::POST, Target::Type(_)) => 1,
        (&Method::PUT, _) => 2,
        _ => 3,
    }
}

/// Notes what the `fullUrl` of an entry stands for.
fn note(names: &mut HashMap<String, String>, entry: &Value, kind: &str, id: &str) {
    if let Some(full_url) = entry["fullUrl"].as_str() {
        names.insert(full_url.to_owned(), format!("{kind}/{id}"));
    }
}
