//! What can go wrong on demand: the names, their arguments, and what each does.

use std::fmt;
use std::str::FromStr;

use super::fault_entry::{self, FaultError};
use super::fault_table::FAULTS;

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

impl Fault {
    /// The stable name, without the argument.
    pub fn name(&self) -> &'static str {
        fault_entry::name(FAULTS, self)
    }

    /// The text of `--fault help`: one line for each fault, `name[:argument]  what happens`.
    pub fn help() -> String {
        fault_entry::help(FAULTS)
    }

    /// Every fault with its default argument.
    pub fn all() -> Vec<Self> {
        FAULTS.iter().filter_map(|entry| entry.name.parse().ok()).collect()
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        fault_entry::parse(FAULTS, text)
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
