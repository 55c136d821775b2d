use insta::assert_snapshot;

use super::*;
use crate::migration::Step;
use crate::tui::sample::{looks, model, shown};
use crate::tui::screen::{self, Screen};

fn register() -> Model {
    let mut model = model();
    model.open = Some("lakeside".to_owned());
    model.screen = Screen::Step(Step::Register);
    model
}

fn key() -> KeyPair {
    KeyPair {
        kid: "M9MmibTqRiOq4aPtKVKbYiC74Ewb4P6VTO6MJHyEbeU".to_owned(),
        algorithm: "RS384",
        jwks: "{}".to_owned(),
        path: "/home/ann/cutover/keys/lakeside.jwks.json".to_owned(),
    }
}

#[test]
fn without_a_key() {
    let mut model = register();
    let standing = &mut model.standings.as_mut().unwrap()[0];
    standing.key = false;
    standing.plan.client_id = None;
    assert_snapshot!(looks(&mut model));
}

#[test]
fn with_a_key_that_is_published_wrongly() {
    let mut model = register();
    model.register.key = Some(key());
    model.register.registration.published = Some("https://keys.example.org/lakeside/jwks.json".to_owned());
    model.register.found = vec![
        JwksFinding {
            level: FindingLevel::Fine,
            message: "it is served as JSON".to_owned(),
            hint: None,
        },
        JwksFinding {
            level: FindingLevel::Error,
            message: "our key is not in it".to_owned(),
            hint: Some("upload the file again".to_owned()),
        },
    ];
    assert_snapshot!(looks(&mut model));
}

#[test]
fn a_line_of_the_checklist_is_ticked_and_remembered() {
    let mut model = register();
    model.register.key = Some(key());
    model.register.list.at = 3;
    let effects = screen::act(&mut model, Action::Tick);
    assert!(matches!(&effects[..], [Effect::SaveRegistration(_, saved)] if saved.done.len() == 1));
    assert_snapshot!(looks(&mut model));
    screen::act(&mut model, Action::Open);
    assert!(model.register.registration.done.is_empty(), "twice takes the tick away");
}

#[test]
fn a_secret_is_never_seen() {
    let mut model = register();
    model.standings.as_mut().unwrap()[0].plan.auth = AuthMethod::ClientSecretPost;
    model.register.list.at = 1;
    edit::begin(&mut model, Field::Secret);
    model.editing.as_mut().unwrap().input.insert("s3cr3t");
    let screen = shown(&mut model, 80, 24);
    assert!(!screen.contains("s3cr3t") && screen.contains("••••••"), "{screen}");
    let effects = edit::keep(&mut model);
    assert!(matches!(&effects[..], [Effect::SaveSecret(..)]) && !format!("{effects:?}").contains("s3cr3t"));
}

#[test]
fn a_key_is_being_made() {
    let mut model = register();
    model.register.busy = Some("making a key pair");
    assert_snapshot!(looks(&mut model));
}
