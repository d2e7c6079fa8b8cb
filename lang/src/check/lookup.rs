//! The meaning of a name, from the innermost scope outward, through functions that capture on the way.

use super::Mode;
use super::checker::Checker;
use super::scope::{
    BlockScope, CaptureKey, Found, FoundPlace, FunctionState, LocalFunction, Scope, VarId, VarInfo, VarKind,
};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::span::Span;
use crate::tree::{self, Capture, Expr, ExprKind, FAR_LOCALS, NEAR_LOCALS, RowName, Variable};
use crate::types::Type;
use crate::value::fold_text;
use ecow::EcoString;

/// The candidates of a search.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Columns,
    /// Columns too, for a name that an inner query may have as its own column.
    Fallback,
    Variables,
}

impl Checker<'_> {
    pub(super) fn unit_state(&mut self) -> &mut super::scope::UnitState {
        &mut self.units[self.unit]
    }

    /// The function being walked.
    pub(super) fn function(&mut self) -> &mut FunctionState {
        self.units[self.unit].stack.last_mut().expect("a walk always stands in a function")
    }

    /// The innermost block.
    pub(super) fn block(&mut self) -> &mut BlockScope {
        let block = self.function().scopes.iter_mut().rev().find_map(|scope| match scope {
            Scope::Block(block) => Some(block),
            _ => None,
        });
        block.expect("every function begins with a block")
    }

    pub(super) fn variable_info(&mut self, id: VarId) -> &mut VarInfo {
        &mut self.units[self.unit].variables[id]
    }

    /// Numbers a variable and gives it its place. `ty` is joined with the result of earlier walks.
    pub(super) fn declare(&mut self, name: &EcoString, span: Span, kind: VarKind, ty: Type) -> (VarId, Variable) {
        let unit = &mut self.units[self.unit];
        let id = unit.next.variable;
        unit.next.variable += 1;
        if id == unit.variables.len() {
            self.walk.learn();
            unit.variables.push(VarInfo {
                name: name.clone(),
                span,
                kind,
                ty: Type::Never,
                captured: false,
                captured_early: false,
                assigned: false,
                read: false,
                reached: false,
                shared: false,
                own: false,
            });
        }
        self.widen(id, &ty);
        let place = self.place_for(id, kind);
        (id, place)
    }

    fn place_for(&mut self, id: VarId, kind: VarKind) -> Variable {
        let info = &self.units[self.unit].variables[id];
        let shared = info.captured && (info.assigned || info.captured_early) || kind == VarKind::Function;
        let globals = self.finished.globals();
        // The lines of the repl share their variables, and modules export theirs.
        let own = info.own && kind == VarKind::Let && self.unit == 0 && self.options.mode != Mode::Line;
        let top = matches!(kind, VarKind::Let | VarKind::Host) && self.block().top;
        if top && !own {
            let unit = self.unit_state();
            unit.globals += 1;
            return Variable::Global((globals + unit.globals - 1) as u32);
        }
        let function = self.function();
        if shared {
            function.cells += 1;
            let cell = (function.cells - 1) as u16;
            if matches!(kind, VarKind::Let | VarKind::Function) {
                self.block().cells.push(cell);
            }
            return Variable::Cell(cell);
        }
        if function.locals == NEAR_LOCALS {
            function.locals = FAR_LOCALS;
        }
        function.locals += 1;
        // In a function of too many variables, which is refused, numbers repeat.
        Variable::Local((function.locals - 1) as u16)
    }

    /// Joins `ty` into the type of a variable.
    pub(super) fn widen(&mut self, id: VarId, ty: &Type) {
        let old = self.units[self.unit].variables[id].ty.clone();
        let new = self.types.join(&old, ty);
        if new != old {
            self.walk.learn();
            let new = if self.walk.widens() && old != Type::Never { Type::Any } else { new };
            self.variable_info(id).ty = new;
        }
    }

    /// Makes `name` mean a variable in the innermost block.
    pub(super) fn bind(&mut self, name: EcoString, id: VarId, place: Variable) {
        self.places_set(id, place);
        self.block().variables.insert(name, id);
    }

    fn places_set(&mut self, id: VarId, place: Variable) {
        let unit = self.unit_state();
        if unit.places.len() <= id {
            unit.places.resize(id + 1, Variable::Local(0));
        }
        unit.places[id] = place;
    }

    /// The meaning of `name` here, without a report.
    pub(super) fn find_name(&mut self, name: &str, span: Span) -> Option<Found> {
        let depth = self.unit_state().stack.len() - 1;
        let scopes = self.function().scopes.len();
        self.find_in(depth, scopes, name, span, Seen::Columns)
    }

    /// The variable that `name` means here. Columns are left out: they are never called.
    pub(super) fn find_variable(&mut self, name: &str, span: Span) -> Option<Found> {
        let depth = self.unit_state().stack.len() - 1;
        let scopes = self.function().scopes.len();
        self.find_in(depth, scopes, name, span, Seen::Variables)
    }

    /// The meaning of `name` in function number `depth`, in scopes below `scopes`.
    pub(super) fn find_in(&mut self, depth: usize, scopes: usize, name: &str, span: Span, seen: Seen) -> Option<Found> {
        for at in (0..scopes).rev() {
            let is_block = matches!(self.units[self.unit].stack[depth].scopes[at], Scope::Block(_));
            if (is_block || seen != Seen::Variables)
                && let Some(found) = self.find_in_scope(depth, at, name, span, seen)
            {
                return Some(found);
            }
        }
        let outer_scopes = self.units[self.unit].stack[depth.checked_sub(1)?].scopes.len();
        let found = self.find_in(depth - 1, outer_scopes, name, span, seen)?;
        Some(self.capture(depth, found))
    }

    fn find_in_scope(&mut self, depth: usize, at: usize, name: &str, span: Span, seen: Seen) -> Option<Found> {
        match &self.units[self.unit].stack[depth].scopes[at] {
            Scope::Block(block) => {
                let id = *block.variables.get(name)?;
                let unit = &self.units[self.unit];
                let place = unit.places.get(id).copied()?;
                let narrowed = unit.stack[depth].narrowed.get(&id);
                let ty = narrowed.unwrap_or(&unit.variables[id].ty).clone();
                Some(Found { place: FoundPlace::Variable(place), ty, variable: Some(id) })
            }
            Scope::Rows(rows) => {
                let (id, has) = (rows.id, rows.columns.has(name));
                if name == "row" {
                    return Some(Found { place: FoundPlace::Row(id), ty: rows.row.clone(), variable: None });
                }
                let ty = rows.columns.type_of(name);
                if seen == Seen::Columns {
                    self.note_column((depth, at), None, name, span);
                }
                match has {
                    Some(false) => None,
                    Some(true) => Some(self.row_name((depth, at), name, span, None, ty, seen)),
                    None => {
                        let outer = self.find_in(depth, at, name, span, Seen::Fallback);
                        Some(self.row_name((depth, at), name, span, outer, Type::Any, seen))
                    }
                }
            }
            Scope::Select(_) => self.find_in_select(depth, at, name, span, seen),
        }
    }

    /// The entry of `name` in a row scope, given as function and scope.
    pub(super) fn row_name(
        &mut self,
        (depth, at): (usize, usize),
        name: &str,
        span: Span,
        outer: Option<Found>,
        ty: Type,
        seen: Seen,
    ) -> Found {
        let known = outer.is_none() || !matches!(ty, Type::Any);
        if let (false, Some(outer)) = (known, &outer)
            && let Some(id) = outer.variable
        {
            let declared = self.units[self.unit].variables[id].span;
            self.scan(declared.start as usize);
            let line = self.line_of(declared);
            let message = format!("`{name}` may be a column of these rows or the variable from line {line}.");
            let hint = format!("write `row.{name}` for the column, or use a function: `r => r.x = {name}`");
            let warning = Diagnostic::warning(codes::COLUMN_OR_VARIABLE, span, message).about(name).with_hint(hint);
            let fix = Fix::replace(span, format!("row.{name}"));
            // A variable of the host is declared nowhere.
            let warning =
                if declared.start < declared.end { warning.with_label(declared, "the variable") } else { warning };
            self.report(warning.with_fix(fix));
        }
        if let Some(id) = outer.as_ref().and_then(|outer| outer.variable) {
            self.variable_info(id).read = true;
        }
        let outer = outer.map(|found| expr_of(found, span));
        let known = match &self.units[self.unit].stack[depth].scopes[at] {
            Scope::Rows(rows) => rows.names.len(),
            Scope::Select(select) => select.names.len(),
            Scope::Block(_) => 0,
        };
        self.look(known);
        let names = match &mut self.units[self.unit].stack[depth].scopes[at] {
            Scope::Rows(rows) => (&mut rows.names, rows.id),
            Scope::Select(select) => (&mut select.names, select.id),
            Scope::Block(_) => unreachable!("row names belong to row scopes"),
        };
        let (names, id) = names;
        let same = |entry: &RowName| entry.name == name && !entry.sees_items;
        let position = names.iter().position(same).unwrap_or_else(|| {
            names.push(RowName { name: name.into(), outer, required: false, is_item: false, sees_items: false, span });
            names.len() - 1
        });
        if let Some(entry) = names.get_mut(position)
            && seen == Seen::Columns
            && !entry.required
        {
            entry.required = true;
            entry.span = span;
        }
        Found { place: FoundPlace::RowName(id, position as u16), ty, variable: None }
    }

    /// Captures a variable of an outer function into function number `depth`.
    fn capture(&mut self, depth: usize, found: Found) -> Found {
        if matches!(found.place, FoundPlace::Variable(Variable::Global(_))) {
            if let Some(id) = found.variable {
                let info = self.variable_info(id);
                info.reached = true;
                let news = !std::mem::replace(&mut info.shared, true);
                if news {
                    self.walk.learn();
                }
            }
            return found;
        }
        let early = self.units[self.unit].stack[depth].early;
        if let Some(id) = found.variable {
            let info = self.variable_info(id);
            let news = !info.captured || (early && !info.captured_early);
            info.captured = true;
            info.captured_early |= early;
            if news {
                self.walk.learn();
            }
        }
        let key = match found.variable {
            Some(id) => CaptureKey::Variable(id),
            None => CaptureKey::Place(found.place.clone()),
        };
        let function_id = self.units[self.unit].stack[depth].id;
        if !self.units[self.unit].functions[function_id].captures {
            self.units[self.unit].functions[function_id].captures = true;
            self.walk.learn();
        }
        self.look(self.units[self.unit].stack[depth].captures.len());
        let captures = &mut self.units[self.unit].stack[depth].captures;
        let position = captures.iter().position(|(have, _)| *have == key);
        let is_cell = matches!(found.place, FoundPlace::Variable(Variable::Cell(_) | Variable::CapturedCell(_)));
        let position = position.unwrap_or_else(|| {
            let capture = match &found.place {
                FoundPlace::Variable(Variable::Cell(cell)) => Capture::Cell(*cell),
                FoundPlace::Variable(Variable::CapturedCell(cell)) => Capture::CapturedCell(*cell),
                _ => Capture::Value(expr_of(found.clone(), Span::default())),
            };
            captures.push((key, capture));
            captures.len() - 1
        }) as u16;
        let place = if is_cell { Variable::CapturedCell(position) } else { Variable::Captured(position) };
        // A condition's fact about it may no longer hold when the function runs.
        let ty = match found.variable {
            Some(id) if self.units[self.unit].variables[id].assigned => self.units[self.unit].variables[id].ty.clone(),
            _ => found.ty,
        };
        Found { place: FoundPlace::Variable(place), ty, variable: found.variable }
    }

    /// The user function of this name that is in scope, in any case.
    pub(super) fn find_function(&mut self, name: &str) -> Option<LocalFunction> {
        let folded = fold_text(name);
        let stack = &self.units[self.unit].stack;
        stack.iter().rev().flat_map(|function| function.scopes.iter().rev()).find_map(|scope| match scope {
            Scope::Block(block) => block.functions.get(&folded).cloned(),
            _ => None,
        })
    }

    /// A user function as a value.
    pub(super) fn function_value(&mut self, function: &LocalFunction, span: Span) -> Expr {
        let ty = function.signature.to_type();
        self.escapes(function.id);
        if self.units[self.unit].functions[function.id].captures {
            let hidden = hidden_name(function.id);
            if let Some(found) = self.find_variable(&hidden, span) {
                let mut value = expr_of(found, span);
                if let ExprKind::Variable(_, name) = &mut value.kind {
                    name.clone_from(&function.signature.name);
                }
                return Expr { ty, ..value };
            }
        }
        let id = self.function_number(function.id);
        Expr { kind: ExprKind::Closure(id, Vec::new()), span, ty }
    }

    /// Records that a function is used as a value.
    fn escapes(&mut self, id: super::scope::FnId) {
        let function = &mut self.unit_state().functions[id];
        if !function.escapes {
            function.escapes = true;
            self.walk.learn();
        }
    }

    /// The number of a function of this unit in the finished program.
    pub(super) fn function_number(&self, id: usize) -> tree::FunctionId {
        (self.finished.functions() + id) as tree::FunctionId
    }

    /// The name that reads a variable's value, reported if it was not found.
    pub(super) fn read(&mut self, found: Found, name: &EcoString, span: Span) -> Expr {
        if let Some(id) = found.variable {
            self.variable_info(id).read = true;
            self.note_use(id, span);
        }
        let mut value = expr_of(found, span);
        if let ExprKind::Variable(_, shown) = &mut value.kind {
            shown.clone_from(name);
        }
        value
    }

    pub(super) fn line_of(&self, span: Span) -> u32 {
        crate::span::line_column(&self.units[self.unit].source, span.start).0
    }
}

/// The name of the variable that holds a function's closure; no script can write it.
pub(super) fn hidden_name(id: usize) -> EcoString {
    ecow::eco_format!("function {id}")
}

/// The expression that reads the found entry.
pub(super) fn expr_of(found: Found, span: Span) -> Expr {
    let kind = match found.place {
        FoundPlace::Variable(variable) => ExprKind::Variable(variable, EcoString::new()),
        FoundPlace::RowName(scope, name) => ExprKind::RowName(scope, name),
        FoundPlace::Row(scope) => ExprKind::Row(scope),
        FoundPlace::SourceRow(scope, source) => ExprKind::SourceRow(scope, source),
        FoundPlace::SourceField(scope, source, field) => ExprKind::SourceField(scope, source, field),
        FoundPlace::GroupValue(scope, number) => ExprKind::GroupValue(scope, number),
        FoundPlace::ResultValue(scope, number) => ExprKind::ResultValue(scope, number),
    };
    Expr { kind, span, ty: found.ty }
}
