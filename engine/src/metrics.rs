//! Counters of the engine: ended runs, their durations, the time of scripts.
//!
//! Names and help texts are here, once. Labels are workflows, triggers and states, never keys or contents of messages.

use crate::store::{RunState, Timestamp, Trigger};
use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::thread::LocalKey;
use std::time::Duration;

/// Ended runs by workflow, trigger and state.
pub const RUNS: &str = "flowscript_runs_total";
/// From acceptance to the end, by workflow and trigger.
pub const RUN_SECONDS: &str = "flowscript_run_duration_seconds";
/// Time of threads that compute scripts, by workflow.
pub const SCRIPT_SECONDS: &str = "flowscript_script_duration_seconds";
/// Unfinished runs by workflow and state.
pub const UNFINISHED: &str = "flowscript_unfinished_runs";
/// Runs in lanes, by workflow.
pub const IN_LANES: &str = "flowscript_lane_runs";
/// Lanes that a failed run holds, by workflow.
pub const HELD: &str = "flowscript_held_lanes";
/// Commits of the store.
pub const COMMITS: &str = "flowscript_commits_total";
/// Decisions in them.
pub const DECISIONS: &str = "flowscript_commit_decisions_total";

/// Bytes of bodies that are received or processed.
pub const BODIES: &str = "flowscript_bodies_in_flight_bytes";
/// Bytes of answers that wait for their readers.
pub const ANSWERS: &str = "flowscript_answers_in_flight_bytes";
/// Open connections.
pub const CONNECTIONS: &str = "flowscript_connections";

/// How late occurrences of schedules were decided, by workflow.
pub const LAG: &str = "flowscript_schedule_lag_seconds";
/// Skipped occurrences of schedules, by workflow.
pub const SKIPPED: &str = "flowscript_skipped_occurrences_total";

/// Upper ends of the classes of durations, in seconds.
const CLASSES: [f64; 12] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 600.0, 3600.0];

/// How often histograms are summed.
const SUMMING: Duration = Duration::from_secs(5);

static PAGE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// The page of this process, which counts from its first use on; `None` if this process already uses another recorder.
pub fn page() -> Option<&'static PrometheusHandle> {
    PAGE.get_or_init(|| {
        let builder = [RUN_SECONDS, SCRIPT_SECONDS, LAG].iter().try_fold(PrometheusBuilder::new(), |builder, name| {
            builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), &CLASSES)
        });
        match builder.and_then(PrometheusBuilder::install_recorder) {
            Ok(handle) => {
                describe();
                Some(handle)
            }
            Err(error) => {
                tracing::warn!("metrics cannot be kept: {error}");
                None
            }
        }
    })
    .as_ref()
}

/// Sums the values gathered by histograms at intervals: a histogram keeps every value until then, and often no
/// Prometheus requests the page.
pub async fn keep_summing() {
    while let Some(page) = page() {
        tokio::time::sleep(SUMMING).await;
        page.run_upkeep();
    }
}

fn describe() {
    describe_counter!(RUNS, "Ended runs by workflow, trigger and state.");
    describe_histogram!(RUN_SECONDS, Unit::Seconds, "From the acceptance of a run to its end.");
    describe_histogram!(
        SCRIPT_SECONDS,
        Unit::Seconds,
        "Time that threads spent on the scripts between two stops of a run."
    );
    describe_gauge!(UNFINISHED, "Unfinished runs by workflow and state.");
    describe_gauge!(IN_LANES, "Runs in lanes of ordered webhooks, by workflow.");
    describe_gauge!(HELD, "Lanes that a failed run holds, by workflow.");
    describe_gauge!(BODIES, Unit::Bytes, "Bodies that come in or are being worked on, and what they are decoded to.");
    describe_gauge!(ANSWERS, Unit::Bytes, "Answers that wait for their readers.");
    describe_gauge!(CONNECTIONS, "Open connections.");
    describe_histogram!(LAG, Unit::Seconds, "How late occurrences of schedules were decided, by workflow.");
    describe_counter!(SKIPPED, "Skipped occurrences of schedules, by workflow.");
    describe_counter!(COMMITS, "Commits of the store.");
    describe_counter!(DECISIONS, "Decisions in the commits of the store.");
}

/// The meters of ended runs of one trigger and state.
struct RunMeters {
    of: (Trigger, RunState),
    count: Counter,
    seconds: Histogram,
}

impl RunMeters {
    fn find(workflow: &str, trigger: Trigger, state: RunState) -> Self {
        let (workflow, name) = (workflow.to_owned(), trigger.as_str());
        Self {
            of: (trigger, state),
            count: counter!(RUNS, "workflow" => workflow.clone(), "trigger" => name, "state" => state.as_str()),
            seconds: histogram!(RUN_SECONDS, "workflow" => workflow, "trigger" => name),
        }
    }
}

thread_local! {
    static ENDED: Known<Vec<RunMeters>> = RefCell::default();
    static SCRIPTS: Known<Histogram> = RefCell::default();
}

/// Meters by workflow, remembered: the lookup takes longer than counting.
type Known<M> = RefCell<HashMap<String, M>>;

/// Counts with the meters of a workflow.
fn count_with<M>(
    known: &'static LocalKey<Known<M>>,
    workflow: &str,
    find: impl FnOnce() -> M,
    count: impl FnOnce(&mut M),
) {
    known.with_borrow_mut(|known| match known.get_mut(workflow) {
        Some(meters) => count(meters),
        None => {
            let mut found = find();
            count(&mut found);
            // Meters found before the page exists count nowhere.
            if PAGE.get().is_some() {
                known.insert(workflow.to_owned(), found);
            }
        }
    });
}

/// A run has ended and is stored.
pub fn run_ended(workflow: &str, trigger: Trigger, state: RunState, accepted_at: Timestamp, ended_at: Timestamp) {
    let seconds = (ended_at.0 - accepted_at.0).max(0) as f64 / 1000.0;
    count_with(&ENDED, workflow, Vec::new, |known| {
        if !known.iter().any(|meters| meters.of == (trigger, state)) {
            known.push(RunMeters::find(workflow, trigger, state));
        }
        for meters in known.iter().filter(|meters| meters.of == (trigger, state)) {
            meters.count.increment(1);
            meters.seconds.record(seconds);
        }
    });
}

/// The delay with which an occurrence of a schedule of this workflow was decided.
pub fn schedule_fired(workflow: &str, late: Duration) {
    histogram!(LAG, "workflow" => workflow.to_owned()).record(late.as_secs_f64());
}

/// Occurrences of schedules of this workflow were skipped.
pub fn occurrences_skipped(workflow: &str, count: u64) {
    counter!(SKIPPED, "workflow" => workflow.to_owned()).increment(count);
}

/// The time that scripts of a workflow have computed.
pub fn script_ran(workflow: &str, time: Duration) {
    let find = || histogram!(SCRIPT_SECONDS, "workflow" => workflow.to_owned());
    count_with(&SCRIPTS, workflow, find, |meter| meter.record(time.as_secs_f64()));
}
