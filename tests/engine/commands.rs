//! The commands that use an engine, with one running and without.

use crate::server::{Project, flowscript};
use std::process::Output;

const DOUBLE: &str = "input: { n: number }\nsteps:\n  - log: { message: \"doubling {n}\" }\noutput: \"{n * 2}\"";

fn run(project: &Project, arguments: &[&str]) -> Output {
    flowscript().args(arguments).arg("--dir").arg(project.path()).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn trigger_through_the_api() {
    let project = Project::new(&[("workflows/double.yaml", DOUBLE)]);
    let server = project.serve();
    let waited = run(&project, &["trigger", "double", "--input", r#"{"n": 4}"#, "--wait"]);
    assert_eq!((waited.status.code(), stdout(&waited).as_str()), (Some(0), "8"), "{}", stderr(&waited));
    assert!(stderr(&waited).contains("doubling 4"), "{}", stderr(&waited));
    let started = run(&project, &["trigger", "double", "--input", r#"{"n": 5}"#]);
    server.run_in(&stdout(&started), "completed");
    let wrong = run(&project, &["trigger", "double", "--input", "{}"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("`n` is missing"), "{}", stderr(&wrong));
    let held = run(&project, &["trigger", "double", "--input", r#"{"n": 5}"#, "--local"]);
    assert_eq!(held.status.code(), Some(2));
    assert!(stderr(&held).contains("another engine"), "{}", stderr(&held));
}

#[test]
fn trigger_with_an_earlier_payload() {
    let hook = "trigger: { webhook: { auth: none, response: wait, processing: { input: '[n: body.n]' } } }\n";
    let other = ("workflows/other.yaml", "output: 1");
    let project = Project::new(&[("workflows/double.yaml", &format!("{hook}{DOUBLE}")), other]);
    let server = project.serve();
    let none = run(&project, &["trigger", "double", "--payload", "last"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(stderr(&none).contains("no message yet"), "{}", stderr(&none));
    assert_eq!(server.post("/hooks/double", "{\"n\": 4}").text, "8");
    assert_eq!(server.post("/hooks/double", "{\"n\": 5}").text, "10");
    run(&project, &["trigger", "double", "--input", r#"{"n": 6}"#, "--wait"]);
    let last = run(&project, &["trigger", "double", "--payload", "last", "--wait"]);
    assert_eq!((last.status.code(), stdout(&last).as_str()), (Some(0), "10"), "{}", stderr(&last));
    let runs = server.api("/runs?workflow=double&trigger=webhook")["runs"].clone();
    let first = runs.as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
    let chosen = run(&project, &["trigger", "double", "--payload", &first, "--wait"]);
    assert_eq!(stdout(&chosen), "8", "{}", stderr(&chosen));
    let foreign = run(&project, &["trigger", "other", "--payload", &first]);
    assert!(stderr(&foreign).contains("`other` has no run"), "{}", stderr(&foreign));
    for (body, part) in [
        ("{\"payloadOf\": \"first\"}", "neither `last` nor"),
        ("{\"payloadOf\": 1}", "must be `last`"),
        ("{\"payloadOf\": \"last\", \"input\": {}}", "not both"),
        ("{\"payload\": 1}", "has the field `payload`"),
    ] {
        let path = "/api/v1/workflows/double/run";
        server.send("POST", path, &[crate::server::bearer()], Some(body.as_bytes())).is_problem(400, part);
    }
    server.kill();
    let queued = run(&project, &["trigger", "double", "--payload", &first]);
    assert_eq!(queued.status.code(), Some(0), "{}", stderr(&queued));
    let server = project.serve();
    assert_eq!(server.run_in(&stdout(&queued), "completed")["output"].to_string(), "8");
}

#[test]
fn trigger_without_an_engine() {
    let project = Project::new(&[("workflows/double.yaml", DOUBLE), ("workflows/bad.yaml", "output: \"{1 / 0}\"")]);
    let local = run(&project, &["trigger", "double", "--input", r#"{"n": 4}"#, "--local"]);
    assert_eq!((local.status.code(), stdout(&local).as_str()), (Some(0), "8"), "{}", stderr(&local));
    let failed = run(&project, &["trigger", "bad", "--local"]);
    assert_eq!(failed.status.code(), Some(1), "{}", stderr(&failed));
    assert!(stderr(&failed).contains("failed:"), "{}", stderr(&failed));
    let queued = run(&project, &["trigger", "double", "--input", r#"{"n": 6}"#]);
    assert_eq!(queued.status.code(), Some(0), "{}", stderr(&queued));
    let once = flowscript().arg("serve").arg(project.path()).arg("--once").output().unwrap();
    assert_eq!(once.status.code(), Some(0), "{}", stderr(&once));
    let server = project.serve();
    let shown = server.run_in(&stdout(&queued), "completed");
    assert_eq!(shown["output"].to_string(), "12");
}

#[test]
fn keys_with_and_without_an_engine() {
    let hook = "trigger: { webhook: { response: wait } }\noutput: 1";
    let project = Project::new(&[("workflows/a.yaml", hook)]);
    let before = stdout(&run(&project, &["keys", "add", "a", "--label", "first"]));
    let server = project.serve();
    let after = stdout(&run(&project, &["keys", "add", "a", "--label", "second"]));
    for key in [&before, &after] {
        assert!(key.starts_with("fsk_"), "{key}");
        assert_eq!(server.send("GET", "/hooks/a", &[("X-API-Key", key)], None).text, "1");
    }
    let listed = run(&project, &["keys", "list"]);
    assert!(stdout(&listed).contains("first") && stdout(&listed).contains("second"), "{}", stdout(&listed));
    assert!(!stdout(&listed).contains(&after));
    let pasted = run(&project, &["keys", "add", "a", "--key", "short"]);
    assert_eq!(pasted.status.code(), Some(2));
    assert!(stderr(&pasted).contains("5 characters"), "{}", stderr(&pasted));
    let unknown = run(&project, &["keys", "add", "nothing"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", stderr(&unknown));
    assert!(stderr(&unknown).contains("nothing"), "{}", stderr(&unknown));
}

#[test]
fn runs_lanes_and_tokens_with_and_without_an_engine() {
    let lane = "label: \"{n}\"
input: { n: number }
trigger: { webhook: { auth: none, ordered: { onFailure: pause }, query: { n: { type: number } } } }
steps:
  - log: { message: \"about \\e[2J {n}\" }
  - assert: { failIf: n = 1, message: one is refused }
output: 1";
    let project = Project::new(&[("workflows/lane.yaml", lane), ("workflows/double.yaml", DOUBLE)]);
    let server = project.serve();
    for n in 1..=2 {
        assert_eq!(server.get(&format!("/hooks/lane?n={n}")).status, 202);
    }
    crate::server::wait_for("the lane is held", || {
        stdout(&run(&project, &["lanes", "--held"])).contains("held").then_some(())
    });
    let lanes = run(&project, &["lanes", "--json"]);
    let lanes: serde_json::Value = serde_json::from_str(&stdout(&lanes)).unwrap();
    assert_eq!((&lanes["lanes"][0]["workflow"], &lanes["lanes"][0]["length"]), (&"lane".into(), &2.into()));
    let failed = run(&project, &["runs", "--state", "failed"]);
    assert!(stdout(&failed).contains("one is refused"), "{}", stdout(&failed));
    assert_eq!(stdout(&failed).lines().count(), 2, "{}", stdout(&failed));
    let listed = run(&project, &["runs", "--state", "failed", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&stdout(&listed)).unwrap();
    let id = listed["runs"][0]["id"].as_str().unwrap().to_owned();
    let shown = run(&project, &["runs", "show", &id]);
    assert!(stdout(&shown).contains("assert") && !stdout(&shown).contains('\u{1b}'), "{}", stdout(&shown));
    assert_eq!(stdout(&run(&project, &["runs", "retry", "--workflow", "lane"])), id);
    server.run_in(&id, "failed");
    let resumed = crate::server::wait_for("the lane is held again", || {
        let resumed = run(&project, &["lanes", "resume", "lane"]);
        (resumed.status.code() == Some(0)).then(|| stdout(&resumed))
    });
    assert_eq!(resumed, id);
    crate::server::wait_for("the head can be skipped", || {
        (stdout(&run(&project, &["lanes", "skip", "lane"])) == id).then_some(())
    });
    let wrong = run(&project, &["runs", "cancel", &id]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("has ended already"), "{}", stderr(&wrong));
    let waited = run(&project, &["trigger", "double", "--input", r#"{"n": 21}"#, "--wait"]);
    assert_eq!((waited.status.code(), stdout(&waited).as_str()), (Some(0), "42"), "{}", stderr(&waited));
    let viewer = run(&project, &["token", "--role", "viewer", "--label", "wall", "--expires", "90d"]);
    assert!(stdout(&viewer).starts_with("fst_"), "{}", stderr(&viewer));
    drop(server);
    // The same commands on the store itself.
    assert!(stdout(&run(&project, &["runs", "--text", &id])).contains(&id));
    let again = run(&project, &["runs", "rerun", &id]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    let tokens = run(&project, &["token", "list", "--json"]);
    let tokens: serde_json::Value = serde_json::from_str(&stdout(&tokens)).unwrap();
    assert_eq!((&tokens[0]["role"], &tokens[0]["label"]), (&"viewer".into(), &"wall".into()));
    let deleted = run(&project, &["token", "delete", tokens[0]["id"].as_str().unwrap()]);
    assert_eq!(deleted.status.code(), Some(0), "{}", stderr(&deleted));
    assert_eq!(stdout(&run(&project, &["token", "list", "--json"])), "[]");
    let soon = run(&project, &["token", "--expires", "soon"]);
    assert_eq!(soon.status.code(), Some(2));
    assert!(stderr(&soon).contains("90d"), "{}", stderr(&soon));
    let keys = run(&project, &["keys", "add", "double", "--expires", "1h"]);
    assert!(stdout(&keys).starts_with("fsk_"), "{}", stderr(&keys));
    let keys = run(&project, &["keys", "list", "--json"]);
    let keys: serde_json::Value = serde_json::from_str(&stdout(&keys)).unwrap();
    let key = keys[0]["id"].as_str().unwrap();
    for arguments in [["keys", "rename", key, "shop"].as_slice(), &["keys", "revoke", key], &["keys", "delete", key]] {
        let done = run(&project, arguments);
        assert_eq!(done.status.code(), Some(0), "{arguments:?} {}", stderr(&done));
    }
    assert_eq!(stdout(&run(&project, &["keys", "list", "--json"])), "[]");
}
