//! The speed of the store as a fraction of a bare loop's.
//!
//! The bare loop inserts the same rows into the same tables and commits them in groups of 64, from one thread, without
//! decisions, savepoints or answers. The store accepts runs from 64 callers at a time. Both sync every commit. Pairs
//! are interleaved, since disks drift, and the median of the ratios counts.
//!
//! `cargo bench --bench group_commit [-- FOLDER]`; the folder decides which disk is measured.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints what it measures")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flowscript_engine::clock::{Clock, SystemClock};
use flowscript_engine::store::{
    LoadedWorkflow, NewRun, Origin, Publication, RunId, SqliteStore, Start, Store, Trigger, VersionHash,
};

const PAIRS: usize = 5;
const CALLERS: usize = 64;
const STRETCH: Duration = Duration::from_secs(2);

fn main() {
    let temp = tempfile::TempDir::new().unwrap();
    let folder = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let folder = folder.map_or_else(|| temp.path().to_owned(), PathBuf::from);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let mut ratios = Vec::new();
    println!("pair   bare loop     store    ratio   decisions a commit");
    for pair in 1..=PAIRS {
        let path = folder.join(format!("group-commit-{pair}.db"));
        let store = Arc::new(SqliteStore::open(&path).unwrap());
        let bare = runtime.block_on(async {
            store.publish(Publication { loaded: vec![workflow()], kept: Vec::new() }).await.unwrap();
            bare_loop(&path)
        });
        let before = store.commit_sizes();
        let accepted = runtime.block_on(accept(&store));
        let after = store.commit_sizes();
        let group = (after.decisions - before.decisions) as f64 / (after.commits - before.commits) as f64;
        println!("{pair:>4} {bare:>9.0}/s {accepted:>7.0}/s {:>8.2} {group:>12.1}", accepted / bare);
        ratios.push(accepted / bare);
    }
    ratios.sort_by(f64::total_cmp);
    println!("median ratio {:.2}", ratios[PAIRS / 2]);
}

fn workflow() -> LoadedWorkflow {
    LoadedWorkflow {
        id: "order".to_owned(),
        version: VersionHash([1; 32]),
        text: b"name: Order".to_vec(),
        active: true,
        concurrency: None,
        schedules: Vec::new(),
    }
}

fn new_run() -> NewRun {
    let id = RunId::new(SystemClock::default().now());
    let origin = Origin {
        id,
        workflow: "order".to_owned(),
        trigger: Trigger::Webhook,
        label: None,
        scheduled_for: None,
        lane: None,
        cause: None,
        on_failure: None,
    };
    let payload = Some(format!("{{\"order\":\"{id}\",\"text\":\"{:300}\"}}", "").into_bytes());
    NewRun { origin, payload, input: None, idempotency: None, due: None, queue_limit: None, start: Start::Queue }
}

/// Rows a second, one thread, 64 a commit.
fn bare_loop(path: &Path) -> f64 {
    let conn = rusqlite::Connection::open(path).unwrap();
    conn.pragma_update(None, "synchronous", "full").unwrap();
    let sql =
        "insert into runs (id, workflow, trigger, state, due, payload) values (?1, 1, 'webhook', 'queued', 0, ?2)";
    let mut insert = conn.prepare(sql).unwrap();
    let (start, mut rows) = (Instant::now(), 0);
    while start.elapsed() < STRETCH {
        conn.execute_batch("begin immediate").unwrap();
        for _ in 0..CALLERS {
            let new = new_run();
            insert.execute((new.origin.id.as_bytes(), new.payload)).unwrap();
            rows += 1;
        }
        conn.execute_batch("commit").unwrap();
    }
    f64::from(rows) / start.elapsed().as_secs_f64()
}

/// Accepted runs a second, 64 callers, each asking again when it is answered.
async fn accept(store: &Arc<SqliteStore>) -> f64 {
    let start = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let mut accepted = 0;
                while start.elapsed() < STRETCH {
                    store.accept(new_run()).await.unwrap();
                    accepted += 1;
                }
                accepted
            })
        })
        .collect();
    let mut rows = 0;
    for caller in callers {
        rows += caller.await.unwrap();
    }
    f64::from(rows) / start.elapsed().as_secs_f64()
}
