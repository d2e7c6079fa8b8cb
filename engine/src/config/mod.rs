//! The settings of a project: `flowscript.toml`, then the environment, then the command line. Unknown keys are refused.

pub mod duration;
mod network;

pub use network::Network;

use crate::disk::{self, MOST_OF_PROJECT};
use figment::Figment;
use figment::providers::{Format, Toml};
use flowscript_lang::value::Zone;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The settings of an engine, with their defaults.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Config {
    /// Where the engine listens.
    pub bind: SocketAddr,
    /// The address others see, for absolute links; none are given without it.
    pub public_url: Option<String>,
    /// What the token contract names as the team.
    pub team_name: String,
    /// Where the admin API listens, if elsewhere.
    pub admin: AdminConfig,
    /// The IANA zone of local times.
    #[serde(deserialize_with = "zone")]
    pub time_zone: Zone,
    /// The culture of number and date formats.
    pub culture: String,
    /// How many runs may be worked on at a time.
    pub workers: u32,
    /// Proxies in front of the engine: what they say about the address of a caller is believed.
    pub trusted_proxies: Vec<Network>,
    /// Where runs are kept.
    pub store: StoreConfig,
    /// What runs and requests may use up.
    pub limits: Limits,
    /// How long history stays.
    pub retention: Retention,
    /// Whom steps and scripts may reach.
    pub http: HttpConfig,
}

/// `[admin]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AdminConfig {
    /// Where `/api`, `/metrics` and `/` are served, instead of beside the webhooks.
    pub bind: Option<SocketAddr>,
}

/// `[http]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Hosts with addresses that are not public, as `host`, `host:port` or `*.domain`. Hosts of connections count too.
    pub allow: Vec<String>,
}

/// `[store]`
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StoreConfig {
    /// `sqlite:PATH`, relative to the project.
    pub url: String,
}

/// `[limits]`
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// How long a run may take, without queueing and waits.
    #[serde(deserialize_with = "span")]
    pub run: Duration,
    /// Steps of one script.
    pub script_steps: u64,
    /// Bytes of the live values of one script.
    pub script_memory: usize,
    /// Bytes of a request's body, after decompression.
    pub body: usize,
    /// Bytes of all bodies that come in or are being worked on, with the values that they are decoded to.
    pub bodies_in_flight: usize,
    /// Bytes of all answers that wait for their readers.
    pub answers_in_flight: usize,
    /// Open connections; fewer where the system allows fewer open files.
    pub connections: usize,
    /// Bytes of the answer to a request of a step or script.
    pub fetched_body: usize,
    /// Bytes that the variables of a run may take in the store.
    pub variables: usize,
    /// Lines of a run's log.
    pub log_lines: u32,
    /// Queued runs of a workflow.
    pub queue: u32,
}

/// `[retention]`
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Retention {
    /// Finished runs go after this many days.
    pub days: u32,
    /// Of more finished runs than this the oldest go.
    pub runs: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 7070)),
            public_url: None,
            team_name: String::new(),
            admin: AdminConfig::default(),
            time_zone: Zone::UTC,
            culture: "en-US".into(),
            workers: 64,
            trusted_proxies: Vec::new(),
            store: StoreConfig::default(),
            limits: Limits::default(),
            retention: Retention::default(),
            http: HttpConfig::default(),
        }
    }
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { url: "sqlite:./data/flowscript.db".into() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            run: Duration::from_secs(3600),
            script_steps: 50_000_000,
            script_memory: 256 << 20,
            body: 1 << 20,
            bodies_in_flight: 256 << 20,
            answers_in_flight: 256 << 20,
            connections: 10_000,
            fetched_body: 16 << 20,
            variables: 16 << 20,
            log_lines: 1000,
            queue: 10_000,
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self { days: 30, runs: 1_000_000 }
    }
}

/// The fewest connections that an engine can be told to serve.
const LEAST_CONNECTIONS: usize = 16;
/// The least room for bodies and for answers, in bytes.
const LEAST_ROOM: usize = 1 << 20;

/// Settings that may stand in the environment, and their key in the file.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("FLOWSCRIPT_BIND", "bind"),
    ("FLOWSCRIPT_PUBLIC_URL", "publicUrl"),
    ("FLOWSCRIPT_TIME_ZONE", "timeZone"),
    ("FLOWSCRIPT_STORE_URL", "store.url"),
];

