//! Errors as `application/problem+json` (RFC 9457).

use crate::engine::{RunId, StoreError};
use crate::told;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error answer. One pointer in size, since most functions here return it.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    status: u16,
    slug: &'static str,
    title: &'static str,
    detail: String,
    run: Option<RunId>,
    status_url: Option<String>,
    headers: Vec<(header::HeaderName, String)>,
}

impl Problem {
    /// A problem. `slug` is the stable name of its type.
    pub fn new(status: u16, slug: &'static str, title: &'static str) -> Self {
        let (detail, run, status_url, headers) = (String::new(), None, None, Vec::new());
        Self(Box::new(Parts { status, slug, title, detail, run, status_url, headers }))
    }

    /// 400: something in the request does not fit.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(400, "bad-request", "Bad request").with_detail(detail)
    }

    /// 404
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(404, "not-found", "Not found").with_detail(detail)
    }

    /// 401, with the same words for every fault in the credential.
    pub fn unauthorized() -> Self {
        Self::new(401, "unauthorized", "Unauthorized")
            .with_detail("A valid credential is needed.")
            .with_header(header::WWW_AUTHENTICATE, "Bearer")
    }

    /// 403: known, but not allowed to.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(403, "forbidden", "Forbidden").with_detail(detail)
    }

    /// 503: the same request may succeed later.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(503, "unavailable", "Service unavailable").with_detail(detail).with_header(header::RETRY_AFTER, "1")
    }

    /// The problem for an error of the store.
    pub fn of_store(error: &StoreError) -> Self {
        match error {
            StoreError::NotFound(text) => Self::not_found(sentence(text)),
            StoreError::Conflict(text) => Self::new(409, "conflict", "Conflict").with_detail(sentence(text)),
            error if error.is_temporary() || error.is_of_disk() => {
                told::error(&format!("the store: {error}"));
                Self::unavailable("The engine cannot store anything at the moment.")
            }
            error => {
                told::error(&format!("the store: {error}"));
                Self::new(500, "internal", "Internal error").with_detail("The store failed; see the log of the engine.")
            }
        }
    }

    /// Its HTTP status.
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// Its title.
    pub fn title(&self) -> &'static str {
        self.0.title
    }

    /// What was wrong.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What was wrong, with which value, and what to do.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// The run that it is about.
    #[must_use]
    pub fn with_run(mut self, run: RunId) -> Self {
        self.0.run = Some(run);
        self
    }

    /// The address of the run for later requests.
    #[must_use]
    pub fn with_status_url(mut self, url: String) -> Self {
        self.0.status_url = Some(url);
        self
    }

    /// A header of the answer.
    #[must_use]
    pub fn with_header(mut self, name: header::HeaderName, value: impl Into<String>) -> Self {
        self.0.headers.push((name, value.into()));
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Parts { status, slug, title, detail, run, status_url, headers: extra } = *self.0;
        let mut body = json!({
            "type": format!("urn:flowscript:problem:{}", slug),
            "title": title,
            "status": status,
            "detail": detail,
        });
        if let Some(run) = run {
            body["runId"] = run.to_string().into();
        }
        if let Some(url) = status_url {
            body["statusUrl"] = url.into();
        }
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        super::headers::harden(headers);
        for (name, value) in extra {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// A message of the store as a sentence.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}
