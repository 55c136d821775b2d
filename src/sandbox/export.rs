//! The export's endpoints: kickoff, status, and deletion (Bulk Data IG, "Request Flow").

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::client::random_name;
use super::ehr::Ehr;
use super::fault::{Fault, Times};
use super::flavour::Level;
use super::gate::Burst;
use super::job::Job;
use super::kickoff::{self, Arrival, Kickoff};
use super::manifest::{manifest, pages, status_url};
use super::outcome::{Refusal, fhir, outcome};
use super::plan::Plan;
use super::server::unknown_path;

type Pairs = Query<Vec<(String, String)>>;

/// Everything of a kickoff request but its level.
pub(crate) struct Incoming {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    query: Vec<(String, String)>,
    body: Bytes,
}

/// `[base]/$export`
pub(crate) async fn system(
    State(ehr): State<Arc<Ehr>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    Query(query): Pairs,
    body: Bytes,
) -> Response {
    kick_off(
        &ehr,
        Level::System,
        None,
        Incoming {
            method,
            uri,
            headers,
            query,
            body,
        },
    )
}

/// `[base]/Patient/$export`
pub(crate) async fn patients(
    State(ehr): State<Arc<Ehr>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    Query(query): Pairs,
    body: Bytes,
) -> Response {
    kick_off(
        &ehr,
        Level::Patient,
        None,
        Incoming {
            method,
            uri,
            headers,
            query,
            body,
        },
    )
}

/// `[base]/Group/[id]/$export`
pub(crate) async fn group(
    State(ehr): State<Arc<Ehr>>,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    Query(query): Pairs,
    body: Bytes,
) -> Response {
    kick_off(
        &ehr,
        Level::Group,
        Some(&id),
        Incoming {
            method,
            uri,
            headers,
            query,
            body,
        },
    )
}

fn kick_off(ehr: &Arc<Ehr>, level: Level, group: Option<&str>, incoming: Incoming) -> Response {
    if !ehr.config.flavour.levels.contains(&level) {
        return unknown_path(ehr);
    }
    match accept(ehr, level, group, incoming) {
        Ok(job) => {
            ehr.stats.edit().kickoffs += 1;
            let url = status_url(ehr, &job, 1);
            let location = if ehr.has(Fault::StatusRelative) {
                url.strip_prefix(&ehr.origin).unwrap_or(&url).to_owned()
            } else if ehr.has(Fault::StatusQuoted) {
                format!("\"{url}\"")
            } else {
                url
            };
            let told = outcome("information", "informational", "The export has begun.");
            let mut response = fhir(StatusCode::ACCEPTED, &told);
            if let Ok(location) = HeaderValue::try_from(location) {
                response.headers_mut().insert(header::CONTENT_LOCATION, location);
            }
            response
        }
        Err(refusal) => {
            ehr.stats.edit().kickoffs_refused += 1;
            let mut response = refusal.into_response();
            if response.status() == StatusCode::TOO_MANY_REQUESTS {
                ehr.add_retry_after(&mut response);
            }
            response
        }
    }
}

/// Checks a kickoff in the order of a real server, and starts its job.
fn accept(ehr: &Arc<Ehr>, level: Level, group: Option<&str>, incoming: Incoming) -> Result<Arc<Job>, Refusal> {
    let flavour = ehr.config.flavour;
    let post = incoming.method == Method::POST;
    if post && !flavour.post {
        return Err(Refusal::new(405, "not-supported", "The kickoff has to be a GET."));
    }
    let grant = ehr.authority.authorize(&incoming.headers)?;
    let lenient = kickoff::check_headers(&incoming.headers, flavour.strict_headers)?;
    if let Some(group) = group {
        if !grant.may_read("Group") && flavour.required_scope.is_some() {
            return Err(Refusal::new(
                403,
                "forbidden",
                "The scope of the token does not cover Group.",
            ));
        }
        if !ehr.config.dataset.groups().iter().any(|known| known.id == group) {
            return Err(Refusal::new(
                flavour.unknown_group_status,
                "not-found",
                format!("The group {group} does not exist or may not be exported."),
            ));
        }
    }
    match ehr.find(|fault| {
        if let Fault::KickoffRejected(times) = fault {
            Some(*times)
        } else {
            None
        }
    }) {
        Some(Times::Always) => {
            return Err(Refusal::new(
                400,
                "business-rule",
                "Exports are not enabled for this practice.",
            ));
        }
        Some(Times::Once) if ehr.stats.edit().kickoffs_refused == 0 => {
            return Err(Refusal::new(
                429,
                "throttled",
                "Another export is running; try again later.",
            ));
        }
        _ => {}
    }
    let mut parameters = incoming.query;
    if post {
        parameters.extend(kickoff::from_body(&incoming.headers, &incoming.body)?);
    }
    // Routing has taken the base path off the URI.
    let url = format!("{}{}", ehr.base_url, incoming.uri);
    let arrival = Arrival {
        url,
        level,
        group,
        post,
        lenient,
    };
    let kickoff = Kickoff::read(ehr, &grant, &arrival, &parameters)?;
    let (Some(id), Some(signature)) = (random_name(), random_name()) else {
        return Err(Refusal::new(500, "exception", "The machine gives no randomness."));
    };
    let job = Arc::new(Job::new(id, signature, kickoff));
    ehr.jobs.add(job.clone(), flavour.single_flight).map_err(|other| {
        Refusal::new(
            429,
            "throttled",
            format!("An identical export is in progress (job {other})."),
        )
    })?;
    let (shared, planned) = (ehr.clone(), job.clone());
    tokio::task::spawn_blocking(move || {
        let plan = Plan::build(&shared, &planned);
        shared.stats.edit().affected.clone_from(&plan.affected);
        let _ = planned.plan.set(plan);
    });
    Ok(job)
}

