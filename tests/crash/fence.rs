//! A process that was taken for dead can no longer write: its claims were transferred.
//!
//! Two engines share a database, each with a data folder of its own, so that no lock separates them. The first is
//! stopped in the middle of a run, the second takes over that run and ends it, then the first wakes up and continues.

use crate::peer::{Gate, Peer, ok};
use crate::server::{Project, Server, wait_for};
use std::time::Duration;

/// A run that only reads: only the fence keeps its end from the store.
const READS: &str = "trigger: { webhook: { auth: none } }
steps:
  - id: price
    http: { url: \"http://PEER/price\" }
output: \"{price.text}\"
";

/// The run's output after the sleeper had its chance.
fn output_after_a_takeover(sabotage: &str) -> String {
    let gate = Gate::default();
    let held = gate.clone();
    let peer = Peer::new(move |_, before| {
        if before == 0 {
            held.wait();
        }
        ok(if before == 0 { "\"late\"" } else { "\"in time\"" })
    });
    let (toml, workflow) = (peer.allow(), READS.replace("PEER", &peer.address));
    let files = [("flowscript.toml", toml.as_str()), ("workflows/reads.yaml", workflow.as_str())];
    let (one, other) = (Project::new(&files), Project::new(&files));
    let store = format!("sqlite:{}", one.path().join("shared.db").display());
    let sleeper = Server::start_with(one.path(), &["--store", &store], &[("FLOWSCRIPT_SABOTAGE", sabotage)]);
    let run = sleeper.post("/hooks/reads", "{}").json()["runId"].as_str().unwrap().to_owned();
    wait_for("the first request", || (!peer.heard().is_empty()).then_some(()));
    // Its other commits are over by then; a lock that it holds would delay the other.
    std::thread::sleep(Duration::from_millis(50));
    sleeper.signal("STOP");
    let awake = Server::start(other.path(), &["--store", &store]);
    assert_eq!(awake.run_in(&run, "completed")["output"], "\"in time\"");
    sleeper.signal("CONT");
    gate.open();
    let output = || awake.api(&format!("/runs/{run}"))["output"].as_str().unwrap().to_owned();
    // It reports that it was refused; if it was not, the end differs.
    wait_for("the sleeper to end its run", || {
        (sleeper.log().contains("belongs to another worker") || output() != "\"in time\"").then_some(())
    });
    output()
}

#[test]
fn a_process_that_was_taken_for_dead_changes_nothing() {
    assert_eq!(output_after_a_takeover(""), "\"in time\"");
}

#[test]
fn without_the_check_of_the_fence_it_would() {
    assert_eq!(output_after_a_takeover("no-fence"), "\"late\"");
}
