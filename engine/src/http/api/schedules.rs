//! `/api/v1/schedules`: when workflows start by themselves.

use super::input::{Asked, At};
use super::output::Shown;
use super::paging::{Listed, Page, Paged, list_failed};
use super::resource::{Call, Load, Method, Operation, Resource};
use crate::engine::{Role, ScheduleView, Upcoming as Coming};
use crate::http::app::App;
use crate::http::json::{local_time, time};
use crate::http::problem::Problem;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The row of this resource.
pub const RESOURCE: Resource = Resource {
    tag: "schedules",
    operations: &[
        Operation {
            method: Method::Get,
            path: "/schedules",
            access: Role::Viewer,
            load: Load::Small,
            name: "list",
            summary: "Lists the schedules of active workflows, each with its next occurrences.",
            call: || Call::of(list),
        },
        Operation {
            method: Method::Get,
            path: "/schedules/upcoming",
            access: Role::Viewer,
            load: Load::Small,
            name: "upcoming",
            summary: "Shows the next occurrences of all schedules, in order.",
            call: || Call::of(upcoming),
        },
        Operation {
            method: Method::Get,
            path: "/schedules/validate",
            access: Role::Viewer,
            load: Load::Small,
            name: "validate",
            summary: "Validates a cron expression: returns its next occurrences, or what is wrong with it.",
            call: || Call::of(validate),
        },
        Operation {
            method: Method::Post,
            path: "/schedules/{workflow}/{schedule}/pause",
            access: Role::Admin,
            load: Load::Small,
            name: "pause",
            summary: "Pauses a schedule.",
            call: || Call::of(pause),
        },
        Operation {
            method: Method::Post,
            path: "/schedules/{workflow}/{schedule}/resume",
            access: Role::Admin,
            load: Load::Small,
            name: "resume",
            summary: "Resumes a schedule. Occurrences while it was paused do not count as missed.",
            call: || Call::of(resume),
        },
    ],
};

/// The most occurrences that are shown.
const MOST: usize = 1000;
/// How many are shown by default.
const FEW: usize = 5;

/// The number of occurrences to return.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HowMany {
    /// The most occurrences to return for each schedule.
    #[param(minimum = 1, maximum = 1000, default = 5)]
    pub next: Option<usize>,
}

fn how_many(next: Option<usize>) -> Result<usize, Problem> {
    match next.unwrap_or(FEW) {
        next if (1..=MOST).contains(&next) => Ok(next),
        next => Err(Problem::bad_request(format!("`next` is {next}; it can be 1 to {MOST}."))),
    }
}

/// A cron expression to validate.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct Expression {
    /// A cron expression.
    pub cron: String,
    /// The IANA zone of its local times; by default that of the engine.
    pub time_zone: Option<String>,
    /// The most occurrences to return.
    #[param(minimum = 1, maximum = 1000, default = 5)]
    pub next: Option<usize>,
}

pub async fn list(State(app): State<App>, Paged(asked, page): Paged<HowMany>) -> Result<Page<Schedule>, Problem> {
    let found = app.engine.schedules().list(how_many(asked.next)?, page.after, page.limit as usize).await;
    let found = found.map_err(|error| list_failed(&error))?;
    Ok(Page::new(found.schedules.iter().map(Schedule::of), found.next.map(|cursor| cursor.0)))
}

async fn upcoming(State(app): State<App>, Asked(asked): Asked<HowMany>) -> Result<Shown<UpcomingList>, Problem> {
    let upcoming =
        app.engine.schedules().upcoming(how_many(asked.next)?).await.map_err(|error| Problem::of_store(&error))?;
    Ok(Shown(UpcomingList { upcoming: upcoming.iter().map(Upcoming::of).collect() }))
}

async fn validate(State(app): State<App>, Asked(asked): Asked<Expression>) -> Result<Shown<Tried>, Problem> {
    let next = app.engine.schedules().preview(&asked.cron, asked.time_zone.as_deref(), how_many(asked.next)?);
    let next = next.map_err(Problem::bad_request)?.into_iter().map(time).collect();
    Ok(Shown(Tried { cron: asked.cron, next }))
}

pub async fn pause(State(app): State<App>, At(at): At<(String, String)>) -> Result<Shown<Paused>, Problem> {
    set(&app, at, true).await
}

pub async fn resume(State(app): State<App>, At(at): At<(String, String)>) -> Result<Shown<Paused>, Problem> {
    set(&app, at, false).await
}

async fn set(app: &App, (workflow, schedule): (String, String), paused: bool) -> Result<Shown<Paused>, Problem> {
    app.engine.schedules().pause(&workflow, &schedule, paused).await.map_err(|error| Problem::of_store(&error))?;
    Ok(Shown(Paused { workflow, schedule, paused }))
}

/// A schedule.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// The workflow.
    pub workflow: String,
    /// Its `id`, or its pattern and zone if it has none.
    pub schedule: String,
    /// The IANA zone of its local times.
    pub time_zone: &'static str,
    /// `active`, `paused` or `finished`.
    pub state: &'static str,
    /// Its next occurrences, in its zone.
    pub next: Vec<String>,
    /// When it last started again from a new time, because the machine's clock was set back by more than an hour.
    pub started_anew_at: Option<String>,
}

/// The next occurrences of all schedules together.
#[derive(Serialize, ToSchema)]
pub struct UpcomingList {
    /// The occurrences, in the order of their times.
    pub upcoming: Vec<Upcoming>,
}

/// An occurrence that will come.
#[derive(Serialize, ToSchema)]
pub struct Upcoming {
    /// The workflow.
    pub workflow: String,
    /// The schedule.
    pub schedule: String,
    /// The instant.
    pub at: String,
}

/// The next occurrences of a cron expression.
#[derive(Serialize, ToSchema)]
pub struct Tried {
    /// The expression.
    pub cron: String,
    /// Its next occurrences.
    pub next: Vec<String>,
}

/// A schedule that was paused or resumed.
#[derive(Serialize, ToSchema)]
pub struct Paused {
    /// The workflow.
    pub workflow: String,
    /// The schedule.
    pub schedule: String,
    /// True if it is paused.
    pub paused: bool,
}

impl Schedule {
    /// A schedule.
    pub fn of(view: &ScheduleView) -> Self {
        let state = match view {
            view if view.paused => "paused",
            view if view.finished => "finished",
            _ => "active",
        };
        let next = view.next.iter().map(|at| local_time(*at, view.zone)).collect();
        Self {
            workflow: view.workflow.clone(),
            schedule: view.key.clone(),
            time_zone: view.zone.name(),
            state,
            next,
            started_anew_at: view.anew_at.map(|at| local_time(at, view.zone)),
        }
    }
}

impl Upcoming {
    /// An occurrence.
    pub fn of(next: &Coming) -> Self {
        Self { workflow: next.workflow.clone(), schedule: next.key.clone(), at: time(next.at) }
    }
}

impl Listed for Schedule {
    const ROWS: &'static str = "schedules";
    const ORDER: &'static str = "by workflow and name";
    const SEARCHED: bool = false;
}