/// `GET [base]/$export-status/[job]`
pub(crate) async fn status_by_path(
    State(ehr): State<Arc<Ehr>>,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    status(&ehr, &id, &query, &headers)
}

/// `GET [base]/$export-poll-location?job_id=[job]`
pub(crate) async fn status_by_query(
    State(ehr): State<Arc<Ehr>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let id = query.get("job_id").cloned().unwrap_or_default();
    status(&ehr, &id, &query, &headers)
}

fn find(ehr: &Ehr, id: &str, headers: &HeaderMap) -> Result<Arc<Job>, Refusal> {
    ehr.authority.authorize(headers)?;
    ehr.jobs
        .get(id)
        .ok_or_else(|| Refusal::new(404, "not-found", format!("There is no export job {id}.")))
}

fn status(ehr: &Ehr, id: &str, query: &HashMap<String, String>, headers: &HeaderMap) -> Response {
    ehr.stats.edit().polls += 1;
    let job = match find(ehr, id, headers) {
        Ok(job) => job,
        Err(refusal) => return refusal.into_response(),
    };
    if let Some(response) = ehr.burst(Burst::Polls) {
        return response;
    }
    let page = query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1);
    let so_far = if page == 1 { &job.polls } else { &job.later_polls }.fetch_add(1, Ordering::Relaxed);
    let failing = ehr
        .find(|fault| {
            if let Fault::StatusTransient(polls) = fault {
                Some(*polls)
            } else {
                None
            }
        })
        .unwrap_or(0);
    if page == 1 && u64::from(so_far) < failing {
        return Refusal::new(500, "transient", "The status is not available at the moment.").into_response();
    }
    let waits = if page == 1 {
        ehr.config.polls.saturating_add(u32::try_from(failing).unwrap_or(0))
    } else {
        1
    };
    match job.plan.get().filter(|_| so_far >= waits) {
        Some(plan) if page == 0 || page > pages(&job, plan) => {
            Refusal::new(404, "not-found", "The manifest has no such page.").into_response()
        }
        Some(plan) => {
            job.finished.store(true, Ordering::Release);
            let expires = ehr.clock.http_date(Duration::from_secs(3600).as_secs());
            ([(header::EXPIRES, expires)], Json(manifest(ehr, &job, plan, page))).into_response()
        }
        None => {
            let progress = (u64::from(so_far) * 100 / (u64::from(waits) + 1)).min(99);
            let mut response =
                (StatusCode::ACCEPTED, [("x-progress", format!("{progress}% Completed"))]).into_response();
            ehr.add_retry_after(&mut response);
            response
        }
    }
}

/// `DELETE [base]/$export-status/[job]`
pub(crate) async fn delete_by_path(
    State(ehr): State<Arc<Ehr>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    delete(&ehr, &id, &headers)
}

/// `DELETE [base]/$export-poll-location?job_id=[job]`
pub(crate) async fn delete_by_query(
    State(ehr): State<Arc<Ehr>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    delete(
        &ehr,
        query.get("job_id").map(String::as_str).unwrap_or_default(),
        &headers,
    )
}

fn delete(ehr: &Ehr, id: &str, headers: &HeaderMap) -> Response {
    match find(ehr, id, headers) {
        Ok(job) => {
            ehr.jobs.remove(&job.id);
            job.deleted.store(true, Ordering::Relaxed);
            ehr.stats.edit().deletes += 1;
            fhir(
                StatusCode::ACCEPTED,
                &outcome("information", "informational", "The export job is deleted."),
            )
        }
        Err(refusal) => refusal.into_response(),
    }
}
