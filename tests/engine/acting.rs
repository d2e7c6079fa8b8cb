//! Steps with external effects: requests, retries, crashes in the middle, answers before the end.

use crate::peer::{Peer, Reply, ok, status};
use crate::server::{Project, Server, bearer, wait_for};
use std::time::{Duration, Instant};

fn project(peer: &Peer, workflow: &str) -> Project {
    let text = workflow.replace("PEER", &peer.address);
    Project::new(&[("workflows/w.yaml", &text), ("flowscript.toml", &peer.allow())])
}

fn start(server: &Server) -> String {
    let accepted = server.post("/hooks/w", "{}");
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    accepted.json()["runId"].as_str().unwrap().to_owned()
}

fn act(server: &Server, path: &str) -> crate::server::Answer {
    server.send("POST", &format!("/api/v1{path}"), &[bearer()], Some(b""))
}

#[test]
fn requests_carry_what_the_step_says() {
    let peer = Peer::new(|request, _| match request.path.as_str() {
        "/missing" => status(404),
        _ => Reply { headers: vec![("X-Back", "b".into()), ("X-Back", "c".into())], ..ok("{\"n\": 1.50}") },
    });
    let workflow = "
trigger: { webhook: { auth: none, response: wait } }
steps:
  - set: { id: \"'a/b c'\" }
  - id: got
    http:
      url: \"http://PEER/items/{id}?x={1 + 1}\"
      query: { tag: \"{['r', 's']}\", none: \"{null}\", q: \"a&b\" }
      headers: { X-One: \"one {id}\" }
  - id: posted
    http: { url: \"http://PEER/items\", json: { id: \"{id}\", list: [1, \"{got.json.n}\"] } }
  - id: put
    http: { url: \"http://PEER/raw\", method: PUT, body: \"plain {id}\", headers: { Content-Type: text/x } }
  - id: missing
    http: { url: \"http://PEER/missing\", expect: [2xx, 404] }
  - id: saved
    http: { url: \"http://PEER/file\", saveAs: \"out/{id}.json\" }
output:
  n: \"{got.json.n}\"
  back: \"{got.headers['x-back']}\"
  length: \"{len(got.body)}\"
  missing: \"{missing.statusCode}\"
  saved: \"{saved.body}\"
";
    let project = project(&peer, workflow);
    let server = project.serve();
    let answer = server.get("/hooks/w");
    assert_eq!(answer.text, r#"{"n":1.5,"back":"b, c","length":11,"missing":404,"saved":null}"#);
    let heard = peer.heard();
    assert_eq!(heard[0].path, "/items/a%2Fb%20c?x=2&tag=r&tag=s&q=a%26b");
    assert_eq!((heard[0].method.as_str(), heard[0].headers["x-one"].as_str()), ("GET", "one a/b c"));
    assert_eq!((heard[1].method.as_str(), heard[1].body.as_str()), ("POST", r#"{"id":"a/b c","list":[1,1.5]}"#));
    assert_eq!(heard[1].headers["content-type"], "application/json");
    assert_eq!(heard[1].key().len(), 64);
    assert_eq!((heard[2].body.as_str(), heard[2].headers["content-type"].as_str()), ("plain a/b c", "text/x"));
    assert_ne!(heard[1].key(), heard[2].key());
    assert_eq!(std::fs::read_to_string(project.path().join("files/out/a/b c.json")).unwrap(), "{\"n\": 1.50}");
    let run = server.api("/runs")["runs"][0]["id"].as_str().unwrap().to_owned();
    let steps = server.api(&format!("/runs/{run}"))["steps"].clone();
    let kinds: Vec<&str> = steps.as_array().unwrap().iter().map(|step| step["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["set", "http", "http", "http", "http", "http"]);
}

#[test]
fn a_failed_request_is_tried_again_with_the_same_key() {
    let peer = Peer::new(|_, before| if before < 2 { status(503) } else { ok("1") });
    let workflow = "
trigger: { webhook: { auth: none } }
steps:
  - id: sent
    http: { url: \"http://PEER/a\", method: POST }
    retry: { times: 3, delay: 100ms }
output: \"{sent.json}\"
";
    let project = project(&peer, workflow);
    let server = project.serve();
    let run = start(&server);
    let ended = server.run_in(&run, "completed");
    let heard = peer.heard();
    assert_eq!(heard.len(), 3);
    assert!(heard.iter().all(|request| request.key() == heard[0].key() && !request.key().is_empty()));
    let states: Vec<&str> = ended["steps"].as_array().unwrap().iter().map(|s| s["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["failed", "failed", "completed"], "{ended}");
}

#[test]
fn what_is_not_worth_it_is_not_tried_again() {
    let peer = Peer::new(|_, _| status(400));
    let workflow = "
trigger: { webhook: { auth: none } }
steps:
  - http: { url: \"http://PEER/a\" }
    retry: { times: 3, delay: 50ms }
";
    let project = project(&peer, workflow);
    let server = project.serve();
    let failed = server.run_in(&start(&server), "failed");
    assert_eq!((failed["error"]["kind"].as_str(), failed["error"]["status"].as_u64()), (Some("io"), Some(400)));
    assert_eq!(peer.heard().len(), 1);
    server.get(&format!("/hooks/w/runs/{}", failed["id"].as_str().unwrap())).is_problem(500, "The workflow failed.");
    project.write(
        "workflows/w.yaml",
        &workflow.replace("PEER", &peer.address).replace("delay: 50ms", "delay: 50ms, on: error.status = 400"),
    );
    wait_for("the new version", || (server.api("/workflows/w")["version"] != failed["version"]).then_some(()));
    server.run_in(&start(&server), "failed");
    assert_eq!(peer.heard().len(), 5);
}

#[test]
fn a_back_off_is_kept_through_a_kill_and_honours_retry_after() {
    let peer = Peer::new(|_, before| match before {
        0 => Reply { headers: vec![("Retry-After", "1".into())], ..status(429) },
        _ => ok("1"),
    });
    let workflow = "
trigger: { webhook: { auth: none } }
steps:
  - http: { url: \"http://PEER/a\" }
    retry: { times: 1, delay: 10ms }
";
    let project = project(&peer, workflow);
    let server = project.serve();
    let run = start(&server);
    let begun = Instant::now();
    server.run_in(&run, "waiting");
    let server = server.restart();
    server.run_in(&run, "completed");
    assert!(begun.elapsed() > Duration::from_millis(900), "{:?}", begun.elapsed());
    assert_eq!(peer.heard().len(), 2);
}

#[test]
fn after_a_kill_finished_steps_are_not_done_again() {
    let peer = Peer::new(|request, _| {
        if request.path == "/slow" {
            std::thread::sleep(Duration::from_millis(600));
        }
        ok("7")
    });
    let workflow = "
input: { n: { type: number, default: 5 } }
trigger: { webhook: { auth: none } }
steps:
  - id: first
    http: { url: \"http://PEER/first\", method: POST }
  - set: { between: first.json + n, n: 50 }
  - id: second
    http: { url: \"http://PEER/slow\", method: POST }
  - log: { message: \"second is done\" }
output: { between: \"{between}\", n: \"{n}\", first: \"{first.json}\", second: \"{second.json}\" }
";
    let project = project(&peer, workflow);
    let server = project.serve();
    let run = start(&server);
    wait_for("the second request is on its way", || (peer.heard().len() == 2).then_some(()));
    let server = server.restart();
    let ended = server.run_in(&run, "completed");
    assert_eq!(ended["output"].to_string(), r#"{"between":12,"n":50,"first":7,"second":7}"#);
    let paths: Vec<String> = peer.heard().iter().map(|request| request.path.clone()).collect();
    assert_eq!(paths, ["/first", "/slow", "/slow"]);
    let heard = peer.heard();
    assert_eq!(heard[1].key(), heard[2].key());
    assert_eq!(ended["log"].as_array().unwrap().len(), 1);
}

#[test]
fn a_step_that_may_run_once_is_interrupted_by_a_kill() {
    let peer = Peer::new(|_, _| {
        std::thread::sleep(Duration::from_millis(400));
        ok("1")
    });
    let workflow = "
trigger: { webhook: { auth: none } }
steps:
  - http: { url: \"http://PEER/pay\", method: POST }
    once: true
";
    let project = project(&peer, workflow);
    let server = project.serve();
    let run = start(&server);
    wait_for("the request is on its way", || (peer.heard().len() == 1).then_some(()));
    let server = server.restart();
    let failed = server.run_in(&run, "failed");
    assert_eq!(failed["error"]["kind"], "interrupted");
    assert_eq!(peer.heard().len(), 1);
    // After a look at it a person starts it again.
    assert_eq!(act(&server, &format!("/runs/{run}/retry")).status, 202);
    server.run_in(&run, "completed");
    assert_eq!(peer.heard().len(), 2);
}

#[test]
fn a_retry_goes_on_at_the_step_that_failed() {
    let peer = Peer::new(|request, before| if request.path == "/b" && before < 2 { status(500) } else { ok("1") });
    let workflow = "
trigger: { webhook: { auth: none } }
steps:
  - id: a
    http: { url: \"http://PEER/a\", method: POST }
  - set: { x: a.json + 1 }
  - http: { url: \"http://PEER/b\", method: POST }
  - http: { url: \"http://PEER/c\", method: POST }
output: \"{x}\"
";
    let project = project(&peer, workflow);
    let server = project.serve();
    let run = start(&server);
    server.run_in(&run, "failed");
    assert_eq!(act(&server, &format!("/runs/{run}/retry")).status, 202);
    assert_eq!(server.run_in(&run, "completed")["output"].to_string(), "2");
    let paths: Vec<String> = peer.heard().iter().map(|request| request.path.clone()).collect();
    assert_eq!(paths, ["/a", "/b", "/b", "/c"]);
}

#[test]
fn failures_that_are_allowed_stand_in_errors() {
    let peer = Peer::new(|_, _| status(500));
    let workflow = "
trigger: { webhook: { auth: none, response: wait } }
steps:
  - id: call
    continueOnFail: true
    http: { url: \"http://PEER/a\", method: POST }
  - id: divide
    continueOnFail: true
    script: return 1 / 0;
  - id: fine
    continueOnFail: true
    script: return 1;
output: { call: \"{call}\", status: \"{errors.call.status}\", divide: \"{errors.divide.kind}\", fine: \"{errors.fine}\" }
";
    let project = project(&peer, workflow);
    let server = project.serve();
    let answer = server.get("/hooks/w");
    assert_eq!(answer.text, r#"{"call":null,"status":500,"divide":"arithmetic","fine":null}"#);
    let run = server.api("/runs")["runs"][0].clone();
    assert_eq!((run["state"].as_str(), run["withErrors"].as_bool()), (Some("completed"), Some(true)));
}

#[test]
fn a_caller_is_answered_while_the_run_goes_on() {
    let peer = Peer::new(|_, _| {
        std::thread::sleep(Duration::from_millis(500));
        ok("1")
    });
    let workflow = "
input: { n: { type: number, default: 1 } }
trigger: { webhook: { auth: none, response: wait } }
steps:
  - respond: { status: 201, headers: { X-Made: \"by {n}\" }, body: { made: \"{n}\" } }
  - http: { url: \"http://PEER/later\", method: POST }
output: done
";
    let project = project(&peer, workflow);
    let server = project.serve();
    let begun = Instant::now();
    let answer = server.post("/hooks/w", "{\"n\": 3}");
    assert!(begun.elapsed() < Duration::from_millis(450), "{:?}", begun.elapsed());
    assert_eq!((answer.status, answer.text.as_str(), answer.header("x-made")), (201, r#"{"made":3}"#, "by 3"));
    let run = server.api("/runs")["runs"][0]["id"].as_str().unwrap().to_owned();
    server.run_in(&run, "completed");
    assert_eq!(server.get(&format!("/hooks/w/runs/{run}")).status, 201);
}

#[test]
fn scripts_reach_out_where_they_may() {
    let peer = Peer::new(|_, _| ok("{\"n\": 2}"));
    let workflow = "
trigger: { webhook: { auth: none, response: wait } }
steps:
  - set: { total: 1 }
  - id: called
    script: |
      let first = HTTP.Get('http://PEER/a').json.n;
      let second = HTTP.Post('http://PEER/b', [x: first]).json.n;
      set total = total + first + second;
      return second;
output: { total: \"{total}\", called: \"{called}\" }
";
    let project = project(&peer, workflow);
    let server = project.serve();
    assert_eq!(server.get("/hooks/w").text, r#"{"total":5,"called":2}"#);
    let heard = peer.heard();
    assert_eq!((heard[0].path.as_str(), heard[1].body.as_str()), ("/a", r#"{"x":2}"#));
    assert!(heard[0].key().len() == 64 && heard[0].key() != heard[1].key());
    project.write("workflows/bad.yaml", &format!("output: \"{{HTTP.Get('http://{}/').text}}\"", peer.address));
    let problem = wait_for("the problem is told", || {
        let listed = server.api("/workflows");
        listed["workflows"][0]["problems"][0]["message"].as_str().map(str::to_owned)
    });
    assert!(problem.to_lowercase().contains("http"), "{problem}");
}

#[test]
fn unlisted_private_addresses_are_out_of_reach() {
    let peer = Peer::new(|_, _| ok("1"));
    let workflow = "
trigger: { webhook: { auth: none } }
steps:
  - id: step
    continueOnFail: true
    http: { url: \"http://PEER/a\" }
  - script: return HTTP.Get('http://PEER/b');
";
    let text = workflow.replace("PEER", &peer.address);
    let project = Project::new(&[("workflows/w.yaml", &text)]);
    let server = project.serve();
    let failed = server.run_in(&start(&server), "failed");
    assert!(failed["error"]["message"].as_str().unwrap().contains("not a public address"), "{failed}");
    assert_eq!(peer.heard().len(), 0);
    // A connection allows its host, and adds its credentials.
    std::fs::write(project.path().join("token"), "s3cret\n").unwrap();
    let connection = format!(
        "erp:\n  http: {{ url: 'http://{}/api/', headers: {{ Authorization: 'Bearer ${{file:token}}' }} }}\n",
        peer.address
    );
    project.write("connections.yaml", &connection);
    project.write(
        "workflows/w.yaml",
        "trigger: { webhook: { auth: none } }\nsteps:\n  - http: { connection: erp, url: \"/items/{1}\" }\n",
    );
    wait_for("the new version", || (server.api("/workflows/w")["version"] != failed["version"]).then_some(()));
    server.run_in(&start(&server), "completed");
    let heard = peer.heard();
    assert_eq!((heard[0].path.as_str(), heard[0].headers["authorization"].as_str()), ("/api/items/1", "Bearer s3cret"));
    project.write("workflows/x.yaml", "steps:\n  - http: { connection: epr, url: x }\n");
    wait_for("the unknown connection is told", || {
        (server.api("/workflows")["workflows"][1]["problems"][0]["code"] == "F0208").then_some(())
    });
}

#[test]
fn a_cancel_aborts_a_request() {
    let peer = Peer::new(|_, _| {
        std::thread::sleep(Duration::from_secs(20));
        ok("1")
    });
    let workflow = "
trigger: { webhook: { auth: none } }
steps:
  - http: { url: \"http://PEER/a\", method: POST }
";
    let project = project(&peer, workflow);
    let server = project.serve();
    let run = start(&server);
    wait_for("the request is on its way", || (peer.heard().len() == 1).then_some(()));
    let asked = Instant::now();
    assert_eq!(act(&server, &format!("/runs/{run}/cancel")).status, 202);
    server.run_in(&run, "cancelled");
    assert!(asked.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_request_that_takes_too_long_fails() {
    let peer = Peer::new(|_, _| {
        std::thread::sleep(Duration::from_secs(5));
        ok("1")
    });
    let workflow = "
trigger: { webhook: { auth: none } }
steps:
  - http: { url: \"http://PEER/a\", method: POST }
    timeout: 200ms
";
    let project = project(&peer, workflow);
    let server = project.serve();
    let failed = server.run_in(&start(&server), "failed");
    assert_eq!(failed["error"]["kind"], "timeout");
    assert!(failed["error"]["message"].as_str().unwrap().contains("within 200ms"), "{failed}");
}

#[test]
fn a_checkpoint_keeps_what_was_computed() {
    let workflow = "
trigger: { webhook: { auth: none } }
steps:
  - id: drawn
    script: return random();
  - checkpoint: drawn
  - script: |
      let start = now();
      while DateTime.SecondsBetween(start, now()) < 1.5 { }
output: \"{drawn}\"
";
    let project = Project::new(&[("workflows/w.yaml", workflow)]);
    let server = project.serve();
    let run = start(&server);
    wait_for("the checkpoint is committed", || {
        (server.api(&format!("/runs/{run}"))["steps"][0].is_object()).then_some(())
    });
    let server = server.restart();
    let first = server.run_in(&run, "completed")["output"].to_string();
    assert!(first.starts_with("0."), "{first}");
    assert_eq!(server.api(&format!("/runs/{run}"))["steps"].as_array().unwrap().len(), 3);
}
