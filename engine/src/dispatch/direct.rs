//! Runs of requests that need no queue: performed first, then stored with their end in one commit.
//!
//! Nothing that names the run leaves before that commit, unless the workflow's durability is relaxed. A run that takes
//! longer than a window is accepted during it, so that a crash does not lose it.

use super::admission::{Admission, Message, Until};
use super::answer::Answer;
use super::callers::Callers;
use super::drive::Driver;
use super::ends::Ends;
use super::hosts::Hosts;
use super::inline::Inline;
use super::outcome::{Driven, panicked};
use super::prepare::Preparer;
use super::relaxed::Relaxed;
use super::stopping::Stopping;
use super::weight::{Ways, apart};
use super::workers::Workers;
use crate::burden::{LEAST, Load};
use crate::clock::Clock;
use crate::run::{Ended, Given, Machine, Work};
use crate::store::{Accepted, Fence, FinishedStart, NewRun, RunState, Start, Store, StoreError};
use crate::workflow::model::Durability;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// A run that ends within this time is stored in one commit, for callers that wait for the end and for those that wait
/// for acceptance only.
const WINDOW: Duration = Duration::from_millis(100);
const SHORT_WINDOW: Duration = Duration::from_millis(20);

/// How long a run whose caller waits for the end may wait for its start.
const PATIENCE: Duration = Duration::from_secs(5);
/// More requests than can be open at a time.
const MAX_REQUESTS: u32 = 1 << 20;

/// The end of the window for such a caller.
fn window(until: Until) -> Instant {
    match until {
        Until::End(deadline) => deadline.min(Instant::now() + WINDOW),
        Until::Acceptance => Instant::now() + SHORT_WINDOW,
    }
}

/// A run of a message before any of it is stored.
struct Direct {
    message: Message,
    /// The record that will be stored.
    new: NewRun,
    work: Work,
    until: Until,
    /// What its values count as.
    load: Arc<Load>,
    /// Held until it is stored: a stop waits for it.
    permit: Option<OwnedSemaphorePermit>,
}

/// Performs runs before they are stored.
pub(super) struct Performer {
    with: Equipment,
    /// One permit for each request that is performed before it is stored.
    requests: Arc<Semaphore>,
}

/// What runs are performed with.
pub(super) struct Equipment {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) stopping: Arc<Stopping>,
    pub(super) hosts: Arc<Hosts>,
    pub(super) preparer: Arc<Preparer>,
    pub(super) inline: Inline,
    pub(super) driver: Arc<Driver>,
    pub(super) ends: Arc<Ends>,
    pub(super) workers: Arc<Workers>,
    pub(super) ways: Arc<Ways>,
    pub(super) relaxed: Arc<Relaxed>,
    pub(super) callers: Arc<Callers>,
}

impl Performer {
    pub(super) fn new(with: Equipment) -> Self {
        Self { with, requests: Arc::new(Semaphore::new(MAX_REQUESTS as usize)) }
    }

