//! Cultures by name.

use super::culture::Culture;
use super::cultures::CULTURES;
use crate::show::quoted;
use crate::suggest::nearest;
use std::fmt;

/// An unknown name of a culture.
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

    /// All cultures.
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
