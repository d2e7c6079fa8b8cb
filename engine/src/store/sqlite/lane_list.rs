//! Lanes with runs in them, and counts of unfinished runs.

use rusqlite::Connection;

use super::list;
use super::rows::failure;
use super::statement::{self, query};
use crate::store::{
    Cursor, Failure, LaneId, LaneKind, LanePage, LaneQuery, LaneState, Result, RunId, RunState, Timestamp,
    WorkflowCounts, cut,
};

/// A page of the lanes of ordered webhooks.
pub(super) fn lanes(conn: &Connection, query: &LaneQuery) -> Result<LanePage> {
    let limit = list::page_size(query.limit);
    let after = query.after.as_ref().map(|after| after.workflow_and_key("lanes")).transpose()?.unwrap_or_default();
    let (workflow, key) = after;
    let found = statement::all::<Lane>(conn, (workflow, key, &query.workflow, query.held, limit + 1))?;
    let mut lanes: Vec<LaneState> = found.into_iter().map(LaneState::from).collect();
    let next = cut(&mut lanes, limit as usize, |last| Cursor::after(&last.lane.workflow, &last.lane.key));
    Ok(LanePage { lanes, next })
}

query! {
    /// Lanes of ordered webhooks after a workflow and key, of one workflow or all, all or only held ones.
    struct Lane:
    "with open as (
         select lane, count(*) as length, min(place) as first
         from runs indexed by runs_in_lane where in_lane = 1 group by lane
     )
     select" {
        workflow: String = "w.id",
        key: String = "l.name",
        length: u32 = "o.length",
        head: RunId = "h.id",
        head_state: RunState = "h.state",
        since: Option<Timestamp> = "coalesce(h.ended_at, h.started_at)",
        label: Option<String> = "h.label",
        error: Option<Failure> = "h.error_kind, h.error_message, h.error_status, h.error_position" => failure,
    } "from open o
       join lanes l on l.key = o.lane
       join workflows w on w.key = l.workflow
       join runs h on h.lane = o.lane and h.place = o.first and h.in_lane = 1
       where l.kind = 'webhook'
           and (w.id, l.name) > (?1, ?2)
           and (?3 is null or w.id = ?3)
           and (?4 = 0 or h.state in ('failed', 'timedOut'))
       order by w.id, l.name
       limit ?5"
}

impl From<Lane> for LaneState {
    fn from(lane: Lane) -> Self {
        let Lane { workflow, key, length, head, head_state, since, label: head_label, error: head_error } = lane;
        let since = since.unwrap_or_else(|| head.accepted_at());
        let lane = LaneId { workflow, kind: LaneKind::Webhook, key };
        Self { lane, length, head, head_state, held: head_state.is_final(), since, head_label, head_error }
    }
}

/// Unfinished runs by workflow.
pub(super) fn counts(conn: &Connection) -> Result<Vec<WorkflowCounts>> {
    let mut counts = statement::all::<WorkflowCounts>(conn, ())?;
    for lanes in statement::all::<LaneCounts>(conn, ())? {
        if let Some(count) = counts.iter_mut().find(|count| count.workflow == lanes.workflow) {
            (count.held_lanes, count.in_lanes) = (lanes.held, lanes.runs);
        }
    }
    Ok(counts)
}

query! {
    for WorkflowCounts: "select" {
        workflow = "w.id",
        queued = "coalesce(sum(r.state = 'queued'), 0)",
        running = "coalesce(sum(r.state = 'running'), 0)",
        waiting = "coalesce(sum(r.state = 'waiting'), 0)",
        // Those of lanes come from another index.
        in_lanes = "0",
        held_lanes = "0",
    } "from workflows w
       left join (
           select workflow, state from runs indexed by runs_state
           where state in ('queued', 'running', 'waiting') and state <> 'completed'
       ) r on r.workflow = w.key
       group by w.key order by w.id"
}

query! {
    /// The runs in lanes of a workflow's webhook, and their heads that hold their lane.
    struct LaneCounts: "select" {
        workflow: String = "w.id",
        held: u32 = "sum(r.state in ('failed', 'timedOut'))",
        runs: u32 = "count(*)",
    } "from runs r indexed by runs_in_lane
       join lanes l on l.key = r.lane
       join workflows w on w.key = r.workflow
       where r.in_lane = 1 and l.kind = 'webhook' group by w.key"
}
