//! Acceptance: a run is stored before its caller is answered.

use super::admission::{Admission, Message, Until};
use super::callers::Callers;
use super::direct::Performer;
use super::hosts::Hosts;
use super::lease::Lease;
use super::prepare::{Preparer, Unready};
use super::stopping::Stopping;
use super::weight::{Ways, apart};
use super::workers::Workers;
use crate::clock::Clock;
use crate::config::Limits;
use crate::room::Held;
use crate::run::{Given, Prepared, Work};
use crate::script::encoding;
use crate::store::{Accepted, IdempotencyKey, LaneKind, LaneTicket, NewRun, Origin, RunId, Start, Store, Trigger};
use crate::workflow::model::{Response, Workflow};
use flowscript_lang::value::{Record, Value};
use std::sync::Arc;

/// Takes requests to run something.
pub(super) struct Acceptor {
    with: Equipment,
    /// The limit of queued runs for workflows that set none.
    limits: Limits,
}

/// What requests are taken with.
pub(super) struct Equipment {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) stopping: Arc<Stopping>,
    pub(super) lease: Arc<Lease>,
    pub(super) hosts: Arc<Hosts>,
    pub(super) preparer: Arc<Preparer>,
    pub(super) performer: Arc<Performer>,
    pub(super) workers: Arc<Workers>,
    pub(super) ways: Arc<Ways>,
    pub(super) callers: Arc<Callers>,
}

impl Acceptor {
    pub(super) fn new(with: Equipment, limits: Limits) -> Self {
        Self { with, limits }
    }

    /// How many runs of a workflow may be queued.
    pub(super) fn queue_limit(&self, workflow: &Workflow) -> u32 {
        workflow.limits.queued(self.limits.queue)
    }

    /// Takes a message as its webhook is configured: performs it and waits for the end, or stores it for later.
    /// Accepted work continues if the caller disconnects.
    pub(super) async fn take(self: &Arc<Self>, message: Message) -> Admission {
        let Some(webhook) = &message.workflow.webhook else {
            return Admission::Refused("The workflow has no webhook.".into());
        };
        let deadline = message.received + webhook.timeout;
        let (until, accept_on_timeout) = match webhook.response {
            Response::Accept => (Until::Acceptance, false),
            Response::Wait => (Until::End(deadline), webhook.accept_on_timeout),
        };
        if message.workflow.is_direct() {
            let load = self.with.hosts.load(&message.workflow);
            if self.with.performer.may_begin(&load, until).await {
                let new = self.new_run(&message);
                return self.with.performer.perform(message, new, until, load).await.or_accepted(accept_on_timeout);
            }
            if until.is_end() && !accept_on_timeout {
                return if self.with.stopping.has_begun() { Admission::Stopping } else { Admission::Full };
            }
            // It waits where it is kept.
        }
        let accepted = Box::pin(self.accept(message)).await;
        self.with.callers.join(accepted, until).await.or_accepted(accept_on_timeout)
    }

    /// Stores a message and performs it later.
    async fn accept(self: &Arc<Self>, message: Message) -> Admission {
        let new = self.new_run(&message);
        self.admit(message.workflow, new, Given::Request(message.request), message.room).await
    }

    /// Stores a run that a person starts.
    pub(super) async fn start_manually(
        self: &Arc<Self>,
        workflow: Arc<Workflow>,
        input: Record,
        room: Option<Held>,
    ) -> Admission {
        let values = Some(encoding::encode(&Value::Record(input.clone())));
        let new = self.run_of(&workflow, Trigger::Manual, None, values, None);
        self.admit(workflow, new, Given::Fields(input), room).await
    }

    /// Stores a run that the holder of a token starts. It takes its place in the lane of the webhook.
    pub(super) async fn start_by_token(
        self: &Arc<Self>,
        workflow: Arc<Workflow>,
        properties: Record,
        idempotency: Option<IdempotencyKey>,
        room: Option<Held>,
    ) -> Admission {
        let values = Some(encoding::encode(&Value::Record(properties.clone())));
        let new = self.run_of(&workflow, Trigger::Webhook, None, values, idempotency);
        self.admit(workflow, new, Given::Fields(properties), room).await
    }

