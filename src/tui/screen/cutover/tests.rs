use insta::assert_snapshot;

use crate::engine::{Command, ProvenCopy, RunOptions, Wipeable, Written};
use crate::migration::Step;
use crate::migration::{Capacity, Chart, ChartVerdict, Event, Head};
use crate::tui::action::Action;
use crate::tui::list::Move;
use crate::tui::message::{Effect, Msg, Reply};
use crate::tui::model::Model;
use crate::tui::overlay::Overlay;
use crate::tui::sample::proof::{chart, charts, model, verification, verified};
use crate::tui::sample::{looks, shown};
use crate::tui::screen::Screen;
use crate::tui::update::{act, update};

fn passed() -> Vec<Chart> {
    (1..=20)
        .map(|number| chart(number, "woman", Some(ChartVerdict::Passed)))
        .collect()
}

fn moved() -> Vec<Event> {
    let run = |run, since: Option<&str>, shows: &str| {
        vec![
            Event::RunStarted {
                run,
                since: since.map(str::to_owned),
            },
            Event::StatusComplete {
                transaction_time: Some(shows.to_owned()),
                files: 9,
                organized: false,
                notes: Vec::new(),
            },
            verified(),
            Event::RunCompleted { run },
        ]
    };
    let first = "2026-11-20T08:00:00Z";
    [run(1, None, first), run(2, Some(first), "2026-11-20T10:00:00Z")].concat()
}

fn signed(capacity: Capacity, name: &str) -> Event {
    Event::SignedOff {
        capacity,
        name: name.to_owned(),
        why: None,
        head: Head {
            entry: 8,
            hash: String::new(),
        },
    }
}

fn at(charts: Vec<Chart>, events: &[Event]) -> Model {
    model(Step::Cutover, Some(verification(Vec::new())), charts, events)
}

fn both() -> Vec<Event> {
    let names = [
        signed(Capacity::Technical, "Mo Okafor"),
        signed(Capacity::Clinical, "Dr. Ann Mori"),
    ];
    [moved(), names.to_vec()].concat()
}

fn written(key: Option<&str>) -> Written {
    Written {
        bundle: "/w/reports/lakeside-2026-11-20-112233.tar.zst".into(),
        page: "/w/reports/lakeside-2026-11-20-112233.html".into(),
        key: key.map(str::to_owned),
    }
}

#[test]
fn a_line_for_each_condition() {
    let mut waiting = at(charts(), &moved()[..4]);
    assert_snapshot!(looks(&mut waiting));
    let mut one_left = at(passed(), &both()[..9]);
    update(
        &mut one_left,
        Msg::Read(Reply::Written("lakeside".to_owned(), written(None))),
    );
    one_left.toast = None;
    assert_snapshot!(looks(&mut one_left));
    let key = Some("M9MmibTqRiOq4aPtKVKbYiC74Ewb4P6VTO6MJHyEbeU");
    update(
        &mut one_left,
        Msg::Read(Reply::Written("lakeside".to_owned(), written(key))),
    );
    one_left.toast = None;
    assert_snapshot!(looks(&mut one_left));
}

#[test]
fn gone_over_with_everything_and_without() {
    assert_snapshot!(looks(&mut at(passed(), &both())));
    let flip = |overridden: Option<&str>| Event::Flipped {
        name: None,
        overridden: overridden.map(str::to_owned),
        missing: vec!["Clinical sign-off: missing".to_owned()],
    };
    let mut gone = at(passed(), &[both(), vec![flip(None)]].concat());
    assert_snapshot!(looks(&mut gone));
    let mut past = at(charts(), &[moved(), vec![flip(Some("the lease ends today"))]].concat());
    assert_snapshot!(looks(&mut past));
    assert!(super::not_signable(&past).is_some() && super::not_flippable(&past).is_none());
}

