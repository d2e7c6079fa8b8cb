//! Every kind of step and type with every odd value: runs end, report what was wrong and can be shown, other runs
//! continue, and what comes back is what was sent.

mod steps;
#[path = "../../support/odd.rs"]
mod values;

use crate::peer::{Peer, ok};
use crate::server::{Answer, Project, Server, bearer, wait_for};
use crate::smtp::Smtp;
use flowscript_lang::budget::Unlimited;
use flowscript_lang::value::{Rows, Value};
use flowscript_stdlib::json;
use serde_json::Value as Json;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A longer message is less useful than a short one.
const LONGEST: usize = 2_000;

/// The module that returns the odd values by their numbers.
fn module() -> String {
    let values = values::expressions();
    let branches = values.iter().enumerate().map(|(n, value)| format!("  if n = {n} {{ return {value}; }}\n"));
    format!("function value(n: number) {{\n{}  return null;\n}}\n", branches.collect::<String>())
}

fn project(peer: &Peer, mail: &str) -> Project {
    let connections = format!(
        "db: {{ sql: {{ url: 'sqlite:odd.db' }} }}\ndrop: {{ folder: {{ path: drop }} }}\n\
         mail: {{ smtp: {{ url: 'smtp://{mail}', from: 'Flow <flow@example.com>' }} }}\n"
    );
    let project = Project::new(&[
        ("modules/odd.flow", &module()),
        ("connections.yaml", &connections),
        (
            "flowscript.toml",
            &format!("publicUrl = \"https://flow.example.com\"\ntimeZone = \"Europe/Stockholm\"\n{}", peer.allow()),
        ),
        ("workflows/any.yaml", "input: { v: any }\noutput: \"{v}\""),
        ("workflows/number.yaml", "input: { v: number }\noutput: \"{v}\""),
        ("workflows/rows.yaml", "input: { v: \"{a: number}*\" }\noutput: \"{v}\""),
        ("drop/a/b", "x"),
    ]);
    let db = rusqlite::Connection::open(project.path().join("odd.db")).unwrap();
    db.execute_batch("create table t (a, b text)").unwrap();
    project
}

/// Serves a project all of whose workflows load.
fn serve(project: &Project) -> Server {
    let server = project.serve();
    let workflows = server.api("/workflows")["workflows"].clone();
    let problems =
        workflows.as_array().unwrap().iter().filter_map(|workflow| workflow["problems"].as_array()).flatten();
    let errors: Vec<String> =
        problems.filter(|problem| problem["severity"] == "error").map(|problem| format!("{problem}\n")).collect();
    assert!(errors.is_empty(), "{}", errors.concat());
    server
}

const HEAD: &str = "input: { n: number }\ntrigger: { webhook: { auth: none, response: wait, timeout: 60s } }\n";

/// The dictionary, with the numbers of its values.
struct Odd {
    shown: &'static str,
    value: Value,
    number: usize,
}

fn dictionary() -> Vec<Odd> {
    let values = values::values(&flowscript_stdlib::registry());
    values.into_iter().enumerate().map(|(number, (shown, value))| Odd { shown, value, number }).collect()
}

/// Posts each value to a workflow from several threads; returns the findings of `check`.
fn each(
    server: &Server,
    workflow: &str,
    odd: &[Odd],
    check: impl Fn(&Odd, &Answer) -> Vec<String> + Sync,
) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(odd) = odd.get(next.fetch_add(1, Ordering::Relaxed)) {
            let answer = server.post(&format!("/hooks/{workflow}"), &format!("{{\"n\": {}}}", odd.number));
            let findings = check(odd, &answer).into_iter();
            found.extend(findings.map(|finding| format!("{workflow} with {:.70}: {finding:.400}", odd.shown)));
        }
        found
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

/// The fault of a message.
fn unclear(message: &str) -> Option<String> {
    let bad = message.trim().is_empty()
        || message.chars().count() > LONGEST
        || message.contains("The engine failed")
        || message.contains("internal error");
    bad.then(|| format!("{} characters: {message}", message.chars().count()))
}

fn has_function(value: &Value) -> bool {
    match value {
        Value::Function(_) => true,
        Value::Record(record) => record.iter().any(|(_, value)| has_function(&value)),
        value => Rows::of(value).is_some_and(|rows| rows.iter().any(|row| has_function(&row))),
    }
}

