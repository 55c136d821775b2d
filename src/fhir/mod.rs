//! What a resource is. Pure, no I/O.
//!
//! - [`scan()`] reads from a line what every record must say, or gives the [`Reject`] that says why it is none.
//! - [`references`], [`classify`] and [`rewrite`] find and change references in place, [`Mention`] says quickly whether it is worth it; [`attachment_urls`] finds files.
//! - [`canonical_hash`] tells whether two records say the same; [`stamp`] and [`unstamp`] put on and take off what the
//!   migration adds, and a [`Stamp`] sees it.
//! - [`diff()`] tells where two records differ, field by field; [`merge()`] makes one of them, as picked or as a [`Survivorship`] proposes.
//! - [`person`] reads who a Patient is; [`compare`] and [`contradicts`] tell people apart; a [`Roster`] finds who may be one of many.
//! - [`losses`] tells what a record lost on its way, element by element, each as a [`LossClass`]; [`list_item`] and [`list_change`] tell
//!   what became of a patient's allergies, medications and problems.
//! - [`transform()`] changes what a [`Path`] leads to.
//! - [`credentials`] reads by what an organization, a location or a practitioner is known.
//! - [`instant::compare`], [`clinical_date`] and [`compare_status`] tell which of two records is the more recent.
//! - [`outgoing`] makes of a record what is sent to a server; [`inline()`] puts documents into it that the server would not take by themselves.
//! - [`deletions`] and [`issues`] read what an EHR says beside its records.
//! - [`brief()`] says in a line what an element says, [`briefs()`] what two that differ do, [`chart_lines`] what a record does; [`safe`] makes text from an EHR fit for a terminal.

mod beside;
mod brief;
mod canonical;
mod choice;
mod clinical;
mod clinical_list;
mod contained;
mod credentials;
mod deletion;
mod diff;
mod display;
mod edited;
mod field;
mod identity;
mod inline;
pub mod instant;
mod json;
mod json_string;
mod logical;
mod long_string;
mod loss;
mod luggage;
mod mention;
mod merge;
mod merge_error;
mod outcome;
mod outgoing;
mod pairing;
mod path;
mod patient_link;
mod pick;
mod plain_number;
mod provenance_tag;
mod recency;
mod reference;
mod reject;
mod rename;
mod required;
mod rewrite;
mod scan;
mod splice;
mod survivorship;
mod transform;

pub use beside::{briefs, outline};
pub use brief::brief;
pub use canonical::{CanonicalError, canonical_hash};
pub use clinical::{ChartLine, Section, chart_lines};
pub use clinical_list::{ClinicalList, ListItem, Standing, list_change, list_double, list_item};
pub use credentials::{Credentials, credentials};
pub use deletion::{DeletionError, Deletions, deletions};
pub use diff::{DiffError, Difference, FieldDifference, diff};
pub use display::{safe, safe_start};
pub use identity::{
    Address, Comparison, Contradiction, Element, Grade, Level, Part, Person, PersonError, PersonName, Roster, Traits,
    compare, contradicts, normalized, person,
};
pub use inline::{Document, inline};
pub use json::{Flaw, MAX_DEPTH};
pub use logical::by_identifier;
pub use long_string::short_strings;
pub use loss::{Loss, LossClass, losses};
pub use mention::{Mention, may_hide};
pub use merge::{Merged, Narrative, merge, merge_repointed};
pub use merge_error::MergeError;
pub use outcome::{Issue, Severity, is_transient, issues};
pub use outgoing::{Handle, outgoing, push_with_id};
pub use path::{NoPath, Path};
pub use patient_link::{linked, stub};
pub use pick::{Pick, Picks};
pub use plain_number::plain_numbers;
pub use provenance_tag::{OWN_SYSTEMS, Stamp, TENANT_SYSTEM, stamp, unstamp};
pub use recency::{ClinicalDate, ENTERED_IN_ERROR, clinical_date, compare_status, status};
pub use reference::{Found, Kind, attachment_urls, classify, references};
pub use reject::Reject;
pub use rename::replace_id;
pub use rewrite::rewrite;
pub use scan::{Scan, is_id, is_type_name, scan};
pub use survivorship::{Survivorship, UnknownSurvivorship};
pub use transform::{Action, TransformError, is_json, transform};
