//! Operators on simple values: arithmetic, comparison, `like`, `in` (lang/README.md, Operators).

use super::fail::{arithmetic_error, describe, subject, type_error, value_error};
use super::limits::with_stack_for;
use super::machine::Machine;
use super::{Evaluated, Failure};
use crate::ast::BinaryOp;
use crate::budget::{Budget, SHORT_TEXT};
use crate::value::{
    Conversion, DateTime, Number, Record, TableBuilder, Value, Zone, compare, contains, days_between, equal, is_in,
    like, parse_datetime, to_number, to_text,
};
use std::cmp::Ordering;
use std::fmt::Write;

/// `a + b`, `a - b`, `a * b`, `a / b`, `a mod b`
pub(super) fn arithmetic(op: BinaryOp, a: &Value, b: &Value, zone: Zone) -> Evaluated {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => calculate(op, *x, *y),
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::DateTime(x), Value::DateTime(y)) if op == BinaryOp::Subtract => difference(*x, *y, zone),
        // A text subtracted from a datetime is a number of days, or else another datetime.
        (Value::DateTime(x), Value::Text(text)) if op == BinaryOp::Subtract && to_number(b).is_err() => {
            match parse_datetime(text, zone) {
                Some(y) => difference(*x, y, zone),
                None => Err(value_error(format!(
                    "{} is neither a number of days nor a datetime, so - cannot subtract it.",
                    subject(b)
                ))),
            }
        }
        (Value::Text(text), Value::DateTime(y)) if op == BinaryOp::Subtract => match parse_datetime(text, zone) {
            Some(x) => difference(x, *y, zone),
            None => Err(value_error(format!(
                "{} is not a datetime, so - cannot subtract {} from it.",
                subject(a),
                describe(b)
            ))),
        },
        (Value::DateTime(x), y) if matches!(op, BinaryOp::Add | BinaryOp::Subtract) => {
            let days = to_number(y).map_err(|_| no_number(op, a, b, y))?;
            shifted(*x, if op == BinaryOp::Subtract { -days } else { days }, zone)
        }
        _ => {
            let x = to_number(a).map_err(|_| no_number(op, a, b, a))?;
            let y = to_number(b).map_err(|_| no_number(op, a, b, b))?;
            calculate(op, x, y)
        }
    }
}

#[inline]
fn calculate(op: BinaryOp, x: Number, y: Number) -> Evaluated {
    let result = match op {
        BinaryOp::Add => x.checked_add(y),
        BinaryOp::Subtract => x.checked_sub(y),
        BinaryOp::Multiply => x.checked_mul(y),
        BinaryOp::Divide | BinaryOp::Modulo if y.is_zero() => {
            return Err(arithmetic_error(format!("division by zero: {x} {} 0", symbol(op))));
        }
        BinaryOp::Divide => x.checked_div(y),
        _ => x.checked_rem(y),
    };
    result.map(Value::Number).ok_or_else(|| {
        arithmetic_error(format!("number overflow: {x} {} {y} is beyond about 7.9e28, the largest number", symbol(op)))
    })
}

fn difference(x: DateTime, y: DateTime, zone: Zone) -> Evaluated {
    days_between(x, y, x, zone)
        .map(Value::Number)
        .ok_or_else(|| arithmetic_error(format!("The days between {y} and {x} cannot be counted.")))
}

fn shifted(x: DateTime, days: Number, zone: Zone) -> Evaluated {
    x.add_days(days, zone).map(Value::DateTime).ok_or_else(|| {
        arithmetic_error(format!("{days} days from {x} lie outside the years 1 to 9999, where datetimes end."))
    })
}

/// `-x`
pub(super) fn negate(value: &Value) -> Evaluated {
    match value {
        Value::Number(number) => Ok(Value::Number(-*number)),
        Value::Null => Ok(Value::Null),
        other => match to_number(other) {
            Ok(number) => Ok(Value::Number(-number)),
            Err(_) => Err(kinded(other, format!("{} is not a number, so - cannot negate it.", subject(other)))),
        },
    }
}

