//! `Number`: the exact decimal of the language.
//!
//! A 96-bit integer with up to 28 decimals, the range and the rounding of .NET's decimal (lang/README.md, Values).
//! Operands that fit 64 bits (nearly all) are added, multiplied and compared in 64 bits;
//! everything else goes through `rust_decimal`. There is no NaN and no infinity.

mod small;
mod text;

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU64;

/// An exact decimal: `(-1)^negative · (high·2^64 + low) · 10^-scale`. 16 bytes.
#[derive(Clone, Copy)]
pub struct Number {
    low: u64,
    rest: NonZeroU64,
}

/// `rest` holds the upper 32 bits of the integer, the scale and the sign, so that one comparison shows whether two
/// numbers have the same scale and sign and fit 64 bits. The lowest bit is always set.
const NEGATIVE: u64 = 2;
const SCALE: u32 = 8;
const HIGH: u32 = 32;

/// The rest of a whole number of at most 64 bits, 0 or above.
const WHOLE: NonZeroU64 = NonZeroU64::MIN;

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
    pub const ZERO: Self = Self { low: 0, rest: WHOLE };
    /// 1
    pub const ONE: Self = Self { low: 1, rest: WHOLE };

    #[inline]
    fn new(low: u64, high: u32, scale: u8, negative: bool) -> Self {
        let sign = if negative { NEGATIVE } else { 0 };
        Self { low, rest: WHOLE | (u64::from(high) << HIGH | u64::from(scale) << SCALE | sign) }
    }

    #[inline]
    fn high(self) -> u32 {
        (self.rest.get() >> HIGH) as u32
    }

    #[inline]
    fn scale(self) -> u8 {
        (self.rest.get() >> SCALE) as u8
    }

    #[inline]
    fn negative(self) -> bool {
        self.rest.get() & NEGATIVE != 0
    }

    #[inline]
    fn with_sign(self, negative: bool) -> Self {
        Self::new(self.low, self.high(), self.scale(), negative)
    }

    /// Do both fit 64 bits?
    #[inline]
    fn both_narrow(self, other: Self) -> bool {
        (self.rest.get() | other.rest.get()) >> HIGH == 0
    }

    /// Is it whole, at least 0, and does it fit 64 bits?
    #[inline]
    fn is_plain(self) -> bool {
        self.rest == WHOLE
    }

    /// The number as a `rust_decimal`.
    #[inline]
    pub fn to_decimal(self) -> Decimal {
        Decimal::from_parts(
            self.low as u32,
            (self.low >> 32) as u32,
            self.high(),
            self.negative(),
            u32::from(self.scale()),
        )
    }

    /// From `rust_decimal`.
    #[inline]
    pub fn from_decimal(value: Decimal) -> Self {
        let parts = value.unpack();
        let low = u64::from(parts.lo) | u64::from(parts.mid) << 32;
        Self::new(low, parts.hi, parts.scale as u8, parts.negative && !value.is_zero())
    }

    /// The nearest number with 15 significant digits; `None` for NaN, infinities and values that are too large.
    pub fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        if value == 0.0 {
            return Some(Self::ZERO);
        }
        // A double keeps 15 digits for certain (functions.md, Number).
        let text = format!("{value:.14e}");
        Self::parse(&text)
    }

    /// The nearest double.
    #[inline]
    pub fn to_f64(self) -> f64 {
        if self.high() == 0 && self.scale() == 0 && self.low < 1 << 53 {
            let magnitude = self.low as f64;
            return if self.negative() { -magnitude } else { magnitude };
        }
        self.to_decimal().to_f64().unwrap_or(0.0)
    }

    /// The number as an `i64`, if it is whole and fits.
    #[inline]
    pub fn to_i64(self) -> Option<i64> {
        if self.high() == 0 && self.scale() == 0 {
            // The least `i64` is farther from zero than the greatest.
            return if self.negative() { 0_i64.checked_sub_unsigned(self.low) } else { i64::try_from(self.low).ok() };
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
        self.scale() == 0 || self.normalized().scale() == 0
    }

    /// Is it 0?
    #[inline]
    pub fn is_zero(self) -> bool {
        self.low == 0 && self.high() == 0
    }

    /// Is it below 0?
    #[inline]
    pub fn is_negative(self) -> bool {
        self.negative() && !self.is_zero()
    }

    /// The same value without trailing zeros.
    #[must_use]
    pub fn normalized(self) -> Self {
        if self.scale() == 0 {
            return self.with_sign(self.is_negative());
        }
        if self.high() == 0 {
            let (mut low, mut scale) = (self.low, self.scale());
            while scale > 0 && low.is_multiple_of(10) {
                low /= 10;
                scale -= 1;
            }
            return Self::new(low, 0, scale, self.is_negative());
        }
        Self::from_decimal(self.to_decimal().normalize())
    }

    /// Have both the same scale, and fit 64 bits?
    #[inline]
    fn same_small(self, other: Self) -> bool {
        let (a, b) = (self.rest.get(), other.rest.get());
        (a | b) >> HIGH == 0 && (a ^ b) & !NEGATIVE == 0
    }

    /// The sum; `None` if it is too large.
    #[inline]
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        if self.rest == other.rest
            && self.rest.get() >> HIGH == 0
            && let Some(low) = self.low.checked_add(other.low)
        {
            return Some(Self { low, rest: self.rest });
        }
        self.add_signed(other, other.negative())
    }

    /// The difference; `None` if it is too large.
    #[inline]
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        if self.rest == other.rest && self.rest.get() >> HIGH == 0 && self.low >= other.low {
            return Some(Self { low: self.low - other.low, rest: self.rest });
        }
        self.add_signed(other, !other.negative())
    }

    #[inline(never)]
    fn add_signed(self, other: Self, other_negative: bool) -> Option<Self> {
        if self.same_small(other) {
            if self.negative() == other_negative {
                if let Some(low) = self.low.checked_add(other.low) {
                    return Some(Self { low, ..self });
                }
            } else if self.low >= other.low {
                return Some(Self { low: self.low - other.low, ..self });
            } else {
                return Some(Self { low: other.low - self.low, ..self }.with_sign(other_negative));
            }
        }
        add_wide(self, other.with_sign(other_negative))
    }

    /// The product, rounded half to even to 28 decimals; `None` if it is too large.
    #[inline]
    #[must_use]
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        if self.is_plain()
            && other.is_plain()
            && let Some(low) = self.low.checked_mul(other.low)
        {
            return Some(Self { low, rest: WHOLE });
        }
        self.mul_signed(other)
    }

    #[inline(never)]
    fn mul_signed(self, other: Self) -> Option<Self> {
        if self.both_narrow(other)
            && let Some(low) = self.low.checked_mul(other.low)
        {
            let scale = self.scale() + other.scale();
            if u32::from(scale) <= MAX_SCALE {
                return Some(Self::new(low, 0, scale, self.negative() != other.negative()));
            }
        }
        mul_wide(self, other)
    }

    /// The quotient, rounded half to even; `None` if it is too large or `other` is 0.
    #[inline]
    #[must_use]
    pub fn checked_div(self, other: Self) -> Option<Self> {
        if self.same_small(other) && other.low != 0 && self.low.is_multiple_of(other.low) {
            return Some(Self::new(self.low / other.low, 0, 0, self.negative() != other.negative()));
        }
        div_wide(self, other)
    }

    /// The remainder, with the sign of `self`; `None` if `other` is 0.
    #[inline]
    #[must_use]
    pub fn checked_rem(self, other: Self) -> Option<Self> {
        if self.same_small(other) && other.low != 0 {
            // A division of half the width takes a fraction of the time.
            let low = match (u32::try_from(self.low), u32::try_from(other.low)) {
                (Ok(a), Ok(b)) if b != 0 => u64::from(a % b),
                _ => self.low % other.low,
            };
            return Some(Self { low, ..self });
        }
        rem_wide(self, other)
    }

    /// The size without the sign.
    #[must_use]
    pub fn abs(self) -> Self {
        self.with_sign(false)
    }

    /// Rounded half away from zero to `decimals`, which may be negative (tens, hundreds …).
    #[must_use]
    pub fn round(self, decimals: i32) -> Option<Self> {
        use rust_decimal::RoundingStrategy::MidpointAwayFromZero;
        if decimals >= 0 {
            let places = decimals.unsigned_abs();
            if u32::from(self.scale()) <= places {
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
        if self.scale() == 0 { self } else { Self::from_decimal(self.to_decimal().floor()) }
    }

    /// The whole number above or at it.
    #[must_use]
    pub fn ceil(self) -> Self {
        if self.scale() == 0 { self } else { Self::from_decimal(self.to_decimal().ceil()) }
    }

    /// Without its decimals.
    #[must_use]
    pub fn truncate(self) -> Self {
        if self.scale() == 0 { self } else { Self::from_decimal(self.to_decimal().trunc()) }
    }
}

/// 2^96 - 1
const LARGEST: u128 = (1 << 96) - 1;

#[inline(never)]
fn add_wide(a: Number, b: Number) -> Option<Number> {
    if a.both_narrow(b) {
        let (coarse, fine) = if a.scale() < b.scale() { (a, b) } else { (b, a) };
        let shift = usize::from(fine.scale() - coarse.scale());
        if shift > 0
            && let Some(low) = POWERS.get(shift).and_then(|p| coarse.low.checked_mul(*p))
        {
            return Number::new(low, 0, fine.scale(), coarse.negative()).add_signed(fine, fine.negative());
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
    if a.both_narrow(b) && a.is_negative() == b.is_negative() {
        let shift = usize::from(a.scale().abs_diff(b.scale()));
        let power = POWERS.get(shift).copied().unwrap_or(0);
        if power != 0 {
            let (x, y) = if a.scale() < b.scale() {
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
        self.with_sign(!self.negative() && !self.is_zero())
    }
}

impl PartialEq for Number {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        if self.rest == other.rest && self.rest.get() >> HIGH == 0 {
            self.low == other.low
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
        if self.rest == other.rest && self.rest.get() & (NEGATIVE | !0 << HIGH) == 0 {
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
        state.write_u64(plain.rest.get());
    }
}

impl From<i64> for Number {
    #[inline]
    fn from(value: i64) -> Self {
        Self::new(value.unsigned_abs(), 0, 0, value < 0)
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
        Self { low: value, rest: WHOLE }
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
