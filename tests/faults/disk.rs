//! A disk that accepts no writes.

use crate::peer::{Gate, Peer, ok};
use crate::server::{Project, flowscript, wait_for};
use crate::{Faults, accept};
use std::time::Duration;

/// Refuses new runs, holds runs before they act again, and continues by itself once the disk accepts writes again.
fn holds_until_it_can_write(fault: &str) {
    let gate = Gate::default();
    let held = gate.clone();
    let peer = Peer::new(move |request, _| {
        if request.path == "/first" {
            held.wait();
        }
        ok("1")
    });
    let acting = "trigger: { webhook: { auth: none } }
steps:
  - http: { url: \"http://PEER/first\", method: POST }
  - http: { url: \"http://PEER/second\", method: POST }
output: done
"
    .replace("PEER", &peer.address);
    let pure = "trigger: { webhook: { auth: none, response: wait } }\noutput: \"{1 + 1}\"\n";
    let project = Project::new(&[
        ("flowscript.toml", &peer.allow()),
        ("workflows/acting.yaml", &acting),
        ("workflows/strict.yaml", pure),
        ("workflows/relaxed.yaml", &format!("durability: relaxed\n{pure}")),
    ]);
    let faults = Faults::new();
    let server = faults.serve(&project);
    let run = accept(&server, "/hooks/acting", "{}");
    wait_for("the first request", || (peer.heard().len() == 1).then_some(()));
    faults.set("write", fault);
    gate.open();
    wait_for("the run to hold", || server.log().contains(&format!("run {run} holds")).then_some(()));
    for path in ["/hooks/acting", "/hooks/strict"] {
        let refused = server.post(path, "{}");
        refused.is_problem(503, "cannot store anything");
        assert!(!refused.header("retry-after").is_empty());
    }
    // An answer of relaxed durability may leave before the engine knows, but not after.
    wait_for("relaxed answers to end", || (server.post("/hooks/relaxed", "{}").status == 503).then_some(()));
    server.get("/readyz").is_problem(503, "cannot store anything");
    // For any number of requests, the log reports it only at intervals.
    let lines = server.log().lines().count();
    for _ in 0..300 {
        assert_eq!(server.post("/hooks/strict", "{}").status, 503);
    }
    assert!(server.log().lines().count() <= lines + 10, "{}", server.log());
    // Reading continues.
    assert_eq!(server.get("/livez").status, 200);
    assert_eq!(server.api(&format!("/runs/{run}"))["state"], "running");
    std::thread::sleep(Duration::from_millis(700)); // a try to write that fails again
    assert_eq!(peer.heard().len(), 1, "the second step has acted before its start was kept");
    faults.clear("write");
    server.run_in(&run, "completed");
    wait_for("readiness", || (server.get("/readyz").status == 200).then_some(()));
    let paths: Vec<String> = peer.heard().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/first", "/second"]);
    assert_eq!(server.post("/hooks/strict", "{}").text, "2");
    wait_for("relaxed answers", || (server.post("/hooks/relaxed", "{}").status == 200).then_some(()));
    // Nothing was lost in between, and no refused run exists.
    let server = server.restart();
    assert_eq!(server.api(&format!("/runs/{run}"))["state"], "completed");
    assert_eq!(server.api("/runs?workflow=acting")["runs"].as_array().unwrap().len(), 1);
    assert_eq!(server.api("/runs?workflow=strict")["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn a_full_disk() {
    holds_until_it_can_write("ENOSPC");
}

#[test]
fn a_disk_that_became_read_only() {
    holds_until_it_can_write("EROFS");
}

#[test]
fn a_disk_that_fails() {
    holds_until_it_can_write("EIO");
}

#[test]
fn an_engine_that_cannot_make_its_database_says_why() {
    let check = |fault: &str, word: &str| {
        let faults = Faults::new();
        faults.set("write", fault);
        let project = Project::new(&[("workflows/w.yaml", "output: 1\n")]);
        let mut serve = flowscript();
        serve.envs(faults.environment()).arg("serve").arg(project.path()).args(["--bind", "127.0.0.1:0"]);
        let output = serve.output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(word), "{word}: {told}");
    };
    check("ENOSPC", "full");
    check("EROFS", "read-only");
}
