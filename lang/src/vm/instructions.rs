//! The instructions outside of the loop: on values, and those that run other code in between.

use super::Failure;
use super::execute::Run;
use super::fail::{describe, no_number, type_error};
use super::machine::Machine;
use super::operators::arithmetic;
use super::place::placed;
use super::position::{Position, Went};
use crate::ast::BinaryOp;
use crate::budget::SHORT_TEXT;
use crate::budget::{Budget, ELEMENTS_OF_STEP};
use crate::compile::{Code, Instruction, Register};
use crate::error::never;
use crate::tree::{Argument, Variable};
use crate::value::{Number, Rows, Value, truth};
use std::cmp::Ordering;

impl<'t> Run<'t> {
    /// Runs one instruction.
    #[inline(never)]
    pub(super) fn other(
        &mut self,
        machine: &mut Machine<'_>,
        position: Position<'t>,
        instruction: Instruction,
    ) -> Result<Went<'t>, Failure> {
        use Instruction as I;
        let Position { code, mut next, first, base } = position;
        let on = |next: usize| Ok(Went::On(Position { next, ..position }));
        macro_rules! jump {
            ($target:expr, $condition:expr) => {
                if $condition {
                    next = $target as usize;
                }
            };
        }
        macro_rules! step {
            () => {
                self.step(machine)?
            };
        }
        // Code that may enter the loop again.
        macro_rules! outside {
            ($frame:ident => $result:expr) => {{
                self.leave(machine, first + code.number_registers);
                let result = match self.frames.last_mut() {
                    Some($frame) => $result,
                    None => Err(never!("no frame")),
                };
                self.come_back(machine);
                result?
            }};
        }
        match instruction {
            I::RangeStart(a, b, target) => {
                let (start, count) = (self.number(first, a)?, self.number(first, b)?);
                let passes = count.to_usize().filter(|passes| *passes <= machine.meter.cells());
                let fits = passes.is_some() && start.checked_add(count).is_some();
                let Some(passes) = passes.filter(|_| fits) else {
                    let range = code.ranges.iter().find(|(place, _)| *place as usize + 1 == next);
                    let site = range.and_then(|(_, entry)| code.tables.natives.get(usize::from(*entry)));
                    let Some(site) = site else { return Err(never!("no range of a loop")) };
                    let span = code.span(next - 1);
                    let values = vec![Value::Number(start), Value::Number(count)];
                    let list = outside!(frame => {
                        machine.row_calls += 1;
                        let call = machine.row_calls;
                        machine.run_native(frame, &site.function, values, &site.arguments, None, call, span)
                    });
                    let passes = Rows::of(&list).map_or(0, |rows| rows.len());
                    self.set_number(first, b, Number::from(passes))?;
                    if passes == 0 {
                        next = target as usize;
                    } else {
                        self.first_pass(machine, code, target)?;
                    }
                    return on(next);
                };
                // The list that is not built would have been a call, and work.
                step!();
                if passes >= ELEMENTS_OF_STEP {
                    outside!(_frame => machine.look(passes));
                }
                self.set_number(first, b, Number::from(passes))?;
                if passes == 0 {
                    next = target as usize;
                } else {
                    self.first_pass(machine, code, target)?;
                }
            }
            I::Unbox(d, a) => match machine.at(base, a) {
                Value::Number(number) => self.set_number(first, d, *number)?,
                other => return Err(no_number(other)),
            },
            I::Box(d, a) => machine.put(base, d, Value::Number(self.number(first, a)?)),
            I::Constant(d, entry) => {
                let Some(value) = code.tables.values.get(usize::from(entry)).cloned() else {
                    return Err(never!("no entry {entry} of values"));
                };
                machine.put(base, d, value);
            }
            I::Clear(d) => machine.put(base, d, Value::Null),
            I::Boolean(d, value) => machine.put(base, d, Value::Bool(value)),
            I::Copy(d, a) => {
                let value = machine.used(code, base, a);
                machine.put(base, d, value);
            }
            I::Calculate(op, d, a, b) => {
                let result = arithmetic(op, machine.at(base, a), machine.at(base, b), machine.zone());
                machine.done(code, base, a);
                machine.done(code, base, b);
                machine.put(base, d, result?);
            }
            I::Compare(op, d, a, b) => {
                let holds = compare(machine, code, base, op, a, b)?;
                machine.put(base, d, Value::Bool(holds));
            }
            I::JumpIf(op, a, b, target) => {
                let holds = compare(machine, code, base, op, a, b)?;
                jump!(target, holds);
            }
            I::JumpUnless(op, a, b, target) => {
                let holds = compare(machine, code, base, op, a, b)?;
                jump!(target, !holds);
            }
            I::JumpTrue(a, target) => {
                let holds = truth(machine.at(base, a));
                machine.done(code, base, a);
                jump!(target, holds);
            }
            I::JumpFalse(a, target) => {
                let holds = truth(machine.at(base, a));
                machine.done(code, base, a);
                jump!(target, !holds);
            }
            I::JumpNotNull(a, target) => jump!(target, !machine.at(base, a).is_null()),
            I::Concat(d, a, b) => {
                let mut whole = machine.used(code, base, a);
                let added = machine.used(code, base, b);
                machine.append(&mut whole, added)?;
                machine.put(base, d, whole);
            }
            I::Append(a, b) => {
                let added = machine.used(code, base, b);
                let mut whole = machine.take_at(base, a);
                let appended = machine.append(&mut whole, added);
                machine.put(base, a, whole);
                appended?;
            }
            I::Field(d, a, entry) => {
                let Some(site) = code.tables.fields.get(usize::from(entry)) else {
                    return Err(never!("no entry {entry} of fields"));
                };
                let value = match machine.at(base, a) {
                    Value::Record(record) => record.get_near(site.column, &site.name),
                    _ => None,
                };
                let value = match value {
                    Some(value) => {
                        machine.done(code, base, a);
                        value
                    }
                    None => {
                        let object = machine.used(code, base, a);
                        machine.field(&object, &site.name)?
                    }
                };
                machine.put(base, d, value);
            }
            I::NumberField(d, a, entry) => {
                let Some(site) = code.tables.fields.get(usize::from(entry)) else {
                    return Err(never!("no entry {entry} of fields"));
                };
                let value = match machine.at(base, a) {
                    Value::Record(record) => record.get_near(site.column, &site.name),
                    _ => None,
                };
                let value = match value {
                    Some(value) => {
                        machine.done(code, base, a);
                        value
                    }
                    None => {
                        let object = machine.used(code, base, a);
                        machine.field(&object, &site.name)?
                    }
                };
                match value {
                    Value::Number(number) => self.set_number(first, d, number)?,
                    other => return Err(no_number(&other)),
                }
            }
            I::EachStart(a, b) => {
                let rows = machine.at(base, a);
                if !matches!(rows, Value::Null | Value::List(_) | Value::Table(_) | Value::Text(_)) {
                    return Err(type_error(format!(
                        "A loop runs over a list, a table or the characters of a text, not over {}.",
                        describe(rows)
                    )));
                }
                self.set_number(first, b, Number::ZERO)?;
            }
            I::EachNext(d, a, b, target) => {
                let position = self.number(first, b)?.to_usize().unwrap_or(usize::MAX);
                match element(machine.at(base, a), position) {
                    Some((value, after)) => {
                        step!();
                        self.set_number(first, b, Number::from(after))?;
                        machine.put(base, d, value);
                    }
                    None => next = target as usize,
                }
            }
            I::Return(_) | I::ReturnNull => {
                if code.numeric {
                    return Err(type_error("A path through this function gives no number."));
                }
                let value = match instruction {
                    I::Return(a) => machine.used(code, base, a),
                    _ => Value::Null,
                };
                let Some(caller) = self.callers.pop() else { return Ok(Went::Done(value)) };
                self.exit(machine, code, base, &caller);
                let back = caller.position();
                machine.put(back.base, caller.result, value);
                return Ok(Went::On(back));
            }
            I::CallFar(..) => return self.call_far(machine, position, instruction),
            I::CallValue(d, a, count) => {
                let function = machine.take_at(base, a);
                let arguments = machine.take_all(base, a + 1, usize::from(count));
                let span = code.span(next - 1);
                let value = outside!(frame => machine.invoke(frame.call, &function, arguments, span));
                machine.put(base, d, value);
                return on(next);
            }
            I::CallNative(d, a, entry) => {
                let Some(site) = code.tables.natives.get(usize::from(entry)) else {
                    return Err(never!("no entry {entry} of natives"));
                };
                if let Some(on_numbers) = site.function.on_numbers
                    && let Some(number) =
                        machine.numbers_at(base, a, site.count).and_then(|it| on_numbers(it.get(..site.count)?))
                {
                    step!();
                    machine.put(base, d, Value::Number(number));
                    return on(next);
                }
                let span = code.span(next - 1);
                if let [Argument::Value(_), Argument::Row(_)] = &*site.arguments {
                    let rows = machine.at(base, a).clone();
                    let folded = outside!(frame => machine.folded(frame, &site.function, &site.arguments, &rows));
                    if let Some(value) = folded {
                        machine.done(code, base, a);
                        machine.put(base, d, value);
                        return on(next);
                    }
                }
                let values = machine.native_arguments(site, base, a);
                let value = outside!(frame => {
                    let call = machine.row_calls;
                    let ty = site.type_argument.as_ref();
                    machine.run_native(frame, &site.function, values, &site.arguments, ty, call, span)
                });
                machine.put(base, d, value);
                return on(next);
            }
            I::Evaluate(d, entry) => {
                let Some(expr) = code.tables.exprs.get(usize::from(entry)) else {
                    return Err(never!("no entry {entry} of exprs"));
                };
                let value = outside!(frame => machine.eval(frame, expr));
                machine.put(base, d, value);
                return on(next);
            }
            I::Assert(entry) => {
                if machine.settings.asserts {
                    let Some(expr) = code.tables.exprs.get(usize::from(entry)) else {
                        return Err(never!("no entry {entry} of exprs"));
                    };
                    let span = code.span(next - 1);
                    outside!(frame => machine.assert(frame, expr, span));
                }
                return on(next);
            }
            I::SetPath(a, entry) => {
                let Some(site) = code.tables.paths.get(usize::from(entry)) else {
                    return Err(never!("no entry {entry} of paths"));
                };
                let mut parts = machine.take_all(base, a, site.path.len() + 1);
                let value = parts.pop().ok_or_else(|| never!("no value to set"))?;
                let ty = site.annotation.as_ref();
                outside!(frame => {
                    machine.set_part(frame, site.variable, &site.name, &site.path, &parts, value, ty)
                });
                return on(next);
            }
            I::Read(d, entry) => {
                let Some((variable, name)) = code.tables.variables.get(usize::from(entry)) else {
                    return Err(never!("no entry {entry} of variables"));
                };
                let value = match (variable, self.frames.last()) {
                    (Variable::Global(slot), _) => machine.read_global(&self.globals, *slot, name),
                    (variable, Some(frame)) => machine.read(frame, *variable, name),
                    _ => return Err(never!("no frame")),
                };
                machine.put(base, d, value?);
            }
            I::Write(entry, a) => {
                let Some((variable, _)) = code.tables.variables.get(usize::from(entry)) else {
                    return Err(never!("no entry {entry} of variables"));
                };
                let value = machine.used(code, base, a);
                match (variable, self.frames.last_mut()) {
                    (Variable::Global(slot), _) => machine.write_global(&self.globals, *slot, value),
                    (variable, Some(frame)) => machine.set(frame, *variable, value)?,
                    _ => return Err(never!("no frame")),
                }
            }
            I::AppendOutside(entry, a, b) => {
                let Some((variable, _)) = code.tables.variables.get(usize::from(entry)) else {
                    return Err(never!("no entry {entry} of variables"));
                };
                let before = machine.take_at(base, a);
                let added = machine.take_at(base, b);
                let Some(frame) = self.frames.last_mut() else { return Err(never!("no frame")) };
                machine.append_changed(frame, *variable, before, added, None)?;
            }
            I::AppendOutsideAs(entry, a, b, site) => {
                let Some((variable, _)) = code.tables.variables.get(usize::from(entry)) else {
                    return Err(never!("no entry {entry} of variables"));
                };
                let Some(site) = code.tables.types.get(usize::from(site)) else {
                    return Err(never!("no entry {site} of types"));
                };
                let before = machine.take_at(base, a);
                let added = machine.take_at(base, b);
                self.settle(machine);
                let Some(frame) = self.frames.last_mut() else { return Err(never!("no frame")) };
                machine.append_changed(frame, *variable, before, added, Some((&site.ty, &site.what)))?;
            }
            I::AppendAs(a, b, entry) => {
                let Some(site) = code.tables.types.get(usize::from(entry)) else {
                    return Err(never!("no entry {entry} of types"));
                };
                let added = machine.used(code, base, b);
                self.settle(machine);
                let mut whole = machine.take_at(base, a);
                let appended = machine.append_conformed(&self.tree.types, &mut whole, added, &site.ty, &site.what);
                machine.put(base, a, whole);
                appended?;
            }
            I::Convert(d, a, entry) => {
                let Some(site) = code.tables.types.get(usize::from(entry)) else {
                    return Err(never!("no entry {entry} of types"));
                };
                let value = machine.used(code, base, a);
                self.settle_for(machine, &value);
                let value = machine.conform(&self.tree.types, value, &site.ty, || site.what.to_string())?;
                machine.put(base, d, value);
            }
            I::RenewCell(cell) => {
                let Some(frame) = self.frames.last_mut() else { return Err(never!("no frame")) };
                machine.renew_cell(frame, cell)?;
            }
            I::ConvertArgument(a, function, position) => {
                let definition = self.tree.functions.get(usize::from(function));
                let parameter = definition.and_then(|it| it.parameters.get(usize::from(position)));
                if let (Some(definition), Some(parameter)) = (definition, parameter)
                    && let Some(annotation) = &parameter.annotation
                {
                    let value = machine.take_at(base, a);
                    self.settle_for(machine, &value);
                    let what = || super::fail::parameter_of(parameter, definition);
                    let value = machine.conform(&self.tree.types, value, annotation, what)?;
                    machine.put(base, a, value);
                }
            }

            other => {
                if matches!(other, I::New(..) | I::Is(..) | I::In(..) | I::InValues(..)) {
                    self.settle(machine);
                }
                machine.simple(self.tree, code, base, other)?;
            }
        }
        on(next)
    }
}

