//! What a migration is. Pure.

mod preset;
mod preset_library;

pub use preset::{
    Algorithm, Auth, AuthMethod, Confidence, Environment, Environments, Export, ExportLevel,
    JwksDelivery, KickoffMethod, Poll, Preset, Rate, Repeat, ScopeStyle, Scopes,
};
pub use preset_library::PresetError;
