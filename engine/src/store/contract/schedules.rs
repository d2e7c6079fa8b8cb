//! Occurrences of schedules.

use super::*;
use crate::store::{
    Admin, Cancel, Fire, FireDecision, Fired, LaneQuery, LoadedSchedule, RunQuery, ScheduleId, SkippedStretch,
    WhileUnfinished,
};

const HOUR: i64 = 3_600_000;

fn scheduled() -> LoadedWorkflow {
    let schedule = LoadedSchedule { key: "hourly".to_owned() };
    LoadedWorkflow { schedules: vec![schedule], ..workflow("w") }
}

fn schedule() -> ScheduleId {
    ScheduleId { workflow: "w".to_owned(), key: "hourly".to_owned() }
}

async fn prepare(bench: &Bench) {
    bench.publish(&[scheduled()]).await;
}

fn nominal(hour: i64) -> Timestamp {
    START.plus_millis(hour * HOUR)
}

fn new_run(bench: &Bench, hour: i64) -> NewRun {
    bench.run_with(|origin| {
        origin.trigger = Trigger::Schedule;
        origin.scheduled_for = Some(nominal(hour));
    })
}

async fn fire(bench: &Bench, hour: i64, while_unfinished: WhileUnfinished) -> Fired {
    let run = Box::new(new_run(bench, hour));
    let decision = FireDecision::Run { run, while_unfinished };
    bench.a.store.fire(Fire { schedule: schedule(), nominal: nominal(hour), decision }).await.unwrap()
}

async fn skip(bench: &Bench, hours: std::ops::RangeInclusive<i64>, reason: &str) -> Fired {
    let decision = FireDecision::Skip {
        id: bench.id(),
        reason: reason.to_owned(),
        count: hours.clone().count() as u32,
        first: nominal(*hours.start()),
    };
    bench.a.store.fire(Fire { schedule: schedule(), nominal: nominal(*hours.end()), decision }).await.unwrap()
}

fn stretch(fired: &Fired) -> SkippedStretch {
    match fired {
        Fired::Skipped(run) => {
            assert_eq!((run.state, run.origin.trigger), (RunState::Skipped, Trigger::Schedule));
            run.skipped.clone().unwrap()
        }
        other => panic!("{other:?}"),
    }
}

pub async fn an_occurrence_is_decided_once(bench: Bench) {
    prepare(&bench).await;
    // Two engines, and a third that starts later, decide the same occurrence.
    let fires: Vec<_> = [&bench.a, &bench.b, &bench.a]
        .into_iter()
        .map(|engine| {
            let run = Box::new(new_run(&bench, 1));
            let decision = FireDecision::Run { run, while_unfinished: WhileUnfinished::Start };
            engine.store.fire(Fire { schedule: schedule(), nominal: nominal(1), decision })
        })
        .collect();
    let mut fired = Vec::new();
    for fire in fires {
        fired.push(fire.await.unwrap());
    }
    assert_eq!(fired, [Fired::Run, Fired::Settled, Fired::Settled]);
    let bench = bench.restart().await;
    assert_eq!(fire(&bench, 1, WhileUnfinished::Start).await, Fired::Settled);
    assert_eq!(bench.a.store.schedules().await.unwrap()[0].settled_until, nominal(1));
    let claimed = bench.a.claim(5).await.runs;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].run.summary.origin.scheduled_for, Some(nominal(1)));
    // With a clock that was set back it is decided again.
    assert_eq!(fire(&bench, 0, WhileUnfinished::Start).await, Fired::Settled);
}

pub async fn a_new_schedule_counts_from_its_first_load(bench: Bench) {
    bench.clock.pass(2 * HOUR as u64);
    prepare(&bench).await;
    let schedules = bench.a.store.schedules().await.unwrap();
    assert_eq!(schedules[0].key, "hourly");
    assert_eq!((schedules[0].settled_until, schedules[0].paused), (nominal(2), false));
    assert_eq!(fire(&bench, 2, WhileUnfinished::Start).await, Fired::Settled);
    // Loaded again with another text, it continues where it was.
    assert_eq!(fire(&bench, 3, WhileUnfinished::Start).await, Fired::Run);
    bench.clock.pass(5 * HOUR as u64);
    bench.publish(&[LoadedWorkflow { text: b"another".to_vec(), version: VersionHash([9; 32]), ..scheduled() }]).await;
    assert_eq!(bench.a.store.schedules().await.unwrap()[0].settled_until, nominal(3));
    // Removed and added again, it is new.
    bench.publish(&[workflow("w")]).await;
    assert_eq!(bench.a.store.schedules().await.unwrap(), []);
    assert_eq!(fire(&bench, 4, WhileUnfinished::Start).await, Fired::Settled);
    prepare(&bench).await;
    assert_eq!(bench.a.store.schedules().await.unwrap()[0].settled_until, nominal(7));
}

