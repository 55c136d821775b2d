//! What can go wrong on demand: the names, their arguments, and what each does.

use std::fmt;
use std::str::FromStr;

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

/// What an argument means and what it is when left out.
#[derive(Debug, Clone, Copy)]
enum Argument {
    None,
    Count(u64),
    Times,
    Word(&'static str),
    Seconds(i64),
}

type Make = fn(Value) -> Fault;

/// An argument as read.
#[derive(Debug, Clone, Copy)]
struct Value {
    count: u64,
    times: Times,
    word: bool,
    seconds: i64,
}

struct Entry {
    name: &'static str,
    argument: Argument,
    effect: &'static str,
    make: Make,
}

macro_rules! entry {
    ($name:literal, $argument:expr, $make:expr, $effect:literal) => {
        Entry {
            name: $name,
            argument: $argument,
            effect: $effect,
            make: $make,
        }
    };
}

/// Every fault: its name, its argument, and one line on what happens.
const FAULTS: &[Entry] = &[
    entry!(
        "retry-after-date",
        Argument::None,
        |_| Fault::RetryAfterDate,
        "Retry-After is an HTTP date instead of seconds"
    ),
    entry!(
        "retry-after-epoch",
        Argument::None,
        |_| Fault::RetryAfterEpoch,
        "Retry-After is the time as seconds since 1970"
    ),
    entry!(
        "retry-after-huge",
        Argument::None,
        |_| Fault::RetryAfterHuge,
        "Retry-After asks for five hours"
    ),
    entry!(
        "burst-429",
        Argument::Count(3),
        |v| Fault::Burst429(v.count),
        "the first N status polls and the first N file requests get 429"
    ),
    entry!(
        "burst-503",
        Argument::Count(3),
        |v| Fault::Burst503(v.count),
        "the first N status polls and the first N file requests get 503 and an HTML page"
    ),
    entry!(
        "status-transient",
        Argument::Count(1),
        |v| Fault::StatusTransient(v.count),
        "the first N polls of a job get 500 with an OperationOutcome of code transient"
    ),
    entry!(
        "kickoff-rejected",
        Argument::Times,
        |v| Fault::KickoffRejected(v.times),
        "the first kickoff gets 429; with always, every kickoff gets 400"
    ),
    entry!(
        "token-expires",
        Argument::None,
        |_| Fault::TokenExpires,
        "the first download of each file stops half-way and its token is dead from then on"
    ),
    entry!(
        "cut-once",
        Argument::None,
        |_| Fault::CutOnce,
        "the connection breaks half-way through the first download of each file"
    ),
    entry!(
        "cut-always",
        Argument::None,
        |_| Fault::CutAlways,
        "the connection breaks in the middle of the last file, however often it is asked for"
    ),
    entry!(
        "gzip-cut",
        Argument::Times,
        |v| Fault::GzipCut(v.times),
        "a gzip body ends early inside a complete HTTP response: each file once, or the last file always"
    ),
    entry!(
        "file-expired",
        Argument::Times,
        |v| Fault::FileExpired(v.times),
        "the URLs of the first manifest answer 410 until it is fetched again; with always, the last file stays 410"
    ),
    entry!(
        "other-origin",
        Argument::Word("token"),
        |v| Fault::OtherOrigin { token: v.word },
        "files are on another origin and need no token; with token, the manifest says they need one"
    ),
    entry!(
        "redirect-other-origin",
        Argument::None,
        |_| Fault::RedirectOtherOrigin,
        "file URLs answer 307 to signed URLs on another origin"
    ),
    entry!(
        "malformed-lines",
        Argument::Count(3),
        |v| Fault::MalformedLines(v.count),
        "N lines are cut short, so that they are no JSON"
    ),
    entry!(
        "empty-lines",
        Argument::Count(3),
        |v| Fault::EmptyLines(v.count),
        "N blank lines are put between the others"
    ),
    entry!(
        "mistyped-lines",
        Argument::Count(3),
        |v| Fault::MistypedLines(v.count),
        "N resources claim another type than that of their file"
    ),
    entry!(
        "oversize-lines",
        Argument::Count(32),
        |v| Fault::OversizeLines { mebibytes: v.count },
        "one more line of N MiB is in the last file"
    ),
    entry!(
        "duplicate-lines",
        Argument::Count(4),
        |v| Fault::DuplicateLines(v.count),
        "N resources occur twice, in the same file and in another of their type by turns"
    ),
    entry!(
        "conflicting-duplicate",
        Argument::Count(2),
        |v| Fault::ConflictingDuplicate(v.count),
        "N resources occur twice with different content"
    ),
    entry!(
        "missing-lastupdated",
        Argument::Count(20),
        |v| Fault::MissingLastUpdated(v.count),
        "N resources have no meta.lastUpdated"
    ),
    entry!(
        "bom-crlf",
        Argument::None,
        |_| Fault::BomCrlf,
        "files begin with a byte order mark and lines end in CR LF"
    ),
    entry!(
        "wrong-counts",
        Argument::None,
        |_| Fault::WrongCounts,
        "the manifest counts one line too many in every file"
    ),
    entry!(
        "empty-200",
        Argument::Times,
        |v| Fault::Empty200(v.times),
        "200 with an empty body: each file once, or the last file always"
    ),
    entry!(
        "status-relative",
        Argument::None,
        |_| Fault::StatusRelative,
        "Content-Location of the kickoff is a relative URL"
    ),
    entry!(
        "status-quoted",
        Argument::None,
        |_| Fault::StatusQuoted,
        "Content-Location of the kickoff is in quotes"
    ),
    entry!(
        "stu4-manifest",
        Argument::None,
        |_| Fault::Stu4Manifest,
        "the manifest has outcome instead of error, no request, and no type on outcome and deleted"
    ),
    entry!(
        "clock-skew",
        Argument::Seconds(600),
        |v| Fault::ClockSkew { seconds: v.seconds },
        "the server's clock is N seconds ahead (negative: behind)"
    ),
    entry!(
        "multibyte-split",
        Argument::None,
        |_| Fault::MultibyteSplit,
        "network chunks end in the middle of multi-byte characters"
    ),
    entry!(
        "error-file",
        Argument::Count(2),
        |v| Fault::ErrorFile(v.count),
        "the manifest lists a file of N OperationOutcomes"
    ),
];

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
            text.extend([
                format!("{usage:<32}"),
                entry.effect.to_owned(),
                "\n".to_owned(),
            ]);
        }
        text
    }

    /// Every fault with its default argument.
    pub fn all() -> Vec<Self> {
        FAULTS
            .iter()
            .filter_map(|entry| entry.name.parse().ok())
            .collect()
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
            (Argument::None | Argument::Times | Argument::Word(_), None)
            | (Argument::Times, Some("once")) => {}
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
        assert_eq!(
            "empty-200:always".parse(),
            Ok(Fault::Empty200(Times::Always))
        );
        assert_eq!(
            "other-origin:token".parse(),
            Ok(Fault::OtherOrigin { token: true })
        );
        assert_eq!(
            "clock-skew:-90".parse(),
            Ok(Fault::ClockSkew { seconds: -90 })
        );
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
