//! The commands in the README and in pages in `docs`, typed as shown, give the answers shown.

use crate::server::{Project, Server, TOKEN};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// A command of the README and its output; `…` matches anything.
struct Line {
    command: String,
    answer: String,
}

#[test]
fn the_lines_give_their_answers() {
    check_examples("README.md", 5);
}

#[test]
fn the_lines_of_the_engines_page_give_theirs() {
    check_examples("docs/engine.md", 2);
}

#[test]
fn the_lines_of_the_dashboards_page_give_theirs() {
    check_examples("docs/dashboard.md", 0);
}

/// Types the lines of a page about the example project; at least `requests` of them are requests.
fn check_examples(page: &str, requests: usize) {
    let project = Project::examples();
    let folder = project.path().join("examples");
    let server = Server::start(&folder, &[]);
    std::fs::write(folder.join("data/admin-token"), TOKEN).unwrap();
    assert!(check(page, &server, project.path(), &[]) >= requests, "{page} lost its lines");
}

#[test]
fn the_lines_about_webhooks_give_their_answers() {
    let project = Project::new(&[]);
    for file in files(&document("docs/webhooks.md")) {
        project.write(&file.name, &file.text);
    }
    let secrets =
        [("GITHUB_SECRET", "a long random text"), ("PAYMENTS_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")];
    let server = Server::start_with(project.path(), &[], &secrets);
    let curls = check("docs/webhooks.md", &server, project.path(), &secrets);
    assert!(curls >= 6, "the page lost its lines");
}

#[test]
fn the_files_of_the_page_about_workflows_load() {
    let page = document("docs/workflows.md");
    let project = Project::new(&[]);
    let shown = [files(&page), settings(&page)].concat();
    assert_eq!(page.matches("```yaml\n").count(), files(&page).len(), "each block is a file");
    for file in &shown {
        project.write(&file.name, &file.text);
    }
    let secrets = [("ERP_PASSWORD", "x"), ("PORTAL_TOKEN", "y")];
    let server = Server::start_with(project.path(), &[], &secrets);
    for file in shown.iter().filter_map(|file| file.name.strip_prefix("workflows/")) {
        let workflow = server.api(&format!("/workflows/{}", file.trim_end_matches(".yaml")));
        assert_eq!(
            (workflow["serving"].as_bool(), &workflow["problems"]),
            (Some(true), &serde_json::json!([])),
            "{file}"
        );
    }
    assert!(check("docs/workflows.md", &server, project.path(), &secrets) >= 1, "the page lost its lines");
}

fn document(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Types the lines of a document in `folder` and compares their output; returns how many call the engine.
fn check(path: &str, server: &Server, folder: &Path, environment: &[(&str, &str)]) -> usize {
    let lines = lines(&document(path));
    let lines: Vec<&Line> = lines.iter().filter(|line| !starts_something(&line.command)).collect();
    let mut script = "set -u\n".to_owned();
    for line in &lines {
        let command = line.command.replace("localhost:7070", server.base.trim_start_matches("http://"));
        // The run of a 202 may take a moment.
        let pause = if command.contains("/api/v1/runs") || command.contains("/status/") { "sleep 1; " } else { "" };
        // The language commands show mistakes; a server's log is not an answer.
        let errors = if command.starts_with("flowscript ") { " 2>&1" } else { "" };
        let _ = writeln!(script, "{pause}{}{errors}\necho; echo '@@@'", command.replacen("curl ", "curl -sS ", 1));
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_flowscript")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(folder).env("PATH", path).env("FLOWSCRIPT_TOKEN", TOKEN);
    let output = shell.envs(environment.iter().copied()).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers: Vec<&str> = shown.split("@@@\n").collect();
    for (line, answer) in lines.iter().zip(answers) {
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            fits(&line.answer, answer.trim()),
            "$ {}\n{answer}\ninstead of\n{}\n{errors}",
            line.command,
            line.answer
        );
    }
    lines.iter().filter(|line| line.command.contains("curl ")).count()
}

/// A file of a project that a document shows; its first line names it.
#[derive(Clone)]
struct Shown {
    name: String,
    text: String,
}

fn files(document: &str) -> Vec<Shown> {
    shown(document, "yaml")
}

fn settings(document: &str) -> Vec<Shown> {
    shown(document, "toml")
}

fn shown(document: &str, language: &str) -> Vec<Shown> {
    let opening = format!("```{language}\n# ");
    let blocks = document.split(&opening).skip(1).filter_map(|rest| rest.split("```").next());
    let file = |block: &str| {
        let (name, text) = block.split_once('\n').unwrap();
        Shown { name: name.to_owned(), text: text.to_owned() }
    };
    blocks.map(file).collect()
}

/// Lines that build, serve or test belong to the setup of this test.
fn starts_something(command: &str) -> bool {
    command.starts_with("cargo ") || command.starts_with("tests/")
}

fn lines(readme: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut inside = false;
    for text in readme.lines() {
        match (text.strip_prefix("$ "), inside) {
            _ if text.starts_with("```") => inside = text == "```console",
            (Some(command), true) => lines.push(Line { command: command.to_owned(), answer: String::new() }),
            (None, true) => {
                if let Some(line) = lines.last_mut() {
                    line.answer.push_str(if line.answer.is_empty() { "" } else { "\n" });
                    line.answer.push_str(text);
                }
            }
            _ => {}
        }
    }
    lines
}

/// Does the answer contain the parts between the dots, in their order, from its beginning to its end?
fn fits(wanted: &str, answer: &str) -> bool {
    let mut rest = answer;
    let mut parts = wanted.split('…').peekable();
    let mut first = true;
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        let found = match (first, last) {
            (true, true) => return rest == part,
            (true, false) => rest.starts_with(part).then_some(0),
            (false, true) => return rest.ends_with(part),
            (false, false) => rest.find(part),
        };
        let Some(at) = found else { return false };
        rest = &rest[at + part.len()..];
        first = false;
    }
    true
}

#[test]
fn dots_stand_for_anything() {
    assert!(fits("a…c", "abc") && fits("…", "x") && fits("a", "a") && fits("a…b…", "a1b2"));
    assert!(!fits("a…c", "abd") && !fits("a", "ab") && !fits("b…", "ab"));
}
