//! Runs of requests that need no queue: performed first, then kept with their end in one commit.
//!
//! Nothing that names the run leaves before that commit, unless the workflow's durability is relaxed. A run that takes
//! longer than a window is accepted meanwhile, so that a crash does not lose it.

use super::answer::Answer;
use super::drive::Driven;
use super::weight::apart;
use super::{Admission, Dispatcher, Message};
use crate::burden::{LEAST, Load};
use crate::run::{Ended, Given, Machine, Work};
use crate::script::Fault;
use crate::store::{Accepted, Fence, FinishedStart, NewRun, RunId, RunState, Start, StoreError, Timestamp, Trigger};
use crate::workflow::model::Durability;
use flowscript_lang::error::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// A run that is over within this time is kept in one commit: where its caller waits for the end, and where it waits for
/// the acceptance only.
const WINDOW: Duration = Duration::from_millis(100);
const SHORT_WINDOW: Duration = Duration::from_millis(20);

/// What the caller waits for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// The end of the run, at most until then.
    End(Instant),
    /// The commit of its acceptance.
    Acceptance,
}

impl Until {
    fn window(self) -> Instant {
        match self {
            Self::End(deadline) => deadline.min(Instant::now() + WINDOW),
            Self::Acceptance => Instant::now() + SHORT_WINDOW,
        }
    }
}

/// A run of a message before anything of it is kept.
pub(super) struct Direct {
    /// The message.
    pub message: Message,
    /// What will be kept of it.
    pub new: NewRun,
    /// What is performed.
    pub work: Work,
    /// What its caller waits for.
    pub until: Until,
    /// What its values count as.
    pub load: Arc<Load>,
    /// Held until it is kept: a stop waits for it.
    pub permit: Option<OwnedSemaphorePermit>,
}

impl Dispatcher {
    /// A message as a run that is performed first.
    pub(super) fn begin_direct(&self, message: Message, until: Until, load: Arc<Load>) -> Box<Direct> {
        let permit = self.shared.requests.clone().try_acquire_owned().ok();
        let new = self.new_run(&message);
        let work = Work {
            id: new.id,
            workflow: message.workflow.clone(),
            trigger: Trigger::Webhook,
            scheduled_for: None,
            on_failure: new.on_failure.clone(),
            given: Given::Request(message.request.clone()),
        };
        Box::new(Direct { message, new, work, until, load, permit })
    }

    /// Answers a run that is over where nothing of it must be kept before. Gives it back where something must.
    pub(super) fn answer_at_once(
        &self,
        mut direct: Box<Direct>,
        ended: Box<Ended>,
    ) -> Result<Admission, (Box<Direct>, Box<Ended>)> {
        if ended.refused {
            return Ok(refused(*ended));
        }
        let may_follow = self.may_follow(&direct.message, direct.until, &ended) && ended.weight() < LEAST;
        let place = self.shared.history.place().filter(|_| may_follow);
        let Some(place) = place else { return Err((direct, ended)) };
        let id = direct.new.id;
        self.put_end(&mut direct.new, &direct.work, &ended);
        place.keep(direct.new);
        ended.count(&direct.work.workflow.id, Trigger::Webhook, id);
        Ok(Admission::Answered(Answer::of_ended(id, *ended)))
    }

    /// May the history of this run follow its answer? While nothing can be kept, callers are told so.
    fn may_follow(&self, message: &Message, until: Until, ended: &Ended) -> bool {
        matches!(until, Until::End(_))
            && message.workflow.durability == Durability::Relaxed
            && message.idempotency.is_none()
            && ended.state == RunState::Completed
            && !self.shared.history.is_stuck()
    }

    /// A run with its end, for one commit.
    fn put_end(&self, new: &mut NewRun, work: &Work, ended: &Ended) {
        new.label.clone_from(&ended.label);
        let mut finish = self.finish_of(work, ended);
        new.input = finish.changes.input.take(); // it is kept with the run
        // The id was made when the run began.
        let finished = FinishedStart { version: work.workflow.version, started_at: new.id.accepted_at(), finish };
        new.start = Start::Finished(Box::new(finished));
    }

