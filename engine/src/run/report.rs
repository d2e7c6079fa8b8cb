//! The parts of a run that appear in the engine's own log: its failure, and the log lines of its steps.

use super::ended::Ended;
use crate::metrics::run_ended;
use crate::store::{LogLine, RunId, RunState, Trigger};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::host::LogLevel;

impl Ended {
    /// Counts the end of this run, and reports a failure in the engine's log, once the end is stored.
    pub fn count(&self, workflow: &str, trigger: Trigger, run: RunId) {
        run_ended(workflow, trigger, self.state, run.accepted_at(), self.ended_at);
        failure(self, workflow, run);
    }
}

/// Reports that a run has failed, with the step and the place in its file.
fn failure(ended: &Ended, workflow: &str, run: RunId) {
    let Some((fault, step)) = ended.failure.as_ref().filter(|_| ended.state.is_retryable()) else { return };
    let step = step.as_deref().unwrap_or("-");
    let place = fault.places.first().map(|at| {
        let file = at.file.as_deref().unwrap_or_default();
        format!(" ({file}:{}:{})", at.place.line, at.place.column)
    });
    let message = one_line(&fault.message) + &place.unwrap_or_default();
    // A status from 400 to 499 is the mistake of the caller, who gets the message.
    let is_refusal = fault.status.is_some_and(|status| status < 500) && fault.kind == ErrorKind::User.name();
    if is_refusal {
        tracing::info!(%run, workflow, step, "the run refused its input: {message}");
    } else if ended.state == RunState::TimedOut {
        tracing::warn!(%run, workflow, step, "the run took too long: {message}");
    } else {
        tracing::warn!(%run, workflow, step, "the run failed: {message}");
    }
}

/// Repeats a line of a run's log.
pub(super) fn line(line: &LogLine, workflow: &str, run: RunId) {
    let step = line.position.as_deref().unwrap_or("-");
    let message = one_line(&line.message);
    match line.level.as_str() {
        level if level == LogLevel::Error.name() => tracing::error!(%run, workflow, step, "{message}"),
        level if level == LogLevel::Warning.name() => tracing::warn!(%run, workflow, step, "{message}"),
        level if level == LogLevel::Debug.name() => tracing::debug!(%run, workflow, step, "{message}"),
        _ => tracing::info!(%run, workflow, step, "{message}"),
    }
}

/// A text that cannot imitate further lines of the log, nor move the cursor of a terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
