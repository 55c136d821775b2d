//! What frames are drawn on: a terminal that gets each frame in one write, inside a synchronized update, or nothing at all when
//! nothing changed. Cells are written by hand and not by crossterm's backend: that one flushes in the middle of a frame, loses
//! reversed text under `NO_COLOR`, and trusts the terminal to count the columns of every script as we do.

use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};

/// A backend that can also send what is no cell, such as text for the clipboard.
pub trait Surface: Backend {
    /// Sends bytes as they are, at once.
    fn send(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
    /// Gives the terminal back as it was found.
    fn leave(&mut self) -> Result<(), Self::Error>;
    /// Takes the terminal over: other screen, keys unbuffered, pasted text marked.
    fn enter(&mut self) -> Result<(), Self::Error>;
}

/// What takes the terminal over.
pub const ENTER: &str = "\x1b[?1049h\x1b[?2004h\x1b[?25l\x1b[0m\x1b[2J";
/// What gives it back; harmless when it was never taken.
pub const LEAVE: &str = "\x1b[0m\x1b[?2026l\x1b[?2004l\x1b[?25h\x1b[?1049l";
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// A terminal behind a writer.
pub struct ByteSurface<W: Write> {
    out: W,
    size: fn() -> io::Result<Size>,
    raw: fn(bool) -> io::Result<()>,
    frame: Vec<u8>,
    /// Where the next character lands, if that is known.
    at: Option<Position>,
    style: (Color, Color, Modifier),
    cursor: Option<Position>,
    wanted: Option<Position>,
}

impl<W: Write> ByteSurface<W> {
    /// A surface that writes to `out`; `size` tells the terminal's size, `raw` switches its line discipline.
    pub fn new(out: W, size: fn() -> io::Result<Size>, raw: fn(bool) -> io::Result<()>) -> Self {
        Self {
            out,
            size,
            raw,
            frame: Vec::with_capacity(8 * 1024),
            at: None,
            style: (Color::Reset, Color::Reset, Modifier::empty()),
            cursor: None,
            wanted: None,
        }
    }

    /// What frames are written to.
    #[cfg(test)]
    pub fn writer(&self) -> &W {
        &self.out
    }

    fn go(&mut self, x: u16, y: u16) {
        if self.at == Some(Position::new(x, y)) {
            return;
        }
        // Writing to a vector does not fail.
        let _ = match self.at {
            Some(at) if at.y == y && x > at.x && x - at.x < 10 => write!(self.frame, "\x1b[{}C", x - at.x),
            _ => write!(self.frame, "\x1b[{};{}H", y + 1, x + 1),
        };
    }

    fn dress(&mut self, wanted: (Color, Color, Modifier)) {
        if self.style == wanted {
            return;
        }
        let (fg, bg, modifier) = wanted;
        let mut codes = String::new();
        let mut code = |text: &str| {
            if !codes.is_empty() {
                codes.push(';');
            }
            codes.push_str(text);
        };
        // What was switched on is only switched off by beginning anew.
        let anew = !modifier.contains(self.style.2);
        if anew {
            code("0");
        }
        let known = [
            (Modifier::BOLD, "1"),
            (Modifier::DIM, "2"),
            (Modifier::ITALIC, "3"),
            (Modifier::UNDERLINED, "4"),
            (Modifier::REVERSED, "7"),
        ];
        for (flag, text) in known {
            if modifier.contains(flag) && (anew || !self.style.2.contains(flag)) {
                code(text);
            }
        }
        if fg != if anew { Color::Reset } else { self.style.0 } {
            code(&colour(fg, 30));
        }
        if bg != if anew { Color::Reset } else { self.style.1 } {
            code(&colour(bg, 40));
        }
        let _ = write!(self.frame, "\x1b[{codes}m");
        self.style = wanted;
    }
}

/// The number of one of sixteen colours; `base` is 30 for text and 40 for the ground.
fn colour(colour: Color, base: u8) -> String {
    let index = match colour {
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 60,
        Color::LightRed => 61,
        Color::LightGreen => 62,
        Color::LightYellow => 63,
        Color::LightBlue => 64,
        Color::LightMagenta => 65,
        Color::LightCyan => 66,
        Color::White => 67,
        // The look knows no others.
        _ => 9,
    };
    (base + index).to_string()
}

/// Whether every terminal gives this one column: ASCII, and the box and block characters that we draw with.
fn steady(symbol: &str) -> bool {
    let mut chars = symbol.chars();
    let one = chars.next();
    chars.next().is_none()
        && one.is_some_and(|c| c.is_ascii() || matches!(c, '─' | '│' | '█' | '░' | '…' | '·' | '\u{2581}'..='\u{2588}'))
}

impl<W: Write> Surface for ByteSurface<W> {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.out.flush()
    }

    fn leave(&mut self) -> io::Result<()> {
        self.send(LEAVE.as_bytes())?;
        (self.raw)(false)
    }

    fn enter(&mut self) -> io::Result<()> {
        (self.raw)(true)?;
        self.at = None;
        self.style = (Color::Reset, Color::Reset, Modifier::empty());
        self.cursor = None;
        self.send(ENTER.as_bytes())
    }
}

