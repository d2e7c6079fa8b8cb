//! An attack and its engine: every attack has an engine of its own, which other callers use at the same time.

use crate::faults::Faults;
use crate::server::{Project, Server, TOKEN, flowscript};
use crate::watch::{Caller, Seen, Watch, memory};
use crate::wire::{ATTACKER, Request, Told};
use libtest_mimic::Failed;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::RwLock;
use std::time::{Duration, Instant};

/// The most memory that an engine may take, in bytes.
const MEMORY: u64 = 500 << 20;
/// The key of callers who do not attack.
const HONEST_KEY: &str = "key-of-those-who-have-done-nothing";
/// The key that opens the workflows below attack.
pub const KEY: &str = "key-of-the-attacker";

/// Attacks that need the machine alone take the lock for writing.
static MACHINE: RwLock<()> = RwLock::new(());

/// The actions of an attack; the error says what was wrong.
pub type Act = Box<dyn Fn(&mut Field) -> Result<(), String> + Send + Sync>;

/// A row of the tables.
pub struct Attack {
    /// The row of the review that it belongs to, or is similar to.
    pub row: &'static str,
    pub name: String,
    /// It is always tried, not only with `FLOWSCRIPT_ATTACKS=all`.
    pub always: bool,
    /// Set up when it is its turn.
    pub stage: Box<dyn Fn() -> Stage + Send>,
    pub act: Act,
}

/// The setup of an attack.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "each says something of its own, and most say nothing")]
pub struct Stage {
    /// The project's files; the workflow `target` opens with the attacker's key.
    pub files: Vec<(String, String)>,
    /// How many files the engine may have open.
    pub descriptors: Option<u64>,
    /// The peers that serve it during the attack.
    #[expect(dead_code, reason = "it is held, not read")]
    pub peers: Vec<Box<dyn std::any::Any>>,
    /// With faults that can be switched on.
    pub faults: bool,
    /// It uses so large a part of the machine that it would falsify the measurements of others.
    pub alone: bool,
    /// It breaks something that the engine needs to serve at all: others may be refused, but not kept waiting.
    pub refuses: bool,
    /// It ends the engine itself, or leaves it with nothing to serve.
    pub ends: bool,
    /// The longest duration, else it hangs; by default a minute.
    pub within: Option<Duration>,
}

impl Stage {
    /// A setup with these files.
    pub fn of<P: Into<String>, T: Into<String>>(files: impl IntoIterator<Item = (P, T)>) -> Self {
        let files = files.into_iter().map(|(path, text)| (path.into(), text.into())).collect();
        Self { files, ..Self::default() }
    }
}

/// The engine under attack.
pub struct Field {
    pub server: Server,
    pub project: Project,
    pub address: SocketAddr,
    /// The faults that can be switched on, if the setup has them.
    pub faults: Option<Faults>,
    /// Notes of the attack for the report, in addition to failures.
    pub notes: Vec<String>,
    watch: Option<Watch>,
    seen: Seen,
}

/// How long others may wait: a second, in a debug build three.
pub fn answer_within() -> Duration {
    Duration::from_secs(if is_optimised() { 1 } else { 3 })
}

/// Is the engine under attack an optimised build?
pub fn is_optimised() -> bool {
    match std::env::var("FLOWSCRIPT_BINARY") {
        Ok(path) => !path.contains("debug"),
        Err(_) => !cfg!(debug_assertions),
    }
}

impl Attack {
    /// Runs it, and returns all failures.
    pub fn run(self) -> Result<(), Failed> {
        let stage = (self.stage)();
        let (_alone, _beside);
        if stage.alone {
            _alone = MACHINE.write();
        } else {
            _beside = MACHINE.read();
        }
        let mut field = Field::new(&stage);
        let started = Instant::now();
        let acted = (self.act)(&mut field);
        let took = started.elapsed();
        let mut wrong: Vec<String> = acted.err().into_iter().collect();
        if took > stage.within.unwrap_or(Duration::from_secs(60)) {
            wrong.push(format!("it took {took:.1?}"));
        }
        if !stage.ends {
            wrong.extend(field.still_answers().err());
        }
        field.end_watch();
        if !stage.ends {
            wrong.extend(field.has_kept_all().err());
        }
        wrong.extend(field.judge(stage.refuses || stage.ends));
        self.report(&field, took, &wrong);
        if wrong.is_empty() {
            return Ok(());
        }
        let log = field.server.log();
        let end = log.lines().rev().take(5).collect::<Vec<_>>();
        let end: String = end.iter().rev().flat_map(|line| ["\n  | ", line.get(..300).unwrap_or(line)]).collect();
        Err(format!("{}: {}{end}", self.row, wrong.join("; ")).into())
    }

