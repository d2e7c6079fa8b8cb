//! Calculations with small whole numbers, which instructions hold themselves.

use super::{Number, WHOLE, compare_wide};
use std::cmp::Ordering;

impl Number {
    /// Is it written without decimals, not even zeros?
    pub(crate) fn has_no_scale(self) -> bool {
        self.scale() == 0
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
