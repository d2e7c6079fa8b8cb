//! A tree with the code of its functions.

use super::builder::Builder;
use super::code::Code;
use super::convention::Conventions;
use crate::tree::{STACK, Tree};
use std::ops::Deref;
use std::sync::OnceLock;

/// A tree that is compiled when it first runs.
#[derive(Debug)]
pub(crate) struct Executable {
    tree: Tree,
    code: OnceLock<Vec<Option<Code>>>,
}

impl Executable {
    pub fn new(tree: Tree) -> Self {
        Self { tree, code: OnceLock::new() }
    }

    /// The code of each function; `None` for functions of the evaluator.
    pub fn code(&self) -> &[Option<Code>] {
        self.code.get_or_init(|| stacker::grow(STACK, || compile(&self.tree)))
    }
}

impl Deref for Executable {
    type Target = Tree;

    fn deref(&self) -> &Tree {
        &self.tree
    }
}

impl Drop for Executable {
    fn drop(&mut self) {
        if let Some(code) = self.code.take() {
            stacker::grow(STACK, || drop(code));
        }
    }
}

/// The code of each function of a tree; `None` if the evaluator runs it.
fn compile(tree: &Tree) -> Vec<Option<Code>> {
    let mut conventions = Conventions::of(tree);
    loop {
        let mut settled = true;
        let mut codes = Vec::with_capacity(tree.functions.len());
        for (id, definition) in tree.functions.iter().enumerate() {
            let code = if conventions.is_compiled(id) {
                Builder::new(tree, &conventions, id, definition).finish()
            } else {
                None
            };
            // Calls of it have been compiled on the assumption that it is.
            settled &= code.is_some() || !conventions.leave(id);
            codes.push(code);
        }
        if settled {
            return codes;
        }
    }
}
