//! The terminal's clipboard (OSC 52): works over SSH, where the terminal allows it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The longest text that is sent, in bytes: many terminals drop more without a word.
pub const LONGEST: usize = 60_000;

/// What puts text into the clipboard. The text is encoded, so nothing in it can end the sequence early.
pub fn sequence(text: &str) -> Vec<u8> {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("\x1b]52;c;{}\x07", STANDARD.encode(&text[..end])).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_end_the_sequence_early() {
        let bytes = sequence("a\x07\x1b]0;title\x07b");
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!((text.matches('\x07').count(), text.matches('\x1b').count()), (1, 1));
    }
}
