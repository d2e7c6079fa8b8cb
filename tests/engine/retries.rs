//! Retries of runs that failed at every place: each ends, resumes after its last acting step, and overwrites no
//! history.

use crate::peer::{Gate, Peer, ok, status};
use crate::server::{Project, Server, bearer, wait_for};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::time::Duration;

/// Fails until the gate is open. A reading step asks, so a retry asks again.
const GATE: &str = "
  - { id: flag, http: { url: \"http://PEER/flag\" } }
  - assert: { failIf: not flag.json, message: closed }
";

/// The end of a workflow of the table once the gate is open.
const DONE: &str = "completed";

/// A workflow of the table: its name, its steps without the gate (written `GATE`), its final state, and how often each
/// path of an acting request is asked for then, after two failed tries.
type Case = (&'static str, &'static str, &'static str, &'static [(&'static str, usize)]);

const CASES: &[Case] = &[
    ("for", "  - wait: { for: 60ms }\nGATE", DONE, &[]),
    ("until", "  - wait: { until: \"DateTime.AddSeconds(now(), 0.1)\" }\nGATE", DONE, &[]),
    ("set", "  - set: { n: 1 }\n  - wait: { for: 60ms }\n  - set: { n: n + 1 }\nGATE", DONE, &[]),
    ("waits", "  - wait: { for: 40ms }\n  - wait: { for: 40ms }\n  - wait: { for: 40ms }\nGATE", DONE, &[]),
    ("acted", "  - http: { url: \"http://PEER/acted\", method: POST }\n  - wait: { for: 60ms }\nGATE", DONE, &[("/acted", 1)]),
    ("late", "  - wait: { event: never, timeout: 60ms }\n", "failed", &[]),
    (
        "tolerated",
        "  - { id: w, wait: { event: never, timeout: 60ms }, continueOnFail: true }\nGATE",
        DONE,
        &[],
    ),
    (
        "branches",
        "
  - parallel:
      left: { steps: [ wait: { for: 60ms }, { id: flag, http: { url: \"http://PEER/flag\" } }, assert: { failIf: not flag.json, message: closed } ] }
      right: { steps: [ wait: { for: 3s }, http: { url: \"http://PEER/right\", method: POST } ] }
",
        DONE,
        &[("/right", 1)],
    ),
    (
        "passes",
        "
  - forEach:
      item: n
      in: '[1, 2, 3]'
      parallel: 3
      steps:
        - wait: { for: 60ms }
        - http: { url: \"http://PEER/pass/{n}\", method: POST }
        - { id: flag, http: { url: \"http://PEER/flag\" } }
        - assert: { failIf: n = 2 and not flag.json, message: closed }
",
        DONE,
        &[],
    ),
    (
        "loop",
        "
  - forEach:
      item: n
      in: '[1, 2, 3]'
      steps:
        - wait: { for: 40ms }
        - { id: flag, http: { url: \"http://PEER/flag\" } }
        - assert: { failIf: n = 2 and not flag.json, message: closed }
        - http: { url: \"http://PEER/loop/{n}\", method: POST }
",
        DONE,
        &[("/loop/1", 1), ("/loop/2", 1), ("/loop/3", 1)],
    ),
    ("caller", "  - call: { workflow: sub }\n", DONE, &[]),
    ("choice", "  - decide:\n      - { when: 'true', steps: [ wait: { for: 60ms } ] }\nGATE", DONE, &[]),
    ("answered", "  - respond: { body: 1 }\nGATE", DONE, &[]),
    ("point", "  - checkpoint: here\nGATE", DONE, &[]),
    (
        "backoff",
        "  - wait: { for: 40ms }\n  - { http: { url: \"http://PEER/gated\", method: POST }, retry: { times: 1, delay: 30ms } }\n",
        DONE,
        &[("/gated", 5)],
    ),
    (
        "reading",
        "  - wait: { for: 40ms }\n  - { http: { url: \"http://PEER/gated/read\" }, retry: { times: 1, delay: 30ms } }\n",
        DONE,
        &[],
    ),
    ("unbegun", "  - wait: { for: 40ms }\n  - wait: { until: \"'no date'\" }\n", "failed", &[]),
    (
        "unbuilt",
        "  - set: { n: 0 }\n  - wait: { for: 40ms }\n  - http: { url: \"http://PEER/{1 / n}\", method: POST }\n",
        "failed",
        &[],
    ),
    ("slow", "  - wait: { for: 40ms }\n  - http: { url: \"http://PEER/slow\", method: POST }\n", DONE, &[("/slow", 3)]),
];

fn act(server: &Server, run: &str, what: &str) -> u16 {
    server.send("POST", &format!("/api/v1/runs/{run}/{what}"), &[bearer()], Some(b"")).status
}

fn start(server: &Server, id: &str) -> String {
    let sent = server.send("POST", &format!("/api/v1/workflows/{id}/run"), &[bearer()], Some(b"{}"));
    assert_eq!(sent.status, 202, "{id}: {}", sent.text);
    sent.json()["runId"].as_str().unwrap().to_owned()
}

/// Waits until a run has ended for the `tries`th time.
fn ended(server: &Server, run: &str, tries: u64) -> Json {
    wait_for(&format!("end {tries} of {run}"), || {
        let shown = server.api(&format!("/runs/{run}"));
        let over = shown["retries"] == tries - 1 && !shown["endedAt"].is_null();
        over.then_some(shown)
    })
}

/// Steps by position and attempt.
fn steps(run: &Json) -> BTreeMap<(String, u64), Json> {
    let mut found = BTreeMap::new();
    for step in run["steps"].as_array().unwrap() {
        let key = (step["position"].as_str().unwrap().to_owned(), step["attempt"].as_u64().unwrap());
        assert!(found.insert(key.clone(), step.clone()).is_none(), "{key:?} is there twice: {run}");
    }
    found
}

/// A project that receives its events, and whose requests reach the peer.
fn project(peer: &Peer) -> Project {
    let settings = format!("publicUrl = \"https://flow.example.com/\"\n{}", peer.allow());
    Project::new(&[("flowscript.toml", &settings)])
}

fn gated_peer(gate: &Gate) -> Peer {
    let gate = gate.clone();
    Peer::new(move |request, _| match request.path.as_str() {
        "/flag" => ok(&gate.is_open().to_string()),
        "/gated" | "/gated/read" if !gate.is_open() => status(503),
        "/slow" if !gate.is_open() => {
            std::thread::sleep(Duration::from_millis(1500));
            ok("1")
        }
        _ => ok("1"),
    })
}

#[test]
fn a_retry_of_any_failure_ends_and_keeps_what_was() {
    let gate = Gate::default();
    let peer = gated_peer(&gate);
    let project = project(&peer);
    let filled = |text: &str| text.replace("GATE", GATE.trim_start_matches('\n')).replace("PEER", &peer.address);
    for (id, text, ..) in CASES {
        project.write(&format!("workflows/{id}.yaml"), &filled(&format!("limits: {{ run: 700ms }}\nsteps:\n{text}")));
    }
    project.write("workflows/sub.yaml", &filled("steps:\n  - wait: { for: 40ms }\nGATE"));
    let server = project.serve();
    let runs: Vec<String> = CASES.iter().map(|(id, ..)| start(&server, id)).collect();
    let mut before: Vec<BTreeMap<(String, u64), Json>> = vec![BTreeMap::new(); runs.len()];
    for tries in 1..=3 {
        for (number, run) in runs.iter().enumerate() {
            let (id, _, last, _) = CASES[number];
            let shown = ended(&server, run, tries);
            let expected = if tries == 3 {
                last
            } else if id == "slow" {
                "timedOut"
            } else {
                "failed"
            };
            assert_eq!(shown["state"], expected, "{id}, try {tries}: {shown}\n{}", server.log());
            let now = steps(&shown);
            for (key, step) in &before[number] {
                assert_eq!(now.get(key), Some(step), "{id}, try {tries}: {key:?} was overwritten");
            }
            assert!(now.len() > before[number].len(), "{id}, try {tries} left nothing: {shown}");
            assert!(now.values().all(|step| step["state"] != "running"), "{id}: {shown}");
            before[number] = now;
        }
        if tries == 2 {
            gate.open();
        }
        if tries < 3 {
            runs.iter().for_each(|run| assert_eq!(act(&server, run, "retry"), 202, "{run}"));
        }
    }
    for (id, _, _, paths) in CASES {
        for (path, times) in *paths {
            let asked = peer.heard().iter().filter(|heard| heard.path == *path).count();
            assert_eq!(asked, *times, "{id}: {path}");
        }
    }
}

#[test]
fn a_retry_after_events_uses_them_again() {
    let gate = Gate::default();
    let peer = gated_peer(&gate);
    let workflow = "
steps:
  - http: { url: \"http://PEER/ask\", json: { url: \"{callbackUrl('paid')}\" } }
  - { id: paid, wait: { event: paid } }
  - { id: again, wait: { event: paid } }
GATE
output: \"{paid.n + again.n}\"
";
    let project = project(&peer);
    project.write("workflows/w.yaml", &workflow.replace("GATE", GATE).replace("PEER", &peer.address));
    let server = project.serve();
    let run = start(&server, "w");
    server.run_in(&run, "waiting");
    let asked: Json = serde_json::from_str(&peer.heard()[0].body).unwrap();
    let url = asked["url"].as_str().unwrap().strip_prefix("https://flow.example.com").unwrap().to_owned();
    assert_eq!(server.post(&url, "{\"n\": 21}").status, 202);
    for tries in 1..=2 {
        assert_eq!(ended(&server, &run, tries)["state"], "failed");
        if tries == 2 {
            gate.open();
        }
        assert_eq!(act(&server, &run, "retry"), 202);
    }
    let done = ended(&server, &run, 3);
    assert_eq!((&done["state"], &done["output"]), (&"completed".into(), &42.into()), "{done}");
    // Both waits were over: neither was waited for again.
    let waits = steps(&done).into_values().filter(|step| step["kind"] == "wait").count();
    assert_eq!((waits, peer.heard().iter().filter(|heard| heard.path == "/ask").count()), (2, 1), "{done}");
}

#[test]
fn a_retried_head_of_a_lane_lets_the_next_go() {
    for lane in ["pause", "continue"] {
        let gate = Gate::default();
        let peer = gated_peer(&gate);
        let project = project(&peer);
        let trigger = format!("{{ webhook: {{ auth: none, methods: [POST], ordered: {{ onFailure: {lane} }} }} }}");
        let text = format!("trigger: {trigger}\nsteps:\n  - wait: {{ for: 50ms }}\n{GATE}");
        project.write("workflows/w.yaml", &text.replace("PEER", &peer.address));
        let server = project.serve();
        let send = || server.post("/hooks/w", "{}").json()["runId"].as_str().unwrap().to_owned();
        let runs = [send(), send(), send()];
        ended(&server, &runs[0], 1);
        assert_eq!(act(&server, &runs[0], "retry"), 202);
        ended(&server, &runs[0], 2);
        if lane == "pause" {
            assert_eq!(server.api(&format!("/runs/{}", runs[1]))["state"], "queued");
        }
        gate.open();
        assert_eq!(act(&server, &runs[0], "retry"), 202);
        assert_eq!(ended(&server, &runs[0], 3)["state"], "completed");
        runs[1..].iter().for_each(|run| drop(ended(&server, run, 1)));
    }
}

#[test]
fn a_retried_run_that_waits_again_can_be_cancelled() {
    let project = project(&Peer::new(|_, _| ok("1")));
    let workflow = "steps:\n  - wait: { for: 30ms }\n  - { id: e, wait: { event: never, timeout: 700ms } }\n";
    project.write("workflows/w.yaml", workflow);
    let server = project.serve();
    let run = start(&server, "w");
    ended(&server, &run, 1);
    assert_eq!(act(&server, &run, "retry"), 202);
    server.run_in(&run, "waiting");
    assert_eq!(act(&server, &run, "cancel"), 202);
    let shown = ended(&server, &run, 2);
    assert_eq!(shown["state"], "cancelled");
    let last = &steps(&shown)[&("e".to_owned(), 2)];
    assert_eq!(last["state"], "interrupted", "{shown}");
}

#[test]
fn a_condition_of_a_retry_that_fails_leaves_the_failure_of_its_step() {
    let workflow = "
trigger: { webhook: { auth: none, response: wait } }
steps:
  - id: asked
    assert: { failIf: \"true\", message: too much }
    retry: { times: 3, delay: 1ms, on: \"1 / (error.status ?? 0) > 0\" }
    continueOnFail: true
output: \"{errors.asked.kind}: {errors.asked.message}\"
";
    let project = Project::new(&[("workflows/w.yaml", workflow)]);
    let server = project.serve();
    let answer = server.get("/hooks/w");
    assert!(answer.text.starts_with("user: too much. Its `retry.on` failed: "), "{}", answer.text);
}
