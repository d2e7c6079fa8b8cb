//! Decimals of PostgreSQL, in the binary form of its protocol.

use flowscript_lang::value::Number;
use std::error::Error;
use std::fmt::Write;
use tokio_postgres::types::private::BytesMut;

/// A decimal as the server sends it: digits of base 10,000.
pub(super) fn read_numeric(raw: &[u8]) -> Result<Number, Box<dyn Error + Sync + Send>> {
    let word = |at: usize| -> Result<i16, Box<dyn Error + Sync + Send>> {
        let bytes: [u8; 2] = raw.get(at * 2..at * 2 + 2).ok_or("a number is cut off")?.try_into()?;
        Ok(i16::from_be_bytes(bytes))
    };
    let (digits, weight, sign, scale) = (word(0)? as u16, word(1)?, word(2)? as u16, word(3)? as u16);
    if sign & 0x8000 != 0 {
        return Err("NaN and infinite numbers are not numbers of FlowScript".into());
    }
    let digit = |position: i32| -> Result<i16, Box<dyn Error + Sync + Send>> {
        let at = i32::from(weight) - position;
        if (0..i32::from(digits)).contains(&at) { word(4 + at as usize) } else { Ok(0) }
    };
    let mut text = String::from(if sign == 0x4000 { "-0" } else { "0" });
    for position in (0..=i32::from(weight.max(0))).rev() {
        write!(text, "{:04}", digit(position)?)?;
    }
    if scale > 0 {
        text.push('.');
        let mut fraction = String::new();
        for position in 1..=i32::from(scale.div_ceil(4)) {
            write!(fraction, "{:04}", digit(-position)?)?;
        }
        text.push_str(fraction.get(..usize::from(scale)).unwrap_or(&fraction));
    }
    Number::parse(&text).ok_or_else(|| format!("the number {text} has more digits than FlowScript keeps").into())
}

/// The digits of a decimal in the server's format.
pub(super) fn write_numeric(text: &str, out: &mut BytesMut) {
    let (sign, text) = text.strip_prefix('-').map_or((0_u16, text), |rest| (0x4000, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = format!("{}{whole}", "0".repeat((4 - whole.len() % 4) % 4));
    let padded = format!("{fraction}{}", "0".repeat((4 - fraction.len() % 4) % 4));
    let digits: Vec<i16> = whole
        .as_bytes()
        .chunks(4)
        .chain(padded.as_bytes().chunks(4))
        .map(|four| four.iter().fold(0, |value, digit| value * 10 + i16::from(digit - b'0')))
        .collect();
    let weight = (whole.len() / 4) as i16 - 1;
    for word in [digits.len() as u16, weight as u16, sign, fraction.len() as u16] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    digits.iter().for_each(|digit| out.extend_from_slice(&digit.to_be_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_come_back_with_all_digits() {
        for text in ["0", "1", "-1", "12345.6789", "0.0001", "10000", "-0.5", "79228162514264337593543950335", "1.50"] {
            let mut bytes = BytesMut::new();
            write_numeric(text, &mut bytes);
            let back = read_numeric(&bytes).unwrap();
            assert_eq!(back, Number::parse(text).unwrap(), "{text}");
        }
    }
}
