//! What a person reads when something goes wrong: one sentence, a blank line, a hint. The real program, and snapshots of its words.

mod connection;
mod credentials;
mod request;
mod rig;
mod workspace;
