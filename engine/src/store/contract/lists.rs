//! The list of runs.

use super::*;
use crate::store::{Cursor, Preview, Recent, RecentRun, RunQuery, StoreError};

async fn ids(bench: &Bench, query: RunQuery) -> Vec<RunId> {
    bench.b.store.runs(query).await.unwrap().runs.into_iter().map(|run| run.origin.id).collect()
}

fn reversed(ids: &[RunId]) -> Vec<RunId> {
    ids.iter().rev().copied().collect()
}

pub async fn pages_do_not_shift_while_runs_are_accepted(bench: Bench) {
    let mut all = Vec::new();
    for _ in 0..25 {
        bench.clock.pass(1);
        all.push(bench.accept(bench.new_run()).await);
    }
    let mut seen = Vec::new();
    let mut query = RunQuery { limit: 4, ..RunQuery::default() };
    loop {
        let page = bench.b.store.runs(query.clone()).await.unwrap();
        seen.extend(page.runs.iter().map(|run| run.origin.id));
        bench.clock.pass(1);
        bench.accept(bench.new_run()).await;
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, reversed(&all));
}

pub async fn the_beginnings_of_outputs_are_read_for_many_runs(bench: Bench) {
    let mut wanted = Vec::new();
    for output in [Some(vec![1; 10]), None, Some(vec![2; 100_000])] {
        let fence = bench.claimed().await.fence;
        let finish = Finish { output: output.clone(), ..Finish::new(RunState::Completed, START) };
        bench.a.store.finish(fence, finish, None).await.unwrap();
        wanted.extend(output.map(|output| Preview {
            run: fence.run,
            size: output.len() as u64,
            start: output[..output.len().min(3000)].to_vec(),
        }));
    }
    let mut runs: Vec<RunId> = wanted.iter().map(|preview| preview.run).collect();
    runs.push(bench.new_run().origin.id); // there is no such run
    assert_eq!(bench.b.store.previews(runs, 3000).await.unwrap(), wanted);
}

pub async fn filters_are_joined_by_and(bench: Bench) {
    bench.publish(&[workflow("w"), workflow("v")]).await;
    let mut all = Vec::new();
    for (number, (workflow, trigger)) in [
        ("w", Trigger::Webhook),
        ("w", Trigger::Manual),
        ("v", Trigger::Webhook),
        ("v", Trigger::Manual),
        ("w", Trigger::Schedule),
    ]
    .into_iter()
    .enumerate()
    {
        bench.clock.pass(100);
        let label = Some(format!("Label {number}"));
        let new = bench.run_with(|origin| {
            origin.label = label;
            origin.workflow = workflow.to_owned();
            origin.trigger = trigger;
        });
        all.push(bench.accept(new).await);
    }
    bench.a.store.request_cancel(all[0]).await.unwrap();
    let w = || Some("w".to_owned());
    assert_eq!(ids(&bench, RunQuery::default()).await, reversed(&all));
    let of = |query: RunQuery| ids(&bench, query);
    assert_eq!(of(RunQuery { workflow: w(), ..Default::default() }).await, [all[4], all[1], all[0]]);
    assert_eq!(of(RunQuery { trigger: Some(Trigger::Manual), ..Default::default() }).await, [all[3], all[1]]);
    assert_eq!(of(RunQuery { trigger: Some(Trigger::Webhook), ..Default::default() }).await, [all[2], all[0]]);
    let both = RunQuery { workflow: w(), trigger: Some(Trigger::Manual), ..Default::default() };
    assert_eq!(of(both).await, [all[1]]);
    let cancelled = RunQuery { workflow: w(), states: vec![RunState::Cancelled], ..Default::default() };
    assert_eq!(of(cancelled).await, [all[0]]);
    let times = RunQuery {
        accepted_from: Some(START.plus_millis(200)),
        accepted_before: Some(START.plus_millis(400)),
        ..Default::default()
    };
    assert_eq!(of(times.clone()).await, [all[2], all[1]]);
    assert_eq!(of(RunQuery { workflow: w(), ..times }).await, [all[1]]);
    assert_eq!(of(RunQuery { label: Some("Label 2".to_owned()), ..Default::default() }).await, [all[2]]);
    assert_eq!(of(RunQuery { label: Some("label 2".to_owned()), ..Default::default() }).await, []);
    assert_eq!(of(RunQuery { workflow: Some("nope".to_owned()), ..Default::default() }).await, []);
}

pub async fn text_finds_ids_labels_lanes_and_errors(bench: Bench) {
    let plain = bench.accept(bench.new_run()).await;
    bench.clock.pass(1000);
    let labelled = bench.accept(bench.run_with(|origin| origin.label = Some("Order 17".to_owned()))).await;
    let in_lane = bench.accept(bench.in_lane("order-lane", false)).await;
    bench.clock.pass(1000);
    let claimed = bench.a.claim(1).await.runs.remove(0);
    assert_eq!(claimed.fence.run, plain);
    bench.a.store.finish(claimed.fence, failed("Order is missing"), None).await.unwrap();
    let of = |text: &str| ids(&bench, RunQuery { text: Some(text.to_owned()), ..Default::default() });
    assert_eq!(of("order").await, [in_lane, labelled, plain]);
    assert_eq!(of("ORDER ").await, [labelled, plain]);
    assert_eq!(of("order i").await, [plain]);
    assert_eq!(of("rder").await, []);
    assert_eq!(of("").await, [in_lane, labelled, plain]);
    assert_eq!(of("100%_").await, []);
    let id = plain.to_string();
    assert_eq!(of(&id).await, [plain]);
    assert_eq!(of(&id.to_uppercase()).await, [plain]);
    assert_eq!(of(&id[..12]).await, [plain]);
    let joined =
        RunQuery { text: Some("order".to_owned()), states: vec![RunState::Queued], limit: 1, ..Default::default() };
    let page = bench.a.store.runs(joined.clone()).await.unwrap();
    assert_eq!(page.runs[0].origin.id, in_lane);
    let rest = RunQuery { after: page.next, ..joined };
    assert_eq!(ids(&bench, rest).await, [labelled]);
}

