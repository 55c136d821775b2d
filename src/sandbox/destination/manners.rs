//! How one kind of destination differs from another, as data.

use std::time::Duration;

use super::import::ImportManners;
use crate::sandbox::outcome::Refusal;

/// Which ids a client may choose by `PUT [base]/Type/id` (FHIR R4, "Update as Create").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientIds {
    /// Any id that is a FHIR id.
    Any,
    /// Any but purely numeric ones.
    NotNumeric,
    /// None: the server alone gives ids.
    Refused,
}

/// The ids that the server gives to what is created by POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerIds {
    /// UUIDs.
    Uuid,
    /// Whole numbers from 1001.
    Numeric,
}

/// What `Prefer: return=minimal` leaves out of a Bundle's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Minimal {
    /// Nothing: servers need not heed it.
    Nothing,
    /// What was written.
    Written,
    /// What was written and what was read, as Helios does it.
    Everything,
}

/// How entries of a Bundle are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // As with the manners below.
pub struct EntryManners {
    /// Whether the status has its phrase: `201 Created` instead of `201`.
    pub phrase: bool,
    /// Whether the location is absolute.
    pub absolute_location: bool,
    /// Whether version and date are told: a location that ends in `/_history/v`, `etag`, and `lastModified`.
    pub version: bool,
    /// Whether what was written comes back when the client does not say what it prefers.
    pub resource: bool,
    /// What `Prefer: return=minimal` leaves out of a Bundle's answer.
    pub minimal: Minimal,
    /// Whether an `OperationOutcome` comes with success too.
    pub outcome: bool,
}

/// The manners of one kind of FHIR R4 server that is written to.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools)] // Each is a manner of its own; servers combine them freely.
pub struct Manners {
    /// Name on the command line.
    pub name: &'static str,
    /// Path of the FHIR base, without a final slash.
    pub base_path: &'static str,
    /// Ids that clients may choose.
    pub client_ids: ClientIds,
    /// Ids that the server gives.
    pub server_ids: ServerIds,
    /// Whether version ids are UUIDs instead of 1, 2, 3.
    pub uuid_versions: bool,
    /// Status where `If-Match` names another version than the current one.
    pub conflict_status: u16,
    /// Whether a transaction is one; else it is worked off as a batch, under the name of a transaction.
    pub transactions: bool,
    /// Whether it imports files by itself, and how.
    pub import: Option<ImportManners>,
    /// Whether batches are taken.
    pub batches: bool,
    /// The types that can be written; all of them where none is named.
    pub written: Option<&'static [&'static str]>,
    /// Types of which a search finds nothing, for it is refused, conditions of a create too.
    pub unsearched: &'static [&'static str],
    /// Whether anything can be removed.
    pub deletes: bool,
    /// Whether references like `Patient?identifier=s|v` are resolved outside of transactions too.
    pub conditional_references: bool,
    /// Whether `DELETE [base]/Type?query` exists.
    pub conditional_delete: bool,
    /// Whether a condition that several records meet gets 400 instead of 412 when it is the URL of an entry.
    pub several_matches_invalid: bool,
    /// Whether a reference has to lead to a record on this server, on write and on delete.
    pub checks_references: bool,
    /// Whether tags, profiles and security labels of the version before stay on an update that leaves them out.
    pub merges_meta: bool,
    /// Whether `#` and the request's id are put behind `meta.source`.
    pub stamps_source: bool,
    /// Whether an author and a project are added to `meta`.
    pub adds_author: bool,
    /// Whether an update that changes nothing makes no version.
    pub skips_identical: bool,
    /// How long the ids found by a search are given again to the same search without `Cache-Control: no-cache`.
    pub search_cache: Option<Duration>,
    /// Whether entries of a batch too are worked off deletions first, then creations, updates and reads.
    pub sorts_batches: bool,
    /// How entries are answered.
    pub entries: EntryManners,
    /// Whether gzipped request bodies are taken; else 415.
    pub gzip: bool,
    /// Points in a window of time; what each interaction costs is in `points`.
    pub points: Option<u64>,
    /// Requests in a window of time.
    pub requests: Option<u64>,
}

