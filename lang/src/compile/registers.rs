//! The registers of a function that are in use.

use super::code::Register;

/// The function needs more registers or entries than instructions can name.
pub(super) struct TooLarge;

pub(super) type Built<T> = Result<T, TooLarge>;

/// Registers that may be used in one file.
const REGISTERS: usize = 250;

/// The next free registers, and the most that were in use.
pub(super) struct Registers {
    next: Mark,
    most: Mark,
}

/// The next free registers, to go back to.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    number: usize,
    value: usize,
}

impl Registers {
    /// Temporaries come after `numbers` and `values`, the registers of variables.
    pub fn new(numbers: usize, values: usize) -> Self {
        Self { next: Mark { number: numbers, value: values }, most: Mark { number: numbers, value: 0 } }
    }

    pub fn mark(&self) -> Mark {
        self.next
    }

    /// Frees the temporaries taken since.
    pub fn release(&mut self, mark: Mark) {
        self.next = mark;
    }

    /// A temporary for a number.
    pub fn number(&mut self) -> Built<Register> {
        let register = self.next.number;
        self.next.number += 1;
        self.most.number = self.most.number.max(self.next.number);
        if register >= REGISTERS { Err(TooLarge) } else { Ok(register as Register) }
    }

    /// A temporary for a value.
    pub fn value(&mut self) -> Built<Register> {
        let register = self.next.value;
        self.next.value += 1;
        self.uses(register);
        if register >= REGISTERS { Err(TooLarge) } else { Ok(register as Register) }
    }

    /// The next temporaries, where the arguments of a call go.
    pub fn next(&self) -> Built<(Register, Register)> {
        if self.next.number >= REGISTERS || self.next.value >= REGISTERS {
            return Err(TooLarge);
        }
        Ok((self.next.number as Register, self.next.value as Register))
    }

    /// Records the use of a value register.
    pub fn uses(&mut self, register: usize) {
        self.most.value = self.most.value.max(register + 1);
    }

    pub fn most_numbers(&self) -> usize {
        self.most.number
    }

    pub fn most_values(&self) -> usize {
        self.most.value
    }
}
