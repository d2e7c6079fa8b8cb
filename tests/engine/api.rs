//! The admin API: its description, lists, events, evaluation, metrics, addresses.

use crate::server::{Answer, Project, SOON, Server, TOKEN, bearer, wait_for};
use serde_json::{Value as Json, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

const DOUBLE: &str = "
input: { n: number }
label: \"no {n}\"
trigger: { webhook: { auth: none, response: wait } }
steps:
  - log: { message: \"n is {n}\" }
  - assert: { failIf: n < 0, message: \"negative: {n}\" }
output: \"{n * 2}\"
";

fn post(server: &Server, path: &str, body: &Json) -> Answer {
    server.send("POST", &format!("/api/v1{path}"), &[bearer()], Some(body.to_string().as_bytes()))
}

#[test]
fn the_document_describes_every_route() {
    let project = Project::new(&[("workflows/a.yaml", DOUBLE)]);
    let server = project.serve();
    let document = server.api("/openapi.json");
    assert_eq!((&document["openapi"], &document["servers"][0]["url"]), (&json!("3.1.0"), &json!("/api/v1")));
    let paths = document["paths"].as_object().unwrap();
    for path in ["/runs", "/runs/{id}/log", "/lanes/{workflow}/skip", "/keys/{id}", "/tokens", "/events", "/evaluate"] {
        assert!(paths.contains_key(path), "{path}");
    }
    let parameters = paths["/runs"]["get"]["parameters"].as_array().unwrap();
    assert!(parameters.iter().any(|p| p["name"] == "text" && p["in"] == "query"), "{parameters:?}");
    // Every reference has a target.
    let text = document.to_string();
    for reference in text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document["components"]["schemas"][reference].is_object(), "{reference}");
    }
    server.get("/api/v1/openapi.json").is_problem(401, "credential");
}

#[test]
fn runs_are_found_by_what_they_are() {
    let project = Project::new(&[("workflows/a.yaml", DOUBLE), ("workflows/b.yaml", "output: 1")]);
    let server = project.serve();
    for n in ["1", "2", "-3"] {
        server.get(&format!("/hooks/a?n=no{n}")).is_problem(400, "`n`");
        server.post("/hooks/a", &format!("{{\"n\": {n}}}"));
    }
    let manual = post(&server, "/workflows/b/run", &json!({})).json()["runId"].as_str().unwrap().to_owned();
    server.run_in(&manual, "completed");
    let count = |query: &str| server.api(&format!("/runs?{query}"))["runs"].as_array().unwrap().len();
    assert_eq!((count("workflow=a"), count("workflow=b"), count("workflow=c")), (3, 1, 0));
    assert_eq!((count("state=failed"), count("state=failed,completed"), count("trigger=manual")), (1, 4, 1));
    assert_eq!((count("label=no%202"), count("text=NO"), count("text=negative")), (1, 3, 1));
    assert_eq!((count(&format!("text={}", &manual[..23])), count(&format!("text={manual}"))), (1, 1));
    assert_eq!((count("from=2020-01-01T00:00:00Z"), count("before=2020-01-01T00:00:00Z")), (4, 0));
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server.api(&format!("/runs?limit=3{cursor}"));
        seen.extend(page["runs"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let mut sorted = seen.clone();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.reverse();
    assert_eq!((seen.len(), &seen), (4, &sorted));
    let refused = |query: &str, part: &str| {
        server.send("GET", &format!("/api/v1/runs?{query}"), &[bearer()], None).is_problem(400, part);
    };
    refused("state=done", "done");
    refused("trigger=x", "x");
    refused("from=today", "`from`");
    refused("cursor=x", "cursor");
    refused("limit=-1", "limit");
    refused("colour=red", "colour");
    let run = &seen[3];
    assert_eq!(server.api(&format!("/runs/{run}/log"))["log"][0]["message"], "n is 1");
    assert_eq!(server.api(&format!("/runs/{run}/log?first=1"))["log"], json!([]));
    assert_eq!(server.api(&format!("/runs/{run}/steps"))["steps"][1]["kind"], "assert");
    assert_eq!(server.api(&format!("/runs/{run}/payload"))["payload"]["body"]["n"].to_string(), "1");
    for path in ["log", "steps", "payload"] {
        let nobody = format!("/api/v1/runs/019a0000-0000-7000-8000-000000000000/{path}");
        server.send("GET", &nobody, &[bearer()], None).is_problem(404, "no run");
    }
    post(&server, "/runs/retry", &json!({})).is_problem(400, "either `ids`");
}

/// A stream of events, read as text.
struct Events(BufReader<TcpStream>);

impl Events {
    fn open(server: &Server, query: &str, header: &str) -> Self {
        Self::open_with(server, TOKEN, query, header)
    }

    fn open_with(server: &Server, token: &str, query: &str, header: &str) -> Self {
        let mut stream = TcpStream::connect(server.base.trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let request =
            format!("GET /api/v1/events{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{header}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        Self(BufReader::new(stream))
    }

    /// Waits until the stream ends.
    fn ended(mut self) {
        std::io::copy(&mut self.0, &mut std::io::sink()).unwrap();
    }

    /// Name, id and data of the next event of this name.
    fn next(&mut self, name: &str) -> (String, Json) {
        let (mut event, mut id, mut data) = (String::new(), String::new(), String::new());
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream ended before {name}");
            match line.trim_end().split_once(": ") {
                Some(("event", text)) => text.clone_into(&mut event),
                Some(("id", text)) => text.clone_into(&mut id),
                Some(("data", text)) => text.clone_into(&mut data),
                _ if event == name => return (id, serde_json::from_str(&data).unwrap()),
                _ => {}
            }
        }
    }
}

#[test]
fn events_go_on_where_they_were_left() {
    let project = Project::new(&[("workflows/a.yaml", DOUBLE)]);
    let server = project.serve();
    let mut events = Events::open(&server, "", "");
    let (start, _) = events.next("start");
    server.get("/hooks/a?n=none").is_problem(400, "`n`");
    let first = server.post("/hooks/a", "{\"n\": 1}");
    assert_eq!(first.text, "2");
    let (_, run) = events.next("run");
    assert_eq!((&run["workflow"], &run["state"]), (&json!("a"), &json!("completed")));
    let (_, log) = events.next("log");
    assert_eq!((&log["runId"], &log["lines"][0]["message"]), (&run["runId"], &json!("n is 1")));
    drop(events);
    // A follower that reconnects gets the events in between.
    server.post("/hooks/a", "{\"n\": 2}");
    let mut events = Events::open(&server, "?workflow=a", &format!("Last-Event-ID: {start}\r\n"));
    let (_, again) = events.next("run");
    assert_eq!(again["runId"], run["runId"]);
    let (_, second) = events.next("run");
    assert_ne!(second["runId"], run["runId"]);
    let one = second["runId"].as_str().unwrap();
    let mut of_one = Events::open(&server, &format!("?run={one}"), &format!("Last-Event-ID: {start}\r\n"));
    assert_eq!(of_one.next("run").1["runId"], one);
    server
        .send("GET", "/api/v1/events", &[bearer(), ("Last-Event-ID", "broken cursor")], None)
        .is_problem(400, "cursor");
    server.send("GET", "/api/v1/events?run=x", &[bearer()], None).is_problem(404, "no run");
    server.get("/api/v1/events").is_problem(401, "credential");
}

#[test]
fn events_end_with_their_token() {
    let project = Project::new(&[("workflows/a.yaml", DOUBLE)]);
    let server = project.serve();
    let soon = chrono::Utc::now() + chrono::Duration::seconds(4);
    let token = |fields: &Json| {
        let made = post(&server, "/tokens", fields);
        assert_eq!(made.status, 201, "{}", made.text);
        let text = |name: &str| made.json()[name].as_str().unwrap().to_owned();
        (text("id"), text("token"))
    };
    let (_, short) = token(&json!({ "role": "viewer", "expiresAt": soon.to_rfc3339() }));
    let (id, removed) = token(&json!({ "role": "admin" }));
    let mut of_short = Events::open_with(&server, &short, "", "");
    let mut of_removed = Events::open_with(&server, &removed, "", "");
    let mut of_admin = Events::open(&server, "", "");
    for events in [&mut of_short, &mut of_removed, &mut of_admin] {
        events.next("start");
    }
    let deleted = server.send("DELETE", &format!("/api/v1/tokens/{id}"), &[bearer()], None);
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    // Reading fails if nothing has ended within the time limit of this test.
    of_removed.ended();
    of_short.ended();
    assert!(chrono::Utc::now() >= soon, "it ended before it had to");
    server.post("/hooks/a", "{\"n\": 1}");
    assert_eq!(of_admin.next("run").1["workflow"], "a");
    for token in [short, removed] {
        let header = format!("Bearer {token}");
        server.send("GET", "/api/v1/events", &[("Authorization", &header)], None).is_problem(401, "credential");
    }
}

#[test]
fn flowscript_is_evaluated() {
    let project = Project::new(&[("workflows/a.yaml", "output: 1")]);
    let server = project.serve();
    let evaluate = |body: Json| {
        let answer = post(&server, "/evaluate", &body);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    };
    let sum = evaluate(json!({ "source": "a + 0.1", "input": { "a": 0.2 } }));
    assert_eq!((sum["ok"].as_bool(), sum["value"].to_string().as_str()), (Some(true), "0.3"));
    let script = evaluate(json!({ "source": "let x = 2;\nreturn x * 21;" }));
    assert_eq!((script["value"].to_string().as_str(), script["type"].as_str()), ("42", Some("number")));
    let wrong = evaluate(json!({ "source": "1 +" }));
    assert_eq!((wrong["ok"].as_bool(), wrong["errors"][0]["line"].as_u64()), (Some(false), Some(1)));
    assert!(wrong["errors"][0]["code"].as_str().unwrap().starts_with('E'), "{wrong}");
    let failed = evaluate(json!({ "source": "1 / 0" }));
    assert_eq!((&failed["value"], &failed["errors"][0]["phase"]), (&Json::Null, &json!("run")));
    let endless = evaluate(json!({ "source": "while true { } return 1;" }));
    assert_eq!(endless["ok"], false, "{endless}");
    let outside = evaluate(json!({ "source": "return HTTP.Get('http://127.0.0.1/');" }));
    assert_eq!(outside["ok"], false, "{outside}");
    post(&server, "/evaluate", &json!({})).is_problem(400, "source");
    post(&server, "/evaluate", &json!({ "source": "1", "input": [1] })).is_problem(400, "`input`");
}

#[test]
fn metrics_count_and_tell_no_secrets() {
    let ordered = "trigger: { webhook: { auth: none, ordered: { key: query.k, onFailure: pause }, query: { k: {} } } }
steps: [ { assert: { failIf: 1 = 1, message: no } } ]";
    let project = Project::new(&[("workflows/a.yaml", DOUBLE), ("workflows/lane.yaml", ordered)]);
    let server = project.serve();
    let key = server.key("a");
    server.post("/hooks/a", "{\"n\": 1}");
    server.post("/hooks/a", "{\"n\": -1}");
    for _ in 0..2 {
        server.get("/hooks/lane?k=secretive-lane");
    }
    server.get("/metrics").is_problem(401, "credential");
    let wanted = [
        "flowscript_runs_total{workflow=\"a\",trigger=\"webhook\",state=\"completed\"} 1",
        "flowscript_runs_total{workflow=\"a\",trigger=\"webhook\",state=\"failed\"} 1",
        "flowscript_run_duration_seconds_count{workflow=\"a\",trigger=\"webhook\"} 2",
        "flowscript_script_duration_seconds_count{workflow=\"a\"}",
        "flowscript_unfinished_runs{workflow=\"lane\",state=\"queued\"} 1",
        "flowscript_lane_runs{workflow=\"lane\"} 2",
        "flowscript_held_lanes{workflow=\"lane\"} 1",
        "flowscript_commits_total ",
    ];
    let page = wait_for("the lane is held", || {
        let page = server.send("GET", "/metrics", &[bearer()], None);
        page.text.contains("flowscript_held_lanes{workflow=\"lane\"} 1").then_some(page)
    });
    for line in wanted {
        assert!(page.text.contains(line), "{line}\n{}", page.text);
    }
    assert!(page.header("content-type").starts_with("text/plain"));
    for secret in [TOKEN, &key, "secretive-lane"] {
        assert!(!page.text.contains(secret), "{secret}");
    }
}

#[test]
fn runs_that_end_without_a_worker_are_counted_too() {
    let ordered = "trigger: { webhook: { auth: none, ordered: { onFailure: pause } } }
steps: [ { assert: { failIf: 1 = 1, message: no } } ]";
    let waits = "trigger: { webhook: { auth: none } }\nsteps: [ wait: { for: 1h } ]";
    let project = Project::new(&[("workflows/lane.yaml", ordered), ("workflows/waits.yaml", waits)]);
    let server = project.serve();
    server.send("GET", "/metrics", &[bearer()], None);
    let start = |id: &str| server.post(&format!("/hooks/{id}"), "{}").json()["runId"].as_str().unwrap().to_owned();
    let [head, skipped, cancelled, damaged] = [(); 4].map(|()| start("lane"));
    server.run_in(&head, "failed");
    let database = rusqlite::Connection::open(project.path().join("data/flowscript.db")).unwrap();
    let changed = database.execute("update runs set payload = x'ff' where seq = (select max(seq) from runs)", ());
    assert_eq!(changed.unwrap(), 1);
    let act = |path: &str| {
        let done = server.send("POST", &format!("/api/v1{path}"), &[bearer()], Some(b"{}"));
        assert!(done.status < 300, "{path}: {}", done.text);
    };
    act(&format!("/runs/{skipped}/skip"));
    act(&format!("/runs/{cancelled}/cancel"));
    let waiting = start("waits");
    server.run_in(&waiting, "waiting");
    act(&format!("/runs/{waiting}/cancel"));
    act(&format!("/runs/{head}/skip"));
    let failed = server.run_in(&damaged, "failed");
    assert!(failed["error"]["message"].as_str().unwrap().contains("cannot start"), "{failed}");
    let line = |workflow: &str, state: &str, count: usize| {
        format!("flowscript_runs_total{{workflow=\"{workflow}\",trigger=\"webhook\",state=\"{state}\"}} {count}\n")
    };
    let wanted = [("lane", "failed", 2), ("lane", "skipped", 1), ("lane", "cancelled", 1), ("waits", "cancelled", 1)];
    let page = wait_for("all ends are counted", || {
        let page = server.send("GET", "/metrics", &[bearer()], None).text;
        page.contains(&line("lane", "failed", 2)).then_some(page)
    });
    for (workflow, state, count) in wanted {
        assert!(page.contains(&line(workflow, state, count)), "{workflow} {state}\n{page}");
    }
}

#[test]
fn the_admin_api_may_listen_elsewhere() {
    let toml = "[admin]\nbind = '127.0.0.1:0'\n";
    let project = Project::new(&[
        ("workflows/a.yaml", "trigger: { webhook: { auth: none } }\noutput: 1"),
        ("flowscript.toml", toml),
    ]);
    let server = project.serve();
    // Commands find the admin API by the lock of the folder, and so do these tests.
    assert!(server.api("/runs")["runs"].is_array());
    server.get("/hooks/a").is_problem(404, "/hooks/a");
    let public = server.announced.split(" at ").nth(1).unwrap();
    let ask = |path: &str| {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
        crate::server::raw(public, request.as_bytes())
    };
    assert!(ask("/hooks/a").starts_with("HTTP/1.1 202"), "{}", ask("/hooks/a"));
    for path in ["/api/v1/runs", "/metrics"] {
        assert!(ask(path).starts_with("HTTP/1.1 404"), "{path}");
    }
}
