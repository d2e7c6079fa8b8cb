//! The options of the commands that run scripts.

use super::host::{CommandHost, Random};
use super::http::Permission;
use super::interrupt::Interrupts;
use crate::output::{Format, Stop};
use flowscript_lang::value::{Zone, parse_datetime};
use flowscript_lang::{Limits, Settings};
use flowscript_stdlib::format::Culture;
use std::sync::Arc;

/// What a script sees of the world.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "The world of the script")]
pub struct HostOptions {
    /// What the clock shows, such as 2024-03-01T12:00:00Z, instead of the machine's time
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// Random numbers and Guid() start from N: the same script gives the same values
    #[arg(long, value_name = "N", value_parser = whole_number)]
    seed: Option<u64>,
    /// The time zone of times without an offset
    #[arg(long, value_name = "ZONE", env = "FLOWSCRIPT_TIME_ZONE", default_value = "UTC", value_parser = flowscript_stdlib::find_zone)]
    time_zone: Zone,
    /// The culture of number and date formats
    #[arg(long, value_name = "NAME", env = "FLOWSCRIPT_CULTURE", default_value = "en-US", value_parser = culture)]
    culture: &'static str,
    /// End the script with an error after N steps (passes of loops, calls, rows)
    #[arg(long, value_name = "N", value_parser = whole_number)]
    max_steps: Option<u64>,
    /// Let the script send HTTP requests, to all hosts or only to the named ones (`example.com`, `localhost:8080`)
    #[arg(long, value_name = "HOST", num_args = 0..)]
    allow_http: Option<Vec<String>>,
}

/// The options of `run` and `eval`.
#[derive(Clone, Debug, clap::Args)]
pub struct ScriptOptions {
    /// A JSON object whose fields become variables, or the file that holds it as @FILE
    #[arg(long, value_name = "JSON|@FILE")]
    pub input: Option<String>,
    /// Print the result as one line of JSON
    #[arg(long)]
    pub json: bool,
    /// Print the time and the steps of each line to standard error, once the script has run
    #[arg(long)]
    pub profile: bool,
    /// How to print errors
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    #[command(flatten)]
    pub host: HostOptions,
}

impl HostOptions {
    /// The last word after `--allow-http` if it must be something else, since nothing else was given.
    pub fn take_last_host(&mut self) -> Option<String> {
        self.allow_http.as_mut()?.pop()
    }

    /// The settings of runs.
    pub fn settings(&self) -> Settings {
        let limits = Limits { steps: self.max_steps, ..Limits::default() };
        Settings { zone: self.time_zone, culture: self.culture.into(), limits, asserts: false }
    }

    /// The world.
    pub fn host(&self, interrupts: Arc<Interrupts>) -> Result<CommandHost, Stop> {
        let now = match &self.now {
            None => None,
            Some(text) => Some(
                parse_datetime(text, self.time_zone).map(|at| (at.unix_seconds(), at.nanos())).ok_or_else(|| {
                    Stop::new(format!("--now `{text}` is not a time."))
                        .with_hint("write it as 2024-03-01 or 2024-03-01T12:30:00Z")
                })?,
            ),
        };
        let random = self.seed.map_or(Random::System, |seed| Random::Seeded(seed.into()));
        let http = match &self.allow_http {
            None => Permission::Nowhere,
            Some(hosts) if hosts.is_empty() => Permission::Everywhere,
            Some(hosts) => Permission::Hosts(hosts.clone()),
        };
        Ok(CommandHost { now, random, http, interrupts })
    }
}

fn whole_number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "a whole number is expected, 0 or more".to_owned())
}

fn culture(name: &str) -> Result<&'static str, String> {
    Culture::find(name).map(|culture| culture.name).map_err(|unknown| unknown.to_string())
}
