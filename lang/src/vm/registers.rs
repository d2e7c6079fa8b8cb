//! Value registers: the part of the machine's stack that belongs to a compiled frame.

use super::machine::Machine;
use crate::compile::{Code, Register};
use crate::function::MOST_NUMBERS;
use crate::tree::FAR_LOCALS;
use crate::value::{Number, Value};

static NULL: Value = Value::Null;

impl Machine<'_> {
    /// The value in a register.
    #[inline]
    pub(super) fn at(&self, base: usize, register: Register) -> &Value {
        let at = base + usize::from(register);
        self.stack.get(at).unwrap_or_else(|| {
            self.misses("register", at);
            &NULL
        })
    }

    #[inline]
    pub(super) fn put(&mut self, base: usize, register: Register, value: Value) {
        let at = base + usize::from(register);
        match self.stack.get_mut(at) {
            Some(place) => *place = value,
            None => self.misses("register", at),
        }
    }

    /// Takes the value out.
    #[inline]
    pub(super) fn take_at(&mut self, base: usize, register: Register) -> Value {
        let at = base + usize::from(register);
        match self.stack.get_mut(at) {
            Some(place) => std::mem::take(place),
            None => {
                self.misses("register", at);
                Value::Null
            }
        }
    }

    /// The value of an operand. A temporary is used once: its content must not seem shared.
    #[inline]
    pub(super) fn used(&mut self, code: &Code, base: usize, register: Register) -> Value {
        if usize::from(register) < code.locals { self.at(base, register).clone() } else { self.take_at(base, register) }
    }

    /// Empties an operand that was read in place, if it is a temporary.
    #[inline]
    pub(super) fn done(&mut self, code: &Code, base: usize, register: Register) {
        if usize::from(register) >= code.locals {
            self.put(base, register, Value::Null);
        }
    }

    /// Empties the registers from `from` on; far slots follow after them.
    pub(super) fn clear(&mut self, base: usize, from: Register, code: &Code) {
        let end = code.registers.min(FAR_LOCALS);
        match self.stack.get_mut(base + usize::from(from)..base + end) {
            Some(values) => values.fill(Value::Null),
            None => self.misses("register", base + end),
        }
    }

    /// The values of adjacent operands, if all are numbers.
    #[inline]
    pub(super) fn numbers_at(&self, base: usize, start: Register, count: usize) -> Option<[Number; MOST_NUMBERS]> {
        let start = base + usize::from(start);
        let mut numbers = [Number::ZERO; MOST_NUMBERS];
        for (number, value) in numbers.get_mut(..count)?.iter_mut().zip(self.stack.get(start..start + count)?) {
            let Value::Number(given) = value else { return None };
            *number = *given;
        }
        Some(numbers)
    }

    /// Takes the values of adjacent temporaries.
    pub(super) fn take_all(&mut self, base: usize, start: Register, count: usize) -> Vec<Value> {
        let start = base + usize::from(start);
        match self.stack.get_mut(start..start + count) {
            Some(values) => values.iter_mut().map(std::mem::take).collect(),
            None => {
                self.misses("register", start + count);
                vec![Value::Null; count]
            }
        }
    }
}
