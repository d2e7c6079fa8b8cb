//! The loop that runs compiled functions.
//!
//! A frame is a window of 256 number registers, indexed by bytes, so that no bounds are checked, and a part of the
//! machine's stack for values. Calls of compiled functions stay in the loop; an instruction that runs other code in
//! between, such as a library function that calls back, enters the loop again.
//! library function that calls back for example, enters the loop again.

use super::closure::Captured;
use super::fail::{limit_error, no_number};
use super::machine::{CallInfo, Frame, Globals, Machine};
use super::operators::arithmetic;
use super::place::{left, placed};
use super::position::{Caller, Position, Went};
use super::statement::caught;
use super::{Evaluated, Failure};
use crate::ast::BinaryOp;
use crate::compile::{Code, Executable, Instruction, Register};
use crate::error::never;
use crate::tree::{FunctionDef, Tree};
use crate::value::{Number, Value};
use std::cmp::Ordering;
use std::sync::Arc;

/// A function being entered; its arguments are on the stack.
pub(super) struct Entered<'t> {
    pub tree: &'t Arc<Executable>,
    pub code: &'t Code,
    pub captures: &'t [Captured],
    pub globals: Globals,
    /// The place of the first argument.
    pub base: usize,
    /// Their number.
    pub given: usize,
}

/// The number registers of a frame.
const WINDOW: usize = 256;

impl Machine<'_> {
    /// Runs a compiled function to its end.
    pub(super) fn execute(&mut self, entered: Entered<'_>) -> Evaluated {
        let numbers = std::mem::take(&mut self.numbers);
        let (top, depth) = (self.number_top, self.depth);
        let mut run = Run {
            tree: entered.tree,
            codes: entered.tree.code(),
            captures: entered.captures,
            globals: entered.globals,
            numbers,
            callers: Vec::new(),
            frames: Vec::new(),
            granted: 0,
            fuel: 0,
            depth,
            held: self.meter.held(),
        };
        let result = if self.profiler.is_some() {
            run.run::<true>(self, entered.code, entered.base, entered.given)
        } else {
            run.run::<false>(self, entered.code, entered.base, entered.given)
        };
        self.settle(run.granted - run.fuel);
        self.numbers = run.numbers;
        self.number_top = top;
        self.depth = depth;
        result
    }
}

/// The state of one entry of the loop.
pub(super) struct Run<'t> {
    pub tree: &'t Arc<Executable>,
    pub codes: &'t [Option<Code>],
    pub captures: &'t [Captured],
    pub globals: Globals,
    numbers: Vec<Number>,
    pub callers: Vec<Caller<'t>>,
    /// The frames of functions that need one.
    pub frames: Vec<Frame<'t>>,
    granted: u64,
    /// The remaining granted steps.
    pub fuel: u64,
    /// The depth of calls where it was entered.
    pub depth: usize,
    held: usize,
}

