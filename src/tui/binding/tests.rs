use super::*;
use crate::tui::sample;
use crate::tui::screen::Screen;

#[test]
fn no_key_means_two_things_in_one_place() {
    let model = sample::model();
    for screen in [
        Screen::Home,
        Screen::Log,
        Screen::Conflicts,
        Screen::Conflict,
        Screen::Merge,
        Screen::Findings,
        Screen::Charts,
        Screen::Chart,
    ]
    .into_iter()
    .chain(Step::ALL.map(Screen::Step))
    {
        let model = crate::tui::model::Model {
            screen,
            ..sample::model()
        };
        let keys = here(&model);
        for (index, binding) in keys.iter().enumerate() {
            let twice = keys[..index].iter().any(|other| other.key == binding.key);
            assert!(!twice, "{} twice on {}", binding.key.name(), screen.name());
        }
    }
    for place in [
        Place::Question,
        Place::Text,
        Place::Commands,
        Place::Filter,
        Place::Edit,
    ] {
        let keys: Vec<_> = BINDINGS
            .iter()
            .filter(|b| b.place == place || b.place == Place::Everywhere)
            .map(|b| b.key)
            .collect();
        assert!(
            (1..keys.len()).all(|index| !keys[..index].contains(&keys[index])),
            "{place:?}"
        );
    }
    assert!(find(&model, Key::of('?')).is_some());
}

#[test]
fn every_place_says_how_to_get_out_of_it() {
    for place in [
        Place::Question,
        Place::Text,
        Place::Commands,
        Place::Filter,
        Place::Steps,
        Place::Log,
        Place::Conflicts,
        Place::Conflict,
        Place::Merge,
        Place::Quarantine,
        Place::Findings,
        Place::Charts,
        Place::Chart,
        Place::Edit,
    ] {
        let out = BINDINGS
            .iter()
            .any(|b| b.place == place && b.key == ESC && b.action == Action::Back && b.footer);
        assert!(out, "{place:?}");
    }
}

#[test]
fn what_does_not_work_says_why() {
    let mut model = sample::model();
    model.screen = Screen::Step(Step::Export);
    model.open = Some("harbor".to_owned());
    let run = find(&model, Key::of('r')).unwrap();
    assert_eq!((run.why_not)(&model), Some("it is at work".to_owned()));
    model.jobs.clear();
    assert_eq!((run.why_not)(&model), None);
    let pause = find(&model, Key::of('p')).unwrap();
    assert_eq!((pause.why_not)(&model), Some("nothing is at work".to_owned()));
}

/// The table in the README, made from the table of keys.
pub fn table() -> String {
    let places = [
        ("Home", Place::Home),
        ("Source", Place::Step(Step::Source)),
        ("Register", Place::Step(Step::Register)),
        ("Token", Place::Step(Step::Token)),
        ("Export", Place::Step(Step::Export)),
        ("Poll", Place::Step(Step::Poll)),
        ("Ingest", Place::Step(Step::Ingest)),
        ("Verify", Place::Step(Step::Verify)),
        ("Cutover", Place::Step(Step::Cutover)),
        ("every step", Place::Steps),
        ("Conflicts", Place::Conflicts),
        ("one conflict", Place::Conflict),
        ("Merge", Place::Merge),
        ("Quarantine", Place::Quarantine),
        ("Findings", Place::Findings),
        ("Sample charts", Place::Charts),
        ("one sample chart", Place::Chart),
        ("a field edited as JSON", Place::Edit),
        ("Log", Place::Log),
        ("lists", Place::Lists),
        ("lists to choose from", Place::Choose),
        ("a field being typed", Place::Editing),
        ("questions", Place::Question),
        ("every screen", Place::Screens),
        ("always", Place::Everywhere),
    ];
    let mut table = "| Where | Keys |\n|---|---|\n".to_owned();
    for (name, place) in places {
        let keys = BINDINGS.iter().filter(|binding| binding.place == place);
        let keys: Vec<String> = keys
            .map(|binding| format!("`{}` {}", binding.key.name(), binding.label))
            .collect();
        table.extend(["| ", name, " | ", &keys.join(", "), " |\n"]);
    }
    table
}

/// The README with this table of keys in the place of its own.
pub fn readme(text: &str, table: &str) -> String {
    let head = "| Where | Keys |\n";
    let from = text.find(head).expect("the README has a table of keys");
    let to = text[from..].find("\n\n").map_or(text.len(), |end| from + end + 1);
    format!("{}{table}{}", &text[..from], &text[to..])
}
