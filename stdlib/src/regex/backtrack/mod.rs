//! The engine for patterns that automata cannot run: look-around, back-references, atomic and balancing groups,
//! conditions.
//!
//! It tries one branch after the other as .NET does, so its matches are the same; a limit of steps ends searches that
//! take too long.

mod machine;
mod program;

pub(super) use machine::{Machine, Stop};
pub(super) use program::Program;
