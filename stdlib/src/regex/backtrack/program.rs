//! A pattern as instructions.

use crate::regex::sets::CharSet;
use crate::regex::tree::{Anchor, Condition, Groups, Node};
use std::sync::Arc;

/// One instruction. `back` reads the text towards its start, as look-behind does.
#[derive(Debug)]
pub(super) enum Op {
    One {
        test: Test,
        back: bool,
    },
    /// A single character over and over.
    Run {
        test: Test,
        min: u32,
        max: Option<u32>,
        lazy: bool,
        back: bool,
    },
    /// Continues, and returns to `other` when that fails.
    Try {
        other: usize,
    },
    Jump(usize),
    /// Keeps the place in a register.
    Open {
        register: usize,
    },
    /// Keeps the text since the register's place as a capture of `slot`, and pops the last one of `pop`.
    Close {
        register: usize,
        slot: Option<usize>,
        pop: Option<usize>,
    },
    /// The first pass of a loop. `register` counts the passes, the one after it has where the last one began.
    LoopStart {
        register: usize,
    },
    /// Begins another pass, or continues at `exit`.
    Loop {
        register: usize,
        min: u32,
        max: Option<u32>,
        lazy: bool,
        exit: usize,
    },
    /// Begins the pass that a lazy loop skipped at first.
    LoopAgain {
        register: usize,
    },
    /// Keeps the place and the number of open branches.
    Mark {
        register: usize,
    },
    /// Discards the branches opened since the mark; `rewind` goes back to its place.
    Cut {
        register: usize,
        rewind: bool,
    },
    /// Discards the branches opened since the mark and the one before it, and fails.
    Refuse {
        register: usize,
    },
    IfGroup {
        slot: usize,
        otherwise: usize,
    },
    Back {
        slot: usize,
        fold: bool,
        back: bool,
    },
    Anchor(Anchor),
    Done,
}

/// The test of a character.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Char(char),
    Set(Arc<CharSet>),
}

impl Test {
    pub(super) fn takes(&self, c: char) -> bool {
        match self {
            Self::Char(wanted) => c == *wanted,
            Self::Set(set) => set.has(c),
        }
    }
}

/// The instructions of a pattern.
#[derive(Debug)]
pub(in crate::regex) struct Program {
    pub(super) ops: Vec<Op>,
    pub(super) registers: usize,
    pub(super) groups: usize,
    /// The first character of every match, if it is always a single character.
    pub(super) first: Option<Test>,
}

impl Program {
    pub(in crate::regex) fn new(node: &Node, groups: &Groups) -> Self {
        let mut program = Self { ops: Vec::new(), registers: 0, groups: groups.len(), first: first(node) };
        program.add(node, false);
        program.ops.push(Op::Done);
        program
    }

    /// Its memory and that of a search, in bytes.
    pub(in crate::regex) fn memory(&self) -> usize {
        self.ops.capacity() * size_of::<Op>() + self.groups * size_of::<Vec<(usize, usize)>>()
    }

    fn add(&mut self, node: &Node, back: bool) {
        match node {
            Node::Empty => {}
            Node::Char(_) | Node::Set(_) => {
                if let Some(test) = single(node) {
                    self.ops.push(Op::One { test, back });
                }
            }
            Node::Anchor(anchor) => self.ops.push(Op::Anchor(*anchor)),
            Node::Capture { slot, pop, body } => {
                let register = self.register(1);
                self.ops.push(Op::Open { register });
                self.add(body, back);
                self.ops.push(Op::Close { register, slot: *slot, pop: *pop });
            }
            Node::Around { ahead, negated: false, body } => self.closed(body, !ahead, true),
            Node::Around { ahead, negated: true, body } => {
                let register = self.register(2);
                let way = self.hole(Op::Try { other: 0 });
                self.ops.push(Op::Mark { register });
                self.add(body, !ahead);
                self.ops.push(Op::Refuse { register });
                self.fill(way);
            }
            Node::Atomic(body) => self.closed(body, back, false),
            Node::If { condition, yes, no } => self.condition(condition, yes, no, back),
            Node::Back { slot, fold } => self.ops.push(Op::Back { slot: *slot, fold: *fold, back }),
            Node::Concat(parts) if back => parts.iter().rev().for_each(|part| self.add(part, back)),
            Node::Concat(parts) => parts.iter().for_each(|part| self.add(part, back)),
            Node::Alternate(branches) => self.branches(branches, back),
            Node::Repeat { body, min, max, lazy } => self.repeat(body, *min, *max, *lazy, back),
        }
    }

