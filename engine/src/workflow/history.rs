//! The history of a workflow's runs: what is kept, what is masked, and the limits of runs.

pub use crate::redact::{MASK, MOST_SECRETS, Redact};

use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// When a part of a run's diagnostics is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// Never.
    Off,
    /// If the run fails.
    Failures,
    /// Always.
    On,
}

impl Keep {
    /// The words of the file.
    pub const WORDS: [(&str, Self); 3] = [("off", Self::Off), ("failures", Self::Failures), ("on", Self::On)];

    /// Is it kept for a run that ended like this?
    pub fn keeps(self, failed: bool) -> bool {
        self == Self::On || (self == Self::Failures && failed)
    }
}

/// The diagnostics that are kept of each run. A retry never depends on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Diagnostics {
    /// The inputs.
    pub input: Keep,
    /// The output.
    pub output: Keep,
    /// The variables before and after each step.
    pub variables: Keep,
}

impl Default for Diagnostics {
    fn default() -> Self {
        Self { input: Keep::On, output: Keep::On, variables: Keep::Failures }
    }
}

/// Diagnostics as they were switched while the engine runs; a part that is missing follows the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DiagnosticsSwitch {
    /// The inputs.
    pub input: Option<Keep>,
    /// The output.
    pub output: Option<Keep>,
    /// The variables before and after each step.
    pub variables: Option<Keep>,
}

impl DiagnosticsSwitch {
    /// The settings in force with those of the file.
    pub fn over(self, file: Diagnostics) -> Diagnostics {
        Diagnostics {
            input: self.input.unwrap_or(file.input),
            output: self.output.unwrap_or(file.output),
            variables: self.variables.unwrap_or(file.variables),
        }
    }

    /// The bytes for the store; `None` if all settings are those of the file. The error says why it cannot be encoded.
    pub fn encode(self) -> Result<Option<Vec<u8>>, String> {
        let bytes = (self != Self::default()).then(|| serde_json::to_vec(&self)).transpose();
        bytes.map_err(|error| format!("diagnostics settings cannot be written: {error}"))
    }

    /// The switch from its stored bytes. The error says what is wrong with them.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| format!("stored diagnostics settings are damaged: {error}"))
    }
}

/// The limits of runs of one workflow; for missing ones the settings of the engine apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunLimits {
    /// How long a run may take, without queueing and waits.
    pub run: Option<Duration>,
    /// Steps of one script.
    pub script_steps: Option<u64>,
    /// Bytes of the live values of one script.
    pub script_memory: Option<usize>,
    /// Lines of a run's log.
    pub log_lines: Option<u32>,
    /// Queued runs.
    pub queue: Option<u32>,
}

impl RunLimits {
    /// How many runs may be queued, where workflows that set no limit have `usual`.
    pub fn queued(&self, usual: u32) -> u32 {
        self.queue.unwrap_or(usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_wins_over_the_file() {
        let switch = DiagnosticsSwitch { variables: Some(Keep::On), ..DiagnosticsSwitch::default() };
        let there = DiagnosticsSwitch::decode(&switch.encode().unwrap().unwrap()).unwrap();
        assert_eq!(there.over(Diagnostics::default()), Diagnostics { variables: Keep::On, ..Diagnostics::default() });
        assert_eq!(DiagnosticsSwitch::default().encode(), Ok(None));
    }
}
