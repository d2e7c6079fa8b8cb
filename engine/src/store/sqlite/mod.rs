//! The embedded store: one SQLite file in the data folder.
//!
//! # Threads
//!
//! ```text
//!  callers ──decision──► queue ──► writer: begin │ savepoint, decision, release │ … │ commit ──► notices ──► answers
//!     │                                                                                            │
//!     └────────read────► queue ──► readers (single rows), lister (lists, retention)    watch, events, ready
//! ```
//!
//! One thread writes ([`writer`]). It takes all decisions that are waiting into one transaction, commits, and only then
//! answers: callers share the price of a sync (WAL, `synchronous=FULL`). A decision is a function of a [`tx::Tx`]; if it
//! fails, its savepoint is rolled back and the others continue. If the commit fails, all of the group get the error, and
//! the next group tries again: a full disk needs no restart. The effects of a decision (events, watchers to wake, queue
//! counts) is collected with it and takes effect after the commit.
//!
//! Before a transaction and before its answers the writer checks whether the file is still the one that was opened
//! ([`mod@file`]): nothing is acknowledged into a file that was removed.
//!
//! Kept in memory only, since the folder lock allows one process: leases, the queue counts, the last events.
//!
//! # Tables
//!
//! ```text
//!  workflows ─┬─< versions          the text of everything a run may need, while a run may need it
//!             ├─< schedules         settled_until: each occurrence is decided once
//!             ├─< lanes             tail: the last place given out
//!             ├─< statistics        (workflow, width, start): what was counted in a minute, later in an hour
//!             └─< runs >── lane, place, in_lane; owner, fence; due
//!                   ├─< steps       (run, position, attempt): started, completed, failed, interrupted
//!                   ├─< tries       (run, number): the ends that retries have followed
//!                   ├─< kept        what a resume needs, by the engine's keys
//!                   ├─< events      (run, name): delivered once
//!                   ├─< log         (run, number)
//!                   └─< parts       bodies of more than 1 KiB
//!  idempotency ──> runs             digest of scope and key; 24 hours, longer while the run is unfinished
//!  api_keys ─< api_key_workflows    tokens, ended_sessions, settings (the store's secret)
//! ```
//!
//! `due` is the instant from which a run may be claimed: 0 is at once, null is never. It is null while a run is
//! claimed, has ended, waits for an event, or is in a lane after another one; a run that leaves a lane makes the next
//! one due ([`lanes`]). So the claim reads one small index and skips nothing, however long the queues after heads are.
//! `concurrency` is a count over the index of claimed runs.
//!
//! `in_lane` is 1 as long as a run occupies its place: until it ends, or, if a failure pauses the lane, until it is
//! retried, run again or skipped.
//!
//! A completed run of a webhook is in three trees: the rows, the ids, and the ids by workflow. All other subjects of
//! lists (other states, other triggers, labels, failures, lanes) are in partial indexes that it does not touch.
//!
//! # Retention
//!
//! See [`prune`]: it sweeps from the oldest run on, in slices whose size the caller chooses; about 25 µs a run.
//! The file gives pages back when more than a twentieth of it is free.

mod accept;
mod awaiting;
mod changes;
mod claim;
mod columns;
mod conditions;
mod counting;
mod effects;
mod errors;
mod file;
mod fire;
mod health;
mod keys;
mod lane_list;
mod lanes;
mod list;
mod locked;
mod migrate;
mod open;
mod parts;
mod people;
mod progress;
mod prune;
mod publish;
mod readers;
mod reads;
mod recent;
mod rows;
mod run_row;
mod runs;
mod sabotage;
mod search;
mod shared;
mod statement;
mod statistics;
#[cfg(test)]
mod tests;
mod tx;
mod versions;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use locked::locked;
use readers::Readers;
use search::Patience;
use shared::Shared;
use writer::Writer;

use crate::clock::{Clock, SystemClock};

use super::{
    Accepted, Admin, Answer, Awaiting, Cancel, Changes, Claim, Claimed, CommitSizes, Cursor, Delivered, EndedSessions,
    EventPage, Fence, Finish, Fire, Fired, Found, KeyRecord, LaneId, LanePage, LaneQuery, LogPage, NewKey, NewRun,
    NewToken, OwnerId, Park, Preview, Pruned, Publication, Published, Recent, Result, Retention, Run, RunAgain, RunId,
    RunPage, RunQuery, RunSummary, ScheduleRecord, Skip, Statistics, StatisticsQuery, StepEnd, StepRecord, Store,
    StoreError, TokenRecord, Try, VersionHash, VersionRecord, WorkflowCounts, WorkflowRecord,
};

