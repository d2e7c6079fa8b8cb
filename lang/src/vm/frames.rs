//! Frames of compiled functions: the stored state of a caller, and how a called function gets its registers.

use super::Failure;
use super::execute::{Run, entry, too_deep};
use super::machine::{CallInfo, Frame, Machine};
use super::position::{Caller, Position, Went};
use super::scope::ScopeState;
use crate::compile::{Code, Instruction};
use crate::error::never;
use crate::value::Value;

impl<'t> Run<'t> {
    /// Makes the registers of a called function, and its frame if it needs one.
    pub(super) fn enter(&mut self, machine: &mut Machine<'_>, code: &'t Code, base: usize) {
        machine.stack.resize(base + code.registers, Value::Null);
        if code.framed {
            let definition = self.definition(code);
            let mut frame = Frame {
                call: CallInfo { tree: self.tree, definition },
                tree: self.tree,
                base,
                captures: self.captures,
                globals: self.globals.clone(),
                cells: vec![None; definition.cells],
                scopes: Vec::new(),
            };
            frame.scopes.resize_with(definition.scopes, || ScopeState::Idle);
            self.frames.push(frame);
        }
    }

    /// Gives up the registers of a function that returns.
    pub(super) fn exit(&mut self, machine: &mut Machine<'_>, code: &Code, base: usize, caller: &Caller<'_>) {
        if code.framed {
            self.frames.pop();
        }
        // The contents of the arguments must not seem shared.
        machine.stack.truncate(base);
        machine.stack.resize(caller.height as usize, Value::Null);
    }

    /// How many calls may be made in this entry of the loop.
    pub(super) fn room(&self, machine: &Machine<'_>) -> usize {
        machine.settings.limits.depth.saturating_sub(self.depth)
    }

    /// A call of a compiled function from one with far slots: it gets its registers after them.
    pub(super) fn call_far(
        &mut self,
        machine: &mut Machine<'_>,
        position: Position<'t>,
        instruction: Instruction,
    ) -> Result<Went<'t>, Failure> {
        let Instruction::CallFar(result, numbers, values, function, given) = instruction else {
            return Err(never!("a call of another kind"));
        };
        self.step(machine)?;
        let Some(Some(called)) = self.codes.get(usize::from(function)) else {
            return Err(never!("no code of the function {function}"));
        };
        if self.callers.len() >= self.room(machine) {
            return Err(too_deep(machine, self.definition(called)));
        }
        let base = machine.stack.len();
        self.callers.push(Caller::at(position, base, result));
        if called.parameters.iter().any(Option::is_none) {
            let arguments = machine.take_all(position.base, values, usize::from(given));
            machine.stack.extend(arguments);
        }
        if called.registers > 0 {
            self.enter(machine, called, base);
        }
        let next = entry(called, usize::from(given));
        Ok(Went::On(Position { code: called, next, first: position.first + usize::from(numbers), base }))
    }
}
