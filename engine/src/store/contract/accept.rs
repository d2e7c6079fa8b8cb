//! Acceptance, idempotency, history.

use super::*;
use crate::store::{FinishedStart, IdempotencyKey, RunAgain, RunQuery, StoreError};

pub async fn a_run_is_kept_as_it_came(bench: Bench) {
    let new = NewRun {
        payload: Some(b"{\"itemId\":\"A100\"}".to_vec()),
        input: Some(vec![0, 1, 255]),
        ..bench.run_with(|origin| {
            origin.label = Some("A100".to_owned());
            origin.lane = Some(ticket("customer 1", true));
            origin.on_failure = Some("repair".to_owned());
            origin.scheduled_for = Some(START);
            origin.cause = Some(bench.id());
        })
    };
    let id = bench.accept(new.clone()).await;
    let run = bench.b.store.run(id).await.unwrap();
    assert_eq!(run.summary.origin, new.origin);
    assert_eq!(run.summary.state, RunState::Queued);
    assert_eq!(run.summary.accepted_at(), START);
    assert_eq!(run.summary.version, None);
    assert_eq!((run.payload, run.input), (new.payload, new.input));
    assert_eq!((run.output, run.answer, run.trace), (None, None, None));
}

pub async fn an_unknown_workflow_is_refused(bench: Bench) {
    let new = bench.run_with(|origin| origin.workflow = "nope".to_owned());
    let error = bench.a.store.accept(new).await.unwrap_err();
    assert_eq!(error, StoreError::NotFound("there is no workflow 'nope'".to_owned()));
}

pub async fn a_second_run_with_an_id_is_refused(bench: Bench) {
    let new = bench.new_run();
    bench.accept(new.clone()).await;
    let error = bench.a.store.accept(new.clone()).await.unwrap_err();
    assert_eq!(error, StoreError::Conflict(format!("there is a run {} already", new.origin.id)));
}

pub async fn a_free_run_is_claimed_as_it_is_accepted(bench: Bench) {
    let new = NewRun { start: claiming(&bench.a), ..bench.new_run() };
    let fence = Fence { run: new.origin.id, number: 1 };
    let accepted = bench.a.store.accept(new).await.unwrap();
    assert_eq!(accepted, Accepted::Claimed { fence, version: version("w", 1) });
    bench.b.claims_nothing().await;
    let summary = bench.summary(fence.run).await;
    assert_eq!((summary.state, summary.started_at), (RunState::Running, Some(START)));
    bench.a.complete(fence).await;
    assert_eq!(bench.state(fence.run).await, RunState::Completed);
}

pub async fn an_engine_without_a_lease_gets_no_claim(bench: Bench) {
    let new = NewRun { start: Start::Claim(OwnerId::random()), ..bench.new_run() };
    let id = bench.accept(new).await;
    assert_eq!(bench.b.claim_ids(1).await, [id]);
}

fn finished(bench: &Bench) -> NewRun {
    let finish = Finish {
        output: Some(b"output".to_vec()),
        answer: Some(b"answer".to_vec()),
        trace: Some(b"trace".to_vec()),
        ..Finish::new(RunState::Completed, START.plus_millis(2))
    };
    let start = FinishedStart { version: version("w", 1), started_at: START.plus_millis(1), finish };
    NewRun { start: Start::Finished(Box::new(start)), ..bench.new_run() }
}

pub async fn a_finished_run_is_one_decision(bench: Bench) {
    let before = bench.a.store.commit_sizes();
    let new = finished(&bench);
    let id = new.origin.id;
    assert_eq!(bench.a.store.accept(new).await.unwrap(), Accepted::Finished);
    assert_eq!(bench.a.store.commit_sizes().commits, before.commits + 1);
    let run = bench.b.store.run(id).await.unwrap();
    assert_eq!(run.summary.state, RunState::Completed);
    assert_eq!(run.summary.version, Some(version("w", 1)));
    assert_eq!(run.summary.started_at, Some(START.plus_millis(1)));
    assert_eq!(run.summary.ended_at, Some(START.plus_millis(2)));
    let bodies = [run.output, run.answer, run.trace].map(|body| String::from_utf8(body.unwrap()).unwrap());
    assert_eq!(bodies, ["output", "answer", "trace"]);
    bench.a.claims_nothing().await;
}

pub async fn a_finished_run_names_a_published_version(bench: Bench) {
    let mut new = finished(&bench);
    if let Start::Finished(start) = &mut new.start {
        start.version = version("w", 9);
    }
    let error = bench.a.store.accept(new).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound(text) if text.ends_with("was not published")));
    // A version that is no longer the current one is valid, too.
    bench.publish(&[changed("w", 2)]).await;
    assert_eq!(bench.a.store.accept(finished(&bench)).await.unwrap(), Accepted::Finished);
}

