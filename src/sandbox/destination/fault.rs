//! What can go wrong on demand with writing: the names, their arguments, and what each does.

use std::fmt;
use std::str::FromStr;

use crate::sandbox::fault_entry::{self, Argument, Entry, FaultError, entry};

/// How often a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// The first time only.
    Once,
    /// The N-th time, the 2N-th, and so on.
    Nth(u64),
}

/// One thing that goes wrong with writing, with its argument.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // FAULTS below says of each what happens; two texts would drift apart.
pub enum WriteFault {
    Entry429(u64),
    Entry409(u64),
    Entry412(u64),
    Entry500(u64),
    Burst429(u64),
    Burst503(u64),
    CutAfterWrite(Every),
    CutBeforeWrite(Every),
    GatewayTimeout(Every),
    StallBeforeWrite(Every),
    StallAfterWrite(Every),
    MaxEntries(u64),
    MaxBytes(u64),
    Poison(String),
    FewerEntries(Every),
    TokenExpires(u64),
}

fn every(count: u64) -> Every {
    if count == 0 { Every::Once } else { Every::Nth(count) }
}

/// Every fault: its name, its argument, and one line on what happens.
const FAULTS: &[Entry<WriteFault>] = &[
    entry!(
        "entry-429",
        Argument::Count(5),
        |v| WriteFault::Entry429(v.count),
        "every N-th entry of batches gets 429 inside the 200 and is not written"
    ),
    entry!(
        "entry-409",
        Argument::Count(5),
        |v| WriteFault::Entry409(v.count),
        "every N-th entry of batches gets 409, as when two clients create the same record, and is not written"
    ),
    entry!(
        "entry-412",
        Argument::Count(5),
        |v| WriteFault::Entry412(v.count),
        "every N-th entry with ifMatch gets 412 though it names the right version, and is not written"
    ),
    entry!(
        "entry-500",
        Argument::Count(5),
        |v| WriteFault::Entry500(v.count),
        "every N-th entry of batches gets 500 and is not written"
    ),
    entry!(
        "burst-429",
        Argument::Count(3),
        |v| WriteFault::Burst429(v.count),
        "of every 20 requests that write, N in a row get 429 with Retry-After, and nothing is written"
    ),
    entry!(
        "burst-503",
        Argument::Count(3),
        |v| WriteFault::Burst503(v.count),
        "of every 20 requests that write, N in a row get 503 and an HTML page, and nothing is written"
    ),
    entry!(
        "cut-after-write",
        Argument::Every,
        |v| WriteFault::CutAfterWrite(every(v.count)),
        "the connection breaks after the write and before the answer: once, or every N-th time"
    ),
    entry!(
        "cut-before-write",
        Argument::Every,
        |v| WriteFault::CutBeforeWrite(every(v.count)),
        "the connection breaks before anything is written: once, or every N-th time"
    ),
    entry!(
        "gateway-timeout",
        Argument::Every,
        |v| WriteFault::GatewayTimeout(every(v.count)),
        "what is asked for is written and the answer is 504 with an HTML page: once, or every N-th time"
    ),
    entry!(
        "stall-before-write",
        Argument::Every,
        |v| WriteFault::StallBeforeWrite(every(v.count)),
        "a request is taken and never answered, and nothing is written: once, or every N-th time"
    ),
    entry!(
        "stall-after-write",
        Argument::Every,
        |v| WriteFault::StallAfterWrite(every(v.count)),
        "what is asked for is written and never answered: once, or every N-th time"
    ),
    entry!(
        "max-entries",
        Argument::Count(20),
        |v| WriteFault::MaxEntries(v.count),
        "a Bundle of more than N entries gets 413"
    ),
    entry!(
        "max-bytes",
        Argument::Count(100_000),
        |v| WriteFault::MaxBytes(v.count),
        "a body of more than N bytes, counted without gzip, gets 413"
    ),
    entry!(
        "poison",
        Argument::Text("ID"),
        |v| WriteFault::Poison(v.text),
        "the record of this id, or with an identifier of this value, gets 422; a transaction with it fails as a whole"
    ),
    entry!(
        "fewer-entries",
        Argument::Every,
        |v| WriteFault::FewerEntries(every(v.count)),
        "the answer to a Bundle lacks its last entry, though it was written: once, or every N-th time"
    ),
    entry!(
        "token-expires",
        Argument::Count(10),
        |v| WriteFault::TokenExpires(v.count),
        "every N-th request finds its token expired"
    ),
];

impl WriteFault {
    /// The stable name, without the argument.
    pub fn name(&self) -> &'static str {
        fault_entry::name(FAULTS, self)
    }

    /// The text of `--fault help`: one line for each fault, `name[:argument]  what happens`.
    pub fn help() -> String {
        fault_entry::help(FAULTS)
    }
}

impl FromStr for WriteFault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        fault_entry::parse(FAULTS, text)
    }
}

impl fmt::Display for WriteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Self::Entry429(n)
            | Self::Entry409(n)
            | Self::Entry412(n)
            | Self::Entry500(n)
            | Self::Burst429(n)
            | Self::Burst503(n)
            | Self::MaxEntries(n)
            | Self::MaxBytes(n)
            | Self::TokenExpires(n)
            | Self::CutAfterWrite(Every::Nth(n))
            | Self::CutBeforeWrite(Every::Nth(n))
            | Self::GatewayTimeout(Every::Nth(n))
            | Self::StallBeforeWrite(Every::Nth(n))
            | Self::StallAfterWrite(Every::Nth(n))
            | Self::FewerEntries(Every::Nth(n)) => write!(f, "{name}:{n}"),
            Self::Poison(id) => write!(f, "{name}:{id}"),
            Self::CutAfterWrite(Every::Once)
            | Self::CutBeforeWrite(Every::Once)
            | Self::GatewayTimeout(Every::Once)
            | Self::StallBeforeWrite(Every::Once)
            | Self::StallAfterWrite(Every::Once)
            | Self::FewerEntries(Every::Once) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_listed_parsed_and_printed_back() {
        for entry in FAULTS {
            let plain = entry.name.parse::<WriteFault>();
            let fault = plain.or_else(|_| format!("{}:p1", entry.name).parse()).unwrap();
            assert_eq!(fault.name(), entry.name);
            assert_eq!(fault.to_string().parse(), Ok(fault));
            assert!(WriteFault::help().contains(entry.name));
        }
        assert_eq!(
            "cut-after-write:3".parse(),
            Ok(WriteFault::CutAfterWrite(Every::Nth(3)))
        );
        assert_eq!("cut-after-write".parse(), Ok(WriteFault::CutAfterWrite(Every::Once)));
    }

    #[test]
    fn a_poison_without_an_id_is_explained() {
        let error = "poison".parse::<WriteFault>().unwrap_err();
        assert_eq!(error.to_string(), "The fault poison does not take \"\": it takes ID.");
    }
}
