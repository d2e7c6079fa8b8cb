//! Steps that reach out, several beside each other, until they are done or nobody wants them any more.

use super::Dispatcher;
use super::drive::Left;
use crate::burden::{Beside, LEAST};
use crate::run::{Action, FileCall, FileChange, Files, Panicked, RunHost, StepHost, StopFlag, step_key};
use crate::script::{Fault, TIMEOUT, weight};
use crate::store::{RunId, StepEnd, Timestamp};
use crate::workflow::model::Slot;
use flowscript_lang::budget::Allowance;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::host::Host;
use flowscript_lang::value::Value;
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::SemaphorePermit;
use tokio::task::{AbortHandle, JoinSet};

/// How long a file that is read may stay unsettled beyond the time it is to be left alone.
const MOST_UNSETTLED: Duration = Duration::from_secs(60);

/// How long what asks whether it is to end may take to do so.
const NOTICE: Duration = Duration::from_millis(500);

/// A step that was done.
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
    /// What all this counts as until the run has it.
    pub beside: Option<Beside>,
}

/// The steps of one run that are at work.
pub(super) struct AtWork {
    run: RunId,
    host: Arc<RunHost>,
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
    pub(super) fn new(run: RunId, host: Arc<RunHost>) -> Self {
        Self { run, host, tasks: JoinSet::new(), running: HashMap::new() }
    }

    /// Begins a step.
    pub(super) fn begin(
        &mut self,
        dispatcher: &Dispatcher,
        strand: String,
        position: String,
        attempt: u32,
        commits: bool,
        action: Action,
    ) {
        let stop = Arc::new(StopFlag::default());
        let (dispatcher, host, run) = (dispatcher.clone(), self.host.clone(), self.run);
        let mut done = Done {
            strand: strand.clone(),
            position: position.clone(),
            attempt,
            commits,
            result: Ok(Value::Null),
            written: Vec::new(),
            beside: None,
        };
        let dropped = stop.clone();
        let abort = self.tasks.spawn(async move {
            match dispatcher.perform(run, &host, &done.position, dropped, action).await {
                Ok((value, written)) => {
                    let bytes =
                        written.iter().map(|(_, value)| weight(value)).fold(weight(&value), usize::saturating_add);
                    done.beside = host.load().filter(|_| bytes >= LEAST).map(|load| load.beside(bytes));
                    done.result = Ok(value);
                    done.written = written;
                }
                Err(fault) => done.result = Err(fault),
            }
            done
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
                // One that was given up; or a panic, which the hook has told about.
                Some(Err(error)) if error.is_cancelled() => {}
                Some(Err(_)) => return Err(Left::Panicked),
                None => std::future::pending().await,
            }
        }
    }

    /// Nobody wants the step of this strand any more. Gives what is to be kept of it.
    pub(super) fn give_up(&mut self, strand: &str, now: Timestamp) -> Option<StepEnd> {
        let task = self.running.remove(strand)?;
        task.stop.cancel();
        task.abort.abort();
        let fault = Fault::new(ErrorKind::Cancelled, "The step was given up because another one has failed.");
        let result = Err(fault.to_failure(Some(task.position.clone())));
        let end = StepEnd { position: task.position, attempt: task.attempt, ended_at: now, result, diagnostics: None };
        task.commits.then_some(end)
    }

