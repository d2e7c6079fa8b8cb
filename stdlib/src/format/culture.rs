//! The data of a culture.

use pure_rust_locales::Locale;

/// The data of a culture for `Format`. Names of months and days come from the locale.
#[derive(Debug)]
pub struct Culture {
    /// `en-US`; `invariant`.
    pub name: &'static str,
    pub(super) locale: Locale,
    /// Between whole digits and decimals.
    pub(super) decimal: &'static str,
    /// Between groups of three digits.
    pub(super) group: &'static str,
    pub(super) currency: Currency,
    /// `n` is the number.
    pub(super) percent: &'static str,
    /// The date separator, `/` in pictures.
    pub(super) date_separator: &'static str,
    /// The time separator, `:` in pictures.
    pub(super) time_separator: &'static str,
    /// The pictures of the standard patterns.
    pub(super) pictures: Pictures,
    pub(super) era: &'static str,
}

/// The notation of money. In `positive` and `negative`, `n` is the number and `$` the symbol.
#[derive(Debug)]
pub(super) struct Currency {
    pub symbol: &'static str,
    pub decimals: usize,
    pub group: &'static str,
    pub positive: &'static str,
    pub negative: &'static str,
}

/// The pictures of `d`, `D`, `t`, `T`, `M` and `Y`; `f F g G` are made of them.
#[derive(Debug)]
pub(super) struct Pictures {
    pub short_date: &'static str,
    pub long_date: &'static str,
    pub short_time: &'static str,
    pub long_time: &'static str,
    pub month_day: &'static str,
    pub year_month: &'static str,
}
