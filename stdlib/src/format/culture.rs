//! What a culture is, and how one is found by name.

use super::cultures::CULTURES;
use crate::show::quoted;
use crate::suggest::nearest;
use pure_rust_locales::Locale;
use std::fmt;

/// What `Format` knows of a culture. Names of months and days come from the locale.
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
    /// What `/` stands for in date pictures.
    pub(super) date_separator: &'static str,
    /// What `:` stands for in date pictures.
    pub(super) time_separator: &'static str,
    /// The pictures behind the standard patterns.
    pub(super) pictures: Pictures,
    pub(super) era: &'static str,
}

/// How money is written. In `positive` and `negative`, `n` is the number and `$` the symbol.
#[derive(Debug)]
pub(super) struct Currency {
    pub symbol: &'static str,
    pub decimals: usize,
    pub group: &'static str,
    pub positive: &'static str,
    pub negative: &'static str,
}

/// The pictures behind `d`, `D`, `t`, `T`, `M` and `Y`; `f F g G` are made of them.
#[derive(Debug)]
pub(super) struct Pictures {
    pub short_date: &'static str,
    pub long_date: &'static str,
    pub short_time: &'static str,
    pub long_time: &'static str,
    pub month_day: &'static str,
    pub year_month: &'static str,
}

/// A name that no culture has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCulture(String);

impl Culture {
    /// The culture of this name, in any case.
    pub fn find(name: &str) -> Result<&'static Self, UnknownCulture> {
        CULTURES
            .iter()
            .find(|culture| culture.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| UnknownCulture(name.into()))
    }

    /// The culture of no country, for texts that are the same everywhere.
    pub fn invariant() -> &'static Self {
        &CULTURES[0]
    }

    /// All cultures there are.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        CULTURES.iter()
    }
}

impl fmt::Display for UnknownCulture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown culture {}.", quoted(&self.0))?;
        let names = || CULTURES.iter().map(|culture| culture.name);
        match nearest(&self.0, names()).first() {
            Some(near) => write!(f, " Did you mean {near}?"),
            None => write!(f, " Known are {}.", names().collect::<Vec<_>>().join(", ")),
        }
    }
}

impl std::error::Error for UnknownCulture {}
