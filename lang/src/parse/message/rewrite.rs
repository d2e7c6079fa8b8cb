//! Fixes that rewrite what another language would write: operators, conditions and heads with their operands.

use super::Situation;
use crate::diagnostic::Fix;
use crate::parse::token::Kind;
use crate::parse::words::is_reserved;
use crate::span::Span;
use std::ops::Range;

impl Situation<'_> {
    /// The whole expression around an operator of another language.
    pub(super) fn rewritten(&self) -> Option<Fix> {
        match self.text() {
            "^" => self.of_operands(|left, right| format!("Pow({left}, {right})")),
            "++" | "--" => {
                let place = self.assigned()?;
                let name = place.text(self.source);
                let sign = self.text().get(..1)?;
                Some(Fix::replace(place.to(self.place), format!("set {name} = {name} {sign} 1")))
            }
            "+=" | "-=" | "*=" | "/=" | "&=" => {
                let place = self.assigned()?;
                let name = place.text(self.source);
                let sign = self.text().get(..1)?;
                let value = self.span_of(self.index + 1..self.layout.statement(self.index).end)?;
                let fix = Fix::replace(place.to(self.place), format!("set {name} = {name} {sign}"));
                let is_one = self.layout.tokens.get(self.index + 1)?.span() == value;
                Some(if is_one { fix } else { fix.and(empty(value.start), "(").and(empty(value.end), ")") })
            }
            "?" => self.choice(),
            _ => None,
        }
    }

    /// `a ? b : c` as a `case`.
    fn choice(&self) -> Option<Fix> {
        let around = self.around()?;
        let (condition, rest) = (around.start..self.index, self.index + 1..around.end);
        let outer = self.layout.parent(self.index);
        let mut here = rest.clone().filter(|at| self.layout.parent(*at) == outer);
        let colon = here.find(|at| self.layout.text(*at) == ":")?;
        if rest.clone().any(|at| self.layout.text(at) == "?") {
            return None;
        }
        let text = |part: Range<usize>| Some(self.span_of(part)?.text(self.source));
        let (condition, yes, no) = (text(condition)?, text(rest.start..colon)?, text(colon + 1..rest.end)?);
        Some(Fix::replace(self.span_of(around)?, format!("case when {condition} then {yes} else {no} end")))
    }

    /// `query limit n` as a call.
    pub(super) fn first_rows(&self, word: usize) -> Option<Fix> {
        let around = self.around()?;
        let count = self.operand(word + 1)?;
        let query = self.span_of(around.start..word)?;
        (word + 2 == around.end).then(|| {
            let text = format!("Take(({}), {})", query.text(self.source), count.text(self.source));
            Fix::replace(query.to(count), text)
        })
    }

    /// `x between a and b` as two comparisons.
    pub(super) fn two_comparisons(&self, word: usize) -> Option<Fix> {
        let value = self.operand(word.checked_sub(1)?)?;
        let (least, most) = (self.operand(word + 1)?, self.operand(word + 3)?);
        self.layout.is_keyword(word + 2, "and").then(|| {
            let [value_text, least, most_text] = [value, least, most].map(|place| place.text(self.source));
            Fix::replace(value.to(most), format!("{value_text} >= {least} and {value_text} <= {most_text}"))
        })
    }

    /// The operands around a word, of one token each, as another expression.
    pub(super) fn operands_of(&self, word: usize, write: impl Fn(&str, &str) -> String) -> Option<Fix> {
        let (left, right) = (self.operand(word.checked_sub(1)?)?, self.operand(word + 1)?);
        Some(Fix::replace(left.to(right), write(left.text(self.source), right.text(self.source))))
    }

    fn of_operands(&self, write: impl Fn(&str, &str) -> String) -> Option<Fix> {
        self.operands_of(self.index, write)
    }

    /// An operand that is only this token.
    fn operand(&self, at: usize) -> Option<Span> {
        let token = self.layout.tokens.get(at)?;
        let is_value = match token.kind {
            Kind::Number | Kind::Text => true,
            Kind::Word => !is_reserved(token.text(self.source)),
            _ => false,
        };
        let before = at.checked_sub(1).map_or("", |before| self.layout.text(before));
        let continues = matches!(before, "." | "?.") || matches!(self.layout.text(at + 1), "." | "?." | "(" | "[");
        (is_value && !continues).then(|| token.span())
    }

    /// The variable or path before the token, if the statement begins with it.
    fn assigned(&self) -> Option<Span> {
        let start = self.layout.statement(self.index).start;
        let first = self.layout.tokens.get(start)?;
        let is_name = first.kind == Kind::Word && !is_reserved(first.text(self.source));
        is_name.then(|| self.span_of(start..self.index)).flatten()
    }

    /// The tokens of the value around the token: of an argument, an element, or of what the statement gives.
    fn around(&self) -> Option<Range<usize>> {
        let outer = self.layout.parent(self.index);
        let bracket = outer.filter(|open| !self.layout.is_block(*open));
        let whole = match bracket {
            Some(open) => open + 1..self.layout.closing(open)?,
            None => self.layout.value(self.index)?,
        };
        let ends =
            |at: &usize| self.layout.parent(*at) == outer && matches!(self.layout.text(*at), "," | ":" | ";" | "=>");
        let start = (whole.start..self.index).rev().find(ends).map_or(whole.start, |at| at + 1);
        let comma = |at: &usize| self.layout.parent(*at) == outer && matches!(self.layout.text(*at), "," | ";");
        let end = (self.index..whole.end).find(comma).unwrap_or(whole.end);
        (start < self.index && self.index < end).then_some(start..end)
    }

    /// The text of these tokens.
    fn span_of(&self, tokens: Range<usize>) -> Option<Span> {
        let (first, last) =
            (self.layout.tokens.get(tokens.start)?, self.layout.tokens.get(tokens.end.checked_sub(1)?)?);
        (tokens.start < tokens.end).then(|| first.span().to(last.span()))
    }

    /// Removes the parentheses that the token opens.
    pub(super) fn without_parentheses(&self) -> Option<Fix> {
        let close = self.layout.closing(self.index)?;
        let is_head = (self.index..close).any(|at| self.layout.is_keyword(at, "in"));
        let blank = if self.is_glued() { " " } else { "" };
        is_head.then(|| {
            Fix::replace(self.place, blank).and(self.layout.tokens[close].span(), "").titled("remove the parentheses")
        })
    }
}

fn empty(at: u32) -> Span {
    Span { start: at, end: at }
}
