use std::time::Duration;

use insta::assert_snapshot;
use serde_json::json;

use super::*;
use crate::migration::Step;
use crate::tui::sample::{looks, model, now};
use crate::tui::screen::Screen;

fn token() -> Model {
    let mut model = model();
    model.open = Some("lakeside".to_owned());
    model.screen = Screen::Step(Step::Token);
    model
}

fn minted() -> Minted {
    Minted {
        endpoint: "https://oauthserver.eclinicalworks.com/oauth/oauth2/token".to_owned(),
        scopes: vec![
            ("system/Group.read".to_owned(), true),
            ("system/Patient.read".to_owned(), true),
            ("system/Device.read".to_owned(), false),
        ],
        lost: vec!["Device".to_owned()],
        life: Duration::from_secs(300),
        assertion: Some((
            json!({"alg": "RS384", "kid": "M9Mmib"}),
            json!({"iss": "cutover-1", "exp": 1_700_000_000}),
        )),
    }
}

#[test]
fn before_and_after() {
    let mut model = token();
    assert_snapshot!(looks(&mut model));
    model.token.minted = Some((now() - Duration::from_secs(79), minted()));
    assert!(model.counts_down());
    assert_snapshot!(looks(&mut model));
    model.token.decoded = true;
    assert_snapshot!(looks(&mut model));
}

#[test]
fn refused() {
    let mut model = token();
    let hint = "check that the app is activated for the practice, and that the JWKS is on the vendor's allow list";
    model.token.refused = Some((
        "the token server refused us: invalid_client".to_owned(),
        Some(hint.to_owned()),
    ));
    assert_snapshot!(looks(&mut model));
}

#[test]
fn asking() {
    let mut model = token();
    model.token.asking = true;
    assert_snapshot!(looks(&mut model));
}