impl<W: Write> Backend for ByteSurface<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        for (x, y, cell) in content {
            self.go(x, y);
            self.dress((cell.fg, cell.bg, cell.modifier));
            self.frame.extend_from_slice(cell.symbol().as_bytes());
            self.at = steady(cell.symbol()).then(|| Position::new(x + 1, y));
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.wanted = None;
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.wanted = self.wanted.or(Some(Position::ORIGIN));
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        // Asking the terminal would take the answer away from whoever reads keys.
        Ok(self.cursor.unwrap_or(Position::ORIGIN))
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.wanted = Some(position.into());
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.dress((Color::Reset, Color::Reset, Modifier::empty()));
        self.frame.extend_from_slice(b"\x1b[2J");
        self.at = None;
        Ok(())
    }

    fn clear_region(&mut self, _region: ClearType) -> io::Result<()> {
        // A frame always covers the whole screen.
        self.clear()
    }

    fn size(&self) -> io::Result<Size> {
        (self.size)()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize {
            columns_rows: (self.size)()?,
            pixels: Size::ZERO,
        })
    }

    /// Ends the frame: everything since the last one goes out in one write.
    fn flush(&mut self) -> io::Result<()> {
        if self.frame.is_empty() && self.wanted == self.cursor {
            return Ok(());
        }
        if let Some(at) = self.wanted {
            self.go(at.x, at.y);
            self.at = Some(at);
        }
        if self.wanted.is_some() != self.cursor.is_some() {
            let switch: &[u8] = if self.wanted.is_some() {
                b"\x1b[?25h"
            } else {
                b"\x1b[?25l"
            };
            self.frame.extend_from_slice(switch);
        }
        self.cursor = self.wanted;
        let mut whole = Vec::with_capacity(self.frame.len() + BEGIN.len() + END.len());
        for part in [BEGIN, &self.frame, END] {
            whole.extend_from_slice(part);
        }
        self.frame.clear();
        self.send(&whole)
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::style::Style;

    use super::*;

    fn surface() -> Terminal<ByteSurface<Vec<u8>>> {
        Terminal::new(ByteSurface::new(Vec::new(), || Ok(Size::new(40, 4)), |_| Ok(()))).unwrap()
    }

    fn seen(bytes: &[u8]) -> vt100::Parser {
        let mut parser = vt100::Parser::new(4, 40, 0);
        parser.process(bytes);
        parser
    }

    fn same(frame: &mut ratatui::Frame<'_>) {
        frame.buffer_mut().set_stringn(0, 0, "same", 9, Style::new());
    }

    #[test]
    fn a_frame_that_changes_nothing_writes_nothing() {
        let mut terminal = surface();
        terminal.draw(same).unwrap();
        let before = terminal.backend().writer().len();
        terminal.draw(same).unwrap();
        assert!(before > 0 && terminal.backend().writer().len() == before);
    }

    #[test]
    fn a_terminal_shows_what_was_drawn_whatever_is_wide_or_combined() {
        let mut terminal = surface();
        let lines = ["plain", "林志明 and", "Nicola\u{301}s b", "e\u{301}e\u{301} x"];
        for shift in [0, 3] {
            terminal
                .draw(|frame| {
                    for (y, line) in (0..).zip(lines) {
                        frame
                            .buffer_mut()
                            .set_stringn(shift, y, line, 30, Style::new().fg(Color::Red));
                        frame.buffer_mut().set_stringn(30, y, "|", 1, Style::new());
                    }
                })
                .unwrap();
            let parser = seen(terminal.backend().writer());
            for (y, line) in (0..).zip(lines) {
                let row = parser.screen().rows(0, 40).nth(y).unwrap();
                assert_eq!(row.trim_end().trim_end_matches('|').trim(), line);
                assert_eq!(
                    parser.screen().cell(u16::try_from(y).unwrap(), 30).unwrap().contents(),
                    "|"
                );
            }
        }
    }

    #[test]
    fn styles_go_on_and_off() {
        let mut terminal = surface();
        terminal
            .draw(|frame| {
                let buffer = frame.buffer_mut();
                buffer.set_stringn(
                    0,
                    0,
                    "a",
                    1,
                    Style::new().fg(Color::LightRed).add_modifier(Modifier::BOLD),
                );
                buffer.set_stringn(1, 0, "b", 1, Style::new().add_modifier(Modifier::REVERSED));
                buffer.set_stringn(2, 0, "c", 1, Style::new());
            })
            .unwrap();
        let parser = seen(terminal.backend().writer());
        let cell = |x| parser.screen().cell(0, x).unwrap();
        assert!(cell(0).bold() && cell(0).fgcolor() == vt100::Color::Idx(9) && !cell(0).inverse());
        assert!(cell(1).inverse() && !cell(1).bold() && cell(1).fgcolor() == vt100::Color::Default);
        assert!(!cell(2).inverse());
    }

    #[test]
    fn the_cursor_shows_only_where_something_is_typed() {
        let mut terminal = surface();
        terminal.draw(|frame| frame.set_cursor_position((3, 1))).unwrap();
        assert!(!seen(terminal.backend().writer()).screen().hide_cursor());
        assert_eq!(seen(terminal.backend().writer()).screen().cursor_position(), (1, 3));
        terminal.draw(|_| ()).unwrap();
        assert!(seen(terminal.backend().writer()).screen().hide_cursor());
    }
}
