//! What a resource is. Pure, no I/O.

mod json;
mod reference;
mod reject;
mod required;
mod scan;

pub use json::{Flaw, MAX_DEPTH};
pub use reference::{Found, Kind, attachment_urls, classify, references, rewrite};
pub use reject::Reject;
pub use scan::{Scan, is_id, is_type_name, scan};
