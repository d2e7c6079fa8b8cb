//! Function values in the interpreter.

use super::cell::{Cell, Home};
use crate::compile::Executable;
use crate::tree::{FunctionDef, FunctionId};
use crate::value::{Callable, Value};
use std::any::Any;
use std::fmt;
use std::sync::{Arc, Weak};

/// A function with its captures.
pub(super) struct Closure {
    /// The program it belongs to; another run may call it.
    pub tree: Arc<Executable>,
    /// Which function of it.
    pub function: FunctionId,
    /// Values and cells, in the order of the function's captures.
    pub captures: Box<[Captured]>,
    /// The run that made it.
    pub home: Weak<Home>,
    depth: u16,
}

/// A captured value or cell.
pub(super) enum Captured {
    Value(Value),
    Cell(Arc<Cell>),
}

impl Closure {
    pub fn new(tree: Arc<Executable>, function: FunctionId, captures: Box<[Captured]>, home: Weak<Home>) -> Self {
        // Code that walks a value does not follow cells, and the pool empties them one by one: their values need not
        // count, and a list of functions that share the variable holding it may grow.
        let deepest = captures.iter().map(|captured| match captured {
            Captured::Value(value) => value.depth(),
            Captured::Cell(_) => 0,
        });
        let depth = deepest.max().unwrap_or(0).saturating_add(1);
        Self { tree, function, captures, home, depth }
    }

    /// Its definition; `None` only if the tree is broken.
    pub fn definition(&self) -> Option<&FunctionDef> {
        self.tree.functions.get(self.function as usize)
    }
}

impl Callable for Closure {
    fn arity(&self) -> (usize, usize) {
        self.definition().map_or((0, 0), |definition| (definition.required, definition.parameters.len()))
    }

    fn name(&self) -> Option<&str> {
        self.definition().map(|definition| definition.name.as_str()).filter(|name| !name.is_empty())
    }

    fn depth(&self) -> u16 {
        self.depth
    }

    fn captured(&self) -> Vec<&Value> {
        self.captures
            .iter()
            .filter_map(|captured| match captured {
                Captured::Value(value) => Some(value),
                Captured::Cell(_) => None,
            })
            .collect()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl fmt::Debug for Closure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its captures may lead back to it.
        write!(f, "function {}", self.name().unwrap_or(""))
    }
}

/// A row expression for natives: an argument of the current call.
#[derive(Debug)]
pub(super) struct RowExpression {
    /// The argument's position.
    pub argument: usize,
    /// The call's number.
    pub call: u64,
}

impl Callable for RowExpression {
    fn arity(&self) -> (usize, usize) {
        (1, 1)
    }

    fn name(&self) -> Option<&str> {
        None
    }

    fn depth(&self) -> u16 {
        0
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
