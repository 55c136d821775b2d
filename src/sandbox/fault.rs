//! What can go wrong on demand: the names, their arguments, and what each does.

use std::fmt;
use std::str::FromStr;

use super::fault_table::{Argument, Entry, FAULTS, Value};

/// How often a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// The first time only: a client that tries again succeeds.
    Once,
    /// Every time: a client has to give up on it and say so.
    Always,
}

/// One thing that goes wrong, with its argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // FAULTS below says of each what happens; two texts would drift apart.
pub enum Fault {
    RetryAfterDate,
    RetryAfterEpoch,
    RetryAfterHuge,
    Burst429(u64),
    Burst503(u64),
    StatusTransient(u64),
    KickoffRejected(Times),
    TokenExpires,
    CutOnce,
    CutAlways,
    GzipCut(Times),
    FileExpired(Times),
    OtherOrigin { token: bool },
    RedirectOtherOrigin,
    MalformedLines(u64),
    EmptyLines(u64),
    MistypedLines(u64),
    OversizeLines { mebibytes: u64 },
    DuplicateLines(u64),
    ConflictingDuplicate(u64),
    MissingLastUpdated(u64),
    BomCrlf,
    WrongCounts,
    Empty200(Times),
    StatusRelative,
    StatusQuoted,
    Stu4Manifest,
    ClockSkew { seconds: i64 },
    MultibyteSplit,
    ErrorFile(u64),
}

/// Why a `--fault` argument was not understood.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FaultError {
    /// No fault has this name.
    #[error("There is no fault named \"{0}\".")]
    Unknown(String),
    /// The fault takes no such argument.
    #[error("The fault {name} does not take \"{argument}\": it takes {expected}.")]
    Argument {
        /// Name of the fault.
        name: &'static str,
        /// What was given.
        argument: String,
        /// What would be understood.
        expected: &'static str,
    },
}

impl FaultError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some("`cutover sandbox --fault help` lists every fault and its argument.".to_owned())
    }
}

impl Fault {
    /// The stable name, without the argument.
    pub fn name(&self) -> &'static str {
        let same = |entry: &&Entry| {
            let example = (entry.make)(Value {
                count: 1,
                times: Times::Once,
                word: false,
                seconds: 0,
            });
            std::mem::discriminant(&example) == std::mem::discriminant(self)
        };
        FAULTS.iter().find(same).map_or("", |entry| entry.name)
    }

    /// The text of `--fault help`: one line for each fault, `name[:argument]  what happens`.
    pub fn help() -> String {
        let mut text = String::new();
        for entry in FAULTS {
            let argument = match entry.argument {
                Argument::None => String::new(),
                Argument::Count(default) => format!("[:N={default}]"),
                Argument::Times => "[:always]".to_owned(),
                Argument::Word(word) => format!("[:{word}]"),
                Argument::Seconds(default) => format!("[:N={default}]"),
            };
            let usage = format!("{}{argument}", entry.name);
            text.extend([format!("{usage:<32}"), entry.effect.to_owned(), "\n".to_owned()]);
        }
        text
    }

    /// Every fault with its default argument.
    pub fn all() -> Vec<Self> {
        FAULTS.iter().filter_map(|entry| entry.name.parse().ok()).collect()
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (name, argument) = text
            .split_once(':')
            .map_or((text, None), |(name, argument)| (name, Some(argument)));
        let entry = FAULTS
            .iter()
            .find(|entry| entry.name == name)
            .ok_or_else(|| FaultError::Unknown(name.to_owned()))?;
        let wrong = |expected| FaultError::Argument {
            name: entry.name,
            argument: argument.unwrap_or_default().to_owned(),
            expected,
        };
        let mut value = Value {
            count: 0,
            times: Times::Once,
            word: false,
            seconds: 0,
        };
        match (entry.argument, argument) {
            (Argument::None | Argument::Times | Argument::Word(_), None) | (Argument::Times, Some("once")) => {}
            (Argument::None, Some(_)) => return Err(wrong("no argument")),
            (Argument::Times, Some("always")) => value.times = Times::Always,
            (Argument::Times, Some(_)) => return Err(wrong("once or always")),
            (Argument::Word(word), Some(given)) if given == word => value.word = true,
            (Argument::Word(word), Some(_)) => return Err(wrong(word)),
            (Argument::Count(default), given) => {
                value.count = given
                    .map_or(Ok(default), str::parse)
                    .ok()
                    .filter(|count| *count > 0)
                    .ok_or_else(|| wrong("a number above zero"))?;
            }
            (Argument::Seconds(default), given) => {
                value.seconds = given
                    .map_or(Ok(default), str::parse)
                    .map_err(|_| wrong("a whole number of seconds"))?;
            }
        }
        Ok((entry.make)(value))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Self::Burst429(n)
            | Self::Burst503(n)
            | Self::StatusTransient(n)
            | Self::MalformedLines(n)
            | Self::EmptyLines(n)
            | Self::MistypedLines(n)
            | Self::DuplicateLines(n)
            | Self::ConflictingDuplicate(n)
            | Self::MissingLastUpdated(n)
            | Self::ErrorFile(n)
            | Self::OversizeLines { mebibytes: n } => write!(f, "{name}:{n}"),
            Self::ClockSkew { seconds } => write!(f, "{name}:{seconds}"),
            Self::KickoffRejected(Times::Always)
            | Self::GzipCut(Times::Always)
            | Self::FileExpired(Times::Always)
            | Self::Empty200(Times::Always) => write!(f, "{name}:always"),
            Self::OtherOrigin { token: true } => write!(f, "{name}:token"),
            _ => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_listed_parsed_and_printed_back() {
        assert_eq!(Fault::all().len(), FAULTS.len());
        for fault in Fault::all() {
            assert_eq!(fault.to_string().parse(), Ok(fault));
            assert!(Fault::help().contains(fault.name()), "{fault}");
        }
        assert_eq!("burst-429:7".parse(), Ok(Fault::Burst429(7)));
        assert_eq!("empty-200:always".parse(), Ok(Fault::Empty200(Times::Always)));
        assert_eq!("other-origin:token".parse(), Ok(Fault::OtherOrigin { token: true }));
        assert_eq!("clock-skew:-90".parse(), Ok(Fault::ClockSkew { seconds: -90 }));
    }

    #[test]
    fn a_wrong_name_or_argument_is_explained() {
        assert_eq!(
            "burst-500".parse::<Fault>().unwrap_err().to_string(),
            "There is no fault named \"burst-500\"."
        );
        let error = "burst-429:many".parse::<Fault>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "The fault burst-429 does not take \"many\": it takes a number above zero."
        );
        assert!("cut-once:3".parse::<Fault>().is_err());
        assert!("malformed-lines:0".parse::<Fault>().is_err());
    }
}
