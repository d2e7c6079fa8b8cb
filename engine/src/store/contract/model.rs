//! Lanes, claims, slots, sleep, crashes, attempts of steps and retries against a model that is too simple to be wrong.
//!
//! Random decisions of two engines go to the store and to the model; after each, answers, the states of all runs, and
//! the claimable runs must agree.

use std::collections::VecDeque;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::store::{Cancel, Park, RunAgain, Skip, StepEnd, StepStart, StepState, StoreError};

/// How many slots the workflow has.
const SLOTS: usize = 3;
/// How many lanes there are.
const LANES: usize = 2;

/// A random decision. Numbers choose among the candidates at that moment.
#[derive(Debug, Clone)]
enum Step {
    Accept { lane: Option<usize>, pause: bool, claim: bool },
    Claim { engine: usize, limit: u32 },
    Finish { which: usize, state: RunState, then: Option<u32> },
    Park { which: usize, millis: i64 },
    Begin { which: usize, again: bool },
    Done { which: usize, kind: Option<&'static str> },
    Retry { which: usize },
    Again { which: usize },
    Skip { which: usize },
    SkipHead { lane: usize },
    Resume { lane: usize },
    Cancel { which: usize },
    Pass { millis: u64 },
    Release { engine: usize },
    Stale { which: usize, older: u32 },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let which = 0_usize..1000;
    let lane = 0..LANES;
    let end = prop_oneof![
        3 => Just(RunState::Failed),
        3 => Just(RunState::Completed),
        1 => Just(RunState::TimedOut),
        1 => Just(RunState::Cancelled),
    ];
    prop_oneof![
        8 => (proptest::option::weighted(0.8, lane.clone()), any::<bool>(), any::<bool>())
            .prop_map(|(lane, pause, claim)| Step::Accept { lane, pause, claim }),
        6 => (0_usize..2, 1_u32..4).prop_map(|(engine, limit)| Step::Claim { engine, limit }),
        8 => (which.clone(), end, proptest::option::of(1_u32..3))
            .prop_map(|(which, state, then)| Step::Finish { which, state, then }),
        2 => (which.clone(), 1_i64..50).prop_map(|(which, millis)| Step::Park { which, millis }),
        4 => (which.clone(), proptest::bool::weighted(0.2)).prop_map(|(which, again)| Step::Begin { which, again }),
        4 => (which.clone(), prop_oneof![Just(None), Just(Some("io")), Just(Some(Failure::INTERRUPTED))])
            .prop_map(|(which, kind)| Step::Done { which, kind }),
        3 => which.clone().prop_map(|which| Step::Retry { which }),
        2 => which.clone().prop_map(|which| Step::Again { which }),
        1 => which.clone().prop_map(|which| Step::Skip { which }),
        1 => lane.clone().prop_map(|lane| Step::SkipHead { lane }),
        1 => lane.prop_map(|lane| Step::Resume { lane }),
        2 => which.prop_map(|which| Step::Cancel { which }),
        2 => (1_u64..60).prop_map(|millis| Step::Pass { millis }),
        1 => (0_usize..2).prop_map(|engine| Step::Release { engine }),
        2 => (0_usize..1000, 0_u32..3).prop_map(|(which, older)| Step::Stale { which, older }),
        1 => Just(Step::Restart),
    ]
}

/// A run of the model.
#[derive(Debug, Clone)]
struct Run {
    id: RunId,
    state: RunState,
    lane: Option<usize>,
    pause: bool,
    owner: Option<usize>,
    fence: u32,
    due: i64,
    cancel: bool,
    /// The attempts of its step.
    steps: Vec<StepState>,
    /// The ends that were retried.
    tries: Vec<RunState>,
}

/// The model: runs in the order of acceptance, and which of them are in which lane.
#[derive(Debug, Default)]
struct Model {
    runs: Vec<Run>,
    lanes: [VecDeque<usize>; LANES],
    now: i64,
}

impl Model {
    fn is_head(&self, run: usize) -> bool {
        self.runs[run].lane.is_none_or(|lane| self.lanes[lane].front() == Some(&run))
    }

    fn is_claimable(&self, number: usize) -> bool {
        let run = &self.runs[number];
        let is_due = match run.state {
            RunState::Queued | RunState::Running => true,
            RunState::Waiting => run.due <= self.now,
            _ => false,
        };
        run.owner.is_none() && is_due && self.is_head(number)
    }

    fn free_slots(&self) -> usize {
        SLOTS - self.runs.iter().filter(|run| run.owner.is_some()).count()
    }