/// A store in one SQLite file. One process at a time may have it open; the caller holds the folder's lock.
pub struct SqliteStore {
    // The readers are dropped first: the last connection to close moves everything into the one file.
    readers: Readers,
    listers: Readers,
    writer: Writer,
    shared: Arc<Shared>,
    /// The progress of retention between two slices.
    sweep: Mutex<Option<prune::Sweep>>,
}

impl SqliteStore {
    /// Opens the store, creates it if it is missing, and frees the claims of earlier processes: the caller holds the
    /// lock of the data folder (see [`super::FolderLock`]).
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, Arc::new(SystemClock::default()))
    }

    /// The same with a clock of the caller's.
    pub fn open_with(path: &Path, clock: Arc<dyn Clock>) -> Result<Self> {
        let shared = Arc::new(Shared::new(clock));
        let connections = open::open(path, &shared)?;
        Ok(Self {
            readers: Readers::start(connections.readers)?,
            listers: Readers::start(connections.listers)?,
            writer: Writer::start(connections.writer, connections.file, Arc::clone(&shared))?,
            shared,
            sweep: Mutex::default(),
        })
    }
}

impl Store for SqliteStore {
    fn publish(&self, publication: Publication) -> Answer<'_, Published> {
        self.writer.decide(move |tx| {
            let published = publish::publish(tx, &publication)?;
            // The texts of all versions are not needed again soon.
            tx.conn.execute_batch("pragma shrink_memory")?;
            Ok(published)
        })
    }

    fn workflows(&self) -> Answer<'_, Vec<WorkflowRecord>> {
        self.readers.read(publish::workflows)
    }

    fn version_text(&self, version: VersionHash) -> Answer<'_, Vec<u8>> {
        self.readers.read(move |conn| publish::version_text(conn, version))
    }

    fn versions(&self, workflow: String) -> Answer<'_, Vec<VersionRecord>> {
        self.listers.read(move |conn| versions::versions(conn, &workflow))
    }

    fn schedules(&self) -> Answer<'_, Vec<ScheduleRecord>> {
        self.readers.read(|conn| {
            let schedules = publish::schedules(conn)?;
            // There may be very many, and they are read only when they change.
            conn.execute_batch("pragma shrink_memory")?;
            Ok(schedules)
        })
    }

    fn accept(&self, new: NewRun) -> Answer<'_, Accepted> {
        self.writer.decide(move |tx| accept::accept(tx, &new, None))
    }

    fn history(&self, runs: Arc<[NewRun]>) -> Answer<'_, ()> {
        self.writer.decide(move |tx| accept::history(tx, &runs))
    }

    fn fire(&self, fire: Fire) -> Answer<'_, Fired> {
        self.writer.decide(move |tx| fire::fire(tx, &fire))
    }

    fn renew(&self, owner: OwnerId, lease: Duration) -> Answer<'_, ()> {
        // Leases end with the process, so they are not stored on disk.
        self.shared.renew(owner, lease);
        Box::pin(std::future::ready(Ok(())))
    }

    fn release(&self, owner: OwnerId) -> Answer<'_, ()> {
        self.writer.decide(move |tx| claim::free(tx, owner))
    }

    fn claim(&self, claim: Claim) -> Answer<'_, Claimed> {
        self.writer.decide(move |tx| claim::claim(tx, &claim))
    }

    fn ready(&self) -> Answer<'_, ()> {
        Box::pin(async {
            self.shared.ready.notified().await;
            Ok(())
        })
    }

    fn step_result(&self, fence: Fence, end: StepEnd, changes: Changes) -> Answer<'_, ()> {
        self.writer.decide(move |tx| progress::step_result(tx, fence, &end, &changes))
    }

    fn checkpoint(&self, fence: Fence, changes: Changes) -> Answer<'_, ()> {
        self.writer.decide(move |tx| progress::checkpoint(tx, fence, &changes))
    }

    fn park(&self, fence: Fence, park: Park) -> Answer<'_, ()> {
        self.writer.decide(move |tx| progress::park(tx, fence, &park))
    }

    fn respond(&self, fence: Fence, answer: Vec<u8>, changes: Changes) -> Answer<'_, ()> {
        self.writer.decide(move |tx| progress::respond(tx, fence, &answer, &changes))
    }

    fn finish(&self, fence: Fence, finish: Finish, then: Option<Claim>) -> Answer<'_, Claimed> {
        self.writer.decide(move |tx| progress::finish(tx, fence, &finish, then.as_ref()))
    }

    fn retry(&self, run: RunId) -> Answer<'_, ()> {
        self.writer.decide(move |tx| people::retry(tx, run))
    }

    fn run_again(&self, again: RunAgain) -> Answer<'_, Accepted> {
        self.writer.decide(move |tx| people::run_again(tx, &again))
    }

    fn skip(&self, skip: Skip) -> Answer<'_, RunId> {
        self.writer.decide(move |tx| people::skip(tx, &skip))
    }

    fn resume(&self, lane: LaneId) -> Answer<'_, RunId> {
        self.writer.decide(move |tx| people::resume(tx, &lane))
    }

    fn request_cancel(&self, run: RunId) -> Answer<'_, Cancel> {
        self.writer.decide(move |tx| runs::cancel(tx, run))
    }

    fn deliver(&self, run: RunId, name: String, body: Vec<u8>) -> Answer<'_, Delivered> {
        self.writer.decide(move |tx| people::deliver(tx, run, &name, &body))
    }

    fn prune(&self, retention: Retention) -> Answer<'_, Pruned> {
        Box::pin(async move {
            // A clock that has just jumped forward does not make history old.
            let doubted = self.shared.clock.now().0.saturating_sub(self.shared.trusted_now().0).max(0);
            let limits = Retention { ended_before: retention.ended_before.plus_millis(-doubted), ..retention.clone() };
            let sweep = *locked(&self.sweep);
            let keep_from = limits.ended_before;
            let slice = self.listers.read(move |conn| prune::look(conn, &limits, sweep)).await?;
            let next = slice.sweep;
            let now = self.shared.trusted_now();
            let due = self.listers.read(move |conn| statistics::look(conn, now, keep_from)).await?;
            let pruned = self.writer.decide(move |tx| {
                let (runs, versions) = prune::delete(tx, &slice)?;
                let more_keys = prune::delete_keys(tx, retention.slice)?;
                statistics::settle(tx, &due)?;
                let more_pages = prune::shrink(tx)?;
                let more = slice.sweep.is_some() || more_keys || due.is_full() || more_pages;
                Ok(Pruned { runs, versions, more })
            });
            let pruned = pruned.await?;
            *locked(&self.sweep) = next;
            Ok(pruned)
        })
    }

    fn run(&self, run: RunId) -> Answer<'_, Run> {
        self.readers.read(move |conn| reads::run(conn, run))
    }

    fn previews(&self, runs: Vec<RunId>, most: usize) -> Answer<'_, Vec<Preview>> {
        self.listers.read(move |conn| reads::previews(conn, &runs, most))
    }

    fn summary(&self, run: RunId) -> Answer<'_, RunSummary> {
        self.readers.read(move |conn| reads::summary(conn, run))
    }

    fn steps(&self, run: RunId) -> Answer<'_, Vec<StepRecord>> {
        self.readers.read(move |conn| reads::steps(conn, run))
    }

    fn step_list(&self, run: RunId, most: usize) -> Answer<'_, Vec<(StepRecord, u64)>> {
        self.readers.read(move |conn| reads::step_list(conn, run, most))
    }

    fn trace(&self, run: RunId) -> Answer<'_, Option<Vec<u8>>> {
        self.readers.read(move |conn| reads::trace(conn, run))
    }

    fn tries(&self, run: RunId) -> Answer<'_, Vec<Try>> {
        self.readers.read(move |conn| reads::tries(conn, run))
    }

    fn log(&self, run: RunId, first: u32, limit: u32) -> Answer<'_, LogPage> {
        self.readers.read(move |conn| reads::log(conn, run, first, limit))
    }

    fn delivered(&self, run: RunId) -> Answer<'_, Vec<(String, Vec<u8>)>> {
        self.readers.read(move |conn| reads::delivered(conn, run))
    }

    fn kept_below(&self, run: RunId, prefix: &'static str) -> Answer<'_, Vec<(String, Vec<u8>)>> {
        self.readers.read(move |conn| reads::kept_below(conn, run, prefix))
    }

    fn runs(&self, query: RunQuery) -> Answer<'_, RunPage> {
        self.listers.read(move |conn| list::runs(conn, &query, Patience::USUAL))
    }

    fn found(&self, query: RunQuery, length: i64) -> Answer<'_, Found> {
        self.listers.read(move |conn| list::found(conn, &query, length, Patience::USUAL))
    }

    fn lanes(&self, query: LaneQuery) -> Answer<'_, LanePage> {
        self.listers.read(move |conn| lane_list::lanes(conn, &query))
    }

    fn recent(&self, each: u32) -> Answer<'_, Vec<Recent>> {
        self.listers.read(move |conn| recent::recent(conn, each))
    }

    fn awaiting(&self, limit: u32) -> Answer<'_, Vec<Awaiting>> {
        self.listers.read(move |conn| awaiting::awaiting(conn, limit))
    }

    fn counts(&self) -> Answer<'_, Vec<WorkflowCounts>> {
        self.listers.read(lane_list::counts)
    }

    fn statistics(&self, query: StatisticsQuery) -> Answer<'_, Statistics> {
        self.listers.read(move |conn| statistics::statistics(conn, &query))
    }

    fn watch(&self, run: RunId, seen: Option<u32>) -> Answer<'_, RunSummary> {
        Box::pin(async move {
            loop {
                let mut watcher = self.shared.watch(run);
                let summary = self.summary(run).await?;
                if Some(summary.revision) != seen {
                    return Ok(summary);
                }
                // The sender lives as long as the watcher is registered: an error cannot come before a touch.
                let _ = (&mut watcher.touched).await;
            }
        })
    }

    fn events(&self, since: Option<Cursor>) -> Answer<'_, EventPage> {
        Box::pin(async move {
            loop {
                let grown = self.shared.grown.notified();
                if let Some(page) = self.shared.events_since(since.as_ref())? {
                    return Ok(page);
                }
                grown.await;
            }
        })
    }

    fn add_key(&self, key: NewKey) -> Answer<'_, KeyRecord> {
        self.writer.decide(move |tx| keys::add_key(tx, &key))
    }

    fn keys(&self) -> Answer<'_, Vec<KeyRecord>> {
        self.readers.read(keys::keys)
    }

    fn add_token(&self, token: NewToken) -> Answer<'_, TokenRecord> {
        self.writer.decide(move |tx| keys::add_token(tx, &token))
    }

    fn tokens(&self) -> Answer<'_, Vec<TokenRecord>> {
        self.readers.read(keys::tokens)
    }

    fn ended_sessions(&self) -> Answer<'_, Vec<EndedSessions>> {
        self.readers.read(keys::ended_sessions)
    }

    fn administer(&self, change: Admin) -> Answer<'_, ()> {
        self.writer.decide(move |tx| match &change {
            Admin::Switch { workflow, active } => publish::switch(tx, workflow, *active),
            Admin::Diagnostics { workflow, settings } => publish::set_diagnostics(tx, workflow, settings.as_ref()),
            Admin::PauseSchedule { schedule, paused } => publish::pause_schedule(tx, schedule, *paused),
            Admin::RenameKey { id, label } => keys::rename_key(tx, *id, label),
            Admin::RevokeKey(id) => keys::revoke_key(tx, *id),
            Admin::DeleteKey(id) => keys::delete_key(tx, *id),
            Admin::KeysUsed(used) => keys::keys_used(tx, used),
            Admin::DeleteToken(id) => keys::delete_token(tx, *id),
            Admin::EndSessions(name) => keys::end_sessions(tx, name),
        })
    }

    fn secret(&self) -> Answer<'_, [u8; 32]> {
        self.readers.read(keys::secret)
    }

    fn commit_sizes(&self) -> CommitSizes {
        self.shared.counters.sizes()
    }

    fn failing(&self) -> Option<StoreError> {
        self.shared.health.failing()
    }

    fn try_to_keep(&self) -> Answer<'_, ()> {
        if self.shared.health.is_fresh() {
            return Box::pin(std::future::ready(Ok(())));
        }
        self.writer.decide(|tx| keys::try_to_write(tx))
    }
}
