//! Why an action does not work now, in a few words; nothing when it does.

use super::action::Decide;
use super::model::Model;
use super::overlay::Overlay;
use super::screen::conflict;
use crate::engine::Standing;
use crate::migration::{AuthMethod, Stage, Step};

/// Home is empty.
pub fn no_migration(model: &Model) -> Option<String> {
    model
        .standings()
        .is_empty()
        .then(|| "there is no migration yet".to_owned())
}

/// The migration must stay.
pub fn not_removable(model: &Model) -> Option<String> {
    let Some(standing) = model.home.chosen(model) else {
        return no_migration(model);
    };
    if model.jobs.contains_key(&standing.plan.id) {
        return Some("its job is at work".to_owned());
    }
    (standing.counts.rows > 0).then(|| "it has brought rows here, and what became of them must stay known".to_owned())
}

/// A run cannot begin.
pub fn not_runnable(model: &Model) -> Option<String> {
    let standing = model.opened()?;
    if model.job().is_some() {
        return Some("it is at work".to_owned());
    }
    if standing.state.flipped {
        return Some("the practice has gone over".to_owned());
    }
    if standing.conflicts > 0 && !standing.state.unfinished() {
        return Some("its conflicts wait for a decision first".to_owned());
    }
    lacking(standing)
}

/// No run was interrupted.
pub fn not_resumable(model: &Model) -> Option<String> {
    let standing = model.opened()?;
    if model.job().is_none() && !standing.state.unfinished() {
        return Some("no run was paused".to_owned());
    }
    not_runnable(model)
}

/// What a run of this migration lacks.
fn lacking(standing: &Standing) -> Option<String> {
    standing.readiness().lacks(Step::Poll)
}

/// Nothing can be paused.
pub fn not_at_work(model: &Model) -> Option<String> {
    match model.job() {
        None => Some("nothing is at work".to_owned()),
        Some(job) if job.stopping => Some("it is about to stop".to_owned()),
        Some(_) => None,
    }
}

/// What was asked for was not typed yet.
pub fn unanswered(model: &Model) -> Option<String> {
    match &model.overlay {
        Some(Overlay::Question(question)) => question.lacks(),
        Some(Overlay::Ask(ask)) => ask.lacks(),
        _ => None,
    }
}

/// What was typed cannot be kept.
pub fn wrong(model: &Model) -> Option<String> {
    model.editing.as_ref().and_then(|editing| editing.problem.clone())
}

/// Only one can be chosen.
pub fn one_only(model: &Model) -> Option<String> {
    match &model.overlay {
        Some(Overlay::Choose(choose)) if !choose.many() => Some("only one can be chosen".to_owned()),
        _ => None,
    }
}

/// There is nothing to test yet, or it is being tested.
pub fn not_testable(model: &Model) -> Option<String> {
    if model.source.testing {
        return Some("it is being tested".to_owned());
    }
    model
        .plan()
        .filter(|plan| plan.base_url.is_empty())
        .map(|_| "the FHIR base is not known yet".to_owned())
}

/// A key pair is not wanted, or being made.
pub fn no_key_wanted(model: &Model) -> Option<String> {
    if model.register.busy.is_some() {
        return Some("wait a moment".to_owned());
    }
    if model.job().is_some() {
        return Some("a run uses it".to_owned());
    }
    model
        .plan()
        .filter(|plan| plan.auth != AuthMethod::PrivateKeyJwt)
        .map(|_| "this system wants no key".to_owned())
}

/// There is no key pair.
pub fn no_key(model: &Model) -> Option<String> {
    model
        .register
        .key
        .is_none()
        .then(|| "there is no key pair yet".to_owned())
}

/// Nobody said where the keys are published, or there are none.
pub fn not_published(model: &Model) -> Option<String> {
    if model.register.busy.is_some() {
        return Some("wait a moment".to_owned());
    }
    let unknown = model.register.registration.published.is_none();
    no_key(model).or_else(|| unknown.then(|| "say first where the JWKS is published".to_owned()))
}

/// A token cannot be asked for yet.
pub fn not_known(model: &Model) -> Option<String> {
    if model.token.asking {
        return Some("it is being asked for".to_owned());
    }
    let standing = model.opened()?;
    let ready = standing.readiness();
    match () {
        () if !ready.address => Some("the FHIR base is not known yet (Source)".to_owned()),
        () if !ready.credentials => Some("there is no key pair or secret yet (Register)".to_owned()),
        () if !ready.client_id => Some("the client id is not known yet (Register)".to_owned()),
        () => None,
    }
}

/// No token was got here.
pub fn not_minted(model: &Model) -> Option<String> {
    model
        .token
        .minted
        .is_none()
        .then(|| "no token was got here yet".to_owned())
}

/// Nobody is waiting for the next poll.
pub fn not_polling(model: &Model) -> Option<String> {
    let polling = model
        .opened()
        .is_some_and(|standing| standing.state.stage == Stage::Exporting);
    (model.job().is_none() || !polling).then(|| "nothing is being polled".to_owned())
}

/// There is no job at the source.
pub fn no_job_url(model: &Model) -> Option<String> {
    let known = model
        .opened()
        .is_some_and(|standing| standing.state.status_url.is_some());
    (!known).then(|| "there is no job yet".to_owned())
}

/// No export is being prepared, or a job asks how far it is.
pub fn not_cancellable(model: &Model) -> Option<String> {
    let preparing = model
        .opened()
        .is_some_and(|standing| standing.state.stage == Stage::Exporting);
    match model.job() {
        _ if !preparing => Some("no export is being prepared".to_owned()),
        Some(_) => Some("pause first".to_owned()),
        None => None,
    }
}

/// Of what is done about a conflict.
pub fn no_conflict(model: &Model) -> Option<String> {
    let none = model.conflicts.chosen().is_none();
    none.then(|| "there is none here".to_owned())
}

/// Of looking at a sample chart.
pub fn no_chart(model: &Model) -> Option<String> {
    let none = model.charts.chosen(model).is_none();
    none.then(|| "no charts were drawn yet".to_owned())
}

/// Of deciding a conflict.
pub fn not_decidable(model: &Model) -> Option<String> {
    conflict::not_decidable(model, None)
}

/// Of deciding by date, the later or the earlier.
pub fn not_by_date(model: &Model) -> Option<String> {
    conflict::not_decidable(model, Some(Decide::Newer))
}

/// Of keeping both.
pub fn not_both(model: &Model) -> Option<String> {
    conflict::not_decidable(model, Some(Decide::Both))
}

/// Of taking what was edited.
pub fn not_taken(model: &Model) -> Option<String> {
    match &model.overlay {
        Some(Overlay::Edit(editor)) => editor.problem.clone(),
        _ => None,
    }
}
