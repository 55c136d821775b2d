//! Registration of clients: `POST /register`.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde_json::json;

use super::authority::Authority;
use super::client::{Client, Keys, random_name};

/// What a client sends; a subset of RFC 7591.
#[derive(Deserialize)]
struct Registration {
    client_name: Option<String>,
    jwks: Option<JwkSet>,
    jwks_uri: Option<String>,
    scope: Option<String>,
}

/// `POST /register` with `{client_name, jwks | jwks_uri, scope}`; answers 201 with `{client_id, client_secret?}`.
pub(crate) async fn register(State(authority): State<Arc<Authority>>, body: Bytes) -> Response {
    let refuse = |description: &str| {
        (
            StatusCode::BAD_REQUEST,
            Json(json!({ "error": "invalid_client_metadata", "error_description": description })),
        )
            .into_response()
    };
    let Ok(asked) = serde_json::from_slice::<Registration>(&body) else {
        return refuse("The body has to be an object with client_name, jwks or jwks_uri, and scope.");
    };
    let keys = match (asked.jwks, asked.jwks_uri) {
        (Some(_), Some(_)) => return refuse("jwks and jwks_uri exclude each other."),
        (Some(keys), None) if keys.keys.is_empty() => return refuse("The key set is empty."),
        (Some(keys), None) => Keys::Inline(keys),
        (None, Some(url)) => Keys::Url(url),
        (None, None) if authority.flavour.secrets => Keys::None,
        (None, None) => return refuse("jwks or jwks_uri is missing."),
    };
    let (Some(id), Some(secret)) = (random_name(), random_name()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let secret = authority.flavour.secrets.then_some(secret);
    let mut answer = json!({ "client_id": id, "client_name": asked.client_name, "scope": asked.scope });
    if let Some(secret) = &secret {
        answer["client_secret"] = secret.as_str().into();
    }
    authority.clients.add(Client {
        id,
        secret,
        keys,
        scope: asked.scope,
    });
    authority.stats.edit().registrations += 1;
    (StatusCode::CREATED, Json(answer)).into_response()
}