/// Does it contain only values of JSON?
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Function(_) | Value::DateTime(_) | Value::Binary(_) => false,
        Value::Record(record) => record.iter().all(|(_, value)| is_plain(&value)),
        value => Rows::of(value).is_none_or(|rows| rows.iter().all(|row| is_plain(&row))),
    }
}

/// May the value have changed when it came back in the step `same_…`?
fn may_change(step: &str, value: &Value) -> bool {
    let simple = matches!(value, Value::Text(_) | Value::Number(_) | Value::Bool(_) | Value::DateTime(_));
    match (step, value) {
        // JSON is read to this depth.
        ("same_json" | "same_ndjson", value) => !is_plain(value) || value.depth() + 1 > 200,
        // A byte order mark is not part of the text of a body.
        ("same_body", Value::Text(text)) => text.starts_with('\u{feff}'),
        ("same_head" | "same_body" | "same_csv" | "same_single", _) => !simple,
        // Fractions are rounded to the digits of a double, and booleans are 0 and 1.
        ("same_query" | "same_insert", Value::Number(number)) => !number.is_whole() && number.to_string().len() > 17,
        ("same_query" | "same_insert", Value::Bool(_)) => true,
        ("same_query" | "same_insert", _) => !simple && !matches!(value, Value::Binary(_) | Value::Null),
        _ => has_function(value),
    }
}

/// The faults in the failures of the steps of a list.
fn wrong_errors(list: &str, odd: &Odd, errors: &Json) -> Vec<String> {
    let mut wrong = Vec::new();
    // Steps that have not failed are listed, too, with null.
    for (step, error) in errors.as_object().into_iter().flatten().filter(|(_, error)| error.is_object()) {
        let message = error["message"].as_str().unwrap_or_default();
        if step.starts_with("same_") {
            if !may_change(step, &odd.value) {
                wrong.push(format!("{step}: {message}"));
            }
            continue;
        }
        // A message from the workflow itself may have any length.
        if error["kind"] != "user" || message.contains("The engine failed") {
            wrong.extend(unclear(message).map(|finding| format!("{step}: {finding}")));
        }
        let named = steps::NAMED.iter().find(|(id, _)| *id == format!("{list}/{step}"));
        let own = error["kind"] == "timeout"
            || message.contains("cannot hold a function")
            || message.contains("nested more than");
        if named.is_some_and(|(_, words)| !own && !words.iter().any(|word| message.contains(word))) {
            wrong.push(format!("{step} is not named: {message}"));
        }
    }
    wrong
}

/// The wrong runs of a workflow: unfinished ones, and those that cannot be shown. Failed ones are retried.
fn wrong_runs(server: &Server, workflow: &str) -> Vec<String> {
    let runs = server.api(&format!("/runs?workflow={workflow}&limit=1000"))["runs"].clone();
    let mut wrong = Vec::new();
    for run in runs.as_array().unwrap() {
        let id = run["id"].as_str().unwrap();
        let answer = server.send("GET", &format!("/api/v1/runs/{id}"), &[bearer()], None);
        let shown: Result<Json, _> = serde_json::from_str(&answer.text);
        let ended = ["completed", "failed"].contains(&run["state"].as_str().unwrap_or_default());
        let message = run["error"]["message"].as_str().unwrap_or("completed");
        if answer.status != 200
            || shown.is_err()
            || !ended
            || message.is_empty()
            || message.contains("The engine failed")
        {
            wrong.push(format!(
                "{workflow} {id}: {} {} {message:.200?} {:.300}",
                answer.status, run["state"], answer.text
            ));
        }
    }
    wrong
}

#[track_caller]
fn report(server: &Server, wrong: Vec<String>) {
    let log = server.log();
    let panics = log.lines().filter(|line| line.contains("panic")).map(str::to_owned);
    let wrong: Vec<String> = wrong.into_iter().chain(panics).collect();
    assert!(wrong.is_empty(), "{} findings:\n{:.20000}", wrong.len(), wrong.join("\n"));
    assert_eq!(server.post("/hooks/output", "{\"n\": 1}").text, "true", "other runs go on");
}

