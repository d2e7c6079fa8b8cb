//! What starts runs.

pub mod webhook;
