//! Powers, roots, logarithms, angles.
//!
//! Exact results stay exact; all others are rounded to the 15 significant digits of a double.

use crate::number::overflow;
use crate::row::{Row, fails, gives, row};
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::value::{Number, Value};

pub(crate) const ROWS: &[Row] = &[
    row("Pow(x: number, y: number) -> number", "x to the power of y.", pow)
        .also(&["Maths.Pow"])
        .rules(
            "Whole powers are exact where 28 digits hold them; inexact results are rounded to 15 significant digits. No real result, \
             or one beyond about ±7.9e28, is an error.",
        )
        .examples(&[gives("Pow(8, 3)", "512"), gives("Pow(2, -1)", "0.5"), gives("Pow(2, 64)", "18446744073709551616"), fails("Pow(-2, 0.5)", "no real result")]),
    row("Sqrt(x: number) -> number", "The square root.", sqrt)
        .also(&["Maths.Sqrt"])
        .rules("Exact, or rounded to 15 significant digits. Of a negative number an error.")
        .examples(&[gives("Sqrt(144)", "12"), gives("Sqrt(2)", "1.4142135623731"), fails("Sqrt(-1)", "no real result")]),
    row("Exp(x: number) -> number", "e to the power of x.", exp)
        .also(&["Maths.Exp"])
        .rules("15 significant digits.")
        .examples(&[gives("Exp(0)", "1"), gives("Round(Exp(1), 12)", "2.718281828459"), fails("Exp(100)", "overflow")]),
    row("Ln(x: number) -> number", "The natural logarithm.", ln)
        .also(&["Maths.Ln"])
        .rules("15 significant digits. Of 0 and negative numbers an error.")
        .examples(&[gives("Ln(1)", "0"), gives("Round(Ln(10), 12)", "2.302585092994"), fails("Ln(0)", "no real result")]),
    row("Log10(x: number) -> number", "The logarithm to base 10.", log10)
        .also(&["Maths.Log10"])
        .rules("15 significant digits. Of 0 and negative numbers an error.")
        .examples(&[gives("Log10(1000)", "3"), gives("Log10(0.01)", "-2")]),
    row("Maths.Log(x: number, base?: number) -> number", "The logarithm to a base, e if none is given.", log)
        .rules("15 significant digits. The base is positive and not 1. `Log` without the module writes to the log.")
        .examples(&[gives("Maths.Log(8, 2)", "3"), gives("Maths.Log(1)", "0"), fails("Maths.Log(8, 1)", "base")]),
    row("Sin(x: number) -> number", "The sine of an angle in radians.", sin)
        .also(&["Maths.Sin"])
        .rules("15 significant digits.")
        .examples(&[gives("Sin(0)", "0"), gives("Round(Sin(0.5), 12)", "0.479425538604")]),
    row("Cos(x: number) -> number", "The cosine of an angle in radians.", cos)
        .also(&["Maths.Cos"])
        .rules("15 significant digits.")
        .examples(&[gives("Cos(0)", "1")]),
    row("Tan(x: number) -> number", "The tangent of an angle in radians.", tan)
        .also(&["Maths.Tan"])
        .rules("15 significant digits.")
        .examples(&[gives("Tan(0)", "0")]),
    row("Asin(x: number) -> number", "The angle, in radians, of a sine.", asin)
        .also(&["Maths.Asin"])
        .rules("15 significant digits. Outside -1 to 1 an error.")
        .examples(&[gives("Asin(0)", "0"), fails("Asin(2)", "no real result")]),
    row("Acos(x: number) -> number", "The angle, in radians, of a cosine.", acos)
        .also(&["Maths.Acos"])
        .rules("15 significant digits. Outside -1 to 1 an error.")
        .examples(&[gives("Round(Acos(-1), 12)", "3.14159265359")]),
    row("Atan(x: number) -> number", "The angle, in radians, of a tangent.", atan)
        .also(&["Maths.Atan"])
        .rules("15 significant digits.")
        .examples(&[gives("Round(Atan(1), 12)", "0.785398163397")]),
    row("Atan2(y: number, x: number) -> number", "The angle, in radians, of the point (x, y).", atan2)
        .also(&["Maths.Atan2"])
        .rules("15 significant digits; above -Pi() up to Pi(), 0 for the point (0, 0).")
        .examples(&[gives("Round(Atan2(1, -1), 12)", "2.356194490192")]),
    row("Sinh(x: number) -> number", "The hyperbolic sine.", sinh)
        .also(&["Maths.Sinh"])
        .rules("15 significant digits.")
        .examples(&[gives("Sinh(0)", "0")]),
    row("Cosh(x: number) -> number", "The hyperbolic cosine.", cosh)
        .also(&["Maths.Cosh"])
        .rules("15 significant digits.")
        .examples(&[gives("Cosh(0)", "1")]),
    row("Tanh(x: number) -> number", "The hyperbolic tangent.", tanh)
        .also(&["Maths.Tanh"])
        .rules("15 significant digits.")
        .examples(&[gives("Round(Tanh(1), 12)", "0.761594155956")]),
    row("ToDegrees(radians: number) -> number", "An angle in degrees.", to_degrees)
        .also(&["Maths.ToDegrees"])
        .examples(&[gives("Round(ToDegrees(Pi()), 9)", "180")]),
    row("ToRadians(degrees: number) -> number", "An angle in radians.", to_radians)
        .also(&["Maths.ToRadians"])
        .examples(&[gives("Round(ToRadians(180), 12)", "3.14159265359")]),
    row("Pi() -> number", "The ratio of a circle's circumference to its diameter.", pi)
        .also(&["Maths.Pi"])
        .rules("28 decimals.")
        .examples(&[gives("Round(Pi(), 4)", "3.1416")]),
];

