//! Retention.

use super::*;
use crate::store::{IdempotencyKey, Park, Pruned, Retention, RunQuery, StoreError};

const DAY: u64 = 24 * 3_600_000;

fn retention(bench: &Bench, days: u64, max_runs: u64) -> Retention {
    Retention { ended_before: bench.clock.now().plus_millis(-((days * DAY) as i64)), max_runs, slice: 10 }
}

/// Prunes until nothing is left to prune, and counts.
async fn prune(bench: &Bench, retention: &Retention) -> Pruned {
    let mut all = Pruned { more: true, ..Pruned::default() };
    for _ in 0..1000 {
        let slice = bench.a.store.prune(retention.clone()).await.unwrap();
        assert!(slice.runs <= retention.slice);
        all.runs += slice.runs;
        all.versions += slice.versions;
        all.more = slice.more;
        if !slice.more {
            return all;
        }
    }
    panic!("retention does not come to an end");
}

async fn left(bench: &Bench) -> Vec<RunId> {
    let query = RunQuery { limit: 1000, ..Default::default() };
    let mut ids: Vec<_> = bench.b.store.runs(query).await.unwrap().runs.into_iter().map(|run| run.origin.id).collect();
    ids.reverse();
    ids
}

async fn finished(bench: &Bench) -> RunId {
    let claimed = bench.claimed().await;
    let finish = Finish { trace: Some(vec![1; 2000]), ..Finish::new(RunState::Completed, bench.clock.now()) };
    bench.a.store.finish(claimed.fence, finish, None).await.unwrap();
    claimed.fence.run
}

pub async fn old_runs_go_and_the_others_stay(bench: Bench) {
    let mut ids = Vec::new();
    for _ in 0..35 {
        ids.push(finished(&bench).await);
        bench.clock.pass(DAY);
        bench.lease().await;
    }
    assert_eq!(prune(&bench, &retention(&bench, 10, 1_000_000)).await.runs, 25);
    assert_eq!(left(&bench).await, ids[25..]);
    assert_eq!(prune(&bench, &retention(&bench, 10, 1_000_000)).await.runs, 0);
    assert!(matches!(bench.a.store.run(ids[0]).await, Err(StoreError::NotFound(_))));
    assert_eq!(bench.a.store.run(ids[30]).await.unwrap().trace.unwrap().len(), 2000);
}

pub async fn unfinished_runs_and_held_heads_stay(bench: Bench) {
    let parked = bench.claimed().await;
    let park = Park { due: None, events: vec!["paid".to_owned()], changes: keeping("a", "1") };
    bench.a.store.park(parked.fence, park).await.unwrap();
    let running = bench.claimed().await;
    let held = bench.accept(bench.in_lane("", true)).await;
    let behind = bench.accept(bench.in_lane("", true)).await;
    let claimed = bench.a.claim_one().await;
    bench.a.fail(claimed.fence).await;
    let failed = bench.claimed().await;
    bench.a.fail(failed.fence).await;
    for _ in 0..30 {
        finished(&bench).await;
    }
    bench.clock.pass(100 * DAY);
    bench.lease().await;
    // By age and by number.
    assert_eq!(prune(&bench, &retention(&bench, 30, 0)).await.runs, 31);
    assert_eq!(left(&bench).await, [parked.fence.run, running.fence.run, held, behind]);
    // What they need is kept.
    bench.b.store.deliver(parked.fence.run, "paid".to_owned(), vec![]).await.unwrap();
    bench.b.store.retry(held).await.unwrap();
    let claimed = bench.b.claim(10).await.runs;
    assert!(claimed.iter().any(|run| run.kept == [("a".to_owned(), b"1".to_vec())]));
    assert!(claimed.iter().any(|run| run.fence.run == held));
}

pub async fn the_oldest_of_too_many_go(bench: Bench) {
    let mut ids = Vec::new();
    for _ in 0..30 {
        bench.clock.pass(1);
        ids.push(finished(&bench).await);
    }
    assert_eq!(prune(&bench, &retention(&bench, 30, 12)).await.runs, 18);
    assert_eq!(left(&bench).await, ids[18..]);
}

