//! Whatever is done, in whatever order, can be taken back without a trace.

mod source;
mod world;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use self::world::World;
use super::Which;
use crate::migration::{Conflict, Policy};

/// Something that is done to a migration.
#[derive(Debug, Clone, Copy)]
enum Step {
    Run(u64, Policy),
    Decide(usize, u8),
    Undo(usize),
    Edit(usize),
    Amend(usize),
}

fn policy() -> impl Strategy<Value = Policy> {
    proptest::sample::select(vec![
        Policy::Ask,
        Policy::Ask,
        Policy::NewerWins,
        Policy::KeepSource,
        Policy::KeepTarget,
    ])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (any::<u64>(), policy()).prop_map(|(bits, policy)| Step::Run(bits, policy)),
        4 => (any::<usize>(), any::<u8>()).prop_map(|(nth, way)| Step::Decide(nth, way)),
        1 => any::<usize>().prop_map(Step::Undo),
        1 => any::<usize>().prop_map(Step::Edit),
        1 => any::<usize>().prop_map(Step::Amend),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let first = (any::<u64>(), policy()).prop_map(|(bits, policy)| Step::Run(bits, policy));
    (first, proptest::collection::vec(step(), 0..9))
        .prop_map(|(first, rest)| std::iter::once(first).chain(rest).collect())
}

fn nth(conflicts: Vec<Conflict>, open: bool, nth: usize) -> Option<Conflict> {
    let meant: Vec<Conflict> = conflicts.into_iter().filter(|c| c.open() == open).collect();
    (!meant.is_empty()).then(|| meant[nth % meant.len()].clone())
}

/// Takes these steps and gives what was edited at the destination meanwhile: types and lines.
fn take(world: &mut World, steps: &[Step]) -> Vec<(String, String)> {
    let mut edits = Vec::new();
    for step in steps {
        match *step {
            Step::Run(bits, policy) => {
                world.run(bits, policy);
            }
            Step::Decide(which, way) => {
                if let Some(conflict) = nth(world.conflicts(), true, which) {
                    world.decide(&conflict, way);
                }
            }
            Step::Edit(which) => {
                let (name, line) = world.edited(which);
                world.import(&name, line.clone());
                edits.push((name, line));
            }
            Step::Amend(which) => {
                world.amend(which);
            }
            Step::Undo(which) => {
                if let Some(conflict) = nth(world.conflicts(), false, which) {
                    world.undo(&Which::Of(vec![conflict.id]));
                }
            }
        }
        world.assert_sound();
        world.assert_told();
    }
    edits
}

/// What a conflict is called in every workspace: its ids are hashes with the workspace's key.
type Name = (String, String, String, u32, u32, u32);

fn name(conflict: &Conflict) -> Name {
    let (source, target) = (conflict.source.id.clone(), conflict.target.id.clone());
    let (run, file, line) = (conflict.run, conflict.file, conflict.line);
    (conflict.resource_type.clone(), source, target, run, file, line)
}

fn find(world: &World, what: &Name) -> Option<Conflict> {
    world.conflicts().into_iter().find(|conflict| name(conflict) == *what)
}

/// Decides everything that is open, in the order that `order` makes of it; a conflict's way does not depend on the order.
fn decide_all(world: &World, order: &[usize], ways: &[u8]) {
    let open: Vec<Conflict> = world.conflicts().into_iter().filter(Conflict::open).collect();
    let mut places: Vec<usize> = (0..open.len()).collect();
    places.sort_by_key(|at| order[at % order.len()]);
    for at in places {
        world.decide(&open[at], ways[at % ways.len()]);
    }
}

