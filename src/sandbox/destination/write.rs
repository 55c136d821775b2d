//! Create, update and delete: first what a request comes down to, then doing it.

use axum::http::Method;
use serde_json::Value;

use super::answer::Answer;
use super::manners::ClientIds;
use super::records::Version;
use super::request::{Request, Target};
use super::world::World;
use super::{meta, reference, search};
use crate::sandbox::outcome::Refusal;

/// What a request that writes comes down to, once its conditions are looked up. Each names type and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Write a new version.
    Put(String, String),
    /// Write nothing: the record that a conditional create asks for is there.
    Keep(String, String),
    /// Delete.
    Delete(String, String),
    /// Delete what nobody has.
    Nothing,
}

fn not_here() -> Refusal {
    let text = "This interaction is not supported at this address.";
    Refusal::new(405, "not-supported", text)
}

impl World {
    /// Looks up the conditions of a request; nothing is written.
    pub(super) fn settle(&mut self, request: &Request) -> Result<Action, Refusal> {
        let (Target::Type(kind) | Target::Record(kind, ..)) = &request.target else {
            return Err(not_here());
        };
        if !self.manners.writes(kind) || request.method == Method::DELETE && !self.manners.deletes {
            return Err(not_here());
        }
        let by_type = matches!(request.target, Target::Type(_)) && request.method != Method::POST;
        if by_type || request.if_none_exist.is_some() {
            self.manners.check_searched(kind)?;
        }
        match (&request.method, &request.target) {
            (&Method::POST, Target::Type(kind)) => {
                body_of(request, kind)?;
                let found = match &request.if_none_exist {
                    Some(query) => search::find(&self.records, kind, &search::condition(kind, query)?),
                    None => Vec::new(),
                };
                match found.as_slice() {
                    [] => Ok(Action::Put(kind.clone(), self.assigned(request, kind))),
                    [id] => Ok(Action::Keep(kind.clone(), id.clone())),
                    _ => Err(several(412)),
                }
            }
            (&Method::PUT, Target::Record(kind, id)) => {
                if body_of(request, kind)?["id"] != id.as_str() {
                    return Err(Refusal::invalid("The id of the resource is not the one in the URL."));
                }
                self.check_version(request, kind, id)?;
                self.check_client_id(kind, id)?;
                Ok(Action::Put(kind.clone(), id.clone()))
            }
            (&Method::PUT, Target::Type(kind)) => self.settle_conditional_update(request, kind),
            (&Method::DELETE, Target::Record(kind, id)) => {
                self.check_version(request, kind, id)?;
                Ok(Action::Delete(kind.clone(), id.clone()))
            }
            (&Method::DELETE, Target::Type(kind)) if self.manners.conditional_delete => {
                let found = search::find(&self.records, kind, &search::condition(kind, &request.query)?);
                match found.as_slice() {
                    [] => Ok(Action::Nothing),
                    [id] => Ok(Action::Delete(kind.clone(), id.clone())),
                    _ => Err(several(412)),
                }
            }
            _ => Err(not_here()),
        }
    }

    /// `PUT [base]/Type?query` (FHIR R4, "Conditional update").
    fn settle_conditional_update(&mut self, request: &Request, kind: &str) -> Result<Action, Refusal> {
        let own = body_of(request, kind)?["id"].as_str();
        let found = search::find(&self.records, kind, &search::condition(kind, &request.query)?);
        match (found.as_slice(), own) {
            ([], None) => Ok(Action::Put(kind.to_owned(), self.assigned(request, kind))),
            ([], Some(own)) => {
                if self.records.current(kind, own).is_some() {
                    let text = "The id of the resource is that of a record that does not meet the condition.";
                    return Err(Refusal::new(409, "conflict", text));
                }
                if self.manners.client_ids == ClientIds::Refused {
                    return Err(Refusal::invalid(
                        "A record cannot be created with a client-assigned ID.",
                    ));
                }
                self.check_client_id(kind, own)?;
                Ok(Action::Put(kind.to_owned(), own.to_owned()))
            }
            ([id], own) => {
                if own.is_some_and(|own| own != id) {
                    return Err(Refusal::invalid(
                        "The id of the resource is not that of the record that meets the condition.",
                    ));
                }
                self.check_version(request, kind, id)?;
                Ok(Action::Put(kind.to_owned(), id.clone()))
            }
            _ if self.manners.several_matches_invalid && request.entry => Err(several(400)),
            _ => Err(several(412)),
        }
    }

    fn assigned(&mut self, request: &Request, kind: &str) -> String {
        request.assigned.clone().unwrap_or_else(|| self.new_id(kind))
    }

    /// `If-Match` (FHIR R4, "Managing Resource Contention").
    fn check_version(&self, request: &Request, kind: &str, id: &str) -> Result<(), Refusal> {
        let Some(wanted) = &request.if_match else {
            return Ok(());
        };
        match self.records.latest(kind, id) {
            Some(version) if version.id == *wanted => Ok(()),
            _ => Err(Refusal::new(
                self.manners.conflict_status,
                "conflict",
                "The current version is not the one that If-Match names.",
            )),
        }
    }

