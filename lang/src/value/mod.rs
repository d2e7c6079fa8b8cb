//! The values of the language. Knows nothing of the rest of the crate.

mod number;

pub use number::{MAX_SCALE, Number};
