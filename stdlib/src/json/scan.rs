//! The tokens of JSON.

use super::error::{Failure, Problem, Read};
use flowscript_lang::value::{Number, Value};
use std::borrow::Cow;

/// Bytes of a text with escapes that are read before they are paid for.
const PIECE: usize = 64 << 10;

/// Blanks that are skipped at once.
const MANY: usize = 1 << 20;

/// The most characters of a number, of which 28 digits are kept.
const LONGEST_NUMBER: usize = 100_000;

/// A text, and how far it has been read.
pub(super) struct Scanner<'a> {
    pub text: &'a str,
    pub at: usize,
}

impl<'a> Scanner<'a> {
    /// A field's name and its colon.
    pub(super) fn name(&mut self, pay: &mut dyn FnMut(usize, usize) -> Read<()>) -> Read<Cow<'a, str>> {
        self.blanks(pay)?;
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a name in double quotes"));
        }
        let name = self.string(pay)?;
        self.blanks(pay)?;
        if self.eat(b':') { Ok(name) } else { Err(self.unexpected("`:`")) }
    }

    /// Reads the end of a field; returns whether another one follows.
    #[inline]
    pub(super) fn take_end(&mut self) -> Option<bool> {
        let more = match self.peek()? {
            b',' => true,
            b'}' => false,
            _ => return None,
        };
        self.at += 1;
        Some(more)
    }

    /// After a field and blanks: does another one follow?
    pub(super) fn next_field(&mut self) -> Read<bool> {
        if self.eat(b',') {
            return Ok(true);
        }
        if self.eat(b'}') { Ok(false) } else { Err(self.unexpected("`,` or `}`")) }
    }

    /// A word such as `true`, and its value.
    pub(super) fn word(&mut self, word: &str, value: Value) -> Read<Value> {
        let rest = &self.text[self.at..];
        let follows = rest.as_bytes().get(word.len()).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if !rest.starts_with(word) || follows {
            return Err(self.unexpected("a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    /// A number, with all its digits.
    pub(super) fn number(&mut self) -> Read<Value> {
        let bytes = &self.text.as_bytes()[self.at..];
        // Of a number that is too long no more is looked at.
        let bytes = bytes.get(..=LONGEST_NUMBER).unwrap_or(bytes);
        let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
        let mut end = usize::from(bytes.first() == Some(&b'-'));
        let whole = digits(end);
        if whole == 0 || (whole > 1 && bytes.get(end) == Some(&b'0')) {
            return Err(self.problem("a number has digits before its point, and no leading zeros".into()));
        }
        end += whole;
        if bytes.get(end) == Some(&b'.') {
            let decimals = digits(end + 1);
            if decimals == 0 {
                return Err(self.problem("a number has digits after its point".into()));
            }
            end += 1 + decimals;
        }
        let mantissa = end;
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            end += 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end);
            if exponent == 0 {
                return Err(self.problem("an exponent has digits".into()));
            }
            end += exponent;
        }
        let text = &self.text[self.at..self.at + end];
        if text.len() > LONGEST_NUMBER {
            return Err(self.problem(format!("a number has more than {LONGEST_NUMBER} characters")));
        }
        let tiny = || text[mantissa..].contains('-') || !text[..mantissa].contains(|c: char| ('1'..='9').contains(&c));
        let number = match Number::parse(text) {
            Some(number) => number,
            // An exponent of very many digits.
            None if tiny() => Number::ZERO,
            None => {
                let shown: String = text.chars().take(40).collect();
                return Err(self.problem(format!("the number {shown} is too large: beyond about ±7.9e28")));
            }
        };
        self.at += end;
        Ok(Value::Number(number))
    }

    /// A number of few digits; `None` if [`Scanner::number`] must read it.
    #[inline]
    pub(super) fn short_number(&mut self) -> Option<Number> {
        let (number, len) = Number::leading(self.text.as_bytes().get(self.at..)?)?;
        self.at += len;
        Some(number)
    }

    /// A text in double quotes without escapes; `None` if [`Scanner::string`] must read it.
    #[inline]
    pub(super) fn plain_text(&mut self) -> Option<&'a str> {
        let start = self.at + 1;
        let end = start + special(self.text.as_bytes().get(start..)?)?;
        if self.text.as_bytes().get(end) != Some(&b'"') {
            return None;
        }
        let text = self.text.get(start..end)?;
        self.at = end + 1;
        Some(text)
    }

    /// A text in double quotes. `pay` receives its progress.
    pub(super) fn string(&mut self, pay: &mut dyn FnMut(usize, usize) -> Read<()>) -> Read<Cow<'a, str>> {
        let start = self.at + 1;
        let mut paid = start;
        let find = |from: usize| special(&self.text.as_bytes()[from..]).map(|at| from + at);
        let mut owned: Option<String> = None;
        let mut from = start;
        loop {
            let Some(at) = find(from) else { return Err(self.problem("the text in double quotes has no end".into())) };
            let plain = &self.text[from..at];
            match self.text.as_bytes().get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(match owned {
                        None => Cow::Borrowed(plain),
                        Some(text) => Cow::Owned(text + plain),
                    });
                }
                Some(b'\\') => {
                    let text = owned.get_or_insert_default();
                    text.push_str(plain);
                    let (c, used) =
                        escape(&self.text[at..]).map_err(|problem| Failure::new(at, Problem::Text(problem)))?;
                    text.push(c);
                    from = at + used;
                    if from - paid > PIECE {
                        // It is copied into the value in the end.
                        pay(from, 2 * (from - paid))?;
                        paid = from;
                    }
                }
                _ => {
                    self.at = at;
                    return Err(
                        self.problem("a text has no control characters; write them as \\n, \\t or \\u0000".into())
                    );
                }
            }
        }
    }

    /// Skips all blanks; very many are paid for on the way.
    pub(super) fn blanks(&mut self, pay: &mut dyn FnMut(usize, usize) -> Read<()>) -> Read<()> {
        self.skip_blanks();
        while self.is_at_blank() {
            pay(self.at, 0)?;
            self.skip_blanks();
        }
        Ok(())
    }

    #[inline]
    pub(super) fn is_at_blank(&self) -> bool {
        matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t'))
    }

    /// Skips blanks, at most a part of very many.
    fn skip_blanks(&mut self) {
        let mut few = 16;
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
            few -= 1;
            if few == 0 {
                return self.skip_many_blanks();
            }
        }
    }

    /// Many at a time, which is little work for each.
    #[cold]
    fn skip_many_blanks(&mut self) {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        let bytes = self.text.as_bytes();
        let end = self.at.saturating_add(MANY);
        while self.at < end
            && let Some(many) = bytes.get(self.at..).and_then(<[u8]>::first_chunk::<32>)
            && many.iter().fold(true, |all, byte| all & is_blank(byte))
        {
            self.at += many.len();
        }
        while self.at < end && self.peek().is_some_and(|byte| is_blank(&byte)) {
            self.at += 1;
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes a byte if it is the next one.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Takes these characters if they are the next ones.
    #[inline]
    pub(super) fn eat_all(&mut self, wanted: &str) -> bool {
        let found = self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(wanted.as_bytes()));
        self.at += if found { wanted.len() } else { 0 };
        found
    }

    pub(super) fn unexpected(&self, wanted: &str) -> Box<Failure> {
        let found = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(c) => format!("`{}`", c.escape_debug()),
            None if self.text.len() <= MANY && self.text.trim_ascii().is_empty() => "an empty text".into(),
            None => "the end".into(),
        };
        self.problem(format!("{wanted} was expected, not {found}"))
    }

    pub(super) fn problem(&self, problem: String) -> Box<Failure> {
        Failure::new(self.at, Problem::Text(problem))
    }
}

