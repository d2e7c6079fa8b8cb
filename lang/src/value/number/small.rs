//! Calculations with small whole numbers that are part of instructions.

use super::{Number, POWERS, WHOLE, compare_wide};
use std::cmp::Ordering;

impl Number {
    /// Is it written without decimals, not even zeros?
    pub(crate) fn has_no_scale(self) -> bool {
        self.scale() == 0
    }

    /// How many decimals it is written with.
    pub(crate) fn decimals(self) -> u8 {
        self.scale()
    }

    /// Its multiple of 10^-`scale`, if that is whole and fits.
    pub(crate) fn in_units_of(self, scale: u8) -> Option<i64> {
        let power = POWERS.get(usize::from(scale.checked_sub(self.scale())?))?;
        if self.high() != 0 {
            return None;
        }
        let units = i64::try_from(self.low.checked_mul(*power)?).ok()?;
        Some(if self.negative() { -units } else { units })
    }

    /// The number itself, if it is whole, written without decimals, and below a limit.
    #[inline]
    pub(crate) fn small(self, limit: u64) -> Option<usize> {
        (self.is_plain() && self.low < limit).then_some(self.low as usize)
    }

    /// The sum with a small whole number.
    #[inline]
    pub(crate) fn add_small(self, other: u16) -> Option<Self> {
        if self.is_plain()
            && let Some(low) = self.low.checked_add(u64::from(other))
        {
            return Some(Self { low, rest: WHOLE });
        }
        self.add_signed(Self::from(u64::from(other)), false)
    }

    /// The difference to a small whole number.
    #[inline]
    pub(crate) fn subtract_small(self, other: u16) -> Option<Self> {
        if self.is_plain() && self.low >= u64::from(other) {
            return Some(Self { low: self.low - u64::from(other), rest: WHOLE });
        }
        self.add_signed(Self::from(u64::from(other)), true)
    }

    /// The product with a small whole number.
    #[inline]
    pub(crate) fn multiply_small(self, other: u16) -> Option<Self> {
        if self.is_plain()
            && let Some(low) = self.low.checked_mul(u64::from(other))
        {
            return Some(Self { low, rest: WHOLE });
        }
        self.mul_signed(Self::from(u64::from(other)))
    }

    /// The remainder by a small whole number; `None` for 0.
    #[inline]
    pub(crate) fn modulo_small(self, other: u16) -> Option<Self> {
        if self.is_plain()
            && let Ok(low) = u32::try_from(self.low)
        {
            return Some(Self { low: u64::from(low.checked_rem(u32::from(other))?), rest: WHOLE });
        }
        self.checked_rem(Self::from(u64::from(other)))
    }

    /// Its order against a small whole number.
    #[inline]
    pub(crate) fn compare_small(self, other: u16) -> Ordering {
        if self.is_plain() {
            return self.low.cmp(&u64::from(other));
        }
        compare_wide(self, Self::from(u64::from(other)))
    }

    /// Is it a small whole number?
    #[inline]
    pub(crate) fn equals_small(self, other: u16) -> bool {
        if self.is_plain() {
            return self.low == u64::from(other);
        }
        compare_wide(self, Self::from(u64::from(other))) == Ordering::Equal
    }
}
