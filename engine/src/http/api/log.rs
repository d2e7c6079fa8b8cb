//! `/api/v1/runs/{id}/log`: the log of a run.

use super::input::{Asked, At, run_id};
use super::output::Shown;
use super::paging::{MAX_PAGE, page_size};
use super::resource::{Call, Load, Method, Operation, Resource};
use crate::engine::{LogLine, Role};
use crate::http::app::App;
use crate::http::json::time;
use crate::http::problem::Problem;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The row of this resource.
pub const RESOURCE: Resource = Resource {
    tag: "runs",
    operations: &[Operation {
        method: Method::Get,
        path: "/runs/{id}/log",
        access: Role::Viewer,
        load: Load::Run,
        name: "log",
        summary: "Shows lines of a run's log.",
        call: || Call::of(log),
    }],
};

/// Which lines of a log are shown.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogFilter {
    /// The number of the first line, counted from 0.
    #[serde(default)]
    #[param(required = false, value_type = i64, minimum = 0, maximum = 4_294_967_295_i64)]
    pub first: u32,
    /// The most lines to return, up to 1,000.
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    pub limit: Option<u32>,
}

async fn log(
    State(app): State<App>,
    At(id): At<String>,
    Asked(filter): Asked<LogFilter>,
) -> Result<Shown<LogPage>, Problem> {
    let limit = page_size(filter.limit.unwrap_or(MAX_PAGE))?;
    let id = run_id(&id)?;
    // An empty log differs from a missing run.
    app.engine.summary(id).await.map_err(|error| Problem::of_store(&error))?;
    let page = app.engine.log(id, filter.first, limit).await.map_err(|error| Problem::of_store(&error))?;
    Ok(Shown(LogPage { first: page.first, log: page.lines.iter().map(Line::of).collect() }))
}

/// A line of a run's log.
#[derive(Serialize, ToSchema)]
pub struct Line {
    /// When it was written.
    #[schema(format = DateTime)]
    pub at: String,
    /// `debug`, `info`, `warning` or `error`.
    pub level: String,
    /// The text.
    pub message: String,
    /// The position of the step that wrote it.
    pub position: Option<String>,
}

/// A part of a run's log.
#[derive(Serialize, ToSchema)]
pub struct LogPage {
    /// The number of the first line, counted from 0.
    pub first: u32,
    /// The lines.
    pub log: Vec<Line>,
}

impl Line {
    /// A line of a log.
    pub fn of(line: &LogLine) -> Self {
        Self {
            at: time(line.at),
            level: line.level.clone(),
            message: line.message.clone(),
            position: line.position.clone(),
        }
    }
}
