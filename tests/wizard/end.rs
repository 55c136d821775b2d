//! Leaving the wizard, by whatever way: the terminal is as it was before.

use portable_pty::CommandBuilder;
use rustix::process::Signal;

use super::demo;
use super::pty::Pty;
use super::{ENTER, ESC};

#[test]
fn being_told_to_end_gives_the_terminal_back() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut pty = demo(&[]);
        assert!(!pty.given_back(), "it was taken over");
        pty.signal(signal);
        assert!(pty.end().success() && pty.given_back(), "{signal:?}");
    }
    let mut pty = demo(&[]);
    pty.press("\x03");
    assert!(pty.end().success() && pty.given_back(), "Ctrl-C");
}

#[test]
fn a_job_that_is_told_to_end_ends_and_gives_the_terminal_back() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut pty = demo(&[]);
        pty.press(ENTER);
        pty.says("Nobody has asked for a token yet");
        pty.press("4");
        pty.says("exactly as it will be sent");
        pty.press("r");
        pty.says("The EHR is preparing the export");
        pty.signal(signal);
        assert!(pty.end().success() && pty.given_back(), "{signal:?}");
    }
}

#[test]
fn a_shell_has_the_terminal_while_the_wizard_is_stopped() {
    let mut command = CommandBuilder::new("bash");
    command.args(["--norc", "--noprofile", "--noediting", "-i"]);
    command.env("PS1", "at the shell> ");
    command.env("LANG", "C.UTF-8");
    let mut pty = Pty::of(command);
    pty.says("at the shell>");
    pty.press(&format!("{} demo --patients 30\r", env!("CARGO_BIN_EXE_cutover")));
    pty.says("> Lakeside Family");
    for _ in 0..2 {
        pty.press("\x1a");
        pty.until("the shell is back", |screen| {
            let contents = screen.contents();
            !screen.alternate_screen() && contents.contains("Stopped") && contents.trim_end().ends_with("at the shell>")
        });
        assert!(pty.given_back());
        pty.press("echo $((6 * 7)) things\r");
        pty.says("42 things");
        pty.press("clear; fg\r");
        pty.says("> Lakeside Family");
    }
    // It takes keys again.
    pty.press("?");
    pty.says("Keys on the screen Home");
    pty.press(ESC);
    pty.says("> Lakeside Family");
    pty.press("q");
    pty.says("at the shell>");
    assert!(pty.given_back());
    pty.press("exit\r");
    assert!(pty.end().success());
}

#[test]
fn the_screen_comes_back_after_a_stop_that_no_shell_looks_after() {
    let mut pty = demo(&[]);
    pty.press("\x1a");
    pty.press("?");
    pty.says("Keys on the screen Home");
    pty.press("\x0c");
    pty.press(ESC);
    pty.says("> Lakeside Family");
    pty.press("q");
    assert!(pty.end().success() && pty.given_back());
}
