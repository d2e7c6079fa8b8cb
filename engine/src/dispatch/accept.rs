//! Acceptance: what is kept before anybody is told about it.

use super::Dispatcher;
use super::answer::Answer;
use super::direct::Until;
use super::weight::apart;
use crate::pool::Panicked;
use crate::room::Held;
use crate::run::{Given, Prepared, Work, encoding, prepare};
use crate::store::{Accepted, IdempotencyKey, LaneKind, LaneTicket, NewRun, RunId, Start, StoreError, Trigger};
use crate::told;
use crate::trigger::webhook::Request;
use crate::workflow::model::{Response, Workflow};
use flowscript_lang::value::{Record, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A request to a webhook.
#[derive(Debug)]
pub struct Message {
    /// The workflow it is for; it has a webhook.
    pub workflow: Arc<Workflow>,
    /// The request.
    pub request: Arc<Request>,
    /// The key that names its run.
    pub idempotency: Option<IdempotencyKey>,
    /// When it came; callers who wait count from here.
    pub received: Instant,
    /// The room that its body takes until a run has it.
    pub room: Option<Held>,
}

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
    /// The workflow failed before anything was kept.
    Failed,
    /// The idempotency key names a run of another request; nothing was kept.
    KeyReused,
    /// The workflow's queue is full; nothing was kept.
    QueueFull(u32),
    /// The values of other runs take too much memory; nothing was kept.
    Full,
    /// The store could not keep it.
    Unkept(StoreError),
}

impl Admission {
    /// The same; a run that was not over in time counts as accepted, where the workflow says so.
    fn or_accepted(self, accept_on_timeout: bool) -> Self {
        match self {
            Self::Late(run) if accept_on_timeout => Self::Accepted(run),
            other => other,
        }
    }
}

/// Why a run cannot be accepted.
#[derive(Debug)]
pub(super) enum Unready {
    /// The input does not fit, or it has no place in the order.
    Refused(String),
    /// What should tell its place in the order failed for another reason.
    Failed,
}

impl Dispatcher {
    /// Takes a message as its webhook says: performs it and waits for the end, or keeps it for later. What was taken goes
    /// on when the caller goes away.
    pub async fn take(&self, message: Message) -> Admission {
        let Some(webhook) = &message.workflow.webhook else {
            return Admission::Refused("The workflow has no webhook.".into());
        };
        let deadline = message.received + webhook.timeout;
        let (until, accept_on_timeout) = match webhook.response {
            Response::Accept => (Until::Acceptance, false),
            Response::Wait => (Until::End(deadline), webhook.accept_on_timeout),
        };
        let dispatcher = self.clone();
        let load = self.load(&message.workflow);
        let mut is_direct = message.workflow.is_direct();
        if is_direct && !self.may_begin(&load, until).await {
            if matches!(until, Until::End(_)) && !accept_on_timeout {
                return if self.is_stopping() { Admission::Stopping } else { Admission::Full };
            }
            // It waits where it is kept.
            is_direct = false;
        }
        let taken = if is_direct {
            let direct = self.begin_direct(message, until, load);
            // Seen behind the permit, or a stop would not wait for this one.
            if self.is_stopping() {
                return Admission::Stopping;
            }
            match self.perform_here(&direct) {
                Some(ended) => match self.answer_at_once(direct, ended) {
                    Ok(admission) => return admission,
                    Err((direct, ended)) => tokio::spawn(async move { dispatcher.keep_ended(direct, ended).await }),
                },
                None => tokio::spawn(async move { dispatcher.direct(direct).await }),
            }
        } else {
            return match (Box::pin(self.accept(message)).await, until) {
                (Admission::Accepted(run), Until::End(deadline)) => {
                    self.await_end(run, deadline).await.or_accepted(accept_on_timeout)
                }
                (other, _) => other,
            };
        };
        taken.await.unwrap_or_else(|_| panicked()).or_accepted(accept_on_timeout)
    }

    /// Keeps a message and performs it later.
    async fn accept(&self, message: Message) -> Admission {
        let new = self.new_run(&message);
        self.admit(message.workflow, new, Given::Request(message.request), message.room).await
    }

    /// Keeps a run that a person starts.
    pub async fn start_manually(&self, workflow: Arc<Workflow>, input: Record, room: Option<Held>) -> Admission {
        let id = RunId::new(self.shared.clock.now());
        let mut new = NewRun::queued(id, workflow.id.as_str(), Trigger::Manual);
        new.queue_limit = Some(self.queue_limit(&workflow));
        new.on_failure.clone_from(&workflow.on_failure);
        new.input = Some(encoding::encode(&Value::Record(input.clone())));
        self.admit(workflow, new, Given::Fields(input), room).await
    }

    /// Keeps a run that the holder of a token starts. It takes its place in the lane of the webhook.
    pub async fn start_by_token(
        &self,
        workflow: Arc<Workflow>,
        properties: Record,
        idempotency: Option<IdempotencyKey>,
        room: Option<Held>,
    ) -> Admission {
        let id = RunId::new(self.shared.clock.now());
        let mut new = NewRun::queued(id, workflow.id.as_str(), Trigger::Webhook);
        new.queue_limit = Some(self.queue_limit(&workflow));
        new.on_failure.clone_from(&workflow.on_failure);
        new.idempotency = idempotency;
        new.input = Some(encoding::encode(&Value::Record(properties.clone())));
        self.admit(workflow, new, Given::Fields(properties), room).await
    }

