//! One record's way to the server: what is asked next, and what follows from each answer. Pure.
//!
//! A record is looked at before it is written, unless the server is known to have none of its type; after an answer that leaves open whether
//! something was written (R4 says nothing of 500, 502, 504 and cut connections), it is looked at again. What is there and is neither ours nor
//! what we knew is not written over.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::error::EngineError;
use super::inside::Inside;
use super::likeness::{same, tenant};
use super::outgoing::SOURCE_ID;
use super::queue::Room;
use crate::fhir;
use crate::migration::{Delivered, Standing};
use crate::store::RecordKey;
use crate::target::remote::{Found, Reply, Request};

/// How often a record is tried whose fate stays unknown.
const ATTEMPTS: u8 = 6;
/// How often the same record may be throttled.
const WAITS: u16 = 1000;

/// What is wanted of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// That the server holds it.
    Write,
    /// That the server does not hold it.
    Remove,
    /// To know whether the server holds it as it should.
    Check,
    /// That the server does not hold it, where others refer to it that are to go as well: those references are taken out first.
    Cut,
}

/// What is asked next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// What is there.
    Look,
    /// To do it.
    Act,
}

/// Where a record is at the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Under this id.
    Id(String),
    /// Where this search finds it.
    Search(String),
}

/// One record to be written or removed.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Task {
    pub key: RecordKey,
    pub resource_type: Arc<str>,
    /// The record without an id.
    pub body: Vec<u8>,
    /// Keyed hash of it, hexadecimal.
    pub content: String,
    pub made_from: String,
    pub complete: bool,
    pub goal: Goal,
    pub place: Place,
    /// Where it is made anew should it not be there any more, for servers that give their own ids.
    pub anew: Option<Place>,
    /// It is there, as far as we know.
    pub exists: bool,
    /// The version that is there, as far as we know.
    pub version: Option<String>,
    /// It was the server's before it was the migration's.
    pub servers_own: bool,
    pub known: Option<Delivered>,
    pub step: Step,
    pub attempts: u8,
    pub waited: u16,
    /// Somebody decided that the server is to have ours in place of `version`, or again where there is none.
    pub agreed: bool,
    /// It was in a transaction that the server refused, and goes in a batch now.
    pub apart: bool,
    /// For [`Goal::Cut`]: the records at the server that refer to each other in a circle, as `Type/id`.
    pub going: Arc<BTreeSet<String>>,
    /// It was written just now, and the server did not say in which version.
    pub wrote: Option<Came>,
    /// Also over what was edited at the server since.
    pub force: bool,
    /// Documents in it.
    pub inside: Vec<Inside>,
    /// What it takes of the room for what is on its way.
    pub room: Option<Room>,
}

/// What came of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// It was written, and is new there.
    Created,
    /// A new version was written.
    Updated,
    /// What is to be removed refers to nothing any more that is to be removed.
    Cut,
    /// It was there as it should be.
    Found,
    /// It is gone.
    Removed,
    /// The server does not take it.
    Refused,
    /// The server has something else there.
    Conflict,
}

/// What follows from an answer.
pub enum Next {
    /// The task is over; what is to be remembered of the record.
    Over(Came, Box<Task>, Option<Delivered>),
    /// Ask again at once.
    Again(Task),
    /// Ask again later: the server is busy.
    Later(Task),
    /// The server takes no ids of ours for this type.
    WithoutId(Task),
    /// Nothing can go on.
    Stop(EngineError),
}