#[test]
fn signatures_are_asked_for_in_their_order_and_refused_before_it() {
    let early = super::not_signable(&at(charts(), &moved()));
    assert_eq!(early, Some("No open finding: 1 failed chart".to_owned()));
    let mut model = at(passed(), &moved());
    act(&mut model, Action::SignOff);
    assert_snapshot!(looks(&mut model));
    let Some(Overlay::Ask(ask)) = &mut model.overlay else {
        panic!("nothing was asked")
    };
    ask.typed.insert("Mo Okafor");
    let effects = act(&mut model, Action::Yes);
    let [
        Effect::Start(
            _,
            Command::SignOff {
                capacity: Capacity::Technical,
                who,
            },
        ),
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    assert_eq!(who.name.as_deref(), Some("Mo Okafor"));
    let mut model = at(passed(), &both()[..9]);
    act(&mut model, Action::SignOff);
    assert!(shown(&mut model, 80, 24).contains("Clinical sign-off: who answers"));
    assert!(super::not_signable(&at(passed(), &both())).is_some());
}

#[test]
fn the_flip_is_typed() {
    let early = at(passed(), &moved());
    assert_eq!(
        super::not_flippable(&early),
        Some("Technical sign-off: missing".to_owned())
    );
    let mut model = at(passed(), &both());
    assert_eq!(super::not_flippable(&model), None);
    act(&mut model, Action::Flip);
    assert_snapshot!(looks(&mut model));
    let Some(Overlay::Question(question)) = &mut model.overlay else {
        panic!("nothing was asked")
    };
    assert!(question.lacks().is_some());
    question.typed.insert("lakeside");
    assert_eq!(question.lacks(), None);
    let effects = act(&mut model, Action::Yes);
    assert!(matches!(
        effects.as_slice(),
        [Effect::Start(_, Command::Flip { overriding: None, .. })]
    ));
}

#[test]
fn the_last_changes_are_asked_for_here_and_on_export() {
    let mut model = at(passed(), &moved()[..4]);
    assert_eq!(super::no_last_changes(&model), None);
    for step in [Step::Cutover, Step::Export] {
        model.screen = Screen::Step(step);
        let effects = act(&mut model, Action::LastChanges);
        let [Effect::Start(_, Command::Run(options))] = effects.as_slice() else {
            panic!("{effects:?}");
        };
        assert_eq!(*options, RunOptions::since_last());
    }
    assert!(super::no_last_changes(&at(passed(), &[])).is_some());
}

#[test]
fn a_condition_leads_to_where_it_is_met() {
    let verify = Screen::Step(Step::Verify);
    for (down, screen) in [verify, verify, Screen::Conflicts, Screen::Conflicts]
        .into_iter()
        .enumerate()
    {
        let mut model = at(charts(), &moved());
        for _ in 0..down {
            act(&mut model, Action::Go(Move::Down));
        }
        act(&mut model, Action::Open);
        assert_eq!(model.screen, screen);
    }
}

#[test]
fn what_is_here_is_destroyed_only_after_the_flip_with_a_copy_that_was_compared() {
    let flip = |overridden: Option<&str>| Event::Flipped {
        name: None,
        overridden: overridden.map(str::to_owned),
        missing: Vec::new(),
    };
    let before = at(passed(), &both());
    assert_eq!(
        super::not_wipeable(&before),
        Some("the practice has not gone over".to_owned())
    );
    let past = at(charts(), &[moved(), vec![flip(Some("the lease ends today"))]].concat());
    assert!(super::not_wipeable(&past).is_some());
    let mut gone = at(passed(), &[both(), vec![flip(None)]].concat());
    assert_eq!(super::not_wipeable(&gone), None);
    act(&mut gone, Action::Wipe);
    assert_snapshot!(looks(&mut gone));
    let Some(Overlay::Ask(ask)) = &mut gone.overlay else {
        panic!("nothing was asked")
    };
    ask.typed.insert("/secure/copy");
    let effects = act(&mut gone, Action::Yes);
    assert_eq!(
        effects,
        [Effect::LookWipeable("lakeside".to_owned(), "/secure/copy".to_owned())]
    );
    assert!(super::not_wipeable(&gone).is_some(), "it is being compared");
    let found = Wipeable {
        migrations: vec!["lakeside".to_owned()],
        copies: vec![ProvenCopy {
            tenant: "lakeside".to_owned(),
            folder: "/secure/copy".into(),
            records: 4964,
            hash: "ab".repeat(32),
        }],
        landed: 13_000_000,
        quarantined: 2,
        charts: 20,
    };
    update(
        &mut gone,
        Msg::Read(Reply::Wipeable("lakeside".to_owned(), found.clone())),
    );
    gone.toast = None;
    assert_snapshot!(looks(&mut gone));
    let Some(Overlay::Question(question)) = &mut gone.overlay else {
        panic!("nothing was asked")
    };
    assert!(question.lacks().is_some());
    question.typed.insert("lakeside");
    assert_eq!(act(&mut gone, Action::Yes), [Effect::BeginWipe(Box::new(found))]);
}