/// The first byte that must be escaped in a text: a quote, a backslash or a control character.
#[inline]
pub(super) fn special(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let mut at = 0;
    // Eight at a time: a byte is zero where subtracting one borrows from its highest bit.
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*eight);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        let found = (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        if found & HIGH != 0 {
            return Some(at + (found & HIGH).trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let rest = bytes.get(at..)?;
    rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20)).map(|found| at + found)
}

/// The character of an escape, and how many bytes it took.
fn escape(text: &str) -> Result<(char, usize), String> {
    let c = match text.as_bytes().get(1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(text),
        _ => {
            let shown: String = text.chars().take(2).collect();
            return Err(format!("`{shown}` is not an escape of JSON; write a backslash as `\\\\`"));
        }
    };
    Ok((c, 2))
}

fn unicode(text: &str) -> Result<(char, usize), String> {
    let unit = |from: usize| {
        let digits = text.get(from..from + 4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u32::from_str_radix(digits, 16).ok()
    };
    let first = unit(2).ok_or("four hexadecimal digits were expected after `\\u`")?;
    if let Some(c) = char::from_u32(first) {
        return Ok((c, 6));
    }
    let second = if first < 0xdc00 && text.get(6..8) == Some("\\u") { unit(8) } else { None };
    match second {
        Some(second @ 0xdc00..0xe000) => {
            let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            char::from_u32(code).map(|c| (c, 12)).ok_or_else(|| "no character".into())
        }
        _ => Err(format!("`\\u{first:04x}` is half of a surrogate pair")),
    }
}
