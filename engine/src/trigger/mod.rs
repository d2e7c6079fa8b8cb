//! What starts runs, and what wakes them: as the file says it, without runs and store.

pub mod callback;
pub mod schedule;
pub mod webhook;
