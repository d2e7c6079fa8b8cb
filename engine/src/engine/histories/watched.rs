//! The store as the engine of a history has it: each decision is passed to the real one, and a witness sees its result.
//! An engine that is to die at a commit never gets its answer.

use super::witness::{Witness, number};
use crate::script::encoding;
use crate::store::{
    Accepted, Admin, Answer, Awaiting, Cancel, Changes, Claim, Claimed, CommitSizes, Cursor, Delivered, EndedSessions,
    EventPage, Fence, Finish, Fire, Fired, Found, KeyRecord, LaneId, LanePage, LaneQuery, LogPage, NewKey, NewRun,
    NewToken, OwnerId, Park, Preview, Pruned, Publication, Published, Recent, Retention, Run, RunAgain, RunId, RunPage,
    RunQuery, RunSummary, ScheduleRecord, Skip, SqliteStore, Statistics, StatisticsQuery, StepEnd, StepRecord, Store,
    StoreError, TokenRecord, Try, VersionHash, VersionRecord, WorkflowCounts, WorkflowRecord,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A lease that outlasts each history: time passes in leaps there.
const FOR_EVER: Duration = Duration::from_secs(1 << 40);

/// The store of one engine.
pub(super) struct Watched {
    pub inner: SqliteStore,
    pub witness: Arc<Witness>,
    /// The engine, once it has taken its lease.
    pub owner: Mutex<Option<OwnerId>>,
    /// One decision at a time: the witness sees each before the next is made.
    pub turn: tokio::sync::Mutex<()>,
}

impl Watched {
    /// A worker's write.
    fn written<'a, T: Send + 'a>(
        &'a self,
        run: RunId,
        what: &'static str,
        decide: impl FnOnce() -> Answer<'a, T> + Send + 'a,
    ) -> Answer<'a, T> {
        Box::pin(async move {
            let points = &self.witness.points;
            let deed = points.before().await;
            let turn = self.turn.lock().await;
            let result = decide().await;
            points.note(format!("   {}: {what} of run {}", points.reached(), self.witness.number(run)));
            match &result {
                Ok(_) => self.witness.rows(run, self.inner.steps(run).await?),
                Err(error) => self.witness.refused(run, what, error),
            }
            drop(turn);
            points.after(deed, matches!(what, "park" | "finish")).await;
            result
        })
    }

    /// Looks at all runs, after commits whose answers may have been lost.
    pub(super) async fn look(&self) {
        let _turn = self.turn.lock().await;
        self.look_now().await;
    }

    async fn look_now(&self) {
        for seen in self.witness.runs() {
            let (Ok(summary), Ok(rows)) = (self.inner.summary(seen.id).await, self.inner.steps(seen.id).await) else {
                self.witness.find("run lost", format!("run {} is gone", self.witness.number(seen.id)));
                continue;
            };
            self.witness.rows(seen.id, rows);
            if summary.state.is_final() {
                self.witness.ended(seen.id, summary.state);
            } else if let Some(end) = seen.ended {
                let text = format!("a run that was {end} is {} without a retry", summary.state);
                self.witness.find("end changed", text);
            }
        }
    }

    async fn claimed(&self, claimed: &Claimed) {
        for run in &claimed.runs {
            self.witness.started(run.fence.run, &self.inner).await;
        }
    }
}

macro_rules! handed_on {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        $(fn $name(&self, $($argument: $type),*) -> Answer<'_, $answer> { self.inner.$name($($argument),*) })*
    };
}

impl Store for Watched {
    handed_on! {
        publish(publication: Publication) -> Published;
        workflows() -> Vec<WorkflowRecord>;
        version_text(version: VersionHash) -> Vec<u8>;
        versions(workflow: String) -> Vec<VersionRecord>;
        schedules() -> Vec<ScheduleRecord>;
        history(runs: Arc<[NewRun]>) -> ();
        fire(fire: Fire) -> Fired;
        ready() -> ();
        prune(retention: Retention) -> Pruned;
        run(run: RunId) -> Run;
        previews(runs: Vec<RunId>, most: usize) -> Vec<Preview>;
        step_list(run: RunId, most: usize) -> Vec<(StepRecord, u64)>;
        trace(run: RunId) -> Option<Vec<u8>>;
        tries(run: RunId) -> Vec<Try>;
        kept_below(run: RunId, prefix: &'static str) -> Vec<(String, Vec<u8>)>;
        summary(run: RunId) -> RunSummary;
        steps(run: RunId) -> Vec<StepRecord>;
        log(run: RunId, first: u32, limit: u32) -> LogPage;
        delivered(run: RunId) -> Vec<(String, Vec<u8>)>;
        runs(query: RunQuery) -> RunPage;
        found(query: RunQuery, length: i64) -> Found;
        lanes(query: LaneQuery) -> LanePage;
        recent(each: u32) -> Vec<Recent>;
        awaiting(limit: u32) -> Vec<Awaiting>;
        counts() -> Vec<WorkflowCounts>;
        statistics(query: StatisticsQuery) -> Statistics;
        watch(run: RunId, seen: Option<u32>) -> RunSummary;
        events(since: Option<Cursor>) -> EventPage;
        add_key(key: NewKey) -> KeyRecord;
        keys() -> Vec<KeyRecord>;
        add_token(token: NewToken) -> TokenRecord;
        tokens() -> Vec<TokenRecord>;
        ended_sessions() -> Vec<EndedSessions>;
        administer(change: Admin) -> ();
        secret() -> [u8; 32];
        try_to_keep() -> ();
    }

    fn commit_sizes(&self) -> CommitSizes {
        self.inner.commit_sizes()
    }

    fn failing(&self) -> Option<StoreError> {
        self.inner.failing()
    }

    fn renew(&self, owner: OwnerId, _: Duration) -> Answer<'_, ()> {
        *self.owner.lock().unwrap() = Some(owner);
        self.inner.renew(owner, FOR_EVER)
    }