    /// A new run of a workflow, queued. Its label and its lane are not known yet.
    fn run_of(
        &self,
        workflow: &Workflow,
        trigger: Trigger,
        payload: Option<Vec<u8>>,
        input: Option<Vec<u8>>,
        idempotency: Option<IdempotencyKey>,
    ) -> NewRun {
        NewRun {
            origin: Origin {
                id: RunId::new(self.with.clock.now()),
                workflow: workflow.id.clone(),
                trigger,
                label: None,
                scheduled_for: None,
                lane: None,
                cause: None,
                on_failure: workflow.on_failure.clone(),
            },
            payload,
            input,
            idempotency,
            due: None,
            queue_limit: Some(self.queue_limit(workflow)),
            start: Start::Queue,
        }
    }

    /// A message as a run to be stored, without its lane.
    fn new_run(&self, message: &Message) -> NewRun {
        let payload = apart(message.request.size(), || message.request.encode());
        self.run_of(&message.workflow, Trigger::Webhook, Some(payload), None, message.idempotency.clone())
    }

    /// Learns what acceptance needs, which stops if the caller disconnects; then stores a run, and drives it if it is
    /// claimed at once. Both complete even if the caller disconnects. `room` is held until then.
    async fn admit(
        self: &Arc<Self>,
        workflow: Arc<Workflow>,
        mut new: NewRun,
        given: Given,
        room: Option<Held>,
    ) -> Admission {
        let ordered = workflow.webhook.as_ref().and_then(|webhook| webhook.ordered.as_ref());
        let pause = ordered.filter(|_| new.origin.trigger.facts().has_request).map(|ordered| ordered.pause);
        let work = Work {
            id: new.origin.id,
            workflow,
            trigger: new.origin.trigger,
            scheduled_for: new.origin.scheduled_for,
            on_failure: new.origin.on_failure.clone(),
            given,
        };
        let mut prepared = Prepared::default();
        if work.needs_preparing() {
            match self.with.preparer.prepare(work.clone()).await {
                Ok(known) => prepared = known,
                Err(Unready::Refused(message)) => return Admission::Refused(message),
                Err(Unready::Failed) if self.with.stopping.has_begun() => return Admission::Stopping,
                Err(Unready::Failed) => return Admission::Failed,
            }
        }
        new.origin.label = prepared.label;
        new.origin.lane = pause.map(|pause| LaneTicket { kind: LaneKind::Webhook, key: prepared.lane, pause });
        let acceptor = self.clone();
        let admitted = tokio::spawn(async move {
            let _room = room;
            acceptor.admit_whole(work, new).await
        });
        admitted.await.unwrap_or_else(|_| Admission::panicked())
    }

    async fn admit_whole(self: &Arc<Self>, work: Work, mut new: NewRun) -> Admission {
        let permit = self.with.workers.free();
        if permit.is_some() && self.with.lease.may_claim() {
            new.start = self.with.workers.start();
        }
        let id = new.origin.id;
        let bytes = [&new.payload, &new.input].into_iter().flatten().map(Vec::len).sum();
        let way = self.with.ways.inward(bytes).await;
        let accepted = self.with.store.accept(new).await;
        drop(way);
        match accepted {
            Ok(Accepted::Claimed { fence, version }) => {
                let workers = self.with.workers.clone();
                tokio::spawn(async move {
                    workers.drive_accepted(fence, version, work).await;
                    drop(permit);
                });
                Admission::Accepted(id)
            }
            Ok(Accepted::Queued | Accepted::Finished) => Admission::Accepted(id),
            Ok(other) => Admission::not_new(other),
            Err(error) => Admission::Unkept(error),
        }
    }
}