fn cases() -> ProptestConfig {
    let cases = std::env::var("CUTOVER_CASES").map_or(8, |cases| cases.parse().unwrap());
    let seed = std::env::var("CUTOVER_SEED").map_or(1, |seed| seed.parse().unwrap());
    ProptestConfig {
        cases,
        failure_persistence: None,
        // The same cases everywhere, unless others are asked for.
        rng_seed: RngSeed::Fixed(seed),
        max_shrink_iters: 40,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn rollback_after_anything_gives_back_the_store(steps in steps(), bits in any::<u64>()) {
        let (mut world, never) = (World::new(), World::new());
        for (name, line) in take(&mut world, &steps) {
            never.import(&name, line);
        }
        let before = never.hash();
        world.roll_back(None);
        prop_assert_eq!(world.hash(), before);
        prop_assert_eq!(world.conflicts().len(), 0);
        world.assert_sound();
        world.rebuild();
        prop_assert_eq!(world.hash(), before);
        world.assert_sound();
        world.run(bits, Policy::Ask);
        world.assert_sound();
    }

    #[test]
    fn a_decision_that_is_undone_leaves_no_trace(steps in steps(), which in any::<usize>(), way in any::<u8>()) {
        let mut world = World::new();
        take(&mut world, &steps);
        let Some(conflict) = nth(world.conflicts(), true, which) else { return Ok(()) };
        let before = world.standing();
        if !world.decide(&conflict, way) {
            return Ok(());
        }
        world.assert_sound();
        world.undo(&Which::Last(1));
        prop_assert_eq!(world.standing(), before);
        world.assert_sound();
    }

    #[test]
    fn the_last_run_leaves_no_trace_when_it_is_taken_back(
        steps in steps(), bits in any::<u64>(), policy in policy(), order in proptest::collection::vec(any::<usize>(), 8),
        ways in proptest::collection::vec(any::<u8>(), 8),
    ) {
        let mut world = World::new();
        take(&mut world, &steps);
        let before = world.standing();
        let run = world.run(bits, policy);
        decide_all(&world, &order, &ways);
        world.assert_sound();
        world.roll_back(Some(run));
        prop_assert_eq!(world.standing(), before);
        world.assert_sound();
    }

    #[test]
    fn a_decision_taken_back_at_any_time_was_never_made(steps in steps(), which in any::<usize>()) {
        let mut world = World::new();
        let left_out = |step: &Step| matches!(step, Step::Undo(_) | Step::Amend(_));
        let steps: Vec<Step> = steps.into_iter().filter(|step| !left_out(step)).collect();
        let mut made: Vec<Option<(Name, u8)>> = Vec::new();
        let mut edits = Vec::new();
        for step in &steps {
            if let Step::Decide(which, way) = *step {
                let conflict = nth(world.conflicts(), true, which).filter(|conflict| world.decide(conflict, way));
                made.push(conflict.map(|conflict| (name(&conflict), way)));
            } else {
                edits.extend(take(&mut world, &[*step]));
                made.push(None);
            }
        }
        let decided: Vec<usize> = (0..made.len()).filter(|at| made[*at].is_some()).collect();
        if decided.is_empty() {
            return Ok(());
        }
        let without = decided[which % decided.len()];
        let id = made[without].as_ref().and_then(|(what, _)| find(&world, what)).unwrap().id;
        let taken = world.undo(&Which::Of(vec![id]));
        world.assert_sound();
        world.assert_told();
        if !taken.dependent.is_empty() {
            return Ok(());
        }
        let mut never = World::new();
        let mut edits = edits.into_iter();
        for (at, step) in steps.iter().enumerate() {
            match (&made[at], step) {
                (Some((what, way)), _) if at != without => {
                    prop_assert!(never.decide(&find(&never, what).unwrap(), *way));
                }
                (None, Step::Run(..)) => {
                    take(&mut never, &[*step]);
                }
                (None, Step::Edit(_)) => {
                    let (name, line) = edits.next().unwrap();
                    never.import(&name, line);
                }
                _ => {}
            }
        }
        let open = |world: &World| -> Vec<_> { world.conflicts().iter().map(|c| (name(c), c.open())).collect() };
        prop_assert_eq!(open(&world), open(&never));
        prop_assert_eq!(world.hash(), never.hash());
        prop_assert_eq!(world.standing().counts, never.standing().counts);
    }

    #[test]
    fn an_index_made_anew_is_the_one_before(steps in steps()) {
        let mut world = World::new();
        take(&mut world, &steps);
        let before = world.standing();
        world.rebuild();
        prop_assert_eq!(world.standing(), before);
        world.assert_sound();
    }

    #[test]
    fn decisions_in_any_order_give_the_same_store_and_so_do_undos(
        bits in any::<u64>(), order in proptest::collection::vec(any::<usize>(), 8), ways in proptest::collection::vec(any::<u8>(), 8),
    ) {
        let (mut one, mut other) = (World::new(), World::new());
        one.run(bits, Policy::Ask);
        other.run(bits, Policy::Ask);
        let before = one.standing();
        decide_all(&one, &[0], &ways);
        decide_all(&other, &order, &ways);
        prop_assert_eq!(one.hash(), other.hash());
        let mut decided: Vec<Conflict> = one.conflicts();
        decided.sort_by_key(|c| order[c.line as usize % order.len()]);
        for conflict in decided {
            one.undo(&Which::Of(vec![conflict.id]));
            one.assert_sound();
        }
        prop_assert_eq!(one.standing(), before);
    }

    #[test]
    fn a_row_that_was_set_right_might_as_well_have_come_so(
        bits in any::<u64>(), policy in policy(), ways in proptest::collection::vec(any::<u8>(), 8),
    ) {
        let (mut amended, mut never) = (World::new(), World::new());
        never.whole = true;
        for world in [&mut amended, &mut never] {
            world.run(bits, policy);
        }
        prop_assert!(amended.amend(0).dependent.is_empty());
        let open = |world: &World| -> Vec<_> { world.conflicts().iter().map(|c| (name(c), c.open())).collect() };
        prop_assert_eq!(open(&amended), open(&never));
        for world in [&amended, &never] {
            world.assert_sound();
            world.assert_told();
            decide_all(world, &[0], &ways);
            world.assert_sound();
        }
        prop_assert_eq!(amended.hash(), never.hash());
        prop_assert_eq!(amended.standing().counts, never.standing().counts);
        let before = amended.standing();
        amended.rebuild();
        prop_assert_eq!(amended.standing(), before);
    }

    #[test]
    fn hold_and_release_equals_never_held(bits in any::<u64>(), keep_source in any::<bool>()) {
        let (policy, way) = if keep_source { (Policy::KeepSource, 0) } else { (Policy::KeepTarget, 1) };
        let (mut asked, mut told) = (World::new(), World::new());
        asked.run(bits, Policy::Ask);
        told.run(bits, policy);
        for world in [&asked, &told] {
            // The one who may be somebody else is left to a person by every policy.
            decide_all(world, &[0], &[way]);
            world.assert_sound();
        }
        prop_assert_eq!(asked.hash(), told.hash());
    }
}