pub async fn a_finished_run_cannot_stand_in_a_lane(bench: Bench) {
    let new = {
        let mut new = finished(&bench);
        new.origin.lane = Some(ticket("", false));
        new
    };
    assert!(matches!(bench.a.store.accept(new).await, Err(StoreError::Conflict(_))));
}

pub async fn a_full_queue_refuses_and_keeps_nothing(bench: Bench) {
    let limited = || NewRun { queue_limit: Some(2), ..bench.new_run() };
    bench.accept(limited()).await;
    bench.accept(limited()).await;
    let third = limited();
    let id = third.origin.id;
    assert_eq!(bench.a.store.accept(third).await.unwrap(), Accepted::QueueFull { queued: 2 });
    assert!(matches!(bench.a.store.summary(id).await, Err(StoreError::NotFound(_))));
    // A run that starts at once needs no place in the queue.
    let at_once = NewRun { start: claiming(&bench.a), ..limited() };
    assert!(matches!(bench.a.store.accept(at_once).await.unwrap(), Accepted::Claimed { .. }));
    bench.a.claim_one().await;
    bench.accept(limited()).await;
}

pub async fn running_runs_are_not_queued_ones(bench: Bench) {
    let limited = || NewRun { queue_limit: Some(1), ..bench.new_run() };
    for _ in 0..3 {
        bench.accept(limited()).await;
        let claimed = bench.a.claim_one().await;
        // Through a failure and a retry it counts again.
        bench.a.fail(claimed.fence).await;
        bench.a.store.retry(claimed.fence.run).await.unwrap();
        assert_eq!(bench.a.store.accept(limited()).await.unwrap(), Accepted::QueueFull { queued: 1 });
        bench.a.store.request_cancel(claimed.fence.run).await.unwrap();
    }
}

pub async fn history_takes_a_batch_twice(bench: Bench) {
    let batch: Vec<NewRun> = (0..50).map(|_| finished(&bench)).collect();
    bench.a.store.history(batch[..30].into()).await.unwrap();
    bench.a.store.history(batch.clone().into()).await.unwrap();
    let page = bench.a.store.runs(RunQuery::default()).await.unwrap();
    assert_eq!((page.runs.len(), page.next), (50, None));
    let error = bench.a.store.history([finished(&bench), bench.new_run()].into()).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(_)));
    assert_eq!(bench.a.store.runs(RunQuery::default()).await.unwrap().runs.len(), 50);
}

pub async fn one_bad_decision_spoils_no_other(bench: Bench) {
    // Handed over together, they share a commit.
    let good: Vec<NewRun> = (0..20).map(|_| bench.new_run()).collect();
    let answers: Vec<_> = good
        .iter()
        .map(|new| {
            let bad = bench.run_with(|origin| origin.workflow = "nope".to_owned());
            (bench.a.store.accept(new.clone()), bench.a.store.accept(bad))
        })
        .collect();
    for (good, bad) in answers {
        assert_eq!(good.await.unwrap(), Accepted::Queued);
        assert!(matches!(bad.await, Err(StoreError::NotFound(_))));
    }
    assert_eq!(bench.a.claim_ids(100).await, good.iter().map(|new| new.origin.id).collect::<Vec<_>>());
}

fn keyed(bench: &Bench, key: &str, request: u8) -> NewRun {
    let key = IdempotencyKey { scope: "w/key 1".to_owned(), key: key.to_owned(), request: [request; 32] };
    NewRun { idempotency: Some(key), ..bench.new_run() }
}

pub async fn a_hundred_duplicates_make_one_run(bench: Bench) {
    let mut tasks = Vec::new();
    for number in 0..100 {
        let store = if number % 2 == 0 { bench.a.store.clone() } else { bench.b.store.clone() };
        let new = NewRun { start: claiming(&bench.a), ..keyed(&bench, "k", 1) };
        tasks.push(tokio::spawn(async move { (new.origin.id, store.accept(new).await.unwrap()) }));
    }
    let mut winner = None;
    let mut named = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            (id, Accepted::Claimed { .. }) => assert_eq!(winner.replace(id), None, "only one is new"),
            (_, Accepted::Duplicate(run)) => named.push(run.origin.id),
            (_, other) => panic!("{other:?}"),
        }
    }
    assert_eq!(named, vec![winner.unwrap(); 99]);
    assert_eq!(bench.a.store.runs(RunQuery::default()).await.unwrap().runs.len(), 1);
}