impl<'t> Run<'t> {
    /// The instructions on numbers, jumps and calls; [`Run::other`] has the rest, so that this one stays small.
    fn run<const WATCHED: bool>(
        &mut self,
        machine: &mut Machine<'_>,
        entered: &'t Code,
        base: usize,
        given: usize,
    ) -> Evaluated {
        use Instruction as I;
        let room = self.room(machine);
        let first = machine.number_top;
        let mut position = Position { code: entered, next: entry(entered, given), first, base };
        self.arguments(machine, position, given)?;
        let mut fuel = 0u64;
        'frame: loop {
            let Position { code, mut next, first, base } = position;
            let Some(r) = self.numbers.get_mut(first..).and_then(|all| all.first_chunk_mut::<WINDOW>()) else {
                self.widen(first);
                continue 'frame;
            };
            let instructions = &code.instructions[..];
            macro_rules! calculate {
                ($d:expr, $result:expr) => {
                    match $result {
                        Some(number) => r[usize::from($d)] = number,
                        None => break self.miscalculated(code, next, first),
                    }
                };
            }
            macro_rules! jump {
                ($target:expr, $condition:expr) => {
                    if $condition {
                        next = $target as usize;
                    }
                };
            }
            macro_rules! step {
                () => {
                    if fuel == 0 {
                        match refuel(machine, &mut self.granted) {
                            Ok(granted) => fuel = granted,
                            Err(error) => break error,
                        }
                    } else {
                        fuel -= 1;
                    }
                };
            }
            let error = loop {
                let Some(instruction) = instructions.get(next) else {
                    break misses("instruction", next);
                };
                if WATCHED {
                    watch(machine, self.tree, code, next, self.granted - fuel);
                }
                next += 1;
                match *instruction {
                    I::Load(d, entry) => {
                        let Some(number) = code.tables.numbers.get(usize::from(entry)) else {
                            break misses("number", usize::from(entry));
                        };
                        r[usize::from(d)] = *number;
                    }
                    I::LoadSmall(d, small) => r[usize::from(d)] = Number::from(i64::from(small)),
                    I::Move(d, a) => r[usize::from(d)] = r[usize::from(a)],
                    I::Add(d, a, b) => calculate!(d, r[usize::from(a)].checked_add(r[usize::from(b)])),
                    I::Subtract(d, a, b) => calculate!(d, r[usize::from(a)].checked_sub(r[usize::from(b)])),
                    I::Multiply(d, a, b) => calculate!(d, r[usize::from(a)].checked_mul(r[usize::from(b)])),
                    I::Divide(d, a, b) => calculate!(d, r[usize::from(a)].checked_div(r[usize::from(b)])),
                    I::Modulo(d, a, b) => calculate!(d, r[usize::from(a)].checked_rem(r[usize::from(b)])),
                    I::AddSmall(d, a, small) => calculate!(d, r[usize::from(a)].add_small(small)),
                    I::SubtractSmall(d, a, small) => calculate!(d, r[usize::from(a)].subtract_small(small)),
                    I::MultiplySmall(d, a, small) => calculate!(d, r[usize::from(a)].multiply_small(small)),
                    I::ModuloSmall(d, a, small) => calculate!(d, r[usize::from(a)].modulo_small(small)),
                    I::Negate(d, a) => r[usize::from(d)] = -r[usize::from(a)],
                    I::Jump(target) => next = target as usize,
                    I::Step => step!(),
                    I::JumpLess(a, b, target) => jump!(target, r[usize::from(a)] < r[usize::from(b)]),
                    I::JumpLessEqual(a, b, target) => jump!(target, r[usize::from(a)] <= r[usize::from(b)]),
                    I::JumpEqual(a, b, target) => jump!(target, r[usize::from(a)] == r[usize::from(b)]),
                    I::JumpNotEqual(a, b, target) => jump!(target, r[usize::from(a)] != r[usize::from(b)]),
                    I::JumpLessSmall(a, small, target) => {
                        jump!(target, r[usize::from(a)].compare_small(small) == Ordering::Less);
                    }
                    I::JumpLessEqualSmall(a, small, target) => {
                        jump!(target, r[usize::from(a)].compare_small(small) != Ordering::Greater);
                    }
                    I::JumpGreaterSmall(a, small, target) => {
                        jump!(target, r[usize::from(a)].compare_small(small) == Ordering::Greater);
                    }
                    I::JumpGreaterEqualSmall(a, small, target) => {
                        jump!(target, r[usize::from(a)].compare_small(small) != Ordering::Less);
                    }
                    I::JumpEqualSmall(a, small, target) => jump!(target, r[usize::from(a)].equals_small(small)),
                    I::JumpNotEqualSmall(a, small, target) => jump!(target, !r[usize::from(a)].equals_small(small)),
                    I::RangeNext(a, b, target) => {
                        let Some(left) = r[usize::from(b)].subtract_small(1) else {
                            break misses("count", usize::from(b));
                        };
                        r[usize::from(b)] = left;
                        if !left.is_zero() {
                            step!();
                            calculate!(a, r[usize::from(a)].add_small(1));
                            next = target as usize;
                        }
                    }
                    I::Call(result, numbers, values, function, given) => {
                        step!();
                        let Some(Some(called)) = self.codes.get(usize::from(function)) else {
                            break misses("function", usize::from(function));
                        };
                        if self.callers.len() >= room {
                            break too_deep(machine, self.definition(called));
                        }
                        self.callers.push(Caller {
                            code,
                            next: next as u32,
                            numbers: first as u32,
                            values: base as u32,
                            height: machine.stack.len() as u32,
                            result,
                        });
                        position = Position {
                            code: called,
                            next: entry(called, usize::from(given)),
                            first: first + usize::from(numbers),
                            base: base + usize::from(values),
                        };
                        if called.registers > 0 {
                            self.enter(machine, called, position.base);
                        }
                        continue 'frame;
                    }
                    I::ReturnNumber(a) => {
                        let number = r[usize::from(a)];
                        let Some(caller) = self.callers.pop() else {
                            self.fuel = fuel;
                            return Ok(Value::Number(number));
                        };
                        if code.registers > 0 {
                            self.exit(machine, code, base, &caller);
                        }
                        position = caller.position();
                        if let Some(place) = self.numbers.get_mut(position.first + usize::from(caller.result)) {
                            *place = number;
                        }
                        continue 'frame;
                    }
                    other => {
                        self.fuel = fuel;
                        match self.other(machine, Position { code, next, first, base }, other) {
                            Ok(Went::On(there)) => {
                                position = there;
                                fuel = self.fuel;
                                continue 'frame;
                            }
                            Ok(Went::Done(value)) => return Ok(value),
                            Err(error) => {
                                fuel = self.fuel;
                                break error;
                            }
                        }
                    }
                }
            };
            self.fuel = fuel;
            position = self.caught(machine, Position { code, next, first, base }, error)?;
            fuel = self.fuel;
        }
    }

    /// Moves the arguments of the first call to the places where its code expects them.
    fn arguments(&mut self, machine: &mut Machine<'_>, position: Position<'t>, given: usize) -> Result<(), Failure> {
        let Position { code, first, base, .. } = position;
        self.widen(first);
        for (position, parameter) in code.parameters.iter().enumerate().take(given) {
            let Some(register) = parameter else { continue };
            match (machine.at(base, position as Register), self.numbers.get_mut(first + usize::from(*register))) {
                (Value::Number(number), Some(place)) => *place = *number,
                (other, _) => return Err(no_number(other)),
            }
        }
        // A function that uses no values drops them here.
        self.enter(machine, code, base);
        Ok(())
    }

    /// An error passes out through the frames until one catches it.
    #[cold]
    #[inline(never)]
    fn caught(
        &mut self,
        machine: &mut Machine<'_>,
        position: Position<'t>,
        error: Failure,
    ) -> Result<Position<'t>, Failure> {
        let mut at = position;
        let span = |at: &Position<'_>| at.code.span(at.next.saturating_sub(1));
        let mut error = placed(error, self.info(at.code), span(&at));
        loop {
            if error.kind.is_catchable()
                && let Some(handler) = at.code.handler(at.next.saturating_sub(1))
            {
                machine.meter.release_to(self.held);
                machine.stack.truncate(at.base + at.code.registers.max(usize::from(handler.error)));
                machine.stack.resize(at.base + at.code.registers, Value::Null);
                machine.clear(at.base, handler.error, at.code);
                // An error caught repeatedly is work, even if no step is taken.
                match machine.work(1).and_then(|()| machine.made(caught(&error))) {
                    Ok(value) => {
                        machine.put(at.base, handler.error, value);
                        return Ok(Position { next: handler.target as usize, ..at });
                    }
                    Err(worse) => error = placed(worse, self.info(at.code), span(&at)),
                }
            }
            let Some(caller) = self.callers.pop() else { return Err(error) };
            let called = self.definition(at.code);
            self.exit(machine, at.code, at.base, &caller);
            at = caller.position();
            error = left(error, called, self.info(at.code), span(&at));
        }
    }

    /// Makes room for a window.
    #[cold]
    fn widen(&mut self, first: usize) {
        if self.numbers.len() < first + WINDOW {
            self.numbers.resize((first + WINDOW).max(self.numbers.len() * 2), Number::ZERO);
        }
    }

    /// Hands over the state that other code needs to run in between.
    #[inline]
    pub(super) fn leave(&mut self, machine: &mut Machine<'_>, top: usize) {
        self.settle(machine);
        machine.numbers = std::mem::take(&mut self.numbers);
        machine.number_top = top;
        machine.depth = self.depth + self.callers.len();
    }

    /// Counts the steps taken so far, before other code counts steps of its own.
    #[inline]
    pub(super) fn settle(&mut self, machine: &mut Machine<'_>) {
        machine.settle(self.granted - self.fuel);
        self.granted = 0;
        self.fuel = 0;
    }

    /// The same if a value has parts, which are counted when it is checked.
    #[inline]
    pub(super) fn settle_for(&mut self, machine: &mut Machine<'_>, value: &Value) {
        if value.depth() > 0 {
            self.settle(machine);
        }
    }

    /// Counts a step.
    pub(super) fn step(&mut self, machine: &mut Machine<'_>) -> Result<(), Failure> {
        if self.fuel == 0 {
            self.fuel = refuel(machine, &mut self.granted)?;
        } else {
            self.fuel -= 1;
        }
        Ok(())
    }

    #[inline]
    pub(super) fn number(&self, first: usize, register: Register) -> Result<Number, Failure> {
        self.numbers.get(first + usize::from(register)).copied().ok_or_else(|| never!("no number register {register}"))
    }

    #[inline]
    pub(super) fn set_number(&mut self, first: usize, register: Register, number: Number) -> Result<(), Failure> {
        match self.numbers.get_mut(first + usize::from(register)) {
            Some(place) => *place = number,
            None => return Err(never!("no number register {register}")),
        }
        Ok(())
    }

    #[inline]
    pub(super) fn come_back(&mut self, machine: &mut Machine<'_>) {
        self.numbers = std::mem::take(&mut machine.numbers);
    }

    pub(super) fn definition(&self, code: &Code) -> &'t FunctionDef {
        &self.tree.functions[code.function as usize]
    }

    pub(super) fn info(&self, code: &Code) -> CallInfo<'t> {
        CallInfo { tree: self.tree, definition: self.definition(code) }
    }

    /// The error of a calculation without a result.
    #[cold]
    fn miscalculated(&self, code: &Code, next: usize, first: usize) -> Failure {
        use Instruction as I;
        let at = |register: Register| self.numbers.get(first + usize::from(register)).copied();
        let small = |small: u16| Some(Number::from(i64::from(small)));
        let (op, a, b) = match code.instructions.get(next.saturating_sub(1)) {
            Some(I::Add(_, a, b)) => (BinaryOp::Add, at(*a), at(*b)),
            Some(I::Subtract(_, a, b)) => (BinaryOp::Subtract, at(*a), at(*b)),
            Some(I::Multiply(_, a, b)) => (BinaryOp::Multiply, at(*a), at(*b)),
            Some(I::Divide(_, a, b)) => (BinaryOp::Divide, at(*a), at(*b)),
            Some(I::Modulo(_, a, b)) => (BinaryOp::Modulo, at(*a), at(*b)),
            Some(I::AddSmall(_, a, b)) => (BinaryOp::Add, at(*a), small(*b)),
            Some(I::SubtractSmall(_, a, b)) => (BinaryOp::Subtract, at(*a), small(*b)),
            Some(I::MultiplySmall(_, a, b)) => (BinaryOp::Multiply, at(*a), small(*b)),
            Some(I::ModuloSmall(_, a, b)) => (BinaryOp::Modulo, at(*a), small(*b)),
            other => return never!("{other:?} calculates nothing"),
        };
        let (Some(a), Some(b)) = (a, b) else { return never!("no register of a calculation") };
        match arithmetic(op, &Value::Number(a), &Value::Number(b), crate::value::Zone::UTC) {
            Err(error) => error,
            Ok(_) => never!("a calculation that fails has a result"),
        }
    }
}

