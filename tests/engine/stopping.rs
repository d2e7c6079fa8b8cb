//! A run in any state ends when it is cancelled, when its time is over, and when the engine stops.

use crate::server::{Project, Server, bearer, wait_for};
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// An end that takes longer did not come from the engine.
const AT_ONCE: Duration = Duration::from_secs(5);

/// The work in which runs are stopped, with its settings. `SILENT` is a peer that never answers.
const WORK: [(&str, &str); 9] = [
    ("loop", "script: \"let i = 0; while true { set i = i + 1; }\""),
    ("ranges", "script: \"while true { let _n = Range(1, 300000); }\""),
    (
        "sorts",
        "script: \"let t = select n, 0 - n as m from Range(1, 300000) as n; while true { let _n = t order by m; }\"",
    ),
    ("patterns", "script: \"let t = Repeat('ab', 20000); while true { let _n = RegexTest(t, '(?=b)c'); }\""),
    (
        "query",
        "sql: { connection: db, query: \"with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) as n from n\" }\n    timeout: 1h",
    ),
    (
        "change",
        "sql: { connection: db, execute: \"create table t as with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) as n from n\" }\n    timeout: 1h",
    ),
    ("request", "http: { url: \"http://SILENT/\" }\n    timeout: 1h"),
    ("calls", "script: \"return HTTP.Request('http://SILENT/', [timeout: 3600]);\""),
    ("mail", "email: { connection: mail, to: a@example.com, subject: s, body: b }\n    timeout: 1h"),
];

/// A project with a workflow for each kind of work, and the peer that never answers.
fn project(limits: &str) -> (Project, TcpListener) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let connections = format!(
        "db: {{ sql: {{ url: \"sqlite:a.db\" }} }}\nmail: {{ smtp: {{ url: \"smtp://{address}\", from: me@example.com }} }}"
    );
    let settings = format!("[http]\nallow = [\"{address}\"]\n[limits]\nscriptSteps = 1000000000000\n");
    let project = Project::new(&[("connections.yaml", &connections), ("flowscript.toml", &settings), ("a.db", "")]);
    for (name, step) in WORK {
        let step = step.replace("SILENT", &address);
        let workflow = format!("{limits}\ntrigger: {{ webhook: {{ auth: none }} }}\nsteps:\n  - {step}\n");
        project.write(&format!("workflows/{name}.yaml"), &workflow);
    }
    (project, silent)
}

fn start(server: &Server, workflow: &str) -> String {
    let accepted = server.post(&format!("/hooks/{workflow}"), "");
    assert_eq!(accepted.status, 202, "{workflow}: {}\n{}", accepted.text, server.log());
    accepted.json()["runId"].as_str().unwrap().to_owned()
}

/// A run that has been running for a moment.
fn at_work(server: &Server, workflow: &str) -> String {
    let run = start(server, workflow);
    server.run_in(&run, "running");
    std::thread::sleep(Duration::from_millis(300));
    run
}

#[test]
fn a_cancelled_run_ends_at_once() {
    let (project, _silent) = project("");
    let server = project.serve();
    for (name, _) in WORK {
        let run = at_work(&server, name);
        let asked = Instant::now();
        let cancelled = server.send("POST", &format!("/api/v1/runs/{run}/cancel"), &[bearer()], Some(b""));
        assert_eq!(cancelled.status, 202, "{name}: {}", cancelled.text);
        server.run_in(&run, "cancelled");
        assert!(asked.elapsed() < AT_ONCE, "{name}: {:?}", asked.elapsed());
    }
}

#[test]
fn a_run_ends_when_its_time_is_over() {
    let (project, _silent) = project("limits: { run: 1s }");
    let server = project.serve();
    for (name, _) in WORK {
        let started = Instant::now();
        let run = start(&server, name);
        server.run_in(&run, "timedOut");
        assert!(started.elapsed() < AT_ONCE, "{name}: {:?}", started.elapsed());
    }
}

#[test]
fn a_stop_ends_with_its_grace_and_leaves_runs_to_the_next_process() {
    let (project, _silent) = project("");
    let mut server = project.serve();
    let runs: Vec<(&str, String)> = WORK.iter().map(|(name, _)| (*name, start(&server, name))).collect();
    for (_, run) in runs.iter().filter(|(name, _)| !["sorts", "patterns"].contains(name)) {
        server.run_in(run, "running");
    }
    server.signal("TERM");
    let asked = Instant::now();
    assert_eq!(server.ended(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(10) + AT_ONCE, "{:?}", asked.elapsed());
    assert!(!project.path().join("data/flowscript.db-wal").exists(), "the store was closed in order");
    let server = project.serve();
    for (name, run) in &runs {
        let state = server.api(&format!("/runs/{run}"))["state"].clone();
        assert!(state == "running" || state == "queued", "{name} is {state}");
    }
}

#[test]
fn a_second_signal_ends_the_engine_at_once() {
    for name in ["loop", "sorts", "query", "calls"] {
        let (project, _silent) = project("");
        let mut server = project.serve();
        at_work(&server, name);
        server.signal("TERM");
        wait_for("the first signal is heard", || server.log().contains("a second signal").then_some(()));
        let asked = Instant::now();
        server.signal("TERM");
        assert_eq!(server.ended(), Some(1));
        assert!(asked.elapsed() < AT_ONCE, "{name}: {:?}", asked.elapsed());
    }
}

#[test]
fn an_evaluation_ends_when_its_caller_goes_away() {
    let (project, _silent) = project("");
    let server = project.serve();
    let body = r#"{"source": "let i = 0; while true { i = i + 1; } return i;"}"#;
    let address = server.base.trim_start_matches("http://").to_owned();
    // There is one thread for evaluations: five abandoned ones would delay the next one for long.
    for _ in 0..5 {
        use std::io::Write;
        let mut caller = std::net::TcpStream::connect(&address).unwrap();
        let (name, value) = bearer();
        let head = format!(
            "POST /api/v1/evaluate HTTP/1.1\r\nHost: x\r\n{name}: {value}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        caller.write_all(head.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(100));
    }
    let asked = Instant::now();
    let answer = server.send("POST", "/api/v1/evaluate", &[bearer()], Some(br#"{"source": "1 + 1"}"#));
    assert_eq!(answer.json()["value"], 2, "{}", answer.text);
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
}
