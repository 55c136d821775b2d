use proptest::prelude::*;

use super::*;

fn skip(text: &str) -> Result<(), Flaw> {
    let mut cursor = Cursor::new(text);
    cursor.skip()?;
    cursor.end()
}

/// Texts close to JSON: pieces of it in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\":",
        "1",
        "-0.5e+3",
        "01",
        "1.",
        "true",
        "nul",
        "null",
        " ",
        "\"",
        "\\",
        "\\u00e9",
        "\\ud83d\\ude00",
        "\"\\ud83d\"",
        "\u{1}",
        "é",
        "\"0123456789é\\n\"",
        "-",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Any JSON value, with awkward strings.
pub(crate) fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        prop::sample::select(vec!["", "\"", "\\", "reference", "a/b", "\n\u{7f}\u{2028}"]).prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::vec(("[a-z]{1,4}", inner), 0..5)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn it_accepts_what_serde_json_accepts(text in pieces()) {
        let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        match skip(&text) {
            Err(Flaw::EscapedName { .. }) => {}
            ours => prop_assert_eq!(ours.is_ok(), theirs, "{}", text),
        }
    }

    #[test]
    fn it_ends_strings_where_serde_json_does(inner in r#"[a-c\x01\x1f\x20\x7f\x80é/"\\]{0,24}"#) {
        let text = format!("\"{inner}\"");
        let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        prop_assert_eq!(skip(&text).is_ok(), theirs, "{:?}", text);
    }

    #[test]
    fn a_cut_off_text_is_never_accepted(value in value(), keep in any::<prop::sample::Index>()) {
        let text = format!("[{value}]");
        prop_assert_eq!(skip(&text), Ok(()));
        let mut end = keep.index(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        prop_assert!(skip(&text[..end]).is_err());
    }

    #[test]
    fn a_string_means_what_serde_json_says(meaning in any::<String>(), ascii in any::<bool>()) {
        let mut text = serde_json::to_string(&meaning).unwrap();
        if ascii {
            let units = meaning.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
            text = format!("\"{}\"", units.collect::<Vec<_>>().concat());
        }
        let read = Cursor::new(&text).string().unwrap();
        prop_assert_eq!(read.value(), meaning);
    }
}

#[test]
fn depth_ends_where_the_tree_builder_of_serde_json_ends() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(skip(&nested(MAX_DEPTH)), Ok(()));
    assert!(serde_json::from_str::<serde_json::Value>(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(skip(&nested(MAX_DEPTH + 1)), Err(Flaw::TooDeep { at: MAX_DEPTH }));
    assert!(serde_json::from_str::<serde_json::Value>(&nested(MAX_DEPTH + 1)).is_err());
    assert_eq!(skip(&"[".repeat(5_000_000)), Err(Flaw::TooDeep { at: MAX_DEPTH }));
}

#[test]
fn halves_of_surrogate_pairs_are_named() {
    for text in [r#""\ud83d""#, r#""\ude00""#, r#""\ud83d\u0041""#, r#""\ude00\ud83d""#] {
        assert_eq!(skip(text), Err(Flaw::LoneSurrogate { at: 1 }), "{text}");
    }
    assert_eq!(skip(r#""\ud83d\ude00""#), Ok(()));
    assert_eq!(skip(r#""\\ud83d""#), Ok(()));
}

#[test]
fn names_with_escapes_are_refused_at_any_depth() {
    assert_eq!(skip(r#"[{"a":{"\u0062":1}}]"#), Err(Flaw::EscapedName { at: 8 }));
}

#[test]
fn a_control_character_is_found_wherever_it_stands() {
    for place in 0..20 {
        let mut inner = "a".repeat(20);
        inner.replace_range(place..=place, "\u{1f}");
        assert_eq!(skip(&format!("\"{inner}\"")), Err(Flaw::Syntax { at: place + 1 }));
    }
}
