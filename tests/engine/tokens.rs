//! The token contract: a workflow started and followed with a token.

use crate::peer::{Peer, status};
use crate::server::{Answer, Project, Server, bearer, wait_for};
use serde_json::{Value as Json, json};

const SLOW: &str = "
input: { machine: { type: text, default: none } }
concurrency: 1
trigger: { webhook: }
steps:
  - id: work
    name: Work hard
    script: |
      let start = now();
      while DateTime.SecondsBetween(start, now()) < 30 { }
";
const GOOD: &str = "
input: { machine: text, count: { type: number, default: 1 } }
trigger: { webhook: { ordered: { key: body.machine } } }
steps:
  - id: doubled
    script: return count * 2;
  - id: never
    when: 1 = 2
    log: { message: x }
output: { machine: \"{machine}\", doubled: \"{doubled}\" }
";

fn payload(server: &Server, body: &Json) -> Answer {
    server.post("/webhook/payload", &body.to_string())
}

fn start(server: &Server, key: &str, properties: &Json) -> String {
    let started = payload(server, &json!({ "token": key, "properties": properties }));
    assert_eq!(started.status, 200, "{}", started.text);
    started.json()["activityId"].as_str().unwrap().to_owned()
}

fn activity(server: &Server, key: &str, id: &str) -> Json {
    let answer = server.send("GET", &format!("/webhook/status/{id}"), &[("X-API-Key", key)], None);
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

fn reaches(server: &Server, key: &str, id: &str, wanted: &str) -> Json {
    wait_for(&format!("{id} is {wanted}"), || Some(activity(server, key, id)).filter(|shown| shown["status"] == wanted))
}

#[test]
fn a_run_from_token_to_result() {
    let project = Project::new(&[("workflows/good.yaml", GOOD), ("flowscript.toml", "teamName = 'Line 4'\n")]);
    let server = project.serve();
    let key = server.key("good");
    let id = start(&server, &key, &json!({ "machine": "M1", "count": 4 }));
    let shown = reaches(&server, &key, &id, "completed");
    let text = |field: &str| shown[field].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (text("id"), text("workflowId"), text("trigger"), text("teamName")),
        (id.clone(), "good".into(), "webhook".into(), "Line 4".into())
    );
    assert!(shown["duration"].is_u64() && text("creationDate").ends_with('Z'), "{shown}");
    assert_eq!(text("workflowRevisionid").len(), 64, "{shown}");
    let steps = shown["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 2, "{shown}");
    let fields: Vec<&String> = steps[0].as_object().unwrap().keys().collect();
    let wanted =
        ["activityId", "id", "order", "taskId", "taskName", "flowTaskStatus", "startTime", "duration", "outputs"];
    assert_eq!(fields, wanted);
    assert_eq!((&steps[0]["taskId"], &steps[0]["flowTaskStatus"]), (&json!("doubled"), &json!("completed")));
    assert_eq!(steps[1]["flowTaskStatus"], "skipped");
    // Only the properties are stored, and they are the input.
    let run = server.api(&format!("/runs/{id}"));
    assert_eq!((&run["input"]["machine"], &run["payload"]), (&json!("M1"), &Json::Null));
    assert_eq!((run["output"]["doubled"].to_string().as_str(), run["lane"].as_str()), ("8", Some("M1")));
    for file in ["flowscript.db", "flowscript.db-wal"] {
        let bytes = std::fs::read(project.path().join("data").join(file)).unwrap_or_default();
        assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()), "{file}");
    }
    // The key may also come in a header or in the body.
    let path = format!("/webhook/status/{id}");
    let bearer = format!("Bearer {key}");
    assert_eq!(server.send("GET", &path, &[("Authorization", &bearer)], None).status, 200);
    let body = json!({ "token": key }).to_string();
    let asked = server.send("GET", &path, &[("Content-Type", "application/json")], Some(body.as_bytes()));
    assert_eq!(asked.status, 200, "{}", asked.text);
}

