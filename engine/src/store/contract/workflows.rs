//! Publication, versions, switches.

use super::*;
use crate::store::{Admin, Park, Published, StoreError, VersionRecord, WorkflowRecord};

async fn record(bench: &Bench, id: &str) -> WorkflowRecord {
    bench.b.store.workflows().await.unwrap().into_iter().find(|record| record.id == id).unwrap()
}

async fn publish(bench: &Bench, loaded: &[LoadedWorkflow], kept: &[&str]) -> Published {
    let kept = kept.iter().map(|id| (*id).to_owned()).collect();
    bench.a.store.publish(Publication { loaded: loaded.to_vec(), kept }).await.unwrap()
}

pub async fn publishing_twice_changes_nothing(bench: Bench) {
    let before = record(&bench, "w").await;
    bench.clock.pass(1000);
    assert_eq!(publish(&bench, &[workflow("w")], &[]).await, Published::default());
    assert_eq!(record(&bench, "w").await, before);
    let bench = bench.restart().await;
    assert_eq!(publish(&bench, &[workflow("w")], &[]).await, Published::default());
    assert_eq!(record(&bench, "w").await, before);
}

pub async fn a_new_text_is_a_new_version(bench: Bench) {
    bench.clock.pass(1000);
    let published = publish(&bench, &[changed("w", 2), workflow("v")], &[]).await;
    assert_eq!(published, Published { changed: vec!["w".to_owned(), "v".to_owned()], removed: vec![] });
    let record = record(&bench, "w").await;
    assert_eq!((record.version, record.published_at), (version("w", 2), START.plus_millis(1000)));
    assert_eq!(bench.a.store.version_text(version("w", 1)).await.unwrap(), b"w 1");
    assert_eq!(bench.a.store.version_text(version("w", 2)).await.unwrap(), b"w 2");
    // And back again.
    let published = publish(&bench, &[workflow("w"), workflow("v")], &[]).await;
    assert_eq!(published.changed, ["w"]);
    let unknown = bench.a.store.version_text(version("w", 3)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound(_))));
}

pub async fn the_switch_wins_until_the_file_changes(bench: Bench) {
    let switch = |active| Admin::Switch { workflow: "w".to_owned(), active };
    let off = || LoadedWorkflow { active: false, ..workflow("w") };
    let is = |active, switched| {
        let bench = &bench;
        async move {
            let record = record(bench, "w").await;
            assert_eq!((record.active, record.switched), (active, switched));
        }
    };
    is(true, false).await;
    bench.a.store.administer(switch(Some(false))).await.unwrap();
    is(false, true).await;
    publish(&bench, &[changed("w", 2)], &[]).await;
    is(false, true).await;
    publish(&bench, &[off()], &[]).await;
    is(false, false).await;
    bench.a.store.administer(switch(Some(true))).await.unwrap();
    is(true, true).await;
    publish(&bench, &[off()], &[]).await;
    is(true, true).await;
    bench.a.store.administer(switch(None)).await.unwrap();
    is(false, false).await;
    let nobody = Admin::Switch { workflow: "nope".to_owned(), active: None };
    assert!(matches!(bench.a.store.administer(nobody).await, Err(StoreError::NotFound(_))));
}

pub async fn a_workflow_that_does_not_load_stays(bench: Bench) {
    let before = record(&bench, "w").await;
    assert_eq!(publish(&bench, &[workflow("v")], &["w"]).await.removed, [""; 0]);
    assert_eq!(record(&bench, "w").await, before);
    // A broken file that was never valid has no version to keep.
    publish(&bench, &[], &["w", "v", "new"]).await;
    let ids: Vec<_> = bench.a.store.workflows().await.unwrap().into_iter().map(|record| record.id).collect();
    assert_eq!(ids, ["v", "w"]);
}

pub async fn a_workflow_that_is_gone_comes_back(bench: Bench) {
    let id = bench.accept(bench.new_run()).await;
    let removed = publish(&bench, &[], &[]).await.removed;
    assert_eq!(removed, ["w"]);
    let gone = record(&bench, "w").await;
    assert_eq!((gone.present, gone.active), (false, false));
    // Its triggers are stopped, its runs continue.
    assert_eq!(bench.a.claim_ids(1).await, [id]);
    publish(&bench, &[], &["w"]).await;
    assert!(record(&bench, "w").await.active, "a file that is back and broken serves its last good version");
    publish(&bench, &[], &[]).await;
    assert_eq!(publish(&bench, &[workflow("w")], &[]).await, Published::default());
    assert!(record(&bench, "w").await.active);
}

pub async fn settings_are_kept(bench: Bench) {
    let set = |settings: Option<&[u8]>| Admin::Diagnostics {
        workflow: "w".to_owned(),
        settings: settings.map(<[u8]>::to_vec),
    };
    bench.a.store.administer(set(Some(b"variables: on"))).await.unwrap();
    publish(&bench, &[changed("w", 2)], &[]).await;
    assert_eq!(record(&bench, "w").await.diagnostics.as_deref(), Some(b"variables: on".as_slice()));
    bench.a.store.administer(set(None)).await.unwrap();
    assert_eq!(record(&bench, "w").await.diagnostics, None);
}

pub async fn versions_are_listed_with_their_unfinished_runs(bench: Bench) {
    let first = bench.claimed().await;
    let second = bench.claimed().await;
    bench.clock.pass(5);
    bench.publish(&[changed("w", 2), workflow("v")]).await;
    bench.claimed().await;
    bench.accept(bench.new_run()).await;
    bench.a.complete(second.fence).await;
    let park = Park { due: None, events: vec!["e".to_owned()], changes: Changes::default() };
    bench.a.store.park(first.fence, park).await.unwrap();
    let told = bench.b.store.versions("w".to_owned()).await.unwrap();
    let expected = [
        VersionRecord {
            version: version("w", 2),
            published_at: Some(START.plus_millis(5)),
            retired_at: None,
            unfinished: vec![(RunState::Queued, 1), (RunState::Running, 1)],
        },
        VersionRecord {
            version: version("w", 1),
            published_at: None,
            retired_at: Some(START.plus_millis(5)),
            unfinished: vec![(RunState::Waiting, 1)],
        },
    ];
    assert_eq!(told, expected);
    assert_eq!(bench.b.store.versions("v".to_owned()).await.unwrap().len(), 1);
    assert!(matches!(bench.b.store.versions("x".to_owned()).await, Err(StoreError::NotFound(_))));
}
