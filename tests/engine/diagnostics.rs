//! The records that runs leave: diagnostics, what is masked, limits, and when old history is removed.

use crate::peer::{Peer, ok, status};
use crate::server::{Answer, Project, Server, bearer, wait_for};
use rusqlite::Connection;
use serde_json::Value as Json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const SECRET: &str = "SE45-5000-0000";

fn put(server: &Server, workflow: &str, body: &str) -> Answer {
    let path = format!("/api/v1/workflows/{workflow}/diagnostics");
    server.send("PUT", &path, &[bearer(), ("Content-Type", "application/json")], Some(body.as_bytes()))
}

fn accept(server: &Server, body: &str) -> String {
    let accepted = server.post("/hooks/w", body);
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    accepted.json()["runId"].as_str().unwrap().to_owned()
}

fn act(server: &Server, run: &str, what: &str) -> Answer {
    server.send("POST", &format!("/api/v1/runs/{run}/{what}"), &[bearer()], Some(b""))
}

/// Doubles its input, twice.
const COUNTS: &str = "input: { n: number }
trigger: { webhook: { auth: none } }
steps:
  - set: { total: n * 2 }
  - id: again
    script: |
      set total = total * 2;
      return total + 1;
  - assert: { failIf: n > 10, message: too much }
output: \"{total}\"
";

#[test]
fn variables_are_shown_before_and_after_each_step() {
    let project = Project::new(&[("workflows/w.yaml", COUNTS)]);
    let server = project.serve();
    // By default of failed runs only.
    let (good, bad) = (accept(&server, "{\"n\": 1}"), accept(&server, "{\"n\": 11}"));
    assert_eq!(server.run_in(&good, "completed")["variables"], Json::Array(vec![]));
    let failed = server.run_in(&bad, "failed")["variables"].clone();
    assert_eq!(failed[0]["position"], "1");
    assert_eq!(failed[0]["changes"], serde_json::json!([{ "name": "total", "before": null, "after": 22 }]));
    let again = &failed[1]["changes"];
    assert_eq!(again[0], serde_json::json!({ "name": "again", "before": null, "after": 45 }));
    assert_eq!(again[1], serde_json::json!({ "name": "total", "before": 22, "after": 44 }));
    // Switched at run time, through a restart.
    assert_eq!(put(&server, "w", "{\"variables\": \"on\"}").json()["diagnostics"]["variables"], "on");
    let server = server.restart();
    let good = accept(&server, "{\"n\": 1}");
    assert_eq!(server.run_in(&good, "completed")["variables"][0]["changes"][0]["after"], 2);
    put(&server, "w", "{\"variables\": \"off\"}");
    let bad = accept(&server, "{\"n\": 11}");
    assert_eq!(server.run_in(&bad, "failed")["variables"], Json::Array(vec![]));
    // And returned to the file.
    assert_eq!(put(&server, "w", "{\"variables\": null}").json()["diagnostics"]["variables"], "failures");
    put(&server, "w", "{\"variables\": \"sometimes\"}").is_problem(400, "sometimes");
    put(&server, "nobody", "{}").is_problem(404, "nobody");
}

#[test]
fn inputs_and_outputs_are_shown_where_they_are_wanted() {
    let workflow = format!("diagnostics: {{ input: failures, output: \"off\" }}\n{COUNTS}");
    let project = Project::new(&[("workflows/w.yaml", &workflow)]);
    let server = project.serve();
    let (good, bad) = (accept(&server, "{\"n\": 1}"), accept(&server, "{\"n\": 11}"));
    let completed = server.run_in(&good, "completed");
    assert!(completed["input"].is_null() && completed["payload"].is_null(), "{completed}");
    assert!(completed["output"].is_null() && completed["answer"].is_null(), "{completed}");
    assert_eq!(server.run_in(&bad, "failed")["input"]["n"], 11);
    // Callers get their answer all the same, and a run can run again.
    assert_eq!(server.get(&format!("/hooks/w/runs/{good}")).text, "4");
    assert_eq!(act(&server, &good, "rerun").status, 202);
}

