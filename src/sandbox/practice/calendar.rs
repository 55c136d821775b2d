//! When things happened: instants and dates as FHIR writes them, and the timeline of a patient's visits.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::Offset;

use super::Practice;
use super::census::Place;
use super::dice::Dice;
use super::kind::Kind;
use super::patient::same_person;

/// Seconds in a day.
pub(super) const DAY: i64 = 86_400;
/// Seconds in a mean year.
pub(super) const YEAR: i64 = 31_556_952;
/// The instant of the export, 2025-11-03T04:05:06Z, in seconds since 1970; nothing in the practice is later.
pub(super) const EXPORT: i64 = 1_762_142_706;

/// How far back the practice's records go.
const RECORDS: i64 = 8 * YEAR;
/// Purpose numbers of this file's dice.
const LIFE: u64 = 0xCA01;
const VISIT: u64 = 0xCA02;

/// How an instant is written; servers differ, and so do the systems that feed them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// `2024-05-06T07:08:09Z`
    Utc,
    /// `2024-05-06T07:08:09.120Z`
    UtcMillis,
    /// `2024-05-06T02:08:09-05:00`
    West,
    /// `2024-05-06T12:38:09.120+05:30`
    EastMillis,
}

impl Clock {
    /// Mostly UTC.
    pub fn roll(dice: &mut Dice) -> Self {
        *dice.pick(&[
            Self::Utc,
            Self::Utc,
            Self::Utc,
            Self::UtcMillis,
            Self::UtcMillis,
            Self::West,
            Self::West,
            Self::EastMillis,
        ])
    }
}

/// Seconds since 1970 as a FHIR instant.
pub(super) fn instant(seconds: i64, clock: Clock) -> String {
    const WHOLE: DateTimePrinter = DateTimePrinter::new();
    const MILLIS: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    // Milliseconds that follow from the second, so that they are not always zero.
    let millis = seconds.rem_euclid(997);
    let moment = Timestamp::from_millisecond(seconds * 1_000 + millis).unwrap_or_default();
    let whole = Timestamp::from_second(seconds).unwrap_or_default();
    let west = Offset::constant(-5);
    let east = Offset::from_seconds(19_800).unwrap_or(Offset::UTC);
    match clock {
        Clock::Utc => WHOLE.timestamp_to_string(&whole),
        Clock::UtcMillis => MILLIS.timestamp_to_string(&moment),
        Clock::West => WHOLE.timestamp_with_offset_to_string(&whole, west),
        Clock::EastMillis => MILLIS.timestamp_with_offset_to_string(&moment, east),
    }
}

/// The day of an instant, as a FHIR date.
pub(super) fn date(seconds: i64) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new();
    let moment = Timestamp::from_second(seconds).unwrap_or_default();
    PRINTER.date_to_string(&Offset::UTC.to_datetime(moment).date())
}

/// When a patient was born and, if so, died, in seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    pub born: i64,
    pub died: Option<i64>,
}

impl Life {
    /// The life of a patient.
    pub fn of(practice: &Practice, patient: u64) -> Self {
        let mut dice = Dice::at(practice.seed(), LIFE, same_person(patient));
        let age = span(&mut dice, 35_500) * DAY + 30 * DAY;
        let born = (EXPORT - age) / DAY * DAY;
        let ended = dice.one_in(30) || patient % 40 == 38;
        let died = ended.then(|| EXPORT - span(&mut dice, 60) * (EXPORT - born).min(3 * YEAR) / 64 - DAY);
        Self { born, died }
    }

    /// The end of the records: death, or the export.
    pub fn end(self) -> i64 {
        self.died.unwrap_or(EXPORT)
    }
}

/// A number below `limit`, as a signed one for sums of time.
pub(super) fn span(dice: &mut Dice, limit: u64) -> i64 {
    i64::try_from(dice.below(limit)).unwrap_or(0)
}

/// A visit of a patient.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit {
    /// Index of the Encounter.
    pub index: u64,
    /// When it began, in seconds since 1970.
    pub start: i64,
    /// The patient was under eighteen.
    pub child: bool,
}

impl Visit {
    /// The n-th visit of a patient.
    pub fn nth(practice: &Practice, place: Place) -> Self {
        let life = Life::of(practice, place.patient);
        let index = place.index(Kind::Encounter);
        let count = i64::try_from(place.count(Kind::Encounter)).unwrap_or(1).max(1);
        let nth = i64::try_from(place.nth).unwrap_or(0);
        let end = life.end() - DAY;
        let first = life.born.max(end - RECORDS);
        let step = (end - first) / count;
        let mut dice = Dice::at(practice.seed(), VISIT, index);
        let rough = first + nth * step + span(&mut dice, u64::try_from(step / 2).unwrap_or(0));
        // Office hours, though never before birth or after the end.
        let start = rough / DAY * DAY + 13 * 3_600 + span(&mut dice, 32) * 900;
        let start = start.clamp(first, end.max(first));
        Self {
            index,
            start,
            child: start - life.born < 18 * YEAR,
        }
    }

    /// The part of a table that suits the patient's age, of a table whose first rows are for adults only.
    pub fn suitable<T>(self, table: &[T], also_children: usize) -> &[T] {
        if self.child { &table[also_children..] } else { table }
    }

    /// The visit at which a patient's n-th resource of a type was recorded: they are spread evenly, oldest first.
    pub fn behind(practice: &Practice, kind: Kind, place: Place) -> Self {
        let visits = place.count(Kind::Encounter).max(1);
        let records = place.count(kind).max(1);
        Self::nth(
            practice,
            Place {
                patient: place.patient,
                nth: place.nth * visits / records % visits,
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_clocks_tell_the_same_time() {
        let texts = [Clock::Utc, Clock::UtcMillis, Clock::West, Clock::EastMillis].map(|clock| instant(EXPORT, clock));
        assert_eq!(texts[0], "2025-11-03T04:05:06Z");
        assert_eq!(texts[2], "2025-11-02T23:05:06-05:00");
        for text in &texts {
            let read: Timestamp = text.parse().unwrap();
            assert_eq!(read.as_second(), EXPORT, "{text}");
        }
        assert_eq!(date(EXPORT), "2025-11-03");
        assert_eq!(date(-DAY), "1969-12-31");
    }

    #[test]
    fn visits_lie_between_birth_and_the_end() {
        let practice = Practice::new(400, 9);
        for patient in 0..400 {
            let life = Life::of(&practice, patient);
            for nth in 0..Place::new(patient, 0).count(Kind::Encounter) {
                let visit = Visit::nth(&practice, Place { patient, nth });
                assert!(life.born <= visit.start && visit.start < life.end(), "{patient}/{nth}");
            }
        }
    }
}
