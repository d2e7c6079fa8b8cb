//! What a workflow file loaded to.

use crate::access::Lock;
use crate::workflow::model::Workflow;
use crate::yaml::problem::{Problem, codes};
use std::sync::Arc;

/// A workflow file after it was loaded.
#[derive(Clone, Debug)]
pub struct LoadedFile {
    /// Its path in the project.
    pub path: String,
    /// The workflow, unless something is wrong.
    pub workflow: Option<Arc<Workflow>>,
    /// What opens its webhook.
    pub lock: Lock,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

impl LoadedFile {
    /// Has reading it taken more work than a file may take, or was there no time for it?
    pub fn is_costly(&self) -> bool {
        self.problems.iter().any(|problem| [codes::TOO_COSTLY, codes::LATE].contains(&problem.code))
    }

    /// Was there no time for it?
    pub fn is_late(&self) -> bool {
        self.problems.iter().any(|problem| problem.code == codes::LATE)
    }
}
