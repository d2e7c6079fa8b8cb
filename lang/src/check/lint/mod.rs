//! Silent traps: valid code that most likely does not do what was meant. Each is a rule in a file of its own that warns
//! with a code of its own, and says what to write.
//!
//! Each warning has a name in its row of `diagnostic::codes`, with which `off.rs` lets authors switch it off.
//!
//! A rule must not warn of code that a careful author writes on purpose: `tests/lints.rs` checks all rules against the
//! scripts of the examples, the references and the conformance cases.
#![deny(dead_code)] // a rule that is not in the table is an error

mod columns;
mod comma;
mod comment;
mod csv;
mod date_pattern;
mod dropped;
mod library;
mod literal;
mod off;
mod path;
mod placeholder;
mod source;
mod steady;
mod walk;

use super::Mode;
use super::checker::Checker;
use crate::ast::Script;
use crate::diagnostic::{Diagnostic, codes};
use crate::parse;
use crate::span::Span;
use hashbrown::HashSet;
use source::Source;

type Rule = fn(&Source<'_>, &mut Vec<Diagnostic>);

/// The rules that need only the text and its tree; `dropped` and `steady` need types and are called where statements
/// and keys are checked.
const RULES: [Rule; 6] =
    [placeholder::dollar, date_pattern::foreign, path::escaped, comma::taken, literal::compared, csv::texts];

impl Checker<'_> {
    /// Warns of the traps in a unit. In one that `has_errors` of syntax, a comment may be their cause.
    pub(super) fn lint(&mut self, script: &Script, has_errors: bool) {
        let text = self.units[self.unit].source.clone();
        let is_template = self.unit == 0 && self.options.mode == Mode::Template;
        let tokens = if is_template { parse::template_tokens(&text) } else { parse::tokens(&text) };
        let source = Source { text: &text, script, registry: self.options.registry, tokens };
        let mut found = Vec::new();
        comment::swallowed(&source, &mut found);
        if !has_errors {
            RULES.iter().for_each(|rule| rule(&source, &mut found));
        }
        // Of two traps at one place only the first is reported.
        let unit = self.units[self.unit].name.clone();
        let places: HashSet<Span> = found.iter().map(|warning| warning.span).collect();
        let is_double = |known: &Diagnostic| {
            known.code == codes::CONSTANT_KEY && known.module == unit && places.contains(&known.span)
        };
        self.findings.retain_since(0, |known| !is_double(known));
        let mut reported = HashSet::with_capacity(places.len());
        for warning in found {
            if reported.insert(warning.span) {
                self.report(warning);
            }
        }
        self.switch_off(&source);
    }
}
