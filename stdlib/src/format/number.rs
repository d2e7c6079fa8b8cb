//! Numbers by the standard patterns: a letter and a precision.

use super::FormatError;
use super::culture::Culture;
use super::custom::format_custom;
use super::digits::Digits;
use crate::show::quoted;
use flowscript_lang::value::Number;
use std::fmt::Write;

/// A number as text, by a standard or custom pattern.
pub fn format_number(number: Number, pattern: &str, culture: &Culture) -> Result<String, FormatError> {
    super::check_length(pattern)?;
    let mut chars = pattern.chars();
    let Some(letter) = chars.next() else { return Ok(general(number, 'G', None, culture)) };
    let precision = chars.as_str();
    if !letter.is_ascii_alphabetic() || !precision.bytes().all(|byte| byte.is_ascii_digit()) {
        return format_custom(number, pattern, culture);
    }
    let precision: Option<i64> = match precision {
        "" => None,
        digits => match digits.parse() {
            Ok(precision) if precision <= super::MOST_DIGITS => Some(precision),
            _ => {
                let most = super::MOST_DIGITS;
                let message = format!("the pattern {} has a precision above {most}, the limit.", quoted(pattern));
                return Err(FormatError::Pattern(message));
            }
        },
    };
    match letter.to_ascii_uppercase() {
        'C' => Ok(currency(number, precision, culture)),
        'D' => decimal(number, precision),
        'E' => Ok(exponential(number, letter, precision.unwrap_or(6), culture)),
        'F' => Ok(signed(number, precision.unwrap_or(2), "", culture)),
        'G' => Ok(general(number, letter, precision, culture)),
        'N' => Ok(signed(number, precision.unwrap_or(2), culture.group, culture)),
        'P' => Ok(percent(number, precision.unwrap_or(2), culture)),
        'R' => Ok(general(number, letter, None, culture)),
        'X' => hexadecimal(number, letter, precision),
        _ => Err(FormatError::Pattern(format!(
            "the pattern {} begins with {letter}, which is not one of the letters C D E F G N P R X for numbers. \
             Write '\\{letter}' if you want the letter itself.",
            quoted(pattern)
        ))),
    }
}

fn currency(number: Number, precision: Option<i64>, culture: &Culture) -> String {
    let currency = &culture.currency;
    let decimals = precision.unwrap_or(currency.decimals as i64);
    let mut digits = Digits::new(number);
    digits.round(decimals);
    let text = fixed(&digits, decimals, currency.group, culture);
    let picture = if digits.negative { currency.negative } else { currency.positive };
    fill(picture, &text, currency.symbol)
}

fn percent(number: Number, decimals: i64, culture: &Culture) -> String {
    let mut digits = Digits::new(number);
    digits.shift(2);
    digits.round(decimals);
    let text = fixed(&digits, decimals, culture.group, culture);
    let sign = if digits.negative { "-" } else { "" };
    format!("{sign}{}", fill(culture.percent, &text, ""))
}

/// `n` becomes the number and `$` the symbol.
fn fill(picture: &str, number: &str, symbol: &str) -> String {
    let mut out = String::new();
    for c in picture.chars() {
        match c {
            'n' => out.push_str(number),
            '$' => out.push_str(symbol),
            c => out.push(c),
        }
    }
    out
}

fn signed(number: Number, decimals: i64, group: &str, culture: &Culture) -> String {
    let mut digits = Digits::new(number);
    digits.round(decimals);
    let sign = if digits.negative { "-" } else { "" };
    format!("{sign}{}", fixed(&digits, decimals, group, culture))
}

/// Rounded digits without their sign.
fn fixed(digits: &Digits, decimals: i64, group: &str, culture: &Culture) -> String {
    let mut out = digits.whole(1, group);
    if decimals > 0 {
        out.push_str(culture.decimal);
        out.push_str(&digits.fraction(decimals));
    }
    out
}

fn decimal(number: Number, precision: Option<i64>) -> Result<String, FormatError> {
    let digits = whole(number, "D")?;
    let sign = if digits.negative { "-" } else { "" };
    Ok(format!("{sign}{}", digits.whole(precision.unwrap_or(1).max(1), "")))
}

fn hexadecimal(number: Number, letter: char, precision: Option<i64>) -> Result<String, FormatError> {
    let digits = whole(number, "X")?;
    let magnitude: u128 = digits.whole(1, "").parse().unwrap_or(0);
    let bits = match i128::try_from(magnitude).map(|size| if digits.negative { -size } else { size }) {
        Ok(value @ 0..) => value.unsigned_abs(),
        // As .NET shows an int, or where it does not fit one, a long.
        Ok(value) if value >= i128::from(i32::MIN) => u128::from(value as u32),
        Ok(value) if value >= i128::from(i64::MIN) => u128::from(value as u64),
        _ => {
            let message = format!("the pattern X shows negative numbers down to {}, not {number}.", i64::MIN);
            return Err(FormatError::Pattern(message));
        }
    };
    let width = usize::try_from(precision.unwrap_or(0)).unwrap_or(0);
    Ok(if letter == 'X' { format!("{bits:X}") } else { format!("{bits:x}") }).map(|text| {
        let zeros = width.saturating_sub(text.len());
        "0".repeat(zeros) + &text
    })
}

fn whole(number: Number, letter: &str) -> Result<Digits, FormatError> {
    let digits = Digits::new(number);
    if digits.decimals() > 0 {
        return Err(FormatError::Pattern(format!("the pattern {letter} requires a whole number, not {number}.")));
    }
    Ok(digits)
}

fn exponential(number: Number, letter: char, decimals: i64, culture: &Culture) -> String {
    let mut digits = Digits::new(number);
    digits.round_significant(decimals.saturating_add(1));
    scientific(&digits, letter, decimals, 3, culture)
}

/// `d.ddd` and an exponent of at least `least` digits.
fn scientific(digits: &Digits, letter: char, decimals: i64, least: usize, culture: &Culture) -> String {
    let mut out = String::new();
    if digits.negative {
        out.push('-');
    }
    let exponent = if digits.is_zero() { 0 } else { digits.point - 1 };
    out.push(char::from(b'0' + digits.digit(0)));
    if decimals > 0 {
        out.push_str(culture.decimal);
        out.extend((1..=decimals).map(|at| char::from(b'0' + digits.digit(at))));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    // Writing to a String cannot fail.
    let _ = write!(out, "{letter}{sign}{:0least$}", exponent.abs());
    out
}

fn general(number: Number, letter: char, precision: Option<i64>, culture: &Culture) -> String {
    let mut digits = Digits::new(number);
    if let Some(precision) = precision.filter(|precision| *precision > 0) {
        digits.round_significant(precision);
        if digits.point > precision || digits.point < -3 {
            let letter = if letter == 'g' { 'e' } else { 'E' };
            return scientific(&digits, letter, digits.len() as i64 - 1, 2, culture);
        }
    }
    let sign = if digits.negative { "-" } else { "" };
    format!("{sign}{}", fixed(&digits, digits.decimals(), "", culture))
}
