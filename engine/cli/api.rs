//! Commands that talk to an engine: through its API where one is running, else on the store itself.

use clap::Args;
use flowscript_engine::http::AdminToken;
use flowscript_engine::store::FolderLock;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

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

/// Where a command does its work.
pub enum Target {
    /// Through the API of a running engine.
    Api(Api),
    /// On the store of a folder that no engine holds.
    Folder(PathBuf),
}

/// The admin API of a running engine.
pub struct Api {
    base: String,
    token: String,
    agent: ureq::Agent,
}

impl TargetArgs {
    /// Finds out who is meant. The error says what is missing.
    pub fn find(&self) -> Result<Target, String> {
        let data = self.dir.join("data");
        if let Some(url) = &self.url {
            return Ok(Target::Api(Api::new(url, &data)?));
        }
        if !self.dir.is_dir() {
            return Err(format!("{} is not a folder", self.dir.display()));
        }
        match FolderLock::holder(&data).map_err(|error| error.to_string())? {
            None => Ok(Target::Folder(self.dir.clone())),
            Some(holder) => match holder.address {
                Some(address) => Ok(Target::Api(Api::new(&address, &data)?)),
                None => Err(format!("another program holds {} and does not serve yet; try again", data.display())),
            },
        }
    }

    /// The project's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Api {
    fn new(base: &str, data: &Path) -> Result<Self, String> {
        let token = AdminToken::find(data).ok_or_else(|| {
            format!("no admin token: set FLOWSCRIPT_TOKEN, or make {}/admin-token readable", data.display())
        })?;
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        Ok(Self { base: format!("{}/api/v1", base.trim_end_matches('/')), token, agent })
    }

    /// `GET`; the error is what the engine said.
    pub fn get(&self, path: &str) -> Result<Json, String> {
        let request = self.agent.get(format!("{}{path}", self.base)).header("Authorization", self.bearer());
        self.read(request.call())
    }

    /// `POST` with JSON; the error is what the engine said.
    pub fn post(&self, path: &str, body: &Json) -> Result<Json, String> {
        let request = self.agent.post(format!("{}{path}", self.base)).header("Authorization", self.bearer());
        self.read(request.content_type("application/json").send(body.to_string()))
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    fn read(&self, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Json, String> {
        let mut answer = answer.map_err(|error| format!("{} does not answer: {error}", self.base))?;
        let status = answer.status().as_u16();
        let body: Json = answer.body_mut().read_json().unwrap_or_default();
        if (200..300).contains(&status) {
            return Ok(body);
        }
        let detail = body.get("detail").and_then(Json::as_str).filter(|detail| !detail.is_empty());
        Err(detail.map_or_else(|| format!("{} answered {status}", self.base), str::to_owned))
    }
}
