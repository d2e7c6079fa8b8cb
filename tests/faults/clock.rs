//! A wall clock that jumps.

use crate::peer::{Gate, Peer, ok, status};
use crate::server::{Project, Server, wait_for};
use crate::{Faults, accept};
use std::time::Duration;

const DAY: i64 = 86_400;

fn year(server: &Server, run: &str) -> i32 {
    server.api(&format!("/runs/{run}"))["acceptedAt"].as_str().unwrap()[..4].parse().unwrap()
}

#[test]
fn order_claims_and_back_offs_outlive_a_clock_that_jumps() {
    let gate = Gate::default();
    let held = gate.clone();
    let peer = Peer::new(move |request, _| {
        if request.path == "/long" {
            held.wait();
        }
        // Fails until the clock has jumped.
        if request.path == "/backoff" && !held.is_open() { status(503) } else { ok("1") }
    });
    let hook = |settings: &str, step: &str| {
        format!(
            "input: {{ n: {{ type: number, default: 0 }} }}
trigger: {{ webhook: {{ auth: none, {settings} }} }}
steps:
  - http: {{ url: \"http://{}/{step}\", method: POST }}
    retry: {{ times: 3, delay: 1h }}
output: \"{{n}}\"
",
            peer.address
        )
    };
    let project = Project::new(&[
        ("flowscript.toml", &peer.allow()),
        ("workflows/ordered.yaml", &hook("ordered: true", "ordered/{n}")),
        ("workflows/long.yaml", &hook("response: accept", "long")),
        ("workflows/backoff.yaml", &hook("response: accept", "backoff")),
        ("workflows/pure.yaml", "trigger: { webhook: { auth: none, response: wait } }\noutput: \"{now()}\"\n"),
    ]);
    let faults = Faults::new();
    let server = faults.serve(&project);
    let long = accept(&server, "/hooks/long", "{}");
    let backoff = accept(&server, "/hooks/backoff", "{}");
    wait_for("the back-off", || (server.api(&format!("/runs/{backoff}"))["state"] == "waiting").then_some(()));
    let now = year(&server, &long);
    let mut ordered = Vec::new();
    for (days, expected) in [(0, now), (800, now + 2), (-800, now - 3), (0, now)] {
        faults.set("clock", &(days * DAY).to_string());
        assert!(server.post("/hooks/pure", "").text.contains("20"));
        for _ in 0..3 {
            ordered.push(accept(&server, "/hooks/ordered", &format!("{{\"n\": {}}}", ordered.len())));
        }
        let accepted = year(&server, ordered.last().unwrap());
        assert!((accepted - expected).abs() <= 1, "accepted in {accepted}, at about {expected}");
        for run in &ordered {
            server.run_in(run, "completed");
        }
    }
    // The back-off was over when the clock was far ahead, and failed again; the long run is still the first.
    assert_eq!(server.api(&format!("/runs/{long}"))["state"], "running");
    gate.open();
    server.run_in(&long, "completed");
    faults.set("clock", &(900 * DAY).to_string());
    server.run_in(&backoff, "completed");
    let heard = peer.heard();
    let of =
        |prefix: &str| heard.iter().filter(|r| r.path.starts_with(prefix)).map(|r| r.path.clone()).collect::<Vec<_>>();
    assert_eq!(of("/ordered/"), (0..ordered.len()).map(|n| format!("/ordered/{n}")).collect::<Vec<_>>());
    assert_eq!(of("/long").len(), 1, "a jump took a claim away");
    // A back-off that begins with a clock far in the past is over when the clock is right again.
    assert!((2..=4).contains(&of("/backoff").len()), "{:?}", of("/backoff"));
    // The engine also starts while the clock is wrong.
    let server = {
        server.kill();
        faults.serve(&project)
    };
    assert_eq!(server.api(&format!("/runs/{backoff}"))["state"], "completed");
    accept(&server, "/hooks/long", "{}");
}

#[test]
fn no_back_off_and_no_wait_is_longer_because_the_clock_was_set_back() {
    let gate = Gate::default();
    let held = gate.clone();
    let peer = Peer::new(move |request, before| {
        if request.path == "/long" {
            held.wait();
        }
        if request.path == "/backoff" && before == 0 { status(503) } else { ok("1") }
    });
    let hook = |steps: &str| {
        let steps = steps.replace("PEER", &peer.address);
        format!("trigger: {{ webhook: {{ auth: none }} }}\nsteps:\n{steps}output: done\n")
    };
    let backoff = "  - http: { url: \"http://PEER/backoff\", method: POST }\n    retry: { times: 1, delay: 4s }\n";
    let beside = "  - parallel:
      long: { steps: [ http: { url: \"http://PEER/long\", method: POST } ] }
      short: { steps: [ wait: { for: 4s }, http: { url: \"http://PEER/beside\", method: POST } ] }
";
    let project = Project::new(&[
        ("flowscript.toml", &peer.allow()),
        ("workflows/backoff.yaml", &hook(backoff)),
        ("workflows/waits.yaml", &hook("  - wait: { for: 4s }\n")),
        ("workflows/beside.yaml", &hook(beside)),
    ]);
    let faults = Faults::new();
    let server = faults.serve(&project);
    let [backoff, waits, beside] =
        ["backoff", "waits", "beside"].map(|id| accept(&server, &format!("/hooks/{id}"), ""));
    for run in [&backoff, &waits] {
        server.run_in(run, "waiting");
    }
    let start = std::time::Instant::now();
    faults.set("clock", &(-DAY).to_string());
    server.run_in(&backoff, "completed");
    server.run_in(&waits, "completed");
    wait_for("the branch goes on", || peer.heard().iter().any(|heard| heard.path == "/beside").then_some(()));
    // Four seconds and a fifth, and the five within which a jump is noticed at the latest.
    assert!(start.elapsed() < Duration::from_secs(12), "{:?}", start.elapsed());
    gate.open();
    server.run_in(&beside, "completed");
}

#[test]
fn a_clock_that_is_far_ahead_for_seconds_silences_nothing_and_makes_nothing_old() {
    let hook = "trigger: { webhook: { auth: none } }\noutput: 1\n";
    let schedule = "trigger: { schedule: [{ id: often, every: { seconds: 1 } }] }\noutput: 1\n";
    let project = Project::new(&[("workflows/often.yaml", schedule), ("workflows/hook.yaml", hook)]);
    let faults = Faults::new();
    let server = faults.serve(&project);
    let first = accept(&server, "/hooks/hook", "{}");
    let ran = |from: &str| {
        let runs = server.api(&format!("/runs?workflow=often&state=completed&limit=100&from={from}"));
        runs["runs"].as_array().unwrap().iter().filter(|run| run["acceptedAt"].as_str().unwrap() < "2031").count()
    };
    wait_for("it fires", || (ran("2020-01-01T00:00:00Z") >= 2).then_some(()));
    faults.set("clock", &(10 * 365 * DAY).to_string());
    wait_for("it fires ten years ahead", || {
        let runs = server.api("/runs?workflow=often&limit=1&from=2035-01-01T00:00:00Z");
        (!runs["runs"].as_array().unwrap().is_empty()).then_some(())
    });
    faults.clear("clock");
    let now = server.api("/schedules")["schedules"][0]["next"][0].clone();
    wait_for("the schedule starts anew", || {
        server.api("/schedules")["schedules"][0]["startedAnewAt"].is_string().then_some(())
    });
    let count = ran("2020-01-01T00:00:00Z");
    wait_for(&format!("it fires again, {now}"), || (ran("2020-01-01T00:00:00Z") >= count + 3).then_some(()));
    let rows = server.api("/runs?workflow=often&state=skipped&limit=100").to_string();
    assert!(rows.contains("clock set back"), "{rows}");
    assert_eq!(server.api(&format!("/runs/{first}"))["state"], "completed");
    // The same where it was stopped while the clock was ahead.
    faults.set("clock", &(10 * 365 * DAY).to_string());
    std::thread::sleep(Duration::from_secs(2));
    server.kill();
    faults.clear("clock");
    let server = faults.serve(&project);
    let next = server.api("/schedules")["schedules"][0]["next"][0].clone();
    assert!(next.as_str().unwrap() < "2031", "{next}");
}
