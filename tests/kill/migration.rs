//! One migration from the template to its end, killed on the way.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cutover::engine::{self, Answer, Choice, Proposal, Recorded};
use cutover::fhir::Survivorship;
use cutover::migration::{Event, Resolution};
use cutover::store::{Storage, migration_key};

use cutover::sandbox::Stats;

use super::content::Content;
use super::damage;
use super::life::{Ended, Life, Moment, live};
use super::rig::{self, Dice, NAME, Rig};

/// Names the workspace to the process that decides conflicts.
pub const DECIDES: &str = "CUTOVER_TEST_DECIDES";

/// How a migration went.
pub struct Gone {
    pub content: Content,
    pub kills: u64,
    pub resolving_kills: u64,
    pub damages: u64,
}

/// Carries a migration from the template to its end, killed up to `kills` times.
pub fn to_its_end(rig: &Rig, name: &str, kills: u64, dice: &mut Dice) -> Gone {
    let home = rig.copy_template(name);
    go_on(rig, &home, &rig.sandbox.stats(), kills, dice)
}

/// Carries a migration on to its end; the sandbox had counted `before` when it began.
pub fn go_on(rig: &Rig, home: &Path, before: &Stats, kills: u64, dice: &mut Dice) -> Gone {
    let mut gone = Gone {
        content: Content::default(),
        kills: 0,
        resolving_kills: 0,
        damages: 0,
    };
    // Requests for each file of the sandbox when a file of the run was reported complete, by the run's number for it.
    let mut complete: BTreeMap<u32, BTreeMap<String, usize>> = BTreeMap::new();
    // Some kills are kept for the decisions.
    let receiving = kills - kills / 4;
    loop {
        let moment = (gone.kills < receiving).then(|| moment(dice, 600 + rig.bytes / 100_000));
        let life = live(rig.run(home), moment, &mut |line| {
            if let Some(Recorded {
                event: Event::DownloadComplete { file, .. },
                ..
            }) = read(line)
            {
                let gets = rig.sandbox.stats().files;
                let gets = gets.into_iter().map(|(name, gets)| (name, gets.len())).collect();
                assert!(
                    complete.insert(file, gets).is_none(),
                    "file {file} was reported complete twice"
                );
            }
        });
        match life.ended {
            Ended::Killed => {
                gone.kills += 1;
                gone.damages += u64::from(dice.below(3) == 0 && damage::some(home, dice));
            }
            Ended::Exited(3) => break,
            Ended::Exited(code) => panic!("exit code {code}\n{}\n{}", life.errors, life.lines.join("\n")),
        }
    }
    let mut decide = |gone: &mut Gone| loop {
        let moment = (gone.kills < kills).then(|| moment(dice, 500));
        let Life { ended, lines, errors } = live(decider(home), moment, &mut |_| {});
        match ended {
            Ended::Killed => {
                gone.kills += 1;
                gone.resolving_kills += 1;
                gone.damages += u64::from(dice.below(3) == 0 && damage::some(home, dice));
            }
            Ended::Exited(0) if lines.iter().any(|line| line.starts_with("verified: 0 findings")) => break,
            Ended::Exited(code) => panic!("exit code {code}\n{errors}\n{}", lines.join("\n")),
        }
    };
    decide(&mut gone);

    let storage = rig.open(home);
    let after = rig.sandbox.stats();
    let unanswered = u64::from(unanswered(&storage));
    let kickoffs = after.kickoffs - before.kickoffs;
    assert!(
        (1..=1 + unanswered).contains(&kickoffs),
        "{kickoffs} kickoffs, {unanswered} unanswered"
    );
    assert_eq!(after.deletes - before.deletes, 1, "the job is deleted once");
    let run = engine::state(&storage, NAME).unwrap().run;
    for file in storage.files(run).unwrap() {
        let Some(gets) = complete.get(&file.number) else {
            continue;
        };
        let name = file.url.rsplit('/').next().unwrap();
        let then = gets.get(name).copied().unwrap_or(0);
        let now = after.files.get(name).map_or(0, Vec::len);
        assert_eq!(then, now, "{name} was fetched again after it was complete");
    }
    gone.content = Content::of(&storage);
    assert_eq!(
        storage.index.count().unwrap(),
        storage.vouched().unwrap(),
        "records and those vouched for"
    );
    drop(storage);
    if kills > 0 {
        live(doctor(rig, home), Some(moment(dice, 1000)), &mut |_| {});
    }
    let examined = live(doctor(rig, home), None, &mut |_| {});
    assert_eq!(
        examined.ended,
        Ended::Exited(0),
        "{}{}",
        examined.lines.join("\n"),
        examined.errors
    );
    let storage = rig.open(home);
    gone.content.assert_same(&Content::of(&storage));
    assert_eq!(
        storage.index.count().unwrap(),
        storage.vouched().unwrap(),
        "after the index was made anew"
    );
    drop(storage);
    std::fs::remove_dir_all(home).unwrap();
    gone
}

