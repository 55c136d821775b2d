//! The lines of a block.

/// The lines of a block with number, offset and text: without line ends, a leading byte order mark, or blank lines.
pub fn lines(bytes: &[u8], first_line: u64, at_start: bool) -> impl Iterator<Item = (u64, usize, &[u8])> {
    let mut at = 0;
    let mut number = first_line;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n);
            let (line, mut start) = (number, at);
            number += 1;
            at = end + 1;
            if at_start && start == 0 && bytes.starts_with(b"\xef\xbb\xbf") {
                start = 3;
            }
            let mut text = &bytes[start..end];
            while let [head @ .., b'\r' | b' ' | b'\t'] = text {
                text = head;
            }
            if !text.is_empty() {
                return Some((line, start, text));
            }
        }
        None
    })
}

/// Whether a line is a header between groups of records (`organizeOutputBy`).
pub fn is_header(text: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Header<'a> {
        #[serde(rename = "resourceType", borrow)]
        resource_type: &'a str,
    }
    serde_json::from_slice::<Header<'_>>(text).is_ok_and(|h| h.resource_type == "Parameters")
}
