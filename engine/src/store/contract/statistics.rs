//! Statistics.

use std::collections::BTreeMap;

use super::*;
use crate::store::{
    Count, FinishedStart, Fire, FireDecision, LoadedSchedule, Retention, RunQuery, ScheduleId, Statistics,
    StatisticsQuery, StoreError, Tally,
};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Everything, in buckets of a day.
fn everything() -> StatisticsQuery {
    StatisticsQuery { workflow: None, from: START.plus_millis(-DAY), before: START.plus_millis(90 * DAY), bucket: DAY }
}

async fn statistics(bench: &Bench, query: StatisticsQuery) -> Statistics {
    bench.b.store.statistics(query).await.unwrap()
}

/// The tally of all workflows and all time.
async fn whole(bench: &Bench) -> Tally {
    let found = statistics(bench, everything()).await;
    let sum = |tallies: &mut dyn Iterator<Item = &Tally>| {
        tallies.fold(Tally::default(), |mut sum, tally| {
            sum.merge(tally);
            sum
        })
    };
    let all = sum(&mut found.buckets.iter());
    assert_eq!(all, sum(&mut found.workflows.iter().map(|(_, tally)| tally)));
    all
}

/// Accepted, completed, failed, timed out, cancelled, skipped.
fn counts(tally: &Tally) -> [u64; 6] {
    let ended = |state| tally.ended(state);
    [
        tally.get(Count::ACCEPTED),
        ended(RunState::Completed),
        ended(RunState::Failed),
        ended(RunState::TimedOut),
        ended(RunState::Cancelled),
        ended(RunState::Skipped),
    ]
}

/// Ends a claimed run now.
async fn end(bench: &Bench, run: &ClaimedRun, state: RunState) {
    bench.a.store.finish(run.fence, Finish::new(state, bench.clock.now()), None).await.unwrap();
}

async fn pass(bench: &Bench, millis: i64) {
    bench.clock.pass(millis as u64);
    bench.lease().await;
}

/// A run of a workflow that comes with its end.
fn finished(bench: &Bench, workflow: &str, took: i64, state: RunState) -> NewRun {
    let now = bench.clock.now();
    let finish = Finish { with_errors: state == RunState::Completed, ..Finish::new(state, now) };
    let start = FinishedStart { version: version(workflow, 1), started_at: now.plus_millis(-took), finish };
    let new = bench.run_with(|origin| origin.workflow = workflow.to_owned());
    NewRun { start: Start::Finished(Box::new(start)), ..new }
}

