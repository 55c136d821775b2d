//! The simulated EHR and the simulated destination, as a client over HTTP sees them.

mod auth;
mod clinic;
mod destination;
mod download;
mod export;
mod fault;
mod flavour;
mod launch;
mod line_fault;
mod origin;
mod rig;