fn pow(call: &mut Call<'_>) -> NativeResult {
    let (x, y) = (call.number(0), call.number(1));
    if x.is_zero() && y.is_negative() {
        return Err(no_result(call));
    }
    match y.to_i64() {
        Some(power) => whole_power(x, power).map(Value::Number).ok_or_else(|| overflow(call)),
        None => rounded(call, x.to_f64().powf(y.to_f64())),
    }
}

/// `x^power`: exact if 28 digits hold it, else 15 significant digits. `None` if it is too large.
fn whole_power(x: Number, power: i64) -> Option<Number> {
    let one = Number::ONE;
    if power == 0 || x == one {
        return Some(one);
    }
    if x.is_zero() {
        return Some(Number::ZERO);
    }
    let size = power.unsigned_abs();
    if let Some(exact) = exact_power(x, size) {
        return if power > 0 { Some(exact) } else { one.checked_div(exact) };
    }
    // Powers of numbers above 1 keep all digits in between; those of smaller numbers are their inverse.
    let small = x.abs() < one;
    let base = if small { one.checked_div(x)? } else { x };
    let inverted = small != (power < 0);
    match by_squaring(base, size) {
        Some(result) => {
            let result = if inverted { one.checked_div(result)? } else { result };
            to_15_digits(result)
        }
        // Too large to hold: as a divisor it gives zero.
        None => inverted.then_some(Number::ZERO),
    }
}

/// The power, if neither its digits nor its decimals have to be rounded.
fn exact_power(x: Number, power: u64) -> Option<Number> {
    let decimal = x.to_decimal().normalize();
    let scale = u64::from(decimal.scale()).checked_mul(power)?;
    let mut mantissa: u128 = 1;
    let factor = decimal.mantissa().unsigned_abs();
    for _ in 0..power {
        mantissa = mantissa.checked_mul(factor).filter(|mantissa| *mantissa < 1 << 96)?;
        if factor == 1 {
            break;
        }
    }
    let scale = u32::try_from(scale).ok().filter(|scale| *scale <= flowscript_lang::value::MAX_SCALE)?;
    let mantissa = i128::try_from(mantissa).ok()?;
    let result = Number::from_decimal(rust_decimal::Decimal::try_from_i128_with_scale(mantissa, scale).ok()?);
    Some(if x.is_negative() && power % 2 == 1 { -result } else { result })
}

fn by_squaring(base: Number, mut power: u64) -> Option<Number> {
    let (mut result, mut square) = (Number::ONE, base);
    loop {
        if power % 2 == 1 {
            result = result.checked_mul(square)?;
        }
        power /= 2;
        if power == 0 {
            return Some(result);
        }
        square = square.checked_mul(square)?;
    }
}

