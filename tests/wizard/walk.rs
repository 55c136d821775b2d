//! From an export to a practice that has gone over, with the keys that the screen names.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use cutover::sandbox::practice::Practice;
use cutover::sandbox::{RunningSandbox, Sandbox, SandboxConfig};

use super::pty::Pty;
use super::{ENTER, ESC};

/// A simulated EHR that is open to anyone, and a workspace with a migration from it.
fn prepared(folder: &Path) -> (RunningSandbox, Pty) {
    let mut config = SandboxConfig::new(Arc::new(Practice::new(12, 7))).polls(1, Some(0));
    config.open = true;
    let sandbox = Sandbox::launch(config).unwrap();
    let (home, key) = (folder.join("workspace"), folder.join("key"));
    let workspace = ["--home", home.to_str().unwrap(), "--key-file", key.to_str().unwrap()];
    let mut add = Command::new(env!("CARGO_BIN_EXE_cutover"));
    add.args([
        "migration",
        "add",
        "lakeside",
        "--name",
        "Lakeside Family",
        "--auth",
        "none",
    ]);
    add.args(["--level", "system", "--base-url", &sandbox.base_url])
        .args(workspace);
    assert!(add.output().unwrap().status.success());
    (sandbox, Pty::start(&workspace, &[]))
}

/// The first row of a chart: which it is, and how it stands.
fn chart(pty: &Pty, number: usize, state: &str) {
    let begins = format!("Chart {number} of ");
    pty.until(&format!("{begins}.. {state}"), |screen| {
        let row = screen.rows(0, 80).nth(3).unwrap_or_default();
        row.contains(&begins) && row.trim_end().ends_with(state) && screen.contents().contains("In the EHR")
    });
}

#[test]
fn a_failed_chart_is_judged_again_and_two_people_sign() {
    let folder = tempfile::tempdir().unwrap();
    let (_sandbox, mut pty) = prepared(folder.path());
    pty.says("> Lakeside Family");
    pty.press(ENTER);
    pty.says("exactly as it will be sent");
    pty.press("r");
    pty.says("done, every row is accounted for");
    pty.press("7");
    pty.says("0 of 12 looked at");
    pty.press("s");
    pty.says("0 of 12 passed or waived");
    pty.press(ENTER);
    chart(&pty, 1, "to look at");
    pty.press("f");
    pty.says("What is wrong with this chart?");
    pty.press("asthma resolved in 2019 shows active\r");
    chart(&pty, 1, "failed");
    pty.press(ESC);
    pty.says("0 of 12 passed or waived");
    pty.press(ESC);
    pty.says("1 failed");
    pty.press("8");
    pty.says("1 failed chart");
    pty.press("g");
    pty.says("sign off: No open finding");
    // Looked at once more, and all the others.
    pty.press("7");
    pty.says("Sample charts");
    pty.press("s");
    pty.says("0 of 12 passed or waived");
    pty.press(ENTER);
    chart(&pty, 1, "failed");
    for number in 1..=12 {
        pty.press("p");
        pty.says("Is this chart as it should be?");
        pty.press(ENTER);
        chart(&pty, number, "passed");
        pty.press("n");
        if number < 12 {
            chart(&pty, number + 1, "to look at");
        }
    }
    pty.press(ESC);
    pty.says("12 of 12 passed or waived");
    pty.press(ESC);
    pty.says("12 passed");
    pty.press("8");
    pty.says("nothing was asked for since the first export");
    pty.press("s");
    pty.says("done, every row is accounted for");
    pty.says("delta of");
    for (asked, name) in [
        ("Technical sign-off: who", "Mo Okafor"),
        ("Clinical sign-off: who", "Ann Mori"),
    ] {
        pty.press("g");
        pty.says(asked);
        pty.press(name);
        pty.press(ENTER);
        pty.says(&format!("{name}, 20"));
        pty.says("done, and on record");
    }
    pty.says("the practice can go over");
    pty.press("R");
    pty.says("the report is in");
    pty.press("f");
    pty.says("Has the practice gone over?");
    pty.press("lakeside");
    pty.press(ENTER);
    pty.says("The practice went over on");
    pty.press(ESC);
    pty.says("flipped");
    pty.press("q");
    assert!(pty.end().success() && pty.given_back());
}
