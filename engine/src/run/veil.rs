//! What a run's texts must not say: the values that `redact` names, as far as the run has come.

use super::strand::Variables;
use crate::trigger::webhook::Request;
use crate::workflow::history::{Redact, without_secrets};
use crate::workflow::model::Workflow;
use std::collections::BTreeSet;

/// So many texts are remembered; a run with more of them masks the first.
const MOST: usize = 10_000;

/// Texts that are masked wherever they stand.
#[derive(Debug, Default)]
pub(super) struct Veil(BTreeSet<String>);

impl Veil {
    /// Learns what masked variables hold now.
    pub(super) fn learn(&mut self, workflow: &Workflow, variables: &Variables) {
        if workflow.redact.is_empty() {
            return;
        }
        let mut secrets = Vec::new();
        for (slot, name) in workflow.names.iter().enumerate().filter(|(_, name)| workflow.redact.touches(name)) {
            workflow.redact.secrets(name, variables.get(slot), &mut secrets);
        }
        self.remember(secrets);
    }

    /// Learns what is masked in a request.
    pub(super) fn learn_request(&mut self, redact: &Redact, request: &Request) {
        if !redact.is_empty() {
            self.remember(request.secrets(redact));
        }
    }

    fn remember(&mut self, secrets: Vec<String>) {
        for secret in secrets {
            if self.0.len() < MOST {
                self.0.insert(secret);
            }
        }
    }

    /// A text without them.
    pub(super) fn over(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { without_secrets(text, self.0.iter()) }
    }
}
