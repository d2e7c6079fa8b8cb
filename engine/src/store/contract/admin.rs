//! Keys, tokens, the secret.

use uuid::Uuid;

use super::*;
use crate::store::{Admin, EndedSessions, KeyRecord, NewKey, NewToken, Role, SESSION_HOURS, StoreError};

fn key(hash: u8, workflow: &str) -> NewKey {
    NewKey {
        hash: [hash; 32],
        label: format!("key {hash}"),
        prefix: "fsk_".to_owned(),
        hint: "AbCd".to_owned(),
        workflow: workflow.to_owned(),
        expires_at: Some(START.plus_millis(1000)),
    }
}

pub async fn a_key_opens_its_workflows(bench: Bench) {
    let first = bench.a.store.add_key(key(1, "w")).await.unwrap();
    assert_eq!((first.label.as_str(), first.created_at), ("key 1", START));
    bench.clock.pass(1);
    bench.a.store.add_key(key(2, "w")).await.unwrap();
    // The same key again opens one more workflow and keeps its label.
    let second = bench.a.store.add_key(NewKey { label: "other".to_owned(), ..key(1, "v") }).await.unwrap();
    assert_eq!(second, KeyRecord { workflows: vec!["v".to_owned(), "w".to_owned()], ..first.clone() });
    let keys = bench.b.store.keys().await.unwrap();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], second);
    assert!(second.is_valid(START.plus_millis(999)));
    assert!(!second.is_valid(START.plus_millis(1000)));
}

pub async fn a_revoked_key_stays_closed(bench: Bench) {
    let id = bench.a.store.add_key(key(1, "w")).await.unwrap().id;
    bench.a.store.administer(Admin::RevokeKey(id)).await.unwrap();
    let revoked = &bench.b.store.keys().await.unwrap()[0];
    assert_eq!(revoked.revoked_at, Some(START));
    assert!(!revoked.is_valid(START));
    bench.clock.pass(10);
    bench.a.store.administer(Admin::RevokeKey(id)).await.unwrap();
    assert_eq!(bench.b.store.keys().await.unwrap()[0].revoked_at, Some(START));
    assert!(matches!(bench.a.store.add_key(key(1, "v")).await, Err(StoreError::Conflict(_))));
}

pub async fn keys_are_renamed_and_deleted(bench: Bench) {
    let id = bench.a.store.add_key(key(1, "w")).await.unwrap().id;
    bench.a.store.administer(Admin::RenameKey { id, label: "shop".to_owned() }).await.unwrap();
    assert_eq!(bench.b.store.keys().await.unwrap()[0].label, "shop");
    bench.a.store.administer(Admin::DeleteKey(id)).await.unwrap();
    assert_eq!(bench.b.store.keys().await.unwrap(), []);
    for change in [Admin::DeleteKey(id), Admin::RevokeKey(id), Admin::DeleteToken(Uuid::nil())] {
        assert!(matches!(bench.a.store.administer(change).await, Err(StoreError::NotFound(_))));
    }
    // The same key may be added again, for other workflows.
    assert_eq!(bench.a.store.add_key(key(1, "v")).await.unwrap().workflows, ["v"]);
}

pub async fn the_last_use_is_kept_to_the_minute(bench: Bench) {
    let id = bench.a.store.add_key(key(1, "w")).await.unwrap().id;
    let used = |millis: i64| Admin::KeysUsed(vec![(id, START.plus_millis(millis)), (Uuid::nil(), START)]);
    let last = || async { bench.b.store.keys().await.unwrap()[0].last_used_at };
    assert_eq!(last().await, None);
    bench.a.store.administer(used(61_234)).await.unwrap();
    assert_eq!(last().await, Some(START.plus_millis(60_000)));
    bench.a.store.administer(used(59_000)).await.unwrap();
    assert_eq!(last().await, Some(START.plus_millis(60_000)), "it only goes forward");
    bench.a.store.administer(used(120_000)).await.unwrap();
    assert_eq!(last().await, Some(START.plus_millis(120_000)));
}

pub async fn tokens_come_and_go(bench: Bench) {
    let new = |hash: u8, role| NewToken { hash: [hash; 32], label: format!("token {hash}"), role, expires_at: None };
    let first = bench.a.store.add_token(new(1, Role::Admin)).await.unwrap();
    bench.clock.pass(1);
    let second = bench.a.store.add_token(new(2, Role::Viewer)).await.unwrap();
    assert_eq!(bench.b.store.tokens().await.unwrap(), [first.clone(), second.clone()]);
    assert!(matches!(bench.a.store.add_token(new(1, Role::Viewer)).await, Err(StoreError::Conflict(_))));
    bench.a.store.administer(Admin::DeleteToken(first.id)).await.unwrap();
    assert_eq!(bench.b.store.tokens().await.unwrap(), [second]);
}

pub async fn ended_sessions_are_kept_until_they_have_expired(bench: Bench) {
    let end = |name: &str| bench.a.store.administer(Admin::EndSessions(name.to_owned()));
    let ended = |name: &str, millis| EndedSessions { name: name.to_owned(), at: START.plus_millis(millis) };
    end("b").await.unwrap();
    bench.clock.pass(1);
    end("a").await.unwrap();
    assert_eq!(bench.b.store.ended_sessions().await.unwrap(), [ended("a", 1), ended("b", 0)]);
    bench.clock.pass(1);
    end("b").await.unwrap();
    assert_eq!(bench.b.store.ended_sessions().await.unwrap(), [ended("a", 1), ended("b", 2)]);
    let all = SESSION_HOURS * 3_600_000;
    bench.clock.pass(all.unsigned_abs());
    end("c").await.unwrap();
    assert_eq!(bench.b.store.ended_sessions().await.unwrap(), [ended("b", 2), ended("c", all + 2)]);
}

pub async fn the_secret_stays(bench: Bench) {
    let secret = bench.a.store.secret().await.unwrap();
    assert_ne!(secret, [0; 32]);
    assert_eq!(bench.b.store.secret().await.unwrap(), secret);
    let bench = bench.restart().await;
    assert_eq!(bench.a.store.secret().await.unwrap(), secret);
}
