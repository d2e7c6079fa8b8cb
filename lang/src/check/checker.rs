//! The state of a check, and the walks of its units.

use super::findings::Findings;
use super::loaded::{CheckedUnit, Finished, Modules};
use super::options::CompileOptions;
use super::scope::UnitState;
use super::symbols::Indexes;
use super::walk::Walk;
use super::work::Work;
use crate::ast;
use crate::budget::{BYTES_OF_STEP, Budget, ELEMENTS_OF_STEP};
use crate::diagnostic::{Code, Diagnostic, Fix, Label, codes};
use crate::function::Effect;
use crate::span::Span;
use crate::tree::{Tree, Unit};
use crate::types::Types;
use ecow::EcoString;
use std::cell::Cell;

/// The cost of parsing a byte, in bytes looked at.
const READING: usize = 32;

/// The state of one compilation.
pub(crate) struct Checker<'a> {
    pub(super) options: &'a CompileOptions<'a>,
    pub(super) work: Work<'a>,
    pub(super) findings: Findings,
    /// Expressions that may still be examined to decide whether a statement only computes.
    pub(super) looking: Cell<usize>,
    /// The script is unit 0; modules follow in the order in which they are met.
    pub(super) units: Vec<UnitState>,
    /// The unit being walked.
    pub(super) unit: usize,
    pub(super) walk: Walk,
    pub(super) modules: Modules,
    pub(super) finished: Finished,
    /// Names declared by statements that could not be parsed: nothing is reported about them.
    pub(super) unparsed: Vec<EcoString>,
    pub(super) types: Types,
    /// The strongest effect met.
    pub(super) effect: Effect,
    /// Is the text being walked a pattern, which allows every backslash?
    pub(super) in_pattern: bool,
    /// `try` blocks around the statement being walked.
    pub(super) trying: usize,
    pub(super) indexes: Indexes,
}

impl<'a> Checker<'a> {
    pub(super) fn new(options: &'a CompileOptions<'a>, budget: &'a mut dyn Budget, indexes: Indexes) -> Self {
        Self {
            options,
            work: Work::new(budget),
            findings: Findings::default(),
            looking: Cell::new(0),
            units: Vec::new(),
            unit: 0,
            walk: Walk::first(),
            modules: Modules::default(),
            finished: Finished::default(),
            unparsed: Vec::new(),
            types: Types::default(),
            effect: Effect::Pure,
            in_pattern: false,
            trying: 0,
            indexes,
        }
    }

    /// Checks one unit until its types no longer change.
    pub(super) fn check_unit(&mut self, name: Option<EcoString>, source: &str, script: &ast::Script) -> CheckedUnit {
        self.units.push(UnitState::new(name, source.into()));
        let outer = std::mem::replace(&mut self.unit, self.units.len() - 1);
        let outer_walk = std::mem::replace(&mut self.walk, Walk::first());
        let before = self.findings.len();
        let (left_out, held) = (self.findings.left_out(), self.work.held());
        let checked = loop {
            self.findings.set_left_out(left_out);
            self.work.release_to(held);
            // Modules met in this walk have already reported, and are not walked again.
            let own = &self.units[self.unit].name;
            self.findings.retain_since(before, |found| found.module != *own || found.code.is_syntax());
            let checked = self.walk_unit(script);
            match self.walk.next() {
                Some(next) if !self.work.is_ended() => self.walk = next,
                _ => break checked,
            }
        };
        self.report_unused();
        self.report_hiding();
        let has_errors = self.findings.since(before).any(|found| found.code.is_syntax());
        if self.scan(source.len()) {
            self.lint(script, has_errors);
        }
        self.unit = outer;
        // A module changes the places of the functions of the unit that uses it.
        self.walk = outer_walk;
        checked
    }

    pub(super) fn into_tree(self, main: CheckedUnit) -> Tree {
        let units = self.units.into_iter().map(|unit| Unit { module: unit.name, source: unit.source }).collect();
        self.finished.into_tree(main, units, self.types)
    }

    /// Counts work. `false` once the check has been ended: then its findings no longer count.
    pub(super) fn pay(&mut self, steps: u64) -> bool {
        if !self.work.is_ended() {
            self.work.spend(steps.saturating_add(self.types.compared()));
        }
        !self.work.is_ended()
    }

    /// Counts reading `bytes` bytes of the source.
    pub(super) fn scan(&mut self, bytes: usize) -> bool {
        self.pay((bytes / BYTES_OF_STEP) as u64)
    }

    /// Counts the parsing of `bytes` bytes, which costs much for each.
    pub(super) fn reads(&mut self, bytes: usize) -> bool {
        self.scan(bytes.saturating_mul(READING))
    }

    /// Counts copying or reading `names` names.
    pub(super) fn look(&mut self, names: usize) -> bool {
        self.pay((names / ELEMENTS_OF_STEP) as u64)
    }

    /// Adds a finding. After the check was ended, an apparent error may be correct code.
    pub(super) fn add(&mut self, diagnostic: Diagnostic) {
        if !self.work.is_ended() {
            self.findings.add(diagnostic);
        }
    }

    /// Adds the findings of the parser.
    pub(super) fn take_over(&mut self, found: Vec<Diagnostic>) {
        found.into_iter().for_each(|diagnostic| self.add(diagnostic));
    }

    pub(super) fn report(&mut self, mut diagnostic: Diagnostic) {
        diagnostic.module.clone_from(&self.units[self.unit].name);
        self.add(diagnostic);
    }

    pub(super) fn error(&mut self, code: &'static Code, span: Span, message: impl Into<String>) {
        self.report(Diagnostic::error(code, span, message));
    }

    pub(super) fn error_hint(
        &mut self,
        code: &'static Code,
        span: Span,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let mut diagnostic = Diagnostic::error(code, span, message);
        diagnostic.hint = hint;
        self.report(diagnostic);
    }

    /// Reports a second declaration; `first` is the earlier one.
    pub(super) fn twice(&mut self, span: Span, message: String, first: Option<Span>) {
        let mut diagnostic = Diagnostic::error(codes::DECLARED_TWICE, span, message);
        if let Some(first) = first {
            diagnostic = diagnostic.with_label(first, "first here");
        }
        self.report(diagnostic);
    }

    /// Adds another place to the findings reported since there were `before` of them.
    pub(super) fn label_since(&mut self, before: usize, code: &Code, span: Span, text: &str) {
        for found in self.findings.since_mut(before).filter(|found| found.code == code) {
            found.labels.push(Label { span, text: text.to_owned() });
        }
    }

    /// Adds a fix to the findings reported since there were `before` of them.
    pub(super) fn fix_since(&mut self, before: usize, code: &Code, fix: Option<&Fix>) {
        for found in self.findings.since_mut(before).filter(|found| found.code == code) {
            found.fixes.extend(fix.cloned());
        }
    }

    pub(super) fn warn(&mut self, code: &'static Code, span: Span, message: impl Into<String>, hint: Option<String>) {
        let mut diagnostic = Diagnostic::warning(code, span, message);
        diagnostic.hint = hint;
        self.report(diagnostic);
    }
}
