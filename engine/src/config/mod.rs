//! The settings of a project: `flowscript.toml`, then the environment, then the command line. Unknown keys are refused.
//!
//! Rules for single values are checked where they are read, so that an error has the line and column of its value.

pub mod duration;
mod network;

pub use network::Network;

use crate::disk::{self, MOST_OF_PROJECT};
use flowscript_lang::value::Zone;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file of the settings of a project.
pub const SETTINGS: &str = "flowscript.toml";

/// The settings of an engine, with their defaults.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Config {
    /// Where the engine listens.
    #[serde(deserialize_with = "bind")]
    pub bind: SocketAddr,
    /// The public address for absolute links; without it they are left out.
    #[serde(deserialize_with = "public_url")]
    pub public_url: Option<String>,
    /// The team name of the token contract.
    pub team_name: String,
    /// Where the admin API listens, if elsewhere.
    pub admin: AdminConfig,
    /// The IANA zone of local times.
    #[serde(deserialize_with = "time_zone")]
    pub time_zone: Zone,
    /// The culture of number and date formats.
    pub culture: String,
    /// How many runs may be worked on at a time.
    #[serde(deserialize_with = "workers")]
    pub workers: u32,
    /// Proxies in front of the engine: the caller address that they forward is trusted.
    pub trusted_proxies: Vec<Network>,
    /// Where runs are kept.
    pub store: StoreConfig,
    /// The limits of runs and requests.
    pub limits: Limits,
    /// How long history stays.
    pub retention: Retention,
    /// The hosts that steps and scripts may reach.
    pub http: HttpConfig,
    /// Which warnings are given.
    pub lints: LintsConfig,
}

/// `[lints]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LintsConfig {
    /// The names of warnings that are switched off in the whole project.
    pub allow: Vec<String>,
}

/// `[admin]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AdminConfig {
    /// Where `/api`, `/metrics` and `/` are served, instead of with the webhooks.
    #[serde(deserialize_with = "admin_bind")]
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
    #[serde(deserialize_with = "room")]
    pub bodies_in_flight: usize,
    /// Bytes of all answers that wait for their readers.
    #[serde(deserialize_with = "room")]
    pub answers_in_flight: usize,
    /// Open connections; fewer where the system allows fewer open files.
    #[serde(deserialize_with = "connections")]
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
    /// Finished runs are deleted after this many days.
    pub days: u32,
    /// Above this number of finished runs the oldest are deleted.
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
            lints: LintsConfig::default(),
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

/// The fewest connections that an engine can be set to serve.
const LEAST_CONNECTIONS: usize = 16;
/// The least room for bodies and for answers, in bytes.
const LEAST_ROOM: usize = 1 << 20;

/// Writes the value of a variable into the settings. The error says what is wrong with it.
type Setter = fn(&mut Config, &str) -> Result<(), String>;

/// The variables of the environment that replace settings of the file.
const ENVIRONMENT: [(&str, Setter); 4] = [
    ("FLOWSCRIPT_BIND", |config, text| parse_address(text).map(|bind| config.bind = bind)),
    ("FLOWSCRIPT_PUBLIC_URL", |config, text| parse_url(text).map(|url| config.public_url = Some(url))),
    ("FLOWSCRIPT_TIME_ZONE", |config, text| parse_zone(text).map(|zone| config.time_zone = zone)),
    ("FLOWSCRIPT_STORE_URL", |config, text| {
        text.clone_into(&mut config.store.url);
        Ok(())
    }),
];

impl Config {
    /// The settings of the project in `folder`: defaults, its `flowscript.toml`, the environment. The error names the
    /// file, the line and the column, or the variable.
    pub fn load(folder: &Path) -> Result<Self, String> {
        let file = folder.join(SETTINGS);
        let text = match disk::read_text(&file, MOST_OF_PROJECT) {
            Ok(text) => text,
            Err(unread) if unread.is_missing() && !file.is_symlink() => String::new(),
            Err(unread) => return Err(format!("{} cannot be read: {unread}", file.display())),
        };
        let mut config = Self::read(&text).map_err(|problem| format!("{}:{problem}", file.display()))?;
        for (variable, set) in ENVIRONMENT {
            if let Ok(value) = std::env::var(variable) {
                set(&mut config, &value).map_err(|problem| format!("{variable}: {problem}"))?;
            }
        }
        Ok(config)
    }

