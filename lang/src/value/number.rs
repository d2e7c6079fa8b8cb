//! `Number`: the exact decimal of the language.
//!
//! A 96-bit integer with up to 28 decimals, the range and the rounding of .NET's decimal (language.md §1).
//! Operands that fit 64 bits, nearly all of them, are added, multiplied and compared in 64 bits;
//! everything else goes through `rust_decimal`. There is no NaN and no infinity.

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// An exact decimal: `(-1)^negative · (high·2^64 + low) · 10^-scale`. 16 bytes.
#[derive(Clone, Copy)]
pub struct Number {
    low: u64,
    high: u32,
    scale: u8,
    negative: bool,
}

const POWERS: [u64; 20] = {
    let mut powers = [1u64; 20];
    let mut i = 1;
    while i < 20 {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// The most decimals a number can have.
pub const MAX_SCALE: u32 = 28;

impl Number {
    /// 0
    pub const ZERO: Self = Self { low: 0, high: 0, scale: 0, negative: false };
    /// 1
    pub const ONE: Self = Self { low: 1, high: 0, scale: 0, negative: false };

    /// The number as `rust_decimal` has it.
    #[inline]
    pub fn to_decimal(self) -> Decimal {
        Decimal::from_parts(self.low as u32, (self.low >> 32) as u32, self.high, self.negative, u32::from(self.scale))
    }

    /// From `rust_decimal`.
    #[inline]
    pub fn from_decimal(value: Decimal) -> Self {
        let parts = value.unpack();
        Self {
            low: u64::from(parts.lo) | u64::from(parts.mid) << 32,
            high: parts.hi,
            scale: parts.scale as u8,
            negative: parts.negative && !value.is_zero(),
        }
    }

    /// The nearest number with 15 significant digits; `None` for NaN, infinities and what is too large.
    pub fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        if value == 0.0 {
            return Some(Self::ZERO);
        }
        // 15 digits are what a double keeps for certain (functions.md, Number).
        let text = format!("{value:.14e}");
        Self::parse(&text)
    }

    /// The nearest double.
    #[inline]
    pub fn to_f64(self) -> f64 {
        if self.high == 0 && self.scale == 0 && self.low < 1 << 53 {
            let magnitude = self.low as f64;
            return if self.negative { -magnitude } else { magnitude };
        }
        self.to_decimal().to_f64().unwrap_or(0.0)
    }

    /// The number as an `i64`, if it is whole and fits.
    #[inline]
    pub fn to_i64(self) -> Option<i64> {
        if self.high == 0 && self.scale == 0 {
            let value = i64::try_from(self.low).ok()?;
            return Some(if self.negative { -value } else { value });
        }
        let decimal = self.to_decimal().normalize();
        if decimal.scale() == 0 { decimal.to_i64() } else { None }
    }

    /// The number as a position, if it is whole, not negative and fits.
    #[inline]
    pub fn to_usize(self) -> Option<usize> {
        self.to_i64().and_then(|value| usize::try_from(value).ok())
    }

    /// Has it no decimals?
    pub fn is_whole(self) -> bool {
        self.scale == 0 || self.normalized().scale == 0
    }

    /// Is it 0?
    #[inline]
    pub fn is_zero(self) -> bool {
        self.low == 0 && self.high == 0
    }

    /// Is it below 0?
    #[inline]
    pub fn is_negative(self) -> bool {
        self.negative && !self.is_zero()
    }

    /// The same value without trailing zeros.
    #[must_use]
    pub fn normalized(self) -> Self {
        if self.scale == 0 {
            return Self { negative: self.is_negative(), ..self };
        }
        if self.high == 0 {
            let mut out = self;
            while out.scale > 0 && out.low.is_multiple_of(10) {
                out.low /= 10;
                out.scale -= 1;
            }
            out.negative = out.is_negative();
            return out;
        }
        Self::from_decimal(self.to_decimal().normalize())
    }

    /// Reads digits with an optional sign, `.` and exponent. Nothing else: conversion from text is in `convert`.
    /// More than 28 digits are rounded half to even. `None` for anything else, and for what is too large.
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
        (count > 0).then_some(Self { low, high: 0, scale, negative: negative && low != 0 })
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
        // The digits without leading zeros, and where the point stands among them.
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

    #[inline]
    fn same_small(self, other: Self) -> bool {
        (self.high | other.high) == 0 && self.scale == other.scale
    }

    /// The sum; `None` where it is too large.
    #[inline]
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.add_signed(other, other.negative)
    }

    /// The difference; `None` where it is too large.
    #[inline]
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.add_signed(other, !other.negative)
    }

    #[inline]
    fn add_signed(self, other: Self, other_negative: bool) -> Option<Self> {
        if self.same_small(other) {
            if self.negative == other_negative {
                if let Some(low) = self.low.checked_add(other.low) {
                    return Some(Self { low, ..self });
                }
            } else if self.low >= other.low {
                return Some(Self { low: self.low - other.low, ..self });
            } else {
                return Some(Self { low: other.low - self.low, negative: other_negative, ..self });
            }
        }
        add_wide(self, Self { negative: other_negative, ..other })
    }

    /// The product, rounded half to even to 28 decimals; `None` where it is too large.
    #[inline]
    #[must_use]
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        if (self.high | other.high) == 0
            && let Some(low) = self.low.checked_mul(other.low)
        {
            let scale = self.scale + other.scale;
            if u32::from(scale) <= MAX_SCALE {
                return Some(Self { low, high: 0, scale, negative: self.negative != other.negative });
            }
        }
        mul_wide(self, other)
    }

    /// The quotient, rounded half to even; `None` where it is too large or `other` is 0.
    #[inline]
    #[must_use]
    pub fn checked_div(self, other: Self) -> Option<Self> {
        if self.same_small(other) && other.low != 0 && self.low.is_multiple_of(other.low) {
            let low = self.low / other.low;
            return Some(Self { low, high: 0, scale: 0, negative: self.negative != other.negative });
        }
        div_wide(self, other)
    }

    /// The remainder, with the sign of `self`; `None` where `other` is 0.
    #[inline]
    #[must_use]
    pub fn checked_rem(self, other: Self) -> Option<Self> {
        if self.same_small(other) && other.low != 0 {
            return Some(Self { low: self.low % other.low, ..self });
        }
        rem_wide(self, other)
    }

    /// The size without the sign.
    #[must_use]
    pub fn abs(self) -> Self {
        Self { negative: false, ..self }
    }

    /// Rounded half away from zero to `decimals`, which may be negative (tens, hundreds …).
    #[must_use]
    pub fn round(self, decimals: i32) -> Option<Self> {
        use rust_decimal::RoundingStrategy::MidpointAwayFromZero;
        if decimals >= 0 {
            let places = decimals.unsigned_abs();
            if u32::from(self.scale) <= places {
                return Some(self);
            }
            return Some(Self::from_decimal(self.to_decimal().round_dp_with_strategy(places, MidpointAwayFromZero)));
        }
        if decimals < -29 {
            return Some(Self::ZERO);
        }
        let mut unit = Self::ONE;
        for _ in 0..decimals.unsigned_abs() {
            match unit.checked_mul(Self::from(10)) {
                Some(next) => unit = next,
                None => return Some(Self::ZERO),
            }
        }
        let steps = self.to_decimal().checked_div(unit.to_decimal())?;
        let steps = Self::from_decimal(steps.round_dp_with_strategy(0, MidpointAwayFromZero));
        steps.checked_mul(unit)
    }

    /// The whole number below or at it.
    #[must_use]
    pub fn floor(self) -> Self {
        if self.scale == 0 { self } else { Self::from_decimal(self.to_decimal().floor()) }
    }

    /// The whole number above or at it.
    #[must_use]
    pub fn ceil(self) -> Self {
        if self.scale == 0 { self } else { Self::from_decimal(self.to_decimal().ceil()) }
    }

    /// Without its decimals.
    #[must_use]
    pub fn truncate(self) -> Self {
        if self.scale == 0 { self } else { Self::from_decimal(self.to_decimal().trunc()) }
    }
}