pub async fn a_key_with_another_request_is_refused(bench: Bench) {
    bench.accept(keyed(&bench, "k", 1)).await;
    assert_eq!(bench.a.store.accept(keyed(&bench, "k", 2)).await.unwrap(), Accepted::KeyReused);
    bench.accept(keyed(&bench, "other", 2)).await;
}

pub async fn a_key_is_forgotten_after_its_time(bench: Bench) {
    let first = bench.accept(keyed(&bench, "k", 1)).await;
    let claimed = bench.a.claim_one().await;
    bench.a.complete(claimed.fence).await;
    bench.clock.pass(24 * 3_600_000 - 1);
    match bench.a.store.accept(keyed(&bench, "k", 1)).await.unwrap() {
        Accepted::Duplicate(run) => assert_eq!((run.origin.id, run.state), (first, RunState::Completed)),
        other => panic!("{other:?}"),
    }
    bench.clock.pass(1);
    let second = bench.accept(keyed(&bench, "k", 2)).await;
    match bench.a.store.accept(keyed(&bench, "k", 2)).await.unwrap() {
        Accepted::Duplicate(run) => assert_eq!(run.origin.id, second),
        other => panic!("{other:?}"),
    }
}

pub async fn a_key_outlives_its_time_while_its_run_is_unfinished(bench: Bench) {
    let first = bench.accept(keyed(&bench, "k", 1)).await;
    bench.clock.pass(48 * 3_600_000);
    match bench.a.store.accept(keyed(&bench, "k", 1)).await.unwrap() {
        Accepted::Duplicate(run) => assert_eq!(run.origin.id, first),
        other => panic!("{other:?}"),
    }
    bench.a.store.request_cancel(first).await.unwrap();
    bench.accept(keyed(&bench, "k", 1)).await;
}

pub async fn a_refused_run_leaves_no_key(bench: Bench) {
    let first = bench.accept(bench.new_run()).await;
    let refused = NewRun { queue_limit: Some(1), ..keyed(&bench, "k", 1) };
    assert_eq!(bench.a.store.accept(refused).await.unwrap(), Accepted::QueueFull { queued: 1 });
    bench.a.store.request_cancel(first).await.unwrap();
    bench.accept(keyed(&bench, "k", 2)).await;
}

pub async fn keys_of_different_scopes_do_not_meet(bench: Bench) {
    let scoped = |scope: &str, key: &str| {
        let key = IdempotencyKey { scope: scope.to_owned(), key: key.to_owned(), request: [1; 32] };
        NewRun { idempotency: Some(key), ..bench.new_run() }
    };
    bench.accept(scoped("a", "bc")).await;
    bench.accept(scoped("ab", "c")).await;
    bench.accept(scoped("b", "bc")).await;
}

pub async fn large_bodies_come_back_whole(bench: Bench) {
    let large = |seed: u8| Some((0..100_000_u32).map(|i| (i % 251) as u8 ^ seed).collect::<Vec<u8>>());
    let new = NewRun { payload: large(1), input: large(2), start: claiming(&bench.a), ..bench.new_run() };
    let fence = Fence { run: new.origin.id, number: 1 };
    bench.a.store.accept(new).await.unwrap();
    let end = |seed: u8| Finish { output: large(seed), answer: large(seed), trace: large(seed), ..failed("x") };
    bench.a.store.finish(fence, end(3), None).await.unwrap();
    let run = bench.a.store.run(fence.run).await.unwrap();
    assert_eq!((run.payload, run.input), (large(1), large(2)));
    assert_eq!((run.output, run.answer, run.trace), (large(3), large(3), large(3)));
    // A later, smaller end replaces all of the larger one.
    bench.a.store.retry(fence.run).await.unwrap();
    let again = bench.a.claim_one().await;
    assert_eq!(again.run.payload, large(1));
    let small = Finish { output: Some(b"o".to_vec()), ..Finish::new(RunState::Completed, START) };
    bench.a.store.finish(again.fence, small, None).await.unwrap();
    let run = bench.a.store.run(fence.run).await.unwrap();
    assert_eq!(
        (run.output, run.answer, run.trace),
        (Some(b"o".to_vec()), None, large(3)),
        "the trace of earlier tries stays"
    );
    // A new run with the same payload.
    let id = bench.id();
    let rerun = RunAgain { source: fence.run, id, queue_limit: None };
    assert_eq!(bench.a.store.run_again(rerun).await.unwrap(), Accepted::Queued);
    assert_eq!(bench.a.store.run(id).await.unwrap().payload, large(1));
}
