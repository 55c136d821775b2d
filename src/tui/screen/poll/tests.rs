use std::time::Duration;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::engine::Polling;
use crate::migration::Step;
use crate::tui::sample::{model, now, shown};
use crate::tui::screen::Screen;

fn poll() -> Model {
    let mut model = model();
    model.open = Some("harbor".to_owned());
    model.screen = Screen::Step(Step::Poll);
    let standing = &mut model.standings.as_mut().unwrap()[1];
    standing.kicked_off = Some(now() - Duration::from_secs(2292));
    standing.plan.requests_per_minute = Some(250);
    standing.state.status_url =
        Some("https://fhir4.eclinicalworks.com/fhir/r4/FACGCD/$export-poll-location?job_id=7f3c2b19".to_owned());
    let snapshot = &mut model.jobs.get_mut("harbor").unwrap().snapshot;
    snapshot.polling = Some(Polling {
        polls: 19,
        last: Some(now() - Duration::from_secs(7)),
        next: Some(now() + Duration::from_secs(113)),
        asked: Some(Duration::from_secs(120)),
    });
    snapshot.budget = Some(231);
    snapshot.token_until = Some(now() + Duration::from_secs(221));
    model
}

#[test]
fn waiting_for_the_server() {
    assert!(poll().counts_down());
    assert_snapshot!(shown(&mut poll(), 80, 24));
    assert_snapshot!(shown(&mut poll(), 120, 40));
}

#[test]
fn paused_and_failed() {
    let mut model = poll();
    model.jobs.clear();
    assert!(!model.counts_down());
    assert_snapshot!(shown(&mut model, 80, 24));
    model.standings.as_mut().unwrap()[1].state.stopped =
        Some("the EHR says that the export has failed (500)".to_owned());
    assert_snapshot!(shown(&mut model, 80, 24));
}

#[test]
fn a_share_is_found_in_a_servers_words() {
    assert_eq!(share("47 % complete"), Some(470));
    assert_eq!(share("6% Completed"), Some(60));
    assert_eq!(share("in progress: 99.5%"), Some(995));
    assert_eq!(share("100%"), Some(1000));
    for words in ["", "%", "soon", "1234 %", "-% "] {
        assert_eq!(share(words), None, "{words}");
    }
}

proptest! {
    #[test]
    fn no_words_of_a_server_are_too_much(words in any::<String>()) {
        prop_assert!(share(&words).is_none_or(|share| share <= 1000));
    }
}
