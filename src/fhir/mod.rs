//! What a resource is. Pure, no I/O.

mod canonical;
mod json;
mod json_string;
mod provenance_tag;
mod reference;
mod reject;
mod required;
mod scan;

pub use canonical::{CanonicalError, canonical_hash};
pub use json::{Flaw, MAX_DEPTH};
pub use provenance_tag::{OWN_SYSTEMS, TENANT_SYSTEM, stamp, unstamp};
pub use reference::{Found, Kind, attachment_urls, classify, references, rewrite};
pub use reject::Reject;
pub use scan::{Scan, is_id, is_type_name, scan};
