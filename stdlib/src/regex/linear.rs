//! Patterns that an automaton can run: in linear time on any text.

use super::long::Long;
use super::span::Span;
use super::tree::{Anchor, Groups, Node};
use flowscript_lang::budget::Budget;
use flowscript_lang::error::RunError;
use regex_automata::meta::{Config, Regex};
use regex_automata::nfa::thompson::{self, Compiler, NFA, WhichCaptures};
use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Capture, Class, Hir, Look, Repetition};
use std::sync::OnceLock;

/// The most memory of an automaton, in bytes: building one takes some milliseconds for each MiB, and cannot be
/// interrupted.
const MAX_SIZE: usize = 2 << 20;

/// The same of one that reads texts from their end: characters of several bytes take more states there.
const MAX_REVERSE: usize = 4 * MAX_SIZE;

/// The most places for groups, over all states of an automaton: each search has room for them.
const MAX_PLACES: usize = 2 << 20;

/// Bytes of text times states of a pattern for which a search may be one piece of work.
const SMALL: usize = 8 << 20;

/// An automaton and the places of its groups.
pub(super) struct Linear {
    regex: Regex,
    hir: Hir,
    /// The states of the pattern.
    states: usize,
    /// For long texts, built on demand.
    long: OnceLock<Option<Long>>,
    /// The automaton's group of each slot.
    indices: Vec<Option<usize>>,
    /// Groups before a final line feed that `$` has passed over.
    tails: Vec<usize>,
}

/// Why an automaton cannot run the pattern.
pub(super) enum NotLinear {
    /// The pattern has a part that automata do not support, or would take too much memory.
    No,
    /// The run ended it.
    Stopped(Box<RunError>),
}

impl From<Box<RunError>> for NotLinear {
    fn from(stopped: Box<RunError>) -> Self {
        Self::Stopped(stopped)
    }
}

impl Linear {
    /// Pays after each part of the work.
    pub(super) fn new(node: &Node, groups: &Groups, budget: &mut dyn Budget) -> Result<Self, NotLinear> {
        let mut builder = Builder { indices: vec![None; groups.len()], tails: Vec::new(), next: 1 };
        let hir = builder.hir(node, true).ok_or(NotLinear::No)?;
        let config = Config::new().nfa_size_limit(Some(MAX_REVERSE)).hybrid_cache_capacity(2 << 20);
        let nfa = thompson::Config::new().nfa_size_limit(Some(MAX_SIZE)).which_captures(WhichCaptures::None);
        let nfa = Compiler::new().configure(nfa).build_from_hir(&hir);
        budget.scan(nfa.as_ref().map_or(MAX_SIZE, NFA::memory_usage))?;
        let states = nfa.map_err(|_| NotLinear::No)?.states().len();
        if states.saturating_mul(2 * builder.next) > MAX_PLACES {
            return Err(NotLinear::No);
        }
        let regex = Regex::builder().configure(config).build_from_hir(&hir);
        budget.scan(regex.as_ref().map_or(MAX_REVERSE, Regex::memory_usage))?;
        let regex = regex.map_err(|_| NotLinear::No)?;
        Ok(Self { regex, hir, states, long: OnceLock::new(), indices: builder.indices, tails: builder.tails })
    }

    /// May a search in `bytes` bytes be one piece of work?
    pub(super) fn is_small(&self, bytes: usize) -> bool {
        bytes.saturating_mul(self.states) <= SMALL
    }

    /// The cost of a search in `bytes` bytes, counted in bytes looked at.
    pub(super) fn cost(bytes: usize) -> usize {
        bytes + SEARCH
    }

    /// The memory of the pattern and of a search, in bytes.
    pub(super) fn memory(&self) -> usize {
        let places = self.states * 2 * (self.indices.len() + self.tails.len());
        self.regex.memory_usage() + places * size_of::<usize>()
    }

    /// The automata for long texts; `None` if they would be too large.
    pub(super) fn long(&self, budget: &mut dyn Budget) -> Result<Option<&Long>, Box<RunError>> {
        if self.long.get().is_none() {
            let made = Long::new(&self.hir, MAX_SIZE, MAX_REVERSE, budget)?;
            return Ok(self.long.get_or_init(|| made).as_ref());
        }
        Ok(self.long.get().and_then(Option::as_ref))
    }

    /// Has it groups besides the match?
    pub(super) fn has_groups(&self) -> bool {
        self.indices.len() > 1 || !self.tails.is_empty()
    }

    /// The groups of a match that is known to exist.
    pub(super) fn groups_of(&self, text: &str, span: Span, captures: &mut Captures, groups: &mut Vec<Option<Span>>) {
        let input = Input::new(text).range(span.0..span.1).anchored(Anchored::Yes);
        self.groups_in(&input, captures, groups);
    }