/// The counters say what a count of all runs says, minute by minute and workflow by workflow.
pub async fn agree_with_a_count_of_all_runs(bench: &Bench) {
    let mut expected: BTreeMap<(String, i64), Tally> = BTreeMap::new();
    let mut add = |workflow: &str, at: Timestamp, what: Option<Count>, number: u32| {
        if let Some(what) = what {
            let minute = at.0.div_euclid(MINUTE);
            expected.entry((workflow.to_owned(), minute)).or_default().add(what, number.into());
        }
    };
    let mut query = RunQuery { limit: 1000, ..RunQuery::default() };
    loop {
        let page = bench.b.store.runs(query.clone()).await.unwrap();
        for run in page.runs {
            if run.skipped.is_none() {
                add(&run.origin.workflow, run.accepted_at(), Some(Count::ACCEPTED), 1);
            }
            for one in bench.b.store.tries(run.origin.id).await.unwrap() {
                let Some(ended_at) = one.ended_at else { continue };
                let number = run.skipped.as_ref().map_or(1, |stretch| stretch.count);
                add(&run.origin.workflow, ended_at, Count::ended(one.state), number);
                let took = one.started_at.and_then(|at| Count::took(one.state, at, ended_at));
                add(&run.origin.workflow, ended_at, took, 1);
            }
            if let Some(ended_at) = run.ended_at {
                add(&run.origin.workflow, ended_at, run.with_errors.then_some(Count::WITH_ERRORS), 1);
            }
        }
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    let (from, before) = (START.plus_millis(-HOUR), START.plus_millis(DAY));
    for workflow in bench.b.store.workflows().await.unwrap() {
        let query = StatisticsQuery { workflow: Some(workflow.id.clone()), from, before, bucket: MINUTE };
        for (minute, counted) in (from.0.div_euclid(MINUTE)..).zip(statistics(bench, query).await.buckets) {
            let expected = expected.remove(&(workflow.id.clone(), minute)).unwrap_or_default();
            assert_eq!(counted, expected, "{} in minute {minute}", workflow.id);
        }
    }
    assert!(expected.is_empty(), "not looked at: {expected:?}");
}

pub async fn runs_are_counted_when_they_are_accepted_and_end(bench: Bench) {
    bench.publish(&[workflow("w"), workflow("v")]).await;
    let slow = bench.claimed().await;
    pass(&bench, 3 * MINUTE).await;
    end(&bench, &slow, RunState::Completed).await;
    let batch = [10, 12, 14].map(|took| finished(&bench, "v", took, RunState::Completed));
    bench.a.store.history(batch.to_vec().into()).await.unwrap();
    bench.a.store.accept(finished(&bench, "v", 2000, RunState::Failed)).await.unwrap();
    let query = StatisticsQuery { workflow: None, from: START, before: START.plus_millis(5 * MINUTE), bucket: MINUTE };
    let found = statistics(&bench, query.clone()).await;
    let told: Vec<_> = found.buckets.iter().map(counts).collect();
    assert_eq!(told, [[1, 0, 0, 0, 0, 0], [0; 6], [0; 6], [4, 4, 1, 0, 0, 0], [0; 6]]);
    let told: Vec<_> = found.workflows.iter().map(|(id, tally)| (id.as_str(), counts(tally))).collect();
    assert_eq!(told, [("v", [4, 3, 1, 0, 0, 0]), ("w", [1, 1, 0, 0, 0, 0])]);
    let v = &found.workflows[0].1;
    assert_eq!((v.get(Count::WITH_ERRORS), v.percentile(50), v.percentile(75)), (3, Some(12), Some(14)));
    assert!(v.percentile(95).unwrap().abs_diff(2000) <= 125);
    assert!(found.workflows[1].1.percentile(50).unwrap().abs_diff(3 * MINUTE as u64) <= 3 * MINUTE as u64 / 16);
    let wide = statistics(&bench, StatisticsQuery { bucket: 2 * MINUTE, ..query.clone() }).await;
    assert_eq!(wide.buckets.iter().map(|tally| counts(tally)[0]).collect::<Vec<_>>(), [1, 4, 0]);
    let of_one = statistics(&bench, StatisticsQuery { workflow: Some("w".to_owned()), ..query.clone() }).await;
    assert_eq!(of_one.buckets.iter().map(|tally| counts(tally)[1]).collect::<Vec<_>>(), [0, 0, 0, 1, 0]);
    let nobody = statistics(&bench, StatisticsQuery { workflow: Some("x".to_owned()), ..query }).await;
    assert!(nobody.workflows.is_empty() && nobody.buckets.iter().all(Tally::is_empty));
    agree_with_a_count_of_all_runs(&bench).await;
    let bench = bench.restart().await;
    agree_with_a_count_of_all_runs(&bench).await;
}

pub async fn every_end_of_a_retried_run_counts(bench: Bench) {
    let run = bench.claimed().await;
    pass(&bench, 40).await;
    end(&bench, &run, RunState::Failed).await;
    pass(&bench, MINUTE).await;
    bench.a.store.retry(run.fence.run).await.unwrap();
    let run = bench.a.claim_one().await;
    pass(&bench, 4).await;
    end(&bench, &run, RunState::Completed).await;
    let all = whole(&bench).await;
    assert_eq!(counts(&all), [1, 1, 1, 0, 0, 0]);
    // The retry took 4 ms: the time before it is not its own.
    assert_eq!(all.percentile(50), Some(4));
    let waiting = bench.accept(bench.new_run()).await;
    bench.a.store.request_cancel(waiting).await.unwrap();
    assert_eq!(counts(&whole(&bench).await), [2, 1, 1, 0, 1, 0]);
    agree_with_a_count_of_all_runs(&bench).await;
}

pub async fn what_is_refused_is_not_counted(bench: Bench) {
    let new = bench.new_run();
    bench.accept(new.clone()).await;
    bench.a.store.accept(new.clone()).await.unwrap_err();
    let full = NewRun { queue_limit: Some(1), ..bench.new_run() };
    assert!(matches!(bench.a.store.accept(full).await.unwrap(), Accepted::QueueFull { .. }));
    let batch: Arc<[NewRun]> = [finished(&bench, "w", 1, RunState::Completed)].into();
    for _ in 0..3 {
        bench.a.store.history(batch.clone()).await.unwrap();
    }
    let bad = [finished(&bench, "w", 1, RunState::Completed), bench.new_run()];
    bench.a.store.history(bad.to_vec().into()).await.unwrap_err();
    let claimed = bench.a.claim_one().await;
    let late = Fence { number: 0, ..claimed.fence };
    bench.a.store.finish(late, Finish::new(RunState::Completed, START), None).await.unwrap_err();
    assert_eq!(counts(&whole(&bench).await), [2, 1, 0, 0, 0, 0]);
}

pub async fn skipped_occurrences_count_one_by_one(bench: Bench) {
    let schedule = LoadedSchedule { key: "hourly".to_owned() };
    bench.publish(&[LoadedWorkflow { schedules: vec![schedule], ..workflow("w") }]).await;
    let schedule = ScheduleId { workflow: "w".to_owned(), key: "hourly".to_owned() };
    for (first, last) in [(1, 3), (4, 4)] {
        let [first, last] = [first, last].map(|hour| START.plus_millis(hour * HOUR));
        let count = ((last.0 - first.0) / HOUR + 1) as u32;
        let decision = FireDecision::Skip { id: bench.id(), reason: "missed".to_owned(), count, first };
        bench.a.store.fire(Fire { schedule: schedule.clone(), nominal: last, decision }).await.unwrap();
    }
    let queued = bench.accept(bench.new_run()).await;
    bench.a.store.skip(crate::store::Skip::Run(queued)).await.unwrap();
    assert_eq!(counts(&whole(&bench).await), [1, 0, 0, 0, 0, 5]);
    agree_with_a_count_of_all_runs(&bench).await;
}

async fn prune(bench: &Bench, days: i64) {
    let ended_before = bench.clock.now().plus_millis(-days * DAY);
    let retention = Retention { ended_before, max_runs: 0, slice: 1000 };
    while bench.a.store.prune(retention.clone()).await.unwrap().more {}
}

pub async fn a_deleted_run_stays_counted(bench: Bench) {
    for _ in 0..3 {
        bench.a.store.accept(finished(&bench, "w", 5, RunState::Completed)).await.unwrap();
    }
    prune(&bench, 30).await;
    assert!(bench.b.store.runs(RunQuery::default()).await.unwrap().runs.is_empty());
    assert_eq!(counts(&whole(&bench).await), [3, 3, 0, 0, 0, 0]);
}

pub async fn minutes_become_hours_and_hours_go_with_their_time(bench: Bench) {
    // A run every 7 minutes for three days.
    let mut added = Vec::new();
    for number in 0..3 * DAY / (7 * MINUTE) {
        let new = finished(&bench, "w", number % 16, RunState::Completed);
        added.push(new.origin.id.accepted_at());
        bench.a.store.accept(new).await.unwrap();
        pass(&bench, 7 * MINUTE).await;
    }
    let by_hour = StatisticsQuery { before: START.plus_millis(4 * DAY), bucket: HOUR, ..everything() };
    let expected = statistics(&bench, by_hour.clone()).await;
    prune(&bench, 30).await;
    assert_eq!(statistics(&bench, by_hour.clone()).await, expected);
    // An hour of the first day is one row now, at its beginning; the last day still has its minutes.
    let minutes = |from: i64| StatisticsQuery {
        workflow: None,
        from: START.plus_millis(from),
        before: START.plus_millis(from + HOUR),
        bucket: MINUTE,
    };
    let filled = |found: Statistics| found.buckets.iter().filter(|tally| !tally.is_empty()).count();
    assert_eq!(filled(statistics(&bench, minutes(0)).await), 1);
    assert!(filled(statistics(&bench, minutes(3 * DAY - 2 * HOUR)).await) > 7);
    // A late end is added to its hour.
    let mut late = finished(&bench, "w", 3, RunState::Failed);
    if let Start::Finished(start) = &mut late.start {
        start.finish.ended_at = START.plus_millis(2 * MINUTE);
    }
    bench.a.store.accept(late).await.unwrap();
    prune(&bench, 30).await;
    let first = statistics(&bench, minutes(0)).await;
    assert_eq!((counts(&first.buckets[0])[2], filled(first)), (1, 1));
    // Statistics of a day are as old as the runs that the retention keeps.
    prune(&bench, 1).await;
    let left = added.iter().filter(|at| at.0 >= bench.clock.now().0 - DAY).count() as u64 + 1;
    let told = counts(&whole(&bench).await)[0];
    assert!(told.abs_diff(left) <= 9, "{told} of {left} are left: an hour goes as a whole");
}

pub async fn an_empty_stretch_is_refused(bench: Bench) {
    let query = |span: i64, bucket: i64| StatisticsQuery {
        workflow: None,
        from: START,
        before: START.plus_millis(span),
        bucket,
    };
    for (span, bucket) in [(0, MINUTE), (-5, MINUTE), (HOUR, 0), (HOUR, -1), (DAY, 1), (i64::MAX, 1)] {
        let found = bench.a.store.statistics(query(span, bucket)).await;
        assert!(matches!(found, Err(StoreError::Conflict(_))), "{span} {bucket}");
    }
    assert_eq!(statistics(&bench, query(1, MINUTE)).await.buckets.len(), 1);
    assert_eq!(statistics(&bench, query(MINUTE + 1, MINUTE)).await.buckets.len(), 2);
}
