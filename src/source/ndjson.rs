//! Newline-delimited JSON, line by line, without copying.

use memchr::memchr;

/// A line of a file, or what stands for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line that holds something.
    Row {
        /// The line without its line end (`LF` or `CRLF`) and, at the start of the file, without a byte order mark.
        bytes: &'a [u8],
        /// Where in the file `bytes` begins.
        offset: u64,
        /// The line's number in the file, from 1; blank lines count.
        number: u64,
    },
    /// A line longer than the cap; its bytes were passed over.
    Oversize {
        /// Where in the file the line begins.
        offset: u64,
        /// Its length in bytes, without `LF`.
        len: u64,
        /// Its number in the file, from 1.
        number: u64,
    },
}

/// Splits a file that comes in blocks into lines. It owns no bytes: the caller keeps what was not taken yet and gives it
/// again, with more behind it.
#[derive(Debug, Clone)]
pub struct LineSplitter {
    /// Where in the file the bytes not taken yet begin.
    offset: u64,
    /// The number of the line that begins there.
    number: u64,
    cap: usize,
    /// Bytes at the front of the rest that are known to hold no line end.
    searched: usize,
    /// Where the line began that is being passed over.
    oversize: Option<u64>,
}

const MARK: &[u8] = b"\xef\xbb\xbf";

impl LineSplitter {
    /// A splitter at the start of a file; lines longer than `cap` bytes are passed over.
    pub fn new(cap: usize) -> Self {
        Self::resume(0, 1, cap)
    }

    /// A splitter in the middle of a file: at the start of the line `number`, which is at `offset`.
    pub fn resume(offset: u64, number: u64, cap: usize) -> Self {
        Self {
            offset,
            number,
            cap,
            searched: 0,
            oversize: None,
        }
    }

    /// Where in the file the first byte is that was not taken yet; with [`Self::number`], a place to resume at, as long as
    /// [`Self::is_at_line_start`].
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The number of the next line.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// False while a line longer than the cap is being passed over.
    pub fn is_at_line_start(&self) -> bool {
        self.oversize.is_none()
    }

