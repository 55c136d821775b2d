//! A simulated EHR on loopback: SMART Backend Services, bulk export, faults on demand, and the data behind it.
//!
//! A request passes `gate` (counting, rate limit, date), is authorized by `token`, and then:
//!
//! - `kickoff` reads what is asked for, `plan` lays out the files in the background, `manifest` lists them;
//! - `content` makes a file's bytes, the same each time, and `body` sends them, well or badly.
//!
//! Vendors differ by `flavour`, what goes wrong is in `fault`, the data is behind `dataset`. The server that is written to, with
//! the same tokens (`authority`), is in [`destination`].

mod assertion;
mod authority;
mod body;
mod client;
mod clock;
mod compartment;
mod config;
mod content;
mod dataset;
pub mod destination;
mod edit;
mod ehr;
mod export;
mod fault;
mod fault_entry;
mod fault_table;
mod file;
mod flavour;
mod folder;
mod gate;
mod job;
mod jwks;
mod kickoff;
mod manifest;
mod ndjson_file;
mod outcome;
mod plan;
pub mod practice;
mod register;
mod rest;
mod scope;
mod selection;
mod server;
mod smart;
mod stats;
mod token;
mod type_filter;

pub use client::{Client, Keys};
pub use config::SandboxConfig;
pub use dataset::{Dataset, Extent, Group};
pub use fault::{Fault, Times};
pub use fault_entry::FaultError;
pub use flavour::{ECW, Flavour, KAREO, Level, SMART, ScopeManners};
pub use folder::{Folder, FolderError};
pub use server::{RunningSandbox, Sandbox, SandboxError};
pub use stats::{FileGet, Stats};
