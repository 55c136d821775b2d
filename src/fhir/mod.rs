//! What a resource is. Pure, no I/O.

mod json;
mod reject;
mod required;
mod scan;

pub use json::{Flaw, MAX_DEPTH};
pub use reject::Reject;
pub use scan::{Scan, is_id, is_type_name, scan};
