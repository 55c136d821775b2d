//! The engine: jobs on migrations. It never prints and never asks; front ends give commands and see events.

mod committer;
mod error;
mod export;
mod job;
mod landing;
mod pipeline;
mod place;
mod progress;
mod receive;
mod recorder;
mod replay;
mod resolve;
mod row;
mod sample;
mod tally;
mod verify;

pub use error::EngineError;
