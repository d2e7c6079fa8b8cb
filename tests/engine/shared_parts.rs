//! Values that share their parts: small in memory, millions of parts when walked. Every boundary refuses them.

use crate::peer::{Peer, ok};
use crate::server::{Project, SOON, bearer};
use std::time::Instant;

/// More memory than an engine takes that never walks such a value completely, in bytes.
const MOST: u64 = 600 << 20;

/// Statements that make such a value; `TIMES` doublings of `PART`.
const MAKES: &str = "let a = [PART]; let i = 0; while i < TIMES { set a = [PAIR]; set i = i + 1; }";

fn makes(times: usize, part: &str, pair: &str) -> String {
    MAKES.replace("TIMES", &times.to_string()).replace("PART", part).replace("PAIR", pair)
}

#[test]
fn no_step_keeps_or_sends_them() {
    let peer = Peer::new(|_, _| ok("{}"));
    let send = format!("http: {{ url: \"http://{}/\", method: POST, json: \"{{v}}\" }}", peer.address);
    let after = [
        "output: \"{v}\"".to_owned(),
        "output: { a: [ \"{v}\" ] }".to_owned(),
        format!("  - {send}"),
        "  - checkpoint: here".to_owned(),
        "  - respond: { body: \"{v}\" }".to_owned(),
        "  - file: { write: a.json, content: \"{v}\" }".to_owned(),
        "  - assert: { failIf: true, message: \"no\" }".to_owned(),
        "redact: [ v.a ]\noutput: 1".to_owned(),
    ];
    let made = [
        makes(26, "1", "a, a"),
        makes(60, "1", "a, a"),
        makes(28, "'x'", "[x: a, y: a]"),
        makes(12, "'x'", "a, a, a, a"),
        makes(13, "Repeat('x', 100000)", "a, a"),
        makes(26, "1", "[a: a], [b: a]"),
    ];
    let head =
        "trigger: { webhook: { auth: none, response: wait, timeout: 60s } }\ndiagnostics: { variables: on }\nsteps:\n";
    let project = Project::new(&[]);
    project.write("flowscript.toml", &peer.allow());
    for (number, after) in after.iter().enumerate() {
        for (kind, made) in made.iter().enumerate() {
            let step = format!("  - id: v\n    script: \"{made} return a;\"\n");
            project.write(&format!("workflows/w{number}-{kind}.yaml"), &format!("{head}{step}{after}\n"));
        }
    }
    let server = project.serve();
    for (number, after) in after.iter().enumerate() {
        for (kind, made) in made.iter().enumerate() {
            let begun = Instant::now();
            let answer = server.get(&format!("/hooks/w{number}-{kind}"));
            let run = server.api("/runs")["runs"][0].clone();
            assert_eq!((answer.status, &run["error"]["kind"]), (500, &"limit".into()), "{after} {made}: {run}");
            assert!(begun.elapsed() < SOON, "{made}: {:?}", begun.elapsed());
            server.api(&format!("/runs/{}", run["id"].as_str().unwrap()));
        }
    }
    assert!(server.resident() < MOST, "{} MiB", server.resident() >> 20);
    assert!(peer.heard().is_empty());
}

#[test]
fn passes_and_branches_do_not_collect_them() {
    let script = makes(14, "1", "a, a");
    let project = Project::new(&[
        (
            "workflows/passes.yaml",
            &format!(
                "trigger: {{ webhook: {{ auth: none, response: wait }} }}\nsteps:\n  - id: v\n    script: \"{script} return a;\"\n  \
                 - id: all\n    forEach: {{ item: n, in: \"Range(1, 1000)\", steps: [ {{ set: {{ m: n }} }} ], output: \"{{v}}\" }}\n\
                 output: \"{{count(all)}}\"\n"
            ),
        ),
        (
            "workflows/lists.yaml",
            &format!(
                "trigger: {{ webhook: {{ auth: none, response: wait }} }}\nsteps:\n  - id: v\n    script: \"{script} return a;\"\n\
                 output: [ {} ]\n",
                vec!["\"{v}\""; 600].join(", ")
            ),
        ),
    ]);
    let server = project.serve();
    for workflow in ["passes", "lists"] {
        let answer = server.get(&format!("/hooks/{workflow}"));
        let run = server.api("/runs")["runs"][0].clone();
        assert_eq!(
            (answer.status, &run["error"]["kind"]),
            (500, &"limit".into()),
            "{workflow}: {}\n{run}",
            answer.text
        );
    }
    assert!(server.resident() < MOST, "{} MiB", server.resident() >> 20);
}

#[test]
fn an_evaluation_does_not_show_them() {
    let project =
        Project::new(&[("workflows/w.yaml", "trigger: { webhook: { auth: none, response: wait } }\noutput: 1")]);
    let server = project.serve();
    for made in [makes(24, "1", "a, a"), makes(60, "1", "a, a"), makes(12, "Repeat('x', 100000)", "a, a")] {
        let body = serde_json::json!({ "source": format!("{made} return a;") }).to_string();
        let begun = Instant::now();
        let answer = server.send("POST", "/api/v1/evaluate", &[bearer()], Some(body.as_bytes()));
        assert_eq!(answer.status, 200, "{}", answer.text);
        let told = answer.json();
        assert_eq!((&told["ok"], &told["errors"][0]["kind"]), (&false.into(), &"limit".into()), "{made}: {told}");
        assert!(begun.elapsed() < SOON, "{made}: {:?}", begun.elapsed());
    }
    assert!(server.resident() < MOST, "{} MiB", server.resident() >> 20);
    assert_eq!(server.get("/hooks/w").text, "1");
}
