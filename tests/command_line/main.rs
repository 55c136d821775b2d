//! The real program, run as a person or a script runs it.

mod commands;
mod delivery;
mod errors;
mod evidence;
mod gate;
mod mapping;
mod one_shot;
mod rig;
mod sandbox;
