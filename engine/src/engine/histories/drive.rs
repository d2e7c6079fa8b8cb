//! Drives one history: engines start and die, runs start, operators and peers act as planned, until nothing is left to
//! do.

use super::check;
use super::count::Counts;
use super::generate::{Deed, History};
use super::points::{Told, Verdict};
use super::tree::{Kind, RUN_LIMIT};
use super::watched::Watched;
use super::witness::{Finding, Seen};
use super::world::World;
use crate::clock::Clock;
use crate::dispatch::Admission;
use crate::engine::Engine;
use crate::planted::Planted;
use crate::script::encoding;
use crate::store::{Cancel, RunId, RunState, Store};
use flowscript_lang::value::{Record, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Inactivity of this length means that the engine hangs.
const PATIENCE: Duration = Duration::from_secs(4);
/// More rounds than any history needs.
const ROUNDS: u32 = 600;
/// More moments than any history has.
const MOMENTS: u32 = 5_000;

/// The result of a history.
pub(super) struct Outcome {
    pub counts: Counts,
    pub finding: Option<Finding>,
    pub trace: Vec<String>,
}

/// Why an engine was left.
enum End {
    Killed,
    Over,
}

/// The progress of a history.
struct Progress {
    world: World,
    /// How many runs have started.
    started: usize,
    /// How many deeds at rest are done.
    rested: usize,
    rounds: u32,
    /// The body of the last event.
    body: i64,
    again: u32,
    /// How often runs were retried at the end.
    pleas: BTreeMap<RunId, u32>,
}

/// Runs a history.
pub(super) fn run(history: &History, planted: Option<Planted>) -> Outcome {
    let world = World::new(history, planted);
    let pleas = BTreeMap::new();
    let mut progress = Progress { world, started: 0, rested: 0, rounds: 0, body: 0, again: 0, pleas };
    let finding = progress.live().err().or_else(|| progress.world.witness.finding());
    let world = progress.world;
    let mut counts = world.counts.clone();
    counts.commits = world.points.reached();
    for seen in world.witness.runs() {
        *counts.ends.entry(seen.ended.map_or("unfinished", RunState::as_str)).or_default() += 1;
        counts.retries += seen.retries;
    }
    Outcome { counts, finding, trace: world.points.trace() }
}

impl Progress {
    fn live(&mut self) -> Result<(), Finding> {
        loop {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let end = runtime.block_on(self.engine());
            // Its tasks end wherever they are.
            drop(runtime);
            match end? {
                End::Over => return Ok(()),
                End::Killed => {
                    self.world.points.note("--- the engine has died".into());
                    self.world.buried();
                    while self.world.told.try_recv().is_ok() {}
                }
            }
        }
    }

    /// The life of one engine.
    async fn engine(&mut self) -> Result<End, Finding> {
        let (store, engine) = self.world.engine().await?;
        if self.started == 0 {
            self.start(&engine).await?;
        }
        let mut moved = Instant::now();
        loop {
            if let Some(finding) = self.world.witness.finding() {
                return Err(finding);
            }
            match tokio::time::timeout(Duration::from_millis(1), self.world.told.recv()).await {
                Ok(Some(Told::Held(deed, release))) => {
                    self.note(deed);
                    if matches!(deed, Deed::Kill | Deed::KillBefore) {
                        self.count_all("kill");
                        return Ok(End::Killed);
                    }
                    self.perform(deed, &store, &engine).await?;
                    let _ = release.send(Verdict::Go);
                    moved = Instant::now();
                    continue;
                }
                Ok(Some(Told::Moved)) => {
                    moved = Instant::now();
                    continue;
                }
                Ok(Some(Told::Rests)) => moved = Instant::now(),
                Ok(None) | Err(_) => {}
            }
            // Between two decisions, or the witness would not have seen what the database shows.
            let turn = store.turn.lock().await;
            let is_busy = self.world.is_busy();
            drop(turn);
            if is_busy {
                if moved.elapsed() > PATIENCE || self.world.points.reached() > MOMENTS {
                    return Err(Finding::new("hangs", "runs are at work, and nothing happens"));
                }
                continue;
            }
            moved = Instant::now();
            if let Some(end) = self.rest(&store, &engine).await? {
                return Ok(end);
            }
        }
    }

    fn note(&self, deed: Deed) {
        self.world.points.note(format!("   {}: {deed:?}", self.world.points.reached()));
    }

    /// The engine is idle: does the next planned deed, then what brings all runs to their ends.
    async fn rest(&mut self, store: &Arc<Watched>, engine: &Engine) -> Result<Option<End>, Finding> {
        self.rounds += 1;
        if self.rounds > ROUNDS {
            return Err(Finding::new("hangs", "runs wake and sleep without an end"));
        }
        if let Some(deed) = self.world.history.idle.get(self.rested).copied() {
            self.rested += 1;
            self.note(deed);
            if deed == Deed::Kill {
                self.count_all("kill");
                return Ok(Some(End::Killed));
            }
            self.perform(deed, store, engine).await?;
            return Ok(None);
        }
        self.world.points.calm();
        self.perform(Deed::Mend, store, engine).await?;
        if self.finish(engine).await? {
            return Ok(None);
        }
        store.look().await;
        check::all(&self.world, store).await?;
        Ok(Some(End::Over))
    }

    /// Does one thing that brings runs nearer to their ends; `false` if nothing is left to do.
    async fn finish(&mut self, engine: &Engine) -> Result<bool, Finding> {
        if self.started < self.world.history.runs.len() {
            self.start(engine).await?;
            return Ok(true);
        }
        for (run, names) in self.world.awaiting() {
            let seen = self.seen().into_iter().find(|seen| seen.id == run);
            let delivered = seen.map(|seen| seen.delivered).unwrap_or_default();
            if let Some(name) = names.iter().find(|name| !delivered.contains_key(*name)) {
                self.deliver(engine, run, name).await?;
                return Ok(true);
            }
        }
        if let Some(due) = self.world.next_due() {
            self.world.clock.pass((due.0 - self.world.clock.now().0) as u64);
            return Ok(true);
        }
        for seen in self.seen().into_iter().filter(|seen| seen.ended.is_some_and(RunState::is_retryable)) {
            let plea = self.pleas.entry(seen.id).or_default();
            if *plea < self.world.history.patience {
                *plea += 1;
                self.retry(engine, &seen).await?;
                return Ok(true);
            }
        }
        if let Some(head) = self.seen().into_iter().find(|seen| seen.in_lane && seen.ended.is_some()) {
            self.world.points.note(format!("skip run {}", self.world.witness.number(head.id)));
            engine.operators().skip(head.id).await.map_err(|error| Finding::new("skip", error.to_string()))?;
            return Ok(true);
        }
        Ok(false)
    }

    fn seen(&self) -> Vec<Seen> {
        self.world.witness.runs()
    }

    /// The run of a number, counted around.
    fn of(&self, number: usize, wanted: impl Fn(&Seen) -> bool) -> Option<Seen> {
        let seen: Vec<Seen> = self.seen().into_iter().filter(wanted).collect();
        if seen.is_empty() { None } else { seen.into_iter().cycle().nth(number) }
    }

    fn count_all(&mut self, hit: &'static str) {
        for seen in self.seen().into_iter().filter(|seen| seen.ended.is_none()) {
            self.world.hit(&seen, hit);
        }
    }

    async fn perform(&mut self, deed: Deed, store: &Arc<Watched>, engine: &Engine) -> Result<(), Finding> {
        match deed {
            Deed::Kill | Deed::KillBefore => {}
            Deed::Start => {
                if self.started < self.world.history.runs.len() {
                    self.start(engine).await?;
                }
            }
            Deed::Advance => {
                if let Some(due) = self.world.next_due() {
                    self.world.clock.pass((due.0 - self.world.clock.now().0) as u64);
                }
            }
            Deed::Cancel(number) => {
                if let Some(seen) = self.of(number, |_| true) {
                    self.cancel(engine, &seen).await?;
                }
            }
            Deed::TimeOut => {
                let claimed = self.world.claimed();
                for seen in self.seen().into_iter().filter(|seen| claimed.contains(&seen.id)) {
                    self.world.hit(&seen, "time-out");
                    self.world.late.insert(seen.id);
                }
                let leap = (RUN_LIMIT + 1) * 1000;
                self.world.leapt += leap;
                self.world.clock.pass(leap);
            }
            Deed::Deliver(number) => {
                let mut names = Vec::new();
                self.world.history.tree.every(&mut |step| {
                    if matches!(step.kind, Kind::Event(_)) {
                        names.push(step.id.clone());
                    }
                });
                let runs = self.seen().len();
                if let (Some(seen), false) = (self.of(number, |_| true), names.is_empty()) {
                    let name = names[number / runs % names.len()].clone();
                    self.deliver(engine, seen.id, &name).await?;
                }
            }
            Deed::Expire => {
                let owner = *store.owner.lock().unwrap();
                if let Some(owner) = owner {
                    self.world.expired = true;
                    let failed = |error: crate::store::StoreError| Finding::new("lease", error.to_string());
                    store.release(owner).await.map_err(failed)?;
                    store.renew(owner, Duration::ZERO).await.map_err(failed)?;
                }
            }
            Deed::Break => {
                self.world.shop.execute("insert into broken values (1)", ()).unwrap();
            }
            Deed::Mend => {
                self.world.shop.execute("delete from broken", ()).unwrap();
            }
            Deed::Retry(number) => {
                if let Some(seen) = self.of(number, |seen| seen.ended.is_some_and(RunState::is_retryable)) {
                    self.retry(engine, &seen).await?;
                }
            }
            Deed::Again(number) => {
                if let Some(seen) = self.of(number, |seen| seen.ended.is_some()).filter(|_| self.again < 2) {
                    self.again += 1;
                    engine
                        .operators()
                        .run_again(seen.id)
                        .await
                        .map_err(|error| Finding::new("run again", error.to_string()))?;
                }
            }
            Deed::SkipHead => {
                let lane = self.of(0, |seen| seen.in_lane).and_then(|seen| seen.lane);
                if let Some((key, _)) = lane {
                    // A head that is at work is refused.
                    let _ = engine.operators().skip_head("main", &key).await;
                }
            }
        }
        Ok(())
    }

    async fn start(&mut self, engine: &Engine) -> Result<(), Finding> {
        let lane = self.world.history.runs[self.started];
        self.started += 1;
        let workflow = engine.workflows().entry("main").and_then(|entry| entry.workflow.clone());
        let workflow = workflow.ok_or_else(|| Finding::new("start", "there is no workflow"))?;
        let n = Value::from(self.started as i64 * 17);
        let input = Record::from_fields([("n".into(), n), ("lane".into(), Value::text(lane))]);
        let admission = match self.world.history.tree.flows[0].lane {
            Some(_) => engine.start_by_token(workflow, input, None, None).await,
            None => engine.start_manually(workflow, input, None).await,
        };
        match admission {
            Admission::Accepted(_) => Ok(()),
            other => Err(Finding::new("start", format!("{other:?}"))),
        }
    }

    async fn cancel(&mut self, engine: &Engine, seen: &Seen) -> Result<(), Finding> {
        self.world.hit(seen, "cancel");
        let is_claimed = self.world.claimed().contains(&seen.id);
        let cancelled =
            engine.operators().cancel(seen.id).await.map_err(|error| Finding::new("cancel", error.to_string()))?;
        match cancelled {
            Cancel::Requested if !is_claimed && !self.world.claimed().contains(&seen.id) => {
                Err(Finding::new("cancel ignored", "no worker has the run, and it is not cancelled"))
            }
            Cancel::Ended(_) => Ok(()),
            Cancel::Requested | Cancel::Cancelled => {
                self.world.cancelled.insert(seen.id);
                Ok(())
            }
        }
    }

    async fn retry(&mut self, engine: &Engine, seen: &Seen) -> Result<(), Finding> {
        self.world.points.note(format!("retry run {}", self.world.witness.number(seen.id)));
        self.world.hit(seen, "retry");
        engine.operators().retry(seen.id).await.map_err(|error| Finding::new("retry refused", error.to_string()))
    }

    async fn deliver(&mut self, engine: &Engine, run: RunId, name: &str) -> Result<(), Finding> {
        self.body += 1;
        self.world.points.note(format!("event {name} for run {}", self.world.witness.number(run)));
        let body = encoding::encode(&Value::from(self.body));
        let delivered = engine.operators().deliver(run, name.to_owned(), body).await;
        delivered.map(|_| ()).map_err(|error| Finding::new("deliver", error.to_string()))
    }
}
