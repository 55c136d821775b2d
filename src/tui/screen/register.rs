//! Register: our key pair, where its public half is published, what must be done at the vendor by hand, and the client id.

use crate::migration::{AuthMethod, Plan, Preset, Registration};
use crate::source::{FindingLevel, JwksFinding};
use crate::tui::action::Action;
use crate::tui::canvas::Canvas;
use crate::tui::edit;
use crate::tui::form::{self, Field};
use crate::tui::form_view;
use crate::tui::list::List;
use crate::tui::look::{Role, Sign};
use crate::tui::message::Effect;
use crate::tui::model::Model;
use crate::tui::overlay::{Overlay, Question};

/// What is known of our key pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// Its id.
    pub kid: String,
    /// What it signs.
    pub algorithm: &'static str,
    /// The JWK Set, as it is published.
    pub jwks: String,
    /// The file that has it.
    pub path: String,
}

/// What was read and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    list: List,
    /// How far registering has come.
    pub registration: Registration,
    /// The key pair, if there is one.
    pub key: Option<KeyPair>,
    /// What was found where the key set is published.
    pub found: Vec<JwksFinding>,
    /// A key is being made, or the published key set is being fetched.
    pub busy: Option<&'static str>,
}

impl State {
    /// Takes in what was read.
    pub fn take(&mut self, registration: Registration, key: Option<KeyPair>) {
        self.registration = registration;
        self.key = key;
    }
}

/// The fields of the form.
fn fields(plan: &Plan) -> &'static [Field] {
    match plan.auth {
        AuthMethod::PrivateKeyJwt => &[Field::ClientId, Field::Published],
        AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => &[Field::ClientId, Field::Secret],
        AuthMethod::None => &[],
    }
}

fn checklist<'m>(model: &'m Model, plan: &Plan) -> &'m [String] {
    form::preset(model, plan).map_or(&[], |preset: &Preset| &preset.checklist)
}

/// Opens the screen.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    let Some(id) = model.open.clone() else {
        return Vec::new();
    };
    model.register = State {
        list: model.register.list,
        ..State::default()
    };
    let mut effects = model.read_standings();
    effects.push(Effect::ReadRegistration(id));
    effects
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(plan) = model.plan().cloned() else {
        return Vec::new();
    };
    let fields = fields(&plan);
    let at = model.register.list.at;
    match action {
        Action::Go(movement) => {
            let len = fields.len() + checklist(model, &plan).len();
            model.register.list.go(movement, len, len);
        }
        Action::Open => match fields.get(at) {
            Some(field) => edit::begin(model, *field),
            None => return tick(model, &plan, at - fields.len()),
        },
        Action::Tick if at >= fields.len() => return tick(model, &plan, at - fields.len()),
        Action::MakeKey => {
            if model.register.key.is_some() {
                let text = [
                    "The EHR knows the key pair that is there. The new one must be registered and published before the next run.",
                    "The one that is there is gone then: nothing brings it back.",
                ];
                let yes = vec![Effect::MakeKey(Box::new(plan))];
                let question = Question::new("Replace the key pair?", &text, yes).typed("replace");
                model.overlay = Some(Overlay::Question(question));
                return Vec::new();
            }
            model.register.busy = Some("Making a key pair, which takes a few seconds");
            return vec![Effect::MakeKey(Box::new(plan))];
        }
        Action::CopyKeys => {
            let Some(key) = &model.register.key else {
                return Vec::new();
            };
            let (jwks, path) = (key.jwks.clone(), key.path.clone());
            model.say(
                format!("copied, where the terminal allows it; the file has it too: {path}"),
                Role::Done,
            );
            return vec![Effect::Copy(jwks)];
        }
        Action::Test => {
            let Some(url) = model.register.registration.published.clone() else {
                return Vec::new();
            };
            model.register.found.clear();
            model.register.busy = Some("Fetching the published key set");
            return vec![Effect::CheckPublished(Box::new(plan), url)];
        }
        other => return super::common(model, other),
    }
    Vec::new()
}

