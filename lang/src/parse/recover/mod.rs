//! From a source to a tree when the grammar does not match all of it.
//!
//! The source is parsed as a whole. If that fails, the error is worded, the place is mended in a copy of the source
//! that keeps every byte position (a missing `;` is put into a blank, a broken value or statement is replaced by a
//! hole), everything before the statement is kept as parsed, and parsing continues. The work is bounded by the length.

mod texts;

use super::build::Builder;
use super::grammar::{Grammar, Rule};
use super::layout::Layout;
use super::message::{self, Failure};
use super::parsed::Parsed;
use super::token::{Kind, Start};
use crate::ast::{Expr, ExprKind, Script, Statement, StatementKind, TemplatePart, TypeExpr, TypeExprKind};
use crate::diagnostic::{Code, Diagnostic, codes};
use crate::span::Span;
use pest::Parser;
use pest::error::{Error, ErrorVariant, InputLocation};
use std::ops::Range;
use texts::{MOST_ERRORS, cut_short_texts, read};

/// Attempts at mending, reported or not.
const MOST_REPAIRS: usize = 4 * MOST_ERRORS;
/// `hole` in the grammar.
const HOLE: char = '\u{1}';

/// A whole script.
pub(super) fn script(source: &str, go_on: &mut dyn FnMut(usize) -> bool) -> Parsed<Script> {
    match Grammar::parse(Rule::script, source) {
        Ok(nodes) => finish(Builder::new(source, 0, &[]), |builder| builder.script(nodes)),
        Err(error) => Recovery::new(source).run(&error, go_on),
    }
}

/// A source that is one expression.
pub(super) fn expression(source: &str) -> Parsed<Expr> {
    match Grammar::parse(Rule::expression_file, source) {
        Ok(nodes) => finish(Builder::new(source, 0, &[]), |builder| builder.expression_file(nodes)),
        Err(error) => {
            let tree = Expr { kind: ExprKind::Invalid, span: Span::new(0, source.len()) };
            Parsed { tree, diagnostics: first_error(source, &error, Start::Code) }
        }
    }
}

/// A source that is one type.
pub(super) fn type_expr(source: &str) -> Parsed<TypeExpr> {
    match Grammar::parse(Rule::type_file, source) {
        Ok(nodes) => finish(Builder::new(source, 0, &[]), |builder| builder.type_file(nodes)),
        Err(error) => {
            let tree = TypeExpr { kind: TypeExprKind::Name("any".into()), span: Span::new(0, source.len()) };
            Parsed { tree, diagnostics: first_error(source, &error, Start::Code) }
        }
    }
}

/// A source that is a template.
pub(super) fn template(source: &str) -> Parsed<Vec<TemplatePart>> {
    match Grammar::parse(Rule::template_file, source) {
        Ok(nodes) => finish(Builder::new(source, 0, &[]), |builder| builder.template_file(nodes)),
        Err(error) => Parsed { tree: Vec::new(), diagnostics: sorted(template_errors(source, error)) },
    }
}

/// The errors of the parts of a template: each broken part is reported once and then left out.
fn template_errors(source: &str, mut error: Error<Rule>) -> Vec<Diagnostic> {
    let (layout, mut diagnostics) = read(source, Start::Template);
    if !diagnostics.is_empty() {
        return diagnostics;
    }
    let mut text = source.to_owned();
    while diagnostics.len() < MOST_ERRORS {
        let failure = failure(&error, 0);
        diagnostics.push(message::describe(source, &layout, &failure));
        let Some(part) = layout.part(failure.token(&layout)) else { break };
        let start = layout.tokens[part].start;
        let end = layout.closing(part).map_or(source.len(), |closing| layout.tokens[closing].end);
        if !text[start..end].contains('{') {
            break;
        }
        text.replace_range(start..end, &" ".repeat(end - start));
        match Grammar::parse(Rule::template_file, &text) {
            Ok(nodes) => {
                let mut builder = Builder::new(source, 0, &[]);
                builder.template_file(nodes);
                diagnostics.extend(builder.finish());
                break;
            }
            Err(next) => error = next,
        }
    }
    diagnostics
}

