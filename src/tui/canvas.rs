//! The canvas: the only way to put text on the screen, so that no text from outside can do anything but be read.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::look::{Look, Role, Sign};
use crate::fhir;

/// A rectangle of the screen to write on; columns and rows count from its own corner, and nothing leaves it.
pub struct Canvas<'a> {
    buffer: &'a mut Buffer,
    area: Rect,
    look: Look,
    cursor: &'a mut Option<Position>,
}

impl<'a> Canvas<'a> {
    /// A canvas over the whole of `area`; `cursor` is told where the terminal's own cursor is to stand.
    pub fn new(buffer: &'a mut Buffer, area: Rect, look: Look, cursor: &'a mut Option<Position>) -> Self {
        let area = area.intersection(buffer.area);
        Self {
            buffer,
            area,
            look,
            cursor,
        }
    }

    /// A part of this canvas.
    pub fn part(&mut self, x: u16, y: u16, width: u16, height: u16) -> Canvas<'_> {
        let x = x.min(self.area.width);
        let y = y.min(self.area.height);
        let area = Rect {
            x: self.area.x + x,
            y: self.area.y + y,
            width: width.min(self.area.width - x),
            height: height.min(self.area.height - y),
        };
        Canvas {
            buffer: self.buffer,
            area,
            look: self.look,
            cursor: self.cursor,
        }
    }

    /// Columns.
    pub fn width(&self) -> u16 {
        self.area.width
    }

    /// Rows.
    pub fn height(&self) -> u16 {
        self.area.height
    }

    /// How things look here.
    pub fn look(&self) -> Look {
        self.look
    }

    /// Writes text from column `x` of row `y`, cut at the edge with a sign that it was; gives the column after it.
    pub fn text(&mut self, x: u16, y: u16, text: &str, role: Role) -> u16 {
        let room = self.width().saturating_sub(x);
        self.within(x, y, room, text, role)
    }

    /// The same, within `width` columns.
    pub fn within(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) -> u16 {
        let style = self.look.style(role);
        self.styled(x, y, width, text, style)
    }

    /// Writes text so that it ends before column `end`, as numbers do.
    pub fn right(&mut self, end: u16, y: u16, text: &str, role: Role) {
        let width = columns(&fit(text, self.look, usize::from(end)));
        self.within(end.saturating_sub(width), y, width, text, role);
    }

    /// A sign of ours at column `x`.
    pub fn sign(&mut self, x: u16, y: u16, sign: Sign, role: Role) {
        let text = self.look.sign(sign);
        self.within(x, y, 1, text, role);
    }

    /// A rule over the whole of row `y`.
    pub fn rule(&mut self, y: u16) {
        let text = self.look.sign(Sign::Rule).repeat(usize::from(self.width()));
        self.text(0, y, &text, Role::Quiet);
    }

    /// Draws columns of a row in another way, keeping what is written there.
    pub fn restyle(&mut self, x: u16, y: u16, width: u16, role: Role) {
        if y < self.height() && x < self.width() {
            let area = Rect::new(self.area.x + x, self.area.y + y, width.min(self.width() - x), 1);
            let style = self.look.style(role);
            for position in area.positions() {
                self.buffer[position].set_style(Style::reset().patch(style));
            }
        }
    }

    /// Empties the whole canvas.
    pub fn clear(&mut self) {
        for position in self.area.positions() {
            self.buffer[position].reset();
        }
    }

    /// A bar from column `x`, `width` long, filled by `share` of a thousand.
    pub fn bar(&mut self, x: u16, y: u16, width: u16, share: u16) {
        let filled = u16::try_from(u32::from(width) * u32::from(share.min(1000)) / 1000).unwrap_or(width);
        let full = self.look.sign(Sign::BarFull).repeat(usize::from(filled));
        let empty = self.look.sign(Sign::BarEmpty).repeat(usize::from(width - filled));
        let at = self.within(x, y, filled, &full, Role::Bar);
        self.within(at, y, width - filled, &empty, Role::Quiet);
    }

    /// Writes a paragraph from row `y`, broken at spaces; gives the row after it.
    pub fn paragraph(&mut self, x: u16, y: u16, text: &str, role: Role) -> u16 {
        let width = usize::from(self.width().saturating_sub(x));
        let mut row = y;
        for line in wrapped(text, width) {
            if row >= self.height() {
                break;
            }
            self.text(x, row, &line, role);
            row += 1;
        }
        row
    }

    /// Puts the terminal's own cursor here.
    pub fn cursor(&mut self, x: u16, y: u16) {
        if x < self.width() && y < self.height() {
            *self.cursor = Some(Position::new(self.area.x + x, self.area.y + y));
        }
    }

    fn styled(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        if y >= self.height() || x >= self.width() {
            return x;
        }
        let room = width.min(self.width() - x);
        let text = fit(text, self.look, usize::from(room));
        let (end, _) = self
            .buffer
            .set_stringn(self.area.x + x, self.area.y + y, &text, usize::from(room), style);
        end - self.area.x
    }
}

/// How many columns a text takes that [`fit`] has made fit.
pub fn columns(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// `text` as it may be shown, cut to `room` columns, the last of them a sign that it was cut.
pub fn fit(text: &str, look: Look, room: usize) -> Cow<'_, str> {
    let shown = shown(text, look.ascii);
    if shown.width() <= room {
        return shown;
    }
    let mut cut = String::new();
    let mut used = 0;
    for part in shown.graphemes(true) {
        let width = part.width();
        if used + width + 1 > room {
            break;
        }
        used += width;
        cut.push_str(part);
    }
    if room > 0 {
        cut.push_str(look.sign(Sign::Ellipsis));
    }
    Cow::Owned(cut)
}

/// Text without anything that steers, hides, or takes another number of columns in one terminal than in the next.
fn shown(text: &str, ascii: bool) -> Cow<'_, str> {
    let safe = fhir::safe(text);
    if safe.is_ascii() {
        return safe;
    }
    if ascii {
        let signs = safe.graphemes(true).flat_map(|part| {
            let known = part.is_ascii();
            let many = if known { 1 } else { part.width() };
            std::iter::repeat_n(if known { part } else { "?" }, many)
        });
        return Cow::Owned(signs.collect());
    }
    // A variation selector makes a sign twice as wide in some terminals only.
    let selector = |c: char| matches!(c, '\u{fe00}'..='\u{fe0f}');
    if safe.contains(selector) {
        return Cow::Owned(safe.chars().filter(|c| !selector(*c)).collect());
    }
    safe
}

/// Text in lines of at most `width` columns, broken at spaces; longer words are broken where they must be.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    if width == 0 {
        return lines;
    }
    for paragraph in text.split('\n') {
        let mut line = String::new();
        let mut used = 0;
        for word in paragraph.split(' ').filter(|word| !word.is_empty()) {
            let wide = word.width();
            if used > 0 && used + 1 + wide > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            for part in word.graphemes(true) {
                if used + part.width() > width {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                used += part.width();
                line.push_str(part);
            }
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests;
