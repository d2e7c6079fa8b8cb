//! Lines of the engine's log that a caller or a failing disk could repeat: each reason is reported once a minute, with
//! the number of lines left out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::Level;

/// A reason is reported again after this time.
const AGAIN: Duration = Duration::from_secs(60);
/// The most reasons that are distinguished; further ones share a line.
const MOST: usize = 500;

struct Reason {
    since: Instant,
    left_out: u64,
    level: Level,
}

/// The reasons that were reported, by their text.
static TOLD: Mutex<Option<HashMap<String, Reason>>> = Mutex::new(None);

/// A warning with this text, which is the reason too.
pub fn warn(line: &str) {
    tell(Level::WARN, line, || line.to_owned());
}

/// A warning whose `reason` is the same for many lines, such as a full disk for each run.
pub fn warn_of(reason: &str, line: impl FnOnce() -> String) {
    tell(Level::WARN, reason, line);
}

/// An error with this text, which is the reason too.
pub fn error(line: &str) {
    tell(Level::ERROR, line, || line.to_owned());
}

/// An error whose `reason` is the same for many lines.
pub fn error_of(reason: &str, line: impl FnOnce() -> String) {
    tell(Level::ERROR, reason, line);
}

/// Reports how many lines were left out for reasons whose minute is over; called at intervals.
pub fn tell_left_out() {
    let over: Vec<(String, Reason)> = {
        let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(reasons) = told.as_mut() else { return };
        reasons.extract_if(|_, reason| reason.since.elapsed() >= AGAIN).collect()
    };
    for (text, reason) in over.into_iter().filter(|(_, reason)| reason.left_out > 0) {
        write(reason.level, &format!("{text} ({} more such lines were left out)", reason.left_out));
    }
}

fn tell(level: Level, reason: &str, line: impl FnOnce() -> String) {
    let Some(left_out) = due(&TOLD, reason, level, Instant::now()) else { return };
    let line = line();
    if left_out > 0 {
        write(level, &format!("{line} ({left_out} more such lines were left out)"));
    } else {
        write(level, &line);
    }
}

/// Is a line of this reason due, and how many were left out before it?
fn due(told: &Mutex<Option<HashMap<String, Reason>>>, reason: &str, level: Level, now: Instant) -> Option<u64> {
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    let reasons = told.get_or_insert_default();
    let reason = if reasons.len() >= MOST && !reasons.contains_key(reason) { "other reasons" } else { reason };
    match reasons.get_mut(reason) {
        Some(known) if now.saturating_duration_since(known.since) < AGAIN => {
            known.left_out += 1;
            None
        }
        Some(known) => {
            known.since = now;
            Some(std::mem::take(&mut known.left_out))
        }
        None => {
            reasons.insert(reason.to_owned(), Reason { since: now, left_out: 0, level });
            Some(0)
        }
    }
}

fn write(level: Level, line: &str) {
    if level == Level::ERROR { tracing::error!("{line}") } else { tracing::warn!("{line}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_once_a_minute() {
        let told = Mutex::new(None);
        let start = Instant::now();
        let due = |reason: &str, seconds| due(&told, reason, Level::WARN, start + Duration::from_secs(seconds));
        assert_eq!((due("full", 0), due("full", 1), due("full", 59)), (Some(0), None, None));
        assert_eq!((due("other", 1), due("full", 60), due("full", 61)), (Some(0), Some(2), None));
        for number in 0..MOST {
            due(&number.to_string(), 2);
        }
        assert_eq!(due("one more", 3), None, "reasons that a caller makes up share a line");
    }
}
