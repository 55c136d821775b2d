//! Standard output: text and JSON for whoever reads it. A reader who has gone away (a closed pipe) stops nothing.

use std::io::{ErrorKind, Write};

use serde::Serialize;

use super::failure::Failure;

/// The width that text is wrapped to, in characters.
const WIDTH: usize = 80;

/// Prints a line, or several.
pub fn say(text: &str) {
    bytes(text.as_bytes());
    bytes(b"\n");
}

/// Prints text as it is.
pub fn print(text: &str) {
    bytes(text.as_bytes());
}

/// Prints bytes as they are.
pub fn bytes(bytes: &[u8]) {
    // Nothing is left to be done for a reader who has gone away.
    let _ = std::io::stdout().lock().write_all(bytes);
}

/// Prints bytes and says whether anyone still reads; for long output that may as well end early.
pub fn stream(bytes: &[u8]) -> Result<bool, Failure> {
    match std::io::stdout().lock().write_all(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::failed(
            &format!("cannot write to standard output: {error}"),
            None,
        )),
    }
}

/// Prints a line for the person on standard error.
pub fn complain(text: &str) {
    // As with `bytes`.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints one JSON document on one line.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text =
        serde_json::to_string(value).map_err(|e| Failure::failed(&format!("cannot write this as JSON: {e}"), None))?;
    say(&text);
    Ok(())
}

/// Text wrapped at spaces, `first` before the first line and as many spaces before the others.
pub fn wrapped(first: &str, text: &str) -> String {
    let indent = first.chars().count();
    let mut out = first.to_owned();
    let mut column = indent;
    let mut begins = true;
    for word in text.split_whitespace() {
        let len = word.chars().count();
        if !begins && column + 1 + len > WIDTH {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
            begins = true;
        }
        if !begins {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += len;
        begins = false;
    }
    out
}

/// Rows in columns as wide as their longest cell, two spaces apart; the first row is the heading.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|r| r.get(column))
            .map(|c| c.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_under_its_beginning_and_long_words_stay_whole() {
        let long = "x".repeat(90);
        let text = format!("{} {long} end", "word ".repeat(20).trim());
        let out = wrapped("- ", &text);
        let lines: Vec<&str> = out.lines().collect();
        assert!(lines[0].starts_with("- word") && lines[0].len() <= WIDTH);
        assert!(lines[1].starts_with("  word"));
        assert!(lines.iter().any(|line| line.trim() == long));
    }

    #[test]
    fn columns_line_up_by_characters() {
        let rows = vec![
            vec!["a".to_owned(), "b".to_owned()],
            vec!["ééé".to_owned(), "c".to_owned()],
        ];
        assert_eq!(table(&rows), "a    b\nééé  c\n");
    }
}
