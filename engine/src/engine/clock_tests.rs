//! Whole engines on a clock that tests move: a year of schedules in seconds, waits of weeks, clocks that jump.

use super::Engine;
use crate::clock::{Clock, TestClock};
use crate::config::Config;
use crate::dispatch::Admission;
use crate::store::{
    RunId, RunQuery, RunState, RunSummary, ScheduleRecord, SkippedStretch, SqliteStore, Store, Timestamp, Trigger,
};
use flowscript_lang::value::Record;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// Instants that another program has computed minute by minute; its script is in the same folder.
const EXPECTED: &str = include_str!("../../../tests/schedules/expected.txt");
const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// An engine on a project, a store and a clock.
struct World {
    folder: TempDir,
    clock: Arc<TestClock>,
    store: Arc<dyn Store>,
    engine: Engine,
}

impl World {
    async fn new(now: Timestamp, files: &[(&str, &str)]) -> Self {
        // Years of commits: in memory they take seconds, also on a machine with a slow disk.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
        let keep = ("flowscript.toml", "[retention]\ndays = 5000\n");
        for (name, text) in files.iter().chain([&keep]) {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let clock = Arc::new(TestClock::new(now));
        let (store, engine) = start(folder.path(), &clock).await;
        Self { folder, clock, store, engine }
    }

    /// The engine stops, and another one starts when the clock shows `at`.
    async fn restart_at(self, at: Timestamp) -> Self {
        let Self { folder, clock, store, engine } = self;
        engine.stop().await;
        drop((engine, store));
        clock.set(at);
        let (store, engine) = start(folder.path(), &clock).await;
        Self { folder, clock, store, engine }
    }

    async fn run(&self, workflow: &str) -> RunId {
        let workflow = self.engine.workflows().entry(workflow).unwrap().workflow.clone().unwrap();
        match self.engine.start_manually(workflow, Record::from_fields([]), None).await {
            Admission::Accepted(run) => run,
            other => panic!("{other:?}"),
        }
    }

    async fn reaches(&self, run: RunId, state: RunState) {
        eventually(&format!("the run is {}", state.as_str()), async || {
            self.store.summary(run).await.unwrap().state == state
        })
        .await;
    }

    /// Sets the clock, and waits until these workflows' schedules have fired.
    async fn walk_to(&self, at: Timestamp, ids: &BTreeSet<String>) {
        self.clock.set(at);
        self.settled(at, ids).await;
    }

    /// Waits until the schedules of these workflows are settled up to `at` and nothing runs.
    async fn settled(&self, at: Timestamp, ids: &BTreeSet<String>) {
        eventually(&format!("{ids:?} at {at:?}"), async || {
            let settled = |s: &ScheduleRecord| !ids.contains(&s.workflow) || s.settled_until >= at;
            self.store.schedules().await.unwrap().iter().all(settled)
                && self.store.counts().await.unwrap().iter().all(|count| count.queued + count.running == 0)
        })
        .await;
    }

    /// Waits until the occurrences missed before `at` are decided and nothing runs: a run for a missed occurrence would
    /// keep the next one from running at the same time.
    async fn caught_up(&self, at: Timestamp, schedules: &[Scheduled]) {
        let last = |id: &str| {
            let schedule = schedules.iter().find(|schedule| schedule.id == id);
            schedule.and_then(|s| s.instants.iter().copied().rfind(|instant| *instant <= at))
        };
        eventually(&format!("nothing is missed before {at:?}"), async || {
            let settled = |s: &ScheduleRecord| last(&s.workflow).is_none_or(|last| s.settled_until >= last);
            self.store.schedules().await.unwrap().iter().all(settled)
                && self.store.counts().await.unwrap().iter().all(|count| count.queued + count.running == 0)
        })
        .await;
    }

    /// Everything in the history, oldest first.
    async fn history(&self) -> Vec<RunSummary> {
        let mut runs = Vec::new();
        let mut query = RunQuery { limit: 1000, ..RunQuery::default() };
        loop {
            let page = self.store.runs(query.clone()).await.unwrap();
            runs.extend(page.runs);
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        runs.reverse();
        runs
    }

    /// The instants of runs by schedule, and the stretches that were skipped.
    async fn decided(&self) -> BTreeMap<String, (Vec<Timestamp>, Vec<SkippedStretch>)> {
        let mut decided: BTreeMap<String, (Vec<Timestamp>, Vec<SkippedStretch>)> = BTreeMap::new();
        for run in self.history().await.into_iter().filter(|run| run.origin.trigger == Trigger::Schedule) {
            if let Some(skipped) = run.skipped {
                decided.entry(run.origin.workflow).or_default().1.push(skipped);
            } else {
                assert_eq!(run.state, RunState::Completed, "{run:?}");
                decided.entry(run.origin.workflow).or_default().0.push(run.origin.scheduled_for.unwrap());
            }
        }
        decided
    }
}

async fn start(folder: &Path, clock: &Arc<TestClock>) -> (Arc<dyn Store>, Engine) {
    let store = SqliteStore::open_with(&folder.join("data/flowscript.db"), clock.clone()).unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    let config = Config::load(folder).unwrap();
    let engine = Engine::load_at(config, folder, store.clone(), clock.clone()).await.unwrap();
    for entry in engine.workflows().entries() {
        assert!(entry.problems.is_empty(), "{:?}", entry.problems);
    }
    engine.work().await.unwrap();
    (store, engine)
}

async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let looking = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), looking).await.is_ok(), "not in time: {what}");
}

