use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::tui::sample::looks;
use crate::tui::sample::steps::poll;

#[test]
fn waiting_for_the_server() {
    assert!(poll().counts_down());
    assert_snapshot!(looks(&mut poll()));
}

#[test]
fn paused_and_failed() {
    let mut model = poll();
    model.jobs.clear();
    assert!(!model.counts_down());
    assert_snapshot!(looks(&mut model));
    model.standings.as_mut().unwrap()[1].state.stopped =
        Some("the EHR says that the export has failed (500)".to_owned());
    assert_snapshot!(looks(&mut model));
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
