//! Webhooks: request and answer, acceptance, keys, status.

use crate::server::{Project, Server, bearer, wait_for};
use std::time::{Duration, Instant};

const ECHO: &str = r#"
label: "{name}"
input: { name: text, times: { type: number, default: 1 }, tags: { type: 'text*', default: [] } }
trigger:
  webhook:
    auth: none
    response: wait
    query: { name: 'text?', times: { type: number, default: 1 }, tags: { type: 'text*', default: [] } }
steps:
  - id: greeting
    script: return Repeat(name, times);
  - log: { message: "hello {name}" }
output: { greeting: "{greeting}", tags: "{tags}", exact: 0.10 }
"#;

/// A script that takes `seconds`.
fn slow(seconds: u32, webhook: &str) -> String {
    format!(
        "trigger: {{ webhook: {{ auth: none, {webhook} }} }}
steps:
  - script: |
      let start = now();
      while DateTime.SecondsBetween(start, now()) < {seconds} {{ }}
  - log: {{ message: done }}
output: {{ ran: \"{{run.id}}\" }}
"
    )
}

#[test]
fn parameters_and_bodies_become_inputs() {
    let project = Project::new(&[("workflows/echo.yaml", ECHO)]);
    let server = project.serve();
    let check = |path: &str, expected: &str| {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.text.as_str()), (200, expected), "{path}");
    };
    check("/hooks/echo?name=ab&times=2", r#"{"greeting":"abab","tags":[],"exact":0.1}"#);
    check("/hooks/echo?name=a%20b+c&unknown=1", r#"{"greeting":"a b c","tags":[],"exact":0.1}"#);
    check("/hooks/echo?name=a&tags=x&tags=y", r#"{"greeting":"a","tags":["x","y"],"exact":0.1}"#);
    let posted = server.post("/hooks/echo?times=3", r#"{"name": "é", "other": [1]}"#);
    assert_eq!(posted.text, r#"{"greeting":"ééé","tags":[],"exact":0.1}"#);
    assert_eq!(posted.header("content-type"), "application/json");
    assert_eq!(posted.header("x-content-type-options"), "nosniff");
    assert_eq!(posted.header("content-security-policy"), "sandbox");
    let runs = server.api("/runs?workflow=echo&limit=1");
    assert_eq!(runs["runs"][0]["label"], "é");
    assert_eq!(runs["runs"][0]["output"]["greeting"], "ééé");
    let next = server.api(&format!("/runs?limit=1&cursor={}", runs["next"].as_str().unwrap()));
    assert_eq!(next["runs"][0]["label"], "a");
    let run = server.api(&format!("/runs/{}", runs["runs"][0]["id"].as_str().unwrap()));
    assert_eq!((run["state"].as_str(), run["trigger"].as_str()), (Some("completed"), Some("webhook")));
    assert_eq!(run["input"]["times"].to_string(), "3");
    assert_eq!(run["log"][0]["message"], "hello é");
    assert_eq!(run["steps"][0]["position"], "greeting");
}

#[test]
fn texts_and_bytes_keep_their_type() {
    let hook = "trigger: { webhook: { auth: none, response: wait } }\n";
    let project = Project::new(&[
        ("workflows/text.yaml", &format!("{hook}output: \"plain {{1 + 1}}\"")),
        ("workflows/bytes.yaml", &format!("{hook}steps:\n  - id: b\n    file: {{ read: a.bin }}\noutput: \"{{b}}\"")),
        ("workflows/none.yaml", &format!("{hook}steps: []")),
        ("files/a.bin", "\u{1}\u{2}"),
    ]);
    let server = project.serve();
    let text = server.get("/hooks/text");
    assert_eq!((text.text.as_str(), text.header("content-type")), ("plain 2", "text/plain; charset=utf-8"));
    let bytes = server.get("/hooks/bytes");
    assert_eq!((bytes.text.as_str(), bytes.header("content-type")), ("\u{1}\u{2}", "application/octet-stream"));
    assert_eq!(server.get("/hooks/none").text, "null");
}

#[test]
fn processing_shapes_both_ways() {
    let workflow = r#"
input: { id: text }
trigger:
  webhook:
    auth: none
    response: wait
    query: { id: {} }
    processing:
      input: "[id: upper(query.id) & '-' & method]"
      output: |
        let shown = [shown: output.id];
        return shown with [run: run.workflow];
output: { id: "{id}" }
"#;
    let project = Project::new(&[("workflows/p.yaml", workflow)]);
    let server = project.serve();
    assert_eq!(server.get("/hooks/p?id=a").text, r#"{"shown":"A-GET","run":"p"}"#);
    let run = server.api("/runs")["runs"][0].clone();
    assert_eq!(run["output"].to_string(), r#"{"id":"A-GET"}"#);
}

#[test]
fn failures_say_what_callers_may_know() {
    let project = Project::new(&[(
        "workflows/f.yaml",
        r#"
input: { how: text }
trigger: { webhook: { auth: none, response: wait, query: { how: {} } } }
steps:
  - assert: { failIf: "how = 'assert'", message: "no {how}", status: 418 }
  - assert: { failIf: "how = 'plain'", message: "plain" }
  - script: "if how = 'error' { error 'told'; }"
  - decide:
      - when: how = 'end'
        steps:
          - end: { error: "ended {how}" }
      - when: how = 'output'
        steps:
          - end: { output: "early" }
  - script: return 1 / 0;
"#,
    )]);
    let server = project.serve();
    server.get("/hooks/f?how=assert").is_problem(418, "no assert");
    server.get("/hooks/f?how=plain").is_problem(500, "plain");
    server.get("/hooks/f?how=error").is_problem(500, "told");
    server.get("/hooks/f?how=end").is_problem(500, "ended end");
    assert_eq!(server.get("/hooks/f?how=output").text, "early");
    let hidden = server.get("/hooks/f?how=x");
    hidden.is_problem(500, "The workflow failed.");
    let run = hidden.json()["runId"].as_str().unwrap().to_owned();
    let shown = server.api(&format!("/runs/{run}"));
    assert_eq!(shown["error"]["kind"], "arithmetic");
    assert_eq!(shown["error"]["position"], "5");
    let line = shown["log"][0]["message"].as_str().unwrap();
    assert!(line.starts_with("line 15, column 20"), "{line}");
}

#[test]
fn accepted_runs_are_found_with_their_output() {
    let project = Project::examples();
    let server = Server::start(&project.path().join("examples"), &[]);
    let key = server.key("create-work-order");
    let order = r#"{"machine": "M", "fault": "leak", "stopped": true}"#;
    let headers = [("X-API-Key", key.as_str()), ("Content-Type", "application/json")];
    let accepted = server.send("POST", "/hooks/work-orders", &headers, Some(order.as_bytes()));
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    let run = accepted.json()["runId"].as_str().unwrap().to_owned();
    let status_url = accepted.json()["statusUrl"].as_str().unwrap().to_owned();
    assert_eq!(accepted.header("location"), status_url);
    // The settings of the examples contain the public address of the engine.
    let status_url = status_url.strip_prefix("http://localhost:7070").unwrap();
    server.run_in(&run, "completed");
    let listed = server.api("/runs?workflow=create-work-order");
    assert_eq!(listed["runs"][0]["output"]["priority"].to_string(), "1");
    server.get(status_url).is_problem(401, "credential");
    let status = server.send("GET", status_url, &headers, None);
    assert_eq!((status.status, status.json()["machine"].as_str()), (200, Some("M")));
    // Another workflow's webhook does not show it.
    server.get(&format!("/hooks/item-price/runs/{run}")).is_problem(404, "no run");
    let bearer = format!("Bearer {key}");
    let again = server.send("POST", "/hooks/work-orders", &[("Authorization", &bearer)], Some(order.as_bytes()));
    assert_eq!(again.status, 202, "{}", again.text);
    // The key itself is never in the store.
    for file in ["flowscript.db", "flowscript.db-wal"] {
        let bytes = std::fs::read(project.path().join("examples/data").join(file)).unwrap_or_default();
        assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()), "{file}");
    }
}

#[test]
fn a_late_answer_names_the_run_that_goes_on() {
    let project = Project::new(&[("workflows/late.yaml", &slow(2, "response: wait, timeout: 300ms"))]);
    let server = project.serve();
    let started = Instant::now();
    let late = server.get("/hooks/late");
    assert!(started.elapsed() < Duration::from_millis(1900), "{:?}", started.elapsed());
    late.is_problem(504, "still running");
    let run = late.json()["runId"].as_str().unwrap().to_owned();
    let status_url = late.json()["statusUrl"].as_str().unwrap().to_owned();
    let unfinished = server.get(&status_url);
    assert_eq!((unfinished.status, unfinished.header("retry-after")), (202, "1"));
    assert_eq!(unfinished.json()["state"], "running");
    server.run_in(&run, "completed");
    assert_eq!(server.get(&status_url).json()["ran"], run.as_str());
}

#[test]
fn a_caller_who_waits_longer_than_the_window_gets_the_output() {
    let project = Project::new(&[("workflows/slow.yaml", &slow(1, "response: wait"))]);
    let server = project.serve();
    let answer = server.get("/hooks/slow");
    assert_eq!(answer.status, 200, "{}", answer.text);
    let runs = server.api("/runs");
    assert_eq!(runs["runs"].as_array().unwrap().len(), 1);
    assert_eq!(runs["runs"][0]["id"], answer.json()["ran"]);
}

#[test]
fn health_needs_no_token_and_the_api_does() {
    let project = Project::new(&[("workflows/a.yaml", "output: 1")]);
    let server = project.serve();
    assert_eq!((server.get("/livez").status, server.get("/readyz").status), (200, 200));
    for path in ["/api/v1/runs", "/api/v1/workflows", "/api/v1/nothing"] {
        server.get(path).is_problem(401, "credential");
        let wrong = server.send("GET", path, &[("Authorization", "Bearer wrong")], None);
        wrong.is_problem(401, "credential");
    }
    let listed = server.api("/workflows");
    assert_eq!(listed["workflows"][0]["id"], "a");
    assert_eq!(server.api("/workflows/a")["active"], true);
    server.send("GET", "/api/v1/workflows/b", &[bearer()], None).is_problem(404, "`b`");
}

#[test]
fn manual_runs_take_inputs() {
    let workflow = "input: { n: number, note: { type: text, default: x } }\noutput: \"{n * 2}\"";
    let project = Project::new(&[("workflows/m.yaml", workflow)]);
    let server = project.serve();
    let start = |body: &str| server.send("POST", "/api/v1/workflows/m/run", &[bearer()], Some(body.as_bytes()));
    let accepted = start(r#"{"input": {"n": "21"}}"#);
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    let run = server.run_in(accepted.json()["runId"].as_str().unwrap(), "completed");
    assert_eq!((run["output"].to_string().as_str(), run["trigger"].as_str()), ("42", Some("manual")));
    assert_eq!(run["input"].to_string(), r#"{"n":21,"note":"x"}"#);
    start(r#"{"input": {"n": "x"}}"#).is_problem(400, "`n`");
    start("").is_problem(400, "`n` is missing");
    start(r#"{"input": {"n": 1, "m": 2}}"#).is_problem(400, "no input `m`");
    start(r#"{"n": 1}"#).is_problem(400, "the field `n`");
    start("[").is_problem(400, "not JSON");
    let other = server.send("POST", "/api/v1/workflows/none/run", &[bearer()], None);
    other.is_problem(404, "`none`");
}

#[test]
fn a_stop_lets_callers_finish_and_leaves_nothing_half_done() {
    let project = Project::new(&[("workflows/slow.yaml", &slow(1, "response: wait"))]);
    let server = project.serve();
    let base = server.base.clone();
    let caller =
        std::thread::spawn(move || ureq::get(format!("{base}/hooks/slow")).call().map(|a| a.status().as_u16()));
    wait_for("the run is running", || (server.api("/runs?state=running")["runs"][0]["id"].is_string()).then_some(()));
    server.signal("TERM");
    wait_for("it is not ready", || (server.get("/readyz").status == 503).then_some(()));
    server.get("/hooks/slow").is_problem(503, "stopping");
    assert_eq!(caller.join().unwrap().unwrap(), 200);
    let server = project.serve_after(server);
    assert_eq!(server.api("/runs?state=completed")["runs"].as_array().unwrap().len(), 1);
}
