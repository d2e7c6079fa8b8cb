//! The engine under attack: the real binary, and callers, peers and files that mean it no good. While each attack goes
//! on, others are asked how long they wait, and the engine's memory is watched; afterwards it answers as before, and
//! nothing that it has acknowledged is lost. An attack is a row of a table: what it sends, through which door.
//!
//! A row belongs to a finding of a review of 2026 (S1 to S20) and is at least as large as it was there. All of them are
//! tried with `FLOWSCRIPT_ATTACKS=all cargo test --test attack`; without it a few of each kind, as large as the others.
//! `FLOWSCRIPT_BINARY` names another binary to attack, `FLOWSCRIPT_ATTACKS_REPORT` a file for what each took. Bounds of
//! time find what hangs; they are no benchmarks.

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
