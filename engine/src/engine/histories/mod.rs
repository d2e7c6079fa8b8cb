//! Generated histories: random workflows with failures, kills, cancels, time-outs and retries at random moments.
//!
//! [`generate`] makes a history of a seed: workflows as [`tree`]s, what their peers answer, and what happens when.
//! [`drive`] runs it against real engines on a clock that it moves: each engine has its store in a file, a peer on a
//! socket, a database and files, and dies between any two of its commits. [`witness`] sees each commit and reports what
//! a commit must not do; at the end [`check`] asks whether a naive [`walk`] over the workflow explains the end of each
//! run.
//!
//! The test is tested: with each of the faults of [`crate::planted`] in the engine it must report a finding.
//!
//! `FLOWSCRIPT_HISTORIES` sets the number of histories, `FLOWSCRIPT_HISTORY_SEED` the first seed. A finding names its
//! seed and shows the smallest history that still has it. With `FLOWSCRIPT_HISTORY_SURVEY` at 1 the test continues
//! after a finding, at 2 it shows what happened before each; `FLOWSCRIPT_PLANTED` names the one fault to look for.
//! docs/engine.md says how to look at many by hand.

mod check;
mod count;
mod dice;
mod drive;
mod generate;
mod mended;
mod peer;
mod points;
mod shrink;
mod tests;
mod tree;
mod walk;
mod watched;
mod witness;
mod world;
