//! Retry, run again, skip, cancel, events.

use super::*;
use crate::store::{Awaiting, Cancel, Delivered, Mask, Park, RunAgain, Skip, StoreError};

pub async fn only_failures_can_be_retried(bench: Bench) {
    let queued = bench.accept(bench.new_run()).await;
    assert!(matches!(bench.a.store.retry(queued).await, Err(StoreError::Conflict(_))));
    let claimed = bench.a.claim_one().await;
    assert!(matches!(bench.a.store.retry(queued).await, Err(StoreError::Conflict(_))));
    bench.a.complete(claimed.fence).await;
    assert!(matches!(bench.a.store.retry(queued).await, Err(StoreError::Conflict(_))));
    let nobody = bench.id();
    let error = bench.a.store.retry(nobody).await.unwrap_err();
    assert_eq!(error, StoreError::NotFound(format!("there is no run {nobody}")));
}

pub async fn run_again_takes_the_payload_and_the_current_version(bench: Bench) {
    let new = NewRun {
        payload: Some(b"payload".to_vec()),
        input: Some(b"input of the old version".to_vec()),
        ..bench.run_with(|origin| {
            origin.label = Some("label".to_owned());
            origin.on_failure = Some("repair".to_owned());
        })
    };
    let source = bench.accept(new).await;
    let claimed = bench.a.claim_one().await;
    bench.a.complete(claimed.fence).await;
    bench.publish(&[changed("w", 2)]).await;
    let id = bench.id();
    bench.a.store.run_again(RunAgain { source, id, queue_limit: None }).await.unwrap();
    let again = bench.b.claim_one().await;
    assert_eq!((again.fence.run, again.version), (id, version("w", 2)));
    assert_eq!(again.run.payload.as_deref(), Some(b"payload".as_slice()));
    assert_eq!(again.run.input, None, "the new version makes its own input");
    assert_eq!(again.run.summary.origin.cause, Some(source));
    assert_eq!(again.run.summary.origin.label.as_deref(), Some("label"));
    assert_eq!(again.run.summary.origin.on_failure.as_deref(), Some("repair"));
    // Without a payload the input is used.
    let source = bench.accept(NewRun { input: Some(b"input".to_vec()), ..bench.new_run() }).await;
    let id = bench.id();
    bench.a.store.run_again(RunAgain { source, id, queue_limit: None }).await.unwrap();
    assert_eq!(bench.a.store.run(id).await.unwrap().input.as_deref(), Some(b"input".as_slice()));
}

pub async fn a_masked_run_cannot_run_again(bench: Bench) {
    let claimed = bench.claimed().await;
    let finish = Finish { mask: Some(Mask::default()), ..Finish::new(RunState::Completed, START) };
    bench.a.store.finish(claimed.fence, finish, None).await.unwrap();
    let again = RunAgain { source: claimed.fence.run, id: bench.id(), queue_limit: None };
    assert!(matches!(bench.a.store.run_again(again).await, Err(StoreError::Conflict(_))));
}

pub async fn a_queued_run_can_be_skipped(bench: Bench) {
    let id = bench.accept(bench.new_run()).await;
    assert_eq!(bench.a.store.skip(Skip::Run(id)).await.unwrap(), id);
    assert_eq!(bench.state(id).await, RunState::Skipped);
    bench.a.claims_nothing().await;
    assert!(matches!(bench.a.store.skip(Skip::Run(id)).await, Err(StoreError::Conflict(_))));
    let claimed = bench.claimed().await;
    let refused = bench.a.store.skip(Skip::Run(claimed.fence.run)).await.unwrap_err();
    assert!(refused.to_string().ends_with("is running: cancel it instead"), "{refused}");
}

pub async fn a_queued_or_waiting_run_is_cancelled_at_once(bench: Bench) {
    let queued = bench.accept(bench.new_run()).await;
    assert_eq!(bench.a.store.request_cancel(queued).await.unwrap(), Cancel::Cancelled);
    let claimed = bench.claimed().await;
    let park = Park { due: Some(START.plus_millis(5)), events: vec![], changes: Changes::default() };
    bench.a.store.park(claimed.fence, park).await.unwrap();
    assert_eq!(bench.a.store.request_cancel(claimed.fence.run).await.unwrap(), Cancel::Cancelled);
    bench.clock.pass(10);
    bench.a.claims_nothing().await;
    for run in [queued, claimed.fence.run] {
        let summary = bench.summary(run).await;
        assert_eq!((summary.state, summary.due), (RunState::Cancelled, None));
        assert!(summary.ended_at.is_some());
    }
}