/// A schedule of the script's table as a workflow of its own.
struct Scheduled {
    id: String,
    file: String,
    instants: Vec<Timestamp>,
}

/// The schedules with these expressions, and their instants from `from` on and before `to`.
fn table(wanted: impl Fn(&str, &str) -> bool, from: Timestamp, to: Timestamp) -> Vec<Scheduled> {
    let mut schedules: BTreeMap<(&str, &str), Vec<Timestamp>> = BTreeMap::new();
    for line in EXPECTED.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(" | ").collect();
        let [zone, _, cron, instants] = fields.as_slice() else { panic!("{line}") };
        let found = schedules.entry((zone, cron)).or_default();
        let mut at = Timestamp(0);
        for word in instants.split(' ') {
            let (step, count) = match word.split_once('x') {
                Some((step, count)) => (step.parse::<i64>().unwrap() * MINUTE, count.parse().unwrap()),
                None => (word.parse::<i64>().unwrap() * 1000, 1),
            };
            for _ in 0..count {
                at = at.plus_millis(step);
                found.push(at);
            }
        }
    }
    let wanted = schedules.into_iter().filter(|((zone, cron), _)| wanted(zone, cron));
    let scheduled = wanted.enumerate().map(|(number, ((zone, cron), instants))| Scheduled {
        id: format!("w{number}"),
        file: format!("trigger: {{ schedule: [ {{ id: s, cron: '{cron}', timeZone: {zone} }} ] }}\noutput: 1\n"),
        instants: instants.into_iter().filter(|at| (from..to).contains(at)).collect(),
    });
    scheduled.collect()
}

async fn world_of(schedules: &[Scheduled], now: Timestamp) -> World {
    let files: Vec<(String, &str)> =
        schedules.iter().map(|s| (format!("workflows/{}.yaml", s.id), s.file.as_str())).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    World::new(now, &files).await
}

/// The workflows that fire at each instant.
fn by_instant(schedules: &[Scheduled]) -> BTreeMap<Timestamp, BTreeSet<String>> {
    let mut instants: BTreeMap<Timestamp, BTreeSet<String>> = BTreeMap::new();
    for schedule in schedules {
        for at in &schedule.instants {
            instants.entry(*at).or_default().insert(schedule.id.clone());
        }
    }
    instants
}