fn finish<'a, T>(mut builder: Builder<'a>, build: impl FnOnce(&mut Builder<'a>) -> T) -> Parsed<T> {
    let tree = build(&mut builder);
    Parsed { tree, diagnostics: sorted(builder.finish()) }
}

fn sorted(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
    diagnostics
}

/// The error of a source that is not a script.
fn first_error(source: &str, error: &Error<Rule>, start: Start) -> Vec<Diagnostic> {
    let (layout, mut diagnostics) = read(source, start);
    if diagnostics.is_empty() {
        diagnostics.push(message::describe(source, &layout, &failure(error, 0)));
    }
    diagnostics
}

/// The failure reported by pest for a text that begins at byte `base`.
fn failure(error: &Error<Rule>, base: usize) -> Failure {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => base + at,
    };
    match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => {
            Failure { at, too_deep: positives.contains(&Rule::too_deep), expected: positives.clone() }
        }
        // pest gives up when its stack runs low.
        ErrorVariant::CustomError { .. } => Failure { at, too_deep: true, expected: Vec::new() },
    }
}

/// A script with errors, being turned into a tree.
struct Recovery<'a> {
    source: &'a str,
    /// The source, mended.
    text: String,
    layout: Layout<'a>,
    /// Everything before this byte is parsed.
    base: usize,
    statements: Vec<Statement>,
    diagnostics: Vec<Diagnostic>,
    /// The places of holes.
    holes: Vec<usize>,
    /// The replaced places.
    mended: Vec<Range<usize>>,
    /// How many bytes may still be parsed again.
    budget: usize,
    /// The number of repairs so far.
    repairs: usize,
    /// The blocks that reach the end have been closed.
    blocks_closed: bool,
}

impl<'a> Recovery<'a> {
    fn new(source: &'a str) -> Self {
        let (layout, diagnostics) = read(source, Start::Code);
        let mut recovery = Self {
            source,
            text: source.to_owned(),
            layout,
            base: 0,
            statements: Vec::new(),
            diagnostics,
            holes: Vec::new(),
            mended: Vec::new(),
            budget: 4 * source.len() + (1 << 19),
            repairs: 0,
            blocks_closed: false,
        };
        recovery.close_texts();
        recovery
    }

    /// Texts and comments without an end have been reported; they become holes and blanks.
    fn close_texts(&mut self) {
        for index in 0..self.layout.tokens.len() {
            let token = self.layout.tokens[index];
            match token.kind {
                Kind::UnclosedText => self.overwrite(token.start..token.end, &HOLE.to_string()),
                Kind::UnclosedComment => self.overwrite(token.start..token.end, ""),
                _ => {}
            }
        }
        // These places are valid now; an error at them is a new one.
        self.mended.clear();
        self.mended.extend(
            cut_short_texts(&self.layout, self.source)
                .map(|(word, text)| self.layout.tokens[word].start..self.layout.tokens[text].end),
        );
    }

    /// Parses to the end of the source. `error` is that of parsing all of it.
    fn run(mut self, error: &Error<Rule>, go_on: &mut dyn FnMut(usize) -> bool) -> Parsed<Script> {
        if self.diagnostics.is_empty() {
            self.mend(&failure(error, 0));
        }
        while let Some(failure) = self.parse_to(self.text.len()) {
            // A report of an error copies its line, which may be as long as the source.
            let work = failure.at.saturating_sub(self.base) + self.line_length(failure.at) + 64;
            let spent = self.diagnostics.len() >= MOST_ERRORS || self.repairs >= MOST_REPAIRS || self.budget < work;
            if spent || !go_on(work) {
                self.give_up(failure.at);
                break;
            }
            self.budget -= work;
            self.repairs += 1;
            self.mend(&failure);
        }
        Parsed { tree: Script { statements: self.statements }, diagnostics: sorted(self.diagnostics) }
    }

