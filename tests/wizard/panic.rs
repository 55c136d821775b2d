//! A part of the program that fails: the terminal is usable afterwards, and the workspace is whole.
//!
//! The real wizard is started by this test's own program, with a clock that fails when it is told to: no option of the program does.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cutover::http::{Clock, SystemClock};
use cutover::store::{Secret, Storage, Workspace};
use jiff::Timestamp;
use portable_pty::CommandBuilder;

use super::hang_up::half_way;
use super::pty::Pty;
use super::rig::Rig;

/// Names the file that makes a clock fail, and which of the two.
const FAILS: &str = "CUTOVER_TEST_FAILS";
const WHICH: &str = "CUTOVER_TEST_WHICH";

fn fail_if_told(which: &str) {
    let told = PathBuf::from(std::env::var_os(FAILS).unwrap());
    assert!(
        !(std::env::var(WHICH).unwrap() == which && told.exists()),
        "a patient's name"
    );
}

fn now() -> Timestamp {
    fail_if_told("screen");
    Timestamp::now()
}

/// The clock that jobs go by.
#[derive(Debug, Default)]
struct Failing(SystemClock);

impl Clock for Failing {
    fn wall(&self) -> SystemTime {
        fail_if_told("job");
        self.0.wall()
    }

    fn steady(&self) -> Duration {
        fail_if_told("job");
        self.0.steady()
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.0.sleep(time)
    }
}

#[test]
#[ignore = "the other tests start it, in a terminal"]
fn child() {
    let workspace = Workspace::open(
        &PathBuf::from(std::env::var_os("CUTOVER_HOME").unwrap()),
        &Secret::KeyFile(PathBuf::from(std::env::var_os("CUTOVER_TEST_KEY").unwrap())),
        "test",
    );
    let storage = Arc::new(Storage::open(workspace.unwrap()).unwrap());
    cutover::tui::open_by(&storage, false, now, Arc::new(Failing::default())).unwrap();
}

/// The wizard on this workspace, one of whose clocks fails once it is told to.
fn failing(rig: &Rig, which: &str) -> Pty {
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args([
        "panic::child",
        "--exact",
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ]);
    for (name, value) in [
        ("CUTOVER_HOME", rig.home()),
        ("CUTOVER_TEST_KEY", rig.key()),
        (FAILS, rig.folder.path().join("fail")),
        (WHICH, which.into()),
        ("LANG", "C.UTF-8".into()),
        // The trace would not fit on the screen.
        ("RUST_BACKTRACE", "0".into()),
    ] {
        command.env(name, value);
    }
    let pty = Pty::of(command);
    pty.says("> Lakeside Family");
    pty
}

fn tell(rig: &Rig) {
    std::fs::write(rig.folder.path().join("fail"), "").unwrap();
}

fn finish(rig: &Rig) {
    rig.let_go();
    let done = rig.command(&["run", "lakeside"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    rig.assert_whole();
}

#[test]
fn a_job_that_fails_leaves_the_wizard_and_what_came() {
    let rig = Rig::new();
    let mut pty = failing(&rig, "job");
    half_way(&mut pty);
    tell(&rig);
    rig.let_go();
    pty.says("a part of the program failed at");
    assert!(!pty.contents().contains("a patient's name"));
    // It takes keys as before.
    pty.says("it stopped");
    pty.press("\x1b");
    pty.press("l");
    pty.says("run_failed by");
    pty.press("\x03");
    assert!(pty.end().success() && pty.given_back());
    finish(&rig);
}

#[test]
fn a_screen_that_fails_gives_the_terminal_back_and_loses_nothing() {
    let rig = Rig::new();
    let mut pty = failing(&rig, "screen");
    half_way(&mut pty);
    tell(&rig);
    pty.press("j");
    assert!(!pty.end().success() && pty.given_back());
    assert!(
        pty.contents().contains("panicked at"),
        "it is said on the terminal that was given back"
    );
    finish(&rig);
}
