//! Figures as people read them: thousands separated, sizes, times.

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use crate::migration::figure::{count, several};

/// A size in bytes, kB, MB or GB, with one decimal.
pub fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000 => return format!("{bytes} B"),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    format!("{}.{} {name}", count(bytes / unit), bytes % unit * 10 / unit)
}

/// A time span as `MM:SS`, or `HH:MM:SS` from an hour on.
pub fn clock(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours:02}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

/// How long ago something was, in a few characters: `now`, `12 min`, `2 h`, `3 d`.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = (now.as_second() - then.as_second()).max(0);
    match seconds {
        0..60 => "now".to_owned(),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// The time of day.
pub fn time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// Day and time.
pub fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_for_people() {
        assert_eq!(
            [count(0), count(999), count(1_000), count(1_682_441)],
            ["0", "999", "1,000", "1,682,441"]
        );
        assert_eq!([several(1, "file"), several(0, "row")], ["1 file", "0 rows"]);
        assert_eq!(
            [size(12), size(1_500), size(2_150_000_000)],
            ["12 B", "1.5 kB", "2.1 GB"]
        );
        assert_eq!([clock(113), clock(2292), clock(43_200)], ["01:53", "38:12", "12:00:00"]);
    }

    #[test]
    fn times_are_told_from_now() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-20T10:42:07Z");
        assert_eq!(ago(at("2026-11-20T10:42:00Z"), now), "now");
        assert_eq!(ago(at("2026-11-20T10:30:00Z"), now), "12 min");
        assert_eq!(ago(at("2026-11-17T10:30:00Z"), now), "3 d");
        assert_eq!(ago(at("2026-11-21T10:30:00Z"), now), "now");
        assert_eq!(time(now, &TimeZone::UTC), "10:42:07");
    }
}
