//! Escapes: anchors, shorthands, references to groups, characters by code.

use super::{Parser, Problem};
use crate::regex::sets;
use crate::regex::tree::{Anchor, Node};
use regex_syntax::hir::ClassUnicode;

impl Parser<'_> {
    /// The escape after its backslash.
    pub(super) fn escape(&mut self) -> Result<Node, Problem> {
        let c = self.peek().ok_or_else(|| self.problem("it ends with a \\"))?;
        let anchor = match c {
            'A' => Anchor::Start,
            'z' => Anchor::End,
            'Z' => Anchor::EndOrLastLine,
            'G' => Anchor::SearchStart,
            'b' => Anchor::Boundary,
            'B' => Anchor::NotBoundary,
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                self.at += 1;
                return self.set(sets::shorthand(c).unwrap_or_else(ClassUnicode::empty));
            }
            'p' | 'P' => {
                let class = self.property()?;
                return self.set(class);
            }
            _ => {
                return match self.reference(c)? {
                    Some(node) => Ok(node),
                    None => Ok(self.one_escaped()?),
                };
            }
        };
        self.at += 1;
        Ok(Node::Anchor(anchor))
    }

    fn one_escaped(&mut self) -> Result<Node, Problem> {
        let c = self.char_escape_or_pair()?;
        Ok(self.one(c))
    }

    /// `\p{name}` or `\P{name}` from its letter.
    pub(super) fn property(&mut self) -> Result<ClassUnicode, Problem> {
        let negated = self.next() == Some('P');
        if !self.take('{') {
            return Err(self.problem("\\p requires a name in { }, as in \\p{L}"));
        }
        let start = self.at;
        while self.peek().is_some_and(|c| sets::is_word(c) || c == '-') {
            self.at += 1;
        }
        let name: String = self.chars[start..self.at].iter().collect();
        if self.peek() != Some('}') || name.is_empty() {
            return Err(self.problem("\\p{ requires a name and a }, as in \\p{L}"));
        }
        let class = sets::property(&name, self.options.fold).map_err(|what| {
            self.at = start;
            self.problem(what)
        });
        self.at += 1;
        let mut class = class?;
        if negated {
            class.negate();
        }
        Ok(class)
    }

    /// `\1`, `\k<name>`, `\<name>`; `None` if it is a character by its code.
    fn reference(&mut self, c: char) -> Result<Option<Node>, Problem> {
        let start = self.at;
        let angled = match (c, self.peek_after(1)) {
            ('k', Some('<' | '\'')) => {
                self.at += 1;
                true
            }
            ('k', _) => return Err(self.problem("\\k requires the name of a group, as in \\k<name>")),
            ('<' | '\'', Some(_)) => true,
            _ => false,
        };
        if angled {
            let close = if self.next() == Some('\'') { '\'' } else { '>' };
            let number = self.peek().is_some_and(|c| c.is_ascii_digit());
            let name = if number { self.decimal()?.to_string() } else { self.word() };
            if !name.is_empty() && self.take(close) {
                return self.back(&name, number, start).map(Some);
            }
            if c == 'k' {
                return Err(self.problem("\\k requires the name of a group, as in \\k<name>"));
            }
        } else if matches!(c, '1'..='9') {
            let number = self.decimal()?;
            let known = self.groups.is_none_or(|groups| groups.by_number(number).is_some());
            // The number of a missing group is a code from 10 on.
            if known || number <= 9 {
                return self.back(&number.to_string(), true, start).map(Some);
            }
        }
        self.at = start;
        Ok(None)
    }

    fn back(&mut self, name: &str, number: bool, start: usize) -> Result<Node, Problem> {
        let Some(groups) = self.groups else { return Ok(Node::Empty) };
        let slot =
            if number { name.parse().ok().and_then(|number| groups.by_number(number)) } else { groups.by_name(name) };
        match slot {
            Some(slot) => Ok(Node::Back { slot, fold: self.options.fold }),
            None => {
                self.at = start;
                Err(self.problem(format_args!("it refers to the group {name}, which it does not have")))
            }
        }
    }

    /// A character outside brackets, where the two halves of one may follow each other.
    fn char_escape_or_pair(&mut self) -> Result<char, Problem> {
        if self.peek() == Some('u') && self.peek_after(5) == Some('\\') && self.peek_after(6) == Some('u') {
            let start = self.at;
            self.at += 1;
            let high = self.hex(4)?;
            self.at += 2;
            if let (0xd800..=0xdbff, Ok(low @ 0xdc00..=0xdfff)) = (high, self.hex(4)) {
                let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                return char::from_u32(code).ok_or_else(|| self.problem("a code is not a character"));
            }
            self.at = start;
        }
        self.char_escape()
    }

    /// The character of an escape after its backslash.
    pub(super) fn char_escape(&mut self) -> Result<char, Problem> {
        let start = self.at;
        let c = self.next().ok_or_else(|| self.problem("it ends with a \\"))?;
        Ok(match c {
            '0'..='7' => {
                self.at = start;
                let digits = self.chars[self.at..].iter().take(3).map_while(|c| c.to_digit(8));
                let (length, code) = digits.fold((0, 0), |(length, code), digit| (length + 1, code * 8 + digit));
                self.at += length;
                // Three digits hold more than a byte; .NET drops the rest.
                char::from((code & 0xff) as u8)
            }
            'x' if self.peek() == Some('{') => {
                return Err(self.problem("\\x requires two hexadecimal digits; \\u00e9 takes four"));
            }
            'x' => char::from(self.hex(2)? as u8),
            'u' => {
                let code = self.hex(4)?;
                char::from_u32(code).ok_or_else(|| {
                    self.at = start;
                    self.problem(format_args!(
                        "\\u{code:04x} is half of a character, and texts have whole ones; write the character itself"
                    ))
                })?
            }
            'a' => '\u{7}',
            'b' => '\u{8}',
            'e' => '\u{1b}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'c' => {
                let letter = self.next().map(|c| c.to_ascii_uppercase());
                match letter {
                    Some(letter @ '@'..='_') => char::from(letter as u8 - b'@'),
                    _ => return Err(self.problem("\\c requires a letter, as in \\cA")),
                }
            }
            c if sets::is_word(c) => {
                self.at = start;
                return Err(self.problem(format_args!("\\{c} is not an escape of .NET")));
            }
            c => c,
        })
    }

    /// Exactly `count` hexadecimal digits.
    fn hex(&mut self, count: usize) -> Result<u32, Problem> {
        let mut code = 0;
        for _ in 0..count {
            let digit = self.peek().and_then(|c| c.to_digit(16));
            code = code * 16
                + digit.ok_or_else(|| self.problem(format_args!("an escape requires {count} hexadecimal digits")))?;
            self.at += 1;
        }
        Ok(code)
    }
}