pub async fn a_common_text_is_found_too(bench: Bench) {
    let accepting: Vec<_> = (0..2500)
        .map(|number| {
            let label = if number % 10 == 0 { "rare" } else { "common" };
            bench.a.store.accept(bench.run_with(|origin| origin.label = Some(label.to_owned())))
        })
        .collect();
    for accepted in accepting {
        accepted.await.unwrap();
    }
    for (text, expected) in [("comm", 2250), ("rar", 250), ("RARE", 250), ("x", 0)] {
        let mut query = RunQuery { text: Some(text.to_owned()), limit: 1000, ..Default::default() };
        let mut count = 0;
        loop {
            let page = bench.b.store.runs(query.clone()).await.unwrap();
            assert!(page.runs.is_sorted_by(|a, b| a.origin.id > b.origin.id));
            count += page.runs.len();
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(count, expected, "{text}");
    }
}

pub async fn a_page_has_a_largest_size(bench: Bench) {
    let accepting: Vec<_> = (0..1100).map(|_| bench.a.store.accept(bench.new_run())).collect();
    for accepted in accepting {
        accepted.await.unwrap();
    }
    for (asked, given) in [(0, 50), (7, 7), (5000, 1000)] {
        let page = bench.b.store.runs(RunQuery { limit: asked, ..Default::default() }).await.unwrap();
        assert_eq!(page.runs.len(), given);
        assert!(page.next.is_some());
    }
}

pub async fn states_are_merged_in_order(bench: Bench) {
    let mut all = Vec::new();
    for number in 0..9 {
        bench.clock.pass(1);
        let claimed = bench.claimed().await;
        match number % 3 {
            0 => bench.a.complete(claimed.fence).await,
            1 => bench.a.fail(claimed.fence).await,
            _ => {}
        }
        all.push(claimed.fence.run);
    }
    let of = |states: &[RunState]| ids(&bench, RunQuery { states: states.to_vec(), ..Default::default() });
    let every = |rests: &[usize]| -> Vec<RunId> {
        let chosen: Vec<RunId> =
            all.iter().enumerate().filter(|(i, _)| rests.contains(&(i % 3))).map(|(_, id)| *id).collect();
        reversed(&chosen)
    };
    assert_eq!(of(&[RunState::Failed]).await, every(&[1]));
    assert_eq!(of(&[RunState::Failed, RunState::Running]).await, every(&[1, 2]));
    assert_eq!(of(&[RunState::Completed, RunState::Failed]).await, every(&[0, 1]));
    assert_eq!(of(&[RunState::Running, RunState::Running]).await, every(&[2]));
    let mut query = RunQuery { states: vec![RunState::Failed, RunState::Completed], limit: 4, ..Default::default() };
    let first = bench.b.store.runs(query.clone()).await.unwrap();
    query.after = first.next;
    let joined: Vec<RunId> = first.runs.iter().map(|run| run.origin.id).chain(ids(&bench, query).await).collect();
    assert_eq!(joined, every(&[0, 1]));
}

pub async fn a_strange_cursor_of_a_list_is_refused(bench: Bench) {
    let query = RunQuery { after: Some(Cursor("x".to_owned())), ..Default::default() };
    assert!(matches!(bench.b.store.runs(query).await, Err(StoreError::Conflict(_))));
}

pub async fn counts_are_of_unfinished_runs(bench: Bench) {
    bench.publish(&[workflow("w"), workflow("v")]).await;
    let done = bench.claimed().await;
    bench.a.complete(done.fence).await;
    let held = bench.accept(bench.in_lane("", true)).await;
    let claimed = bench.a.claim_one().await;
    assert_eq!(claimed.fence.run, held);
    bench.a.fail(claimed.fence).await;
    bench.claimed().await;
    bench.accept(bench.new_run()).await;
    bench.accept(bench.new_run()).await;
    let counts = bench.b.store.counts().await.unwrap();
    let told: Vec<_> = counts
        .iter()
        .map(|count| (count.workflow.as_str(), count.queued, count.running, count.waiting, count.held_lanes))
        .collect();
    assert_eq!(told, [("v", 0, 0, 0, 0), ("w", 2, 1, 0, 1)]);
}

pub async fn the_newest_runs_of_each_workflow_are_listed(bench: Bench) {
    bench.publish(&[workflow("w"), workflow("v"), workflow("x")]).await;
    let mut expected = Vec::new();
    for number in 0..5 {
        bench.clock.pass(10);
        let claimed = bench.claimed().await;
        let finish = Finish { with_errors: number == 3, ..Finish::new(RunState::Completed, bench.clock.now()) };
        let now = Some(bench.clock.now());
        bench.a.store.finish(claimed.fence, finish, None).await.unwrap();
        let (run, state) = (claimed.fence.run, RunState::Completed);
        expected.push(RecentRun { run, state, with_errors: number == 3, started_at: now, ended_at: now });
    }
    let queued = bench.accept(bench.run_with(|origin| origin.workflow = "v".to_owned())).await;
    let queued =
        RecentRun { run: queued, state: RunState::Queued, with_errors: false, started_at: None, ended_at: None };
    expected.reverse();
    expected.truncate(3);
    let found = bench.b.store.recent(3).await.unwrap();
    let expected =
        [Recent { workflow: "v".to_owned(), runs: vec![queued] }, Recent { workflow: "w".to_owned(), runs: expected }];
    assert_eq!(found, expected);
}
