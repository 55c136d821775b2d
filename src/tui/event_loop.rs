//! The loop: takes input and news, lets the model change, has effects done, and draws when something changed. It is the same for a
//! terminal and for a test.

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use jiff::Timestamp;
use ratatui::Terminal;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};

use super::input::Input;
use super::message::{Effect, Msg};
use super::model::Model;
use super::surface::Surface;
use super::update::update;
use super::view::view;
use super::worker::Worker;
use crate::store::Wiped;

/// The shortest time between two frames that only show news: ten a second.
const CALM: Duration = Duration::from_millis(100);
/// The same after a key: whoever presses one wants to see what it did. A key that is held down repeats about thirty times a second.
const PROMPT: Duration = Duration::from_millis(30);
/// News taken in between two frames at most, so that a flood of it does not keep keys waiting.
const TOGETHER: usize = 500;

/// How the loop ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The person quit, or the process was asked to end.
    Quit,
    /// The terminal is gone.
    Lost,
    /// The person quit, and had everything but the evidence destroyed, which is done once nobody has the store open.
    Wiping(Wiped),
}

/// Everything that the loop turns on.
pub struct Wizard<B: Surface> {
    /// The screen.
    pub terminal: Terminal<B>,
    /// What it shows.
    pub model: Model,
    /// Who does what effects ask for.
    pub worker: Worker,
    /// What the worker tells.
    pub news: UnboundedReceiver<Msg>,
    /// What time it is.
    pub now: fn() -> Timestamp,
}

impl<B: Surface> Wizard<B> {
    /// Turns until the person quits, the process is asked to end, or the terminal is gone. Jobs are then told to end, and waited for,
    /// after `farewell` was called; a wipe takes its time.
    pub async fn run(mut self, mut input: impl Stream<Item = Input> + Unpin, farewell: impl FnOnce()) -> Ended {
        let ended = self.turn(&mut input).await;
        if !matches!(ended, Ended::Wiping(_)) {
            farewell();
        }
        self.worker.end().await;
        ended
    }

    async fn turn(&mut self, input: &mut (impl Stream<Item = Input> + Unpin)) -> Ended {
        if self.fits().is_err() {
            return Ended::Lost;
        }
        let mut first = self.model.read_standings();
        first.push(Effect::ReadPresets);
        if let Some(ended) = self.perform(first) {
            return ended;
        }
        let mut drawn = Instant::now().checked_sub(CALM).unwrap_or_else(Instant::now);
        let mut gap = Some(Duration::ZERO);
        loop {
            if let Some(wait) = gap
                && drawn + wait <= Instant::now()
            {
                if self.draw().is_err() {
                    return Ended::Lost;
                }
                drawn = Instant::now();
                gap = None;
            }
            let next = drawn + gap.unwrap_or_default();
            let second = next_second((self.now)());
            let msg = tokio::select! {
                biased;
                pressed = input.next() => match pressed {
                    Some(pressed) => Msg::Input(pressed),
                    None => return Ended::Lost,
                },
                () = sleep_until(next), if gap.is_some() => continue,
                Some(msg) = self.news.recv() => msg,
                () = tokio::time::sleep(second), if self.model.counts_down() => Msg::Second,
            };
            let lost = matches!(msg, Msg::Input(Input::Gone));
            // Whoever opens the program waits for its first list as for the effect of a key.
            let awaited = matches!(msg, Msg::Input(_)) || self.model.standings.is_none();
            let wanted = if awaited { PROMPT } else { CALM };
            gap = Some(gap.map_or(wanted, |gap| gap.min(wanted)));
            if let Some(ended) = self.take(msg) {
                return if lost { Ended::Lost } else { ended };
            }
            for _ in 0..TOGETHER {
                let Ok(msg) = self.news.try_recv() else { break };
                if let Some(ended) = self.take(msg) {
                    return ended;
                }
            }
        }
    }

    /// Lets the model take a message in, and has done what it asks for.
    fn take(&mut self, msg: Msg) -> Option<Ended> {
        self.model.now = (self.now)();
        if matches!(msg, Msg::Input(Input::Resized)) && self.fits().is_err() {
            return Some(Ended::Lost);
        }
        let effects = update(&mut self.model, msg);
        self.perform(effects)
    }

    fn perform(&mut self, effects: Vec<Effect>) -> Option<Ended> {
        for effect in effects {
            let done = match effect {
                Effect::Quit => {
                    self.model.leaving = true;
                    if !self.model.jobs.is_empty() {
                        self.model
                            .say("Stopping. What was received is made durable.", super::look::Role::Note);
                    }
                    // The last frame says that we wait for jobs; if it cannot be drawn, there is nobody to read it.
                    let _ = self.draw();
                    return Some(Ended::Quit);
                }
                Effect::Wipe(note) => return Some(Ended::Wiping(note)),
                Effect::Redraw => self.anew(),
                Effect::Suspend => self.suspend(),
                Effect::Copy(text) => self.terminal.backend_mut().send(&super::clipboard::sequence(&text)),
                other => {
                    self.worker.perform(other);
                    Ok(())
                }
            };
            if done.is_err() {
                return Some(Ended::Lost);
            }
        }
        None
    }

    fn draw(&mut self) -> Result<(), B::Error> {
        let model = &self.model;
        self.terminal.draw(|frame| view(model, frame)).map(|_| ())
    }

    /// Tells the model how large the terminal is now.
    fn fits(&mut self) -> Result<(), B::Error> {
        self.model.size = self.terminal.size()?;
        Ok(())
    }

    /// Takes the terminal over again, whatever it shows, and has everything drawn.
    fn anew(&mut self) -> Result<(), B::Error> {
        self.terminal.backend_mut().enter()?;
        self.fits()?;
        let area = self.model.size.into();
        self.terminal.resize(area)
    }

    /// Stops the process as a shell expects; jobs stand still with it. It goes on here.
    fn suspend(&mut self) -> Result<(), B::Error> {
        self.terminal.backend_mut().leave()?;
        // Where no shell looks after us the system does not stop us, and we go on at once.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TSTP);
        self.anew()
    }
}

/// How long it is until the clock shows the next second.
fn next_second(now: Timestamp) -> Duration {
    let nanos = u64::from(now.subsec_nanosecond().unsigned_abs());
    Duration::from_nanos(1_000_000_000_u64.saturating_sub(nanos).max(1_000_000))
}

#[cfg(test)]
mod tests;
