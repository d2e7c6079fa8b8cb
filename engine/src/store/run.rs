//! Runs in the store: their acceptance, claims and ends.

use std::time::Duration;

use super::names::names;
use super::{Changes, Failure, Fence, LogLine, OwnerId, RunId, StepRecord, Timestamp, Trigger, VersionHash};

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunState {
    /// Accepted, not started since; also a failed run to be retried.
    Queued,
    /// Claimed by a worker, or resumable after its worker died.
    Running,
    /// Asleep in a wait or a back-off, without claim and slot.
    Waiting,
    /// Succeeded, perhaps with steps that were allowed to fail.
    Completed,
    /// Ended by an error.
    Failed,
    /// Ended by an operator or by `overlap: cancel`.
    Cancelled,
    /// Ended because it took longer than its limit.
    TimedOut,
    /// Never started: skipped in its lane, or a schedule's skipped stretch.
    Skipped,
}

impl RunState {
    /// Whether the run is over (a retry may still queue a failed or timed-out one again).
    pub fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Running | Self::Waiting => false,
            Self::Completed | Self::Failed | Self::Cancelled | Self::TimedOut | Self::Skipped => true,
        }
    }

    /// Whether a retry is possible: failed and timed out.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Failed | Self::TimedOut => true,
            Self::Queued | Self::Running | Self::Waiting | Self::Completed | Self::Cancelled | Self::Skipped => false,
        }
    }
}

names! { RunState, "state of a run":
    Queued = "queued",
    Running = "running",
    Waiting = "waiting",
    Completed = "completed",
    Failed = "failed",
    Cancelled = "cancelled",
    TimedOut = "timedOut",
    Skipped = "skipped",
}

/// The kind of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LaneKind {
    /// Ordered delivery of a webhook; shown in the list of lanes.
    Webhook,
    /// Runs of one schedule that wait for each other (`overlap: queue`, missed ones); the key is the schedule's.
    Schedule,
}

names! { LaneKind, "kind of lane": Webhook = "webhook", Schedule = "schedule" }

/// The name of a lane: its runs execute one at a time, in the order of their accepting commits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LaneId {
    /// The workflow.
    pub workflow: String,
    /// Webhook or schedule.
    pub kind: LaneKind,
    /// The key; empty for a webhook that is ordered as a whole.
    pub key: String,
}

/// The lane that a new run asks for. It keeps the settings of its acceptance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneTicket {
    /// Webhook or schedule.
    pub kind: LaneKind,
    /// The key; empty for a webhook that is ordered as a whole.
    pub key: String,
    /// `onFailure: pause`: a failed head holds the lane until it is retried, run again or skipped.
    pub pause: bool,
}

/// An idempotency key of a request, naming the run that the request starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The scope of the key: workflow and API key, as the engine joins them.
    pub scope: String,
    /// The key of the caller.
    pub key: String,
    /// A hash over method, query, content type and body: another request with the same key is refused.
    pub request: [u8; 32],
}

/// How a new run enters the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// It waits for a claim.
    Queue,
    /// The accepting engine wants to run it now: claimed if lane and slot are free, queued if not.
    Claim(OwnerId),
    /// It has already run, without acting steps, lane or slot: one commit for its whole life.
    Finished(Box<FinishedStart>),
}

/// A run that ended before it was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedStart {
    /// The version that ran; it must have been published.
    pub version: VersionHash,
    /// When it started.
    pub started_at: Timestamp,
    /// How it ended.
    pub finish: Finish,
}

/// What is decided about a run when it is accepted, and never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its id, which includes the instant of acceptance.
    pub id: RunId,
    /// Its workflow, which must have been published.
    pub workflow: String,
    /// What started it.
    pub trigger: Trigger,
    /// Its label in the history, at most some hundred characters.
    pub label: Option<String>,
    /// The nominal instant of its schedule's occurrence.
    pub scheduled_for: Option<Timestamp>,
    /// Its lane.
    pub lane: Option<LaneTicket>,
    /// The run that caused it: the failed one of an `onFailure` run, the original of *run again*.
    pub cause: Option<RunId>,
    /// The workflow that starts when it fails for good.
    pub on_failure: Option<String>,
}

