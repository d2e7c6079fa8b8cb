//! The place where a run failed, and its report in the engine's log and the command line, in full.

use crate::server::{Project, Server, bearer, flowscript};
use serde_json::Value as Json;

/// A run that fails, as the API shows it.
fn failed(server: &Server, workflow: &str) -> Json {
    let path = format!("/api/v1/workflows/{workflow}/run");
    let sent = server.send("POST", &path, &[bearer()], Some(b"{\"input\": {\"n\": 0}}"));
    assert_eq!(sent.status, 202, "{}", sent.text);
    server.run_in(sent.json()["runId"].as_str().unwrap(), "failed")
}

/// The places as `file:line:column`.
fn places(run: &Json) -> Vec<String> {
    let places = run["places"].as_array().unwrap().iter();
    places.map(|at| format!("{}:{}:{}", at["file"].as_str().unwrap(), at["line"], at["column"])).collect()
}

fn project() -> Project {
    Project::new(&[
        ("modules/price.flow", "function share(n) => 1 / n;\nfunction twice(n) {\n  return share(n) * 2;\n}\n"),
        (
            "workflows/parts/inner.yaml",
            "input: { n: number }\nsteps:\n  - set: { a: 1 }\n  - id: p\n    script: |\n      let b = 2;\n      return price.twice(n);\noutput: \"{p}\"\n",
        ),
        (
            "workflows/outer.yaml",
            "input: { n: number }\nsteps:\n  - forEach:\n      item: i\n      in: '[n]'\n      steps:\n        - call: { workflow: parts.inner, input: { n: \"{i}\" } }\n",
        ),
        (
            "workflows/peer.yaml",
            "input: { n: number }\nsteps:\n  - log: { message: before }\n  - http: { url: \"http://127.0.0.1:1/x\" }\n",
        ),
        ("workflows/out.yaml", "input: { n: number }\nsteps:\n  - set: { a: 1 }\noutput:\n  x: \"{1 / n}\"\n"),
        (
            "workflows/long.yaml",
            "input: { n: number }\nsteps:\n  - log: { message: \"{Repeat('log ', 50)}\\nforged line\", level: warning }\n  - assert: { failIf: \"true\", message: \"{Repeat('why ', 50)}\" }\n",
        ),
        (
            "workflows/paused.yaml",
            "input: { n: number }\nsteps:\n  - wait: { for: 10ms }\n  - assert: { failIf: n = 0, message: no }\n",
        ),
        ("flowscript.toml", "[http]\nallow = [\"127.0.0.1\"]\n"),
    ])
}

#[test]
fn a_failed_run_names_file_and_line_through_modules_and_calls() {
    let project = project();
    let server = project.serve();
    assert_eq!(
        places(&failed(&server, "outer")),
        [
            "modules/price.flow:1:22",
            "modules/price.flow:3:10",
            "workflows/parts/inner.yaml:7:14",
            "workflows/outer.yaml:7:11",
        ]
    );
    assert_eq!(places(&failed(&server, "peer")), ["workflows/peer.yaml:4:5"]);
    assert_eq!(places(&failed(&server, "out")), ["workflows/out.yaml:5:8"]);
    let paused = failed(&server, "paused");
    assert_eq!(places(&paused), ["workflows/paused.yaml:4:5"]);
    // A retry fails at the same place.
    let id = paused["id"].as_str().unwrap();
    server.send("POST", &format!("/api/v1/runs/{id}/retry"), &[bearer()], Some(b""));
    let again = crate::server::wait_for("the retry has failed", || {
        let run = server.api(&format!("/runs/{id}"));
        (run["state"] == "failed" && run["retries"] == 1).then_some(run)
    });
    assert_eq!(places(&again), ["workflows/paused.yaml:4:5"]);
}

#[test]
fn failures_and_log_steps_reach_the_log_of_the_engine() {
    let project = project();
    let server = project.serve();
    let outer = failed(&server, "outer");
    failed(&server, "peer");
    failed(&server, "long");
    let log = server.log();
    let line = |part: &str| {
        let found = log.lines().find(|line| line.contains(part));
        found.unwrap_or_else(|| panic!("no line with {part}:\n{log}")).to_owned()
    };
    let crash = line("modules/price.flow:1:22");
    assert!(crash.contains("WARN") && crash.contains(outer["id"].as_str().unwrap()), "{crash}");
    assert!(crash.contains("outer") && crash.contains("division"), "{crash}");
    assert!(line("before").contains("INFO"), "{log}");
    let long = line("log log log");
    assert!(long.contains("WARN") && long.contains("forged line"), "a message stays on one line: {long}");
}

#[test]
fn the_command_cuts_nothing_that_goes_into_a_pipe() {
    let project = project();
    let server = project.serve();
    let id = failed(&server, "long")["id"].as_str().unwrap().to_owned();
    let runs = |arguments: &[&str]| {
        let done = flowscript().arg("runs").args(arguments).arg("--dir").arg(project.path()).output().unwrap();
        (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
    };
    let (why, logged) = ("why ".repeat(50), "log ".repeat(50));
    // The beginning of an id is enough.
    let shown = runs(&["show", &id[..20]]).0;
    assert!(shown.contains(why.trim_end()) && shown.contains(logged.trim_end()), "{shown}");
    assert!(shown.contains("at workflows/long.yaml:4:5"), "{shown}");
    assert!(runs(&[]).0.contains(why.trim_end()));
    let second = failed(&server, "long")["id"].as_str().unwrap().to_owned();
    let common = id.chars().zip(second.chars()).take_while(|(a, b)| a == b).count();
    let several = runs(&["show", &id[..common]]).1;
    assert!(several.contains("several runs have ids that begin with"), "{several}");
    assert!(runs(&["show", "ffff"]).1.contains("no run has an id that begins with ffff"));
}

#[test]
fn the_address_of_an_event_is_shown_to_those_who_may_send_it() {
    let project = Project::new(&[
        ("flowscript.toml", "publicUrl = \"https://flow.example.com/\"\n"),
        ("workflows/w.yaml", "steps:\n  - id: answer\n    wait: { event: \"the answer\" }\noutput: \"{answer.ok}\"\n"),
    ]);
    let server = project.serve();
    let sent = server.send("POST", "/api/v1/workflows/w/run", &[bearer()], Some(b"{}"));
    let run = sent.json()["runId"].as_str().unwrap().to_owned();
    let shown = server.run_in(&run, "waiting");
    let address = shown["steps"][0]["callbackUrl"].as_str().unwrap().to_owned();
    let made = server.send("POST", "/api/v1/tokens", &[bearer()], Some(b"{\"label\": \"v\", \"role\": \"viewer\"}"));
    let viewer = format!("Bearer {}", made.json()["token"].as_str().unwrap());
    let seen = server.send("GET", &format!("/api/v1/runs/{run}"), &[("Authorization", &viewer)], None);
    assert_eq!(seen.status, 200, "{}", seen.text);
    assert!(!seen.text.contains("callbacks") && seen.text.contains("the answer"), "{}", seen.text);
    let done = flowscript().args(["runs", "show", &run, "--dir"]).arg(project.path()).output().unwrap();
    let told = String::from_utf8(done.stdout).unwrap();
    assert!(told.contains(&format!("the answer is answered at {address}")), "{told}");
    let path = address.strip_prefix("https://flow.example.com").unwrap();
    assert_eq!(server.post(path, "{\"ok\": 7}").status, 202);
    assert_eq!(server.run_in(&run, "completed")["output"], 7);
}
