//! The manifest of a finished export (Bulk Data IG, "Response - Complete Status").

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::ehr::Ehr;
use super::fault::Fault;
use super::job::Job;
use super::plan::{File, Plan};

/// The pages a manifest comes in.
pub(crate) fn pages(job: &Job, plan: &Plan) -> u32 {
    if job.kickoff.partial && plan.output.len() > 1 {
        2
    } else {
        1
    }
}

/// Page `page` (from 1) of a manifest, whose file URLs are new each time.
pub(crate) fn manifest(ehr: &Ehr, job: &Job, plan: &Plan, page: u32) -> Value {
    let version = job.manifests.fetch_add(1, Ordering::Relaxed) + 1;
    let stu4 = ehr.has(Fault::Stu4Manifest);
    let off_by_one = u64::from(ehr.has(Fault::WrongCounts));
    let other_origin = ehr.find(|fault| {
        if let Fault::OtherOrigin { token } = fault {
            Some(*token)
        } else {
            None
        }
    });
    let url = |file: &File| match other_origin {
        None => format!("{}/files/{}/{}?v={version}", ehr.origin, job.id, file.name),
        Some(_) => format!(
            "{}/files/{}/{}?v={version}&sig={}",
            ehr.second_origin, job.id, file.name, job.signature
        ),
    };
    let output = |file: &File| {
        let mut item = json!({ "type": file.resource_type, "url": url(file), "count": file.count() + off_by_one });
        if job.kickoff.by_patient {
            item.as_object_mut().map(|item| item.shift_remove("type"));
        }
        item
    };
    let listed = |file: &File| {
        let mut item = json!({ "type": file.resource_type, "url": url(file), "count": file.count() });
        if stu4 {
            item.as_object_mut().map(|item| item.shift_remove("type"));
        }
        item
    };
    let last_page = pages(job, plan);
    let half = plan.output.len().div_ceil(last_page as usize);
    let files = plan.output.iter().skip((page as usize - 1) * half).take(half);
    let mut manifest = json!({
        "transactionTime": ehr.config.dataset.transaction_time(),
        "request": job.kickoff.url,
        "requiresAccessToken": !ehr.config.open && other_origin.unwrap_or(true),
        "output": files.map(output).collect::<Vec<_>>(),
        "deleted": plan.deleted.iter().filter(|_| page == last_page).map(listed).collect::<Vec<_>>(),
    });
    let issues: Vec<Value> = plan.error.iter().filter(|_| page == last_page).map(listed).collect();
    manifest[if stu4 { "outcome" } else { "error" }] = issues.into();
    if stu4 {
        manifest
            .as_object_mut()
            .map(|manifest| manifest.shift_remove("request"));
        manifest["manifestType"] = "bulk-export".into();
        manifest["outputFormat"] = "application/fhir+ndjson".into();
    }
    if job.kickoff.by_patient {
        manifest["outputOrganizedBy"] = "Patient".into();
    }
    if page < last_page {
        manifest["link"] = json!([{ "relation": "next", "url": status_url(ehr, job, page + 1) }]);
    }
    manifest
}

/// The status URL of a job, or the URL of a later page of its manifest.
pub(crate) fn status_url(ehr: &Ehr, job: &Job, page: u32) -> String {
    let id = &job.id;
    let (path, separator) = if ehr.config.flavour.poll_location {
        (format!("$export-poll-location?job_id={id}"), '&')
    } else {
        (format!("$export-status/{id}"), '?')
    };
    let page = if page > 1 {
        format!("{separator}page={page}")
    } else {
        String::new()
    };
    format!("{}/{path}{page}", ehr.base_url)
}