fn to_15_digits(number: Number) -> Option<Number> {
    if number.is_zero() {
        return Some(number);
    }
    let text = number.abs().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let leading = match whole.trim_start_matches('0').len() {
        0 => -(fraction.len() as i32 - fraction.trim_start_matches('0').len() as i32),
        digits => digits as i32,
    };
    number.round(15 - leading)
}

fn sqrt(call: &mut Call<'_>) -> NativeResult {
    let x = call.number(0);
    match exact_root(x) {
        Some(root) => Ok(root.into()),
        None => rounded(call, x.to_f64().sqrt()),
    }
}

/// The root of a number that is a square.
fn exact_root(x: Number) -> Option<Number> {
    let decimal = x.to_decimal().normalize();
    let odd = decimal.scale() % 2;
    let square = u128::try_from(decimal.mantissa()).ok()?.checked_mul(10u128.pow(odd))?;
    let root = square.isqrt();
    (root * root == square).then_some(())?;
    let root = rust_decimal::Decimal::try_from_i128_with_scale(i128::try_from(root).ok()?, decimal.scale().div_ceil(2));
    root.ok().map(Number::from_decimal)
}

fn exp(call: &mut Call<'_>) -> NativeResult {
    of_one(call, f64::exp)
}

fn ln(call: &mut Call<'_>) -> NativeResult {
    logarithm(call, f64::ln)
}

fn log10(call: &mut Call<'_>) -> NativeResult {
    logarithm(call, f64::log10)
}

fn log(call: &mut Call<'_>) -> NativeResult {
    if !call.is_given(1) {
        return ln(call);
    }
    let base = call.number(1);
    if base.is_zero() || base.is_negative() || base == Number::ONE {
        return Err(call.refuse(1, "a number above 0 that is not 1"));
    }
    match base.to_i64() {
        Some(10) => return log10(call),
        Some(2) => return logarithm(call, f64::log2),
        _ => {}
    }
    let x = call.number(0);
    if x.is_zero() || x.is_negative() {
        return Err(no_result(call));
    }
    rounded(call, x.to_f64().ln() / base.to_f64().ln())
}

fn logarithm(call: &Call<'_>, function: fn(f64) -> f64) -> NativeResult {
    let x = call.number(0);
    if x.is_zero() || x.is_negative() {
        return Err(no_result(call));
    }
    rounded(call, function(x.to_f64()))
}

fn sin(call: &mut Call<'_>) -> NativeResult {
    of_one(call, f64::sin)
}

fn cos(call: &mut Call<'_>) -> NativeResult {
    of_one(call, f64::cos)
}

fn tan(call: &mut Call<'_>) -> NativeResult {
    of_one(call, f64::tan)
}

fn asin(call: &mut Call<'_>) -> NativeResult {
    of_one(call, f64::asin)
}

fn acos(call: &mut Call<'_>) -> NativeResult {
    of_one(call, f64::acos)
}

fn atan(call: &mut Call<'_>) -> NativeResult {
    of_one(call, f64::atan)
}

fn atan2(call: &mut Call<'_>) -> NativeResult {
    rounded(call, call.number(0).to_f64().atan2(call.number(1).to_f64()))
}

fn sinh(call: &mut Call<'_>) -> NativeResult {
    of_one(call, f64::sinh)
}

fn cosh(call: &mut Call<'_>) -> NativeResult {
    of_one(call, f64::cosh)
}

fn tanh(call: &mut Call<'_>) -> NativeResult {
    of_one(call, f64::tanh)
}

fn of_one(call: &Call<'_>, function: fn(f64) -> f64) -> NativeResult {
    rounded(call, function(call.number(0).to_f64()))
}

fn to_degrees(call: &mut Call<'_>) -> NativeResult {
    let degrees = call.number(0).checked_mul(Number::from(180)).and_then(|x| x.checked_div(circle_ratio()));
    degrees.map(Value::Number).ok_or_else(|| overflow(call))
}

fn to_radians(call: &mut Call<'_>) -> NativeResult {
    let radians = call.number(0).checked_div(Number::from(180)).and_then(|x| x.checked_mul(circle_ratio()));
    radians.map(Value::Number).ok_or_else(|| overflow(call))
}

fn pi(_: &mut Call<'_>) -> NativeResult {
    Ok(circle_ratio().into())
}

fn circle_ratio() -> Number {
    Number::from_decimal(rust_decimal::Decimal::PI)
}

