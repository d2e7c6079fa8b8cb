//! Every mistake that a workflow can be refused for is reported with its place and a hint, while the version before it
//! serves.

use crate::server::{Project, Server, wait_for};
use serde_json::Value as Json;
use std::fmt::Write as _;

/// A workflow that answers 1, and below it the mistake that replaces it.
struct Mistake {
    id: &'static str,
    what: &'static str,
    text: &'static str,
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "unknown-step",
        what: "a step of no known kind",
        text: "steps:
  - id: stock
    htp: { url: https://erp.example.com/stock }",
    },
    Mistake {
        id: "unknown-connection",
        what: "a connection that connections.yaml does not have",
        text: "steps:
  - id: items
    sql: { connection: shopp, query: select sku from items }",
    },
    Mistake {
        id: "cycle",
        what: "a call that leads back to its caller",
        text: "steps:
  - id: back
    call: { workflow: called }",
    },
    Mistake {
        id: "expression",
        what: "an error in an expression",
        text: "input: { quantity: { type: number, default: 1 } }
steps:
  - set: { total: quantity * prise }",
    },
    Mistake {
        id: "script",
        what: "an error in a script, in its own line",
        text: "steps:
  - id: priced
    script: |
      let price = 10;
      return rond(price * 1.25);",
    },
    Mistake {
        id: "same-id",
        what: "two steps with one id, outside exclusive branches",
        text: "steps:
  - id: stock
    script: return 1;
  - id: stock
    script: return 2;",
    },
    Mistake {
        id: "unset",
        what: "a variable that one path has not set",
        text: "input: { urgent: { type: boolean, default: false } }
steps:
  - decide:
      - when: urgent
        steps: [ set: { carrier: \"'express'\" } ]
      - else: [ log: { message: by post } ]
  - log: { message: \"{carrier}\" }",
    },
    Mistake {
        id: "sql-template",
        what: "a template inside SQL",
        text: "input: { sku: { type: text, default: A100 } }
steps:
  - id: found
    sql: { connection: shop, query: \"select price from items where sku = '{sku}'\" }",
    },
    Mistake {
        id: "shared-set",
        what: "a variable from outside that a branch sets",
        text: "steps:
  - set: { total: 0 }
  - parallel:
      left: { steps: [ set: { total: 1 } ] }
      right: { steps: [ log: { message: x } ] }",
    },
    Mistake {
        id: "http-in-when",
        what: "a request in a condition",
        text: "steps:
  - when: HTTP.Get('https://erp.example.com/open').statusCode = 200
    log: { message: open }",
    },
    Mistake { id: "taken-path", what: "a webhook path that another workflow serves", text: "" },
    Mistake { id: "relaxed-ordered", what: "relaxed durability with ordered delivery", text: "durability: relaxed" },
];

/// The whole file around a mistake.
fn file(mistake: &Mistake) -> String {
    let webhook = match mistake.id {
        "taken-path" => "{ path: first, auth: none, response: wait }",
        "relaxed-ordered" => "{ auth: none, response: wait, ordered: true }",
        _ => "{ auth: none, response: wait }",
    };
    format!("trigger: {{ webhook: {webhook} }}\n{}\noutput: 2\n", mistake.text)
}

const GOOD: &str = "trigger: { webhook: { auth: none, response: wait } }\noutput: 1\n";

fn problems(server: &Server, id: &str) -> Vec<Json> {
    let shown = server.api(&format!("/workflows/{id}"));
    let problems = shown["problems"].as_array().unwrap().iter();
    problems.filter(|problem| problem["severity"] != "warning").cloned().collect()
}

/// The report of every mistake, as one text.
fn told(server: &Server) -> String {
    let mut told = String::new();
    for mistake in MISTAKES {
        let found = wait_for(mistake.what, || Some(problems(server, mistake.id)).filter(|found| !found.is_empty()));
        let _ = writeln!(told, "# {}", mistake.what);
        for problem in found {
            let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
            let file = Some(text("file")).filter(|file| !file.is_empty());
            let file = file.unwrap_or_else(|| format!("workflows/{}.yaml", mistake.id));
            let place = format!("{file}:{}:{}", problem["line"], problem["column"]);
            assert!(problem["line"].is_u64() && problem["column"].is_u64(), "{problem}");
            assert!(!text("hint").is_empty(), "no hint: {problem}");
            let _ = writeln!(told, "{place}: {} [{}]\n  hint: {}", text("message"), text("code"), text("hint"));
        }
        let answer = server.get(&format!("/hooks/{}", mistake.id));
        assert_eq!((answer.status, answer.text.as_str()), (200, "1"), "{}: the version before it serves", mistake.id);
    }
    told
}

#[test]
fn mistakes_are_refused_while_the_version_before_serves() {
    let project = Project::new(&[
        ("connections.yaml", "shop: { sql: { url: 'sqlite:shop.db' } }"),
        ("workflows/first.yaml", GOOD),
        ("workflows/called.yaml", "steps: [ { id: c, call: { workflow: cycle } } ]\noutput: \"{c}\"\n"),
    ]);
    for mistake in MISTAKES {
        project.write(&format!("workflows/{}.yaml", mistake.id), GOOD);
    }
    let server = project.serve();
    for mistake in MISTAKES {
        assert!(problems(&server, mistake.id).is_empty(), "{}", mistake.id);
        project.write(&format!("workflows/{}.yaml", mistake.id), &file(mistake));
    }
    let first = told(&server);
    insta::assert_snapshot!(first);
    let log = server.log();
    for line in first.lines().filter(|line| line.starts_with("workflows/")) {
        let place = line.split(": ").next().unwrap();
        assert!(log.contains(place), "the log tells {place}: {log}");
    }
    let server = server.restart();
    assert_eq!(told(&server), first, "a new process tells the same and serves the same");
    project.write("workflows/unknown-step.yaml", "trigger: { webhook: { auth: none, response: wait } }\noutput: 3\n");
    wait_for("the mended file serves", || (server.get("/hooks/unknown-step").text == "3").then_some(()));
}
