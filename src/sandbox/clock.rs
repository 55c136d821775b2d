//! The server's clock, which may be wrong on purpose.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A wall clock that is `offset` seconds ahead of (or, when negative, behind) the true one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    offset: i64,
}

impl Clock {
    /// A clock ahead of the true one by `offset` seconds.
    pub fn ahead_by(offset: i64) -> Self {
        Self { offset }
    }

    /// The time this server believes it is.
    pub fn now(self) -> SystemTime {
        let shift = Duration::from_secs(self.offset.unsigned_abs());
        if self.offset < 0 {
            SystemTime::now() - shift
        } else {
            SystemTime::now() + shift
        }
    }

    /// The same in seconds since 1970.
    pub fn epoch_seconds(self) -> u64 {
        self.now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    /// An HTTP date (RFC 9110, section 5.6.7) `seconds` from now.
    pub fn http_date(self, seconds: u64) -> String {
        httpdate::fmt_http_date(self.now() + Duration::from_secs(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skewed_clock_shows_in_seconds_and_in_dates() {
        let (right, ahead) = (Clock::default(), Clock::ahead_by(600));
        let difference = ahead.epoch_seconds() - right.epoch_seconds();
        assert!((599..=601).contains(&difference));
        let shown = httpdate::parse_http_date(&ahead.http_date(0)).unwrap();
        assert!(shown > right.now() + Duration::from_secs(590));
    }
}
