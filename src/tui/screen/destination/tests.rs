use std::collections::BTreeMap;
use std::time::Duration;

use insta::assert_snapshot;

use super::*;
use crate::engine::Delivery;
use crate::engine::destination::Probed;
use crate::migration::{Bundling, DeliveryCounts, DeliveryPlan, Keep, Strategy};
use crate::tui::live::Live;
use crate::tui::message::{Msg, Reply};
use crate::tui::sample::looks;
use crate::tui::sample::steps::ingest;
use crate::tui::update::{act, update};

/// The destination of a practice whose rows are in.
fn open(stand: Option<Stand>) -> Model {
    let mut model = ingest();
    model.jobs.clear();
    act(&mut model, Action::Destination);
    let id = model.open.clone().unwrap();
    update(&mut model, Msg::Read(Reply::Destination(id, Box::new(stand))));
    model
}

fn stand(problems: Vec<Undelivered>) -> Stand {
    let mut destination = Destination::new("https://fhir.example.org/r4");
    destination.kind = ServerKind::Hapi;
    Stand {
        destination,
        there: BTreeMap::new(),
        problems,
    }
}

fn problem(resource_type: &str, id: &str, standing: Standing) -> Undelivered {
    Undelivered {
        key: Vec::new(),
        resource_type: resource_type.to_owned(),
        id: id.to_owned(),
        standing,
    }
}

fn strategies() -> BTreeMap<String, Strategy> {
    let all = [
        ("AllergyIntolerance", Strategy::ClientId),
        ("Binary", Strategy::Tag),
        ("Patient", Strategy::Identifier),
    ];
    all.into_iter()
        .map(|(name, strategy)| (name.to_owned(), strategy))
        .collect()
}

fn trial() -> Trial {
    Trial {
        software: "HAPI FHIR Server 7.2.0".to_owned(),
        fhir_version: "4.0.1".to_owned(),
        plan: DeliveryPlan {
            bundles: Bundling::Transaction,
            at_most: 100,
            gzip: true,
            inline_attachments: 0,
            strategies: strategies(),
            not_written: BTreeMap::from([(
                "Provenance".to_owned(),
                "the server does not offer to create records of this type".to_owned(),
            )]),
        },
        probed: Probed::Removed,
    }
}

fn tell_tried(model: &mut Model, tried: Result<Trial, Problem>) {
    let id = model.open.clone().unwrap();
    update(model, Msg::Read(Reply::Tried(id, Box::new(tried))));
}

#[test]
fn without_a_server_an_address_is_asked_for() {
    let mut model = open(None);
    assert_snapshot!(looks(&mut model));
    for why_not in [not_known, not_deliverable, no_problem] {
        assert!(why_not(&model).is_some());
    }
    act(&mut model, Action::Edit);
    assert_snapshot!(looks(&mut model));
    let effects = set_address(&mut model, "https://fhir.example.org/r4/");
    assert!(
        matches!(effects.as_slice(), [Effect::Choose(_, chosen)] if chosen.base_url == "https://fhir.example.org/r4"),
        "{effects:?}"
    );
}

#[test]
fn the_server_says_how_each_type_is_written() {
    let mut model = open(Some(stand(Vec::new())));
    assert_snapshot!(looks(&mut model));
    let effects = act(&mut model, Action::Test);
    assert!(matches!(effects.as_slice(), [Effect::Try(_)]));
    assert_snapshot!(looks(&mut model));
    tell_tried(&mut model, Ok(trial()));
    assert_snapshot!(looks(&mut model));
    let unreachable = Problem {
        what: "https://fhir.example.org/r4/metadata cannot be reached: connection refused".to_owned(),
        hint: None,
        wanted: false,
    };
    tell_tried(&mut model, Err(unreachable));
    assert_snapshot!(looks(&mut model));
}

#[test]
fn documents_that_go_inside_of_others_are_told_so() {
    let mut model = open(Some(stand(Vec::new())));
    let mut tried = trial();
    tried.plan.bundles = Bundling::Patient;
    tried.plan.inline_attachments = 8 * 1024 * 1024;
    tried.plan.strategies.remove("Binary");
    let why = "the server does not search this type, so that writing again could double records";
    tried.plan.not_written.insert("Binary".to_owned(), why.to_owned());
    tell_tried(&mut model, Ok(tried));
    assert_snapshot!(looks(&mut model));
}

