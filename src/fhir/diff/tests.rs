use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;

pub const BASE: &str = "https://ehr.example/r4";

/// Items of lists, few enough that two records often have the same.
pub const IDENTIFIERS: &[&str] = &[
    r#"{"system":"urn:a","value":"1"}"#,
    r#"{"system":"urn:a","value":"2"}"#,
    r#"{"system":"urn:a","value":"1","use":"old"}"#,
    r#"{"value":"1"}"#,
    r#"{"system":"urn:b","value":"1"}"#,
];
pub const NAMES: &[&str] = &[
    r#"{"use":"official","family":"Ng"}"#,
    r#"{"use":"official","family":"O'\u004eeil"}"#,
    r#"{"use":"official" , "family":"Ng"}"#,
    r#"{"use":"maiden","family":"Ng","given":["A","B"]}"#,
    r#"{"family":"Ng"}"#,
    r#""not a name""#,
];
pub const TELECOMS: &[&str] = &[
    r#"{"system":"phone","use":"home","value":"1"}"#,
    r#"{"system":"phone","use":"home","value":"2"}"#,
    r#"{"system":"phone","value":"1"}"#,
    r#"{"system":"email","use":"home","value":"a@b"}"#,
];
const EXTENSIONS: &[&str] = &[
    r#"{"url":"http://x/race","valueString":"a"}"#,
    r#"{"url":"http://x/race","valueString":"b"}"#,
    r#"{"url":"http://x/n","valueDecimal":1.10}"#,
    r#"{"url":"http://x/n","valueDecimal":1.1}"#,
    r##"{"url":"http://x/who","valueReference":{"reference":"#b"}}"##,
];
const DOCTORS: &[&str] = &[
    r#"{"reference":"Practitioner/1"}"#,
    r#"{"reference":"https://ehr.example/r4/Practitioner/1"}"#,
    r#"{"reference":"Practitioner/1","display":"Dr"}"#,
    r##"{"reference":"#a"}"##,
    r##"{"reference":"#b"}"##,
];
const CONTAINED: &[&str] = &[
    r#"{"resourceType":"Practitioner","id":"a","active":true}"#,
    r#"{"resourceType":"Practitioner","id":"a","active":false}"#,
    r#"{"resourceType":"Practitioner","id":"b","active":true}"#,
    r##"{"resourceType":"PractitionerRole","id":"b","practitioner":{"reference":"#a"}}"##,
    r##"{"resourceType":"PractitionerRole","id":"c","practitioner":{"reference":"#a"},"location":[{"reference":"#b"}]}"##,
];
const SINGLES: &[&[&str]] = &[
    &[
        r#""birthDate":"1970-01-01""#,
        r#""birthDate":"1970-01-02""#,
        r#""birthDate" : "1970-01-01""#,
    ],
    &[
        r#""_birthDate":{"id":"x"}"#,
        r#""_birthDate":{"extension":[{"url":"u","valueTime":"10:00:00"}]}"#,
    ],
    &[r#""deceasedBoolean":true"#, r#""deceasedDateTime":"2020-01-01""#],
    &[r#""gender":"male""#, r#""gender":"female""#, r#""gender":null"#],
    &[
        r#""multipleBirthInteger":12345678901234567890"#,
        r#""multipleBirthInteger":2"#,
    ],
    &[
        r#""maritalStatus":{"text":"M"}"#,
        r#""maritalStatus":{"text":"S"}"#,
        r#""maritalStatus":{}"#,
    ],
    &[
        r##""managingOrganization":{"reference":"#a"}"##,
        r#""managingOrganization":{"reference":"Organization/2"}"#,
    ],
    &[
        r#""text":{"status":"generated","div":"<div>1</div>"}"#,
        r#""text":{"status":"generated","div":"<div>2</div>"}"#,
        r#""text":{"status":"additional","div":"<div>1</div>"}"#,
        r#""text":{"status":"empty","div":"<div>-</div>"}"#,
    ],
    &[
        r#""x_unknown":[1.10,"a"]"#,
        r#""x_unknown":[1.1,"a"]"#,
        r#""x_unknown":7"#,
        r#""x_unknown":["a",1.10]"#,
    ],
    &[
        r#""meta":{"versionId":"1","lastUpdated":"2024-01-01T00:00:00Z","profile":["p"]}"#,
        r#""meta":{"lastUpdated":"2025-01-01T00:00:00Z","security":[{"system":"s","code":"R"}]}"#,
        r#""meta":{"profile":["p","q"],"tag":[{"system":"https://cutover.dev/fhir/tenant","code":"t"},{"code":"x"}]}"#,
        r#""meta":{"tag":[],"source":"u"}"#,
    ],
];
const LISTS: &[(&str, &[&str])] = &[
    ("identifier", IDENTIFIERS),
    ("name", NAMES),
    ("telecom", TELECOMS),
    ("extension", EXTENSIONS),
    (
        "modifierExtension",
        &[
            r#"{"url":"m","valueBoolean":true}"#,
            r#"{"url":"m","valueBoolean":false}"#,
        ],
    ),
    ("generalPractitioner", DOCTORS),
    (
        "contact",
        &[
            r#"{"gender":"male"}"#,
            r#"{"gender":"female"}"#,
            r#"{ "gender":"male"}"#,
        ],
    ),
    ("contained", CONTAINED),
];

/// A Patient with few different elements, in any order and with any white space.
pub fn patient() -> impl Strategy<Value = String> {
    let singles: Vec<_> = SINGLES
        .iter()
        .map(|forms| prop::option::of(select(*forms).prop_map(str::to_owned)))
        .collect();
    let lists: Vec<_> = LISTS
        .iter()
        .map(|(name, items)| {
            let items = prop::collection::vec(select(*items), 0..4);
            let gap = select(&["", " "][..]);
            let list = (items, gap).prop_map(move |(items, gap)| {
                let items = if *name == "contained" { distinct(&items) } else { items };
                format!("\"{name}\":[{gap}{}{gap}]", items.join(","))
            });
            prop::option::of(list)
        })
        .collect();
    let gaps = prop::collection::vec(select(&["", " ", "\t"][..]), 20);
    (singles, lists, gaps)
        .prop_flat_map(|(singles, lists, gaps)| {
            let members: Vec<String> = singles.into_iter().chain(lists).flatten().collect();
            let count = members.len();
            (
                Just(members).prop_shuffle(),
                Just(gaps),
                subsequence(vec![0, 1], 1),
                0..=count,
            )
        })
        .prop_map(|(mut members, gaps, _, at)| {
            members.insert(at.min(members.len()), "\"id\":\"p\"".to_owned());
            members.insert(0, "\"resourceType\":\"Patient\"".to_owned());
            let spaced: Vec<String> = members
                .iter()
                .zip(gaps.iter().cycle())
                .map(|(member, gap)| format!("{gap}{member}{gap}"))
                .collect();
            format!("{{{}}}", spaced.join(","))
        })
}

/// Contained resources without those whose id is there already, which no record has.
fn distinct(items: &[&'static str]) -> Vec<&'static str> {
    let id = |item: &str| super::super::contained::id_of(item).unwrap().to_owned();
    let first = |at: usize| !items[..at].iter().any(|before| id(before) == id(items[at]));
    (0..items.len()).filter(|&at| first(at)).map(|at| items[at]).collect()
}

fn differences(left: &str, right: &str) -> Vec<FieldDifference> {
    diff(left.as_bytes(), right.as_bytes(), Some(BASE)).unwrap()
}

fn told(left: &str, right: &str) -> Vec<String> {
    let patient = |members: &str| format!("{{\"resourceType\":\"Patient\",\"id\":\"x\"{members}}}");
    differences(&patient(left), &patient(right))
        .into_iter()
        .map(|found| {
            let side = |side: Option<String>| side.unwrap_or_else(|| "-".to_owned());
            format!(
                "{} {:?} {} {}",
                found.path,
                found.difference,
                side(found.left),
                side(found.right)
            )
        })
        .collect()
}

#[test]
fn elements_are_matched_by_what_they_are_known_by() {
    let found = told(
        r#","name":[{"use":"official","family":"A"},{"use":"old","family":"B"}],"identifier":[{"system":"u","value":"1"}]"#,
        r#","identifier":[{"system":"u","value":"1","use":"usual"},{"system":"v","value":"1"}],"name":[{"use":"official","family":"C"}]"#,
    );
    insta::assert_snapshot!(found.join("\n"), @r#"
    name[use=official] Differs {"use":"official","family":"A"} {"use":"official","family":"C"}
    name[use=old] OnlyLeft {"use":"old","family":"B"} -
    identifier[system=u] Differs {"system":"u","value":"1"} {"system":"u","value":"1","use":"usual"}
    identifier[system=v] OnlyRight - {"system":"v","value":"1"}
    "#);
}

#[test]
fn a_choice_and_a_primitive_with_extensions_are_one_field_each() {
    let found = told(
        r#","deceasedBoolean":true,"birthDate":"1970","_birthDate":{"id":"a"}"#,
        r#","birthDate":"1970","deceasedDateTime":"2020""#,
    );
    insta::assert_snapshot!(found.join("\n"), @r#"
    deceased[x] Differs {"deceasedBoolean":true} {"deceasedDateTime":"2020"}
    birthDate Differs {"birthDate":"1970","_birthDate":{"id":"a"}} "1970"
    "#);
}

#[test]
fn digits_count_and_what_servers_manage_does_not() {
    let found = told(
        r#","meta":{"versionId":"1","source":"a","security":[{"code":"R"}]},"x":1.10,"y":[1.10,2]"#,
        r#","x":1.1,"meta":{"lastUpdated":"2024","tag":[{"system":"https://cutover.dev/fhir/tenant","code":"t"}]},"y":[2,1.10]"#,
    );
    insta::assert_snapshot!(found.join("\n"), @r#"
    x Differs 1.10 1.1
    y Order [1.10,2] [2,1.10]
    meta.security[code=|R] OnlyLeft {"code":"R"} -
    "#);
}

#[test]
fn a_contained_resource_is_part_of_what_refers_to_it_whatever_its_id() {
    let record = |id: &str, active: bool| {
        format!(
            r##","contained":[{{"id":"{id}","resourceType":"Basic","active":{active}}}],"managingOrganization":{{"reference":"#{id}"}}"##
        )
    };
    assert_eq!(told(&record("a", true), &record("b", true)), Vec::<String>::new());
    let found = told(&record("a", true), &record("a", false));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("managingOrganization Differs"), "{}", found[0]);
    let orphan = r#","contained":[{"id":"a","resourceType":"Basic"}]"#;
    assert_eq!(
        told(orphan, ""),
        [r#"contained[type=Basic] OnlyLeft {"id":"a","resourceType":"Basic"} -"#]
    );
}

#[test]
fn items_that_share_a_label_are_told_apart_without_saying_who_it_is() {
    let found = told(
        r#","identifier":[{"system":"u","value":"123"},{"system":"u","value":"456"}]"#,
        "",
    );
    let paths: Vec<_> = found.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_ne!(paths[0], paths[1]);
    for path in paths {
        assert!(path.starts_with("identifier[system=u~"), "{path}");
    }
    let found = told(r#","extension":[{"url":"a] b","valueString":"secret"}]"#, "");
    assert!(
        found[0].starts_with("extension[~"),
        "what cannot be typed is no label: {}",
        found[0]
    );
}

#[test]
fn two_types_are_not_compared_and_nothing_is_told_in_debug() {
    let (patient, basic) = (
        br#"{"resourceType":"Patient","id":"x","name":[{"family":"Secret"}]}"#,
        br#"{"resourceType":"Basic","id":"x"}"#,
    );
    let error = diff(patient, basic, None).unwrap_err();
    assert_eq!(error.to_string(), "a Patient and a Basic cannot be compared");
    let other = br#"{"resourceType":"Patient","id":"x"}"#;
    assert!(!format!("{:?}", diff(patient, other, None).unwrap()).contains("Secret"));
    let twice = br#"{"resourceType":"Patient","id":"x","gender":"male","gender":"female"}"#;
    assert!(matches!(diff(twice, other, None), Err(DiffError::Canonical(_))));
}

proptest! {
    #[test]
    fn seen_from_the_other_side_it_is_the_same(left in patient(), right in patient()) {
        let mirrored = |found: FieldDifference| {
            let difference = match found.difference {
                Difference::OnlyLeft => Difference::OnlyRight,
                Difference::OnlyRight => Difference::OnlyLeft,
                other => other,
            };
            format!("{difference:?} {:?} {:?}", found.right, found.left)
        };
        let plain = |found: FieldDifference| format!("{:?} {:?} {:?}", found.difference, found.left, found.right);
        let mut there: Vec<_> = differences(&left, &right).into_iter().map(plain).collect();
        let mut back: Vec<_> = differences(&right, &left).into_iter().map(mirrored).collect();
        there.sort();
        back.sort();
        prop_assert_eq!(there, back);
    }

    #[test]
    fn no_difference_is_no_other_content(left in patient(), right in patient()) {
        prop_assert_eq!(differences(&left, &left), Vec::new());
        // The narrative and the ids of contained resources do not count in one of the two.
        let plain = |line: &str| !line.contains("\"text\"") && !line.contains("\"contained\"") && !line.contains("null");
        if plain(&left) && plain(&right) && differences(&left, &right).is_empty() {
            let hash = |line: &str| super::super::canonical_hash(line.as_bytes(), Some(BASE)).unwrap();
            let filled = |line: &str| !["[]", "[  ]", "{}"].iter().any(|empty| line.contains(empty));
            prop_assert!(!filled(&left) || !filled(&right) || hash(&left) == hash(&right), "{} {}", left, right);
        }
    }

    #[test]
    fn paths_are_told_once(left in patient(), right in patient()) {
        let mut paths: Vec<_> = differences(&left, &right).into_iter().map(|found| found.path).collect();
        let count = paths.len();
        paths.sort();
        paths.dedup();
        prop_assert_eq!(paths.len(), count);
    }
}
