//! Writing and reading the destination.

mod embedded;

pub use embedded::EmbeddedStore;
