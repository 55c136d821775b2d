//! The wizard in a real terminal, as a person meets it.

mod pty;
mod walk;

use pty::Pty;
use rustix::process::Signal;

const ENTER: &str = "\r";
const ESC: &str = "\x1b";
const RIGHT: &str = "\x1b[C";

fn demo(variables: &[(&str, &str)]) -> Pty {
    let pty = Pty::start(&["demo", "--patients", "30"], variables);
    pty.says("> Lakeside Family");
    pty
}

#[test]
fn the_demo_is_driven_from_the_source_to_verified_records() {
    let mut pty = demo(&[]);
    pty.press(ENTER);
    pty.says("Nobody has asked for a token yet");
    pty.press("t");
    pty.says("The EHR let us in.");
    pty.press("1");
    pty.says("Nothing was tested yet");
    pty.press("t");
    pty.says("more are as they should be");
    pty.press("4");
    pty.says("exactly as it will be sent");
    pty.press("r");
    pty.says("conflicts need you");
    pty.press("6");
    pty.says("The export reported");
    pty.press(RIGHT);
    pty.says("Every record as received");
    pty.press("l");
    pty.says("run_completed by");
    pty.press(ESC);
    pty.says("Every record as received");
    pty.press(ESC);
    pty.says("needs you:");
    pty.press("q");
    assert!(pty.end().success() && pty.given_back());
}

#[test]
fn the_chosen_row_is_seen_without_colours_and_in_ascii() {
    let mut pty = demo(&[("NO_COLOR", "1"), ("LANG", "C")]);
    pty.until("the chosen row is marked twice", |screen| {
        let row = screen.rows(0, 80).position(|row| row.contains("> Lakeside"));
        row.and_then(|row| screen.cell(u16::try_from(row).unwrap(), 4))
            .is_some_and(vt100::Cell::inverse)
    });
    pty.until("nothing but ASCII, and no colour", |screen| {
        let plain = |cell: &vt100::Cell| {
            cell.contents().is_ascii()
                && cell.fgcolor() == vt100::Color::Default
                && cell.bgcolor() == vt100::Color::Default
        };
        (0..24).all(|row| (0..80).all(|column| screen.cell(row, column).is_none_or(plain)))
    });
    pty.press("q");
    assert!(pty.end().success());
}

#[test]
fn being_told_to_end_gives_the_terminal_back() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut pty = demo(&[]);
        pty.signal(signal);
        assert!(pty.end().success() && pty.given_back(), "{signal:?}");
    }
    let mut pty = demo(&[]);
    pty.press("\x03");
    assert!(pty.end().success() && pty.given_back(), "Ctrl-C");
}

#[test]
fn a_lost_terminal_ends_the_program() {
    let mut pty = demo(&[]);
    pty.press(ENTER);
    pty.says("Nobody has asked for a token yet");
    pty.press("4");
    pty.says("exactly as it will be sent");
    pty.press("r");
    pty.says("Poll");
    pty.hang_up();
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

#[test]
fn keys_that_come_together_are_told_apart() {
    let mut pty = demo(&[]);
    // Help opened and closed, and out: in one packet, as a slow line brings them.
    pty.press("?\x1bq");
    assert!(pty.end().success());
}
