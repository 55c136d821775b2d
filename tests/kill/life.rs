//! The life of one process: what it printed, and how it ended.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// When a process is to end.
#[derive(Debug, Clone, Copy)]
pub enum Moment {
    /// SIGKILL after so many lines of output.
    Lines(u64),
    /// SIGKILL after this time.
    After(Duration),
    /// This signal after an event of this name.
    Event(&'static str, Signal),
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By our SIGKILL.
    Killed,
    /// By itself, with this code.
    Exited(i32),
}

/// A life that is over.
pub struct Life {
    pub ended: Ended,
    pub lines: Vec<String>,
    pub errors: String,
}

/// Lives until the end, or until `moment`; what was printed before a kill counts, even when it is read after it.
pub fn live(mut command: Command, moment: Option<Moment>, on_line: &mut dyn FnMut(&str)) -> Life {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = Pid::from_child(&child);
    let (to, from) = channel();
    let out = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(out).split(b'\n') {
            if to.send(String::from_utf8_lossy(&line.unwrap()).into_owned()).is_err() {
                return;
            }
        }
    });
    let mut err = child.stderr.take().unwrap();
    let errors = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = err.read_to_string(&mut text);
        text
    });
    let born = Instant::now();
    let mut lines = Vec::new();
    let mut signalled = false;
    loop {
        let wait = match moment {
            Some(Moment::After(after)) if !signalled => after.saturating_sub(born.elapsed()),
            // Longer than any step of a migration; a process that says nothing for so long hangs.
            _ => Duration::from_secs(120),
        };
        match from.recv_timeout(wait) {
            Ok(line) => {
                on_line(&line);
                lines.push(line);
                let signal = match moment {
                    Some(Moment::Lines(after)) if lines.len() as u64 >= after => Some(Signal::KILL),
                    Some(Moment::Event(name, signal))
                        if lines
                            .last()
                            .is_some_and(|l| l.contains(&format!("\"event\":\"{name}\""))) =>
                    {
                        Some(signal)
                    }
                    _ => None,
                };
                if let Some(signal) = signal.filter(|_| !signalled) {
                    signalled = true;
                    // It may have ended by itself just now.
                    let _ = kill_process(pid, signal);
                }
            }
            Err(RecvTimeoutError::Timeout) if !signalled && matches!(moment, Some(Moment::After(_))) => {
                signalled = true;
                let _ = kill_process(pid, Signal::KILL);
            }
            Err(RecvTimeoutError::Timeout) => {
                let _ = child.kill();
                panic!("no output for two minutes; the last lines: {:?}", lines.last());
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = child.wait().unwrap();
    reader.join().unwrap();
    let errors = errors.join().unwrap();
    let ended = match status.code() {
        Some(code) => Ended::Exited(code),
        None if signalled => Ended::Killed,
        None => panic!("the process was ended by somebody else: {status}\n{errors}"),
    };
    Life { ended, lines, errors }
}
