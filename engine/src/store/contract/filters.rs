//! Filters of runs against a model that looks at each run.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::store::{Condition, FinishedStart, Found, RunMark, RunQuery, Stretch, Term};

const WORKFLOWS: [&str; 3] = ["w", "v", "w.x"];
const LABELS: [&str; 4] = ["Order 17", "order 18", "x", "Order"];
const LANES: [&str; 3] = ["A1", "a1", "order lane"];
const ERRORS: [&str; 3] = ["Order is missing", "no", "order"];
const TEXTS: [&str; 8] = ["order", "ORDER ", "a", "x", "no", "nothing", "", "%_"];

/// How a run came and ended.
#[derive(Debug, Clone)]
struct Shape {
    workflow: usize,
    trigger: usize,
    label: Option<usize>,
    lane: Option<usize>,
    pause: bool,
    end: Option<(RunState, bool, i64, Option<usize>)>,
    pass: u64,
}

fn shape() -> impl Strategy<Value = Shape> {
    let ends = [RunState::Completed, RunState::Failed, RunState::TimedOut, RunState::Cancelled];
    let took = prop_oneof![0_i64..10, 990_i64..1010, Just(5000)];
    let end = (0..ends.len(), any::<bool>(), took, proptest::option::of(0..ERRORS.len()))
        .prop_map(move |(state, with_errors, took, error)| (ends[state], with_errors, took, error));
    let lane = proptest::option::weighted(0.3, 0..LANES.len());
    (
        0..WORKFLOWS.len(),
        0..Trigger::ALL.len(),
        proptest::option::of(0..LABELS.len()),
        lane,
        any::<bool>(),
        proptest::option::weighted(0.8, end),
        0_u64..2000,
    )
        .prop_map(|(workflow, trigger, label, lane, pause, end, pass)| Shape {
            workflow,
            trigger,
            label,
            lane,
            pause,
            end,
            pass,
        })
}

fn condition() -> impl Strategy<Value = Condition> {
    let names = |all: &'static [&'static str]| {
        let one = proptest::sample::select(all).prop_map(str::to_owned);
        proptest::collection::vec(one, 1..3)
    };
    let states = proptest::collection::vec(proptest::sample::select(RunState::ALL), 1..4);
    let triggers = proptest::collection::vec(proptest::sample::select(Trigger::ALL), 1..3);
    let workflows = names(&["w", "v", "w.x", "w*", "*", "nobody"]);
    let hashes = prop_oneof![Just("77"), Just("76"), Just("7"), Just("772e"), Just("00")];
    let spans = proptest::sample::select(&[0_u64, 5, 999, 1000, 1005, 4999, 6000][..]);
    prop_oneof![
        3 => states.prop_map(Condition::State),
        1 => proptest::sample::select(RunMark::ALL).prop_map(Condition::Is),
        2 => workflows.prop_map(Condition::Workflow),
        2 => triggers.prop_map(Condition::Trigger),
        1 => names(&LABELS).prop_map(Condition::Label),
        1 => names(&LANES).prop_map(Condition::Lane),
        1 => proptest::collection::vec(hashes.prop_map(str::to_owned), 1..3).prop_map(Condition::Version),
        1 => names(&TEXTS).prop_map(Condition::Error),
        1 => spans.clone().prop_map(Condition::TookOver),
        1 => spans.prop_map(Condition::TookUnder),
        2 => proptest::sample::select(&TEXTS[..]).prop_map(|text| Condition::Text(text.to_owned())),
    ]
}

fn query() -> impl Strategy<Value = RunQuery> {
    let terms = proptest::collection::vec((proptest::bool::weighted(0.3), condition()), 0..4);
    let instant = || proptest::option::weighted(0.3, (0_i64..20_000).prop_map(|at| START.plus_millis(at)));
    (terms, instant(), instant(), 1_u32..8).prop_map(|(terms, accepted_from, accepted_before, limit)| RunQuery {
        terms: terms.into_iter().map(|(negated, condition)| Term { negated, condition }).collect(),
        accepted_from,
        accepted_before,
        limit,
        ..RunQuery::default()
    })
}

