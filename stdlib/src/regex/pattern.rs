//! A compiled pattern and the search for its matches: linear where possible, else one way after the other under a step
//! limit.

use super::backtrack::{Machine, Program, Stop};
use super::linear::{Linear, NotLinear};
use super::parse::parse;
use super::sets::has_odd_words;
use super::tree::Groups;
use flowscript_lang::error::RunError;
use regex_automata::util::captures::Captures;

/// Start and end of a match in bytes.
pub(super) type Span = (usize, usize);

/// A compiled regular expression.
pub(super) struct Pattern {
    groups: Groups,
    linear: Option<Linear>,
    /// For patterns that are not linear, and for what the automaton takes in another way.
    program: Option<Program>,
    /// Has the pattern a `\b`?
    has_words: bool,
    /// Are there groups that a pass of a loop may keep empty? Automata leave such a pass out.
    has_empty_passes: bool,
}

impl Pattern {
    /// Compiles a pattern. The error says what is wrong with it.
    pub(super) fn new(source: &str) -> Result<Self, String> {
        let (node, groups) = parse(source)?;
        let linear = match Linear::new(&node, &groups) {
            Ok(linear) => Some(linear),
            Err(NotLinear::Part) => None,
            Err(NotLinear::Size) => return Err("it is too large".into()),
        };
        let (has_words, has_empty_passes) = (node.has_words(), node.has_empty_passes());
        let odd = linear.is_none() || has_words || has_empty_passes;
        let program = odd.then(|| Program::new(&node, &groups));
        Ok(Self { groups, linear, program, has_words, has_empty_passes })
    }

    pub(super) fn groups(&self) -> &Groups {
        &self.groups
    }

    /// The search for all matches in a text.
    pub(super) fn search<'a>(&'a self, text: &'a str) -> Search<'a> {
        let engine = match (&self.linear, &self.program) {
            (Some(linear), program) if !self.has_words || !has_odd_words(text) => match program {
                Some(program) if self.has_empty_passes => Engine::Both(linear, Box::new(Machine::new(program, text))),
                _ => Engine::Linear(linear, linear.captures()),
            },
            (_, Some(program)) => Engine::Backtracking(Box::new(Machine::new(program, text))),
            (_, None) => Engine::None,
        };
        Search { engine, text, next: Some(0), groups: Vec::new() }
    }
}

enum Engine<'a> {
    Linear(&'a Linear, Captures),
    /// The automaton finds the match, the other one its groups.
    Both(&'a Linear, Box<Machine<'a>>),
    Backtracking(Box<Machine<'a>>),
    None,
}

/// Finds one match after the other.
pub(super) struct Search<'a> {
    engine: Engine<'a>,
    text: &'a str,
    /// Where the next match may begin; nothing after the last one.
    next: Option<usize>,
    groups: Vec<Option<Span>>,
}

impl Search<'_> {
    /// The next match without its groups.
    pub(super) fn next_span(
        &mut self,
        watch: &mut dyn FnMut(u64) -> Result<(), Box<RunError>>,
    ) -> Result<Option<Span>, Stop> {
        if let (Engine::Linear(linear, _) | Engine::Both(linear, _), Some(start)) = (&self.engine, self.next) {
            let found = linear.find(self.text, start);
            self.advance(found);
            return Ok(found);
        }
        Ok(self.next_groups(watch)?.and_then(|groups| groups.first().copied().flatten()))
    }

    /// The groups of the next match, the whole match first.
    pub(super) fn next_groups(
        &mut self,
        watch: &mut dyn FnMut(u64) -> Result<(), Box<RunError>>,
    ) -> Result<Option<&[Option<Span>]>, Stop> {
        let Some(start) = self.next else { return Ok(None) };
        match &mut self.engine {
            Engine::Linear(linear, captures) => linear.find_groups(self.text, start, captures, &mut self.groups),
            Engine::Backtracking(machine) => machine.find(start, &mut self.groups, watch)?,
            Engine::Both(linear, machine) => {
                self.groups.clear();
                if let Some((found, _)) = linear.find(self.text, start) {
                    machine.find(found, &mut self.groups, watch)?;
                }
            }
            Engine::None => self.groups.clear(),
        }
        let found = self.groups.first().copied().flatten();
        self.advance(found);
        Ok(found.map(|_| self.groups.as_slice()))
    }

    /// The next search begins where this match ends, an empty match may stand there too; after an empty match it begins
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
    use proptest::prelude::*;

    /// All matches by one of the engines; nothing where it gives up.
    fn spans(pattern: &Pattern, linear: bool, text: &str) -> Option<Vec<Span>> {
        let engine = match (linear, &pattern.linear, &pattern.program) {
            (true, Some(linear), _) => Engine::Linear(linear, linear.captures()),
            (false, _, Some(program)) => Engine::Backtracking(Box::new(Machine::new(program, text))),
            _ => return None,
        };
        let mut search = Search { engine, text, next: Some(0), groups: Vec::new() };
        let mut spans = Vec::new();
        while let Some(span) = search.next_span(&mut |_| Ok(())).ok()? {
            spans.push(span);
        }
        Some(spans)
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
                && let Ok(linear) = Linear::new(&node, &groups)
            {
                let program = Some(Program::new(&node, &groups));
                let pattern =
                    Pattern { linear: Some(linear), program, groups, has_words: false, has_empty_passes: false };
                prop_assert_eq!(spans(&pattern, true, &text), spans(&pattern, false, &text), "{} in {:?}", source, text);
            }
        }

        #[test]
        fn never_panics(source in "[ab(?<>=!'x)|*+{},0-9\\[\\]^$\\\\pkLu:#-]{0,20}", text in "[abx01\n]{0,6}") {
            if let Ok(pattern) = Pattern::new(&source) {
                let mut search = pattern.search(&text);
                while let Ok(Some(_)) = search.next_groups(&mut |_| Ok(())) {}
            }
        }
    }
}
