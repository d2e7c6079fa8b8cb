//! `/api/v1/schedules`

use super::app::App;
use super::input::{Asked, At};
use super::json::time;
use super::openapi::{Refused, Shown, ok};
use super::problem::Problem;
use super::shapes::{Paused, Schedule, Schedules, Tried, Upcoming, UpcomingList};
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

/// The most occurrences that are shown.
const MOST: usize = 1000;
/// How many are shown by default.
const FEW: usize = 5;

/// How many occurrences are wanted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HowMany {
    /// The most occurrences to return for each schedule.
    #[param(minimum = 1, maximum = 1000, default = 5)]
    next: Option<usize>,
}

fn how_many(next: Option<usize>) -> Result<usize, Problem> {
    match next.unwrap_or(FEW) {
        next if (1..=MOST).contains(&next) => Ok(next),
        next => Err(Problem::bad_request(format!("`next` is {next}; it can be 1 to {MOST}."))),
    }
}

/// An expression that is tried.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct Expression {
    /// A cron expression.
    cron: String,
    /// The IANA zone of its local times; the engine's without one.
    time_zone: Option<String>,
    /// The most occurrences to return.
    #[param(minimum = 1, maximum = 1000, default = 5)]
    next: Option<usize>,
}

/// Lists the schedules of active workflows, each with its next occurrences.
#[utoipa::path(get, path = "/schedules", tag = "schedules", params(HowMany), responses((status = 200, body = Schedules), Refused))]
pub async fn list(State(app): State<App>, Asked(asked): Asked<HowMany>) -> Result<Shown<Schedules>, Problem> {
    let schedules = app.engine.schedules(how_many(asked.next)?).await.map_err(|error| Problem::of_store(&error))?;
    Ok(ok(Schedules { schedules: schedules.iter().map(Schedule::of).collect() }))
}

/// Shows the next occurrences of all schedules, in order.
#[utoipa::path(get, path = "/schedules/upcoming", tag = "schedules", params(HowMany), responses((status = 200, body = UpcomingList), Refused))]
pub async fn upcoming(State(app): State<App>, Asked(asked): Asked<HowMany>) -> Result<Shown<UpcomingList>, Problem> {
    let upcoming = app.engine.upcoming(how_many(asked.next)?).await.map_err(|error| Problem::of_store(&error))?;
    Ok(ok(UpcomingList { upcoming: upcoming.iter().map(Upcoming::of).collect() }))
}

/// Tries a cron expression: its next occurrences, or what is wrong with it.
#[utoipa::path(get, path = "/schedules/validate", tag = "schedules", params(Expression), responses((status = 200, body = Tried), Refused))]
pub async fn validate(State(app): State<App>, Asked(asked): Asked<Expression>) -> Result<Shown<Tried>, Problem> {
    let next = app.engine.preview(&asked.cron, asked.time_zone.as_deref(), how_many(asked.next)?);
    let next = next.map_err(Problem::bad_request)?.into_iter().map(time).collect();
    Ok(ok(Tried { cron: asked.cron, next }))
}

/// Pauses a schedule.
#[utoipa::path(post, path = "/schedules/{workflow}/{schedule}/pause", tag = "schedules", params(("workflow" = String, Path,), ("schedule" = String, Path,)), responses((status = 200, body = Paused), Refused))]
pub async fn pause(State(app): State<App>, At(at): At<(String, String)>) -> Result<Shown<Paused>, Problem> {
    set(&app, at, true).await
}

/// Resumes a schedule. Occurrences while it was paused do not count as missed.
#[utoipa::path(post, path = "/schedules/{workflow}/{schedule}/resume", tag = "schedules", params(("workflow" = String, Path,), ("schedule" = String, Path,)), responses((status = 200, body = Paused), Refused))]
pub async fn resume(State(app): State<App>, At(at): At<(String, String)>) -> Result<Shown<Paused>, Problem> {
    set(&app, at, false).await
}

async fn set(app: &App, (workflow, schedule): (String, String), paused: bool) -> Result<Shown<Paused>, Problem> {
    app.engine.pause_schedule(&workflow, &schedule, paused).await.map_err(|error| Problem::of_store(&error))?;
    Ok(ok(Paused { workflow, schedule, paused }))
}
