//! Occurrences of schedules: each is decided once. A decision is permanent only if the occurrence ran: if the wall
//! clock is set back by more than an hour, schedules start over from the new time.

use super::statement::{insert, query, update};
use super::tx::Tx;
use super::{accept, run_row, runs};
use crate::store::statistics::Count;
use crate::store::{
    Accepted, Event, Fire, FireDecision, Fired, NewRun, Result, RunId, RunState, Start, StoreError, Timestamp, Trigger,
    WhileUnfinished,
};

/// A wall clock that is set back by more than this makes schedules start over, in milliseconds.
const SET_BACK: i64 = 3_600_000;

query! {
    /// The row of an active schedule, unless it is settled until `?3`.
    struct Schedule: "select" {
        key: i64 = "s.key",
        workflow: i64 = "s.workflow",
        skipped_run: Option<i64> = "s.skipped_run",
        /// It has started over from an instant before this one: occurrences up to here may have already run.
        anew_from: Option<Timestamp> = "s.anew_from",
    } "from schedules s join workflows w on w.key = s.workflow
       where w.id = ?1 and s.name = ?2 and s.present = 1 and s.paused = 0 and s.settled_until < ?3
           and w.present = 1 and coalesce(w.switch, w.file_active) = 1"
}

query! {
    /// Schedules that are settled until after an instant.
    struct Ahead: "select" { key: i64, workflow: i64, settled_until: Timestamp }
    "from schedules where present = 1 and settled_until > ?1"
}

/// A stretch that is skipped.
struct Stretch<'a> {
    id: RunId,
    reason: &'a str,
    count: u32,
    first: Timestamp,
    last: Timestamp,
}

/// Decides an occurrence, or a stretch of them.
pub(super) fn fire(tx: &mut Tx<'_>, fire: &Fire) -> Result<Fired> {
    let Some(schedule) = open_schedule(tx, fire)? else { return Ok(Fired::Settled) };
    let fired = match &fire.decision {
        FireDecision::Run { .. } if has_run(tx, &schedule, fire.nominal)? => Fired::Settled,
        FireDecision::Run { run, while_unfinished } => start(tx, &schedule, fire, run, *while_unfinished)?,
        FireDecision::Skip { id, reason, count, first } => {
            let stretch = Stretch { id: *id, reason, count: *count, first: *first, last: fire.nominal };
            skip(tx, &schedule, &stretch)?
        }
    };
    let sql = "update schedules set settled_until = ?2 where key = ?1";
    tx.execute(sql, (schedule.key, fire.nominal))?;
    Ok(fired)
}

/// The schedule, if it is active and the instant is not settled.
fn open_schedule(tx: &Tx<'_>, fire: &Fire) -> Result<Option<Schedule>> {
    tx.first((&fire.schedule.workflow, &fire.schedule.key, fire.nominal))
}

/// Did an occurrence run before its schedule started over?
fn has_run(tx: &Tx<'_>, schedule: &Schedule, nominal: Timestamp) -> Result<bool> {
    if schedule.anew_from.is_none_or(|until| until < nominal) {
        return Ok(false);
    }
    // Its run was accepted at its due time, by a clock that was set back by less than that at most.
    let first = RunId::first_of(nominal.plus_millis(-2 * SET_BACK));
    let sql = "select exists (
        select 1 from runs
        where trigger = 'schedule' and trigger <> 'webhook' and id >= ?1 and schedule = ?2 and scheduled_for = ?3
            and state <> 'skipped')";
    tx.single(sql, (first, schedule.key, nominal))
}

/// Schedules that are settled until more than an hour ahead start over from now: the wall clock was set back. Each gets
/// a row in the history about it.
pub(super) fn rewind(tx: &mut Tx<'_>) -> Result<()> {
    let ahead = tx.all::<Ahead>([tx.now.plus_millis(SET_BACK)])?;
    for &Ahead { key, workflow, settled_until } in &ahead {
        let sql = "
            update schedules
            set settled_until = ?2, skipped_run = null, anew_at = ?2, anew_from = max(coalesce(anew_from, ?3), ?3)
            where key = ?1";
        tx.execute(sql, (key, tx.now, settled_until))?;
        let schedule = Schedule { key, workflow, skipped_run: None, anew_from: None };
        let (id, reason) = (RunId::new(tx.now), "clock set back");
        skip(tx, &schedule, &Stretch { id, reason, count: 0, first: tx.now, last: settled_until })?;
    }
    if !ahead.is_empty() {
        tx.effects.events.push(Event::Workflows);
    }
    Ok(())
}