pub async fn a_running_run_is_asked_to_end(bench: Bench) {
    let claimed = bench.claimed().await;
    assert_eq!(bench.b.store.request_cancel(claimed.fence.run).await.unwrap(), Cancel::Requested);
    assert_eq!(bench.b.store.request_cancel(claimed.fence.run).await.unwrap(), Cancel::Requested);
    let summary = bench.summary(claimed.fence.run).await;
    assert_eq!((summary.state, summary.cancel_requested), (RunState::Running, true));
    bench.a.store.finish(claimed.fence, Finish::new(RunState::Cancelled, START), None).await.unwrap();
    let summary = bench.summary(claimed.fence.run).await;
    assert_eq!((summary.state, summary.cancel_requested), (RunState::Cancelled, false));
}

pub async fn the_first_committed_end_wins(bench: Bench) {
    let claimed = bench.claimed().await;
    let run = claimed.fence.run;
    let finish = bench.a.store.finish(claimed.fence, Finish::new(RunState::Completed, START), None);
    let cancel = bench.a.store.request_cancel(run);
    finish.await.unwrap();
    assert_eq!(cancel.await.unwrap(), Cancel::Ended(RunState::Completed));
    assert_eq!(bench.state(run).await, RunState::Completed);
    // The other order: parked and cancelled, its worker is too late.
    let claimed = bench.claimed().await;
    bench.a.store.release(bench.a.owner).await.unwrap();
    assert_eq!(bench.a.store.request_cancel(claimed.fence.run).await.unwrap(), Cancel::Cancelled);
    let late = bench.a.store.finish(claimed.fence, Finish::new(RunState::Completed, START), None).await;
    assert_eq!(late, Err(StoreError::Stale { run: claimed.fence.run }));
    assert_eq!(bench.state(claimed.fence.run).await, RunState::Cancelled);
}

pub async fn a_cancel_outlives_its_worker(bench: Bench) {
    let claimed = bench.claimed().await;
    bench.b.store.request_cancel(claimed.fence.run).await.unwrap();
    let other = bench.claimed().await;
    bench.a.store.release(bench.a.owner).await.unwrap();
    assert_eq!(bench.state(claimed.fence.run).await, RunState::Cancelled);
    assert_eq!(bench.b.claim_ids(5).await, [other.fence.run]);
    bench.b.store.request_cancel(other.fence.run).await.unwrap();
    let bench = bench.restart().await;
    assert_eq!(bench.state(other.fence.run).await, RunState::Cancelled);
    bench.a.claims_nothing().await;
}

async fn wait_for(bench: &Bench, fence: Fence, names: &[&str]) {
    let events = names.iter().map(|name| (*name).to_owned()).collect();
    let park = Park { due: None, events, changes: Changes::default() };
    bench.a.store.park(fence, park).await.unwrap();
}

async fn deliver(bench: &Bench, run: RunId, name: &str, body: &str) -> Delivered {
    bench.b.store.deliver(run, name.to_owned(), body.as_bytes().to_vec()).await.unwrap()
}

pub async fn an_early_event_is_kept(bench: Bench) {
    let id = bench.accept(bench.new_run()).await;
    assert_eq!(deliver(&bench, id, "paid", "early").await, Delivered::Kept);
    let claimed = bench.a.claim_one().await;
    assert_eq!(claimed.events, [("paid".to_owned(), b"early".to_vec())]);
    // A run that parks for an event which has already arrived is due at once.
    wait_for(&bench, claimed.fence, &["paid"]).await;
    let claimed = bench.b.claim_one().await;
    assert_eq!(claimed.events, [("paid".to_owned(), b"early".to_vec())]);
}

