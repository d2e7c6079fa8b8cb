//! From the typed tree to instructions: registers instead of slots, instructions chosen by type.
//!
//! `convention` decides first, for all functions together, which parameters, variables and results are numbers by
//! their type; then each function is compiled by itself. An expression that needs more registers than an instruction
//! can name is left to the evaluator, and variables beyond the registers are moved to and from them. A function with
//! more parameters than registers, or with loops nested beyond them, stays with the evaluator as a whole.

mod builder;
mod call;
mod code;
mod condition;
mod convention;
mod expr;
mod listing;
mod number;
mod plan;
mod statement;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use listing::listing;
pub(crate) use plan::plans;

pub(crate) use code::{Code, Instruction, NativeSite, Register};

use crate::tree::Tree;
use builder::Builder;
use convention::Conventions;

/// The code of each function of a tree; `None` where the evaluator runs it.
pub(crate) fn compile(tree: &Tree) -> Vec<Option<Code>> {
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
            // Calls of it have been compiled as if it were.
            settled &= code.is_some() || !conventions.leave(id);
            codes.push(code);
        }
        if settled {
            return codes;
        }
    }
}
