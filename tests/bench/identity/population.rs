//! A synthetic population: households with twins, fathers and sons of one name, and records of the same people made by another hand.

use super::dice::Dice;
use super::names::{Names, made_up};
use super::slips::{ascii, capital, is_date, slip, slip_digit};

const STREETS: [&str; 24] = [
    "Main",
    "Oak",
    "Maple",
    "Cedar",
    "Elm",
    "Washington",
    "Lake",
    "Hill",
    "Park",
    "Pine",
    "North Walnut",
    "Spring",
    "River",
    "Church",
    "High",
    "Mill",
    "Union",
    "School",
    "West Prospect",
    "Center",
    "Franklin",
    "Chestnut",
    "Jackson",
    "Second",
];
const KINDS: [(&str, &str); 6] = [
    ("Street", "St"),
    ("Avenue", "Ave"),
    ("Road", "Rd"),
    ("Drive", "Dr"),
    ("Lane", "Ln"),
    ("Court", "Ct"),
];
const TOWNS: [(&str, u64); 12] = [
    ("Springfield", 1101),
    ("Holyoke", 1040),
    ("Chicopee", 1013),
    ("Northampton", 1060),
    ("Westfield", 1085),
    ("Agawam", 1001),
    ("Amherst", 1002),
    ("Ludlow", 1056),
    ("Easthampton", 1027),
    ("Longmeadow", 1106),
    ("Palmer", 1069),
    ("Ware", 1082),
];

/// What a record says of a person; empty for what it does not say.
#[derive(Clone, Default)]
pub struct Record {
    /// The person, whom only the one who counts may know.
    pub entity: u64,
    pub mrn: String,
    pub ssn: String,
    pub family: String,
    pub given: String,
    pub middle: String,
    pub suffix: String,
    pub born: String,
    pub sex: String,
    pub phone: String,
    pub email: String,
    pub street: String,
    pub city: String,
    pub postal: String,
}

struct Home {
    street: String,
    city: String,
    postal: String,
    phone: String,
}

/// Makes people, household by household.
pub struct Population {
    dice: Dice,
    names: Names,
    people: u64,
}

