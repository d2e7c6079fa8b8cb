//! The generated parser. Its `Rule` is used in this folder only.

// The derive documents neither its parser nor its rules.
#![allow(missing_docs)]

use pest_derive::Parser;

/// The parser that pest generates from `grammar.pest`.
#[derive(Parser)]
#[grammar = "grammar.pest"]
pub(super) struct Grammar;
