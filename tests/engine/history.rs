//! What runs show of themselves while they run and afterwards: steps, waits, pauses, tries; and how little lists
//! contain.

use crate::peer::{Gate, Peer, ok, status};
use crate::server::{Project, Server, bearer, flowscript, wait_for};
use serde_json::Value as Json;
use std::time::{Duration, Instant};

fn project(peer: &Peer, workflow: &str) -> Project {
    let settings = format!("publicUrl = \"https://flow.example.com/\"\n{}", peer.allow());
    let workflow = workflow.replace("PEER", &peer.address);
    Project::new(&[("flowscript.toml", &settings), ("workflows/w.yaml", &workflow)])
}

fn act(server: &Server, path: &str) -> Json {
    let sent = server.send("POST", &format!("/api/v1{path}"), &[bearer()], Some(b"{}"));
    assert_eq!(sent.status, 202, "{path}: {}", sent.text);
    sent.json()
}

fn start(server: &Server) -> String {
    act(server, "/workflows/w/run")["runId"].as_str().unwrap().to_owned()
}

/// A summary of the steps: position, attempt and state.
fn short(run: &Json) -> Vec<String> {
    let steps = run["steps"].as_array().unwrap().iter();
    steps
        .map(|s| format!("{} {} {}", s["position"].as_str().unwrap(), s["attempt"], s["state"].as_str().unwrap()))
        .collect()
}

/// Each step begins no earlier than the one before it, and ends no earlier than it begins.
fn in_order(run: &Json) {
    let mut last = "";
    for step in run["steps"].as_array().unwrap() {
        let started = step["startedAt"].as_str().unwrap();
        assert!(started >= last, "{run}");
        assert!(step["endedAt"].as_str().is_none_or(|ended| ended >= started), "{run}");
        last = started;
    }
}

