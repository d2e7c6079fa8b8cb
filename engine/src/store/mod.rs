//! The store: all stored state of the engine, as one trait.
//!
//! [`Store`] is made of whole decisions. Each is one transaction: it happens or it does not, and it is synced to disk
//! before its future is ready. The rest of the engine never sees SQL, and the store never sees a step, a template or a
//! variable: payloads, inputs, results and kept state are bytes that the engine encodes. Only the subjects of queries
//! (states, times, labels, lanes, failures) are fields.
//!
//! Methods return boxed futures so that the trait works as `dyn Store`. They need no particular runtime. Dropping a
//! future undoes nothing: a decision that was handed over is carried out.
//!
//! # The life of a run
//!
//! ```text
//!  accept ──► queued ──claim──► running ──park──► waiting ──(due, event)──► claim …
//!    │           │                 │  ▲               │
//!    │           │                 │  └─ step result, checkpoint, respond (under the fence)
//!    │           ▼                 ▼                  ▼
//!    │        skipped,          completed, failed, timedOut, cancelled        retry: failed, timedOut ──► queued
//!    │        cancelled
//!    └─ finished in the same commit
//! ```
//!
//! A *claim* gives an owner the right to write to a run, as a [`Fence`]. Every write carries it; after the claim was
//! lost or has ended the write is refused as [`StoreError::Stale`] and the worker must stop. An owner keeps its claims
//! by [`Store::renew`]; its lease is counted by the store's clock. Claims of an owner whose lease has ended are free
//! again. On SQLite the folder lock proves that earlier processes are dead: opening the store frees their claims.
//!
//! A *lane* lets its runs work one at a time in the order of their accepting commits. A run stays in its lane until it
//! has ended for good; with `pause` a failed one stays until it is retried, run again or skipped.
//!
//! A *slot* is one of the `concurrency` runs of a workflow that may be claimed at a time. Parked runs hold none.
//!
//! # Waking up
//!
//! [`Store::ready`] resolves when a commit may have made a run claimable; it is a hint, and [`Claimed::next_due`]
//! says when the next run becomes due by itself. Callers who wait for one run use [`Store::watch`], lists that follow
//! use [`Store::events`]. With several engines on one database all three may be late, never wrong.

mod admin;
#[cfg(test)]
mod contract;
mod cursor;
mod error;
mod failure;
mod filter;
mod id;
mod lock;
mod names;
mod query;
mod run;
mod sqlite;
mod statistics;
mod step;
mod trigger;
mod workflow;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use crate::clock::Timestamp;
pub use admin::{Admin, EndedSessions, KeyRecord, NewKey, NewToken, Role, SESSION_HOURS, TokenRecord};
pub use cursor::{Cursor, cut};
pub use error::{Result, StoreError};
pub use failure::Failure;
pub use filter::{Condition, Found, Mark as RunMark, Stretch, Term};
pub use id::{Fence, OwnerId, RunId, VersionHash};
pub use lock::{FolderLock, Holder, Locking};
pub use query::{
    Awaiting, Cancel, Claim, CommitSizes, Delivered, Event, EventPage, LanePage, LaneQuery, LaneState, Pruned, Recent,
    RecentRun, Retention, RunPage, RunQuery, Skip, WorkflowCounts,
};
pub use run::{
    Accepted, Claimed, ClaimedRun, Finish, FinishedStart, IdempotencyKey, LaneId, LaneKind, LaneTicket, LogPage, Mask,
    NewRun, Origin, Park, Preview, Run, RunAgain, RunState, RunSummary, SkippedStretch, Start, Try,
};
pub use sqlite::SqliteStore;
pub use statistics::{Count, Statistics, StatisticsQuery, Tally};
pub use step::{Changes, LogLine, StepEnd, StepRecord, StepStart, StepState};
pub use trigger::{Trigger, TriggerFacts};
pub use workflow::{
    Fire, FireDecision, Fired, LoadedSchedule, LoadedWorkflow, Publication, Published, ScheduleId, ScheduleRecord,
    VersionRecord, WhileUnfinished, WorkflowRecord,
};

