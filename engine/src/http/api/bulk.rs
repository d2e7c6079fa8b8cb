//! Decisions about many runs: retry, rerun, cancel, skip; and dry runs, which say what they would do.

use super::input::{Given, run_id};
use super::output::Shown;
use super::resource::{Call, Load, Method, Operation, Resource};
use super::runs::RunFilter;
use crate::engine::{Bulk, Deed, MOST_DECIDED, Role, RunId, Selected};
use crate::http::app::App;
use crate::http::problem::Problem;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The row of this resource.
pub const RESOURCE: Resource = Resource {
    tag: "runs",
    operations: &[
        Operation {
            method: Method::Post,
            path: "/runs/retry",
            access: Role::Admin,
            load: Load::Small,
            name: "retry_many",
            summary: "Retries several runs: the named ones, or the failed and timed-out ones that match.",
            call: || Call::of(retry),
        },
        Operation {
            method: Method::Post,
            path: "/runs/rerun",
            access: Role::Admin,
            load: Load::Small,
            name: "rerun_many",
            summary: "Starts a new run with the payload of each of several runs: the named ones, or the ended ones that match.",
            call: || Call::of(rerun),
        },
        Operation {
            method: Method::Post,
            path: "/runs/cancel",
            access: Role::Admin,
            load: Load::Small,
            name: "cancel_many",
            summary: "Cancels several runs: the named ones, or the unfinished ones that match.",
            call: || Call::of(cancel),
        },
        Operation {
            method: Method::Post,
            path: "/runs/skip",
            access: Role::Admin,
            load: Load::Small,
            name: "skip_many",
            summary: "Skips several runs: the named ones, or those that match and are queued or hold their lane.",
            call: || Call::of(skip),
        },
    ],
};

/// The runs of a decision: either `ids`, or those that match all other fields.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Wanted {
    /// The ids of these runs, at most 10,000.
    ids: Option<Vec<String>>,
    /// Only runs that this filter finds, such as `since:24h workflow:a error:"no item"`.
    q: Option<String>,
    /// Only runs of this workflow.
    workflow: Option<String>,
    /// Only runs accepted at this instant or later.
    #[schema(format = DateTime)]
    from: Option<String>,
    /// Only runs accepted before this instant.
    #[schema(format = DateTime)]
    before: Option<String>,
    /// Only runs with exactly this label.
    label: Option<String>,
    /// Only runs whose id, label, lane key or error begins with this.
    text: Option<String>,
    /// Changes nothing, and says what would be done.
    #[serde(default)]
    #[schema(required = false)]
    dry_run: bool,
}

pub async fn retry(State(app): State<App>, Given(wanted): Given<Wanted>) -> Result<Shown<Decided>, Problem> {
    decide(&app, Deed::Retry, wanted).await
}

async fn rerun(State(app): State<App>, Given(wanted): Given<Wanted>) -> Result<Shown<Decided>, Problem> {
    decide(&app, Deed::Rerun, wanted).await
}

async fn cancel(State(app): State<App>, Given(wanted): Given<Wanted>) -> Result<Shown<Decided>, Problem> {
    decide(&app, Deed::Cancel, wanted).await
}

async fn skip(State(app): State<App>, Given(wanted): Given<Wanted>) -> Result<Shown<Decided>, Problem> {
    decide(&app, Deed::Skip, wanted).await
}

async fn decide(app: &App, deed: Deed, wanted: Wanted) -> Result<Shown<Decided>, Problem> {
    let dry_run = wanted.dry_run;
    let selected = wanted.selected(app)?;
    let done = app.engine.operators().decide(deed, selected, dry_run).await;
    Ok(Shown(Decided::of(&done.map_err(|error| Problem::of_store(&error))?, dry_run)))
}

impl Wanted {
    /// The runs of these ids.
    pub fn named(ids: Vec<String>, dry_run: bool) -> Self {
        Self { ids: Some(ids), dry_run, ..Self::default() }
    }

    fn selected(self, app: &App) -> Result<Selected, Problem> {
        let Self { ids, q, workflow, from, before, label, text, dry_run: _ } = self;
        let q = q.filter(|q| !q.trim().is_empty());
        let said = [&q, &workflow, &from, &before, &label, &text].into_iter().any(Option::is_some);
        match ids {
            Some(ids) if ids.len() > MOST_DECIDED => Err(Problem::bad_request(format!(
                "`ids` names {} runs; one decision takes {MOST_DECIDED} at most.",
                ids.len()
            ))),
            Some(ids) if !said => {
                let ids: Vec<RunId> = ids.iter().map(|id| run_id(id)).collect::<Result<_, _>>()?;
                Ok(Selected::Ids(ids))
            }
            None if said => {
                let filter = RunFilter { q, workflow, from, before, label, text, ..RunFilter::default() };
                Ok(Selected::Found(Box::new(filter.query(app)?)))
            }
            Some(_) | None => Err(Problem::bad_request(
                "The body must say either `ids`, or at least one of q, workflow, from, before, label and text.",
            )),
        }
    }
}

/// The outcome of a decision about several runs.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decided {
    /// True if nothing was changed.
    pub dry_run: bool,
    /// The ids of the changed runs, oldest first; in a dry run, of those that would be changed.
    pub runs: Vec<String>,
    /// The ids of the new runs, in the same order; only a rerun has them.
    pub started: Vec<String>,
    /// The runs that were not changed.
    pub refused: Vec<Refusal>,
    /// The lanes that were held by a changed run.
    pub lanes: Vec<HeldLane>,
    /// True if more runs match, or may: a decision takes the newest 10,000, and searches for at most 10 seconds.
    pub more: bool,
}

/// A run that was not changed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// The id of the run.
    pub run_id: String,
    /// The reason.
    pub detail: String,
}

/// A lane that a failed run held.
#[derive(Serialize, ToSchema)]
pub struct HeldLane {
    /// The workflow.
    pub workflow: String,
    /// The key of its messages.
    pub key: String,
}

impl Decided {
    fn of(done: &Bulk, dry_run: bool) -> Self {
        let ids = |runs: &[RunId]| runs.iter().map(ToString::to_string).collect();
        let refused = done.refused.iter();
        let lanes = done.lanes.iter();
        Self {
            dry_run,
            runs: ids(&done.done),
            started: ids(&done.started),
            refused: refused.map(|(run, reason)| Refusal { run_id: run.to_string(), detail: reason.clone() }).collect(),
            lanes: lanes.map(|(workflow, key)| HeldLane { workflow: workflow.clone(), key: key.clone() }).collect(),
            more: done.more,
        }
    }
}