fn instant(text: &str) -> Timestamp {
    Timestamp(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
}

const FREQUENT: [&str; 3] = ["0 * * * *", "30 * * * *", "*/15 * * * *"];

#[tokio::test(flavor = "multi_thread")]
async fn a_year_of_schedules_in_four_zones_fires_when_the_script_says() {
    // Inside the years of the table in every zone.
    let (from, to) = (instant("2024-12-31T12:00:00Z"), instant("2025-12-31T12:00:00Z"));
    let schedules = table(|_, cron| !FREQUENT.contains(&cron), from, to);
    assert_eq!(schedules.len(), 4 * 7);
    let world = world_of(&schedules, from.plus_millis(-1)).await;
    for (at, ids) in by_instant(&schedules) {
        world.walk_to(at, &ids).await;
    }
    let decided = world.decided().await;
    for schedule in &schedules {
        let (runs, skipped) = &decided[&schedule.id];
        assert_eq!((runs, skipped.as_slice()), (&schedule.instants, [].as_slice()), "{}", schedule.file);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frequent_schedules_walk_through_each_change_and_miss_the_months_between() {
    let (from, to) = (instant("2024-12-31T12:00:00Z"), instant("2025-12-31T12:00:00Z"));
    let schedules = table(|_, cron| FREQUENT.contains(&cron), from, to);
    assert_eq!(schedules.len(), 4 * 3);
    // A day around each change of a clock in New York, Stockholm and Lord Howe.
    let changes = [
        "2025-03-09T07:00:00Z",
        "2025-03-30T01:00:00Z",
        "2025-04-05T15:00:00Z",
        "2025-10-04T15:30:00Z",
        "2025-10-26T01:00:00Z",
        "2025-11-02T06:00:00Z",
    ];
    let walked: Vec<(Timestamp, Timestamp)> =
        changes.iter().map(|at| (instant(at).plus_millis(-DAY / 2), instant(at).plus_millis(DAY / 2))).collect();
    let is_walked = |at: &Timestamp| walked.iter().any(|(first, last)| first <= at && at <= last);
    let world = world_of(&schedules, walked[0].0.plus_millis(-1)).await;
    for (at, ids) in by_instant(&schedules).into_iter().filter(|(at, _)| is_walked(at)) {
        world.walk_to(at, &ids).await;
        world.caught_up(at, &schedules).await;
    }
    let decided = world.decided().await;
    for schedule in &schedules {
        let (runs, skipped) = &decided[&schedule.id];
        let mut left = schedule.instants.iter().copied().filter(|at| is_walked(at)).collect::<Vec<_>>();
        // If an occurrence of the schedule is due when the clock arrives, it replaces the missed ones; else the last of
        // them runs.
        let mut stretches = Vec::new();
        for pair in walked.windows(2) {
            let missed: Vec<Timestamp> =
                schedule.instants.iter().copied().filter(|at| *at > pair[0].1 && *at < pair[1].0).collect();
            let arrives = *by_instant(&schedules).range(pair[1].0..).next().unwrap().0;
            let on_time = schedule.instants.contains(&arrives);
            let skipped = if on_time { missed.len() } else { missed.len() - 1 };
            stretches.push((skipped as u32, missed[0], missed[skipped - 1]));
            left.extend(missed[skipped..].iter().copied());
        }
        left.sort_unstable();
        let mut runs = runs.clone();
        runs.sort_unstable();
        assert_eq!(runs, left, "{}", schedule.file);
        let skipped: Vec<_> = skipped.iter().map(|s| (s.count, s.first, s.last)).collect();
        assert_eq!(skipped, stretches, "{}", schedule.file);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_repeats_nothing_and_holds_nothing() {
    let noon = instant("2026-05-05T12:00:00Z");
    let file = "trigger: { schedule: [ { id: s, cron: '*/15 * * * *' } ] }\noutput: 1\n";
    let world = World::new(noon.plus_millis(-1), &[("workflows/w.yaml", file)]).await;
    let ids = BTreeSet::from(["w".to_owned()]);
    world.walk_to(noon, &ids).await;
    // After the clock was set back an hour comes again: its occurrences are decided, the next one is at a quarter past
    // noon.
    for quarter in -4..=0 {
        world.clock.set(noon.plus_millis(quarter * 15 * MINUTE));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.walk_to(noon.plus_millis(15 * MINUTE), &ids).await;
    // Less than a minute late is on time; a clock that continues from there has the next one at its instant.
    world.clock.set(noon.plus_millis(30 * MINUTE + 59_000));
    world.settled(noon.plus_millis(30 * MINUTE), &ids).await;
    world.walk_to(noon.plus_millis(45 * MINUTE), &ids).await;
    let runs: Vec<i64> = world.decided().await["w"].0.iter().map(|at| (at.0 - noon.0) / MINUTE).collect();
    assert_eq!(runs, [0, 15, 30, 45]);
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_outlive_restarts_and_no_clock_prolongs_them() {
    let start = instant("2026-05-05T12:00:00Z");
    let file = |wait: &str| format!("steps: [ wait: {wait} ]\noutput: \"{{Format(now(), 'yyyy-MM-dd')}}\"\n");
    let long = file("{ for: 40d }");
    let until = file("{ until: \"Date('2026-08-01T00:00:00Z')\" }");
    let short = file("{ for: 20s }");
    let files = [
        ("workflows/long.yaml", long.as_str()),
        ("workflows/until.yaml", until.as_str()),
        ("workflows/short.yaml", short.as_str()),
    ];
    let world = World::new(start, &files).await;
    let (long, until) = (world.run("long").await, world.run("until").await);
    world.reaches(long, RunState::Waiting).await;
    world.reaches(until, RunState::Waiting).await;
    let world = world.restart_at(start.plus_millis(40 * DAY - 1)).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    world.reaches(long, RunState::Waiting).await;
    world.clock.set(start.plus_millis(40 * DAY));
    world.reaches(long, RunState::Completed).await;
    assert_eq!(world.store.summary(until).await.unwrap().state, RunState::Waiting);
    // Half of the time has passed when the clock is set back by a day.
    let short = world.run("short").await;
    world.reaches(short, RunState::Waiting).await;
    world.clock.pass(10_000);
    world.clock.jump(-DAY);
    let now = world.clock.now();
    world.run("short").await; // its commit is the next look at the clock
    let due = async || world.store.summary(short).await.unwrap().due;
    eventually("the rest of the time is left", async || due().await == Some(now.plus_millis(10_000))).await;
    world.clock.pass(10_000);
    world.reaches(short, RunState::Completed).await;
    // An instant of the wall clock does not depend on where the clock was in between.
    assert_eq!(world.store.summary(until).await.unwrap().state, RunState::Waiting);
    world.clock.set(instant("2026-07-31T23:59:59Z"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(world.store.summary(until).await.unwrap().state, RunState::Waiting);
    world.clock.set(instant("2026-08-01T00:00:00Z"));
    world.reaches(until, RunState::Completed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_respects_the_queue_of_its_workflow() {
    let start = instant("2026-05-05T12:00:00Z");
    let file = "trigger: { schedule: [ { id: s, every: { minutes: 1 }, overlap: queue } ] }\n\
                limits: { queue: 1 }\nsteps: [ { wait: { for: 10h } } ]\n";
    let world = World::new(start, &[("workflows/w.yaml", file)]).await;
    for minute in 1..=4 {
        world.clock.set(start.plus_millis(minute * MINUTE));
        eventually(&format!("minute {minute} is decided"), async || {
            let counts = world.history().await.into_iter().map(|run| run.skipped.map_or(1, |s| i64::from(s.count)));
            counts.sum::<i64>() == minute
        })
        .await;
        if let (1, [first]) = (minute, world.history().await.as_slice()) {
            world.reaches(first.origin.id, RunState::Waiting).await;
        }
    }
    let history = world.history().await;
    let states: Vec<RunState> = history.iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Waiting, RunState::Queued, RunState::Skipped]);
    assert_eq!(history[2].skipped.as_ref().map(|s| (s.reason.as_str(), s.count)), Some(("queue full", 2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_second_through_twenty_restarts_is_decided_once() {
    let start = instant("2026-05-05T12:00:00Z");
    let file = "trigger: { schedule: [ { id: s, every: { seconds: 1 } } ] }\noutput: 1\n";
    let ids = BTreeSet::from(["w".to_owned()]);
    let mut world = World::new(start, &[("workflows/w.yaml", file)]).await;
    let mut now = start;
    for restart in 0..20 {
        for _ in 0..3 {
            now = now.plus_millis(1000);
            world.walk_to(now, &ids).await;
        }
        // Away for less than a second, some seconds, minutes; one minute late is on time, more is missed.
        let away = [300, 7_000, 59_500, 61_500, 240_000][restart % 5];
        world = world.restart_at(now.plus_millis(away)).await;
        now = Timestamp(now.plus_millis(away).0 / 1000 * 1000);
        world.settled(now, &ids).await;
    }
    let mut decided: Vec<(i64, i64, u32)> = Vec::new();
    for run in world.history().await {
        decided.push(match (run.skipped, run.origin.scheduled_for) {
            (Some(skipped), _) => (skipped.first.0, skipped.last.0, skipped.count),
            (None, at) => (at.unwrap().0, at.unwrap().0, 1),
        });
    }
    decided.sort_unstable();
    let mut expected = start.0 + 1000;
    for (first, last, count) in decided {
        assert_eq!((first, last), (expected, expected + i64::from(count - 1) * 1000));
        expected = last + 1000;
    }
    assert_eq!(expected, now.0 + 1000, "up to the last second");
}
