//! Firing schedules: which occurrences are due, and the decision on each. The store decides each once.

use super::ends::Ends;
use super::hosts::Hosts;
use super::prepare::Preparer;
use super::stopping::Stopping;
use super::waits::until;
use crate::clock::Clock;
use crate::config::Limits;
use crate::metrics;
use crate::pool::Pool;
use crate::project::Catalog;
use crate::run::{Given, Work};
use crate::script::encoding;
use crate::store::{
    Cancel, Fire, FireDecision, Fired, LaneKind, LaneTicket, NewRun, Origin, RunId, ScheduleId, ScheduleRecord, Start,
    Store, StoreError, Timestamp, Trigger, WhileUnfinished,
};
use crate::told;
use crate::trigger::schedule::{Missed, Overlap, Schedule};
use crate::workflow::model::Workflow;
use flowscript_lang::value::Value;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// An occurrence that is later than this is missed, in milliseconds.
const LATE: i64 = 60_000;
/// The most missed occurrences that run.
const MOST_MISSED: usize = 1000;
/// How many skipped occurrences one commit decides.
const STRETCH: u32 = 100_000;
/// How many schedules are decided at a time: they share commits.
const TOGETHER: usize = 256;
/// How long to wait before the store is asked again.
const RETRY: Duration = Duration::from_secs(1);

/// A schedule that waits for its next occurrence.
#[derive(Clone)]
struct Waiting {
    id: ScheduleId,
    settled: Timestamp,
}

/// Occurrences that are due, in order.
#[derive(Default)]
struct Due {
    /// Missed ones that are skipped: how many, the first, the last.
    skipped: Option<(u32, Timestamp, Timestamp)>,
    /// Missed ones that run.
    missed: VecDeque<Timestamp>,
    /// The others.
    on_time: Vec<Timestamp>,
}

/// Fires schedules.
pub(super) struct Scheduler {
    with: Equipment,
    limits: Limits,
    /// Notified when schedules may have changed.
    changed: Notify,
}

/// What schedules are fired with.
pub(super) struct Equipment {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) doors: Arc<Pool>,
    pub(super) preparer: Arc<Preparer>,
    pub(super) hosts: Arc<Hosts>,
    pub(super) ends: Arc<Ends>,
    pub(super) stopping: Arc<Stopping>,
}

impl Scheduler {
    pub(super) fn new(with: Equipment, limits: Limits) -> Self {
        Self { with, limits, changed: Notify::new() }
    }

    /// Schedules may have changed: the wait for the next occurrence starts over.
    pub(super) fn schedules_changed(&self) {
        self.changed.notify_one();
    }

    /// Fires until the dispatcher stops.
    pub(super) async fn keep_schedules(self: Arc<Self>) {
        while !self.with.stopping.has_begun() {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let records = match self.with.store.schedules().await {
                Ok(records) => records,
                Err(error) => {
                    told::warn(&format!("schedules cannot be read: {error}"));
                    tokio::time::sleep(RETRY).await;
                    continue;
                }
            };
            tokio::select! {
                () = self.fire_until_changed(records) => {}
                () = changed => {}
                () = self.with.stopping.begun() => return,
            }
        }
    }

    /// Fires what is due now, and no more.
    pub(super) async fn fire_due(&self) {
        match self.with.store.schedules().await {
            Ok(records) => {
                for record in records.into_iter().filter(|record| !record.paused) {
                    let id = ScheduleId { workflow: record.workflow, key: record.key };
                    let mut waiting = Waiting { id, settled: record.settled_until };
                    // A very long time away is decided in parts.
                    while let Some(settled) = self.fire_all(&waiting).await.filter(|at| *at > waiting.settled) {
                        waiting.settled = settled;
                    }
                }
            }
            Err(error) => told::warn(&format!("schedules cannot be read: {error}")),
        }
    }

    /// Fires each schedule when it is due. Ends only by being dropped, or if the store must be asked again.
    async fn fire_until_changed(self: &Arc<Self>, records: Vec<ScheduleRecord>) {
        let mut waiting: Vec<Waiting> = Vec::with_capacity(records.len());
        let mut due = BinaryHeap::with_capacity(records.len());
        for record in records.into_iter().filter(|record| !record.paused) {
            let id = ScheduleId { workflow: record.workflow, key: record.key };
            if let Some(next) = self.schedule(&id).and_then(|(_, schedule)| schedule.next(record.settled_until)) {
                due.push(Reverse((next, waiting.len())));
                waiting.push(Waiting { id, settled: record.settled_until });
            }
        }
        let mut firing = JoinSet::new();
        loop {
            let next = due.peek().map(|Reverse((next, _))| *next);
            if next.is_some_and(|next| next <= self.with.clock.now()) && firing.len() < TOGETHER {
                let Some(Reverse((_, number))) = due.pop() else { return };
                let Some(waits) = waiting.get(number).cloned() else { return };
                let scheduler = self.clone();
                firing.spawn(async move { (number, scheduler.fire_all(&waits).await) });
                continue;
            }
            let fired = tokio::select! {
                Some(fired) = firing.join_next() => fired,
                () = until(self.with.clock.as_ref(), next), if firing.len() < TOGETHER => continue,
            };
            let Ok((number, Some(settled))) = fired else {
                tokio::time::sleep(RETRY).await;
                return;
            };
            let Some(waits) = waiting.get_mut(number) else { return };
            waits.settled = settled;
            if let Some(next) = self.schedule(&waits.id).and_then(|(_, schedule)| schedule.next(settled)) {
                due.push(Reverse((next, number)));
            }
        }
    }

