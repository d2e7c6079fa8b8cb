//! How answers look that name a run.

use super::accept::Accept;
use crate::engine::RunId;

/// How the answers of a webhook look.
#[derive(Clone, Debug, Default)]
pub struct Style {
    /// What stands in front of a run's id where the run can be asked for; nothing where it cannot.
    pub runs: Option<String>,
    /// Which formats the caller takes.
    pub accept: Accept,
}

impl Style {
    /// Where a run can be asked for.
    pub fn status_url(&self, run: RunId) -> Option<String> {
        self.runs.as_ref().map(|runs| format!("{runs}{run}"))
    }
}
