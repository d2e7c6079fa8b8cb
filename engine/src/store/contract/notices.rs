//! Watching, events, readiness.

use tokio::time::timeout;

use super::*;
use crate::store::{Cursor, Event, StoreError};

/// Long enough for anything that is expected to happen.
const SOON: Duration = Duration::from_secs(20);
/// Long enough to see that something does not happen.
const A_WHILE: Duration = Duration::from_millis(50);

pub async fn a_watcher_sees_the_end(bench: Bench) {
    let id = bench.accept(bench.new_run()).await;
    let seen = bench.b.store.watch(id, None).await.unwrap();
    assert_eq!(seen.state, RunState::Queued);
    let store = bench.b.store.clone();
    let watcher = tokio::spawn(async move {
        let mut seen = seen;
        while !seen.has_answer() {
            seen = store.watch(id, Some(seen.revision)).await.unwrap();
        }
        seen.state
    });
    let claimed = bench.a.claim_one().await;
    bench.a.complete(claimed.fence).await;
    assert_eq!(timeout(SOON, watcher).await.unwrap().unwrap(), RunState::Completed);
}

pub async fn a_watcher_sees_cancels_events_and_responses(bench: Bench) {
    let claimed = bench.claimed().await;
    let run = claimed.fence.run;
    let mut seen = bench.b.store.watch(run, None).await.unwrap().revision;
    assert!(timeout(A_WHILE, bench.b.store.watch(run, Some(seen))).await.is_err(), "nothing has happened");
    for number in 0..3 {
        let watcher = bench.b.store.watch(run, Some(seen));
        match number {
            0 => bench.a.store.deliver(run, "paid".to_owned(), vec![]).await.map(|_| ()).unwrap(),
            1 => bench.a.store.request_cancel(run).await.map(|_| ()).unwrap(),
            _ => bench.a.store.respond(claimed.fence, vec![], Changes::default()).await.unwrap(),
        }
        let summary = timeout(SOON, watcher).await.unwrap().unwrap();
        assert_ne!(summary.revision, seen);
        assert_eq!((summary.cancel_requested, summary.responded), (number > 0, number > 1));
        seen = summary.revision;
    }
}

pub async fn a_watch_of_nothing_is_an_error(bench: Bench) {
    assert!(matches!(bench.a.store.watch(bench.id(), None).await, Err(StoreError::NotFound(_))));
}

pub async fn events_go_on_behind_a_cursor(bench: Bench) {
    let begin = bench.b.store.events(None).await.unwrap();
    assert_eq!((begin.events.len(), begin.missed), (0, false));
    assert!(timeout(A_WHILE, bench.b.store.events(Some(begin.next.clone()))).await.is_err());
    let claimed = bench.claimed().await;
    bench.a.complete(claimed.fence).await;
    let mut told = Vec::new();
    let mut cursor = begin.next;
    while told.len() < 3 {
        let page = timeout(SOON, bench.b.store.events(Some(cursor))).await.unwrap().unwrap();
        assert!(!page.missed);
        told.extend(page.events);
        cursor = page.next;
    }
    let states = [RunState::Queued, RunState::Running, RunState::Completed];
    let expected = states.map(|state| Event::Run { run: claimed.fence.run, workflow: "w".to_owned(), state });
    assert_eq!(told, expected);
    // A waiting page gets new events.
    let store = bench.b.store.clone();
    let waiting = tokio::spawn(async move { store.events(Some(cursor)).await });
    tokio::time::sleep(A_WHILE).await;
    bench.publish(&[changed("w", 2)]).await;
    let page = timeout(SOON, waiting).await.unwrap().unwrap().unwrap();
    assert_eq!(page.events, [Event::Workflows]);
}

pub async fn a_strange_cursor_has_missed_something(bench: Bench) {
    let cursor = bench.b.store.events(None).await.unwrap().next;
    bench.accept(bench.new_run()).await;
    let bench = bench.restart().await;
    let page = bench.b.store.events(Some(cursor)).await.unwrap();
    assert!(page.missed, "events from before the restart may have been missed");
}

pub async fn a_broken_cursor_is_refused(bench: Bench) {
    let broken = bench.b.store.events(Some(Cursor("x".to_owned()))).await;
    assert!(matches!(broken, Err(StoreError::Conflict(_))));
}

pub async fn ready_is_told(bench: Bench) {
    // Earlier notices are consumed first.
    while timeout(A_WHILE, bench.a.store.ready()).await.is_ok() {}
    let first = bench.accept(bench.in_lane("", false)).await;
    timeout(SOON, bench.a.store.ready()).await.unwrap().unwrap();
    bench.accept(bench.in_lane("", false)).await;
    let claimed = bench.a.claim_one().await;
    assert_eq!(claimed.fence.run, first);
    while timeout(A_WHILE, bench.a.store.ready()).await.is_ok() {}
    bench.a.complete(claimed.fence).await;
    timeout(SOON, bench.a.store.ready()).await.unwrap().unwrap();
}