pub async fn an_event_wakes_the_run_that_waits_for_it(bench: Bench) {
    let claimed = bench.claimed().await;
    wait_for(&bench, claimed.fence, &["paid", "sent"]).await;
    let asleep = bench.a.claim(1).await;
    assert_eq!((asleep.runs.len(), asleep.next_due), (0, None));
    assert_eq!(deliver(&bench, claimed.fence.run, "sent", "body").await, Delivered::Kept);
    let awake = bench.a.claim_one().await;
    assert_eq!(awake.events, [("sent".to_owned(), b"body".to_vec())]);
    // A time-out wakes it too.
    let park = Park {
        due: Some(bench.clock.now().plus_millis(7)),
        events: vec!["paid".to_owned()],
        changes: Changes::default(),
    };
    bench.a.store.park(awake.fence, park).await.unwrap();
    bench.clock.pass(7);
    assert_eq!(bench.a.claim_one().await.fence.run, claimed.fence.run);
}

pub async fn an_event_for_another_name_wakes_nobody(bench: Bench) {
    let claimed = bench.claimed().await;
    wait_for(&bench, claimed.fence, &["paid"]).await;
    assert_eq!(deliver(&bench, claimed.fence.run, "sent", "body").await, Delivered::Kept);
    bench.a.claims_nothing().await;
}

pub async fn an_event_is_delivered_once(bench: Bench) {
    let claimed = bench.claimed().await;
    let calls: Vec<_> =
        (0..20).map(|number| bench.b.store.deliver(claimed.fence.run, "paid".to_owned(), vec![number])).collect();
    let mut kept = 0;
    for call in calls {
        match call.await.unwrap() {
            Delivered::Kept => kept += 1,
            other => assert_eq!(other, Delivered::Already),
        }
    }
    assert_eq!(kept, 1);
    bench.a.store.release(bench.a.owner).await.unwrap();
    assert_eq!(bench.b.claim_one().await.events, [("paid".to_owned(), vec![0])]);
}

pub async fn an_ended_run_takes_no_event(bench: Bench) {
    let claimed = bench.claimed().await;
    assert_eq!(deliver(&bench, claimed.fence.run, "paid", "1").await, Delivered::Kept);
    bench.a.complete(claimed.fence).await;
    assert_eq!(deliver(&bench, claimed.fence.run, "paid", "2").await, Delivered::Ended);
    assert_eq!(deliver(&bench, claimed.fence.run, "sent", "2").await, Delivered::Ended);
    let nobody = bench.b.store.deliver(bench.id(), "paid".to_owned(), vec![]).await;
    assert!(matches!(nobody, Err(StoreError::NotFound(_))));
}

pub async fn runs_that_wait_for_events_are_listed(bench: Bench) {
    let park = |due: Option<i64>, events: &[&str]| Park {
        due: due.map(|millis| START.plus_millis(millis)),
        events: events.iter().map(|event| (*event).to_owned()).collect(),
        changes: Changes::default(),
    };
    let mut expected = Vec::new();
    for (due, events) in [(None, &["paid"][..]), (Some(50), &[]), (Some(90), &["a", "b"])] {
        let run = bench.accept(bench.run_with(|origin| origin.label = Some("no 7".to_owned()))).await;
        let claimed = bench.a.claim_one().await;
        bench.clock.pass(1);
        let started_at = bench.clock.now();
        let start = StepStart { position: "s".into(), attempt: 1, kind: "wait".into(), started_at };
        started(&bench.a.store, claimed.fence, start, Changes::default()).await.unwrap();
        bench.a.store.park(claimed.fence, park(due, events)).await.unwrap();
        if !events.is_empty() {
            expected.push(Awaiting {
                run,
                workflow: "w".to_owned(),
                label: Some("no 7".to_owned()),
                events: events.iter().map(|event| (*event).to_owned()).collect(),
                since: Some(started_at),
                due: due.map(|millis| START.plus_millis(millis)),
            });
        }
    }
    assert_eq!(bench.b.store.awaiting(10).await.unwrap(), expected);
    assert_eq!(bench.b.store.awaiting(1).await.unwrap(), expected[..1]);
    bench.a.store.deliver(expected[0].run, "paid".to_owned(), b"1".to_vec()).await.unwrap();
    bench.a.claim_one().await;
    assert_eq!(bench.b.store.awaiting(10).await.unwrap(), expected[1..]);
    bench.a.store.request_cancel(expected[1].run).await.unwrap();
    assert_eq!(bench.b.store.awaiting(10).await.unwrap(), []);
}
