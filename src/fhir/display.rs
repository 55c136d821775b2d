//! Text from an EHR, made fit to be seen on a terminal.

use std::borrow::Cow;

use unicode_normalization::char::is_combining_mark;

/// Most marks that may stand on one character; living scripts need no more.
const MAX_MARKS: usize = 4;

/// `text` in one line, without anything that could move the cursor, reverse what is read, or hide.
///
/// Control characters become their pictures (`␛`), other invisible ones U+FFFD; marks beyond the fourth on a character
/// are dropped, and one that has no character to stand on gets a circle.
pub fn safe(text: &str) -> Cow<'_, str> {
    let printable = |byte: u8| (0x20..0x7F).contains(&byte);
    if text.bytes().all(printable) {
        return Cow::Borrowed(text);
    }
    let mut seen = String::with_capacity(text.len() + 8);
    let mut marks = 0;
    for c in text.chars() {
        let c = visible(c);
        if is_combining_mark(c) {
            if seen.is_empty() {
                seen.push('◌');
            }
            marks += 1;
            if marks > MAX_MARKS {
                continue;
            }
        } else {
            marks = 0;
        }
        seen.push(c);
    }
    if seen == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(seen)
    }
}

/// What [`safe`] makes of `text`, cut to at most `characters`, the last of them an ellipsis if it was cut.
pub fn safe_start(text: &str, characters: usize) -> Cow<'_, str> {
    let seen = safe(text);
    if seen.chars().nth(characters).is_none() {
        return seen;
    }
    let mut start: String = seen.chars().take(characters.saturating_sub(1)).collect();
    start.push('…');
    Cow::Owned(start)
}

fn visible(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\u{7f}' => '\u{2421}',
        // C1 controls.
        '\u{80}'..='\u{9f}'
        // Soft hyphen, grapheme joiner, Arabic letter mark, Hangul and Khmer fillers, Mongolian separators.
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        // Zero widths and direction marks; line and paragraph separators, embeddings and overrides; joiners, invisible
        // operators, isolates and deprecated format characters.
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        // Shorthand and musical format characters; tags and the selectors behind them.
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => {
            char::REPLACEMENT_CHARACTER
        }
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_the_world_pass_untouched() {
        for name in [
            "O'Brien",
            "Nicolás",
            "Nicola\u{301}s",
            "मोहन",
            "이순신",
            "أحمد",
            "Nguyễn",
            "林",
            "ประเสริฐ",
        ] {
            assert!(matches!(safe(name), Cow::Borrowed(_)), "{name}");
        }
    }

    #[test]
    fn nothing_that_steers_or_hides_passes() {
        assert_eq!(safe("a\u{1b}[2Jb\r\n\tc"), "a␛[2Jb␍␊␉c");
        for hidden in [
            '\u{9b}',
            '\u{202e}',
            '\u{2066}',
            '\u{200b}',
            '\u{feff}',
            '\u{2028}',
            '\u{e0041}',
            '\u{200f}',
        ] {
            assert_eq!(safe(&format!("a{hidden}b")), "a\u{fffd}b", "{hidden:?}");
        }
    }

    #[test]
    fn marks_do_not_pile_up_or_reach_the_frame() {
        assert_eq!(
            safe(&format!("a{}b", "\u{301}".repeat(500))),
            format!("a{}b", "\u{301}".repeat(4))
        );
        assert_eq!(safe("\u{301}x"), "◌\u{301}x");
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(safe_start("ééééé", 5), "ééééé");
        assert_eq!(safe_start("éééééé", 5), "éééé…");
    }

    proptest! {
        #[test]
        fn no_control_character_ever_passes(text in any::<String>()) {
            let seen = safe(&text);
            prop_assert!(!seen.chars().any(char::is_control));
            prop_assert_eq!(safe(&seen), seen.as_ref());
        }
    }
}
