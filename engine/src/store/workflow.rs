//! Workflows, their versions, switches and schedules in the store.

use super::{Cancel, NewRun, RunId, RunState, RunSummary, Timestamp, VersionHash};

/// A folder that was loaded as a whole. Workflows outside of it lose their triggers; their runs continue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Publication {
    /// Workflows that loaded.
    pub loaded: Vec<LoadedWorkflow>,
    /// Workflows whose file exists but does not load: they stay on their last good version.
    pub kept: Vec<String>,
}

/// A workflow that loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedWorkflow {
    /// Its id.
    pub id: String,
    /// The hash of it and everything it uses.
    pub version: VersionHash,
    /// The text of it and everything it uses, in the engine's encoding.
    pub text: Vec<u8>,
    /// `active` of the file.
    pub active: bool,
    /// `concurrency`: how many of its runs may be claimed at a time, over all engines.
    pub concurrency: Option<u32>,
    /// Its schedules.
    pub schedules: Vec<LoadedSchedule>,
}

/// A schedule of a workflow that loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedSchedule {
    /// Its `id`, else its pattern and zone.
    pub key: String,
}

/// The answer to a publication.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Published {
    /// Workflows whose current version has changed, new ones included.
    pub changed: Vec<String>,
    /// Removed workflows.
    pub removed: Vec<String>,
}

/// A stored workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowRecord {
    /// Its id.
    pub id: String,
    /// The version for new runs.
    pub version: VersionHash,
    /// When that version became the current one.
    pub published_at: Timestamp,
    /// Whether its file exists.
    pub present: bool,
    /// Whether its triggers work: the switch if it was used since the file's value changed, else the file's value.
    pub active: bool,
    /// Whether `active` comes from the switch.
    pub switched: bool,
    /// How many of its runs may be claimed at a time.
    pub concurrency: Option<u32>,
    /// Diagnostics settings made at run time, in the engine's encoding.
    pub diagnostics: Option<Vec<u8>>,
}

/// A stored version of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRecord {
    /// Its hash.
    pub version: VersionHash,
    /// When it became the current one; `None` if it is not.
    pub published_at: Option<Timestamp>,
    /// When it stopped being the current one.
    pub retired_at: Option<Timestamp>,
    /// Its unfinished runs by state, without states that have none. Runs that have not started count to the current one.
    pub unfinished: Vec<(RunState, u64)>,
}

/// A stored schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRecord {
    /// Its workflow.
    pub workflow: String,
    /// Its `id`, else its pattern and zone.
    pub key: String,
    /// Paused by an operator.
    pub paused: bool,
    /// Occurrences up to and with this instant are settled: run, skipped, or before the schedule counted. First load,
    /// the end of a pause and the end of inactivity set it to now.
    pub settled_until: Timestamp,
    /// When it last started over, because the wall clock was set back by more than an hour.
    pub anew_at: Option<Timestamp>,
}

/// The name of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ScheduleId {
    /// Its workflow.
    pub workflow: String,
    /// Its `id`, else its pattern and zone.
    pub key: String,
}

/// The decision on an occurrence of a schedule, or on a stretch of them. Each occurrence is decided once: an instant
/// that is already settled is [`Fired::Settled`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fire {
    /// The schedule.
    pub schedule: ScheduleId,
    /// The (last) nominal instant; the schedule is settled until here.
    pub nominal: Timestamp,
    /// The decision.
    pub decision: FireDecision,
}

/// The decision on an occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FireDecision {
    /// Start a run.
    Run {
        /// The run, queued. A full queue makes a skipped row of it.
        run: Box<NewRun>,
        /// What to do while an earlier run of this schedule is unfinished.
        while_unfinished: WhileUnfinished,
    },
    /// Skip occurrences: a row of the history, or more of the last row if that has the same reason.
    Skip {
        /// The id of the row, if it becomes a new one.
        id: RunId,
        /// The reason.
        reason: String,
        /// How many occurrences.
        count: u32,
        /// The first nominal instant of the stretch.
        first: Timestamp,
    },
}

/// The rule for an occurrence while an earlier run of its schedule is unfinished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhileUnfinished {
    /// `overlap: allow`, and `queue` whose runs are in the schedule's lane: insert it anyway.
    Start,
    /// `overlap: skip`: a skipped row instead.
    Skip,
    /// `overlap: cancel`: request the end of the earlier ones, then insert it (in the schedule's lane).
    Cancel,
}

/// The answer to a fire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fired {
    /// The run is stored.
    Run,
    /// The run is stored, and these earlier ones were asked to end.
    Instead(Vec<(RunId, Cancel)>),
    /// A skipped row is stored instead (or was extended): this one.
    Skipped(Box<RunSummary>),
    /// The instant was settled before, or the schedule is paused, inactive or removed. Nothing was stored.
    Settled,
}
