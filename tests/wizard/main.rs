//! The wizard in a real terminal, as a person meets it.

mod end;
mod hang_up;
mod panic;
mod pty;
mod repair;
mod rig;
mod walk;

use pty::Pty;

const ENTER: &str = "\r";
const ESC: &str = "\x1b";

fn demo(variables: &[(&str, &str)]) -> Pty {
    let pty = Pty::start(&["demo", "--patients", "30"], variables);
    pty.says("> Lakeside Family");
    pty
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
fn keys_that_come_together_are_told_apart() {
    let mut pty = demo(&[]);
    // Help opened and closed, and out: in one packet, as a slow line brings them.
    pty.press("?\x1bq");
    assert!(pty.end().success());
}
