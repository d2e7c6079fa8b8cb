//! Equality, order and membership (language.md §3).

use super::convert::{parse_boolean, parse_datetime, parse_number};
use super::{Record, Rows, Value, Zone, to_text};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// `=`: same types by value; number/text, datetime/text and boolean/text after converting the text.
pub fn equal(a: &Value, b: &Value, zone: Zone) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y,
        (Value::Text(x), Value::Text(y)) => x == y,
        (Value::Number(x), Value::Text(t)) | (Value::Text(t), Value::Number(x)) => {
            parse_number(t).is_some_and(|y| *x == y)
        }
        (Value::DateTime(x), Value::Text(t)) | (Value::Text(t), Value::DateTime(x)) => {
            parse_datetime(t, zone).is_some_and(|y| *x == y)
        }
        (Value::Bool(x), Value::Text(t)) | (Value::Text(t), Value::Bool(x)) => {
            parse_boolean(t).is_some_and(|y| *x == y)
        }
        _ => equal_by(a, b, &|x, y| equal(x, y, zone)),
    }
}

/// The equality of `group by`, `distinct` and `Distinct`: as `=`, without conversion.
pub fn identical(a: &Value, b: &Value) -> bool {
    equal_by(a, b, &identical)
}

/// Same types by value, `elements` for what is inside lists, records and tables.
fn equal_by(a: &Value, b: &Value, elements: &dyn Fn(&Value, &Value) -> bool) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(x), Value::Bool(y)) => x == y,
        (Value::Number(x), Value::Number(y)) => x == y,
        (Value::Text(x), Value::Text(y)) => x == y,
        (Value::DateTime(x), Value::DateTime(y)) => x == y,
        (Value::Binary(x), Value::Binary(y)) => x == y,
        (Value::Record(x), Value::Record(y)) => equal_records(x, y, elements),
        (Value::List(_) | Value::Table(_), Value::List(_) | Value::Table(_)) => match (Rows::of(a), Rows::of(b)) {
            (Some(x), Some(y)) => x.len() == y.len() && x.iter().zip(y.iter()).all(|(x, y)| elements(&x, &y)),
            _ => false,
        },
        _ => false,
    }
}

fn equal_records(a: &Record, b: &Record, elements: &dyn Fn(&Value, &Value) -> bool) -> bool {
    a.len() == b.len() && a.iter().all(|(name, x)| b.shape().position(name).is_some_and(|at| elements(&x, &b.at(at))))
}

/// `<` and the like: numbers, texts by code point, booleans, datetimes, and the mixes of `=`. `None` otherwise.
pub fn compare(a: &Value, b: &Value, zone: Zone) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => Some(x.cmp(y)),
        // UTF-8 sorts by code point.
        (Value::Text(x), Value::Text(y)) => Some(x.as_bytes().cmp(y.as_bytes())),
        (Value::Bool(x), Value::Bool(y)) => Some(x.cmp(y)),
        (Value::DateTime(x), Value::DateTime(y)) => Some(x.cmp(y)),
        (Value::Number(x), Value::Text(t)) => parse_number(t).map(|y| x.cmp(&y)),
        (Value::DateTime(x), Value::Text(t)) => parse_datetime(t, zone).map(|y| x.cmp(&y)),
        (Value::Bool(x), Value::Text(t)) => parse_boolean(t).map(|y| x.cmp(&y)),
        (Value::Text(_), Value::Number(_) | Value::DateTime(_) | Value::Bool(_)) => {
            compare(b, a, zone).map(Ordering::reverse)
        }
        _ => None,
    }
}

/// The order of `order by`: null, numbers, texts, booleans, datetimes. `None` where a value is none of these.
pub fn sort_order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => Some(x.cmp(y)),
        (Value::Text(x), Value::Text(y)) => Some(x.as_bytes().cmp(y.as_bytes())),
        (Value::Bool(x), Value::Bool(y)) => Some(x.cmp(y)),
        (Value::DateTime(x), Value::DateTime(y)) => Some(x.cmp(y)),
        _ => Some(sort_rank(a)?.cmp(&sort_rank(b)?)),
    }
}

fn sort_rank(value: &Value) -> Option<u8> {
    match value {
        Value::Null => Some(0),
        Value::Number(_) => Some(1),
        Value::Text(_) => Some(2),
        Value::Bool(_) => Some(3),
        Value::DateTime(_) => Some(4),
        _ => None,
    }
}

/// `x in container` for a list, a table (one of a single column counts as that column) or a single value.
/// `null` has no elements. Containment in a text is [`contains`].
pub fn is_in(x: &Value, container: &Value, zone: Zone) -> bool {
    match container {
        Value::Null => false,
        Value::List(list) => list.items().iter().any(|item| equal(x, item, zone)),
        Value::Table(table) if table.shape().len() == 1 && !matches!(x, Value::Record(_)) => {
            (0..table.len()).any(|row| equal(x, &table.cell(row, 0), zone))
        }
        Value::Table(table) => {
            (0..table.len()).any(|row| table.row(row).is_some_and(|row| equal(x, &Value::Record(row), zone)))
        }
        single => equal(x, single, zone),
    }
}

