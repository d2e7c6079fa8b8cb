//! Runs the instructions of a pattern on a text.

use super::program::{Op, Program, Test};
use crate::regex::sets::is_word;
use crate::regex::span::Span;
use crate::regex::tree::Anchor;
use flowscript_lang::budget::{Budget, Toll};
use flowscript_lang::error::RunError;
use flowscript_lang::value::fold_char;

/// The most steps for a text, and what each of its bytes adds.
const STEPS: usize = 2_000_000;
const STEPS_A_BYTE: usize = 100;

/// The most branches kept open.
const WAYS: usize = 1_000_000;

/// After this many steps the run is asked whether it may continue.
const SLICE: usize = 8_192;

/// Machine steps that count as a step of the run.
const STEPS_A_STEP: usize = 64;

/// Groups that are emptied for one machine step.
const GROUPS_A_STEP: usize = 16;

/// Bytes that a back-reference compares for one machine step.
const BYTES_A_STEP: usize = 8;

/// Why a search ended without an answer.
pub(in crate::regex) enum Stop {
    /// Too many steps.
    Steps,
    /// The run ended it.
    Run(Box<RunError>),
}

/// The payment of the run, which decides whether to continue.
pub(in crate::regex) type Watch<'a> = Toll<'a>;

/// The state of a search.
pub(in crate::regex) struct Machine<'a> {
    program: &'a Program,
    text: &'a str,
    registers: Vec<usize>,
    /// The captures of each group, the last one last.
    captures: Vec<Vec<Span>>,
    ways: Vec<Way>,
    undo: Vec<Undo>,
    steps: usize,
    /// How much memory is paid for.
    paid: usize,
}

/// Where to continue after a failed match.
struct Way {
    op: usize,
    at: usize,
    /// How much had been written.
    undo: usize,
    /// For a run of single characters: the other end of its choice.
    rest: Option<usize>,
}

/// A write, to be undone.
enum Undo {
    Register(usize, usize),
    Pushed(usize),
    Popped(usize, Span),
}

impl<'a> Machine<'a> {
    pub(in crate::regex) fn new(program: &'a Program, text: &'a str) -> Self {
        Self {
            program,
            text,
            registers: vec![0; program.registers],
            captures: vec![Vec::new(); program.groups],
            ways: Vec::new(),
            undo: Vec::new(),
            steps: 0,
            paid: 0,
        }
    }

    /// The groups of the first match from `start`, the whole match first; `None` without a match.
    pub(in crate::regex) fn find(
        &mut self,
        start: usize,
        groups: &mut Vec<Option<Span>>,
        watch: &mut Watch<'_>,
    ) -> Result<(), Stop> {
        groups.clear();
        let mut from = start;
        loop {
            let next = self.text[from..].chars().next();
            let hopeless = self.program.first.as_ref().is_some_and(|first| !next.is_some_and(|c| first.takes(c)));
            self.count(watch)?;
            if !hopeless && let Some(end) = self.run(from, start, watch)? {
                groups.push(Some((from, end)));
                groups.extend(self.captures.iter().skip(1).map(|captures| captures.last().copied()));
                return Ok(());
            }
            match next {
                Some(c) => from += c.len_utf8(),
                None => return Ok(()),
            }
        }
    }

    /// The memory of open branches and of the undo log.
    fn memory(&self) -> usize {
        let captures: usize = self.captures.iter().map(Vec::capacity).sum();
        self.ways.capacity() * size_of::<Way>()
            + self.undo.capacity() * size_of::<Undo>()
            + captures * size_of::<Span>()
    }

    /// Counts `steps` more steps.
    fn count_many(&mut self, steps: usize, watch: &mut Watch<'_>) -> Result<(), Stop> {
        for _ in 0..steps / SLICE {
            self.steps = (self.steps / SLICE + 1) * SLICE - 1;
            self.count(watch)?;
        }
        for _ in 0..steps % SLICE {
            self.count(watch)?;
        }
        Ok(())
    }

    fn count(&mut self, watch: &mut Watch<'_>) -> Result<(), Stop> {
        self.steps += 1;
        if self.steps.is_multiple_of(SLICE) {
            if self.steps > STEPS.saturating_add(self.text.len().saturating_mul(STEPS_A_BYTE)) {
                return Err(Stop::Steps);
            }
            watch.spend((SLICE / STEPS_A_STEP) as u64).map_err(Stop::Run)?;
            let memory = self.memory();
            watch.take(memory.saturating_sub(self.paid)).map_err(Stop::Run)?;
            self.paid = self.paid.max(memory);
        }
        Ok(())
    }

