//! A rough reading of a source as words, texts and brackets. It never fails, so it serves where the grammar does not:
//! to find the statement around an error, to word a message, and to decide whether a text is complete.

use crate::span::Span;
use pest::unicode::{LETTER, NUMBER};

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or keyword.
    Word,
    /// A number, perhaps with letters stuck to it.
    Number,
    /// A text with both its quotes.
    Text,
    /// A text whose second quote is missing.
    UnclosedText,
    /// A piece of a template between its parts.
    TemplateText,
    /// `(`, `[`, `{`, the opening backtick of a template, the `{` of a part of it.
    Open,
    /// Their counterparts.
    Close,
    /// An operator or punctuation, of this or another language.
    Symbol,
    /// A character outside the language.
    Unknown,
    /// A block comment without end.
    UnclosedComment,
}

/// A token and its place in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Its kind.
    pub(super) kind: Kind,
    /// Where it begins.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

impl Token {
    /// Its place.
    pub(super) fn span(self) -> Span {
        Span::new(self.start, self.end)
    }

    /// Its text.
    pub(super) fn text(self, source: &str) -> &str {
        source.get(self.start..self.end).unwrap_or("")
    }

    /// Is it unterminated?
    pub(super) fn is_unclosed(self) -> bool {
        matches!(self.kind, Kind::UnclosedText | Kind::UnclosedComment)
    }

    /// Is it this word or symbol, in any case?
    pub(super) fn is(self, source: &str, text: &str) -> bool {
        !matches!(self.kind, Kind::Text | Kind::TemplateText) && self.text(source).eq_ignore_ascii_case(text)
    }
}

/// How far an unmatched quote reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    /// To the end of the source: the grammar's view.
    AsWritten,
    /// To the end of its line: a guess at the intention. A text of several lines that ends right before a letter counts
    /// as such a quote, too, since its second quote is then the first one of the next text.
    Guess,
}

/// Where the scan begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// In code.
    Code,
    /// In the text of a workflow's template.
    Template,
}

/// All tokens of a source.
pub(super) fn scan(source: &str, start: Start, quotes: Quotes) -> Vec<Token> {
    let modes = if start == Start::Template { vec![Mode::Plain] } else { Vec::new() };
    Scanner::new(source, 0, modes, quotes).collect()
}

/// Are the tokens of two sources the same? The case of functions counts as little as that of words that `is_keyword`.
pub(super) fn same(first: &str, second: &str, is_keyword: fn(&str) -> bool) -> bool {
    let scan = |source| Scanner::new(source, 0, Vec::new(), Quotes::AsWritten).peekable();
    let (mut one, mut other) = (scan(first), scan(second));
    loop {
        let (a, b) = match (one.next(), other.next()) {
            (Some(a), Some(b)) => (a, b),
            (a, b) => return a.is_none() && b.is_none(),
        };
        let (x, y) = (a.text(first), b.text(second));
        let called = one.peek().is_some_and(|next| next.is(first, "("));
        let any_case = a.kind == Kind::Word && x.eq_ignore_ascii_case(y) && (called || is_keyword(x));
        if x != y && !any_case {
            return false;
        }
    }
}

/// The byte after the `}` that ends the part of a template that begins with the `{` at `start`.
pub(super) fn end_of_template_part(source: &str, start: usize) -> usize {
    let mut scanner = Scanner::new(source, start, vec![Mode::Template], Quotes::AsWritten);
    while scanner.next().is_some() {
        if scanner.modes.len() <= 1 {
            return scanner.at;
        }
    }
    source.len()
}

/// Can a name begin with it?
pub(super) fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || (!c.is_ascii() && LETTER(c))
}

fn is_word_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || (!c.is_ascii() && (LETTER(c) || NUMBER(c)))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Inside backticks.
    Template,
    /// Inside a template that is a whole source.
    Plain,
    /// Inside `{…}` of either.
    Part,
    /// Inside any other `{…}`.
    Brace,
}

struct Scanner<'a> {
    source: &'a str,
    at: usize,
    modes: Vec<Mode>,
    quotes: Quotes,
    /// How many bytes may still be scanned for quotes that turn out not to end the text: each of them would cost the
    /// rest of the source.
    patience: usize,
}

/// Longest first.
const SYMBOLS: [&str; 32] = [
    "===", "!==", "=>", "==", "<=", ">=", "<>", "!=", "??", "?.", "->", "&&", "||", "++", "--", "+=", "-=", "*=", "/=",
    "&=", "+", "-", "*", "/", "=", "<", ">", "&", "?", ".", ",", ":",
];

impl Iterator for Scanner<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let (kind, start) = match self.modes.last() {
            Some(Mode::Template) => (self.template(b'`')?, self.at),
            Some(Mode::Plain) => (self.template(0)?, self.at),
            _ => {
                if let Some(comment) = self.skip_blanks() {
                    return Some(comment);
                }
                (self.code()?, self.at)
            }
        };
        self.at += kind.1;
        Some(Token { kind: kind.0, start, end: self.at })
    }
}

