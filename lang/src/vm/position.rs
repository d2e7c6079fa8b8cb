//! The position of the loop in compiled code, and the frames to return to.

use crate::compile::{Code, Register};
use crate::value::Value;

/// The position of the loop.
#[derive(Clone, Copy)]
pub(super) struct Position<'t> {
    pub code: &'t Code,
    /// The next instruction.
    pub next: usize,
    /// The first number register of the frame.
    pub first: usize,
    /// The place of its first value register on the machine's stack.
    pub base: usize,
}

/// The result of an instruction.
pub(super) enum Went<'t> {
    On(Position<'t>),
    /// The loop ends.
    Done(Value),
}

/// A frame to return to.
pub(super) struct Caller<'t> {
    pub(super) code: &'t Code,
    pub(super) next: u32,
    pub(super) numbers: u32,
    pub(super) values: u32,
    /// The height of the machine's stack. A frame without value registers begins where another one ends.
    pub(super) height: u32,
    pub(super) result: Register,
}

impl<'t> Caller<'t> {
    /// The frame at a position, to be left for a called function.
    pub fn at(position: Position<'t>, height: usize, result: Register) -> Self {
        let Position { code, next, first, base } = position;
        Self { code, next: next as u32, numbers: first as u32, values: base as u32, height: height as u32, result }
    }

    pub fn position(&self) -> Position<'t> {
        Position { code: self.code, next: self.next as usize, first: self.numbers as usize, base: self.values as usize }
    }
}
