//! The keys for running: `concurrency`, `onFailure`, `durability`.

use crate::reading::{Reader, is_workflow_id};
use crate::workflow::model::{Durability, Response, Webhook};
use crate::yaml::problem::{Fix, Problem, codes};
use crate::yaml::{Entry, Node};

/// The highest `concurrency`.
pub(super) const MAX_CONCURRENCY: u32 = 10_000;

/// How many runs at a time.
pub(super) fn concurrency(reader: &mut Reader<'_>, node: &Node) -> Option<u32> {
    reader.whole(node, "concurrency", 1..=MAX_CONCURRENCY)
}

/// The id of a workflow. Whether it exists is checked with the whole folder.
pub(super) fn workflow_id(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let id = node.scalar().map(|scalar| scalar.text.as_str()).unwrap_or_default();
    if !is_workflow_id(id) {
        reader.wrong(node, "The id of a workflow is expected, such as item-price or erp.item-price");
        return None;
    }
    reader.names_workflow(id, node.place);
    Some(id.to_owned())
}

/// `strict`, or `relaxed` if nothing depends on stored state.
pub(super) fn durability(
    reader: &mut Reader<'_>,
    entry: &Entry,
    webhook: Option<&Webhook>,
    acts: bool,
    has_slots: bool,
) -> Durability {
    let words = [("strict", Durability::Strict), ("relaxed", Durability::Relaxed)];
    let durability = reader.word(&entry.value, "durability", &words).unwrap_or(Durability::Strict);
    if durability == Durability::Strict {
        return durability;
    }
    let against = match webhook {
        Some(webhook) if webhook.response == Response::Accept => {
            Some("`response: accept` promises that the run is kept")
        }
        Some(webhook) if webhook.ordered.is_some() => Some("`ordered` needs the run's place in its lane to be kept"),
        _ if acts => Some("a step acts on something outside"),
        _ if has_slots => Some("`concurrency` needs the run to be kept while it runs"),
        _ => None,
    };
    if let Some(reason) = against {
        let message = format!("`durability: relaxed` is not possible here: {reason}");
        let hint = "Leave `durability` out, or write `strict`: each answer then waits until its run is on disk.";
        let fix = Fix::replace(entry.value.place, entry.value.end, "strict");
        reader.report(Problem::new(codes::WRONG_VALUE, entry.value.place, message).with_hint(hint).with_fix(fix));
    }
    durability
}