    fn claim(&mut self, engine: usize, limit: u32) -> Vec<RunId> {
        let mut claimable: Vec<usize> = (0..self.runs.len()).filter(|run| self.is_claimable(*run)).collect();
        claimable.sort_by_key(|number| {
            let run = &self.runs[*number];
            let since = if run.state == RunState::Waiting { run.due } else { run.id.accepted_at().0 };
            (since, *number)
        });
        claimable.truncate(self.free_slots().min(limit as usize));
        claimable.into_iter().map(|number| self.take(number, engine)).collect()
    }

    fn take(&mut self, number: usize, engine: usize) -> RunId {
        let run = &mut self.runs[number];
        (run.state, run.owner, run.fence) = (RunState::Running, Some(engine), run.fence + 1);
        run.id
    }

    fn leave_lane(&mut self, number: usize) {
        if let Some(lane) = self.runs[number].lane {
            self.lanes[lane].retain(|other| *other != number);
        }
    }

    fn end(&mut self, number: usize, state: RunState) {
        let run = &mut self.runs[number];
        (run.state, run.owner, run.cancel) = (state, None, false);
        for step in run.steps.iter_mut().filter(|step| **step == StepState::Started) {
            *step = StepState::Interrupted;
        }
        if !(run.pause && state.is_retryable()) {
            self.leave_lane(number);
        }
    }

    fn requeue(&mut self, number: usize) {
        let run = &mut self.runs[number];
        run.tries.push(run.state);
        run.state = RunState::Queued;
        if let Some(lane) = self.runs[number].lane
            && !self.lanes[lane].contains(&number)
        {
            self.lanes[lane].push_back(number);
        }
    }

    fn holds_lane(&self, number: usize) -> bool {
        let run = &self.runs[number];
        run.state.is_final() && run.lane.is_some_and(|lane| self.lanes[lane].contains(&number))
    }

    fn push(&mut self, run: Run) -> usize {
        self.runs.push(run);
        self.runs.len() - 1
    }

    fn free(&mut self, engine: Option<usize>) {
        for number in 0..self.runs.len() {
            let run = &mut self.runs[number];
            if run.owner.is_some() && (engine.is_none() || run.owner == engine) {
                run.owner = None;
                if run.cancel {
                    self.end(number, RunState::Cancelled);
                }
            }
        }
    }

    fn claimed(&self, which: usize) -> Option<usize> {
        let claimed: Vec<usize> = (0..self.runs.len()).filter(|run| self.runs[*run].owner.is_some()).collect();
        (!claimed.is_empty()).then(|| claimed[which % claimed.len()])
    }

    /// A run of those that the decision is about; now and then, or if it is about none, any other.
    fn pick(&self, which: usize, is_meant: impl Fn(usize) -> bool) -> Option<usize> {
        let meant: Vec<usize> = (0..self.runs.len()).filter(|run| is_meant(*run)).collect();
        let all = || (!self.runs.is_empty()).then(|| which % self.runs.len());
        if meant.is_empty() || which.is_multiple_of(5) { all() } else { Some(meant[which % meant.len()]) }
    }

