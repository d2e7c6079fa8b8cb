//! Ordered delivery: lanes, their heads, and the decisions of operators.

use crate::server::{Project, Server, bearer, wait_for};
use serde_json::Value as Json;

fn ordered(settings: &str, script: &str) -> String {
    format!(
        "input: {{ customer: {{ type: any }}, n: {{ type: number, default: 0 }} }}
trigger: {{ webhook: {{ auth: none, {settings} }} }}
steps:
  - script: |
      {script}
output: \"{{n}}\"
"
    )
}

/// Takes some milliseconds, so that runs would overlap if they could.
const PAUSE: &str = "let start = now();
      while DateTime.SecondsBetween(start, now()) < 0.03 { }";

fn send(server: &Server, customer: &str, n: u32) -> String {
    let accepted = server.post("/hooks/w", &format!("{{\"customer\": \"{customer}\", \"n\": {n}}}"));
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    accepted.json()["runId"].as_str().unwrap().to_owned()
}

fn act(server: &Server, path: &str, body: &str) -> crate::server::Answer {
    server.send("POST", &format!("/api/v1{path}"), &[bearer()], Some(body.as_bytes()))
}

#[test]
fn messages_of_a_key_run_one_at_a_time_in_their_order() {
    let workflow = ordered("ordered: { key: body.customer }", PAUSE);
    let project = Project::new(&[("workflows/w.yaml", &workflow)]);
    let server = project.serve();
    let runs: Vec<(String, String)> = (0..24)
        .map(|n| {
            let customer = ["a", "b", "c"][n as usize % 3];
            (customer.to_owned(), send(&server, customer, n))
        })
        .collect();
    let ended: Vec<(String, Json)> =
        runs.iter().map(|(customer, run)| (customer.clone(), server.run_in(run, "completed"))).collect();
    for customer in ["a", "b", "c"] {
        let lane: Vec<&Json> = ended.iter().filter(|(c, _)| c == customer).map(|(_, run)| run).collect();
        assert!(lane.iter().all(|run| run["lane"] == customer));
        for pair in lane.windows(2) {
            let (before, after) = (pair[0]["endedAt"].as_str().unwrap(), pair[1]["startedAt"].as_str().unwrap());
            assert!(before <= after, "{customer}: {before} {after}");
        }
    }
    assert_eq!(server.api("/lanes")["lanes"].as_array().unwrap().len(), 0);
}

#[test]
fn order_outlives_a_kill() {
    let workflow = ordered("ordered: true", PAUSE);
    let project = Project::new(&[("workflows/w.yaml", &workflow)]);
    let server = project.serve();
    let runs: Vec<String> = (0..20).map(|n| send(&server, "x", n)).collect();
    let server = server.restart();
    let ended: Vec<Json> = runs.iter().map(|run| server.run_in(run, "completed")).collect();
    for pair in ended.windows(2) {
        assert!(pair[0]["endedAt"].as_str() <= pair[1]["startedAt"].as_str(), "{pair:?}");
    }
}

#[test]
fn a_held_head_is_skipped_resumed_or_run_again() {
    let script = "if n < 10 { error 'bad message'; }";
    let workflow = ordered("ordered: { onFailure: pause }", script);
    let project = Project::new(&[("workflows/w.yaml", &workflow)]);
    let server = project.serve();
    let (first, second, third) = (send(&server, "x", 1), send(&server, "x", 2), send(&server, "x", 30));
    let failed = server.run_in(&first, "failed");
    assert_eq!(failed["holdsLane"], true);
    assert_eq!(server.api(&format!("/runs/{third}"))["state"], "queued");
    let lane = server.api("/lanes?held=true")["lanes"][0].clone();
    assert_eq!((lane["head"]["runId"].as_str(), lane["length"].as_u64()), (Some(first.as_str()), Some(3)));
    // Resumed, it fails again and still holds the lane.
    let resumed = act(&server, "/lanes/w/resume", "{\"key\": \"\"}");
    assert_eq!((resumed.status, resumed.json()["runId"].as_str()), (200, Some(first.as_str())), "{}", resumed.text);
    wait_for("it has failed again", || {
        let run = server.api(&format!("/runs/{first}"));
        (run["retries"] == 1 && run["state"] == "failed").then_some(())
    });
    assert_eq!(server.api(&format!("/runs/{second}"))["state"], "queued");
    // Skipped, it stays failed and the next one starts, which then holds the lane.
    assert_eq!(act(&server, "/lanes/w/skip", "").json()["runId"], first.as_str());
    assert_eq!(server.run_in(&second, "failed")["holdsLane"], true);
    assert_eq!(server.api(&format!("/runs/{first}"))["state"], "failed");
    // The bug is fixed by a new file: run again replaces the held head, with the new version.
    project.write("workflows/w.yaml", &ordered("ordered: { onFailure: pause }", "let fixed = 1;"));
    wait_for("the new version is there", || (server.api("/workflows/w")["version"] != failed["version"]).then_some(()));
    let again = act(&server, &format!("/runs/{second}/rerun"), "");
    assert_eq!(again.status, 202, "{}", again.text);
    let again = server.run_in(again.json()["runId"].as_str().unwrap(), "completed");
    assert_eq!((again["output"].to_string().as_str(), again["cause"].as_str()), ("2", Some(second.as_str())));
    let last = server.run_in(&third, "completed");
    assert!(again["endedAt"].as_str() <= last["startedAt"].as_str());
    act(&server, "/lanes/w/skip", "").is_problem(404, "");
    act(&server, "/lanes/w/resume", "{\"kye\": 1}").is_problem(400, "kye");
}

#[test]
fn without_pause_the_next_goes() {
    let workflow = ordered("ordered: true", "if n = 1 { error 'bad message'; }");
    let project = Project::new(&[("workflows/w.yaml", &workflow)]);
    let server = project.serve();
    let (first, second) = (send(&server, "x", 1), send(&server, "x", 2));
    server.run_in(&second, "completed");
    assert_eq!(server.api(&format!("/runs/{first}"))["holdsLane"], false);
}

#[test]
fn callers_wait_their_turn() {
    let workflow = ordered("ordered: true, response: wait, timeout: 10s", PAUSE);
    let project = Project::new(&[("workflows/w.yaml", &workflow)]);
    let server = project.serve();
    let base = server.base.clone();
    let callers: Vec<_> = (0..8)
        .map(|n| {
            let base = base.clone();
            std::thread::spawn(move || {
                let body = format!("{{\"customer\": \"x\", \"n\": {n}}}");
                let answer = ureq::post(format!("{base}/hooks/w")).content_type("application/json").send(body);
                answer.unwrap().body_mut().read_to_string().unwrap()
            })
        })
        .collect();
    for (n, caller) in callers.into_iter().enumerate() {
        assert_eq!(caller.join().unwrap(), n.to_string());
    }
}

#[test]
fn keys_that_are_none_are_refused() {
    let workflow = ordered("ordered: { key: body.customer }", "let x = 1;");
    let project = Project::new(&[("workflows/w.yaml", &workflow)]);
    let server = project.serve();
    let check = |customer: &str, part: &str| {
        server.post("/hooks/w", &format!("{{\"customer\": {customer}}}")).is_problem(400, part);
    };
    check("null", "is null");
    check("\"\"", "is empty");
    check("[1]", "simple value");
    check(&format!("\"{}\"", "x".repeat(257)), "257 characters");
    assert_eq!(server.post("/hooks/w", &format!("{{\"customer\": \"{}\"}}", "x".repeat(256))).status, 202);
    assert_eq!(server.post("/hooks/w", "{\"customer\": 7}").status, 202);
}
