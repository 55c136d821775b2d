//! Sample charts: how each stands, both sides of one, and what a person says of it.

use super::error::EngineError;
use super::place::hex;
use super::recorder::Recorder;
use super::trail::trail;
use crate::fhir;
use crate::migration::{By, Chart, ChartVerdict, Event, Plan, SamplePatient, SampleRecord, Trail};
use crate::store::{Storage, migration_key};

/// The sample charts of a migration, by number.
pub fn charts(storage: &Storage, plan: &Plan) -> Result<Vec<Chart>, EngineError> {
    charts_by(storage, plan, &trail(storage, &plan.id)?)
}

/// The same where the trail is known.
pub fn charts_by(storage: &Storage, plan: &Plan, trail: &Trail) -> Result<Vec<Chart>, EngineError> {
    let mut charts = Vec::new();
    for item in storage.tables.samples.scan_prefix(&migration_key(&plan.id, &[])) {
        let patient = item?.1;
        charts.push(Chart {
            judgement: trail.judgements.get(&patient.patient).cloned(),
            patient,
        });
    }
    Ok(charts)
}

/// The records of a chart, both sides.
pub fn chart_records(storage: &Storage, plan: &Plan, number: u32) -> Result<Vec<SampleRecord>, EngineError> {
    find(storage, plan, number)?;
    let prefix = migration_key(&plan.id, &number.to_be_bytes());
    let records = storage.tables.sample_records.scan_prefix(&prefix);
    Ok(records
        .map(|item| item.map(|(_, record)| record))
        .collect::<Result<_, _>>()?)
}

/// Judges a chart as it is. `content` is what was looked at; when the chart says something else by now, nothing is judged.
pub fn judge(
    storage: &Storage,
    plan: &Plan,
    recorder: &Recorder,
    number: u32,
    content: &str,
    verdict: ChartVerdict,
    by: &By,
) -> Result<(), EngineError> {
    let patient = find(storage, plan, number)?;
    if patient.content != content {
        return Err(EngineError::NotReady {
            what: format!("sample chart {number} is not the one that was looked at: it was drawn anew since"),
            hint: format!("`cutover sample show {} {number}` shows it as it is now", plan.id),
        });
    }
    let why = by.why.as_deref().map(str::trim).filter(|why| !why.is_empty());
    if verdict != ChartVerdict::Passed && why.is_none() {
        return Err(EngineError::NotReady {
            what: format!("a chart is not {} without a comment", verdict.name()),
            hint: "say what is wrong, or why nobody needs to look".to_owned(),
        });
    }
    let remark = why
        .map(|why| remark(storage, plan, &patient.patient, why))
        .transpose()?;
    recorder.record(&Event::ChartJudged {
        chart: number,
        verdict,
        patient: patient.patient.clone(),
        content: patient.content.clone(),
        name: by.name.clone(),
        remark,
    })
}

/// Keeps a comment and gives what the journal knows it by. It becomes durable with the entry that names it.
fn remark(storage: &Storage, plan: &Plan, patient: &str, why: &str) -> Result<String, EngineError> {
    let hash = storage.workspace.vault().hasher("remarks");
    let hash = hex(&hash.hash(&[plan.id.as_bytes(), patient.as_bytes(), why.as_bytes()]));
    let key = migration_key(&plan.id, hash.as_bytes());
    storage.tables.remarks.put(&key, &why.to_owned())?;
    Ok(hash)
}

/// A patient as the commands name it: its number in the sample.
pub fn find(storage: &Storage, plan: &Plan, number: u32) -> Result<SamplePatient, EngineError> {
    let key = migration_key(&plan.id, &number.to_be_bytes());
    storage.tables.samples.get(&key)?.ok_or_else(|| EngineError::NotReady {
        what: format!("there is no sample chart {number} of `{}`", plan.id),
        hint: format!(
            "`cutover sample list {}` lists them; `cutover verify {}` draws them",
            plan.id, plan.id
        ),
    })
}

/// Has the charts of these patients, by their ids at the source, looked at from the next verification on.
pub fn name_patients(storage: &Storage, plan: &mut Plan, ids: &[String]) -> Result<(), EngineError> {
    for id in ids {
        let id = id.trim().trim_start_matches("Patient/");
        if !fhir::is_id(id) {
            return Err(EngineError::NotReady {
                what: "that is not the id of a patient".to_owned(),
                hint: "give the id that the EHR exports, such as 4471-02".to_owned(),
            });
        }
        if !plan.chart_patients.iter().any(|known| known == id) {
            plan.chart_patients.push(id.to_owned());
        }
    }
    super::planning::change(storage, plan, false).map(|_| ())
}
