//! From verified records to a practice that has gone over: charts judged, last changes brought over, signatures, the flip.

use cutover::engine::{self, Command, EngineError, Outcome, RunOptions};
use cutover::migration::{By, Capacity, Chart, ChartState, ChartVerdict, Event, Gate, Requirement};

use crate::bench::{Bench, NAME, config, practice};
use crate::edited::{Edited, changed};

fn by(name: &str, why: &str) -> By {
    By {
        login: "tester".to_owned(),
        name: Some(name.to_owned()),
        why: (!why.is_empty()).then(|| why.to_owned()),
    }
}

fn gate(bench: &Bench) -> Gate {
    engine::gate(bench.storage(), &bench.plan).unwrap()
}

fn charts(bench: &Bench) -> Vec<Chart> {
    engine::charts(bench.storage(), &bench.plan).unwrap()
}

async fn judge(bench: &mut Bench, chart: &Chart, verdict: ChartVerdict) -> Result<(), EngineError> {
    let command = Command::Judge {
        chart: chart.patient.number,
        content: chart.patient.content.clone(),
        verdict,
        who: by("Mo", "asthma resolved in 2019 shows active"),
    };
    bench.command(command).await.map(|_| ())
}

async fn pass_all(bench: &mut Bench) {
    for chart in charts(bench) {
        if !matches!(chart.state(), ChartState::Judged(ChartVerdict::Passed)) {
            judge(bench, &chart, ChartVerdict::Passed).await.unwrap();
        }
    }
}

async fn sign(bench: &mut Bench, capacity: Capacity, name: &str) -> Result<(), EngineError> {
    let who = by(name, "");
    bench.command(Command::SignOff { capacity, who }).await.map(|_| ())
}

async fn flip(bench: &mut Bench, overriding: Option<&str>) -> Result<(), EngineError> {
    let overriding = overriding.map(str::to_owned);
    let who = by("Mo", "");
    bench.command(Command::Flip { overriding, who }).await.map(|_| ())
}

/// Verified, with what changed since the first export brought over, and nothing judged.
async fn moved() -> Bench {
    let mut bench = Bench::new(config(practice())).await;
    bench.done().await;
    assert_eq!(bench.try_run(RunOptions::since_last()).await.unwrap(), Outcome::Done);
    bench
}