impl<'t> Run<'t> {
    /// Counts the first pass of a loop, which ends before `target`: its place is that of the other passes.
    fn first_pass(&mut self, machine: &mut Machine<'_>, code: &'t Code, target: u32) -> Result<(), Failure> {
        let span = code.span((target as usize).saturating_sub(1));
        self.step(machine).map_err(|error| placed(error, self.info(code), span))
    }
}

/// Is `va op vb` true?
#[inline]
fn compare(
    machine: &mut Machine<'_>,
    code: &Code,
    base: usize,
    op: BinaryOp,
    a: Register,
    b: Register,
) -> Result<bool, Failure> {
    let quick = match (op, machine.at(base, a), machine.at(base, b)) {
        (BinaryOp::Equal, Value::Text(x), Value::Text(y)) if x.len() != y.len() || x.len() <= SHORT_TEXT => {
            Some(x == y)
        }
        (BinaryOp::NotEqual, Value::Text(x), Value::Text(y)) if x.len() != y.len() || x.len() <= SHORT_TEXT => {
            Some(x != y)
        }
        (_, Value::Number(x), Value::Number(y)) => {
            let order = x.cmp(y);
            match op {
                BinaryOp::Equal => Some(order == Ordering::Equal),
                BinaryOp::NotEqual => Some(order != Ordering::Equal),
                BinaryOp::Less => Some(order == Ordering::Less),
                BinaryOp::LessEqual => Some(order != Ordering::Greater),
                BinaryOp::Greater => Some(order == Ordering::Greater),
                BinaryOp::GreaterEqual => Some(order != Ordering::Less),
                _ => None,
            }
        }
        _ => None,
    };
    if let Some(holds) = quick {
        machine.done(code, base, a);
        machine.done(code, base, b);
        return Ok(holds);
    }
    let x = machine.used(code, base, a);
    let y = machine.used(code, base, b);
    machine.apply(op, x, y).map(|holds| truth(&holds))
}

/// The element of rows at a position, and the position after it: a byte in texts.
fn element(rows: &Value, position: usize) -> Option<(Value, usize)> {
    match rows {
        Value::Text(text) => {
            let character = text.get(position..)?.chars().next()?;
            let mut buffer = [0; 4];
            let value = Value::from(&*character.encode_utf8(&mut buffer));
            Some((value, position + character.len_utf8()))
        }
        Value::List(list) => Some((list.items().get(position)?.clone(), position + 1)),
        Value::Table(table) => Some((Value::Record(table.row(position)?), position + 1)),
        _ => None,
    }
}
