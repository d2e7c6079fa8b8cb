//! The state of compiling one function.

use super::code::{Code, Entry, FieldSite, Handler, Instruction, NativeSite, PathSite, Register, Target, TypeSite};
use super::convention::{Convention, Conventions, is_number};
use super::walk::{self, Seen};
use crate::span::Span;
use crate::tree::{Expr, ExprKind, FAR_LOCALS, FunctionDef, NEAR_LOCALS, Tree, Variable};
use crate::types::Type;
use crate::value::{Number, Shape, Value};
use ecow::EcoString;
use std::sync::Arc;

/// The function needs more registers or entries than instructions can name.
pub(super) struct TooLarge;

pub(super) type Built<T> = Result<T, TooLarge>;

/// A jump whose target is not known yet.
pub(super) type Open = usize;

/// Registers that may be used in one file.
const REGISTERS: usize = 250;

pub(super) struct Builder<'t> {
    pub tree: &'t Tree,
    pub conventions: &'t Conventions,
    pub convention: Option<&'t Convention>,
    pub definition: &'t FunctionDef,
    pub id: usize,
    pub instructions: Vec<Instruction>,
    pub spans: Vec<Span>,
    pub loops: Vec<LoopState>,
    pub handlers: Vec<Handler>,
    pub ranges: Vec<(Target, Entry)>,
    pub framed: bool,
    numbers: Vec<Number>,
    values: Vec<Value>,
    fields: Vec<FieldSite>,
    variables: Vec<(Variable, EcoString)>,
    shapes: Vec<Arc<Shape>>,
    templates: Vec<Box<[Span]>>,
    news: Vec<(Type, Box<[EcoString]>)>,
    types: Vec<TypeSite>,
    natives: Vec<NativeSite>,
    paths: Vec<PathSite>,
    exprs: Vec<Expr>,
    locals: usize,
    next_number: usize,
    next_value: usize,
    most_values: usize,
    most_numbers: usize,
}

/// A loop being compiled.
#[derive(Default)]
pub(super) struct LoopState {
    pub breaks: Vec<Open>,
    pub continues: Vec<Open>,
}

/// A place in the instructions, to go back to.
#[derive(Clone, Copy)]
pub(super) struct Checkpoint {
    instructions: usize,
    mark: Mark,
}

impl Checkpoint {
    pub fn mark(self) -> Mark {
        self.mark
    }
}

/// The next free registers, to go back to.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    number: usize,
    value: usize,
}

impl<'t> Builder<'t> {
    pub fn new(tree: &'t Tree, conventions: &'t Conventions, id: usize, definition: &'t FunctionDef) -> Self {
        let convention = conventions.get(id);
        let numbers = convention.map_or(0, |convention| convention.locals.iter().flatten().count());
        let locals = definition.locals.max(definition.parameters.len()).min(NEAR_LOCALS);
        Self {
            tree,
            conventions,
            convention,
            definition,
            id,
            instructions: Vec::new(),
            spans: Vec::new(),
            loops: Vec::new(),
            handlers: Vec::new(),
            ranges: Vec::new(),
            framed: false,
            numbers: Vec::new(),
            values: Vec::new(),
            fields: Vec::new(),
            variables: Vec::new(),
            shapes: Vec::new(),
            templates: Vec::new(),
            news: Vec::new(),
            types: Vec::new(),
            natives: Vec::new(),
            paths: Vec::new(),
            exprs: Vec::new(),
            locals,
            next_number: numbers,
            next_value: locals,
            most_values: 0,
            most_numbers: numbers,
        }
    }

    /// The code; `None` where it is too large.
    pub fn finish(mut self) -> Option<Code> {
        let entries = self.function().ok()?;
        let parameters = self.convention?.parameters.clone().into_boxed_slice();
        let needs_values = parameters.iter().any(Option::is_none) || self.framed;
        let registers = match self.has_far_locals() {
            true => self.definition.locals,
            false if needs_values => self.most_values.max(self.locals),
            false => self.most_values,
        };
        Some(Code {
            function: u32::try_from(self.id).ok()?,
            instructions: self.instructions.into(),
            spans: self.spans.into(),
            numbers: self.numbers.into(),
            values: self.values.into(),
            fields: self.fields.into(),
            variables: self.variables.into(),
            shapes: self.shapes.into(),
            templates: self.templates.into(),
            news: self.news.into(),
            types: self.types.into(),
            natives: self.natives.into(),
            paths: self.paths.into(),
            ranges: self.ranges.into(),
            exprs: self.exprs.into(),
            entries: entries.into(),
            parameters,
            handlers: self.handlers.into(),
            locals: self.locals,
            registers,
            number_registers: self.most_numbers,
            framed: self.framed,
            numeric: self.convention?.numeric,
        })
    }

    pub fn emit(&mut self, instruction: Instruction, span: Span) -> Open {
        self.instructions.push(instruction);
        self.spans.push(span);
        self.instructions.len() - 1
    }

    /// The place of the next instruction.
    pub fn here(&self) -> Target {
        self.instructions.len() as Target
    }

    /// Lets jumps lead here.
    pub fn land(&mut self, jumps: impl IntoIterator<Item = Open>) {
        for jump in jumps {
            self.lead(jump, self.here());
        }
    }

