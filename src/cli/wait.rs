//! Waiting for work on the network, and stopping it when the process is asked to stop.

use tokio_util::sync::CancellationToken;

use super::failure::Failure;

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

/// Resolves when the process is asked to stop: Ctrl-C, SIGTERM, or the terminal is gone.
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
}
