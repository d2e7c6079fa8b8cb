//! What a check may use, and how much it says: sources that nobody wrote by hand must not keep it busy.

use super::Checker;
use crate::budget::{BYTES_OF_STEP, ELEMENTS_OF_STEP};
use crate::diagnostic::{Diagnostic, Severity, codes};
use crate::settings::Limits;
use crate::span::Span;
use crate::tree::{Expr, ExprKind};
use crate::types::Type;

/// The longest source that is parsed, in bytes.
pub const LONGEST_SOURCE: usize = 1 << 20;

/// What a check may use where its caller says nothing else: some seconds at most.
pub const LIMITS: Limits = Limits { steps: Some(10_000_000), ..Limits::DEFAULT };

/// What parsing a byte costs, in bytes that are merely looked at.
const READING: usize = 32;

/// Errors that are told, and warnings beside them.
const MOST_TOLD: usize = 1_000;

/// Bytes of a message or hint.
const LONGEST_MESSAGE: usize = 2_000;

/// Findings that are not told.
#[derive(Clone, Copy, Default)]
pub(super) struct Untold {
    pub errors: usize,
    pub warnings: usize,
}

/// The error of a source that is too long.
pub(super) fn too_long(source: &str) -> Option<Diagnostic> {
    if source.len() <= LONGEST_SOURCE {
        return None;
    }
    let message = format!("The source has {} bytes, and the most is {LONGEST_SOURCE} (1 MiB).", source.len());
    let hint = "split it into modules, and keep data in files";
    Some(Diagnostic::error(codes::TOO_LONG, Span::default(), message).with_hint(hint))
}

impl Checker<'_> {
    /// Counts work. False when the check has been ended: then nothing that it finds counts any more.
    pub(super) fn pay(&mut self, steps: u64) -> bool {
        if self.ended.is_none() {
            let steps = steps.saturating_add(self.types.compared());
            self.ended = self.budget.spend(steps).err();
        }
        self.ended.is_none()
    }

    /// Counts a look at so many bytes of the source.
    pub(super) fn scan(&mut self, bytes: usize) -> bool {
        self.pay((bytes / BYTES_OF_STEP) as u64)
    }

    /// Counts the parsing of so many bytes, which is much work for each.
    pub(super) fn reads(&mut self, bytes: usize) -> bool {
        self.scan(bytes.saturating_mul(READING))
    }

    /// Counts copying or looking at so many names.
    pub(super) fn look(&mut self, names: usize) -> bool {
        self.pay((names / ELEMENTS_OF_STEP) as u64)
    }

    /// Counts a new expression, and keeps its type small.
    pub(super) fn made(&mut self, mut expr: Expr) -> Expr {
        self.hold(size_of::<Expr>());
        if !matches!(expr.kind, ExprKind::Variable(..) | ExprKind::Constant(_)) {
            expr.ty = self.weighed(expr.ty);
        }
        self.note_type(&expr);
        expr
    }

    /// Counts a new type, and keeps it small: types that share their parts could grow for ever.
    pub(super) fn weighed(&mut self, ty: Type) -> Type {
        if ty.is_simple() || ty.is_any() {
            return ty;
        }
        let (parts, ty) = match ty.parts() {
            Some(parts) => (parts, ty),
            None => (
                Type::MOST_PARTS,
                match ty {
                    Type::Record(_) => Type::any_record(),
                    Type::List(_) => Type::Any.many(),
                    _ => Type::Any,
                },
            ),
        };
        self.look(parts);
        self.hold(parts.saturating_mul(size_of::<Type>()));
        ty
    }

    /// Counts memory that is held until the unit has been walked. Only what a walk holds more than those before is new.
    fn hold(&mut self, bytes: usize) {
        self.held += bytes;
        let more = self.held.saturating_sub(self.most_held);
        if more > 0 && self.ended.is_none() {
            self.most_held = self.held;
            self.ended = self.budget.take(more).err();
        }
    }

    /// Tells a finding, as long as there are not too many.
    pub(super) fn tell(&mut self, mut diagnostic: Diagnostic) {
        // What stands where the check was ended may be right.
        if self.ended.is_some() {
            return;
        }
        let untold = match diagnostic.severity {
            Severity::Error => &mut self.untold.errors,
            Severity::Warning => &mut self.untold.warnings,
        };
        let known = self.diagnostics.len();
        if known >= MOST_TOLD {
            let same = self.diagnostics.iter().filter(|known| known.severity == diagnostic.severity).count();
            if same >= MOST_TOLD {
                *untold += 1;
                return;
            }
        }
        shorten(&mut diagnostic.message);
        diagnostic.hint.iter_mut().for_each(shorten);
        diagnostic.labels.iter_mut().for_each(|label| shorten(&mut label.text));
        // An edit is nothing that could be cut.
        diagnostic.fixes.retain(|fix| fix.edits.iter().map(|edit| edit.text.len()).sum::<usize>() <= LONGEST_MESSAGE);
        diagnostic.fixes.iter_mut().for_each(|fix| shorten(&mut fix.title));
        self.diagnostics.push(diagnostic);
    }

    /// Tells what the parser has found.
    pub(super) fn take_over(&mut self, found: Vec<Diagnostic>) {
        found.into_iter().for_each(|diagnostic| self.tell(diagnostic));
    }

    /// What is said behind all findings: that there are more, and that the check did not come to its end.
    pub(super) fn last_words(&mut self, source: &str) -> Vec<Diagnostic> {
        let end = source.trim_end().len();
        let end = Span::new(end, end);
        let mut last = Vec::new();
        let Untold { errors, warnings } = self.untold;
        if errors > 0 {
            let message = format!("There are {errors} more errors, which are not told.");
            last.push(Diagnostic::error(codes::TOO_MANY, end, message).with_hint("correct the first ones"));
        }
        if warnings > 0 {
            let message = format!("There are {warnings} more warnings, which are not told.");
            last.push(Diagnostic::warning(codes::MORE_WARNINGS, end, message).with_hint("look at the first ones"));
        }
        if let Some(why) = self.ended.take() {
            let message = format!("The source was not checked to its end: {}", why.message);
            let hint = "a shorter source, or one with smaller types, takes less; split it into modules";
            last.push(Diagnostic::error(codes::CHECK_ENDED, end, message).with_hint(hint));
        }
        last
    }
}

fn shorten(text: &mut String) {
    if text.len() > LONGEST_MESSAGE {
        let end = (0..=LONGEST_MESSAGE).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
}