pub async fn a_version_goes_with_its_last_run(bench: Bench) {
    let first = finished(&bench).await;
    let failed = bench.claimed().await;
    bench.a.fail(failed.fence).await;
    bench.clock.pass(DAY);
    bench.publish(&[changed("w", 2)]).await;
    bench.clock.pass(DAY);
    bench.lease().await;
    finished(&bench).await;
    // A retried run still needs the text.
    bench.a.store.retry(failed.fence.run).await.unwrap();
    bench.clock.pass(40 * DAY);
    bench.lease().await;
    let pruned = prune(&bench, &retention(&bench, 30, 1_000_000)).await;
    assert_eq!((pruned.runs, pruned.versions), (2, 0));
    assert!(bench.a.store.summary(first).await.is_err());
    let claimed = bench.a.claim_one().await;
    assert_eq!(bench.a.store.version_text(claimed.version).await.unwrap(), b"w 1");
    bench.a.complete(claimed.fence).await; // it ends in the past, by the finish of the tests
    let pruned = prune(&bench, &retention(&bench, 30, 1_000_000)).await;
    assert_eq!((pruned.runs, pruned.versions), (1, 1));
    assert!(matches!(bench.a.store.version_text(version("w", 1)).await, Err(StoreError::NotFound(_))));
    assert_eq!(bench.a.store.version_text(version("w", 2)).await.unwrap(), b"w 2", "the current one stays");
}

pub async fn an_idempotency_key_goes_with_its_time(bench: Bench) {
    let keyed = |request: u8| NewRun {
        idempotency: Some(IdempotencyKey { scope: "s".to_owned(), key: "k".to_owned(), request: [request; 32] }),
        ..bench.new_run()
    };
    let id = bench.accept(keyed(1)).await;
    bench.clock.pass(2 * DAY);
    bench.lease().await;
    prune(&bench, &retention(&bench, 30, 1_000_000)).await;
    assert_eq!(bench.a.store.accept(keyed(2)).await.unwrap(), Accepted::KeyReused, "its run is unfinished");
    bench.a.store.request_cancel(id).await.unwrap();
    prune(&bench, &retention(&bench, 30, 1_000_000)).await;
    bench.accept(keyed(2)).await;
    // With a run its key is deleted.
    let claimed = bench.a.claim_one().await;
    bench.a.complete(claimed.fence).await;
    prune(&bench, &retention(&bench, 30, 0)).await;
    bench.accept(keyed(3)).await;
}

pub async fn slices_end(bench: Bench) {
    for _ in 0..25 {
        finished(&bench).await;
    }
    bench.clock.pass(40 * DAY);
    let retention = retention(&bench, 30, 1_000_000);
    let first = bench.a.store.prune(retention.clone()).await.unwrap();
    assert_eq!((first.runs, first.more), (10, true));
    let second = bench.a.store.prune(retention.clone()).await.unwrap();
    assert_eq!((second.runs, second.more), (10, true));
    assert_eq!(bench.a.store.prune(retention.clone()).await.unwrap().runs, 5);
    assert_eq!(left(&bench).await, []);
}

pub async fn a_clock_that_is_ahead_for_seconds_makes_nothing_old(bench: Bench) {
    const YEARS: i64 = 10 * 365 * DAY as i64;
    let run = finished(&bench).await;
    let key = IdempotencyKey { scope: "w".to_owned(), key: "k".to_owned(), request: [1; 32] };
    let with_key = || NewRun { idempotency: Some(key.clone()), ..bench.new_run() };
    bench.accept(with_key()).await;
    let claimed = bench.a.claim_one().await;
    bench.a.complete(claimed.fence).await;
    bench.clock.jump(YEARS);
    assert_eq!(prune(&bench, &retention(&bench, 30, 1_000_000)).await.runs, 0);
    assert!(matches!(bench.a.store.accept(with_key()).await.unwrap(), Accepted::Duplicate(_)));
    bench.clock.jump(-YEARS);
    assert_eq!(prune(&bench, &retention(&bench, 30, 1_000_000)).await.runs, 0);
    assert!(matches!(bench.a.store.accept(with_key()).await.unwrap(), Accepted::Duplicate(_)));
    assert!(bench.a.store.run(run).await.is_ok());
    // If it stays there, it is right.
    bench.clock.jump(YEARS);
    prune(&bench, &retention(&bench, 30, 1_000_000)).await;
    bench.clock.pass(2 * 3_600_000);
    assert!(prune(&bench, &retention(&bench, 30, 1_000_000)).await.runs >= 1);
}
