//! Claims, leases, slots, versions.

use std::collections::HashSet;

use super::*;
use crate::store::{Park, StoreError};

pub async fn two_claimants_never_get_the_same_run(bench: Bench) {
    const RUNS: usize = 200;
    let accepting: Vec<_> = (0..RUNS).map(|_| bench.a.store.accept(bench.new_run())).collect();
    for accepted in accepting {
        assert_eq!(accepted.await.unwrap(), Accepted::Queued);
    }
    let mut tasks = Vec::new();
    for worker in 0..8 {
        let engine = if worker % 2 == 0 { &bench.a } else { &bench.b };
        let (store, owner) = (engine.store.clone(), engine.owner);
        tasks.push(tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claimed = store.claim(Claim { owner, limit: 3 }).await.unwrap();
                if claimed.runs.is_empty() {
                    return mine;
                }
                for run in claimed.runs {
                    store.finish(run.fence, Finish::new(RunState::Completed, START), None).await.unwrap();
                    mine.push(run.fence.run);
                }
            }
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    assert_eq!(all.len(), RUNS, "each run is claimed");
    assert_eq!(all.into_iter().collect::<HashSet<_>>().len(), RUNS, "each run is claimed once");
}

pub async fn the_longest_due_run_goes_first(bench: Bench) {
    bench.publish(&[workflow("w"), workflow("v")]).await;
    let mut ids = Vec::new();
    for workflow in ["w", "v", "v", "w"] {
        bench.clock.pass(10);
        ids.push(bench.accept(bench.run_with(|origin| origin.workflow = workflow.to_owned())).await);
    }
    // The first one sleeps until now: runs accepted before have been due for longer.
    let first = bench.a.claim_one().await;
    assert_eq!(first.fence.run, ids[0]);
    let due = Some(bench.clock.now().plus_millis(5));
    bench.a.store.park(first.fence, Park { due, events: vec![], changes: Changes::default() }).await.unwrap();
    bench.clock.pass(10);
    let last = bench.accept(bench.new_run()).await;
    assert_eq!(bench.a.claim_ids(10).await, [ids[1], ids[2], ids[3], ids[0], last]);
}

pub async fn a_run_takes_the_current_version_when_it_starts(bench: Bench) {
    let id = bench.accept(bench.new_run()).await;
    bench.publish(&[changed("w", 2)]).await;
    let claimed = bench.a.claim_one().await;
    assert_eq!(claimed.version, version("w", 2));
    assert_eq!(bench.summary(id).await.version, Some(version("w", 2)));
    assert_eq!(bench.a.store.version_text(claimed.version).await.unwrap(), b"w 2");
}

pub async fn a_retried_run_keeps_its_version(bench: Bench) {
    let claimed = bench.claimed().await;
    bench.a.fail(claimed.fence).await;
    bench.publish(&[changed("w", 2)]).await;
    bench.a.store.retry(claimed.fence.run).await.unwrap();
    let again = bench.b.claim_one().await;
    assert_eq!((again.version, again.fence.number), (version("w", 1), 2));
    assert_eq!(again.run.summary.retries, 1);
    assert_eq!(bench.a.store.version_text(again.version).await.unwrap(), b"w 1");
}

pub async fn slots_bound_the_claimed_runs(bench: Bench) {
    bench.publish(&[LoadedWorkflow { concurrency: Some(2), ..workflow("w") }, workflow("free")]).await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(bench.accept(bench.new_run()).await);
    }
    let free = bench.accept(bench.run_with(|origin| origin.workflow = "free".to_owned())).await;
    // Two of the first workflow, and one of another without a limit.
    let claimed = bench.a.claim(10).await.runs;
    assert_eq!(claimed.iter().map(|run| run.fence.run).collect::<Vec<_>>(), [ids[0], ids[1], free]);
    bench.b.claims_nothing().await;
    bench.a.complete(claimed[1].fence).await;
    assert_eq!(bench.b.claim_ids(10).await, [ids[2]]);
    // More slots in a new file count at once.
    bench.publish(&[LoadedWorkflow { concurrency: Some(3), ..workflow("w") }, workflow("free")]).await;
    assert_eq!(bench.b.claim_ids(10).await, [ids[3]]);
}

pub async fn a_parked_run_frees_its_slot(bench: Bench) {
    bench.publish(&[LoadedWorkflow { concurrency: Some(1), ..workflow("w") }]).await;
    let first = bench.claimed().await;
    let second = bench.accept(bench.new_run()).await;
    bench.b.claims_nothing().await;
    let due = Some(START.plus_millis(1000));
    bench.a.store.park(first.fence, Park { due, events: vec![], changes: Changes::default() }).await.unwrap();
    let other = bench.b.claim_one().await;
    assert_eq!(other.fence.run, second);
    // Awake again, it waits for the slot.
    bench.clock.pass(1000);
    bench.a.claims_nothing().await;
    bench.b.complete(other.fence).await;
    assert_eq!(bench.a.claim_ids(1).await, [first.fence.run]);
}

pub async fn nobody_overtakes_those_who_wait_for_a_slot(bench: Bench) {
    bench.publish(&[LoadedWorkflow { concurrency: Some(1), ..workflow("w") }]).await;
    let first = bench.accept(bench.new_run()).await;
    let second = bench.accept(NewRun { start: claiming(&bench.a), ..bench.new_run() }).await;
    let claimed = bench.a.claim_one().await;
    assert_eq!(claimed.fence.run, first);
    let third = bench.accept(NewRun { start: claiming(&bench.a), ..bench.new_run() }).await;
    bench.a.complete(claimed.fence).await;
    let claimed = bench.a.claim_one().await;
    assert_eq!(claimed.fence.run, second);
    bench.a.complete(claimed.fence).await;
    assert_eq!(bench.a.claim_ids(2).await, [third]);
}

