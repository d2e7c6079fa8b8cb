//! The writes of a worker under its fence.

use super::*;
use crate::store::{LogLine, Mask, Park, StepEnd, StepStart, StepState, StoreError, Try};

fn start(position: &str, attempt: u32) -> StepStart {
    StepStart { position: position.to_owned(), attempt, kind: "http".to_owned(), started_at: START }
}

fn end(position: &str, attempt: u32, result: &str) -> StepEnd {
    StepEnd {
        position: position.to_owned(),
        attempt,
        ended_at: START.plus_millis(9),
        result: Ok(Some(result.as_bytes().to_vec())),
        diagnostics: None,
    }
}

fn park(due: Timestamp) -> Park {
    Park { due: Some(due), events: vec![], changes: Changes::default() }
}

pub async fn a_stale_fence_writes_nothing(bench: Bench) {
    let first = bench.claimed().await;
    bench.a.store.release(bench.a.owner).await.unwrap();
    let second = bench.b.claim_one().await;
    let late = started(&bench.a.store, first.fence, start("post", 1), keeping("x", "late")).await;
    assert_eq!(late, Err(StoreError::Stale { run: first.fence.run }));
    assert_eq!(bench.a.store.steps(first.fence.run).await.unwrap(), []);
    assert_eq!(bench.a.store.kept_below(first.fence.run, "").await.unwrap(), []);
    bench.b.complete(second.fence).await;
}

pub async fn every_write_of_a_dead_claim_is_refused(bench: Bench) {
    let claimed = bench.claimed().await;
    started(&bench.a.store, claimed.fence, start("post", 1), Changes::default()).await.unwrap();
    bench.a.store.release(bench.a.owner).await.unwrap();
    let current = bench.b.claim_one().await.fence;
    let stale = StoreError::Stale { run: current.run };
    let made_up = [claimed.fence, Fence { number: current.number + 1, ..current }, Fence { number: 0, ..current }];
    for fence in made_up {
        let store = &bench.a.store;
        let none = Changes::default;
        assert_eq!(started(store, fence, start("b", 1), none()).await, Err(stale.clone()));
        assert_eq!(store.step_result(fence, end("post", 1, "r"), none()).await, Err(stale.clone()));
        assert_eq!(store.checkpoint(fence, none()).await, Err(stale.clone()));
        assert_eq!(store.park(fence, park(START)).await, Err(stale.clone()));
        assert_eq!(store.respond(fence, b"a".to_vec(), none()).await, Err(stale.clone()));
        assert_eq!(store.finish(fence, failed("x"), None).await, Err(stale.clone()));
    }
    bench.b.complete(current).await;
    // An ended run has no fence at all.
    let late = bench.b.store.finish(current, failed("x"), None).await;
    assert_eq!(late, Err(stale));
    assert_eq!(bench.state(current.run).await, RunState::Completed);
}

pub async fn steps_are_kept_in_the_order_of_their_starts(bench: Bench) {
    let fence = bench.claimed().await.fence;
    let store = &bench.a.store;
    started(store, fence, start("z", 1), Changes::default()).await.unwrap();
    let more = Changes { starts: vec![start("a[1]/post", 1)], ..Changes::default() };
    started(store, fence, start("a[0]/post", 1), more).await.unwrap();
    let failing = StepEnd { result: Err(failure("peer is down")), ..end("a[0]/post", 1, "") };
    let others = Changes { ends: vec![end("a[1]/post", 1, "one")], ..Changes::default() };
    store.step_result(fence, failing, others).await.unwrap();
    started(store, fence, start("a[0]/post", 2), Changes::default()).await.unwrap();
    store.step_result(fence, end("z", 1, "zed"), Changes::default()).await.unwrap();

    let steps = store.steps(fence.run).await.unwrap();
    let told: Vec<_> = steps.iter().map(|step| (step.position.as_str(), step.attempt, step.state)).collect();
    let expected = [
        ("z", 1, StepState::Completed),
        ("a[1]/post", 1, StepState::Completed),
        ("a[0]/post", 1, StepState::Failed),
        ("a[0]/post", 2, StepState::Started),
    ];
    assert_eq!(told, expected);
    assert_eq!(steps[0].result.as_deref(), Some(b"zed".as_slice()));
    assert_eq!(steps[0].ended_at, Some(START.plus_millis(9)));
    assert_eq!(steps[2].error, Some(failure("peer is down")));
    assert_eq!((steps[3].ended_at, &steps[3].result), (None, &None));
}

