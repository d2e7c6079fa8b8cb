//! Lanes: places, heads, and who is next.

use super::tx::Tx;
use crate::store::{LaneId, LaneKind, LaneTicket, Result, RunId, RunState, StoreError};

/// A place that was given out.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// `lanes.key`.
    pub key: i64,
    /// The number of the place.
    pub place: i64,
}

/// A lane as a newcomer sees it.
pub(super) struct Seen {
    /// Nobody stands in it.
    pub empty: bool,
}

/// The run whose turn it is.
pub(super) struct Head {
    /// `runs.seq`.
    pub seq: i64,
    /// Its id.
    pub run: RunId,
    /// Its state; final if it holds the lane.
    pub state: RunState,
}

/// Looks at a lane without touching it; nothing if there is no such lane yet.
pub(super) fn look(tx: &Tx<'_>, workflow: i64, ticket: &LaneTicket) -> Result<Option<Seen>> {
    let sql = "select not exists (select 1 from runs where lane = l.key and in_lane = 1)
               from lanes l where workflow = ?1 and kind = ?2 and name = ?3";
    tx.row(sql, (workflow, ticket.kind, &ticket.key), |row| Ok(Seen { empty: row.get(0)? }))
}

/// Takes the next place of a lane.
pub(super) fn join(tx: &Tx<'_>, workflow: i64, ticket: &LaneTicket) -> Result<Place> {
    let sql = "insert into lanes (workflow, kind, name, tail) values (?1, ?2, ?3, 1)
               on conflict (workflow, kind, name) do update set tail = tail + 1
               returning key, tail";
    let place =
        tx.row(sql, (workflow, ticket.kind, &ticket.key), |row| Ok(Place { key: row.get(0)?, place: row.get(1)? }))?;
    place.ok_or_else(|| StoreError::Other("the lane gave out no place".to_owned()))
}

/// Takes the next place of a lane that is known by its key.
pub(super) fn rejoin(tx: &Tx<'_>, lane: i64) -> Result<Place> {
    let sql = "update lanes set tail = tail + 1 where key = ?1 returning tail";
    let place = tx.row(sql, [lane], |row| Ok(Place { key: lane, place: row.get(0)? }))?;
    place.ok_or_else(|| StoreError::Corrupt(format!("a run stands in lane number {lane}, which is missing")))
}

/// The run whose turn it is.
pub(super) fn head(tx: &Tx<'_>, lane: i64) -> Result<Option<Head>> {
    let sql = "select seq, id, state from runs where lane = ?1 and in_lane = 1 order by place limit 1";
    let by_age = "select seq, id, state from runs where lane = ?1 and in_lane = 1 order by seq limit 1";
    let sql = if planted!(tx.shared.clock.as_ref(), LaneByAge) { by_age } else { sql };
    tx.row(sql, [lane], |row| Ok(Head { seq: row.get(0)?, run: row.get(1)?, state: row.get(2)? }))
}

/// Makes the head claimable if it is queued and was not: to be called whenever a lane has lost or got a run.
pub(super) fn advance(tx: &mut Tx<'_>, lane: i64) -> Result<()> {
    if let Some(Head { seq, state: RunState::Queued, .. }) = head(tx, lane)? {
        let changed = tx.execute("update runs set due = 0 where seq = ?1 and due is null", [seq])?;
        tx.effects.ready |= changed > 0;
    }
    Ok(())
}

/// The key of a lane.
pub(super) fn key(tx: &mut Tx<'_>, lane: &LaneId) -> Result<i64> {
    let workflow = tx.workflow(&lane.workflow)?;
    let sql = "select key from lanes where workflow = ?1 and kind = ?2 and name = ?3";
    let key = tx.row(sql, (workflow.key, lane.kind, &lane.key), |row| row.get(0))?;
    key.ok_or_else(|| no_lane(lane))
}

/// The error for a lane that nobody stands in.
pub(super) fn no_lane(lane: &LaneId) -> StoreError {
    let LaneId { workflow, kind, key } = lane;
    StoreError::NotFound(match kind {
        LaneKind::Webhook if key.is_empty() => format!("no run stands in the lane of workflow '{workflow}'"),
        LaneKind::Webhook => format!("no run stands in the lane '{key}' of workflow '{workflow}'"),
        LaneKind::Schedule => format!("no run waits for schedule '{key}' of workflow '{workflow}'"),
    })
}