pub async fn an_ended_lease_frees_the_claims(bench: Bench) {
    let claimed = bench.claimed().await;
    bench.clock.pass(LEASE.as_millis() as u64 - 1);
    bench.b.store.renew(bench.b.owner, LEASE).await.unwrap();
    bench.b.claims_nothing().await;
    bench.clock.pass(1);
    let again = bench.b.claim_one().await;
    assert_eq!((again.fence.run, again.fence.number), (claimed.fence.run, 2));
    let late = bench.a.store.checkpoint(claimed.fence, Changes::default()).await;
    assert_eq!(late, Err(StoreError::Stale { run: claimed.fence.run }));
    bench.b.complete(again.fence).await;
}

pub async fn a_renewed_lease_keeps_them(bench: Bench) {
    let claimed = bench.claimed().await;
    for _ in 0..5 {
        bench.clock.pass(LEASE.as_millis() as u64 / 2);
        bench.lease().await;
        bench.b.claims_nothing().await;
    }
    bench.a.complete(claimed.fence).await;
}

pub async fn a_released_owner_is_stale_at_once(bench: Bench) {
    let claimed = bench.claimed().await;
    bench.a.store.release(bench.a.owner).await.unwrap();
    let late = bench.a.store.checkpoint(claimed.fence, Changes::default()).await;
    assert_eq!(late, Err(StoreError::Stale { run: claimed.fence.run }));
    assert_eq!(bench.state(claimed.fence.run).await, RunState::Running);
    assert_eq!(bench.b.claim_ids(1).await, [claimed.fence.run]);
}

pub async fn a_clock_that_jumps_takes_no_claim_and_stops_no_queue(bench: Bench) {
    let claimed = bench.claimed().await;
    bench.clock.jump(3_600_000);
    let queued = bench.accept(bench.new_run()).await;
    bench.clock.jump(-7_200_000);
    assert_eq!(bench.b.claim_ids(10).await, [queued], "the queued one, and not the one that is held");
    bench.a.complete(claimed.fence).await;
}

pub async fn a_clock_that_was_set_back_prolongs_no_sleep(bench: Bench) {
    let claimed = bench.claimed().await;
    let due = START.plus_millis(10_000);
    bench
        .a
        .store
        .park(claimed.fence, Park { due: Some(due), events: vec![], changes: Changes::default() })
        .await
        .unwrap();
    let queued = bench.accept(NewRun { due: Some(due.plus_millis(1)), ..bench.new_run() }).await;
    bench.clock.pass(4_000);
    bench.clock.jump(-7_200_000);
    let now = bench.clock.now();
    let nothing = bench.a.claim(2).await;
    assert_eq!((nothing.runs.len(), nothing.next_due), (0, Some(now.plus_millis(6_000))));
    bench.clock.pass(6_001);
    let mut woken = bench.a.claim(2).await.runs;
    woken.sort_by_key(|run| run.fence.run != claimed.fence.run);
    assert_eq!(woken.iter().map(|run| run.fence.run).collect::<Vec<_>>(), [claimed.fence.run, queued]);
    // The instants that it has stored itself must be corrected.
    assert_eq!(woken[0].set_back, Duration::from_hours(2));
    bench
        .a
        .store
        .park(woken[0].fence, Park { due: Some(bench.clock.now()), events: vec![], changes: Changes::default() })
        .await
        .unwrap();
    assert_eq!(bench.a.claim(1).await.runs[0].set_back, Duration::ZERO);
}

pub async fn a_run_that_is_not_yet_due_waits(bench: Bench) {
    let due = START.plus_millis(500);
    let id = bench.accept(NewRun { due: Some(due), ..bench.new_run() }).await;
    let claimed = bench.a.claim(1).await;
    assert_eq!((claimed.runs.len(), claimed.next_due), (0, Some(due)));
    bench.clock.pass(500);
    let claimed = bench.a.claim(1).await;
    assert_eq!((claimed.runs[0].fence.run, claimed.next_due), (id, None));
}

pub async fn a_claim_without_a_lease_is_refused(bench: Bench) {
    let claim = Claim { owner: OwnerId::random(), limit: 1 };
    assert!(matches!(bench.a.store.claim(claim).await, Err(StoreError::Conflict(_))));
}

pub async fn a_finish_claims_the_next_in_the_same_commit(bench: Bench) {
    bench.publish(&[LoadedWorkflow { concurrency: Some(1), ..workflow("w") }]).await;
    let first = bench.claimed().await;
    let second = bench.accept(bench.new_run()).await;
    let before = bench.a.store.commit_sizes().commits;
    let then = Some(Claim { owner: bench.a.owner, limit: 5 });
    let claimed = bench.a.store.finish(first.fence, Finish::new(RunState::Completed, START), then).await.unwrap();
    assert_eq!(claimed.runs.len(), 1);
    assert_eq!(claimed.runs[0].fence.run, second);
    assert_eq!(bench.a.store.commit_sizes().commits, before + 1);
}

pub async fn a_finish_without_a_lease_stands_and_claims_nothing(bench: Bench) {
    let claimed = bench.claimed().await;
    bench.accept(bench.new_run()).await;
    bench.clock.pass(LEASE.as_millis() as u64);
    let then = Some(Claim { owner: bench.a.owner, limit: 5 });
    let next = bench.a.store.finish(claimed.fence, Finish::new(RunState::Completed, START), then).await.unwrap();
    assert_eq!(next.runs, []);
    assert_eq!(bench.state(claimed.fence.run).await, RunState::Completed);
}
