//! A table of faults: how one is named on the command line, and how its argument is read.

use super::fault::Times;

/// What an argument means and what it is when left out.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Argument {
    None,
    Count(u64),
    /// A number, or nothing for the first time only.
    Every,
    Times,
    Word(&'static str),
    Seconds(i64),
    /// Any text, which may not be left out.
    Text(&'static str),
}

/// An argument as read.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    pub count: u64,
    pub times: Times,
    pub word: bool,
    pub seconds: i64,
    pub text: String,
}

/// One row of a table.
pub(crate) struct Entry<F> {
    pub name: &'static str,
    pub argument: Argument,
    pub effect: &'static str,
    pub make: fn(Value) -> F,
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
pub(crate) use entry;

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
        Some(
            "`cutover sandbox --fault help` lists every fault and its argument; with --destination, those of writing."
                .to_owned(),
        )
    }
}

const NOTHING: Value = Value {
    count: 0,
    times: Times::Once,
    word: false,
    seconds: 0,
    text: String::new(),
};

/// The stable name of a fault, without its argument.
pub(crate) fn name<F>(table: &[Entry<F>], fault: &F) -> &'static str {
    let same = |entry: &&Entry<F>| std::mem::discriminant(&(entry.make)(NOTHING)) == std::mem::discriminant(fault);
    table.iter().find(same).map_or("", |entry| entry.name)
}

/// The text of `--fault help`: one line for each fault, `name[:argument]  what happens`.
pub(crate) fn help<F>(table: &[Entry<F>]) -> String {
    let mut text = String::new();
    for entry in table {
        let argument = match entry.argument {
            Argument::None => String::new(),
            Argument::Count(default) => format!("[:N={default}]"),
            Argument::Every => "[:N]".to_owned(),
            Argument::Times => "[:always]".to_owned(),
            Argument::Word(word) => format!("[:{word}]"),
            Argument::Seconds(default) => format!("[:N={default}]"),
            Argument::Text(what) => format!(":{what}"),
        };
        let usage = format!("{}{argument}", entry.name);
        text.extend([format!("{usage:<32}"), entry.effect.to_owned(), "\n".to_owned()]);
    }
    text
}

/// Reads `name` or `name:argument`.
pub(crate) fn parse<F>(table: &[Entry<F>], text: &str) -> Result<F, FaultError> {
    let (name, argument) = text
        .split_once(':')
        .map_or((text, None), |(name, argument)| (name, Some(argument)));
    let entry = table
        .iter()
        .find(|entry| entry.name == name)
        .ok_or_else(|| FaultError::Unknown(name.to_owned()))?;
    let wrong = |expected| FaultError::Argument {
        name: entry.name,
        argument: argument.unwrap_or_default().to_owned(),
        expected,
    };
    let count = |text: &str| text.parse().ok().filter(|count| *count > 0);
    let mut value = NOTHING;
    match (entry.argument, argument) {
        (Argument::None | Argument::Every | Argument::Times | Argument::Word(_), None)
        | (Argument::Times, Some("once")) => {}
        (Argument::None, Some(_)) => return Err(wrong("no argument")),
        (Argument::Times, Some("always")) => value.times = Times::Always,
        (Argument::Times, Some(_)) => return Err(wrong("once or always")),
        (Argument::Word(word), Some(given)) if given == word => value.word = true,
        (Argument::Word(word), Some(_)) => return Err(wrong(word)),
        (Argument::Count(default), given) => {
            value.count = given
                .map_or(Some(default), count)
                .ok_or_else(|| wrong("a number above zero"))?;
        }
        (Argument::Every, Some(given)) => value.count = count(given).ok_or_else(|| wrong("a number above zero"))?,
        (Argument::Seconds(default), given) => {
            value.seconds = given
                .map_or(Ok(default), str::parse)
                .map_err(|_| wrong("a whole number of seconds"))?;
        }
        (Argument::Text(what), given) => {
            let given = given.filter(|given| !given.is_empty());
            given.ok_or_else(|| wrong(what))?.clone_into(&mut value.text);
        }
    }
    Ok((entry.make)(value))
}
