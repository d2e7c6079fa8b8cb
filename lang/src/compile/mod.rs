//! From the typed tree to instructions: registers instead of slots, instructions chosen by type.
//!
//! `convention` decides first, for all functions together, which parameters, variables and results are numbers by their
//! type; then each function is compiled separately. An expression that needs more registers than an instruction can
//! name is left to the evaluator, and variables beyond the registers are moved to and from them. A function with more
//! parameters than registers, or with loops nested beyond them, is left to the evaluator as a whole.

mod builder;
mod call;
mod code;
mod condition;
mod convention;
mod executable;
mod expr;
mod instructions;
mod listing;
mod number;
mod plan;
mod registers;
mod statement;
mod tables;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use code::{Code, Instruction, NativeSite, Register};
pub(crate) use executable::Executable;
pub(crate) use listing::listing;
pub(crate) use plan::plans;
