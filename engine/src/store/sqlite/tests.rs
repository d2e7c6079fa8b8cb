//! The contract on SQLite, and tests of SQLite itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;

use super::SqliteStore;
use crate::store::contract::{self, Open, contract_tests, queued, workflow};
use crate::store::{
    Accepted, Claim, Condition, Count, Failure, Finish, FinishedStart, NewRun, OwnerId, Publication, RunId, RunMark,
    RunQuery, RunState, Start, StatisticsQuery, Store, StoreError, Term, Timestamp, Trigger, Try,
};

/// Two handles on one new database.
fn open() -> Open {
    let folder = TempDir::new().unwrap();
    Box::new(move |clock| {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open_with(&folder.path().join("test.db"), clock).unwrap());
        [store.clone(), store]
    })
}

contract_tests!(crate::store::sqlite::tests::open);

#[test]
fn lanes_and_claims_follow_the_model() {
    contract::model::lanes_and_claims_follow_the_model(open);
}

#[test]
fn filters_follow_the_model() {
    contract::filters::filters_follow_the_model(open);
}

/// A new store with the workflow `w`, and the path of its file.
async fn store() -> (SqliteStore, PathBuf, TempDir) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("data").join("test.db");
    let store = SqliteStore::open(&path).unwrap();
    store.publish(Publication { loaded: vec![workflow("w")], kept: vec![] }).await.unwrap();
    (store, path, folder)
}

fn new_run(size: usize) -> NewRun {
    let payload = Some(vec![b'x'; size]);
    NewRun { payload, ..queued(RunId::new(Timestamp(1_700_000_000_000)), "w", Trigger::Webhook) }
}

