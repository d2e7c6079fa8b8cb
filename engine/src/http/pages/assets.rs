//! Style, script and icon of the dashboard, at addresses with a hash of their content: browsers keep them for long.

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
const ICON: &str = include_str!("icon.svg");

/// The shapes that `use` elements of pages name.
pub const SYMBOLS: &str = include_str!("symbols.svg");

/// Where the files are.
pub struct Addresses {
    /// The style sheet.
    pub style: String,
    /// The script.
    pub script: String,
    /// The icon.
    pub icon: String,
}

/// Where the files are.
pub static ADDRESSES: LazyLock<Addresses> = LazyLock::new(|| Addresses {
    style: address(STYLE, "style.css"),
    script: address(SCRIPT, "script.js"),
    icon: address(ICON, "icon.svg"),
});

/// The routes of the files.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let files = [
        (&ADDRESSES.style, STYLE, "text/css; charset=utf-8"),
        (&ADDRESSES.script, SCRIPT, "text/javascript; charset=utf-8"),
        (&ADDRESSES.icon, ICON, "image/svg+xml"),
    ];
    files.into_iter().fold(Router::new(), |router, (address, text, kind)| {
        router.route(address, get(move || std::future::ready(file(text, kind))))
    })
}

fn file(text: &'static str, kind: &'static str) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    response
}

fn address(text: &str, name: &str) -> String {
    let hash = hex::encode(Sha256::digest(text.as_bytes()));
    format!("/assets/{}/{name}", hash.get(..16).unwrap_or_default())
}
