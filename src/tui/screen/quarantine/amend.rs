//! Setting a quarantined row right: its line in the editor, why it is right so, and the engine's word for it.

use super::State;
use crate::engine::{self, Aside, Command, Line};
use crate::migration::By;
use crate::store::RowId;
use crate::tui::message::Effect;
use crate::tui::model::Model;
use crate::tui::overlay::{Ask, Editor, For, Overlay};

/// How a row is to read, as somebody typed it. It is about a patient.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    row: RowId,
    text: Option<String>,
}

impl State {
    /// The chosen row and its line, once that is read.
    fn editable(&self) -> Option<(&Aside, &str)> {
        let aside = self.chosen()?;
        match &self.line {
            Some((row, Ok(line))) if *row == aside.row && line.whole => Some((aside, &line.text)),
            _ => None,
        }
    }

    /// What was typed for a row and is not taken in yet: it is there again when the reason was not given, or the engine refused.
    fn typed(&self, aside: &Aside) -> Option<&str> {
        let draft = self.draft.as_ref()?;
        (draft.row == aside.row && aside.amended.is_none()).then_some(draft.text.as_deref()?)
    }

    /// The row in the editor, whichever is chosen by now.
    fn edited(&self) -> Option<&Aside> {
        let row = self.draft.as_ref()?.row;
        self.rows().iter().find(|aside| aside.row == row)
    }
}

/// Opens the chosen row's line, as it may be set right.
pub fn edit(model: &mut Model) {
    let state = &model.quarantine;
    let Some((aside, line)) = state.editable() else {
        return;
    };
    let title = format!("{} line {}", aside.what.file_name, aside.what.line);
    let (row, typed) = (aside.row, state.typed(aside).map(str::to_owned));
    let editor = match &typed {
        Some(text) => Editor::as_written(&title, text),
        // Put in order it would lose what is there twice.
        None if aside.what.code == "duplicate" => Editor::as_written(&title, line),
        None => Editor::new(&title, line),
    };
    model.quarantine.draft = Some(Draft { row, text: typed });
    model.overlay = Some(Overlay::Edit(Box::new(editor)));
    check(model);
}

/// Tells the editor what is wrong with the line as it is typed, if anything is.
pub fn check(model: &mut Model) {
    let Some(Overlay::Edit(editor)) = &mut model.overlay else {
        return;
    };
    let aside = model.quarantine.edited();
    editor.problem = aside.and_then(|aside| engine::flaw(&aside.what, &Line::new(&editor.text())));
}

/// Asks for the reason why the row is to read as it was typed.
pub fn edited(model: &mut Model, editor: &Editor) {
    let Some(draft) = &mut model.quarantine.draft else {
        return;
    };
    draft.text = Some(editor.text());
    let text = "What was wrong, and how you know what is right. The row is taken in as it reads now; what was received stays on record, with \
                your name and this reason. The EHR still has it as it was.";
    model.overlay = Some(Overlay::Ask(Ask::new("Why is this right?", text, For::Amend)));
}

/// Has the engine take the row in as it was typed.
pub fn amend(model: &mut Model, why: String) -> Vec<Effect> {
    let (Some(plan), Some(draft)) = (model.plan().cloned(), &model.quarantine.draft) else {
        return Vec::new();
    };
    let Some(text) = &draft.text else {
        return Vec::new();
    };
    let rows = vec![(draft.row, Line::new(text))];
    let mut who: By = model.place.operator.clone().into();
    who.why = Some(why);
    // Another line is shown then.
    model.quarantine.line = None;
    vec![Effect::Start(Box::new(plan), Command::Amend { rows, who })]
}

/// Why the chosen row cannot be set right here.
pub fn not_editable(model: &Model) -> Option<String> {
    let state = &model.quarantine;
    let Some(chosen) = state.chosen() else {
        return Some("there is none here".to_owned());
    };
    if model.job().is_some() {
        return Some("a job is at work".to_owned());
    }
    if model.opened().is_some_and(|standing| standing.state.flipped) {
        return Some("the practice has gone over".to_owned());
    }
    if model.privacy {
        return Some("what it says is hidden now".to_owned());
    }
    match &state.line {
        Some((row, Ok(line))) if *row == chosen.row => {
            let long = "it is too long; `cutover quarantine amend` takes it from a file";
            (!line.whole).then(|| long.to_owned())
        }
        Some((row, Err(problem))) if *row == chosen.row => Some(problem.what.clone()),
        _ => Some("its line is not read yet".to_owned()),
    }
}
