//! Schedules: from the settings in the file to the instants at which runs start.
//!
//! [`Schedule::next`] is pure: an instant goes in, the next occurrence comes out. Local times become instants by the
//! rules for clock changes in [`calendar`]; cron expressions are read in [`cron`].

mod calendar;
mod cron;
mod interval;
#[cfg(test)]
mod tests;

pub use calendar::{instant, last_instant};
pub use cron::Cron;
pub use interval::Interval;

use crate::clock::Timestamp;
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use flowscript_lang::value::Record;
use std::time::Duration;

/// A schedule of a workflow.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Its `id`, else its pattern and zone.
    pub key: String,
    /// When it fires.
    pub pattern: Pattern,
    /// The zone of its local times.
    pub zone: Tz,
    /// No occurrence is later.
    pub until: Option<Timestamp>,
    /// The input of its runs, still to be converted.
    pub input: Record,
    /// The rule for an occurrence while an earlier run is unfinished.
    pub overlap: Overlap,
    /// The rule for occurrences missed while no engine was running.
    pub missed: Missed,
    /// The longest random delay of a run.
    pub jitter: Duration,
}

/// When a schedule fires.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// At regular intervals.
    Every(Interval),
    /// Once, at this local time.
    At(NaiveDateTime),
    /// By a cron expression, also for days of the week and of the month.
    Cron(Box<Cron>),
}

/// The rule for an occurrence while an earlier run of its schedule is unfinished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// It is skipped.
    Skip,
    /// It waits.
    Queue,
    /// It ends the earlier run.
    Cancel,
    /// It starts anyway.
    Allow,
}

/// The rule for occurrences missed while no engine was running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// They are skipped.
    None,
    /// The last one runs.
    Last,
    /// All of them run, one after another.
    All,
}

impl Schedule {
    /// The first occurrence after an instant; `None` if the schedule is finished.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let next = match &self.pattern {
            Pattern::Every(interval) => interval.next(after, self.zone),
            Pattern::At(local) => Some(calendar::instant(*local, self.zone)).filter(|at| *at > after),
            Pattern::Cron(cron) => calendar::next(cron, self.zone, after),
        };
        next.filter(|next| self.until.is_none_or(|until| *next <= until))
    }

    /// Will it ever fire?
    pub fn can_fire(&self) -> bool {
        self.next(Timestamp(i64::MIN / 4)).is_some()
    }

    /// The next occurrences after an instant, at most `count`.
    pub fn upcoming(&self, after: Timestamp, count: usize) -> Vec<Timestamp> {
        std::iter::successors(self.next(after), |last| self.next(*last)).take(count).collect()
    }
}
