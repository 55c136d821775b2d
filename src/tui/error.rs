//! Why the wizard cannot be opened.

use std::io;

/// Why the wizard cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// There is no terminal.
    #[error("the wizard needs a terminal, and standard input and output are not both one")]
    NoTerminal,
    /// The terminal does not do what it is told.
    #[error("the terminal cannot be used: {0}")]
    Terminal(io::Error),
    /// The system has no thread or signal to give.
    #[error("cannot start: {0}")]
    Start(io::Error),
}

impl TuiError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoTerminal => Some(
                "over SSH, ask for one with `ssh -t`; without one use `cutover status`, `cutover run NAME` or `cutover demo --headless`"
                    .to_owned(),
            ),
            Self::Terminal(_) => Some("`cutover --help` lists the commands that need no terminal".to_owned()),
            Self::Start(_) => None,
        }
    }
}
