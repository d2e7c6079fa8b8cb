//! Commands that use an engine: through its API if one is running, else through the same API on the store itself.

use clap::Args;
use flowscript_engine::config::Config;
use flowscript_engine::engine::Engine;
use flowscript_engine::http::{AdminToken, Local};
use flowscript_engine::outgoing::reason;
use flowscript_engine::store::FolderLock;
use serde_json::Value as Json;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which engine a command means.
#[derive(Args)]
pub struct TargetArgs {
    /// The address of a running engine; `FLOWSCRIPT_TOKEN` opens it.
    #[arg(long)]
    url: Option<String>,
    /// The project's folder.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
}

/// The target of a command.
pub enum Target {
    /// Through the API of a running engine.
    Running(Remote),
    /// On the store of a folder that no engine holds.
    Folder(PathBuf),
}

/// The admin API of a target.
pub enum Api {
    /// Of a running engine.
    Remote(Remote),
    /// Over the store of a folder, which is locked meanwhile.
    Folder(Box<InFolder>),
}

/// The admin API of a running engine.
pub struct Remote {
    base: String,
    token: String,
    client: reqwest::Client,
    runtime: Arc<tokio::runtime::Runtime>,
}

/// Lines of the stream of a run's events, as they arrive.
pub struct Lines {
    answer: reqwest::Response,
    runtime: Arc<tokio::runtime::Runtime>,
    whole: VecDeque<String>,
    /// The received part of an unfinished line.
    begun: Vec<u8>,
}

/// The admin API over the store of a folder.
pub struct InFolder {
    runtime: tokio::runtime::Runtime,
    local: Local,
    _lock: FolderLock,
}

impl TargetArgs {
    /// Finds the target. The error says what is missing.
    pub fn find(&self) -> Result<Target, String> {
        let data = self.dir.join("data");
        if let Some(url) = &self.url {
            return Ok(Target::Running(Remote::new(url, &data)?));
        }
        if !self.dir.is_dir() {
            return Err(format!("{} is not a folder", self.dir.display()));
        }
        match FolderLock::holder(&data).map_err(|error| error.to_string())? {
            None => Ok(Target::Folder(self.dir.clone())),
            Some(holder) => match holder.address {
                Some(address) => Ok(Target::Running(Remote::new(&address, &data)?)),
                None => Err(format!("another program holds {} and does not serve yet; try again", data.display())),
            },
        }
    }

    /// The admin API of the target.
    pub fn api(&self) -> Result<Api, String> {
        match self.find()? {
            Target::Running(remote) => Ok(Api::Remote(remote)),
            Target::Folder(folder) => Ok(Api::Folder(Box::new(InFolder::open(&folder)?))),
        }
    }

    /// The project's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Api {
    /// `GET`; the error is the engine's message.
    pub fn get(&self, path: &str) -> Result<Json, String> {
        self.send("GET", path, None)
    }

    /// A request with JSON; the error is the engine's message.
    pub fn send(&self, method: &str, path: &str, body: Option<&Json>) -> Result<Json, String> {
        let body = body.map(Json::to_string).unwrap_or_default();
        match self {
            Self::Remote(remote) => remote.send(method, path, body),
            Self::Folder(folder) => {
                let path = format!("/api/v1{path}");
                let (status, bytes) = folder.runtime.block_on(folder.local.send(method, &path, body))?;
                read(status, &bytes, "the engine")
            }
        }
    }
}

impl InFolder {
    fn open(project: &Path) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("threads cannot be started: {error}"))?;
        let lock = crate::serve::lock(project)?;
        let config = Config::load(project)?;
        let store = crate::serve::open_store(&config, project)?;
        let local = runtime.block_on(async { Engine::load(config, project, store).await.map(Local::new) })?;
        Ok(Self { runtime, local, _lock: lock })
    }
}

impl Remote {
    fn new(base: &str, data: &Path) -> Result<Self, String> {
        let token = AdminToken::find(data)?;
        let client = flowscript_engine::outgoing::client().build();
        let client = client.map_err(|error| format!("requests cannot be sent: {error}"))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("threads cannot be started: {error}"))?;
        Ok(Self { base: format!("{}/api/v1", base.trim_end_matches('/')), token, client, runtime: Arc::new(runtime) })
    }

    /// `GET`; the error is the engine's message.
    pub fn get(&self, path: &str) -> Result<Json, String> {
        self.send("GET", path, String::new())
    }

    /// `POST` with JSON; the error is the engine's message.
    pub fn post(&self, path: &str, body: &Json) -> Result<Json, String> {
        self.send("POST", path, body.to_string())
    }

    /// Lines of the stream of a run's events, as they arrive: each means that something has happened.
    pub fn events(&self, run: &str) -> Result<Lines, String> {
        let answer = self.call("GET", &format!("/events?run={run}"), String::new())?;
        if answer.status().as_u16() != 200 {
            return Err(format!("{} sends no events: it answered {}", self.base, answer.status()));
        }
        Ok(Lines { answer, runtime: self.runtime.clone(), whole: VecDeque::new(), begun: Vec::new() })
    }

    fn send(&self, method: &str, path: &str, body: String) -> Result<Json, String> {
        let answer = self.call(method, path, body)?;
        let status = answer.status().as_u16();
        let bytes = self.runtime.block_on(answer.bytes());
        let bytes = bytes.map_err(|error| format!("{} broke off: {}", self.base, reason(&error)))?;
        read(status, &bytes, &self.base)
    }

    fn call(&self, method: &str, path: &str, body: String) -> Result<reqwest::Response, String> {
        let url = format!("{}{path}", self.base);
        let method = method.parse().map_err(|_| format!("`{method}` is not a method of HTTP"))?;
        let request = self.client.request(method, url).bearer_auth(&self.token);
        let request = if body.is_empty() { request } else { request.body(body) };
        let answer = self.runtime.block_on(request.header("Content-Type", "application/json").send());
        answer.map_err(|error| format!("{} does not answer: {}", self.base, reason(&error)))
    }
}

impl Iterator for Lines {
    type Item = String;

    /// The next line with data or a keep-alive; `None` after the end of the stream.
    fn next(&mut self) -> Option<String> {
        loop {
            while let Some(line) = self.whole.pop_front() {
                if line.starts_with("data:") || line.starts_with(':') {
                    return Some(line);
                }
            }
            let chunk = self.runtime.block_on(self.answer.chunk()).ok()??;
            for byte in chunk {
                match byte {
                    b'\n' => {
                        self.whole.push_back(String::from_utf8_lossy(&self.begun).into_owned());
                        self.begun.clear();
                    }
                    byte => self.begun.push(byte),
                }
            }
        }
    }
}

/// The content of an answer; the error is the engine's message.
fn read(status: u16, bytes: &[u8], who: &str) -> Result<Json, String> {
    if (200..300).contains(&status) {
        if bytes.is_empty() {
            return Ok(Json::Null);
        }
        // A body that is not JSON is not an empty list.
        return serde_json::from_slice(bytes)
            .map_err(|error| format!("{who} does not answer as an engine does: {error}"));
    }
    let body: Json = serde_json::from_slice(bytes).unwrap_or_default();
    let detail = body.get("detail").and_then(Json::as_str).filter(|detail| !detail.is_empty());
    Err(detail.map_or_else(|| format!("{who} answered {status}"), str::to_owned))
}

/// A part of a path or a query, percent-encoded.
pub fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
