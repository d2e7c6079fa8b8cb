//! Schemathesis calls the API and the webhooks of the example project according to their OpenAPI documents: every
//! answer and body matches its document.

use crate::server::{Project, Server, TOKEN};
use std::process::Command;

/// The seed of generated requests; the same seed generates the same ones.
const SEED: &str = "20260131";

#[test]
fn answers_are_as_the_documents_say() {
    // `tests/run.sh` installs it and sets its path; without it the API cannot be tested here.
    let Some(tool) = std::env::var_os("SCHEMATHESIS") else { return };
    let project = Project::examples();
    let server = Server::start(&project.path().join("examples"), &[]);
    let key = server.key("create-work-order");
    let run = |document: &str, arguments: &[&str]| {
        let mut command = Command::new(&tool);
        command.arg("run").arg(format!("{}{document}", server.base)).args(arguments);
        command.args(["--seed", SEED, "--no-color", "--request-timeout", "20"]);
        // Rules between values, and times that must be in the future, do not fit into a schema.
        command.args(["--exclude-checks", "positive_data_acceptance"]);
        let output = command.current_dir(project.path()).output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        let failures = shown.find("= FAILURES =").and_then(|at| shown.get(at..)).unwrap_or(&shown);
        assert!(output.status.success(), "{document}\n{failures}");
    };
    let base = server.base.as_str();
    let key = format!("X-API-Key: {key}");
    let hook = ["--url", base, "--max-examples", "20", "--header", key.as_str()];
    for path in ["item-price", "stock-at-hand", "work-orders"] {
        run(&format!("/hooks/{path}/openapi.json"), &hook);
    }
    // Last: it switches workflows off. Streams of events do not end by themselves.
    let token = format!("Authorization: Bearer {TOKEN}");
    let api = ["--max-examples", "15", "--header", token.as_str(), "--exclude-path-regex", "/events"];
    let no_deletion = ["--exclude-method", "DELETE"];
    run("/api/v1/openapi.json", &[api.as_slice(), &no_deletion].concat());
}
