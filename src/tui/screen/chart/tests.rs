use insta::assert_snapshot;

use crate::engine::Command;
use crate::migration::Step;
use crate::migration::{ChartVerdict, SampleRecord, chart_rows};
use crate::tui::action::Action;
use crate::tui::message::{Effect, Msg, Problem, Reply};
use crate::tui::model::Model;
use crate::tui::overlay::Overlay;
use crate::tui::sample::proof::{charts, model, verification, verified};
use crate::tui::sample::{looks, shown};
use crate::tui::update::{act, update};

const LAN: &str = r#"{"resourceType":"Patient","id":"p","name":[{"family":"Nguyễn","given":["Thị","Lan"]}],"birthDate":"1984-03-07",
    "gender":"female","telecom":[{"system":"phone","use":"home","value":"913-555-2003"}]}"#;
const ALLERGY: &str = r#"{"resourceType":"AllergyIntolerance","id":"a","patient":{"reference":"Patient/p"},"code":{"text":"Penicillin"},
    "clinicalStatus":{"coding":[{"code":"active"}]},"criticality":"high","reaction":[{"manifestation":[{"text":"Hives"}]}]}"#;
const ASTHMA: &str = r#"{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},"code":{"text":"Asthma"},
    "clinicalStatus":{"coding":[{"code":"resolved"}]},"onsetDateTime":"2009-03","abatementDateTime":"2019-05"}"#;

fn record(source: &str, target: Option<&str>) -> SampleRecord {
    SampleRecord {
        source: source.to_owned(),
        target: target.map(str::to_owned),
        same: target == Some(source),
    }
}

fn visit(month: u32) -> SampleRecord {
    let text = format!(
        r#"{{"resourceType":"Encounter","id":"e{month}","status":"finished","class":{{"code":"AMB"}},"type":[{{"text":"Office visit"}}],
        "period":{{"start":"2025-0{month}-11T09:00:00Z"}},"reasonCode":[{{"text":"a cough that does not go away, at night and when running"}}]}}"#
    );
    record(&text, Some(&text))
}

fn looked_at() -> Model {
    let mut model = model(Step::Verify, Some(verification(Vec::new())), charts(), &[verified()]);
    act(&mut model, Action::Charts);
    act(&mut model, Action::Next);
    act(&mut model, Action::Open);
    let noted = ALLERGY.replace("\"id\"", "\"note\":[{\"text\":\"x\"}],\"id\"");
    let mut records = vec![
        record(LAN, Some(LAN)),
        record(ALLERGY, Some(&noted)),
        record(ASTHMA, Some(&ASTHMA.replace("resolved", "active"))),
        record(&ASTHMA.replace("Asthma", "Hypertension"), None),
    ];
    records.extend((1..9).map(visit));
    let rows = Ok(chart_rows(&records));
    update(&mut model, Msg::Read(Reply::Chart(12, "content-12".to_owned(), rows)));
    model
}

#[test]
fn both_sides_in_the_words_of_a_clinician() {
    assert_snapshot!(looks(&mut looked_at()));
}

#[test]
fn what_differs_is_gone_to_and_told_in_full() {
    let mut model = looked_at();
    act(&mut model, Action::NextDifference);
    assert_snapshot!(looks(&mut model));
    act(&mut model, Action::NextDifference);
    assert_snapshot!(looks(&mut model));
}

#[test]
fn nobody_is_named_while_others_look_on() {
    let mut model = looked_at();
    act(&mut model, Action::Privacy);
    model.toast = None;
    let screen = shown(&mut model, 80, 24);
    for secret in ["Lan", "Nguy", "1984", "913", "Penicillin", "Asthma", "2025"] {
        assert!(!screen.contains(secret), "{secret}");
    }
    assert_snapshot!(screen);
}

#[test]
fn a_judgement_is_typed_and_is_of_what_was_seen() {
    let mut model = looked_at();
    for (verdict, comment) in [
        (ChartVerdict::Failed, "asthma shows active"),
        (ChartVerdict::Passed, ""),
    ] {
        act(&mut model, Action::Judge(verdict));
        if verdict == ChartVerdict::Failed {
            assert_snapshot!(looks(&mut model));
        }
        let Some(Overlay::Ask(ask)) = &mut model.overlay else {
            panic!("nothing was asked")
        };
        assert_eq!(ask.lacks().is_some(), verdict == ChartVerdict::Failed);
        ask.typed.insert(comment);
        assert_eq!(ask.lacks(), None);
        let effects = act(&mut model, Action::Yes);
        let [
            Effect::Start(
                _,
                Command::Judge {
                    chart: 12,
                    content,
                    verdict: said,
                    who,
                },
            ),
        ] = effects.as_slice()
        else {
            panic!("{effects:?}");
        };
        let why = who.why.as_deref().unwrap_or_default();
        assert_eq!((content.as_str(), *said, why), ("content-12", verdict, comment));
    }
}

#[test]
fn a_chart_that_cannot_be_read_is_not_judged() {
    let mut model = looked_at();
    let problem = Problem {
        what: "there is no sample chart 12".to_owned(),
        hint: None,
        wanted: false,
    };
    update(&mut model, Msg::Read(Reply::Chart(12, String::new(), Err(problem))));
    assert!(super::not_judgeable(&model).is_some());
    assert_snapshot!(looks(&mut model));
}
