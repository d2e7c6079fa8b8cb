//! Triggers of runs, and events that wake them: as configured in the file, without runs and store.

pub mod callback;
pub mod schedule;
pub mod webhook;
