//! A connection that is lost while records come in.

use std::time::Duration;

use super::ENTER;
use super::demo;
use super::pty::Pty;
use super::rig::Rig;

/// Starts the wizard on the workspace.
pub fn wizard(rig: &Rig) -> Pty {
    let workspace = rig.workspace();
    let pty = Pty::start(&workspace.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    pty.says("> Lakeside Family");
    pty
}

/// Begins a run and waits until half of it is in.
pub fn half_way(pty: &mut Pty) {
    pty.press(ENTER);
    pty.says("exactly as it will be sent");
    pty.press("r");
    pty.says("Type  ");
    // The end of the list.
    pty.press("\x1b[F");
    // Everything else has come, and what has come of the Observations is durable.
    pty.until("half of the Observations are in", |screen| {
        let rows: Vec<String> = screen.rows(0, 80).collect();
        let after = |name: &str, files: &str| {
            let row = rows.iter().find(|row| row.contains(name))?;
            Some(row.split_once(files)?.1.split_whitespace().next()?.to_owned())
        };
        after("Observation", "0/1").is_some_and(|rows| rows != "0") && after("Procedure", "1/1").is_some()
    });
}

#[test]
fn what_came_is_safe_and_starting_again_goes_on_from_there() {
    let rig = Rig::new();
    let mut pty = wizard(&rig);
    half_way(&mut pty);
    let fetched = rig.sandbox.stats().files;
    let (status, busy) = pty.hang_up();
    // It ended by itself: the watchdog that ends it after five seconds would have given 1.
    assert!(status.success(), "{status:?}");
    assert!(busy < Duration::from_secs(2), "it was busy for {busy:?}");
    rig.let_go();
    let mut pty = wizard(&rig);
    pty.press(ENTER);
    pty.says("home");
    pty.press("6");
    pty.says("r go on");
    pty.press("r");
    pty.says("done, every row is accounted for");
    pty.press("\x03");
    assert!(pty.end().success() && pty.given_back());
    let again = rig.sandbox.stats();
    assert_eq!(again.kickoffs, 1, "the same export goes on");
    for (name, gets) in &again.files {
        let more = gets.len() - fetched[name].len();
        assert_eq!(more, usize::from(name.starts_with("Observation")), "{name}");
    }
    let resumed = again.files.iter().find(|(name, _)| name.starts_with("Observation"));
    assert!(resumed.unwrap().1.last().unwrap().from > 0, "from where it was cut off");
    rig.assert_whole();
}

#[test]
fn whoever_waits_for_the_server_is_let_go() {
    let mut pty = demo(&[]);
    pty.press(ENTER);
    pty.says("Nobody has asked for a token yet");
    pty.press("4");
    pty.says("exactly as it will be sent");
    pty.press("r");
    pty.says("The EHR is preparing the export");
    assert!(pty.hang_up().0.success());
}
