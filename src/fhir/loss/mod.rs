//! What a record lost on its way: every difference between what it must say at the destination and what it says there, by class.
//!
//! - [`LossClass`] names the classes, and says to which of the seven ways in which migrations lose data each belongs.
//! - [`losses`] finds them in two records, element by element; `judge` says of which class a difference is.

mod class;
mod judge;
mod losses;
mod pair;

pub use class::LossClass;
pub use losses::{Loss, losses};
