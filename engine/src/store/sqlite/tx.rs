//! The context of a decision: the open transaction, the time, and the effects of the decision once it is committed.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};

use super::counting::{Counted, Counting};
use super::effects::Effects;
use super::shared::Shared;
use super::statement::{self, Query, query};
use crate::store::statistics::Count;
use crate::store::{Event, Result, RunId, RunState, StoreError, Timestamp, VersionHash};

/// A decision in progress.
pub(super) struct Tx<'a> {
    /// The connection, inside a transaction and a savepoint.
    pub conn: &'a Connection,
    /// The wall clock.
    pub now: Timestamp,
    /// The wall clock for deleting: a jump forward counts only once it has lasted.
    pub trusted: Timestamp,
    /// Leases and waiting readers.
    pub shared: &'a Shared,
    /// What the writer remembers between decisions.
    memory: &'a mut Memory,
    /// The effects after the commit.
    pub effects: Effects,
}

/// What the writer remembers about the database. It is dropped whenever a transaction is rolled back as a whole.
#[derive(Default)]
pub(super) struct Memory {
    queued: Option<HashMap<i64, i64>>,
    workflows: HashMap<String, Arc<Workflow>>,
    names: HashMap<i64, Arc<str>>,
    counting: Counting,
}

query! {
    /// The columns of a workflow that acceptance and claims need.
    pub(super) struct Workflow: "select" {
        /// `workflows.key`.
        key: i64 = "w.key",
        /// `versions.key` of the current version.
        version: i64 = "w.version",
        /// The hash of the current version.
        hash: VersionHash = "v.hash",
        /// Slots.
        concurrency: Option<u32> = "w.concurrency",
    } "from workflows w join versions v on v.key = w.version where w.id = ?1"
}

query! {
    /// How many runs of a workflow are queued.
    struct Queued: "select" { workflow: i64, count: i64 = "count(*)" }
    "from runs where state = 'queued' and state <> 'completed' group by 1"
}

impl Memory {
    /// Takes over what a decision has changed.
    pub fn apply(&mut self, effects: &Effects) {
        if effects.workflows_changed {
            self.workflows.clear();
        }
        if let Some(queued) = &mut self.queued {
            for (workflow, delta) in &effects.queued {
                *queued.entry(*workflow).or_default() += delta;
            }
        }
        self.counting.add(&effects.counted);
    }

    /// Writes what was counted; called once before each commit.
    pub fn write_counted(&mut self, conn: &Connection) -> Result<()> {
        self.counting.write(conn)
    }
}

impl<'a> Tx<'a> {
    /// A decision on `conn`.
    pub fn new(conn: &'a Connection, shared: &'a Shared, memory: &'a mut Memory) -> Self {
        Self {
            conn,
            now: shared.clock.now(),
            trusted: shared.trusted_now(),
            shared,
            memory,
            effects: Effects::default(),
        }
    }

