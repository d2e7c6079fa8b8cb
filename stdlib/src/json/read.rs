//! JSON texts to values, without a tree in between: arrays of objects go straight into columns, records share
//! their shapes, and with a type the values are filled and converted while they are read.
//!
//! The reader is our own, since every error must say where it is in the text and in the value, numbers must keep
//! all digits without a detour, and no name in the data may have a meaning for the reader.

use crate::shapes::Shapes;
use ecow::EcoString;
use flowscript_lang::types::{Mismatch, RecordType, Type, Types};
use flowscript_lang::value::{Number, Record, RowsBuilder, Shape, Value, Zone};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// How deep arrays and objects may be nested (language.md §8).
pub const MAX_NESTING: usize = 200;

/// Why a text could not be decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodeError {
    /// The way to the value: `lines[1].qty`; empty for the whole.
    pub path: String,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// What was wrong.
    pub problem: Problem,
}

/// What was wrong with a text.
#[derive(Clone, Debug, PartialEq)]
pub enum Problem {
    /// It is not JSON, or not what can be a value.
    Text(String),
    /// A value does not fit the wanted type.
    Mismatch(Box<Mismatch>),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::Text(problem) => {
                write!(f, "line {}, column {}", self.line, self.column)?;
                if !self.path.is_empty() {
                    write!(f, ", at {}", self.path)?;
                }
                write!(f, ": {problem}")
            }
            Problem::Mismatch(mismatch) => Mismatch { path: self.path.clone(), ..Mismatch::clone(mismatch) }.fmt(f),
        }
    }
}

impl std::error::Error for DecodeError {}

/// The value of a JSON text: objects as records, arrays as lists or tables.
pub fn decode(text: &str) -> Result<Value, DecodeError> {
    Reader::new(text, None).whole(&Type::Any)
}

/// The value of a JSON text filled into a type: missing fields take their defaults, unknown ones are dropped, `null`
/// where it may not be becomes the default, simple values convert; a text without an offset is a datetime in `zone`.
pub fn decode_as(text: &str, ty: &Type, types: &Types, zone: Zone) -> Result<Value, DecodeError> {
    Reader::new(text, Some((types, zone))).whole(ty)
}

type Read<T> = Result<T, Box<Failure>>;