    /// The end of a match that begins at `from`.
    fn run(&mut self, from: usize, search_start: usize, watch: &mut Watch<'_>) -> Result<Option<usize>, Stop> {
        self.ways.clear();
        self.undo.clear();
        self.captures.iter_mut().for_each(Vec::clear);
        self.count_many(self.captures.len() / GROUPS_A_STEP, watch)?;
        let program = self.program;
        let (mut op, mut at) = (0, from);
        loop {
            self.count(watch)?;
            let next = match program.ops.get(op) {
                None | Some(Op::Done) => return Ok(Some(at)),
                Some(Op::One { test, back }) => self.one(test, at, *back).map(|at| (op + 1, at)),
                Some(run @ Op::Run { .. }) => self.run_of(run, op, at, watch)?.map(|at| (op + 1, at)),
                Some(Op::Try { other }) => {
                    self.way(*other, at, None)?;
                    Some((op + 1, at))
                }
                Some(Op::Jump(target)) => Some((*target, at)),
                Some(Op::Open { register }) => {
                    self.set(*register, at);
                    Some((op + 1, at))
                }
                Some(Op::Close { register, slot, pop }) => {
                    self.close(self.registers[*register], at, *slot, *pop).then_some((op + 1, at))
                }
                Some(Op::LoopStart { register }) => {
                    self.set(*register, 0);
                    Some((op + 1, at))
                }
                Some(Op::Loop { register, min, max, lazy, exit }) => {
                    Some((self.pass(op, at, *register, *min, *max, *lazy, *exit)?, at))
                }
                Some(Op::LoopAgain { register }) => {
                    self.begin_pass(*register, at);
                    Some((op + 1, at))
                }
                Some(Op::Mark { register }) => {
                    self.set(*register, at);
                    self.set(*register + 1, self.ways.len());
                    Some((op + 1, at))
                }
                Some(Op::Cut { register, rewind }) => {
                    self.ways.truncate(self.registers[*register + 1]);
                    Some((op + 1, if *rewind { self.registers[*register] } else { at }))
                }
                Some(Op::Refuse { register }) => {
                    self.ways.truncate(self.registers[*register + 1].saturating_sub(1));
                    None
                }
                Some(Op::IfGroup { slot, otherwise }) => {
                    let target = if self.captures[*slot].is_empty() { *otherwise } else { op + 1 };
                    Some((target, at))
                }
                Some(Op::Back { slot, fold, back }) => {
                    let length = self.captures[*slot].last().map_or(0, |(start, end)| end - start);
                    self.count_many(length / BYTES_A_STEP, watch)?;
                    self.back(*slot, *fold, *back, at).map(|at| (op + 1, at))
                }
                Some(Op::Anchor(anchor)) => self.is_at(*anchor, at, search_start).then_some((op + 1, at)),
            };
            match next.or_else(|| self.fail()) {
                Some((next_op, next_at)) => (op, at) = (next_op, next_at),
                None => return Ok(None),
            }
        }
    }

    /// The place after a character that passes the test.
    fn one(&self, test: &Test, at: usize, back: bool) -> Option<usize> {
        let c = self.beside(at, back)?;
        test.takes(c).then(|| step(at, c, back))
    }

    fn beside(&self, at: usize, back: bool) -> Option<char> {
        if back { self.text[..at].chars().next_back() } else { self.text[at..].chars().next() }
    }

    /// Takes single characters, and keeps the branch with fewer or, for a lazy run, with more of them.
    fn run_of(&mut self, run: &Op, op: usize, at: usize, watch: &mut Watch<'_>) -> Result<Option<usize>, Stop> {
        let Op::Run { test, min, max, lazy, back } = run else { return Ok(None) };
        let wanted = if *lazy { Some(*min) } else { *max };
        let (mut end, mut least, mut taken) = (at, at, 0u32);
        while wanted.is_none_or(|wanted| taken < wanted) {
            let Some(after) = self.one(test, end, *back) else { break };
            self.count(watch)?;
            end = after;
            taken = taken.saturating_add(1);
            if taken == *min {
                least = end;
            }
        }
        if taken < *min {
            return Ok(None);
        }
        if *lazy {
            let more = max.map_or(usize::MAX, |max| (max - min) as usize);
            if more > 0 {
                self.way(op, end, Some(more))?;
            }
        } else if end != least {
            self.way(op, end, Some(least))?;
        }
        Ok(Some(end))
    }

    /// The next instruction of a loop whose pass has ended, or whose first one may begin.
    #[expect(clippy::too_many_arguments, reason = "the fields of the instruction")]
    fn pass(
        &mut self,
        op: usize,
        at: usize,
        register: usize,
        min: u32,
        max: Option<u32>,
        lazy: bool,
        exit: usize,
    ) -> Result<usize, Stop> {
        let passes = self.registers[register];
        if passes < min as usize {
            if !lazy {
                self.begin_pass(register, at);
            }
            return Ok(op + 1);
        }
        // An empty pass is the last one.
        let empty = passes > 0 && self.registers[register + 1] == at;
        if empty || max.is_some_and(|max| passes >= max as usize) {
            return Ok(exit);
        }
        if lazy {
            self.way(op + 1, at, None)?;
            return Ok(exit);
        }
        self.way(exit, at, None)?;
        self.begin_pass(register, at);
        Ok(op + 1)
    }

