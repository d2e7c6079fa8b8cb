//! Statements and blocks.

use super::fail::{describe, type_error};
use super::limits::with_stack;
use super::machine::{Frame, Machine};
use super::operators::symbol;
use super::place::placed;
use super::{Evaluated, Failure};
use crate::error::{ErrorKind, RunError};
use crate::span::Span;
use crate::tree::{Block, Expr, ExprKind, Statement, Variable};
use crate::value::{Rows, Value, truth};

/// How control continues after a statement.
pub(super) enum Flow {
    Next,
    Break,
    Continue,
    /// The value, and its place in the source; `None` if it already has the annotated type.
    Return(Value, Option<Span>),
}

impl Machine<'_> {
    /// Runs a block.
    pub(super) fn block<'t>(&mut self, frame: &mut Frame<'t>, block: &'t Block) -> Result<Flow, Failure> {
        for cell in &block.cells {
            self.renew_cell(frame, *cell)?;
        }
        for (variable, function) in &block.functions {
            let function = self.eval(frame, function)?;
            self.set(frame, *variable, function)?;
        }
        for (statement, span) in &block.statements {
            match self.statement(frame, statement, *span) {
                Ok(Flow::Next) => {}
                Ok(other) => return Ok(other),
                Err(error) => return Err(placed(error, frame.call, *span)),
            }
        }
        Ok(Flow::Next)
    }

    fn statement<'t>(&mut self, frame: &mut Frame<'t>, statement: &'t Statement, span: Span) -> Result<Flow, Failure> {
        match statement {
            Statement::Evaluate(value) => {
                self.eval(frame, value)?;
            }
            Statement::Set(variable, value) => {
                if !self.append_chain(frame, *variable, value)? {
                    let value = self.eval(frame, value)?;
                    self.set(frame, *variable, value)?;
                }
            }
            Statement::Append { variable, value, annotation } => {
                let annotation = annotation.as_ref().map(|(ty, what)| (ty, what.as_str()));
                self.append_to(frame, *variable, value, annotation)?;
            }
            Statement::SetPath { variable, name, path, value, annotation } => {
                self.set_path(frame, *variable, name, path, value, annotation.as_ref())?;
            }
            Statement::If(branches, otherwise) => {
                for (condition, block) in branches {
                    if self.holds(frame, condition)? {
                        return with_stack(|| self.block(frame, block));
                    }
                }
                if let Some(block) = otherwise {
                    return with_stack(|| self.block(frame, block));
                }
            }
            Statement::For { variable, rows, body } => return self.for_loop(frame, *variable, rows, body),
            Statement::While(condition, body) => return self.while_loop(frame, condition, body),
            Statement::Break => return Ok(Flow::Break),
            Statement::Continue => return Ok(Flow::Continue),
            Statement::Return(None) => return Ok(Flow::Return(Value::Null, Some(span))),
            Statement::Return(Some(value)) => {
                let result = frame.call.definition.result.as_ref();
                let sure = result.is_some_and(|result| frame.tree.types.is_sure(&value.ty, result));
                return Ok(Flow::Return(self.eval(frame, value)?, (!sure).then_some(value.span)));
            }
            Statement::Try { body, variable, handler } => return self.try_catch(frame, body, *variable, handler),
            Statement::Assert(condition) => {
                if self.settings.asserts {
                    self.assert(frame, condition, span)?;
                }
            }
        }
        Ok(Flow::Next)
    }

    fn for_loop<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        variable: Variable,
        rows: &'t Expr,
        body: &'t Block,
    ) -> Result<Flow, Failure> {
        let value = self.eval(frame, rows)?;
        if let Value::Text(text) = &value {
            return self.for_characters(frame, variable, text, body);
        }
        let Some(all) = Rows::of(&value) else {
            let error = type_error(format!(
                "A loop runs over a list, a table or the characters of a text, not over {}.",
                describe(&value)
            ));
            return Err(placed(error, frame.call, rows.span));
        };
        drop(value);
        self.for_rows(frame, variable, &all, body)
    }

    fn for_characters<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        variable: Variable,
        text: &str,
        body: &'t Block,
    ) -> Result<Flow, Failure> {
        for character in text.chars() {
            let mut buffer = [0; 4];
            let element = Value::from(&*character.encode_utf8(&mut buffer));
            match self.pass(frame, variable, element, body)? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => break,
                returned @ Flow::Return(..) => return Ok(returned),
            }
        }
        Ok(Flow::Next)
    }

    fn for_rows<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        variable: Variable,
        rows: &Rows,
        body: &'t Block,
    ) -> Result<Flow, Failure> {
        // On the stack the limit on memory sees them, even if their variable changes.
        self.stack.push(rows.to_value());
        for position in 0..rows.len() {
            match self.pass(frame, variable, rows.get(position), body)? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => break,
                returned @ Flow::Return(..) => {
                    self.stack.pop();
                    return Ok(returned);
                }
            }
        }
        self.stack.pop();
        Ok(Flow::Next)
    }

    fn pass<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        variable: Variable,
        element: Value,
        body: &'t Block,
    ) -> Result<Flow, Failure> {
        self.spend(1)?;
        if let Variable::Cell(cell) = variable {
            self.renew_cell(frame, cell)?;
        }
        self.set(frame, variable, element)?;
        with_stack(|| self.block(frame, body))
    }

    fn while_loop<'t>(&mut self, frame: &mut Frame<'t>, condition: &'t Expr, body: &'t Block) -> Result<Flow, Failure> {
        while self.holds(frame, condition)? {
            self.spend(1)?;
            match with_stack(|| self.block(frame, body))? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => break,
                returned @ Flow::Return(..) => return Ok(returned),
            }
        }
        Ok(Flow::Next)
    }

    fn try_catch<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        body: &'t Block,
        variable: Option<Variable>,
        handler: &'t Block,
    ) -> Result<Flow, Failure> {
        let (height, held) = (self.stack.len(), self.meter.held());
        let error = match with_stack(|| self.block(frame, body)) {
            Err(error) if error.kind.is_catchable() => error,
            other => return other,
        };
        // Values in flight are lost with the error.
        self.stack.truncate(height);
        self.meter.release_to(held);
        // An error caught repeatedly is work, even if no step is taken.
        self.work(1)?;
        if let Some(variable) = variable {
            if let Variable::Cell(cell) = variable {
                self.renew_cell(frame, cell)?;
            }
            let caught = self.made(caught(&error))?;
            self.set(frame, variable, caught)?;
        }
        with_stack(|| self.block(frame, handler))
    }

    pub(super) fn assert<'t>(&mut self, frame: &mut Frame<'t>, condition: &'t Expr, span: Span) -> Result<(), Failure> {
        // Both sides of a comparison are shown, so they are evaluated here.
        let (holds, sides) = match &condition.kind {
            ExprKind::Binary(left, rest) => match rest.as_slice() {
                [(op, _, right)] if op.is_comparison() => {
                    let left = self.eval(frame, left)?;
                    self.stack.push(left);
                    let right = self.eval(frame, right)?;
                    let left = self.pop()?;
                    let shown = format!(" {} {} {}", left.to_literal(60), symbol(*op), right.to_literal(60));
                    let holds: Evaluated = self.apply(*op, left, right);
                    (truth(&holds?), shown)
                }
                _ => (self.holds(frame, condition)?, String::new()),
            },
            _ => (self.holds(frame, condition)?, String::new()),
        };
        if holds {
            return Ok(());
        }
        let unit = frame.tree.units.get(frame.call.definition.unit as usize);
        let written = unit.map_or("", |unit| condition.span.text(&unit.source)).trim();
        let sides =
            if sides.is_empty() || sides.trim() == written { String::new() } else { format!(", that is{sides}") };
        let error = RunError::new(ErrorKind::User, format!("The assertion does not hold: {written}{sides}"));
        Err(placed(error, frame.call, span))
    }
}

/// The error variable of `catch`.
pub(super) fn caught(error: &RunError) -> Value {
    let place = error.place.as_ref();
    Value::record([
        ("message", Value::from(error.message.as_str())),
        ("kind", Value::from(error.kind.name())),
        ("line", place.map(|place| i64::from(place.line)).into()),
        ("column", place.map(|place| i64::from(place.column)).into()),
    ])
}