/// Everything of FHIR R4 that `cutover` can use works.
pub const GENERIC: Manners = Manners {
    name: "generic",
    base_path: "/fhir",
    client_ids: ClientIds::Any,
    server_ids: ServerIds::Uuid,
    uuid_versions: false,
    conflict_status: 412,
    transactions: true,
    import: None,
    batches: true,
    written: None,
    unsearched: &[],
    deletes: true,
    conditional_references: false,
    conditional_delete: true,
    several_matches_invalid: false,
    checks_references: false,
    merges_meta: false,
    stamps_source: false,
    adds_author: false,
    skips_identical: false,
    search_cache: None,
    sorts_batches: false,
    entries: EntryManners {
        phrase: false,
        absolute_location: true,
        version: true,
        resource: true,
        minimal: Minimal::Written,
        outcome: false,
    },
    gzip: true,
    points: None,
    requests: None,
};

/// The manners of Medplum: its own ids, points, transactions that are none, no search for documents.
pub const MEDPLUM: Manners = Manners {
    name: "medplum",
    base_path: "/fhir/R4",
    client_ids: ClientIds::Refused,
    unsearched: &["Binary"],
    uuid_versions: true,
    transactions: false,
    conditional_references: true,
    conditional_delete: false,
    several_matches_invalid: true,
    adds_author: true,
    skips_identical: true,
    sorts_batches: true,
    entries: EntryManners {
        phrase: false,
        absolute_location: false,
        version: false,
        resource: true,
        minimal: Minimal::Nothing,
        outcome: true,
    },
    points: Some(50_000),
    ..GENERIC
};

/// The manners of the HAPI FHIR JPA server: references have to lead somewhere, a version conflict is a 409, searches are cached.
pub const HAPI: Manners = Manners {
    name: "hapi",
    client_ids: ClientIds::NotNumeric,
    server_ids: ServerIds::Numeric,
    conflict_status: 409,
    import: Some(ImportManners::Hapi),
    checks_references: true,
    merges_meta: true,
    stamps_source: true,
    skips_identical: true,
    search_cache: Some(Duration::from_secs(60)),
    entries: EntryManners {
        phrase: true,
        absolute_location: false,
        version: true,
        resource: false,
        minimal: Minimal::Written,
        outcome: true,
    },
    ..GENERIC
};

/// A cloud service that counts requests: 429 for the whole request, `Retry-After` and `x-ms-retry-after-ms`, no gzip; short
/// answers are short of what was read too.
pub const THROTTLED: Manners = Manners {
    name: "throttled",
    gzip: false,
    import: Some(ImportManners::Azure),
    requests: Some(600),
    entries: EntryManners {
        minimal: Minimal::Everything,
        ..GENERIC.entries
    },
    ..GENERIC
};

/// The manners of Google Cloud Healthcare: a store among others, which imports files beside its base.
pub const GOOGLE: Manners = Manners {
    name: "google",
    base_path: "/v1/projects/p/locations/l/datasets/d/fhirStores/s/fhir",
    import: Some(ImportManners::Google),
    ..GENERIC
};

/// An EHR that lets others write demographics: patients alone, in transactions, under its own ids, and nothing is removed again.
pub const DEMOGRAPHICS: Manners = Manners {
    name: "demographics",
    client_ids: ClientIds::Refused,
    server_ids: ServerIds::Uuid,
    batches: false,
    written: Some(&["Patient"]),
    deletes: false,
    gzip: false,
    ..GENERIC
};

impl Manners {
    /// Refuses to search a type that is not searched.
    pub(super) fn check_searched(&self, kind: &str) -> Result<(), Refusal> {
        if self.unsearched.contains(&kind) {
            return Err(Refusal::invalid("This type is not searched."));
        }
        Ok(())
    }

    /// Whether records of a type can be written.
    pub(super) fn writes(&self, kind: &str) -> bool {
        self.written.is_none_or(|types| types.contains(&kind))
    }

    /// All kinds, in the order in which they are listed to people.
    pub const ALL: [&'static Self; 6] = [&GENERIC, &HAPI, &MEDPLUM, &THROTTLED, &GOOGLE, &DEMOGRAPHICS];

    /// The kind of this name: `generic`, `hapi`, `medplum`, `throttled`, `google` or `demographics`.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|manners| manners.name == name)
    }
}
