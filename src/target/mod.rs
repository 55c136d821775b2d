//! Writing and reading the destination.

mod content;
mod embedded;
pub mod remote;

pub use content::ContentHash;
pub use embedded::EmbeddedStore;
