//! An engine in a process of its own, over a project in a temporary folder.

use serde_json::Value as Json;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The time limit for things that should happen soon.
pub const SOON: Duration = Duration::from_secs(20);
/// The admin token of all engines here.
pub const TOKEN: &str = "token-of-the-tests";

/// A project in a folder of its own.
pub struct Project(TempDir);

impl Project {
    /// A project of these files, text by path.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// A copy of the example project.
    pub fn examples() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples"), &project.path().join("examples"));
        project
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file as an editor does: all of it at once, under its name.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Serves it.
    pub fn serve(&self) -> Server {
        Server::start(self.path(), &[])
    }

    /// Serves it once an engine that is stopping has ended.
    pub fn serve_after(&self, mut server: Server) -> Server {
        assert!(server.child.wait().unwrap().success());
        self.serve()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap).filter(|e| e.file_name() != "data") {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() { copy(&from, &to) } else { fs::copy(from, to).map(|_| ()).unwrap() }
    }
}

/// A running engine; killed when dropped.
pub struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub base: String,
    /// Its first line.
    pub announced: String,
    project: PathBuf,
    log: Arc<Mutex<String>>,
}

/// The command with the tests' token: the one built with the tests, or the one that `FLOWSCRIPT_BINARY` names.
pub fn flowscript() -> Command {
    let built = || env!("CARGO_BIN_EXE_flowscript").into();
    let mut command = Command::new(std::env::var_os("FLOWSCRIPT_BINARY").unwrap_or_else(built));
    command.env("FLOWSCRIPT_TOKEN", TOKEN).env_remove("FLOWSCRIPT_LOG");
    command
}

impl Server {
    /// Serves the project in `folder` on a free port.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_with(folder, arguments, &[])
    }

    /// The same with further variables in its environment.
    pub fn start_with(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = flowscript();
        command.envs(environment.iter().copied());
        Self::start_by(command, folder, arguments)
    }

    /// The same by a command of its own, which runs `flowscript` with the arguments that it gets.
    pub fn start_by(mut command: Command, folder: &Path, arguments: &[&str]) -> Self {
        command.arg("serve").arg(folder).args(["--bind", "127.0.0.1:0"]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (seen, mut errors) = (log.clone(), BufReader::new(child.stderr.take().unwrap()));
        std::thread::spawn(move || {
            let mut line = String::new();
            while errors.read_line(&mut line).is_ok_and(|read| read > 0) {
                seen.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().transpose().unwrap().unwrap_or_default();
        if !first.contains(" at ") {
            std::thread::sleep(Duration::from_millis(200));
            panic!("the engine did not start: {first}\n{}", log.lock().unwrap())
        }
        // Its output shows the public address, if it has one; the lock file has the real one.
        let lock: Json = serde_json::from_slice(&fs::read(folder.join("data/lock")).unwrap()).unwrap();
        let base = lock["address"].as_str().unwrap().to_owned();
        std::thread::spawn(move || lines.count());
        Self { child, base, announced: first, project: folder.to_owned(), log }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Has it not ended?
    #[allow(dead_code, reason = "only the attacks ask")]
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_none())
    }

    /// Its memory, in bytes; 0 if the system does not report it.
    pub fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or_default() << 10
    }

    /// Its output on standard error.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// `GET`
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None)
    }

    /// `POST` of JSON.
    pub fn post(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, &[("Content-Type", "application/json")], Some(body.as_bytes()))
    }

    /// Any request.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = match body {
            Some(body) => agent.run(request.body(body).unwrap()),
            None => agent.run(request.body(()).unwrap()),
        };
        let mut answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}\n{}", self.log()));
        let text = String::from_utf8_lossy(&answer.body_mut().read_to_vec().unwrap()).into_owned();
        let headers = answer.headers().iter();
        let headers = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap_or_default().to_owned())).collect();
        Answer { status: answer.status().as_u16(), headers, text }
    }

    /// `GET` of the admin API.
    pub fn api(&self, path: &str) -> Json {
        let answer = self.send("GET", &format!("/api/v1{path}"), &[bearer()], None);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }

    /// A key of a workflow.
    pub fn key(&self, workflow: &str) -> String {
        let body = format!("{{\"workflow\": \"{workflow}\", \"label\": \"test\"}}");
        let answer = self.send("POST", "/api/v1/keys", &[bearer()], Some(body.as_bytes()));
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["key"].as_str().unwrap().to_owned()
    }

    /// A run once it is in this state.
    pub fn run_in(&self, run: &str, state: &str) -> Json {
        wait_for(&format!("run {run} is {state}"), || {
            let shown = self.api(&format!("/runs/{run}"));
            (shown["state"] == state).then_some(shown)
        })
    }

    /// `kill -9`: the process cannot do anything.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The same project again, by a new process.
    pub fn restart(self) -> Self {
        let project = self.project.clone();
        self.kill();
        Self::start(&project, &[])
    }

    /// Waits until the process ends by itself; its exit code.
    pub fn ended(&mut self) -> Option<i32> {
        wait_for("the engine ends", || self.child.try_wait().unwrap()).code()
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status().unwrap();
    assert!(sent.success());
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The answer of the engine.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// A header, in lower case; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// It is a problem of RFC 9457 with this status, and `part` in its detail.
    #[track_caller]
    pub fn is_problem(&self, status: u16, part: &str) {
        assert_eq!((self.status, self.header("content-type")), (status, "application/problem+json"), "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["status"], status, "{}", self.text);
        assert!(problem["detail"].as_str().unwrap().contains(part), "{part}: {}", self.text);
        assert!(problem["title"].is_string() && problem["type"].is_string(), "{}", self.text);
    }
}

/// The header that opens the admin API.
pub fn bearer() -> (&'static str, &'static str) {
    ("Authorization", "Bearer token-of-the-tests")
}

/// Waits until `ready` returns a value.
#[track_caller]
pub fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(started.elapsed() < SOON, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends bytes as they are, and reads until the connection ends.
pub fn raw(base: &str, bytes: &[u8]) -> String {
    use std::io::Write;
    let mut stream = std::net::TcpStream::connect(base.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    // The engine may answer and close before it has read everything.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
