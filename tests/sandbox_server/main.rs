//! The simulated EHR, as a client over HTTP sees it.

mod auth;
mod clinic;
mod download;
mod export;
mod fault;
mod flavour;
mod launch;
mod line_fault;
mod origin;
mod rig;
