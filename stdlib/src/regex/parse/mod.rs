//! The patterns of .NET, with .NET's syntax. The meaning of a pattern never depends on the syntax of an engine.

mod class;
mod escape;
mod group;

use super::sets::{self, CharSet};
use super::tree::{Anchor, Groups, Node, Opening};
use regex_syntax::hir::ClassUnicode;
use std::sync::Arc;

/// The longest pattern, in bytes: the time for a text grows with both lengths.
pub(super) const MAX_LENGTH: usize = 10_000;

/// How deep groups and classes may be nested.
const MAX_NESTING: usize = 200;

/// The highest count of a quantifier, and the highest number of a group.
const MAX_COUNT: u32 = i32::MAX as u32;

/// Why a pattern is refused, with the place.
type Problem = String;

/// The message for a pattern that is too long.
pub(super) fn too_long() -> Problem {
    format!("it is longer than {MAX_LENGTH} bytes")
}

/// The parts of a pattern and its groups. The error says what is wrong and at which character.
pub(super) fn parse(pattern: &str) -> Result<(Node, Groups), Problem> {
    if pattern.len() > MAX_LENGTH {
        return Err(too_long());
    }
    let chars: Vec<char> = pattern.chars().collect();
    // The meaning of `\10` and `(?(x)…)` depends on all groups, including later ones.
    let mut first = Parser::new(&chars, None);
    first.whole()?;
    let groups = Groups::new(&first.openings);
    let mut second = Parser::new(&chars, Some(&groups));
    let node = second.whole()?;
    Ok((node, groups))
}

/// The inline options.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each letter")]
struct Options {
    /// `i`
    fold: bool,
    /// `m`
    lines: bool,
    /// `s`
    dot_all: bool,
    /// `n`
    explicit: bool,
    /// `x`
    free: bool,
}

struct Parser<'a> {
    chars: &'a [char],
    at: usize,
    options: Options,
    depth: usize,
    /// Without them the groups are only counted.
    groups: Option<&'a Groups>,
    openings: Vec<Opening>,
    unnamed: u32,
    /// The characters of which both cases were taken, and the ranges of all sets, so far.
    work: usize,
}

/// The most of both in a pattern.
const MAX_WORK: usize = 1_000_000;

impl<'a> Parser<'a> {
    fn new(chars: &'a [char], groups: Option<&'a Groups>) -> Self {
        Self { chars, at: 0, options: Options::default(), depth: 0, groups, openings: Vec::new(), unnamed: 0, work: 0 }
    }

    fn whole(&mut self) -> Result<Node, Problem> {
        let mut branches = self.branches()?;
        if self.peek() == Some(')') {
            return Err(self.problem("a ) has no ("));
        }
        Ok(either(&mut branches))
    }

    /// The branches up to a `)` or the end.
    fn branches(&mut self) -> Result<Vec<Node>, Problem> {
        let mut branches = vec![self.branch()?];
        while self.take('|') {
            branches.push(self.branch()?);
        }
        Ok(branches)
    }

    fn branch(&mut self) -> Result<Node, Problem> {
        let mut parts = Vec::new();
        let mut quantified = false;
        loop {
            self.skip_blanks()?;
            let Some(c) = self.peek().filter(|c| !matches!(c, '|' | ')')) else { break };
            if self.is_quantifier() {
                let problem =
                    if quantified { "follows another one" } else { "has nothing before it that it could repeat" };
                return Err(self.problem(format_args!("the quantifier {c} {problem}")));
            }
            quantified = false;
            let Some(part) = self.part(c)? else { continue };
            self.skip_blanks()?;
            if self.is_quantifier() {
                parts.push(self.quantifier(part)?);
                quantified = true;
            } else {
                parts.push(part);
            }
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { all(parts) })
    }

    /// A part without its quantifier; `None` for options such as `(?i)`.
    fn part(&mut self, c: char) -> Result<Option<Node>, Problem> {
        self.at += 1;
        Ok(Some(match c {
            '(' => return self.group(false),
            '[' => {
                let class = self.class()?;
                self.set(class)?
            }
            '\\' => self.escape()?,
            '^' if self.options.lines => Node::Anchor(Anchor::LineStart),
            '^' => Node::Anchor(Anchor::Start),
            '$' if self.options.lines => Node::Anchor(Anchor::LineEnd),
            '$' => Node::Anchor(Anchor::EndOrLastLine),
            '.' => self.set(sets::any(self.options.dot_all))?,
            c => self.one(c),
        }))
    }