/// Decimal text of digits and at most one point, rounded half to even where it has too many digits
/// (`Decimal::from_str` would round half up).
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

/// 2^96 - 1
const LARGEST: u128 = (1 << 96) - 1;

fn round_up(rest: &[u8], mantissa: u128) -> bool {
    let Some((first, tail)) = rest.split_first() else { return false };
    match first.cmp(&b'5') {
        Ordering::Less => false,
        Ordering::Greater => true,
        Ordering::Equal => tail.iter().any(|d| *d != b'0') || mantissa % 2 == 1,
    }
}

#[inline(never)]
fn add_wide(a: Number, b: Number) -> Option<Number> {
    if (a.high | b.high) == 0 {
        let (coarse, fine) = if a.scale < b.scale { (a, b) } else { (b, a) };
        let shift = (fine.scale - coarse.scale) as usize;
        if shift > 0
            && let Some(low) = POWERS.get(shift).and_then(|p| coarse.low.checked_mul(*p))
        {
            let coarse = Number { low, scale: fine.scale, ..coarse };
            return coarse.add_signed(fine, fine.negative);
        }
    }
    a.to_decimal().checked_add(b.to_decimal()).map(Number::from_decimal)
}

#[inline(never)]
fn mul_wide(a: Number, b: Number) -> Option<Number> {
    a.to_decimal().checked_mul(b.to_decimal()).map(Number::from_decimal)
}

