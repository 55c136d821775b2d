//! Postal addresses as they are compared.

use serde::{Deserialize, Serialize};
use strsim::osa_distance;

use super::comparison::Level;
use super::fold::latin;
use super::person::Address;

/// Words that are written in short, with the short form.
const SHORT: [(&str, &str); 30] = [
    ("street", "st"),
    ("avenue", "ave"),
    ("av", "ave"),
    ("road", "rd"),
    ("drive", "dr"),
    ("lane", "ln"),
    ("court", "ct"),
    ("boulevard", "blvd"),
    ("place", "pl"),
    ("square", "sq"),
    ("terrace", "ter"),
    ("circle", "cir"),
    ("highway", "hwy"),
    ("parkway", "pkwy"),
    ("trail", "trl"),
    ("mount", "mt"),
    ("saint", "st"),
    ("fort", "ft"),
    ("north", "n"),
    ("south", "s"),
    ("east", "e"),
    ("west", "w"),
    ("northeast", "ne"),
    ("northwest", "nw"),
    ("southeast", "se"),
    ("southwest", "sw"),
    ("first", "1st"),
    ("second", "2nd"),
    ("third", "3rd"),
    ("calle", "c"),
];
/// Words before the number of a flat.
const UNITS: [&str; 10] = [
    "apt",
    "apartment",
    "unit",
    "suite",
    "ste",
    "fl",
    "floor",
    "rm",
    "room",
    "lot",
];
/// Streets that are none.
const NOWHERE: [&str; 7] = [
    "unknown",
    "homeless",
    "general delivery",
    "no address",
    "none",
    "na",
    "no fixed abode",
];

/// An address in comparable form.
#[derive(Serialize, Deserialize)]
pub(super) struct Place {
    /// Number and street in short words, without the flat.
    pub(super) street: Box<str>,
    /// The flat; empty when there is none.
    unit: Box<str>,
    city: Box<str>,
    /// Postal code, without what follows a dash.
    pub(super) postal: Box<str>,
}

impl Place {
    pub(super) fn read(address: &Address) -> Option<Self> {
        let mut street: Vec<String> = Vec::new();
        let mut unit = String::new();
        let separators = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '/');
        let line = address.line.replace('#', " # ");
        let mut words = line.split(separators).filter(|word| !word.is_empty());
        while let Some(word) = words.next() {
            let plain = latin(word);
            if word == "#" || !street.is_empty() && UNITS.contains(&plain.as_str()) {
                let number = words
                    .next()
                    .map(|next| if next == "#" { words.next().unwrap_or("") } else { next });
                unit = latin(number.unwrap_or_default());
                continue;
            }
            let short = SHORT.iter().find(|(long, _)| *long == plain);
            street.extend(Some(short.map_or(plain, |(_, short)| (*short).to_owned())).filter(|w| !w.is_empty()));
        }
        let street = street.join(" ");
        let postal = address.postal_code.as_deref().unwrap_or_default();
        let place = Self {
            street: if NOWHERE.contains(&street.as_str()) {
                "".into()
            } else {
                street.into()
            },
            unit: unit.into(),
            city: latin(address.city.as_deref().unwrap_or_default()).into(),
            postal: latin(postal.split('-').next().unwrap_or_default()).into(),
        };
        (!place.street.is_empty() || !place.postal.is_empty()).then_some(place)
    }

    /// How two addresses agree; `Part` is the same neighbourhood or house.
    pub(super) fn level(&self, other: &Self) -> Level {
        let known = |a: &str, b: &str| !a.is_empty() && !b.is_empty();
        let differ = |a: &str, b: &str| known(a, b) && a != b;
        let same = |a: &str, b: &str| known(a, b) && a == b;
        let postal = same(&self.postal, &other.postal);
        // A town may be written in several ways, and a postal code mistyped; one of the two is enough.
        let near = postal || same(&self.city, &other.city);
        if !known(&self.street, &other.street) {
            return if postal {
                Level::Part
            } else if differ(&self.postal, &other.postal) {
                Level::Different
            } else {
                Level::Missing
            };
        }
        let apart = !near && (differ(&self.postal, &other.postal) || differ(&self.city, &other.city));
        let house = |street: &str| street.split(' ').next().unwrap_or_default().to_owned();
        if !apart && self.street == other.street {
            return if differ(&self.unit, &other.unit) {
                Level::Part
            } else {
                Level::Same
            };
        }
        let (a, b) = (house(&self.street), house(&other.street));
        let typo = if a == b { 3 } else { 1 };
        if near && self.street.len().min(other.street.len()) > 6 && osa_distance(&self.street, &other.street) <= typo {
            return Level::Close;
        }
        if postal { Level::Part } else { Level::Different }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: &str, city: &str, postal: &str) -> Place {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Place::read(&Address {
            line: line.to_owned(),
            city: text(city),
            state: None,
            postal_code: text(postal),
        })
        .unwrap()
    }

    #[test]
    fn addresses_agree_however_they_are_written() {
        let home = place("12 North Main Street, Apt 4", "Springfield", "01103");
        for (line, city, postal, level) in [
            ("12 N. Main St. #4", "SPRINGFIELD", "01103-2217", Level::Same),
            ("12 N Main St Unit 4", "", "01103", Level::Same),
            ("12 N Main St", "Springfield", "", Level::Same),
            ("12 N Main St Apt 5", "Springfield", "01103", Level::Part),
            ("12 N Mian St", "Springfield", "01103", Level::Close),
            ("77 Elm St", "Springfield", "01103", Level::Part),
            ("12 N Main St", "Boston", "02110", Level::Different),
            ("77 Elm St", "Boston", "02110", Level::Different),
            ("", "", "01103", Level::Part),
            ("", "", "02110", Level::Different),
        ] {
            let other = place(line, city, postal);
            assert!(home.level(&other) == level, "{line} {city} {postal}");
            assert!(other.level(&home) == level, "{line} {city} {postal}");
        }
    }
}