pub async fn overlap_skips_while_a_run_is_unfinished(bench: Bench) {
    prepare(&bench).await;
    assert_eq!(fire(&bench, 1, WhileUnfinished::Skip).await, Fired::Run);
    let skipped = fire(&bench, 2, WhileUnfinished::Skip).await;
    let expected = SkippedStretch { reason: "overlap".to_owned(), count: 1, first: nominal(2), last: nominal(2) };
    assert_eq!(stretch(&skipped), expected);
    let claimed = bench.a.claim_one().await;
    assert!(matches!(fire(&bench, 3, WhileUnfinished::Skip).await, Fired::Skipped(_)));
    bench.a.complete(claimed.fence).await;
    assert_eq!(fire(&bench, 4, WhileUnfinished::Skip).await, Fired::Run);
    // A run that people start is not a run of the schedule.
    let claimed = bench.a.claim_one().await;
    bench.a.complete(claimed.fence).await;
    bench.accept(bench.new_run()).await;
    assert_eq!(fire(&bench, 5, WhileUnfinished::Skip).await, Fired::Run);
}

pub async fn skips_for_one_reason_are_one_row(bench: Bench) {
    prepare(&bench).await;
    let first = skip(&bench, 1..=3, "missed").await;
    let second = skip(&bench, 4..=4, "missed").await;
    let expected = SkippedStretch { reason: "missed".to_owned(), count: 4, first: nominal(1), last: nominal(4) };
    assert_eq!(stretch(&second), expected);
    match (&first, &second) {
        (Fired::Skipped(first), Fired::Skipped(second)) => assert_eq!(first.origin.id, second.origin.id),
        other => panic!("{other:?}"),
    }
    // Another reason, and the same one after a run, are new rows.
    skip(&bench, 5..=5, "overlap").await;
    assert_eq!(fire(&bench, 6, WhileUnfinished::Start).await, Fired::Run);
    assert_eq!(stretch(&skip(&bench, 7..=8, "overlap").await).count, 2);
    let rows = RunQuery { states: vec![RunState::Skipped], ..Default::default() };
    assert_eq!(bench.a.store.runs(rows).await.unwrap().runs.len(), 3);
}

pub async fn a_full_queue_is_a_skipped_row(bench: Bench) {
    prepare(&bench).await;
    bench.accept(bench.new_run()).await;
    let run = Box::new(NewRun { queue_limit: Some(1), ..new_run(&bench, 1) });
    let decision = FireDecision::Run { run, while_unfinished: WhileUnfinished::Start };
    let fired = bench.a.store.fire(Fire { schedule: schedule(), nominal: nominal(1), decision }).await.unwrap();
    assert_eq!(stretch(&fired).reason, "queue full");
}

pub async fn overlap_cancels_the_earlier_run(bench: Bench) {
    prepare(&bench).await;
    assert_eq!(fire(&bench, 1, WhileUnfinished::Start).await, Fired::Run);
    let running = bench.a.claim_one().await;
    assert_eq!(fire(&bench, 2, WhileUnfinished::Start).await, Fired::Run);
    let fired = fire(&bench, 3, WhileUnfinished::Cancel).await;
    let Fired::Instead(earlier) = fired else { panic!("{fired:?}") };
    let became: Vec<Cancel> = earlier.iter().map(|(_, became)| *became).collect();
    assert_eq!((earlier[0].0, became), (running.fence.run, vec![Cancel::Requested, Cancel::Cancelled]));
    assert!(bench.summary(running.fence.run).await.cancel_requested);
    let left = bench.b.claim(10).await.runs;
    assert_eq!(left.len(), 1, "the queued one is cancelled");
    assert_eq!(left[0].run.summary.origin.scheduled_for, Some(nominal(3)));
    assert_eq!(bench.a.store.request_cancel(running.fence.run).await.unwrap(), Cancel::Requested);
}

pub async fn runs_of_a_schedule_can_wait_for_each_other(bench: Bench) {
    prepare(&bench).await;
    let lane = LaneTicket { kind: LaneKind::Schedule, key: "hourly".to_owned(), pause: false };
    for hour in 1..=3 {
        let mut run = Box::new(new_run(&bench, hour));
        run.origin.lane = Some(lane.clone());
        let decision = FireDecision::Run { run, while_unfinished: WhileUnfinished::Start };
        let fired = bench.a.store.fire(Fire { schedule: schedule(), nominal: nominal(hour), decision }).await;
        assert_eq!(fired.unwrap(), Fired::Run);
    }
    for hour in 1..=3 {
        let claimed = bench.a.claim(10).await.runs;
        assert_eq!(claimed.len(), 1);
        assert_eq!(claimed[0].run.summary.origin.scheduled_for, Some(nominal(hour)));
        bench.a.fail(claimed[0].fence).await;
    }
    assert_eq!(bench.a.store.lanes(LaneQuery::default()).await.unwrap().lanes, [], "not a lane of a webhook");
}

