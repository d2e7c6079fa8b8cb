//! Queries of the store and their answers.

use super::filter::{Condition, Term};
use super::{Cursor, Failure, LaneId, OwnerId, RunId, RunState, RunSummary, Timestamp, Trigger};

/// A claim of runs that are due, whose lane and slot are free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The claiming owner; its lease must be running (see [`super::Store::renew`]).
    pub owner: OwnerId,
    /// The most runs to claim.
    pub limit: u32,
}

/// Which runs a list shows. Newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunQuery {
    /// Of this workflow.
    pub workflow: Option<String>,
    /// In one of these states; all if empty.
    pub states: Vec<RunState>,
    /// Started by this.
    pub trigger: Option<Trigger>,
    /// Accepted at or after.
    pub accepted_from: Option<Timestamp>,
    /// Accepted before.
    pub accepted_before: Option<Timestamp>,
    /// With exactly this label.
    pub label: Option<String>,
    /// Id, label, lane key or error message begins with this, in any case of ASCII letters.
    pub text: Option<String>,
    /// Further conditions, all of which hold.
    pub terms: Vec<Term>,
    /// The page after this cursor.
    pub after: Option<Cursor>,
    /// The size of a page; 0 means 50, and the limit is 1,000.
    pub limit: u32,
}

impl RunQuery {
    /// All conditions but those of time.
    pub(super) fn terms(&self) -> Vec<Term> {
        let one = |text: &Option<String>| text.clone().map(|text| vec![text]);
        let own = [
            Some(self.states.clone()).filter(|states| !states.is_empty()).map(Condition::State),
            self.trigger.map(|trigger| Condition::Trigger(vec![trigger])),
            one(&self.workflow).map(Condition::Workflow),
            one(&self.label).map(Condition::Label),
            self.text.clone().map(Condition::Text),
        ];
        let own = own.into_iter().flatten().map(|condition| Term { negated: false, condition });
        own.chain(self.terms.iter().cloned()).collect()
    }
}

/// A page of runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunPage {
    /// The runs, newest first.
    pub runs: Vec<RunSummary>,
    /// The cursor of the next page; `None` at the end.
    pub next: Option<Cursor>,
    /// The search took long and ended here, before the page was full: the next page continues it.
    pub searched_to: Option<Timestamp>,
}

/// A lane with runs in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneState {
    /// Its name.
    pub lane: LaneId,
    /// The number of runs in it: unfinished ones, and a failed head that holds it.
    pub length: u32,
    /// The run at its head.
    pub head: RunId,
    /// The head's state.
    pub head_state: RunState,
    /// The head has failed and holds the lane.
    pub held: bool,
    /// Since when the head is in the lane's way: its end if it holds the lane, else its start, else its acceptance.
    pub since: Timestamp,
    /// The label of the head.
    pub head_label: Option<String>,
    /// Why the head failed.
    pub head_error: Option<Failure>,
}

/// A run that waits for events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaiting {
    /// The run.
    pub run: RunId,
    /// Its workflow.
    pub workflow: String,
    /// Its label.
    pub label: Option<String>,
    /// The events, one of which continues it.
    pub events: Vec<String>,
    /// When the step started that waits.
    pub since: Option<Timestamp>,
    /// When it continues by itself.
    pub due: Option<Timestamp>,
}

/// The newest runs of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recent {
    /// The workflow.
    pub workflow: String,
    /// Its runs, newest first.
    pub runs: Vec<RecentRun>,
}

/// A run in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentRun {
    /// The run.
    pub run: RunId,
    /// Its state.
    pub state: RunState,
    /// Completed, but a step failed.
    pub with_errors: bool,
    /// When it was first claimed.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Which lanes a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LaneQuery {
    /// Of this workflow.
    pub workflow: Option<String>,
    /// Only those whose head holds them.
    pub held: bool,
    /// The page after this cursor.
    pub after: Option<Cursor>,
    /// The size of a page; 0 means 50, and the limit is 1,000.
    pub limit: u32,
}

/// A page of lanes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LanePage {
    /// The lanes, by workflow and key.
    pub lanes: Vec<LaneState>,
    /// The cursor of the next page; `None` at the end.
    pub next: Option<Cursor>,
}

/// Unfinished runs of a workflow, for metrics and limits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkflowCounts {
    /// The workflow.
    pub workflow: String,
    /// Queued runs.
    pub queued: u32,
    /// Running ones.
    pub running: u32,
    /// Waiting ones.
    pub waiting: u32,
    /// Runs in lanes of its webhook: unfinished ones, and failed heads that hold theirs.
    pub in_lanes: u32,
    /// Lanes whose head holds them.
    pub held_lanes: u32,
}

/// What is skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// The head of a lane: a held one releases the next run and stays failed, a queued one becomes skipped.
    Head(LaneId),
    /// A run: a queued one becomes skipped, a failed one that holds its lane releases the next run.
    Run(RunId),
}

/// The effect of a request to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    /// No worker had the run: it is cancelled now.
    Cancelled,
    /// The worker is asked to end it.
    Requested,
    /// It had ended before.
    Ended(RunState),
}

/// The effect of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// Kept; a run that waits for it is due.
    Kept,
    /// The name was delivered before; nothing was stored.
    Already,
    /// The run has ended.
    Ended,
}

/// How much history is kept, and the size of one slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Finished runs that ended before this instant are deleted.
    pub ended_before: Timestamp,
    /// Above this number of finished runs the oldest are deleted.
    pub max_runs: u64,
    /// The most runs that one slice deletes.
    pub slice: u32,
}

/// The effect of a slice of retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Deleted runs.
    pub runs: u32,
    /// Deleted versions that no run refers to any more.
    pub versions: u32,
    /// There is more to do: call again after a pause.
    pub more: bool,
}

/// Something that happened in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A run was accepted or has changed its state.
    Run {
        /// The run.
        run: RunId,
        /// Its workflow.
        workflow: String,
        /// Its state now.
        state: RunState,
    },
    /// A run has new log lines.
    Log {
        /// The run.
        run: RunId,
        /// The number of the first new line.
        first: u32,
        /// How many.
        count: u32,
    },
    /// Workflows, switches, schedules or settings have changed.
    Workflows,
    /// API keys or admin tokens have changed.
    Keys,
}

/// Events after a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// The events, oldest first.
    pub events: Vec<Event>,
    /// The cursor of the next page.
    pub next: Cursor,
    /// Events between the cursor and these are no longer known: read the displayed lists again.
    pub missed: bool,
}

/// Statistics since the store was opened on how many decisions shared a commit, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommitSizes {
    /// Commits.
    pub commits: u64,
    /// Decisions in them.
    pub decisions: u64,
}
