//! A FHIR server that the records of a migration are written to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::preset::{Algorithm, AuthMethod};

/// Which server it is, as far as that changes how it is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerKind {
    /// Any server: what it says of itself holds.
    #[default]
    Generic,
    /// HAPI FHIR and Smile CDR.
    Hapi,
    /// Medplum: ids are the server's, and requests have points.
    Medplum,
    /// Azure Health Data Services.
    Azure,
    /// Google Cloud Healthcare.
    Google,
    /// The Helios FHIR server.
    Helios,
    /// eClinicalWorks' own interface, which takes demographics: a transaction with one patient at a time.
    Eclinicalworks,
}

impl ServerKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Generic,
        Self::Hapi,
        Self::Medplum,
        Self::Azure,
        Self::Google,
        Self::Helios,
        Self::Eclinicalworks,
    ];

    /// Its name in commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Hapi => "hapi",
            Self::Medplum => "medplum",
            Self::Azure => "azure",
            Self::Google => "google",
            Self::Helios => "helios",
            Self::Eclinicalworks => "eclinicalworks",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it takes ids of ours for new records, whatever its capabilities say.
    pub fn refuses_ids(self) -> bool {
        matches!(self, Self::Medplum | Self::Eclinicalworks)
    }

    /// The types that are written to it, whatever its capabilities say; all of them where none is named.
    pub fn only(self) -> Option<&'static [&'static str]> {
        (self == Self::Eclinicalworks).then_some(&["Patient"])
    }

    /// Types of which it finds none by a search, whatever its capabilities say, so that none can be written but under an id of ours.
    pub fn unsearched(self) -> &'static [&'static str] {
        match self {
            Self::Medplum => &["Binary"],
            _ => &[],
        }
    }

    /// What records are sent in. Medplum works transactions off as batches, under the name of transactions.
    pub fn bundling(self) -> Bundling {
        match self {
            // One commit of their database, where a batch takes one for each record.
            Self::Hapi | Self::Helios | Self::Eclinicalworks => Bundling::Transaction,
            Self::Generic | Self::Medplum | Self::Azure | Self::Google => Bundling::Batch,
        }
    }

    /// The most entries of a bundle to begin with.
    pub fn batch(self) -> usize {
        match self {
            // A hundred points a write, of some thousands a minute.
            Self::Medplum => 20,
            Self::Eclinicalworks => 1,
            Self::Generic | Self::Hapi | Self::Azure | Self::Google | Self::Helios => 100,
        }
    }
}

/// What many records are sent in at once (R4 http, section "batch/transaction").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bundling {
    /// Each record by itself.
    Batch,
    /// All of them or none, which may refer to each other; where one is refused, they are sent again as a batch, to find it.
    Transaction,
    /// Transactions, with all of a patient's records in one where the server has nothing of their types.
    Patient,
}

impl Bundling {
    /// Its name in commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Batch | Self::Transaction => self.bundle_type(),
        }
    }

    /// The `type` of its Bundles.
    pub fn bundle_type(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Transaction | Self::Patient => "transaction",
        }
    }

    /// That of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Batch, Self::Transaction, Self::Patient]
            .into_iter()
            .find(|bundling| bundling.name() == name)
    }
}

/// A FHIR server as a destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Its FHIR base URL.
    pub base_url: String,
    /// Which server it is.
    pub kind: ServerKind,
    /// How to authenticate.
    pub auth: AuthMethod,
    /// Signature algorithm of assertions.
    pub algorithm: Algorithm,
    /// The token URL, where a person typed one; discovery finds it otherwise.
    pub token_url: Option<String>,
    /// The client id that the server assigned.
    pub client_id: Option<String>,
    /// Scopes to ask for.
    pub scopes: String,
    /// File with extra certificate authorities in PEM.
    pub ca_file: Option<PathBuf>,
    /// Requests a minute that it allows, when known.
    pub requests_per_minute: Option<u32>,
    /// What records are sent in, where a person chose; else what suits the kind of server.
    #[serde(default)]
    pub bundling: Option<Bundling>,
    /// Attachments of up to this many bytes go inside the record that shows them, where a person chose; 0: none does.
    #[serde(default)]
    pub inline_attachments: Option<usize>,
    /// An import of files that the server is at.
    #[serde(default)]
    pub importing: Option<Importing>,
    /// Types of which the server had nothing when the delivery began that is not over yet: whatever is there of them is ours.
    #[serde(default)]
    pub begun: BTreeSet<String>,
    /// By type, how records are found there again: settled when the first of the type is sent, and never changed for those that are there.
    #[serde(default)]
    pub strategies: BTreeMap<String, Strategy>,
}

impl Destination {
    /// A server that is open to anyone who reaches it.
    pub fn new(base_url: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            kind: ServerKind::default(),
            auth: AuthMethod::None,
            algorithm: Algorithm::Rs384,
            token_url: None,
            client_id: None,
            scopes: "system/*.cruds".to_owned(),
            ca_file: None,
            requests_per_minute: None,
            bundling: None,
            inline_attachments: None,
            importing: None,
            begun: BTreeSet::new(),
            strategies: BTreeMap::new(),
        }
    }
}

/// An import of files that a server was asked for and is at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Importing {
    /// Where its status is; absent while it is not known whether the server began at all.
    pub status_url: Option<String>,
    /// Records in the files.
    pub records: u64,
}

/// How a record is written so that writing it twice makes one of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// `PUT` under an id of ours (R4 http, section "update as create").
    ClientId,
    /// Conditional create by an identifier of ours (R4 http, section "conditional create").
    Identifier,
    /// Conditional create by a tag of ours, for types without `identifier`.
    Tag,
}

impl Strategy {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::ClientId => "written under its own id",
            Self::Identifier => "found by an identifier of ours",
            Self::Tag => "found by a tag of ours",
        }
    }
}

/// Types whose records others point at come first: the place of a type in the order of writing.
pub fn write_order(resource_type: &str) -> usize {
    const ORDER: [&[&str]; 9] = [
        &["Organization"],
        &["Location", "Practitioner"],
        &["PractitionerRole", "HealthcareService", "Endpoint"],
        &["Patient"],
        &[
            "RelatedPerson",
            "Device",
            "Medication",
            "Coverage",
            "Substance",
            "Group",
        ],
        &["EpisodeOfCare", "Encounter", "CareTeam", "Binary"],
        &[],
        &[
            "DiagnosticReport",
            "DocumentReference",
            "Composition",
            "CarePlan",
            "List",
        ],
        &["Provenance", "AuditEvent"],
    ];
    const THE_REST: usize = 6;
    ORDER
        .iter()
        .position(|types| types.contains(&resource_type))
        .unwrap_or(THE_REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_pointed_at_is_written_first() {
        let order = [
            "Organization",
            "Practitioner",
            "Patient",
            "Encounter",
            "Observation",
            "DiagnosticReport",
            "Provenance",
        ];
        assert!(order.is_sorted_by_key(|name| write_order(name)));
    }
}