    /// The schedule as it is now, with its workflow.
    fn schedule(&self, id: &ScheduleId) -> Option<(Arc<Workflow>, Schedule)> {
        let workflow = self.with.catalog.current().entry(&id.workflow)?.workflow.clone()?;
        let schedule = workflow.schedules.iter().find(|schedule| schedule.key == id.key)?.clone();
        Some((workflow, schedule))
    }

    /// Decides all occurrences of a schedule that are due; returns the last one, or `None` if the store failed.
    async fn fire_all(&self, waiting: &Waiting) -> Option<Timestamp> {
        let (workflow, schedule) = self.schedule(&waiting.id)?;
        let (now, settled, pattern) = (self.with.clock.now(), waiting.settled, schedule.clone());
        // A long time away may hold very many occurrences.
        let counted = self.with.doors.run(move || count(&pattern, settled, now)).await;
        let due = counted.ok()?;
        let decided = self.decide(&waiting.id, &workflow, &schedule, due, now).await;
        match decided {
            Ok(last) => Some(last.unwrap_or(settled)),
            Err(error) => {
                told::warn_of(&format!("schedules are held back: {error}"), || {
                    format!("the schedule `{}` of {} is held back: {error}", waiting.id.key, waiting.id.workflow)
                });
                None
            }
        }
    }

    async fn decide(
        &self,
        id: &ScheduleId,
        workflow: &Arc<Workflow>,
        schedule: &Schedule,
        due: Due,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let mut last = None;
        if let Some((count, first, until)) = due.skipped {
            let run = RunId::new(now);
            let decision = FireDecision::Skip { id: run, reason: "missed".to_owned(), count, first };
            self.fire(id, until, decision).await?;
            metrics::occurrences_skipped(&id.workflow, u64::from(count.saturating_sub(1)));
            last = Some(until);
        }
        for nominal in &due.missed {
            let decision = self.run_of(workflow, schedule, *nominal, WhileUnfinished::Start, true).await;
            self.fire(id, *nominal, decision).await?;
            last = Some(*nominal);
        }
        let waits = schedule.missed == Missed::Last && (due.skipped.is_some() || !due.missed.is_empty());
        for (number, nominal) in due.on_time.iter().enumerate() {
            let (while_unfinished, in_lane) = match schedule.overlap {
                // It replaces missed ones, so it waits as they would.
                _ if waits && number == 0 => (WhileUnfinished::Start, true),
                Overlap::Skip => (WhileUnfinished::Skip, true),
                Overlap::Queue => (WhileUnfinished::Start, true),
                Overlap::Cancel => (WhileUnfinished::Cancel, true),
                Overlap::Allow => (WhileUnfinished::Start, false),
            };
            let decision = self.run_of(workflow, schedule, *nominal, while_unfinished, in_lane).await;
            self.fire(id, *nominal, decision).await?;
            let late = self.with.clock.now().0.saturating_sub(nominal.0).max(0) as u64;
            metrics::schedule_fired(&id.workflow, Duration::from_millis(late));
            last = Some(*nominal);
        }
        Ok(last)
    }

    async fn fire(&self, id: &ScheduleId, nominal: Timestamp, decision: FireDecision) -> Result<(), StoreError> {
        if nominal.0 > self.with.clock.now().0.saturating_add(LATE) {
            // The clock was set back since it was found to be due.
            return Ok(());
        }
        match self.with.store.fire(Fire { schedule: id.clone(), nominal, decision }).await? {
            Fired::Skipped(_) => metrics::occurrences_skipped(&id.workflow, 1),
            Fired::Instead(earlier) => {
                for (run, became) in earlier {
                    match became {
                        Cancel::Requested => self.with.hosts.cancel(run),
                        Cancel::Cancelled => self.with.ends.count_end(run).await,
                        Cancel::Ended(_) => {}
                    }
                }
            }
            // Settled: another engine was first, or the schedule no longer counts.
            Fired::Run | Fired::Settled => {}
        }
        Ok(())
    }

