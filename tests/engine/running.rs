//! Idempotency keys, concurrency, relaxed durability, retry, run again, cancel, onFailure.

use crate::server::{Answer, Project, Server, bearer, wait_for};
use std::time::{Duration, Instant};

const COUNT: &str = "
input: { n: { type: number, default: 0 } }
trigger: { webhook: { auth: none, RESPONSE } }
steps:
  - script: |
      let start = now();
      while DateTime.SecondsBetween(start, now()) < SECONDS { }
output: { n: \"{n}\", run: \"{run.id}\" }
";

fn count(response: &str, seconds: &str) -> String {
    COUNT.replace("RESPONSE", response).replace("SECONDS", seconds)
}

fn keyed(server: &Server, key: &str, body: &str) -> Answer {
    let headers = [("Idempotency-Key", key), ("Content-Type", "application/json")];
    server.send("POST", "/hooks/w", &headers, Some(body.as_bytes()))
}

fn act(server: &Server, path: &str, body: &str) -> Answer {
    server.send("POST", &format!("/api/v1{path}"), &[bearer()], Some(body.as_bytes()))
}

fn total(server: &Server) -> usize {
    server.api("/runs?limit=1000")["runs"].as_array().unwrap().len()
}

#[test]
fn an_idempotency_key_names_one_run_through_duplicates_and_restarts() {
    let project = Project::new(&[("workflows/w.yaml", &count("response: accept", "0.2"))]);
    let server = project.serve();
    let first = keyed(&server, "k1", r#"{"n": 1}"#);
    assert_eq!(first.status, 202, "{}", first.text);
    let server = std::sync::Arc::new(server);
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let server = server.clone();
            std::thread::spawn(move || keyed(&server, "k1", r#"{"n": 1}"#).text)
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.join().unwrap(), first.text);
    }
    assert_eq!(total(&server), 1);
    keyed(&server, "k1", r#"{"n": 2}"#).is_problem(422, "another request");
    assert_eq!(keyed(&server, "k2", r#"{"n": 1}"#).status, 202);
    keyed(&server, "", "{}").is_problem(400, "Idempotency-Key");
    keyed(&server, &"x".repeat(300), "{}").is_problem(400, "255");
    let server = std::sync::Arc::into_inner(server).unwrap().restart();
    assert_eq!(keyed(&server, "k1", r#"{"n": 1}"#).text, first.text);
    assert_eq!(total(&server), 2);
}

#[test]
fn a_waiting_duplicate_joins_the_run() {
    for seconds in ["0", "0.4"] {
        let project = Project::new(&[("workflows/w.yaml", &count("response: wait", seconds))]);
        let server = std::sync::Arc::new(project.serve());
        let callers: Vec<_> = (0..10)
            .map(|_| {
                let server = server.clone();
                std::thread::spawn(move || keyed(&server, "k", r#"{"n": 1}"#))
            })
            .collect();
        let answers: Vec<Answer> = callers.into_iter().map(|caller| caller.join().unwrap()).collect();
        assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
        assert!(answers.iter().all(|answer| answer.text == answers[0].text), "{answers:?}");
        assert_eq!(keyed(&server, "k", r#"{"n": 1}"#).text, answers[0].text);
        assert_eq!(total(&server), 1);
    }
}

#[test]
fn concurrency_counts_slots() {
    let workflow = format!("concurrency: 2\n{}", count("response: accept", "0.1"));
    let project = Project::new(&[("workflows/w.yaml", &workflow)]);
    let server = project.serve();
    let runs: Vec<String> =
        (0..8).map(|_| server.post("/hooks/w", "{}").json()["runId"].as_str().unwrap().to_owned()).collect();
    let spans: Vec<(String, String)> = runs
        .iter()
        .map(|run| server.run_in(run, "completed"))
        .map(|run| (run["startedAt"].as_str().unwrap().into(), run["endedAt"].as_str().unwrap().into()))
        .collect();
    for (start, _) in &spans {
        let at_once = spans.iter().filter(|(from, to)| from <= start && start < to).count();
        assert!(at_once <= 2, "{at_once} at {start}: {spans:?}");
    }
}

#[test]
fn a_late_caller_may_be_told_accepted() {
    let project =
        Project::new(&[("workflows/w.yaml", &count("response: wait, timeout: 200ms, onTimeout: accept", "0.8"))]);
    let server = project.serve();
    let late = server.post("/hooks/w", "{}");
    assert_eq!(late.status, 202, "{}", late.text);
    server.run_in(late.json()["runId"].as_str().unwrap(), "completed");
}

#[test]
fn relaxed_history_follows_within_a_second() {
    let workflow =
        format!("durability: relaxed\n{}", count("response: wait, query: { n: { type: number, default: 0 } }", "0"));
    let project = Project::new(&[("workflows/w.yaml", &workflow)]);
    let server = project.serve();
    for n in 0..50 {
        assert_eq!(server.get(&format!("/hooks/w?n={n}")).status, 200);
    }
    let started = Instant::now();
    wait_for("all runs are in the history", || (total(&server) == 50).then_some(()));
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    server.signal("TERM");
    let server = project.serve_after(server);
    assert_eq!(total(&server), 50);
    // A run with an idempotency key is stored before its answer leaves.
    assert_eq!(keyed(&server, "k", "{}").status, 200);
    let server = server.restart();
    assert_eq!(total(&server), 51);
}

#[test]
fn a_run_that_computes_for_long_is_one_run_all_the_same() {
    // Begun on the thread of its request, dropped there and begun again elsewhere; only the last time counts.
    for durability in ["strict", "relaxed"] {
        let workflow = format!(
            "durability: {durability}
trigger: {{ webhook: {{ auth: none, response: wait, query: {{ n: {{ type: number }} }} }} }}
input: {{ n: number }}
steps:
  - log: {{ message: begun }}
  - id: sum
    script: |
      let sum = 0;
      let i = 0;
      while i < n {{ set i = i + 1; try {{ set sum = sum + i; }} catch e {{ set sum = 0; }} }}
      return sum;
output: \"{{sum}}\"
"
        );
        let project = Project::new(&[("workflows/w.yaml", &workflow)]);
        let server = project.serve();
        // Long ones follow each other, short ones come between.
        for (n, sum) in [(3, "6"), (200_000, "20000100000"), (200_000, "20000100000"), (3, "6"), (3, "6")] {
            let answer = server.get(&format!("/hooks/w?n={n}"));
            assert_eq!((answer.status, answer.text.as_str()), (200, sum));
        }
        wait_for("all runs are in the history", || (total(&server) == 5).then_some(()));
        for run in server.api("/runs")["runs"].as_array().unwrap() {
            let log = server.api(&format!("/runs/{}/log", run["id"].as_str().unwrap()));
            assert_eq!(log["log"].as_array().map(Vec::len), Some(1), "{log}");
        }
    }
}

#[test]
fn relaxed_is_refused_where_something_depends_on_it() {
    let check = |workflow: &str, part: &str| {
        let project = Project::new(&[("workflows/w.yaml", workflow)]);
        let server = project.serve();
        let problem = server.api("/workflows/w")["problems"][0]["message"].as_str().unwrap().to_owned();
        assert!(problem.contains(part), "{problem}");
    };
    check(&format!("durability: relaxed\n{}", count("response: accept", "0")), "`response: accept`");
    check(&format!("durability: relaxed\n{}", count("response: wait, ordered: true", "0")), "`ordered`");
    check(&format!("durability: relaxed\nconcurrency: 1\n{}", count("response: wait", "0")), "`concurrency`");
}

#[test]
fn cancel_ends_queued_and_running_runs() {
    let workflow = format!("concurrency: 1\n{}", count("response: accept", "60"));
    let project = Project::new(&[("workflows/w.yaml", &workflow)]);
    let server = project.serve();
    let start = || server.post("/hooks/w", "{}").json()["runId"].as_str().unwrap().to_owned();
    let (running, queued) = (start(), start());
    server.run_in(&running, "running");
    assert_eq!(act(&server, &format!("/runs/{queued}/cancel"), "").status, 202);
    assert_eq!(server.api(&format!("/runs/{queued}"))["state"], "cancelled");
    let asked = Instant::now();
    assert_eq!(act(&server, &format!("/runs/{running}/cancel"), "").status, 202);
    server.run_in(&running, "cancelled");
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    act(&server, &format!("/runs/{running}/cancel"), "").is_problem(409, "cancelled");
    server.get(&format!("/hooks/w/runs/{running}")).is_problem(409, "cancelled");
    act(&server, "/runs/01a20130-6585-7000-8141-a5423407a4f3/cancel", "").is_problem(404, "");
    act(&server, "/runs/nonsense/cancel", "").is_problem(404, "nonsense");
}

#[test]
fn failed_runs_are_retried_alone_and_in_bulk() {
    let workflow = "
input: { n: number }
trigger: { webhook: { auth: none } }
steps:
  - id: flag
    file: { read: flag.json }
  - assert: { failIf: flag = 0, message: \"flag is down\" }
output: \"{n}\"
";
    let project = Project::new(&[("workflows/w.yaml", workflow), ("files/flag.json", "0")]);
    let server = project.serve();
    let runs: Vec<String> = (0..4)
        .map(|n| server.post("/hooks/w", &format!("{{\"n\": {n}}}")).json()["runId"].as_str().unwrap().to_owned())
        .collect();
    for run in &runs {
        server.run_in(run, "failed");
    }
    project.write("files/flag.json", "1");
    assert_eq!(act(&server, &format!("/runs/{}/retry", runs[0]), "").status, 202);
    assert_eq!(server.run_in(&runs[0], "completed")["retries"], 1);
    act(&server, &format!("/runs/{}/retry", runs[0]), "").is_problem(409, "");
    let by_id = act(&server, "/runs/retry", &format!("{{\"ids\": [\"{}\", \"{}\"]}}", runs[1], runs[0]));
    assert_eq!(by_id.json()["runs"][0], runs[1].as_str(), "{}", by_id.text);
    assert_eq!(by_id.json()["refused"][0]["runId"], runs[0].as_str(), "{}", by_id.text);
    let found = act(&server, "/runs/retry", "{\"workflow\": \"w\"}");
    assert_eq!(found.json()["runs"].as_array().unwrap().len(), 2, "{}", found.text);
    for (n, run) in runs.iter().enumerate() {
        assert_eq!(server.run_in(run, "completed")["output"].to_string(), n.to_string());
    }
    let again = act(&server, &format!("/runs/{}/rerun", runs[3]), "");
    let again = server.run_in(again.json()["runId"].as_str().unwrap(), "completed");
    assert_eq!((again["output"].to_string().as_str(), again["cause"].as_str()), ("3", Some(runs[3].as_str())));
}

#[test]
fn a_failure_starts_the_workflow_that_is_named() {
    let project = Project::new(&[
        (
            "workflows/w.yaml",
            "onFailure: alarm\ntrigger: { webhook: { auth: none } }\nsteps:\n  - script: \"error 'broken';\"",
        ),
        (
            "workflows/alarm.yaml",
            "input: { error: any, failedRun: any }\noutput: \"{failedRun.workflow}: {error.message}\"",
        ),
        ("workflows/typo.yaml", "onFailure: alram\noutput: 1"),
    ]);
    let server = project.serve();
    let problem = server.api("/workflows/typo")["problems"][0].clone();
    assert_eq!(
        (problem["code"].as_str(), problem["line"].as_u64(), problem["column"].as_u64()),
        (Some("F0207"), Some(1), Some(12))
    );
    let failed = server.post("/hooks/w", "").json()["runId"].as_str().unwrap().to_owned();
    server.run_in(&failed, "failed");
    let alarm = wait_for("the alarm has run", || {
        let runs = server.api("/runs?workflow=alarm");
        (runs["runs"][0]["state"] == "completed").then(|| runs["runs"][0].clone())
    });
    assert_eq!((alarm["trigger"].as_str(), alarm["output"].as_str()), (Some("failure"), Some("w: broken")));
    assert_eq!(alarm["cause"], failed.as_str());
}

#[test]
fn switches_win_until_the_file_changes_its_mind() {
    let project = Project::new(&[("workflows/w.yaml", &count("response: wait", "0"))]);
    let server = project.serve();
    assert_eq!(act(&server, "/workflows/w/activate", "{\"active\": false}").json()["active"], false);
    server.get("/hooks/w").is_problem(404, "`w`");
    let server = server.restart();
    server.get("/hooks/w").is_problem(404, "`w`");
    assert_eq!(act(&server, "/workflows/w/activate", "{\"active\": null}").json()["active"], true);
    assert_eq!(server.get("/hooks/w").status, 200);
    act(&server, "/workflows/none/activate", "{\"active\": true}").is_problem(404, "none");
}
