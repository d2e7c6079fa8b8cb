//! Reduces a history with a finding to the smallest one that still has it.

use super::drive;
use super::generate::History;
use super::tree::{Kind, Step};
use crate::planted::Planted;
use std::time::{Duration, Instant};

/// For this long smaller histories are tried.
const PATIENCE: Duration = Duration::from_secs(20);

/// The smallest history with the same kind of finding.
pub(super) fn smallest(history: &History, planted: Option<Planted>, kind: &str) -> History {
    let mut best = history.clone();
    let begun = Instant::now();
    'smaller: loop {
        for candidate in candidates(&best) {
            if begun.elapsed() > PATIENCE {
                return best;
            }
            if drive::run(&candidate, planted).finding.is_some_and(|finding| finding.kind == kind) {
                best = candidate;
                continue 'smaller;
            }
        }
        return best;
    }
}

/// Histories with one thing less, the largest things first.
fn candidates(history: &History) -> Vec<History> {
    let mut found = Vec::new();
    let mut push = |change: &dyn Fn(&mut History)| {
        let mut smaller = history.clone();
        change(&mut smaller);
        found.push(smaller);
    };
    if history.idle.len() > 1 {
        push(&|h| h.idle.truncate(h.idle.len() / 2));
    }
    if history.runs.len() > 1 {
        push(&|h| h.runs.truncate(h.runs.len() - 1));
    }
    for flow in 0..history.tree.flows.len() {
        for step in 0..count(&history.tree.flows[flow].steps) {
            push(&|h| {
                let mut left = step;
                remove(&mut h.tree.flows[flow].steps, &mut left);
            });
        }
    }
    for at in history.deeds.keys() {
        push(&|h| h.deeds.retain(|key, _| key != at));
    }
    for id in history.outcomes.keys() {
        push(&|h| h.outcomes.retain(|key, _| key != id));
    }
    for at in 0..history.idle.len() {
        push(&|h| h.idle = [&h.idle[..at], &h.idle[at + 1..]].concat());
    }
    found
}

fn parts(step: &Step) -> Vec<&Vec<Step>> {
    match &step.kind {
        Kind::Decide(_, first, second) | Kind::Parallel(first, second) => vec![first, second],
        Kind::Each(_, _, steps) => vec![steps],
        _ => Vec::new(),
    }
}

fn count(steps: &[Step]) -> usize {
    steps.iter().map(|step| 1 + parts(step).into_iter().map(|steps| count(steps)).sum::<usize>()).sum()
}

/// Removes the step of a number, counted through the tree. A list keeps a step at least.
fn remove(steps: &mut Vec<Step>, left: &mut usize) -> bool {
    for at in 0..steps.len() {
        if *left == 0 {
            if steps.len() > 1 {
                steps.remove(at);
            } else {
                steps[at].kind = Kind::Mix(1);
            }
            return true;
        }
        *left -= 1;
        let done = match &mut steps[at].kind {
            Kind::Decide(_, first, second) | Kind::Parallel(first, second) => {
                remove(first, left) || remove(second, left)
            }
            Kind::Each(_, _, steps) => remove(steps, left),
            _ => false,
        };
        if done {
            return true;
        }
    }
    false
}