pub async fn no_start_overwrites_an_earlier_attempt(bench: Bench) {
    let fence = bench.claimed().await.fence;
    let store = &bench.a.store;
    let starts = async |attempt| started(store, fence, start("post", attempt), Changes::default()).await;
    starts(1).await.unwrap();
    assert!(matches!(starts(1).await, Err(StoreError::Conflict(_))), "it is at work");
    let interrupted =
        StepEnd { result: Err(Failure { kind: Failure::INTERRUPTED.into(), ..failure("x") }), ..end("post", 1, "") };
    store.checkpoint(fence, Changes { ends: vec![interrupted], ..Changes::default() }).await.unwrap();
    assert!(matches!(starts(1).await, Err(StoreError::Conflict(_))), "it was interrupted");
    starts(2).await.unwrap();
    store.step_result(fence, end("post", 2, "r"), Changes::default()).await.unwrap();
    assert!(matches!(starts(2).await, Err(StoreError::Conflict(_))), "it is completed");
    let states: Vec<_> = store.steps(fence.run).await.unwrap().iter().map(|step| (step.attempt, step.state)).collect();
    assert_eq!(states, [(1, StepState::Interrupted), (2, StepState::Completed)]);
}

pub async fn no_step_of_an_ended_run_is_at_work(bench: Bench) {
    let states = async |run| bench.b.store.steps(run).await.unwrap().iter().map(|step| step.state).collect::<Vec<_>>();
    let fence = bench.claimed().await.fence;
    started(&bench.a.store, fence, start("post", 1), Changes::default()).await.unwrap();
    bench.a.fail(fence).await;
    assert_eq!(states(fence.run).await, [StepState::Interrupted]);
    let asleep = bench.claimed().await.fence;
    let changes = Changes { starts: vec![start("wait", 1)], ..Changes::default() };
    bench.a.store.park(asleep, Park { changes, ..park(START.plus_millis(1000)) }).await.unwrap();
    assert_eq!(states(asleep.run).await, [StepState::Started]);
    bench.a.store.request_cancel(asleep.run).await.unwrap();
    assert_eq!(states(asleep.run).await, [StepState::Interrupted]);
}

pub async fn a_result_wants_a_start(bench: Bench) {
    let fence = bench.claimed().await.fence;
    let store = &bench.a.store;
    let never = store.step_result(fence, end("post", 1, "r"), keeping("x", "1")).await;
    assert!(matches!(never, Err(StoreError::Conflict(_))));
    assert_eq!(store.kept_below(fence.run, "").await.unwrap(), [], "the whole decision is refused");
    started(store, fence, start("post", 1), Changes::default()).await.unwrap();
    store.step_result(fence, end("post", 1, "r"), Changes::default()).await.unwrap();
    let twice = store.step_result(fence, end("post", 1, "other"), Changes::default()).await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))));
    assert_eq!(store.steps(fence.run).await.unwrap()[0].result.as_deref(), Some(b"r".as_slice()));
}

pub async fn kept_state_comes_back_and_goes_with_the_end(bench: Bench) {
    let fence = bench.claimed().await.fence;
    let store = &bench.a.store;
    let two = Changes {
        input: Some(b"input".to_vec()),
        kept: vec![("a".into(), Some(b"1".to_vec())), ("b".into(), Some(vec![7; 5000]))],
        ..Changes::default()
    };
    store.checkpoint(fence, two).await.unwrap();
    store.checkpoint(fence, keeping("a", "2")).await.unwrap();
    let removed = Changes { kept: vec![("b".into(), None), ("gone".into(), None)], ..Changes::default() };
    started(store, fence, start("post", 1), removed).await.unwrap();
    store.release(bench.a.owner).await.unwrap();
    let again = bench.b.claim_one().await;
    assert_eq!(again.kept, [("a".to_owned(), b"2".to_vec())]);
    assert_eq!(again.run.input.as_deref(), Some(b"input".as_slice()));
    assert_eq!(again.steps.len(), 1);
    bench.b.complete(again.fence).await;
    assert_eq!(store.kept_below(fence.run, "").await.unwrap(), []);
    assert_eq!(store.steps(fence.run).await.unwrap().len(), 1);
}

