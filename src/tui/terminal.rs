//! The terminal: taken over, and given back whatever happens.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use crossterm::terminal::{disable_raw_mode, enable_raw_mode, window_size};
use ratatui::layout::Size;
use tokio::sync::mpsc::UnboundedSender;

use super::error::TuiError;
use super::message::Msg;
use super::surface::{ByteSurface, LEAVE, Surface};

/// Gives the terminal back when it goes out of scope.
pub struct Guard(());

/// Whether there is a terminal to draw on and to read from.
pub fn ready() -> Result<(), TuiError> {
    if io::stdout().is_terminal() && io::stdin().is_terminal() {
        Ok(())
    } else {
        Err(TuiError::NoTerminal)
    }
}

/// A surface on standard output, taken over, with the guard that gives it back. Panics of jobs are told to `out`.
pub fn take_over(out: UnboundedSender<Msg>) -> Result<(Guard, ByteSurface<File>), TuiError> {
    ready()?;
    let file = io::stdout().as_fd().try_clone_to_owned().map_err(TuiError::Terminal)?;
    let mut surface = ByteSurface::new(File::from(file), size, raw);
    hook(out);
    let guard = Guard(());
    surface.enter().map_err(TuiError::Terminal)?;
    Ok((guard, surface))
}

/// A panic on this thread gives the terminal back before anything is said; one on another thread is told to the model, for the screen
/// is in use.
fn hook(out: UnboundedSender<Msg>) {
    let drawing = std::thread::current().id();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() == drawing {
            give_back();
            before(panic);
        } else {
            let place = panic
                .location()
                .map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
            // Without a front end there is nobody to tell.
            let _ = out.send(Msg::Panicked(place));
        }
    }));
}

impl Drop for Guard {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back; twice does no harm.
pub fn give_back() {
    // There is nobody left to tell when even this fails.
    let mut out = io::stdout();
    let _ = out.write_all(LEAVE.as_bytes());
    let _ = out.flush();
    let _ = disable_raw_mode();
}

fn size() -> io::Result<Size> {
    let size = window_size()?;
    // Some pseudo-terminals were never told how large they are.
    Ok(if size.columns == 0 || size.rows == 0 {
        Size::new(80, 24)
    } else {
        Size::new(size.columns, size.rows)
    })
}

fn raw(on: bool) -> io::Result<()> {
    if on { enable_raw_mode() } else { disable_raw_mode() }
}
