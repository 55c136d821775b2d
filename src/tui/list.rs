//! A list of which one row is chosen; only the rows that are seen are ever drawn.

/// Which row of a list is chosen, and which is the first that is seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct List {
    /// The chosen row, from 0.
    pub at: usize,
    top: usize,
}

/// A movement in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first row.
    First,
    /// To the last row.
    Last,
}

impl List {
    /// A list whose chosen row is this one.
    pub fn at(row: usize) -> Self {
        Self { at: row, top: 0 }
    }

    /// Moves in a list of `len` rows of which `page` are seen at once.
    pub fn go(&mut self, movement: Move, len: usize, page: usize) {
        let last = len.saturating_sub(1);
        self.at = match movement {
            Move::Up => self.at.saturating_sub(1),
            Move::Down => self.at + 1,
            Move::PageUp => self.at.saturating_sub(page.max(1)),
            Move::PageDown => self.at + page.max(1),
            Move::First => 0,
            Move::Last => last,
        }
        .min(last);
        self.top = self.window(len, page).start;
    }

    /// Keeps within a list that has `len` rows now.
    pub fn clamp(&mut self, len: usize) {
        self.at = self.at.min(len.saturating_sub(1));
    }

    /// The rows to draw, of `len`, where there is room for `page`: always with the chosen one among them.
    pub fn window(&self, len: usize, page: usize) -> std::ops::Range<usize> {
        let page = page.max(1);
        let at = self.at.min(len.saturating_sub(1));
        let lowest = (at + 1).saturating_sub(page);
        let top = self.top.clamp(lowest, at).min(len.saturating_sub(page));
        top..len.min(top + page)
    }
}

/// The first of `lines` that is seen after a movement in a text that shows `page` of them.
pub fn scrolled(top: usize, movement: Move, lines: usize, page: usize) -> usize {
    let page = page.max(1);
    let top = match movement {
        Move::Up => top.saturating_sub(1),
        Move::Down => top + 1,
        Move::PageUp => top.saturating_sub(page),
        Move::PageDown => top + page,
        Move::First => 0,
        Move::Last => lines,
    };
    top.min(lines.saturating_sub(page))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_chosen_row_is_always_seen(moves in prop::collection::vec(0_u8..6, 0..60), len in 0_usize..50, page in 1_usize..12) {
            let mut list = List::default();
            for step in moves {
                let movement =
                    [Move::Up, Move::Down, Move::PageUp, Move::PageDown, Move::First, Move::Last][usize::from(step)];
                list.go(movement, len, page);
                let window = list.window(len, page);
                prop_assert!(len == 0 || window.contains(&list.at));
                prop_assert_eq!(window.len(), page.min(len));
            }
        }
    }

    #[test]
    fn a_list_scrolls_only_when_it_must() {
        let mut list = List::default();
        for _ in 0..5 {
            list.go(Move::Down, 10, 4);
        }
        assert_eq!((list.at, list.window(10, 4)), (5, 2..6));
        list.go(Move::Up, 10, 4);
        assert_eq!((list.at, list.window(10, 4)), (4, 2..6));
        list.clamp(3);
        assert_eq!(list.at, 2);
    }
}
