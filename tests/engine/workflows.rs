//! Workflows in the admin API: the steps as a tree, a request that is ready, texts, versions and their differences.

use crate::server::{Project, Server, bearer, wait_for};
use serde_json::{Value as Json, json};
use std::process::Command;

const ORDER: &str = r#"input: { folder: { type: text, default: "in's" }, limit: number }
trigger: { webhook: { response: wait } }
steps:
  - id: found
    file: { list: "{folder}/*.csv" }
  - id: known
    parallel:
      prices: { steps: [ { log: { message: prices } } ], output: 1 }
      limits:
        steps:
          - id: credit
            http: { url: "https://example.com/credit", method: POST }
            retry: { times: 3 }
        output: 2
  - id: imported
    forEach:
      item: file
      in: found
      steps:
        - id: priced
          name: Price it
          when: limit > 0
          call: { workflow: parts.price }
        - decide:
            - when: limit > 5
              steps:
                - log: { message: many }
                - decide: [ { else: [ { log: { message: inner } } ] } ]
            - else:
                - end: {}
  - script: |
      let x = 1;
      return x;
output: "{limit}"
"#;

const PRICE: &str = "steps:\n  - log: { message: priced }\noutput: 1\n";

fn get(server: &Server, path: &str) -> crate::server::Answer {
    server.send("GET", &format!("/api/v1{path}"), &[bearer()], None)
}

/// Position, kind, shape and branches of all steps, in the order of the tree.
fn told(steps: &Json, into: &mut Vec<(String, String, String, usize)>) {
    for step in steps.as_array().unwrap() {
        let text = |name: &str| step[name].as_str().unwrap().to_owned();
        let branches = step["branches"].as_array().unwrap();
        into.push((text("position"), text("kind"), text("shape"), branches.len()));
        branches.iter().for_each(|branch| told(&branch["steps"], into));
    }
}

#[test]
fn steps_are_a_tree_from_which_a_diagram_is_drawn() {
    let project = Project::new(&[
        ("flowscript.toml", "http = { allow = [\"example.com\"] }\n"),
        ("workflows/order.yaml", ORDER),
        ("workflows/parts/price.yaml", PRICE),
        ("workflows/broken.yaml", "steps: 1"),
        ("workflows/plain.yaml", "output: 1"),
    ]);
    let server = project.serve();
    assert_eq!(server.api("/workflows/order")["problems"], json!([]));
    let diagram = server.api("/workflows/order/diagram");
    let mut found = Vec::new();
    told(&diagram["steps"], &mut found);
    let found: Vec<(&str, &str, &str, usize)> =
        found.iter().map(|(position, kind, shape, n)| (position.as_str(), kind.as_str(), shape.as_str(), *n)).collect();
    assert_eq!(
        found,
        [
            ("found", "file", "step", 0),
            ("known", "parallel", "parallel", 2),
            ("known/prices/1", "log", "step", 0),
            ("known/limits/credit", "http", "step", 0),
            ("imported", "forEach", "loop", 1),
            ("imported[]/priced", "call", "call", 0),
            ("imported[]/2", "decide", "choice", 2),
            ("imported[]/2/1/1", "log", "step", 0),
            ("imported[]/2/1/2", "decide", "choice", 1),
            ("imported[]/2/1/2/1/1", "log", "step", 0),
            ("imported[]/2/2/1", "end", "step", 0),
            ("4", "script", "step", 0),
        ]
    );
    let steps = &diagram["steps"];
    assert_eq!((&steps[0]["summary"], &steps[0]["line"]), (&json!("list {folder}/*.csv"), &json!(4)));
    let limits = &steps[1]["branches"][1];
    let credit = &limits["steps"][0];
    assert_eq!((&limits["name"], &limits["condition"]), (&json!("limits"), &Json::Null));
    assert_eq!((&credit["acts"], &credit["retries"], &credit["line"]), (&json!(true), &json!(3), &json!(11)));
    assert_eq!(credit["summary"], "url https://example.com/credit, method POST");
    let passes = &steps[2]["branches"][0]["steps"];
    assert_eq!(steps[2]["summary"], "item file, in found");
    let priced = &passes[0];
    assert_eq!((&priced["title"], &priced["id"]), (&json!("Price it"), &json!("priced")));
    assert_eq!((&priced["calls"], &priced["when"]), (&json!("parts.price"), &json!("limit > 0")));
    let ways = &passes[1]["branches"];
    assert_eq!((&ways[0]["condition"], &ways[1]["condition"]), (&json!("limit > 5"), &Json::Null));
    assert_eq!((&ways[1]["steps"][0]["ends"], &steps[3]["summary"]), (&json!(true), &json!("let x = 1;")));
    assert_eq!(diagram["version"], server.api("/workflows/order")["version"]);
    assert_eq!(server.api("/workflows/plain/diagram")["steps"], json!([]));
    get(&server, "/workflows/broken/diagram").is_problem(409, "never loaded");
    get(&server, "/workflows/nobody/diagram").is_problem(404, "no workflow `nobody`");
}

