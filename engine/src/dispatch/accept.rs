//! Acceptance: what is kept before anybody is told about it.

use super::Dispatcher;
use super::answer::Answer;
use crate::run::{Given, Work, encoding, prepare};
use crate::store::{Accepted, NewRun, RunId, Start, StoreError, Trigger};
use crate::trigger::webhook::Request;
use crate::workflow::model::Workflow;
use flowscript_lang::value::{Record, Value};
use std::sync::Arc;
use tokio::time::Instant;

/// What became of a request to run something.
#[derive(Debug)]
pub enum Admission {
    /// The run is kept and will run.
    Accepted(RunId),
    /// The run has ended; this is its answer.
    Answered(Answer),
    /// The run is kept, but was not over in time.
    Late(RunId),
    /// The run is kept, but the engine stops before it is over.
    Interrupted(RunId),
    /// The engine is stopping; nothing was kept.
    Stopping,
    /// The input does not fit; nothing was kept.
    Refused(String),
    /// The workflow's queue is full; nothing was kept.
    QueueFull(u32),
    /// The store could not keep it.
    Unkept(StoreError),
}

impl Dispatcher {
    /// Keeps a request and performs it later.
    pub async fn accept(&self, workflow: Arc<Workflow>, request: Arc<Request>) -> Admission {
        let id = RunId::new(self.shared.clock.now());
        let new = self.new_run(id, &workflow, &request);
        self.admit(workflow, new, Given::Request(request)).await
    }

    /// Keeps a run that a person starts.
    pub async fn start_manually(&self, workflow: Arc<Workflow>, input: Record) -> Admission {
        let id = RunId::new(self.shared.clock.now());
        let mut new = NewRun::queued(id, workflow.id.as_str(), Trigger::Manual);
        new.queue_limit = Some(self.shared.limits.queue);
        new.input = Some(encoding::encode(&Value::Record(input.clone())));
        self.admit(workflow, new, Given::Fields(input)).await
    }

    async fn admit(&self, workflow: Arc<Workflow>, mut new: NewRun, given: Given) -> Admission {
        let processes = workflow.webhook.as_ref().is_some_and(|webhook| webhook.processing_input.is_some())
            && matches!(given, Given::Request(_));
        if !processes || workflow.label.is_some() {
            let work =
                Work { id: new.id, workflow: workflow.clone(), trigger: new.trigger, scheduled_for: None, given };
            match self.prepare(work).await {
                Ok(label) => new.label = label,
                // With `processing.input` it is the run that fails, not the request.
                Err(_) if processes => {}
                Err(message) => return Admission::Refused(message),
            }
        }
        let permit = self.shared.workers.clone().try_acquire_owned().ok();
        if permit.is_some() && self.is_working() {
            new.start = Start::Claim(self.shared.owner);
        }
        let id = new.id;
        match self.shared.store.accept(new).await {
            Ok(Accepted::Claimed { fence, .. }) => {
                let dispatcher = self.clone();
                tokio::spawn(async move {
                    dispatcher.drive_claim(fence).await;
                    drop(permit);
                });
                Admission::Accepted(id)
            }
            Ok(Accepted::Queued | Accepted::Finished) => Admission::Accepted(id),
            Ok(Accepted::Duplicate(summary)) => Admission::Accepted(summary.id),
            Ok(Accepted::QueueFull { queued }) => Admission::QueueFull(queued),
            Ok(Accepted::KeyReused) => Admission::Unkept(StoreError::Conflict("an idempotency key was reused".into())),
            Err(error) => Admission::Unkept(error),
        }
    }

    /// Learns whether the input fits, and the label.
    async fn prepare(&self, work: Work) -> Result<Option<String>, String> {
        let (host, running) = self.host(work.id);
        let room = self.shared.room.clone();
        let prepared = self.shared.pool.run(move || prepare(&work, &room, &host)).await;
        drop(running);
        match prepared {
            Ok(prepared) => prepared.map_err(|fault| fault.message),
            Err(crate::run::Panicked) => Err("The input could not be read; the engine's log says why.".into()),
        }
    }

    /// Waits for the end of a run that is kept, at most until `deadline`.
    pub async fn await_end(&self, run: RunId, deadline: Instant) -> Admission {
        let watching = async {
            let mut seen = None;
            loop {
                let summary = self.shared.store.watch(run, seen).await?;
                if summary.has_answer() {
                    return self.shared.store.run(run).await;
                }
                seen = Some(summary.revision);
            }
        };
        tokio::select! {
            ended = watching => match ended {
                Ok(run) => Admission::Answered(Answer::of(&run)),
                Err(error) => Admission::Unkept(error),
            },
            () = tokio::time::sleep_until(deadline) => Admission::Late(run),
            () = self.grace_over() => Admission::Interrupted(run),
        }
    }
}
