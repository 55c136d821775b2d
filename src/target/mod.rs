//! Writing and reading the destination.

mod embedded;
pub mod remote;

pub use embedded::EmbeddedStore;
