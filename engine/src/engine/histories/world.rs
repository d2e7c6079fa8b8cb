//! The world of one history: a project in a folder, its clock, its peers, its databases.

use super::count::{self, Counts};
use super::generate::History;
use super::peer::{Desk, Peer};
use super::points::{Points, Told};
use super::watched::Watched;
use super::witness::{Finding, Seen, Witness};
use crate::clock::{Clock, TestClock, Timestamp};
use crate::config::Config;
use crate::engine::Engine;
use crate::planted::Planted;
use crate::run::kept_position;
use crate::store::{RunId, SqliteStore, StepState};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;

/// The first instant of every history.
const START: Timestamp = Timestamp(1_767_225_600_000);

/// The tables of the database that sql steps change. It refuses rows while it is broken.
const TABLES: &str = "
    create table marks (number integer primary key, run text, step text, acc integer);
    create table broken (x);
    create trigger refuse before insert on marks when exists (select 1 from broken)
    begin select raise(abort, 'planned'); end;";

/// Where a history happens.
pub(super) struct World {
    pub history: History,
    pub folder: TempDir,
    pub clock: Arc<TestClock>,
    pub points: Arc<Points>,
    pub witness: Arc<Witness>,
    pub desk: Arc<Desk>,
    pub told: UnboundedReceiver<Told>,
    pub shop: Connection,
    /// The engine's own database, read only.
    probe: Option<Connection>,
    pub counts: Counts,
    /// Milliseconds that have passed while runs were at work.
    pub leapt: u64,
    pub cancelled: BTreeSet<RunId>,
    pub late: BTreeSet<RunId>,
    pub expired: bool,
}

impl World {
    pub(super) fn new(history: &History, planted: Option<Planted>) -> Self {
        // On a disk in memory: no test here is about disks.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
        let (points, told) = Points::new(history.deeds.clone());
        let points = Arc::new(points);
        let desk = Peer::here().open(points.clone(), history.outcomes.clone());
        let peer = format!("{}/{}", Peer::here().address, desk.number);
        std::fs::create_dir_all(folder.path().join("workflows")).unwrap();
        for (name, text) in history.tree.files(&peer) {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        std::fs::write(folder.path().join("connections.yaml"), "db: { sql: { url: \"sqlite:shop.db\" } }\n").unwrap();
        let shop = Connection::open(folder.path().join("shop.db")).unwrap();
        shop.execute_batch(TABLES).unwrap();
        Self {
            history: history.clone(),
            clock: Arc::new(TestClock::with_planted(START, planted)),
            witness: Arc::new(Witness::new(points.clone())),
            points,
            desk,
            told,
            shop,
            probe: None,
            counts: Counts::default(),
            leapt: 0,
            cancelled: BTreeSet::new(),
            late: BTreeSet::new(),
            expired: false,
            folder,
        }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("data/flowscript.db")
    }

    /// Starts an engine on the existing state.
    pub(super) async fn engine(&mut self) -> Result<(Arc<Watched>, Engine), Finding> {
        let broken = |reason: String| Finding::new("start", reason);
        let inner = SqliteStore::open_with(&self.database(), self.clock.clone()).map_err(|e| broken(e.to_string()))?;
        let (witness, owner, turn) = (self.witness.clone(), Mutex::default(), tokio::sync::Mutex::default());
        let store = Arc::new(Watched { inner, witness, owner, turn });
        let mut config = Config { public_url: Some("http://127.0.0.1:1".into()), ..Config::default() };
        config.http.allow = vec!["127.0.0.1".into()];
        let engine = Engine::load_at(config, self.folder.path(), store.clone(), self.clock.clone()).await;
        let engine = engine.map_err(broken)?;
        for entry in engine.workflows().entries() {
            if let Some(problem) = entry.problems.iter().find(|problem| !problem.warning) {
                return Err(broken(problem.line(&entry.file)));
            }
        }
        if self.probe.is_none() {
            let probe = Connection::open(self.database()).unwrap();
            probe.busy_timeout(Duration::from_secs(5)).unwrap();
            probe.set_prepared_statement_cache_capacity(16);
            self.probe = Some(probe);
        }
        engine.work().await.map_err(|error| broken(error.to_string()))?;
        store.look().await;
        Ok((store, engine))
    }

    fn number(&self, sql: &str) -> Option<i64> {
        let mut query = self.probe.as_ref()?.prepare_cached(sql).unwrap();
        let values: &[&dyn rusqlite::ToSql] = if sql.contains("?1") { &[&self.clock.now().0] } else { &[] };
        query.query_row(values, |row| row.get(0)).unwrap()
    }

    /// Is anything at work, or about to be?
    pub(super) fn is_busy(&self) -> bool {
        let busy = "select count(*) from runs where owner is not null or (due is not null and due <= ?1)";
        self.number(busy).is_some_and(|count| count > 0)
    }

    /// The next instant that a run waits for.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.number("select min(due) from runs where due > ?1").map(Timestamp)
    }

    /// Runs that a worker has.
    pub(super) fn claimed(&self) -> Vec<RunId> {
        self.ids("select id from runs where owner is not null")
    }

    /// Runs that wait for events, and which.
    pub(super) fn awaiting(&self) -> Vec<(RunId, Vec<String>)> {
        let Some(probe) = &self.probe else { return Vec::new() };
        let sql = "select id, awaits from runs where state = 'waiting' and awaits is not null";
        let mut query = probe.prepare_cached(sql).unwrap();
        let rows = query.query_map((), |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, String>(1)?))).unwrap();
        let read = |row: rusqlite::Result<([u8; 16], String)>| {
            let (id, names) = row.unwrap();
            (RunId::from_bytes(id), serde_json::from_str(&names).unwrap_or_default())
        };
        rows.map(read).collect()
    }

    fn ids(&self, sql: &str) -> Vec<RunId> {
        let Some(probe) = &self.probe else { return Vec::new() };
        let mut query = probe.prepare_cached(sql).unwrap();
        let rows = query.query_map((), |row| row.get::<_, [u8; 16]>(0)).unwrap();
        rows.map(|id| RunId::from_bytes(id.unwrap())).collect()
    }

    /// Counts what hits a run.
    pub(super) fn hit(&mut self, seen: &Seen, hit: &'static str) {
        let Some(probe) = &self.probe else { return };
        let sql = "select name, value from kept where run = (select seq from runs where id = ?1) and name like 'at:%'";
        let mut query = probe.prepare_cached(sql).unwrap();
        let rows = query
            .query_map([seen.id.as_bytes()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)))
            .unwrap();
        let places: Vec<String> = rows.filter_map(Result::ok).filter_map(|(k, v)| kept_position(&k, &v)).collect();
        let active = count::active(seen, &places, hit == "retry");
        self.counts.hit(hit, &active);
    }

    /// The engine is dead. Its work on files ends on threads without a caller.
    pub(super) fn buried(&self) {
        let at_work = |seen: &Seen| {
            seen.rows.iter().any(|row| row.record.kind == "file" && row.record.state == StepState::Started)
        };
        if self.witness.runs().iter().any(at_work) {
            std::thread::sleep(Duration::from_millis(4));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        Peer::here().close(&self.desk);
    }
}
