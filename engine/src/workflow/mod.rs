//! A workflow as data: model, loading with positions, validation, content hash. No I/O beyond what the loader is given.

pub mod problem;