/// `*record`
pub(super) fn star(value: &Value) -> Result<Value, Failure> {
    match value {
        Value::Record(record) => Ok(table_of(record)),
        other => Err(type_error(format!("* makes a table of one record, not of {}.", describe(other)))),
    }
}

/// The table whose only row is `record`.
pub(super) fn table_of(record: &Record) -> Value {
    let mut builder = TableBuilder::default();
    builder.push(record);
    Value::table(builder.finish())
}

/// `<` and the like. `false` if the values have no order.
pub(super) fn ordered(op: BinaryOp, a: &Value, b: &Value, zone: Zone) -> bool {
    compare(a, b, zone).is_some_and(|order| match op {
        BinaryOp::Less => order == Ordering::Less,
        BinaryOp::Greater => order == Ordering::Greater,
        BinaryOp::LessEqual => order != Ordering::Greater,
        _ => order != Ordering::Less,
    })
}

impl Machine<'_> {
    /// `=`
    #[inline]
    pub(super) fn equals(&mut self, a: &Value, b: &Value) -> Result<bool, Failure> {
        match (a, b) {
            (Value::Number(x), Value::Number(y)) => Ok(x == y),
            (Value::Text(x), Value::Text(y)) if x.len() != y.len() || x.len() <= SHORT_TEXT => Ok(x == y),
            _ => self.equals_by(a, b, Conversion::To(self.zone())),
        }
    }

    fn equals_by(&mut self, a: &Value, b: &Value, conversion: Conversion) -> Result<bool, Failure> {
        with_stack_for(a.depth(), || equal(a, b, conversion, self))
    }

    /// Pays for `<` and the like between long texts.
    #[inline]
    pub(super) fn pay_for_order(&mut self, a: &Value, b: &Value) -> Result<(), Failure> {
        match (a, b) {
            (Value::Text(x), Value::Text(y)) if x.len() > SHORT_TEXT && y.len() > SHORT_TEXT => {
                self.scan(x.len().min(y.len()))
            }
            _ => Ok(()),
        }
    }

    /// `like`
    pub(super) fn like(&mut self, a: &Value, b: &Value) -> Result<bool, Failure> {
        let text = to_text(a).map_err(|_| not_like(a, "compares texts"))?;
        let pattern = to_text(b).map_err(|_| not_like(b, "takes a text as its pattern"))?;
        let held = self.meter.held();
        let matches = like(&text, &pattern, self);
        self.meter.release_to(held);
        matches
    }

    /// `x in (a, b)`: a single list is searched itself.
    pub(super) fn is_in_values(&mut self, x: &Value, values: &[Value]) -> Result<bool, Failure> {
        if let [only @ (Value::List(_) | Value::Table(_))] = values {
            return is_in(x, only, self.zone(), self);
        }
        for value in values {
            if self.equals(x, value)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `x in R`
    pub(super) fn is_in(&mut self, x: &Value, container: &Value) -> Result<bool, Failure> {
        match container {
            Value::Text(text) => contains(x, text, self),
            Value::List(_) | Value::Table(_) | Value::Null => {
                let depth = container.depth();
                with_stack_for(depth, || is_in(x, container, self.zone(), self))
            }
            other => Err(type_error(format!("in looks into a list, a table or a text, not into {}.", describe(other)))),
        }
    }
}

/// The operator as written.
pub(super) fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Coalesce => "??",
        BinaryOp::Multiply => "*",
        BinaryOp::Divide => "/",
        BinaryOp::Modulo => "mod",
        BinaryOp::Add => "+",
        BinaryOp::Subtract => "-",
        BinaryOp::Concat => "&",
        BinaryOp::Equal => "=",
        BinaryOp::NotEqual => "!=",
        BinaryOp::Less => "<",
        BinaryOp::Greater => ">",
        BinaryOp::LessEqual => "<=",
        BinaryOp::GreaterEqual => ">=",
        BinaryOp::In => "in",
        BinaryOp::NotIn => "not in",
        BinaryOp::Like => "like",
        BinaryOp::NotLike => "not like",
        BinaryOp::And => "and",
        BinaryOp::Or => "or",
    }
}

