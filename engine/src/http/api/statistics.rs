//! `/api/v1/statistics`: how many runs were accepted and how they ended, and how long they took.

use super::input::Asked;
use super::output::Shown;
use super::resource::{Call, Load, Method, Operation, Resource};
use crate::config::duration;
use crate::engine::{Count, Role, RunState, Statistics as Found, StatisticsQuery, Tally, Timestamp};
use crate::http::app::App;
use crate::http::json::{instant, time};
use crate::http::problem::Problem;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The row of this resource.
pub const RESOURCE: Resource = Resource {
    tag: "statistics",
    operations: &[Operation {
        method: Method::Get,
        path: "/statistics",
        access: Role::Viewer,
        load: Load::Small,
        name: "show",
        summary: "Shows how many runs were accepted and ended, and how long they took, by time and by workflow.",
        call: || Call::of(show),
    }],
};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// The lengths of buckets that an answer has if the query names none, in milliseconds.
const USUAL_BUCKETS: [i64; 6] = [MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE, 6 * 60 * MINUTE, DAY];
/// The number of buckets that it has at most then.
const USUAL_COUNT: i64 = 100;
/// The most buckets of an answer.
const MOST_BUCKETS: i64 = 1000;

/// Which statistics an answer has.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Stretch {
    /// Only runs of this workflow.
    workflow: Option<String>,
    /// From the minute of this instant on; without it, 24 hours before the end.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Up to this instant; without it, up to now.
    #[param(format = DateTime)]
    to: Option<String>,
    /// The length of a bucket, such as `5m`, `1h` or `1d`: whole minutes, and at most 1,000 buckets. Without it, the
    /// shortest usual one that gives at most 100 buckets.
    bucket: Option<String>,
}

async fn show(State(app): State<App>, Asked(stretch): Asked<Stretch>) -> Result<Shown<Statistics>, Problem> {
    let query = stretch.query(app.engine.now())?;
    let found = app.engine.viewer().statistics(query.clone()).await.map_err(|error| Problem::of_store(&error))?;
    let counts = app.engine.counts().await.map_err(|error| Problem::of_store(&error))?;
    let mut unfinished = Unfinished::default();
    for count in counts.iter().filter(|count| query.workflow.as_ref().is_none_or(|id| *id == count.workflow)) {
        unfinished.queued += u64::from(count.queued);
        unfinished.running += u64::from(count.running);
        unfinished.waiting += u64::from(count.waiting);
    }
    Ok(Shown(Statistics::of(&query, &found, unfinished, app.engine.config().workers)))
}

impl Stretch {
    fn query(self, now: Timestamp) -> Result<StatisticsQuery, Problem> {
        let before = self.to.as_deref().map_or(Ok(now), |text| instant("to", text))?;
        let from = self.from.as_deref().map_or(Ok(before.plus_millis(-DAY)), |text| instant("from", text))?;
        let from = Timestamp(from.0 - from.0.rem_euclid(MINUTE));
        let span = before.0.saturating_sub(from.0);
        if span <= 0 {
            return Err(Problem::bad_request(format!(
                "`from` is {} and `to` is {}; `from` must be earlier.",
                time(from),
                time(before)
            )));
        }
        let bucket = match self.bucket {
            Some(text) => bucket_of(&text, span)?,
            None => usual_bucket(span),
        };
        Ok(StatisticsQuery { workflow: self.workflow, from, before, bucket })
    }
}

/// The length of a bucket in milliseconds.
fn bucket_of(text: &str, span: i64) -> Result<i64, Problem> {
    let given = duration::parse(text).map_err(|error| Problem::bad_request(format!("`bucket`: {error}.")))?;
    let millis = i64::try_from(given.as_millis()).unwrap_or(i64::MAX);
    if millis == 0 || millis % MINUTE != 0 {
        return Err(Problem::bad_request(format!("`bucket` is `{text}`; it must be whole minutes, such as 5m or 1h.")));
    }
    let count = (span - 1) / millis + 1;
    if count > MOST_BUCKETS {
        return Err(Problem::bad_request(format!(
            "`bucket` is `{text}`, which gives {count} buckets; there can be {MOST_BUCKETS}. Use a longer one, or a \
             shorter time between `from` and `to`."
        )));
    }
    Ok(millis)
}

