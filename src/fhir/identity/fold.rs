//! Letters as they are compared: without case, accents, punctuation, and at last without their script.

use deunicode::deunicode;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// In which script a name is written, as far as that says how sure its Latin form is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Script {
    Latin,
    /// Letters that have Latin counterparts.
    Letters,
    /// Chinese characters, which are read in several languages.
    Han,
}

/// A name as it is compared: letters and digits in small form, without accents.
pub fn normalized(name: &str) -> String {
    // Only the marks that are accents: elsewhere a mark can be a vowel, and makes another name.
    let is_accent =
        |c: char| matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{670}');
    let mut normal = String::with_capacity(name.len());
    for c in name.nfkd().filter(|&c| !is_accent(c)).flat_map(char::to_lowercase) {
        match c {
            'ß' => normal.push_str("ss"),
            'æ' => normal.push_str("ae"),
            'œ' => normal.push_str("oe"),
            'þ' => normal.push_str("th"),
            'ø' => normal.push('o'),
            'ł' => normal.push('l'),
            'đ' | 'ð' => normal.push('d'),
            'ı' => normal.push('i'),
            c if c.is_alphanumeric() || is_combining_mark(c) && !is_accent(c) => {
                normal.push(c);
            }
            _ => {}
        }
    }
    normal
}

/// The script of a text.
pub(super) fn script(text: &str) -> Script {
    let mut found = Script::Latin;
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        match c {
            '\u{2e80}'..='\u{2fff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => {
                return Script::Han;
            }
            '\u{370}'..='\u{1dff}' | '\u{3040}'..='\u{31ff}' | '\u{a000}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' => {
                found = Script::Letters;
            }
            _ => {}
        }
    }
    found
}

/// A word in small Latin letters and digits.
pub(super) fn latin(word: &str) -> String {
    let normal = normalized(word);
    if normal.is_ascii() {
        return normal;
    }
    // Together again: Korean letters have their Latin form as syllables only.
    let composed: String = normal.nfc().collect();
    let mut latin = deunicode(&composed);
    latin.retain(|c| c.is_ascii_alphanumeric());
    latin.make_ascii_lowercase();
    latin
}

/// The consonants of a Latin word by the place in the mouth where they are made, doubled ones once: alike for names that sound alike.
pub(super) fn skeleton(latin: &str) -> String {
    let mut skeleton = String::with_capacity(latin.len());
    let mut last = None;
    for (at, letter) in latin.bytes().enumerate() {
        let class = match letter {
            b'b' | b'f' | b'p' | b'v' | b'w' if letter != b'w' || at == 0 => Some('b'),
            b'c' | b'g' | b'j' | b'k' | b'q' | b's' | b'x' | b'z' => Some('c'),
            b'd' | b't' => Some('d'),
            b'l' => Some('l'),
            b'm' | b'n' => Some('m'),
            b'r' => Some('r'),
            _ => None,
        };
        match class {
            Some(class) if last != Some(class) => skeleton.push(class),
            None if at == 0 => skeleton.push('a'),
            _ => {}
        }
        // An `h` between two alike does not part them; a vowel does.
        if class.is_some() || letter != b'h' {
            last = class;
        }
    }
    skeleton
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_people_would() {
        for (a, b) in [
            ("García", "GARCIA"),
            ("O'Brien", "OBrien"),
            ("Smith-Jones", "Smith Jones"),
            ("Groß", "GROSS"),
            ("Søren", "Soren"),
            ("Müller", "Mu\u{308}ller"),
            ("ＳＭＩＴＨ", "smith"),
            ("محمّد", "محمد"),
        ] {
            assert_eq!(normalized(a), normalized(b), "{a} {b}");
        }
        for (a, b) in [("が", "か"), ("कि", "कु"), ("Ann", "Anna")] {
            assert_ne!(normalized(a), normalized(b), "{a} {b}");
        }
    }

    #[test]
    fn scripts_come_down_to_latin_letters() {
        for (word, expected, of) in [
            ("Иванов", "ivanov", Script::Letters),
            ("Γεώργιος", "georgios", Script::Letters),
            ("김", "gim", Script::Letters),
            ("王", "wang", Script::Han),
            ("Nguyễn", "nguyen", Script::Latin),
            ("Łukasz", "lukasz", Script::Latin),
        ] {
            assert_eq!(latin(word), expected);
            assert_eq!(script(word), of, "{word}");
        }
    }

    #[test]
    fn names_that_sound_alike_have_one_skeleton() {
        for (a, b) in [
            ("catherine", "katharine"),
            ("meyer", "maier"),
            ("muhammad", "mohamed"),
            ("phillips", "philips"),
            ("fischer", "fisher"),
        ] {
            assert_eq!(skeleton(a), skeleton(b), "{a} {b}");
        }
        assert_ne!(skeleton("smith"), skeleton("jones"));
    }
}
