//! Placing a record under another id.

use super::reject::Reject;
use super::scan::scan;

/// The record with another `id`; every other byte stays.
pub fn replace_id(line: &[u8], id: &str) -> Result<Vec<u8>, Reject> {
    let found = scan(line)?;
    // The scan borrows the id from the line, so its place in the line is the distance between the two.
    let start = found.id.as_ptr() as usize - line.as_ptr() as usize;
    let mut renamed = Vec::with_capacity(line.len() + id.len());
    renamed.extend_from_slice(&line[..start]);
    renamed.extend_from_slice(id.as_bytes());
    renamed.extend_from_slice(&line[start + found.id.len()..]);
    Ok(renamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_records_own_id_changes() {
        let line = br#"{"contained":[{"resourceType":"Basic","id":"a1"}],"id":"a1","resourceType":"Patient","x":"a1"}"#;
        let renamed = replace_id(line, "other-9").expect("a record");
        let expected =
            br#"{"contained":[{"resourceType":"Basic","id":"a1"}],"id":"other-9","resourceType":"Patient","x":"a1"}"#;
        assert_eq!(renamed, expected);
    }
}