#[test]
fn every_state_has_its_word() {
    let peer = Peer::new(|_, _| status(503));
    let waiting = format!(
        "trigger: {{ webhook: }}\nsteps:\n  - id: call\n    http: {{ url: 'http://{}/', method: POST }}\n    retry: {{ times: 3, delay: 60s }}\n",
        peer.address
    );
    let project = Project::new(&[
        ("workflows/slow.yaml", SLOW),
        ("workflows/bad.yaml", "trigger: { webhook: }\nsteps:\n  - id: broken\n    script: error 'no';"),
        ("workflows/waiting.yaml", &waiting),
        ("flowscript.toml", &peer.allow()),
    ]);
    let server = project.serve();
    let (slow, bad, asleep) = (server.key("slow"), server.key("bad"), server.key("waiting"));
    let (first, second, third) =
        (start(&server, &slow, &json!({})), start(&server, &slow, &json!({})), start(&server, &slow, &json!({})));
    reaches(&server, &slow, &first, "inProgress");
    let queued = reaches(&server, &slow, &second, "notstarted");
    assert_eq!((&queued["duration"], &queued["workflowRevisionid"]), (&json!(0), &Json::Null));
    let change =
        |run: &str, what: &str| server.send("POST", &format!("/api/v1/runs/{run}/{what}"), &[bearer()], None).status;
    assert_eq!(change(&third, "skip"), 200);
    reaches(&server, &slow, &third, "skipped");
    assert_eq!((change(&second, "cancel"), change(&first, "cancel")), (202, 202));
    reaches(&server, &slow, &first, "cancelled");
    reaches(&server, &slow, &second, "cancelled");
    let failed = reaches(&server, &bad, &start(&server, &bad, &json!({})), "failure");
    assert_eq!(failed["steps"][0]["flowTaskStatus"], "failure");
    reaches(&server, &asleep, &start(&server, &asleep, &json!({})), "waiting");
}

#[test]
fn what_is_refused() {
    let project = Project::new(&[("workflows/good.yaml", GOOD), ("workflows/bad.yaml", GOOD)]);
    let server = project.serve();
    let key = server.key("good");
    let other = server.key("bad");
    let refused = |body: Json, status: u16, part: &str| payload(&server, &body).is_problem(status, part);
    refused(json!({}), 401, "credential");
    refused(json!({ "token": "wrong" }), 401, "credential");
    server.post("/webhook/payload", "{").is_problem(401, "credential");
    refused(json!({ "token": key, "properties": {} }), 400, "");
    refused(json!({ "token": key, "properties": [1] }), 400, "`properties` must be an object");
    refused(json!({ "token": key, "workflowId": "bad" }), 404, "`bad`");
    refused(json!({ "token": key, "workflowId": 1 }), 400, "must be a text");
    let both = json!({ "workflow": "bad", "key": key }).to_string();
    assert_eq!(server.send("POST", "/api/v1/keys", &[bearer()], Some(both.as_bytes())).status, 201);
    refused(json!({ "token": key, "properties": { "machine": "x" } }), 400, "2 workflows");
    let named = payload(&server, &json!({ "token": key, "workflowId": "bad", "properties": { "machine": "x" } }));
    assert_eq!(named.status, 200, "{}", named.text);
    let id = start(&server, &other, &json!({ "machine": "y" }));
    let third = server.key("good");
    let path = format!("/webhook/status/{id}");
    server.send("GET", &path, &[("X-API-Key", &third)], None).is_problem(404, &id);
    server.send("GET", "/webhook/status/none", &[("X-API-Key", &third)], None).is_problem(404, "none");
    server.get(&path).is_problem(401, "credential");
    server.get("/webhook/payload").is_problem(405, "GET");
    let once = json!({ "token": key, "workflowId": "good", "properties": { "machine": "z" } }).to_string();
    let twice: Vec<String> = (0..2)
        .map(|_| server.send("POST", "/webhook/payload", &[("Idempotency-Key", "k1")], Some(once.as_bytes())).text)
        .collect();
    assert_eq!(twice[0], twice[1]);
}
