//! Undo, rollback and amendments that are killed: on restart the store is as it was before them or as it is after them, never in between.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use cutover::engine::quarantine_of;

use super::content::Content;
use super::damage;
use super::life::{Ended, Moment, live};
use super::migration::decide as decided;
use super::rig::{Dice, NAME, Rig};

/// A migration that ran and of which everything was decided, and what the store held at each step.
struct Decided<'a> {
    rig: &'a Rig,
    received: (String, Content),
    hashes: [String; 2],
}

/// Kills undos, then rollbacks, of one migration until `kills` are spent.
pub fn kill(rig: &Rig, kills: u64, dice: &mut Dice) {
    let home = rig.copy_template("received");
    let untouched = hash(rig, &home);
    assert_eq!(live(rig.run(&home), None, &mut |_| {}).ended, Ended::Exited(3));
    let received = (hash(rig, &home), Content::of(&rig.open(&home)));
    decided(&home);
    let done = hash(rig, &home);
    let whole = Decided {
        rig,
        received,
        hashes: [untouched, done],
    };
    let mut spent = whole.amended(&home, kills / 4, dice);
    let mut rounds = 0;
    while spent < kills {
        let left = (kills - spent).min(6);
        spent += whole.round(&home, &format!("taken-back-{rounds}"), left, dice);
        rounds += 1;
    }
    println!("{spent} kills of an amendment, and of undos and rollbacks in {rounds} rounds");
}

impl Decided<'_> {
    fn round(&self, from: &Path, name: &str, kills: u64, dice: &mut Dice) -> u64 {
        let home = self.rig.copy(from, name);
        let [untouched, done] = &self.hashes;
        let undo = ["undo", NAME, "--all", "--json"];
        let mut spent = self.until_done(&home, &undo, 3, [done, &self.received.0], kills / 2, dice);
        let storage = self.rig.open(&home);
        self.received.1.assert_same(&Content::of(&storage));
        drop(storage);
        // Half of the rollbacks begin with everything decided again.
        let before = if dice.below(2) == 0 {
            decided(&home);
            done
        } else {
            &self.received.0
        };
        let rollback = ["rollback", NAME, "--json"];
        spent += self.until_done(&home, &rollback, 0, [before, untouched], kills - kills / 2, dice);
        for command in [&["verify", NAME][..], &["doctor", "--rebuild-index"]] {
            let life = live(self.rig.command(&home, command), None, &mut |_| {});
            assert_eq!(life.ended, Ended::Exited(0), "{}{}", life.lines.join("\n"), life.errors);
        }
        assert_eq!(hash(self.rig, &home), *untouched, "after the index was made anew");
        let storage = self.rig.open(&home);
        assert_eq!(storage.index.count().unwrap(), storage.vouched().unwrap());
        assert_eq!(
            storage.tables.held.count().unwrap() + storage.tables.conflicts.count().unwrap(),
            0
        );
        drop(storage);
        std::fs::remove_dir_all(home).unwrap();
        spent
    }

    /// Sets a quarantined row right, killed on the way up to `kills` times. Gives the kills spent.
    fn amended(&self, from: &Path, kills: u64, dice: &mut Dice) -> u64 {
        let (once, home) = (self.rig.copy(from, "amended-once"), self.rig.copy(from, "amended"));
        let storage = self.rig.open(&once);
        let plan = storage.tables.migrations.get(NAME.as_bytes()).unwrap().unwrap();
        let aside = quarantine_of(&storage, &plan).unwrap().remove(0);
        drop(storage);
        let record = serde_json::json!({ "resourceType": aside.what.resource_type, "id": "set-right", "status": "final", "intent": "order",
            "code": { "text": "x" }, "subject": { "reference": "Patient/x" }, "patient": { "reference": "Patient/x" }, "class": { "code": "AMB" },
            "vaccineCode": { "text": "x" }, "occurrenceString": "once", "medicationCodeableConcept": { "text": "x" },
            "content": [{ "attachment": { "title": "x" } }], "beneficiary": { "reference": "Patient/x" }, "payor": [{ "display": "x" }] });
        let file = self.rig.folder.path().join("set-right.json");
        std::fs::write(&file, record.to_string()).unwrap();
        let row = format!("{}/{}/{}", aside.row.run, aside.row.file, aside.row.line);
        let file = file.to_str().unwrap();
        let amend = [
            "quarantine",
            "amend",
            NAME,
            &row,
            "--with",
            file,
            "--why",
            "cut off",
            "--json",
        ];
        let life = live(self.rig.command(&once, &amend), None, &mut |_| {});
        assert_eq!(life.ended, Ended::Exited(0), "{}", life.errors);
        let after = hash(self.rig, &once);
        assert_ne!(after, self.hashes[1]);
        let content = Content::of(&self.rig.open(&once));
        let spent = self.until_done(&home, &amend, 0, [&self.hashes[1], &after], kills, dice);
        content.assert_same(&Content::of(&self.rig.open(&home)));
        for command in [&["verify", NAME][..], &["doctor", "--rebuild-index"]] {
            let life = live(self.rig.command(&home, command), None, &mut |_| {});
            assert_eq!(life.ended, Ended::Exited(0), "{}{}", life.lines.join("\n"), life.errors);
        }
        assert_eq!(hash(self.rig, &home), after, "after the index was made anew");
        for home in [once, home] {
            std::fs::remove_dir_all(home).unwrap();
        }
        spent
    }

    /// Gives a command until it has done its work, killed on the way up to `kills` times; `store` is what the store holds before and
    /// after. Gives the kills spent.
    fn until_done(
        &self,
        home: &Path,
        command: &[&str],
        code: i32,
        store: [&str; 2],
        kills: u64,
        dice: &mut Dice,
    ) -> u64 {
        let undisturbed = self.rig.copy(home, "undisturbed");
        let begun = Instant::now();
        let life = live(self.rig.command(&undisturbed, command), None, &mut |_| {});
        assert_eq!(life.ended, Ended::Exited(code), "{}", life.errors);
        let within = u64::try_from(begun.elapsed().as_millis()).unwrap() + 1;
        std::fs::remove_dir_all(undisturbed).unwrap();
        let mut spent = 0;
        loop {
            let moment = (spent < kills).then(|| Moment::After(Duration::from_millis(dice.below(within))));
            let life = live(self.rig.command(home, command), moment, &mut |_| {});
            if life.ended == Ended::Killed {
                spent += 1;
                if dice.below(3) == 0 {
                    damage::some(home, dice);
                }
            } else {
                assert_eq!(life.ended, Ended::Exited(code), "{}", life.errors);
            }
            let now = hash(self.rig, home);
            assert!(
                store.contains(&now.as_str()),
                "the store is neither as before nor as after"
            );
            if now == store[1] {
                return spent;
            }
            assert_eq!(life.ended, Ended::Killed, "it said that it was done");
        }
    }
}

/// The hash of the whole store, as the next process sees it.
fn hash(rig: &Rig, home: &Path) -> String {
    let mut command: Command = rig.command(home, &["store", "hash"]);
    command.args(["--tenant", NAME]);
    let life = live(command, None, &mut |_| {});
    assert_eq!(life.ended, Ended::Exited(0), "{}", life.errors);
    life.lines.concat()
}