/// `x in 'text'`: is the text form of `x` part of it? False where `x` has no text form.
pub fn contains(x: &Value, text: &str) -> bool {
    to_text(x).is_ok_and(|part| text.contains(part.as_str()))
}

/// `like`: whole text, case-insensitive; `%` any run, `_` one character, `[a-f]`, `[^x]`.
///
/// A `[` without `]` stands for itself.
pub fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().map(fold).collect();
    let pattern = like_pattern(pattern);
    // The greedy matcher with one point to come back to is linear in memory and never exponential.
    let (mut t, mut p) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(LikePart::Run) => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(part) if part.takes(text[t]) => {
                t += 1;
                p += 1;
            }
            _ => match retry {
                Some((after, from)) => {
                    retry = Some((after, from + 1));
                    t = from + 1;
                    p = after;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|part| matches!(part, LikePart::Run))
}

enum LikePart {
    Run,
    One,
    Char(char),
    Set { negated: bool, ranges: Vec<(char, char)> },
}

impl LikePart {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Run => false,
            Self::One => true,
            Self::Char(wanted) => c == *wanted,
            Self::Set { negated, ranges } => ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated,
        }
    }
}

fn like_pattern(pattern: &str) -> Vec<LikePart> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        at += 1;
        parts.push(match c {
            '%' => LikePart::Run,
            '_' => LikePart::One,
            '[' => match like_set(&chars[at..]) {
                Some((set, used)) => {
                    at += used;
                    set
                }
                None => LikePart::Char('['),
            },
            c => LikePart::Char(fold(*c)),
        });
    }
    parts
}

/// A set behind its `[`, and how many characters it took with its `]`.
fn like_set(chars: &[char]) -> Option<(LikePart, usize)> {
    let negated = chars.first() == Some(&'^');
    let start = usize::from(negated);
    // A `]` right at the start is a member.
    let end = start + 1 + chars.get(start + 1..)?.iter().position(|c| *c == ']')?;
    let members = &chars[start..end];
    let mut ranges = Vec::new();
    let mut at = 0;
    while let Some(low) = members.get(at) {
        match (members.get(at + 1), members.get(at + 2)) {
            (Some('-'), Some(high)) => {
                ranges.push((fold(*low), fold(*high)));
                at += 3;
            }
            _ => {
                ranges.push((fold(*low), fold(*low)));
                at += 1;
            }
        }
    }
    Some((LikePart::Set { negated, ranges }, end + 1))
}

fn fold(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) => single,
        _ => c,
    }
}

/// A value as the key of a hash table, under [`identical`].
#[derive(Clone, Debug)]
pub struct Key(pub Value);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        identical(&self.0, &other.0)
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_value(&self.0, state);
    }
}

fn hash_value<H: Hasher>(value: &Value, state: &mut H) {
    match value {
        Value::Null => state.write_u8(0),
        Value::Bool(value) => state.write_u8(1 + u8::from(*value)),
        Value::Number(number) => number.hash(state),
        Value::Text(text) => text.hash(state),
        Value::DateTime(datetime) => datetime.hash(state),
        Value::Binary(bytes) => bytes.hash(state),
        Value::Record(record) => {
            // Records are equal in any order of their fields.
            let sum = record.iter().fold(0u64, |sum, (name, value)| {
                let mut inner = foldhash::fast::FixedState::default().build_hasher();
                name.hash(&mut inner);
                hash_value(&value, &mut inner);
                sum.wrapping_add(inner.finish())
            });
            state.write_u64(sum);
        }
        Value::List(_) | Value::Table(_) => {
            let rows = Rows::of(value);
            state.write_usize(rows.as_ref().map_or(0, Rows::len));
            for row in rows.iter().flat_map(Rows::iter) {
                hash_value(&row, state);
            }
        }
        Value::Function(_) => state.write_u8(3),
    }
}

use std::hash::BuildHasher;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_patterns() {
        for (text, pattern, wanted) in [
            ("Norway", "nor%", true),
            ("cat", "c_t", true),
            ("cart", "c_t", false),
            ("bat", "[a-c]at", true),
            ("dat", "[^a-c]at", true),
            ("a%b", "a%b", true),
            ("", "", true),
            ("", "%", true),
            ("abc", "%b%", true),
            ("[x", "[x", true),
            ("a]b", "a[]]b", true),
            ("ÅÄÖ", "åä_", true),
            ("aaab", "%a%b", true),
            ("x", "[^", false),
        ] {
            assert_eq!(like(text, pattern), wanted, "{text} like {pattern}");
        }
    }
}
