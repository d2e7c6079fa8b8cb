//! What a run's scripts get from outside: clock, randomness, the run's log, and the request to stop.

use crate::store::{LogLine, Timestamp};
use flowscript_lang::host::{Host, Interrupt, LogLevel};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The longest line of a log, in bytes.
const MAX_LINE: usize = 16 * 1024;

/// The host of one run.
#[derive(Debug)]
pub struct RunHost {
    log: Mutex<Log>,
    max_lines: usize,
    deadline: Instant,
    stop: Arc<Stop>,
}

#[derive(Debug, Default)]
struct Log {
    lines: Vec<LogLine>,
    /// The position of the step that is running.
    position: Option<String>,
    full: bool,
}

/// A request to a run to stop, from another thread.
#[derive(Debug, Default)]
pub struct Stop(AtomicU8);

const CANCELLED: u8 = 1;
const ABANDONED: u8 = 2;

impl Stop {
    /// Asks for the end of the run.
    pub fn cancel(&self) {
        self.0.fetch_or(CANCELLED, Ordering::Relaxed);
    }

    /// Asks the worker to leave the run as it is; another one goes on with it.
    pub fn abandon(&self) {
        self.0.fetch_or(ABANDONED, Ordering::Relaxed);
    }

    /// Was the end asked for?
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed) & CANCELLED != 0
    }

    /// Is the run to be left as it is?
    pub fn is_abandoned(&self) -> bool {
        self.0.load(Ordering::Relaxed) & ABANDONED != 0
    }
}

impl RunHost {
    /// A host for a run that may take `limit` from now on and write `max_lines` lines of log.
    pub fn new(limit: Duration, max_lines: u32, stop: Arc<Stop>) -> Self {
        let now = Instant::now();
        Self {
            log: Mutex::default(),
            max_lines: max_lines as usize,
            deadline: now.checked_add(limit).unwrap_or(now),
            stop,
        }
    }

    /// Names the step that runs from now on.
    pub fn enter(&self, position: &str) {
        let mut log = self.lock();
        match &mut log.position {
            Some(text) => {
                text.clear();
                text.push_str(position);
            }
            none => *none = Some(position.to_owned()),
        }
    }

    /// Is the run's time over?
    pub fn is_late(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// The request to stop.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// The lines so far; they are handed out once.
    pub fn take_log(&self) -> Vec<LogLine> {
        std::mem::take(&mut self.lock().lines)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host for RunHost {
    fn now(&self) -> (i64, u32) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (since.as_secs() as i64, since.subsec_nanos())
    }

    fn random(&self) -> u64 {
        rand::random()
    }

    fn log(&self, level: LogLevel, message: &str) {
        let mut log = self.lock();
        if log.full {
            return;
        }
        let (level, message) = if log.lines.len() + 1 >= self.max_lines {
            log.full = true;
            let text = format!("The log is full: a run writes {} lines at most; the rest is left out.", self.max_lines);
            (LogLevel::Warning, text)
        } else {
            let end = (0..=message.len().min(MAX_LINE)).rev().find(|i| message.is_char_boundary(*i)).unwrap_or(0);
            (level, message.get(..end).unwrap_or_default().to_owned())
        };
        let position = log.position.clone();
        log.lines.push(LogLine { at: now(), level: level.name().into(), message, position });
    }

    fn interrupt(&self) -> Option<Interrupt> {
        if self.stop.is_cancelled() || self.stop.is_abandoned() {
            return Some(Interrupt::Cancelled);
        }
        self.is_late().then_some(Interrupt::Deadline)
    }
}

/// The wall clock.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(since.as_millis() as i64)
}
