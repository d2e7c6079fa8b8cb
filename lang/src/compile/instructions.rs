//! The instructions of a function as they are emitted, with the jumps between them.

use super::code::{Entry, Handler, Instruction, Target};
use crate::span::Span;

/// A jump whose target is not known yet.
pub(super) type Open = usize;

/// Instructions, and the place in the source of each.
#[derive(Default)]
pub(super) struct Instructions {
    list: Vec<Instruction>,
    spans: Vec<Span>,
    handlers: Vec<Handler>,
    ranges: Vec<(Target, Entry)>,
}

/// The complete instructions.
pub(super) struct Emitted {
    pub instructions: Box<[Instruction]>,
    pub spans: Box<[Span]>,
    pub handlers: Box<[Handler]>,
    pub ranges: Box<[(Target, Entry)]>,
}

impl Instructions {
    pub fn emit(&mut self, instruction: Instruction, span: Span) -> Open {
        self.list.push(instruction);
        self.spans.push(span);
        self.list.len() - 1
    }

    /// The place of the next instruction.
    pub fn here(&self) -> Target {
        self.list.len() as Target
    }

    /// Sets the target of jumps to here.
    pub fn land(&mut self, jumps: impl IntoIterator<Item = Open>) {
        for jump in jumps {
            self.lead(jump, self.here());
        }
    }

    /// Sets the target of a jump.
    pub fn lead(&mut self, jump: Open, place: Target) {
        use Instruction as I;
        if let Some(
            I::Jump(target)
            | I::JumpLess(_, _, target)
            | I::JumpLessEqual(_, _, target)
            | I::JumpEqual(_, _, target)
            | I::JumpNotEqual(_, _, target)
            | I::JumpLessSmall(_, _, target)
            | I::JumpLessEqualSmall(_, _, target)
            | I::JumpGreaterSmall(_, _, target)
            | I::JumpGreaterEqualSmall(_, _, target)
            | I::JumpEqualSmall(_, _, target)
            | I::JumpNotEqualSmall(_, _, target)
            | I::RangeStart(_, _, target)
            | I::RangeNext(_, _, target)
            | I::JumpIf(_, _, _, target)
            | I::JumpUnless(_, _, _, target)
            | I::JumpTrue(_, target)
            | I::JumpFalse(_, target)
            | I::JumpNotNull(_, target)
            | I::EachNext(_, _, _, target),
        ) = self.list.get_mut(jump)
        {
            *target = place;
        }
    }

    pub fn handle(&mut self, handler: Handler) {
        self.handlers.push(handler);
    }

    /// Records the rows of the loop of an instruction, if they are not a list.
    pub fn range(&mut self, at: Target, rows: Entry) {
        self.ranges.push((at, rows));
    }

    /// The number of instructions, to go back to.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Drops all after the first `len`.
    pub fn truncate(&mut self, len: usize) {
        self.list.truncate(len);
        self.spans.truncate(len);
    }

    pub fn finish(self) -> Emitted {
        Emitted {
            instructions: self.list.into(),
            spans: self.spans.into(),
            handlers: self.handlers.into(),
            ranges: self.ranges.into(),
        }
    }
}
