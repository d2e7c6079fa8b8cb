//! Which bracket closes which, and which `{` begins a block.

use super::Layout;
use crate::parse::token::Kind;

/// The most unclosed brackets among which the partner of a closing one is searched: the limit on nesting. It keeps
/// hostile sources from costing the square of their length.
const FARTHEST: usize = 200;

impl Layout<'_> {
    pub(super) fn match_brackets(&mut self) {
        let mut open: Vec<usize> = Vec::new();
        for index in 0..self.tokens.len() {
            self.parent[index] = open.last().copied();
            let token = self.tokens[index];
            if token.kind == Kind::Open || self.is_keyword(index, "do") {
                self.block[index] = self.opens_block(index);
                open.push(index);
            } else if token.kind == Kind::Close || self.is_keyword(index, "done") {
                self.close(index, &mut open);
            } else if token.is(self.source, ";") || self.begins_line_statement(index) {
                // After a `;` only a block continues.
                let slip = !open.is_empty() && self.is_slip(index);
                while let Some(&top) = open.last()
                    && !self.block[top]
                    && !self.is_template_bracket(top)
                    && !slip
                    && !self.is_head_of_for(top)
                {
                    if self.text(top) == "{" && !self.looks_like_record(top) {
                        self.block[top] = true;
                        self.misplaced.push(top);
                        break;
                    }
                    open.pop();
                    self.unclosed.push((top, index));
                }
                self.parent[index] = open.last().copied();
            }
        }
        for top in open.into_iter().rev() {
            self.unclosed.push((top, self.tokens.len()));
        }
    }

    /// Is it the bracket of `for (let i = 0; i < 9; …)`?
    fn is_head_of_for(&self, open: usize) -> bool {
        self.text(open) == "(" && open > 0 && self.is_keyword(open - 1, "for")
    }

    /// Is the `;` a mistake inside a bracket that is closed in the same line, as in `f(a; b)`?
    fn is_slip(&self, semicolon: usize) -> bool {
        let mut depth = 0_usize;
        for index in semicolon + 1..self.tokens.len() {
            match self.tokens[index].kind {
                _ if self.begins_line(index) => return false,
                Kind::Open => depth += 1,
                Kind::Close if depth == 0 => return matches!(self.text(index), ")" | "]"),
                Kind::Close => depth -= 1,
                Kind::Symbol if self.text(index) == ";" => return false,
                _ => {}
            }
        }
        false
    }

    /// Does a label or a bare field follow this `{`?
    fn looks_like_record(&self, open: usize) -> bool {
        let label = self.tokens.get(open + 1).is_some_and(|token| matches!(token.kind, Kind::Word | Kind::Text));
        label && matches!(self.text(open + 2), ":" | ",")
    }

    fn close(&mut self, index: usize, open: &mut Vec<usize>) {
        let closing = self.text(index).to_ascii_lowercase();
        let wanted = match closing.as_str() {
            ")" => "(",
            "]" => "[",
            "}" => "{",
            "done" => "do",
            _ => "`",
        };
        // A round or square bracket does not reach out of its block; `do` and `{` may be mixed up.
        let bounded = matches!(wanted, "(" | "[");
        let closes = |i: usize| self.is(i, wanted) || (!bounded && wanted != "`" && self.block[i]);
        let mut nearest = open.iter().enumerate().rev().take(FARTHEST);
        let nearest = nearest.find(|(_, i)| closes(**i) || (bounded && self.block[**i]));
        let Some(found) = nearest.filter(|(_, i)| closes(**i)).map(|(at, _)| at) else {
            self.stray.push(index);
            return;
        };
        for unclosed in open.drain(found + 1..).rev() {
            self.unclosed.push((unclosed, index));
        }
        open.pop();
        self.parent[index] = open.last().copied();
    }

    /// Does a block begin with this token, rather than a record?
    fn opens_block(&self, index: usize) -> bool {
        if self.tokens[index].kind == Kind::Word {
            return true; // `do`
        }
        if self.text(index) != "{" || self.is_template_bracket(index) {
            return false;
        }
        let Some(before) = index.checked_sub(1) else { return false };
        match self.tokens[before].kind {
            Kind::Word if ["else", "try", "catch"].iter().any(|word| self.is_keyword(before, word)) => true,
            Kind::Word => {
                let operator = [
                    "return", "in", "and", "or", "not", "mod", "like", "is", "with", "except", "when", "then", "where",
                    "select", "from", "case", "as", "assert", "by", "on", "having", "error", "if", "elseif", "while",
                ];
                let mut start = before;
                while start >= 2 && self.text(start - 1) == "." {
                    start -= 2;
                }
                let new = start >= 1 && self.is_keyword(start - 1, "new");
                !new && !operator.iter().any(|word| self.is_keyword(before, word))
            }
            Kind::Symbol => {
                // The end of a type, as in `function f(): text? {`.
                let after_operand = before.checked_sub(1).is_some_and(|i| {
                    matches!(self.tokens[i].kind, Kind::Word | Kind::Close) || matches!(self.text(i), "?" | "*")
                });
                matches!(self.text(before), "?" | "*") && after_operand
            }
            Kind::Open | Kind::Unknown | Kind::UnclosedComment | Kind::TemplateText => false,
            Kind::Number | Kind::Text | Kind::UnclosedText | Kind::Close => true,
        }
    }

    /// A backtick, or the `{` of a part between two.
    fn is_template_bracket(&self, index: usize) -> bool {
        let around = |index: usize| self.tokens.get(index).map(|token| token.kind);
        match self.text(index) {
            "`" => true,
            "{" => {
                around(index.wrapping_sub(1)) == Some(Kind::TemplateText)
                    || self.parent[index].is_some_and(|parent| self.text(parent) == "`")
            }
            _ => false,
        }
    }
}