    /// Performs a message, and waits for what its caller wants.
    pub(super) async fn direct(&self, direct: Box<Direct>) -> Admission {
        let (workflow, until) = (direct.work.workflow.clone(), direct.until);
        let (host, running) = self.host_with(&workflow, direct.work.id, Duration::ZERO, direct.load.clone());
        let machine = Machine::new(direct.work.clone(), self.room(&workflow), host.clone());
        let dispatcher = self.clone();
        let mut job = Box::pin(async move {
            let driven = dispatcher.drive_machine(None, machine).await;
            let ended = match driven {
                Driven::Ended(ended, _) => *ended,
                Driven::Left => Ended::new(RunState::Cancelled, dispatcher.now()), // the caller of the machine sees the stop itself
            };
            (ended, Some(running))
        });
        if let Ok((ended, running)) = tokio::time::timeout_at(until.window(), &mut job).await {
            if host.stop().is_abandoned() {
                return Admission::Stopping;
            }
            drop(running);
            return self.keep_ended(direct, Box::new(ended)).await;
        }
        let Direct { message, mut new, work, permit: request_permit, .. } = *direct;
        let id = new.id;
        // It goes on while it is accepted, and when the caller's time is over.
        let job = tokio::spawn(job);
        // Where all workers are busy, it waits in the queue for one of them.
        let worker = self.shared.workers.clone().try_acquire_owned().ok();
        if worker.is_some() {
            new.start = Start::Claim(self.shared.owner);
        }
        match self.shared.store.accept(new).await {
            Ok(Accepted::Claimed { fence, version }) if version == message.workflow.version => {
                let dispatcher = self.clone();
                let held = self.hold(fence);
                tokio::spawn(async move {
                    // Whoever looks at the run sees its steps until its end is kept.
                    let (ended, running) = job.await.unwrap_or_else(|_| (panicked(dispatcher.now()), None));
                    // What is left by a stop is performed again by the next process.
                    if !host.stop().is_abandoned() {
                        dispatcher.finish_direct(fence, &work, &ended).await;
                    }
                    held.settle();
                    drop(running);
                    drop((request_permit, worker));
                });
                self.wait(id, until).await
            }
            Ok(Accepted::Claimed { fence, version }) => {
                // The file has changed meanwhile: the run takes the new version, from its beginning.
                host.stop().abandon();
                let dispatcher = self.clone();
                tokio::spawn(async move {
                    dispatcher.drive_accepted(fence, version, work).await;
                    drop((request_permit, worker));
                });
                self.wait(id, until).await
            }
            Ok(Accepted::Queued) => {
                host.stop().abandon(); // a worker performs it
                self.wait(id, until).await
            }
            Ok(other) => {
                host.stop().abandon();
                self.join(Self::not_new(other), until).await
            }
            Err(error) => {
                host.stop().abandon();
                Admission::Unkept(error)
            }
        }
    }

    /// Keeps a run that is over, and gives its answer.
    pub(super) async fn keep_ended(&self, direct: Box<Direct>, ended: Box<Ended>) -> Admission {
        if ended.refused {
            return refused(*ended);
        }
        let may_follow = self.may_follow(&direct.message, direct.until, &ended);
        let Direct { mut new, work, until, permit: _held, .. } = *direct;
        let id = new.id;
        let mut ended = ended;
        let bytes = ended.weight().saturating_add(new.payload.as_ref().map_or(0, Vec::len));
        let way = self.way(bytes).await;
        apart(bytes, || self.put_end(&mut new, &work, &ended));
        if matches!(until, Until::Acceptance) {
            // Nobody is told of it.
            (ended.input, ended.output, ended.answer) = (None, None, None);
        }
        if let Until::End(deadline) = until
            && may_follow
        {
            let kept = tokio::time::timeout_at(deadline, self.shared.history.keep(new, way)).await;
            let full = || StoreError::Busy("history is full, and was not written in time".into());
            return match kept.unwrap_or_else(|_| Err(full())) {
                Ok(()) => {
                    ended.count(&work.workflow.id, Trigger::Webhook, id);
                    Admission::Answered(Answer::of_ended(id, *ended))
                }
                Err(error) => Admission::Unkept(error),
            };
        }
        let accepted = self.shared.store.accept(new).await;
        drop(way);
        match accepted {
            Ok(Accepted::Finished) => {
                ended.count(&work.workflow.id, Trigger::Webhook, id);
                match until {
                    Until::End(_) => Admission::Answered(Answer::of_ended(id, *ended)),
                    Until::Acceptance => Admission::Accepted(id),
                }
            }
            Ok(other) => self.join(Self::not_new(other), until).await,
            Err(error) => Admission::Unkept(error),
        }
    }

    /// Waits for what the caller of an accepted run wants.
    async fn wait(&self, run: RunId, until: Until) -> Admission {
        match until {
            Until::End(deadline) => self.await_end(run, deadline).await,
            Until::Acceptance => Admission::Accepted(run),
        }
    }

    /// A caller whose message was accepted before waits for that run.
    async fn join(&self, admission: Admission, until: Until) -> Admission {
        match admission {
            Admission::Accepted(run) => self.wait(run, until).await,
            other => other,
        }
    }

    async fn finish_direct(&self, fence: Fence, work: &Work, ended: &Ended) {
        let _way = self.way(ended.weight()).await;
        let finish = self.finish_of_kept(fence, work, ended).await;
        self.commit_finish(fence, finish, false).await;
        ended.count(&work.workflow.id, work.trigger, work.id);
    }
}

/// What the caller's own input is told.
fn refused(ended: Ended) -> Admission {
    Admission::Refused(ended.failure.map(|(fault, _)| fault.message).unwrap_or_default())
}

/// The end of a run whose thread panicked; the panic is in the engine's log.
pub(super) fn panicked(ended_at: Timestamp) -> Ended {
    let fault = Fault::new(ErrorKind::Io, "The engine failed while it ran this step; its log says more.");
    Ended::failed(fault, ended_at)
}
