//! The masking of a run's texts: the values that `redact` names, as far as the run has progressed.

use super::strand::Variables;
use crate::secret::{MASK, in_addresses};
use crate::trigger::webhook::Request;
use crate::workflow::history::{MOST_SECRETS, Redact};
use crate::workflow::model::Workflow;
use aho_corasick::{AhoCorasick, MatchKind};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// The most bytes of all remembered texts; a run with more of them masks the first.
const MOST_BYTES: usize = 1 << 20;

/// Texts that are masked wherever they occur.
#[derive(Debug, Default)]
pub(super) struct Veil {
    texts: BTreeSet<String>,
    bytes: usize,
    /// Built when a text is masked, from the values known then.
    finder: OnceLock<Option<AhoCorasick>>,
}

impl Veil {
    /// Adds the current values of masked variables.
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

    /// Adds the masked values of a request.
    pub(super) fn learn_request(&mut self, redact: &Redact, request: &Request) {
        if !redact.is_empty() {
            self.remember(request.secrets(redact));
        }
    }

    fn remember(&mut self, secrets: Vec<String>) {
        for secret in secrets {
            if self.texts.contains(&secret) {
                continue;
            }
            for form in forms(secret) {
                if self.texts.len() < MOST_SECRETS && self.bytes + form.len() <= MOST_BYTES {
                    self.bytes += form.len();
                    self.texts.insert(form);
                    self.finder = OnceLock::new();
                }
            }
        }
    }

    /// A text without them.
    pub(super) fn over(&self, text: &str) -> String {
        if self.texts.is_empty() {
            return text.to_owned();
        }
        let made = self
            .finder
            .get_or_init(|| AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&self.texts).ok());
        let Some(finder) = made else { return MASK.to_owned() };
        let mut veiled = String::with_capacity(text.len());
        let mut end = 0;
        for found in finder.find_iter(text) {
            veiled.push_str(text.get(end..found.start()).unwrap_or_default());
            veiled.push_str(MASK);
            end = found.end();
        }
        veiled.push_str(text.get(end..).unwrap_or_default());
        veiled
    }
}

/// The forms of a text in other texts: as it is, in an address, in a literal.
fn forms(secret: String) -> BTreeSet<String> {
    let mut forms = BTreeSet::from(in_addresses(&secret));
    forms.insert(secret.escape_debug().to_string());
    forms.insert(secret);
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_masked_in_every_form_at_once() {
        let mut veil = Veil::default();
        assert_eq!(veil.over("4111 1111"), "4111 1111");
        veil.remember(vec!["4111 1111".into(), "it's \"me\"".into(), "4111 1111 2222".into()]);
        assert_eq!(veil.over("a 4111 1111 b"), "a *** b");
        assert_eq!(veil.over("4111 1111 2222"), "***", "the longest counts");
        assert_eq!(veil.over("GET /x/4111%201111?y failed"), "GET /x/***?y failed");
        assert_eq!(veil.over("'it\\'s \\\"me\\\"'"), "'***'");
        veil.remember(vec!["later".into()]);
        assert_eq!(veil.over("sooner or later"), "sooner or ***");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut veil = Veil::default();
        veil.remember((0..200_000).map(|n| format!("secret number {n}")).collect());
        veil.remember(vec!["x".repeat(2 << 20)]);
        assert!(veil.texts.len() <= MOST_SECRETS && veil.bytes <= MOST_BYTES);
        assert_eq!(veil.over("secret number 0"), "***");
    }
}
