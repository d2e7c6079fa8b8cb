//! The generated parser. Its `Rule` is known in this folder only.

// The derive documents neither its parser nor its rules.
#![allow(missing_docs)]

use pest_derive::Parser;

/// The parser that pest makes of `grammar.pest`.
#[derive(Parser)]
#[grammar = "grammar.pest"]
pub(super) struct Grammar;
