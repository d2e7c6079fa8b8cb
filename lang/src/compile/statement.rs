//! Statements and whole functions.

use super::builder::{Builder, LoopState};
use super::code::{Handler, Instruction, PathSite, Register, Target, TypeSite};
use super::convention::range;
use super::registers::Built;
use super::walk::{self, Seen};
use crate::ast::BinaryOp;
use crate::span::Span;
use crate::tree::{Block, CellId, Expr, ExprKind, NEAR_LOCALS, PathStep, Statement, Variable};
use crate::types::Type;
use ecow::EcoString;

impl Builder<'_> {
    /// The whole function; returns where calls begin, by the number of optional arguments.
    pub(super) fn function(&mut self) -> Built<Vec<Target>> {
        let definition = self.definition;
        let mut entries = Vec::new();
        for (position, parameter) in definition.parameters.iter().enumerate() {
            if position >= definition.required {
                entries.push(self.code.here());
            }
            if let Some(default) = &parameter.default {
                self.set_local(position as u16, default)?;
            }
        }
        entries.push(self.code.here());
        let mut reached = false;
        for (position, parameter) in definition.parameters.iter().enumerate() {
            if let Some(cell) = parameter.cell {
                reached = true;
                let register = self.value_local(position as u16)?;
                self.fresh_cell(cell, definition.span);
                self.write(Variable::Cell(cell), register, definition.span)?;
                self.code.emit(Instruction::Clear(register), definition.span);
            }
        }
        self.framed |= reached;
        self.block(&definition.body)?;
        // Unreachable instructions would take registers that every call has to allocate.
        if !leaves(&definition.body) {
            self.return_nothing(definition.span)?;
        }
        Ok(entries)
    }

    fn block(&mut self, block: &Block) -> Built<()> {
        for cell in &block.cells {
            self.fresh_cell(*cell, Span::default());
        }
        for (variable, function) in &block.functions {
            self.set(*variable, function)?;
        }
        for (statement, span) in &block.statements {
            let mark = self.registers.mark();
            self.statement(statement, *span)?;
            self.registers.release(mark);
        }
        Ok(())
    }

    fn statement(&mut self, statement: &Statement, span: Span) -> Built<()> {
        match statement {
            Statement::Evaluate(value) => {
                let mark = self.registers.mark();
                if self.is_native_number(value) {
                    self.number(value, None)?;
                } else {
                    let register = self.value(value, None)?;
                    self.registers.release(mark);
                    self.drop_temporary(register, span);
                }
            }
            Statement::Set(variable, value) => match self.appended_texts(*variable, value) {
                Some(texts) => self.append(*variable, &texts, None, span)?,
                None => self.set(*variable, value)?,
            },
            Statement::Append { variable, value, annotation } => {
                self.append(*variable, value, annotation.as_ref(), span)?;
            }
            Statement::SetPath { variable, name, path, value, annotation } => {
                self.set_path(*variable, name, path, value, annotation.as_ref(), span)?;
            }
            Statement::If(branches, otherwise) => {
                let mut ends = Vec::new();
                for (position, (condition, block)) in branches.iter().enumerate() {
                    let others = self.jump(condition, false)?;
                    self.block(block)?;
                    if (position + 1 < branches.len() || otherwise.is_some()) && !leaves(block) {
                        ends.push(self.code.emit(Instruction::Jump(0), span));
                    }
                    self.code.land(others);
                }
                if let Some(block) = otherwise {
                    self.block(block)?;
                }
                self.code.land(ends);
            }
            Statement::For { variable, rows, body } => match range(&self.tree.types, rows) {
                Some((start, count)) => self.for_range(*variable, rows, start, count, body, span)?,
                None => self.for_each(*variable, rows, body, span)?,
            },
            Statement::While(condition, body) => {
                let top = self.code.here();
                let ends = self.jump(condition, false)?;
                self.code.emit(Instruction::Step, span);
                let state = self.loop_body(body)?;
                self.code.land(state.continues);
                self.code.emit(Instruction::Jump(top), span);
                self.code.land(ends);
                self.code.land(state.breaks);
            }
            Statement::Break => {
                let jump = self.code.emit(Instruction::Jump(0), span);
                if let Some(state) = self.loops.last_mut() {
                    state.breaks.push(jump);
                }
            }
            Statement::Continue => {
                let jump = self.code.emit(Instruction::Jump(0), span);
                if let Some(state) = self.loops.last_mut() {
                    state.continues.push(jump);
                }
            }
            Statement::Return(None) => self.return_nothing(span)?,
            Statement::Return(Some(value)) => self.return_value(value)?,
            Statement::Try { body, variable, handler } => self.try_catch(body, *variable, handler, span)?,
            Statement::Assert(condition) => {
                let entry = self.evaluated(condition)?;
                self.code.emit(Instruction::Assert(entry), span);
            }
        }
        Ok(())
    }

    fn loop_body(&mut self, body: &Block) -> Built<LoopState> {
        self.loops.push(LoopState::default());
        self.block(body)?;
        Ok(self.loops.pop().unwrap_or_default())
    }

    fn fresh_cell(&mut self, cell: CellId, span: Span) {
        self.framed = true;
        self.code.emit(Instruction::RenewCell(cell), span);
    }

    fn drop_temporary(&mut self, register: Register, span: Span) {
        if usize::from(register) >= self.definition.locals.max(self.definition.parameters.len()).min(NEAR_LOCALS) {
            self.code.emit(Instruction::Clear(register), span);
        }
    }

    fn set_local(&mut self, slot: u16, value: &Expr) -> Built<()> {
        let mark = self.registers.mark();
        match self.number_local(slot) {
            Some(register) => {
                self.number(value, Some(register))?;
            }
            None if Self::near_slot(Variable::Local(slot)).is_some() => {
                let register = self.value_local(slot)?;
                self.value(value, Some(register))?;
            }
            None => {
                let register = self.value(value, None)?;
                self.write(Variable::Local(slot), register, value.span)?;
            }
        }
        self.registers.release(mark);
        Ok(())
    }

    fn set(&mut self, variable: Variable, value: &Expr) -> Built<()> {
        if let Variable::Local(slot) = variable {
            return self.set_local(slot, value);
        }
        let mark = self.registers.mark();
        let register = self.value(value, None)?;
        self.registers.release(mark);
        self.write(variable, register, value.span)
    }

    fn write(&mut self, variable: Variable, register: Register, span: Span) -> Built<()> {
        let entry = self.variable_entry(variable, &EcoString::new())?;
        self.code.emit(Instruction::Write(entry, register), span);
        Ok(())
    }

    /// `set s = s & a & b` appends `a & b` if s is a text and the others have text forms: then no part can fail before
    /// the next is evaluated.
    fn appended_texts(&self, variable: Variable, value: &Expr) -> Option<Expr> {
        let ExprKind::Binary(first, rest) = &value.kind else { return None };
        let same = matches!(first.kind, ExprKind::Variable(read, _) if read == variable);
        let types = &self.tree.types;
        let appends = same
            && matches!(types.resolve(&first.ty), Type::Text)
            && rest.iter().all(|(op, _, part)| *op == BinaryOp::Concat && types.resolve(&part.ty).is_simple());
        if !appends {
            return None;
        }
        let parts = rest.iter().map(|(_, _, part)| part.clone()).collect();
        Some(Expr { kind: ExprKind::Template(parts), span: value.span, ty: Type::Text })
    }

    fn append(
        &mut self,
        variable: Variable,
        value: &Expr,
        annotation: Option<&(Type, EcoString)>,
        span: Span,
    ) -> Built<()> {
        let site = annotation.map(|(ty, what)| TypeSite { ty: ty.clone(), what: what.clone(), negated: false });
        let site = site.map(|site| self.tables.ty(site)).transpose()?;
        let mark = self.registers.mark();
        if let Some(slot) = Self::near_slot(variable) {
            let register = self.value_local(slot)?;
            let added = self.value(value, None)?;
            self.registers.release(mark);
            let instruction = match site {
                Some(site) => Instruction::AppendAs(register, added, site),
                None => Instruction::Append(register, added),
            };
            self.code.emit(instruction, span);
            return Ok(());
        }
        self.framed = true;
        let entry = self.variable_entry(variable, &EcoString::new())?;
        let before = self.registers.value()?;
        let added = self.registers.value()?;
        let inner = self.registers.mark();
        let start = match variable {
            // Unshared, it is changed in place.
            Variable::Local(_) => Instruction::Clear(before),
            // A function that the value calls may set the variable: then its earlier value counts.
            _ => Instruction::Read(before, entry),
        };
        self.code.emit(start, span);
        self.value(value, Some(added))?;
        self.registers.release(inner);
        let instruction = match site {
            Some(site) => Instruction::AppendOutsideAs(entry, before, added, site),
            None => Instruction::AppendOutside(entry, before, added),
        };
        self.code.emit(instruction, span);
        self.registers.release(mark);
        Ok(())
    }

    fn set_path(
        &mut self,
        variable: Variable,
        name: &EcoString,
        path: &[PathStep],
        value: &Expr,
        annotation: Option<&Type>,
        span: Span,
    ) -> Built<()> {
        let mark = self.registers.mark();
        let (_, start) = self.registers.next()?;
        let mut steps = Vec::with_capacity(path.len());
        for step in path {
            let register = self.registers.value()?;
            let inner = self.registers.mark();
            match step {
                PathStep::Index(index) => {
                    self.value(index, Some(register))?;
                }
                PathStep::Field(..) => {
                    self.code.emit(Instruction::Clear(register), span);
                }
            }
            self.registers.release(inner);
            steps.push(step.clone());
        }
        let register = self.registers.value()?;
        let inner = self.registers.mark();
        self.value(value, Some(register))?;
        self.registers.release(inner);
        let site = PathSite { variable, name: name.clone(), path: steps.into(), annotation: annotation.cloned() };
        let entry = self.path_entry(site)?;
        if let Some(slot) = Self::near_slot(variable) {
            self.value_local(slot)?;
        }
        self.registers.release(mark);
        self.code.emit(Instruction::SetPath(start, entry), span);
        Ok(())
    }

    /// `for i in range(start, count)`, without the list.
    fn for_range(
        &mut self,
        variable: Variable,
        rows: &Expr,
        start: &Expr,
        count: &Expr,
        body: &Block,
        span: Span,
    ) -> Built<()> {
        let own = match variable {
            Variable::Local(slot) => self.number_local(slot),
            _ => None,
        };
        let mut changes = false;
        walk::block(body, &mut |seen| {
            changes |= matches!(seen, Seen::Assigned(other, _) | Seen::Loop(other, _) if other == variable);
        });
        // The variable itself is the counter if nothing else sets it. Its old value may be read by the operands.
        let first = self.registers.number()?;
        let left = self.registers.number()?;
        self.number(start, Some(first))?;
        self.number(count, Some(left))?;
        let counter = match own {
            Some(own) if !changes => {
                self.code.emit(Instruction::Move(own, first), span);
                own
            }
            _ => first,
        };
        if let ExprKind::CallNative { function, .. } = &rows.kind {
            let site = super::code::NativeSite {
                function: function.clone(),
                arguments: Box::default(),
                type_argument: None,
                count: 2,
            };
            let entry = self.native_entry(site)?;
            let place = self.code.here();
            self.code.range(place, entry);
        }
        let empty = self.code.emit(Instruction::RangeStart(counter, left, 0), rows.span);
        let top = self.code.here();
        match (own, variable) {
            (Some(own), _) if own != counter => {
                self.code.emit(Instruction::Move(own, counter), span);
            }
            (Some(_), _) => {}
            (None, variable) => {
                let mark = self.registers.mark();
                if let Variable::Cell(cell) = variable {
                    self.fresh_cell(cell, span);
                }
                match Self::near_slot(variable) {
                    Some(slot) => {
                        let register = self.value_local(slot)?;
                        self.code.emit(Instruction::Box(register, counter), span);
                    }
                    None => {
                        let register = self.registers.value()?;
                        self.code.emit(Instruction::Box(register, counter), span);
                        self.write(variable, register, span)?;
                    }
                }
                self.registers.release(mark);
            }
        }
        let state = self.loop_body(body)?;
        self.code.land(state.continues);
        self.code.emit(Instruction::RangeNext(counter, left, top), span);
        self.code.land([empty]);
        self.code.land(state.breaks);
        Ok(())
    }

    fn for_each(&mut self, variable: Variable, rows: &Expr, body: &Block, span: Span) -> Built<()> {
        let value = self.registers.value()?;
        let position = self.registers.number()?;
        let mark = self.registers.mark();
        self.value(rows, Some(value))?;
        self.registers.release(mark);
        self.code.emit(Instruction::EachStart(value, position), rows.span);
        let top = self.code.here();
        let end = match Self::near_slot(variable) {
            Some(slot) if self.number_local(slot).is_none() => {
                let element = self.value_local(slot)?;
                self.code.emit(Instruction::EachNext(element, value, position, 0), span)
            }
            _ => {
                let element = self.registers.value()?;
                let end = self.code.emit(Instruction::EachNext(element, value, position, 0), span);
                if let Variable::Cell(cell) = variable {
                    self.fresh_cell(cell, span);
                }
                self.write(variable, element, span)?;
                self.registers.release(mark);
                end
            }
        };
        let state = self.loop_body(body)?;
        self.code.land(state.continues);
        self.code.emit(Instruction::Jump(top), span);
        self.code.land([end]);
        self.code.land(state.breaks);
        self.code.emit(Instruction::Clear(value), span);
        Ok(())
    }

    fn return_nothing(&mut self, span: Span) -> Built<()> {
        if self.definition.result.is_none() {
            self.code.emit(Instruction::ReturnNull, span);
            return Ok(());
        }
        let register = self.registers.value()?;
        self.code.emit(Instruction::Clear(register), span);
        self.return_converted(register, self.definition.span)
    }

    fn return_value(&mut self, value: &Expr) -> Built<()> {
        let numeric = self.convention.is_some_and(|convention| convention.numeric);
        // A branch returns by itself.
        if let ExprKind::Case(branches, Some(otherwise)) = &value.kind
            && (self.definition.result.is_none() || self.is_native_number(value))
        {
            for (condition, value) in branches {
                let others = self.jump(condition, false)?;
                let mark = self.registers.mark();
                self.return_value(value)?;
                self.registers.release(mark);
                self.code.land(others);
            }
            return self.return_value(otherwise);
        }
        if numeric && self.is_number(value) {
            let register = self.number(value, None)?;
            self.code.emit(Instruction::ReturnNumber(register), value.span);
            return Ok(());
        }
        let register = self.value(value, None)?;
        if self.definition.result.as_ref().is_some_and(|result| !self.tree.types.is_sure(&value.ty, result)) {
            return self.return_converted(register, value.span);
        }
        self.code.emit(Instruction::Return(register), value.span);
        Ok(())
    }

    /// Converts a result to its annotation.
    fn return_converted(&mut self, register: Register, span: Span) -> Built<()> {
        let Some(annotation) = &self.definition.result else { return Ok(()) };
        let named = if self.definition.name.is_empty() { "The function" } else { self.definition.name.as_str() };
        let what = ecow::eco_format!("the result of {named}");
        let site = self.tables.ty(TypeSite { ty: annotation.clone(), what, negated: false })?;
        let result = self.registers.value()?;
        self.code.emit(Instruction::Convert(result, register, site), span);
        if self.convention.is_some_and(|convention| convention.numeric) {
            let number = self.registers.number()?;
            self.code.emit(Instruction::Unbox(number, result), span);
            self.code.emit(Instruction::ReturnNumber(number), span);
        } else {
            self.code.emit(Instruction::Return(result), span);
        }
        Ok(())
    }

    fn try_catch(&mut self, body: &Block, variable: Option<Variable>, handler: &Block, span: Span) -> Built<()> {
        let error = self.registers.value()?;
        let start = self.code.here();
        self.block(body)?;
        let end = self.code.here();
        let over = self.code.emit(Instruction::Jump(0), span);
        let target = self.code.here();
        self.code.handle(Handler { start, end, target, error });
        if let Some(variable) = variable {
            if let Variable::Cell(cell) = variable {
                self.fresh_cell(cell, span);
            }
            match Self::near_slot(variable) {
                Some(slot) => {
                    let register = self.value_local(slot)?;
                    self.code.emit(Instruction::Copy(register, error), span);
                }
                None => self.write(variable, error, span)?,
            }
        } else {
            self.code.emit(Instruction::Clear(error), span);
        }
        self.block(handler)?;
        self.code.land([over]);
        Ok(())
    }
}

/// Does control never reach the end of a block?
fn leaves(block: &Block) -> bool {
    match block.statements.last() {
        Some((Statement::Return(_) | Statement::Break | Statement::Continue, _)) => true,
        Some((Statement::If(branches, Some(otherwise)), _)) => {
            branches.iter().all(|(_, block)| leaves(block)) && leaves(otherwise)
        }
        _ => false,
    }
}