#[test]
fn a_delivery_is_seen_while_it_goes() {
    let mut model = open(Some(stand(Vec::new())));
    tell_tried(&mut model, Ok(trial()));
    let effects = act(&mut model, Action::Run);
    assert!(matches!(
        effects.as_slice(),
        [Effect::Start(_, Command::Deliver { force: false })]
    ));
    let mut live = Live::default();
    live.snapshot.delivery = Some(Delivery {
        requests: 1_240,
        batch: 100,
        at_once: 4,
        throttled: 3,
        until: None,
        latency: Duration::from_millis(85),
        counts: DeliveryCounts {
            created: 121_400,
            updated: 12,
            refused: 2,
            ..DeliveryCounts::default()
        },
    });
    model.jobs.insert(model.open.clone().unwrap(), live);
    assert_snapshot!(looks(&mut model));
    assert!(busy(&model).is_some() && not_deliverable(&model).is_some());
    // Where the server wants to be left alone, it says for how long, second by second.
    assert!(!model.counts_down());
    let live = model.jobs.values_mut().next().unwrap();
    live.snapshot.delivery.as_mut().unwrap().until = model.now.checked_add(Duration::from_secs(43)).ok();
    assert!(model.counts_down());
    let shown = looks(&mut model);
    let pace = shown.lines().find(|row| row.contains("requests of up to"));
    assert_snapshot!(pace.unwrap(), @"|              1,240 requests of up to 100   4 at once   busy: goes on in 00:43  |");
}

#[test]
fn what_the_server_does_not_take_is_told_record_by_record() {
    let refused = Standing::Refused {
        status: 422,
        reason: "Observation.status: the code \u{202e}nope\u{1b}[2J is not in the value set".to_owned(),
    };
    let conflict = Standing::Conflict {
        reason: "it has been edited there since".to_owned(),
        version: Some("3".to_owned()),
    };
    let mut found = stand(vec![
        problem("Observation", "o-17", refused),
        problem("Patient", "p-1", conflict),
    ]);
    found.destination.strategies = strategies();
    found.there = BTreeMap::from([("Observation".to_owned(), 98_000), ("Patient".to_owned(), 1_200)]);
    let mut model = open(Some(found));
    assert_snapshot!(looks(&mut model));
    act(&mut model, Action::Go(crate::tui::list::Move::Down));
    act(&mut model, Action::Go(crate::tui::list::Move::Down));
    assert_eq!(no_problem(&model), None);
    act(&mut model, Action::Open);
    assert_snapshot!(looks(&mut model));
    act(&mut model, Action::Back);
    act(&mut model, Action::Back);
    assert_eq!(model.screen, Screen::Step(Step::Ingest));
}

#[test]
fn the_kind_of_server_is_chosen_from_a_list() {
    let mut model = open(Some(stand(Vec::new())));
    act(&mut model, Action::Preset);
    assert_snapshot!(looks(&mut model));
    let effects = set_kind(&mut model, "medplum");
    assert!(matches!(effects.as_slice(), [Effect::Choose(_, chosen)] if chosen.kind == ServerKind::Medplum));
}

#[test]
fn a_conflict_with_the_server_is_settled_by_whoever_sits_here() {
    let conflict = |version: &str| Standing::Conflict {
        reason: "it was changed at the destination since".to_owned(),
        version: Some(version.to_owned()),
    };
    let refused = Standing::Refused {
        status: 422,
        reason: "no".to_owned(),
    };
    let mut found = stand(vec![
        problem("Condition", "c-1", conflict("3")),
        problem("Condition", "c-2", conflict("4")),
        problem("Condition", "c-3", refused),
    ]);
    found.there = BTreeMap::from([("Condition".to_owned(), 400), ("Patient".to_owned(), 12)]);
    let mut model = open(Some(found));
    assert_eq!(settle::no_conflict(&model), None);
    act(&mut model, Action::Settle);
    assert_snapshot!(looks(&mut model));
    settle::chosen(&mut model, "*");
    assert_snapshot!(looks(&mut model));
    let effects = settle::keep(&mut model, "store");
    let [Effect::Start(_, Command::Agree { records, keep, who })] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(records, &["Condition/c-1", "Condition/c-2"]);
    assert_eq!((*keep, &who.login), (Keep::Store, &model.place.operator));
    model.overlay = None;
    // Asked and answered once.
    assert!(settle::keep(&mut model, "store").is_empty());
    act(&mut model, Action::Go(crate::tui::list::Move::Down));
    assert!(
        settle::no_conflict(&model).is_some(),
        "nothing of the patients is in conflict"
    );
}
