//! Whether a record at the server is ours, and says what ours says.

use serde::Deserialize;
use serde_json::Value;

use crate::fhir;

#[derive(Deserialize)]
struct Head {
    meta: Value,
}

/// Whether the server's record says what ours does; what a server may change (R4 http, section "transactional integrity") aside.
pub fn same(ours: &[u8], theirs: &[u8]) -> bool {
    // New each time, so that nobody can have written what stands for a long string.
    let mut salt = [0; 16];
    if aws_lc_rs::rand::fill(&mut salt).is_err() {
        return alike(ours, theirs);
    }
    let short = |record| fhir::short_strings(record, &salt);
    alike(&short(ours), &short(theirs))
}

fn alike(ours: &[u8], theirs: &[u8]) -> bool {
    // Of a record that readers understand differently, nobody can say it.
    if fhir::canonical_hash(ours, None).is_err() {
        return false;
    }
    let (Some((ours, our_meta)), Some((theirs, their_meta))) = (parted(ours), parted(theirs)) else {
        return false;
    };
    let list = |meta: &Value, name: &str| meta[name].as_array().cloned().unwrap_or_default();
    let all = |name: &str| {
        let theirs = list(&their_meta, name);
        list(&our_meta, name).iter().all(|item| theirs.contains(item))
    };
    let hash = |record: &str| fhir::canonical_hash(&fhir::plain_numbers(record.as_bytes()), None).ok();
    all("profile") && all("security") && all("tag") && hash(&ours).is_some_and(|ours| hash(&theirs) == Some(ours))
}

/// A record without its `meta`, to which servers add what they like, and that.
fn parted(record: &[u8]) -> Option<(String, Value)> {
    let mut record: Value = serde_json::from_slice(record).ok()?;
    let meta = record.as_object_mut()?.shift_remove("meta").unwrap_or_default();
    Some((record.to_string(), meta))
}

/// The tenant of a record that a migration wrote, by its tag. Two tenants may well have a record each under the same id.
pub fn tenant(record: &[u8]) -> Option<String> {
    memchr::memmem::find(record, fhir::TENANT_SYSTEM.as_bytes())?;
    let Head { meta } = serde_json::from_slice(record).ok()?;
    let tag = meta["tag"]
        .as_array()?
        .iter()
        .find(|tag| tag["system"] == fhir::TENANT_SYSTEM)?;
    tag["code"].as_str().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The narrative is the server's to change, however long, and so is what it escapes.
    #[test]
    fn a_long_record_is_the_same_however_the_server_writes_it() {
        let note = "a < b & ".repeat(500);
        let record = |div: &str, note: &str| {
            format!(r#"{{"resourceType":"Basic","text":{{"status":"generated","div":"{div}"}},"note":"{note}"}}"#)
        };
        let ours = record(&"<p>x</p>".repeat(1000), &note);
        let theirs = record("<p>y</p>", &note.replace('<', r"\u003c").replace('&', r"\u0026"));
        assert!(same(ours.as_bytes(), theirs.as_bytes()));
        let long = note.repeat(20);
        let theirs = record("", &long.replace('<', r"\u003c"));
        assert!(same(record("", &long).as_bytes(), theirs.as_bytes()));
        assert!(!same(record("", &format!("{long}.")).as_bytes(), theirs.as_bytes()));
    }
}
