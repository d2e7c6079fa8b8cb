//! The state after a crash.

use super::*;
use crate::store::{IdempotencyKey, Park, StepStart};

pub async fn a_crash_frees_every_claim(bench: Bench) {
    let claimed = bench.claimed().await;
    let queued = bench.accept(bench.new_run()).await;
    let bench = bench.restart().await;
    assert_eq!(bench.state(claimed.fence.run).await, RunState::Running);
    let again = bench.b.claim(10).await.runs;
    let told: Vec<_> = again.iter().map(|run| (run.fence.run, run.fence.number)).collect();
    assert_eq!(told, [(claimed.fence.run, 2), (queued, 1)]);
}

pub async fn what_was_committed_is_there_after_a_crash(bench: Bench) {
    let claimed = bench.claimed().await;
    let step = StepStart { position: "post".to_owned(), attempt: 1, kind: "http".to_owned(), started_at: START };
    started(&bench.a.store, claimed.fence, step, keeping("a", "1")).await.unwrap();
    let done = bench.claimed().await;
    bench.a.complete(done.fence).await;
    let bench = bench.restart().await;
    let again = bench.a.claim_one().await;
    assert_eq!(again.kept, [("a".to_owned(), b"1".to_vec())]);
    assert_eq!(again.steps[0].position, "post");
    assert_eq!(bench.state(done.fence.run).await, RunState::Completed);
}

pub async fn an_idempotency_key_survives_a_crash(bench: Bench) {
    let key = IdempotencyKey { scope: "s".to_owned(), key: "k".to_owned(), request: [1; 32] };
    let first = bench.accept(NewRun { idempotency: Some(key.clone()), ..bench.new_run() }).await;
    let bench = bench.restart().await;
    match bench.a.store.accept(NewRun { idempotency: Some(key), ..bench.new_run() }).await.unwrap() {
        Accepted::Duplicate(run) => assert_eq!(run.origin.id, first),
        other => panic!("{other:?}"),
    }
}

pub async fn a_wait_survives_a_crash(bench: Bench) {
    let claimed = bench.claimed().await;
    let due = START.plus_millis(5000);
    let park = Park { due: Some(due), events: vec!["paid".to_owned()], changes: Changes::default() };
    bench.a.store.park(claimed.fence, park.clone()).await.unwrap();
    let bench = bench.restart().await;
    assert_eq!(bench.a.claim(1).await.next_due, Some(due));
    bench.b.store.deliver(claimed.fence.run, "paid".to_owned(), b"yes".to_vec()).await.unwrap();
    let bench = bench.restart().await;
    let awake = bench.a.claim_one().await;
    assert_eq!(awake.events, [("paid".to_owned(), b"yes".to_vec())]);
    bench.a.store.park(awake.fence, Park { events: vec![], ..park }).await.unwrap();
    let bench = bench.restart().await;
    bench.a.claims_nothing().await;
    bench.clock.pass(5000);
    bench.a.claim_one().await;
}
