//! Equality, order and membership (lang/README.md, Operators).

use super::convert::{parse_boolean, parse_datetime, parse_number};
use super::{Record, Rows, Value, Zone, to_text};
use crate::budget::{Budget, Toll};
use crate::error::{ErrorKind, RunError};
use std::cmp::Ordering;
use std::hash::{BuildHasher, Hash, Hasher};

/// Whether texts convert for comparison with numbers, booleans and datetimes.
#[derive(Clone, Copy, Debug)]
pub enum Conversion {
    /// As in `=`; texts without an offset are datetimes of this zone.
    To(Zone),
    /// As in `group by` and `distinct`.
    None,
}

/// `=`, or the equality of `group by` and `distinct`: same types by value, others according to `conversion`. Values may
/// be large, or share so many parts that comparing them would never end; the budget pays for it.
pub fn equal(a: &Value, b: &Value, conversion: Conversion, budget: &mut dyn Budget) -> Result<bool, Box<RunError>> {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => Ok(x == y),
        (Value::Null, Value::Null) => Ok(true),
        _ => {
            let mut walk = Walk::new(budget);
            let equal = equal_parts(a, b, conversion, &mut walk)?;
            walk.toll.settle()?;
            Ok(equal)
        }
    }
}

/// The most parts that one comparison looks at, more than twice the limit on cells of a list or table. Only values that
/// hold the same parts many times over have more, and only a limit on steps ends their comparison.
const MOST_PARTS: usize = 25_000_000;

/// One comparison: its budget, and the number of parts looked at.
struct Walk<'b> {
    toll: Toll<'b>,
    parts: usize,
}

impl<'b> Walk<'b> {
    fn new(budget: &'b mut dyn Budget) -> Self {
        Self { toll: Toll::new(budget), parts: 0 }
    }

    #[inline]
    fn look(&mut self) -> Result<(), Box<RunError>> {
        self.parts += 1;
        if self.parts > MOST_PARTS { Err(too_many_parts()) } else { self.toll.look(1) }
    }
}

#[cold]
fn too_many_parts() -> Box<RunError> {
    let message = format!(
        "A comparison would look at more than {MOST_PARTS} parts of a value, the limit: it holds the same parts many \
         times over."
    );
    RunError::new(ErrorKind::Limit, message)
}

fn equal_parts(a: &Value, b: &Value, conversion: Conversion, walk: &mut Walk<'_>) -> Result<bool, Box<RunError>> {
    walk.look()?;
    Ok(match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(x), Value::Bool(y)) => x == y,
        (Value::Number(x), Value::Number(y)) => x == y,
        (Value::Text(x), Value::Text(y)) => {
            x.len() == y.len() && {
                walk.toll.scan(x.len())?;
                x == y
            }
        }
        (Value::DateTime(x), Value::DateTime(y)) => x == y,
        (Value::Binary(x), Value::Binary(y)) => {
            x.len() == y.len() && {
                walk.toll.scan(x.len())?;
                x == y
            }
        }
        (Value::Record(x), Value::Record(y)) => return equal_records(x, y, conversion, walk),
        (Value::List(_) | Value::Table(_), Value::List(_) | Value::Table(_)) => {
            let (Some(x), Some(y)) = (Rows::of(a), Rows::of(b)) else { return Ok(false) };
            if x.len() != y.len() {
                return Ok(false);
            }
            for (x, y) in x.iter().zip(y.iter()) {
                if !equal_parts(&x, &y, conversion, walk)? {
                    return Ok(false);
                }
            }
            true
        }
        _ => equal_converted(a, b, conversion),
    })
}

fn equal_converted(a: &Value, b: &Value, conversion: Conversion) -> bool {
    let Conversion::To(zone) = conversion else { return false };
    match (a, b) {
        (Value::Number(x), Value::Text(t)) | (Value::Text(t), Value::Number(x)) => {
            parse_number(t).is_some_and(|y| *x == y)
        }
        (Value::DateTime(x), Value::Text(t)) | (Value::Text(t), Value::DateTime(x)) => {
            parse_datetime(t, zone).is_some_and(|y| *x == y)
        }
        (Value::Bool(x), Value::Text(t)) | (Value::Text(t), Value::Bool(x)) => {
            parse_boolean(t).is_some_and(|y| *x == y)
        }
        _ => false,
    }
}

fn equal_records(a: &Record, b: &Record, conversion: Conversion, walk: &mut Walk<'_>) -> Result<bool, Box<RunError>> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for (name, x) in a.iter() {
        let Some(at) = b.shape().position(name) else { return Ok(false) };
        if !equal_parts(&x, &b.at(at), conversion, walk)? {
            return Ok(false);
        }
    }
    Ok(true)
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