#[test]
fn a_waiting_run_shows_what_it_has_done_and_what_it_waits_for() {
    let peer = Peer::new(|_, _| ok("1"));
    let workflow = "
steps:
  - set: { n: 1 }
  - { id: post, name: Send it, http: { url: \"http://PEER/post\", method: POST } }
  - log: { message: sent }
  - id: loop
    forEach:
      item: i
      in: '[1, 2]'
      steps:
        - set: { n: n + 1 }
        - wait: { for: 300ms }
  - id: never
    log: { message: skipped }
    when: n < 0
  - id: approval
    wait: { event: approved, timeout: 2h }
";
    let project = project(&peer, workflow);
    let server = project.serve();
    let run = start(&server);
    let until = |position: &str| {
        wait_for(position, || {
            let shown = server.api(&format!("/runs/{run}/steps"));
            let waits = |s: &Json| s["position"] == position && s["state"] == "waiting";
            shown["steps"].as_array().unwrap().iter().any(waits).then_some(shown)
        })
    };
    let shown = until("loop[2]/2");
    let expected = [
        "1 1 completed",
        "post 1 completed",
        "3 1 completed",
        "loop 1 running",
        "loop[1]/1 1 completed",
        "loop[1]/2 1 completed",
        "loop[2]/1 1 completed",
        "loop[2]/2 1 waiting",
    ];
    assert_eq!(short(&shown), expected, "{shown}");
    assert_eq!(shown["steps"][1]["title"], "Send it", "{shown}");
    assert!(shown["steps"][3]["endedAt"].is_null() && shown["steps"][7]["dueAt"].is_string(), "{shown}");
    let shown = until("approval");
    let steps = shown["steps"].as_array().unwrap();
    assert_eq!(short(&shown)[8..], ["never 1 skipped", "approval 1 waiting"]);
    assert_eq!(steps[9]["waitsFor"], "approved", "{shown}");
    assert!(steps[9]["dueAt"].as_str() > steps[9]["startedAt"].as_str(), "{shown}");
    // A loop ends when its last pass does, and began before the first one.
    assert!(steps[3]["position"] == "loop" && steps[3]["endedAt"].as_str() >= steps[7]["endedAt"].as_str(), "{shown}");
    in_order(&shown);
    let table = flowscript().args(["runs", "show", &run, "--dir"]).arg(project.path()).output().unwrap();
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("WAITS FOR") && table.contains("approved"), "{table}");
    // The same from the store alone.
    let server = server.restart();
    server.run_in(&run, "waiting");
    assert_eq!(server.api(&format!("/runs/{run}/steps")), shown);
}

#[test]
fn a_back_off_shows_its_attempt_its_instant_and_the_last_error() {
    let peer = Peer::new(|_, _| status(503));
    for method in ["POST", "GET"] {
        let workflow = format!(
            "steps: [ {{ id: call, http: {{ url: \"http://PEER/\", method: {method} }}, retry: {{ times: 3, delay: 1h, maxDelay: 2h }} }} ]\n"
        );
        let project = project(&peer, &workflow);
        let server = project.serve();
        let run = start(&server);
        server.run_in(&run, "waiting");
        let shown = server.api(&format!("/runs/{run}"));
        assert_eq!(short(&shown), ["call 1 failed", "call 2 backOff"], "{shown}");
        let (failed, pause) = (&shown["steps"][0], &shown["steps"][1]);
        assert!(failed["error"].as_str().unwrap().contains("503"), "{shown}");
        assert_eq!((&pause["error"], &pause["startedAt"]), (&failed["error"], &failed["endedAt"]), "{shown}");
        assert!(pause["dueAt"].is_string() && pause["endedAt"].is_null(), "{shown}");
        act(&server, &format!("/runs/{run}/cancel"));
        server.run_in(&run, "cancelled");
    }
}

#[test]
fn a_running_run_shows_the_steps_that_are_over() {
    let gate = Gate::default();
    let shut = gate.clone();
    let peer = Peer::new(move |_, _| {
        shut.wait();
        ok("1")
    });
    let workflow =
        "steps:\n  - set: { n: 1 }\n  - log: { message: x }\n  - { id: read, http: { url: \"http://PEER/\" } }\n";
    let project = project(&peer, workflow);
    let server = project.serve();
    let run = start(&server);
    wait_for("the request", || (!peer.heard().is_empty()).then_some(()));
    let shown = server.api(&format!("/runs/{run}/steps"));
    assert_eq!(short(&shown), ["1 1 completed", "2 1 completed", "read 1 running"], "{shown}");
    gate.open();
    let done = server.run_in(&run, "completed");
    assert_eq!(short(&done), ["1 1 completed", "2 1 completed", "read 1 completed"], "{done}");
}

#[test]
fn an_attempt_that_a_kill_interrupts_stays_beside_the_next_one() {
    let gate = Gate::default();
    let shut = gate.clone();
    let peer = Peer::new(move |_, _| {
        shut.wait();
        ok("1")
    });
    let project = project(&peer, "steps: [ { id: call, http: { url: \"http://PEER/\", method: POST } } ]\n");
    let mut server = project.serve();
    let run = start(&server);
    for kill in 1..=2 {
        wait_for("the request", || (peer.heard().len() == kill).then_some(()));
        server = server.restart();
    }
    wait_for("the last request", || (peer.heard().len() == 3).then_some(()));
    gate.open();
    let done = server.run_in(&run, "completed");
    assert_eq!(short(&done), ["call 1 interrupted", "call 2 interrupted", "call 3 completed"], "{done}");
    in_order(&done);
    let keys: std::collections::HashSet<String> = peer.heard().iter().map(|heard| heard.key().to_owned()).collect();
    assert_eq!(keys.len(), 1, "all attempts have the same key");
}

#[test]
fn every_try_stays_with_its_error_its_steps_its_log_and_its_variables() {
    let gate = Gate::default();
    let open = gate.clone();
    let peer = Peer::new(move |_, _| ok(&open.is_open().to_string()));
    let workflow = "
steps:
  - set: { n: 1 }
  - { id: flag, http: { url: \"http://PEER/\" } }
  - log: { message: asked }
  - assert: { failIf: not flag.json, message: closed }
";
    let project = project(&peer, workflow);
    let server = project.serve();
    let run = start(&server);
    let first = server.run_in(&run, "failed");
    gate.open();
    act(&server, &format!("/runs/{run}/retry"));
    let done = server.run_in(&run, "completed");
    let expected = [
        "1 1 completed",
        "flag 1 completed",
        "3 1 completed",
        "4 1 failed",
        "1 2 completed",
        "flag 2 completed",
        "3 2 completed",
        "4 2 completed",
    ];
    assert_eq!(short(&done), expected, "{done}");
    assert_eq!(done["steps"].as_array().unwrap()[..4], first["steps"].as_array().unwrap()[..], "{done}");
    let tries = done["tries"].as_array().unwrap();
    assert_eq!((tries.len(), &tries[0]["state"], &tries[1]["state"]), (2, &"failed".into(), &"completed".into()));
    assert_eq!(tries[0]["error"], first["error"]);
    assert_eq!(tries[0]["endedAt"], first["endedAt"]);
    assert!(tries[1]["error"].is_null() && done["error"].is_null(), "{done}");
    assert!(tries[0]["endedAt"].as_str() <= tries[1]["startedAt"].as_str(), "{done}");
    let lines = done["log"].as_array().unwrap();
    assert_eq!(lines.iter().filter(|line| line["message"] == "asked").count(), 2, "{done}");
    // By default variables are kept for failures only: those of the failed try remain.
    assert_eq!(done["variables"], first["variables"], "{done}");
    assert!(done["variables"].as_array().is_some_and(|changes| !changes.is_empty()), "{done}");
    let table = flowscript().args(["runs", "show", &run, "--dir"]).arg(project.path()).output().unwrap();
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("TRY") && table.contains("closed"), "{table}");
}

#[test]
fn a_list_of_large_outputs_is_small_and_quick() {
    // Ten times ten times ten times 10,000 bytes, joined: repeating as much takes a debug build seconds.
    let workflow = "
input: { times: { type: number, default: 10 } }
steps:
  - set: { t: \"Repeat('é', times * 500)\" }
  - forEach:
      item: n
      in: '[1, 2, 3]'
      steps: [ { when: times = 10, set: { t: t & t & t & t & t & t & t & t & t & t } } ]
output: { text: \"{t}\", last: 1 }
";
    let project = Project::new(&[("workflows/w.yaml", workflow)]);
    let server = project.serve();
    let runs: Vec<String> = (0..30).map(|_| start(&server)).collect();
    runs.iter().for_each(|run| {
        wait_for("the end", || {
            (server.api(&format!("/runs?text={run}"))["runs"][0]["state"] == "completed").then_some(())
        });
    });
    let before = server.resident();
    let begun = Instant::now();
    let list = server.send("GET", "/api/v1/runs", &[bearer()], None);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(list.text.len() < 30 * 10_000, "{} bytes", list.text.len());
    for run in list.json()["runs"].as_array().unwrap() {
        assert_eq!((&run["outputCut"], run["outputSize"].as_u64() > Some(10_000_000)), (&true.into(), true), "{run}");
        let shown = run["output"].as_str().unwrap();
        assert!(shown.starts_with("{\"text\":\"éé") && (4000..=4096).contains(&shown.len()), "{shown}");
    }
    assert!(server.resident() < before + (50 << 20), "{} after {before}", server.resident());
    // One run is shown in full.
    let whole = server.api(&format!("/runs/{}", runs[0]));
    assert_eq!((&whole["outputCut"], whole["output"]["last"].as_u64()), (&false.into(), Some(1)));
    // A small output is shown as it is.
    let small = server.send("POST", "/api/v1/workflows/w/run", &[bearer()], Some(b"{\"input\": {\"times\": 1}}"));
    let small = small.json()["runId"].as_str().unwrap().to_owned();
    server.run_in(&small, "completed");
    let list = server.api(&format!("/runs?text={small}"));
    assert_eq!(
        (&list["runs"][0]["output"]["text"], &list["runs"][0]["outputCut"]),
        (&"é".repeat(500).into(), &false.into())
    );
}

#[test]
fn long_errors_are_cut_in_lists() {
    let workflow = "steps: [ assert: { failIf: 'true', message: \"{Repeat('x', 1000000)}\" } ]\n";
    let project = Project::new(&[("workflows/w.yaml", workflow)]);
    let server = project.serve();
    let run = start(&server);
    let failed = server.run_in(&run, "failed");
    assert_eq!(failed["error"]["message"].as_str().unwrap().len(), 1_000_000);
    let list = server.api("/runs");
    assert_eq!(list["runs"][0]["error"]["message"].as_str().unwrap().len(), 4096);
}