    fn fence(&self, number: usize) -> Fence {
        Fence { run: self.runs[number].id, number: self.runs[number].fence }
    }
}

/// Runs the comparison on stores that `open` opens.
pub fn lanes_and_claims_follow_the_model(open: fn() -> Open) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    // PROPTEST_CASES asks for more; failures are printed, not kept in a file.
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let steps = proptest::collection::vec(step(), 1..60);
    let outcome = runner.run(&steps, |steps| {
        runtime.block_on(compare(open(), steps));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

async fn compare(open: Open, steps: Vec<Step>) {
    let mut bench = Bench::new(open).await;
    bench.publish(&[LoadedWorkflow { concurrency: Some(SLOTS as u32), ..workflow("w") }]).await;
    let mut model = Model { now: START.0, ..Model::default() };
    for step in steps {
        if let Step::Restart = step {
            bench = bench.restart().await;
            model.free(None);
        } else {
            apply(&bench, &mut model, &step).await;
        }
        for number in 0..model.runs.len() {
            let summary = bench.summary(model.runs[number].id).await;
            let told = (summary.state, summary.holds_lane, summary.cancel_requested);
            let expected = (model.runs[number].state, model.holds_lane(number), model.runs[number].cancel);
            assert_eq!(told, expected, "run {number} after {step:?}");
            history(&bench, &model.runs[number], &step).await;
        }
    }
    statistics::agree_with_a_count_of_all_runs(&bench).await;
}

/// No attempt and no end is overwritten.
async fn history(bench: &Bench, run: &Run, after: &Step) {
    let steps = bench.b.store.steps(run.id).await.unwrap();
    let told: Vec<_> = steps.iter().map(|step| (step.attempt, step.state)).collect();
    assert_eq!(told, (1..).zip(run.steps.iter().copied()).collect::<Vec<_>>(), "{run:?} after {after:?}");
    let tries = bench.b.store.tries(run.id).await.unwrap();
    let told: Vec<_> = tries.iter().map(|one| (one.number, one.state)).collect();
    let states = run.tries.iter().copied().chain([run.state]);
    assert_eq!(told, (1..).zip(states).collect::<Vec<_>>(), "{run:?} after {after:?}");
}

/// A step of a claimed run begins or is over.
async fn apply_to_step(bench: &Bench, model: &mut Model, step: &Step) {
    let store = &bench.a.store;
    match *step {
        Step::Begin { which, again } => {
            let Some(number) = model.claimed(which) else { return };
            let fence = model.fence(number);
            let steps = &mut model.runs[number].steps;
            let attempt = steps.len() as u32 + u32::from(!again || steps.is_empty());
            let start = StepStart { position: "s".into(), attempt, kind: "http".into(), started_at: START };
            let answer = started(store, fence, start, Changes::default()).await;
            if attempt as usize > steps.len() {
                answer.unwrap();
                steps.push(StepState::Started);
            } else {
                assert!(matches!(answer, Err(StoreError::Conflict(_))), "{answer:?}");
            }
        }
        Step::Done { which, kind } => {
            let Some(number) = model.claimed(which) else { return };
            let fence = model.fence(number);
            let steps = &mut model.runs[number].steps;
            let started = steps.iter().position(|step| *step == StepState::Started);
            let attempt = started.map_or(steps.len(), |at| at + 1) as u32;
            let result = kind.map_or(Ok(None), |kind| Err(Failure { kind: kind.into(), ..failure("no") }));
            let end = StepEnd { position: "s".into(), attempt, ended_at: START, result, diagnostics: None };
            let answer = store.step_result(fence, end, Changes::default()).await;
            match started {
                Some(at) => {
                    answer.unwrap();
                    steps[at] = match kind {
                        None => StepState::Completed,
                        Some(Failure::INTERRUPTED) => StepState::Interrupted,
                        Some(_) => StepState::Failed,
                    };
                }
                None => assert!(matches!(answer, Err(StoreError::Conflict(_))), "{answer:?}"),
            }
        }
        _ => {}
    }
}

async fn apply(bench: &Bench, model: &mut Model, step: &Step) {
    let engines = [&bench.a, &bench.b];
    let store = &bench.a.store;
    match *step {
        Step::Accept { lane, pause, claim } => accept(bench, model, lane, pause, claim).await,
        Step::Claim { engine, limit } => {
            assert_eq!(engines[engine].claim_ids(limit).await, model.claim(engine, limit));
        }
        Step::Finish { which, state, then } => {
            let Some(number) = model.claimed(which) else { return };
            let engine = model.runs[number].owner.unwrap_or_default();
            let claim = then.map(|limit| Claim { owner: engines[engine].owner, limit });
            let claimed = store.finish(model.fence(number), Finish::new(state, START), claim).await.unwrap();
            model.end(number, state);
            let expected = then.map(|limit| model.claim(engine, limit)).unwrap_or_default();
            assert_eq!(claimed.runs.iter().map(|run| run.fence.run).collect::<Vec<_>>(), expected);
        }
        Step::Park { which, millis } => {
            let Some(number) = model.claimed(which) else { return };
            let due = model.now + millis;
            let park = Park { due: Some(Timestamp(due)), events: vec![], changes: Changes::default() };
            store.park(model.fence(number), park).await.unwrap();
            let run = &mut model.runs[number];
            (run.state, run.owner, run.due) = (RunState::Waiting, None, due);
        }
        Step::Pass { millis } => {
            bench.clock.pass(millis);
            bench.lease().await;
            model.now += millis as i64;
        }
        Step::Release { engine } => {
            store.release(engines[engine].owner).await.unwrap();
            bench.lease().await;
            model.free(Some(engine));
        }
        Step::Stale { which, older } => {
            let Some(number) = model.pick(which, |run| model.runs[run].fence > 1) else { return };
            let older = if model.runs[number].owner.is_some() { older + 1 } else { older };
            let fence = model.fence(number);
            let Some(number) = fence.number.checked_sub(older) else { return };
            let late = store.finish(Fence { number, ..fence }, Finish::new(RunState::Completed, START), None).await;
            assert_eq!(late, Err(StoreError::Stale { run: fence.run }));
        }
        Step::Begin { .. } | Step::Done { .. } => apply_to_step(bench, model, step).await,
        Step::Restart => {}
        _ => apply_of_people(bench, model, step).await,
    }
}

async fn accept(bench: &Bench, model: &mut Model, lane: Option<usize>, pause: bool, claim: bool) {
    let start = if claim { claiming(&bench.a) } else { Start::Queue };
    let lane_ticket = lane.map(|lane| ticket(&lane.to_string(), pause));
    let new = NewRun { start, ..bench.run_with(|origin| origin.lane = lane_ticket) };
    let id = new.origin.id;
    let accepted = bench.a.store.accept(new).await.unwrap();
    let somebody_queues = model.runs.iter().any(|run| run.state == RunState::Queued);
    let run = Run {
        id,
        state: RunState::Queued,
        lane,
        pause: pause && lane.is_some(),
        owner: None,
        fence: 0,
        due: 0,
        cancel: false,
        steps: Vec::new(),
        tries: Vec::new(),
    };
    let number = model.push(run);
    if let Some(lane) = lane {
        model.lanes[lane].push_back(number);
    }
    if claim && model.is_head(number) && model.free_slots() > 0 && !somebody_queues {
        model.take(number, 0);
        assert_eq!(accepted, Accepted::Claimed { fence: model.fence(number), version: version("w", 1) });
    } else {
        assert_eq!(accepted, Accepted::Queued);
    }
}

async fn apply_of_people(bench: &Bench, model: &mut Model, step: &Step) {
    let store = &bench.b.store;
    match *step {
        Step::Retry { which } => {
            let Some(number) = model.pick(which, |run| model.runs[run].state.is_retryable()) else { return };
            let answer = store.retry(model.runs[number].id).await;
            if model.runs[number].state.is_retryable() {
                answer.unwrap();
                model.requeue(number);
            } else {
                assert!(matches!(answer, Err(StoreError::Conflict(_))), "{answer:?}");
            }
        }
        Step::Again { which } => {
            let Some(source) = model.pick(which, |run| model.holds_lane(run)) else { return };
            let id = bench.id();
            let again = RunAgain { source: model.runs[source].id, id, queue_limit: None };
            assert_eq!(store.run_again(again).await.unwrap(), Accepted::Queued);
            let held = model.holds_lane(source);
            let run = Run {
                id,
                state: RunState::Queued,
                owner: None,
                fence: 0,
                cancel: false,
                steps: Vec::new(),
                tries: Vec::new(),
                ..model.runs[source].clone()
            };
            let number = model.push(run);
            if let Some(lane) = model.runs[number].lane {
                let places = &mut model.lanes[lane];
                match places.iter().position(|other| held && *other == source) {
                    Some(place) => places[place] = number,
                    None => places.push_back(number),
                }
            }
        }
        Step::Skip { which } => {
            let Some(number) = model.pick(which, |run| !model.is_head(run)) else { return };
            let answer = store.skip(Skip::Run(model.runs[number].id)).await;
            skipped(model, number, answer);
        }
        Step::SkipHead { lane: number } => {
            let answer = store.skip(Skip::Head(lane(&number.to_string()))).await;
            match model.lanes[number].front() {
                Some(head) => skipped(model, *head, answer),
                None => assert!(matches!(answer, Err(StoreError::NotFound(_))), "{answer:?}"),
            }
        }
        Step::Resume { lane: number } => {
            let answer = store.resume(lane(&number.to_string())).await;
            match model.lanes[number].front() {
                Some(head) if model.runs[*head].state.is_final() => {
                    assert_eq!(answer.unwrap(), model.runs[*head].id);
                    model.requeue(*head);
                }
                Some(_) => assert!(matches!(answer, Err(StoreError::Conflict(_))), "{answer:?}"),
                None => assert!(matches!(answer, Err(StoreError::NotFound(_))), "{answer:?}"),
            }
        }
        Step::Cancel { which } => {
            let Some(number) = model.pick(which, |run| !model.runs[run].state.is_final()) else { return };
            let answer = store.request_cancel(model.runs[number].id).await.unwrap();
            let run = &mut model.runs[number];
            if run.state.is_final() {
                assert_eq!(answer, Cancel::Ended(run.state));
            } else if run.owner.is_some() {
                assert_eq!(answer, Cancel::Requested);
                run.cancel = true;
            } else {
                assert_eq!(answer, Cancel::Cancelled);
                model.end(number, RunState::Cancelled);
            }
        }
        _ => {}
    }
}

fn skipped(model: &mut Model, number: usize, answer: Result<RunId>) {
    if model.runs[number].state == RunState::Queued {
        assert_eq!(answer.unwrap(), model.runs[number].id);
        model.end(number, RunState::Skipped);
    } else if model.holds_lane(number) {
        assert_eq!(answer.unwrap(), model.runs[number].id);
        model.leave_lane(number);
    } else {
        assert!(matches!(answer, Err(StoreError::Conflict(_))), "{answer:?}");
    }
}
