//! Counts which deed has hit which construct: the proof that histories cover all pairs.

use super::witness::Seen;
use crate::store::StepState;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The constructs that may be hit.
pub(super) const CONSTRUCTS: [&str; 6] = ["wait", "parallel", "forEach", "call", "once", "lane"];
/// The deeds that may hit them.
pub(super) const HITS: [&str; 4] = ["kill", "cancel", "time-out", "retry"];

/// How often each deed has hit each construct.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    pairs: BTreeMap<(&'static str, &'static str), u32>,
    /// Runs by their last state.
    pub ends: BTreeMap<&'static str, u32>,
    pub retries: u32,
    pub commits: u32,
}

impl Counts {
    /// A deed has hit a run during these activities.
    pub(super) fn hit(&mut self, hit: &'static str, active: &BTreeSet<&'static str>) {
        for construct in active {
            *self.pairs.entry((construct, hit)).or_default() += 1;
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (pair, count) in &other.pairs {
            *self.pairs.entry(*pair).or_default() += count;
        }
        for (end, count) in &other.ends {
            *self.ends.entry(end).or_default() += count;
        }
        self.retries += other.retries;
        self.commits += other.commits;
    }

    /// The rarest pair and its count.
    pub(super) fn rarest(&self) -> (&'static str, &'static str, u32) {
        let pairs = CONSTRUCTS.iter().flat_map(|construct| HITS.iter().map(move |hit| (*construct, *hit)));
        let counted = pairs.map(|pair| (pair.0, pair.1, self.pairs.get(&pair).copied().unwrap_or(0)));
        counted.min_by_key(|(.., count)| *count).unwrap_or(("", "", 0))
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:10}", "")?;
        HITS.iter().try_for_each(|hit| write!(f, "{hit:>10}"))?;
        for construct in CONSTRUCTS {
            write!(f, "\n{construct:10}")?;
            for hit in HITS {
                write!(f, "{:>10}", self.pairs.get(&(construct, hit)).unwrap_or(&0))?;
            }
        }
        write!(f, "\nruns {:?}, {} retries, {} commits and requests", self.ends, self.retries, self.commits)
    }
}

/// The current activities of a run, from the positions of its open strands and its started steps.
pub(super) fn active(seen: &Seen, places: &[String], at_retry: bool) -> BTreeSet<&'static str> {
    let mut active = BTreeSet::new();
    if seen.lane.is_some() {
        active.insert("lane");
    }
    let last = |position: &str| {
        seen.rows.iter().filter(|row| row.record.position == position).map(|row| row.record.attempt).max()
    };
    let open = seen
        .rows
        .iter()
        .map(|row| &row.record)
        .filter(|record| record.state == StepState::Started && Some(record.attempt) == last(&record.position));
    let positions: Vec<&str> = open.map(|record| record.position.as_str()).collect();
    for position in &positions {
        if super::witness::is_once(position) {
            active.insert("once");
        }
    }
    for position in positions.into_iter().chain(places.iter().map(String::as_str)) {
        let parts: Vec<&str> = position.split('/').collect();
        for (number, part) in parts.iter().enumerate() {
            match part.get(..2) {
                Some("pa") => active.insert("parallel"),
                Some("fe") => active.insert("forEach"),
                Some("ca") => active.insert("call"),
                Some("wa") if number + 1 == parts.len() => active.insert("wait"),
                // A retry continues from its last try.
                Some(_) if at_retry && number + 1 == parts.len() && super::witness::is_once(part) => {
                    active.insert("once")
                }
                _ => false,
            };
        }
    }
    active
}
