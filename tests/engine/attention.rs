//! What needs somebody, in one answer.

use crate::server::{Project, Server, TOKEN, bearer, wait_for};
use serde_json::{Value as Json, json};

const FAILING: &str = "
input: { n: number }
trigger: { webhook: { auth: none, response: wait } }
steps:
  - assert: { failIf: n < 0, message: \"negative: {n}\" }
output: \"{n}\"
";

const ORDERED: &str = "
input: { sku: text, n: number }
label: \"{sku}\"
trigger: { webhook: { auth: none, response: accept, ordered: { key: body.sku, onFailure: pause } } }
steps:
  - assert: { failIf: n < 0, message: \"There is no item {sku}.\" }
";

const WAITING: &str = "
label: order 17
steps:
  - log: { message: \"{callbackUrl('approval')}\" }
  - wait: { event: approval, timeout: 1h }
";

fn start(server: &Server, id: &str) -> String {
    let answer = server.send("POST", &format!("/api/v1/workflows/{id}/run"), &[bearer()], Some(b"{}"));
    answer.json()["runId"].as_str().unwrap().to_owned()
}

#[test]
fn nothing_needs_anybody_at_first() {
    let project = Project::new(&[("workflows/a.yaml", FAILING)]);
    let server = project.serve();
    server.post("/hooks/a", "{\"n\": 1}");
    let told = server.api("/attention");
    for part in ["failures", "lanes", "waits", "workflows", "problems", "skipped"] {
        assert_eq!(told[part], json!([]), "{part}");
    }
    assert_eq!(told["searchedTo"], Json::Null);
    server.send("GET", "/api/v1/attention?since=today", &[bearer()], None).is_problem(400, "`since`");
    server.get("/api/v1/attention").is_problem(401, "credential");
}

#[test]
fn all_that_needs_somebody_is_in_one_answer() {
    let project = Project::new(&[
        ("flowscript.toml", "publicUrl = \"https://flow.example\"\n"),
        ("workflows/a.yaml", FAILING),
        ("workflows/b.yaml", FAILING),
        ("workflows/o.yaml", ORDERED),
        ("workflows/w.yaml", WAITING),
    ]);
    let server = project.serve();
    // Failures are grouped by workflow and error.
    for (id, n) in [("a", -1), ("a", -1), ("a", -2), ("b", -1)] {
        server.post(&format!("/hooks/{id}"), &format!("{{\"n\": {n}}}"));
    }
    // A failure that holds its lane is a lane, not a failure.
    for n in [-1, 5] {
        server.post("/hooks/o", &format!("{{\"sku\": \"A112\", \"n\": {n}}}"));
    }
    let waiting = start(&server, "w");
    server.run_in(&waiting, "waiting");
    let told = wait_for("the lane is held", || {
        let told = server.api("/attention");
        told["lanes"][0].is_object().then_some(told)
    });
    let groups: Vec<(&str, &str, u64)> = told["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let message = one["error"]["message"].as_str().unwrap();
            (one["workflow"].as_str().unwrap(), message, one["count"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(groups, [("b", "negative: -1", 1), ("a", "negative: -2", 1), ("a", "negative: -1", 2)]);
    let group = &told["failures"][2];
    assert!(group["first"].as_str() <= group["last"].as_str());
    // Its filter finds exactly the group, and retries it.
    let body = json!({ "q": group["q"], "dryRun": true }).to_string();
    let dry = server.send("POST", "/api/v1/runs/retry", &[bearer()], Some(body.as_bytes())).json();
    assert_eq!((dry["runs"].as_array().unwrap().len(), &dry["runs"][1]), (2, &group["runId"]), "{group}");
    let lane = &told["lanes"][0];
    assert_eq!((&lane["key"], &lane["length"], &lane["held"]), (&json!("A112"), &json!(2), &json!(true)));
    assert_eq!(
        (&lane["head"]["label"], &lane["head"]["error"]["message"]),
        (&json!("A112"), &json!("There is no item A112."))
    );
    assert!(lane["since"].as_str() >= lane["head"]["acceptedAt"].as_str());
    assert_eq!(server.api("/lanes")["lanes"][0], *lane);
    let wait = &told["waits"][0];
    assert_eq!((&wait["runId"], &wait["label"]), (&json!(waiting), &json!("order 17")));
    assert_eq!(wait["events"][0]["name"], "approval");
    let url = wait["events"][0]["callbackUrl"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&format!("https://flow.example/callbacks/{waiting}/approval/")), "{url}");
    assert!(wait["since"].as_str() < wait["dueAt"].as_str(), "{wait}");
    // A file that does not load any more, with the lines around its error; the last good version serves.
    project.write("workflows/b.yaml", &FAILING.replace("n < 0", "m < 0"));
    let broken = wait_for("the error is found", || {
        let told = server.api("/attention");
        told["workflows"][0].is_object().then(|| told["workflows"][0].clone())
    });
    assert_eq!((&broken["workflow"], &broken["errors"], &broken["error"]["line"]), (&json!("b"), &json!(1), &json!(5)));
    let lines = broken["excerpt"]["lines"].as_array().unwrap();
    assert_eq!((&broken["excerpt"]["firstLine"], lines.len()), (&json!(3), 4));
    assert!(lines[2].as_str().unwrap().contains("m < 0") && broken["version"].is_string(), "{broken}");
    // What is old is left out, and a viewer does not see where an event is sent.
    let later = server.api("/attention?since=2090-01-01T00:00:00Z");
    assert_eq!((&later["failures"], &later["skipped"]), (&json!([]), &json!([])));
    assert_eq!(later["lanes"].as_array().unwrap().len(), 1, "a held lane needs somebody however old it is");
    let made = json!({ "role": "viewer", "label": "wall" }).to_string();
    let made = server.send("POST", "/api/v1/tokens", &[bearer()], Some(made.as_bytes())).json();
    let viewer = format!("Bearer {}", made["token"].as_str().unwrap());
    assert!(!viewer.contains(TOKEN));
    let seen = server.send("GET", "/api/v1/attention", &[("Authorization", &viewer)], None).json();
    assert_eq!(seen["waits"][0]["events"][0], json!({ "name": "approval", "callbackUrl": null }));
    // What is done is gone.
    let mac = url.trim_start_matches("https://flow.example");
    assert_eq!(server.post(mac, "{}").status, 202);
    let body = json!({ "key": "A112" }).to_string();
    server.send("POST", "/api/v1/lanes/o/skip", &[bearer()], Some(body.as_bytes()));
    project.write("workflows/b.yaml", FAILING);
    wait_for("nothing but failures is left", || {
        let told = server.api("/attention");
        let is_done = ["lanes", "waits", "workflows"].iter().all(|part| told[part] == json!([]));
        is_done.then_some(())
    });
}