const SMALL: &str = "
input: { limit: number }
trigger: { webhook: { auth: none, response: accept } }
steps:
  - id: both
    parallel:
      left: { steps: [ { log: { message: left } } ] }
      right: { steps: [ { id: inner, set: { a: 1 } }, { log: { message: right } } ] }
  - id: all
    forEach:
      item: n
      in: '[1, 2]'
      steps:
        - decide:
            - { when: limit > 5, steps: [ { log: { message: many } } ] }
            - { else: [ { id: few, set: { b: 1 } }, { log: { message: few } } ] }
";

#[test]
fn positions_in_the_tree_are_those_of_a_run() {
    let project = Project::new(&[("workflows/small.yaml", SMALL)]);
    let server = project.serve();
    let mut found = Vec::new();
    told(&server.api("/workflows/small/diagram")["steps"], &mut found);
    let found: Vec<String> = found.into_iter().map(|(position, ..)| position).collect();
    let mut seen = std::collections::BTreeSet::new();
    for limit in [1, 9] {
        let run = server.post("/hooks/small", &json!({ "limit": limit }).to_string());
        let run = run.json()["runId"].as_str().unwrap().to_owned();
        server.run_in(&run, "completed");
        for step in server.api(&format!("/runs/{run}/steps"))["steps"].as_array().unwrap() {
            let position = step["position"].as_str().unwrap();
            seen.insert(position.replace("[1]", "[]").replace("[2]", "[]"));
        }
    }
    let mut sorted = found.clone();
    sorted.sort_unstable();
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), sorted, "{found:?}");
}