    /// The length of the line around a byte.
    fn line_length(&self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        let at = at.min(bytes.len());
        let is_end = |byte: &u8| *byte == b'\n';
        let before = bytes[..at].iter().rev().position(is_end).unwrap_or(at);
        let behind = bytes[at..].iter().position(is_end).unwrap_or(bytes.len() - at);
        before + behind
    }

    /// Parses up to the byte `end` and keeps the statements, or returns the error.
    fn parse_to(&mut self, end: usize) -> Option<Failure> {
        let text = std::mem::take(&mut self.text);
        let result = Grammar::parse(Rule::script, text.get(self.base..end).unwrap_or(""));
        let failure = match result {
            Ok(nodes) => {
                let mut builder = Builder::new(self.source, self.base, &self.holes);
                self.statements.extend(builder.script(nodes).statements);
                self.diagnostics.extend(builder.finish());
                self.base = end;
                None
            }
            Err(error) => Some(failure(&error, self.base)),
        };
        self.text = text;
        failure
    }

    /// Reports an error and changes the text so that it does not occur again.
    fn mend(&mut self, failure: &Failure) {
        let mut index = failure.token(&self.layout);
        let again = self.mended.iter().any(|range| range.start <= failure.at && failure.at <= range.end);
        if let Some(open) = self.layout.block_for_record(index) {
            index = open;
        }
        if !again {
            let diagnostic = message::describe(self.source, &self.layout, failure);
            let code = diagnostic.code;
            self.diagnostics.push(diagnostic);
            if self.repair_token(code, failure, index) {
                return;
            }
        }
        if index >= self.layout.tokens.len() && failure.could_close() && self.close_blocks() {
            return;
        }
        let outermost = self.keep_what_stands_before(index);
        if failure.too_deep && self.replace_tokens(self.layout.with_outer_branches(outermost)) {
            return;
        }
        if self.replace_value(index) || self.replace_statement(index) {
            return;
        }
        if let Some(open) = self.layout.frame(index)
            && self.replace_statement(open)
        {
            return;
        }
        // No smaller repair works: all up to this token, including it.
        let end = self.layout.tokens.get(index).map_or(self.text.len(), |token| token.end);
        let span = Span::new(self.base.min(end), end);
        self.statements.push(Statement { kind: StatementKind::Invalid, span });
        self.base = end;
    }

    /// Repairs a mistake of one token, so that nothing around it is lost.
    fn repair_token(&mut self, code: &Code, failure: &Failure, index: usize) -> bool {
        let Some(token) = self.layout.tokens.get(index).copied() else { return false };
        match code {
            codes::SEMICOLON => self.insert(";", index),
            codes::PART_MISSING if failure.expects_body() && token.kind == Kind::Word => {
                let one_statement = ["if", "elseif", "else", "for", "while"].contains(&self.layout.head(index));
                one_statement && self.insert(":", index)
            }
            codes::RESERVED_WORD => {
                // Any other name is suitable.
                let name = "_".repeat(token.end - token.start);
                self.overwrite(token.start..token.end, &name);
                true
            }
            _ if self.layout.is_stray(index) || (code == codes::UNEXPECTED && self.is_lonely_semicolon(index)) => {
                self.overwrite(token.start..token.end, "");
                true
            }
            _ => false,
        }
    }

    /// A `;` without a statement before it.
    fn is_lonely_semicolon(&self, index: usize) -> bool {
        self.layout.text(index) == ";" && self.layout.statement(index).is_empty()
    }

    /// Puts a character into the blank after the token before `index`.
    fn insert(&mut self, character: &str, index: usize) -> bool {
        let Some(before) = index.checked_sub(1) else { return false };
        let at = self.layout.tokens[before].end;
        let blank = self.text.as_bytes().get(at).is_some_and(u8::is_ascii_whitespace);
        if blank {
            self.text.replace_range(at..=at, character);
        }
        blank
    }

    /// Closes the blocks that are open at the end of the source; the first of them has been reported.
    fn close_blocks(&mut self) -> bool {
        let blocks: Vec<usize> = self.layout.unclosed_blocks().collect();
        if self.blocks_closed || blocks.is_empty() {
            return false;
        }
        self.blocks_closed = true;
        for open in &blocks {
            self.text.push('\n');
            self.text.push_str(message::closing_of(self.layout.text(*open)));
        }
        self.diagnostics.extend(
            blocks
                .iter()
                .skip(1)
                .take(MOST_ERRORS)
                .map(|open| message::unclosed(&self.layout, *open, "the end", self.layout.tokens.len())),
        );
        true
    }

