//! The wizard: a full-screen front end on the engine's commands and events.
//!
//! The Elm architecture without trait objects. [`Model`](model) holds everything that is shown; `update(&mut Model, Msg) -> Vec<Effect>`
//! changes it; `view(&Model, &mut Frame)` draws it and does nothing else. Effects are done by the loop (the terminal) or the worker
//! (storage and jobs), and what comes of them comes back as a message. Nothing in `update` or `view` reads, waits or asks for the time.
//!
//! - `start`: the wizard on a real terminal. `event_loop`: the loop, generic over surface and input. `input`, `terminal`, `surface`: the
//!   terminal. `worker`: reading and changing the store on a thread, jobs on the runtime. `query`: what screens read.
//!   `errand`: what else it reads and changes; `ask_source`: what it asks the source while a person waits.
//! - `model`, `live`: what is shown. `message`: [`Msg`](message::Msg) and [`Effect`](message::Effect). `update`: what a message does to
//!   every screen alike.
//! - `view`: the frame. `screen`: one file for each screen. `overlay`: what can stand over one.
//!   `above`: what a key does to what stands over the screen; `job_news`: what a job tells.
//! - `action`, `binding`, `why_not`, `key`: what a person can do, and with which key.
//! - `form`, `form_view`, `edit`: fields of a plan, edited in place; `overlay::Choose` for those with a choice.
//! - `mask`: what tells who a patient is goes through `Model::private`.
//! - Tests of all screens: `budget` (bytes to the terminal), `hostile` (text that would steer it), `picture` (the README's pictures and
//!   table of keys, made by `cargo test --lib draw_pictures -- --ignored`).
//! - `canvas`, `look`, `figure`, `list`, `text_input`: the parts that screens are drawn with.
//!
//! **To add a screen:** a variant of [`Screen`](screen::Screen), a file in `screen/` with a `State` (a field of the model) and the
//! functions `enter`, `act` and `view`, its lines in the three matches of `screen/mod.rs`, its keys in [`binding`]. Tests build the model
//! literally (`sample::model`) and snapshot it with `sample::shown`, which writes styles down as well.
//!
//! **Habits.** Keys are never compared in code: an [`Action`](action::Action) is, and the table says which key means it, where, how it is
//! called and why it does not work now. Every text goes through [`Canvas`](canvas::Canvas), which makes it harmless and keeps it in its
//! columns; its meaning is a [`Role`](look::Role), never a colour, and what is chosen or waits has a sign as well. Lists ask
//! [`List`](list::List) which rows to draw, and draw no others. What reads the store is an effect, answered by a
//! [`Reply`](message::Reply); standings are read again with `model.read_standings()`, which asks once for everybody. What cannot be undone
//! is asked with a [`Question`](overlay::Question), typed. Where a screen's logic says something about migrations and not about keys and
//! cells, it belongs into `migration` or `engine`.

mod above;
mod action;
mod ask_source;
mod binding;
#[cfg(test)]
mod budget;
mod canvas;
mod clipboard;
mod edit;
mod errand;
mod error;
mod event_loop;
mod figure;
mod form;
mod form_view;
#[cfg(test)]
mod hostile;
mod input;
mod job_news;
mod key;
mod list;
mod live;
mod look;
mod mask;
mod message;
mod model;
mod overlay;
#[cfg(test)]
mod picture;
mod query;
#[cfg(test)]
mod sample;
mod screen;
mod start;
mod surface;
mod terminal;
mod text_input;
mod update;
mod view;
mod why_not;
mod worker;

pub use error::TuiError;
pub use event_loop::Ended;
pub use start::{open, open_by};
pub use terminal::ready;
