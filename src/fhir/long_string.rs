//! Long strings, of which two records that are compared need not have a copy each: documents, mostly.

use std::borrow::Cow;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::plain_number::end_of_string;

/// Strings that mean more bytes are long.
const LONG: usize = 4096;

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The JSON with a SHA-256 of `salt` and of what a long string means in its place: two texts are equal where these are, if nobody who wrote them
/// knew the salt. A string that is none stays, for whoever reads the JSON to say so.
pub fn short_strings<'a>(json: &'a [u8], salt: &[u8]) -> Cow<'a, [u8]> {
    let (mut written, mut copied, mut at) = (Vec::new(), 0, 0);
    while let Some(quote) = memchr::memchr(b'"', &json[at..]) {
        let start = at + quote;
        at = end_of_string(json, start);
        let string = &json[start..at];
        // As long as it is written, or shorter, is what it means: servers differ in what they escape.
        if string.len() > LONG
            && let Ok(Text(text)) = serde_json::from_slice(string)
            && text.len() > LONG
        {
            let mut hash = Context::new(&SHA256);
            hash.update(salt);
            hash.update(text.as_bytes());
            written.extend_from_slice(&json[copied..start]);
            written.push(b'"');
            written.extend_from_slice(STANDARD.encode(hash.finish()).as_bytes());
            written.push(b'"');
            copied = at;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    written.extend_from_slice(&json[copied..]);
    Cow::Owned(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(json: &str) -> String {
        String::from_utf8(short_strings(json.as_bytes(), b"salt").into_owned()).expect("UTF-8")
    }

    #[test]
    fn long_strings_are_the_same_where_they_mean_the_same() {
        let long = "x/".repeat(LONG);
        let plain = short(&format!(r#"{{"a": "{long}","b":"short\"","n":1.10}}"#));
        assert!(plain.starts_with(r#"{"a": ""#) && plain.ends_with(r#"","b":"short\"","n":1.10}"#));
        assert!(plain.len() < 100, "{plain}");
        let escaped = long.replace('/', r"\/");
        assert_eq!(short(&format!(r#"{{"a": "{escaped}","b":"short\"","n":1.10}}"#)), plain);
        assert_ne!(short(&format!(r#"{{"a": "{long}.","b":"short\"","n":1.10}}"#)), plain);
        assert_eq!(short(&plain), plain);
        let salted = short_strings(long.as_bytes(), b"other");
        assert_eq!(&*salted, long.as_bytes(), "no string");
        let quoted = format!("\"{long}\"");
        assert_ne!(
            short_strings(quoted.as_bytes(), b"other"),
            short_strings(quoted.as_bytes(), b"salt")
        );
    }

    #[test]
    fn how_it_is_escaped_does_not_make_a_string_long() {
        let nearly = "<".repeat(LONG);
        let escaped = format!("\"{}\"", nearly.replace('<', r"\u003c"));
        assert_eq!(short(&escaped), escaped);
        assert_eq!(short(&format!("\"{nearly}\"")), format!("\"{nearly}\""));
        assert_eq!(
            short(&escaped.replacen('"', "\"<", 1)),
            short(&format!("\"<{nearly}\""))
        );
    }

    #[test]
    fn what_is_no_string_stays() {
        let long = "x".repeat(LONG);
        for json in [
            format!("\"{long}"),
            format!("\"{long}\\q\""),
            format!("\"{long}\n\""),
            "\"\\".to_owned(),
        ] {
            assert_eq!(short(&json), json);
        }
    }
}
