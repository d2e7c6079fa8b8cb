//! The structure of the tokens of a source: which bracket closes which, what is a block, where a statement begins and
//! ends. It is a heuristic that also works on broken sources; only recovery and messages use it.

mod brackets;
mod statements;

use super::token::{Kind, Token};

/// Tokens with their brackets.
pub(in crate::parse) struct Layout<'a> {
    source: &'a str,
    /// In order.
    pub(in crate::parse) tokens: Vec<Token>,
    /// The innermost bracket around each token.
    parent: Vec<Option<usize>>,
    /// For an opening bracket, is it a block of statements?
    block: Vec<bool>,
    /// Blocks at places where a value is expected, in order.
    misplaced: Vec<usize>,
    /// Opening brackets without their closing one, and the token before which it is missing.
    unclosed: Vec<(usize, usize)>,
    /// Closing brackets without their opening one.
    stray: Vec<usize>,
}

/// Words that begin a statement and occur nowhere else (`if` also after `else`, `function` also in expressions).
const STATEMENT_WORDS: [&str; 12] =
    ["let", "set", "if", "for", "while", "try", "return", "break", "continue", "assert", "private", "function"];
/// Words that continue a statement after a block or `;`.
const BRANCH_WORDS: [&str; 3] = ["else", "elseif", "catch"];

impl<'a> Layout<'a> {
    /// Finds the structure of `tokens`.
    pub(in crate::parse) fn new(source: &'a str, tokens: Vec<Token>) -> Self {
        let count = tokens.len();
        let mut layout = Self {
            source,
            tokens,
            parent: vec![None; count],
            block: vec![false; count],
            misplaced: Vec::new(),
            unclosed: Vec::new(),
            stray: Vec::new(),
        };
        layout.match_brackets();
        layout
    }

    /// The text of a token.
    pub(in crate::parse) fn text(&self, index: usize) -> &'a str {
        self.tokens.get(index).map_or("", |token| token.text(self.source))
    }

    fn is(&self, index: usize, text: &str) -> bool {
        self.text(index).eq_ignore_ascii_case(text)
    }

    /// Is the token this word, and not used as a name (`x.end`, `[end: 1]`, `as end`)?
    pub(in crate::parse) fn is_keyword(&self, index: usize, word: &str) -> bool {
        let Some(token) = self.tokens.get(index) else { return false };
        token.kind == Kind::Word && token.is(self.source, word) && !self.is_name_position(index)
    }

    fn is_name_position(&self, index: usize) -> bool {
        let before = index.checked_sub(1).map_or("", |before| self.text(before));
        let label = self.text(index + 1) == ":"
            && (matches!(before, "," | "[" | "{" | "(")
                || before.eq_ignore_ascii_case("select")
                || before.eq_ignore_ascii_case("by"));
        matches!(before, "." | "?.") || before.eq_ignore_ascii_case("as") || label
    }

    /// Does a statement begin with this word?
    pub(in crate::parse) fn is_statement_word(&self, index: usize) -> bool {
        STATEMENT_WORDS.iter().any(|word| self.is_keyword(index, word))
            && !(self.is_keyword(index, "if") && index > 0 && self.is_keyword(index - 1, "else"))
            && !(self.is_keyword(index, "function") && self.text(index + 1) == "(")
            && !(index > 0 && self.is_keyword(index - 1, "private"))
    }

    /// Does this word continue a statement with another branch?
    pub(in crate::parse) fn is_branch_word(&self, index: usize) -> bool {
        BRANCH_WORDS.iter().any(|word| self.is_keyword(index, word))
    }

    fn begins_line_statement(&self, index: usize) -> bool {
        self.begins_line(index) && self.is_statement_word(index)
    }

    /// Is it the first token of its line?
    pub(in crate::parse) fn begins_line(&self, index: usize) -> bool {
        let Some(token) = self.tokens.get(index) else { return true };
        let before = index.checked_sub(1).map_or(0, |before| self.tokens[before].end);
        index == 0 || self.source.get(before..token.start).is_some_and(|gap| gap.contains('\n'))
    }

    /// The token that begins at or after a byte; the number of tokens at the end.
    pub(in crate::parse) fn token_at(&self, byte: usize) -> usize {
        self.tokens.partition_point(|token| token.end <= byte)
    }

    /// The opening bracket that should have been closed before this token.
    pub(in crate::parse) fn unclosed_before(&self, index: usize) -> Option<usize> {
        self.unclosed.iter().find(|(_, at)| *at == index).map(|(open, _)| *open)
    }

    /// Blocks that reach the end of the source open, innermost first.
    pub(in crate::parse) fn unclosed_blocks(&self) -> impl Iterator<Item = usize> {
        let end = self.tokens.len();
        self.unclosed.iter().filter(move |(open, at)| *at == end && self.block[*open]).map(|(open, _)| *open)
    }

    /// Is it a closing bracket without an opening one?
    pub(in crate::parse) fn is_stray(&self, index: usize) -> bool {
        self.stray.binary_search(&index).is_ok()
    }

    /// The bracket that closes an opening one.
    pub(in crate::parse) fn closing(&self, open: usize) -> Option<usize> {
        let around = self.parent(open);
        (open + 1..self.tokens.len()).find(|at| self.parent[*at] == around).filter(|at| self.is_closing(*at))
    }

    /// The block around a token, if it is at a place where a value is expected.
    pub(in crate::parse) fn block_for_record(&self, index: usize) -> Option<usize> {
        self.parent(index).filter(|open| self.misplaced.contains(open))
    }

    /// The innermost bracket around a token.
    pub(in crate::parse) fn parent(&self, index: usize) -> Option<usize> {
        match self.parent.get(index) {
            Some(parent) => *parent,
            // After the last token: what is still open there.
            None => self.unclosed.iter().find(|(_, at)| *at == index).map(|(open, _)| *open),
        }
    }

    /// The last bracket at top level that begins at or before a token; for a template, its part.
    pub(in crate::parse) fn part(&self, index: usize) -> Option<usize> {
        let last = index.min(self.tokens.len().checked_sub(1)?);
        (0..=last).rev().find(|at| self.parent[*at].is_none() && self.tokens[*at].kind == Kind::Open)
    }

    /// The block around a token; `None` at top level.
    pub(in crate::parse) fn frame(&self, index: usize) -> Option<usize> {
        let mut around = self.parent(index);
        while let Some(open) = around
            && !self.block[open]
        {
            around = self.parent[open];
        }
        around
    }

    /// Is it an opening bracket of a block?
    pub(in crate::parse) fn is_block(&self, index: usize) -> bool {
        self.block.get(index).copied().unwrap_or(false)
    }

    fn is_closing(&self, index: usize) -> bool {
        self.tokens[index].kind == Kind::Close || self.is_keyword(index, "done")
    }

    /// Does it close a block?
    fn closes_block(&self, index: usize) -> bool {
        if !self.is_closing(index) || self.is_stray(index) {
            return false;
        }
        // The block that it closes is the last one before it with the same surroundings.
        (0..index).rev().find(|&open| self.parent[open] == self.parent[index]).is_some_and(|open| self.block[open])
    }
}
