use insta::assert_snapshot;

use crate::engine::{Check, Verdict};
use crate::migration::Step;
use crate::tui::edit;
use crate::tui::form::Field;
use crate::tui::model::Model;
use crate::tui::sample::{looks, model};
use crate::tui::screen::Screen;

fn source() -> Model {
    let mut model = model();
    model.open = Some("lakeside".to_owned());
    model.screen = Screen::Step(Step::Source);
    let plan = &mut model.standings.as_mut().unwrap()[0].plan;
    "https://fhir4.eclinicalworks.com/fhir/r4/FACGCD".clone_into(&mut plan.base_url);
    plan.preset_token_url = Some("https://oauthserver.eclinicalworks.com/oauth/oauth2/token".to_owned());
    model
}

fn check(name: &'static str, verdict: Verdict, what: &str, hint: Option<&str>) -> Check {
    Check {
        name,
        verdict,
        what: what.to_owned(),
        details: Vec::new(),
        hint: hint.map(ToOwned::to_owned),
        millis: 84,
    }
}

#[test]
fn untested() {
    assert_snapshot!(looks(&mut source()));
}

#[test]
fn tested() {
    let mut model = source();
    let hint = "have the EHR grant them, or leave the types out";
    for (name, what) in [
        ("store", "open, ours alone"),
        ("disk space", "60.9 GB free"),
        ("TLS", "https, and trusted"),
    ] {
        model.source.checks.push(check(name, Verdict::Ok, what, None));
    }
    model.source.checks.push(check(
        "scopes",
        Verdict::Failed,
        "not granted: system/Device.read",
        Some(hint),
    ));
    model.source.checks.push(check(
        "types",
        Verdict::Note,
        "10 of 29 are doubtful",
        Some("leave them out"),
    ));
    model
        .source
        .checks
        .push(check("export", Verdict::Skipped, "not looked at: scopes failed", None));
    assert_snapshot!(looks(&mut model));
    for name in ["clock", "key", "token", "request", "discovery"] {
        model
            .source
            .checks
            .push(check(name, Verdict::Ok, "as it should be", None));
    }
    model.source.testing = true;
    assert_snapshot!(looks(&mut model));
}

#[test]
fn a_field_says_what_is_wrong_while_it_is_typed() {
    let mut model = source();
    model.source.list.at = 4;
    edit::begin(&mut model, Field::BaseUrl);
    model.editing.as_mut().unwrap().input.insert("?x=1");
    edit::look_over(&mut model);
    assert_snapshot!(looks(&mut model));
    assert!(
        edit::keep(&mut model).is_empty() && model.editing.is_some(),
        "what is wrong is not kept"
    );
}

#[test]
fn a_system_is_chosen_from_a_list() {
    let mut model = source();
    edit::begin(&mut model, Field::System);
    assert_snapshot!(looks(&mut model));
}

#[test]
fn another_system_brings_its_addresses_and_a_practice_code_goes_into_them() {
    let mut model = source();
    let plan = model.plan().unwrap().clone();
    assert_eq!(Field::Practice.value(&model, &plan), "FACGCD");
    assert_eq!(Field::Environment.value(&model, &plan), "production");
    let other = Field::Practice.changed(&model, &plan, "JFEECD").unwrap();
    assert_eq!(other.base_url, "https://fhir4.eclinicalworks.com/fhir/r4/JFEECD");
    assert!(Field::Practice.changed(&model, &plan, "a/b").is_err());
    let sandbox = Field::Environment.changed(&model, &plan, "sandbox").unwrap();
    assert_eq!(sandbox.base_url, "https://staging-fhir.ecwcloud.com/fhir/r4/FFBJCD");
    let kareo = Field::System.changed(&model, &plan, "kareo").unwrap();
    assert_eq!(kareo.base_url, "https://fhir.prd.cloud.tebra.com/fhir-request");
    // What only the vendor can say stays open.
    let epic = Field::System.changed(&model, &kareo, "eclinicalworks").unwrap();
    assert_eq!(epic.base_url, "");
    assert!(edit::set(&mut model, Field::BaseUrl, "http://ehr.example/fhir").is_empty());
    assert!(model.toast.is_some(), "plain http is refused, and says so");
}

#[test]
fn a_long_name_and_addresses_of_the_world_keep_their_columns() {
    let mut model = source();
    let plan = &mut model.standings.as_mut().unwrap()[0].plan;
    plan.name = "مركز الصحة والعافية — 林記診所と健康相談センター Nicola\u{301}s ".repeat(3);
    plan.base_url = format!("https://ehr.example/{}", "fhir/".repeat(40));
    plan.client_id = Some("クライアント\u{202e}\u{1b}[2J".to_owned());
    assert_snapshot!(looks(&mut model));
}
