//! Ordered delivery.

use std::collections::HashMap;

use super::*;
use crate::store::{LaneQuery, RunAgain, Skip, StoreError};

/// Accepts `count` runs in a lane.
async fn fill(bench: &Bench, key: &str, pause: bool, count: usize) -> Vec<RunId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(bench.accept(bench.in_lane(key, pause)).await);
    }
    ids
}

/// The lane continues with exactly these runs, one after another.
async fn goes_on_with(bench: &Bench, expected: &[RunId]) {
    for run in expected {
        let claimed = bench.a.claim(10).await.runs;
        assert_eq!(claimed.iter().map(|run| run.fence.run).collect::<Vec<_>>(), [*run]);
        bench.a.complete(claimed[0].fence).await;
    }
    bench.a.claims_nothing().await;
}

pub async fn a_lane_goes_in_order_and_one_at_a_time(bench: Bench) {
    let ids = fill(&bench, "", false, 4).await;
    // One that wants to start at once must wait its turn, too.
    let last = bench.accept(NewRun { start: claiming(&bench.b), ..bench.in_lane("", false) }).await;
    goes_on_with(&bench, &[ids[0], ids[1], ids[2], ids[3], last]).await;
    // An empty lane lets it start.
    let new = NewRun { start: claiming(&bench.b), ..bench.in_lane("", false) };
    assert!(matches!(bench.a.store.accept(new).await.unwrap(), Accepted::Claimed { .. }));
    fill(&bench, "", false, 1).await;
    bench.a.claims_nothing().await;
}

pub async fn lanes_of_different_keys_do_not_wait_for_each_other(bench: Bench) {
    bench.publish(&[workflow("w"), workflow("v")]).await;
    let one = fill(&bench, "1", false, 2).await;
    let two = fill(&bench, "2", false, 2).await;
    let mut other = bench.in_lane("1", false);
    other.origin.workflow = "v".to_owned();
    let other = bench.accept(other).await;
    let none = bench.accept(bench.new_run()).await;
    assert_eq!(bench.a.claim_ids(10).await, [one[0], two[0], other, none]);
}

pub async fn a_failure_lets_the_next_go(bench: Bench) {
    let ids = fill(&bench, "", false, 2).await;
    let claimed = bench.a.claim_one().await;
    bench.a.fail(claimed.fence).await;
    assert!(!bench.summary(ids[0]).await.holds_lane);
    goes_on_with(&bench, &ids[1..]).await;
}

pub async fn a_pausing_failure_holds_the_lane(bench: Bench) {
    for state in [RunState::Failed, RunState::TimedOut] {
        let key = state.as_str();
        let ids = fill(&bench, key, true, 2).await;
        let claimed = bench.a.claim_one().await;
        bench.a.store.finish(claimed.fence, Finish::new(state, START), None).await.unwrap();
        assert!(bench.summary(ids[0]).await.holds_lane);
        bench.a.claims_nothing().await;
        fill(&bench, key, true, 1).await;
        bench.a.claims_nothing().await;
    }
    // A success releases the next run.
    let ids = fill(&bench, "good", true, 2).await;
    goes_on_with(&bench, &ids).await;
}

pub async fn a_message_keeps_the_pause_it_came_with(bench: Bench) {
    let first = fill(&bench, "", false, 1).await;
    let second = fill(&bench, "", true, 1).await;
    let third = fill(&bench, "", false, 1).await;
    for (run, holds) in [(first[0], false), (second[0], true)] {
        let claimed = bench.a.claim_one().await;
        assert_eq!(claimed.fence.run, run);
        bench.a.fail(claimed.fence).await;
        assert_eq!(bench.summary(run).await.holds_lane, holds);
    }
    bench.a.claims_nothing().await;
    assert_eq!(bench.a.store.skip(Skip::Head(lane(""))).await.unwrap(), second[0]);
    goes_on_with(&bench, &third).await;
}

async fn held(bench: &Bench, count: usize) -> Vec<RunId> {
    let ids = fill(bench, "", true, count).await;
    let claimed = bench.a.claim_one().await;
    assert_eq!(claimed.fence.run, ids[0]);
    bench.a.fail(claimed.fence).await;
    bench.a.claims_nothing().await;
    ids
}

