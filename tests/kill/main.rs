//! Migrations that are killed with SIGKILL at random moments and started again with the same command, until they end by themselves.
//!
//! By default 24 kills of a small practice. The long form is
//! `CUTOVER_KILLS=100 CUTOVER_KILL_MB=200 cargo test --release --test kill -- --nocapture`; `CUTOVER_KILL_SEED` chooses other moments.
//! Deliveries to a server are killed 6 times, or `CUTOVER_DELIVERY_KILLS` times.

mod content;
mod damage;
mod delivering;
mod gate;
mod life;
mod migration;
mod reversal;
mod rig;
mod said;
mod verifying;

use cutover::sandbox::destination::{GENERIC, HAPI, MEDPLUM};
use life::{Ended, Moment};
use rig::{Dice, Rig};

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name)
        .ok()
        .map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Kills migrations of one rig until `kills` are spent, and compares each with the undisturbed one.
fn kill(gzip: bool, kills: u64, megabytes: u64, seed: u64) {
    let rig = Rig::new(gzip, megabytes * 1_000_000);
    let mut dice = Dice::new(seed);
    let undisturbed = migration::to_its_end(&rig, "undisturbed", 0, &mut dice);
    assert_eq!(undisturbed.kills, 0);
    let mut spent = 0;
    let mut rounds = 0;
    while spent < kills {
        let round = migration::to_its_end(&rig, &format!("killed-{rounds}"), kills - spent, &mut dice);
        undisturbed.content.assert_same(&round.content);
        println!(
            "gzip {gzip}, round {rounds}: {} kills while receiving, {} while resolving, {} damages",
            round.kills - round.resolving_kills,
            round.resolving_kills,
            round.damages
        );
        spent += round.kills;
        rounds += 1;
    }
    println!(
        "gzip {gzip}: {} bytes, {} records, {spent} kills in {rounds} migrations",
        rig.bytes,
        undisturbed.content.records.len()
    );
}

#[test]
fn a_killed_migration_resumes_by_range_and_ends_like_an_undisturbed_one() {
    let kills = number("CUTOVER_KILLS", 24);
    kill(
        false,
        kills.div_ceil(2),
        number("CUTOVER_KILL_MB", 24),
        number("CUTOVER_KILL_SEED", 1),
    );
}

#[test]
fn a_killed_migration_rereads_compressed_files_and_ends_like_an_undisturbed_one() {
    let kills = number("CUTOVER_KILLS", 24);
    kill(
        true,
        kills / 2,
        number("CUTOVER_KILL_MB", 24),
        number("CUTOVER_KILL_SEED", 1) + 1,
    );
}

#[test]
fn a_killed_undo_or_rollback_is_done_or_has_not_happened() {
    let rig = Rig::new(false, number("CUTOVER_KILL_MB", 24) * 250_000);
    let mut dice = Dice::new(number("CUTOVER_KILL_SEED", 1) + 2);
    reversal::kill(&rig, number("CUTOVER_KILLS", 24) / 2, &mut dice);
}

#[test]
fn a_killed_judgement_or_flip_is_on_record_or_has_not_happened() {
    let rig = Rig::new(false, number("CUTOVER_KILL_MB", 24) * 100_000);
    let mut dice = Dice::new(number("CUTOVER_KILL_SEED", 1) + 3);
    gate::kill(&rig, number("CUTOVER_KILLS", 24) / 2, &mut dice);
}

#[test]
fn a_killed_verification_goes_on_where_it_stopped() {
    let rig = Rig::new(false, number("CUTOVER_KILL_MB", 24) * 1_000_000);
    let mut dice = Dice::new(number("CUTOVER_KILL_SEED", 1) + 4);
    verifying::kill(&rig, &mut dice);
}

#[test]
fn a_killed_delivery_leaves_no_duplicate_and_no_gap() {
    // As many as the destination has of its own, and some.
    let rig = Rig::of(number("CUTOVER_KILL_MB", 24) * 2, false);
    let kills = number("CUTOVER_DELIVERY_KILLS", 6);
    let mut dice = Dice::new(number("CUTOVER_KILL_SEED", 1) + 5);
    // By id in batches, by id in transactions, and under ids of the server's.
    delivering::kill(&rig, &GENERIC, "generic", kills / 3, &mut dice);
    delivering::kill(&rig, &HAPI, "hapi", kills / 3, &mut dice);
    delivering::kill(&rig, &MEDPLUM, "medplum", kills - kills / 3 * 2, &mut dice);
}

/// Not a test of its own: what the others start as the process that decides conflicts.
#[test]
fn decides_until_it_is_killed() {
    if let Some(home) = std::env::var_os(migration::DECIDES) {
        migration::decide(home.as_ref());
    }
}

#[test]
fn a_migration_that_is_asked_to_stop_ends_by_itself_and_goes_on_later() {
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        let rig = Rig::new(false, 4_000_000);
        let mut dice = Dice::new(1);
        let undisturbed = migration::to_its_end(&rig, "undisturbed", 0, &mut dice);
        let home = rig.copy_template("stopped");
        let before = rig.sandbox.stats();
        let life = life::live(
            rig.run(&home),
            Some(Moment::Event("download_complete", signal)),
            &mut |_| {},
        );
        match life.ended {
            Ended::Exited(1) => assert!(life.errors.contains("interrupted"), "{}", life.errors),
            Ended::Exited(3) => {}
            other => panic!("{other:?}: {}", life.errors),
        }
        let resumed = migration::go_on(&rig, &home, &before, 0, &mut dice);
        undisturbed.content.assert_same(&resumed.content);
    }
}
