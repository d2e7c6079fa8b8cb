//! The result of loading a workflow file.

use crate::access::Lock;
use crate::workflow::model::Workflow;
use crate::yaml::problem::{Problem, codes};
use std::sync::Arc;

/// A workflow file after it was loaded.
#[derive(Clone, Debug)]
pub struct LoadedFile {
    /// Its path in the project.
    pub path: String,
    /// Its text, if it can be read.
    pub text: Option<Arc<str>>,
    /// The workflow, unless it has an error.
    pub workflow: Option<Arc<Workflow>>,
    /// The lock of its webhook.
    pub lock: Lock,
    /// Its problems.
    pub problems: Vec<Problem>,
}

impl LoadedFile {
    /// Has reading it taken more work than a file may take, or was no time left for it?
    pub fn is_costly(&self) -> bool {
        self.problems.iter().any(|problem| [codes::TOO_COSTLY, codes::LATE].contains(&problem.code))
    }

    /// Was no time left for it?
    pub fn is_late(&self) -> bool {
        self.problems.iter().any(|problem| problem.code == codes::LATE)
    }
}
