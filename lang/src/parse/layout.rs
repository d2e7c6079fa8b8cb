//! How the tokens of a source hang together: which bracket closes which, what is a block, where a statement begins
//! and ends. All of it is a guess that also works on broken sources; only recovery and messages lean on it.

use super::token::{Kind, Token};
use std::ops::Range;

/// Tokens with their brackets.
pub(super) struct Layout<'a> {
    source: &'a str,
    /// In order.
    pub(super) tokens: Vec<Token>,
    /// The innermost bracket around each token.
    parent: Vec<Option<usize>>,
    /// For an opening bracket, is it a block of statements?
    block: Vec<bool>,
    /// Blocks that stand where a value should, in order.
    misplaced: Vec<usize>,
    /// Opening brackets without their closing one, and the token before which it is missing.
    unclosed: Vec<(usize, usize)>,
    /// Closing brackets without their opening one.
    stray: Vec<usize>,
}

/// Words that begin a statement and stand nowhere else (`if` also after `else`, `function` also in expressions).
const STATEMENT_WORDS: [&str; 12] =
    ["let", "set", "if", "for", "while", "try", "return", "break", "continue", "assert", "private", "function"];
/// Words that go on with a statement after a block or `;`.
const BRANCH_WORDS: [&str; 3] = ["else", "elseif", "catch"];

/// How many unclosed brackets a closing one is looked for behind. It keeps hostile sources from costing the square of
/// their length.
const FARTHEST: usize = 1000;

