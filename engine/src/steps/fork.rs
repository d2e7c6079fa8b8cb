//! Places where a run chooses between paths, while the steps of each path are read.

use super::graph::{LooseEnd, Ways};
use super::step::StepIndex;
use super::walk::{Given, Walk};
use crate::script::Scope;
use crate::yaml::Node;
use std::collections::HashSet;

/// A place where paths part. Each begins with what was known before; after the fork the variables set on all of them
/// are known.
pub(super) struct Fork {
    path: String,
    index: StepIndex,
    before: Scope,
    ids: HashSet<String>,
    after: Option<Scope>,
    firsts: Vec<Option<StepIndex>>,
    ends: Vec<LooseEnd>,
}

impl Walk<'_> {
    /// Paths part at the given step.
    pub(super) fn fork(&mut self, given: &Given<'_>) -> Fork {
        Fork {
            path: format!("{}/", given.position()),
            index: given.index(),
            before: self.reader().scope().clone(),
            ids: self.ids().clone(),
            after: None,
            firsts: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Counts a path: the scope and the ids are copied for it. `false` once the reading has been ended.
    pub(super) fn pay_for_way(&mut self) -> bool {
        let copied = self.reader().scope().width() + self.ids().len();
        self.reader().loading().pay(copied as u64)
    }

    /// Reads the steps of one path. `number` is that in their positions.
    pub(super) fn way(&mut self, fork: &mut Fork, number: usize, steps: &Node) {
        let others = self.swap_ids(fork.ids.clone());
        let way = self.list(steps, &format!("{}{number}/", fork.path));
        self.add_ids(others);
        let scope = self.reader().scope();
        if !way.is_closed() {
            match &mut fork.after {
                None => fork.after = Some(scope.clone()),
                Some(after) => after.meet(scope),
            }
        }
        self.reader().set_scope(fork.before.clone());
        if way.first().is_none() {
            fork.ends.push(LooseEnd::Way(fork.index, fork.firsts.len()));
        }
        fork.firsts.push(way.first());
        fork.ends.extend(way.into_ends());
    }

    /// All paths were read. `may_choose_none`: the run may continue without taking any of them.
    pub(super) fn join(&mut self, fork: Fork, may_choose_none: bool) -> Ways {
        let Fork { before, mut after, firsts, ends, .. } = fork;
        if let Some(after) = after.as_mut().filter(|_| may_choose_none) {
            after.meet(&before);
        }
        if let Some(after) = after {
            self.reader().set_scope(after);
        }
        Ways::new(firsts, ends, may_choose_none)
    }
}