/// An error on its way out; each level adds its step to the path.
struct Failure {
    at: usize,
    steps: Vec<String>,
    problem: Problem,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    target: Option<(&'a Types, Zone)>,
    /// The last shape seen at each level: the next object there most likely has it.
    last: Vec<Arc<Shape>>,
    shapes: Shapes,
    /// The shapes of record types, by the address of the type, which outlives the reader.
    typed: HashMap<*const RecordType, Arc<Shape>>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, target: Option<(&'a Types, Zone)>) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self { text, at: 0, target, last: Vec::new(), shapes: Shapes::default(), typed: HashMap::new() }
    }

    fn whole(mut self, ty: &Type) -> Result<Value, DecodeError> {
        let read = self.value(ty, 0).and_then(|value| {
            self.skip_blanks();
            match self.peek() {
                None => Ok(value),
                Some(_) => Err(self.unexpected("the end of the text")),
            }
        });
        read.map_err(|failure| {
            let before = &self.text[..failure.at.min(self.text.len())];
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            let path = failure.steps.iter().rev().fold(String::new(), |path, step| {
                let dot = if path.is_empty() || step.starts_with('[') { "" } else { "." };
                path + dot + step
            });
            DecodeError {
                path,
                line: before.matches('\n').count() + 1,
                column: before[line_start..].chars().count() + 1,
                problem: failure.problem,
            }
        })
    }

    /// The next value, as `ty` wants it.
    fn value(&mut self, ty: &Type, level: usize) -> Read<Value> {
        self.skip_blanks();
        let start = self.at;
        let Some((types, zone)) = self.target else { return self.any(level) };
        let mut wanted = types.resolve(ty);
        while let Type::Nullable(inner) = wanted {
            wanted = types.resolve(inner);
        }
        let fails = |problem| Box::new(Failure { at: start, steps: Vec::new(), problem });
        match (wanted, self.peek()) {
            (Type::Any, _) => self.any(level),
            (Type::Record(record), Some(b'{')) if !record.open => self.typed_object(record, level),
            (Type::List(element), Some(b'[')) => {
                self.array(element, level).map(|value| with_row_type(value, element, types))
            }
            _ => {
                let value = self.any(level)?;
                types.fill(value, ty, zone).map_err(|mismatch| fails(Problem::Mismatch(Box::new(mismatch))))
            }
        }
    }

    /// The next value as it is.
    fn any(&mut self, level: usize) -> Read<Value> {
        self.skip_blanks();
        match self.peek() {
            Some(b'{') => self.object(level),
            Some(b'[') => self.array(&Type::Any, level),
            Some(b'"') => Ok(match self.string()? {
                Cow::Borrowed(text) => Value::Text(text.into()),
                Cow::Owned(text) => Value::Text(text.into()),
            }),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn array(&mut self, element: &Type, level: usize) -> Read<Value> {
        self.open(level)?;
        let mut builder = RowsBuilder::default();
        self.skip_blanks();
        if self.eat(b']') {
            return Ok(Value::empty_list());
        }
        let mut position = 0usize;
        loop {
            let value = self.value(element, level + 1).map_err(|failure| step(failure, format!("[{position}]")))?;
            builder.push(value);
            position += 1;
            self.skip_blanks();
            if self.eat(b']') {
                return Ok(builder.finish());
            }
            if !self.eat(b',') {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
    }

    /// An object whose names are not known before.
    fn object(&mut self, level: usize) -> Read<Value> {
        self.open(level)?;
        self.skip_blanks();
        let mut cells = Vec::new();
        let expected = self.last.get(level).cloned().unwrap_or_default();
        // As long as the names are those of the expected shape nothing is kept of them.
        let mut same = true;
        let mut names: Vec<EcoString> = Vec::new();
        if !self.eat(b'}') {
            loop {
                let name = self.name()?;
                if same && expected.names().get(cells.len()).is_none_or(|known| *known != *name) {
                    same = false;
                    names.extend(expected.names().iter().take(cells.len()).cloned());
                }
                let value = self.value(&Type::Any, level + 1);
                let value = value.map_err(|failure| step(failure, name_step(&name)))?;
                if !same {
                    names.push(name.as_ref().into());
                }
                cells.push(value);
                if !self.next_field()? {
                    break;
                }
            }
        }
        if same && cells.len() == expected.len() {
            return Ok(Value::Record(Record::new(expected, cells)));
        }
        if same {
            names.extend(expected.names().iter().take(cells.len()).cloned());
        }
        Ok(Value::Record(self.record(names, cells, level)))
    }

    fn record(&mut self, names: Vec<EcoString>, cells: Vec<Value>, level: usize) -> Record {
        let record = self.shapes.record(names, cells);
        if self.last.len() <= level {
            self.last.resize(level + 1, Arc::default());
        }
        if let Some(last) = self.last.get_mut(level) {
            *last = record.shape().clone();
        }
        record
    }

    /// An object for a record type.
    fn typed_object(&mut self, record: &RecordType, level: usize) -> Read<Value> {
        let Some((types, _)) = self.target else { return self.object(level) };
        self.open(level)?;
        let shape = self
            .typed
            .entry(std::ptr::from_ref(record))
            .or_insert_with(|| Shape::new(record.fields.iter().map(|field| field.name.clone())))
            .clone();
        let mut cells: Vec<Option<Value>> = vec![None; record.fields.len()];
        self.skip_blanks();
        if !self.eat(b'}') {
            loop {
                let name = self.name()?;
                let at = shape.position(&name);
                let known = at.and_then(|at| Some((record.fields.get(at)?, cells.get_mut(at)?)));
                if let Some((field, cell)) = known {
                    self.skip_blanks();
                    let null = self.peek() == Some(b'n');
                    let value = self.value(&field.ty, level + 1);
                    let value = value.map_err(|failure| step(failure, name_step(&name)))?;
                    // `null` where it may not be takes the field's default, not the type's.
                    let keep = !null || value.is_null();
                    *cell = keep.then_some(value);
                } else {
                    let skipped = self.any(level + 1);
                    skipped.map_err(|failure| step(failure, name_step(&name)))?;
                }
                if !self.next_field()? {
                    break;
                }
            }
        }
        let filled = cells.into_iter().zip(&record.fields);
        let cells = filled.map(|(cell, field)| cell.unwrap_or_else(|| types.field_default(field))).collect();
        Ok(Value::Record(Record::new(shape, cells)))
    }

    /// A field's name and its colon.
    fn name(&mut self) -> Read<Cow<'a, str>> {
        self.skip_blanks();
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a name in double quotes"));
        }
        let name = self.string()?;
        self.skip_blanks();
        if self.eat(b':') { Ok(name) } else { Err(self.unexpected("`:`")) }
    }

    /// Behind a field: does another one follow?
    fn next_field(&mut self) -> Read<bool> {
        self.skip_blanks();
        if self.eat(b',') {
            return Ok(true);
        }
        if self.eat(b'}') { Ok(false) } else { Err(self.unexpected("`,` or `}`")) }
    }

    /// Behind an opening bracket.
    fn open(&mut self, level: usize) -> Read<()> {
        if level >= MAX_NESTING {
            return Err(self.problem(format!("arrays and objects are nested more than {MAX_NESTING} deep")));
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &str, value: Value) -> Read<Value> {
        let rest = &self.text[self.at..];
        let follows = rest.as_bytes().get(word.len()).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if !rest.starts_with(word) || follows {
            return Err(self.unexpected("a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Read<Value> {
        let bytes = &self.text.as_bytes()[self.at..];
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
                return Err(self.problem("a number has digits behind its point".into()));
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

    fn string(&mut self) -> Read<Cow<'a, str>> {
        let start = self.at + 1;
        let special = |byte: &u8| *byte == b'"' || *byte == b'\\' || *byte < 0x20;
        let find = |from: usize| self.text.as_bytes()[from..].iter().position(special).map(|at| from + at);
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
                    let (c, used) = escape(&self.text[at..]).map_err(|problem| {
                        Box::new(Failure { at, steps: Vec::new(), problem: Problem::Text(problem) })
                    })?;
                    text.push(c);
                    from = at + used;
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

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn unexpected(&self, wanted: &str) -> Box<Failure> {
        let found = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(c) => format!("`{}`", c.escape_debug()),
            None if self.text.trim().is_empty() => "an empty text".into(),
            None => "the end".into(),
        };
        self.problem(format!("{wanted} was expected, not {found}"))
    }

    fn problem(&self, problem: String) -> Box<Failure> {
        Box::new(Failure { at: self.at, steps: Vec::new(), problem: Problem::Text(problem) })
    }
}

/// A filled list keeps what the type says of its rows, as `table(T)` does.
fn with_row_type(value: Value, element: &Type, types: &Types) -> Value {
    match (value, types.row_type(element)) {
        (Value::Table(table), Some((_, row_type))) => {
            let table = Arc::try_unwrap(table).unwrap_or_else(|shared| flowscript_lang::value::Table::clone(&shared));
            Value::table(table.with_row_type(Some(row_type)))
        }
        (value, Some(_)) if value.is_empty_list() => types.default_value(&element.clone().many()),
        (value, _) => value,
    }
}

fn step(mut failure: Box<Failure>, step: String) -> Box<Failure> {
    failure.steps.push(step);
    failure
}

fn name_step(name: &str) -> String {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if plain { name.to_owned() } else { format!("[{name:?}]") }
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
            return Err(format!("`{shown}` is no escape of JSON; write a backslash as `\\\\`"));
        }
    };
    Ok((c, 2))
}

fn unicode(text: &str) -> Result<(char, usize), String> {
    let unit = |from: usize| {
        let digits = text.get(from..from + 4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u32::from_str_radix(digits, 16).ok()
    };
    let first = unit(2).ok_or("four hexadecimal digits were expected behind `\\u`")?;
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
