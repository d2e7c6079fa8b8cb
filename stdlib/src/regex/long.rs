//! Searches in long texts: an automaton that is run byte by byte, so that it pays and can be stopped.
//!
//! It finds the place of a match; the other engines find its groups.

use super::backtrack::Stop;
use super::span::Span;
use flowscript_lang::budget::{Budget, Toll};
use flowscript_lang::error::RunError;
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson::{Compiler, NFA, WhichCaptures};
use regex_automata::{Anchored, Input, MatchKind, nfa::thompson};
use regex_syntax::hir::Hir;

/// The memory of the states of an automaton, in bytes.
const CACHE: usize = 2 << 20;

/// Bytes of text between two payments.
const PIECE: usize = 1_024;

/// The cost of reading a byte, in bytes looked at.
const READING: usize = 4;

/// The cost of a state of the pattern when a new state of the automaton is built from it.
const STATE: usize = 4;

/// The states of a pattern that cost as much as a byte if it is unknown whether a new state is built.
const STATES_A_BYTE: usize = 64;

/// The automata of a pattern.
pub(super) struct Long {
    forward: DFA,
    /// From the end of a match to its start.
    backward: DFA,
    states: usize,
}

/// The states of the automata built so far.
pub(super) struct Made {
    forward: Cache,
    backward: Cache,
}

/// The result of a search.
pub(super) enum Found {
    /// A match, or none.
    Is(Option<Span>),
    /// The automaton does not support the text: it has words in letters of other alphabets.
    Unknown,
}

impl Long {
    /// The automata; `None` if they would take more memory than this. Pays after each.
    pub(super) fn new(
        hir: &Hir,
        most: usize,
        most_reverse: usize,
        budget: &mut dyn Budget,
    ) -> Result<Option<Self>, Box<RunError>> {
        let mut nfa = |reverse: bool| {
            let most = if reverse { most_reverse } else { most };
            let config =
                thompson::Config::new().reverse(reverse).which_captures(WhichCaptures::None).nfa_size_limit(Some(most));
            let nfa = Compiler::new().configure(config).build_from_hir(hir);
            budget.scan(nfa.as_ref().map_or(most, NFA::memory_usage)).map(|()| nfa.ok())
        };
        let (Some(forward), Some(backward)) = (nfa(false)?, nfa(true)?) else { return Ok(None) };
        let dfa = |nfa: NFA, kind: MatchKind| {
            let config = Config::new()
                .match_kind(kind)
                .unicode_word_boundary(true)
                .cache_capacity(CACHE)
                .skip_cache_capacity_check(true);
            DFA::builder().configure(config).build_from_nfa(nfa).ok()
        };
        let states = forward.states().len();
        let both = dfa(forward, MatchKind::LeftmostFirst).zip(dfa(backward, MatchKind::All));
        Ok(both.map(|(forward, backward)| Self { forward, backward, states }))
    }

    /// Nothing built so far; pays for the room.
    pub(super) fn made(&self, toll: &mut Toll<'_>) -> Result<Made, Stop> {
        toll.take(2 * CACHE).map_err(Stop::Run)?;
        Ok(Made { forward: self.forward.create_cache(), backward: self.backward.create_cache() })
    }

    /// The first match from `start`.
    pub(super) fn find(&self, made: &mut Made, text: &str, start: usize, toll: &mut Toll<'_>) -> Result<Found, Stop> {
        let input = Input::new(text).range(start..);
        let Some(end) = self.end(&mut made.forward, &input, toll)? else { return Ok(Found::Unknown) };
        let Some(end) = end else { return Ok(Found::Is(None)) };
        let input = Input::new(text).range(start..end).anchored(Anchored::Yes);
        Ok(match self.start(&mut made.backward, &input, toll)? {
            Some(start) => Found::Is(start.map(|start| (start, end))),
            None => Found::Unknown,
        })
    }

    #[expect(clippy::option_option, reason = "no match is an answer, too")]
    /// The end of the first match; the outer `None` if it is unknown.
    fn end(&self, cache: &mut Cache, input: &Input<'_>, toll: &mut Toll<'_>) -> Result<Option<Option<usize>>, Stop> {
        let Ok(mut state) = self.forward.start_state_forward(cache, input) else { return Ok(None) };
        let mut last = None;
        for at in input.start()..input.end() {
            let byte = input.haystack().get(at).copied().unwrap_or_default();
            let Some(next) = self.next(&self.forward, cache, state, byte, at, toll)? else { return Ok(None) };
            state = next;
            if state.is_tagged() {
                if state.is_match() {
                    // A match is known a byte later.
                    last = Some(at);
                } else if state.is_dead() {
                    return Ok(Some(last));
                } else if state.is_quit() {
                    return Ok(None);
                }
            }
        }
        match self.forward.next_eoi_state(cache, state) {
            Ok(state) if state.is_match() => Ok(Some(Some(input.end()))),
            Ok(state) if !state.is_quit() => Ok(Some(last)),
            _ => Ok(None),
        }
    }

    #[expect(clippy::option_option, reason = "no match is an answer, too")]
    /// The start of the match that ends where `input` does.
    fn start(&self, cache: &mut Cache, input: &Input<'_>, toll: &mut Toll<'_>) -> Result<Option<Option<usize>>, Stop> {
        let Ok(mut state) = self.backward.start_state_reverse(cache, input) else { return Ok(None) };
        let mut last = None;
        for at in (input.start()..input.end()).rev() {
            let byte = input.haystack().get(at).copied().unwrap_or_default();
            let Some(next) = self.next(&self.backward, cache, state, byte, at, toll)? else { return Ok(None) };
            state = next;
            if state.is_tagged() {
                if state.is_match() {
                    last = Some(at + 1);
                } else if state.is_dead() {
                    return Ok(Some(last));
                } else if state.is_quit() {
                    return Ok(None);
                }
            }
        }
        let before = input.start().checked_sub(1).and_then(|at| input.haystack().get(at));
        let state = match before {
            Some(byte) => self.backward.next_state(cache, state, *byte),
            None => self.backward.next_eoi_state(cache, state),
        };
        match state {
            Ok(state) if state.is_match() => Ok(Some(Some(input.start()))),
            Ok(state) if !state.is_quit() => Ok(Some(last)),
            _ => Ok(None),
        }
    }

    /// The state after a byte; `None` if the automaton gives up.
    #[inline]
    fn next(
        &self,
        dfa: &DFA,
        cache: &mut Cache,
        state: LazyStateID,
        byte: u8,
        at: usize,
        toll: &mut Toll<'_>,
    ) -> Result<Option<LazyStateID>, Stop> {
        if at.is_multiple_of(PIECE) {
            toll.scan(PIECE * READING).map_err(Stop::Run)?;
        }
        if state.is_tagged() {
            toll.scan(self.states / STATES_A_BYTE).map_err(Stop::Run)?;
        } else {
            let next = dfa.next_state_untagged(cache, state, byte);
            if !next.is_unknown() {
                return Ok(Some(next));
            }
            toll.scan(self.states.saturating_mul(STATE)).map_err(Stop::Run)?;
        }
        Ok(dfa.next_state(cache, state, byte).ok())
    }
}
