//! What a person reads when something goes wrong: one sentence, a blank line, a hint.

mod connection;
mod credentials;
mod request;
mod workspace;
