//! Equality, order and membership (language.md §3).

use super::convert::{parse_boolean, parse_datetime, parse_number};
use super::{Record, Rows, Value, Zone, to_text};
use std::cmp::Ordering;
use std::convert::Infallible;
use std::hash::{BuildHasher, Hash, Hasher};

/// Whether texts convert to meet numbers, booleans and datetimes.
#[derive(Clone, Copy, Debug)]
pub enum Conversion {
    /// As in `=`; texts without an offset are datetimes of this zone.
    To(Zone),
    /// As in `group by` and `distinct`.
    None,
}

/// `=`: same types by value; number/text, datetime/text and boolean/text after converting the text.
pub fn equal(a: &Value, b: &Value, zone: Zone) -> bool {
    unwatched(a, b, Conversion::To(zone))
}

/// The equality of `group by`, `distinct` and `Distinct`: as `=`, without conversion.
pub fn identical(a: &Value, b: &Value) -> bool {
    unwatched(a, b, Conversion::None)
}

fn unwatched(a: &Value, b: &Value, conversion: Conversion) -> bool {
    match equal_watched::<Infallible>(a, b, conversion, &mut |_| Ok(())) {
        Ok(equal) => equal,
        Err(never) => match never {},
    }
}

/// Equality of values that may be large, or shared so often that comparing them takes forever: `watch` is told
/// of each part compared, by its number of values, and may end it.
pub fn equal_watched<E>(
    a: &Value,
    b: &Value,
    conversion: Conversion,
    watch: &mut dyn FnMut(usize) -> Result<(), E>,
) -> Result<bool, E> {
    Ok(match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(x), Value::Bool(y)) => x == y,
        (Value::Number(x), Value::Number(y)) => x == y,
        (Value::Text(x), Value::Text(y)) => x == y,
        (Value::DateTime(x), Value::DateTime(y)) => x == y,
        (Value::Binary(x), Value::Binary(y)) => x == y,
        (Value::Record(x), Value::Record(y)) => return equal_records(x, y, conversion, watch),
        (Value::List(_) | Value::Table(_), Value::List(_) | Value::Table(_)) => {
            let (Some(x), Some(y)) = (Rows::of(a), Rows::of(b)) else { return Ok(false) };
            if x.len() != y.len() {
                return Ok(false);
            }
            for (x, y) in x.iter().zip(y.iter()) {
                watch(1)?;
                if !equal_watched(&x, &y, conversion, watch)? {
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

fn equal_records<E>(
    a: &Record,
    b: &Record,
    conversion: Conversion,
    watch: &mut dyn FnMut(usize) -> Result<(), E>,
) -> Result<bool, E> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for (name, x) in a.iter() {
        watch(1)?;
        let Some(at) = b.shape().position(name) else { return Ok(false) };
        if !equal_watched(&x, &b.at(at), conversion, watch)? {
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

/// `x in 'text'`: is the text form of `x` part of it? False for `null`, and where `x` has no text form.
pub fn contains(x: &Value, text: &str) -> bool {
    !x.is_null() && to_text(x).is_ok_and(|part| text.contains(part.as_str()))
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
        hash_shallow(&self.0, Conversion::None, state);
    }
}

/// How deep and how far into a value hashes look. Values that share their parts could take forever otherwise.
const HASHED_DEPTH: u32 = 3;
const HASHED_PARTS: usize = 16;

/// A hash that is the same for values that are equal under `conversion`.
pub(crate) fn hash_shallow<H: Hasher>(value: &Value, conversion: Conversion, state: &mut H) {
    hash_to(value, conversion, HASHED_DEPTH, state);
}

fn hash_to<H: Hasher>(value: &Value, conversion: Conversion, depth: u32, state: &mut H) {
    match value {
        Value::Null => state.write_u8(0),
        Value::Bool(value) => state.write_u8(1 + u8::from(*value)),
        Value::Number(number) => number.hash(state),
        Value::Text(text) => match conversion {
            Conversion::None => text.hash(state),
            Conversion::To(zone) => hash_converted(text, zone, state),
        },
        Value::DateTime(datetime) => datetime.hash(state),
        Value::Binary(bytes) => bytes.hash(state),
        Value::Record(record) => {
            state.write_usize(record.len());
            if depth == 0 || record.len() > HASHED_PARTS {
                return;
            }
            // Records are equal in any order of their fields.
            let sum = record.iter().fold(0u64, |sum, (name, value)| {
                let mut inner = foldhash::fast::FixedState::default().build_hasher();
                name.hash(&mut inner);
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

/// The hash of what a text converts to: number, boolean or datetime; a text converts to one of them at most.
fn hash_converted<H: Hasher>(text: &str, zone: Zone, state: &mut H) {
    if let Some(number) = parse_number(text) {
        number.hash(state);
    } else if let Some(value) = parse_boolean(text) {
        state.write_u8(1 + u8::from(value));
    } else if let Some(datetime) = parse_datetime(text, zone) {
        datetime.hash(state);
    } else {
        text.hash(state);
    }
}