    /// The first match from `start`.
    pub(super) fn find(&self, text: &str, start: usize) -> Option<Span> {
        let found = self.regex.find(Input::new(text).range(start..))?;
        if self.tails.is_empty() || found.end() < text.len() || !text.ends_with('\n') {
            return Some((found.start(), found.end()));
        }
        let mut groups = Vec::new();
        self.find_groups(text, start, &mut self.captures(), &mut groups);
        groups.first().copied().flatten()
    }

    /// Room for the groups of a match, reused for each match.
    pub(super) fn captures(&self) -> Captures {
        self.regex.create_captures()
    }

    /// The groups of the first match from `start`, the whole match first; `None` without a match.
    pub(super) fn find_groups(
        &self,
        text: &str,
        start: usize,
        captures: &mut Captures,
        groups: &mut Vec<Option<Span>>,
    ) {
        self.groups_in(&Input::new(text).range(start..), captures, groups);
    }

    fn groups_in(&self, input: &Input<'_>, captures: &mut Captures, groups: &mut Vec<Option<Span>>) {
        groups.clear();
        self.regex.search_captures(input, captures);
        let Some(whole) = captures.get_match() else { return };
        let end = self.tails.iter().find_map(|tail| captures.get_group(*tail)).map_or(whole.end(), |tail| tail.start);
        let span = |index: usize| captures.get_group(index).map(|span| (span.start.min(end), span.end.min(end)));
        groups.push(Some((whole.start(), end)));
        groups.extend(self.indices.iter().skip(1).map(|index| index.and_then(span)));
    }
}

/// The cost of beginning a search, in bytes looked at.
const SEARCH: usize = 128;

struct Builder {
    indices: Vec<Option<usize>>,
    tails: Vec<usize>,
    next: usize,
}

impl Builder {
    /// The automaton's form of a part, if it has one. At the tail nothing follows the part.
    fn hir(&mut self, node: &Node, tail: bool) -> Option<Hir> {
        Some(match node {
            Node::Empty => Hir::empty(),
            Node::Char(c) => Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Node::Set(set) => Hir::class(Class::Unicode(set.class.clone())),
            Node::Anchor(anchor) => self.anchor(*anchor, tail)?,
            Node::Capture { slot: Some(slot), pop: None, body } => {
                let index = self.index();
                let known = self.indices.get_mut(*slot)?.replace(index);
                // An automaton does not know which of two groups with one name took part last.
                if known.is_some() {
                    return None;
                }
                Hir::capture(Capture { index: index as u32, name: None, sub: Box::new(self.hir(body, tail)?) })
            }
            Node::Concat(parts) => {
                let last = parts.len().saturating_sub(1);
                let parts = parts.iter().enumerate().map(|(at, part)| self.hir(part, tail && at == last));
                Hir::concat(parts.collect::<Option<_>>()?)
            }
            Node::Alternate(branches) => {
                Hir::alternation(branches.iter().map(|branch| self.hir(branch, tail)).collect::<Option<_>>()?)
            }
            Node::Repeat { body, min, max, lazy } => {
                let sub = Box::new(self.hir(body, tail && *max == Some(1))?);
                Hir::repetition(Repetition { min: *min, max: *max, greedy: !lazy, sub })
            }
            Node::Capture { .. } | Node::Around { .. } | Node::Atomic(_) | Node::If { .. } | Node::Back { .. } => {
                return None;
            }
        })
    }

    fn anchor(&mut self, anchor: Anchor, tail: bool) -> Option<Hir> {
        Some(Hir::look(match anchor {
            Anchor::Start => Look::Start,
            Anchor::End => Look::End,
            Anchor::LineStart => Look::StartLF,
            Anchor::LineEnd => Look::EndLF,
            Anchor::Boundary => Look::WordUnicode,
            Anchor::NotBoundary => Look::WordUnicodeNegate,
            // It may match before the line feed only if nothing follows; then the match is cut back to the group.
            Anchor::EndOrLastLine if tail => {
                let index = self.index();
                self.tails.push(index);
                let mark = Hir::capture(Capture { index: index as u32, name: None, sub: Box::new(Hir::empty()) });
                let last_line = Hir::concat(vec![mark, Hir::literal(*b"\n"), Hir::look(Look::End)]);
                return Some(Hir::alternation(vec![Hir::look(Look::End), last_line]));
            }
            Anchor::EndOrLastLine | Anchor::SearchStart => return None,
        }))
    }

    fn index(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }
}