/// A run to be accepted. Payload and input are bytes of the engine's encoding, without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// What never changes.
    pub origin: Origin,
    /// The request as received.
    pub payload: Option<Vec<u8>>,
    /// The input; may come later, with the first [`Changes`].
    pub input: Option<Vec<u8>>,
    /// The key that names this run.
    pub idempotency: Option<IdempotencyKey>,
    /// Not to be claimed before this instant (a schedule's jitter).
    pub due: Option<Timestamp>,
    /// How many runs of the workflow may be queued; one more is [`Accepted::QueueFull`].
    pub queue_limit: Option<u32>,
    /// Queue, claim, or finished.
    pub start: Start,
}

/// The answer to an accepting decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// The run is stored and waits for a claim.
    Queued,
    /// The run is stored and claimed by the accepting engine.
    Claimed {
        /// The right to write to it.
        fence: Fence,
        /// The version it has taken: the workflow's current one.
        version: VersionHash,
    },
    /// The run is stored with its end.
    Finished,
    /// The idempotency key named this run before; nothing new was stored.
    Duplicate(Box<RunSummary>),
    /// The idempotency key named a run of another request; nothing was stored.
    KeyReused,
    /// The workflow's queue is full; nothing was stored.
    QueueFull {
        /// The number of queued runs.
        queued: u32,
    },
}

/// How a run ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// The final state: completed, failed, cancelled or timed out.
    pub state: RunState,
    /// Completed, but a step with `continueOnFail` failed.
    pub with_errors: bool,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Why it failed.
    pub error: Option<Failure>,
    /// The workflow's output.
    pub output: Option<Vec<u8>>,
    /// The answer for a waiting caller: status, headers and body in the engine's encoding. A run that has responded
    /// keeps that response instead.
    pub answer: Option<Vec<u8>>,
    /// Records of steps that had no commit of their own, in the engine's encoding; replaces an earlier trace, unless it
    /// is `None`.
    pub trace: Option<Vec<u8>>,
    /// Further changes in the same commit.
    pub changes: Changes,
    /// The masking, now that the run no longer needs the values. Without it everything stays as it is.
    pub mask: Option<Mask>,
    /// The run that `onFailure` starts, in the same commit. Only for a run that is not itself one.
    pub on_failure: Option<Box<NewRun>>,
}

impl Finish {
    /// An end without output, error or other results.
    pub fn new(state: RunState, ended_at: Timestamp) -> Self {
        Self {
            state,
            with_errors: false,
            ended_at,
            error: None,
            output: None,
            answer: None,
            trace: None,
            changes: Changes::default(),
            mask: None,
            on_failure: None,
        }
    }
}

/// Replacements for values that `redact` covers. A masked payload refuses *run again*.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mask {
    /// The masked payload; `None` removes it.
    pub payload: Option<Vec<u8>>,
    /// The masked input; `None` removes it.
    pub input: Option<Vec<u8>>,
    /// Masked results by position and attempt of steps that had one.
    pub results: Vec<(String, u32, Vec<u8>)>,
}