pub async fn a_failed_run_keeps_its_state_for_a_retry(bench: Bench) {
    let fence = bench.claimed().await.fence;
    let failing = Finish { changes: keeping("a", "1"), trace: Some(b"trace".to_vec()), ..failed("boom") };
    bench.a.store.finish(fence, failing, None).await.unwrap();
    let run = bench.b.store.run(fence.run).await.unwrap();
    assert_eq!(run.summary.state, RunState::Failed);
    assert_eq!(run.summary.error, Some(failure("boom")));
    bench.a.store.retry(fence.run).await.unwrap();
    let again = bench.b.claim_one().await;
    assert_eq!(again.kept, [("a".to_owned(), b"1".to_vec())]);
    assert_eq!(again.run.trace.as_deref(), Some(b"trace".as_slice()));
    assert_eq!((again.run.summary.error, again.run.summary.ended_at), (None, None));
    // A cancelled one never continues.
    let cancelled = Finish::new(RunState::Cancelled, START);
    bench.b.store.finish(again.fence, cancelled, None).await.unwrap();
    assert_eq!(bench.b.store.kept_below(fence.run, "").await.unwrap(), []);
}

pub async fn every_try_of_a_run_stays_in_its_history(bench: Bench) {
    let id = bench.accept(bench.new_run()).await;
    for number in 0..3_u32 {
        bench.clock.pass(100);
        let fence = bench.b.claim_one().await.fence;
        let ended_at = bench.clock.now().plus_millis(7);
        let state = if number == 1 { RunState::TimedOut } else { RunState::Failed };
        let finish = Finish { state, ended_at, ..failed(&format!("boom {number}")) };
        bench.a.store.finish(fence, finish, None).await.unwrap();
        if number < 2 {
            bench.a.store.retry(id).await.unwrap();
        }
    }
    let told = |number: u32, state, message: &str| Try {
        number,
        state,
        started_at: Some(START.plus_millis(i64::from(number) * 100)),
        ended_at: Some(START.plus_millis(i64::from(number) * 100 + 7)),
        error: Some(failure(message)),
    };
    let mut expected = vec![
        told(1, RunState::Failed, "boom 0"),
        told(2, RunState::TimedOut, "boom 1"),
        told(3, RunState::Failed, "boom 2"),
    ];
    assert_eq!(bench.b.store.tries(id).await.unwrap(), expected);
    bench.a.store.retry(id).await.unwrap();
    expected.push(Try { number: 4, state: RunState::Queued, started_at: None, ended_at: None, error: None });
    assert_eq!(bench.b.store.tries(id).await.unwrap(), expected);
    assert_eq!(bench.summary(id).await.started_at, Some(START.plus_millis(100)), "the first start counts");
}

pub async fn a_try_that_slept_started_before_its_sleep(bench: Bench) {
    let new = NewRun { start: claiming(&bench.a), ..bench.new_run() };
    let id = new.origin.id;
    let Accepted::Claimed { fence, .. } = bench.a.store.accept(new).await.unwrap() else { panic!("it is free") };
    let park = Park { due: Some(START.plus_millis(50)), events: vec![], changes: Changes::default() };
    bench.a.store.park(fence, park).await.unwrap();
    bench.clock.pass(60);
    let claimed = bench.b.claim_one().await;
    assert_eq!(bench.b.store.tries(id).await.unwrap()[0].started_at, Some(START));
    bench.a.fail(claimed.fence).await;
    bench.a.store.retry(id).await.unwrap();
    let tries = bench.b.store.tries(id).await.unwrap();
    assert_eq!((tries[0].started_at, tries[1].started_at), (Some(START), None));
}