    fn release(&self, owner: OwnerId) -> Answer<'_, ()> {
        Box::pin(async move {
            let _turn = self.turn.lock().await;
            self.witness.expired();
            self.inner.release(owner).await?;
            self.look_now().await;
            Ok(())
        })
    }

    fn accept(&self, new: NewRun) -> Answer<'_, Accepted> {
        Box::pin(async move {
            let (id, lane) = (new.origin.id, new.origin.lane.as_ref().map(|lane| (lane.key.clone(), lane.pause)));
            let _turn = self.turn.lock().await;
            let accepted = self.inner.accept(new).await?;
            self.witness.accepted(id, lane);
            self.witness.points.note(format!("accepted run {}", self.witness.number(id)));
            if matches!(accepted, Accepted::Claimed { .. }) {
                self.witness.started(id, &self.inner).await;
            }
            Ok(accepted)
        })
    }

    fn claim(&self, claim: Claim) -> Answer<'_, Claimed> {
        Box::pin(async move {
            let _turn = self.turn.lock().await;
            let claimed = self.inner.claim(claim).await?;
            self.claimed(&claimed).await;
            Ok(claimed)
        })
    }

    fn step_result(&self, fence: Fence, end: StepEnd, changes: Changes) -> Answer<'_, ()> {
        self.written(fence.run, "result", move || self.inner.step_result(fence, end, changes))
    }

    fn checkpoint(&self, fence: Fence, changes: Changes) -> Answer<'_, ()> {
        self.written(fence.run, "point", move || self.inner.checkpoint(fence, changes))
    }

    fn park(&self, fence: Fence, park: Park) -> Answer<'_, ()> {
        self.written(fence.run, "park", move || self.inner.park(fence, park))
    }

    fn respond(&self, fence: Fence, answer: Vec<u8>, changes: Changes) -> Answer<'_, ()> {
        self.written(fence.run, "respond", move || self.inner.respond(fence, answer, changes))
    }

    fn finish(&self, fence: Fence, finish: Finish, then: Option<Claim>) -> Answer<'_, Claimed> {
        let state = finish.state;
        self.written(fence.run, "finish", move || {
            Box::pin(async move {
                let claimed = self.inner.finish(fence, finish, then).await?;
                // The rows of this commit come before the end of the run.
                self.witness.rows(fence.run, self.inner.steps(fence.run).await?);
                self.witness.points.note(format!("      {state}"));
                self.witness.ended(fence.run, state);
                self.claimed(&claimed).await;
                Ok(claimed)
            })
        })
    }

    fn retry(&self, run: RunId) -> Answer<'_, ()> {
        Box::pin(async move {
            let _turn = self.turn.lock().await;
            self.inner.retry(run).await?;
            self.witness.retried(run);
            Ok(())
        })
    }

    fn run_again(&self, again: RunAgain) -> Answer<'_, Accepted> {
        Box::pin(async move {
            let _turn = self.turn.lock().await;
            let accepted = self.inner.run_again(again.clone()).await?;
            if accepted == Accepted::Queued {
                self.witness.again(&again);
            }
            Ok(accepted)
        })
    }

    fn skip(&self, skip: Skip) -> Answer<'_, RunId> {
        Box::pin(async move {
            let _turn = self.turn.lock().await;
            let run = self.inner.skip(skip).await?;
            self.witness.skipped(run);
            Ok(run)
        })
    }

    fn resume(&self, lane: LaneId) -> Answer<'_, RunId> {
        Box::pin(async move {
            let _turn = self.turn.lock().await;
            let run = self.inner.resume(lane).await?;
            self.witness.retried(run);
            Ok(run)
        })
    }

    fn request_cancel(&self, run: RunId) -> Answer<'_, Cancel> {
        Box::pin(async move {
            let _turn = self.turn.lock().await;
            let cancelled = self.inner.request_cancel(run).await?;
            if cancelled == Cancel::Cancelled {
                self.witness.ended(run, crate::store::RunState::Cancelled);
            }
            Ok(cancelled)
        })
    }

    fn deliver(&self, run: RunId, name: String, body: Vec<u8>) -> Answer<'_, Delivered> {
        Box::pin(async move {
            let _turn = self.turn.lock().await;
            let number = encoding::decode(&body).ok().as_ref().and_then(number).unwrap_or_default();
            let delivered = self.inner.deliver(run, name.clone(), body).await?;
            self.witness.delivered(run, &name, number, delivered);
            Ok(delivered)
        })
    }
}