fn refused(result: Result<(), EngineError>, why: &str) {
    let error = result.unwrap_err();
    assert!(error.to_string().contains(why) && error.hint().is_some(), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_practice_goes_over_when_everything_is_so_and_nothing_changes_afterwards() {
    let mut bench = moved().await;
    refused(
        sign(&mut bench, Capacity::Technical, "Mo Okafor").await,
        "Sample charts passed",
    );
    refused(flip(&mut bench, None).await, "the gate is shut");
    let all = charts(&bench);
    // A second run draws the same patients.
    let again: Vec<String> = all.iter().map(|chart| chart.patient.id.clone()).collect();
    bench.verify().await;
    assert!(charts(&bench).into_iter().map(|chart| chart.patient.id).eq(again));
    let drawn = bench.verification().acceptance;
    assert_eq!((drawn.charts, drawn.confidence >= 95), (60, true));
    assert!(all.len() as u64 >= drawn.drawn && all.iter().all(|chart| chart.patient.differing == 0));
    // A chart that is failed is a finding until it is judged otherwise.
    judge(&mut bench, &all[2], ChartVerdict::Failed).await.unwrap();
    assert!(charts(&bench)[2].finding().is_some() && !gate(&bench).met(Requirement::NoFinding));
    pass_all(&mut bench).await;
    assert!(gate(&bench).met(Requirement::NoFinding) && gate(&bench).met(Requirement::ChartsPassed));
    refused(
        sign(&mut bench, Capacity::Clinical, "Ann Mori").await,
        "Technical sign-off: missing",
    );
    sign(&mut bench, Capacity::Technical, "Mo Okafor").await.unwrap();
    refused(
        sign(&mut bench, Capacity::Clinical, "okafor, MO").await,
        "somebody else",
    );
    sign(&mut bench, Capacity::Clinical, "Ann Mori").await.unwrap();
    assert!(gate(&bench).is_open(), "{:#?}", gate(&bench));
    let end = bench.storage().journal.verify_chain(NAME).unwrap();
    flip(&mut bench, None).await.unwrap();
    bench.reopen();
    let gate_now = gate(&bench);
    assert!(gate_now.is_open() && gate_now.flip.is_some_and(|flip| flip.overridden.is_none()));
    // Each signature holds the end of the journal that it was given for.
    let signed: Vec<u64> = bench
        .events
        .iter()
        .filter_map(|event| match &event.event {
            Event::SignedOff { head, .. } => Some(head.entry),
            _ => None,
        })
        .collect();
    assert_eq!(signed, [end.seq - 2, end.seq - 1]);
    for closed in [
        Command::Run(RunOptions::anew()),
        Command::Rollback {
            from: None,
            who: by("Mo", ""),
            force: false,
            dry_run: false,
        },
    ] {
        refused(bench.command(closed).await.map(|_| ()), "has gone over");
    }
    assert!(bench.verify().await.clean());
    let who = by("Mo", "wrong day");
    bench.command(Command::TakeFlipBack { who }).await.unwrap();
    bench.run_again().await;
    assert!(!gate(&bench).is_open());
    bench.assert_faithful();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_judgement_holds_for_what_was_seen() {
    let mut bench = moved().await;
    pass_all(&mut bench).await;
    let before = charts(&bench);
    bench.reopen();
    bench.verify().await;
    assert!(charts(&bench) == before);
    // One patient's allergy changes at the source.
    let whose = &before[4].patient.id;
    let mine = format!("Patient/{whose}\"");
    let later = Edited::new(practice(), move |name, _, line| {
        if name == "Condition" && String::from_utf8_lossy(&line).contains(&mine) {
            return vec![changed(&line, "2031-01-01T00:00:00Z", "fr")];
        }
        vec![line]
    });
    bench.plan.on_conflict = cutover::migration::Policy::KeepSource;
    bench.serve(config(std::sync::Arc::new(later))).await;
    bench.run_again().await;
    let after = charts(&bench);
    for (chart, was) in after.iter().zip(&before) {
        let same = chart.patient.id != *whose;
        assert_eq!(chart.patient.content == was.patient.content, same);
        assert_eq!(chart.state() == ChartState::Changed, !same);
    }
    refused(judge(&mut bench, &before[4], ChartVerdict::Passed).await, "drawn anew");
    // What was failed stays so until somebody has looked at it again.
    judge(&mut bench, &after[4], ChartVerdict::Failed).await.unwrap();
    bench.verify().await;
    assert!(charts(&bench)[4].finding().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shut_gate_is_passed_only_with_a_reason_on_record() {
    let mut bench = Bench::new(config(practice())).await;
    refused(flip(&mut bench, Some("closing day")).await, "nothing of");
    refused(
        bench.try_run(RunOptions::since_last()).await.map(|_| ()),
        "not known up to when",
    );
    bench.done().await;
    flip(&mut bench, Some("closing day")).await.unwrap();
    let flip = gate(&bench).flip.unwrap();
    assert_eq!(flip.overridden.as_deref(), Some("closing day"));
    assert!(
        flip.missing
            .iter()
            .any(|missing| missing.starts_with("Clinical sign-off"))
    );
    let report = engine::report_text(&engine::report(bench.storage(), &bench.plan, false).unwrap());
    assert!(
        report.contains("OVERRIDDEN: closing day") && report.contains("OVERRIDDEN, missing then: Clinical sign-off"),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patient_who_is_named_is_looked_at_and_one_who_never_came_is_missed() {
    let mut bench = Bench::new(config(practice())).await;
    bench.done().await;
    let drawn: Vec<String> = charts(&bench).into_iter().map(|chart| chart.patient.id).collect();
    let source = bench.source();
    let other = source
        .keys()
        .filter_map(|name| name.strip_prefix("Patient/"))
        .find(|id| !drawn.iter().any(|d| d == id));
    let wanted = [other.unwrap().to_owned(), "never-came".to_owned()];
    let mut plan = bench.plan.clone();
    bench.storage().tables.migrations.put(NAME.as_bytes(), &plan).unwrap();
    engine::name_patients(bench.storage(), &mut plan, &wanted).unwrap();
    bench.plan = plan;
    bench.verify().await;
    assert!(charts(&bench).iter().any(|chart| chart.patient.id == wanted[0]));
    assert_eq!(bench.verification().unknown_patients, 1);
    pass_all(&mut bench).await;
    assert!(!gate(&bench).met(Requirement::ChartsPassed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delta_asks_for_what_has_changed_since_the_last_export() {
    let mut bench = moved().await;
    let asked: Vec<String> = bench
        .events
        .iter()
        .filter_map(|event| match &event.event {
            Event::RunStarted { since, .. } => Some(since.clone().unwrap_or_default()),
            _ => None,
        })
        .collect();
    let shown = bench.events.iter().find_map(|event| match &event.event {
        Event::StatusComplete { transaction_time, .. } => transaction_time.clone(),
        _ => None,
    });
    assert_eq!(asked, [String::new(), shown.unwrap()]);
    let requests = bench
        .events
        .iter()
        .filter(|event| matches!(&event.event, Event::KickoffSent { request } if request.contains("_since=")));
    assert_eq!(requests.count(), 1);
    assert!(gate(&bench).met(Requirement::LastChanges));
    // What was not asked for before is not in a delta.
    let mut plan = bench.plan.clone();
    bench.storage().tables.migrations.put(NAME.as_bytes(), &plan).unwrap();
    plan.types = vec!["Patient".to_owned()];
    engine::change(bench.storage(), &plan, false).unwrap();
    assert!(!gate(&bench).met(Requirement::LastChanges));
    refused(
        bench.try_run(RunOptions::since_last()).await.map(|_| ()),
        "not known up to when",
    );
}
