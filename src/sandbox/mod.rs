//! A simulated EHR on loopback: SMART auth, bulk export, faults, and the data behind it.

pub mod dataset;
pub mod practice;

pub use dataset::{Dataset, Group};
