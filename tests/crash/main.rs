//! What is accepted is kept, in order, and finished work is never repeated: with real kills at random moments.
//!
//! A sender posts numbered messages to webhooks of every kind while the engine is killed again and again; a peer
//! records each request that the steps send. `CRASH_KILLS` sets the number of kills, `CRASH_SEED` their moments.
//!
//! The same on a disk that forgets what was not synced (`lossy.c`). And the proof can fail: an engine that breaks one
//! of its promises on purpose is detected.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot continue panics, and says what it did"
)]

mod fence;
#[allow(dead_code, reason = "the engine's tests use the rest of it")]
#[path = "../support/peer.rs"]
mod peer;
#[allow(dead_code, reason = "the engine's tests use the rest of it")]
#[path = "../support/server.rs"]
mod server;

use flowscript_engine::run::step_key;
use peer::{Peer, ok};
use rusqlite::{Connection, OpenFlags};
use server::{Project, SOON, Server, wait_for};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Messages of one lane, each sent when the one before is acknowledged.
const LANES: [&str; 4] = ["a", "b", "c", "d"];

fn workflows(peer: &Peer) -> Vec<(&'static str, String)> {
    let fill = |text: &str| text.replace("PEER", &peer.address);
    vec![
        ("flowscript.toml", peer.allow()),
        (
            "workflows/accept.yaml",
            fill(
                "input: { n: number }
trigger: { webhook: { auth: none } }
steps:
  - id: first
    http: { url: \"http://PEER/accept/{n}/first\", method: POST }
  - set: { seen: first.json }
  - id: second
    http: { url: \"http://PEER/accept/{n}/second\", method: POST, json: { seen: \"{seen}\" } }
output: { n: \"{n}\", seen: \"{seen}\", then: \"{second.json}\" }
",
            ),
        ),
        (
            "workflows/wait.yaml",
            fill(
                "input: { n: number }
trigger: { webhook: { auth: none, response: wait, timeout: 20s } }
steps:
  - http: { url: \"http://PEER/wait/{n}\", method: POST }
output: \"{n}\"
",
            ),
        ),
        (
            "workflows/ordered.yaml",
            fill(
                "input: { n: number, lane: text }
trigger: { webhook: { auth: none, ordered: { key: body.lane } } }
steps:
  - http: { url: \"http://PEER/ordered/{lane}/{n}\", method: POST }
output: \"{n}\"
",
            ),
        ),
        (
            "workflows/pure.yaml",
            "input: { n: number }\ntrigger: { webhook: { auth: none, response: wait } }\noutput: \"{n}\"\n".into(),
        ),
    ]
}

/// A run that the engine has acknowledged.
#[derive(Clone, Debug)]
struct Acknowledged {
    workflow: &'static str,
    number: u32,
    /// `wait` answers with the output alone.
    run: Option<String>,
}

/// The address of the engine now; `None` while it is down.
#[derive(Clone, Default)]
struct Address(Arc<Mutex<Option<String>>>);

impl Address {
    fn set(&self, base: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = base;
    }

    fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Posts numbered messages until it is asked to stop; a message without an acknowledgement is lost, and the next one
/// gets a new number.
fn send(
    workflow: &'static str,
    lane: &'static str,
    address: Address,
    numbers: Arc<AtomicU32>,
    done: Arc<AtomicBool>,
) -> std::thread::JoinHandle<Result<Vec<Acknowledged>, String>> {
    std::thread::spawn(move || {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build()
            .new_agent();
        let mut acknowledged = Vec::new();
        while !done.load(Ordering::Relaxed) {
            let Some(base) = address.get() else {
                std::thread::sleep(Duration::from_millis(5));
                continue;
            };
            let number = numbers.fetch_add(1, Ordering::Relaxed);
            let body = format!("{{\"n\": {number}, \"lane\": \"{lane}\"}}");
            let answer = agent.post(format!("{base}/hooks/{workflow}")).content_type("application/json").send(body);
            let Ok(mut answer) = answer else { continue };
            let Ok(text) = answer.body_mut().read_to_string() else { continue };
            match answer.status().as_u16() {
                202 => {
                    let body: serde_json::Value = serde_json::from_str(&text).unwrap();
                    let run = body["runId"].as_str().map(str::to_owned);
                    acknowledged.push(Acknowledged { workflow, number, run });
                }
                200 => {
                    if text != number.to_string() {
                        return Err(format!("{workflow} {number} was answered {text}"));
                    }
                    acknowledged.push(Acknowledged { workflow, number, run: None });
                }
                // Stopping, not ready, or the queue is full: nothing was stored.
                503 => {}
                429 => std::thread::sleep(Duration::from_millis(50)),
                other => return Err(format!("{workflow} {number} was answered {other} {text}")),
            }
        }
        Ok(acknowledged)
    })
}

/// Random numbers that a seed repeats.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn database(project: &Path) -> Connection {
    let file = project.join("data/flowscript.db");
    Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap()
}

/// The idempotency keys of the steps that are finished in the file.
fn finished_keys(project: &Path) -> Result<Vec<String>, String> {
    let told = |error: rusqlite::Error| format!("the database cannot be read: {error}");
    let database = database(project);
    let query = "select runs.id, steps.position from steps join runs on runs.seq = steps.run
                 where steps.state = 'completed'";
    let mut statement = database.prepare(query).map_err(told)?;
    let rows =
        statement.query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?))).map_err(told)?;
    rows.map(|row| {
        let (id, position) = row.map_err(told)?;
        let id = flowscript_engine::store::RunId::from_bytes(id.try_into().unwrap());
        Ok(step_key(id, &position))
    })
    .collect()
}

fn number_of(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// One series of kills.
struct Campaign {
    kills: u64,
    seed: u64,
    /// Variables for the engine's environment.
    environment: Vec<(&'static str, String)>,
}

impl Campaign {
    fn new(kills: u64) -> Self {
        Self { kills: number_of("CRASH_KILLS", kills), seed: number_of("CRASH_SEED", 0x5eed), environment: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    fn serve(&self, project: &Project) -> Server {
        let environment: Vec<(&str, &str)> = self.environment.iter().map(|(n, v)| (*n, v.as_str())).collect();
        Server::start_with(project.path(), &[], &environment)
    }

    /// Kills and checks; the error names the broken promise. Returns the number of acknowledged messages.
    fn run(&self) -> Result<usize, String> {
        let mut dice = Dice(self.seed | 1);
        let peer = Peer::new(|request, before| {
            std::thread::sleep(Duration::from_millis(before as u64 % 7));
            ok(if request.path.starts_with("/accept") { "{\"peer\": 1.50}" } else { "1" })
        });
        let files = workflows(&peer);
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let project = Project::new(&files);
        let address = Address::default();
        let (done, numbers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let mut senders = Vec::new();
        for workflow in ["accept", "wait", "pure"] {
            senders.push(send(workflow, "", address.clone(), numbers.clone(), done.clone()));
        }
        for lane in LANES {
            senders.push(send("ordered", lane, address.clone(), numbers.clone(), done.clone()));
        }
        let result = self.kill_often(&project, &peer, &address, &mut dice);
        done.store(true, Ordering::Relaxed);
        let mut acknowledged = Vec::new();
        for sender in senders {
            acknowledged.extend(sender.join().unwrap()?);
        }
        let (last, past) = result?;
        wait_until_idle(&last, &peer)?;
        last.kill();
        check_runs(project.path(), &acknowledged)?;
        check_peer(&peer, &past)?;
        if acknowledged.len() as u64 <= self.kills {
            return Err(format!("{} messages are too few to prove anything", acknowledged.len()));
        }
        Ok(acknowledged.len())
    }

    /// Returns the last engine, and the records up to it.
    fn kill_often(
        &self,
        project: &Project,
        peer: &Peer,
        address: &Address,
        dice: &mut Dice,
    ) -> Result<(Server, Past), String> {
        let mut past = Past::default();
        for _ in 0..self.kills {
            let running = self.serve(project);
            address.set(Some(running.base.clone()));
            std::thread::sleep(Duration::from_millis(50 + dice.below(350)));
            address.set(None);
            running.kill();
            // Requests of the dead engine are read and recorded before the kill is, those of the next one after it.
            wait_for("the peer to read what was sent", || peer.is_alone().then_some(()));
            past.kills.push(Instant::now());
            let counts = counts(peer);
            for key in finished_keys(project.path())? {
                let now = counts.get(&key).copied().unwrap_or_default();
                if now == 0 {
                    return Err("a step is finished that never reached the peer".into());
                }
                let first = *past.settled.entry(key.clone()).or_insert(now);
                if first != now {
                    return Err(format!("the key {key} of a finished step reached the peer again"));
                }
            }
        }
        let last = self.serve(project);
        address.set(Some(last.base.clone()));
        std::thread::sleep(Duration::from_millis(300));
        address.set(None);
        Ok((last, past))
    }
}

/// The records while the engine was killed.
#[derive(Default)]
struct Past {
    /// The times at which it was dead.
    kills: Vec<Instant>,
    /// How often each key had reached the peer when its step was finished in the file.
    settled: HashMap<String, usize>,
}

/// Waits until all work is done. It hangs if no step has reached the peer for long.
fn wait_until_idle(server: &Server, peer: &Peer) -> Result<(), String> {
    let (mut heard, mut begun) = (0, Instant::now());
    loop {
        let now = peer.heard().len();
        if now != heard {
            (heard, begun) = (now, Instant::now());
        }
        let unfinished = server.api("/runs?state=queued,running,waiting&limit=1");
        if unfinished["runs"].as_array().unwrap().is_empty() {
            return Ok(());
        }
        if begun.elapsed() > SOON * 3 {
            return Err(format!("stuck: {unfinished}"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// How often each key has reached the peer.
fn counts(peer: &Peer) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for request in peer.heard() {
        *counts.entry(request.key().to_owned()).or_default() += 1;
    }
    counts
}

/// Every acknowledged message has exactly one run, and that is completed.
fn check_runs(project: &Path, acknowledged: &[Acknowledged]) -> Result<(), String> {
    let database = database(project);
    let check: String = database.query_row("pragma integrity_check", [], |row| row.get(0)).unwrap();
    if check != "ok" {
        return Err(check);
    }
    let mut statement = database
        .prepare("select workflows.id, runs.id, runs.state from runs join workflows on workflows.key = runs.workflow")
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let rows: Vec<(String, Vec<u8>, String)> = rows.map(Result::unwrap).collect();
    let mut states: HashMap<String, String> = HashMap::new();
    for (_, id, state) in &rows {
        let id = flowscript_engine::store::RunId::from_bytes(id.clone().try_into().unwrap());
        if states.insert(id.to_string(), state.clone()).is_some() {
            return Err(format!("run {id} has two rows"));
        }
        if state != "completed" {
            return Err(format!("run {id} is {state}"));
        }
    }
    let mut runs_seen: HashMap<&str, u32> = HashMap::new();
    for message in acknowledged {
        if let Some(run) = &message.run {
            if !states.contains_key(run) {
                return Err(format!("{message:?} is lost"));
            }
            if let Some(other) = runs_seen.insert(run, message.number) {
                return Err(format!("{message:?} shares its run with message {other}"));
            }
        }
    }
    // Answers of `wait` name no run: there are at least as many completed runs as answers.
    for workflow in ["wait", "pure"] {
        let answered = acknowledged.iter().filter(|message| message.workflow == workflow).count();
        let kept = rows.iter().filter(|(id, _, _)| id == workflow).count();
        if kept < answered {
            return Err(format!("{workflow}: {kept} runs for {answered} answers"));
        }
    }
    Ok(())
}

/// No key came more often than once plus once for each kill in between, none of a finished step came again, and each
/// lane came in its order.
fn check_peer(peer: &Peer, past: &Past) -> Result<(), String> {
    let heard = peer.heard();
    let mut times: HashMap<&str, Vec<Instant>> = HashMap::new();
    for request in &heard {
        times.entry(request.key()).or_default().push(request.at);
    }
    for (key, times) in times {
        let between = |kill: &&Instant| times.iter().any(|at| at < *kill) && times.iter().any(|at| at > *kill);
        let kills = past.kills.iter().filter(between).count();
        if key.is_empty() || times.len() > 1 + kills {
            return Err(format!("the key `{key}` came {} times, with {kills} kills between", times.len()));
        }
        if past.settled.get(key).is_some_and(|settled| *settled != times.len()) {
            return Err(format!("the key {key} of a finished step reached the peer again"));
        }
    }
    let mut lanes: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for request in &heard {
        if let Some((lane, number)) = request.path.strip_prefix("/ordered/").and_then(|rest| rest.split_once('/')) {
            lanes.entry(lane).or_default().push(number.parse().unwrap());
        }
    }
    if lanes.len() != LANES.len() {
        return Err(format!("only the lanes {:?} have messages", lanes.keys()));
    }
    match lanes.iter().find(|(_, numbers)| !numbers.is_sorted()) {
        Some((lane, numbers)) => Err(format!("lane {lane} came as {numbers:?}")),
        None => Ok(()),
    }
}

/// The library that forgets what was not synced, built with the machine's C compiler.
fn lossy_disk(folder: &Path) -> String {
    let (source, library) =
        (Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash/lossy.c"), folder.join("lossy.so"));
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O2", "-o"])
        .args([&library, &source])
        .args(["-ldl", "-lpthread"])
        .status()
        .unwrap();
    assert!(built.success(), "lossy.c does not compile");
    library.display().to_string()
}

#[track_caller]
fn holds(campaign: &Campaign) {
    match campaign.run() {
        Ok(messages) => println!("{messages} messages acknowledged, {} kills", campaign.kills),
        Err(broken) => panic!("{broken} (CRASH_KILLS={} CRASH_SEED={})", campaign.kills, campaign.seed),
    }
}

#[track_caller]
fn is_found_out(campaign: &Campaign) {
    let broken = campaign.run().expect_err("a broken promise was not noticed: the proof proves nothing");
    println!("found out: {broken}");
}

#[test]
fn acknowledged_messages_run_once_and_in_order_through_many_kills() {
    holds(&Campaign::new(50));
}

#[test]
fn and_on_a_disk_that_forgets_what_was_not_synced() {
    let folder = tempfile::tempdir().unwrap();
    holds(&Campaign::new(25).with("LD_PRELOAD", lossy_disk(folder.path())));
}

#[test]
fn an_engine_that_does_not_sync_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let campaign = Campaign::new(10).with("LD_PRELOAD", lossy_disk(folder.path()));
    is_found_out(&campaign.with("FLOWSCRIPT_SABOTAGE", "unsynced"));
}

#[test]
fn an_engine_that_answers_before_the_commit_is_found_out() {
    is_found_out(&Campaign::new(30).with("FLOWSCRIPT_SABOTAGE", "early-answer"));
}