#[inline(never)]
fn div_wide(a: Number, b: Number) -> Option<Number> {
    a.to_decimal().checked_div(b.to_decimal()).map(Number::from_decimal)
}

#[inline(never)]
fn rem_wide(a: Number, b: Number) -> Option<Number> {
    a.to_decimal().checked_rem(b.to_decimal()).map(Number::from_decimal)
}

#[inline(never)]
fn compare_wide(a: Number, b: Number) -> Ordering {
    if (a.high | b.high) == 0 && a.is_negative() == b.is_negative() {
        let shift = a.scale.abs_diff(b.scale) as usize;
        let power = POWERS.get(shift).copied().unwrap_or(0);
        if power != 0 {
            let (x, y) = if a.scale < b.scale {
                (a.low.checked_mul(power), Some(b.low))
            } else {
                (Some(a.low), b.low.checked_mul(power))
            };
            if let (Some(x), Some(y)) = (x, y) {
                return if a.is_negative() { y.cmp(&x) } else { x.cmp(&y) };
            }
        }
    }
    a.to_decimal().cmp(&b.to_decimal())
}

impl std::ops::Neg for Number {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self { negative: !self.negative && !self.is_zero(), ..self }
    }
}

impl PartialEq for Number {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        if self.same_small(*other) {
            self.low == other.low && (self.negative == other.negative || self.low == 0)
        } else {
            compare_wide(*self, *other) == Ordering::Equal
        }
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        if self.same_small(*other) && !self.negative && !other.negative {
            self.low.cmp(&other.low)
        } else {
            compare_wide(*self, *other)
        }
    }
}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let plain = self.normalized();
        state.write_u64(plain.low);
        state.write_u64(u64::from(plain.high) << 16 | u64::from(plain.scale) << 1 | u64::from(plain.negative));
    }
}

impl fmt::Display for Number {
    /// The text form of language.md §1: shortest, dot, no exponent, no trailing zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.normalized();
        if plain.scale == 0 && plain.high == 0 {
            if plain.negative {
                f.write_str("-")?;
            }
            return write!(f, "{}", plain.low);
        }
        write!(f, "{}", plain.to_decimal())
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<i64> for Number {
    #[inline]
    fn from(value: i64) -> Self {
        Self { low: value.unsigned_abs(), high: 0, scale: 0, negative: value < 0 }
    }
}

impl From<i32> for Number {
    fn from(value: i32) -> Self {
        Self::from(i64::from(value))
    }
}

impl From<u32> for Number {
    fn from(value: u32) -> Self {
        Self::from(u64::from(value))
    }
}

impl From<u64> for Number {
    #[inline]
    fn from(value: u64) -> Self {
        Self { low: value, high: 0, scale: 0, negative: false }
    }
}

impl From<usize> for Number {
    #[inline]
    fn from(value: usize) -> Self {
        Self::from(value as u64)
    }
}

impl From<u128> for Number {
    /// For counters that stay far below 2^96; larger ones saturate there.
    fn from(value: u128) -> Self {
        Decimal::from_u128(value.min(LARGEST)).map_or(Self::ZERO, Self::from_decimal)
    }
}

#[cfg(test)]
mod tests;