#[test]
fn a_request_to_a_webhook_is_ready_to_be_sent() {
    let queried = "trigger: { webhook: { auth: none, response: wait, methods: [GET], query: { n: number } } }
output: \"{query.n}\"";
    let project = Project::new(&[
        ("workflows/order.yaml", ORDER),
        ("workflows/parts/price.yaml", PRICE),
        (
            "workflows/q.yaml",
            "input: { a: text, n: 'number?' }\ntrigger: { webhook: { auth: none, response: wait, methods: [GET] } }\noutput: \"{a}\"",
        ),
        ("workflows/queried.yaml", &queried.replace("\"{query.n}\"", "1")),
        (
            "workflows/signed.yaml",
            "trigger: { webhook: { auth: { signature: { standard: { secret: whsec_MDEyMzQ1Njc4OWFiY2RlZg== } } } } }\noutput: 1",
        ),
        ("workflows/plain.yaml", "output: 1"),
    ]);
    let server = project.serve();
    let ready = |id: &str| server.api(&format!("/workflows/{id}/webhook"));
    let send = |id: &str, key: &str| {
        let command = ready(id)["curl"].as_str().unwrap().to_owned();
        let (before, after) = command.split_once("http://").unwrap();
        let (_, path) = after.split_once('/').unwrap();
        // The test lets the system choose the port.
        let command = format!("{before}{}/{path}", server.base).replacen("curl", "curl -s", 1);
        let output = Command::new("sh").args(["-c", &command]).env("KEY", key).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let order = ready("order");
    assert_eq!((&order["path"], &order["url"], &order["serving"]), (&json!("/hooks/order"), &Json::Null, &json!(true)));
    assert_eq!(order["example"], json!({ "folder": "in's", "limit": 1 }));
    assert!(order["curl"].as_str().unwrap().contains("-H \"X-API-Key: $KEY\""), "{order}");
    assert!(send("order", "no").contains("A valid credential is needed."));
    assert!(!send("order", &server.key("order")).contains("bad-request"), "the example fits");
    assert_eq!(send("q", ""), "text");
    assert_eq!(send("queried", ""), "1");
    get(&server, "/workflows/plain/webhook").is_problem(404, "no webhook");
    get(&server, "/workflows/nobody/webhook").is_problem(404, "no workflow `nobody`");
}

#[test]
fn versions_differ_in_lines_and_have_their_runs() {
    let waiting = "steps:\n  - log: { message: one }\n  - wait: { for: 1h }\n  - call: { workflow: parts.price }\n";
    let project = Project::new(&[("workflows/w.yaml", waiting), ("workflows/parts/price.yaml", PRICE)]);
    let server = project.serve();
    let start = || {
        let answer = server.send("POST", "/api/v1/workflows/w/run", &[bearer()], Some(b"{}"));
        server.run_in(answer.json()["runId"].as_str().unwrap(), "waiting");
    };
    start();
    start();
    let first = server.api("/workflows/w")["version"].as_str().unwrap().to_owned();
    let counts = |version: &Json| ["queued", "running", "waiting"].map(|name| version[name].as_u64().unwrap());
    let told = server.api("/workflows/w/versions")["versions"].clone();
    assert_eq!((told.as_array().unwrap().len(), counts(&told[0])), (1, [0, 0, 2]));
    assert!(told[0]["since"].is_string() && told[0]["retiredAt"].is_null(), "{told}");
    project.write("workflows/w.yaml", &waiting.replace("one", "two"));
    project.write("workflows/parts/price.yaml", &PRICE.replace("output: 1", "output: 2"));
    let second = wait_for("there is another version", || {
        let version = server.api("/workflows/w")["version"].as_str().unwrap().to_owned();
        let both =
            server.api("/workflows/parts.price/source")["text"].as_str().is_some_and(|text| text.contains("output: 2"));
        (version != first && both).then_some(version)
    });
    start();
    let told = server.api("/workflows/w/versions")["versions"].clone();
    let newest = &told[0];
    assert_eq!((&newest["version"], counts(newest)), (&json!(second), [0, 0, 1]));
    let oldest = told.as_array().unwrap().iter().find(|version| version["version"] == first).unwrap();
    assert_eq!(counts(oldest), [0, 0, 2]);
    assert!(oldest["retiredAt"].is_string() && oldest["since"].is_null(), "{told}");
    let texts = server.api(&format!("/workflows/w/versions/{first}"));
    assert_eq!(texts["files"][0], json!({ "path": "workflows/parts/price.yaml", "text": PRICE }));
    assert_eq!(texts["files"][1], json!({ "path": "workflows/w.yaml", "text": waiting }));
    let difference = server.api(&format!("/workflows/w/versions/{first}/difference"));
    assert_eq!((&difference["from"], &difference["to"]), (&json!(first), &json!(second)));
    let line = |change: &str, from: Json, to: Json, text: &str| json!({ "change": change, "from": from, "to": to, "text": text });
    assert_eq!(
        difference["files"][1]["lines"],
        json!([
            line("same", json!(1), json!(1), "steps:"),
            line("removed", json!(2), Json::Null, "  - log: { message: one }"),
            line("added", Json::Null, json!(2), "  - log: { message: two }"),
            line("same", json!(3), json!(3), "  - wait: { for: 1h }"),
            line("same", json!(4), json!(4), "  - call: { workflow: parts.price }"),
        ])
    );
    assert_eq!(difference["files"][0]["path"], "workflows/parts/price.yaml");
    let same = server.api(&format!("/workflows/w/versions/{first}/difference?to={first}"));
    assert_eq!(same["files"], json!([]));
    // The file may be ahead of what serves.
    project.write("workflows/w.yaml", "steps: [ { lag: {} } ]");
    let source = wait_for("the file does not load", || {
        let source = server.api("/workflows/w/source");
        (source["differs"] == true).then_some(source)
    });
    assert_eq!((&source["text"], &source["serving"]), (&json!("steps: [ { lag: {} } ]"), &json!(second)));
    assert!(source["problems"][0]["message"].as_str().unwrap().contains("lag"), "{source}");
    let price = server.api("/workflows/parts.price")["version"].as_str().unwrap().to_owned();
    for version in [&price, "77", &"0".repeat(64)] {
        get(&server, &format!("/workflows/w/versions/{version}")).is_problem(404, "has no version");
    }
    get(&server, &format!("/workflows/w/versions/{first}/difference?to=7")).is_problem(404, "has no version");
    get(&server, "/workflows/nobody/versions").is_problem(404, "no workflow");
    get(&server, "/workflows/nobody/source").is_problem(404, "no workflow");
}