pub async fn a_skipped_head_opens_the_lane(bench: Bench) {
    let ids = held(&bench, 3).await;
    assert_eq!(bench.b.store.skip(Skip::Head(lane(""))).await.unwrap(), ids[0]);
    let summary = bench.summary(ids[0]).await;
    assert_eq!((summary.state, summary.holds_lane), (RunState::Failed, false));
    // The next head is queued: skipping it makes it skipped.
    assert_eq!(bench.b.store.skip(Skip::Head(lane(""))).await.unwrap(), ids[1]);
    assert_eq!(bench.state(ids[1]).await, RunState::Skipped);
    goes_on_with(&bench, &ids[2..]).await;
    assert!(matches!(bench.b.store.skip(Skip::Head(lane(""))).await, Err(StoreError::NotFound(_))));
    assert!(matches!(bench.b.store.skip(Skip::Head(lane("never"))).await, Err(StoreError::NotFound(_))));
}

pub async fn a_retried_head_keeps_its_place(bench: Bench) {
    let ids = held(&bench, 3).await;
    bench.b.store.retry(ids[0]).await.unwrap();
    goes_on_with(&bench, &ids).await;
}

pub async fn resume_retries_the_head(bench: Bench) {
    let ids = held(&bench, 2).await;
    assert_eq!(bench.b.store.resume(lane("")).await.unwrap(), ids[0]);
    let twice = bench.b.store.resume(lane("")).await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))), "the lane is no longer held");
    goes_on_with(&bench, &ids).await;
    assert!(matches!(bench.b.store.resume(lane("")).await, Err(StoreError::NotFound(_))));
}

pub async fn a_late_retry_goes_to_the_tail(bench: Bench) {
    let ids = fill(&bench, "", false, 3).await;
    let claimed = bench.a.claim_one().await;
    bench.a.fail(claimed.fence).await;
    bench.b.store.retry(ids[0]).await.unwrap();
    let newer = fill(&bench, "", false, 1).await;
    goes_on_with(&bench, &[ids[1], ids[2], ids[0], newer[0]]).await;
    // In an empty lane the tail is the head.
    let id = fill(&bench, "", false, 1).await;
    let claimed = bench.a.claim_one().await;
    bench.a.fail(claimed.fence).await;
    bench.b.store.retry(id[0]).await.unwrap();
    goes_on_with(&bench, &id).await;
}

async fn again(bench: &Bench, source: RunId) -> RunId {
    let id = bench.id();
    let again = RunAgain { source, id, queue_limit: Some(10_000) };
    assert_eq!(bench.b.store.run_again(again).await.unwrap(), Accepted::Queued);
    id
}

pub async fn a_head_run_again_takes_the_place(bench: Bench) {
    let ids = held(&bench, 3).await;
    bench.publish(&[changed("w", 2)]).await;
    let heir = again(&bench, ids[0]).await;
    let old = bench.summary(ids[0]).await;
    assert_eq!((old.state, old.holds_lane), (RunState::Failed, false));
    let claimed = bench.a.claim_one().await;
    assert_eq!((claimed.fence.run, claimed.version), (heir, version("w", 2)));
    assert_eq!(claimed.run.summary.origin.lane, Some(ticket("", true)));
    bench.a.complete(claimed.fence).await;
    goes_on_with(&bench, &ids[1..]).await;
    // The old head may still be retried: at the tail.
    let newer = fill(&bench, "", true, 1).await;
    bench.b.store.retry(ids[0]).await.unwrap();
    goes_on_with(&bench, &[newer[0], ids[0]]).await;
}

pub async fn any_other_run_again_goes_to_the_tail(bench: Bench) {
    let ids = fill(&bench, "", true, 2).await;
    goes_on_with(&bench, &ids).await;
    let waiting = fill(&bench, "", true, 1).await;
    let copy = again(&bench, ids[0]).await;
    let newer = fill(&bench, "", true, 1).await;
    goes_on_with(&bench, &[waiting[0], copy, newer[0]]).await;
}

pub async fn a_full_queue_does_not_lock_a_held_lane(bench: Bench) {
    let ids = held(&bench, 3).await;
    let id = bench.id();
    let accepted = bench.b.store.run_again(RunAgain { source: ids[0], id, queue_limit: Some(2) }).await.unwrap();
    assert_eq!(accepted, Accepted::Queued);
    let refused = bench.b.store.run_again(RunAgain { source: ids[0], id: bench.id(), queue_limit: Some(2) }).await;
    assert_eq!(refused.unwrap(), Accepted::QueueFull { queued: 3 });
    goes_on_with(&bench, &[id, ids[1], ids[2]]).await;
}

