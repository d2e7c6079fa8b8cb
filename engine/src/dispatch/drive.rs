//! Driving a run: commits around the steps that act, the steps themselves, sleep.

use super::Dispatcher;
use super::answer::{StoredAnswer, failure_of};
use super::direct::panicked;
use super::worker::RETRY;
use crate::run::{Act, Action, Ended, Event, Machine, Panicked, Stop, encoding, step_key};
use crate::script::{Fault, TIMEOUT};
use crate::store::{Changes, Fence, Park, StepEnd, StepStart, StoreError, Timestamp};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::Value;
use std::future::Future;
use tokio::time::Instant;

/// What became of a run that was driven.
pub(super) enum Driven {
    /// It is over; its end is to be committed, with these results of steps.
    Ended(Box<Ended>, Vec<StepEnd>),
    /// It sleeps, or another worker goes on with it.
    Left,
}

/// Why a machine is not driven further.
enum Left {
    /// The claim is lost, or the worker is to leave the run.
    Lost,
    /// Its thread panicked, and the machine is gone with it.
    Panicked,
}

impl Dispatcher {
    /// Drives a machine until its run is over or sleeps. Without a fence nothing is committed: such a run acts on nothing.
    pub(super) async fn drive_machine(&self, fence: Option<Fence>, mut machine: Machine) -> Driven {
        let stop = machine.host().stop().clone();
        let mut event = Event::Go;
        // Results that ride on the next commit: failures, which nobody needs to know of before.
        let mut pending = Vec::new();
        loop {
            let advanced = self.shared.pool.run(move || {
                let stop = machine.advance(event);
                (machine, stop)
            });
            let next = match advanced.await {
                Ok((returned, next)) => {
                    machine = returned;
                    next
                }
                Err(Panicked) => return Driven::Ended(Box::new(panicked()), pending),
            };
            if stop.is_abandoned() {
                return Driven::Left;
            }
            match (next, fence) {
                (Stop::Ended(ended), _) => return Driven::Ended(ended, pending),
                (Stop::Backoff { delay, mut changes }, Some(fence)) => {
                    changes.ends.append(&mut pending);
                    let due = self.shared.clock.now().plus_millis(delay.as_millis() as i64);
                    let park = Park { due: Some(due), events: Vec::new(), changes };
                    // Refused, another worker has the run.
                    let _ = self.insist(fence, || self.shared.store.park(fence, park.clone())).await;
                    return Driven::Left;
                }
                (Stop::Backoff { .. }, None) => {
                    let fault = Fault::new(ErrorKind::Io, "The step cannot be tried again: the run is not kept.");
                    return Driven::Ended(Box::new(Ended::failed(fault)), pending);
                }
                (Stop::Act(act), fence) => match self.act(fence, machine, *act, &mut pending).await {
                    Ok((returned, result)) => {
                        machine = returned;
                        event = Event::Done(result);
                    }
                    Err(Left::Lost) => return Driven::Left,
                    Err(Left::Panicked) => return Driven::Ended(Box::new(panicked()), pending),
                },
            }
        }
    }

