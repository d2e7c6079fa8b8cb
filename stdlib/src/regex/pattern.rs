//! A compiled pattern and the search for its matches: linear if possible, else one branch after the other under a step
//! limit.

use super::backtrack::{Machine, Program, Stop};
use super::linear::{Linear, NotLinear};
use super::long::{Found, Made};
use super::parse::parse;
use super::sets::has_odd_words;
use super::span::Span;
use super::tree::Groups;
use flowscript_lang::budget::{Budget, Toll};
use flowscript_lang::error::RunError;
use regex_automata::util::captures::Captures;

/// A compiled regular expression.
pub(super) struct Pattern {
    groups: Groups,
    linear: Option<Linear>,
    /// For patterns that are not linear, for texts on which the automaton differs, and for groups of long matches.
    program: Program,
    /// Has the pattern a `\b`?
    has_words: bool,
    /// Has it groups that a pass of a loop may leave empty? Automata omit such a pass.
    has_empty_passes: bool,
    /// The memory of the pattern and of a search, in bytes.
    memory: usize,
}

/// Why the pattern cannot be used.
#[derive(Debug)]
pub(super) enum NoPattern {
    /// What is wrong with it.
    Refused(String),
    /// The run ended it.
    Stopped(Box<RunError>),
}

impl Pattern {
    /// Compiles a pattern, paid for by the budget. The error says what is wrong with it.
    pub(super) fn new(source: &str, budget: &mut dyn Budget) -> Result<Self, NoPattern> {
        let (node, groups) = parse(source).map_err(NoPattern::Refused)?;
        let linear = match Linear::new(&node, &groups, budget) {
            Ok(linear) => Some(linear),
            Err(NotLinear::No) => None,
            Err(NotLinear::Stopped(stopped)) => return Err(NoPattern::Stopped(stopped)),
        };
        let (has_words, has_empty_passes) = (node.has_words(), node.has_empty_passes());
        let program = Program::new(&node, &groups);
        let memory = linear.as_ref().map_or(0, Linear::memory) + program.memory();
        Ok(Self { groups, linear, program, has_words, has_empty_passes, memory })
    }

    pub(super) fn groups(&self) -> &Groups {
        &self.groups
    }

    /// The memory of the pattern and of a search, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    /// The search for all matches in a text.
    pub(super) fn search<'a>(&'a self, text: &'a str, toll: &mut Toll<'_>) -> Result<Search<'a>, Stop> {
        let is_odd = self.has_words && has_odd_words(text, toll).map_err(Stop::Run)?;
        let engine = match &self.linear {
            Some(linear) if !is_odd && self.has_empty_passes => Engine::Both(linear),
            Some(linear) if !is_odd => Engine::Linear(linear),
            _ => Engine::Backtracking,
        };
        Ok(Search::new(engine, &self.program, text))
    }
}

#[derive(Clone, Copy)]
enum Engine<'a> {
    Linear(&'a Linear),
    /// The automaton finds the match, the other engine its groups.
    Both(&'a Linear),
    Backtracking,
}

/// Finds one match after the other.
pub(super) struct Search<'a> {
    engine: Engine<'a>,
    text: &'a str,
    /// Where the next match may begin; `None` after the last one.
    next: Option<usize>,
    groups: Vec<Option<Span>>,
    program: &'a Program,
    /// The state of the engines so far.
    machine: Option<Box<Machine<'a>>>,
    captures: Option<Captures>,
    long: Option<Made>,
}

impl<'a> Search<'a> {
    fn new(engine: Engine<'a>, program: &'a Program, text: &'a str) -> Self {
        Self { engine, text, next: Some(0), groups: Vec::new(), program, machine: None, captures: None, long: None }
    }

    /// The next match without its groups.
    pub(super) fn next_span(&mut self, toll: &mut Toll<'_>) -> Result<Option<Span>, Stop> {
        if let (Engine::Linear(linear) | Engine::Both(linear), Some(start)) = (self.engine, self.next)
            && linear.is_small(self.text.len() - start)
        {
            let found = linear.find(self.text, start);
            self.pay(start, found, toll)?;
            self.advance(found);
            return Ok(found);
        }
        Ok(self.next_groups(toll)?.and_then(|groups| groups.first().copied().flatten()))
    }

    /// The groups of the next match, the whole match first.
    pub(super) fn next_groups(&mut self, toll: &mut Toll<'_>) -> Result<Option<&[Option<Span>]>, Stop> {
        let Some(start) = self.next else { return Ok(None) };
        match self.engine {
            Engine::Linear(linear) if linear.is_small(self.text.len() - start) => {
                let captures = self.captures.get_or_insert_with(|| linear.captures());
                linear.find_groups(self.text, start, captures, &mut self.groups);
                let found = self.groups.first().copied().flatten();
                self.pay(start, found, toll)?;
            }
            Engine::Linear(linear) => match self.find_long(linear, start, toll)? {
                Found::Unknown => self.backtrack(start, toll)?,
                Found::Is(None) => self.groups.clear(),
                Found::Is(Some(span)) if !linear.has_groups() => {
                    self.groups.clear();
                    self.groups.push(Some(span));
                }
                Found::Is(Some(span)) if linear.is_small(span.1 - span.0) => {
                    let captures = self.captures.get_or_insert_with(|| linear.captures());
                    linear.groups_of(self.text, span, captures, &mut self.groups);
                    self.pay(span.0, Some(span), toll)?;
                }
                Found::Is(Some(span)) => self.backtrack(span.0, toll)?,
            },
            Engine::Both(linear) => {
                let found = if linear.is_small(self.text.len() - start) {
                    let found = linear.find(self.text, start);
                    self.pay(start, found, toll)?;
                    Found::Is(found)
                } else {
                    self.find_long(linear, start, toll)?
                };
                match found {
                    Found::Is(Some((found, _))) => self.backtrack(found, toll)?,
                    Found::Is(None) => self.groups.clear(),
                    Found::Unknown => self.backtrack(start, toll)?,
                }
            }
            Engine::Backtracking => self.backtrack(start, toll)?,
        }
        toll.look(self.groups.len()).map_err(Stop::Run)?;
        let found = self.groups.first().copied().flatten();
        self.advance(found);
        Ok(found.map(|_| self.groups.as_slice()))
    }

