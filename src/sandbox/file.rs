//! `GET /files/{job}/{file}`: downloads, with everything that can go wrong (Bulk Data IG, "Bulk Data Output File Request").

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, Response as HttpResponse, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::body::{Cut, Delivery, body};
use super::content;
use super::ehr::Ehr;
use super::fault::{Fault, Times};
use super::gate::Burst;
use super::job::Job;
use super::outcome::Refusal;
use super::plan::{File, Plan};
use super::stats::FileGet;
use super::token::bearer;

/// The query of a file's URL.
#[derive(Debug, Deserialize)]
pub(crate) struct Ticket {
    /// Which manifest the URL is from.
    #[serde(default)]
    v: u64,
    /// Proof that the URL is from a manifest or a redirect, on the second origin.
    sig: Option<String>,
}

type Address = Path<(String, String)>;

/// Downloads from the server's own origin.
pub(crate) async fn download(
    State(ehr): State<Arc<Ehr>>,
    Path((job, name)): Address,
    Query(ticket): Query<Ticket>,
    headers: HeaderMap,
) -> Response {
    answer(&ehr, &job, &name, &ticket, &headers, true)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

/// Downloads from the second origin, by signed URL.
pub(crate) async fn download_second(
    State(ehr): State<Arc<Ehr>>,
    Path((job, name)): Address,
    Query(ticket): Query<Ticket>,
    headers: HeaderMap,
) -> Response {
    answer(&ehr, &job, &name, &ticket, &headers, false)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

async fn answer(
    ehr: &Arc<Ehr>,
    id: &str,
    name: &str,
    ticket: &Ticket,
    headers: &HeaderMap,
    own_origin: bool,
) -> Result<Response, Refusal> {
    let gone = || Refusal::new(404, "not-found", "There is no such file.");
    let job = ehr.jobs.get(id).ok_or_else(gone)?;
    let file = job.plan.get().and_then(|plan| plan.file(name)).ok_or_else(gone)?;
    let wants_token = own_origin || ehr.has(Fault::OtherOrigin { token: true });
    if wants_token {
        let grant = ehr
            .authority
            .authorize(headers)
            .inspect_err(|_| note(ehr, name, 401, 0, false))?;
        let covered = job
            .plan
            .get()
            .is_some_and(|plan| !plan.output.iter().any(|output| output.name == name))
            || grant.may_read(&file.resource_type);
        if !covered {
            return Err(Refusal::new(
                403,
                "forbidden",
                "The scope of the token does not cover this file.",
            ));
        }
    } else if ticket.sig.as_deref() != Some(job.signature.as_str()) {
        return Err(Refusal::new(403, "forbidden", "The signature of the URL is wrong."));
    }
    if let Some(response) = ehr.burst(Burst::Files) {
        note(ehr, name, response.status().as_u16(), 0, false);
        return Ok(response);
    }
    let Some(plan) = job.plan.get() else {
        return Err(gone());
    };
    if let Some(response) = misbehave(ehr, &job, plan, file, ticket, own_origin) {
        note(ehr, name, response.status().as_u16(), 0, false);
        return Ok(response);
    }
    Ok(deliver(ehr, &job, name, headers).await)
}

/// The faults that answer instead of the file.
fn misbehave(ehr: &Ehr, job: &Job, plan: &Plan, file: &File, ticket: &Ticket, own_origin: bool) -> Option<Response> {
    let victim = plan.is_victim(file);
    if own_origin && ehr.has(Fault::RedirectOtherOrigin) {
        let url = format!(
            "{}/files/{}/{}?v={}&sig={}",
            ehr.second_origin, job.id, file.name, ticket.v, job.signature
        );
        return Some((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, url)]).into_response());
    }
    let expired = || Some(Refusal::new(410, "expired", "The file has expired.").into_response());
    for fault in ehr.faults() {
        match fault {
            Fault::FileExpired(Times::Once) if ticket.v <= 1 => return expired(),
            Fault::FileExpired(Times::Always) if victim => return expired(),
            Fault::Empty200(Times::Once) if job.first_time(fault.name(), &file.name) => {
                return Some(StatusCode::OK.into_response());
            }
            Fault::Empty200(Times::Always) if victim => {
                return Some(StatusCode::OK.into_response());
            }
            _ => {}
        }
    }
    None
}

