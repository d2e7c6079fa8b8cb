//! `/api/v1/runs/counts`: how many runs a filter finds, by state and by time.

use super::input::Asked;
use super::output::Shown;
use super::paging::list_failed;
use super::resource::{Call, Load, Method, Operation, Resource};
use super::runs::RunFilter;
use crate::config::duration;
use crate::engine::{Found, Role, RunState, Stretch};
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
        path: "/runs/counts",
        access: Role::Viewer,
        load: Load::Small,
        name: "counts",
        summary: "Counts the runs that a filter finds, by state and by the time of their acceptance.",
        call: || Call::of(counts),
    }],
};

/// The length of a bucket if the query names none, in milliseconds.
const USUAL_BUCKET: i64 = 3_600_000;

/// Which runs are counted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Counted {
    /// Only runs that this filter finds, such as `since:24h state:failed -workflow:a,b took:>2s "text"`.
    q: Option<String>,
    /// Only runs of this workflow.
    workflow: Option<String>,
    /// Only runs in one of these states, separated by commas.
    state: Option<String>,
    /// Only runs accepted at this instant or later.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Only runs accepted before this instant.
    #[param(format = DateTime)]
    before: Option<String>,
    /// The length of a bucket, such as `5m` or `1h`, which it is without this. Buckets begin at multiples of it in UTC,
    /// and at most 1,000 may have runs.
    bucket: Option<String>,
}

async fn counts(State(app): State<App>, Asked(counted): Asked<Counted>) -> Result<Shown<Counts>, Problem> {
    let Counted { q, workflow, state, from, before, bucket } = counted;
    let length = match bucket {
        None => USUAL_BUCKET,
        Some(text) => {
            let length = duration::parse(&text).map_err(|error| Problem::bad_request(format!("`bucket`: {error}.")))?;
            let millis = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
            if millis < 1000 {
                return Err(Problem::bad_request(format!("`bucket` is `{text}`; it must be at least a second.")));
            }
            millis
        }
    };
    let filter = RunFilter { q, workflow, state, from, before, ..RunFilter::default() };
    let query = filter.query(&app)?;
    let found = app.engine.viewer().found(query, length).await.map_err(|error| list_failed(&error))?;
    Ok(Shown(Counts::of(&found, length)))
}

/// How many runs a filter finds.
#[derive(Serialize, ToSchema)]
#[schema(as = RunCounts)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// The number of runs.
    count: u64,
    /// The numbers of runs by state, without states that have none.
    states: Vec<OfState>,
    /// The length of a bucket in seconds.
    bucket_seconds: i64,
    /// The buckets that have runs, oldest first.
    buckets: Vec<Bucket>,
    /// The search took long and ended at runs that were accepted at this instant: earlier ones are not counted.
    #[schema(format = DateTime)]
    searched_to: Option<String>,
}

/// The number of runs in a state.
#[derive(Serialize, ToSchema)]
#[schema(as = RunCountsOfState)]
pub struct OfState {
    /// The state.
    state: &'static str,
    /// The number.
    count: u64,
}

/// The runs that were accepted in a stretch of time.
#[derive(Serialize, ToSchema)]
#[schema(as = RunCountsBucket)]
pub struct Bucket {
    /// Its beginning.
    #[schema(format = DateTime)]
    start: String,
    /// The number of runs.
    count: u64,
    /// The numbers of runs by state, without states that have none.
    states: Vec<OfState>,
}

impl Counts {
    fn of(found: &Found, length: i64) -> Self {
        let bucket = |stretch: &Stretch| Bucket {
            start: time(stretch.start),
            count: sum(&stretch.states),
            states: of_states(&stretch.states),
        };
        Self {
            count: sum(&found.states),
            states: of_states(&found.states),
            bucket_seconds: length / 1000,
            buckets: found.stretches.iter().map(bucket).collect(),
            searched_to: found.searched_to.map(time),
        }
    }
}

fn sum(states: &[(RunState, u64)]) -> u64 {
    states.iter().map(|(_, number)| number).sum()
}

fn of_states(states: &[(RunState, u64)]) -> Vec<OfState> {
    states.iter().map(|(state, count)| OfState { state: state.as_str(), count: *count }).collect()
}
