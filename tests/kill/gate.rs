//! Judgements and the flip that are killed: on restart they were made, and are on record, or were not.

use std::time::{Duration, Instant};

use super::life::{Ended, Moment, live};
use super::rig::{Dice, NAME, Rig};

/// Judges charts and records the flip, killed on the way up to `kills` times.
pub fn kill(rig: &Rig, kills: u64, dice: &mut Dice) {
    let home = rig.copy_template("judged");
    assert_eq!(live(rig.run(&home), None, &mut |_| {}).ended, Ended::Exited(3));
    let begun = Instant::now();
    let list = || {
        live(
            rig.command(&home, &["sample", "list", NAME, "--json"]),
            None,
            &mut |_| {},
        )
    };
    let charts: serde_json::Value = serde_json::from_str(&list().lines.concat()).unwrap();
    let within = u64::try_from(begun.elapsed().as_millis()).unwrap() + 1;
    let charts = charts.as_array().unwrap().len();
    let mut spent = 0;
    for chart in 1..=charts.min(6) {
        let number = chart.to_string();
        let judge = [
            "sample",
            "fail",
            NAME,
            &number,
            "--comment",
            "asthma resolved in 2019 shows active",
        ];
        loop {
            let moment = (spent < kills).then(|| Moment::After(Duration::from_millis(dice.below(within))));
            let life = live(rig.command(&home, &judge), moment, &mut |_| {});
            spent += u64::from(life.ended == Ended::Killed);
            let listed = list();
            // Charts wait for a person.
            assert_eq!(listed.ended, Ended::Exited(3), "{}", listed.errors);
            let all: serde_json::Value = serde_json::from_str(&listed.lines.concat()).unwrap();
            let state = all[chart - 1]["state"].as_str().unwrap().to_owned();
            assert!(["failed", "to look at"].contains(&state.as_str()), "{state}");
            if state == "failed" {
                break;
            }
            assert_eq!(life.ended, Ended::Killed, "it said that it was done: {}", life.errors);
        }
    }
    let flip = ["flip", NAME, "--confirm", NAME, "--override", "the lease ends today"];
    loop {
        let moment = (spent < kills + 3).then(|| Moment::After(Duration::from_millis(dice.below(within))));
        let life = live(rig.command(&home, &flip), moment, &mut |_| {});
        spent += u64::from(life.ended == Ended::Killed);
        let gate = live(rig.command(&home, &["gate", NAME, "--json"]), None, &mut |_| {});
        let gate: serde_json::Value = serde_json::from_str(&gate.lines.concat()).unwrap();
        if gate["flip"]["overridden"] == "the lease ends today" {
            break;
        }
        assert_eq!(life.ended, Ended::Killed, "it said that it was done: {}", life.errors);
    }
    let storage = rig.open(&home);
    storage.journal.verify_chain(NAME).unwrap();
    println!("{spent} kills of judgements and a flip");
}
