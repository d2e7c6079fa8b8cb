//! Numbers: rounding, conversion from and to text, ranges.

use crate::arguments::{clamped, too_many};
use crate::row::{Row, fails, gives, row};
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::function::{Call, NativeResult, Role};
use flowscript_lang::value::{Number, Value, parse_number, to_number};

pub(crate) const ROWS: &[Row] = &[
    row("Ceil(x: number) -> number", "The whole number above or at it.", ceil)
        .on_numbers(|numbers| one(numbers).map(Number::ceil))
        .also(&["Maths.Ceil"])
        .examples(&[gives("Ceil(1.2)", "2"), gives("Ceil(-1.2)", "-1")]),
    row("Floor(x: number) -> number", "The whole number below or at it.", floor)
        .on_numbers(|numbers| one(numbers).map(Number::floor))
        .also(&["Maths.Floor"])
        .examples(&[gives("Floor(1.8)", "1"), gives("Floor(-1.2)", "-2")]),
    row("Round(x: number, decimals: number = 0) -> number", "Rounded, half away from zero.", round)
        .on_numbers(round_numbers)
        .also(&["Maths.Round"])
        .rules("Negative `decimals` round to tens, hundreds and so on.")
        .examples(&[gives("Round(2.5)", "3"), gives("Round(-2.5)", "-3"), gives("Round(1.005, 2)", "1.01"), gives("Round(1234, -2)", "1200")]),
    row("Truncate(x: number) -> number", "Without its decimals.", truncate)
        .on_numbers(|numbers| one(numbers).map(Number::truncate))
        .also(&["Maths.Truncate"])
        .examples(&[gives("Truncate(-1.9)", "-1")]),
    row("Sign(x: number) -> number", "-1, 0 or 1.", sign)
        .also(&["Maths.Sign"])
        .examples(&[gives("Sign(-3)", "-1"), gives("Sign(0)", "0")]),
    row("Abs(x: number) -> number", "Without its sign.", abs)
        .on_numbers(|numbers| one(numbers).map(Number::abs))
        .also(&["Maths.Abs"])
        .examples(&[gives("Abs(-2)", "2")]),
    row("Str(x: text) -> text", "The text form of a simple value.", text_form)
        .fixed_cost()
        .also(&["Maths.Str"])
        .rules("Numbers without trailing zeros and exponent, always with a dot; datetimes as ISO 8601; `null` is `''`.")
        .examples(&[gives("Str(1.50)", "'1.5'"), gives("Str(true)", "'true'"), fails("Str([1])", "text")]),
    row("Val(x: any) -> number?", "The number in a text.", val)
        .role(Role::ReadsNumber)
        .also(&["Maths.Val"])
        .rules("Surrounding blanks, a sign, digits, one `.` or `,` as decimal separator, an exponent; anything else is an error. `null` gives `null`.")
        .examples(&[gives("Val('3,2')", "3.2"), gives("Val(' -1.5e2 ')", "-150"), fails("Val('hello')", "The value 'hello' of type text could not be converted to number.")]),
    row("IsNumber(x: any) -> boolean", "Would `Val` give a number?", is_number)
        .also(&["Maths.IsNumber"])
        .rules("False for `null`.")
        .examples(&[gives("IsNumber('1.5')", "true"), gives("IsNumber('1.234,5')", "false"), gives("IsNumber(null)", "false")]),
    row("IsNaN(x: any) -> boolean", "Is it `null`, or a text that is not a number?", is_nan)
        .also(&["Maths.IsNaN"])
        .examples(&[gives("IsNaN('x')", "true"), gives("IsNaN(null)", "true"), gives("IsNaN(1)", "false")]),
    row("Range(start: number, count: number) -> number*", "So many numbers from `start` on, in steps of 1.", range)
        .is_range()
        .also(&["Maths.Range"])
        .rules("A negative count is an error; more than 10 million a limit error.")
        .examples(&[gives("Range(5, 3)", "[5, 6, 7]"), gives("Range(0, 0)", "[]"), fails("Range(0, -1)", "count")]),
];

fn ceil(call: &mut Call<'_>) -> NativeResult {
    Ok(call.number(0).ceil().into())
}

fn floor(call: &mut Call<'_>) -> NativeResult {
    Ok(call.number(0).floor().into())
}