    /// Commits the start of a step, does it, commits its result.
    async fn act(
        &self,
        fence: Option<Fence>,
        machine: Machine,
        act: Act,
        pending: &mut Vec<StepEnd>,
    ) -> Result<(Machine, Result<Value, Fault>), Left> {
        let Act { position, kind, attempt, commits, mut changes, action } = act;
        let Some(fence) = fence.filter(|_| commits) else { return self.perform(machine, &position, action).await };
        changes.ends.append(pending);
        let start = StepStart { position: position.clone(), attempt, kind: kind.to_owned(), started_at: self.now() };
        match action {
            Action::Respond(reply) => {
                let answer = StoredAnswer::encode(reply.status, &reply.headers, &reply.body);
                let changes = self.at_once(start, changes);
                let responded =
                    self.insist(fence, || self.shared.store.respond(fence, answer.clone(), changes.clone()));
                match responded.await {
                    Ok(()) => Ok((machine, Ok(Value::Null))),
                    Err(StoreError::Conflict(_)) => {
                        let fault = Fault::new(ErrorKind::Value, "The run has answered its caller already.");
                        Ok((machine, Err(fault)))
                    }
                    Err(_) => Err(Left::Lost),
                }
            }
            Action::Checkpoint => {
                let changes = self.at_once(start, changes);
                self.insist(fence, || self.shared.store.checkpoint(fence, changes.clone()))
                    .await
                    .map_err(|_| Left::Lost)?;
                Ok((machine, Ok(Value::Null)))
            }
            action => {
                let started =
                    self.insist(fence, || self.shared.store.step_started(fence, start.clone(), changes.clone()));
                started.await.map_err(|_| Left::Lost)?;
                let (mut machine, result) = self.perform(machine, &position, action).await?;
                let mut end = StepEnd { position, attempt, ended_at: self.now(), result: Ok(None), diagnostics: None };
                match result {
                    Ok(value) => {
                        end.result = Ok(Some(encoding::encode(&value)));
                        match machine.changes() {
                            Ok(changes) => {
                                let ended = self.insist(fence, || {
                                    self.shared.store.step_result(fence, end.clone(), changes.clone())
                                });
                                ended.await.map_err(|_| Left::Lost)?;
                                Ok((machine, Ok(value)))
                            }
                            Err(fault) => Ok((machine, Err(fault))),
                        }
                    }
                    Err(fault) => {
                        end.result = Err(failure_of(&fault, Some(end.position.clone())));
                        pending.push(end);
                        Ok((machine, Err(fault)))
                    }
                }
            }
        }
    }

    /// Does a step that reaches out, until the run is stopped or its time is over.
    async fn perform(
        &self,
        mut machine: Machine,
        position: &str,
        action: Action,
    ) -> Result<(Machine, Result<Value, Fault>), Left> {
        let host = machine.host().clone();
        match action {
            Action::Http(call) => {
                let key = step_key(machine.work().id, position);
                let sent = tokio::select! {
                    sent = call.send(&self.shared.sender, Some(key)) => sent,
                    () = host.stop().asked() => Err(Fault::new(ErrorKind::Cancelled, "The run was cancelled.")),
                    () = tokio::time::sleep_until(Instant::from_std(host.deadline())) => {
                        Err(Fault::of_kind(TIMEOUT, "The run took longer than it may."))
                    }
                };
                if host.stop().is_abandoned() {
                    return Err(Left::Lost);
                }
                let files = self.shared.room.files.clone();
                let result = match sent {
                    Ok(answered) => self.shared.pool.run(move || answered.result(&files)).await,
                    Err(fault) => Ok(Err(fault)),
                };
                Ok((machine, result.unwrap_or_else(|Panicked| Err(internal()))))
            }
            // Threads of their own: what waits for others must not hold up what computes.
            Action::Script => {
                let ran = self.shared.callers.run(move || {
                    let result = machine.run_script();
                    (machine, result)
                });
                let (machine, result) = ran.await.map_err(|Panicked| Left::Panicked)?;
                if host.stop().is_abandoned() { Err(Left::Lost) } else { Ok((machine, result)) }
            }
            Action::Respond(_) | Action::Checkpoint => Ok((machine, Err(internal()))),
        }
    }

    /// A step that is over as soon as it is committed.
    fn at_once(&self, start: StepStart, mut changes: Changes) -> Changes {
        let (position, attempt) = (start.position.clone(), start.attempt);
        changes.starts.push(start);
        changes.ends.push(StepEnd { position, attempt, ended_at: self.now(), result: Ok(None), diagnostics: None });
        changes
    }

    /// Commits; while the store cannot, the run holds here and tries again. Any other error is final.
    async fn insist<F: Future<Output = Result<(), StoreError>>>(
        &self,
        fence: Fence,
        commit: impl Fn() -> F,
    ) -> Result<(), StoreError> {
        loop {
            match commit().await {
                Err(error) if error.is_temporary() && !self.is_stopping() => {
                    tracing::warn!("run {} holds: {error}", fence.run);
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => {
                    if !matches!(error, StoreError::Stale { .. } | StoreError::Conflict(_)) {
                        tracing::error!("run {} cannot go on: {error}", fence.run);
                    }
                    return Err(error);
                }
                Ok(()) => return Ok(()),
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }
}

fn internal() -> Fault {
    Fault::new(ErrorKind::Io, "The engine failed while it ran this step; its log says more.")
}
