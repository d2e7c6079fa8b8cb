//! The command `flowscript`.
fn main() {}