/// The error for `wrong`, the one of the two operands that is not a number.
#[cold]
fn no_number(op: BinaryOp, a: &Value, b: &Value, wrong: &Value) -> Failure {
    let verb = match op {
        BinaryOp::Add => "add it",
        BinaryOp::Subtract => "subtract it",
        BinaryOp::Multiply => "multiply it",
        BinaryOp::Divide => "divide it",
        _ => "take its remainder",
    };
    let mut message = format!("{} is not a number, so {} cannot {verb}.", subject(wrong), symbol(op));
    let texts = matches!(a, Value::Text(_)) || matches!(b, Value::Text(_));
    let lists = |value: &Value| matches!(value, Value::List(_) | Value::Table(_) | Value::Record(_));
    if op == BinaryOp::Add && lists(a) && lists(b) {
        message.push_str(" To join lists, tables and records, use &.");
    } else if op == BinaryOp::Add && matches!(b, Value::DateTime(_)) {
        message.push_str(" Write the datetime first: date + days.");
    } else if op == BinaryOp::Add && texts {
        let _ = write!(message, " To join texts, use &: {} & {}", a.to_literal(20), b.to_literal(20));
    }
    kinded(wrong, message)
}

/// A `value` error for a text, whose content is wrong, else a `type` error.
fn kinded(value: &Value, message: String) -> Failure {
    if matches!(value, Value::Text(_)) { value_error(message) } else { type_error(message) }
}

#[cold]
fn not_like(value: &Value, what: &str) -> Failure {
    type_error(format!("like {what}, and {} has no text form.", describe(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calculated(op: BinaryOp, a: impl Into<Value>, b: impl Into<Value>) -> String {
        match arithmetic(op, &a.into(), &b.into(), Zone::Europe__Stockholm) {
            Ok(value) => value.to_literal(80),
            Err(error) => format!("{}: {}", error.kind.name(), error.message),
        }
    }

    fn date(text: &str) -> Value {
        Value::DateTime(parse_datetime(text, Zone::Europe__Stockholm).expect("test datetime"))
    }

    #[test]
    fn numbers_and_texts_that_are_numbers() {
        assert_eq!(calculated(BinaryOp::Add, "12,5", 1), "13.5");
        assert_eq!(calculated(BinaryOp::Modulo, -7, 3), "-1");
        assert_eq!(calculated(BinaryOp::Multiply, Value::Null, "x"), "null");
        assert_eq!(calculated(BinaryOp::Divide, 1, 0), "arithmetic: division by zero: 1 / 0");
    }

    #[test]
    fn mistakes_say_what_to_do() {
        assert_eq!(
            calculated(BinaryOp::Add, "x", "y"),
            "value: The text 'x' is not a number, so + cannot add it. To join texts, use &: 'x' & 'y'"
        );
        assert_eq!(
            calculated(BinaryOp::Subtract, 1, true),
            "type: The boolean true is not a number, so - cannot subtract it."
        );
        assert_eq!(
            calculated(BinaryOp::Add, 1, date("2024-01-01")),
            "type: The datetime 2024-01-01T00:00:00+01:00 is not a number, so + cannot add it. \
             Write the datetime first: date + days."
        );
    }

    #[test]
    fn datetimes_and_days() {
        assert_eq!(calculated(BinaryOp::Add, date("2024-03-30 08:00"), 1), "2024-03-31T08:00:00+02:00");
        assert_eq!(calculated(BinaryOp::Subtract, date("2024-03-01"), date("2024-02-28 12:00")), "1.5");
        assert_eq!(calculated(BinaryOp::Subtract, date("2024-03-01"), "2024-02-28"), "2");
        assert_eq!(calculated(BinaryOp::Subtract, date("2024-03-01"), "0,5"), "2024-02-29T12:00:00+01:00");
        assert!(calculated(BinaryOp::Add, date("9999-12-31"), 1).starts_with("arithmetic: 1 days from"));
        assert_eq!(calculated(BinaryOp::Subtract, "2024-03-01", date("2024-02-28")), "2");
        assert!(calculated(BinaryOp::Subtract, date("2024-03-01"), "x").contains("neither a number of days nor"));
        assert!(calculated(BinaryOp::Subtract, "1", date("2024-03-01")).contains("is not a datetime"));
    }
}
