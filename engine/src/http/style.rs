//! The style of answers that name a run.

use super::accept::Accept;
use crate::engine::RunId;

/// The style of the answers of a webhook.
#[derive(Clone, Debug, Default)]
pub struct Style {
    /// The address of a run without its id; `None` if runs cannot be requested.
    pub runs: Option<String>,
    /// The formats that the caller accepts.
    pub accept: Accept,
}

impl Style {
    /// The address of a run.
    pub fn status_url(&self, run: RunId) -> Option<String> {
        self.runs.as_ref().map(|runs| format!("{runs}{run}"))
    }
}
