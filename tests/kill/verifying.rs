//! A verification that is killed in the middle: what it had compared is not compared again, and it ends like an undisturbed one.

use std::time::{Duration, Instant};

use cutover::store::migration_key;
use serde_json::Value;

use super::life::{Ended, Moment, live};
use super::rig::{Dice, NAME, Rig};

/// Verifies, killed on the way, until one that was killed has left something and was gone on with.
pub fn kill(rig: &Rig, dice: &mut Dice) {
    let home = rig.copy_template("verified");
    assert_eq!(live(rig.run(&home), None, &mut |_| {}).ended, Ended::Exited(3));
    let verify = || rig.command(&home, &["verify", NAME, "--json"]);
    let begun = Instant::now();
    let life = live(verify(), None, &mut |_| {});
    let within = u64::try_from(begun.elapsed().as_millis()).unwrap() + 1;
    assert_eq!(life.ended, Ended::Exited(0), "{}", life.errors);
    let undisturbed: Value = serde_json::from_str(&life.lines.concat()).unwrap();
    assert_eq!(
        undisturbed["compared_before"], 0,
        "a verification that ended begins afresh"
    );
    let (mut kills, mut went_on) = (0, 0);
    while went_on < 2 {
        assert!(kills < 60, "no verification was killed in the middle");
        let moment = Moment::After(Duration::from_millis(within / 3 + dice.below(within)));
        if live(verify(), Some(moment), &mut |_| {}).ended != Ended::Killed {
            continue;
        }
        kills += 1;
        let (complete, left) = left(rig, &home);
        let life = live(verify(), None, &mut |_| {});
        assert_eq!(life.ended, Ended::Exited(0), "{}", life.errors);
        let found: Value = serde_json::from_str(&life.lines.concat()).unwrap();
        for name in [
            "counts",
            "states",
            "compared",
            "references",
            "dangling",
            "lists",
            "total_findings",
            "strata",
        ] {
            assert_eq!(found[name], undisturbed[name], "{name}");
        }
        let expected = if complete { 0 } else { left };
        assert_eq!(
            found["compared_before"], expected,
            "exactly what was compared before is not compared again"
        );
        went_on += u64::from(expected > 0);
    }
    println!("{kills} kills of verifications, {went_on} of which left something");
}

/// Whether the latest verification is complete, and how many records it has compared.
fn left(rig: &Rig, home: &std::path::Path) -> (bool, u64) {
    let storage = rig.open(home);
    let mark = storage.tables.verifying.get(NAME.as_bytes()).unwrap().unwrap();
    let blocks = storage.tables.verified.scan_prefix(&migration_key(NAME, &[]));
    (mark.complete, blocks.map(|block| block.unwrap().1.compared).sum())
}
