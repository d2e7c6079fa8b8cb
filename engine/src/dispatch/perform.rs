//! Steps with external effects, several at the same time, until they are done or no longer needed.

use super::outcome::Left;
use crate::burden::{Beside, LEAST};
use crate::run::{RunHost, StepHost, StopFlag, step_key};
use crate::script::{Fault, Slot, weight};
use crate::steps::attempt::{Attempt, Perform, Performed, Performing, Running, Tools};
use crate::store::{RunId, StepEnd, Timestamp};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};

/// How long the work of a step may take to end by itself once its run is stopped or late.
const NOTICE: Duration = Duration::from_millis(500);

/// A completed step.
pub(super) struct Done {
    /// The strand it belongs to.
    pub strand: String,
    /// Its position in the run.
    pub position: String,
    /// The attempt.
    pub attempt: u32,
    /// Its result is committed.
    pub commits: bool,
    /// The result.
    pub result: Result<Value, Fault>,
    /// The variables that its script has set.
    pub written: Vec<(Slot, Value)>,
    /// The load of all this until the run has it.
    pub beside: Option<Beside>,
}

/// A step that begins.
pub(super) struct Begun {
    /// The strand it belongs to.
    pub strand: String,
    /// Its position in the run.
    pub position: String,
    /// The attempt.
    pub attempt: u32,
    /// Its result is committed.
    pub commits: bool,
    /// An earlier attempt may have done its work.
    pub repeated: bool,
}

/// The steps of one run that are at work.
pub(super) struct AtWork {
    run: RunId,
    host: Arc<RunHost>,
    tools: Arc<Tools>,
    tasks: JoinSet<Done>,
    /// By strand: how to end them, and what they are.
    running: HashMap<String, Task>,
}

struct Task {
    abort: AbortHandle,
    stop: Arc<StopFlag>,
    position: String,
    attempt: u32,
    commits: bool,
}

impl AtWork {
    /// Nothing is at work.
    pub(super) fn new(run: RunId, host: Arc<RunHost>, tools: Arc<Tools>) -> Self {
        Self { run, host, tools, tasks: JoinSet::new(), running: HashMap::new() }
    }

    /// Begins a step.
    pub(super) fn begin(&mut self, begun: Begun, work: Box<dyn Perform>) {
        let Begun { strand, position, attempt, commits, repeated } = begun;
        let stop = Arc::new(StopFlag::default());
        let mut key = step_key(self.run, &position);
        if planted!(self.host.clock(), ChangingKey) {
            key = step_key(self.run, &self.host.instant().0.to_string());
        }
        let host: Arc<dyn Running> = Arc::new(StepHost::new(self.host.clone(), position.clone(), stop.clone()));
        let work = work.perform(Attempt::new(self.tools.clone(), host.clone(), key, repeated));
        let done = Done {
            strand: strand.clone(),
            position: position.clone(),
            attempt,
            commits,
            result: Ok(Value::Null),
            written: Vec::new(),
            beside: None,
        };
        let load = self.host.load().cloned();
        let abort = self.tasks.spawn(async move {
            match unless_over(host.as_ref(), work).await {
                Ok(Performed { result, set }) => {
                    let bytes = set.iter().map(|(_, value)| weight(value)).fold(weight(&result), usize::saturating_add);
                    let beside = load.filter(|_| bytes >= LEAST).map(|load| load.beside(bytes));
                    Done { result: Ok(result), written: set, beside, ..done }
                }
                Err(fault) => Done { result: Err(fault), ..done },
            }
        });
        self.running.insert(strand, Task { abort, stop, position, attempt, commits });
    }

    /// Waits for a step that is still wanted.
    pub(super) async fn next(&mut self) -> Result<Done, Left> {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(done)) => {
                    let task = self.running.get(&done.strand);
                    if task.is_some_and(|task| task.position == done.position && task.attempt == done.attempt) {
                        self.running.remove(&done.strand);
                        return Ok(done);
                    }
                }
                // A cancelled step; or a panic, which the hook has reported.
                Some(Err(error)) if error.is_cancelled() => {}
                Some(Err(_)) => return Err(Left::Panicked),
                None => std::future::pending().await,
            }
        }
    }

    /// The step of this strand is cancelled. Returns the record to keep of it.
    pub(super) fn give_up(&mut self, strand: &str, now: Timestamp) -> Option<StepEnd> {
        let task = self.running.remove(strand)?;
        task.stop.cancel();
        task.abort.abort();
        let fault = Fault::new(ErrorKind::Cancelled, "The step was given up because another one has failed.");
        let result = Err(fault.to_failure(Some(task.position.clone())));
        let end = StepEnd { position: task.position, attempt: task.attempt, ended_at: now, result, diagnostics: None };
        task.commits.then_some(end)
    }

    /// Cancels all of them.
    pub(super) fn give_up_all(&mut self, now: Timestamp) -> Vec<StepEnd> {
        let strands: Vec<String> = self.running.keys().cloned().collect();
        strands.iter().filter_map(|strand| self.give_up(strand, now)).collect()
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        // Tasks end with their set; scripts have threads of their own.
        self.running.values().for_each(|task| task.stop.cancel());
    }
}

/// The result of work. Once the run is stopped or late, the work is abandoned if it does not end soon.
async fn unless_over(host: &dyn Running, mut work: Performing) -> Result<Performed, Fault> {
    tokio::select! {
        done = &mut work => done,
        fault = host.over() => tokio::time::timeout(NOTICE, work).await.unwrap_or(Err(fault)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    #[tokio::test]
    async fn work_that_does_not_notice_a_stop_is_abandoned() {
        let flag = Arc::new(StopFlag::default());
        let run = RunHost::new(Arc::new(TestClock::new(Timestamp(0))), Duration::from_secs(60), 0, flag.clone(), None);
        let host = StepHost::new(Arc::new(run), "1".to_owned(), Arc::default());
        let done = |after: u64| -> Performing {
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(after)).await;
                Ok(Performed::result(Value::from(after as i64)))
            })
        };
        assert!(unless_over(&host, done(1000)).await.is_ok(), "the run is not stopped");
        flag.cancel();
        assert!(unless_over(&host, done(10)).await.is_ok(), "it ends soon");
        let abandoned = tokio::time::timeout(Duration::from_secs(20), unless_over(&host, done(60_000))).await;
        assert_eq!(abandoned.unwrap().unwrap_err().kind, ErrorKind::Cancelled.name());
    }
}