/// Reports the position of the run to the profiler.
#[cold]
fn watch(machine: &Machine<'_>, tree: &Tree, code: &Code, next: usize, unsettled: u64) {
    let span = code.span(next);
    let definition = tree.functions.get(code.function as usize);
    let unit = definition.and_then(|definition| tree.units.get(definition.unit as usize));
    // Some instructions have no place in the source.
    if let (Some(profiler), Some(unit), true) = (machine.profiler, unit, span.end > span.start) {
        profiler.at(unit.module.as_deref(), span.start as usize, machine.meter.steps() + unsettled);
    }
}

/// A step when none is granted any more; returns how many are granted now.
#[cold]
#[inline(never)]
fn refuel(machine: &mut Machine<'_>, granted: &mut u64) -> Result<u64, Failure> {
    machine.settle(std::mem::take(granted));
    machine.spend(1)?;
    *granted = machine.grant();
    Ok(*granted)
}

/// Where a call with `given` arguments begins.
#[inline]
pub(super) fn entry(code: &Code, given: usize) -> usize {
    if code.entries.len() == 1 {
        return 0;
    }
    let required = (code.parameters.len() + 1).saturating_sub(code.entries.len());
    code.entries.get(given.saturating_sub(required)).map_or(0, |target| *target as usize)
}

/// A part of the code that its instructions name and that is missing. Its text is built here: the loop stays small.
#[cold]
#[inline(never)]
fn misses(what: &str, index: usize) -> Failure {
    never!("no {what} {index}")
}

#[cold]
pub(super) fn too_deep(machine: &Machine<'_>, definition: &FunctionDef) -> Failure {
    limit_error(format!(
        "The call depth went beyond its limit of {}: {} is called from within itself or from within too many others.",
        machine.settings.limits.depth,
        super::fail::named(definition)
    ))
}