    /// Appends a line to the file that `FLOWSCRIPT_ATTACKS_REPORT` names: verdict, row, name, seconds, megabytes,
    /// slowest answer to others in milliseconds, what was wrong.
    fn report(&self, field: &Field, took: Duration, wrong: &[String]) {
        let Some(path) = std::env::var_os("FLOWSCRIPT_ATTACKS_REPORT") else { return };
        let mut line = String::new();
        let verdict = if wrong.is_empty() { "held" } else { "FELL" };
        let slowest = field.seen.slowest.values().max().copied().unwrap_or_default();
        let _ = write!(line, "{verdict}\t{}\t{}\t{:.1} s\t", self.row, self.name, took.as_secs_f64());
        let _ = write!(line, "{} MB\t{} ms\t", field.seen.peak >> 20, slowest.as_millis());
        let told = [field.notes.as_slice(), wrong].concat().join("; ").replace(['\n', '\t'], " ");
        let _ = writeln!(line, "{}", told.chars().take(400).collect::<String>());
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        file.unwrap().write_all(line.as_bytes()).unwrap();
    }
}

impl Field {
    fn new(stage: &Stage) -> Self {
        let files: Vec<(&str, &str)> = stage.files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let project = Project::new(&files);
        project.write("workflows/honest.yaml", HONEST);
        project.write("workflows/kept.yaml", KEPT);
        let faults = stage.faults.then(Faults::new);
        let mut command = flowscript();
        if let Some(most) = stage.descriptors {
            // The engine raises its limit as far as it is allowed.
            let inner = command;
            command = Command::new("sh");
            command.args(["-c", &format!("ulimit -n {most} && exec \"$@\""), "sh"]).arg(inner.get_program());
            command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        }
        if let Some(faults) = &faults {
            command.envs(faults.environment());
        }
        let server = Server::start_by(command, project.path(), &[]);
        let address = server.base.trim_start_matches("http://").parse().unwrap();
        let mut field =
            Self { server, project, address, faults, notes: Vec::new(), watch: None, seen: Seen::default() };
        for (workflow, key) in [("honest", HONEST_KEY), ("kept", HONEST_KEY), ("target", KEY)] {
            if workflow != "target" || stage.files.iter().any(|(path, _)| path == "workflows/target.yaml") {
                let body = json!({ "workflow": workflow, "key": key }).to_string();
                let added = field.ask(&admin("POST", "/api/v1/keys").json(&body)).unwrap();
                assert!(added.status == 201, "{workflow}: {}\n{}", added.text, field.server.log());
            }
        }
        for (path, text) in stage.files.iter().filter(|(path, _)| path.starts_with("workflows/")) {
            let id = path.trim_start_matches("workflows/").trim_end_matches(".yaml");
            let shown = field.api(&format!("/workflows/{id}"));
            let mistakes: Vec<&Json> = shown["problems"].as_array().into_iter().flatten().collect();
            assert!(mistakes.iter().all(|found| found["severity"] != "error"), "{mistakes:?}\n{text}");
        }
        field.watch = Some(Watch::new(field.server.id(), field.address, callers()));
        field
    }

    /// The answer to a request of the attacker, for which it waits half a minute.
    pub fn ask(&self, request: &Request) -> Result<Told, String> {
        let told = request.send(self.address, ATTACKER, Duration::from_secs(30));
        told.map_err(|error| format!("{}: {error}", request.head().lines().next().unwrap_or_default()))
    }

    /// The same several times at once.
    pub fn ask_often(&self, request: &Request, times: usize) -> Vec<Result<Told, String>> {
        std::thread::scope(|scope| {
            let asked: Vec<_> = (0..times).map(|_| scope.spawn(|| self.ask(request))).collect();
            asked.into_iter().map(|one| one.join().unwrap()).collect()
        })
    }

    /// The answer of the admin API at a path; null without one.
    pub fn api(&self, path: &str) -> Json {
        let told = self.ask(&admin("GET", &format!("/api/v1{path}")));
        told.ok().and_then(|told| serde_json::from_str(unchunked(&told).as_str()).ok()).unwrap_or_default()
    }

    /// The state of a run; `None` if the engine does not report it.
    pub fn state(&self, run: &str) -> Option<String> {
        self.api(&format!("/runs/{run}"))["state"].as_str().map(str::to_owned)
    }

