//! Driving a run: commits around the steps that act, the steps themselves, sleep.

use super::answer::StoredAnswer;
use super::outcome::{Driven, Left, panicked};
use super::paces::Paces;
use super::perform::{AtWork, Begun, Done};
use super::stopping::Stopping;
use super::waits::RETRY;
use super::weight::{Ways, apart, size};
use crate::burden::Beside;
use crate::clock::Clock;
use crate::pool::Panicked;
use crate::run::{Act, Acts, Event, Machine, RunHost, Stop};
use crate::script::encoding;
use crate::script::{Fault, weight};
use crate::steps::attempt::Tools;
use crate::steps::{Action, Reply};
use crate::store::{Changes, Fence, Park, StepEnd, StepStart, Store, StoreError, Timestamp};
use crate::told;
use crate::trigger::callback;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::Value;
use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// How often a run that works and sleeps at the same time checks the clock.
const LOOK: Duration = Duration::from_secs(5);

/// A run that is being driven.
struct Drive {
    fence: Option<Fence>,
    at_work: AtWork,
    /// Results that are added to the next commit: failures, which may be recorded later.
    pending: Vec<StepEnd>,
    /// Steps that ended with the commit of their start.
    events: VecDeque<Event>,
    /// Results that are on their way to the variables.
    come: Vec<Beside>,
}

/// Drives runs.
pub(super) struct Driver {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// What steps are performed with.
    tools: Arc<Tools>,
    ways: Arc<Ways>,
    paces: Arc<Paces>,
    stopping: Arc<Stopping>,
}

