//! Request-response runs that need no queue: performed first, then kept with their end in one commit.
//!
//! Nothing that names the run leaves before that commit. A run that takes longer than [`WINDOW`] is accepted meanwhile,
//! so that a crash does not lose it.

use super::answer::{Answer, finish_of};
use super::{Admission, Dispatcher};
use crate::run::{Ended, Given, Panicked, Work, encoding, perform};
use crate::script::Fault;
use crate::store::{Accepted, Fence, FinishedStart, NewRun, RunId, Start, Trigger};
use crate::trigger::webhook::Request;
use crate::workflow::model::Workflow;
use flowscript_lang::error::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A run that is over within this time is kept in one commit.
const WINDOW: Duration = Duration::from_millis(100);

impl Dispatcher {
    /// Performs a request and waits for its end, at most until `deadline`.
    pub async fn wait(&self, workflow: Arc<Workflow>, request: Arc<Request>, deadline: Instant) -> Admission {
        let started_at = self.shared.clock.now();
        let id = RunId::new(started_at);
        let work = Work {
            id,
            workflow: workflow.clone(),
            trigger: Trigger::Webhook,
            scheduled_for: None,
            given: Given::Request(request.clone()),
        };
        let request_permit = self.shared.requests.clone().try_acquire_owned().ok();
        let (host, running) = self.host(id);
        let room = self.shared.room.clone();
        let job_host = host.clone();
        let dispatcher = self.clone();
        // The job goes on when the caller's time is over, so it lives in a task of its own.
        let mut job = tokio::spawn(async move {
            let ended = dispatcher.shared.pool.run(move || perform(&work, &room, &job_host)).await;
            drop(running);
            ended.unwrap_or_else(|Panicked| panicked())
        });
        let window = deadline.min(Instant::now() + WINDOW);
        let mut new = self.new_run(id, &workflow, &request);
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
            let finished = FinishedStart { version: workflow.version, started_at, finish: finish_of(&ended) };
            new.start = Start::Finished(Box::new(finished));
            return match self.shared.store.accept(new).await {
                Ok(_) => Admission::Answered(Answer::of_ended(id, &ended)),
                Err(error) => Admission::Unkept(error),
            };
        }
        new.start = Start::Claim(self.shared.owner);
        match self.shared.store.accept(new).await {
            Ok(Accepted::Claimed { fence, version }) if version == workflow.version => {
                let dispatcher = self.clone();
                tokio::spawn(async move {
                    let ended = job.await.unwrap_or_else(|_| panicked());
                    // What is left by a stop is performed again by the next process.
                    if !host.stop().is_abandoned() {
                        dispatcher.finish_direct(fence, ended).await;
                    }
                    drop(request_permit);
                });
            }
            Ok(Accepted::Claimed { fence, .. }) => {
                // The file has changed meanwhile: the run takes the new version, from its beginning.
                host.stop().abandon();
                let dispatcher = self.clone();
                tokio::spawn(async move { dispatcher.drive_claim(fence).await });
            }
            Ok(_) => host.stop().abandon(), // queued: a worker performs it
            Err(error) => {
                host.stop().abandon();
                return Admission::Unkept(error);
            }
        }
        self.await_end(id, deadline).await
    }

    async fn finish_direct(&self, fence: Fence, ended: Ended) {
        let mut finish = finish_of(&ended);
        finish.changes.input = ended.input.as_ref().map(encoding::encode);
        self.commit_finish(fence, finish, false).await;
    }

    pub(super) fn new_run(&self, id: RunId, workflow: &Workflow, request: &Request) -> NewRun {
        let mut new = NewRun::queued(id, workflow.id.as_str(), Trigger::Webhook);
        new.payload = Some(request.encode());
        new.queue_limit = Some(self.shared.limits.queue);
        new
    }
}

/// The end of a run whose thread panicked; the panic is in the engine's log.
pub(super) fn panicked() -> Ended {
    Ended::failed(Fault::new(ErrorKind::Io, "The engine failed while it ran this step; its log says more."))
}
