//! What makes real exports hard to read occurs in every practice of 200 patients, whatever the seed.

use std::ops::RangeInclusive;

use super::all;
use crate::sandbox::dataset::Dataset;
use crate::sandbox::practice::Practice;

/// Spellings that occur in some line.
const SPELLINGS: &[&str] = &[
    // Numbers whose digits are data.
    r#""value":1.10,"#,
    r#""value":0.50,"#,
    "E-3,",
    r#""valueDecimal":98765432109"#,
    // Escapes, and the same characters raw.
    r"\u00f1",
    "ñ",
    r"\ud8",
    r"\/",
    r"\n",
    r#"\""#,
    r"\\",
    "\u{1F33B}",
    "O'",
    // Names that attack terminals, always escaped.
    r"\u001b[31;1m",
    r"\u202e",
    r"\u2066",
    // A family name of more than 200 characters, and other names beside the official one.
    "Schleswig-Holstein-Sonderburg",
    r#""use":"nickname""#,
    r#""use":"old""#,
    // References in all forms.
    r#""reference":"{base}/Patient/"#,
    r#""reference":"Patient/"#,
    "/_history/",
    r##""reference":"#med1""##,
    r#""valueReference":{"reference""#,
    r#""type":"Patient""#,
    r#"<a href=\""#,
    r#""url":"{base}/Binary/"#,
    r#""url":"Binary/"#,
    r#""value":"22D0000000""#,
    // Patients registered twice, dead, with several numbers.
    r#""type":"replaced-by""#,
    r#""type":"replaces""#,
    r#""deceasedDateTime""#,
    r#""deceasedBoolean":true"#,
    r#""deceasedBoolean":false"#,
    "us-ssn",
    "us-core-race",
    "us-core-birthsex",
    // States that change what a record means.
    r#""code":"refuted""#,
    r#""code":"entered-in-error""#,
    r#""code":"716186003""#,
    r#""code":"resolved""#,
    r#""abatementDateTime""#,
    r#""not-done""#,
    r#""superseded""#,
    // Shapes.
    r#""contained":["#,
    r#""dataAbsentReason""#,
    r#""component":["#,
    r#""valueString":"Yellow""#,
    "{1.73_m2}",
    r#""security":["#,
    r#""versionId""#,
    r#"-05:00""#,
    r#"+05:30""#,
    r#"{"id":"#,
];

/// Scripts that names are written in, by a range of characters each.
const SCRIPTS: &[(&str, RangeInclusive<char>)] = &[
    ("combining marks", '\u{300}'..='\u{36F}'),
    ("Greek", '\u{391}'..='\u{3C9}'),
    ("Cyrillic", '\u{400}'..='\u{4FF}'),
    ("Hebrew", '\u{5D0}'..='\u{5EA}'),
    ("Arabic", '\u{620}'..='\u{64A}'),
    ("Devanagari", '\u{900}'..='\u{97F}'),
    ("Thai", '\u{E00}'..='\u{E7F}'),
    ("Vietnamese", '\u{1EA0}'..='\u{1EF9}'),
    ("Han", '\u{4E00}'..='\u{9FFF}'),
    ("Hangul", '\u{AC00}'..='\u{D7A3}'),
];

fn lines(practice: &Practice) -> Vec<String> {
    let types = practice.types();
    let raw = types.iter().flat_map(|(kind, _)| all(practice, kind));
    raw.map(|line| String::from_utf8(line).unwrap()).collect()
}

#[test]
fn every_peculiarity_occurs_within_200_patients_of_any_seed() {
    for seed in [0, 1, 42, u64::MAX] {
        let lines = lines(&Practice::new(200, seed));
        for spelling in SPELLINGS {
            let occurs = lines.iter().any(|line| line.contains(spelling));
            assert!(occurs, "seed {seed}: {spelling}");
        }
        for (script, range) in SCRIPTS {
            let occurs = lines.iter().any(|line| line.chars().any(|c| range.contains(&c)));
            assert!(occurs, "seed {seed}: {script}");
        }
        assert!(lines.iter().any(|line| !line.contains("\"lastUpdated\"")));
        assert!(lines.iter().any(|line| line.len() > 150_000), "a large Binary");
        let mean = lines.iter().map(String::len).sum::<usize>() / lines.len();
        assert!((800..1_500).contains(&mean), "{mean} bytes a line");
    }
}

#[test]
fn no_line_holds_a_raw_control_or_bidirectional_override() {
    for line in lines(&Practice::new(200, 42)) {
        let hazard = |c: char| c.is_control() || ('\u{202A}'..='\u{202E}').contains(&c);
        assert!(!line.contains(hazard), "{line}");
    }
}
