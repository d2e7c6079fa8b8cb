//! How answers look that name a run.

use super::accept::Accept;
use crate::engine::RunId;

/// How the answers of a webhook look.
#[derive(Clone, Debug, Default)]
pub struct Style {
    /// The address of a run without its id; nothing if runs cannot be requested.
    pub runs: Option<String>,
    /// Which formats the caller takes.
    pub accept: Accept,
}

impl Style {
    /// The address of a run.
    pub fn status_url(&self, run: RunId) -> Option<String> {
        self.runs.as_ref().map(|runs| format!("{runs}{run}"))
    }
}
