//! Steps that contain steps: loops, branches, calls; and waits. With kills in the middle of each.

use crate::peer::{Gate, Heard, Peer, ok, status};
use crate::server::{Project, Server, bearer, wait_for};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn project(peer: &Peer, files: &[(&str, &str)]) -> Project {
    let settings = format!("publicUrl = \"https://flow.example.com/\"\n{}", peer.allow());
    let project = Project::new(&[("flowscript.toml", &settings)]);
    for (path, text) in files {
        project.write(path, &text.replace("PEER", &peer.address));
    }
    project
}

fn start(server: &Server) -> String {
    let accepted = server.post("/hooks/w", "{}");
    assert_eq!(accepted.status, 202, "{}\n{}", accepted.text, server.log());
    accepted.json()["runId"].as_str().unwrap().to_owned()
}

fn act(server: &Server, path: &str) -> u16 {
    server.send("POST", &format!("/api/v1{path}"), &[bearer()], Some(b"")).status
}

/// How often each path was asked for.
fn counted(peer: &Peer) -> BTreeMap<String, usize> {
    peer.heard().iter().fold(BTreeMap::new(), |mut counts, heard| {
        *counts.entry(heard.path.clone()).or_default() += 1;
        counts
    })
}

#[test]
fn what_loops_branches_calls_and_tables_give() {
    let workflow = "
trigger: { webhook: { auth: none, response: wait } }
steps:
  - set: { total: 0, names: '[]' }
  - table: { name: lines, columns: { sku: text, qty: { type: number, default: 1 } } }
  - table: { name: given, from: \"[[a: 1], [a: 2]]\" }
  - id: squares
    forEach:
      item: n
      in: '[1, 2, 3]'
      steps:
        - set: { total: total + n }
        - id: square
          script: return n * n;
        - log: { message: \"pass {n}\" }
  - id: side
    forEach: { item: m, in: 'range(1, 5)', parallel: 3, output: \"{m * 10}\", steps: [ log: { message: x } ] }
  - id: both
    parallel:
      left: { steps: [ { id: l, script: return total; } ] }
      right: { steps: [ set: { own: 2 } ], output: { own: \"{own}\" } }
  - id: none
    forEach: { item: k, in: '[]', steps: [ end: ] }
  - id: called
    call: { workflow: parts.twice, input: { n: \"{total}\" } }
  - id: early
    call: { workflow: parts.early, input: { n: 3 } }
  - id: failed
    call: { workflow: parts.early, input: { n: 9 } }
    continueOnFail: true
output:
  total: \"{total}\"
  lines: \"{count(lines)}\"
  given: \"{sum(given, a)}\"
  squares: \"{squares}\"
  side: \"{side}\"
  both: \"{both}\"
  none: \"{none}\"
  called: \"{called}\"
  early: \"{early}\"
  failed: \"{failed}\"
  error: \"{errors.failed.message}\"
";
    let twice = "input: { n: number }\nsteps: [ { id: r, script: return n * 2; } ]\noutput: { doubled: \"{r}\" }";
    let early = "
input: { n: number }
steps:
  - forEach:
      item: i
      in: range(1, n)
      steps:
        - { end: { output: \"{i}\" }, when: i = 2 and n = 3 }
        - { end: { error: \"too many: {n}\" }, when: n > 5 }
  - log: { message: never }
";
    let project = Project::new(&[
        ("workflows/w.yaml", workflow),
        ("workflows/parts/twice.yaml", twice),
        ("workflows/parts/early.yaml", early),
    ]);
    let server = project.serve();
    let answer = server.get("/hooks/w");
    assert_eq!(answer.status, 200, "{}\n{}", answer.text, server.log());
    let expected = r#"{"total":6,"lines":0,"given":3,"squares":[1,4,9],"side":[10,20,30,40,50],"both":{"left":6,"right":{"own":2}},"none":[],"called":{"doubled":12},"early":2,"failed":null,"error":"too many: 9"}"#;
    assert_eq!(answer.text, expected);
    let run = server.api("/runs")["runs"][0]["id"].as_str().unwrap().to_owned();
    let run = server.api(&format!("/runs/{run}"));
    assert_eq!(run["withErrors"], true, "{run}");
    let steps = run["steps"].as_array().unwrap();
    let positions: Vec<&str> = steps.iter().filter_map(|step| step["position"].as_str()).collect();
    for wanted in ["squares[2]/square", "squares[2]/3", "both/left/l", "both/right/1", "called/r", "squares"] {
        assert!(positions.contains(&wanted), "{wanted}: {positions:?}");
    }
}

#[test]
fn a_failing_pass_cancels_the_others_unless_its_step_may_fail() {
    let peer = Peer::new(|request, _| match request.path.as_str() {
        "/2" => status(500),
        "/slow" => {
            std::thread::sleep(Duration::from_secs(10));
            ok("1")
        }
        _ => ok("1"),
    });
    let strict = "
trigger: { webhook: { auth: none } }
steps:
  - id: sync
    forEach:
      item: p
      in: \"['slow', '2', '3', '4']\"
      parallel: 2
      steps:
        - id: post
          http: { url: \"http://PEER/{p}\", method: POST }
output: \"{count(sync)}\"
";
    let project = project(&peer, &[("workflows/w.yaml", strict)]);
    let server = project.serve();
    let begun = Instant::now();
    let failed = server.run_in(&start(&server), "failed");
    assert!(begun.elapsed() < Duration::from_secs(5), "the slow pass was given up");
    assert_eq!(failed["error"]["position"], "sync[2]/post", "{failed}");
    assert_eq!(counted(&peer).keys().cloned().collect::<Vec<_>>(), ["/2", "/slow"]);
    let lenient = strict
        .replace("'slow', ", "")
        .replace("method: POST }", "method: POST }\n          continueOnFail: true")
        .replace("{count(sync)}", "{sync}");
    project.write("workflows/w.yaml", &lenient.replace("PEER", &peer.address));
    wait_for("the new version", || (server.api("/workflows/w")["version"] != failed["version"]).then_some(()));
    let done = server.run_in(&start(&server), "completed");
    assert_eq!(done["output"].as_array().unwrap().len(), 3, "{done}");
    assert_eq!((done["output"][0].is_null(), done["withErrors"].as_bool()), (true, Some(true)), "{done}");
}

/// Two sequential passes inside two branches, inside a call, each with an acting step.
const NESTED: &str = "
trigger: { webhook: { auth: none } }
steps:
  - set: { seen: 0 }
  - id: loop
    forEach:
      item: n
      in: '[1, 2, 3]'
      steps:
        - set: { seen: seen + n }
        - id: sides
          parallel:
            left:
              steps: [ { id: l, http: { url: \"http://PEER/left/{n}\", method: POST } } ]
              output: \"{l.json}\"
            right:
              steps: [ { id: r, call: { workflow: sub, input: { n: \"{n}\" } } } ]
              output: \"{r}\"
      output: \"{sides.left + sides.right}\"
output: { loop: \"{loop}\", seen: \"{seen}\" }
";
const SUB: &str = "
input: { n: number }
steps:
  - id: posted
    http: { url: \"http://PEER/sub/{n}\", method: POST }
output: \"{posted.json * 100}\"
";

#[test]
fn nested_steps_go_on_behind_kills_where_they_were() {
    let peer = Peer::new(|request, _| {
        std::thread::sleep(Duration::from_millis(250));
        ok(request.path.rsplit('/').next().unwrap())
    });
    let project = project(&peer, &[("workflows/w.yaml", NESTED), ("workflows/sub.yaml", SUB)]);
    let mut server = project.serve();
    let run = start(&server);
    for kill in 0..6 {
        let heard = peer.heard().len();
        // A moment during the next request: its start is committed, its result is not.
        wait_for("the next request", || {
            let ended = server.api(&format!("/runs/{run}"))["state"] == "completed";
            (ended || peer.heard().len() > heard.min(5) || kill > 0 && peer.heard().len() > heard).then_some(())
        });
        server = server.restart();
    }
    let done = server.run_in(&run, "completed");
    assert_eq!(done["output"].to_string(), r#"{"loop":[101,202,303],"seen":6}"#, "{done}");
    let heard = peer.heard();
    // Repeated steps have the same key: six steps, six keys.
    let keys: std::collections::HashSet<&str> = heard.iter().map(Heard::key).collect();
    assert_eq!((keys.len(), counted(&peer).len()), (6, 6), "{:?}", counted(&peer));
    let positions: Vec<&str> =
        done["steps"].as_array().unwrap().iter().filter_map(|step| step["position"].as_str()).collect();
    assert!(positions.contains(&"loop[2]/sides/right/r/posted"), "{positions:?}");
}

#[test]
fn a_retried_run_keeps_what_its_passes_and_branches_have_given() {
    let broken = Arc::new(AtomicBool::new(true));
    let flag = broken.clone();
    let peer = Peer::new(move |request, _| match request.path.as_str() {
        "/2" | "/right" if flag.load(Ordering::SeqCst) => status(500),
        path => ok(&format!("\"{path}\"")),
    });
    let workflow = "
trigger: { webhook: { auth: none } }
steps:
  - id: loop
    forEach:
      item: n
      in: '[1, 2, 3]'
      steps: [ { id: post, http: { url: \"http://PEER/{n}\", method: POST } } ]
      output: \"{post.json}\"
  - id: sides
    parallel:
      left: { steps: [ { id: l, http: { url: \"http://PEER/left\", method: POST } } ], output: \"{l.json}\" }
      right: { steps: [ { wait: { for: 500ms } }, { id: r, http: { url: \"http://PEER/right\", method: POST } } ] }
output: { loop: \"{loop}\", left: \"{sides.left}\" }
";
    let project = project(&peer, &[("workflows/w.yaml", workflow)]);
    let server = project.serve();
    let run = start(&server);
    server.run_in(&run, "failed");
    assert_eq!(counted(&peer), BTreeMap::from([("/1".into(), 1), ("/2".into(), 1)]));
    broken.store(false, Ordering::SeqCst);
    assert_eq!(act(&server, &format!("/runs/{run}/retry")), 202);
    wait_for("the left branch is done", || (counted(&peer).get("/left") == Some(&1)).then_some(()));
    broken.store(true, Ordering::SeqCst);
    server.run_in(&run, "failed");
    broken.store(false, Ordering::SeqCst);
    assert_eq!(act(&server, &format!("/runs/{run}/retry")), 202);
    let done = server.run_in(&run, "completed");
    assert_eq!(done["output"].to_string(), r#"{"loop":["/1","/2","/3"],"left":"/left"}"#);
    let times = |path: &str| counted(&peer)[path];
    assert_eq!((times("/1"), times("/2"), times("/3"), times("/left"), times("/right")), (1, 2, 1, 1, 2));
}

#[test]
fn a_wait_is_kept_through_kills_and_counts_from_its_beginning() {
    let workflow = "
trigger: { webhook: { auth: none } }
steps:
  - set: { begun: now() }
  - wait: { for: 3s }
  - wait: { until: \"DateTime.AddSeconds(begun, 4)\" }
  - set: { waited: \"DateTime.SecondsBetween(begun, now())\" }
output: \"{waited}\"
";
    let project = Project::new(&[("workflows/w.yaml", workflow)]);
    let server = project.serve();
    let run = start(&server);
    server.run_in(&run, "waiting");
    let server = server.restart();
    std::thread::sleep(Duration::from_millis(1200));
    let server = server.restart();
    let done = server.run_in(&run, "completed");
    let waited = done["output"].to_string().parse::<f64>().unwrap();
    assert!((4.0..7.0).contains(&waited), "{waited}");
}

fn sent(peer: &Peer, path: &str) -> String {
    let heard = wait_for("the address is sent", || peer.heard().into_iter().find(|heard| heard.path == path));
    let body: Json = serde_json::from_str(&heard.body).unwrap();
    body["url"].as_str().unwrap().strip_prefix("https://flow.example.com").unwrap().to_owned()
}

#[test]
fn an_event_wakes_its_run_once() {
    let peer = Peer::new(|_, _| ok("1"));
    let workflow = "
trigger: { webhook: { auth: none } }
steps:
  - http: { url: \"http://PEER/ask\", json: { url: \"{callbackUrl('paid')}\" } }
  - id: paid
    wait: { event: paid }
  - id: again
    wait: { event: paid }
  - id: late
    wait: { event: never, timeout: 300ms }
    continueOnFail: true
output: { paid: \"{paid.amount}\", again: \"{again.amount}\", late: \"{errors.late.kind}\" }
";
    let project = project(&peer, &[("workflows/w.yaml", workflow)]);
    let server = project.serve();
    let run = start(&server);
    let url = sent(&peer, "/ask");
    server.run_in(&run, "waiting");
    let server = server.restart();
    let page = server.get(&url);
    assert!(page.status == 200 && page.text.contains("<button>"), "{}", page.text);
    let (rest, last) = url.split_at(url.len() - 1);
    let forged = format!("{rest}{}", if last == "0" { "1" } else { "0" });
    server.post(&forged, "{}").is_problem(404, "Nothing waits");
    server.post(&url.replace("/paid/", "/other/"), "{}").is_problem(404, "Nothing waits");
    server.post(&url, "{").is_problem(400, "not JSON");
    server.post(&url, &format!("\"{}\"", "x".repeat(1 << 20))).is_problem(413, "larger");
    let accepted = server.post(&url, "{\"amount\": 12.50}");
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    let done = server.run_in(&run, "completed");
    assert_eq!(done["output"].to_string(), r#"{"paid":12.5,"again":12.5,"late":"timeout"}"#);
    server.post(&url, "{}").is_problem(410, "has ended");
}

#[test]
fn an_event_may_come_before_the_wait() {
    let peer = Peer::new(|_, _| ok("1"));
    let workflow = "
trigger: { webhook: { auth: none } }
steps:
  - http: { url: \"http://PEER/ask\", json: { url: \"{callbackUrl('early bird')}\" } }
  - wait: { for: 1500ms }
  - id: got
    wait: { event: early bird, timeout: 10s }
output: \"{got}\"
";
    let project = project(&peer, &[("workflows/w.yaml", workflow)]);
    let server = project.serve();
    let run = start(&server);
    let url = sent(&peer, "/ask");
    assert_eq!(server.send("POST", &url, &[("Content-Type", "text/plain")], Some(b"now")).status, 202);
    server.post(&url, "{}").is_problem(409, "has already been delivered");
    let server = server.restart();
    assert_eq!(server.run_in(&run, "completed")["output"], "now");
}

#[test]
fn branches_wait_and_work_side_by_side() {
    let peer = Peer::new(|_, before| if before == 0 { status(503) } else { ok("1") });
    let workflow = "
trigger: { webhook: { auth: none } }
steps:
  - id: sides
    parallel:
      sleeping: { steps: [ { wait: { for: 1s } } ], output: slept }
      failing:
        steps:
          - id: post
            http: { url: \"http://PEER/a\", method: POST }
            retry: { times: 2, delay: 200ms }
        output: \"{post.json}\"
output: \"{sides}\"
";
    let project = project(&peer, &[("workflows/w.yaml", workflow)]);
    let server = project.serve();
    let run = start(&server);
    server.run_in(&run, "waiting");
    let server = server.restart();
    assert_eq!(server.run_in(&run, "completed")["output"].to_string(), r#"{"sleeping":"slept","failing":1}"#);
    let waiting = start(&server);
    server.run_in(&waiting, "waiting");
    assert_eq!(act(&server, &format!("/runs/{waiting}/cancel")), 202);
    server.run_in(&waiting, "cancelled");
}

#[test]
fn an_event_for_one_branch_does_not_wait_for_the_others() {
    let gate = Gate::default();
    let held = gate.clone();
    let peer = Peer::new(move |request, _| {
        if request.path == "/slow" {
            held.wait();
        }
        ok("1")
    });
    let workflow = "
trigger: { webhook: { auth: none } }
steps:
  - parallel:
      working: { steps: [ { http: { url: \"http://PEER/slow\", method: POST } } ] }
      waiting:
        steps:
          - http: { url: \"http://PEER/ask\", method: POST, json: { url: \"{callbackUrl('go')}\" } }
          - id: come
            wait: { event: go }
          - http: { url: \"http://PEER/{come}\", method: POST }
      late:
        steps:
          - wait: { event: never, timeout: 200ms }
            id: never
            continueOnFail: true
          - http: { url: \"http://PEER/late/{errors.never.kind}\", method: POST }
output: done
";
    let project = project(&peer, &[("workflows/w.yaml", workflow)]);
    let server = project.serve();
    let run = start(&server);
    let url = sent(&peer, "/ask");
    // A timeout is noticed while other work continues, and so is an event.
    wait_for("the branch goes on", || counted(&peer).contains_key("/late/timeout").then_some(()));
    assert_eq!(server.send("POST", &url, &[("Content-Type", "text/plain")], Some(b"came")).status, 202);
    let posted = Instant::now();
    wait_for("the branch goes on", || counted(&peer).contains_key("/came").then_some(()));
    assert!(posted.elapsed() < Duration::from_secs(2), "{:?}", posted.elapsed());
    assert_eq!(server.api(&format!("/runs/{run}"))["state"], "running");
    gate.open();
    server.run_in(&run, "completed");
    assert!(counted(&peer).values().all(|count| *count == 1), "{:?}", counted(&peer));
}

#[test]
fn what_is_called_belongs_to_the_version() {
    let callee = "steps: [ { wait: { for: 1s } } ]\noutput: 1";
    let caller = "trigger: { webhook: { auth: none } }\nsteps: [ { id: c, call: { workflow: c } } ]\noutput: \"{c}\"";
    let project = Project::new(&[("workflows/w.yaml", caller), ("workflows/c.yaml", callee)]);
    let server = project.serve();
    let before = server.api("/workflows/w")["version"].clone();
    let run = start(&server);
    server.run_in(&run, "waiting");
    project.write("workflows/c.yaml", "output: 2");
    wait_for("the caller has a new version", || (server.api("/workflows/w")["version"] != before).then_some(()));
    assert_eq!(server.run_in(&start(&server), "completed")["output"], 2);
    let server = server.restart();
    assert_eq!(server.run_in(&run, "completed")["output"], 1);
    project.write("workflows/c.yaml", "output: \"{nothing}\"");
    wait_for("the caller shows why it stays", || {
        let problems = server.api("/workflows/w")["problems"].to_string();
        problems.contains("`c` that is called here does not load").then_some(())
    });
    assert_eq!(server.run_in(&start(&server), "completed")["output"], 2);
}
