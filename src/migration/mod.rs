//! What a migration is. Pure.
//!
//! - [`Preset`] is what is known of a vendor's server; [`Preset::load`] finds one by name.
//! - [`Transforms`] are what a person declares to be changed in records.
//! - [`counterparts`] tells which of the destination's organizations, locations and practitioners those of the source are.
//! - [`decide`](decide()) says which of two versions of a record stays, under a [`Policy`].

mod decide;
mod policy;
mod preset;
mod preset_library;

pub use decide::{Decision, Origin, Rule, TargetVersion, Version, Winner, decide};
pub use policy::{Policy, PolicyFor, UnknownPolicy};
pub use preset::{
    Algorithm, Auth, AuthMethod, Confidence, Environment, Environments, Export, ExportLevel, JwksDelivery,
    KickoffMethod, Poll, Preset, Rate, Repeat, ScopeStyle, Scopes,
};
pub use preset_library::PresetError;

mod acceptance;
mod chart_row;
mod conflict;
mod conflict_filter;
mod counterpart;
mod counts;
mod delivered;
mod delivery;
mod destination;
mod event;
mod event_text;
pub mod figure;
mod file;
mod gate;
mod living;
mod mapping;
mod plan;
mod quarantine;
mod record_state;
mod registration;
mod sample;
mod sign_off;
mod state;
mod step;
mod trail;
mod transform;
mod verification;
mod verified;

pub use acceptance::Acceptance;
pub use chart_row::{ChartRow, chart_rows};
pub use conflict::{By, Conflict, ConflictKind, Decided, Mark, Merging, Resolution, Side};
pub use conflict_filter::{ConflictFilter, ConflictRule, RulesError, conflict_rules};
pub use counterpart::{Doubt, Party, Verdict, counterparts};
pub use counts::{ByType, Counts, Disposition, Moved, Moves, total};
pub use delivered::{Delivered, Holder, Keep, Standing};
pub use delivery::{DeliveryCounts, DeliveryPlan};
pub use destination::{Bundling, Destination, Importing, ServerKind, Strategy, write_order};
pub use event::Event;
pub use file::{ExportFile, FileKind, FileState};
pub use gate::{Condition, Gate, GateFacts, Requirement};
pub use living::Living;
pub use mapping::{Ground, Mapping};
pub use plan::{DeletionPolicy, Plan, Rules, Secrets};
pub use quarantine::{Amended, Quarantined, Waived};
pub use record_state::{RecordState, States, StatesByType};
pub use registration::Registration;
pub use sample::{Chart, ChartState, ChartTally, ChartVerdict, Drawn, Judgement, SamplePatient, SampleRecord};
pub use sign_off::{Capacity, Flip, Head, SignOff, UnknownCapacity, same_person};
pub use state::{Stage, State};
pub use step::{Readiness, Step, StepState};
pub use trail::{Brought, Trail, Verified};
pub use transform::{
    NoProgram, Output, Outside, TransformRule, Transformed, Transforms, TransformsError, Untransformed, read_transforms,
};
pub use verification::{Finding, KEPT_FINDINGS, Lists, LostElement, Verification};
pub use verified::{Explained, RecordFinding, VerifiedBlock, VerifyMark};