    async fn run_of(
        &self,
        workflow: &Arc<Workflow>,
        schedule: &Schedule,
        nominal: Timestamp,
        while_unfinished: WhileUnfinished,
        in_lane: bool,
    ) -> FireDecision {
        let id = RunId::new(self.with.clock.now());
        let kind = LaneKind::Schedule;
        let jitter = schedule.jitter.as_millis() as i64;
        let mut origin = Origin {
            id,
            workflow: workflow.id.clone(),
            trigger: Trigger::Schedule,
            label: None,
            scheduled_for: Some(nominal),
            lane: in_lane.then(|| LaneTicket { kind, key: schedule.key.clone(), pause: false }),
            cause: None,
            on_failure: workflow.on_failure.clone(),
        };
        if workflow.label.is_some() {
            let work = Work {
                id,
                workflow: workflow.clone(),
                trigger: origin.trigger,
                scheduled_for: origin.scheduled_for,
                on_failure: origin.on_failure.clone(),
                given: Given::Fields(schedule.input.clone()),
            };
            // An input that does not fit gives a failed run, not a missing one.
            origin.label = self.with.preparer.prepare(work).await.ok().and_then(|prepared| prepared.label);
        }
        let run = NewRun {
            origin,
            payload: None,
            input: Some(encoding::encode(&Value::Record(schedule.input.clone()))),
            idempotency: None,
            due: (jitter > 0).then(|| nominal.plus_millis(rand::random_range(0..=jitter))),
            queue_limit: Some(workflow.limits.queued(self.limits.queue)),
            start: Start::Queue,
        };
        FireDecision::Run { run: Box::new(run), while_unfinished }
    }
}

/// The occurrences after `settled` up to now. If very many were missed, only the first part of them: the rest follows
/// with the next call.
fn count(schedule: &Schedule, settled: Timestamp, now: Timestamp) -> Due {
    let mut due = Due::default();
    let most = match schedule.missed {
        Missed::None => 0,
        Missed::Last => 1,
        Missed::All => MOST_MISSED,
    };
    let mut at = settled;
    while let Some(next) = schedule.next(at).filter(|next| *next <= now) {
        at = next;
        if next.0 >= now.0 - LATE {
            due.on_time.push(next);
            continue;
        }
        due.missed.push_back(next);
        if due.missed.len() > most
            && let Some(skipped) = due.missed.pop_front()
        {
            due.skip(skipped);
            if due.skipped.is_some_and(|(count, ..)| count >= STRETCH) {
                due.missed.clear();
                return due;
            }
        }
    }
    if schedule.missed == Missed::Last && !due.on_time.is_empty() {
        while let Some(skipped) = due.missed.pop_front() {
            due.skip(skipped);
        }
    }
    due
}

impl Due {
    fn skip(&mut self, at: Timestamp) {
        let (count, first, _) = self.skipped.unwrap_or((0, at, at));
        self.skipped = Some((count + 1, first, at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::schedule::{Cron, Pattern};
    use flowscript_lang::value::Record;

    fn minutely(missed: Missed) -> Schedule {
        Schedule {
            key: "k".into(),
            pattern: Pattern::Cron(Box::new(Cron::parse("* * * * *").unwrap())),
            zone: chrono_tz::Tz::UTC,
            until: None,
            input: Record::from_fields([]),
            overlap: Overlap::Skip,
            missed,
            jitter: Duration::ZERO,
        }
    }

    fn counts(missed: Missed, minutes: i64, rest: i64) -> (u32, usize, usize) {
        let due = count(&minutely(missed), Timestamp(0), Timestamp(minutes * 60_000 + rest));
        (due.skipped.map_or(0, |(count, ..)| count), due.missed.len(), due.on_time.len())
    }

    #[test]
    fn missed_ones_and_those_on_time_are_told_apart() {
        // One minute late is on time, more is missed.
        assert_eq!(counts(Missed::None, 10, 30_000), (9, 0, 1));
        assert_eq!(counts(Missed::Last, 10, 30_000), (9, 0, 1));
        assert_eq!(counts(Missed::All, 10, 30_000), (0, 9, 1));
        assert_eq!(counts(Missed::All, 3000, 30_000), (1999, 1000, 1));
        let hourly =
            Schedule { pattern: Pattern::Cron(Box::new(Cron::parse("0 * * * *").unwrap())), ..minutely(Missed::Last) };
        let due = count(&hourly, Timestamp(0), Timestamp(5 * 3_600_000 + 1_800_000));
        assert_eq!((due.skipped.map(|(count, ..)| count), due.missed.len(), due.on_time.len()), (Some(4), 1, 0));
    }

    #[test]
    fn a_very_long_time_is_decided_in_parts() {
        let first = count(&minutely(Missed::Last), Timestamp(0), Timestamp(200_000 * 60_000));
        let (count_of, first_at, last) = first.skipped.unwrap();
        assert_eq!((count_of, first_at, last), (STRETCH, Timestamp(60_000), Timestamp(i64::from(STRETCH) * 60_000)));
        assert!(first.missed.is_empty() && first.on_time.is_empty());
    }
}