pub async fn lists_of_steps_leave_large_results_out(bench: Bench) {
    let fence = bench.claimed().await.fence;
    let store = &bench.a.store;
    for (position, size) in [("small", 10), ("large", 5000)] {
        started(store, fence, start(position, 1), Changes::default()).await.unwrap();
        store.step_result(fence, end(position, 1, &"x".repeat(size)), Changes::default()).await.unwrap();
    }
    let list = store.step_list(fence.run, 4096).await.unwrap();
    let told: Vec<_> = list.iter().map(|(step, size)| (step.result.as_ref().map(Vec::len), *size)).collect();
    assert_eq!(told, [(Some(10), 10), (None, 5000)]);
    let below: Vec<_> = store.kept_below(fence.run, "a:").await.unwrap();
    assert_eq!(below, []);
    let kept = ["a", "a:1", "a:2", "b"].map(|name| (name.to_owned(), Some(b"v".to_vec())));
    store.checkpoint(fence, Changes { kept: kept.into(), ..Changes::default() }).await.unwrap();
    let below = store.kept_below(fence.run, "a:").await.unwrap();
    assert_eq!(below.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a:1", "a:2"]);
}

pub async fn a_parked_run_sleeps_until_it_is_due(bench: Bench) {
    let fence = bench.claimed().await.fence;
    let due = START.plus_millis(1000);
    bench.a.store.park(fence, Park { changes: keeping("at", "sleep"), ..park(due) }).await.unwrap();
    let summary = bench.summary(fence.run).await;
    assert_eq!((summary.state, summary.due), (RunState::Waiting, Some(due)));
    let late = bench.a.store.checkpoint(fence, Changes::default()).await;
    assert_eq!(late, Err(StoreError::Stale { run: fence.run }), "a parked run has no holder");
    assert_eq!(bench.b.claim(1).await.next_due, Some(due));
    bench.clock.pass(999);
    bench.b.claims_nothing().await;
    bench.clock.pass(1);
    let awake = bench.b.claim_one().await;
    assert_eq!(awake.kept, [("at".to_owned(), b"sleep".to_vec())]);
    assert_eq!(awake.run.summary.started_at, Some(START), "the first start counts");
}

pub async fn parking_keeps_the_lane(bench: Bench) {
    let first = bench.accept(bench.in_lane("", false)).await;
    let second = bench.accept(bench.in_lane("", false)).await;
    let claimed = bench.a.claim_one().await;
    bench.a.store.park(claimed.fence, park(START.plus_millis(10))).await.unwrap();
    bench.b.claims_nothing().await;
    bench.clock.pass(10);
    let claimed = bench.b.claim_one().await;
    assert_eq!(claimed.fence.run, first);
    bench.b.complete(claimed.fence).await;
    assert_eq!(bench.a.claim_ids(5).await, [second]);
}

pub async fn a_response_is_given_once_and_stays(bench: Bench) {
    let fence = bench.claimed().await.fence;
    let store = &bench.a.store;
    store.respond(fence, b"first".to_vec(), keeping("a", "1")).await.unwrap();
    assert!(bench.summary(fence.run).await.has_answer());
    let second = store.respond(fence, b"second".to_vec(), Changes::default()).await;
    assert!(matches!(second, Err(StoreError::Conflict(_))));
    let ending = Finish { answer: Some(b"end".to_vec()), ..failed("boom") };
    store.finish(fence, ending.clone(), None).await.unwrap();
    assert_eq!(store.run(fence.run).await.unwrap().answer.as_deref(), Some(b"first".as_slice()));
    store.retry(fence.run).await.unwrap();
    let again = bench.b.claim_one().await;
    bench.b.store.finish(again.fence, ending, None).await.unwrap();
    assert_eq!(store.run(fence.run).await.unwrap().answer.as_deref(), Some(b"first".as_slice()));
}

pub async fn the_answer_of_a_retry_is_the_newest(bench: Bench) {
    let fence = bench.claimed().await.fence;
    let bad = Finish { answer: Some(b"bad".to_vec()), ..failed("boom") };
    bench.a.store.finish(fence, bad, None).await.unwrap();
    bench.a.store.retry(fence.run).await.unwrap();
    let again = bench.a.claim_one().await;
    let good = Finish { answer: Some(b"good".to_vec()), ..Finish::new(RunState::Completed, START) };
    bench.a.store.finish(again.fence, good, None).await.unwrap();
    let run = bench.a.store.run(fence.run).await.unwrap();
    assert_eq!((run.answer.as_deref(), run.summary.error), (Some(b"good".as_slice()), None));
}

pub async fn a_mask_replaces_what_was_kept(bench: Bench) {
    let new = NewRun { payload: Some(vec![b's'; 3000]), input: Some(b"secret".to_vec()), ..bench.new_run() };
    let id = bench.accept(new).await;
    let fence = bench.a.claim_one().await.fence;
    let store = &bench.a.store;
    started(store, fence, start("post", 1), Changes::default()).await.unwrap();
    store.step_result(fence, end("post", 1, "secret"), Changes::default()).await.unwrap();
    let mask =
        Mask { payload: Some(b"***".to_vec()), input: None, results: vec![("post".to_owned(), 1, b"***".to_vec())] };
    let finish = Finish { mask: Some(mask), ..Finish::new(RunState::Completed, START) };
    store.finish(fence, finish, None).await.unwrap();
    let run = store.run(id).await.unwrap();
    assert!(run.summary.masked);
    assert_eq!((run.payload.as_deref(), run.input), (Some(b"***".as_slice()), None));
    assert_eq!(store.steps(id).await.unwrap()[0].result.as_deref(), Some(b"***".as_slice()));
}

pub async fn a_failure_starts_its_workflow_in_the_same_commit(bench: Bench) {
    bench.publish(&[workflow("w"), workflow("repair")]).await;
    let fence = bench.claimed().await.fence;
    let mut repair = NewRun {
        input: Some(b"[run, error]".to_vec()),
        queue_limit: Some(0), // a failure is reported even where the queue is full
        ..queued(bench.id(), "repair", Trigger::Failure)
    };
    repair.origin.cause = Some(fence.run);
    let failing = Finish { on_failure: Some(Box::new(repair.clone())), ..failed("boom") };
    let before = bench.a.store.commit_sizes().commits;
    bench.a.store.finish(fence, failing, None).await.unwrap();
    assert_eq!(bench.a.store.commit_sizes().commits, before + 1);
    let claimed = bench.b.claim_one().await;
    assert_eq!(claimed.fence.run, repair.origin.id);
    assert_eq!(
        (claimed.run.summary.origin.trigger, claimed.run.summary.origin.cause),
        (Trigger::Failure, Some(fence.run))
    );
    // If the workflow is missing, the whole end is refused: nothing is lost silently.
    let other = bench.claimed().await.fence;
    let origin = Origin { workflow: "nope".to_owned(), id: bench.id(), ..repair.origin };
    let nobody = NewRun { origin, ..repair };
    let failing = Finish { on_failure: Some(Box::new(nobody)), ..failed("boom") };
    assert!(matches!(bench.a.store.finish(other, failing, None).await, Err(StoreError::NotFound(_))));
    assert_eq!(bench.state(other.run).await, RunState::Running);
    bench.a.fail(other).await;
}

pub async fn a_failure_run_starts_no_further_one(bench: Bench) {
    bench.accept(bench.run_with(|origin| origin.trigger = Trigger::Failure)).await;
    let fence = bench.a.claim_one().await.fence;
    let next = queued(bench.id(), "w", Trigger::Failure);
    let failing = Finish { on_failure: Some(Box::new(next)), ..failed("boom") };
    assert!(matches!(bench.a.store.finish(fence, failing, None).await, Err(StoreError::Conflict(_))));
    bench.a.fail(fence).await;
    bench.a.claims_nothing().await;
}

pub async fn a_run_cannot_end_in_a_state_that_is_no_end(bench: Bench) {
    let fence = bench.claimed().await.fence;
    for state in [RunState::Queued, RunState::Running, RunState::Waiting, RunState::Skipped] {
        let refused = bench.a.store.finish(fence, Finish::new(state, START), None).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{state}");
    }
    for state in [RunState::Completed, RunState::Failed, RunState::TimedOut, RunState::Cancelled] {
        let fence = bench.claimed().await.fence;
        bench.a.store.finish(fence, Finish::new(state, START), None).await.unwrap();
        assert_eq!(bench.state(fence.run).await, state);
    }
}

pub async fn log_lines_are_numbered_through(bench: Bench) {
    let fence = bench.claimed().await.fence;
    let line = |message: &str| LogLine {
        at: START,
        level: "info".to_owned(),
        message: message.to_owned(),
        position: Some("hello".to_owned()),
    };
    let lines = |from: u32, to: u32| Changes {
        log: (from..to).map(|number| line(&number.to_string())).collect(),
        ..Changes::default()
    };
    bench.a.store.checkpoint(fence, lines(0, 3)).await.unwrap();
    bench.a.store.release(bench.a.owner).await.unwrap();
    let again = bench.b.claim_one().await;
    assert_eq!(again.log_lines, 3);
    let finish = Finish { changes: lines(3, 10), ..failed("boom") };
    bench.b.store.finish(again.fence, finish, None).await.unwrap();
    let page = bench.a.store.log(fence.run, 2, 4).await.unwrap();
    let texts: Vec<_> = page.lines.iter().map(|line| line.message.as_str()).collect();
    assert_eq!((page.first, texts), (2, vec!["2", "3", "4", "5"]));
    assert_eq!(page.lines[0], line("2"));
    assert_eq!(bench.a.store.log(fence.run, 10, 4).await.unwrap().lines, []);
}
