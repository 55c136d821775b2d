//! Waiting for work on the network, and stopping it when the process is asked to stop.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::failure::{Failure, code};

/// How long work may take to make durable what it has, once it was asked to stop.
const FAREWELL: Duration = Duration::from_secs(5);

/// A runtime for one command.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::failed(&format!("cannot start: {e}"), None))
}

/// Waits for work that is told to stop by its token: on Ctrl-C, SIGTERM, or when the terminal is gone.
pub fn wait<T, F: Future<Output = T>>(work: impl FnOnce(CancellationToken) -> F) -> Result<T, Failure> {
    runtime().map(|runtime| {
        runtime.block_on(async {
            let cancel = CancellationToken::new();
            let mut work = std::pin::pin!(work(cancel.clone()));
            tokio::select! {
                done = &mut work => return done,
                () = stopped() => cancel.cancel(),
            }
            work.await
        })
    })
}

/// Resolves when the process is asked to stop: Ctrl-C, SIGTERM, or the terminal is gone. From then on the process has `FAREWELL` left.
pub async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut hup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
        _ = hup.recv() => {}
    }
    end_after(FAREWELL);
}

/// Ends the process after this time if it has not ended by itself. What is not durable by then is done again by the next run.
fn end_after(time: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(time);
        eprintln!("error: interrupted; what was done in the last moments is not saved and will be done again");
        std::process::exit(i32::from(code::FAILED));
    });
}
