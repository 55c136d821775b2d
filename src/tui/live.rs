//! A job at work: its latest counters, and how fast they grow.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::engine::Snapshot;

/// Moments kept to tell rates from.
const MOMENTS: usize = 40;

/// A job at work.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// Latest counters.
    pub snapshot: Snapshot,
    /// It was told to end and makes durable what it has.
    pub stopping: bool,
    moments: VecDeque<(Timestamp, u64, u64)>,
}

impl Live {
    /// Takes in the latest counters.
    pub fn update(&mut self, now: Timestamp, snapshot: Snapshot) {
        self.moments.push_back((now, snapshot.bytes(), snapshot.rows()));
        if self.moments.len() > MOMENTS {
            self.moments.pop_front();
        }
        self.snapshot = snapshot;
    }

    /// Bytes and rows a second, over the last moments; nothing while there is too little to tell from.
    pub fn rate(&self) -> Option<(u64, u64)> {
        let (from, bytes_then, rows_then) = self.moments.iter().rev().nth(8).or(self.moments.front())?;
        let (to, bytes, rows) = self.moments.back()?;
        let millis = u64::try_from(to.as_millisecond() - from.as_millisecond())
            .ok()
            .filter(|m| *m >= 1000)?;
        let per_second = |gained: u64| gained.saturating_mul(1000) / millis;
        Some((
            per_second(bytes.saturating_sub(*bytes_then)),
            per_second(rows.saturating_sub(*rows_then)),
        ))
    }

    /// Bytes a second from moment to moment, the latest last.
    pub fn history(&self) -> Vec<u64> {
        let pairs = self.moments.iter().zip(self.moments.iter().skip(1));
        pairs
            .map(|((from, before, _), (to, after, _))| {
                let millis = u64::try_from(to.as_millisecond() - from.as_millisecond())
                    .unwrap_or(0)
                    .max(1);
                after.saturating_sub(*before).saturating_mul(1000) / millis
            })
            .collect()
    }
}