impl Driver {
    pub(super) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        tools: Arc<Tools>,
        ways: Arc<Ways>,
        paces: Arc<Paces>,
        stopping: Arc<Stopping>,
    ) -> Self {
        Self { store, clock, tools, ways, paces, stopping }
    }

    /// Drives a machine until its run ends or sleeps. Without a fence nothing is committed: such a run acts on nothing.
    pub(super) async fn drive(&self, fence: Option<Fence>, mut machine: Machine) -> Driven {
        let stop = machine.host().stop().clone();
        let mut event = Event::Go;
        let tools = self.tools.clone();
        let at_work = AtWork::new(machine.work().id, machine.host().clone(), tools);
        let mut drive = Drive { fence, at_work, pending: Vec::new(), events: VecDeque::new(), come: Vec::new() };
        loop {
            self.wait_for_room(machine.host()).await;
            let advanced = self.tools.scripts().run(move || {
                // Other runs may have grown while it waited for the thread.
                if !may_grow(machine.host()) {
                    return (machine, Err(event));
                }
                let begun = std::time::Instant::now();
                let stop = machine.advance(event);
                weigh(&mut machine, &stop);
                (machine, Ok((stop, begun.elapsed())))
            });
            let next = match advanced.await {
                Ok((returned, Err(not_yet))) => {
                    machine = returned;
                    event = not_yet;
                    continue;
                }
                Ok((returned, Ok((next, time)))) => {
                    machine = returned;
                    // It is among its variables, or is not needed.
                    drive.come.clear();
                    self.paces.computed(&machine.work().workflow, time);
                    next
                }
                Err(Panicked) => return Driven::Ended(Box::new(panicked(self.clock.now())), drive.pending),
            };
            if stop.is_abandoned() {
                return Driven::Left;
            }
            let next = match next {
                Stop::Ended(mut ended) => {
                    ended.load = machine.host().load().cloned();
                    drive.pending.extend(drive.at_work.give_up_all(self.clock.now()));
                    return Driven::Ended(ended, drive.pending);
                }
                Stop::Sleep { due, events, changes } => match self.sleep(&mut drive, due, events, changes).await {
                    Ok(()) => return Driven::Left,
                    Err(left) => Err(left),
                },
                Stop::Act(acts) => self.next_event(&mut drive, &mut machine, *acts).await,
            };
            match next {
                Ok(next) => event = next,
                Err(Left::Lost) => return Driven::Left,
                Err(Left::Panicked) => return Driven::Ended(Box::new(panicked(self.clock.now())), drive.pending),
                Err(Left::Refused(error)) => {
                    let message = format!("The engine could not keep what this run did: {error}.");
                    let ended = machine.break_off(Fault::new(ErrorKind::Io, message));
                    return Driven::Ended(Box::new(ended), drive.at_work.give_up_all(self.clock.now()));
                }
            }
        }
    }

    /// Waits until a run may take more memory, unless it is to end.
    async fn wait_for_room(&self, host: &RunHost) {
        if !may_grow(host)
            && let Some(load) = host.load()
        {
            tokio::select! { () = load.room() => {}, _ = host.over() => {} }
        }
    }

    /// Puts the run to sleep.
    async fn sleep(
        &self,
        drive: &mut Drive,
        due: Option<Timestamp>,
        events: Vec<String>,
        mut changes: Changes,
    ) -> Result<(), Left> {
        let Some(fence) = drive.fence else {
            return Err(Left::Refused(StoreError::Other("a run that sleeps must be kept first".into())));
        };
        changes.ends.append(&mut drive.pending);
        let _way = self.ways.inward(size(&changes)).await;
        let park = Park { due, events, changes };
        self.insist(fence, || self.store.park(fence, park.clone())).await
    }

    /// Commits and begins the steps that are to be done, then waits for what happens next.
    async fn next_event(&self, drive: &mut Drive, machine: &mut Machine, acts: Acts) -> Result<Event, Left> {
        let Acts { acts, changes, dropped, wake, events } = acts;
        drive.pending.extend(dropped.iter().filter_map(|strand| drive.at_work.give_up(strand, self.clock.now())));
        self.begin(drive, acts, changes).await?;
        if let Some(event) = drive.events.pop_front() {
            return Ok(event);
        }
        let done = tokio::select! {
            done = drive.at_work.next() => done,
            () = self.wake(wake) => return Ok(Event::Tick),
            come = self.come(drive.fence.filter(|_| !events.is_empty()), &events) => {
                return Ok(Event::Came(come));
            }
        };
        if machine.host().stop().is_abandoned() {
            return Err(Left::Lost);
        }
        self.take_result(drive, machine, done?).await
    }

    /// Ready at an instant, and now and then before it: the machine must notice if the wall clock is set back.
    async fn wake(&self, at: Option<Timestamp>) {
        let Some(at) = at else { return std::future::pending().await };
        let left = at.0.saturating_sub(self.clock.now().0).max(0) as u64;
        tokio::select! {
            () = self.clock.until(at) => {}
            () = tokio::time::sleep(Duration::from_millis(left).min(LOOK)) => {}
        }
    }

    /// Ready when one of these events has arrived for a claimed run.
    async fn come(&self, fence: Option<Fence>, wanted: &[String]) -> Vec<(String, Value)> {
        let Some(run) = fence.map(|fence| fence.run) else { return std::future::pending().await };
        let mut seen = None;
        loop {
            let come = async {
                let revision = self.store.watch(run, seen).await?.revision;
                Ok::<_, StoreError>((revision, self.store.delivered(run).await?))
            };
            match come.await {
                Ok((revision, mut come)) => {
                    seen = Some(revision);
                    if come.iter().any(|(name, _)| wanted.contains(name)) {
                        // An unreadable one is reported when the run is resumed.
                        let read =
                            come.drain(..).filter_map(|(name, body)| Some((name, callback::decode(&body).ok()?)));
                        return read.collect();
                    }
                }
                Err(error) => {
                    told::warn_of(&format!("events: {error}"), || {
                        format!("events for run {run} cannot be looked for: {error}")
                    });
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// Commits the starts of steps in one commit, and begins them.
    async fn begin(&self, drive: &mut Drive, acts: Vec<Act>, changes: Option<Changes>) -> Result<(), Left> {
        let mut outside = Vec::new();
        let mut replies = Vec::new();
        let mut changes = changes.filter(|_| drive.fence.is_some());
        if let Some(changes) = &mut changes {
            changes.ends.append(&mut drive.pending);
        }
        for act in acts {
            let Act { strand, position, kind, attempt, commits, repeated, action } = act;
            let start =
                StepStart { position: position.clone(), attempt, kind: kind.to_owned(), started_at: self.clock.now() };
            match (action, &mut changes) {
                (Action::Answer(reply), Some(_)) => replies.push((strand, start, reply)),
                (Action::Commit, Some(changes)) => {
                    if !planted!(self.clock.as_ref(), SkippedCheckpoint) {
                        changes.ends.push(self.over(&start));
                        changes.starts.push(start);
                    }
                    drive.events.push_back(Event::Done { strand, result: Ok(Value::Null) });
                }
                (Action::Answer(_) | Action::Commit, None) => {
                    let fault = Fault::new(ErrorKind::Io, "A run that commits must be kept first.");
                    drive.events.push_back(Event::Done { strand, result: Err(fault) });
                }
                (Action::Perform(work), changes) => {
                    if let Some(changes) = changes.as_mut().filter(|_| commits) {
                        changes.starts.push(start);
                    }
                    outside.push((Begun { strand, position, attempt, commits, repeated }, work));
                }
            }
        }
        if let (Some(fence), Some(changes)) = (drive.fence, changes) {
            self.commit(drive, fence, changes, replies).await?;
        }
        for (begun, work) in outside {
            drive.at_work.begin(begun, work);
        }
        Ok(())
    }

    /// One commit for everything, unless several answers are given at once.
    async fn commit(
        &self,
        drive: &mut Drive,
        fence: Fence,
        changes: Changes,
        replies: Vec<(String, StepStart, Reply)>,
    ) -> Result<(), Left> {
        let bodies = replies.iter().filter_map(|(_, _, reply)| reply.body.as_ref());
        let _way = self.ways.inward(bodies.map(weight).fold(size(&changes), usize::saturating_add)).await;
        let mut rest = Some(changes);
        for (strand, start, reply) in replies {
            let mut changes = rest.take().unwrap_or_default();
            changes.ends.push(self.over(&start));
            changes.starts.push(start);
            let bytes = reply.body.as_ref().map_or(0, weight);
            let answer = apart(bytes, || StoredAnswer::encode(reply.status, &reply.headers, reply.body.as_ref()));
            let responded = self.insist(fence, || self.store.respond(fence, answer.clone(), changes.clone()));
            let result = match responded.await {
                Ok(()) => Ok(Value::Null),
                Err(Left::Refused(StoreError::Conflict(_))) => {
                    let fault = Fault::new(ErrorKind::Value, "The run has answered its caller already.");
                    // The results in a refused commit must be stored all the same.
                    if let Some(end) = changes.ends.last_mut() {
                        end.result = Err(fault.to_failure(Some(end.position.clone())));
                    }
                    rest = Some(changes);
                    Err(fault)
                }
                Err(left) => return Err(left),
            };
            drive.events.push_back(Event::Done { strand, result });
        }
        let Some(changes) = rest else { return Ok(()) };
        self.insist(fence, || self.store.checkpoint(fence, changes.clone())).await
    }

    /// Commits the result of a step.
    async fn take_result(&self, drive: &mut Drive, machine: &mut Machine, done: Done) -> Result<Event, Left> {
        let Done { strand, position, attempt, commits, result, written, beside } = done;
        drive.come.extend(beside);
        machine.absorb(&strand, written);
        let Some(fence) = drive.fence.filter(|_| commits) else { return Ok(Event::Done { strand, result }) };
        let mut end = StepEnd { position, attempt, ended_at: self.clock.now(), result: Ok(None), diagnostics: None };
        let result = match result {
            Ok(value) => {
                let bytes = weight(&value);
                let _way = self.ways.inward(bytes).await;
                end.result = Ok(Some(apart(bytes, || encoding::encode(&value))));
                match apart(bytes, || machine.changes()) {
                    Ok(mut changes) => {
                        changes.ends.append(&mut drive.pending);
                        let ended = self.insist(fence, || self.store.step_result(fence, end.clone(), changes.clone()));
                        ended.await?;
                        Ok(value)
                    }
                    Err(fault) => {
                        end.result = Err(fault.to_failure(Some(end.position.clone())));
                        drive.pending.push(end);
                        Err(fault)
                    }
                }
            }
            Err(fault) => {
                let mut failure = fault.to_failure(Some(end.position.clone()));
                failure.message = machine.veiled(&failure.message);
                end.result = Err(failure);
                drive.pending.push(end);
                Err(fault)
            }
        };
        Ok(Event::Done { strand, result })
    }

    /// The end of a step that ends with the commit of its start.
    fn over(&self, start: &StepStart) -> StepEnd {
        let (position, attempt) = (start.position.clone(), start.attempt);
        StepEnd { position, attempt, ended_at: self.clock.now(), result: Ok(None), diagnostics: None }
    }

    /// Commits; while the store cannot, the run holds here and tries again, until the engine stops.
    async fn insist<F: Future<Output = Result<(), StoreError>>>(
        &self,
        fence: Fence,
        commit: impl Fn() -> F,
    ) -> Result<(), Left> {
        loop {
            match commit().await {
                Ok(()) => return Ok(()),
                Err(StoreError::Stale { .. }) => return Err(Left::Lost),
                Err(error) if error.is_temporary() => {
                    if self.stopping.has_begun() {
                        return Err(Left::Lost);
                    }
                    told::warn_of(&format!("runs hold: {error}"), || format!("run {} holds: {error}", fence.run));
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => {
                    told::error_of(&format!("runs cannot continue: {error}"), || {
                        format!("run {} cannot continue: {error}", fence.run)
                    });
                    return Err(Left::Refused(error));
                }
            }
        }
    }
}

/// May a run take more memory now? A run that is to end is informed by its machine.
fn may_grow(host: &RunHost) -> bool {
    host.load().is_none_or(|load| load.may_grow()) || host.is_asked_to_stop() || host.is_late()
}

/// Counts what a run holds at a stop, with what is to be committed there.
fn weigh(machine: &mut Machine, stop: &Stop) {
    let weight = match stop {
        Stop::Ended(ended) => ended.weight(),
        Stop::Sleep { changes, .. } => machine.weight().saturating_add(size(changes)),
        Stop::Act(acts) => {
            let carried = acts.acts.iter().map(|act| act.action.weight());
            let carried = carried.fold(acts.changes.as_ref().map_or(0, size), usize::saturating_add);
            machine.weight().saturating_add(carried)
        }
    };
    if let Some(load) = machine.host().load() {
        match stop {
            Stop::Ended(_) => load.end(weight),
            Stop::Sleep { .. } | Stop::Act(_) => load.set(weight),
        }
    }
}