fn start(
    tx: &mut Tx<'_>,
    schedule: &Schedule,
    fire: &Fire,
    run: &NewRun,
    while_unfinished: WhileUnfinished,
) -> Result<Fired> {
    if run.start != Start::Queue {
        return Err(StoreError::Conflict(format!("run {} of a schedule must be queued", run.origin.id)));
    }
    let one = |reason| Stretch { id: run.origin.id, reason, count: 1, first: fire.nominal, last: fire.nominal };
    let earlier = match while_unfinished {
        WhileUnfinished::Start => Vec::new(),
        WhileUnfinished::Skip | WhileUnfinished::Cancel => unfinished(tx, schedule.key)?,
    };
    if !earlier.is_empty() && while_unfinished == WhileUnfinished::Skip {
        return skip(tx, schedule, &one("overlap"));
    }
    let accepted = accept::accept(tx, run, Some(schedule.key))?;
    if let Accepted::QueueFull { .. } = accepted {
        return skip(tx, schedule, &one("queue full"));
    }
    let mut cancelled = Vec::with_capacity(earlier.len());
    for run in earlier {
        cancelled.push((run, runs::cancel(tx, run)?));
    }
    tx.execute("update schedules set skipped_run = null where key = ?1", [schedule.key])?;
    Ok(if cancelled.is_empty() { Fired::Run } else { Fired::Instead(cancelled) })
}

fn unfinished(tx: &Tx<'_>, schedule: i64) -> Result<Vec<RunId>> {
    tx.values("select id from runs where schedule = ?1 and ended_at is null", [schedule])
}

/// One row of the history for a stretch; the last row grows if it has the same reason.
fn skip(tx: &mut Tx<'_>, schedule: &Schedule, stretch: &Stretch<'_>) -> Result<Fired> {
    let Stretch { id, reason, count, first, last } = *stretch;
    let sql = "
        update runs
        set skip_count = skip_count + ?3, skip_last = ?4, ended_at = ?5, revision = revision + 1
        where seq = ?1 and skip_reason = ?2 and schedule = ?6
        returning id";
    let longer: Option<RunId> = tx.value(sql, (schedule.skipped_run, reason, count, last, tx.now, schedule.key))?;
    let run = if let Some(run) = longer {
        let workflow = tx.workflow_name(schedule.workflow)?.to_string();
        tx.effects.events.push(Event::Run { run, workflow, state: RunState::Skipped });
        tx.effects.touched.push(run);
        run
    } else {
        insert_skipped(tx, schedule, stretch)?;
        tx.moved(id, schedule.workflow, None, RunState::Skipped)?;
        id
    };
    tx.count(schedule.workflow, tx.now, Count::ended(RunState::Skipped), count);
    let summary = tx
        .row(&run_row::SUMMARY_BY_ID, [run], run_row::summary)?
        .ok_or_else(|| StoreError::NotFound(format!("the skipped row {run} of {first:?} is gone")))?;
    Ok(Fired::Skipped(Box::new(summary)))
}

fn insert_skipped(tx: &Tx<'_>, schedule: &Schedule, stretch: &Stretch<'_>) -> Result<()> {
    let Stretch { id, reason, count, first, last } = *stretch;
    insert!(
        tx,
        "runs" {
            id: id,
            workflow: schedule.workflow,
            trigger: Trigger::Schedule,
            state: RunState::Skipped,
            schedule: schedule.key,
            scheduled_for: first,
            ended_at: tx.now,
            skip_reason: reason,
            skip_count: count,
            skip_first: first,
            skip_last: last,
        }
    )?;
    update!(tx, "schedules" { skipped_run: tx.conn.last_insert_rowid() } where { key: schedule.key })?;
    Ok(())
}