fn usual_bucket(span: i64) -> i64 {
    let usual = USUAL_BUCKETS.into_iter().find(|bucket| (span - 1) / bucket < USUAL_COUNT);
    // Beyond a hundred days: as many days as needed.
    usual.unwrap_or_else(|| ((span - 1) / (DAY * USUAL_COUNT) + 1) * DAY)
}

/// Statistics over a stretch of time.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    /// The beginning of the first bucket.
    #[schema(format = DateTime)]
    from: String,
    /// The end of the last bucket, or earlier.
    #[schema(format = DateTime)]
    to: String,
    /// The length of a bucket in seconds.
    bucket_seconds: i64,
    /// Since when runs are counted. What happened before is missing.
    #[schema(format = DateTime)]
    counted_since: String,
    /// The whole stretch.
    total: Counts,
    /// Its buckets, one after another.
    buckets: Vec<Bucket>,
    /// Its workflows that have something to count, by id.
    workflows: Vec<OfWorkflow>,
    /// Runs that have not ended now.
    unfinished: Unfinished,
    /// How many runs may be worked on at a time.
    workers: u32,
}

/// What was counted. Each end counts: a run that failed, was retried and completed is in `failed` and in `completed`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Runs that were accepted.
    accepted: u64,
    /// Runs that completed.
    completed: u64,
    /// Those of them in which a step failed and was allowed to.
    with_errors: u64,
    /// Runs that failed.
    failed: u64,
    /// Runs that took too long.
    timed_out: u64,
    /// Runs that were cancelled.
    cancelled: u64,
    /// Runs that were skipped, and skipped occurrences of schedules.
    skipped: u64,
    /// The time in milliseconds that half of the completed, failed and timed-out runs did not exceed, from their start
    /// or retry to their end; at most a sixteenth off.
    p50: Option<u64>,
    /// The time that 95 of a hundred did not exceed.
    p95: Option<u64>,
}

/// A bucket.
#[derive(Serialize, ToSchema)]
pub struct Bucket {
    /// Its beginning.
    #[schema(format = DateTime)]
    start: String,
    /// What was counted in it.
    #[serde(flatten)]
    counts: Counts,
}

/// The whole stretch of one workflow.
#[derive(Serialize, ToSchema)]
pub struct OfWorkflow {
    /// The workflow.
    workflow: String,
    /// What was counted of it.
    #[serde(flatten)]
    counts: Counts,
}

/// Runs that have not ended.
#[derive(Default, Serialize, ToSchema)]
pub struct Unfinished {
    /// Runs that wait for their start.
    queued: u64,
    /// Runs at work.
    running: u64,
    /// Runs that wait for an instant or an event.
    waiting: u64,
}

impl Statistics {
    fn of(query: &StatisticsQuery, found: &Found, unfinished: Unfinished, workers: u32) -> Self {
        let mut total = Tally::default();
        found.workflows.iter().for_each(|(_, tally)| total.merge(tally));
        let starts = (0..).map(|number| query.from.plus_millis(number * query.bucket));
        Self {
            from: time(query.from),
            to: time(query.before),
            bucket_seconds: query.bucket / 1000,
            counted_since: time(found.counted_since),
            total: Counts::of(&total),
            buckets: starts
                .zip(&found.buckets)
                .map(|(start, tally)| Bucket { start: time(start), counts: Counts::of(tally) })
                .collect(),
            workflows: found
                .workflows
                .iter()
                .map(|(id, tally)| OfWorkflow { workflow: id.clone(), counts: Counts::of(tally) })
                .collect(),
            unfinished,
            workers,
        }
    }
}

impl Counts {
    fn of(tally: &Tally) -> Self {
        Self {
            accepted: tally.get(Count::ACCEPTED),
            completed: tally.ended(RunState::Completed),
            with_errors: tally.get(Count::WITH_ERRORS),
            failed: tally.ended(RunState::Failed),
            timed_out: tally.ended(RunState::TimedOut),
            cancelled: tally.ended(RunState::Cancelled),
            skipped: tally.ended(RunState::Skipped),
            p50: tally.percentile(50),
            p95: tally.percentile(95),
        }
    }
}
