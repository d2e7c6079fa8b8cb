//! Schedules for operators: what they are, when they fire next, pause and resume.

use crate::clock::Clock;
use crate::dispatch::Dispatcher;
use crate::project::Catalog;
use crate::store::{Admin, Cursor, ScheduleId, ScheduleRecord, Store, StoreError, Timestamp, cut};
use crate::trigger::schedule::{Cron, Missed, Overlap, Pattern, Schedule};
use chrono_tz::Tz;
use flowscript_lang::value::Record;
use std::sync::Arc;
use std::time::Duration;

/// A schedule as lists show it.
#[derive(Debug)]
pub struct ScheduleView {
    /// Its workflow.
    pub workflow: String,
    /// Its `id`, else its pattern and zone.
    pub key: String,
    /// The zone of its local times.
    pub zone: Tz,
    /// Stopped by a person.
    pub paused: bool,
    /// It has no further occurrence.
    pub finished: bool,
    /// When it last started over, because the machine's clock was set back by more than an hour.
    pub anew_at: Option<Timestamp>,
    /// The next occurrences.
    pub next: Vec<Timestamp>,
}

/// A page of schedules, by workflow and name.
#[derive(Debug)]
pub struct SchedulePage {
    /// The schedules.
    pub schedules: Vec<ScheduleView>,
    /// The cursor of the next page; `None` at the end.
    pub next: Option<Cursor>,
}

/// An occurrence that will come.
#[derive(Debug)]
pub struct Upcoming {
    /// Its workflow.
    pub workflow: String,
    /// Its schedule.
    pub key: String,
    /// When.
    pub at: Timestamp,
}

/// Shows schedules, and stops and resumes them.
pub struct Schedules {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    catalog: Arc<Catalog>,
    dispatcher: Arc<Dispatcher>,
    /// The zone of schedules that name none.
    zone: Tz,
}

impl Schedules {
    pub(super) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        catalog: Arc<Catalog>,
        dispatcher: Arc<Dispatcher>,
        zone: Tz,
    ) -> Self {
        Self { store, clock, catalog, dispatcher, zone }
    }

    /// At most `limit` schedules after `after` of the workflows whose triggers work, with their next `count`
    /// occurrences.
    pub async fn list(&self, count: usize, after: Option<Cursor>, limit: usize) -> Result<SchedulePage, StoreError> {
        let after = after.as_ref().map(|after| after.workflow_and_key("schedules")).transpose()?;
        let mut records = self.store.schedules().await?;
        records.retain(|record| after.as_ref().is_none_or(|(workflow, key)| place(record) > (workflow, key)));
        records.sort_by(|a, b| place(a).cmp(&place(b)));
        // One more than requested shows whether there is a next page.
        let mut schedules: Vec<ScheduleView> = self.views(records, count).take(limit + 1).collect();
        let next = cut(&mut schedules, limit, |last| Cursor::after(&last.workflow, &last.key));
        Ok(SchedulePage { schedules, next })
    }

    /// The views of these schedules, if their workflows still have them.
    fn views(&self, records: Vec<ScheduleRecord>, count: usize) -> impl Iterator<Item = ScheduleView> {
        let (snapshot, now) = (self.catalog.current(), self.clock.now());
        records.into_iter().filter_map(move |record| {
            let workflow = snapshot.entry(&record.workflow)?.workflow.clone()?;
            let schedule = workflow.schedules.iter().find(|schedule| schedule.key == record.key)?;
            let next = schedule.upcoming(record.settled_until.max(now), count.max(1));
            Some(ScheduleView {
                finished: next.is_empty(),
                next: if record.paused { Vec::new() } else { next },
                workflow: record.workflow,
                key: record.key,
                zone: schedule.zone,
                paused: record.paused,
                anew_at: record.anew_at,
            })
        })
    }

    /// The next `count` occurrences of all schedules together.
    pub async fn upcoming(&self, count: usize) -> Result<Vec<Upcoming>, StoreError> {
        let records = self.store.schedules().await?;
        let mut upcoming: Vec<Upcoming> = self
            .views(records, count)
            .flat_map(|view| {
                let (workflow, key) = (view.workflow, view.key);
                view.next.into_iter().map(move |at| Upcoming { workflow: workflow.clone(), key: key.clone(), at })
            })
            .collect();
        upcoming.sort_by(|a, b| (a.at, &a.workflow, &a.key).cmp(&(b.at, &b.workflow, &b.key)));
        upcoming.truncate(count);
        Ok(upcoming)
    }

    /// Stops a schedule or resumes it; occurrences in between do not count as missed.
    pub async fn pause(&self, workflow: &str, key: &str, paused: bool) -> Result<(), StoreError> {
        let schedule = ScheduleId { workflow: workflow.to_owned(), key: key.to_owned() };
        self.store.administer(Admin::PauseSchedule { schedule, paused }).await?;
        self.dispatcher.schedules_changed();
        Ok(())
    }

    /// The next occurrences of a cron expression in a zone. The error says what is wrong with one of them.
    pub fn preview(&self, cron: &str, zone: Option<&str>, count: usize) -> Result<Vec<Timestamp>, String> {
        let zone = match zone {
            None => self.zone,
            Some(name) => name.parse().map_err(|_| format!("`{name}` is not an IANA time zone"))?,
        };
        let schedule = Schedule {
            key: String::new(),
            pattern: Pattern::Cron(Box::new(Cron::parse(cron)?)),
            zone,
            until: None,
            input: Record::from_fields([]),
            overlap: Overlap::Skip,
            missed: Missed::Last,
            jitter: Duration::ZERO,
        };
        Ok(schedule.upcoming(self.clock.now(), count))
    }
}

/// The sort key of the list of schedules.
fn place(record: &ScheduleRecord) -> (&String, &String) {
    (&record.workflow, &record.key)
}
