use proptest::prelude::*;

use super::*;
use crate::fhir::{canonical_hash, scan};

const SOURCE: &str = "https://ehr.example/fhir/r4/ABC";

fn stamped(line: &str, source: Option<&str>) -> String {
    String::from_utf8(stamp(line.as_bytes().to_vec(), "north", source)).unwrap()
}

/// Records in every state of `meta`, at every place, with white space and look-alikes of what is added.
fn record() -> impl Strategy<Value = String> {
    let space = || prop::sample::select(vec!["", "", " ", "\n  ", "\t"]);
    let look_alike = tag("south", "  ", " ");
    let tags = prop::collection::vec(
        prop::sample::select(vec!["{}".to_owned(), r#"{"code":"SUBSETTED"}"#.to_owned(), look_alike]),
        0..3,
    );
    let tag_member = (space(), space(), tags)
        .prop_map(|(a, b, tags)| format!(r#""tag"{a}:{b}[{a}{}{b}]"#, tags.join(&format!("{b},{a}"))));
    let member = prop_oneof![
        tag_member,
        Just(format!(r#""source":"{SOURCE}""#)),
        Just(r#""source" : "urn:x""#.to_owned()),
        Just(r#""versionId":"1""#.to_owned()),
    ];
    let meta = (space(), space(), prop::collection::vec(member, 0..4)).prop_map(|(a, b, mut members)| {
        members.sort();
        members.dedup_by_key(|member| member[..4].to_owned());
        format!(r#""meta"{a}:{b}{{{a}{}{b}}}"#, members.join(&format!("{a},{b}")))
    });
    let meta = prop_oneof![1 => Just(None), 4 => meta.prop_map(Some)];
    (space(), space(), meta, 0usize..3).prop_map(|(a, b, meta, place)| {
        let mut members = vec![r#""resourceType":"Basic""#.to_owned(), r#""id" : "1""#.to_owned()];
        members.extend(meta);
        let last = members.len() - 1;
        members.swap(place.min(last), last);
        format!("{a}{{{b}{}{a}}}{b}", members.join(&format!("{b},{a}")))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn taking_off_gives_the_bytes_back(record in record(), with_source in any::<bool>(), tenant in "[a-z\"é]{1,4}") {
        let source = with_source.then_some(SOURCE);
        let stamped = stamp(record.as_bytes().to_vec(), &tenant, source);
        prop_assert!(scan(&stamped).is_ok(), "{}", String::from_utf8_lossy(&stamped));
        prop_assert_ne!(&stamped, record.as_bytes());
        prop_assert_eq!(unstamp(&stamped, &tenant, source), record.as_bytes(), "{}", String::from_utf8_lossy(&stamped));
        prop_assert_eq!(stamp(stamped.clone(), &tenant, source), stamped);
    }

    /// The quick look agrees with the thorough one wherever it says that only the stamp was added.
    #[test]
    fn the_stamp_is_seen_quickly_and_nothing_else_passes_for_it(record in record(), at in any::<prop::sample::Index>(), with_source in any::<bool>()) {
        let source = with_source.then_some("https://ehr.example/fhir");
        let quick = Stamp::new("t", source);
        let stamped = stamp(record.as_bytes().to_vec(), "t", source);
        if quick.is_on(&stamped, record.as_bytes()) {
            prop_assert_eq!(unstamp(&stamped, "t", source), record.as_bytes());
        }
        prop_assert!(!quick.is_on(record.as_bytes(), record.as_bytes()));
        let mut altered = stamped.clone();
        let place = at.index(altered.len());
        altered[place] ^= 1;
        prop_assert!(!quick.is_on(&altered, record.as_bytes()));
        altered.remove(place);
        prop_assert!(!quick.is_on(&altered, record.as_bytes()));
    }

    #[test]
    fn the_stamp_says_the_tenant_and_the_source_and_keeps_the_rest(record in record()) {
        let stamped = stamp(record.as_bytes().to_vec(), "north", Some(SOURCE));
        prop_assert_eq!(canonical_hash(&stamped, None), canonical_hash(record.as_bytes(), None));
        let before: serde_json::Value = serde_json::from_str(&record).unwrap();
        let after: serde_json::Value = serde_json::from_slice(&stamped).unwrap();
        let tag = after["meta"]["tag"].as_array().unwrap().last().unwrap();
        prop_assert_eq!((&tag["system"], &tag["code"]), (&TENANT_SYSTEM.into(), &"north".into()));
        let source = before["meta"]["source"].as_str().unwrap_or(SOURCE);
        prop_assert_eq!(&after["meta"]["source"], source);
    }
}

#[test]
fn what_is_added_stands_behind_what_is_there() {
    assert_eq!(
        stamped(r#"{"resourceType":"Basic","id":"1"}"#, Some("urn:s")),
        r#"{"resourceType":"Basic","id":"1","meta":{"tag":[{  "system":"https://cutover.dev/fhir/tenant","code":"north" }],"source":"urn:s"}}"#
    );
    assert_eq!(
        stamped(
            r#"{"meta":{"tag":[{"code":"x"}],"source":"urn:x"},"id":"1"}"#,
            Some("urn:s")
        ),
        r#"{"meta":{"tag":[{"code":"x"},{"system":"https://cutover.dev/fhir/tenant","code":"north"}],"source":"urn:x"},"id":"1"}"#
    );
}

#[test]
fn what_is_no_record_or_not_stamped_comes_back_as_it_is() {
    for line in [
        "",
        "x",
        "[]",
        "{}",
        r#"{"id":"1""#,
        r#"{"id":"1","meta":null}"#,
        r#"{"id":"1","meta":{"tag":{}}}"#,
    ] {
        assert_eq!(stamped(line, Some("urn:s")), line);
    }
    for line in ["", "{}", r#"{"id":"1","meta":{"tag":[{"code":"x"}]}}"#] {
        assert_eq!(unstamp(line.as_bytes(), "north", None), line.as_bytes());
    }
    let other_tenant = stamp(br#"{"id":"1"}"#.to_vec(), "south", None);
    assert_eq!(unstamp(&other_tenant, "north", None), other_tenant);
}