#[test]
fn every_step_takes_odd_values_or_says_why_not() {
    let smtp = Smtp::start();
    let peer = Peer::new(|request, _| match request.path.as_str() {
        "/header" => ok(&Json::from(request.headers.get("x-odd").cloned().unwrap_or_default()).to_string()),
        _ => ok(&request.body),
    });
    let project = project(&peer, &smtp.address);
    for (name, list) in steps::LISTS {
        let list = list.replace("PEER", &peer.address);
        let kept = format!(
            "{HEAD}steps:\n  - set: {{ v: odd.value(n), w: 'null' }}{}output: \"{{errors}}\"",
            list.replace("VALUE", "v")
        );
        let direct = format!(
            "{HEAD}steps:\n  - set: {{ w: 'null' }}{}output: \"{{errors}}\"",
            list.replace("VALUE", "odd.value(n)")
        );
        project.write(&format!("workflows/{name}.yaml"), &kept);
        project.write(&format!("workflows/{name}_direct.yaml"), &direct);
    }
    project.write("workflows/output.yaml", &format!("{HEAD}output: \"{{odd.value(n)}}\""));
    let server = serve(&project);
    let (functions, odd): (Vec<Odd>, Vec<Odd>) = dictionary().into_iter().partition(|odd| has_function(&odd.value));
    let mut wrong = Vec::new();
    for (name, _) in steps::LISTS {
        let check = |odd: &Odd, answer: &Answer| match answer.status {
            200 => wrong_errors(name, odd, &answer.json()),
            // The condition of a branch fails the run.
            500 if name == "compute" && has_function(&odd.value) => Vec::new(),
            _ => vec![format!("{} {}", answer.status, answer.text)],
        };
        wrong.extend(each(&server, name, &odd, check));
        wrong.extend(each(&server, &format!("{name}_direct"), &functions, check));
        wrong.extend(wrong_runs(&server, name));
        wrong.extend(wrong_runs(&server, &format!("{name}_direct")));
    }
    report(&server, wrong);
}

#[test]
fn every_answer_holds_odd_values_or_says_why_not() {
    let peer = Peer::new(|_, _| ok("1"));
    let project = project(&peer, "127.0.0.1:1");
    for (name, text) in steps::WHOLE {
        project.write(&format!("workflows/{name}.yaml"), &format!("{HEAD}{}", text.replace("VALUE", "odd.value(n)")));
    }
    let server = serve(&project);
    let odd = dictionary();
    let mut wrong = Vec::new();
    for (name, _) in steps::WHOLE {
        wrong.extend(each(&server, name, &odd, |odd, answer| wrong_answer(name, odd, answer)));
        wrong.extend(wrong_runs(&server, name));
    }
    report(&server, wrong);
}

/// The fault of the answer of a whole workflow.
fn wrong_answer(name: &str, odd: &Odd, answer: &Answer) -> Vec<String> {
    let mut wrong = Vec::new();
    if answer.status >= 400 && !name.starts_with("respond_status") {
        let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        if detail.is_empty() {
            wrong.push(format!("an empty detail: {}", answer.text));
        }
    }
    let fits = match &odd.value {
        Value::Text(text) => answer.text == text.as_str(),
        Value::Null => true,
        value => json::encode(value, &mut Unlimited).is_ok_and(|json| json == answer.text),
    };
    if ["output", "respond_body"].contains(&name)
        && answer.status == 200
        && !matches!(odd.value, Value::Binary(_))
        && !fits
    {
        wrong.push(format!("answered {}", answer.text));
    }
    let sent = match &odd.value {
        Value::Text(text) => text.trim_matches([' ', '\t']).to_owned(),
        _ => answer.header("x-odd").to_owned(),
    };
    if name == "respond_header" && answer.status == 200 && answer.header("x-odd") != sent && sent.is_ascii() {
        wrong.push(format!("the header is {:?}", answer.header("x-odd")));
    }
    if name == "output" && answer.status != 200 && !has_function(&odd.value) {
        wrong.push(format!("{} {}", answer.status, answer.text));
    }
    wrong
}

/// Types of inputs and parameters of queries.
const TYPES: [&str; 11] = [
    "any",
    "boolean",
    "number",
    "text",
    "datetime",
    "number?",
    "text?",
    "any*",
    "number*",
    "{a: number}",
    "{a: text?}*",
];

