//! Input: keys, pasted text and signals, brought in by a thread that nobody waits for and by tasks.

use std::io;

use crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, poll};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::key::Key;

/// What comes from outside the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key.
    Key(Key),
    /// Text, pasted.
    Paste(String),
    /// The terminal has another size now.
    Resized,
    /// The process was stopped and goes on: the terminal may show anything.
    Continued,
    /// The process is to end.
    Terminate,
    /// The terminal is gone.
    Gone,
}

/// Everything that comes from outside, in the order in which it came. Needs a runtime's context.
pub fn listen() -> io::Result<UnboundedReceiver<Input>> {
    let (out, input) = unbounded_channel();
    let signals = [
        (SignalKind::terminate(), Input::Terminate),
        (SignalKind::interrupt(), Input::Terminate),
        (SignalKind::hangup(), Input::Gone),
        (SignalKind::window_change(), Input::Resized),
        (
            SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()),
            Input::Continued,
        ),
    ];
    for (kind, what) in signals {
        let mut stream = signal(kind)?;
        let out = out.clone();
        tokio::spawn(async move { while stream.recv().await.is_some() && out.send(what.clone()).is_ok() {} });
    }
    std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
        let _ = keys(&out);
        // Nobody listens any more, or nobody can type any more.
        let _ = out.send(Input::Gone);
    })?;
    Ok(input)
}

/// Reads the terminal until it is gone. It is asked whether it is still there before crossterm is: that spins on one that is not.
fn keys(out: &UnboundedSender<Input>) -> io::Result<()> {
    let stdin = io::stdin();
    loop {
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut ready, None) {
            Err(rustix::io::Errno::INTR) => continue,
            other => other?,
        };
        if ready[0]
            .revents()
            .intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
        {
            return Ok(());
        }
        while event::poll(std::time::Duration::ZERO)? {
            let inputs = match event::read()? {
                Event::Key(pressed) => Key::pressed(pressed).into_iter().map(Input::Key).collect(),
                Event::Paste(text) => vec![Input::Paste(text)],
                Event::Resize(..) => vec![Input::Resized],
                Event::FocusGained | Event::FocusLost | Event::Mouse(_) => Vec::new(),
            };
            for input in inputs {
                if out.send(input).is_err() {
                    return Ok(());
                }
            }
        }
    }
}