impl<'a> Scanner<'a> {
    fn new(source: &'a str, at: usize, modes: Vec<Mode>, quotes: Quotes) -> Self {
        Self { source, at, modes, quotes, patience: 4 * source.len() + (1 << 16) }
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    /// Passes blanks and comments; a comment without end is a token.
    fn skip_blanks(&mut self) -> Option<Token> {
        loop {
            let rest = self.rest().trim_start_matches([' ', '\t', '\r', '\n', '\u{FEFF}']);
            self.at = self.source.len() - rest.len();
            if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let Some(end) = comment.find("*/") else {
                    let start = self.at;
                    self.at = self.source.len();
                    return Some(Token { kind: Kind::UnclosedComment, start, end: self.at });
                };
                self.at += 2 + end + 2;
            } else {
                return None;
            }
        }
    }

    /// The next token inside a template and its length.
    fn template(&mut self, closing: u8) -> Option<(Kind, usize)> {
        let bytes = self.rest().as_bytes();
        let first = *bytes.first()?;
        if first == b'{' {
            self.modes.push(Mode::Part);
            return Some((Kind::Open, 1));
        }
        if first == closing && closing != 0 {
            self.modes.pop();
            return Some((Kind::Close, 1));
        }
        let mut length = 0;
        while let Some(byte) = bytes.get(length) {
            match byte {
                b'\\' if closing != 0 || bytes.get(length + 1) == Some(&b'{') => length += 2,
                b'{' => break,
                byte if *byte == closing && closing != 0 => break,
                _ => length += 1,
            }
        }
        let mut length = length.min(bytes.len());
        while !self.rest().is_char_boundary(length) {
            length += 1;
        }
        Some((Kind::TemplateText, length))
    }

    /// The next token of code and its length.
    fn code(&mut self) -> Option<(Kind, usize)> {
        let rest = self.rest();
        let first = rest.chars().next()?;
        Some(match first {
            '0'..='9' => (Kind::Number, number_length(rest)),
            '\'' | '"' => self.text(0),
            '@' if rest[1..].starts_with(['\'', '"']) => self.text(1),
            '`' => {
                self.modes.push(Mode::Template);
                (Kind::Open, 1)
            }
            '{' => {
                self.modes.push(Mode::Brace);
                (Kind::Open, 1)
            }
            '}' => {
                if matches!(self.modes.last(), Some(Mode::Brace | Mode::Part)) {
                    self.modes.pop();
                }
                (Kind::Close, 1)
            }
            '(' | '[' => (Kind::Open, 1),
            ')' | ']' => (Kind::Close, 1),
            ';' => (Kind::Symbol, 1),
            c if is_letter(c) => (Kind::Word, rest.find(|c| !is_word_char(c)).unwrap_or(rest.len())),
            c => match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
                Some(symbol) => (Kind::Symbol, symbol.len()),
                None => (Kind::Unknown, c.len_utf8()),
            },
        })
    }

    /// A text whose quote comes after `prefix` bytes.
    fn text(&mut self, prefix: usize) -> (Kind, usize) {
        let rest = self.rest();
        let is_line = self.quotes == Quotes::Guess && self.patience == 0;
        let bytes = if is_line { rest.lines().next().unwrap_or(rest).as_bytes() } else { rest.as_bytes() };
        let quote = bytes[prefix];
        let verbatim = prefix == 1;
        let mut at = prefix + 1;
        while let Some(byte) = bytes.get(at) {
            if *byte == b'\\' && !verbatim {
                at += 1;
            } else if *byte == quote {
                if verbatim && bytes.get(at + 1) == Some(&quote) {
                    at += 1;
                } else {
                    let end = at + 1;
                    let guess = self.quotes == Quotes::Guess
                        && bytes[..end].contains(&b'\n')
                        && rest[end..].starts_with(is_word_char);
                    if guess {
                        self.patience = self.patience.saturating_sub(end);
                        return (Kind::UnclosedText, line_length(rest));
                    }
                    return (Kind::Text, end);
                }
            }
            at += 1;
        }
        self.patience = self.patience.saturating_sub(bytes.len());
        let length = if self.quotes == Quotes::Guess { line_length(rest) } else { rest.len() };
        (Kind::UnclosedText, length)
    }
}

/// The length of a number with the letters stuck to it.
fn number_length(rest: &str) -> usize {
    let digits = |from: usize| from + rest[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(0);
    if rest[end..].starts_with('.') && digits(end + 1) > end + 1 {
        end = digits(end + 1);
    }
    if rest[end..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
        if digits(end + 1 + sign) > end + 1 + sign {
            end = digits(end + 1 + sign);
        }
    }
    end + rest[end..].find(|c| !is_word_char(c)).unwrap_or(rest.len() - end)
}

/// The length of the line, without the punctuation that usually follows a text at its end. At least the quote.
fn line_length(rest: &str) -> usize {
    let line = rest.lines().next().unwrap_or("");
    let kept = line.trim_end_matches([' ', '\t', ';', ')', ']', '}', ',']);
    let prefix = if rest.starts_with('@') { 2 } else { 1 };
    kept.len().max(prefix)
}