impl Task {
    /// What is asked next.
    pub fn request(&self) -> Request<'_> {
        let name = &self.resource_type;
        match (self.step, self.goal, &self.place) {
            (Step::Look, _, Place::Id(id)) | (Step::Act, Goal::Check, Place::Id(id)) => Request::read(name, id),
            (Step::Look, _, Place::Search(query))
            | (Step::Act, Goal::Remove | Goal::Check | Goal::Cut, Place::Search(query)) => Request::search(name, query),
            (Step::Act, Goal::Remove, Place::Id(id)) => Request::delete(name, id),
            (Step::Act, Goal::Write | Goal::Cut, Place::Id(id)) => {
                if self.exists {
                    Request::put(name, id, self.version.as_deref(), &self.body)
                } else {
                    Request::put_new(name, id, &self.body)
                }
            }
            (Step::Act, Goal::Write, Place::Search(query)) => Request::post(name, query.clone(), &self.body),
        }
    }

    /// Whether what is asked next changes something at the server.
    pub fn writes(&self) -> bool {
        self.step == Step::Act
            && self.goal != Goal::Check
            && !matches!((self.goal, &self.place), (Goal::Remove | Goal::Cut, Place::Search(_)))
    }

    /// What follows from an answer; without one, the record's fate is unknown.
    pub fn answered(mut self, reply: Option<&Reply>) -> Next {
        let status = reply.map_or(0, |reply| reply.status);
        let words = reply.map_or("", |reply| reply.words.as_str());
        match status {
            429 | 503 => {
                self.waited += 1;
                if self.waited > WAITS {
                    return self.refused(status, "the server was busy all the time");
                }
                // Nothing says that a 503 came before the write.
                if status == 503 && self.step == Step::Act {
                    self.step = Step::Look;
                }
                return Next::Later(self);
            }
            401 | 403 => {
                return Next::Stop(EngineError::NotReady {
                    what: format!(
                        "the server does not let us at its {}: HTTP {status}",
                        self.resource_type
                    ),
                    hint: "ask for the scopes that are missing, then deliver again: it goes on where it stopped"
                        .to_owned(),
                });
            }
            0 | 408 | 500 | 502 | 504 => return self.unknown(status, words),
            _ => {}
        }
        match (self.step, reply) {
            (Step::Look, Some(reply)) => self.looked(status, reply),
            (Step::Act, Some(reply)) if matches!(self.goal, Goal::Write | Goal::Cut) => self.written(status, reply),
            _ => self.removed(status, words),
        }
    }

    fn looked(mut self, status: u16, reply: &Reply) -> Next {
        match status {
            200 => match reply.found.as_slice() {
                [] if matches!(self.place, Place::Search(_)) => self.absent(status),
                [found] => {
                    let found = found.clone();
                    self.present(&found)
                }
                [] => self.unknown(status, "the record was not in the answer"),
                _ => self.conflict("several records of the server's carry our identifier", None),
            },
            404 | 410 => self.absent(status),
            304 => {
                self.attempts += 1;
                Next::Again(self)
            }
            _ => {
                let words = reply.words.clone();
                self.refused(status, &words)
            }
        }
    }

    /// Nothing is there.
    fn absent(mut self, status: u16) -> Next {
        match self.goal {
            Goal::Remove | Goal::Cut => return Next::Over(Came::Removed, Box::new(self), None),
            Goal::Check => return self.conflict("it is not at the destination", None),
            Goal::Write => {}
        }
        if self.wrote.take().is_some() {
            return self.look_again(status, "it cannot be found after it was written");
        }
        let seen = |known: &Delivered| known.is_there() && known.state != Standing::HandedOff;
        let was_there = self.servers_own || self.known.as_ref().is_some_and(seen);
        if (was_there || status == 410) && !self.force && !(self.agreed && self.version.is_none()) {
            return self.conflict("it was removed at the destination", None);
        }
        (self.exists, self.version, self.step) = (false, None, Step::Act);
        if let Some(anew) = self.anew.clone() {
            self.place = anew;
        }
        Next::Again(self)
    }

    fn present(mut self, found: &Found) -> Next {
        let expected = self.version.is_some() && self.version == found.version;
        let unversioned = self.exists && found.version.is_none();
        self.place = Place::Id(found.id.clone());
        let same = !matches!(self.goal, Goal::Remove | Goal::Cut) && same(&self.body, &found.record);
        let ours = !self.servers_own && tenant(&found.record).is_some_and(|theirs| tenant(&self.body) == Some(theirs));
        // After an unknown outcome, or a kill before it was noted: what is there is what we wrote last.
        let written_by_us = ours && !self.known.as_ref().is_some_and(Delivered::is_there);
        if let Some(came) = self.wrote {
            let known = self.remember(found.id.clone(), found.version.clone(), came == Came::Created);
            return Next::Over(came, Box::new(self), Some(known));
        }
        if same {
            let known = self.remember(found.id.clone(), found.version.clone(), ours);
            return Next::Over(Came::Found, Box::new(self), Some(known));
        }
        if self.goal == Goal::Check {
            return self.conflict("the destination has other content", None);
        }
        if expected || unversioned || written_by_us || self.force {
            (self.exists, self.step) = (true, Step::Act);
            self.version.clone_from(&found.version);
            if self.goal == Goal::Cut {
                self.cut(&found.record);
            }
            return Next::Again(self);
        }
        let reason = if self.exists || self.servers_own {
            "it was changed at the destination since"
        } else {
            "the destination has another record in its place"
        };
        self.conflict(reason, found.version.clone())
    }

    /// Takes references to what is to be removed too out of what the server has; without any, the record is removed as it is.
    fn cut(&mut self, theirs: &[u8]) {
        let cut = fhir::by_identifier(theirs, None, |name, id| {
            let place = format!("{name}/{id}");
            self.going.contains(&place).then(|| (SOURCE_ID.to_owned(), place))
        });
        match cut.and_then(|cut| fhir::outgoing(&cut, None).ok()) {
            Some(body) => self.body = body,
            None => self.goal = Goal::Remove,
        }
    }

    fn written(self, status: u16, reply: &Reply) -> Next {
        match status {
            200 | 201 | 204 => {
                let searching = matches!(self.place, Place::Search(_));
                let id = match &self.place {
                    Place::Id(id) => Some(id.clone()),
                    Place::Search(_) => reply.id.clone(),
                };
                match id {
                    // 200 to a conditional create: there was one, and nothing was written.
                    Some(id) if !(searching && status == 200) => {
                        let came = match (self.goal, self.exists) {
                            (Goal::Cut, _) => Came::Cut,
                            (_, true) => Came::Updated,
                            (_, false) => Came::Created,
                        };
                        if reply.version.is_none() {
                            // Without its version nobody can tell whether it is changed there later.
                            return self.written_as(id, came);
                        }
                        let known = self.remember(id, reply.version.clone(), came == Came::Created);
                        Next::Over(came, Box::new(self), Some(known))
                    }
                    _ => self.look_again(status, "it cannot be found after it was written"),
                }
            }
            409 => {
                let words = reply.words.clone();
                self.look_again(status, &words)
            }
            412 if matches!(self.place, Place::Search(_)) => {
                self.conflict("several records of the server's carry our identifier", None)
            }
            412 => self.look_again(
                status,
                "the destination says that it has another version, and gives the same",
            ),
            404 | 405 if !self.exists && matches!(self.place, Place::Id(_)) && !self.servers_own => {
                Next::WithoutId(self)
            }
            410 if !self.force && !self.agreed => self.conflict("it was removed at the destination", None),
            _ => {
                let words = reply.words.clone();
                self.refused(status, &words)
            }
        }
    }

    fn written_as(mut self, id: String, came: Came) -> Next {
        (self.place, self.wrote, self.step) = (Place::Id(id), Some(came), Step::Look);
        Next::Again(self)
    }

    fn removed(self, status: u16, words: &str) -> Next {
        match status {
            200 | 202 | 204 | 404 | 410 => Next::Over(Came::Removed, Box::new(self), None),
            409 | 412 => self.look_again(status, words),
            _ => self.refused(status, words),
        }
    }

    fn look_again(mut self, status: u16, words: &str) -> Next {
        self.attempts += 1;
        if self.attempts > 3 {
            return self.refused(status, words);
        }
        self.step = Step::Look;
        Next::Again(self)
    }

    fn unknown(mut self, status: u16, words: &str) -> Next {
        self.attempts += 1;
        if self.attempts > ATTEMPTS {
            let words = if words.is_empty() { "no answer" } else { words };
            return self.refused(status, words);
        }
        self.step = Step::Look;
        Next::Later(self)
    }

    fn remember(&self, id: String, version: Option<String>, created: bool) -> Delivered {
        Delivered {
            id,
            version,
            content: self.content.clone(),
            made_from: self.made_from.clone(),
            complete: self.complete,
            created: self.known.as_ref().map_or(created, |known| known.created || created) && !self.servers_own,
            state: Standing::Delivered,
        }
    }

    /// The server does not take it.
    pub fn refused(self, status: u16, words: &str) -> Next {
        let reason = words.to_owned();
        let known = Delivered::not_done(self.known.clone(), Standing::Refused { status, reason });
        Next::Over(Came::Refused, Box::new(self), Some(known))
    }

    /// The server has something else there, in this version.
    fn conflict(self, reason: &str, version: Option<String>) -> Next {
        let reason = reason.to_owned();
        let known = Delivered::not_done(self.known.clone(), Standing::Conflict { reason, version });
        Next::Over(Came::Conflict, Box::new(self), Some(known))
    }
}

#[cfg(test)]
pub(super) mod tests;