/// Sets something on the writer's own connection.
async fn on_writer(store: &SqliteStore, pragma: &'static str, value: i64) {
    let set = move |tx: &mut super::tx::Tx<'_>| {
        tx.conn.query_row(&format!("pragma {pragma} = {value}"), (), |_| Ok(())).or_else(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => Ok(()),
            other => Err(other.into()),
        })
    };
    // The commit of a connection that has just become read-only is already refused.
    let _ = store.writer.decide(set).await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (store, path, _folder) = store().await;
    store.accept(new_run(10)).await.unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let file = PathBuf::from(format!("{}{suffix}", path.display()));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    // If the permissions of a file were widened, they are narrowed again.
    drop(store);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    drop(SqliteStore::open(&path).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn commits_are_synced_in_a_wal() {
    let (store, path, _folder) = store().await;
    let settings = store.writer.decide(|tx| {
        let ask = |pragma: &str| tx.conn.query_row(&format!("pragma {pragma}"), (), |row| row.get::<_, i64>(0));
        Ok((ask("synchronous")?, ask("auto_vacuum")?, ask("foreign_keys")?))
    });
    assert_eq!(settings.await.unwrap(), (2, 2, 1), "full, incremental, on");
    let other = Connection::open(path).unwrap();
    let mode: String = other.query_row("pragma journal_mode", (), |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[tokio::test]
async fn a_full_disk_is_told_and_got_over() {
    let (store, path, _folder) = store().await;
    let pages = Connection::open(path).unwrap().query_row("pragma page_count", (), |row| row.get(0)).unwrap();
    on_writer(&store, "max_page_count", pages).await;
    let mut kept = Vec::new();
    let mut refused = Vec::new();
    for _ in 0..50 {
        let new = new_run(5000);
        let id = new.origin.id;
        match store.accept(new).await {
            Ok(Accepted::Queued) => kept.push(id),
            Err(StoreError::Full(text)) => {
                assert!(text.contains("disk of the data folder is full"), "{text}");
                refused.push(id);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(!refused.is_empty());
    // Reading continues, and so does writing once there is room.
    let listed = store.runs(RunQuery { limit: 1000, ..RunQuery::default() }).await.unwrap().runs;
    assert_eq!(listed.len(), kept.len());
    on_writer(&store, "max_page_count", 1_000_000).await;
    for _ in 0..10 {
        assert_eq!(store.accept(new_run(5000)).await.unwrap(), Accepted::Queued);
    }
    for id in refused {
        assert!(matches!(store.summary(id).await, Err(StoreError::NotFound(_))), "what was refused is not kept");
    }
    // The count of the queue is still right.
    let limit = u32::try_from(kept.len()).unwrap() + 10;
    let full = store.accept(NewRun { queue_limit: Some(limit), ..new_run(1) }).await.unwrap();
    assert_eq!(full, Accepted::QueueFull { queued: limit });
}

#[tokio::test]
async fn a_full_disk_fails_a_whole_group_or_none_of_it() {
    let (store, path, _folder) = store().await;
    let pages: i64 = Connection::open(path).unwrap().query_row("pragma page_count", (), |row| row.get(0)).unwrap();
    on_writer(&store, "max_page_count", pages + 20).await;
    // Handed over together: a caller that got its confirmation finds its run.
    let accepting: Vec<_> = (0..60)
        .map(|_| {
            let new = new_run(5000);
            (new.origin.id, store.accept(new))
        })
        .collect();
    let mut refused = 0;
    for (id, accepted) in accepting {
        match accepted.await {
            Ok(_) => assert_eq!(store.summary(id).await.unwrap().state, RunState::Queued),
            Err(StoreError::Full(_)) => {
                refused += 1;
                assert!(matches!(store.summary(id).await, Err(StoreError::NotFound(_))));
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn a_read_only_database_is_told_every_time() {
    let (store, _path, _folder) = store().await;
    on_writer(&store, "query_only", 1).await;
    for _ in 0..3 {
        let error = store.accept(new_run(1)).await.unwrap_err();
        assert!(matches!(&error, StoreError::ReadOnly(text) if text.contains("cannot be written")), "{error:?}");
        assert!(error.is_temporary());
    }
    assert_eq!(store.workflows().await.unwrap().len(), 1, "reading goes on");
}

#[tokio::test]
async fn another_program_that_writes_is_waited_for_or_told() {
    let (store, path, _folder) = store().await;
    on_writer(&store, "busy_timeout", 50).await;
    let other = Connection::open(path).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let error = store.accept(new_run(1)).await.unwrap_err();
    assert!(matches!(&error, StoreError::Busy(_)), "{error:?}");
    other.execute_batch("rollback").unwrap();
    assert_eq!(store.accept(new_run(1)).await.unwrap(), Accepted::Queued);
}

fn refusal(path: &Path) -> StoreError {
    match SqliteStore::open(path) {
        Ok(_) => panic!("{} should not open", path.display()),
        Err(error) => error,
    }
}

#[tokio::test]
async fn what_is_no_database_of_ours_is_refused() {
    let folder = TempDir::new().unwrap();
    let text = folder.path().join("text.db");
    fs::write(&text, "this is not a database, though it is long enough to look like a page of one".repeat(100))
        .unwrap();
    let error = refusal(&text);
    assert!(matches!(&error, StoreError::Corrupt(told) if told.contains("text.db")), "{error:?}");
    let error = refusal(folder.path());
    assert!(matches!(&error, StoreError::ReadOnly(_)), "{error:?}");
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let (store, path, _folder) = store().await;
    drop(store);
    let conn = Connection::open(&path).unwrap();
    conn.execute("insert into migrations (version, name, applied_at) values (99, 'future', 0)", ()).unwrap();
    drop(conn);
    let error = refusal(&path);
    assert!(matches!(&error, StoreError::Corrupt(text) if text.contains("newer FlowScript")), "{error:?}");
}

#[tokio::test]
async fn migrations_are_written_down_and_run_once() {
    let (store, path, _folder) = store().await;
    drop(store);
    for _ in 0..2 {
        drop(SqliteStore::open(&path).unwrap());
    }
    let conn = Connection::open(&path).unwrap();
    let mut statement = conn.prepare("select version, name from migrations order by version").unwrap();
    let applied: Vec<(i64, String)> =
        statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    let names = [
        "first",
        "trigger_of_a_workflow",
        "clock_set_back",
        "tries",
        "schedules_start_anew",
        "schedules_without_definition",
        "ended_sessions",
        "statistics",
        "filters",
        "awaited_events",
        "versions_of_a_workflow",
    ];
    assert_eq!(applied, (1..).zip(names.map(ToOwned::to_owned)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_retried_run_of_the_version_before_the_tries_goes_on() {
    let (store, path, _folder) = store().await;
    let run = new_run(10);
    let id = run.origin.id;
    store.accept(run).await.unwrap();
    drop(store);
    let conn = Connection::open(&path).unwrap();
    // The state left by the version before: retried once, failed again, a step running in a process that was killed.
    conn.execute_batch(
        "drop table tries;
         drop table ended_sessions;
         drop table statistics;
         drop index runs_workflow_state;
         drop index runs_slow;
         drop index runs_with_errors; drop index runs_awaits; drop index versions_workflow;
         alter table runs drop column try_started_at;
         alter table schedules drop column anew_at;
         alter table schedules drop column anew_from;
         alter table schedules add column definition blob not null default x'00';
         delete from migrations where version >= 4;
         update runs set state = 'failed', retries = 1, started_at = 5, ended_at = 9, due = null,
                         error_kind = 'assert', error_message = 'no';
         insert into steps (run, position, attempt, kind, state, started_at) select seq, 'post', 1, 'http', 'started', 6 from runs;",
    )
    .unwrap();
    drop(conn);
    let store = SqliteStore::open(&path).unwrap();
    let error = Some(Failure { kind: "assert".into(), message: "no".into(), status: None, position: None });
    let second = Try { number: 2, state: RunState::Failed, started_at: None, ended_at: Some(Timestamp(9)), error };
    assert_eq!(store.tries(id).await.unwrap(), std::slice::from_ref(&second));
    store.retry(id).await.unwrap();
    let owner = OwnerId::random();
    store.renew(owner, std::time::Duration::from_secs(9)).await.unwrap();
    let claimed = store.claim(Claim { owner, limit: 1 }).await.unwrap();
    assert_eq!(claimed.runs[0].fence.run, id);
    let tries = store.tries(id).await.unwrap();
    assert_eq!((&tries[0], tries[1].number, tries[1].state), (&second, 3, RunState::Running));
    assert!(tries[1].started_at.is_some());
}

/// Copies a database that is in use, with its WAL: the state after a kill.
fn copy(path: &Path, to: &Path) -> PathBuf {
    fs::create_dir_all(to).unwrap();
    for suffix in ["", "-wal"] {
        let from = format!("{}{suffix}", path.display());
        fs::copy(from, to.join(format!("copy.db{suffix}"))).unwrap();
    }
    to.join("copy.db")
}

#[tokio::test]
async fn every_answer_is_in_the_file_before_it_is_given() {
    let (store, path, folder) = store().await;
    let mut kept = Vec::new();
    for round in 0..5 {
        let accepting: Vec<_> = (0..20).map(|_| new_run(100)).map(|new| (new.origin.id, store.accept(new))).collect();
        for (id, accepted) in accepting {
            accepted.await.unwrap();
            kept.push(id);
        }
        let copy = SqliteStore::open(&copy(&path, &folder.path().join(round.to_string()))).unwrap();
        for id in &kept {
            assert_eq!(copy.summary(*id).await.unwrap().state, RunState::Queued);
        }
    }
}

#[tokio::test]
async fn a_torn_log_loses_the_last_commits_and_nothing_else() {
    let (store, path, folder) = store().await;
    let mut kept = Vec::new();
    for _ in 0..20 {
        let new = new_run(300);
        kept.push(new.origin.id);
        store.accept(new).await.unwrap();
    }
    let whole = copy(&path, &folder.path().join("whole"));
    let log = fs::read(format!("{}-wal", whole.display())).unwrap();
    for cut in (0..log.len()).step_by(log.len() / 17 + 1) {
        let torn = copy(&path, &folder.path().join(cut.to_string()));
        fs::write(format!("{}-wal", torn.display()), &log[..cut]).unwrap();
        let Ok(store) = SqliteStore::open(&torn) else { panic!("cut at {cut}") };
        let listed = store.runs(RunQuery { limit: 100, ..RunQuery::default() }).await.unwrap().runs;
        let present: Vec<bool> = kept.iter().map(|id| listed.iter().any(|run| run.origin.id == *id)).collect();
        assert!(present.is_sorted_by(|earlier, later| earlier >= later), "an earlier commit is lost: {present:?}");
    }
}

#[tokio::test]
async fn a_sweep_gives_pages_back() {
    let (store, path, _folder) = store().await;
    for _ in 0..10 {
        let accepting: Vec<_> = (0..50).map(|_| store.accept(new_run(4000))).collect();
        for accepted in accepting {
            accepted.await.unwrap();
        }
    }
    for run in store.runs(RunQuery { limit: 1000, ..RunQuery::default() }).await.unwrap().runs {
        store.request_cancel(run.origin.id).await.unwrap();
    }
    let pages =
        || -> i64 { Connection::open(&path).unwrap().query_row("pragma page_count", (), |row| row.get(0)).unwrap() };
    let before = pages();
    let retention = crate::store::Retention { ended_before: Timestamp(0), max_runs: 0, slice: 100 };
    while store.prune(retention.clone()).await.unwrap().more {}
    assert!(pages() < before / 4, "{before} pages before, {} after", pages());
    drop(store);
    assert!(fs::metadata(&path).unwrap().len() < before as u64 * 4096 / 4);
}

#[tokio::test]
async fn the_lists_and_claims_use_their_indexes() {
    let (store, path, _folder) = store().await;
    drop(store);
    let conn = Connection::open(path).unwrap();
    let plan = |sql: &str| -> String {
        let mut statement = conn.prepare(&format!("explain query plan {sql}")).unwrap();
        // The plan does not depend on the parameters: they have no values.
        let steps = statement.raw_query().mapped(|row| row.get::<_, String>(3));
        steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    };
    for (sql, index) in [
        ("select workflow from runs where due is not null and workflow > 1 order by workflow limit 1", "runs_due"),
        ("select seq, id from runs where workflow = 1 and due = 0 order by seq limit 5", "runs_due"),
        ("select seq, due from runs where workflow = 1 and due > 0 and due <= 7 order by due, seq", "runs_due"),
        ("select count(*) from runs where workflow = 1 and owner is not null", "runs_owner"),
        ("select seq from runs where owner is not null and owner = x'00'", "runs_owner"),
        ("select seq from runs where lane = 1 and in_lane = 1 order by place limit 1", "runs_in_lane"),
        ("select id from runs where schedule = 1 and ended_at is null", "runs_schedule"),
        (
            "select workflow, count(*) from runs where state = 'queued' and state <> 'completed' group by 1",
            "runs_state",
        ),
        ("select 1 from runs where lane = 1 and lane is not null", "runs_lane"),
        (super::awaiting::AWAITING, "runs_awaits"),
        (super::versions::STATEMENTS[1], "runs_workflow_state (workflow=? AND state=?)"),
        (super::counting::READ, "PRIMARY KEY (workflow=? AND width=? AND start=?)"),
        (super::statistics::ROWS, "PRIMARY KEY (workflow=? AND width=? AND start>? AND start<?)"),
        (super::statistics::OLDEST, "SEARCH statistics USING PRIMARY KEY (workflow=? AND width=?)"),
    ] {
        let plan = plan(sql);
        assert!(plan.contains(index), "{sql}: {plan}");
        assert!(!plan.contains("ORDER BY"), "sorts: {sql}: {plan}");
    }
}

#[tokio::test]
async fn a_store_that_shuts_down_carries_out_what_it_was_given() {
    let (store, path, _folder) = store().await;
    let given: Vec<_> = (0..30).map(|_| new_run(10)).collect();
    for new in &given {
        // The answer has no receiver.
        drop(store.accept(new.clone()));
    }
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    for new in given {
        assert_eq!(store.summary(new.origin.id).await.unwrap().state, RunState::Queued);
    }
}

/// A run of `w` that came with its end.
fn finished_run() -> NewRun {
    let finish = Finish::new(RunState::Completed, Timestamp(1_700_000_000_009));
    let version = contract::version("w", 1);
    let start = FinishedStart { version, started_at: Timestamp(1_700_000_000_000), finish };
    NewRun { start: Start::Finished(Box::new(start)), ..new_run(10) }
}

#[tokio::test]
async fn a_commit_writes_one_row_of_statistics_for_all_its_runs() {
    let (store, _path, _folder) = store().await;
    store.accept(finished_run()).await.unwrap();
    let before = store.commit_sizes();
    // The writer is held until all have been handed over: they share one commit.
    let (go, held) = std::sync::mpsc::channel::<()>();
    let hold = store.writer.decide(move |_| {
        held.recv().unwrap();
        Ok(())
    });
    let accepting: Vec<_> = (0..128).map(|_| store.accept(finished_run())).collect();
    go.send(()).unwrap();
    hold.await.unwrap();
    for accepted in accepting {
        assert_eq!(accepted.await.unwrap(), Accepted::Finished);
    }
    let after = store.commit_sizes();
    let commits = after.commits - before.commits;
    assert!(commits <= 3, "{commits} commits");
    let runs_of = |sql: &'static str| {
        store.writer.decide(move |tx| {
            let statement = tx.prepare(sql)?;
            Ok(u64::try_from(statement.get_status(rusqlite::StatementStatus::Run)).unwrap_or(0))
        })
    };
    let [read, written] =
        [runs_of(super::counting::READ).await.unwrap(), runs_of(super::counting::WRITE).await.unwrap()];
    // One read at the first run, since the writer remembers; one row for each commit with runs.
    assert_eq!(read, 1);
    assert!((2..=1 + commits).contains(&written), "{written} rows in {commits} commits");
    // Each decision has a savepoint, a row and a release.
    let all = 3 * (after.decisions - before.decisions) + 2 * commits;
    assert!(commits * 100 < all * 3, "{commits} of {all} statements are of the statistics");
}

#[tokio::test]
async fn a_store_from_before_the_statistics_counts_from_its_migration_on() {
    let (store, path, _folder) = store().await;
    store.accept(finished_run()).await.unwrap();
    drop(store);
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch(
        "drop table statistics; drop index runs_workflow_state; drop index runs_slow; drop index runs_with_errors; drop index runs_awaits; drop index versions_workflow;
         delete from migrations where version >= 8",
    )
    .unwrap();
    drop(conn);
    let opened = crate::clock::Clock::now(&crate::clock::SystemClock::default());
    let store = SqliteStore::open(&path).unwrap();
    let (from, before) = (Timestamp(1_699_999_980_000), Timestamp(1_700_000_040_000));
    let query = StatisticsQuery { workflow: None, from, before, bucket: 60_000 };
    let found = store.statistics(query.clone()).await.unwrap();
    assert!(found.counted_since >= opened && found.workflows.is_empty(), "{found:?}");
    store.accept(finished_run()).await.unwrap();
    let found = store.statistics(query).await.unwrap();
    assert_eq!((found.workflows[0].1.get(Count::ACCEPTED), found.workflows[0].1.percentile(95)), (1, Some(9)));
    assert_eq!(store.runs(RunQuery::default()).await.unwrap().runs.len(), 2);
}

#[tokio::test]
async fn what_a_full_disk_has_rolled_back_is_not_counted() {
    let (store, path, _folder) = store().await;
    let pages: i64 = Connection::open(path).unwrap().query_row("pragma page_count", (), |row| row.get(0)).unwrap();
    on_writer(&store, "max_page_count", pages + 12).await;
    let accepting: Vec<_> = (0..60).map(|_| store.accept(new_run(5000))).collect();
    let mut kept = 0;
    for accepted in accepting {
        kept += u64::from(accepted.await.is_ok());
    }
    assert!(kept < 60);
    on_writer(&store, "max_page_count", 1_000_000).await;
    store.accept(new_run(1)).await.unwrap();
    let (from, before) = (Timestamp(1_699_999_980_000), Timestamp(1_700_000_040_000));
    let query = StatisticsQuery { workflow: None, from, before, bucket: 60_000 };
    assert_eq!(store.statistics(query).await.unwrap().workflows[0].1.get(Count::ACCEPTED), kept + 1);
}

fn having(conditions: impl IntoIterator<Item = Condition>) -> RunQuery {
    let terms = conditions.into_iter().map(|condition| Term { negated: false, condition }).collect();
    RunQuery { terms, ..RunQuery::default() }
}

#[tokio::test]
async fn each_filter_is_led_by_an_index_and_sorts_nothing() {
    let (store, path, _folder) = store().await;
    let lane = Some(contract::ticket("A1", false));
    let mut new = new_run(1);
    (new.origin.lane, new.origin.label) = (lane, Some("x".to_owned()));
    store.accept(new).await.unwrap();
    drop(store);
    let conn = Connection::open(path).unwrap();
    let plan = |sql: &str| -> String {
        let mut statement = conn.prepare(&format!("explain query plan {sql}")).unwrap();
        let steps = statement.raw_query().mapped(|row| row.get::<_, String>(3));
        steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    };
    let w = || Condition::Workflow(vec!["w".to_owned()]);
    let failed = || Condition::State(vec![RunState::Failed]);
    for (query, index) in [
        (RunQuery::default(), "runs_id (id<?)"),
        (having([failed()]), "runs_state (state=? AND id<?)"),
        (having([w()]), "runs_workflow (workflow=? AND id<?)"),
        (having([failed(), w()]), "runs_workflow_state (workflow=? AND state=? AND id<?)"),
        (having([Condition::Trigger(vec![Trigger::Manual])]), "runs_trigger (trigger=? AND id<?)"),
        (
            having([w(), Condition::Trigger(vec![Trigger::Manual])]),
            "runs_workflow_trigger (workflow=? AND trigger=? AND id<?)",
        ),
        (having([Condition::Label(vec!["x".to_owned()])]), "runs_label (label=? AND id<?)"),
        (having([Condition::Lane(vec!["A1".to_owned()])]), "runs_lane (lane=? AND id<?)"),
        (having([Condition::TookOver(2000)]), "runs_slow (id<?)"),
        (having([Condition::Is(RunMark::WithErrors)]), "runs_with_errors (id<?)"),
        (having([Condition::Is(RunMark::Held)]), "runs_state (state=? AND id<?)"),
        (having([Condition::TookOver(2), w()]), "runs_workflow (workflow=? AND id<?)"),
    ] {
        let plans = super::search::plans(&conn, &query);
        assert!(!plans.is_empty(), "{query:?}");
        for sql in plans {
            let plan = plan(&sql);
            // The lower end of the ids is part of the range.
            assert!(plan.contains(&index.replace("id<?", "id>? AND id<?")), "{query:?}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "sorts: {query:?}: {plan}");
        }
    }
    // A text that few runs have is looked up, and its runs are read by their numbers.
    let rare = super::search::plans(&conn, &having([Condition::Text("x".to_owned())]));
    let plan = plan(&rare[0]);
    assert!(plan.contains("runs USING INTEGER PRIMARY KEY (rowid=?)"), "{plan}");
}

#[tokio::test]
async fn a_search_that_takes_long_ends_at_an_instant_and_goes_on_from_there() {
    use super::list;
    use super::search::Patience;
    let (store, path, _folder) = store().await;
    let states = [RunState::Completed, RunState::Failed, RunState::Cancelled];
    for number in 0..300_i64 {
        let mut new = finished_run();
        new.origin.id = RunId::new(Timestamp(1_700_000_000_000 + number));
        new.origin.label = Some(format!("no {}", number % 7));
        if let Start::Finished(start) = &mut new.start {
            start.finish.state = states[number as usize % 3];
        }
        store.accept(new).await.unwrap();
    }
    let conn = Connection::open(path).unwrap();
    let hurried = Patience { time: std::time::Duration::ZERO, window: 20 };
    for conditions in [
        vec![],
        vec![Condition::Label(vec!["no 3".to_owned()]), Condition::TookOver(9)],
        vec![Condition::State(vec![RunState::Failed, RunState::Cancelled])],
        vec![Condition::TookUnder(5)],
        vec![Condition::Version(vec!["77".to_owned()]), Condition::State(vec![RunState::Completed])],
    ] {
        let query = RunQuery { limit: 4, ..having(conditions) };
        let whole = list::runs(&conn, &RunQuery { limit: 1000, ..query.clone() }, Patience::USUAL).unwrap();
        assert_eq!(whole.next, None);
        let (mut ids, mut short, mut query) = (Vec::new(), 0, query);
        loop {
            let page = list::runs(&conn, &query, hurried).unwrap();
            ids.extend(page.runs.iter().map(|run| run.origin.id));
            if let Some(searched_to) = page.searched_to {
                short += 1;
                assert!(page.runs.len() <= 4 && page.next.is_some());
                assert!(page.runs.iter().all(|run| run.accepted_at() >= searched_to), "{page:?}");
            }
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(ids, whole.runs.iter().map(|run| run.origin.id).collect::<Vec<_>>(), "{query:?}");
        assert!(short > 0 || query.terms.len() < 2, "{query:?} was never short");
    }
    let all = list::found(&conn, &RunQuery::default(), 100, Patience::USUAL).unwrap();
    assert_eq!((all.states[0], all.stretches.len(), all.searched_to), ((RunState::Completed, 100), 3, None));
    let some = list::found(&conn, &RunQuery::default(), 100, hurried).unwrap();
    assert_eq!(some.states.iter().map(|(_, number)| number).sum::<u64>(), 20);
    assert_eq!(some.searched_to, Some(Timestamp(1_700_000_000_280)));
    let fine = list::found(&conn, &RunQuery::default(), 0, Patience::USUAL);
    assert!(matches!(fine, Err(StoreError::Conflict(_))));
}
