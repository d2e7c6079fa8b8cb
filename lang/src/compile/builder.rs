//! The state of compiling one function.

use super::code::{Code, Entry, FieldSite, Instruction, NativeSite, PathSite, Register};
use super::convention::{Convention, Conventions, is_number};
use super::instructions::{Instructions, Open};
use super::registers::{Built, Mark, Registers, TooLarge};
use super::tables::Tables;
use super::walk::{self, Seen};
use crate::span::Span;
use crate::tree::{Expr, ExprKind, FAR_LOCALS, FunctionDef, NEAR_LOCALS, Tree, Variable};
use ecow::EcoString;

pub(super) struct Builder<'t> {
    pub tree: &'t Tree,
    pub conventions: &'t Conventions,
    pub convention: Option<&'t Convention>,
    pub definition: &'t FunctionDef,
    pub id: usize,
    pub code: Instructions,
    pub registers: Registers,
    pub tables: Tables,
    pub loops: Vec<LoopState>,
    /// Does it need a frame?
    pub framed: bool,
    locals: usize,
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
            code: Instructions::default(),
            registers: Registers::new(numbers, locals),
            tables: Tables::default(),
            loops: Vec::new(),
            framed: false,
            locals,
        }
    }

    /// The code; `None` if it is too large.
    pub fn finish(mut self) -> Option<Code> {
        let entries = self.function().ok()?;
        let parameters = self.convention?.parameters.clone().into_boxed_slice();
        let needs_values = parameters.iter().any(Option::is_none) || self.framed;
        let most_values = self.registers.most_values();
        let registers = match self.has_far_locals() {
            true => self.definition.locals,
            false if needs_values => most_values.max(self.locals),
            false => most_values,
        };
        let emitted = self.code.finish();
        Some(Code {
            function: u32::try_from(self.id).ok()?,
            instructions: emitted.instructions,
            spans: emitted.spans,
            handlers: emitted.handlers,
            ranges: emitted.ranges,
            tables: self.tables.finish(),
            entries: entries.into(),
            parameters,
            locals: self.locals,
            registers,
            number_registers: self.registers.most_numbers(),
            framed: self.framed,
            numeric: self.convention?.numeric,
        })
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
        self.registers.uses(usize::from(slot));
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
        self.code.truncate(to.instructions);
        self.registers.release(to.mark);
    }

    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { instructions: self.code.len(), mark: self.registers.mark() }
    }

    pub fn is_number(&self, expr: &Expr) -> bool {
        is_number(&self.tree.types, &expr.ty)
    }

    /// Copies the numbers that an expression reads to their slots, for the evaluator.
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
            let mark = self.registers.mark();
            let near = Self::near_slot(Variable::Local(slot));
            let value = match near {
                Some(slot) => self.value_local(slot)?,
                None => self.registers.value()?,
            };
            self.code.emit(Instruction::Box(value, number), span);
            if near.is_none() {
                let entry = self.variable_entry(Variable::Local(slot), &EcoString::new())?;
                self.code.emit(Instruction::Write(entry, value), span);
            }
            self.registers.release(mark);
        }
        Ok(())
    }

    /// An expression for the evaluator.
    pub fn evaluated(&mut self, expr: &Expr) -> Built<Entry> {
        self.share(expr.span, |see| walk::expr(expr, see))?;
        self.tables.expr(expr.clone())
    }

    pub fn field_entry(&mut self, name: &EcoString, object: &Expr) -> Built<Entry> {
        let record = self.tree.types.record(object.ty.without_null());
        let column = record.and_then(|record| record.fields.iter().position(|field| field.name == *name));
        self.tables.field(FieldSite { name: name.clone(), column: column.unwrap_or(0) })
    }

    pub fn variable_entry(&mut self, variable: Variable, name: &EcoString) -> Built<Entry> {
        if !matches!(variable, Variable::Global(_)) {
            self.framed = true;
        }
        self.tables.variable(variable, name)
    }

    pub fn native_entry(&mut self, site: NativeSite) -> Built<Entry> {
        self.framed = true;
        self.tables.native(site)
    }

    pub fn path_entry(&mut self, site: PathSite) -> Built<Entry> {
        self.framed = true;
        self.tables.path(site)
    }
}