    /// Waits until `ready` is true; the error names what was waited for.
    #[allow(clippy::unused_self, reason = "an attack waits on its field")]
    pub fn wait(&self, what: &str, within: Duration, mut ready: impl FnMut() -> bool) -> Result<Duration, String> {
        let started = Instant::now();
        while !ready() {
            if started.elapsed() > within {
                return Err(format!("waited {within:?} until {what}"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(started.elapsed())
    }

    /// Stops asking.
    pub fn end_watch(&mut self) {
        if let Some(watch) = self.watch.take() {
            self.seen = watch.end();
        }
    }

    /// Starts the same project again in a new process; stops asking.
    pub fn restart(&mut self) {
        self.end_watch();
        if self.server.is_running() {
            self.server.signal("KILL");
            self.server.ended();
        }
        self.server = Server::start(self.project.path(), &[]);
        self.address = self.server.base.trim_start_matches("http://").parse().unwrap();
    }

    /// Runs that were acknowledged to others.
    pub fn acknowledged(&self) -> BTreeSet<String> {
        self.seen.acknowledged.iter().cloned().collect()
    }

    fn still_answers(&mut self) -> Result<(), String> {
        let started = Instant::now();
        while self.server.is_running() {
            let told = honest(0).send(self.address, ATTACKER, Duration::from_secs(10));
            let last = match told {
                Ok(told) if told.status == 200 => return Ok(()),
                Ok(told) => told.text,
                Err(error) => error.to_string(),
            };
            if started.elapsed() > Duration::from_secs(10) {
                return Err(format!("it does not answer as before: {last}"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("the engine has ended".into())
    }

    /// Every run that was acknowledged to others exists, and ends.
    pub fn has_kept_all(&mut self) -> Result<(), String> {
        if !self.server.is_running() {
            return Ok(());
        }
        let mut open = self.acknowledged();
        let waited = self.wait("all that was acknowledged is completed", Duration::from_secs(20), || {
            open.retain(|run| self.state(run).as_deref() != Some("completed"));
            open.is_empty()
        });
        waited
            .map(|_| ())
            .map_err(|error| format!("{error}: of {} {} are not", self.seen.acknowledged.len(), open.len()))
    }

    /// The failures that others have seen.
    fn judge(&self, refuses: bool) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.seen.peak > MEMORY {
            wrong.push(format!("it took {} MB", self.seen.peak >> 20));
        }
        let most = answer_within() + self.seen.late;
        for (name, slowest) in &self.seen.slowest {
            if *slowest > most {
                wrong.push(format!("{name} waited {slowest:.1?}"));
            }
        }
        if !refuses {
            let answers = self.seen.wrong.iter();
            wrong.extend(answers.map(|(name, (count, first))| format!("{name} got {count} wrong answers: {first}")));
        }
        wrong
    }

    /// Its memory now, in bytes.
    pub fn resident(&self) -> u64 {
        memory(self.server.id(), "VmRSS").unwrap_or_default()
    }
}

/// A body without the lengths of its chunks.
pub fn unchunked(told: &Told) -> String {
    let (head, body) = told.text.split_once("\r\n\r\n").unwrap_or_default();
    if !head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return body.to_owned();
    }
    let (mut rest, mut whole) = (body, String::new());
    while let Some((length, behind)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).unwrap_or_default();
        let (Some(chunk), Some(behind)) = (behind.get(..length), behind.get(length..)) else { break };
        whole.push_str(chunk);
        rest = behind.trim_start_matches("\r\n");
    }
    whole
}

/// A request of the admin API.
pub fn admin(method: &str, path: &str) -> Request {
    Request::new(method, path).with("Authorization", &format!("Bearer {TOKEN}"))
}

const HONEST: &str = "input: { n: number }\ntrigger: { webhook: { response: wait } }\noutput: \"n{n}\"\n";
const KEPT: &str = "input: { n: number }\ntrigger: { webhook: { } }\noutput: \"n{n}\"\n";

fn honest(number: u64) -> Request {
    Request::new("POST", "/hooks/honest").with("X-API-Key", HONEST_KEY).json(&format!("{{\"n\": {number}}}"))
}

/// The other callers: a webhook that waits, one that accepts, and the admin API with and without a body.
fn callers() -> Vec<Caller> {
    let kept = |number| {
        Request::new("POST", "/hooks/kept").with("X-API-Key", HONEST_KEY).json(&format!("{{\"n\": {number}}}"))
    };
    let nothing = |number: u64| match number % 2 {
        0 => admin("GET", "/api/v1/runs?limit=1&workflow=nobody"),
        _ => admin("POST", "/api/v1/runs/retry").json("{\"workflow\": \"nobody\"}"),
    };
    vec![
        Caller { name: "the webhook", ask: Box::new(honest), wanted: Box::new(|number| (200, format!("n{number}"))) },
        Caller { name: "the sender", ask: Box::new(kept), wanted: Box::new(|_| (202, "runId".into())) },
        Caller { name: "the admin", ask: Box::new(nothing), wanted: Box::new(|_| (200, "{".into())) },
    ]
}
