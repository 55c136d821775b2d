//! Masking: what tells who a patient is, made unreadable while somebody else can see the screen.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

use super::look::{Look, Sign};

/// `text` with a sign in the place of every letter and digit. Spaces and punctuation stay, so that a name is still seen to be one.
pub fn masked(text: &str, look: Look) -> String {
    let letter = |part: &str| part.chars().any(char::is_alphanumeric);
    text.graphemes(true)
        .map(|part| if letter(part) { look.sign(Sign::Masked) } else { part })
        .collect()
}

/// `text` as it is, or masked.
pub fn shown(text: &str, look: Look, privacy: bool) -> Cow<'_, str> {
    if privacy {
        Cow::Owned(masked(text, look))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_stays_a_name_that_nobody_can_read() {
        assert_eq!(
            masked("Nguyễn Thị Lan, 1984-03-07", Look::default()),
            "•••••• ••• •••, ••••-••-••"
        );
        assert_eq!(masked("Nicola\u{301}s 林", Look::default()), "••••••• •");
    }

    proptest! {
        #[test]
        fn nothing_of_what_is_masked_can_be_read(text in any::<String>()) {
            prop_assert!(!masked(&text, Look::default()).chars().any(char::is_alphanumeric));
        }
    }
}
