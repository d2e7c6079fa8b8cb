//! Keys that say how runs are worked on: `concurrency`, `onFailure`, `durability`.

use super::Reader;
use crate::workflow::id_of_path;
use crate::workflow::model::{Durability, Response, Step, Webhook};
use crate::workflow::problem::{Problem, codes};
use crate::yaml::{Entry, Node};

/// The highest `concurrency`.
const MAX_CONCURRENCY: u32 = 10_000;

impl Reader<'_> {
    /// How many runs at a time.
    pub(super) fn concurrency(&mut self, node: &Node) -> Option<u32> {
        self.whole(node, "concurrency", 1..=MAX_CONCURRENCY)
    }

    /// The id of a workflow. Whether there is one is for whoever sees the whole folder.
    pub(super) fn workflow_id(&mut self, node: &Node) -> Option<String> {
        let id = node.scalar().map(|scalar| scalar.text.as_str()).unwrap_or_default();
        if id_of_path(&format!("{}.yaml", id.replace('.', "/"))).is_err() {
            self.wrong(node, "The id of a workflow is wanted, such as item-price or erp.item-price");
            return None;
        }
        self.references.push((id.to_owned(), node.place));
        Some(id.to_owned())
    }

    /// `strict`, or `relaxed` where nothing depends on what is kept.
    pub(super) fn durability(&mut self, entry: &Entry, webhook: Option<&Webhook>, has_slots: bool) -> Durability {
        let words = [("strict", Durability::Strict), ("relaxed", Durability::Relaxed)];
        let durability = self.word(&entry.value, "durability", &words).unwrap_or(Durability::Strict);
        if durability == Durability::Strict {
            return durability;
        }
        let against = match webhook {
            Some(webhook) if webhook.response == Response::Accept => {
                Some("`response: accept` promises that the run is kept")
            }
            Some(webhook) if webhook.ordered.is_some() => {
                Some("`ordered` needs the run's place in its lane to be kept")
            }
            _ if self.steps.iter().any(Step::acts) || self.called.values().any(|callee| callee.acts()) => {
                Some("a step acts on something outside")
            }
            _ if has_slots => Some("`concurrency` needs the run to be kept while it runs"),
            _ => None,
        };
        if let Some(reason) = against {
            let message = format!("`durability: relaxed` is not possible here: {reason}");
            let hint = "Leave `durability` out: each answer then waits until its run is on disk.";
            self.report(Problem::new(codes::WRONG_VALUE, entry.value.place, message).with_hint(hint));
        }
        durability
    }
}