    /// Lets a jump lead to a place.
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
        ) = self.instructions.get_mut(jump)
        {
            *target = place;
        }
    }

    pub fn mark(&self) -> Mark {
        Mark { number: self.next_number, value: self.next_value }
    }

    /// Frees the temporaries taken since.
    pub fn release(&mut self, mark: Mark) {
        self.next_number = mark.number;
        self.next_value = mark.value;
    }

    /// A temporary for a number.
    pub fn number_temporary(&mut self) -> Built<Register> {
        let register = self.next_number;
        self.next_number += 1;
        self.most_numbers = self.most_numbers.max(self.next_number);
        if register >= REGISTERS { Err(TooLarge) } else { Ok(register as Register) }
    }

    /// A temporary for a value.
    pub fn value_temporary(&mut self) -> Built<Register> {
        let register = self.next_value;
        self.next_value += 1;
        self.uses(register);
        if register >= REGISTERS { Err(TooLarge) } else { Ok(register as Register) }
    }

    /// The next temporaries, where the arguments of a call go.
    pub fn next_registers(&self) -> Built<(Register, Register)> {
        if self.next_number >= REGISTERS || self.next_value >= REGISTERS {
            return Err(TooLarge);
        }
        Ok((self.next_number as Register, self.next_value as Register))
    }

    /// Notes the use of a value register.
    pub fn uses(&mut self, register: usize) {
        self.most_values = self.most_values.max(register + 1);
    }

    /// The number register of a local slot.
    pub fn number_local(&self, slot: u16) -> Option<Register> {
        self.convention.and_then(|convention| convention.locals.get(usize::from(slot)).copied().flatten())
    }

    /// The value register of a near local slot.
    pub fn value_local(&mut self, slot: u16) -> Built<Register> {
        if usize::from(slot) >= NEAR_LOCALS {
            return Err(TooLarge);
        }
        self.uses(usize::from(slot));
        Register::try_from(slot).map_err(|_| TooLarge)
    }

    /// Has the function variables that are not in registers?
    pub fn has_far_locals(&self) -> bool {
        self.definition.locals > FAR_LOCALS
    }

    /// Is it a local variable in a register of its own for values?
    pub fn near_slot(variable: Variable) -> Option<u16> {
        match variable {
            Variable::Local(slot) if usize::from(slot) < NEAR_LOCALS => Some(slot),
            _ => None,
        }
    }

    /// Drops what was emitted for an expression that needs too many registers.
    pub fn roll_back(&mut self, to: Checkpoint) {
        self.instructions.truncate(to.instructions);
        self.spans.truncate(to.instructions);
        self.release(to.mark);
    }

    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { instructions: self.instructions.len(), mark: self.mark() }
    }

    pub fn is_number(&self, expr: &Expr) -> bool {
        is_number(&self.tree.types, &expr.ty)
    }

    /// Copies the numbers that an expression reads to their slots, where the evaluator looks.
    pub fn share(&mut self, span: Span, show: impl FnOnce(&mut dyn FnMut(Seen<'_>))) -> Built<()> {
        self.framed = true;
        let mut slots = Vec::new();
        show(&mut |seen| {
            if let Seen::Expr(Expr { kind: ExprKind::Variable(Variable::Local(slot), _), .. }) = seen
                && !slots.contains(slot)
            {
                slots.push(*slot);
            }
        });
        for slot in slots {
            let Some(number) = self.number_local(slot) else { continue };
            let mark = self.mark();
            let near = Self::near_slot(Variable::Local(slot));
            let value = match near {
                Some(slot) => self.value_local(slot)?,
                None => self.value_temporary()?,
            };
            self.emit(Instruction::Box(value, number), span);
            if near.is_none() {
                let entry = self.variable_entry(Variable::Local(slot), &EcoString::new())?;
                self.emit(Instruction::Write(entry, value), span);
            }
            self.release(mark);
        }
        Ok(())
    }

    /// An expression for the evaluator.
    pub fn evaluated(&mut self, expr: &Expr) -> Built<Entry> {
        self.share(expr.span, |see| walk::expr(expr, see))?;
        entry(&mut self.exprs, expr.clone())
    }

    pub fn number_entry(&mut self, number: Number) -> Built<Entry> {
        entry(&mut self.numbers, number)
    }

    pub fn value_entry(&mut self, value: &Value) -> Built<Entry> {
        entry(&mut self.values, value.clone())
    }

    pub fn field_entry(&mut self, name: &EcoString, object: &Expr) -> Built<Entry> {
        let record = self.tree.types.record(object.ty.without_null());
        let column = record.and_then(|record| record.fields.iter().position(|field| field.name == *name));
        entry(&mut self.fields, FieldSite { name: name.clone(), column: column.unwrap_or(0) })
    }

    pub fn variable_entry(&mut self, variable: Variable, name: &EcoString) -> Built<Entry> {
        if !matches!(variable, Variable::Global(_)) {
            self.framed = true;
        }
        entry(&mut self.variables, (variable, name.clone()))
    }

    pub fn shape_entry(&mut self, shape: &Arc<Shape>) -> Built<Entry> {
        entry(&mut self.shapes, shape.clone())
    }

    pub fn template_entry(&mut self, parts: &[Expr]) -> Built<Entry> {
        entry(&mut self.templates, parts.iter().map(|part| part.span).collect())
    }

    pub fn new_entry(&mut self, ty: &Type, names: Box<[EcoString]>) -> Built<Entry> {
        entry(&mut self.news, (ty.clone(), names))
    }

    pub fn type_entry(&mut self, site: TypeSite) -> Built<Entry> {
        entry(&mut self.types, site)
    }

    pub fn native_entry(&mut self, site: NativeSite) -> Built<Entry> {
        self.framed = true;
        entry(&mut self.natives, site)
    }

    pub fn path_entry(&mut self, site: PathSite) -> Built<Entry> {
        self.framed = true;
        entry(&mut self.paths, site)
    }
}

fn entry<T>(table: &mut Vec<T>, item: T) -> Built<Entry> {
    let place = Entry::try_from(table.len()).map_err(|_| TooLarge)?;
    table.push(item);
    Ok(place)
}