    /// Ready when no request is at work; none begins while the permit is held.
    pub(super) async fn idle(&self) -> Option<SemaphorePermit<'_>> {
        self.requests.acquire_many(MAX_REQUESTS).await.ok()
    }

    /// Waits until a run whose caller waits for its end may begin. `false` if it may not in time.
    pub(super) async fn may_begin(&self, load: &Load, until: Until) -> bool {
        if load.may_grow() {
            return true;
        }
        let Until::End(deadline) = until else { return false };
        let deadline = deadline.min(Instant::now() + PATIENCE);
        tokio::select! {
            begun = tokio::time::timeout_at(deadline, load.room()) => begun.is_ok(),
            () = self.with.stopping.begun() => false,
        }
    }

    /// Performs a message whose run is stored as `new`. Accepted work continues if the caller disconnects.
    pub(super) async fn perform(
        self: &Arc<Self>,
        message: Message,
        new: NewRun,
        until: Until,
        load: Arc<Load>,
    ) -> Admission {
        let permit = self.requests.clone().try_acquire_owned().ok();
        let work = Work {
            id: new.origin.id,
            workflow: message.workflow.clone(),
            trigger: new.origin.trigger,
            scheduled_for: new.origin.scheduled_for,
            on_failure: new.origin.on_failure.clone(),
            given: Given::Request(message.request.clone()),
        };
        let direct = Box::new(Direct { message, new, work, until, load, permit });
        // Asked after the permit is taken, or a stop would not wait for this one.
        if self.with.stopping.has_begun() {
            return Admission::Stopping;
        }
        let performer = self.clone();
        let body = direct.message.request.size();
        let performed = match self.with.inline.perform(&direct.work, &direct.load, body) {
            Some(ended) => match self.answer_at_once(direct, ended) {
                Ok(admission) => return admission,
                Err((direct, ended)) => tokio::spawn(async move { performer.keep_ended(direct, ended).await }),
            },
            None => tokio::spawn(async move { performer.perform_apart(direct).await }),
        };
        performed.await.unwrap_or_else(|_| Admission::panicked())
    }

    /// Answers an ended run of which nothing must be stored before. Returns it otherwise.
    fn answer_at_once(
        &self,
        mut direct: Box<Direct>,
        ended: Box<Ended>,
    ) -> Result<Admission, (Box<Direct>, Box<Ended>)> {
        if ended.refused {
            return Ok(refused(*ended));
        }
        let may_follow = self.may_follow(&direct.message, direct.until, &ended) && ended.weight() < LEAST;
        let place = self.with.relaxed.place().filter(|_| may_follow);
        let Some(place) = place else { return Err((direct, ended)) };
        let id = direct.new.origin.id;
        self.put_end(&mut direct.new, &direct.work, &ended);
        place.keep(direct.new);
        ended.count(&direct.work.workflow.id, direct.work.trigger, id);
        Ok(Admission::Answered(Answer::of_ended(id, *ended)))
    }

    /// May this run be stored after its answer? While the store cannot write, its caller must be informed.
    fn may_follow(&self, message: &Message, until: Until, ended: &Ended) -> bool {
        until.is_end()
            && message.workflow.durability == Durability::Relaxed
            && message.idempotency.is_none()
            && ended.state == RunState::Completed
            && !self.with.relaxed.is_stuck()
    }

    /// A run with its end, for one commit.
    fn put_end(&self, new: &mut NewRun, work: &Work, ended: &Ended) {
        new.origin.label.clone_from(&ended.label);
        let mut finish = self.with.ends.finish_of(work, ended);
        new.input = finish.changes.input.take(); // it is kept with the run
        // The id was made when the run began.
        let finished =
            FinishedStart { version: work.workflow.version, started_at: new.origin.id.accepted_at(), finish };
        new.start = Start::Finished(Box::new(finished));
    }

    /// Performs a run on the threads of scripts, and waits for what its caller wants.
    async fn perform_apart(self: &Arc<Self>, direct: Box<Direct>) -> Admission {
        let (workflow, until) = (direct.work.workflow.clone(), direct.until);
        let (host, running) = self.with.hosts.host_with(&workflow, direct.work.id, Duration::ZERO, direct.load.clone());
        let machine = Machine::new(direct.work.clone(), self.with.hosts.room(&workflow), host.clone());
        let performer = self.clone();
        let mut job = Box::pin(async move {
            let driven = performer.with.driver.drive(None, machine).await;
            let ended = match driven {
                Driven::Ended(ended, _) => *ended,
                // The caller of the machine sees the stop itself.
                Driven::Left => Ended::new(RunState::Cancelled, performer.with.clock.now()),
            };
            (ended, Some(running))
        });
        if let Ok((ended, running)) = tokio::time::timeout_at(window(until), &mut job).await {
            if host.stop().is_abandoned() {
                return Admission::Stopping;
            }
            drop(running);
            return self.keep_ended(direct, Box::new(ended)).await;
        }
        let Direct { message, mut new, work, permit: request_permit, .. } = *direct;
        let id = new.origin.id;
        // It continues while it is accepted, and after the caller's time is over.
        let job = tokio::spawn(job);
        // The label is stored with the run: at its end it would be too late.
        if work.workflow.label.is_some()
            && let Ok(prepared) = self.with.preparer.prepare(work.clone()).await
        {
            new.origin.label = prepared.label;
        }
        // If all workers are busy, it waits in the queue for one of them.
        let worker = self.with.workers.free();
        if worker.is_some() {
            new.start = self.with.workers.start();
        }
        match self.with.store.accept(new).await {
            Ok(Accepted::Claimed { fence, version }) if version == message.workflow.version => {
                let performer = self.clone();
                let guard = self.with.ends.guard(fence);
                tokio::spawn(async move {
                    // The steps of the run can be seen until its end is kept.
                    let (ended, running) = job.await.unwrap_or_else(|_| (panicked(performer.with.clock.now()), None));
                    // A run interrupted by a stop is performed again by the next process.
                    if !host.stop().is_abandoned() {
                        performer.finish(fence, &work, &ended).await;
                    }
                    guard.settle();
                    drop(running);
                    drop((request_permit, worker));
                });
                self.with.callers.wait(id, until).await
            }
            Ok(Accepted::Claimed { fence, version }) => {
                // The file has changed since: the run starts over with the new version.
                host.stop().abandon();
                let performer = self.clone();
                tokio::spawn(async move {
                    performer.with.workers.drive_accepted(fence, version, work).await;
                    drop((request_permit, worker));
                });
                self.with.callers.wait(id, until).await
            }
            Ok(Accepted::Queued) => {
                host.stop().abandon(); // a worker performs it
                self.with.callers.wait(id, until).await
            }
            Ok(other) => {
                host.stop().abandon();
                self.with.callers.join(Admission::not_new(other), until).await
            }
            Err(error) => {
                host.stop().abandon();
                Admission::Unkept(error)
            }
        }
    }

    /// Stores an ended run, and returns its answer.
    async fn keep_ended(&self, direct: Box<Direct>, ended: Box<Ended>) -> Admission {
        if ended.refused {
            return refused(*ended);
        }
        let may_follow = self.may_follow(&direct.message, direct.until, &ended);
        let Direct { mut new, work, until, permit: _held, .. } = *direct;
        let id = new.origin.id;
        let mut ended = ended;
        let bytes = ended.weight().saturating_add(new.payload.as_ref().map_or(0, Vec::len));
        let way = self.with.ways.inward(bytes).await;
        apart(bytes, || self.put_end(&mut new, &work, &ended));
        if !until.is_end() {
            // Its caller does not get it.
            (ended.input, ended.output, ended.answer) = (None, None, None);
        }
        if let Until::End(deadline) = until
            && may_follow
        {
            let kept = tokio::time::timeout_at(deadline, self.with.relaxed.keep(new, way)).await;
            let full = || StoreError::Busy("history is full, and was not written in time".into());
            return match kept.unwrap_or_else(|_| Err(full())) {
                Ok(()) => {
                    ended.count(&work.workflow.id, work.trigger, id);
                    Admission::Answered(Answer::of_ended(id, *ended))
                }
                Err(error) => Admission::Unkept(error),
            };
        }
        let accepted = self.with.store.accept(new).await;
        drop(way);
        match accepted {
            Ok(Accepted::Finished) => {
                ended.count(&work.workflow.id, work.trigger, id);
                match until {
                    Until::End(_) => Admission::Answered(Answer::of_ended(id, *ended)),
                    Until::Acceptance => Admission::Accepted(id),
                }
            }
            Ok(other) => self.with.callers.join(Admission::not_new(other), until).await,
            Err(error) => Admission::Unkept(error),
        }
    }

    async fn finish(&self, fence: Fence, work: &Work, ended: &Ended) {
        let _way = self.with.ways.inward(ended.weight()).await;
        let finish = self.with.ends.finish_of_kept(fence, work, ended).await;
        self.with.ends.commit_finish(fence, finish, false).await;
        ended.count(&work.workflow.id, work.trigger, work.id);
    }
}

/// The answer to an input that does not fit.
fn refused(ended: Ended) -> Admission {
    ended.failure.map_or(Admission::Failed, |(fault, _)| Admission::Refused(fault.message))
}