/// A run as lists show it.
#[expect(clippy::struct_excessive_bools, reason = "a row of plain facts, not a configuration")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSummary {
    /// What never changes.
    pub origin: Origin,
    /// Its version; `None` before its first start.
    pub version: Option<VersionHash>,
    /// Its state.
    pub state: RunState,
    /// Completed, but a step failed and was allowed to.
    pub with_errors: bool,
    /// When it was first claimed.
    pub started_at: Option<Timestamp>,
    /// When it ended (for the last time).
    pub ended_at: Option<Timestamp>,
    /// When a waiting run continues by itself.
    pub due: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<Failure>,
    /// It failed, and holds its lane until it is retried, run again or skipped.
    pub holds_lane: bool,
    /// How often it has been retried.
    pub retries: u32,
    /// A cancel was requested and the worker has not ended it yet.
    pub cancel_requested: bool,
    /// It has answered its caller by `respond`.
    pub responded: bool,
    /// Its payload has been masked: it cannot run again.
    pub masked: bool,
    /// The occurrences that it represents, if it is a schedule's skipped stretch.
    pub skipped: Option<SkippedStretch>,
    /// Counts the changes that [`super::Store::watch`] reports.
    pub revision: u32,
}

impl RunSummary {
    /// When it was accepted.
    pub fn accepted_at(&self) -> Timestamp {
        self.origin.id.accepted_at()
    }

    /// Whether it has an answer for a waiting caller: it has ended or responded.
    pub fn has_answer(&self) -> bool {
        self.responded || self.state.is_final()
    }
}

/// A run from its start, or from a retry, to its end: a run that was retried twice has three.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// Counted from 1.
    pub number: u32,
    /// How it ended; for the last try, the state of the run.
    pub state: RunState,
    /// When it was first claimed.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<Failure>,
}

/// The output of a run, or its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The run.
    pub run: RunId,
    /// The size of the whole output in bytes of the engine's encoding.
    pub size: u64,
    /// All of it if it is short enough, else its first bytes.
    pub start: Vec<u8>,
}

/// Occurrences of a schedule that were skipped for one reason, as one row of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedStretch {
    /// The reason, for example `overlap`, `missed` or `queue full`.
    pub reason: String,
    /// How many.
    pub count: u32,
    /// The first nominal instant.
    pub first: Timestamp,
    /// The last nominal instant.
    pub last: Timestamp,
}

/// A run with all its data except steps, log and kept state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What lists show.
    pub summary: RunSummary,
    /// The request as received, or masked.
    pub payload: Option<Vec<u8>>,
    /// The input, or masked.
    pub input: Option<Vec<u8>>,
    /// The workflow's output.
    pub output: Option<Vec<u8>>,
    /// The answer for a waiting caller.
    pub answer: Option<Vec<u8>>,
    /// Records of steps without a commit of their own.
    pub trace: Option<Vec<u8>>,
}

/// A claimed run, with all that is needed to start or resume it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedRun {
    /// The right to write to it.
    pub fence: Fence,
    /// Its version.
    pub version: VersionHash,
    /// The run itself.
    pub run: Run,
    /// Its kept state, by key; empty on a first start.
    pub kept: Vec<(String, Vec<u8>)>,
    /// Its committed steps, in the order of their starts.
    pub steps: Vec<StepRecord>,
    /// Events that have arrived for it, by name.
    pub events: Vec<(String, Vec<u8>)>,
    /// How many log lines it has.
    pub log_lines: u32,
    /// By how much the wall clock was set back while it slept.
    pub set_back: Duration,
}

/// The answer to a claim.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claimed {
    /// The claimed runs, those due longest first.
    pub runs: Vec<ClaimedRun>,
    /// When the next run becomes due by itself, if any.
    pub next_due: Option<Timestamp>,
}

/// A run goes to sleep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Park {
    /// When it continues by itself; `None` only if it waits for an event without a timeout.
    pub due: Option<Timestamp>,
    /// Names of events that it waits for. If one has already arrived, the run is due at once.
    pub events: Vec<String>,
    /// Further changes in the same commit.
    pub changes: Changes,
}

/// A new run with the same payload as an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunAgain {
    /// The earlier run.
    pub source: RunId,
    /// The id of the new one.
    pub id: RunId,
    /// How many runs of the workflow may be queued.
    pub queue_limit: Option<u32>,
}

/// A stretch of a run's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// The number of the first line, counted from 0.
    pub first: u32,
    /// The lines.
    pub lines: Vec<LogLine>,
}