    /// A message as a run that is to be kept, without its lane.
    pub(super) fn new_run(&self, message: &Message) -> NewRun {
        let id = RunId::new(self.shared.clock.now());
        let mut new = NewRun::queued(id, message.workflow.id.as_str(), Trigger::Webhook);
        new.payload = Some(apart(message.request.size(), || message.request.encode()));
        new.queue_limit = Some(self.queue_limit(&message.workflow));
        new.on_failure.clone_from(&message.workflow.on_failure);
        new.idempotency.clone_from(&message.idempotency);
        new
    }

    /// Learns what acceptance needs, which ends when the caller goes away; then keeps a run, and drives it where it is
    /// claimed at once: both whole, whatever the caller does. `room` is held until then.
    async fn admit(&self, workflow: Arc<Workflow>, mut new: NewRun, given: Given, room: Option<Held>) -> Admission {
        let ordered = workflow.webhook.as_ref().and_then(|webhook| webhook.ordered.as_ref());
        let pause = ordered.filter(|_| new.trigger == Trigger::Webhook).map(|ordered| ordered.pause);
        let work = Work {
            id: new.id,
            workflow,
            trigger: new.trigger,
            scheduled_for: None,
            on_failure: new.on_failure.clone(),
            given,
        };
        let mut prepared = Prepared::default();
        if work.needs_preparing() {
            match self.prepare(work.clone()).await {
                Ok(known) => prepared = known,
                Err(Unready::Refused(message)) => return Admission::Refused(message),
                Err(Unready::Failed) if self.is_stopping() => return Admission::Stopping,
                Err(Unready::Failed) => return Admission::Failed,
            }
        }
        new.label = prepared.label;
        new.lane = pause.map(|pause| LaneTicket { kind: LaneKind::Webhook, key: prepared.lane, pause });
        let dispatcher = self.clone();
        let admitted = tokio::spawn(async move {
            let _room = room;
            dispatcher.admit_whole(work, new).await
        });
        admitted.await.unwrap_or_else(|_| panicked())
    }

    async fn admit_whole(&self, work: Work, mut new: NewRun) -> Admission {
        let permit = self.shared.workers.clone().try_acquire_owned().ok();
        if permit.is_some() && self.is_working() {
            new.start = Start::Claim(self.shared.owner);
        }
        let id = new.id;
        let bytes = [&new.payload, &new.input].into_iter().flatten().map(Vec::len).sum();
        let way = self.way(bytes).await;
        let accepted = self.shared.store.accept(new).await;
        drop(way);
        match accepted {
            Ok(Accepted::Claimed { fence, version }) => {
                let dispatcher = self.clone();
                tokio::spawn(async move {
                    dispatcher.drive_accepted(fence, version, work).await;
                    drop(permit);
                });
                Admission::Accepted(id)
            }
            Ok(Accepted::Queued | Accepted::Finished) => Admission::Accepted(id),
            Ok(other) => Self::not_new(other),
            Err(error) => Admission::Unkept(error),
        }
    }

    /// What an acceptance that kept nothing new is to the caller. A run that was there before counts as accepted.
    pub(super) fn not_new(accepted: Accepted) -> Admission {
        match accepted {
            Accepted::Duplicate(earlier) => Admission::Accepted(earlier.id),
            Accepted::KeyReused => Admission::KeyReused,
            Accepted::QueueFull { queued } => Admission::QueueFull(queued),
            Accepted::Queued | Accepted::Claimed { .. } | Accepted::Finished => {
                Admission::Unkept(StoreError::Other("a new run was taken for an earlier one".into()))
            }
        }
    }

    /// Learns whether the input fits, the label and the lane.
    pub(super) async fn prepare(&self, work: Work) -> Result<Prepared, Unready> {
        let id = work.workflow.id.clone();
        let (host, running) = self.host(&work.workflow, work.id, Duration::ZERO);
        let room = self.room(&work.workflow);
        let _caller = host.stop().cancelled_with();
        let prepared = self.shared.doors.run(move || prepare(work, room, host)).await;
        drop(running);
        match prepared {
            Ok(Ok(prepared)) => Ok(prepared),
            Ok(Err(fault)) if fault.status == Some(400) => Err(Unready::Refused(fault.message)),
            Ok(Err(fault)) => {
                let reason = format!("a run of {id} cannot be accepted");
                told::error_of(&reason, || format!("{reason}: {}", fault.message));
                Err(Unready::Failed)
            }
            Err(Panicked) => Err(Unready::Failed),
        }
    }

    /// Waits for the end of a run that is kept, or for its response, at most until `deadline`.
    pub async fn await_end(&self, run: RunId, deadline: Instant) -> Admission {
        let watching = async {
            let mut seen = None;
            loop {
                let summary = self.shared.store.watch(run, seen).await?;
                if summary.has_answer() {
                    return self.answer(run).await;
                }
                seen = Some(summary.revision);
            }
        };
        tokio::select! {
            ended = watching => match ended {
                Ok((_, answer)) => Admission::Answered(answer),
                Err(error) => Admission::Unkept(error),
            },
            () = tokio::time::sleep_until(deadline) => Admission::Late(run),
            () = self.grace_over() => Admission::Interrupted(run),
        }
    }
}

/// The answer where a task of the acceptance panicked.
fn panicked() -> Admission {
    Admission::Unkept(StoreError::Other("the engine failed; its log says more".into()))
}