    /// Parses settings. The error begins with its line and column. It quotes no line of the text: an address in it may
    /// contain a password.
    fn read(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            format!("{line}:{column}: {}", error.message().replace('\n', "; "))
        })
    }

    /// The file of the embedded store, from the URL.
    pub fn store_file(&self, folder: &Path) -> Result<PathBuf, String> {
        let url = &self.store.url;
        match url.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Ok(folder.join(path)),
            _ => Err(format!(
                "`store.url` is `{url}`; this version keeps runs in SQLite only: write sqlite:./data/flowscript.db"
            )),
        }
    }
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("`{text}` is not an address with a port; write one such as 127.0.0.1:7070"))
}

fn parse_url(text: &str) -> Result<String, String> {
    if text.starts_with("http://") || text.starts_with("https://") {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is not the address of a server; it must begin with http:// or https://"))
}

fn parse_zone(name: &str) -> Result<Zone, String> {
    name.parse().map_err(|_| format!("`{name}` is not a time zone; use an IANA name such as Europe/Stockholm"))
}

fn bind<'de, D: Deserializer<'de>>(from: D) -> Result<SocketAddr, D::Error> {
    parse_address(&String::deserialize(from)?).map_err(D::Error::custom)
}

fn admin_bind<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    bind(from).map(Some)
}

fn public_url<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    parse_url(&String::deserialize(from)?).map(Some).map_err(D::Error::custom)
}

fn time_zone<'de, D: Deserializer<'de>>(from: D) -> Result<Zone, D::Error> {
    parse_zone(&String::deserialize(from)?).map_err(D::Error::custom)
}

fn span<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    duration::parse(&String::deserialize(from)?).map_err(D::Error::custom)
}

fn workers<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    match u32::deserialize(from)? {
        0 => Err(D::Error::custom("`workers` is 0; at least 1 run must be worked on at a time")),
        workers => Ok(workers),
    }
}

fn connections<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    at_least(LEAST_CONNECTIONS, "connections", from)
}

fn room<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    at_least(LEAST_ROOM, "bytes", from)
}

fn at_least<'de, D: Deserializer<'de>>(least: usize, unit: &str, from: D) -> Result<usize, D::Error> {
    let given = usize::deserialize(from)?;
    if given < least {
        return Err(D::Error::custom(format!("{given} {unit} are too few; the least is {least}")));
    }
    Ok(given)
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
        check("bnid = '1.2.3.4:1'", "flowscript.toml:1:1: unknown field `bnid`, expected one of `bind`");
        check("[limits]\nrnu = '5m'", "flowscript.toml:2:1: unknown field `rnu`");
        check("[limits]\n  run = '5'", "flowscript.toml:2:9: `5` is not a duration");
        check("timeZone = 'Mars'", ":1:12: `Mars` is not a time zone");
        check("bind = 'here'", ":1:8: `here` is not an address with a port");
        check("# Å\nadmin.bind = 'here'", ":2:14: `here` is not an address with a port");
        check("publicUrl = 'x.com'", ":1:13: `x.com` is not the address of a server");
        check("workers = 0", ":1:11: `workers` is 0");
        check("workers = 'a'", ":1:11: invalid type: string \"a\", expected u32");
        check("trustedProxies = ['10.0.0.1/8']", "begins with 10.0.0.0");
        check("limits.connections = 3", ":1:22: 3 connections are too few; the least is 16");
        check("limits.answersInFlight = 1000", ":1:26: 1000 bytes are too few");
        check("bind = ", ":1:8: ");
        check("bind = '0.0.0.0:80'\nbind = '0.0.0.0:81'", ":2:1: duplicate key");
        assert!(
            load("store.url = 'postgres://x'").unwrap().store_file(Path::new(".")).unwrap_err().contains("SQLite only")
        );
    }
}
