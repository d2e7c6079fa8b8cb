//! The price query as a bare axum handler that stores nothing: the upper bound for an HTTP server in Rust.
//!
//! `bare_axum PORT`; see `engine.py`.

#![allow(clippy::print_stderr, reason = "a program of a benchmark talks to whoever starts it")]

use axum::extract::Query;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

const PRICES: [(&str, f64); 5] = [("A100", 12.5), ("A200", 7.25), ("B100", 99.0), ("B200", 0.5), ("C100", 1250.0)];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    item_id: String,
    #[serde(default = "one")]
    quantity: f64,
}

fn one() -> f64 {
    1.0
}

#[derive(Serialize)]
struct Answer {
    item: String,
    total: f64,
}

async fn price(Query(asked): Query<Asked>) -> Result<Json<Answer>, StatusCode> {
    let found = PRICES.iter().find(|(item, _)| *item == asked.item_id);
    let (item, price) = found.ok_or(StatusCode::NOT_FOUND)?;
    let total = (price * asked.quantity * 100.0).round() / 100.0;
    Ok(Json(Answer { item: (*item).to_owned(), total }))
}

fn main() -> std::io::Result<()> {
    let port: u16 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or_else(|| {
        eprintln!("bare_axum PORT");
        std::process::exit(2)
    });
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        axum::serve(listener, Router::new().route("/price", get(price))).await
    })
}