    fn find_long(&mut self, linear: &'a Linear, start: usize, toll: &mut Toll<'_>) -> Result<Found, Stop> {
        let Some(long) = linear.long(toll).map_err(Stop::Run)? else { return Ok(Found::Unknown) };
        let made = match &mut self.long {
            Some(made) => made,
            none => none.insert(long.made(toll)?),
        };
        long.find(made, self.text, start, toll)
    }

    fn backtrack(&mut self, start: usize, toll: &mut Toll<'_>) -> Result<(), Stop> {
        let (program, text) = (self.program, self.text);
        let machine = self.machine.get_or_insert_with(|| Box::new(Machine::new(program, text)));
        machine.find(start, &mut self.groups, toll)
    }

    /// Pays for a search that was one piece of work. After a match, half of the rest may have been looked at, too: some
    /// patterns are not decided earlier.
    fn pay(&self, start: usize, found: Option<Span>, toll: &mut Toll<'_>) -> Result<(), Stop> {
        let rest = self.text.len() - start;
        let looked = found.map_or(rest, |(_, end)| end - start + (self.text.len() - end) / 2);
        toll.scan(Linear::cost(looked)).map_err(Stop::Run)
    }

    /// The next search begins where this match ends, since an empty match may follow; after an empty match it begins
    /// a character later.
    fn advance(&mut self, found: Option<Span>) {
        self.next = match found {
            Some((start, end)) if start == end => self.text[end..].chars().next().map(|c| end + c.len_utf8()),
            Some((_, end)) => Some(end),
            None => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flowscript_lang::budget::Unlimited;
    use proptest::prelude::*;

    /// The engine that finds matches.
    #[derive(Clone, Copy)]
    enum By {
        Linear,
        Backtracking,
        Long,
    }

    /// All matches by one of the engines; `None` if it gives up.
    fn spans(pattern: &Pattern, by: By, text: &str) -> Option<Vec<Span>> {
        let mut unlimited = Unlimited;
        let mut toll = Toll::new(&mut unlimited);
        let mut spans = Vec::new();
        let linear = pattern.linear.as_ref()?;
        let engine = if matches!(by, By::Backtracking) { Engine::Backtracking } else { Engine::Linear(linear) };
        let mut search = Search::new(engine, &pattern.program, text);
        loop {
            let span = match by {
                By::Linear | By::Backtracking => search.next_span(&mut toll).ok()?,
                By::Long => {
                    let Some(start) = search.next else { return Some(spans) };
                    let Found::Is(span) = search.find_long(linear, start, &mut toll).ok()? else { return None };
                    let captures = &mut linear.captures();
                    if let (Some(span), true) = (span, linear.has_groups()) {
                        linear.groups_of(text, span, captures, &mut search.groups);
                    } else {
                        search.groups = vec![span];
                    }
                    let span = search.groups.first().copied().flatten();
                    search.advance(span);
                    span
                }
            };
            match span {
                Some(span) => spans.push(span),
                None => return Some(spans),
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn both_engines_find_the_same(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "a", "b", "é", ".", "[ab]", "[^a]", "\\w", "\\b", "\\B", "^", "$", "(", "(?:", ")", ")", "|", "*", "+", "?", "*?", "+?", "??",
                    "{2}", "{1,2}", "{0,2}?", "(?m)", "(?i)", "\\z", "\n",
                ]),
                0..9,
            ),
            text in "[abé\n]{0,8}",
        ) {
            let source = parts.concat();
            if let Ok((node, groups)) = parse(&source)
                && let Ok(linear) = Linear::new(&node, &groups, &mut Unlimited)
            {
                let program = Program::new(&node, &groups);
                let pattern =
                    Pattern { linear: Some(linear), program, groups, has_words: false, has_empty_passes: false, memory: 0 };
                let wanted = spans(&pattern, By::Linear, &text);
                prop_assert_eq!(&wanted, &spans(&pattern, By::Backtracking, &text), "{} in {:?}", source, text);
                if let Some(found) = spans(&pattern, By::Long, &text) {
                    prop_assert_eq!(wanted, Some(found), "{} in {:?}", source, text);
                }
            }
        }

        #[test]
        fn never_panics(source in "[ab(?<>=!'x)|*+{},0-9\\[\\]^$\\\\pkLu:#-]{0,20}", text in "[abx01\n]{0,6}") {
            if let Ok(pattern) = Pattern::new(&source, &mut Unlimited) {
                let mut unlimited = Unlimited;
                let mut toll = Toll::new(&mut unlimited);
                if let Ok(mut search) = pattern.search(&text, &mut toll) {
                    while let Ok(Some(_)) = search.next_groups(&mut toll) {}
                }
            }
        }
    }
}
