//! Request-response runs that need no queue: performed first, then kept with their end in one commit.
//!
//! Nothing that names the run leaves before that commit, unless the workflow's durability is relaxed. A run that takes
//! longer than [`WINDOW`] is accepted meanwhile, so that a crash does not lose it.

use super::answer::Answer;
use super::drive::Driven;
use super::{Admission, Dispatcher, Message};
use crate::run::{Ended, Given, Machine, Work, encoding};
use crate::script::Fault;
use crate::store::{Accepted, Fence, FinishedStart, NewRun, RunState, Start, StoreError, Trigger};
use crate::workflow::model::Durability;
use flowscript_lang::error::ErrorKind;
use std::time::Duration;
use tokio::time::Instant;

/// A run that is over within this time is kept in one commit.
const WINDOW: Duration = Duration::from_millis(100);

impl Dispatcher {
    /// Performs a message and waits for its end, at most until `deadline`.
    pub(super) async fn direct(&self, message: Message, deadline: Instant) -> Admission {
        let mut new = self.new_run(&message);
        let (id, started_at) = (new.id, self.shared.clock.now());
        let work = Work {
            id,
            workflow: message.workflow.clone(),
            trigger: Trigger::Webhook,
            scheduled_for: None,
            on_failure: new.on_failure.clone(),
            given: Given::Request(message.request.clone()),
        };
        let request_permit = self.shared.requests.clone().try_acquire_owned().ok();
        let (host, running) = self.host(id, Duration::ZERO);
        let machine = Machine::new(work.clone(), self.shared.room.clone(), host.clone());
        let dispatcher = self.clone();
        // The job goes on when the caller's time is over, so it lives in a task of its own.
        let mut job = tokio::spawn(async move {
            let driven = dispatcher.drive_machine(None, machine).await;
            drop(running);
            match driven {
                Driven::Ended(ended, _) => *ended,
                Driven::Left => Ended::new(RunState::Cancelled), // the caller of the machine sees the stop itself
            }
        });
        let window = deadline.min(Instant::now() + WINDOW);
        if let Ok(ended) = tokio::time::timeout_at(window, &mut job).await {
            let ended = ended.unwrap_or_else(|_| panicked());
            if host.stop().is_abandoned() {
                return Admission::Stopping;
            }
            if ended.refused {
                return Admission::Refused(ended.failure.map(|(fault, _)| fault.message).unwrap_or_default());
            }
            new.label.clone_from(&ended.label);
            new.input = ended.input.as_ref().map(encoding::encode);
            let mut finish = self.finish_of(&work, &ended);
            finish.changes.input = None; // it is kept with the run
            let finished = FinishedStart { version: message.workflow.version, started_at, finish };
            new.start = Start::Finished(Box::new(finished));
            return self.keep_ended(&message, new, ended, deadline).await;
        }
        new.start = Start::Claim(self.shared.owner);
        match self.shared.store.accept(new).await {
            Ok(Accepted::Claimed { fence, version }) if version == message.workflow.version => {
                let dispatcher = self.clone();
                tokio::spawn(async move {
                    let ended = job.await.unwrap_or_else(|_| panicked());
                    // What is left by a stop is performed again by the next process.
                    if !host.stop().is_abandoned() {
                        dispatcher.finish_direct(fence, &work, &ended).await;
                    }
                    drop(request_permit);
                });
                self.await_end(id, deadline).await
            }
            Ok(Accepted::Claimed { fence, version }) => {
                // The file has changed meanwhile: the run takes the new version, from its beginning.
                host.stop().abandon();
                let dispatcher = self.clone();
                tokio::spawn(async move {
                    dispatcher.drive_accepted(fence, version, work).await;
                    drop(request_permit);
                });
                self.await_end(id, deadline).await
            }
            Ok(Accepted::Queued) => {
                host.stop().abandon(); // a worker performs it
                self.await_end(id, deadline).await
            }
            Ok(other) => {
                host.stop().abandon();
                self.join(Self::not_new(other), deadline).await
            }
            Err(error) => {
                host.stop().abandon();
                Admission::Unkept(error)
            }
        }
    }

    /// Keeps a run that is over, and gives its answer.
    async fn keep_ended(&self, message: &Message, new: NewRun, ended: Ended, deadline: Instant) -> Admission {
        let id = new.id;
        let relaxed = message.workflow.durability == Durability::Relaxed
            && message.idempotency.is_none()
            && ended.state == RunState::Completed
            // While nothing can be kept, callers are told so.
            && !self.shared.history.is_stuck();
        if relaxed {
            let kept = tokio::time::timeout_at(deadline, self.shared.history.keep(new)).await;
            let full = || StoreError::Busy("history is full, and was not written in time".into());
            return match kept.unwrap_or_else(|_| Err(full())) {
                Ok(()) => {
                    ended.count(&message.workflow.id, Trigger::Webhook, id);
                    Admission::Answered(Answer::of_ended(id, &ended))
                }
                Err(error) => Admission::Unkept(error),
            };
        }
        match self.shared.store.accept(new).await {
            Ok(Accepted::Finished) => {
                ended.count(&message.workflow.id, Trigger::Webhook, id);
                Admission::Answered(Answer::of_ended(id, &ended))
            }
            Ok(other) => self.join(Self::not_new(other), deadline).await,
            Err(error) => Admission::Unkept(error),
        }
    }

    /// A caller whose message was accepted before waits for that run.
    async fn join(&self, admission: Admission, deadline: Instant) -> Admission {
        match admission {
            Admission::Accepted(run) => self.await_end(run, deadline).await,
            other => other,
        }
    }

    async fn finish_direct(&self, fence: Fence, work: &Work, ended: &Ended) {
        self.commit_finish(fence, self.finish_of(work, ended), false).await;
        ended.count(&work.workflow.id, work.trigger, work.id);
    }
}

/// The end of a run whose thread panicked; the panic is in the engine's log.
pub(super) fn panicked() -> Ended {
    Ended::failed(Fault::new(ErrorKind::Io, "The engine failed while it ran this step; its log says more."))
}
