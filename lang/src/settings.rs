//! The settings of a run, and its limits.

use crate::value::Zone;
use ecow::EcoString;

/// The limits of a run. Exceeding one is a `limit` error.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Passes of loops, calls, and rows of queries; `None` for no limit.
    pub steps: Option<u64>,
    /// Calls inside calls.
    pub depth: usize,
    /// Bytes that live values may hold, an estimate taken when values grow.
    pub memory: usize,
    /// Bytes of one text.
    pub text: usize,
    /// Cells of one list or table.
    pub cells: usize,
}

impl Limits {
    /// The limits of lang/README.md, without one for steps.
    pub const DEFAULT: Self = Self { steps: None, depth: 1_000, memory: 256 << 20, text: 64 << 20, cells: 10_000_000 };
}

impl Default for Limits {
    /// [`Limits::DEFAULT`]
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The settings of a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The engine's time zone.
    pub zone: Zone,
    /// The engine's culture.
    pub culture: EcoString,
    /// The limits.
    pub limits: Limits,
    /// Check `assert` statements? Else they are skipped.
    pub asserts: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { zone: Zone::UTC, culture: "en-US".into(), limits: Limits::default(), asserts: false }
    }
}
