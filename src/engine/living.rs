//! A look at the living source: a few charts read again by REST, and its own counts, to catch what the export itself left out.
//!
//! It goes by the source's pacer like everything else, and makes at most [`MOST`] requests. What the source does not offer is said, and is
//! no fault.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::connect::{connect_by, http_by};
use super::error::EngineError;
use super::recorder::Recorder;
use super::tally::recorded_counts;
use super::trail::trail;
use super::verify::Ground;
use crate::fhir;
use crate::http::{Call, Clock};
use crate::migration::{ExportLevel, Finding, Living, Plan, RecordState, SamplePatient, Verification};
use crate::source::{Session, TokenUse};
use crate::store::{Storage, migration_key};

/// Requests of one look, at most.
const MOST: u64 = 80;
/// Patients read again: of the sample charts, the first by lot.
const PATIENTS: usize = 5;
/// Types of which a patient's records are asked for, the safety-critical first.
const TYPES: [&str; 5] = [
    "AllergyIntolerance",
    "Condition",
    "MedicationRequest",
    "MedicationStatement",
    "Immunization",
];
/// The largest answer, in bytes.
const LIMIT: usize = 16 * 1024 * 1024;
/// Pages followed of one search.
const PAGES: usize = 4;

/// Reads a few patients again at the source and asks for its counts; the result goes to the latest verification, and what the export left
/// out among its findings.
pub async fn look(
    storage: &Arc<Storage>,
    plan: &Plan,
    recorder: &Recorder,
    clock: Arc<dyn Clock>,
    cancel: &CancellationToken,
) -> Result<Verification, EngineError> {
    let known = storage.tables.verifications.get(plan.id.as_bytes())?;
    let mut verification = known.ok_or_else(|| EngineError::NotReady {
        what: format!("`{}` was not verified yet", plan.id),
        hint: format!("`cutover verify {}` comes first", plan.id),
    })?;
    let session = connect_by(http_by(plan, clock)?, storage, plan, cancel).await?;
    let ground = Ground::read(storage, plan)?;
    let mut looking = Looking {
        ground: &ground,
        session: &session,
        cancel,
        shows: trail(storage, &plan.id)?.covered().and_then(fhir::instant::micros),
        refused: BTreeSet::new(),
        living: Living {
            when: jiff::Timestamp::now().to_string(),
            seed: verification.seed,
            ..Living::default()
        },
    };
    let prefix = migration_key(&plan.id, &[]);
    let drawn = storage.tables.samples.scan_prefix(&prefix).take(PATIENTS);
    let drawn: Vec<SamplePatient> = drawn
        .map(|item| item.map(|(_, patient)| patient))
        .collect::<Result<_, _>>()?;
    for patient in &drawn {
        looking.patient(patient).await?;
    }
    looking.counts().await?;
    let living = looking.living;
    verification.take_living(living);
    storage.tables.verifications.put(plan.id.as_bytes(), &verification)?;
    recorder.record(&crate::migration::Event::Verified {
        compared: verification.compared,
        findings: verification.total_findings,
    })?;
    Ok(verification)
}

struct Looking<'a> {
    ground: &'a Ground<'a>,
    session: &'a Session,
    cancel: &'a CancellationToken,
    /// Up to when everything was brought over, in microseconds since 1970.
    shows: Option<i64>,
    /// Kinds of request that the source refused: they are not made again.
    refused: BTreeSet<String>,
    living: Living,
}