/// A double with its 15 digits, or why it cannot be represented.
fn rounded(call: &Call<'_>, value: f64) -> NativeResult {
    if value.is_nan() {
        return Err(no_result(call));
    }
    Number::from_f64(value).map(Value::Number).ok_or_else(|| overflow(call))
}

fn no_result(call: &Call<'_>) -> Box<flowscript_lang::error::RunError> {
    let arguments: Vec<String> = call.arguments().iter().map(|argument| argument.to_literal(40)).collect();
    call.value_error(format_args!("there is no real result for {}.", arguments.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::shown;

    fn n(text: &str) -> Value {
        Value::Number(Number::parse(text).expect("a number"))
    }

    fn pow(x: &str, y: &str) -> String {
        shown("Pow", vec![n(x), n(y)])
    }

    #[test]
    fn whole_powers_are_exact() {
        for (x, y, wanted) in [
            ("2", "95", "39614081257132168796771975168"),
            ("-3", "3", "-27"),
            ("0.1", "28", "0.0000000000000000000000000001"),
            ("1.5", "10", "57.6650390625"),
            ("0.2", "-3", "125"),
            ("-2", "-3", "-0.125"),
            ("0.75", "-2", "1.7777777777777777777777777778"),
            ("0", "0", "1"),
            ("0", "5", "0"),
            ("1", "9223372036854775807", "1"),
            ("-1", "9223372036854775807", "-1"),
            ("1e14", "2", "10000000000000000000000000000"),
            ("2", "-200", "0"),
            ("0.5", "200", "0"),
        ] {
            assert_eq!(pow(x, y), wanted, "{x}^{y}");
        }
    }

    #[test]
    fn other_powers_have_15_digits() {
        for (x, y, wanted) in [
            ("2", "0.5", "1.4142135623731"),
            ("1.1", "100", "13780.6123398223"),
            ("1.1", "-100", "0.000072565715901482"),
            ("0.3", "-30", "4856935749618860"),
            ("8", "0.3333333333333333333333333333", "2"),
            ("1.0000001", "10000000", "2.71828169254497"),
        ] {
            assert_eq!(pow(x, y), wanted, "{x}^{y}");
        }
        assert!(pow("2", "96").contains("overflow"));
        assert!(pow("0.5", "-96").contains("overflow"));
        assert!(pow("10", "28.95").contains("overflow"));
        assert_eq!(pow("0", "-1"), "Pow: there is no real result for 0, -1.");
        assert_eq!(pow("-8", "0.5"), "Pow: there is no real result for -8, 0.5.");
    }

    #[test]
    fn roots_of_squares_are_exact() {
        let root = |x: &str| shown("Sqrt", vec![n(x)]);
        assert_eq!(root("0"), "0");
        assert_eq!(root("0.0001"), "0.01");
        assert_eq!(root("0.25"), "0.5");
        assert_eq!(root("1.52415787532374345526722756"), "1.2345678901234");
        assert_eq!(root("15241578753238669120562399025"), "123456789012345");
        assert_eq!(root("1e28"), "100000000000000");
    }

    #[test]
    fn domains_end_in_errors() {
        assert_eq!(shown("Ln", vec![n("0")]), "Ln: there is no real result for 0.");
        assert_eq!(shown("Asin", vec![2.into()]), "Asin: there is no real result for 2.");
        assert_eq!(shown("Maths.Log", vec![(-1).into(), 3.into()]), "Maths.Log: there is no real result for -1, 3.");
        assert!(shown("Cosh", vec![100.into()]).starts_with("Cosh: number overflow"));
        assert!(shown("Maths.Log", vec![8.into(), 1.into()]).contains("base takes a number above 0"));
        assert_eq!(shown("Maths.Log", vec![1000.into(), 10.into()]), "3");
        assert_eq!(shown("Log10", vec![n("0.0000000000000000000000000001")]), "-28");
    }

    #[test]
    fn angles() {
        assert_eq!(shown("Pi", vec![]), "3.1415926535897932384626433833");
        assert_eq!(shown("ToDegrees", vec![n("3.1415926535897932384626433833")]), "180");
        assert_eq!(shown("Atan2", vec![0.into(), 0.into()]), "0");
        assert_eq!(shown("Sin", vec![n("1e-20")]), "0.00000000000000000001");
    }
}
