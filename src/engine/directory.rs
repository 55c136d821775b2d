//! The directory: organizations, locations and practitioners, whom both sides of a migration may know, each under its own id.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::crosswalk::Crosswalk;
use super::error::EngineError;
use super::replay::each_landed;
use crate::fhir::{self, Credentials, Kind};
use crate::migration::{ExportFile, FileKind, Party, Plan, Transforms};
use crate::store::{Entry, RecordKey, Storage, run_key};

/// Types of the directory, in the order in which they are looked for: a location is known by its organization.
pub const DIRECTORY: [&str; 3] = ["Organization", "Location", "Practitioner"];

/// The destination's directory, without what this migration brought.
pub struct Theirs<'a> {
    storage: &'a Arc<Storage>,
    plan: &'a Plan,
    tenant: u16,
    ours: HashMap<u32, bool>,
}

impl<'a> Theirs<'a> {
    /// For a migration.
    pub fn of(storage: &'a Arc<Storage>, plan: &'a Plan) -> Result<Self, EngineError> {
        Ok(Self {
            storage,
            plan,
            tenant: storage.names.tenant(&plan.tenant)?,
            ours: HashMap::new(),
        })
    }

    /// Whether there is anybody.
    pub fn any(&mut self) -> Result<bool, EngineError> {
        for resource_type in DIRECTORY {
            for item in self.storage.index.scan(&self.prefix(resource_type)?) {
                if self.theirs(&item?.1)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Its parties of a type.
    pub fn parties(&mut self, resource_type: &str) -> Result<Vec<Party>, EngineError> {
        let mut parties = Vec::new();
        for item in self.storage.index.scan(&self.prefix(resource_type)?) {
            let (_, entry) = item?;
            if !self.theirs(&entry)? {
                continue;
            }
            let line = self.storage.bytes(&entry)?;
            let Ok(scan) = fhir::scan(&line) else { continue };
            let credentials = fhir::credentials(&line);
            let organization = organization(&credentials, None).map(ToOwned::to_owned);
            parties.push(Party {
                id: scan.id.to_owned(),
                credentials,
                organization,
            });
        }
        Ok(parties)
    }

    fn prefix(&self, resource_type: &str) -> Result<[u8; 4], EngineError> {
        let number = self.storage.names.resource_type(resource_type)?;
        Ok(RecordKey::prefix(self.tenant, number))
    }

    fn theirs(&mut self, entry: &Entry) -> Result<bool, EngineError> {
        if entry.deleted || entry.local {
            return Ok(!entry.deleted);
        }
        if let Some(ours) = self.ours.get(&entry.row.run) {
            return Ok(!ours);
        }
        let info = self.storage.tables.runs.get(&run_key(entry.row.run))?;
        let ours = info.is_none_or(|info| info.migration == self.plan.id);
        self.ours.insert(entry.row.run, ours);
        Ok(!ours)
    }
}

/// The source's parties of a type among the landed rows of these files, by id; of a record that came twice, the later one.
pub fn landed(
    storage: &Storage,
    files: &[ExportFile],
    transforms: &Transforms,
    resource_type: &str,
) -> Result<BTreeMap<String, Credentials>, EngineError> {
    let holds = |file: &&ExportFile| {
        let of_type = file.resource_type.as_deref().is_none_or(|of| of == resource_type);
        file.kind == FileKind::Output && of_type
    };
    let files: HashSet<(u32, u32)> = files.iter().filter(holds).map(ExportFile::origin).collect();
    let mut parties = BTreeMap::new();
    each_landed(storage, &files, |text| {
        if let Ok(scan) = fhir::scan(text)
            && scan.resource_type == resource_type
        {
            let changed = transforms.apply(text).unwrap_or_default();
            let text = changed.as_ref().map_or(text, |changed| &changed.line);
            parties.insert(scan.id.to_owned(), fhir::credentials(text));
        }
    })?;
    Ok(parties)
}

/// Parties of the source, locations with their organization as the crosswalk has it.
pub fn ours(
    storage: &Storage,
    plan: &Plan,
    crosswalk: &Crosswalk,
    landed: BTreeMap<String, Credentials>,
) -> Vec<Party> {
    let party = |(id, credentials): (String, Credentials)| {
        let organization = organization(&credentials, Some(&plan.base_url))
            .and_then(|id| crosswalk.leads(storage, "Organization", id))
            .and_then(|to| to.strip_prefix("Organization/").map(ToOwned::to_owned));
        Party {
            id,
            credentials,
            organization,
        }
    };
    landed.into_iter().map(party).collect()
}

/// The id of the organization that a location says it belongs to.
fn organization<'a>(credentials: &'a Credentials, base_url: Option<&str>) -> Option<&'a str> {
    match fhir::classify(credentials.organization.as_deref()?, base_url) {
        Kind::Local {
            resource_type: "Organization",
            id,
            ..
        } => Some(id),
        _ => None,
    }
}
