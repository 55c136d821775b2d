//! What a migration is. Pure.

mod preset;
mod preset_library;

pub use preset::{
    Algorithm, Auth, AuthMethod, Confidence, Environment, Environments, Export, ExportLevel,
    JwksDelivery, KickoffMethod, Poll, Preset, Rate, Repeat, ScopeStyle, Scopes,
};
pub use preset_library::PresetError;

mod conflict;
mod counts;
mod event;
mod file;
mod plan;
mod quarantine;
mod sample;
mod state;
mod verification;

pub use conflict::{Conflict, ConflictKind, Decided, Resolution, Side};
pub use counts::{ByType, Counts, Disposition, Moves, total};
pub use event::Event;
pub use file::{ExportFile, FileKind, FileState};
pub use plan::{DeletionPolicy, Plan};
pub use quarantine::Quarantined;
pub use sample::SamplePatient;
pub use state::{Stage, State};
pub use verification::{Finding, Verification};