#[test]
fn inputs_and_parameters_of_every_type_take_odd_values_or_name_themselves() {
    let peer = Peer::new(|_, _| ok("1"));
    let project = project(&peer, "127.0.0.1:1");
    for (number, ty) in TYPES.iter().enumerate() {
        let webhook = "trigger: { webhook: { auth: none, response: wait } }";
        let text = format!("input: {{ v: \"{ty}\" }}\n{webhook}\noutput: {{ v: \"{{v}}\" }}");
        project.write(&format!("workflows/in{number}.yaml"), &text);
        let webhook =
            format!("trigger: {{ webhook: {{ auth: none, response: wait, query: {{ v: {{ type: \"{ty}\" }} }} }} }}");
        let simple = !ty.contains(['{', '*']);
        if simple {
            let text = format!("input: {{ v: \"{ty}\" }}\n{webhook}\noutput: {{ v: \"{{v}}\" }}");
            project.write(&format!("workflows/query{number}.yaml"), &text);
        }
    }
    project.write("workflows/output.yaml", &format!("{HEAD}output: \"{{odd.value(n)}}\""));
    let server = serve(&project);
    let mut wrong = Vec::new();
    for odd in dictionary() {
        let Ok(text) = json::encode(&odd.value, &mut Unlimited) else { continue };
        for (number, ty) in TYPES.iter().enumerate() {
            let answer = server.post(&format!("/hooks/in{number}"), &format!("{{\"v\": {text}}}"));
            let same = answer.text == format!("{{\"v\":{text}}}");
            let named = ["`v`", "nested more than 200 deep"].iter().any(|part| answer.text.contains(part));
            let named = answer.status == 400 && named && answer.text.len() < LONGEST;
            if !(named || answer.status == 200 && (same || *ty != "any")) {
                wrong.push(format!("input {ty} of {:.60}: {} {:.300}", odd.shown, answer.status, answer.text));
            }
            let (Value::Text(given), true) = (&odd.value, given_fits(&odd.value)) else { continue };
            if !ty.contains(['{', '*']) {
                let encoded = percent_encoding::utf8_percent_encode(given, percent_encoding::NON_ALPHANUMERIC);
                let answer = server.get(&format!("/hooks/query{number}?v={encoded}"));
                let same = answer.text == format!("{{\"v\":{text}}}") || !["any", "text"].contains(ty);
                let named = answer.status == 400 && answer.text.contains("`v`") && answer.text.len() < LONGEST;
                if !(named || answer.status == 200 && same) {
                    wrong.push(format!("query {ty} of {:.60}: {} {:.300}", odd.shown, answer.status, answer.text));
                }
            }
        }
    }
    report(&server, wrong);
}

/// Is a text short enough for an address?
fn given_fits(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.len() < 1_000)
}

#[test]
fn odd_values_are_kept_through_a_kill() {
    let peer = Peer::new(|_, _| ok("1"));
    let project = project(&peer, "127.0.0.1:1");
    let workflow = "input: { n: number }
trigger: { webhook: { auth: none, response: accept } }
steps:
  - set: { v: odd.value(n) }
  - wait: { for: 5s }
  - id: same
    script: return v = odd.value(n) and JSON.Encode(v) = JSON.Encode(odd.value(n));
output: \"{same}\"
";
    project.write("workflows/kept.yaml", workflow);
    let mut server = serve(&project);
    let odd: Vec<Odd> = dictionary().into_iter().filter(|odd| !has_function(&odd.value)).collect();
    let runs: Vec<String> = odd
        .iter()
        .map(|odd| {
            let accepted = server.post("/hooks/kept", &format!("{{\"n\": {}}}", odd.number));
            accepted.json()["runId"].as_str().unwrap().to_owned()
        })
        .collect();
    let waiting = server.api("/runs?workflow=kept&state=waiting&limit=1000")["runs"].as_array().unwrap().len();
    assert!(waiting > 0, "no run is waiting when the engine is killed");
    server = server.restart();
    let mut wrong = Vec::new();
    for (odd, run) in odd.iter().zip(&runs) {
        let ended = wait_for("the run ends", || {
            let shown = server.api(&format!("/runs/{run}"));
            ["completed", "failed"].contains(&shown["state"].as_str().unwrap_or_default()).then_some(shown)
        });
        if ended["output"] != true {
            wrong.push(format!("{:.70}: {} {}", odd.shown, ended["output"], ended["error"]["message"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
