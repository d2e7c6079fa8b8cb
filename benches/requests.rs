//! A price query of relaxed durability inside the engine, without the network: its request read, its run performed and
//! handed to history.
//!
//! `cargo bench --bench requests`

#![expect(clippy::expect_used, reason = "a benchmark that cannot start says why")]

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use flowscript_engine::config::Config;
use flowscript_engine::engine::{Admission, Engine, Message};
use flowscript_engine::pool::STACK_BYTES;
use flowscript_engine::store::SqliteStore;
use flowscript_engine::trigger::webhook::RequestParts;
use flowscript_lang::budget::Unlimited;
use std::sync::Arc;
use tokio::time::Instant;

const WORKFLOW: &str = include_str!("peers/engine/workflows/relaxed.yaml");

fn requests(c: &mut Criterion) {
    let folder = tempfile::TempDir::new().expect("a folder");
    let project = folder.path();
    std::fs::create_dir(project.join("workflows")).expect("a folder");
    std::fs::write(project.join("workflows/relaxed.yaml"), WORKFLOW).expect("a file");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
        .expect("a runtime");
    let store = Arc::new(SqliteStore::open(&project.join("store.db")).expect("a store"));
    let config = Config::load(project).expect("settings");
    let engine = runtime.block_on(Engine::load(config, project, store)).expect("an engine");
    runtime.block_on(engine.work()).expect("a lease");
    let workflow = engine.workflows().route("relaxed").and_then(|entry| entry.workflow.clone()).expect("a workflow");
    let webhook = workflow.webhook.as_ref().expect("a webhook");
    let read = || {
        let parts = RequestParts {
            method: "GET",
            headers: vec![("host", "127.0.0.1:7070"), ("accept", "*/*"), ("user-agent", "bench")],
            body: Bytes::new(),
        };
        engine.request(&workflow, webhook, "itemId=A100&quantity=3", parts, &mut Unlimited).expect("a request")
    };
    c.bench_function("request, read", |b| b.iter(read));
    c.bench_function("request, read and performed", |b| {
        b.iter_custom(|count| {
            let (engine, workflow) = (&engine, &workflow);
            runtime.block_on(async {
                let begun = Instant::now();
                for _ in 0..count {
                    let request = Arc::new(read());
                    let received = Instant::now();
                    let message =
                        Message { workflow: workflow.clone(), request, idempotency: None, received, room: None };
                    let admission = engine.take(message).await;
                    assert!(matches!(admission, Admission::Answered(_)), "{admission:?}");
                }
                begun.elapsed()
            })
        });
    });
    runtime.block_on(engine.stop());
}

criterion_group!(benches, requests);
criterion_main!(benches);
