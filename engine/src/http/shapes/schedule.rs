//! Schedules.

use crate::engine::{ScheduleView, Upcoming as Coming};
use crate::http::json::{local_time, time};
use serde::Serialize;
use utoipa::ToSchema;

/// All schedules of active workflows.
#[derive(Serialize, ToSchema)]
pub struct Schedules {
    /// The schedules, by workflow and name.
    pub schedules: Vec<Schedule>,
}

/// A schedule.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Its workflow.
    workflow: String,
    /// Its `id`, else its pattern and zone.
    schedule: String,
    /// The IANA zone of its local times.
    time_zone: &'static str,
    /// `active`, `paused` or `finished`.
    state: &'static str,
    /// Its next occurrences, in its zone.
    next: Vec<String>,
    /// When it last started anew, because the machine's clock was set back by more than an hour.
    started_anew_at: Option<String>,
}

/// What comes next, of all schedules together.
#[derive(Serialize, ToSchema)]
pub struct UpcomingList {
    /// In the order of their times.
    pub upcoming: Vec<Upcoming>,
}

/// An occurrence that will come.
#[derive(Serialize, ToSchema)]
pub struct Upcoming {
    /// Its workflow.
    workflow: String,
    /// Its schedule.
    schedule: String,
    /// When.
    at: String,
}

/// The next occurrences of a cron expression.
#[derive(Serialize, ToSchema)]
pub struct Tried {
    /// The expression.
    pub cron: String,
    /// Its next occurrences.
    pub next: Vec<String>,
}

/// A schedule that was stopped, or goes on.
#[derive(Serialize, ToSchema)]
pub struct Paused {
    /// Its workflow.
    pub workflow: String,
    /// The schedule.
    pub schedule: String,
    /// Is it stopped?
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
