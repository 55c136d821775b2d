//! Token: whether the EHR lets us in, with what, and for how long.

use jiff::Timestamp;

use crate::engine::Minted;
use crate::tui::action::Action;
use crate::tui::canvas::Canvas;
use crate::tui::figure::{clock, several};
use crate::tui::list::List;
use crate::tui::look::{Role, Sign};
use crate::tui::message::Effect;
use crate::tui::model::Model;

/// What came of asking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The last token that was got here, and when.
    pub minted: Option<(Timestamp, Minted)>,
    /// One is being asked for.
    pub asking: bool,
    /// Why none was given.
    pub refused: Option<(String, Option<String>)>,
    /// Whether the assertion is shown.
    pub decoded: bool,
    list: List,
}

impl State {
    /// Seconds for which the last token is still valid.
    pub fn left(&self, now: Timestamp) -> Option<u64> {
        let (at, minted) = self.minted.as_ref()?;
        let end = at.as_second() + i64::try_from(minted.life.as_secs()).unwrap_or(0);
        u64::try_from(end - now.as_second()).ok().filter(|left| *left > 0)
    }
}

/// Opens the screen.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    model.token = State::default();
    model.read_standings()
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Go(movement) => {
            let len = model.token.minted.as_ref().map_or(0, |(_, minted)| minted.scopes.len());
            let page = room(model.body_rows());
            model.token.list.go(movement, len, page);
        }
        Action::Test => {
            let Some(plan) = model.plan().cloned() else {
                return Vec::new();
            };
            model.token = State {
                asking: true,
                ..State::default()
            };
            return vec![Effect::Mint(Box::new(plan))];
        }
        Action::Decode => model.token.decoded = !model.token.decoded,
        other => return super::common(model, other),
    }
    Vec::new()
}

fn room(body: usize) -> usize {
    body.saturating_sub(7)
}

/// Draws the screen.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    let state = &model.token;
    if state.asking {
        canvas.text(3, 0, "Asking for a token", Role::Here);
        return;
    }
    if let Some((what, hint)) = &state.refused {
        let width = canvas.width().saturating_sub(6);
        let mut part = canvas.part(3, 0, width, 16);
        let row = part.paragraph(0, 0, what, Role::Wrong);
        if let Some(hint) = hint {
            part.paragraph(0, row + 1, &format!("hint: {hint}"), Role::Plain);
        }
        return;
    }
    let Some((_, minted)) = &state.minted else {
        let told = model.opened().is_some_and(|standing| standing.state.let_in);
        let text = if told {
            "The EHR has let us in before. Each run asks for a token of its own."
        } else {
            "Nobody has asked for a token yet. Nothing is exported by asking."
        };
        canvas.text(3, 0, text, Role::Plain);
        return;
    };
    let granted = minted.scopes.iter().filter(|(_, granted)| *granted).count();
    canvas.text(3, 0, "The EHR let us in.", Role::Done);
    match state.left(model.now) {
        Some(left) => canvas.text(3, 1, &format!("Token      valid {}", clock(left)), Role::Plain),
        None => canvas.text(3, 1, "Token      has run out; a run gets its own", Role::Plain),
    };
    canvas.text(3, 2, &format!("From       {}", minted.endpoint), Role::Plain);
    canvas.text(
        3,
        3,
        &format!("Scopes     {granted} of {} granted", minted.scopes.len()),
        Role::Plain,
    );
    if !minted.lost.is_empty() {
        let text = format!("Will be missing: {}", minted.lost.join(", "));
        canvas.text(3, 4, &text, Role::Wrong);
    }
    if state.decoded {
        return assertion(minted, canvas);
    }
    let len = minted.scopes.len();
    for (y, index) in (6..).zip(state.list.window(len, room(usize::from(canvas.height())))) {
        let (scope, granted) = &minted.scopes[index];
        let (sign, role) = if *granted {
            (Sign::Done, Role::Done)
        } else {
            (Sign::Blocked, Role::Wrong)
        };
        canvas.sign(3, y, sign, role);
        canvas.text(5, y, scope, if *granted { Role::Plain } else { Role::Wrong });
        if index == state.list.at {
            canvas.sign(1, y, Sign::Chosen, Role::Key);
        }
    }
    let bottom = canvas.height().saturating_sub(1);
    canvas.right(
        canvas.width().saturating_sub(1),
        bottom,
        &several(len as u64, "scope"),
        Role::Quiet,
    );
}

/// The assertion that says who we are, decoded.
fn assertion(minted: &Minted, canvas: &mut Canvas<'_>) {
    let Some((header, claims)) = &minted.assertion else {
        canvas.text(
            3,
            6,
            "A client secret is used here; there is no assertion.",
            Role::Plain,
        );
        return;
    };
    canvas.text(
        3,
        6,
        "An assertion such as the one that was sent, without its signature",
        Role::Strong,
    );
    let members = |value: &serde_json::Value| -> Vec<(String, String)> {
        let known = value.as_object().into_iter().flatten();
        known
            .map(|(name, value)| {
                (
                    name.clone(),
                    value.as_str().map_or_else(|| value.to_string(), str::to_owned),
                )
            })
            .collect()
    };
    for (y, (name, value)) in (7..).zip(members(header).into_iter().chain(members(claims))) {
        canvas.within(5, y, 6, &name, Role::Quiet);
        canvas.text(12, y, &value, Role::Plain);
    }
}

#[cfg(test)]
mod tests;