impl Population {
    pub fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed),
            names: Names::new(),
            people: 0,
        }
    }

    /// At least `count` people in whole households.
    pub fn people(&mut self, count: usize) -> Vec<Record> {
        let mut people = Vec::with_capacity(count + 8);
        while people.len() < count {
            self.household(&mut people);
        }
        people.truncate(count);
        people
    }

    fn household(&mut self, people: &mut Vec<Record>) {
        let home = self.home();
        let family = self.names.family(&mut self.dice);
        let year = self.dice.between(1935, 1998);
        let mut father = self.person(&family, false, year, &home);
        if self.dice.percent(45) {
            let keeps = self.dice.percent(20);
            let hers = if keeps {
                self.names.family(&mut self.dice)
            } else {
                family.clone()
            };
            let later = self.dice.below(6);
            let wife = self.person(&hers, true, year + later, &home);
            people.push(wife);
        }
        if self.dice.percent(45) {
            let mut born = year + self.dice.between(20, 34);
            for _ in 0..self.dice.between(1, 3) {
                if born > 2024 {
                    break;
                }
                let female = self.dice.percent(50);
                let mut child = self.person(&family, female, born, &home);
                if !female && self.dice.percent(6) {
                    child.given.clone_from(&father.given);
                    if self.dice.percent(50) {
                        "Jr".clone_into(&mut child.suffix);
                    }
                    if self.dice.percent(25) {
                        "Sr".clone_into(&mut father.suffix);
                    }
                }
                if self.dice.percent(4) {
                    let other = if self.dice.percent(65) { female } else { !female };
                    let mut twin = self.person(&family, other, born, &home);
                    twin.born.clone_from(&child.born);
                    twin.phone.clone_from(&child.phone);
                    twin.email.clone_from(&child.email);
                    if twin.given != child.given {
                        people.push(twin);
                    }
                }
                people.push(child);
                born += self.dice.between(1, 5);
            }
        }
        people.push(father);
    }

    fn home(&mut self) -> Home {
        let dice = &mut self.dice;
        let mut street = format!(
            "{} {} {}",
            dice.between(1, 999),
            dice.pick(&STREETS),
            dice.pick(&KINDS).0
        );
        if dice.percent(25) {
            street = format!("{street} Apt {}", dice.between(1, 40));
        }
        let (city, postal) = *dice.pick(&TOWNS);
        Home {
            street,
            city: city.to_owned(),
            postal: format!("{:05}", postal + dice.below(3)),
            phone: phone(dice),
        }
    }

    fn person(&mut self, family: &str, female: bool, year: u64, home: &Home) -> Record {
        self.people += 1;
        let given = self.names.given(&mut self.dice, female);
        let mut middle = self.names.given(&mut self.dice, female);
        let dice = &mut self.dice;
        match dice.below(10) {
            0..5 => middle.clear(),
            5..8 => middle.truncate(middle.char_indices().nth(1).map_or(0, |(at, _)| at)),
            _ => {}
        }
        let own_phone = year < 2008 && dice.percent(60);
        let email = match dice.below(10) {
            0..5 if year < 2008 => format!("{}.{}{}@mail.example", given, dice.below(10_000), dice.below(100)),
            5..7 => format!("{}{}@home.example", home.phone, home.postal),
            _ => String::new(),
        };
        Record {
            entity: self.people,
            mrn: format!("A{:07}", self.people * 7 + 1_000_003),
            ssn: if dice.percent(55) { ssn(dice) } else { String::new() },
            family: capital(family),
            given: capital(&given),
            middle: capital(&middle),
            suffix: String::new(),
            born: format!("{year}-{:02}-{:02}", dice.between(1, 12), dice.between(1, 28)),
            sex: if female { "female" } else { "male" }.to_owned(),
            phone: if own_phone { phone(dice) } else { home.phone.clone() },
            email: ascii(&email),
            street: home.street.clone(),
            city: home.city.clone(),
            postal: home.postal.clone(),
        }
    }

    /// The same person as another clinic has them: another record number mostly, and whatever time, haste and custom do to the rest.
    #[allow(clippy::too_many_lines)] // A list of accidents, one after the other.
    pub fn corrupted(&mut self, original: &Record) -> Record {
        let mut r = original.clone();
        let names = &self.names;
        let dice = &mut self.dice;
        if !dice.percent(10) {
            r.mrn = format!("B{:07}", r.entity * 11 + 2_000_003);
        }
        match dice.below(100) {
            0..35 => r.ssn.clear(),
            35..38 => r.ssn = slip_digit(dice, &r.ssn),
            38..40 => "999-99-9999".clone_into(&mut r.ssn),
            _ => {}
        }
        if dice.percent(18)
            && let Some(called) = names.nickname(dice, &r.given.to_lowercase())
        {
            r.given = capital(&called);
        }
        match dice.below(100) {
            0..8 => r.given = slip(dice, &r.given),
            8..10 => r.given.truncate(r.given.char_indices().nth(1).map_or(0, |(at, _)| at)),
            10..12 if !r.middle.is_empty() => std::mem::swap(&mut r.given, &mut r.middle),
            12..14 if !r.middle.is_empty() => {
                r.given = format!("{}{}", r.given, r.middle.to_lowercase());
                r.middle.clear();
            }
            _ => {}
        }
        match dice.below(100) {
            0..9 => r.family = slip(dice, &r.family),
            9..12 => std::mem::swap(&mut r.family, &mut r.given),
            12..14 => r.family = format!("{}-{}", r.family, capital(&made_up(dice))),
            14..19 if r.sex == "female" => r.family = capital(&names.family(dice)),
            _ => {}
        }
        if r.family.contains(['-', ' ']) && dice.percent(40) {
            let parts: Vec<&str> = r.family.split(['-', ' ']).collect();
            r.family = if dice.percent(50) {
                parts[0].to_owned()
            } else {
                parts.join(" ")
            };
        }
        match dice.below(10) {
            0..3 => r.middle.clear(),
            3..6 => r
                .middle
                .truncate(r.middle.char_indices().nth(1).map_or(0, |(at, _)| at)),
            _ => {}
        }
        if dice.percent(50) {
            r.suffix.clear();
        }
        let (year, rest) = r.born.split_once('-').expect("a date");
        let (month, day) = rest.split_once('-').expect("a date");
        r.born = match dice.below(100) {
            // A form takes no date that is none.
            0..4 => loop {
                let slipped = slip_digit(dice, &r.born);
                if is_date(&slipped) {
                    break slipped;
                }
            },
            4..10 if day <= "12" => format!("{year}-{day}-{month}"),
            10..12 => year.to_owned(),
            12..14 => String::new(),
            14..15 => format!("{year}-01-01"),
            _ => r.born.clone(),
        };
        match dice.below(100) {
            0..3 => "unknown".clone_into(&mut r.sex),
            3..4 => if r.sex == "male" { "female" } else { "male" }.clone_into(&mut r.sex),
            _ => {}
        }
        match dice.below(100) {
            0..22 => r.phone = phone(dice),
            22..32 => r.phone.clear(),
            32..36 => r.phone = slip_digit(dice, &r.phone),
            _ => {}
        }
        match dice.below(100) {
            0..15 => r.email = format!("{}{}@new.example", ascii(&r.given.to_lowercase()), dice.below(100_000)),
            15..45 => r.email.clear(),
            _ => {}
        }
        match dice.below(100) {
            0..20 => {
                let moved = self.home();
                (r.street, r.city, r.postal) = (moved.street, moved.city, moved.postal);
            }
            20..25 => (r.street.clear(), r.city.clear(), r.postal.clear()).0,
            25..60 => {
                for (long, short) in KINDS {
                    r.street = r.street.replace(long, short);
                }
                r.street = r
                    .street
                    .replace(" Apt ", " #")
                    .replace("North", "N")
                    .replace("West", "W");
            }
            60..65 => r.street = slip(dice, &r.street),
            65..68 => r.street.truncate(r.street.find(" Apt").unwrap_or(r.street.len())),
            _ => {}
        }
        let dice = &mut self.dice;
        if dice.percent(15) {
            (r.family, r.given, r.middle) = (r.family.to_uppercase(), r.given.to_uppercase(), r.middle.to_uppercase());
        }
        if dice.percent(40) {
            (r.family, r.given, r.middle) = (ascii(&r.family), ascii(&r.given), ascii(&r.middle));
        }
        r
    }
}

/// Somebody's number under somebody else's name: the accidents that must not become links.
pub fn mix_up(dice: &mut Dice, records: &mut [Record], share: usize) {
    for _ in 0..records.len() / share {
        let at = usize::try_from(dice.below(records.len() as u64 - 1)).expect("small");
        if dice.percent(50) {
            let other = records[at + 1].mrn.clone();
            records[at].mrn = other;
        } else {
            let other = records[at + 1].ssn.clone();
            records[at].ssn = other;
        }
    }
}

fn phone(dice: &mut Dice) -> String {
    format!("413{}{:04}", dice.between(220, 989), dice.below(10_000))
}

fn ssn(dice: &mut Dice) -> String {
    format!(
        "{:03}-{:02}-{:04}",
        dice.between(10, 599),
        dice.between(1, 99),
        dice.between(1, 9999)
    )
}