fn round(call: &mut Call<'_>) -> NativeResult {
    // Beyond 28 decimals and 29 digits nothing changes any more.
    let decimals = clamped(call, 1)?.clamp(-100, 100) as i32;
    let rounded = call.number(0).round(decimals);
    rounded.map(Value::Number).ok_or_else(|| overflow(call))
}

/// The only argument.
fn one(numbers: &[Number]) -> Option<Number> {
    match numbers {
        [x] => Some(*x),
        _ => None,
    }
}

fn round_numbers(numbers: &[Number]) -> Option<Number> {
    match numbers {
        [x] => x.round(0),
        [x, decimals] => x.round(decimals.to_i64()?.clamp(-100, 100) as i32),
        _ => None,
    }
}

fn truncate(call: &mut Call<'_>) -> NativeResult {
    Ok(call.number(0).truncate().into())
}

fn sign(call: &mut Call<'_>) -> NativeResult {
    let x = call.number(0);
    Ok(if x.is_zero() {
        0
    } else if x.is_negative() {
        -1
    } else {
        1
    }
    .into())
}

fn abs(call: &mut Call<'_>) -> NativeResult {
    Ok(call.number(0).abs().into())
}

fn text_form(call: &mut Call<'_>) -> NativeResult {
    Ok(call.take(0))
}

fn val(call: &mut Call<'_>) -> NativeResult {
    match call.value(0) {
        Value::Null => Ok(Value::Null),
        // The message is the documented one, without the function's name.
        value => {
            to_number(value).map(Value::Number).map_err(|error| RunError::new(ErrorKind::Value, error.to_string()))
        }
    }
}

fn is_number(call: &mut Call<'_>) -> NativeResult {
    Ok(to_number(call.value(0)).is_ok().into())
}

fn is_nan(call: &mut Call<'_>) -> NativeResult {
    Ok(match call.value(0) {
        Value::Null => true,
        Value::Text(text) => parse_number(text).is_none(),
        _ => false,
    }
    .into())
}

fn range(call: &mut Call<'_>) -> NativeResult {
    let (start, count) = (call.number(0), clamped(call, 1)?);
    let Ok(count) = usize::try_from(count) else { return Err(call.refuse(1, "a whole number from 0 on")) };
    let most = call.budget().most_cells();
    if count > most {
        return Err(too_many(call, most));
    }
    call.budget().take(count.saturating_mul(size_of::<Value>()))?;
    let mut numbers = Vec::with_capacity(count);
    let mut next = start;
    for position in 0..count {
        if position.is_multiple_of(BULK) {
            call.budget().look(BULK.min(count - position))?;
        }
        numbers.push(Value::Number(next));
        if position + 1 < count {
            next = next.checked_add(Number::ONE).ok_or_else(|| overflow(call))?;
        }
    }
    Ok(Value::list(numbers))
}

/// Numbers that are paid for together.
const BULK: usize = 4_096;

/// The result is outside the range of numbers.
pub(crate) fn overflow(call: &Call<'_>) -> Box<RunError> {
    call.error(ErrorKind::Arithmetic, "number overflow: the result is beyond about ±7.9e28.")
}

#[cfg(test)]
mod tests {
    use crate::testing::Harness;
    use flowscript_lang::value::{Number, Value};

    #[test]
    fn short_ways_come_to_the_same() {
        let registry = crate::registry();
        let short = registry.functions().iter().filter_map(|function| Some((function, function.on_numbers?)));
        let texts = ["0", "-0.5", "2.5", "1.005", "-1234", "79228162514264337593543950335", "28", "-3", "0.1"];
        let numbers: Vec<Number> = texts.iter().filter_map(|text| Number::parse(text)).collect();
        let mut tried = 0;
        for (function, on_numbers) in short {
            let mut harness = Harness::default();
            let alone = numbers.iter().map(|x| vec![*x]);
            let pairs = numbers.iter().flat_map(|x| numbers.iter().map(|y| vec![*x, *y]));
            for given in alone.chain(pairs) {
                // A refused or too large one is left to the full function.
                let Some(short) = on_numbers(&given) else { continue };
                let values = given.iter().copied().map(Value::Number).collect();
                let value = harness.call(function.name, values).map(|value| value.to_literal(60));
                assert_eq!(value, Ok(short.to_string()), "{} of {given:?}", function.name);
                tried += 1;
            }
        }
        assert!(tried > 50, "only {tried} were tried");
    }
}
