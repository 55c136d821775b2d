use proptest::prelude::*;

use super::*;
use crate::tui::look::Palette;

fn drawn(width: u16, draw: impl FnOnce(&mut Canvas<'_>)) -> Buffer {
    let area = Rect::new(0, 0, width, 3);
    let mut buffer = Buffer::empty(area);
    let mut cursor = None;
    draw(&mut Canvas::new(&mut buffer, area, Look::default(), &mut cursor));
    buffer
}

fn row(buffer: &Buffer, y: u16) -> String {
    (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect()
}

#[test]
fn text_is_cut_at_the_edge_with_a_sign() {
    let buffer = drawn(8, |c| {
        c.text(0, 0, "Lakeside Family", Role::Plain);
        c.right(8, 1, "1,234", Role::Plain);
        c.right(3, 2, "1,234", Role::Plain);
    });
    assert_eq!(row(&buffer, 0), "Lakesid…");
    assert_eq!(row(&buffer, 1), "   1,234");
    assert_eq!(row(&buffer, 2), "1,…     ");
}

#[test]
fn a_part_keeps_to_itself() {
    let buffer = drawn(10, |c| {
        let mut part = c.part(2, 1, 4, 1);
        part.text(0, 0, "abcdefgh", Role::Plain);
        part.text(0, 1, "below", Role::Plain);
        part.text(9, 0, "beside", Role::Plain);
    });
    assert_eq!(
        [row(&buffer, 0), row(&buffer, 1), row(&buffer, 2)],
        ["          ", "  abc…    ", "          "]
    );
}

#[test]
fn wide_and_combined_characters_keep_their_columns() {
    assert_eq!(fit("林志明さん", Look::default(), 7), "林志明…");
    assert_eq!(fit("Nicola\u{301}s", Look::default(), 7), "Nicola\u{301}s");
    assert_eq!(columns("이순신"), 6);
    assert_eq!(fit("heart \u{2764}\u{fe0f}", Look::default(), 20), "heart \u{2764}");
}

#[test]
fn ascii_takes_as_many_columns() {
    let look = Look {
        palette: Palette::Plain,
        ascii: true,
    };
    assert_eq!(fit("Nguyễn 林", look, 20), "Nguy?n ??");
    assert_eq!(fit("a long name", look, 6), "a lon~");
}

#[test]
fn paragraphs_break_at_spaces() {
    assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
    assert_eq!(wrapped("abcdefghij", 4), ["abcd", "efgh", "ij"]);
    assert_eq!(wrapped("a\n\nb", 4), ["a", "", "b"]);
}

proptest! {
    #[test]
    fn whatever_is_written_stays_in_its_columns(text in any::<String>(), width in 0_usize..20) {
        for ascii in [false, true] {
            let fitted = fit(&text, Look { palette: Palette::Dark, ascii }, width);
            prop_assert!(fitted.width() <= width);
            prop_assert!(!fitted.chars().any(char::is_control));
            prop_assert!(!ascii || fitted.is_ascii());
        }
    }

    #[test]
    fn no_text_reaches_beyond_its_canvas(text in any::<String>(), x in 0_u16..12) {
        let buffer = drawn(12, |c| {
            c.part(2, 1, 6, 1).text(x, 0, &text, Role::Plain);
        });
        for (index, cell) in buffer.content().iter().enumerate() {
            let (column, line) = (index % 12, index / 12);
            if !(line == 1 && (2..8).contains(&column)) {
                prop_assert_eq!(cell.symbol(), " ");
            }
        }
    }

    #[test]
    fn wrapping_loses_no_word(text in "[a-zé林 \n]{0,60}", width in 2_usize..20) {
        let lines = wrapped(&text, width);
        prop_assert!(lines.iter().all(|line| line.width() <= width));
        let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        prop_assert_eq!(letters(&lines.concat()), letters(&text));
    }
}