impl Looking<'_> {
    /// Reads a patient and the records of their chart.
    async fn patient(&mut self, patient: &SamplePatient) -> Result<(), EngineError> {
        self.living.patients += 1;
        let path = format!("Patient/{}", patient.id);
        if let Some(record) = self.get("GET [base]/Patient/[id]", self.session.at(&path)).await? {
            self.record(&record)?;
        }
        let received = recorded_counts(self.ground.storage, &self.ground.plan.id)?;
        for resource_type in TYPES.into_iter().filter(|t| received.contains_key(*t)) {
            let mut url = self.session.at(resource_type);
            url.query_pairs_mut()
                .append_pair("patient", &patient.id)
                .append_pair("_count", "100");
            let mut next = Some(url);
            for _ in 0..PAGES {
                let Some(url) = next.take() else { break };
                let kind = format!("GET [base]/{resource_type}?patient=[id]");
                let Some(bundle) = self.get(&kind, url.clone()).await? else {
                    break;
                };
                let entries = bundle["entry"].as_array().map_or(&[][..], Vec::as_slice);
                for entry in entries
                    .iter()
                    .filter(|entry| entry["resource"]["resourceType"] == resource_type)
                {
                    self.record(&entry["resource"])?;
                }
                let links = bundle["link"].as_array().map_or(&[][..], Vec::as_slice);
                let link = links.iter().find(|link| link["relation"] == "next");
                next = link.and_then(|link| self.session.resolve(&url, link["url"].as_str()?));
            }
        }
        Ok(())
    }

    /// Compares a record that the source gave with what was received.
    fn record(&mut self, record: &Value) -> Result<(), EngineError> {
        let (Some(resource_type), Some(id)) = (record["resourceType"].as_str(), record["id"].as_str()) else {
            return Ok(());
        };
        self.living.records += 1;
        let updated = record["meta"]["lastUpdated"].as_str().and_then(fhir::instant::micros);
        let ground = self.ground;
        let own = ground.storage.key(ground.tenant, resource_type, id)?;
        let key = ground.patients.crosswalk.place(ground.storage, own);
        if ground.storage.index.get(&key)?.is_some() {
            return Ok(());
        }
        if updated.zip(self.shows).is_some_and(|(updated, shows)| updated > shows) {
            self.living.changed_since += 1;
        } else {
            *self.living.left_out.entry(resource_type.to_owned()).or_default() += 1;
        }
        Ok(())
    }

    /// Asks the source how many records of each received type it has.
    async fn counts(&mut self) -> Result<(), EngineError> {
        let verified = self
            .ground
            .storage
            .tables
            .verifications
            .get(self.ground.plan.id.as_bytes())?;
        // Records, not rows: one that a later run brought again is one.
        for (resource_type, states) in verified.unwrap_or_default().states {
            let received = states.sum() - states.of(RecordState::Extra);
            let mut url = self.session.at(&resource_type);
            url.query_pairs_mut().append_pair("_summary", "count");
            let kind = "GET [base]/[type]?_summary=count";
            let Some(bundle) = self.get(kind, url).await? else {
                continue;
            };
            if let Some(total) = bundle["total"].as_u64() {
                self.living.counts.insert(resource_type, (total, received));
            }
        }
        Ok(())
    }

    /// What the source answers; `None` where it does not offer that, or enough was asked.
    async fn get(&mut self, kind: &str, url: Url) -> Result<Option<Value>, EngineError> {
        if self.refused.contains(kind) || self.living.requests >= MOST {
            return Ok(None);
        }
        self.living.requests += 1;
        let call = Call::get(url).accept("application/fhir+json");
        let answer = self.session.read(&call, TokenUse::Allowed, LIMIT, self.cancel).await;
        let why = match answer {
            Ok(answer) if answer.is_success() => match serde_json::from_slice(&answer.body) {
                Ok(value) => return Ok(Some(value)),
                Err(_) => "what it answers is not JSON".to_owned(),
            },
            Ok(answer) => format!("HTTP {}", answer.status),
            Err(error) if error.is_cancelled() => return Err(EngineError::Cancelled),
            // Its text may name what was asked for.
            Err(_) => "no answer".to_owned(),
        };
        self.refused.insert(kind.to_owned());
        self.living.not_offered.push(format!("{kind}: {why}"));
        Ok(None)
    }
}

impl Verification {
    /// Takes in a look at the source in the place of a former one.
    fn take_living(&mut self, living: Living) {
        let former = self.codes.remove(LEFT_OUT).unwrap_or_default();
        self.total_findings -= former;
        self.findings.retain(|finding| finding.code != LEFT_OUT);
        for (resource_type, number) in &living.left_out {
            self.find(Finding {
                code: LEFT_OUT.to_owned(),
                resource_type: resource_type.clone(),
                what: format!(
                    "the source has {number} {resource_type} of {} patients who were read again which the export did not bring",
                    living.patients
                ),
                ..Finding::default()
            });
        }
        self.living = Some(living);
    }
}

/// The code of what an export did not bring.
const LEFT_OUT: &str = "left-out-by-the-export";

/// A look in words.
pub fn living_text(living: &Living, level: ExportLevel) -> String {
    let mut lines = vec![format!(
        "Read again at the source: {} patients, {} records, with {} requests.",
        living.patients, living.records, living.requests
    )];
    let left = living.left_out.iter().map(|(name, number)| format!("{number} {name}"));
    let left = left.collect::<Vec<_>>().join(", ");
    lines.push(if left.is_empty() {
        "The export left none of them out.".to_owned()
    } else {
        format!("The export LEFT OUT: {left}.")
    });
    if living.changed_since > 0 {
        lines.push(format!(
            "New since the export: {}; the next delta brings them.",
            living.changed_since
        ));
    }
    let differing = living.counts.iter().filter(|(_, (there, here))| there != here);
    let differing = differing.map(|(name, (there, here))| format!("{name} {there} against {here}"));
    let differing = differing.collect::<Vec<_>>().join(", ");
    if !differing.is_empty() {
        lines.push(format!("Its own counts, against records received: {differing}."));
        if level != ExportLevel::System {
            lines.push("It counts everybody's records, and the export was not of everybody.".to_owned());
        }
    } else if !living.counts.is_empty() {
        lines.push("Its counts of all types are those of what was received.".to_owned());
    }
    lines.extend(
        living
            .not_offered
            .iter()
            .map(|kind| format!("Not offered by the source: {kind}.")),
    );
    lines.join("\n") + "\n"
}