impl<'a> Layout<'a> {
    /// Finds the structure of `tokens`.
    pub(super) fn new(source: &'a str, tokens: Vec<Token>) -> Self {
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

    fn match_brackets(&mut self) {
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
                // No bracket but a block goes on behind a `;`.
                while let Some(&top) = open.last()
                    && !self.block[top]
                    && !self.is_template_bracket(top)
                    && !self.goes_on_behind(top, index)
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

    /// Is the `;` a slip inside of the bracket, as in `f(a; b)` or `for (let i = 0; i < 9; …)`?
    fn goes_on_behind(&self, open: usize, semicolon: usize) -> bool {
        if self.text(open) == "(" && open > 0 && self.is_keyword(open - 1, "for") {
            return true;
        }
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

    /// Does a label or a bare field stand behind this `{`?
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
        // A round or square bracket does not reach out of the block it stands in; `do` and `{` may be mixed up.
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

    /// What is written there.
    pub(super) fn text(&self, index: usize) -> &'a str {
        self.tokens.get(index).map_or("", |token| token.text(self.source))
    }

    fn is(&self, index: usize, text: &str) -> bool {
        self.text(index).eq_ignore_ascii_case(text)
    }

    /// Is the token this word, and not used as a name (`x.end`, `[end: 1]`, `as end`)?
    pub(super) fn is_keyword(&self, index: usize, word: &str) -> bool {
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
    pub(super) fn is_statement_word(&self, index: usize) -> bool {
        STATEMENT_WORDS.iter().any(|word| self.is_keyword(index, word))
            && !(self.is_keyword(index, "if") && index > 0 && self.is_keyword(index - 1, "else"))
            && !(self.is_keyword(index, "function") && self.text(index + 1) == "(")
            && !(index > 0 && self.is_keyword(index - 1, "private"))
    }

    /// Does a branch go on with this word?
    pub(super) fn is_branch_word(&self, index: usize) -> bool {
        BRANCH_WORDS.iter().any(|word| self.is_keyword(index, word))
    }

    fn begins_line_statement(&self, index: usize) -> bool {
        self.begins_line(index) && self.is_statement_word(index)
    }

    /// Is it the first token of its line?
    pub(super) fn begins_line(&self, index: usize) -> bool {
        let Some(token) = self.tokens.get(index) else { return true };
        let before = index.checked_sub(1).map_or(0, |before| self.tokens[before].end);
        index == 0 || self.source.get(before..token.start).is_some_and(|gap| gap.contains('\n'))
    }

    /// The token that begins at or behind a byte; the number of tokens at the end.
    pub(super) fn token_at(&self, byte: usize) -> usize {
        self.tokens.partition_point(|token| token.end <= byte)
    }

    /// The opening bracket that should have been closed before this token.
    pub(super) fn unclosed_before(&self, index: usize) -> Option<usize> {
        self.unclosed.iter().find(|(_, at)| *at == index).map(|(open, _)| *open)
    }

    /// Blocks that reach the end of the source open, innermost first.
    pub(super) fn unclosed_blocks(&self) -> impl Iterator<Item = usize> {
        let end = self.tokens.len();
        self.unclosed.iter().filter(move |(open, at)| *at == end && self.block[*open]).map(|(open, _)| *open)
    }

    /// Is it a closing bracket that closes nothing?
    pub(super) fn is_stray(&self, index: usize) -> bool {
        self.stray.binary_search(&index).is_ok()
    }

    /// The bracket that closes an opening one.
    pub(super) fn closing(&self, open: usize) -> Option<usize> {
        let around = self.parent(open);
        (open + 1..self.tokens.len()).find(|at| self.parent[*at] == around).filter(|at| self.is_closing(*at))
    }

    /// The block around a token, if it stands where a value should.
    pub(super) fn block_for_record(&self, index: usize) -> Option<usize> {
        self.parent(index).filter(|open| self.misplaced.contains(open))
    }

    /// The innermost bracket around a token.
    pub(super) fn parent(&self, index: usize) -> Option<usize> {
        match self.parent.get(index) {
            Some(parent) => *parent,
            // Behind the last token: what is still open there.
            None => self.unclosed.iter().find(|(_, at)| *at == index).map(|(open, _)| *open),
        }
    }

    /// The block around a token; none at top level.
    pub(super) fn frame(&self, index: usize) -> Option<usize> {
        let mut around = self.parent(index);
        while let Some(open) = around
            && !self.block[open]
        {
            around = self.parent[open];
        }
        around
    }

    /// Is it an opening bracket of a block?
    pub(super) fn is_block(&self, index: usize) -> bool {
        self.block.get(index).copied().unwrap_or(false)
    }

    /// The tokens of the statement around a token, with its `;` left out. Empty where no statement stands.
    pub(super) fn statement(&self, index: usize) -> Range<usize> {
        let frame = self.frame(index);
        let start = self.statement_start(index, frame);
        start..self.statement_end(start, index, frame)
    }

    /// The same, but where the statement is the one behind a `:`, with all that this belongs to.
    pub(super) fn with_outer_branches(&self, index: usize) -> Range<usize> {
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
                // A closing bracket stands outside of what it closes: the end of the frame.
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

    /// The word before a token that the body which should begin there belongs to.
    pub(super) fn head(&self, index: usize) -> &'static str {
        const HEADS: [&str; 8] = ["if", "elseif", "else", "for", "while", "function", "try", "catch"];
        let frame = self.frame(index);
        let start = self.statement(index).start;
        let head = |at: usize| HEADS.into_iter().find(|word| self.parent[at] == frame && self.is_keyword(at, word));
        (start..index.min(self.tokens.len())).rev().find_map(head).unwrap_or("")
    }

    /// The tokens of the value around a token, where its statement has a word or `=` before it and an end behind it:
    /// `let x = VALUE;`, `if VALUE {`, `return VALUE;`. The token before them is always there.
    pub(super) fn value(&self, index: usize) -> Option<Range<usize>> {
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
    pub(super) fn declared(&self, statement: &Range<usize>) -> Option<usize> {
        let word = statement.start + usize::from(self.is_keyword(statement.start, "private"));
        let name = word + 1;
        let declares = ["let", "function", "type"].iter().any(|keyword| self.is_keyword(word, keyword));
        let named = name < statement.end && self.tokens[name].kind == Kind::Word && !self.is_statement_word(name);
        (declares && named).then_some(name)
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