    /// Counts work on sets, whose size a pattern of few characters does not show.
    fn work(&mut self, work: usize) -> Result<(), Problem> {
        self.work = self.work.saturating_add(work);
        if self.work <= MAX_WORK { Ok(()) } else { Err("it is too large: it has too many sets of characters".into()) }
    }

    /// One character, in both cases with `i`.
    fn one(&self, c: char) -> Node {
        if self.options.fold && self.groups.is_some() {
            let class = sets::folded(sets::range(c, c));
            if class.literal().is_none() {
                return Node::Set(Arc::new(CharSet::new(class)));
            }
        }
        Node::Char(c)
    }

    fn set(&mut self, class: ClassUnicode) -> Result<Node, Problem> {
        self.work(class.ranges().len())?;
        Ok(if self.groups.is_some() { Node::Set(Arc::new(CharSet::new(class))) } else { Node::Empty })
    }

    /// Does a quantifier follow? A `{` without a count is a character.
    fn is_quantifier(&self) -> bool {
        match self.peek() {
            Some('*' | '+' | '?') => true,
            Some('{') => {
                let digits = |from: usize| self.chars[from..].iter().take_while(|c| c.is_ascii_digit()).count();
                let least = digits(self.at + 1);
                let mut end = self.at + 1 + least;
                if self.chars.get(end) == Some(&',') {
                    end += 1;
                    end += digits(end);
                }
                least > 0 && self.chars.get(end) == Some(&'}')
            }
            _ => false,
        }
    }

    fn quantifier(&mut self, body: Node) -> Result<Node, Problem> {
        let start = self.at;
        let c = self.peek();
        self.at += 1;
        let (min, max) = match c {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            _ => {
                let min = self.decimal()?;
                let max = match self.take(',') {
                    false => Some(min),
                    true if self.peek() == Some('}') => None,
                    true => Some(self.decimal()?),
                };
                self.at += 1;
                (min, max)
            }
        };
        if max.is_some_and(|max| max < min) {
            let shown: String = self.chars[start..self.at].iter().collect();
            self.at = start;
            return Err(self.problem(format_args!("the quantifier {shown} has its lower limit above its upper one")));
        }
        self.skip_blanks()?;
        let lazy = self.take('?');
        Ok(Node::Repeat { body: Box::new(body), min, max, lazy })
    }

    /// The digits that follow, as a number.
    fn decimal(&mut self) -> Result<u32, Problem> {
        let mut number = 0u32;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            number = number
                .checked_mul(10)
                .and_then(|number| number.checked_add(digit))
                .filter(|number| *number <= MAX_COUNT)
                .ok_or_else(|| self.problem(format_args!("a number is above {MAX_COUNT}")))?;
            self.at += 1;
        }
        Ok(number)
    }

    /// Comments, and with `x` blanks.
    fn skip_blanks(&mut self) -> Result<(), Problem> {
        loop {
            match self.peek() {
                Some('\t' | '\n' | '\u{c}' | '\r' | ' ') if self.options.free => self.at += 1,
                Some('#') if self.options.free => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                Some('(') if self.looks_at("(?#") => {
                    let length = self.chars[self.at..].iter().position(|c| *c == ')');
                    self.at += length.ok_or_else(|| self.problem("a comment (?#…) has no end"))? + 1;
                }
                _ => return Ok(()),
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    /// The character `distance` after the next one.
    fn peek_after(&self, distance: usize) -> Option<char> {
        self.chars.get(self.at + distance).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += usize::from(c.is_some());
        c
    }

    /// Takes the character if it comes next.
    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn looks_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(distance, c)| self.peek_after(distance) == Some(c))
    }

    /// The letters and digits that follow.
    fn word(&mut self) -> String {
        let word: String = self.chars[self.at..].iter().take_while(|c| sets::is_word(**c)).collect();
        self.at += word.chars().count();
        word
    }

    /// A problem at the character that comes next, counted from 1.
    fn problem(&self, what: impl std::fmt::Display) -> Problem {
        format!("{what}, at character {}", (self.at + 1).min(self.chars.len()))
    }
}

/// One part after the other.
fn all(parts: Vec<Node>) -> Node {
    if parts.is_empty() { Node::Empty } else { Node::Concat(parts) }
}

/// One of the branches.
fn either(branches: &mut Vec<Node>) -> Node {
    if branches.len() == 1 { branches.swap_remove(0) } else { Node::Alternate(std::mem::take(branches)) }
}