    /// A statement, prepared once a connection.
    pub fn prepare(&self, sql: &str) -> Result<CachedStatement<'a>> {
        Ok(self.conn.prepare_cached(sql)?)
    }

    /// Runs a statement and gives the number of changed rows.
    pub fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        Ok(self.prepare(sql)?.execute(params)?)
    }

    /// The first row of a query, if there is one.
    pub fn first<Q: Query>(&self, params: impl Params) -> Result<Option<Q>> {
        statement::first(self.conn, params)
    }

    /// All rows of a query.
    pub fn all<Q: Query>(&self, params: impl Params) -> Result<Vec<Q>> {
        statement::all(self.conn, params)
    }

    /// The one column of the first row of a statement, if there is a row.
    pub fn value<T: FromSql>(&self, sql: &str, params: impl Params) -> Result<Option<T>> {
        statement::value(self.conn, sql, params)
    }

    /// The one column of the one row of a statement that always has one.
    pub fn single<T: FromSql>(&self, sql: &str, params: impl Params) -> Result<T> {
        statement::single(self.conn, sql, params)
    }

    /// The one column of all rows of a statement.
    pub fn values<T: FromSql>(&self, sql: &str, params: impl Params) -> Result<Vec<T>> {
        statement::values(self.conn, sql, params)
    }

    /// The first row of a statement that is made at run time, if there is one.
    pub fn row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.prepare(sql)?.query_row(params, read).optional()?)
    }

    /// The workflow with this id; [`StoreError::NotFound`] if it was never published.
    pub fn workflow(&mut self, id: &str) -> Result<Arc<Workflow>> {
        if let Some(known) = self.memory.workflows.get(id) {
            return Ok(known.clone());
        }
        let found = self.first::<Workflow>([id])?;
        let found = Arc::new(found.ok_or_else(|| StoreError::NotFound(format!("there is no workflow '{id}'")))?);
        self.memory.workflows.insert(id.to_owned(), found.clone());
        Ok(found)
    }

    /// The id of the workflow with this key.
    pub fn workflow_name(&mut self, key: i64) -> Result<Arc<str>> {
        if let Some(name) = self.memory.names.get(&key) {
            return Ok(name.clone());
        }
        let name: String = self
            .value("select id from workflows where key = ?1", [key])?
            .ok_or_else(|| StoreError::Corrupt(format!("a run belongs to workflow number {key}, which is missing")))?;
        let name: Arc<str> = name.into();
        self.memory.names.insert(key, name.clone());
        Ok(name)
    }

    /// The number of queued runs of a workflow, including this decision. Counted once, then kept up to date.
    pub fn queued(&mut self, workflow: i64) -> Result<u32> {
        if self.memory.queued.is_none() {
            let counts = self.all::<Queued>(())?.into_iter().map(|queued| (queued.workflow, queued.count));
            let mut counts: HashMap<i64, i64> = counts.collect();
            // The database already contains this decision's changes, and they will be applied again when it ends.
            for (workflow, delta) in &self.effects.queued {
                *counts.entry(*workflow).or_default() -= delta;
            }
            self.memory.queued = Some(counts);
        }
        let before = self.memory.queued.as_ref().and_then(|queued| queued.get(&workflow)).copied().unwrap_or_default();
        let here: i64 = self.effects.queued.iter().filter(|(key, _)| *key == workflow).map(|(_, delta)| delta).sum();
        let queued = before + here;
        let wrong =
            |_| StoreError::Other(format!("workflow number {workflow} has {queued} queued runs: please report it"));
        u32::try_from(queued).map_err(wrong)
    }

    /// Counts something of a workflow for the statistics.
    pub fn count(&mut self, workflow: i64, at: Timestamp, what: Option<Count>, number: u32) {
        if let Some(what) = what {
            self.effects.counted.push(Counted { workflow, at, what, number: number.into() });
        }
    }

    /// Counts the end of a run, which started at `started_at` unless it never did.
    pub fn count_end(&mut self, workflow: i64, state: RunState, started_at: Option<Timestamp>, ended_at: Timestamp) {
        self.count(workflow, ended_at, Count::ended(state), 1);
        self.count(workflow, ended_at, started_at.and_then(|at| Count::took(state, at, ended_at)), 1);
    }

    /// Rows of the statistics have been deleted.
    pub fn forget_counted(&mut self) {
        self.memory.counting.forget();
    }

    /// Notes for listeners that a run has changed its state (or is new), and updates the queue counts.
    pub fn moved(&mut self, run: RunId, workflow: i64, from: Option<RunState>, to: RunState) -> Result<()> {
        if from == Some(RunState::Queued) {
            self.effects.queued.push((workflow, -1));
        }
        if to == RunState::Queued {
            self.effects.queued.push((workflow, 1));
        }
        let name = self.workflow_name(workflow)?;
        self.effects.events.push(Event::Run { run, workflow: name.to_string(), state: to });
        if from.is_some() {
            self.effects.touched.push(run);
        }
        Ok(())
    }
}
