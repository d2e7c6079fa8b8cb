//! Filters of runs as text, in the list and in its counts.

use crate::server::{Project, Server, bearer};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value as Json, json};

const DOUBLE: &str = "
input: { n: number }
label: \"no {n}\"
trigger: { webhook: { auth: none, response: wait } }
steps:
  - assert: { failIf: n < 0, message: \"negative: {n}\" }
output: \"{n * 2}\"
";

const ORDERED: &str = "
input: { sku: text, n: number }
trigger: { webhook: { auth: none, response: accept, ordered: { key: body.sku, onFailure: pause } } }
steps:
  - assert: { failIf: n < 0, message: \"negative: {n}\" }
";

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn found(server: &Server, q: &str) -> usize {
    let list = server.api(&format!("/runs?q={}", encoded(q)));
    assert_eq!((&list["next"], &list["searchedTo"]), (&Json::Null, &Json::Null), "{list}");
    let counts = server.api(&format!("/runs/counts?q={}", encoded(q)));
    let number = list["runs"].as_array().unwrap().len();
    assert_eq!(counts["count"], number, "{q}: {counts}");
    number
}

#[test]
fn a_filter_finds_runs_in_the_list_and_in_its_counts() {
    let project =
        Project::new(&[("workflows/a.yaml", DOUBLE), ("workflows/erp/b.yaml", DOUBLE), ("workflows/o.yaml", ORDERED)]);
    let server = project.serve();
    for n in ["1", "2", "-3"] {
        server.post("/hooks/a", &format!("{{\"n\": {n}}}"));
        server.post("/hooks/erp.b", &format!("{{\"n\": {n}}}"));
    }
    let send = |sku: &str, n: i32| {
        let body = json!({ "sku": sku, "n": n }).to_string();
        server.post("/hooks/o", &body).json()["runId"].as_str().unwrap().to_owned()
    };
    server.run_in(&send("A112", -1), "failed");
    send("A112", 1);
    server.run_in(&send("B121", 1), "completed");
    for (q, expected) in [
        ("", 9),
        ("state:failed", 3),
        ("state:failed,queued", 4),
        ("-state:failed", 6),
        ("workflow:a", 3),
        ("workflow:erp.* state:failed", 1),
        ("-workflow:a,erp.*", 3),
        ("lane:A112", 2),
        ("lane:A112 is:held", 1),
        ("-is:held state:failed", 2),
        ("label:\"no 2\"", 2),
        ("\"NO \"", 6),
        ("negative", 3),
        ("-negative state:failed", 0),
        ("error:\"negative: -3\"", 2),
        ("trigger:webhook", 9),
        ("-trigger:webhook", 0),
        ("since:1h", 9),
        ("until:2020-01-01", 0),
        ("since:2020-01-01", 9),
        ("took:>1h", 0),
        ("took:<1h", 8),
        ("-took:<1h state:queued", 1),
        ("state:completed workflow:a took:<1h since:1d", 2),
    ] {
        assert_eq!(found(&server, q), expected, "{q}");
    }
    let version = server.api("/workflows/a")["version"].as_str().unwrap().to_owned();
    assert_eq!(found(&server, &format!("version:{}", &version[..8])), 3);
    // It is joined with the other parameters, and read in pages.
    let list = server.api(&format!("/runs?workflow=a&limit=1&q={}", encoded("state:completed")));
    let next = list["next"].as_str().unwrap();
    let last = server.api(&format!("/runs?workflow=a&limit=1&cursor={next}&q={}", encoded("state:completed")));
    assert_eq!((last["runs"][0]["label"].as_str(), &last["next"]), (Some("no 1"), &Json::Null));
    let counts = server.api("/runs/counts?workflow=a&bucket=1d");
    assert_eq!(counts["states"], json!([{ "state": "completed", "count": 2 }, { "state": "failed", "count": 1 }]));
    let in_buckets = counts["buckets"].as_array().unwrap().iter().map(|one| one["count"].as_u64().unwrap());
    assert_eq!((in_buckets.sum::<u64>(), &counts["bucketSeconds"]), (3, &json!(86_400)));
    let refused = |path: &str, part: &str| {
        server.send("GET", &format!("/api/v1{path}"), &[bearer()], None).is_problem(400, part);
    };
    refused("/runs?q=state:fialed", "`q`, at character 7: `fialed` is not a state. Did you mean `failed`?");
    refused("/runs/counts?q=took:2s", "Write took:>2s");
    refused("/runs/counts?bucket=1ms", "at least a second");
    refused("/runs/counts?bucket=x", "`bucket`");
    server.get("/api/v1/runs/counts").is_problem(401, "credential");
}

fn decide(server: &Server, what: &str, body: &Json) -> Json {
    let answer = server.send("POST", &format!("/api/v1/runs/{what}"), &[bearer()], Some(body.to_string().as_bytes()));
    assert_eq!(answer.status, 200, "{what} {body}: {}", answer.text);
    answer.json()
}

/// The numbers of changed, started and refused runs.
fn numbers(decided: &Json) -> [usize; 3] {
    ["runs", "started", "refused"].map(|name| decided[name].as_array().unwrap().len())
}

#[test]
fn many_runs_are_decided_by_a_filter_after_a_dry_run() {
    let project = Project::new(&[("workflows/a.yaml", DOUBLE), ("workflows/o.yaml", ORDERED)]);
    let server = project.serve();
    let send = |sku: &str, n: i32| {
        let body = json!({ "sku": sku, "n": n }).to_string();
        server.post("/hooks/o", &body).json()["runId"].as_str().unwrap().to_owned()
    };
    let held = send("A112", -1);
    server.run_in(&held, "failed");
    let queued = [send("A112", 2), send("A112", -3)];
    for n in ["1", "-2", "-3"] {
        server.post("/hooks/a", &format!("{{\"n\": {n}}}"));
    }
    let state = |run: &str| server.api(&format!("/runs/{run}"))["state"].as_str().unwrap().to_owned();
    // A dry run says what would be done, and does nothing.
    for (what, q, expected) in [
        ("retry", "since:1h", [3, 0, 0]),
        ("retry", "state:completed", [0, 0, 0]),
        ("rerun", "workflow:a", [3, 0, 0]),
        ("cancel", "lane:A112", [2, 0, 0]),
        ("skip", "since:1h", [3, 0, 0]),
        ("skip", "-is:held", [2, 0, 0]),
    ] {
        let decided = decide(&server, what, &json!({ "q": q, "dryRun": true }));
        assert_eq!((numbers(&decided), &decided["dryRun"], &decided["more"]), (expected, &json!(true), &json!(false)));
        let frees =
            if what == "cancel" || q != "since:1h" { json!([]) } else { json!([{ "workflow": "o", "key": "A112" }]) };
        assert_eq!(decided["lanes"], frees, "{what} {q}");
    }
    let named = decide(&server, "retry", &json!({ "ids": [held, queued[0]], "dryRun": true }));
    assert_eq!(numbers(&named), [1, 0, 1]);
    assert!(named["refused"][0]["detail"].as_str().unwrap().contains("only failed and timed-out"));
    assert_eq!((state(&held), state(&queued[0]), found(&server, "")), ("failed".into(), "queued".into(), 6));
    // What is said is done, oldest first.
    let cancelled = decide(&server, "cancel", &json!({ "q": "error:x,\"\" lane:A112 state:queued", "dryRun": true }));
    assert_eq!(numbers(&cancelled), [0, 0, 0], "a queued run has no error");
    let cancelled = decide(&server, "cancel", &json!({ "ids": [queued[1], held] }));
    assert_eq!((numbers(&cancelled), state(&queued[1])), ([1, 0, 1], "cancelled".into()));
    let skipped = decide(&server, "skip", &json!({ "q": "is:held" }));
    assert_eq!((&skipped["runs"], &skipped["lanes"][0]["key"]), (&json!([held]), &json!("A112")));
    server.run_in(&queued[0], "completed");
    let again = decide(&server, "rerun", &json!({ "q": "workflow:a state:completed" }));
    assert_eq!(numbers(&again), [1, 1, 0]);
    let again = server.run_in(again["started"][0].as_str().unwrap(), "completed");
    assert_eq!(again["output"].to_string(), "2");
    let retried = decide(&server, "retry", &json!({ "q": "workflow:a error:negative" }));
    assert_eq!(numbers(&retried), [2, 0, 0]);
    for run in retried["runs"].as_array().unwrap() {
        assert_eq!(server.run_in(run.as_str().unwrap(), "failed")["retries"], 1);
    }
    let refused = |body: &Json, part: &str| {
        let body = body.to_string();
        server.send("POST", "/api/v1/runs/cancel", &[bearer()], Some(body.as_bytes())).is_problem(400, part);
    };
    refused(&json!({}), "either `ids`, or");
    refused(&json!({ "q": " " }), "either `ids`, or");
    refused(&json!({ "ids": [held], "q": "state:failed" }), "either `ids`, or");
    refused(&json!({ "q": "state:fialed" }), "Did you mean `failed`?");
    refused(&json!({ "ids": vec![&held; 10_001] }), "10000 at most");
}
