//! Waiting callers: until their run has ended or answered, their time is over, or the engine stops.

use super::admission::{Admission, Until};
use super::answer::Answer;
use super::stopping::Stopping;
use super::weight::{Ways, apart};
use crate::store::{Run, RunId, Store, StoreError};
use std::sync::Arc;
use tokio::time::Instant;

/// Waits for stored runs.
pub(super) struct Callers {
    store: Arc<dyn Store>,
    ways: Arc<Ways>,
    stopping: Arc<Stopping>,
}

impl Callers {
    pub(super) fn new(store: Arc<dyn Store>, ways: Arc<Ways>, stopping: Arc<Stopping>) -> Self {
        Self { store, ways, stopping }
    }

    /// The answer of a stored run for its caller. Its large parts count until they are written.
    pub(super) async fn answer(&self, run: RunId) -> Result<(Run, Answer), StoreError> {
        let way = self.ways.outward().await;
        let run = self.store.run(run).await?;
        let bytes = [&run.answer, &run.output].into_iter().flatten().map(Vec::len).sum();
        let mut answer = apart(bytes, || Answer::of(&run));
        answer.held.way = way;
        Ok((run, answer))
    }

    /// Waits for the end of a run that is kept, or for its response, at most until `deadline`.
    pub(super) async fn await_end(&self, run: RunId, deadline: Instant) -> Admission {
        let watching = async {
            let mut seen = None;
            loop {
                let summary = self.store.watch(run, seen).await?;
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
            () = self.stopping.grace_over() => Admission::Interrupted(run),
        }
    }

    /// Waits for what the caller of an accepted run has asked for.
    pub(super) async fn wait(&self, run: RunId, until: Until) -> Admission {
        match until {
            Until::End(deadline) => self.await_end(run, deadline).await,
            Until::Acceptance => Admission::Accepted(run),
        }
    }

    /// A caller whose message was accepted before waits for that run.
    pub(super) async fn join(&self, admission: Admission, until: Until) -> Admission {
        match admission {
            Admission::Accepted(run) => self.wait(run, until).await,
            other => other,
        }
    }
}