    /// A part of which only one branch is tried.
    fn closed(&mut self, body: &Node, back: bool, rewind: bool) {
        let register = self.register(2);
        self.ops.push(Op::Mark { register });
        self.add(body, back);
        self.ops.push(Op::Cut { register, rewind });
    }

    fn branches(&mut self, branches: &[Node], back: bool) {
        let mut ends = Vec::new();
        for (at, branch) in branches.iter().enumerate() {
            if at + 1 == branches.len() {
                self.add(branch, back);
            } else {
                let way = self.hole(Op::Try { other: 0 });
                self.add(branch, back);
                ends.push(self.hole(Op::Jump(0)));
                self.fill(way);
            }
        }
        ends.into_iter().for_each(|end| self.fill(end));
    }

    fn condition(&mut self, condition: &Condition, yes: &Node, no: &Node, back: bool) {
        let way = match condition {
            Condition::Group(slot) => self.hole(Op::IfGroup { slot: *slot, otherwise: 0 }),
            Condition::Match(test) => {
                // The mark comes before the entry for the other branch, so that the cut discards that too.
                let register = self.register(2);
                self.ops.push(Op::Mark { register });
                let way = self.hole(Op::Try { other: 0 });
                self.add(test, back);
                self.ops.push(Op::Cut { register, rewind: true });
                way
            }
        };
        self.add(yes, back);
        let end = self.hole(Op::Jump(0));
        self.fill(way);
        self.add(no, back);
        self.fill(end);
    }

    fn repeat(&mut self, body: &Node, min: u32, max: Option<u32>, lazy: bool, back: bool) {
        if let Some(test) = single(body) {
            self.ops.push(Op::Run { test, min, max, lazy, back });
            return;
        }
        let register = self.register(2);
        self.ops.push(Op::LoopStart { register });
        let again = self.ops.len();
        let test = self.hole(Op::Loop { register, min, max, lazy, exit: 0 });
        if lazy {
            self.ops.push(Op::LoopAgain { register });
        }
        self.add(body, back);
        self.ops.push(Op::Jump(again));
        self.fill(test);
    }

    fn register(&mut self, count: usize) -> usize {
        self.registers += count;
        self.registers - count
    }

    /// An instruction whose target is not known yet.
    fn hole(&mut self, op: Op) -> usize {
        self.ops.push(op);
        self.ops.len() - 1
    }

    /// Points an instruction to the next place.
    fn fill(&mut self, at: usize) {
        let here = self.ops.len();
        if let Some(
            Op::Try { other: target }
            | Op::Jump(target)
            | Op::Loop { exit: target, .. }
            | Op::IfGroup { otherwise: target, .. },
        ) = self.ops.get_mut(at)
        {
            *target = here;
        }
    }
}

fn single(node: &Node) -> Option<Test> {
    match node {
        Node::Char(c) => Some(Test::Char(*c)),
        Node::Set(set) => Some(Test::Set(set.clone())),
        _ => None,
    }
}

/// The character that every match begins with, if the pattern shows it directly.
fn first(node: &Node) -> Option<Test> {
    match node {
        Node::Capture { pop: None, body, .. } => first(body),
        Node::Atomic(body) => first(body),
        Node::Repeat { body, min: 1.., .. } => first(body),
        Node::Concat(parts) => parts
            .iter()
            .find(|part| !matches!(part, Node::Anchor(_) | Node::Around { .. } | Node::Empty))
            .and_then(first),
        node => single(node),
    }
}
