//! Long strings, of which two records that are compared need not have a copy each: documents, mostly.

use std::borrow::Cow;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::plain_number::end_of_string;

/// Strings of more bytes are long.
const LONG: usize = 4096;

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The JSON with the SHA-256 of what a long string means in its place, and how many there are. Two texts are equal where these and their numbers
/// are: with one fewer, a hash would stand in the other as it is. A string that is none stays, for whoever reads the JSON to say so.
pub fn short_strings(json: &[u8]) -> (Cow<'_, [u8]>, usize) {
    let (mut written, mut replaced) = (Vec::new(), 0);
    let (mut copied, mut at) = (0, 0);
    while let Some(quote) = memchr::memchr(b'"', &json[at..]) {
        let start = at + quote;
        at = end_of_string(json, start);
        let string = &json[start..at];
        if string.len() > LONG
            && let Ok(Text(text)) = serde_json::from_slice(string)
        {
            written.extend_from_slice(&json[copied..start]);
            let hash = STANDARD.encode(digest(&SHA256, text.as_bytes()));
            written.extend_from_slice(format!("\"{hash}\"").as_bytes());
            (replaced, copied) = (replaced + 1, at);
        }
    }
    if replaced == 0 {
        return (Cow::Borrowed(json), 0);
    }
    written.extend_from_slice(&json[copied..]);
    (Cow::Owned(written), replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(json: &str) -> (String, usize) {
        let (json, replaced) = short_strings(json.as_bytes());
        (String::from_utf8(json.into_owned()).expect("UTF-8"), replaced)
    }

    #[test]
    fn long_strings_are_the_same_where_they_mean_the_same() {
        let long = "x/".repeat(LONG);
        let (plain, replaced) = short(&format!(r#"{{"a": "{long}","b":"short\"","n":1.10}}"#));
        assert_eq!(replaced, 1);
        assert!(plain.starts_with(r#"{"a": ""#) && plain.ends_with(r#"","b":"short\"","n":1.10}"#));
        assert!(plain.len() < 100, "{plain}");
        let escaped = long.replace('/', r"\/");
        assert_eq!(
            short(&format!(r#"{{"a": "{escaped}","b":"short\"","n":1.10}}"#)),
            (plain.clone(), 1)
        );
        assert_ne!(short(&format!(r#"{{"a": "{long}.","b":"short\"","n":1.10}}"#)).0, plain);
        assert_eq!(short(&plain), (plain, 0), "the hash itself is another text");
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
            assert_eq!(short(&json), (json, 0));
        }
    }
}
