//! The commands that talk to an engine, with one running and without.

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