pub async fn cancelled_and_skipped_let_the_next_go(bench: Bench) {
    let ids = fill(&bench, "", true, 5).await;
    bench.b.store.skip(Skip::Run(ids[2])).await.unwrap();
    bench.b.store.request_cancel(ids[0]).await.unwrap();
    let claimed = bench.a.claim_one().await;
    assert_eq!(claimed.fence.run, ids[1]);
    bench.b.store.request_cancel(ids[1]).await.unwrap();
    bench.a.claims_nothing().await;
    bench.a.store.finish(claimed.fence, Finish::new(RunState::Cancelled, START), None).await.unwrap();
    goes_on_with(&bench, &ids[3..]).await;
}

pub async fn a_crash_keeps_the_order(bench: Bench) {
    let ids = fill(&bench, "", true, 3).await;
    let claimed = bench.a.claim_one().await;
    bench.a.complete(claimed.fence).await;
    bench.a.claim_one().await;
    let bench = bench.restart().await;
    goes_on_with(&bench, &ids[1..]).await;
}

pub async fn two_claimants_keep_the_order_of_many_lanes(bench: Bench) {
    const LANES: usize = 7;
    const EACH: usize = 12;
    for number in 0..LANES * EACH {
        let mut new = bench.in_lane(&(number % LANES).to_string(), false);
        new.origin.label = Some(number.to_string());
        bench.accept(new).await;
    }
    let mut tasks = Vec::new();
    for engine in [&bench.a, &bench.b, &bench.a, &bench.b] {
        let (store, owner) = (engine.store.clone(), engine.owner);
        tasks.push(tokio::spawn(async move {
            let mut ended = Vec::new();
            let mut next = store.claim(Claim { owner, limit: 2 }).await.unwrap();
            while ended.len() < LANES * EACH {
                let Some(run) = next.runs.pop() else {
                    next = store.claim(Claim { owner, limit: 2 }).await.unwrap();
                    if next.runs.is_empty() {
                        let open = store.lanes(LaneQuery::default()).await.unwrap().lanes;
                        if open.is_empty() {
                            break;
                        }
                    }
                    continue;
                };
                let label: usize = run.run.summary.origin.label.unwrap().parse().unwrap();
                store.finish(run.fence, Finish::new(RunState::Completed, START), None).await.unwrap();
                ended.push(label);
            }
            ended
        }));
    }
    // Within a worker the order of a lane must be visible; across workers the claims themselves prove it.
    let mut count = 0;
    for task in tasks {
        let mut last: HashMap<usize, usize> = HashMap::new();
        for label in task.await.unwrap() {
            count += 1;
            let before = last.insert(label % LANES, label);
            assert!(before.is_none_or(|before| before < label), "{before:?} before {label}");
        }
    }
    assert_eq!(count, LANES * EACH);
}

pub async fn lanes_are_listed_with_their_heads(bench: Bench) {
    bench.publish(&[workflow("w"), workflow("v")]).await;
    let held = held(&bench, 3).await;
    let keyed = fill(&bench, "k", false, 2).await;
    let mut other = bench.in_lane("k", false);
    other.origin.workflow = "v".to_owned();
    let other = bench.accept(other).await;
    let done = fill(&bench, "done", false, 1).await;
    bench.b.store.request_cancel(done[0]).await.unwrap();

    let all = bench.a.store.lanes(LaneQuery::default()).await.unwrap();
    let told: Vec<_> = all
        .lanes
        .iter()
        .map(|lane| (lane.lane.workflow.as_str(), lane.lane.key.as_str(), lane.length, lane.head, lane.held))
        .collect();
    assert_eq!(told, [("v", "k", 1, other, false), ("w", "", 3, held[0], true), ("w", "k", 2, keyed[0], false)]);
    assert_eq!(all.next, None);
    let told: Vec<_> = all.lanes.iter().map(|lane| (lane.since, lane.head_error.clone())).collect();
    let queued = |lane: usize| (all.lanes[lane].head.accepted_at(), None);
    assert_eq!(told, [queued(0), (START, Some(failure("boom"))), queued(2)]);

    let only = LaneQuery { held: true, ..LaneQuery::default() };
    assert_eq!(bench.a.store.lanes(only).await.unwrap().lanes, [all.lanes[1].clone()]);
    let only = LaneQuery { workflow: Some("v".to_owned()), ..LaneQuery::default() };
    assert_eq!(bench.a.store.lanes(only).await.unwrap().lanes, [all.lanes[0].clone()]);

    let mut paged = Vec::new();
    let mut query = LaneQuery { limit: 1, ..LaneQuery::default() };
    loop {
        let page = bench.a.store.lanes(query.clone()).await.unwrap();
        paged.extend(page.lanes);
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    assert_eq!(paged, all.lanes);
}