/// Sometimes by what the process says, sometimes by the clock: between two lines much can happen.
fn moment(dice: &mut Dice, within: u64) -> Moment {
    if dice.below(3) == 0 {
        Moment::Lines(1 + dice.below(24))
    } else {
        Moment::After(Duration::from_millis(dice.below(within)))
    }
}

fn read(line: &str) -> Option<Recorded> {
    #[derive(serde::Deserialize)]
    struct Line {
        migration: String,
        seq: u64,
        at: String,
        #[serde(flatten)]
        event: Event,
    }
    let line: Line = serde_json::from_str(line).ok()?;
    Some(Recorded {
        migration: line.migration,
        seq: line.seq,
        at: line.at,
        event: line.event,
    })
}

/// Kickoffs that the journal says were sent and never answered.
fn unanswered(storage: &Storage) -> u32 {
    let mut sent = 0;
    let mut answered = 0;
    for entry in storage.journal.read(NAME, 0) {
        match entry.unwrap().event {
            Event::KickoffSent { .. } => sent += 1,
            Event::Kickoff { .. } => answered += 1,
            _ => {}
        }
    }
    sent - answered
}

fn doctor(rig: &Rig, home: &Path) -> Command {
    rig.command(home, &["doctor", "--rebuild-index"])
}

fn decider(home: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "decides_until_it_is_killed", "--nocapture"])
        .env(DECIDES, home);
    command
}

/// Decides every open conflict, each in its own way, and verifies.
pub fn decide(home: &Path) {
    let storage = rig::open(home, home.with_file_name("key"));
    let plan = storage.tables.migrations.get(NAME.as_bytes()).unwrap().unwrap();
    let mut open = Vec::new();
    for item in storage.tables.conflicts.scan_prefix(&migration_key(NAME, &[])) {
        let conflict = item.unwrap().1.conflict;
        if conflict.open() {
            open.push((conflict.source.id, conflict.id));
        }
    }
    // In the same order every time.
    open.sort();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let say = |text: &str| println!("{text}");
    say("");
    let command = |command| {
        runtime.block_on(async {
            let running = engine::start(&storage, plan.clone(), command);
            running.answer.await.unwrap().unwrap()
        })
    };
    for (source, id) in open {
        let choice = match source.bytes().map(usize::from).sum::<usize>() % 4 {
            0 => Choice::Outright(Resolution::KeepSource),
            1 => Choice::Outright(Resolution::KeepTarget),
            2 => Choice::Outright(Resolution::KeepBoth),
            _ => Choice::Merge(Proposal {
                survivorship: Survivorship::Union,
                ..Proposal::default()
            }),
        };
        command(engine::Command::Resolve {
            conflicts: vec![id],
            choice,
            who: "tester".to_owned().into(),
        });
        say("decided");
    }
    let Answer::Verified(verification) = command(engine::Command::Verify) else {
        panic!("verify answers with a verification")
    };
    for finding in verification.findings.iter().take(5) {
        say(&format!("{finding:?}"));
    }
    say(&format!("verified: {} findings", verification.total_findings));
}
