//! Where statements begin and end, and the values in them.

use super::Layout;
use crate::parse::token::Kind;
use std::ops::Range;

impl Layout<'_> {
    /// The tokens of the statement around a token, without its `;`. Empty if there is no statement.
    pub(in crate::parse) fn statement(&self, index: usize) -> Range<usize> {
        let frame = self.frame(index);
        let start = self.statement_start(index, frame);
        start..self.statement_end(start, index, frame)
    }

    /// The same; for the statement after a `:`, the whole statement that the `:` belongs to.
    pub(in crate::parse) fn with_outer_branches(&self, index: usize) -> Range<usize> {
        let frame = self.frame(index);
        let mut start = self.statement_start(index, frame);
        while let Some(before) = start.checked_sub(1)
            && self.text(before) == ":"
            && self.parent[before] == frame
        {
            start = self.statement_start(before, frame);
        }
        start..self.statement_end(start, index, frame)
    }

    fn statement_start(&self, index: usize, frame: Option<usize>) -> usize {
        let first = frame.map_or(0, |open| open + 1);
        let mut start = index;
        while start > first {
            let before = start - 1;
            if self.parent[before] == frame {
                let ends = self.text(before) == ";" || self.closes_block(before);
                if ends && !self.is_branch_word(start) {
                    break;
                }
                if self.is_statement_word(before) {
                    return before;
                }
            }
            start = before;
        }
        start
    }

    fn statement_end(&self, start: usize, index: usize, frame: Option<usize>) -> usize {
        let compound =
            ["if", "for", "while", "try", "function", "private"].iter().any(|word| self.is_keyword(start, word));
        for at in start..self.tokens.len() {
            if self.parent[at] != frame {
                // A closing bracket is outside of what it closes: the end of the frame.
                if frame.is_some_and(|open| at > open && self.parent[at] == self.parent[open] && self.is_closing(at)) {
                    return at;
                }
                continue;
            }
            let next_branch = self.is_branch_word(at + 1);
            if at >= index && self.text(at) == ";" && !next_branch {
                return at;
            }
            let next = at > index || (at == index && self.begins_line(at));
            if at > start && next && self.is_statement_word(at) && self.text(at - 1) != ":" {
                return at;
            }
            if compound && at >= index && self.closes_block(at) && !next_branch {
                return at + 1;
            }
        }
        self.tokens.len()
    }

    /// The word before a token to which the expected body belongs.
    pub(in crate::parse) fn head(&self, index: usize) -> &'static str {
        const HEADS: [&str; 8] = ["if", "elseif", "else", "for", "while", "function", "try", "catch"];
        let frame = self.frame(index);
        let start = self.statement(index).start;
        let head = |at: usize| HEADS.into_iter().find(|word| self.parent[at] == frame && self.is_keyword(at, word));
        (start..index.min(self.tokens.len())).rev().find_map(head).unwrap_or("")
    }

    /// The tokens of the value around a token, if its statement has a word or `=` before it and an end after it: `let x
    /// = VALUE;`, `if VALUE {`, `return VALUE;`. The token before them is always there.
    pub(in crate::parse) fn value(&self, index: usize) -> Option<Range<usize>> {
        let statement = self.statement(index);
        let frame = self.frame(index);
        let starts = |word| self.is_keyword(statement.start, word);
        let assigns = starts("let") || starts("set") || self.is_keyword(statement.start + 1, "let");
        let mut start = None;
        let mut end = statement.end;
        for at in statement.clone().filter(|at| self.parent[*at] == frame) {
            let body = self.block[at] || (self.text(at) == ":" && (starts("if") || starts("for") || starts("while")));
            if at >= index {
                if body {
                    end = at;
                    break;
                }
                continue;
            }
            let begins = match self.text(at) {
                "=" => assigns && start.is_none(),
                "=>" => starts("function") || self.is_keyword(statement.start + 1, "function"),
                _ if self.is_keyword(at, "in") => starts("for") && start.is_none(),
                _ => ["return", "assert", "if", "elseif", "while"].iter().any(|word| self.is_keyword(at, word)),
            };
            if begins {
                start = Some(at + 1);
            } else if body {
                start = None;
            }
        }
        start.map(|start| start..end)
    }

    /// The name that a statement declares.
    pub(in crate::parse) fn declared(&self, statement: &Range<usize>) -> Option<usize> {
        let word = statement.start + usize::from(self.is_keyword(statement.start, "private"));
        let name = word + 1;
        let declares = ["let", "function", "type"].iter().any(|keyword| self.is_keyword(word, keyword));
        let named = name < statement.end && self.tokens[name].kind == Kind::Word && !self.is_statement_word(name);
        (declares && named).then_some(name)
    }
}
