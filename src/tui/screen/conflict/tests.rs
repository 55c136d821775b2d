use insta::assert_snapshot;

use crate::engine::{Choice, Command, Which};
use crate::migration::{ConflictKind, Policy, Resolution};
use crate::tui::action::{Action, Decide};
use crate::tui::message::{Effect, Problem};
use crate::tui::overlay::Overlay;
use crate::tui::sample::conflicts::{LAN, LAN_HERE, beside, conflict, decided, lan, looked_at, model};
use crate::tui::sample::{looks, shown};
use crate::tui::screen::Screen;
use crate::tui::update::act;

#[test]
fn side_by_side() {
    assert_snapshot!(looks(&mut lan()));
}

#[test]
fn nobody_is_named_while_others_look_on() {
    let mut model = lan();
    act(&mut model, Action::Privacy);
    model.toast = None;
    let screen = shown(&mut model, 80, 24);
    for secret in ["Lan", "Nguy", "1984", "913", "Home St"] {
        assert!(!screen.contains(secret), "{secret}");
    }
    assert_snapshot!(screen);
}

#[test]
fn text_from_outside_moves_nothing() {
    let left = LAN.replace("Lan", "\\u001b[2J\u{202e}الاسم 患者の長い名前e\u{301}\u{200b}");
    let mut model = looked_at(conflict(1, ConflictKind::SamePerson, 1), &left, LAN_HERE);
    assert_snapshot!(looks(&mut model));
}

#[test]
fn decided_and_unreadable() {
    let row = decided(conflict(1, ConflictKind::MrnInUse, 0), Resolution::KeepBoth);
    let mut done = model(vec![row]);
    done.screen = Screen::Conflict;
    assert_snapshot!(looks(&mut done));
    let mut broken = looked_at(conflict(1, ConflictKind::MrnInUse, 0), LAN, LAN_HERE);
    let what = "conflict `c00001` was cut off while its record was received".to_owned();
    broken.conflict.take(
        "c00001",
        Err(Problem {
            what,
            hint: None,
            wanted: false,
        }),
    );
    assert_snapshot!(looks(&mut broken));
}

#[test]
fn elements_that_read_alike_and_are_not_are_shown_as_they_are() {
    let (left, right) = (
        r#"{"resourceType":"Patient","id":"a","maritalStatus":{"text":"M","coding":[{"code":"M"}]}}"#,
        r#"{"resourceType":"Patient","id":"a","maritalStatus":{"text":"M"}}"#,
    );
    let beside = beside(left, right);
    let rows = super::rows(&beside);
    assert_ne!(rows[0].left, rows[0].right);
}

#[test]
fn each_key_is_its_decision() {
    let ways = [
        (Decide::Newer, Choice::By(Policy::NewerWins)),
        (Decide::Older, Choice::By(Policy::OlderWins)),
        (Decide::Source, Choice::Outright(Resolution::KeepSource)),
        (Decide::Target, Choice::Outright(Resolution::KeepTarget)),
        (Decide::Both, Choice::Outright(Resolution::KeepBoth)),
    ];
    for (key, expected) in ways {
        let effects = act(&mut lan(), Action::Decide(key));
        let [Effect::Start(_, Command::Resolve { choice, .. })] = effects.as_slice() else {
            panic!("{effects:?}");
        };
        assert_eq!(*choice, expected);
    }
}

#[test]
fn two_versions_of_one_record_are_not_both_kept_and_what_is_decided_is_not_decided_again() {
    let model = looked_at(conflict(1, ConflictKind::ContentDiffers, 0), LAN, LAN_HERE);
    assert!(super::not_decidable(&model, Some(Decide::Both)).is_some());
    assert!(super::not_decidable(&model, Some(Decide::Source)).is_none());
    assert!(super::not_undoable(&model).is_some());
    let who = looked_at(conflict(1, ConflictKind::SamePerson, 0), LAN, LAN_HERE);
    assert!(
        super::not_decidable(&who, Some(Decide::Older)).is_some(),
        "no date says who somebody is"
    );
    assert!(super::not_decidable(&lan(), Some(Decide::Newer)).is_none());
    let row = decided(conflict(1, ConflictKind::MrnInUse, 0), Resolution::KeepSource);
    let mut model = crate::tui::sample::conflicts::model(vec![row]);
    model.screen = Screen::Conflict;
    assert!(super::not_decidable(&model, None).is_some());
    let effects = act(&mut model, Action::Undo);
    let which = Which::Of(vec!["c00001".to_owned()]);
    assert!(
        matches!(effects.as_slice(), [Effect::Start(_, Command::Undo { which: asked, force: false, .. })] if *asked == which)
    );
}

#[test]
fn one_decision_for_all_alike_is_typed_and_leaves_out_who_contradicts() {
    let mut rows: Vec<_> = (1..6).map(|n| conflict(n, ConflictKind::MrnInUse, 0)).collect();
    rows[3].conflict.contradictions = vec!["birth dates differ".to_owned()];
    rows[4] = conflict(5, ConflictKind::SamePerson, 0);
    assert!(super::no_alike(&looked_at(rows[0].clone(), LAN, LAN_HERE)).is_some());
    rows[0] = decided(rows[0].clone(), Resolution::KeepSource);
    let mut model = model(rows);
    act(&mut model, Action::Go(crate::tui::list::Move::Last));
    model.screen = Screen::Conflict;
    assert_eq!(act(&mut model, Action::Alike), []);
    assert_snapshot!(looks(&mut model));
    let Some(Overlay::Question(question)) = &mut model.overlay else {
        panic!("nothing was asked");
    };
    assert!(question.lacks().is_some());
    question.typed.insert("2");
    assert_eq!(question.lacks(), None);
    let effects = act(&mut model, Action::Yes);
    let [Effect::Start(_, Command::Resolve { conflicts, .. })] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(conflicts, &["c00002", "c00003"]);
}

#[test]
fn paths_are_told_apart_by_their_ends() {
    let look = crate::tui::look::Look::default();
    let path = "extension[url=http://hl7.org/fhir/us/core/StructureDefinition/us-core-race]";
    assert_eq!(super::short(path, 20, look), "extension[…ore-race]");
    assert_eq!(super::short("name[use=official]", 20, look), "name[use=official]");
    assert_eq!(
        super::short("a-name-without-a-label", 20, look),
        "a-name-without-a-label"
    );
}

#[test]
fn a_field_is_read_in_full() {
    let mut model = lan();
    act(&mut model, Action::Open);
    assert_snapshot!(looks(&mut model));
}

#[test]
fn reading() {
    let mut model = model(vec![conflict(1, ConflictKind::SamePerson, 12)]);
    crate::tui::screen::enter(&mut model, Screen::Conflict);
    assert_snapshot!(looks(&mut model));
}

#[test]
fn what_differs_in_part_only_says_in_which() {
    let phone = |rank| {
        format!(
            r#"{{"resourceType":"Patient","id":"a","telecom":[{{"system":"phone","value":"913-555-2003","rank":{rank}}}]}}"#
        )
    };
    let mut model = looked_at(conflict(1, ConflictKind::ContentDiffers, 0), &phone(1), &phone(2));
    let screen = looks(&mut model);
    assert!(!screen.contains('{'), "nobody reads JSON");
    assert_snapshot!(screen);
    crate::tui::screen::enter(&mut model, Screen::Merge);
    assert_snapshot!(looks(&mut model));
}
