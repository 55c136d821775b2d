//! Opening the wizard on a terminal.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::poll_fn;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::Terminal;
use tokio::sync::mpsc::unbounded_channel;

use super::error::TuiError;
use super::event_loop::{Ended, Wizard};
use super::input;
use super::look::Look;
use super::model::{Model, Place};
use super::terminal::{give_back, take_over};
use super::worker::Worker;
use crate::http::{Clock, SystemClock};
use crate::store::Storage;

/// How long jobs may take to make durable what they have, once the process is to end.
const FAREWELL: Duration = Duration::from_secs(5);

/// Opens the wizard on this workspace, and gives back how it ended.
pub fn open(storage: &Arc<Storage>, rehearsal: bool) -> Result<Ended, TuiError> {
    open_by(storage, rehearsal, Timestamp::now, Arc::new(SystemClock::default()))
}

/// The same with other clocks: `now` tells the screens what time it is, and jobs go by `clock`.
pub fn open_by(
    storage: &Arc<Storage>,
    rehearsal: bool,
    now: fn() -> Timestamp,
    clock: Arc<dyn Clock>,
) -> Result<Ended, TuiError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(TuiError::Start)?;
    let (out, news) = unbounded_channel();
    let (guard, surface) = take_over(out.clone())?;
    let place = Place {
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        operator: crate::store::operator(),
        workspace: storage.workspace.root().display().to_string(),
        rehearsal,
    };
    let look = Look::from_environment(|name| std::env::var(name).ok());
    let model = Model::new(place, look, TimeZone::system(), now());
    let ended = runtime.block_on(async {
        let worker = Worker::new(Arc::clone(storage), out, clock).map_err(TuiError::Start)?;
        let mut pressed = input::listen().map_err(TuiError::Start)?;
        let terminal = Terminal::new(surface).map_err(TuiError::Terminal)?;
        let wizard = Wizard {
            terminal,
            model,
            worker,
            news,
            now,
        };
        let input = poll_fn(move |context| pressed.poll_recv(context));
        Ok::<_, TuiError>(wizard.run(input, || end_after(FAREWELL)).await)
    })?;
    drop(guard);
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(ended)
}

/// Ends the process after this time if it has not ended by itself. What is not durable by then is done again by the next run.
fn end_after(time: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(time);
        give_back();
        std::process::exit(1);
    });
}