    /// Nobody wants any of them any more.
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

/// Longer answers than this are read apart from scripts, in bytes.
const LARGE_ANSWER: usize = 64 << 10;

/// Bytes of large answers that are read at the same time.
pub(super) const ANSWERS_READ: usize = 16 << 20;

impl Dispatcher {
    /// Does a step that reaches out, until the run is stopped or its time is over.
    async fn perform(
        &self,
        run: RunId,
        host: &Arc<RunHost>,
        position: &str,
        dropped: Arc<StopFlag>,
        action: Action,
    ) -> Result<(Value, Vec<(Slot, Value)>), Fault> {
        let value = match action {
            Action::Http(call) => {
                let mut key = step_key(run, position);
                if planted!(self.shared.clock.as_ref(), ChangingKey) {
                    key = step_key(run, &self.now().0.to_string());
                }
                let answered = self.within(host, call.send(&self.shared.sender, Some(key), host.load())).await?;
                let (files, now) = (self.shared.room.files.clone(), self.now());
                let step = StepHost::new(host.clone(), position.to_owned(), dropped);
                let size = answered.size();
                let read = move || answered.result(&files, now, &step);
                let read = async {
                    if size <= LARGE_ANSWER {
                        return self.shared.pool.run(read).await;
                    }
                    // Its value may take many times as much, and scripts must not wait for it.
                    let _room = self.may_read(host, size).await;
                    self.shared.callers.run(read).await
                };
                self.within(host, async { read.await.map_err(|Panicked| internal())? }).await?
            }
            // Threads of their own: what waits for others must not hold up what computes.
            Action::Script(call) => {
                let step = StepHost::new(host.clone(), position.to_owned(), dropped);
                let ran = self.shared.callers.run(move || call.run(&step));
                let ran = async { ran.await.map_err(|Panicked| internal())? };
                return self.within_notice(host, ran).await;
            }
            Action::Sql(call) => {
                let database = self.shared.sender.connections().database(&call.connection);
                let database = database.ok_or_else(|| no_connection(&call.connection, "database"))?;
                self.within(host, database.run(*call)).await?
            }
            Action::Email(letter) => {
                let connections = self.shared.sender.connections();
                let mail = connections.mail(&letter.connection).cloned();
                let mail = mail.ok_or_else(|| no_connection(&letter.connection, "mail server"))?;
                self.within(host, mail.send(*letter, &step_key(run, position))).await?;
                Value::Null
            }
            Action::File(call) => {
                let files = match &call.connection {
                    None => self.shared.room.files.clone(),
                    Some(name) => {
                        let folder = self.shared.sender.connections().folder(name).map(ToOwned::to_owned);
                        Arc::new(Files::new(folder.ok_or_else(|| no_connection(name, "folder"))?))
                    }
                };
                let name = call.connection.clone();
                let step = StepHost::new(host.clone(), position.to_owned(), dropped);
                self.file(host, files, *call, step).await.map_err(|fault| match name {
                    Some(name) => Fault { message: format!("The connection `{name}`: {}", fault.message), ..fault },
                    None => fault,
                })?
            }
            Action::Respond(_) | Action::Checkpoint => return Err(internal()),
        };
        Ok((value, Vec::new()))
    }

    /// Waits until an answer of so many bytes may be read.
    async fn may_read(&self, host: &RunHost, size: usize) -> Option<SemaphorePermit<'_>> {
        loop {
            // Not with the permit: who is waited for may need it.
            if let Some(load) = host.load() {
                load.room().await;
            }
            let permit = self.shared.reading.acquire_many(size.min(ANSWERS_READ) as u32).await.ok();
            if host.load().is_none_or(|load| load.may_grow()) {
                return permit;
            }
        }
    }

    /// Does a step with files; one that is read while it is written is waited for.
    async fn file(
        &self,
        host: &Arc<RunHost>,
        files: Arc<Files>,
        call: FileCall,
        step: StepHost,
    ) -> Result<Value, Fault> {
        if let (FileChange::Read(path, _), Some(settled)) = (&call.change, call.settled) {
            self.within(host, self.wait_for_settled(&files, path, settled)).await?;
        }
        let forgets = planted!(self.shared.clock.as_ref(), RepeatedMove);
        let done = self.shared.callers.run(move || {
            let stop = || step.interrupt();
            let mut budget = Allowance::new("The file", call.limits, &stop);
            files.perform(&call.change, call.repeated && !forgets, &mut budget)
        });
        self.within_notice(host, async { done.await.map_err(|Panicked| internal())? }).await
    }

    async fn wait_for_settled(&self, files: &Arc<Files>, path: &str, settled: Duration) -> Result<(), Fault> {
        let begun = std::time::Instant::now();
        loop {
            let (looked, at) = (files.clone(), path.to_owned());
            let left = self.shared.callers.run(move || looked.unsettled(&at, settled));
            let Some(left) = left.await.map_err(|Panicked| internal())?? else { return Ok(()) };
            if begun.elapsed() > settled + MOST_UNSETTLED {
                let message =
                    format!("The file `{path}` is still written: it was changed within the last {settled:?}.");
                return Err(Fault::new(ErrorKind::Io, message));
            }
            tokio::time::sleep(left).await;
        }
    }

    /// What asks by itself whether the run is stopped or its time is over. Where it is deep in something else then, it is
    /// not waited for.
    async fn within_notice<T>(&self, host: &RunHost, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        tokio::pin!(work);
        tokio::select! {
            done = &mut work => done,
            fault = over(host) => tokio::time::timeout(NOTICE, work).await.unwrap_or(Err(fault)),
        }
    }

    /// What takes time, at most until the run is stopped or its time is over.
    async fn within<T>(&self, host: &RunHost, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        tokio::select! { done = work => done, fault = over(host) => Err(fault) }
    }
}

/// Ready once the run is stopped or its time is over; says which.
pub(super) async fn over(host: &RunHost) -> Fault {
    tokio::select! {
        () = host.asked_to_stop() => Fault::new(ErrorKind::Cancelled, "The run was cancelled."),
        () = host.late() => Fault::of_kind(TIMEOUT, "The run took longer than it may."),
    }
}

fn no_connection(name: &str, kind: &str) -> Fault {
    Fault::new(ErrorKind::Io, format!("connections.yaml has no {kind} `{name}` that works."))
}

fn internal() -> Fault {
    Fault::new(ErrorKind::Io, "The engine failed while it ran this step; its log says more.")
}