/// Ticks a line of the checklist, or takes the tick away.
fn tick(model: &mut Model, plan: &Plan, line: usize) -> Vec<Effect> {
    let Some(text) = checklist(model, plan).get(line).cloned() else {
        return Vec::new();
    };
    let registration = &mut model.register.registration;
    if !registration.done.remove(&text) {
        registration.done.insert(text);
    }
    vec![Effect::SaveRegistration(plan.id.clone(), registration.clone())]
}

/// Draws the screen.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    let Some(plan) = model.plan() else { return };
    let fields = fields(plan);
    let state = &model.register;
    let chosen = (state.list.at < fields.len()).then_some(state.list.at);
    let mut y = form_view::view(model, plan, fields, chosen, canvas);
    if fields.is_empty() {
        canvas.text(
            3,
            0,
            "This source is open to anyone: there is nothing to register.",
            Role::Plain,
        );
    }
    if plan.auth == AuthMethod::PrivateKeyJwt {
        y = key(model, canvas, y);
    }
    if let Some(busy) = state.busy {
        canvas.text(3, y, busy, Role::Here);
        y += 1;
    }
    for finding in &state.found {
        y = found(finding, canvas, y);
    }
    let lines = checklist(model, plan);
    if !lines.is_empty() {
        let done = lines
            .iter()
            .filter(|line| state.registration.done.contains(*line))
            .count();
        canvas.text(
            3,
            y + 1,
            &format!("By hand, at the vendor and in the practice   {done} of {}", lines.len()),
            Role::Strong,
        );
        y += 2;
    }
    let end = canvas.width().saturating_sub(1);
    for (index, line) in lines.iter().enumerate() {
        let here = state.list.at == fields.len() + index;
        let done = state.registration.done.contains(line);
        let (sign, role) = if done {
            (Sign::Done, Role::Done)
        } else {
            (Sign::Ahead, Role::Plain)
        };
        canvas.sign(3, y, sign, role);
        if here {
            // The whole of it, where it is looked at.
            canvas.sign(1, y, Sign::Chosen, Role::Key);
            let height = canvas.height();
            let rows = canvas
                .part(5, y, end.saturating_sub(5), height.saturating_sub(y))
                .paragraph(0, 0, line, Role::Strong);
            y += rows.max(1);
        } else {
            canvas.within(
                5,
                y,
                end.saturating_sub(5),
                line,
                if done { Role::Quiet } else { Role::Plain },
            );
            y += 1;
        }
    }
}

fn key(model: &Model, canvas: &mut Canvas<'_>, y: u16) -> u16 {
    canvas.text(3, y, "Key pair", Role::Plain);
    let end = canvas.width().saturating_sub(1);
    match &model.register.key {
        None => {
            canvas.text(19, y, "none yet", Role::Waiting);
            y + 1
        }
        Some(key) => {
            canvas.within(19, y, end.saturating_sub(27), &key.kid, Role::Plain);
            canvas.right(end, y, key.algorithm, Role::Quiet);
            canvas.within(19, y + 1, end.saturating_sub(19), &key.path, Role::Quiet);
            y + 2
        }
    }
}

fn found(finding: &JwksFinding, canvas: &mut Canvas<'_>, y: u16) -> u16 {
    let (sign, role) = match finding.level {
        FindingLevel::Fine => (Sign::Done, Role::Done),
        FindingLevel::Warning => (Sign::Waiting, Role::Note),
        FindingLevel::Error | FindingLevel::Alarm => (Sign::Blocked, Role::Wrong),
    };
    canvas.sign(3, y, sign, role);
    canvas.text(5, y, &finding.message, Role::Plain);
    match &finding.hint {
        Some(hint) => {
            canvas.text(5, y + 1, &format!("hint: {hint}"), Role::Quiet);
            y + 2
        }
        None => y + 1,
    }
}

#[cfg(test)]
mod tests;