pub async fn a_paused_schedule_fires_nothing_and_misses_nothing(bench: Bench) {
    prepare(&bench).await;
    let pause = |paused| Admin::PauseSchedule { schedule: schedule(), paused };
    bench.a.store.administer(pause(true)).await.unwrap();
    assert!(bench.a.store.schedules().await.unwrap()[0].paused);
    assert_eq!(fire(&bench, 1, WhileUnfinished::Start).await, Fired::Settled);
    bench.clock.pass(2 * HOUR as u64);
    bench.a.store.administer(pause(false)).await.unwrap();
    let going = &bench.a.store.schedules().await.unwrap()[0];
    assert_eq!((going.paused, going.settled_until), (false, nominal(2)));
    assert_eq!(fire(&bench, 2, WhileUnfinished::Start).await, Fired::Settled);
    assert_eq!(fire(&bench, 3, WhileUnfinished::Start).await, Fired::Run);
    let nobody = ScheduleId { key: "nope".to_owned(), ..schedule() };
    let refused = bench.a.store.administer(Admin::PauseSchedule { schedule: nobody, paused: true }).await;
    assert_eq!(refused.unwrap_err().to_string(), "workflow 'w' has no schedule 'nope'");
}

pub async fn an_inactive_workflow_fires_nothing_and_misses_nothing(bench: Bench) {
    prepare(&bench).await;
    let switch = |active| Admin::Switch { workflow: "w".to_owned(), active };
    bench.a.store.administer(switch(Some(false))).await.unwrap();
    assert_eq!(bench.a.store.schedules().await.unwrap(), []);
    assert_eq!(fire(&bench, 1, WhileUnfinished::Start).await, Fired::Settled);
    bench.clock.pass(2 * HOUR as u64);
    bench.a.store.administer(switch(None)).await.unwrap();
    assert_eq!(bench.a.store.schedules().await.unwrap()[0].settled_until, nominal(2));
    // The same for a file that was removed.
    bench.publish(&[]).await;
    bench.clock.pass(2 * HOUR as u64);
    prepare(&bench).await;
    assert_eq!(bench.a.store.schedules().await.unwrap()[0].settled_until, nominal(4));
    assert_eq!(fire(&bench, 5, WhileUnfinished::Start).await, Fired::Run);
}

pub async fn a_clock_that_was_far_ahead_silences_nothing(bench: Bench) {
    const YEARS: i64 = 10 * 365 * 24;
    prepare(&bench).await;
    assert_eq!(fire(&bench, 1, WhileUnfinished::Start).await, Fired::Run);
    bench.clock.jump(YEARS * HOUR);
    skip(&bench, 2..=YEARS - 1, "missed").await;
    assert_eq!(fire(&bench, YEARS, WhileUnfinished::Start).await, Fired::Run);
    bench.clock.jump(-(YEARS - 1) * HOUR);
    // Every later query sees it.
    let settled = |schedules: &[crate::store::ScheduleRecord]| (schedules[0].settled_until, schedules[0].anew_at);
    bench.accept(bench.new_run()).await;
    let now = bench.clock.now();
    assert_eq!(settled(&bench.a.store.schedules().await.unwrap()), (now, Some(now)));
    let rows = RunQuery { states: vec![RunState::Skipped], ..Default::default() };
    let rows = bench.a.store.runs(rows).await.unwrap().runs;
    let row = rows.iter().filter_map(|run| run.skipped.clone()).find(|skipped| skipped.reason == "clock set back");
    let expected = SkippedStretch { reason: "clock set back".to_owned(), count: 0, first: now, last: nominal(YEARS) };
    assert_eq!(row, Some(expected));
    // It fires again, and occurrences that ran while the clock was ahead do not run again.
    assert_eq!(fire(&bench, 2, WhileUnfinished::Start).await, Fired::Run);
    let bench = bench.restart().await;
    bench.clock.pass(((YEARS - 1) * HOUR) as u64);
    assert_eq!(fire(&bench, YEARS - 1, WhileUnfinished::Start).await, Fired::Run);
    assert_eq!(fire(&bench, YEARS, WhileUnfinished::Start).await, Fired::Settled);
    assert_eq!(fire(&bench, YEARS + 1, WhileUnfinished::Start).await, Fired::Run);
}

pub async fn a_clock_that_is_set_back_by_less_than_an_hour_repeats_nothing(bench: Bench) {
    prepare(&bench).await;
    bench.clock.pass(HOUR as u64);
    assert_eq!(fire(&bench, 1, WhileUnfinished::Start).await, Fired::Run);
    bench.clock.jump(-HOUR + 60_000);
    bench.accept(bench.new_run()).await;
    let schedules = bench.a.store.schedules().await.unwrap();
    assert_eq!((schedules[0].settled_until, schedules[0].anew_at), (nominal(1), None));
    assert_eq!(fire(&bench, 1, WhileUnfinished::Start).await, Fired::Settled);
}

pub async fn a_store_that_was_closed_while_the_clock_was_ahead_starts_anew(bench: Bench) {
    prepare(&bench).await;
    bench.clock.jump(1000 * HOUR);
    assert_eq!(fire(&bench, 1000, WhileUnfinished::Start).await, Fired::Run);
    bench.clock.jump(-999 * HOUR);
    let bench = bench.restart().await;
    assert_eq!(bench.a.store.schedules().await.unwrap()[0].settled_until, nominal(1));
}