async fn deliver(ehr: &Arc<Ehr>, job: &Arc<Job>, name: &str, headers: &HeaderMap) -> Response {
    let text = |name: header::HeaderName| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let etag = format!("\"{}-{name}\"", job.id);
    // A range is of the identity form only, and only of the file the client knows (RFC 9110, section 13.1.5).
    let range = Some(text(header::RANGE)).filter(|range| !range.is_empty());
    let range = range.filter(|_| !headers.contains_key(header::IF_RANGE) || text(header::IF_RANGE) == etag);
    let gzip = ehr.config.gzip && !headers.contains_key(header::RANGE) && accepts_gzip(text(header::ACCEPT_ENCODING));
    let cutting = ehr.faults().iter().any(|fault| {
        matches!(
            fault,
            Fault::CutOnce | Fault::CutAlways | Fault::TokenExpires | Fault::GzipCut(_)
        )
    });
    let Some(size) = measure(ehr, job, name, range.is_some() || cutting).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let part = match (range.and_then(parse_range), size) {
        (Some((from, _)), Some(size)) if from >= size => {
            note(ehr, name, 416, from, false);
            return (
                StatusCode::RANGE_NOT_SATISFIABLE,
                [(header::CONTENT_RANGE, format!("bytes */{size}"))],
            )
                .into_response();
        }
        (Some((from, last)), Some(size)) => Some(from..last.map_or(size, |last| last.saturating_add(1).min(size))),
        _ => None,
    };
    let split = ehr.has(Fault::MultibyteSplit) && !gzip;
    let mut delivery = Delivery {
        gzip,
        split,
        ..Delivery::default()
    };
    if let Some(part) = &part {
        (delivery.from, delivery.to) = (part.start, Some(part.end));
    }
    if let (Some(plan), Some(size)) = (job.plan.get(), size) {
        delivery.cut = plan
            .file(name)
            .and_then(|file| choose_cut(ehr, job, plan, file, headers, &delivery, size));
    }
    note(ehr, name, if part.is_some() { 206 } else { 200 }, delivery.from, gzip);
    let mut response = HttpResponse::new(Body::empty());
    let set = |response: &mut Response, name, value: &str| {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(&mut response, header::CONTENT_TYPE, "application/fhir+ndjson");
    set(&mut response, header::VARY, "Accept-Encoding");
    if gzip {
        set(&mut response, header::CONTENT_ENCODING, "gzip");
        set(
            &mut response,
            header::ETAG,
            &format!("{}-gzip\"", etag.trim_end_matches('"')),
        );
    } else {
        set(&mut response, header::ETAG, &etag);
        set(&mut response, header::ACCEPT_RANGES, "bytes");
        describe_length(&mut response, part, size, split);
    }
    *response.body_mut() = body(ehr.clone(), job.clone(), name.to_owned(), delivery);
    response
}

/// Status, `Content-Range` and `Content-Length` of an identity body.
fn describe_length(response: &mut Response, part: Option<Range<u64>>, size: Option<u64>, split: bool) {
    let length = part.as_ref().map(|part| part.end - part.start).or(size);
    if let (Some(part), Some(size)) = (part, size) {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        if let Ok(value) = HeaderValue::try_from(format!("bytes {}-{}/{size}", part.start, part.end - 1)) {
            response.headers_mut().insert(header::CONTENT_RANGE, value);
        }
    }
    // Without a length the body is chunked, and the chunks keep their borders on the way.
    if let Some(length) = length.filter(|_| !split) {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
}

/// The size of a file: `Some(None)` when it is not cheap to learn and not needed; `None` when the thread failed.
async fn measure(ehr: &Arc<Ehr>, job: &Arc<Job>, name: &str, needed: bool) -> Option<Option<u64>> {
    let (ehr, job, name) = (ehr.clone(), job.clone(), name.to_owned());
    tokio::task::spawn_blocking(move || {
        let file = job.plan.get().and_then(|plan| plan.file(&name))?;
        if needed {
            Some(content::size(&ehr, &job, file))
        } else {
            content::cheap_size(&ehr, &job, file)
        }
    })
    .await
    .ok()
}

/// Where this delivery fails, if it does.
fn choose_cut(
    ehr: &Ehr,
    job: &Job,
    plan: &Plan,
    file: &File,
    headers: &HeaderMap,
    delivery: &Delivery,
    size: u64,
) -> Option<Cut> {
    let half_of_the_rest = delivery.from + (size - delivery.from) / 2;
    ehr.find(|fault| {
        let strikes = match fault {
            Fault::CutOnce | Fault::TokenExpires => job.first_time(fault.name(), &file.name),
            Fault::CutAlways => plan.is_victim(file),
            Fault::GzipCut(Times::Once) => delivery.gzip && job.first_time(fault.name(), &file.name),
            Fault::GzipCut(Times::Always) => delivery.gzip && plan.is_victim(file),
            _ => false,
        };
        strikes.then(|| Cut {
            // A persistent cut is always at the same place, or a client that resumes would get there in the end.
            at: if matches!(fault, Fault::CutAlways) {
                size / 2
            } else {
                half_of_the_rest
            },
            proper_end: matches!(fault, Fault::GzipCut(_)),
            revoke: matches!(fault, Fault::TokenExpires)
                .then(|| bearer(headers).map(str::to_owned))
                .flatten(),
        })
    })
}

fn note(ehr: &Ehr, name: &str, status: u16, from: u64, gzip: bool) {
    ehr.stats
        .edit()
        .files
        .entry(name.to_owned())
        .or_default()
        .push(FileGet { status, from, gzip });
}

/// `bytes=N-` or `bytes=N-M`; other forms are ignored, as a server may.
fn parse_range(range: &str) -> Option<(u64, Option<u64>)> {
    let (from, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let from = from.trim().parse().ok()?;
    let last = match last.trim() {
        "" => None,
        last => Some(last.parse().ok().filter(|last| *last >= from)?),
    };
    Some((from, last))
}

fn accepts_gzip(accepted: &str) -> bool {
    accepted.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        matches!(name.trim(), "gzip" | "*") && !matches!(weight.trim(), "q=0" | "q=0.0")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_encodings_are_read() {
        assert_eq!(parse_range("bytes=5-"), Some((5, None)));
        assert_eq!(parse_range("bytes=5-9"), Some((5, Some(9))));
        assert_eq!(parse_range("bytes=9-5"), None);
        assert_eq!(parse_range("bytes=-5"), None);
        assert_eq!(parse_range("bytes=1-2,4-5"), None);
        assert!(accepts_gzip("deflate, gzip;q=0.8"));
        assert!(!accepts_gzip("identity, gzip;q=0"));
    }
}
