//! Numbers read from texts and written as texts.

use super::{LARGEST, MAX_SCALE, Number, POWERS};
use rust_decimal::Decimal;
use std::cmp::Ordering;
use std::fmt::{self, Write};

impl Number {
    /// Reads digits with an optional sign, `.` and exponent. Nothing else: conversion from text is in `convert`. More
    /// than 28 digits are rounded half to even. `None` for anything else, and for numbers that are too large.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (negative, digits) = match bytes.first()? {
            b'-' => (true, &bytes[1..]),
            b'+' => (false, &bytes[1..]),
            _ => (false, bytes),
        };
        let mut low: u64 = 0;
        let mut scale = 0u8;
        let mut seen_point = false;
        let mut count = 0u32;
        for byte in digits {
            match byte {
                b'0'..=b'9' => {
                    count += 1;
                    if low > (u64::MAX - 9) / 10 || scale >= 18 {
                        return Self::parse_wide(text);
                    }
                    low = low * 10 + u64::from(byte - b'0');
                    scale += u8::from(seen_point);
                }
                b'.' if !seen_point => seen_point = true,
                _ => return Self::parse_wide(text),
            }
        }
        (count > 0).then_some(Self::new(low, 0, scale, negative && low != 0))
    }

    /// The number at the start of a JSON text, and how many bytes it takes. `None` if it does not start with a number,
    /// or with one that has an exponent or more than 18 digits: [`Number::parse`] reads those.
    #[inline]
    pub fn leading(text: &[u8]) -> Option<(Self, usize)> {
        let negative = text.first() == Some(&b'-');
        let start = usize::from(negative);
        let mut low: u64 = 0;
        let whole = add_digits(text.get(start..)?, &mut low);
        if whole == 0 || (whole > 1 && text.get(start) == Some(&b'0')) {
            return None;
        }
        let mut at = start + whole;
        let mut scale = 0;
        if text.get(at) == Some(&b'.') {
            at += 1;
            scale = add_digits(text.get(at..)?, &mut low);
            if scale == 0 {
                return None;
            }
            at += scale;
        }
        // This few digits fit; more may have wrapped around.
        if whole + scale > 18 || matches!(text.get(at), Some(b'e' | b'E')) {
            return None;
        }
        Some((Self::new(low, 0, scale as u8, negative && low != 0), at))
    }

    #[cold]
    fn parse_wide(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i64>().ok()?),
            None => (text, 0),
        };
        let unsigned = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
        let negative = mantissa.starts_with('-');
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        if whole.len() + fraction.len() == 0 || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return None;
        }
        // The digits without leading zeros, and the position of the point among them.
        let digits: String = whole.chars().chain(fraction.chars()).collect();
        let trimmed = digits.trim_start_matches('0');
        if trimmed.is_empty() {
            return Some(Self::ZERO);
        }
        let point = trimmed.len() as i64 - fraction.len() as i64 + exponent.clamp(-100_000, 100_000);
        if point > 29 {
            return None;
        }
        if point < -28 {
            return Some(Self::ZERO);
        }
        let plain = if point <= 0 {
            format!("0.{}{trimmed}", "0".repeat((-point) as usize))
        } else if (point as usize) >= trimmed.len() {
            format!("{trimmed}{}", "0".repeat(point as usize - trimmed.len()))
        } else {
            format!("{}.{}", &trimmed[..point as usize], &trimmed[point as usize..])
        };
        let value = parse_half_even(&plain)?;
        let number = Self::from_decimal(value);
        Some(if negative { -number } else { number })
    }
}

/// Adds the digits at the start of a text to a number, which wraps around. The result is their count.
#[inline]
fn add_digits(text: &[u8], number: &mut u64) -> usize {
    let (mut low, mut count) = (*number, 0);
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        low = low.wrapping_mul(10).wrapping_add(u64::from(digit));
        count += 1;
    }
    *number = low;
    count
}

/// Decimal text of digits and at most one point, rounded half to even if it has too many digits (`Decimal::from_str`
/// would round half up).
fn parse_half_even(plain: &str) -> Option<Decimal> {
    let digits: Vec<u8> = plain.bytes().filter(u8::is_ascii_digit).collect();
    let decimals = plain.find('.').map_or(0, |at| plain.len() - at - 1);
    // Drop digits until 96 bits and 28 decimals hold the rest.
    for drop in 0..=decimals {
        let kept_decimals = decimals - drop;
        if kept_decimals > MAX_SCALE as usize {
            continue;
        }
        let kept = &digits[..digits.len() - drop];
        let mut mantissa: u128 = 0;
        let mut fits = true;
        for digit in kept {
            mantissa = mantissa.saturating_mul(10).saturating_add(u128::from(digit - b'0'));
            if mantissa > LARGEST {
                fits = false;
                break;
            }
        }
        if !fits {
            continue;
        }
        let rest = &digits[digits.len() - drop..];
        if round_up(rest, mantissa) {
            mantissa += 1;
        }
        if mantissa > LARGEST {
            continue;
        }
        return Decimal::try_from_i128_with_scale(i128::try_from(mantissa).ok()?, kept_decimals as u32).ok();
    }
    None
}

fn round_up(rest: &[u8], mantissa: u128) -> bool {
    let Some((first, tail)) = rest.split_first() else { return false };
    match first.cmp(&b'5') {
        Ordering::Less => false,
        Ordering::Greater => true,
        Ordering::Equal => tail.iter().any(|d| *d != b'0') || mantissa % 2 == 1,
    }
}

impl Number {
    /// Appends its text form.
    #[inline]
    pub fn write_to(self, out: &mut String) {
        match self.short() {
            Some(short) => out.push_str(short.as_str()),
            // Writing to a String cannot fail.
            None => _ = write!(out, "{}", self.normalized().to_decimal()),
        }
    }

    /// The text form of a number that fits 64 bits and has up to 19 decimals.
    #[inline]
    fn short(self) -> Option<Short> {
        let plain = if self.scale() == 0 { self } else { self.normalized() };
        if plain.high() != 0 || usize::from(plain.scale()) >= POWERS.len() {
            return None;
        }
        let mut short = Short { text: [b'0'; Short::LONGEST], start: Short::LONGEST };
        let mut left = plain.low;
        for _ in 0..plain.scale() {
            short.put(b'0' + (left % 10) as u8);
            left /= 10;
        }
        if plain.scale() > 0 {
            short.put(b'.');
        }
        loop {
            short.put(b'0' + (left % 10) as u8);
            left /= 10;
            if left == 0 {
                break;
            }
        }
        if plain.negative() && plain.low != 0 {
            short.put(b'-');
        }
        Some(short)
    }
}

/// Digits, written from the last one on.
struct Short {
    text: [u8; Self::LONGEST],
    start: usize,
}

impl Short {
    /// A sign, 20 digits, a point and the zeros before them.
    const LONGEST: usize = 24;

    #[inline]
    fn put(&mut self, byte: u8) {
        self.start = self.start.saturating_sub(1);
        if let Some(place) = self.text.get_mut(self.start) {
            *place = byte;
        }
    }

    #[inline]
    fn as_str(&self) -> &str {
        // All of it is ASCII.
        self.text.get(self.start..).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }
}

impl fmt::Display for Number {
    /// The text form: shortest, dot, no exponent, no trailing zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.short() {
            Some(short) => f.write_str(short.as_str()),
            None => write!(f, "{}", self.normalized().to_decimal()),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
