//! Types stay small, and comparing them ends: types that share their parts are much larger than their source.

use super::{Type, Types};

/// Parts of types that are compared, joined or looked at, until the result is unknown.
const MOST_COMPARED: u32 = 200_000;

/// The deepest type that the checker infers.
const DEEPEST: usize = 64;

/// How many parts may still be looked at.
pub(super) struct Fuel(u32);

impl Fuel {
    pub fn new() -> Self {
        Self(MOST_COMPARED)
    }

    /// `false` if no more may be looked at.
    pub fn take(&mut self, parts: usize) -> bool {
        self.0 = self.0.saturating_sub(u32::try_from(parts).unwrap_or(u32::MAX));
        self.0 > 0
    }
}

impl Types {
    /// Compares types with a counted bound on the parts looked at.
    pub(super) fn bounded<T>(&self, compare: impl FnOnce(&mut Fuel) -> T) -> T {
        let mut fuel = Fuel::new();
        let compared = compare(&mut fuel);
        let work = MOST_COMPARED - fuel.0;
        // Most types are small, and comparing them costs little.
        if work > 16 {
            self.work.add(u64::from(work) / 16);
        }
        compared
    }

    /// The steps of comparing types since the last call.
    pub(crate) fn compared(&self) -> u64 {
        self.work.take()
    }
}

impl Type {
    /// The most parts of a type that the checker keeps.
    pub(crate) const MOST_PARTS: usize = 10_000;

    /// The number of its parts, with shared parts counted each time; `None` if it has too many parts or levels.
    pub(crate) fn parts(&self) -> Option<usize> {
        let mut parts = 0;
        self.count(&mut parts, DEEPEST).then_some(parts)
    }

    fn count(&self, parts: &mut usize, levels: usize) -> bool {
        *parts += 1;
        if *parts > Self::MOST_PARTS {
            return false;
        }
        let Some(below) = levels.checked_sub(1) else { return self.is_simple() || self.is_any() };
        match self {
            Self::Nullable(inner) | Self::List(inner) => inner.count(parts, below),
            Self::Record(record) => record.fields.iter().all(|field| field.ty.count(parts, below)),
            Self::Function(function) => {
                function.parameters.iter().chain([&function.result]).all(|ty| ty.count(parts, below))
            }
            Self::Never
            | Self::Any
            | Self::Null
            | Self::Bool
            | Self::Number
            | Self::Text
            | Self::DateTime
            | Self::Binary
            | Self::Named(..) => true,
        }
    }
}
