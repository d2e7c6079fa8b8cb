//! Lanes with runs in them, and counts of unfinished runs.

use rusqlite::{Connection, Row};

use super::list;
use crate::store::{
    Cursor, LaneId, LaneKind, LanePage, LaneQuery, LaneState, Result, RunState, StoreError, WorkflowCounts,
};

/// A page of the lanes of ordered webhooks.
pub(super) fn lanes(conn: &Connection, query: &LaneQuery) -> Result<LanePage> {
    let limit = list::page_size(query.limit);
    let after = query.after.as_ref().map(read_cursor).transpose()?.unwrap_or_default();
    let mut statement = conn.prepare_cached(
        "with open as (
             select lane, count(*) as length, min(place) as first
             from runs indexed by runs_in_lane where in_lane = 1 group by lane
         )
         select w.id, l.name, o.length, h.id, h.state
         from open o
         join lanes l on l.key = o.lane
         join workflows w on w.key = l.workflow
         join runs h on h.lane = o.lane and h.place = o.first and h.in_lane = 1
         where l.kind = 'webhook'
             and (w.id, l.name) > (?1, ?2)
             and (?3 is null or w.id = ?3)
             and (?4 = 0 or h.state in ('failed', 'timedOut'))
         order by w.id, l.name
         limit ?5",
    )?;
    let (workflow, key) = after;
    let found = statement.query_map((workflow, key, &query.workflow, query.held, limit + 1), lane)?;
    let mut lanes: Vec<LaneState> = found.collect::<rusqlite::Result<_>>()?;
    let more = lanes.len() > limit as usize;
    lanes.truncate(limit as usize);
    let next = match lanes.last() {
        Some(last) if more => Some(write_cursor(&last.lane)?),
        _ => None,
    };
    Ok(LanePage { lanes, next })
}

fn lane(row: &Row<'_>) -> rusqlite::Result<LaneState> {
    let head_state: RunState = row.get(4)?;
    Ok(LaneState {
        lane: LaneId { workflow: row.get(0)?, kind: LaneKind::Webhook, key: row.get(1)? },
        length: row.get(2)?,
        head: row.get(3)?,
        head_state,
        held: head_state.is_final(),
    })
}

fn write_cursor(lane: &LaneId) -> Result<Cursor> {
    let text = serde_json::to_string(&(&lane.workflow, &lane.key));
    text.map(Cursor).map_err(|error| StoreError::Other(format!("a cursor could not be written: {error}")))
}

fn read_cursor(cursor: &Cursor) -> Result<(String, String)> {
    serde_json::from_str(&cursor.0)
        .map_err(|_| StoreError::Conflict(format!("'{}' is not a cursor of the list of lanes", cursor.0)))
}

/// Unfinished runs by workflow.
pub(super) fn counts(conn: &Connection) -> Result<Vec<WorkflowCounts>> {
    let mut statement = conn.prepare_cached(
        "select w.id,
             coalesce(sum(r.state = 'queued'), 0), coalesce(sum(r.state = 'running'), 0),
             coalesce(sum(r.state = 'waiting'), 0)
         from workflows w
         left join (
             select workflow, state from runs indexed by runs_state
             where state in ('queued', 'running', 'waiting') and state <> 'completed'
         ) r on r.workflow = w.key
         group by w.key order by w.id",
    )?;
    let found = statement.query_map((), |row| {
        Ok(WorkflowCounts {
            workflow: row.get(0)?,
            queued: row.get(1)?,
            running: row.get(2)?,
            waiting: row.get(3)?,
            in_lanes: 0,
            held_lanes: 0,
        })
    })?;
    let mut counts: Vec<WorkflowCounts> = found.collect::<rusqlite::Result<_>>()?;
    let mut statement = conn.prepare_cached(
        "select w.id, sum(r.state in ('failed', 'timedOut')), count(*)
         from runs r indexed by runs_in_lane
         join lanes l on l.key = r.lane
         join workflows w on w.key = r.workflow
         where r.in_lane = 1 and l.kind = 'webhook' group by w.key",
    )?;
    let mut held = statement.query(())?;
    while let Some(row) = held.next()? {
        let workflow: String = row.get(0)?;
        if let Some(count) = counts.iter_mut().find(|count| count.workflow == workflow) {
            count.held_lanes = row.get(1)?;
            count.in_lanes = row.get(2)?;
        }
    }
    Ok(counts)
}
