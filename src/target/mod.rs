//! Writing and reading the destination.

mod content;
mod embedded;
mod folder;
pub mod remote;

pub use content::ContentHash;
pub use embedded::EmbeddedStore;
pub use folder::{Folder, FolderError};
