//! Which parameters, variables and results are numbers by their type, so that they travel in number registers.

use super::code::Register;
use super::walk::{self, Seen};
use crate::tree::{Argument, Block, Expr, ExprKind, FunctionDef, NEAR_LOCALS, Statement, Tree, Variable};
use crate::types::{Type, Types};

/// The calling convention of a function.
pub(super) struct Convention {
    /// The number register of each parameter that is a number.
    pub parameters: Vec<Option<Register>>,
    /// The number register of each local slot that is a number; parameters come first.
    pub locals: Vec<Option<Register>>,
    /// Its result is a number.
    pub numeric: bool,
    compiled: bool,
}

pub(super) struct Conventions(Vec<Convention>);

/// The assumed number of passes of a loop.
const PASSES: u64 = 8;
/// Variables in number registers; the rest stays for temporaries.
const MOST_NUMBERS: usize = 150;

impl Conventions {
    pub fn of(tree: &Tree) -> Self {
        let mut escapes = vec![false; tree.functions.len()];
        let mut note = |seen: Seen<'_>| {
            if let Seen::Expr(Expr { kind: ExprKind::Closure(function, _), .. }) = seen
                && let Some(escapes) = escapes.get_mut(*function as usize)
            {
                *escapes = true;
            }
        };
        for definition in &tree.functions {
            walk::block(&definition.body, &mut note);
            for default in definition.parameters.iter().filter_map(|parameter| parameter.default.as_ref()) {
                walk::expr(default, &mut note);
            }
        }
        let all = tree.functions.iter().zip(&escapes);
        Self(all.map(|(definition, escapes)| convention(&tree.types, definition, *escapes)).collect())
    }

    pub fn get(&self, function: usize) -> Option<&Convention> {
        self.0.get(function)
    }

    pub fn is_compiled(&self, function: usize) -> bool {
        self.0.get(function).is_some_and(|convention| convention.compiled)
    }

    /// Leaves a function to the evaluator. Was it compiled so far?
    pub fn leave(&mut self, function: usize) -> bool {
        self.0.get_mut(function).is_some_and(|convention| std::mem::take(&mut convention.compiled))
    }
}

fn convention(types: &Types, definition: &FunctionDef, escapes: bool) -> Convention {
    let slots = definition.locals.max(definition.parameters.len());
    // Arguments arrive in registers.
    let compiled = definition.parameters.len() <= NEAR_LOCALS;
    // The known kind of each slot: nothing yet, a number, or anything.
    let mut known: Vec<Option<bool>> = vec![None; slots];
    let mut mark = |variable: Variable, number: bool| {
        if let Variable::Local(slot) = variable
            && let Some(known) = known.get_mut(usize::from(slot))
        {
            *known = Some(number && *known != Some(false));
        }
    };
    for (position, parameter) in definition.parameters.iter().enumerate() {
        let sure = parameter.annotation.is_some() || !escapes;
        let number = sure && parameter.cell.is_none() && is_number(types, &parameter.ty);
        let default = parameter.default.as_ref().is_none_or(|default| is_number(types, &default.ty));
        mark(Variable::Local(position as u16), number && default);
    }
    let mut numeric = None;
    walk::block(&definition.body, &mut |seen| match seen {
        Seen::Assigned(variable, value) => mark(variable, value.is_some_and(|value| is_number(types, &value.ty))),
        Seen::Loop(variable, rows) => mark(variable, range(types, rows).is_some()),
        Seen::Returned(value) => {
            let number = value.is_some_and(|value| is_number(types, &value.ty));
            numeric = Some(number && numeric != Some(false));
        }
        Seen::Expr(_) => {}
    });
    let numeric = match &definition.result {
        Some(annotation) => is_number(types, annotation),
        None => numeric == Some(true),
    };
    let numbers: Vec<bool> = known.into_iter().map(|known| known == Some(true)).collect();
    let locals = registers(definition, &numbers);
    let parameters = locals.iter().take(definition.parameters.len()).copied().collect();
    Convention { parameters, locals, numeric, compiled }
}

/// The number registers of the slots that are numbers. If there are too few, the most used variables get them.
fn registers(definition: &FunctionDef, numbers: &[bool]) -> Vec<Option<Register>> {
    let mut chosen = numbers.to_vec();
    if numbers.iter().filter(|number| **number).count() > MOST_NUMBERS {
        let uses = uses(&definition.body, numbers.len());
        let parameters = definition.parameters.len();
        let mut order: Vec<usize> = (0..numbers.len()).filter(|slot| numbers.get(*slot) == Some(&true)).collect();
        // Parameters have the first registers, where calls put them.
        order.sort_by_key(|slot| (*slot >= parameters, std::cmp::Reverse(uses.get(*slot).copied()), *slot));
        for slot in order.into_iter().skip(MOST_NUMBERS) {
            if let Some(chosen) = chosen.get_mut(slot) {
                *chosen = false;
            }
        }
    }
    let mut next = 0;
    let mut register = |number: bool| {
        next += usize::from(number);
        number.then(|| (next - 1) as Register)
    };
    chosen.into_iter().map(&mut register).collect()
}

/// How often each slot is used; a use in a loop counts for many.
fn uses(body: &Block, slots: usize) -> Vec<u64> {
    let mut uses = vec![0; slots];
    count_uses(body, 1, &mut uses);
    uses
}

fn count_uses(body: &Block, weight: u64, uses: &mut [u64]) {
    walk::block(body, &mut |seen| {
        let used = match seen {
            Seen::Expr(Expr { kind: ExprKind::Variable(variable, _), .. }) => *variable,
            Seen::Assigned(variable, _) | Seen::Loop(variable, _) => variable,
            _ => return,
        };
        if let Variable::Local(slot) = used
            && let Some(count) = uses.get_mut(usize::from(slot))
        {
            *count = count.saturating_add(weight);
        }
    });
    for inner in loops(body) {
        count_uses(inner, weight.saturating_mul(PASSES), uses);
    }
}

/// The bodies of the outermost loops of a block.
fn loops(body: &Block) -> Vec<&Block> {
    let mut found = Vec::new();
    let mut open = vec![body];
    while let Some(block) = open.pop() {
        for (statement, _) in &block.statements {
            match statement {
                Statement::For { body, .. } | Statement::While(_, body) => found.push(body),
                Statement::If(branches, otherwise) => {
                    open.extend(branches.iter().map(|(_, block)| block));
                    open.extend(otherwise);
                }
                Statement::Try { body, handler, .. } => open.extend([body, handler]),
                _ => {}
            }
        }
    }
    found
}

/// Is a value of this type always a number?
pub(super) fn is_number(types: &Types, ty: &Type) -> bool {
    matches!(types.resolve(ty), Type::Number)
}

/// Start and count of `range(start, count)`, where both are numbers.
pub(super) fn range<'t>(types: &Types, rows: &'t Expr) -> Option<(&'t Expr, &'t Expr)> {
    match &rows.kind {
        ExprKind::CallNative { function, arguments, .. } if function.facts.is_range => match arguments.as_slice() {
            [Argument::Value(start), Argument::Value(count)]
                if is_number(types, &start.ty) && is_number(types, &count.ty) =>
            {
                Some((start, count))
            }
            _ => None,
        },
        _ => None,
    }
}
