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
    let ((ours, our_long), (theirs, their_long)) = (fhir::short_strings(ours), fhir::short_strings(theirs));
    our_long == their_long && alike(&ours, &theirs)
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
