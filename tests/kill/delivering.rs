//! Deliveries to a FHIR server that are killed with SIGKILL: on restart the server ends with exactly what it has after an undisturbed one,
//! nothing missing and nothing twice, and after a rollback with exactly what it had before.
//!
//! The moments: the server has taken a batch and written nothing of it; it has written a batch and not answered; and some time within the
//! life of the process, whatever that does then.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use cutover::sandbox::destination::{Destination, DestinationConfig, Every, Manners, RunningDestination, WriteFault};

use super::life::{Ended, live};
use super::migration::decide;
use super::rig::{Dice, NAME, Rig};
use super::said::{Said, assert_same, said};

/// A migration of which everything was decided, to be delivered to servers of one kind.
struct Decided<'a> {
    rig: &'a Rig,
    manners: &'a Manners,
    kind: &'a str,
    home: PathBuf,
    /// What an undisturbed delivery ends with: 0, or 4 where the server refuses some.
    code: i32,
    /// How long an undisturbed delivery takes.
    within: Duration,
}

/// Kills deliveries, and deliveries of the rollback, to servers of one kind until `kills` are spent.
pub fn kill(rig: &Rig, manners: &Manners, kind: &str, kills: u64, dice: &mut Dice) {
    let mut decided = Decided {
        rig,
        manners,
        kind,
        home: rig.folder.path().join(format!("decided-{}", manners.name)),
        code: 0,
        within: Duration::ZERO,
    };
    let server = decided.serve(Vec::new());
    drop(rig.begin(&decided.home));
    decided.aim(&decided.home, &server);
    decided.ends(&decided.home, &["destination", "pull", NAME], 0);
    decided.ends(&decided.home, &["run", NAME, "--json"], 3);
    decide(&decided.home);
    let before = said(&server);

    let home = rig.copy(&decided.home, &format!("undisturbed-{}", manners.name));
    let begun = Instant::now();
    let life = live(decided.deliver(&home), None, &mut |_| {});
    // A server that lets no reference lead nowhere refuses what refers to a row that is in quarantine.
    let Ended::Exited(code @ (0 | 4)) = life.ended else {
        panic!("{}", life.errors);
    };
    decided.code = code;
    decided.within = begun.elapsed();
    let whole = said(&server);
    assert!(whole.len() > before.len() + 500, "there was something to deliver");
    decided.ends(&home, &["rollback", NAME, "--json"], 0);
    assert_eq!(decided.delivered(&server, &home, 0, 0, dice), 0);
    // What was the server's own is as it was, in versions of its own.
    let back = said(&server);
    let records = |said: &Said| {
        let mut records: Vec<_> = said
            .iter()
            .map(|(name, (record, _))| (name.clone(), record.clone()))
            .collect();
        if manners.merges_meta {
            // Tags and profiles that a record had once stay on it there.
            for (_, record) in &mut records {
                record.as_object_mut().unwrap().remove("meta");
            }
        }
        records
    };
    assert_eq!(records(&back), records(&before), "taken back without a kill");

    let (mut spent, mut rounds) = (0, 0);
    while spent < kills {
        let name = format!("{} {rounds}", manners.name);
        let faults = vec![
            WriteFault::StallBeforeWrite(Every::Nth(2 + dice.below(9))),
            WriteFault::StallAfterWrite(Every::Nth(2 + dice.below(9))),
        ];
        let server = decided.serve(faults);
        let home = rig.copy(&decided.home, &format!("killed-{}-{rounds}", manners.name));
        decided.aim(&home, &server);
        let left = (kills - spent).min(9);
        let there = decided.delivered(&server, &home, decided.code, left.div_ceil(2), dice);
        assert_same(&said(&server), &whole, &name);
        decided.nothing_more(&server, &home);
        decided.ends(&home, &["rollback", NAME, "--json"], 0);
        let taken = decided.delivered(&server, &home, 0, left / 2, dice);
        assert_same(&said(&server), &back, &format!("{name}, taken back"));
        println!(
            "{name}: {there} kills of a delivery, {taken} of the one after a rollback; {:?}",
            server.stats().struck
        );
        spent += there + taken;
        rounds += 1;
        std::fs::remove_dir_all(home).unwrap();
    }
    println!(
        "{}: {} records, {spent} kills in {rounds} rounds",
        manners.name,
        whole.len()
    );
}

impl Decided<'_> {
    /// A server with what the destination has of its own, the same every time.
    fn serve(&self, faults: Vec<WriteFault>) -> RunningDestination {
        let mut config = DestinationConfig::new(self.manners);
        config.manners.points = None;
        config.faults = faults;
        let server = Destination::launch(config).unwrap();
        for (_, lines) in &self.rig.own {
            for line in lines {
                assert!(server.edit(&serde_json::from_slice(line).unwrap()));
            }
        }
        server
    }

    fn aim(&self, home: &Path, server: &RunningDestination) {
        let set = ["destination", "set", NAME, "--kind", self.kind, "--base-url"];
        self.ends(home, &[&set[..], &[server.base_url.as_str()]].concat(), 0);
    }

    fn ends(&self, home: &Path, arguments: &[&str], code: i32) {
        let life = live(self.rig.command(home, arguments), None, &mut |_| {});
        let ended = Ended::Exited(code);
        assert_eq!(
            life.ended,
            ended,
            "{arguments:?}\n{}\n{}",
            life.errors,
            life.lines.join("\n")
        );
    }

    fn deliver(&self, home: &Path) -> Command {
        self.rig.command(home, &["destination", "deliver", NAME, "--json"])
    }

    /// Delivers until a delivery ends by itself, killed on the way up to `kills` times. Gives the kills spent.
    fn delivered(&self, server: &RunningDestination, home: &Path, code: i32, kills: u64, dice: &mut Dice) -> u64 {
        let mut spent = 0;
        server.troubled(true);
        while spent < kills {
            let struck = server.stats().struck.values().sum();
            // Most lives come as far as a stall.
            let longest = u64::try_from(self.within.as_millis()).unwrap();
            let within = Duration::from_millis(longest / 8 + dice.below(longest * 2));
            match killed(self.deliver(home), || {
                server.until_struck(struck, within);
            }) {
                None => spent += 1,
                Some((ended, _)) if ended == code => return spent,
                Some((ended, errors)) => panic!("exit code {ended}\n{errors}"),
            }
        }
        server.troubled(false);
        let life = live(self.deliver(home), None, &mut |_| {});
        assert_eq!(
            life.ended,
            Ended::Exited(code),
            "{}\n{}",
            life.errors,
            life.lines.join("\n")
        );
        spent
    }

    /// Everything read back is as it should be, and one more delivery writes nothing.
    fn nothing_more(&self, server: &RunningDestination, home: &Path) {
        server.troubled(false);
        let written = server.content().versions_written;
        self.ends(home, &["destination", "verify", NAME, "--json"], self.code);
        self.ends(home, &["destination", "deliver", NAME, "--json"], self.code);
        assert_eq!(
            server.content().versions_written,
            written,
            "a second delivery wrote something"
        );
    }
}

/// Lives until `moment` returns and is killed then, unless it ended before: with a code, and what it said on standard error.
fn killed(mut command: Command, moment: impl FnOnce() + Send) -> Option<(i32, String)> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut errors = child.stderr.take().unwrap();
    let child = Mutex::new(child);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            moment();
            // It may have ended by itself just now.
            let _ = child.lock().unwrap().kill();
        });
        let mut text = String::new();
        errors.read_to_string(&mut text).unwrap();
        let status = child.lock().unwrap().wait().unwrap();
        status.code().map(|code| (code, text))
    })
}
