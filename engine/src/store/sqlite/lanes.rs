//! Lanes: places, heads, and successors.

use super::statement::query;
use super::tx::Tx;
use crate::store::{LaneId, LaneKind, LaneTicket, Result, RunId, RunState, StoreError};

query! {
    /// The next place of a lane, which is created if it is missing.
    #[derive(Clone, Copy)]
    pub(super) struct Place:
    "insert into lanes (workflow, kind, name, tail) values (?1, ?2, ?3, 1)
     on conflict (workflow, kind, name) do update set tail = tail + 1 returning" {
        /// `lanes.key`.
        key: i64,
        /// The number of the place.
        place: i64 = "tail",
    } ""
}

query! {
    /// The first run of a lane from place `?2` on.
    pub(super) struct Head: "select" {
        /// `runs.seq`.
        seq: i64,
        /// Its id.
        id: RunId,
        /// Its state; final if it holds the lane.
        state: RunState,
    } "from runs where lane = ?1 and in_lane = 1 and place >= ?2 order by place limit 1"
}

/// Is a lane empty or missing?
pub(super) fn is_empty(tx: &Tx<'_>, workflow: i64, ticket: &LaneTicket) -> Result<bool> {
    let sql = "select not exists (select 1 from runs where lane = l.key and in_lane = 1)
               from lanes l where workflow = ?1 and kind = ?2 and name = ?3";
    Ok(tx.value(sql, (workflow, ticket.kind, &ticket.key))?.unwrap_or(true))
}

/// Takes the next place of a lane.
pub(super) fn join(tx: &Tx<'_>, workflow: i64, ticket: &LaneTicket) -> Result<Place> {
    let place = tx.first((workflow, ticket.kind, &ticket.key))?;
    place.ok_or_else(|| StoreError::Other("the lane gave out no place".to_owned()))
}

/// The number of the next place of a lane by its key.
pub(super) fn rejoin(tx: &Tx<'_>, lane: i64) -> Result<i64> {
    let place = tx.value("update lanes set tail = tail + 1 where key = ?1 returning tail", [lane])?;
    place.ok_or_else(|| StoreError::Corrupt(format!("a run is in lane number {lane}, which is missing")))
}

/// The run at the head.
pub(super) fn head(tx: &Tx<'_>, lane: i64) -> Result<Option<Head>> {
    let mut first = 0;
    if planted!(tx.shared.clock.as_ref(), LaneByAge) {
        let sql = "select place from runs where lane = ?1 and in_lane = 1 order by seq limit 1";
        first = tx.value(sql, [lane])?.unwrap_or(first);
    }
    tx.first((lane, first))
}

/// Makes a queued head claimable: to be called whenever a lane has lost or gained a run.
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
    let key = tx.value(sql, (workflow.key, lane.kind, &lane.key))?;
    key.ok_or_else(|| no_lane(lane))
}

/// The error for a lane without runs.
pub(super) fn no_lane(lane: &LaneId) -> StoreError {
    let LaneId { workflow, kind, key } = lane;
    StoreError::NotFound(match kind {
        LaneKind::Webhook if key.is_empty() => format!("there is no run in the lane of workflow '{workflow}'"),
        LaneKind::Webhook => format!("there is no run in the lane '{key}' of workflow '{workflow}'"),
        LaneKind::Schedule => format!("no run waits for schedule '{key}' of workflow '{workflow}'"),
    })
}