/// Compares generated filters on generated runs, on stores that `open` opens.
pub fn filters_follow_the_model(open: fn() -> Open) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let given = (proptest::collection::vec(shape(), 1..30), proptest::collection::vec(query(), 40));
    let outcome = runner.run(&given, |(shapes, queries)| {
        runtime.block_on(compare(open(), shapes, queries));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

async fn compare(open: Open, shapes: Vec<Shape>, queries: Vec<RunQuery>) {
    let bench = Bench::new(open).await;
    bench.publish(&WORKFLOWS.map(workflow)).await;
    for shape in shapes {
        make(&bench, shape).await;
    }
    let all = pages(&bench, RunQuery { limit: 1000, ..RunQuery::default() }).await;
    for query in queries {
        let expected: Vec<&RunSummary> = all.iter().filter(|run| meets(run, &query)).collect();
        let found = pages(&bench, query.clone()).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query:?}");
        let mut counts = Found::default();
        for run in expected.iter().rev() {
            count(&mut counts.states, run.state);
            let start = Timestamp(run.accepted_at().0 - run.accepted_at().0.rem_euclid(1000));
            if counts.stretches.last().is_none_or(|last| last.start != start) {
                counts.stretches.push(Stretch { start, states: Vec::new() });
            }
            count(&mut counts.stretches.last_mut().unwrap().states, run.state);
        }
        assert_eq!(bench.b.store.found(query.clone(), 1000).await.unwrap(), counts, "{query:?}");
    }
}

fn count(states: &mut Vec<(RunState, u64)>, state: RunState) {
    match states.iter_mut().find(|(known, _)| *known == state) {
        Some((_, number)) => *number += 1,
        None => states.push((state, 1)),
    }
    states.sort_by_key(|(state, _)| RunState::ALL.iter().position(|other| other == state));
}

/// All pages of a list.
async fn pages(bench: &Bench, mut query: RunQuery) -> Vec<RunSummary> {
    let mut found = Vec::new();
    loop {
        let page = bench.b.store.runs(query.clone()).await.unwrap();
        assert!(page.runs.len() <= query.limit as usize);
        found.extend(page.runs);
        query.after = page.next;
        if query.after.is_none() {
            return found;
        }
    }
}

async fn make(bench: &Bench, shape: Shape) {
    bench.clock.pass(shape.pass);
    bench.lease().await;
    let id = WORKFLOWS[shape.workflow];
    let finish = |state, with_errors, error: Option<usize>, ended_at| Finish {
        with_errors: with_errors && state == RunState::Completed,
        error: error.filter(|_| state == RunState::Failed).map(|error| failure(ERRORS[error])),
        ..Finish::new(state, ended_at)
    };
    let mut new = bench.new_run();
    new.origin.workflow = id.to_owned();
    new.origin.trigger = Trigger::ALL[shape.trigger];
    new.origin.label = shape.label.map(|label| LABELS[label].to_owned());
    new.origin.lane = shape.lane.map(|lane| ticket(LANES[lane], shape.pause));
    match (&shape.lane, shape.end) {
        (None, Some((state, with_errors, took, error))) => {
            let started_at = bench.clock.now();
            let finish = finish(state, with_errors, error, started_at.plus_millis(took));
            let start = FinishedStart { version: version(id, 1), started_at, finish };
            new.start = Start::Finished(Box::new(start));
            bench.a.store.accept(new).await.unwrap();
        }
        (Some(_), Some((state, with_errors, took, error))) => {
            new.start = claiming(&bench.a);
            let accepted = bench.a.store.accept(new).await.unwrap();
            // A lane that is taken keeps it queued.
            if let Accepted::Claimed { fence, .. } = accepted {
                let ended_at = bench.clock.now().plus_millis(took);
                bench.a.store.finish(fence, finish(state, with_errors, error, ended_at), None).await.unwrap();
            }
        }
        (_, None) => {
            bench.a.store.accept(new).await.unwrap();
        }
    }
}

/// Whether a run meets all of a query.
fn meets(run: &RunSummary, query: &RunQuery) -> bool {
    query.accepted_from.is_none_or(|from| run.accepted_at() >= from)
        && query.accepted_before.is_none_or(|before| run.accepted_at() < before)
        && query.terms.iter().all(|term| holds(run, &term.condition) != term.negated)
}

fn holds(run: &RunSummary, condition: &Condition) -> bool {
    let begins = |text: &str, prefix: &str| text.to_ascii_lowercase().starts_with(&prefix.to_ascii_lowercase());
    let error = run.error.as_ref().map(|error| error.message.as_str());
    let lane = run.origin.lane.as_ref().map(|lane| lane.key.as_str());
    let took = run.started_at.zip(run.ended_at).map(|(started, ended)| ended.0 - started.0);
    match condition {
        Condition::State(states) => states.contains(&run.state),
        Condition::Is(RunMark::WithErrors) => run.with_errors,
        Condition::Is(RunMark::Held) => run.holds_lane,
        Condition::Workflow(names) => names.iter().any(|name| match name.strip_suffix('*') {
            Some(prefix) => run.origin.workflow.starts_with(prefix),
            None => run.origin.workflow == *name,
        }),
        Condition::Trigger(triggers) => triggers.contains(&run.origin.trigger),
        Condition::Label(labels) => labels.iter().any(|label| run.origin.label.as_ref() == Some(label)),
        Condition::Lane(keys) => keys.iter().any(|key| lane == Some(key)),
        Condition::Version(prefixes) => {
            let hash = run.version.map(|version| version.to_string());
            hash.is_some_and(|hash| prefixes.iter().any(|prefix| hash.starts_with(prefix)))
        }
        Condition::Error(prefixes) => error.is_some_and(|error| prefixes.iter().any(|prefix| begins(error, prefix))),
        Condition::TookOver(millis) => took.is_some_and(|took| took > *millis as i64),
        Condition::TookUnder(millis) => took.is_some_and(|took| took < *millis as i64),
        Condition::Text(text) => {
            let places = [run.origin.label.as_deref(), lane, error];
            let digits = text.replace('-', "");
            let id = run.origin.id.to_string().replace('-', "");
            text.is_empty()
                || places.into_iter().flatten().any(|place| begins(place, text))
                || (!digits.is_empty() && begins(&id, &digits))
        }
    }
}
