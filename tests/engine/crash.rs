//! What is accepted is kept, however the process ends.

use crate::server::Project;
use rusqlite::{Connection, OpenFlags};

const SLOW: &str = "
trigger: { webhook: { auth: none } }
input: { n: number }
steps:
  - script: |
      let start = now();
      while DateTime.SecondsBetween(start, now()) < 2 { }
  - log: { message: \"ran {n}\" }
output: \"{n}\"
";

/// States of all runs in the file, as another program sees them.
fn states(project: &Project) -> Vec<String> {
    let file = project.path().join("data/flowscript.db");
    let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let mut statement = database.prepare("select state from runs order by seq").unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn an_accepted_run_outlives_kill_9_and_completes_once() {
    let project = Project::new(&[("workflows/slow.yaml", SLOW)]);
    let server = project.serve();
    let accepted = server.post("/hooks/slow", r#"{"n": 7}"#);
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    let run = accepted.json()["runId"].as_str().unwrap().to_owned();
    server.kill();
    let after = states(&project);
    assert_eq!(after.len(), 1, "{after:?}");
    assert!(["queued", "running"].contains(&after[0].as_str()), "{after:?}");
    let server = project.serve();
    let shown = server.run_in(&run, "completed");
    assert_eq!(shown["output"].to_string(), "7");
    assert_eq!(shown["log"].as_array().unwrap().len(), 1, "{shown}");
    assert_eq!(states(&project), ["completed"]);
}

#[test]
fn every_acknowledged_run_of_many_kills_completes_once() {
    let workflow = "trigger: { webhook: { auth: none } }\ninput: { n: number }\noutput: \"{n}\"";
    let project = Project::new(&[("workflows/fast.yaml", workflow)]);
    let mut server = project.serve();
    let mut acknowledged = Vec::new();
    for n in 0..60 {
        let accepted = server.post("/hooks/fast", &format!("{{\"n\": {n}}}"));
        assert_eq!(accepted.status, 202, "{}", accepted.text);
        acknowledged.push(accepted.json()["runId"].as_str().unwrap().to_owned());
        if n % 15 == 14 {
            server = server.restart();
        }
    }
    for (n, run) in acknowledged.iter().enumerate() {
        assert_eq!(server.run_in(run, "completed")["output"].to_string(), n.to_string());
    }
    assert_eq!(states(&project).len(), 60);
}

#[test]
fn a_run_goes_on_with_the_version_it_has_taken() {
    let project = Project::new(&[("workflows/slow.yaml", SLOW)]);
    let server = project.serve();
    let run = server.post("/hooks/slow", r#"{"n": 1}"#).json()["runId"].as_str().unwrap().to_owned();
    // It has started, so it keeps its version; the file is missing when the next process starts.
    server.run_in(&run, "running");
    server.kill();
    std::fs::remove_file(project.path().join("workflows/slow.yaml")).unwrap();
    let server = project.serve();
    server.get("/hooks/slow").is_problem(404, "`slow`");
    assert_eq!(server.run_in(&run, "completed")["output"].to_string(), "1");
}
