//! A number as its decimal digits, for any notation.

use flowscript_lang::value::Number;

/// `0.d₁d₂d₃… · 10^point`, without zeros at either end; zero has no digits and is not negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Digits {
    pub negative: bool,
    list: Vec<u8>,
    /// The number of digits before the point; negative if zeros follow it.
    pub point: i64,
}

impl Digits {
    pub(super) fn new(number: Number) -> Self {
        let text = number.abs().to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|byte| byte - b'0').collect();
        let zeros = all.iter().take_while(|digit| **digit == 0).count();
        let mut digits = Self {
            negative: number.is_negative(),
            list: all.into_iter().skip(zeros).collect(),
            point: whole.len() as i64 - zeros as i64,
        };
        digits.trim();
        digits
    }

    pub(super) fn is_zero(&self) -> bool {
        self.list.is_empty()
    }

    /// The number of digits.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// The digit at `position`, 0 outside.
    pub(super) fn digit(&self, position: i64) -> u8 {
        usize::try_from(position).ok().and_then(|position| self.list.get(position)).copied().unwrap_or(0)
    }

    /// Multiplies by 10^`places`.
    pub(super) fn shift(&mut self, places: i64) {
        if !self.is_zero() {
            self.point += places;
        }
    }

    /// Keeps `decimals` digits after the point, rounding half away from zero.
    pub(super) fn round(&mut self, decimals: i64) {
        self.round_significant(self.point.saturating_add(decimals));
    }

    /// Keeps `count` digits, rounding half away from zero.
    pub(super) fn round_significant(&mut self, count: i64) {
        let up = count >= 0 && self.digit(count) >= 5;
        self.list.truncate(usize::try_from(count).unwrap_or(0));
        if up {
            while self.list.last() == Some(&9) {
                self.list.pop();
            }
            if let Some(last) = self.list.last_mut() {
                *last += 1;
            } else {
                self.list.push(1);
                self.point += 1;
            }
        }
        self.trim();
    }

    fn trim(&mut self) {
        while self.list.last() == Some(&0) {
            self.list.pop();
        }
        if self.list.is_empty() {
            self.point = 0;
            self.negative = false;
        }
    }

    /// The digits before the point, at least `least`, without a sign; `group` between groups of three.
    pub(super) fn whole(&self, least: i64, group: &str) -> String {
        let count = self.point.max(least);
        let mut out = String::new();
        for left in (0..count).rev() {
            out.push(char::from(b'0' + self.digit(self.point - 1 - left)));
            if left > 0 && left % 3 == 0 {
                out.push_str(group);
            }
        }
        out
    }

    /// `decimals` digits after the point.
    pub(super) fn fraction(&self, decimals: i64) -> String {
        (0..decimals).map(|at| char::from(b'0' + self.digit(self.point + at))).collect()
    }

    /// The number of digits after the point without trailing zeros.
    pub(super) fn decimals(&self) -> i64 {
        (self.list.len() as i64 - self.point).max(0)
    }
}
