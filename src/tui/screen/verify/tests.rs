use insta::assert_snapshot;

use crate::engine::{Command, DifferingField};
use crate::fhir::Difference;
use crate::migration::Step;
use crate::tui::action::Action;
use crate::tui::list::Move;
use crate::tui::live::Live;
use crate::tui::message::{Effect, Query};
use crate::tui::model::Model;
use crate::tui::sample::looks;
use crate::tui::sample::proof::{charts, finding, model, verification, verified};
use crate::tui::screen::{Screen, findings};
use crate::tui::update::act;

fn clean() -> Model {
    model(Step::Verify, Some(verification(Vec::new())), charts(), &[verified()])
}

#[test]
fn verified_with_nothing_to_find() {
    assert_snapshot!(looks(&mut clean()));
}

#[test]
fn before_a_verification_and_during_one() {
    let mut none = model(Step::Verify, None, Vec::new(), &[]);
    assert_snapshot!(looks(&mut none));
    let mut live = Live::default();
    live.snapshot.verifying = Some((470_000_000, 1_000_000_000));
    let mut at_work = clean();
    at_work.jobs.insert("lakeside".to_owned(), live);
    assert!(super::not_verifiable(&at_work).is_some());
    assert_snapshot!(looks(&mut at_work));
}

#[test]
fn findings_are_counted_where_they_belong_and_can_be_looked_at() {
    let found = vec![
        finding("status-changed", 12),
        finding("missing", 400),
        finding("landing-altered", 0),
        finding("new-code", 1),
    ];
    let mut model = model(Step::Verify, Some(verification(found)), charts(), &[verified()]);
    assert_snapshot!(looks(&mut model));
    act(&mut model, Action::Go(Move::Down));
    assert_eq!(act(&mut model, Action::Open), []);
    assert_eq!(model.screen, Screen::Findings);
    assert_snapshot!(looks(&mut model));
    act(&mut model, Action::Back);
    for _ in 0..3 {
        act(&mut model, Action::Go(Move::Down));
    }
    act(&mut model, Action::Open);
    assert_snapshot!(looks(&mut model));
    act(&mut model, Action::Back);
    act(&mut model, Action::Go(Move::Down));
    act(&mut model, Action::Open);
    assert_snapshot!(looks(&mut model));
}

#[test]
fn a_finding_on_a_record_shows_both_sides_and_is_repaired_with_a_reason() {
    let found = vec![finding("status-changed", 12), finding("landing-altered", 0)];
    let mut model = model(Step::Verify, Some(verification(found)), charts(), &[verified()]);
    act(&mut model, Action::Open);
    assert!(findings::no_record(&model).is_some(), "a file is no record");
    act(&mut model, Action::Back);
    act(&mut model, Action::Go(Move::Down));
    act(&mut model, Action::Open);
    let effects = act(&mut model, Action::Open);
    assert_eq!(effects, [Effect::Read(Query::Finding("lakeside".to_owned(), 1))]);
    let field = DifferingField {
        path: "clinicalStatus".to_owned(),
        difference: Difference::Differs,
        expected: Some(r#"{"coding":[{"code":"resolved"}]}"#.to_owned()),
        given: Some(r#"{"coding":[{"code":"active"}]}"#.to_owned()),
    };
    findings::show(&mut model, 1, Ok(("Condition/17".to_owned(), vec![field])));
    assert_snapshot!(looks(&mut model));
    model.overlay = None;
    act(&mut model, Action::Repair);
    assert_snapshot!(looks(&mut model));
    let effects = findings::repair(&mut model, "came over wrong".to_owned());
    assert!(matches!(
        effects.as_slice(),
        [Effect::Start(_, Command::Repair { finding: 1, who })] if who.why.as_deref() == Some("came over wrong")
    ));
}

#[test]
fn no_finding_belongs_nowhere() {
    for code in [
        "landing-gap",
        "missing",
        "counts-differ",
        "index-count",
        "not-quarantined",
        "failed-chart",
        "something-new",
        "status-changed",
        "reference-range-changed",
        "reference-to-nothing",
    ] {
        assert_eq!(
            super::CHECKS.iter().filter(|check| check.holds(code)).count(),
            1,
            "{code}"
        );
    }
}

#[test]
fn verifying_again_is_a_job() {
    let effects = act(&mut clean(), Action::VerifyAgain);
    assert!(matches!(effects.as_slice(), [Effect::Start(_, Command::Verify)]));
    let effects = act(&mut clean(), Action::VerifyChanged);
    assert!(matches!(effects.as_slice(), [Effect::Start(_, Command::VerifyChanged)]));
}
