//! What starts runs, and what wakes them.

pub mod callback;
pub mod schedule;
pub mod webhook;
