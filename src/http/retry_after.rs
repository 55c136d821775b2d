//! What a server asks for in `Retry-After` (RFC 9110, section 10.2.3), and what servers really put there.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The shortest wait that a server's wish is cut to.
pub(super) const SHORTEST: Duration = Duration::from_secs(1);
/// From here on, "seconds" are a moment since 1970 (this many seconds are 31 years).
const EPOCH_SECONDS: u128 = 1_000_000_000;
/// From here on, "seconds" are a moment in milliseconds since 1970.
const EPOCH_MILLIS: u128 = 1_000_000_000_000;
/// A moment further away than this was not meant.
const ABSURD: Duration = Duration::from_secs(100 * 24 * 3600);

/// A wait that a server asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter {
    /// The wait as asked, to be shown; zero for a moment that has passed. Not what will be waited: see [`Self::clamped`].
    pub asked: Duration,
}

impl RetryAfter {
    /// Reads the header's value at the moment `now`: seconds if (and only if) it is all digits, else an HTTP date.
    /// Seconds that can only be a moment since 1970, in seconds or milliseconds, are taken as that moment.
    pub fn parse(value: &str, now: SystemTime) -> Option<Self> {
        let value = value.trim();
        let until = |moment: SystemTime| moment.duration_since(now).unwrap_or_default();
        let asked = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            let number: u128 = value.parse().unwrap_or(u128::MAX);
            let moment =
                |since: Duration| UNIX_EPOCH.checked_add(since).map_or(Duration::MAX, until);
            match u64::try_from(number) {
                Ok(seconds) if number < EPOCH_SECONDS => Duration::from_secs(seconds),
                Ok(seconds) if number < EPOCH_MILLIS => moment(Duration::from_secs(seconds)),
                Ok(millis) => moment(Duration::from_millis(millis)),
                Err(_) => Duration::MAX,
            }
        } else {
            until(httpdate::parse_http_date(value).ok()?)
        };
        Some(Self {
            asked: asked.min(ABSURD),
        })
    }

    /// The wait that is honoured: at least a second, at most `longest`.
    pub fn clamped(self, longest: Duration) -> Duration {
        self.asked.min(longest).max(SHORTEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE_MINUTES: Duration = Duration::from_secs(300);

    fn honoured(value: &str) -> Option<u64> {
        let now = UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        RetryAfter::parse(value, now).map(|wish| wish.clamped(FIVE_MINUTES).as_secs())
    }

    #[test]
    fn b43_retry_after_is_seconds_only_if_all_digits() {
        assert_eq!(honoured("120"), Some(120));
        assert_eq!(honoured(" 7 "), Some(7));
        for nonsense in ["", "soon", "12s", "-5", "1.5", "Mon, 99 Foo 2026"] {
            assert_eq!(honoured(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn b43_retry_after_as_an_http_date_past_or_future() {
        let now = UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        let date = |offset: u64| httpdate::fmt_http_date(now + Duration::from_secs(offset));
        assert_eq!(honoured(&date(90)), Some(90));
        assert_eq!(honoured(&date(90_000)), Some(300));
        assert_eq!(honoured("Sun, 06 Nov 1994 08:49:37 GMT"), Some(1));
        assert_eq!(honoured("Sunday, 06-Nov-94 08:49:37 GMT"), Some(1));
    }

    #[test]
    fn b43_retry_after_huge_or_epoch_is_clamped() {
        assert_eq!(honoured("0"), Some(1));
        assert_eq!(honoured("7200"), Some(300));
        assert_eq!(honoured("18000"), Some(300));
        assert_eq!(honoured("1790000042"), Some(42));
        assert_eq!(honoured("1790000042000"), Some(42));
        assert_eq!(honoured("1700000000"), Some(1));
        assert_eq!(honoured("99999999999999"), Some(300));
        assert_eq!(
            honoured("99999999999999999999999999999999999999999999"),
            Some(300)
        );
    }
}