    fn begin_pass(&mut self, register: usize, at: usize) {
        self.set(register, self.registers[register] + 1);
        self.set(register + 1, at);
    }

    /// Keeps a capture; `false` if the group to pop one from has none.
    fn close(&mut self, from: usize, at: usize, slot: Option<usize>, pop: Option<usize>) -> bool {
        let (mut start, mut end) = (from.min(at), from.max(at));
        if let Some(pop) = pop {
            let Some((popped_start, popped_end)) = self.captures[pop].pop() else { return false };
            self.remember(Undo::Popped(pop, (popped_start, popped_end)));
            // The capture of a balancing group is the text between the two.
            if start >= popped_end {
                (start, end) = (popped_end, start);
            } else if end <= popped_start {
                (start, end) = (end, popped_start);
            } else {
                (start, end) = (start.max(popped_start), end.min(popped_end));
            }
        }
        if let Some(slot) = slot {
            self.captures[slot].push((start, end));
            self.remember(Undo::Pushed(slot));
        }
        true
    }

    fn back(&self, slot: usize, fold: bool, back: bool, at: usize) -> Option<usize> {
        let (start, end) = *self.captures[slot].last()?;
        let wanted = self.text.get(start..end)?;
        let mut place = at;
        let mut same = |wanted: char| {
            let c = self.beside(place, back)?;
            place = step(place, c, back);
            (c == wanted || fold && fold_char(c) == fold_char(wanted)).then_some(())
        };
        if back {
            wanted.chars().rev().try_for_each(&mut same)?;
        } else {
            wanted.chars().try_for_each(&mut same)?;
        }
        Some(place)
    }

    fn is_at(&self, anchor: Anchor, at: usize, search_start: usize) -> bool {
        let (before, after) = (self.beside(at, true), self.beside(at, false));
        match anchor {
            Anchor::Start => before.is_none(),
            Anchor::End => after.is_none(),
            Anchor::EndOrLastLine => after.is_none() || &self.text[at..] == "\n",
            Anchor::LineStart => before.is_none_or(|c| c == '\n'),
            Anchor::LineEnd => after.is_none_or(|c| c == '\n'),
            Anchor::Boundary => before.is_some_and(is_word) != after.is_some_and(is_word),
            Anchor::NotBoundary => before.is_some_and(is_word) == after.is_some_and(is_word),
            Anchor::SearchStart => at == search_start,
        }
    }

    fn way(&mut self, op: usize, at: usize, rest: Option<usize>) -> Result<(), Stop> {
        if self.ways.len() >= WAYS {
            return Err(Stop::Steps);
        }
        self.ways.push(Way { op, at, undo: self.undo.len(), rest });
        Ok(())
    }

    fn set(&mut self, register: usize, value: usize) {
        let old = std::mem::replace(&mut self.registers[register], value);
        self.remember(Undo::Register(register, old));
    }

    fn remember(&mut self, undo: Undo) {
        // Without another branch there is nothing to undo.
        if !self.ways.is_empty() {
            self.undo.push(undo);
        }
    }

    /// Returns to the last open branch.
    fn fail(&mut self) -> Option<(usize, usize)> {
        while let Some(Way { op, at, undo, rest }) = self.ways.pop() {
            self.take_back(undo);
            let Some(rest) = rest else { return Some((op, at)) };
            let Some(Op::Run { test, lazy, back, .. }) = self.program.ops.get(op) else { continue };
            if *lazy {
                let Some(next) = self.one(test, at, *back) else { continue };
                if rest > 1 {
                    self.ways.push(Way { op, at: next, undo, rest: Some(rest - 1) });
                }
                return Some((op + 1, next));
            }
            // A character fewer: `rest` is the limit of the run.
            let Some(c) = self.beside(at, !back) else { continue };
            let next = step(at, c, !back);
            if next != rest {
                self.ways.push(Way { op, at: next, undo, rest: Some(rest) });
            }
            return Some((op + 1, next));
        }
        None
    }

    fn take_back(&mut self, to: usize) {
        while self.undo.len() > to {
            match self.undo.pop() {
                Some(Undo::Register(register, old)) => self.registers[register] = old,
                Some(Undo::Pushed(slot)) => {
                    self.captures[slot].pop();
                }
                Some(Undo::Popped(slot, span)) => self.captures[slot].push(span),
                None => {}
            }
        }
    }
}

fn step(at: usize, c: char, back: bool) -> usize {
    if back { at - c.len_utf8() } else { at + c.len_utf8() }
}