    /// Keeps the statements at top level that end before the one around `index`; returns a token of that one.
    fn keep_what_stands_before(&mut self, index: usize) -> usize {
        let mut outer = index;
        while let Some(open) = self.layout.frame(outer) {
            outer = open;
        }
        let start = self.byte(self.layout.with_outer_branches(outer).start);
        if start > self.base {
            // If the guess at the statement was wrong, this fails and nothing is lost.
            let _ = self.parse_to(start);
        }
        outer
    }

    /// The start of a token; after the last token, the end of the source.
    fn byte(&self, index: usize) -> usize {
        self.layout.tokens.get(index).map_or(self.source.len(), |token| token.start)
    }

    /// Replaces the value around a token by a hole: the part between `=`, `return`, `if` and the like and its end.
    fn replace_value(&mut self, index: usize) -> bool {
        let Some(value) = self.layout.value(index) else { return false };
        let Some(before) = value.start.checked_sub(1) else { return false };
        let range = self.layout.tokens[before].end..self.byte(value.end);
        if range.start == self.source.len() && self.text.len() == range.start {
            self.text.push(HOLE);
            self.holes.push(range.start);
            self.mended.push(range);
            return true;
        }
        self.replace(range, &HOLE.to_string())
    }

    /// Replaces the statement around a token by a hole, but keeps the name that it declares.
    fn replace_statement(&mut self, index: usize) -> bool {
        self.replace_tokens(self.layout.statement(index))
    }

    fn replace_tokens(&mut self, statement: Range<usize>) -> bool {
        if statement.is_empty() {
            return false;
        }
        let range = self.byte(statement.start)..self.layout.tokens[statement.end - 1].end;
        let closed = self.layout.text(statement.end) == ";";
        let with = if closed { HOLE.to_string() } else { format!("{HOLE};") };
        if let Some(name) = self.layout.declared(&statement) {
            let kept = self.layout.tokens[name].end;
            let replaced = if kept == range.end && closed {
                // `let x;`: the hole takes the place of the `;`, and that of the blank after it.
                self.replace(kept..self.byte(statement.end + 1), &format!("{HOLE};"))
            } else {
                self.replace(kept..range.end, &with)
            };
            if replaced {
                return true;
            }
        }
        self.replace(range, &with)
    }

    /// Overwrites `range`, unless it was overwritten before or is too short.
    fn replace(&mut self, range: Range<usize>, with: &str) -> bool {
        let done = self.mended.iter().any(|other| other.start <= range.start && range.end <= other.end);
        if done || range.start < self.base || range.len() < with.trim_end_matches(';').len() {
            return false;
        }
        let with = if with.len() > range.len() { with.trim_end_matches(';') } else { with };
        self.overwrite(range, with);
        true
    }

    /// Overwrites `range` with `with` and blanks.
    fn overwrite(&mut self, range: Range<usize>, with: &str) {
        let blanks = " ".repeat(range.len().saturating_sub(with.len()));
        self.text.replace_range(range.clone(), &format!("{with}{blanks}"));
        if let Some(at) = with.find(HOLE) {
            self.holes.push(range.start + at);
        }
        self.mended.push(range);
    }

    /// Leaves out the rest of the source.
    fn give_up(&mut self, at: usize) {
        let span = Span::new(self.base, self.source.len().max(self.base));
        self.statements.push(Statement { kind: StatementKind::Invalid, span });
        let index = self.layout.token_at(at);
        let place = self.layout.tokens.get(index).map_or(Span { start: span.end, end: span.end }, |token| token.span());
        self.diagnostics.push(
            Diagnostic::error(codes::TOO_MANY, place, "there are too many errors; what follows was not read")
                .with_hint("repair the first ones and check again"),
        );
    }
}
