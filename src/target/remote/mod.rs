//! A FHIR R4 server as the destination: what is said to it and what it answers. Nothing here sends anything.
//!
//! - `ability`: what its `CapabilityStatement` says that matters to a writer, and the [`Strategy`](crate::migration::Strategy) for a type.
//! - `request`, `bundle`, `call`: one interaction, many of them in a bundle, and how that is sent.
//! - `import`: a server's own import of files.
//! - `reply`: what became of each entry of a bundle.

mod ability;
mod bundle;
mod call;
mod import;
mod reply;
mod request;

pub use ability::{Ability, NoStrategy};
pub use bundle::{batch, bundle};
pub use call::{asked_milliseconds, brief, get_fresh, points_anew_in, post_bundle};
pub use import::{ImportStatus, Input, import_status, import_status_url, imports, start_import};
pub use reply::{Found, Reply, ReplyError, replies};
pub use request::{Method, Request};
