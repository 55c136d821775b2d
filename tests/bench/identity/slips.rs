//! What hands do to text.

use super::dice::Dice;

/// One digit replaced, or two neighbours swapped.
pub fn slip_digit(dice: &mut Dice, text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let digits: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at].is_ascii_digit()).collect();
    if digits.is_empty() {
        return String::new();
    }
    let at = *dice.pick(&digits);
    if dice.percent(40) && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
        bytes.swap(at, at + 1);
    } else {
        bytes[at] = b'0' + u8::try_from(dice.below(10)).expect("a digit");
    }
    String::from_utf8(bytes).expect("ASCII")
}

/// A slip of the pen: a letter left out, doubled, replaced or swapped with the next.
pub fn slip(dice: &mut Dice, text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.len() < 3 {
        return text.to_owned();
    }
    let at = usize::try_from(dice.between(1, letters.len() as u64 - 2)).expect("small");
    match dice.below(4) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        2 => letters[at] = char::from(b'a' + u8::try_from(dice.below(26)).expect("a letter")),
        _ => letters.swap(at, at + 1),
    }
    letters.into_iter().collect()
}

pub fn is_date(text: &str) -> bool {
    let within = |part: Option<&str>, low: u16, high: u16| {
        let number = part.and_then(|part| part.parse::<u16>().ok());
        number.is_some_and(|number| (low..=high).contains(&number))
    };
    let mut parts = text.split('-');
    within(parts.next(), 1900, 2025) && within(parts.next(), 1, 12) && within(parts.next(), 1, 28)
}

pub fn ascii(text: &str) -> String {
    let plain = |c: char| match c {
        'á' => 'a',
        'é' | 'ě' => 'e',
        'í' => 'i',
        'ó' | 'ö' => 'o',
        'ú' | 'ü' => 'u',
        'ñ' => 'n',
        'ř' => 'r',
        c => c,
    };
    text.chars().map(plain).collect()
}

pub fn capital(text: &str) -> String {
    let mut start = true;
    text.chars()
        .flat_map(|c| {
            let upper = std::mem::replace(&mut start, !c.is_alphanumeric());
            let shown: Vec<char> = if upper { c.to_uppercase().collect() } else { vec![c] };
            shown
        })
        .collect()
}
