//! The engine under attack: the real binary, with hostile callers, peers and files. During each attack the waiting time
//! of other callers and the engine's memory are measured; afterwards it answers as before, and no acknowledged run is
//! lost. An attack is a row of a table: its content and its entry point.
//!
//! A row belongs to a finding of a review of 2026 (S1 to S20) and is at least as large as it was there. All of them are
//! tried with `FLOWSCRIPT_ATTACKS=all cargo test --test attack`; without it a few of each kind, as large as the others.
//! `FLOWSCRIPT_BINARY` names another binary to attack, `FLOWSCRIPT_ATTACKS_REPORT` a file for the results of each.
//! Bounds of time detect hangs; they are not benchmarks.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]

mod answers;
mod bodies;
mod databases;
#[allow(dead_code, reason = "the tests of faults use the rest of it")]
#[path = "../support/faults.rs"]
mod faults;
mod field;
mod payloads;
#[allow(dead_code, reason = "the engine's tests use the rest of it")]
#[path = "../support/peer.rs"]
mod peer;
mod peers;
mod places;
#[allow(dead_code, reason = "the engine's tests use the rest of it")]
#[path = "../support/postgres.rs"]
mod postgres;
mod requests;
mod scripts;
#[allow(dead_code, reason = "the engine's tests use the rest of it")]
#[path = "../support/server.rs"]
mod server;
mod sharing;
mod store;
mod tries;
mod values;
mod watch;
mod wire;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let all = std::env::var("FLOWSCRIPT_ATTACKS").is_ok_and(|which| which == "all");
    let tries = tries::TRIES.iter().map(|(name, run)| {
        let run = *run;
        Trial::test(format!("tries: {name}"), move || {
            run();
            Ok(())
        })
    });
    let attacks = [
        bodies::attacks(),
        scripts::attacks(),
        sharing::attacks(),
        requests::attacks(),
        answers::attacks(),
        peers::attacks(),
        databases::attacks(),
        places::attacks(),
        store::attacks(),
        values::attacks(),
    ]
    .into_iter()
    .flatten()
    .map(|attack| {
        let left_out = !all && !attack.always;
        let (row, name) = (attack.row, attack.name.clone());
        Trial::test(name, move || attack.run()).with_kind(row).with_ignored_flag(left_out)
    });
    libtest_mimic::run(&arguments, tries.chain(attacks).collect()).exit_code()
}