/// The order of `order by`: null, numbers, texts, booleans, datetimes. `None` for a value of another type.
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
pub fn is_in(x: &Value, container: &Value, zone: Zone, budget: &mut dyn Budget) -> Result<bool, Box<RunError>> {
    let mut walk = Walk::new(budget);
    let conversion = Conversion::To(zone);
    let rows = match container {
        Value::List(_) | Value::Table(_) | Value::Null => Rows::of(container),
        single => return equal_parts(x, single, conversion, &mut walk),
    };
    // A table of one column counts as that column.
    let column = match &rows {
        Some(Rows::Table(table)) if table.shape().len() == 1 && !matches!(x, Value::Record(_)) => Some(table),
        _ => None,
    };
    let mut found = false;
    for row in 0..rows.as_ref().map_or(0, Rows::len) {
        found = match (&rows, column) {
            (_, Some(table)) => equal_parts(x, &table.cell(row, 0), conversion, &mut walk)?,
            // Elements of a list need not be counted to look at them.
            (Some(Rows::List(list)), _) => match list.items().get(row) {
                Some(item) => equal_parts(x, item, conversion, &mut walk)?,
                None => false,
            },
            (Some(rows), _) => equal_parts(x, &rows.get(row), conversion, &mut walk)?,
            (None, _) => false,
        };
        if found {
            break;
        }
    }
    walk.toll.settle()?;
    Ok(found)
}

/// `x in 'text'`: is the text form of `x` part of it? `false` for `null`, and for `x` without a text form.
pub fn contains(x: &Value, text: &str, budget: &mut dyn Budget) -> Result<bool, Box<RunError>> {
    if x.is_null() {
        return Ok(false);
    }
    let Ok(part) = to_text(x) else { return Ok(false) };
    budget.scan(text.len())?;
    Ok(text.contains(part.as_str()))
}

/// How deep and how far into a value hashes look: values that share their parts could otherwise take forever.
const HASHED_DEPTH: u32 = 3;
const HASHED_PARTS: usize = 16;

/// Bytes of a text that hashes look at, from both of its ends: a value may have the same long text in many places.
const HASHED_BYTES: usize = 4_096;

/// A hash that is the same for values that are equal under `conversion`. It looks at a bounded part of the value.
pub(crate) fn hash_shallow<H: Hasher>(value: &Value, conversion: Conversion, state: &mut H) {
    hash_to(value, conversion, HASHED_DEPTH, state);
}

fn hash_to<H: Hasher>(value: &Value, conversion: Conversion, depth: u32, state: &mut H) {
    match value {
        Value::Null => state.write_u8(0),
        Value::Bool(value) => state.write_u8(1 + u8::from(*value)),
        Value::Number(number) => number.hash(state),
        Value::Text(text) => match conversion {
            Conversion::None => hash_bytes(text.as_bytes(), state),
            Conversion::To(zone) => hash_converted(text, zone, state),
        },
        Value::DateTime(datetime) => datetime.hash(state),
        Value::Binary(bytes) => hash_bytes(bytes, state),
        Value::Record(record) => {
            state.write_usize(record.len());
            if depth == 0 || record.len() > HASHED_PARTS {
                return;
            }
            // Records are equal in any order of their fields.
            let sum = record.iter().fold(0u64, |sum, (name, value)| {
                let mut inner = foldhash::fast::FixedState::default().build_hasher();
                hash_bytes(name.as_bytes(), &mut inner);
                hash_to(&value, conversion, depth - 1, &mut inner);
                sum.wrapping_add(inner.finish())
            });
            state.write_u64(sum);
        }
        Value::List(_) | Value::Table(_) => {
            let rows = Rows::of(value);
            state.write_usize(rows.as_ref().map_or(0, Rows::len));
            if depth > 0 {
                for row in rows.iter().flat_map(Rows::iter).take(HASHED_PARTS) {
                    hash_to(&row, conversion, depth - 1, state);
                }
            }
        }
        Value::Function(_) => state.write_u8(3),
    }
}

fn hash_bytes<H: Hasher>(bytes: &[u8], state: &mut H) {
    if bytes.len() <= HASHED_BYTES {
        return bytes.hash(state);
    }
    let half = HASHED_BYTES / 2;
    state.write_usize(bytes.len());
    state.write(&bytes[..half]);
    state.write(&bytes[bytes.len() - half..]);
}

/// The hash of the number, boolean or datetime that a text converts to; a text converts to at most one of them.
fn hash_converted<H: Hasher>(text: &str, zone: Zone, state: &mut H) {
    if let Some(number) = parse_number(text) {
        number.hash(state);
    } else if let Some(value) = parse_boolean(text) {
        state.write_u8(1 + u8::from(value));
    } else if let Some(datetime) = parse_datetime(text, zone) {
        datetime.hash(state);
    } else {
        hash_bytes(text.as_bytes(), state);
    }
}
