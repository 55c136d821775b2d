//! What the full-screen front end is given to open; who opens it is decided elsewhere.

use std::any::Any;
use std::sync::Arc;

use super::args::WorkspaceArgs;
use super::failure::Failure;
use super::open;
use crate::engine::complete;
use crate::store::{Storage, Workspace, WorkspaceError};

/// What comes after a command.
pub enum Next {
    /// The process ends with this code.
    Exit(u8),
    /// The wizard opens.
    Wizard(Opened),
}

/// An open workspace for the wizard.
pub struct Opened {
    /// The store.
    pub storage: Arc<Storage>,
    /// Of a rehearsal: what must outlive the wizard, such as the simulated EHR.
    pub rehearsal: Option<Box<dyn Any>>,
}

/// Opens the workspace, or makes one where none is.
pub fn open(workspace: &WorkspaceArgs) -> Result<Next, Failure> {
    let path = open::path(workspace)?;
    // Nobody should have to type a passphrase to hear that somebody else is at work.
    if path.exists()
        && let Some(holder) = Workspace::holder(&path)?
    {
        let holder = Some(holder);
        return Err(WorkspaceError::Locked { path, holder }.into());
    }
    let storage = open::open_or_create(workspace, "wizard")?;
    for plan in open::plans(&storage)? {
        complete(&storage, &plan)?;
    }
    Ok(Next::Wizard(Opened {
        storage,
        rehearsal: None,
    }))
}
