use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use crate::fhir::diff::diff;
use crate::fhir::diff::tests::{BASE, IDENTIFIERS, NAMES, TELECOMS, patient};
use crate::fhir::{Difference, FieldDifference, Survivorship, references};

fn differences(left: &[u8], right: &[u8]) -> Vec<FieldDifference> {
    diff(left, right, Some(BASE)).unwrap()
}

/// Picks as the dice fall, all that must be picked among them.
fn picks(left: &[u8], right: &[u8], dice: &[u8]) -> Picks {
    let mut picks = Picks::new();
    for (found, die) in differences(left, right).into_iter().zip(dice.iter().cycle()) {
        let must = is_modifier(&found.path) || found.path == TEXT;
        let one_sided = matches!(found.difference, Difference::OnlyLeft | Difference::OnlyRight);
        let edits = [("name[", NAMES), ("telecom[", TELECOMS), ("identifier[", IDENTIFIERS)];
        let edit = edits.into_iter().find(|(list, _)| found.path.starts_with(list));
        let pick = match die % 5 {
            0 if must => Pick::Right,
            0 => continue,
            1 => Pick::Left,
            2 => Pick::Right,
            3 if found.item || one_sided => Pick::Both,
            _ => match edit {
                Some((_, items)) => Pick::Edited(items[usize::from(*die) % (items.len() - 1)].to_owned()),
                None if found.path == "birthDate" => {
                    Pick::Edited(r#"{"birthDate":"1999-12-31","_birthDate":{"id":"e"}}"#.into())
                }
                None => Pick::Left,
            },
        };
        picks.insert(found.path, pick);
    }
    picks
}

/// The merge, or nothing where an edit is of another kind than what was there.
fn merged(left: &[u8], right: &[u8], picks: &Picks) -> Option<Vec<u8>> {
    match merge(left, right, picks, Some(BASE)) {
        Ok(merged) => Some(merged.line),
        Err(MergeError::Edited { .. } | MergeError::Misled { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

fn all(left: &[u8], right: &[u8], pick: &Pick) -> Picks {
    differences(left, right)
        .into_iter()
        .map(|found| (found.path, pick.clone()))
        .collect()
}

fn dangling(line: &[u8]) -> BTreeSet<String> {
    let text = std::str::from_utf8(line).unwrap();
    let ids = Record::read(text, None).unwrap().contained.by_id;
    references(line)
        .filter_map(|found| found.text.strip_prefix('#').map(str::to_owned))
        .filter(|id| !ids.contains_key(id.as_str()))
        .collect()
}

/// The same cases everywhere; another number tries others.
fn cases() -> ProptestConfig {
    ProptestConfig {
        cases: 512,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn with_itself_a_record_stays_as_it_is(line in patient(), other in patient(), dice in prop::collection::vec(any::<u8>(), 24)) {
        let picks = picks(other.as_bytes(), line.as_bytes(), &dice);
        let same = merge(line.as_bytes(), line.as_bytes(), &picks, Some(BASE)).unwrap();
        prop_assert_eq!(String::from_utf8(same.line).unwrap(), line);
    }

    #[test]
    fn merged_again_nothing_changes(left in patient(), right in patient(), dice in prop::collection::vec(any::<u8>(), 24)) {
        let picks = picks(left.as_bytes(), right.as_bytes(), &dice);
        // Items that share a label are told apart by their content: after a merge another one may be meant.
        if picks.keys().any(|path| path.contains('~')) {
            return Ok(());
        }
        if let Some(once) = merged(left.as_bytes(), right.as_bytes(), &picks) {
            let twice = merge(left.as_bytes(), &once, &picks, Some(BASE));
            // One of two modifiers of a kind may be alone now and have another path, which nothing was picked for.
            if matches!(twice, Err(MergeError::Modifier { .. })) {
                return Ok(());
            }
            let twice = twice.unwrap_or_else(|error| panic!("{error}")).line;
            prop_assert_eq!(String::from_utf8(twice).unwrap(), String::from_utf8(once).unwrap(), "{:?}", picks);
        }
    }

    #[test]
    fn what_was_picked_is_there(left in patient(), right in patient(), dice in prop::collection::vec(any::<u8>(), 24)) {
        let (left, right) = (left.as_bytes(), right.as_bytes());
        let picks = picks(left, right, &dice);
        let Some(line) = merged(left, right, &picks) else { return Ok(()) };
        let (lost_left, lost_right) = (differences(left, &line), differences(&line, right));
        for found in differences(left, right).into_iter().filter(|found| found.difference != Difference::Order) {
            let pick = picks.get(&found.path);
            if found.left.is_some() && matches!(pick, Some(Pick::Left | Pick::Both)) {
                let lost = lost_left.iter().any(|other| other.left == found.left && other.path.split('[').next() == found.path.split('[').next());
                prop_assert!(!lost, "left of {} {:?} in {}", found.path, picks, String::from_utf8_lossy(&line));
            }
            let kept = found.path != TEXT && matches!(pick, None | Some(Pick::Right | Pick::Both));
            if found.right.is_some() && kept {
                let lost = lost_right.iter().any(|other| other.difference != Difference::Order && other.right == found.right && other.path.split('[').next() == found.path.split('[').next());
                prop_assert!(!lost, "right of {} {:?} in {}", found.path, picks, String::from_utf8_lossy(&line));
            }
        }
    }

    #[test]
    fn unpicked_members_stay_to_the_byte(left in patient(), right in patient(), dice in prop::collection::vec(any::<u8>(), 24)) {
        let picks = picks(left.as_bytes(), right.as_bytes(), &dice);
        let Some(line) = merged(left.as_bytes(), right.as_bytes(), &picks) else { return Ok(()) };
        let (line, before) = (String::from_utf8(line).unwrap(), Record::read(&right, Some(BASE)).unwrap());
        let after = Object::read(&line).unwrap();
        for (place, member) in before.object.members.iter().enumerate() {
            let field = before.fields.iter().find(|field| !field.path.starts_with(META) && field.members.contains(&place));
            let path = field.map_or(member.name, |field| &field.path);
            let touched = picks.keys().any(|picked| picked == path || picked.starts_with(&format!("{path}[")) || picked.starts_with(&format!("{path}.")));
            if !touched && ![TEXT, "contained"].contains(&member.name) {
                let same = after.place(member.name).map(|at| after.member(at));
                prop_assert_eq!(same, Some(before.object.member(place)));
            }
        }
    }

    #[test]
    fn without_picks_it_is_the_right_one_and_with_all_left_it_says_what_the_left_one_does(left in patient(), right in patient()) {
        let (left, right) = (left.as_bytes(), right.as_bytes());
        let none = merge(left, right, &all(left, right, &Pick::Right), Some(BASE)).unwrap();
        prop_assert_eq!(String::from_utf8_lossy(&none.line), String::from_utf8_lossy(right));
        let Some(line) = merged(left, right, &all(left, right, &Pick::Left)) else { return Ok(()) };
        let rest = differences(&line, left);
        prop_assert!(rest.is_empty(), "{:?} {}", rest, String::from_utf8_lossy(&line));
    }

    #[test]
    fn no_reference_into_the_record_is_left_hanging(left in patient(), right in patient(), dice in prop::collection::vec(any::<u8>(), 24)) {
        let picks = picks(left.as_bytes(), right.as_bytes(), &dice);
        let Some(line) = merged(left.as_bytes(), right.as_bytes(), &picks) else { return Ok(()) };
        let before: BTreeSet<_> = dangling(left.as_bytes()).union(&dangling(right.as_bytes())).cloned().collect();
        let after = dangling(&line);
        prop_assert!(after.is_subset(&before), "{:?} {}", after, String::from_utf8_lossy(&line));
        let text = std::str::from_utf8(&line).unwrap();
        let object = Object::read(text).unwrap();
        if let Some(list) = object.get("contained") {
            let ids: Vec<_> = Array::read(list).unwrap().items().filter_map(crate::fhir::contained::id_of).collect();
            prop_assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "two contained resources of one id");
        }
    }

    #[test]
    fn a_proposal_can_be_carried_out(left in patient(), right in patient(), way in prop::sample::select(&Survivorship::ALL[..])) {
        let (left, right) = (left.as_bytes(), right.as_bytes());
        let mut picks = way.propose(left, right, Some(BASE)).unwrap();
        for found in differences(left, right).into_iter().filter(|found| is_modifier(&found.path) || found.path == TEXT) {
            picks.insert(found.path, Pick::Right);
        }
        let Some(line) = merged(left, right, &picks) else { return Ok(()) };
        for found in differences(&line, right) {
            let gained = found.difference != Difference::OnlyRight;
            prop_assert!(gained, "{} was lost by {way}", found.path);
        }
    }
}

fn patient_with(members: &str) -> Vec<u8> {
    format!("{{\"resourceType\":\"Patient\",\"id\":\"x\"{members}}}").into_bytes()
}

fn picked(left: &str, right: &str, picks: &[(&str, Pick)]) -> Result<(String, Narrative), MergeError> {
    let picks: Picks = picks
        .iter()
        .map(|(path, pick)| ((*path).to_owned(), pick.clone()))
        .collect();
    let merged = merge(&patient_with(left), &patient_with(right), &picks, None)?;
    let line = String::from_utf8(merged.line).unwrap();
    let members = line
        .trim_start_matches("{\"resourceType\":\"Patient\",\"id\":\"x\"")
        .to_owned();
    Ok((members, merged.narrative))
}

#[test]
fn a_clashing_contained_resource_gets_another_id_and_one_that_nobody_needs_goes() {
    let left = r##","contained":[{"resourceType":"Organization","id":"o","name":"A","partOf":{"reference":"#p"}},{"resourceType":"Organization","id":"p"}],"managingOrganization":{"reference":"#o"},"generalPractitioner":[{"reference":"#o"}]"##;
    let right = r##","contained":[{"resourceType":"Organization","id":"o","name":"B"}],"managingOrganization":{"reference":"#o"}"##;
    let (both, _) = picked(left, right, &[("generalPractitioner[ref=#o]", Pick::Left)]).unwrap();
    assert_eq!(
        both,
        r##","contained":[{"resourceType":"Organization","id":"o","name":"B"},{"resourceType":"Organization","id":"p"},{"resourceType":"Organization","id":"o-2","name":"A","partOf":{"reference":"#p"}}],"managingOrganization":{"reference":"#o"},"generalPractitioner":[{"reference":"#o-2"}]}"##
    );
    let (left_only, _) = picked(left, right, &[("managingOrganization", Pick::Left)]).unwrap();
    assert!(!left_only.contains("\"B\""), "{left_only}");
    let (gone, _) = picked("", right, &[("managingOrganization", Pick::Left)]).unwrap();
    assert_eq!(gone, "}");
}

#[test]
fn a_reference_that_leads_nowhere_does_not_lead_to_somebody_else() {
    let left = r##","managingOrganization":{"reference":"#o"}"##;
    let right =
        r##","contained":[{"resourceType":"Organization","id":"o"}],"generalPractitioner":[{"reference":"#o"}]"##;
    let error = picked(left, right, &[("managingOrganization", Pick::Left)]).unwrap_err();
    assert_eq!(
        error,
        MergeError::Misled {
            path: "managingOrganization".to_owned()
        }
    );
}

#[test]
fn the_narrative_stays_only_where_it_tells_what_the_record_says() {
    let text =
        |status: &str, words: &str| format!(",\"text\":{{\"status\":\"{status}\",\"div\":\"<div>{words}</div>\"}}");
    let left = format!(",\"gender\":\"male\",\"birthDate\":\"1970\"{}", text("generated", "l"));
    let right = |status: &str| format!(",\"gender\":\"female\"{}", text(status, "r"));
    let one = [("gender", Pick::Left)];
    let both = [("gender", Pick::Left), ("birthDate", Pick::Left)];

    let (line, narrative) = picked(&left, &right("generated"), &one).unwrap();
    assert_eq!(
        (line.as_str(), narrative),
        (",\"gender\":\"male\"}", Narrative::Dropped)
    );
    let (line, narrative) = picked(&left, &right("additional"), &both).unwrap();
    assert!(line.contains("<div>l</div>") && narrative == Narrative::Left, "{line}");
    let (line, narrative) = picked(&left, &right("empty"), &one).unwrap();
    assert!(line.contains("<div>r</div>") && narrative == Narrative::Kept, "{line}");
    let (line, narrative) = picked(&left, &right("generated"), &[]).unwrap();
    assert!(line.contains("<div>r</div>") && narrative == Narrative::Kept, "{line}");
    assert_eq!(
        picked(&left, &right("additional"), &one),
        Err(MergeError::NarrativeSaysMore)
    );
    let chosen = [("gender", Pick::Left), ("text", Pick::Right)];
    assert!(
        picked(&left, &right("additional"), &chosen)
            .unwrap()
            .0
            .contains("<div>r</div>")
    );
    let identifiers = format!(",\"identifier\":[{{\"value\":\"1\"}}]{}", text("generated", "l"));
    let (line, _) = picked(
        &identifiers,
        &right("generated"),
        &[("identifier[system=none]", Pick::Left)],
    )
    .unwrap();
    assert!(line.contains("<div>r</div>"), "{line}");
}

#[test]
fn a_modifier_extension_is_neither_taken_nor_left_without_a_word() {
    let modifier = r#","modifierExtension":[{"url":"m","valueBoolean":true}]"#;
    let path = "modifierExtension[url=m]";
    let must = Err(MergeError::Modifier { path: path.to_owned() });
    assert_eq!(picked(modifier, "", &[]), must);
    assert_eq!(picked("", modifier, &[]), must);
    assert_eq!(
        picked(modifier, "", &[(path, Pick::Left)]).unwrap().0,
        format!("{modifier}}}")
    );
    assert_eq!(picked(modifier, "", &[(path, Pick::Right)]).unwrap().0, "}");
    let proposed = Survivorship::Union.propose(&patient_with(modifier), &patient_with(""), None);
    assert_eq!(proposed.unwrap(), Picks::new());
}

#[test]
fn what_can_be_there_once_cannot_be_both() {
    let error = picked(
        r#","gender":"male""#,
        r#","gender":"female""#,
        &[("gender", Pick::Both)],
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "`gender` is no item of a list, so not both sides can stay"
    );
    assert!(error.hint().is_some());
}

#[test]
fn extensions_of_a_primitive_travel_with_it() {
    let left = r#","birthDate":"1970","_birthDate":{"extension":[{"url":"t","valueDateTime":"1970-01-01T10:00:00Z"}]}"#;
    let (line, _) = picked(
        left,
        r#","birthDate":"1971","gender":"male""#,
        &[("birthDate", Pick::Left)],
    )
    .unwrap();
    assert_eq!(line, format!("{left},\"gender\":\"male\"}}"));
    let (line, _) = picked(r#","birthDate":"1971""#, left, &[("birthDate", Pick::Left)]).unwrap();
    assert_eq!(line, r#","birthDate":"1971"}"#);
}

#[test]
fn numbers_by_which_a_record_is_known_are_never_left_behind() {
    let left = r#","identifier":[{"system":"ehr","value":"118822"},{"system":"mrn","value":"1"},{"value":"bare"}]"#;
    let right = r#","identifier":[{"system":"chart","value":"90412"},{"system":"mrn","value":"2"}]"#;
    for way in Survivorship::ALL {
        let picks = way.propose(&patient_with(left), &patient_with(right), None).unwrap();
        let merged = merge(&patient_with(left), &patient_with(right), &picks, None).unwrap();
        let line = String::from_utf8(merged.line).unwrap();
        for number in ["118822", "\"1\"", "bare", "90412", "\"2\""] {
            assert!(line.contains(number), "{way}: {number}: {line}");
        }
    }
}

#[test]
fn proposals_differ_in_what_they_take() {
    let left = r#","meta":{"lastUpdated":"2025-01-01T00:00:00Z","security":[{"code":"R"}]},"gender":"male","birthDate":"1970","telecom":[{"system":"phone","use":"home","value":"1"}],"identifier":[{"system":"u","value":"1","use":"old"}],"contact":[{"gender":"male"}],"name":[{"use":"old","family":"A"}]"#;
    let right = r#","meta":{"lastUpdated":"2024-01-01T00:00:00Z"},"gender":"female","telecom":[{"system":"phone","use":"home","value":"2"}],"identifier":[{"system":"u","value":"1"}],"name":[{"use":"official","family":"A"}]"#;
    let told = |way: Survivorship| {
        let picks = way.propose(&patient_with(left), &patient_with(right), None).unwrap();
        let told = picks
            .iter()
            .map(|(path, pick)| format!("{} {pick:?}", path.split('~').next().unwrap()));
        told.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(told(Survivorship::FillBlanks), @r"
    birthDate left
    contact[ left
    gender right
    identifier[system=u] right
    meta.security[code=|R] left
    name[use=official] right
    name[use=old] right
    telecom[system=phone,use=home] right
    ");
    insta::assert_snapshot!(told(Survivorship::Union), @r"
    birthDate left
    contact[ left
    gender right
    identifier[system=u] right
    meta.security[code=|R] left
    name[use=official] right
    name[use=old] left
    telecom[system=phone,use=home] both
    ");
    insta::assert_snapshot!(told(Survivorship::Newest), @r"
    birthDate left
    contact[ left
    gender left
    identifier[system=u] left
    meta.security[code=|R] left
    name[use=official] right
    name[use=old] left
    telecom[system=phone,use=home] both
    ");
}
