//! `/metrics` for Prometheus.

use super::app::App;
use super::problem::Problem;
use crate::metrics::{self, ANSWERS, BODIES, COMMITS, CONNECTIONS, DECISIONS, HELD, IN_LANES, UNFINISHED};
use ::metrics::{counter, gauge};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// The counters, and the number of unfinished runs now.
pub async fn show(State(app): State<App>) -> Result<Response, Problem> {
    let page = metrics::page().ok_or_else(|| Problem::unavailable("Metrics cannot be kept in this process."))?;
    for count in app.engine.counts().await.map_err(|error| Problem::of_store(&error))? {
        let states = [("queued", count.queued), ("running", count.running), ("waiting", count.waiting)];
        for (state, runs) in states {
            gauge!(UNFINISHED, "workflow" => count.workflow.clone(), "state" => state).set(f64::from(runs));
        }
        gauge!(IN_LANES, "workflow" => count.workflow.clone()).set(f64::from(count.in_lanes));
        gauge!(HELD, "workflow" => count.workflow).set(f64::from(count.held_lanes));
    }
    let (bodies, answers) = app.capacity.used();
    gauge!(BODIES).set(bodies as f64);
    gauge!(ANSWERS).set(answers as f64);
    gauge!(CONNECTIONS).set(app.capacity.connections() as f64);
    let sizes = app.engine.commit_sizes();
    counter!(COMMITS).absolute(sizes.commits);
    counter!(DECISIONS).absolute(sizes.decisions);
    page.run_upkeep();
    let mut response = page.render().into_response();
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    super::headers::harden(response.headers_mut());
    Ok(response)
}