    /// Whether a client may create a record of this id (FHIR R4, "Update as Create").
    fn check_client_id(&self, kind: &str, id: &str) -> Result<(), Refusal> {
        let latest = self.records.latest(kind, id);
        if latest.is_some_and(|version| version.resource.is_some()) {
            return Ok(());
        }
        let numeric = id.bytes().all(|byte| byte.is_ascii_digit());
        match self.manners.client_ids {
            ClientIds::Refused if latest.is_some() => Err(Refusal::new(410, "deleted", "The record is deleted.")),
            ClientIds::Refused if is_uuid(id) => Err(Refusal::new(404, "not-found", "There is no such record.")),
            ClientIds::Refused => Err(Refusal::invalid(
                "A record cannot be created with a client-assigned ID.",
            )),
            ClientIds::NotNumeric if numeric && latest.is_none() => Err(Refusal::invalid(
                "There is no record of this id, and clients may only assign ids with at least one character that is no digit.",
            )),
            _ => Ok(()),
        }
    }

    /// Does what was settled. Inside a transaction, checks of references are left for its end.
    pub(super) fn carry_out(
        &mut self,
        action: Action,
        request: Request,
        in_transaction: bool,
    ) -> Result<Answer, Refusal> {
        match action {
            Action::Put(kind, id) => {
                let method = if request.method == Method::POST { "POST" } else { "PUT" };
                let body = request.body.unwrap_or_default();
                self.write(&kind, &id, body, method, in_transaction)
            }
            Action::Keep(kind, id) => self.found(200, &kind, &id),
            Action::Delete(kind, id) => self.delete(&kind, &id, in_transaction),
            Action::Nothing => Ok(Answer::plain(204, None)),
        }
    }

    fn write(
        &mut self,
        kind: &str,
        id: &str,
        mut body: Value,
        method: &'static str,
        in_transaction: bool,
    ) -> Result<Answer, Refusal> {
        if in_transaction {
            reference::resolve(&mut body, &self.records, true)?;
        } else {
            reference::settle(&mut body, &self.records, &self.manners)?;
        }
        let former = self.records.current(kind, id).cloned();
        let (version, at) = (self.new_version(kind, id), self.now());
        let kept = meta::dress(body, (kind, id), (&version, at), former.as_deref(), &self.manners);
        if let Some(former) = &former
            && self.manners.skips_identical
            && meta::same(former, &kept)
        {
            return self.found(200, kind, id);
        }
        let mark = self.records.mark();
        self.records.push(
            kind,
            id,
            Version {
                id: version,
                at,
                method,
                resource: Some(kept.into()),
            },
        );
        if !in_transaction && let Err(refusal) = self.check_references(kind, id) {
            self.records.undo_to(mark);
            return Err(refusal);
        }
        self.found(if former.is_some() { 200 } else { 201 }, kind, id)
    }

    fn delete(&mut self, kind: &str, id: &str, in_transaction: bool) -> Result<Answer, Refusal> {
        if self.records.current(kind, id).is_none() {
            return Ok(Answer::plain(204, None));
        }
        let mark = self.records.mark();
        let version = Version {
            id: self.new_version(kind, id),
            at: self.now(),
            method: "DELETE",
            resource: None,
        };
        self.records.push(kind, id, version);
        if !in_transaction && let Err(refusal) = self.check_references(kind, id) {
            self.records.undo_to(mark);
            return Err(refusal);
        }
        self.found(204, kind, id)
    }

    /// Where this kind of server has referential integrity: whether what a record refers to is there, or, when the record is
    /// deleted, whether nothing refers to it.
    pub(super) fn check_references(&self, kind: &str, id: &str) -> Result<(), Refusal> {
        if !self.manners.checks_references {
            return Ok(());
        }
        if let Some(resource) = self.records.current(kind, id) {
            return reference::check(resource, &self.records, &self.base_url);
        }
        match self.records.referrer(kind, id) {
            Some((other, other_id)) => Err(Refusal::new(
                409,
                "conflict",
                format!("{kind}/{id} cannot be deleted, because {other}/{other_id} refers to it."),
            )),
            None => Ok(()),
        }
    }

    /// An answer about the latest version of a record.
    fn found(&self, status: u16, kind: &str, id: &str) -> Result<Answer, Refusal> {
        self.records
            .latest(kind, id)
            .map(|version| Answer::about(status, kind, id, version))
            .ok_or_else(|| Refusal::new(404, "not-found", "There is no such record."))
    }
}

/// The resource of a request, which has to be of the type that its URL names.
fn body_of<'a>(request: &'a Request, kind: &str) -> Result<&'a Value, Refusal> {
    let body = request
        .body
        .as_ref()
        .filter(|body| body.is_object())
        .ok_or_else(|| Refusal::new(400, "required", "The request has no resource."))?;
    if body["resourceType"] != kind {
        return Err(Refusal::invalid("The resource is not of the type that the URL names."));
    }
    Ok(body)
}

fn several(status: u16) -> Refusal {
    Refusal::new(status, "multiple-matches", "More than one record meets the condition.")
}

fn is_uuid(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
