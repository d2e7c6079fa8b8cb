//! The statistics of the admin API, against what really ran.

use crate::server::{Project, Server, bearer, wait_for};
use serde_json::Value as Json;

const STRICT: &str = "
input: { n: number }
trigger: { webhook: { auth: none, response: wait } }
steps:
  - assert: { failIf: n < 0, message: \"negative: {n}\" }
output: \"{n}\"
";

const ACCEPTING: &str = "
input: { n: number }
trigger: { webhook: { auth: none, response: accept } }
steps:
  - wait: { for: 80ms }
  - log: { message: waited }
";

fn refused(server: &Server, query: &str, part: &str) {
    server.send("GET", &format!("/api/v1/statistics?{query}"), &[bearer()], None).is_problem(400, part);
}

/// Accepted, completed, failed.
fn counts(json: &Json) -> [u64; 3] {
    ["accepted", "completed", "failed"].map(|name| json[name].as_u64().unwrap())
}

#[test]
fn runs_of_every_durability_are_counted() {
    let relaxed = STRICT.replace("trigger", "durability: relaxed\ntrigger");
    let project = Project::new(&[
        ("workflows/strict.yaml", STRICT),
        ("workflows/relaxed.yaml", &relaxed),
        ("workflows/slow.yaml", ACCEPTING),
    ]);
    let server = project.serve();
    for n in ["1", "2", "-1"] {
        for workflow in ["strict", "relaxed"] {
            server.post(&format!("/hooks/{workflow}"), &format!("{{\"n\": {n}}}"));
        }
    }
    let slow = server.post("/hooks/slow", "{\"n\": 1}").json()["runId"].as_str().unwrap().to_owned();
    server.run_in(&slow, "completed");
    let told = wait_for("the relaxed runs are stored", || {
        let told = server.api("/statistics");
        (told["total"]["accepted"] == 7).then_some(told)
    });
    assert_eq!(counts(&told["total"]), [7, 5, 2]);
    let by_workflow: Vec<(&str, [u64; 3])> = told["workflows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["workflow"].as_str().unwrap(), counts(one)))
        .collect();
    assert_eq!(by_workflow, [("relaxed", [3, 2, 1]), ("slow", [1, 1, 0]), ("strict", [3, 2, 1])]);
    let p95 = told["workflows"][1]["p95"].as_u64().unwrap();
    assert!((70..60_000).contains(&p95), "{p95}");
    assert_eq!(told["unfinished"], serde_json::json!({"queued": 0, "running": 0, "waiting": 0}));
    assert_eq!((&told["bucketSeconds"], told["buckets"].as_array().unwrap().len()), (&900.into(), 97));
    let sum = |name: &str| told["buckets"].as_array().unwrap().iter().map(|one| one[name].as_u64().unwrap()).sum();
    let sums: [u64; 3] = ["accepted", "completed", "failed"].map(sum);
    assert_eq!(sums, [7, 5, 2]);
    let recent = server.api("/runs/recent?each=2");
    let of = |number: usize| {
        let one = &recent["workflows"][number];
        let states = one["runs"].as_array().unwrap().iter().map(|run| run["state"].as_str().unwrap());
        (one["workflow"].as_str().unwrap(), states.collect::<Vec<_>>())
    };
    assert_eq!((of(0), of(1)), (("relaxed", vec!["failed", "completed"]), ("slow", vec!["completed"])));
    assert!(recent["workflows"][1]["runs"][0]["took"].as_u64().unwrap() >= 70, "{recent}");
    let many = server.send("GET", "/api/v1/runs/recent?each=101", &[bearer()], None);
    many.is_problem(400, "1 to 100");
    // A retry has an end of its own, and all of it outlives the process.
    let failed = server.api("/runs?workflow=strict&state=failed")["runs"][0]["id"].as_str().unwrap().to_owned();
    server.send("POST", &format!("/api/v1/runs/{failed}/retry"), &[bearer()], None);
    wait_for("the retry ends", || {
        let told = server.api("/statistics?workflow=strict&bucket=1d");
        (counts(&told["total"]) == [3, 2, 2]).then_some(())
    });
    server.kill();
    let server = project.serve();
    let told = server.api("/statistics?workflow=strict&bucket=1d");
    assert_eq!((counts(&told["total"]), told["workflows"].as_array().unwrap().len()), ([3, 2, 2], 1));
    assert_eq!(counts(&server.api("/statistics?workflow=nobody")["total"]), [0, 0, 0]);
    let past = "/statistics?from=2020-01-01T00:00:30Z&to=2020-03-01T00:00:00Z";
    let past = server.api(past);
    assert_eq!((&past["from"], &past["total"]["p95"]), (&"2020-01-01T00:00:00.000Z".into(), &Json::Null));
    assert_eq!((&past["bucketSeconds"], past["buckets"].as_array().unwrap().len()), (&86_400.into(), 60));
    assert!(server.api("/statistics?from=2000-01-01T00:00:00Z")["buckets"].as_array().unwrap().len() <= 100);
}

#[test]
fn statistics_that_cannot_be_are_refused() {
    let project = Project::new(&[("workflows/strict.yaml", STRICT)]);
    let server = project.serve();
    refused(&server, "from=today", "`from`");
    refused(&server, "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "must be earlier");
    refused(&server, "bucket=90s", "whole minutes");
    refused(&server, "bucket=0m", "whole minutes");
    refused(&server, "bucket=hourly", "is not a duration");
    refused(&server, "from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&bucket=1m", "1440 buckets");
    refused(&server, "buckets=7", "buckets");
    server.get("/api/v1/statistics").is_problem(401, "credential");
}