impl Config {
    /// The settings of the project in `folder`: defaults, its `flowscript.toml`, the environment. The error names the
    /// file and the key.
    pub fn load(folder: &Path) -> Result<Self, String> {
        let file = folder.join("flowscript.toml");
        let mut figment = match disk::read_text(&file, MOST_OF_PROJECT) {
            Ok(text) => Figment::new().merge(Toml::string(&text)),
            Err(unread) if unread.is_missing() && !file.is_symlink() => Figment::new(),
            Err(unread) => return Err(format!("{} cannot be read: {unread}", file.display())),
        };
        for (variable, key) in ENVIRONMENT {
            if let Ok(value) = std::env::var(variable) {
                figment = figment.merge(figment::providers::Serialized::global(key, value));
            }
        }
        let config: Self = figment.extract().map_err(|error| {
            let lines: Vec<String> = error.into_iter().map(|e| describe(&e)).collect();
            format!("{}: {}", file.display(), lines.join("; "))
        })?;
        config.check().map_err(|problem| format!("{}: {problem}", file.display()))?;
        Ok(config)
    }

    /// The file of the embedded store, as the URL names it.
    pub fn store_file(&self, folder: &Path) -> Result<PathBuf, String> {
        let url = &self.store.url;
        match url.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Ok(folder.join(path)),
            _ => Err(format!(
                "`store.url` is `{url}`; this version keeps runs in SQLite only: write sqlite:./data/flowscript.db"
            )),
        }
    }

    fn check(&self) -> Result<(), String> {
        if self.workers == 0 {
            return Err("`workers` is 0; at least 1 run must be worked on at a time".into());
        }
        let limits = &self.limits;
        if limits.connections < LEAST_CONNECTIONS {
            let given = limits.connections;
            return Err(format!("`limits.connections` is {given}; {LEAST_CONNECTIONS} are the least"));
        }
        let rooms = [("bodiesInFlight", limits.bodies_in_flight), ("answersInFlight", limits.answers_in_flight)];
        for (key, bytes) in rooms {
            if bytes < LEAST_ROOM {
                return Err(format!("`limits.{key}` is {bytes}; {LEAST_ROOM} bytes are the least"));
            }
        }
        if let Some(url) = &self.public_url
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            return Err(format!("`publicUrl` is `{url}`; it must begin with http:// or https://"));
        }
        Ok(())
    }
}

fn describe(error: &figment::Error) -> String {
    let path = error.path.join(".");
    if path.is_empty() { error.kind.to_string() } else { format!("`{path}`: {}", error.kind) }
}

fn zone<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Zone, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse().map_err(|_| {
        serde::de::Error::custom(format!("`{name}` is not a time zone; use an IANA name such as Europe/Stockholm"))
    })
}

fn span<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    duration::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("flowscript.toml"), text).unwrap();
        Config::load(folder.path())
    }

    #[test]
    fn defaults_without_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::load(folder.path()).unwrap();
        assert_eq!(config.bind.to_string(), "127.0.0.1:7070");
        assert_eq!(config.limits.body, 1_048_576);
        assert_eq!(config.store_file(Path::new("/p")).unwrap(), Path::new("/p/./data/flowscript.db"));
    }

    #[test]
    fn keys_of_the_file() {
        let config = load("bind = '0.0.0.0:80'\ntimeZone = 'Europe/Stockholm'\n[limits]\nrun = '5m'\n").unwrap();
        assert_eq!(config.bind.to_string(), "0.0.0.0:80");
        assert_eq!(config.time_zone.name(), "Europe/Stockholm");
        assert_eq!(config.limits.run, Duration::from_secs(300));
        assert_eq!(config.limits.queue, 10_000);
    }

    #[test]
    fn refusals_name_file_and_key() {
        let check = |text: &str, part: &str| {
            let error = load(text).unwrap_err();
            assert!(error.contains("flowscript.toml") && error.contains(part), "{error}");
        };
        check("bnid = '1.2.3.4:1'", "bnid");
        check("[limits]\nrnu = '5m'", "rnu");
        check("[limits]\nrun = '5'", "`5` is not a duration");
        check("timeZone = 'Mars'", "`Mars` is not a time zone");
        check("bind = 'here'", "bind");
        check("workers = 0", "`workers` is 0");
        check("trustedProxies = ['10.0.0.1/8']", "begins with 10.0.0.0");
        check("limits.connections = 3", "`limits.connections` is 3");
        check("limits.answersInFlight = 1000", "`limits.answersInFlight` is 1000");
        check("bind = ", "");
        assert!(
            load("store.url = 'postgres://x'").unwrap().store_file(Path::new(".")).unwrap_err().contains("SQLite only")
        );
    }
}
