//! What a request passes on its way to the records and back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answer::Prefer;
use super::asked::{Asked, LARGEST_BODY, entries, too_large};
use super::request::{Request, is_fresh};
use super::site::Site;
use super::throttle::{Left, points};
use super::trouble::Fate;
use super::wire::Cutter;
use crate::sandbox::outcome::{Refusal, fhir};
use crate::sandbox::scope::Grant;

/// Answers every request below the base.
pub(super) async fn handle(
    State(site): State<Arc<Site>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    request: axum::extract::Request,
) -> Response {
    site.count().requests += 1;
    let mut response = match respond(&site, &cutter, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    };
    site.tell_allowance(&mut response);
    response
}

async fn respond(site: &Site, cutter: &Cutter, request: axum::extract::Request) -> Result<Response, Refusal> {
    if let Err(left) = site.requests.spend(1, Instant::now()) {
        site.count().throttled += 1;
        return Ok(throttled(left.time));
    }
    let (parts, body) = request.into_parts();
    if let Some(response) = site.discover(parts.uri.path()) {
        return Ok(response);
    }
    let grant = site.admit(&parts.headers)?;
    let body = axum::body::to_bytes(body, LARGEST_BODY)
        .await
        .map_err(|_| too_large())?;
    if let Some(response) = site.import(&parts, &body) {
        return response;
    }
    let asked = site.read(&parts, &body)?;
    let fate = if asked.writes() { site.trouble.fate() } else { None };
    match fate {
        Some(Fate::Throttled) => return Ok(throttled(site.config.retry_after)),
        Some(Fate::Unavailable) => return Ok(page(StatusCode::SERVICE_UNAVAILABLE)),
        Some(Fate::CutBefore) => {
            cutter.cut();
            return Ok(StatusCode::OK.into_response());
        }
        // Until the client goes away.
        Some(Fate::StallBefore) => return std::future::pending().await,
        _ => {}
    }
    let flight = site.in_flight.begin(asked.names(&site.base_url));
    if !site.config.latency.is_zero() {
        tokio::time::sleep(site.config.latency).await;
    }
    let answer = site.answer(asked, &parts.headers, &grant);
    drop(flight);
    match fate {
        Some(Fate::CutAfter) => {
            cutter.cut();
            Ok(StatusCode::OK.into_response())
        }
        Some(Fate::StallAfter) => std::future::pending().await,
        Some(Fate::TimeoutAfter) => Ok(page(StatusCode::GATEWAY_TIMEOUT)),
        _ => answer,
    }
}

/// 429 for the whole request, with the time to wait in both of the ways that are in use.
fn throttled(wait: Duration) -> Response {
    let left = Left { amount: 0, time: wait };
    let mut response = Refusal::new(429, "throttled", "Too many requests.").into_response();
    put(&mut response, header::RETRY_AFTER, left.seconds().to_string());
    let milliseconds = wait.as_millis().to_string();
    put(
        &mut response,
        HeaderName::from_static("x-ms-retry-after-ms"),
        milliseconds,
    );
    response
}

/// What a gateway says when the server behind it does not.
fn page(status: StatusCode) -> Response {
    let reason = status.canonical_reason().unwrap_or_default();
    let html = format!("<html><body>{reason}</body></html>");
    (status, [(header::CONTENT_TYPE, "text/html")], html).into_response()
}

fn put(response: &mut Response, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

impl Site {
    fn answer(&self, asked: Asked, headers: &HeaderMap, grant: &Grant) -> Result<Response, Refusal> {
        let prefer = Prefer::of(headers);
        let mut world = self.world();
        let mode = match &asked {
            Asked::Bundle(bundle) => Some(world.mode(bundle)?),
            Asked::One(_) => None,
        };
        let mut spent = false;
        let mut hinder = |request: &Request| {
            if !grant.may(request.target.kind(), request.letter()) {
                return Err(Refusal::new(
                    403,
                    "forbidden",
                    "The scopes of the token do not cover this.",
                ));
            }
            self.trouble.entry(request, mode)?;
            // Once the points are spent, the rest of the Bundle is not looked at, however cheap.
            if spent || self.points.spend(points(request), Instant::now()).is_err() {
                spent = true;
                self.count().throttled += 1;
                return Err(Refusal::new(429, "throttled", "The points of this minute are spent."));
            }
            Ok(())
        };
        match asked {
            Asked::Bundle(bundle) => {
                let count = entries(&bundle).len() as u64;
                {
                    let mut stats = self.count();
                    stats.bundles += 1;
                    stats.entries += count;
                    stats.largest = stats.largest.max(count);
                }
                let mut answer = world.bundle(&bundle, is_fresh(headers), prefer, &mut hinder)?;
                self.trouble.shorten(&mut answer);
                Ok(fhir(StatusCode::OK, &answer))
            }
            Asked::One(request) => {
                hinder(&request)?;
                let written = request.writes();
                let answer = world.perform(*request)?;
                Ok(answer.http(&self.base_url, prefer, written))
            }
        }
    }

    /// The allowances as `RateLimit` tells them, where points are counted.
    fn tell_allowance(&self, response: &mut Response) {
        let Some(left) = self.points.left(Instant::now()) else {
            return;
        };
        let text = format!("\"fhirInteractions\";r={};t={}", left.amount, left.seconds());
        put(response, HeaderName::from_static("ratelimit"), text);
    }
}