#[test]
fn redacted_values_are_shown_to_nobody_and_kept_until_the_run_has_completed() {
    let works = Arc::new(AtomicBool::new(false));
    let now = works.clone();
    let peer =
        Peer::new(move |_, _| if now.load(Ordering::Relaxed) { ok("{\"token\": \"tok-12345\"}") } else { status(500) });
    let workflow = format!(
        "label: \"of {{customer.iban}}\"
input: {{ customer: any }}
redact: [customer.iban, paid.json.token, output.token]
trigger: {{ webhook: {{ auth: none }} }}
steps:
  - set: {{ copied: customer.name }}
  - log: {{ message: \"pays by {{customer.iban}}\" }}
  - id: paid
    http: {{ url: \"http://{}/\", method: POST, json: {{ iban: \"{{customer.iban}}\" }} }}
  - assert: {{ failIf: \"customer.name = 'Eve'\", message: \"no {{customer.iban}}\" }}
output: {{ token: \"{{paid.json.token}}\", name: \"{{copied}}\" }}
",
        peer.address
    );
    let project = Project::new(&[("flowscript.toml", &peer.allow()), ("workflows/w.yaml", &workflow)]);
    let server = project.serve();
    let body = |name: &str| format!("{{\"customer\": {{\"name\": \"{name}\", \"iban\": \"{SECRET}\"}}}}");
    let run = accept(&server, &body("Ann"));
    let failed = server.run_in(&run, "failed");
    assert!(!failed.to_string().contains(SECRET), "{failed}");
    assert_eq!(failed["payload"]["body"]["customer"]["iban"], "***");
    assert_eq!(failed["input"]["customer"]["iban"], "***");
    assert_eq!((failed["label"].as_str(), failed["log"][0]["message"].as_str()), (Some("of ***"), Some("pays by ***")));
    // A retry still has it in full.
    works.store(true, Ordering::Relaxed);
    assert_eq!(act(&server, &run, "retry").status, 202);
    let completed = server.run_in(&run, "completed");
    assert!(peer.heard().iter().all(|request| request.body.contains(SECRET)), "{:?}", peer.heard());
    assert!(!completed.to_string().contains(SECRET) && !completed.to_string().contains("tok-12345"), "{completed}");
    assert_eq!(completed["output"], serde_json::json!({ "token": "***", "name": "Ann" }));
    act(&server, &run, "rerun").is_problem(409, "masked");
    let other = accept(&server, &body("Eve"));
    let failed = server.run_in(&other, "failed");
    assert_eq!(failed["error"]["message"], "no ***", "{failed}");
    server.kill();
    // The completed run has nothing left of it in the file, the failed one everything it needs.
    let database = Connection::open(project.path().join("data/flowscript.db")).unwrap();
    let holds = |run: &str| {
        let id: Vec<u8> =
            (0..32).step_by(2).map(|at| u8::from_str_radix(&run.replace('-', "")[at..at + 2], 16).unwrap()).collect();
        let count =
            |sql: &str| database.query_row::<i64, _, _>(sql, (&id, SECRET, "tok-12345"), |row| row.get(0)).unwrap();
        count(
            "select instr(payload, cast(?2 as blob)) > 0 or instr(input, cast(?2 as blob)) > 0 or ?3 = '' from runs where id = ?1",
        ) + count(
            "select count(*) from steps join runs on runs.seq = steps.run where id = ?1
                     and (instr(steps.result, cast(?3 as blob)) > 0 or ?2 = '')",
        )
    };
    assert_eq!((holds(&run), holds(&other)), (0, 2));
}

#[test]
fn paths_that_lead_nowhere_are_told() {
    let project = Project::new(&[("workflows/w.yaml", &format!("redact: [customre.iban]\n{COUNTS}"))]);
    let server = project.serve();
    let problem = server.api("/workflows/w")["problems"][0].clone();
    assert!(problem["message"].as_str().unwrap().contains("`customre`"), "{problem}");
    assert_eq!(problem["line"], 1);
}

#[test]
fn a_workflow_has_limits_of_its_own() {
    let loops = |limits: &str, script: &str| {
        format!("limits: {limits}\ntrigger: {{ webhook: {{ auth: none }} }}\nsteps:\n  - script: |\n      {script}\n")
    };
    let check = |limits: &str, script: &str, state: &str, part: &str| {
        let project = Project::new(&[("workflows/w.yaml", &loops(limits, script))]);
        let server = project.serve();
        let run = accept(&server, "{}");
        let ended = server.run_in(&run, state);
        assert!(ended.to_string().contains(part), "{part}: {ended}");
    };
    check("{ run: 300ms, scriptSteps: 4000000000 }", "while true { }", "timedOut", "longer");
    check("{ scriptSteps: 1000 }", "while true { }", "failed", "steps");
    check("{ scriptMemory: 1000000 }", "let t = 'x'; while true { set t = t & t; }", "failed", "need about");
    check("{ logLines: 2 }", "for i in range(1, 9) { Log(i); }", "completed", "a run writes 2 lines");
}

#[test]
fn what_is_fetched_and_kept_has_its_limits() {
    let peer =
        Peer::new(|request, _| ok(&format!("\"{}\"", "x".repeat(if request.path == "/big" { 5_000 } else { 500 }))));
    let steps = |path: &str, set: &str| {
        format!(
            "trigger: {{ webhook: {{ auth: none }} }}
steps:
  - set: {{ text: \"{set}\" }}
  - http: {{ url: \"http://{}{path}\", method: POST }}
",
            peer.address
        )
    };
    let settings = format!("{}[limits]\nfetchedBody = 1000\nvariables = 2000\n", peer.allow());
    let check = |workflow: &str, part: &str| {
        let project = Project::new(&[("flowscript.toml", &settings), ("workflows/w.yaml", workflow)]);
        let server = project.serve();
        let failed = server.run_in(&accept(&server, "{}"), "failed");
        assert!(failed["error"]["message"].as_str().unwrap().contains(part), "{part}: {failed}");
    };
    check(&steps("/big", "'x'"), "larger than 1000 bytes");
    check(&steps("/", "Repeat('x', 5000)"), "the limit is 2000");
}

#[test]
fn a_full_queue_is_told() {
    let workflow = "limits: { queue: 2 }
concurrency: 1
trigger: { webhook: { auth: none } }
steps:
  - script: |
      let start = now();
      while DateTime.SecondsBetween(start, now()) < 2 { }
";
    let project = Project::new(&[("workflows/w.yaml", workflow)]);
    let server = project.serve();
    let first = accept(&server, "{}");
    server.run_in(&first, "running");
    accept(&server, "{}");
    accept(&server, "{}");
    let full = server.post("/hooks/w", "{}");
    full.is_problem(429, "2 runs");
    assert!(!full.header("retry-after").is_empty());
    server.run_in(&first, "completed");
    wait_for("room in the queue", || (server.post("/hooks/w", "{}").status == 202).then_some(()));
}

#[test]
fn old_history_goes() {
    let project = Project::new(&[
        ("flowscript.toml", "[retention]\nruns = 5\n"),
        ("workflows/w.yaml", &format!("{COUNTS}concurrency: 1\n")),
    ]);
    let server = project.serve();
    let failing = accept(&server, "{\"n\": 11}");
    server.run_in(&failing, "failed");
    let runs: Vec<String> = (0..20).map(|_| accept(&server, "{\"n\": 1}")).collect();
    server.run_in(runs.last().unwrap(), "completed");
    let server = server.restart();
    let kept = wait_for("the oldest to go", || {
        let list = server.api("/runs")["runs"].clone();
        (list.as_array().unwrap().len() == 5).then_some(list)
    });
    assert_eq!(kept[0]["id"], runs.last().unwrap().as_str());
    assert_eq!(server.get(&format!("/hooks/w/runs/{failing}")).status, 404);
}

#[test]
fn a_bug_is_fixed_by_a_new_file_and_the_queue_runs_on_it() {
    let workflow = |factor: &str| {
        format!(
            "input: {{ n: number }}
trigger: {{ webhook: {{ auth: none, ordered: {{ onFailure: pause }} }} }}
steps:
  - id: half
    script: |
      return n / ({factor});
output: \"{{half}}\"
"
        )
    };
    let project = Project::new(&[("workflows/w.yaml", &workflow("n - n"))]);
    let server = project.serve();
    let (head, second, third) =
        (accept(&server, "{\"n\": 2}"), accept(&server, "{\"n\": 4}"), accept(&server, "{\"n\": 6}"));
    let old = server.run_in(&head, "failed")["version"].clone();
    project.write("workflows/w.yaml", &workflow("2"));
    let new = wait_for("the new version", || {
        let version = server.api("/workflows/w")["version"].clone();
        (version != old).then_some(version)
    });
    // A retry keeps its version, and fails again.
    assert_eq!(act(&server, &head, "retry").status, 202);
    wait_for("the retry", || (server.api(&format!("/runs/{head}"))["retries"] == 1).then_some(()));
    assert_eq!(server.run_in(&head, "failed")["version"], old);
    assert_eq!(server.api(&format!("/runs/{second}"))["state"], "queued");
    // Run again uses the new one, at the place of the head; the queue continues after it.
    let again = act(&server, &head, "rerun").json()["runId"].as_str().unwrap().to_owned();
    for (run, output) in [(&again, 1), (&second, 2), (&third, 3)] {
        let ended = server.run_in(run, "completed");
        assert_eq!((&ended["version"], ended["output"].as_i64()), (&new, Some(output)), "{ended}");
    }
    assert_eq!(server.api(&format!("/runs/{head}"))["state"], "failed");
}
