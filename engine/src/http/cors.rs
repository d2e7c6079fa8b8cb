//! Calls from pages of other origins, if a webhook allows them.

use crate::workflow::model::{Method, Webhook};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Headers that pages may send.
const REQUEST_HEADERS: &str = "Authorization, Content-Type, Idempotency-Key, X-API-Key";
/// Headers of answers that pages may read.
const ANSWER_HEADERS: &str = "Location, Retry-After";
/// How long a browser may remember a preflight, in seconds.
const REMEMBERED: &str = "600";

/// The answer to HEAD and OPTIONS: the methods of the webhook. No run is started.
pub fn options(webhook: &Webhook) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Ok(methods) = HeaderValue::from_str(&methods(webhook)) {
        response.headers_mut().insert(header::ALLOW, methods.clone());
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    let fixed = [(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS), (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED)];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    super::headers::harden(response.headers_mut());
    response
}

/// Lets a page of a listed origin read the answer.
pub fn allow(webhook: &Webhook, request: &HeaderMap, answer: &mut HeaderMap) {
    if webhook.cors.is_empty() {
        return;
    }
    answer.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = request.get(header::ORIGIN) else { return };
    // Pages in sandboxes and in files send `null`, which is not an origin.
    let listed = |text: &str| {
        text != "null" && webhook.cors.iter().any(|known| known == "*" || known.eq_ignore_ascii_case(text))
    };
    if origin.to_str().is_ok_and(listed) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(ANSWER_HEADERS));
    }
}

/// The methods of the webhook.
pub fn methods(webhook: &Webhook) -> String {
    let mut methods: Vec<&str> = webhook.methods.iter().map(|method| Method::as_str(*method)).collect();
    if !webhook.cors.is_empty() {
        methods.extend(["HEAD", "OPTIONS"]);
    }
    methods.join(", ")
}