    /// Takes the next line that is not blank from the front of `rest`. Nothing means: get more bytes and append them to what
    /// is left of `rest` (never more than the cap), or, `at_end` of the file, that all lines are taken.
    pub fn take<'b>(&mut self, rest: &mut &'b [u8], at_end: bool) -> Option<Line<'b>> {
        loop {
            let (line, end) = match memchr(b'\n', rest.get(self.searched..).unwrap_or_default()) {
                Some(found) => (self.searched + found, self.searched + found + 1),
                None if at_end && (!rest.is_empty() || self.oversize.is_some()) => {
                    (rest.len(), rest.len())
                }
                None => {
                    self.keep_or_pass_over(rest);
                    return None;
                }
            };
            let (mut bytes, after) = (&rest[..line], &rest[end..]);
            let (mut offset, number) = (self.offset, self.number);
            *rest = after;
            self.searched = 0;
            self.offset += end as u64;
            self.number += 1;
            if let Some(start) = self.oversize.take() {
                return Some(Line::Oversize {
                    offset: start,
                    len: offset + line as u64 - start,
                    number,
                });
            }
            if bytes.len() > self.cap {
                return Some(Line::Oversize {
                    offset,
                    len: line as u64,
                    number,
                });
            }
            if offset == 0 && bytes.starts_with(MARK) {
                (bytes, offset) = (&bytes[MARK.len()..], MARK.len() as u64);
            }
            bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
            if !bytes.trim_ascii().is_empty() {
                return Some(Line::Row {
                    bytes,
                    offset,
                    number,
                });
            }
        }
    }

    /// There is no line end in `rest`: leaves it for the next time or, if it is too long, passes over it.
    fn keep_or_pass_over(&mut self, rest: &mut &[u8]) {
        self.searched = rest.len();
        if self.oversize.is_some() || rest.len() > self.cap {
            self.oversize.get_or_insert(self.offset);
            self.offset += rest.len() as u64;
            self.searched = 0;
            *rest = &[];
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Splits a file that comes in blocks of these sizes, as the caller would.
    fn split(file: &[u8], blocks: &[usize], cap: usize) -> Vec<(Option<Vec<u8>>, u64, u64)> {
        let (mut splitter, mut lines) = (LineSplitter::new(cap), Vec::new());
        let (mut buffer, mut from, mut sizes) = (Vec::new(), 0, blocks.iter().cycle());
        loop {
            let to = (from + *sizes.next().unwrap_or(&1)).min(file.len());
            buffer.extend_from_slice(&file[from..to]);
            from = to;
            let mut rest = buffer.as_slice();
            while let Some(line) = splitter.take(&mut rest, from == file.len()) {
                lines.push(match line {
                    Line::Row {
                        bytes,
                        offset,
                        number,
                    } => (Some(bytes.to_vec()), offset, number),
                    Line::Oversize { offset, number, .. } => (None, offset, number),
                });
            }
            assert!(rest.len() <= cap + 1, "more kept than the cap");
            buffer = rest.to_vec();
            if from == file.len() {
                assert_eq!(splitter.offset(), file.len() as u64);
                return lines;
            }
        }
    }

    fn row(text: &str, offset: u64, number: u64) -> (Option<Vec<u8>>, u64, u64) {
        (Some(text.as_bytes().to_vec()), offset, number)
    }

    #[test]
    fn b79_crlf_blank_lines_byte_order_mark_and_missing_last_newline() {
        let file = "\u{feff}{\"a\":1}\r\n\n  \t\r\n{\"b\":\"Mu\u{f1}oz\"}\n{\"c\":3}";
        let expected = [
            row("{\"a\":1}", 3, 1),
            row("{\"b\":\"Mu\u{f1}oz\"}", 18, 4),
            row("{\"c\":3}", 33, 5),
        ];
        for size in 1..=file.len() {
            assert_eq!(
                split(file.as_bytes(), &[size], 100),
                expected,
                "blocks of {size}"
            );
        }
        assert_eq!(split(b"", &[1], 10), []);
        assert_eq!(split(b"\n\r\n \n", &[1], 10), []);
    }

    #[test]
    fn b79_a_line_over_the_cap_is_reported_with_its_place_and_not_kept() {
        let long = "x".repeat(1000);
        let file = format!("one\n{long}\ntwo\n{long}");
        for block in [3, 10, 64, 5000] {
            let lines = split(file.as_bytes(), &[block], 50);
            assert_eq!(
                lines,
                [
                    row("one", 0, 1),
                    (None, 4, 2),
                    row("two", 1005, 3),
                    (None, 1009, 4)
                ]
            );
        }
        let (mut splitter, mut rest) = (LineSplitter::new(50), file.as_bytes());
        splitter.take(&mut rest, true);
        assert_eq!(
            splitter.take(&mut rest, true),
            Some(Line::Oversize {
                offset: 4,
                len: 1000,
                number: 2
            })
        );
    }

    #[test]
    fn a_splitter_goes_on_where_another_stopped() {
        let file = b"one\ntwo\nthree\n";
        let mut first = LineSplitter::new(50);
        let mut rest = &file[..6];
        assert!(first.take(&mut rest, false).is_some() && first.take(&mut rest, false).is_none());
        let mut second = LineSplitter::resume(first.offset(), first.number(), 50);
        let mut rest = &file[usize::try_from(first.offset()).unwrap()..];
        assert_eq!(
            second.take(&mut rest, true),
            Some(Line::Row {
                bytes: b"two",
                offset: 4,
                number: 2
            })
        );
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_how_the_file_is_cut(
            parts in prop::collection::vec("[a-z\u{e9}\u{4e16} ]{0,40}(\n|\r\n)", 0..30),
            tail in "[a-z]{0,20}",
            blocks in prop::collection::vec(1_usize..64, 1..8),
            cap in 1_usize..60,
        ) {
            let file = format!("{}{tail}", parts.concat());
            let whole = split(file.as_bytes(), &[file.len().max(1)], cap);
            prop_assert_eq!(&split(file.as_bytes(), &blocks, cap), &whole);
            for (bytes, offset, number) in whole {
                let offset = usize::try_from(offset).unwrap();
                if let Some(bytes) = bytes {
                    prop_assert_eq!(&file.as_bytes()[offset..offset + bytes.len()], &bytes[..]);
                }
                prop_assert_eq!(memchr::memchr_iter(b'\n', &file.as_bytes()[..offset]).count() as u64 + 1, number);
            }
        }
    }
}
