//! Progress of long work: on a terminal one line that is drawn over, in JSON a line a second.

use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use serde::Serialize;

use super::output;
use crate::engine::{Delivery, Snapshot};
use crate::migration::FileKind;

const SECOND: Duration = Duration::from_secs(1);

/// A progress line, or nothing where there is no terminal.
pub struct Progress {
    bar: Option<ProgressBar>,
    started: Option<(Instant, u64, u64)>,
}

impl Progress {
    /// A progress line, if `shown`.
    pub fn new(shown: bool) -> Self {
        let bar = shown.then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, started: None }
    }

    /// Shows the latest counters.
    pub fn show(&mut self, snapshot: &Snapshot) {
        let Some(bar) = &self.bar else { return };
        if let Some((read, of)) = snapshot.verifying {
            bar.set_message(format!("verifying {} of {}", HumanBytes(read), HumanBytes(of)));
            return;
        }
        if let Some(delivery) = &snapshot.delivery {
            bar.set_message(delivering(delivery));
            return;
        }
        if let Some(text) = &snapshot.importing {
            bar.set_message(text.clone());
            return;
        }
        let bytes = snapshot.bytes();
        if bytes == 0 {
            return;
        }
        let rows = snapshot.rows();
        let (since, from, rows_before) = *self.started.get_or_insert_with(|| (Instant::now(), bytes, rows));
        let elapsed = since.elapsed().as_secs_f64().max(0.001);
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss
        )] // A rate for the eye.
        let rate = (bytes.saturating_sub(from) as f64 / elapsed) as u64;
        let done = format!("{}  {} rows", HumanBytes(bytes), HumanCount(rows));
        // A rate over less than a second is a number without a meaning.
        if elapsed < 1.0 {
            bar.set_message(done);
            return;
        }
        let left = left(snapshot, rows, rows.saturating_sub(rows_before), elapsed)
            .map_or_else(String::new, |left| format!("  about {left} left"));
        bar.set_message(format!("{done}  {}/s{left}", HumanBytes(rate)));
    }

    /// Prints a line above the progress line.
    pub fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::say(text)),
            None => output::say(text),
        }
    }

    /// Takes the progress line away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A delivery in a line: records, requests, what a bundle holds, bundles in flight, how long the last answer took.
fn delivering(delivery: &Delivery) -> String {
    let counts = &delivery.counts;
    let there = counts.created + counts.updated + counts.found + counts.removed;
    let waits = match delivery.throttled {
        0 => String::new(),
        times => format!("  waited {} times", HumanCount(times)),
    };
    format!(
        "delivering: {} records  {} requests of up to {}  {} at once  {} ms{waits}",
        HumanCount(there),
        HumanCount(delivery.requests),
        delivery.batch,
        delivery.at_once,
        delivery.latency.as_millis(),
    )
}

/// How far a delivery is, for whoever reads JSON: at most a line a second, and none where nothing happened. Such a line has no number and is in
/// no journal.
#[derive(Default)]
pub struct Told {
    last: Option<(Instant, Delivery)>,
}

#[derive(Serialize)]
struct Line<'a> {
    migration: &'a str,
    progress: &'static str,
    #[serde(flatten)]
    delivery: &'a Delivery,
}

impl Told {
    /// Tells it, if there is something new to tell.
    pub fn show(&mut self, migration: &str, snapshot: &Snapshot) {
        let Some(delivery) = &snapshot.delivery else { return };
        if let Some((at, last)) = &self.last
            && (at.elapsed() < SECOND || last == delivery)
        {
            return;
        }
        let line = Line {
            migration,
            progress: "delivery",
            delivery,
        };
        output::say(&serde_json::to_string(&line).unwrap_or_default());
        self.last = Some((Instant::now(), delivery.clone()));
    }
}

/// Time left, where the manifest promised how many rows there are.
fn left(snapshot: &Snapshot, rows: u64, gained: u64, elapsed: f64) -> Option<indicatif::HumanDuration> {
    let files = snapshot.files.values();
    let with_rows = files.filter(|f| f.kind.is_none_or(|kind| kind == FileKind::Output));
    let expected: u64 = with_rows.map(|f| f.expected).sum::<Option<u64>>()?;
    if gained == 0 || expected <= rows {
        return None;
    }
    #[allow(clippy::cast_precision_loss)] // An estimate.
    let seconds = elapsed * (expected - rows) as f64 / gained as f64;
    Some(indicatif::HumanDuration(Duration::from_secs_f64(seconds.min(1e6))))
}