/// The result of the store's methods: a future of a result. See the module's page for the effect of dropping it.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// How long an idempotency key names its run, at least.
pub const IDEMPOTENCY_HOURS: i64 = 24;

/// The store. See the module's page for how the methods play together.
///
/// Every method may fail with [`StoreError::Full`], [`StoreError::ReadOnly`], [`StoreError::Busy`],
/// [`StoreError::Lost`], [`StoreError::Corrupt`] and [`StoreError::Other`]; further errors are named where they occur.
pub trait Store: Send + Sync + 'static {
    // ---- workflows -------------------------------------------------------------------------------------------------

    /// Publishes a loaded folder: stores texts of new versions, switches workflows to them, adopts their schedules,
    /// stops the triggers of removed workflows. Publishing the same again changes nothing.
    fn publish(&self, publication: Publication) -> Answer<'_, Published>;

    /// All workflows that were ever published and still have a row, by id.
    fn workflows(&self) -> Answer<'_, Vec<WorkflowRecord>>;

    /// The text of a version; [`StoreError::NotFound`] if no workflow and no run refers to it any more.
    fn version_text(&self, version: VersionHash) -> Answer<'_, Vec<u8>>;

    /// The stored versions of a workflow, the current one first; [`StoreError::NotFound`] if it was never published.
    fn versions(&self, workflow: String) -> Answer<'_, Vec<VersionRecord>>;

    /// The schedules of workflows that are present and active.
    fn schedules(&self) -> Answer<'_, Vec<ScheduleRecord>>;

    // ---- acceptance ------------------------------------------------------------------------------------------------

    /// Stores a run with its payload, its place in its lane and its idempotency key; perhaps claimed or finished.
    /// [`StoreError::NotFound`] for a workflow or version that was not published, [`StoreError::Conflict`] for a
    /// finished run that asks for a lane.
    fn accept(&self, new: NewRun) -> Answer<'_, Accepted>;

    /// Stores finished runs of relaxed durability, all in one commit. A run that is already stored is left alone, so a
    /// batch may be sent again after an error. [`StoreError::Conflict`] if a run is not [`Start::Finished`].
    fn history(&self, runs: Arc<[NewRun]>) -> Answer<'_, ()>;

    /// Decides an occurrence of a schedule: the occurrence and its run are one commit.
    fn fire(&self, fire: Fire) -> Answer<'_, Fired>;

    // ---- claims ----------------------------------------------------------------------------------------------------

    /// Starts or renews the lease of an owner: it ends `lease` from now, by the store's clock.
    fn renew(&self, owner: OwnerId, lease: Duration) -> Answer<'_, ()>;

    /// Ends the lease of an owner and frees its claims; their fences are stale from now on.
    fn release(&self, owner: OwnerId) -> Answer<'_, ()>;

    /// Claims runs that are due and whose lane and slot are free, those due longest first.
    /// [`StoreError::Conflict`] if the owner has no running lease.
    fn claim(&self, claim: Claim) -> Answer<'_, Claimed>;

    /// Resolves when runs may have become claimable since the last time it resolved.
    fn ready(&self) -> Answer<'_, ()>;

    // ---- under the fence: all of these may fail with `StoreError::Stale` -------------------------------------------

    /// Commits the result of a step. [`StoreError::Conflict`] if that attempt was not started.
    fn step_result(&self, fence: Fence, end: StepEnd, changes: Changes) -> Answer<'_, ()>;

    /// Commits a durable point: starts of steps, and the state that a resume needs.
    fn checkpoint(&self, fence: Fence, changes: Changes) -> Answer<'_, ()>;

    /// Puts the run to sleep: gives up claim and slot, keeps the lane. It is claimable again when it is due or one of
    /// its events has arrived; if one has already arrived, it is claimable at once.
    fn park(&self, fence: Fence, park: Park) -> Answer<'_, ()>;

    /// Stores the answer for a waiting caller while the run continues. [`StoreError::Conflict`] for a second one.
    fn respond(&self, fence: Fence, answer: Vec<u8>, changes: Changes) -> Answer<'_, ()>;

    /// Ends the run, opens or holds its lane, starts the `onFailure` run; then claims in the same commit, if asked to
    /// and the owner's lease is running. [`StoreError::Conflict`] for a state that is not final and for an `onFailure`
    /// of a run that is one, [`StoreError::NotFound`] if the workflow of `onFailure` was never published.
    fn finish(&self, fence: Fence, finish: Finish, then: Option<Claim>) -> Answer<'_, Claimed>;

    // ---- by operators and peers
    // ---------------------------------------------------------------------------------------

    /// Queues a failed or timed-out run again with all its kept state; its end stays as a [`Try`]. A held head keeps
    /// its place, any other run of a lane goes to the tail. [`StoreError::Conflict`] in any other state.
    fn retry(&self, run: RunId) -> Answer<'_, ()>;

    /// A new run with the payload (without one, the input) of an earlier one, on the current version. It takes the
    /// place of a held head. [`StoreError::Conflict`] if the payload was masked or the source is a skipped stretch.
    fn run_again(&self, again: RunAgain) -> Answer<'_, Accepted>;

    /// Skips a queued run or a held head and gives its id. [`StoreError::Conflict`] if it is running or waiting (cancel
    /// it instead), [`StoreError::NotFound`] for an empty lane.
    fn skip(&self, skip: Skip) -> Answer<'_, RunId>;

    /// Resumes a held lane by retrying its head, and gives that run's id. [`StoreError::Conflict`] if the lane is
    /// not held.
    fn resume(&self, lane: LaneId) -> Answer<'_, RunId>;

    /// Cancels a run that no worker has, or asks its worker to end it. The first committed end wins.
    fn request_cancel(&self, run: RunId) -> Answer<'_, Cancel>;

    /// Stores an event for a run, once for each name.
    fn deliver(&self, run: RunId, name: String, body: Vec<u8>) -> Answer<'_, Delivered>;

    // ---- history ---------------------------------------------------------------------------------------------------

    /// Deletes old history, one short slice of it. Unfinished runs and held heads are never touched.
    fn prune(&self, retention: Retention) -> Answer<'_, Pruned>;

    /// A run with payload, input, output and answer; [`StoreError::NotFound`] if it is missing.
    fn run(&self, run: RunId) -> Answer<'_, Run>;

    /// At most the first `most` bytes of the outputs of these runs; the rest is not read.
    fn previews(&self, runs: Vec<RunId>, most: usize) -> Answer<'_, Vec<Preview>>;

    /// A run without its bodies; [`StoreError::NotFound`] if it is missing.
    fn summary(&self, run: RunId) -> Answer<'_, RunSummary>;

    /// The committed steps of a run, in the order of their starts.
    fn steps(&self, run: RunId) -> Answer<'_, Vec<StepRecord>>;

    /// The same without results of more than `most` bytes, each with the size of its result.
    fn step_list(&self, run: RunId, most: usize) -> Answer<'_, Vec<(StepRecord, u64)>>;

    /// The records of its steps at the end of a run, if it has any.
    fn trace(&self, run: RunId) -> Answer<'_, Option<Vec<u8>>>;

    /// The tries of a run, oldest first; the last one is the run as it is now.
    fn tries(&self, run: RunId) -> Answer<'_, Vec<Try>>;

    /// Lines of a run's log, from number `first` on, at most `limit`.
    fn log(&self, run: RunId, first: u32, limit: u32) -> Answer<'_, LogPage>;

    /// Events that have arrived for a run, by name, with their bodies.
    fn delivered(&self, run: RunId) -> Answer<'_, Vec<(String, Vec<u8>)>>;

    /// The kept state of an unfinished, failed or timed-out run under keys that begin with `prefix`, by key.
    fn kept_below(&self, run: RunId, prefix: &'static str) -> Answer<'_, Vec<(String, Vec<u8>)>>;

    /// Runs, newest first, with at most the first 4,096 characters of their errors. Pages do not shift while runs are
    /// accepted. A page is short, perhaps empty, if a search takes long: [`RunPage::searched_to`]. [`StoreError::Conflict`] for a cursor that is not of this list.
    fn runs(&self, query: RunQuery) -> Answer<'_, RunPage>;

    /// How many runs a query finds, by state and by stretches of `length` milliseconds in which they were accepted.
    /// [`StoreError::Conflict`] if there are too many stretches.
    fn found(&self, query: RunQuery, length: i64) -> Answer<'_, Found>;

    /// Lanes that have runs in them. [`StoreError::Conflict`] for a cursor that is not of this list.
    fn lanes(&self, query: LaneQuery) -> Answer<'_, LanePage>;

    /// The newest `each` runs of each workflow that has some, by workflow, newest first.
    fn recent(&self, each: u32) -> Answer<'_, Vec<Recent>>;

    /// At most `limit` runs that wait for events, the first accepted first.
    fn awaiting(&self, limit: u32) -> Answer<'_, Vec<Awaiting>>;

    /// Unfinished runs, counted by workflow.
    fn counts(&self) -> Answer<'_, Vec<WorkflowCounts>>;

    /// What was counted in a stretch of time: runs that were accepted and that ended, and how long they took. Runs that
    /// are deleted stay counted as long as [`Retention::ended_before`] says. [`StoreError::Conflict`] for a stretch that
    /// is empty or has too many buckets.
    fn statistics(&self, query: StatisticsQuery) -> Answer<'_, Statistics>;

    /// Waits until the run's revision differs from `seen` and returns its summary; at once if `seen` is `None`. States,
    /// arrived events, a response and a request to cancel count as changes.
    fn watch(&self, run: RunId, seen: Option<u32>) -> Answer<'_, RunSummary>;

    /// Events after a cursor; waits until there is one. Without a cursor it returns at once the place where new events
    /// will start.
    fn events(&self, since: Option<Cursor>) -> Answer<'_, EventPage>;

    // ---- administration --------------------------------------------------------------------------------------------

    /// Adds an API key; an existing key opens one more workflow and keeps its label. [`StoreError::Conflict`] if that
    /// key was revoked.
    fn add_key(&self, key: NewKey) -> Answer<'_, KeyRecord>;

    /// All API keys, oldest first.
    fn keys(&self) -> Answer<'_, Vec<KeyRecord>>;

    /// Adds an admin token. [`StoreError::Conflict`] if it already exists.
    fn add_token(&self, token: NewToken) -> Answer<'_, TokenRecord>;

    /// All admin tokens, oldest first.
    fn tokens(&self) -> Answer<'_, Vec<TokenRecord>>;

    /// The sessions of the dashboard that have ended before their time, by name.
    fn ended_sessions(&self) -> Answer<'_, Vec<EndedSessions>>;

    /// Switches, pauses, settings, changes of keys. [`StoreError::NotFound`] for an unknown name.
    fn administer(&self, change: Admin) -> Answer<'_, ()>;

    /// The store's own secret, created with the store: callback addresses are signed with it.
    fn secret(&self) -> Answer<'_, [u8; 32]>;

    /// Statistics on how many decisions have shared a commit.
    fn commit_sizes(&self) -> CommitSizes;

    /// Why the store could not write at its last attempt or check; `None` while it works.
    fn failing(&self) -> Option<StoreError>;

    /// Whether the store can write now: it has just done so, or tries it.
    fn try_to_keep(&self) -> Answer<'_, ()>;
}

const _: fn(&dyn Store) = |_| {}; // the trait stays usable as `dyn Store`
