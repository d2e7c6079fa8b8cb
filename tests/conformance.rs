//! The conformance cases: `conformance/*.yaml`, one test a case.

mod support;

use flowscript_engine::yaml::{self, Core, Kind, Node};
use flowscript_lang::Limits;
use flowscript_lang::diagnostic::Diagnostic;
use flowscript_lang::error::RunError;
use flowscript_lang::span::line_column;
use flowscript_lang::value::Value;
use libtest_mimic::{Arguments, Failed, Trial};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use support::{Ran, holds};

/// A script and what it must do.
struct Case {
    /// `file/name of the case`
    name: String,
    script: String,
    wanted: Wanted,
    limits: Limits,
}

enum Wanted {
    Returns(Value),
    Error(WantedError),
}

/// The expected error; missing fields match anything.
#[derive(Default)]
struct WantedError {
    /// Part of the message, in any case.
    message: String,
    /// Must it be found before anything runs, or not?
    before_running: Option<bool>,
    kind: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    /// Each of these lines has an error.
    lines: Vec<u32>,
    hint: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let cases: Vec<Case> = files(&folder).iter().flat_map(|file| read_cases(file)).collect();
    let names: BTreeSet<String> = cases.iter().map(|case| case.name.clone()).collect();
    assert_eq!(names.len(), cases.len(), "two cases of one file have the same name");
    let trials = cases
        .into_iter()
        .map(|case| Trial::test(case.name.clone(), move || passes(&case).map_err(Failed::from)))
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn passes(case: &Case) -> Result<(), String> {
    let ran = support::run(&case.script, case.limits.clone());
    let script = &case.script;
    match (&case.wanted, ran) {
        (Wanted::Returns(wanted), Ran::Returned(value)) => support::compare(&value, wanted),
        (Wanted::Returns(_), Ran::Refused(found)) => Err(format!("refused:\n  {}", support::told(script, &found))),
        (Wanted::Returns(_), Ran::Failed(error)) => Err(format!("failed: {}", shown(&error))),
        (Wanted::Error(wanted), Ran::Returned(value)) => {
            Err(format!("returned {}\n  wanted an error with `{}`", value.to_literal(200), wanted.message))
        }
        (Wanted::Error(wanted), Ran::Refused(found)) => refused_as(script, wanted, &found),
        (Wanted::Error(wanted), Ran::Failed(error)) => failed_as(wanted, &error),
    }
    .map_err(|difference| format!("{difference}\n  script {script}"))
}

fn refused_as(script: &str, wanted: &WantedError, found: &[Diagnostic]) -> Result<(), String> {
    let errors: Vec<&Diagnostic> = found.iter().filter(|diagnostic| diagnostic.is_error()).collect();
    let place = |diagnostic: &Diagnostic| line_column(script, diagnostic.span.start);
    let fits = errors.iter().any(|error| {
        let (line, column) = place(error);
        holds(&error.message, &wanted.message)
            && wanted.line.is_none_or(|wanted| wanted == line)
            && wanted.column.is_none_or(|wanted| wanted == column)
            && wanted.hint.as_ref().is_none_or(|hint| holds(error.hint.as_deref().unwrap_or_default(), hint))
    });
    let told = errors.iter().map(|error| place(error).0).collect::<Vec<_>>();
    let all_lines = wanted.lines.iter().all(|line| told.contains(line));
    if fits && all_lines && wanted.kind.is_none() && wanted.before_running != Some(false) {
        return Ok(());
    }
    Err(format!("refused:\n  {}\n  wanted {}", support::told(script, found), wanted.shown()))
}

fn failed_as(wanted: &WantedError, error: &RunError) -> Result<(), String> {
    let place = error.place.as_ref();
    // The hint of a message is part of it.
    let fits = holds(&error.message, &wanted.message)
        && wanted.before_running != Some(true)
        && wanted.lines.is_empty()
        && wanted.kind.as_ref().is_none_or(|kind| kind == error.kind.name())
        && wanted.line.is_none_or(|line| place.is_some_and(|place| place.line == line))
        && wanted.column.is_none_or(|column| place.is_some_and(|place| place.column == column))
        && wanted.hint.as_ref().is_none_or(|hint| holds(&error.message, hint));
    if fits { Ok(()) } else { Err(format!("failed: {}\n  wanted {}", shown(error), wanted.shown())) }
}

fn shown(error: &RunError) -> String {
    let place = error.place.as_ref().map(|place| format!("{}:{} ", place.line, place.column)).unwrap_or_default();
    format!("{place}{}: {}", error.kind.name(), error.message)
}

impl WantedError {
    fn shown(&self) -> String {
        let phase = match self.before_running {
            Some(true) => "before running, ",
            Some(false) => "while running, ",
            None => "",
        };
        let mut text = format!("an error {phase}with `{}`", self.message);
        for (name, value) in [("kind", &self.kind), ("hint", &self.hint)] {
            text.extend(value.iter().map(|value| format!(", {name} {value}")));
        }
        for (name, value) in [("line", self.line), ("column", self.column)] {
            text.extend(value.iter().map(|value| format!(", {name} {value}")));
        }
        if self.lines.is_empty() { text } else { format!("{text}, in each of the lines {:?}", self.lines) }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder of the cases");
    let paths = entries.flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|ext| ext == "yaml")).collect();
    files.sort();
    assert!(!files.is_empty(), "no cases in {}", folder.display());
    files
}

fn read_cases(file: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(file).expect("a readable file of cases");
    let tree = yaml::parse(&text).unwrap_or_else(|problem| panic!("{}: {problem:?}", file.display()));
    let stem = file.file_stem().and_then(|stem| stem.to_str()).expect("a file name in Unicode");
    tree.elements().expect("a list of cases").iter().map(|node| read_case(stem, node)).collect()
}

fn read_case(file: &str, node: &Node) -> Case {
    let (mut name, mut script, mut returns, mut error) = (None, None, None, None);
    let mut wanted = WantedError::default();
    let mut limits = Limits::default();
    for entry in node.entries().expect("a case is a map") {
        let value = &entry.value;
        let text = || value.scalar().expect("a text").text.clone();
        let number = || text().parse::<u32>().expect("a whole number");
        match entry.key.as_str() {
            "name" => name = Some(text()),
            "script" => script = Some(text()),
            "returns" => returns = Some(to_value(value)),
            "error" => error = Some(text()),
            "phase" => wanted.before_running = Some(text() != "run"),
            "kind" => wanted.kind = Some(text()),
            "line" => wanted.line = Some(number()),
            "column" => wanted.column = Some(number()),
            "lines" => {
                let lines = value.elements().expect("lines are a list");
                wanted.lines = lines.iter().filter_map(|line| line.scalar()?.text.parse().ok()).collect();
            }
            "hint" => wanted.hint = Some(text()),
            "limits" => limits = read_limits(value),
            other => panic!("a case has no key `{other}`"),
        }
    }
    let name = format!("{file}/{}", name.expect("every case has a name"));
    let wanted = match (returns, error) {
        (Some(returns), None) => Wanted::Returns(returns),
        (None, Some(message)) => Wanted::Error(WantedError { message, ..wanted }),
        _ => panic!("{name}: either `returns` or `error`"),
    };
    Case { script: script.unwrap_or_else(|| panic!("{name} has no script")), name, wanted, limits }
}

fn read_limits(node: &Node) -> Limits {
    let mut limits = Limits::default();
    for entry in node.entries().expect("limits are a map") {
        let number: u64 = entry.value.scalar().expect("a number").text.parse().expect("a whole number");
        match entry.key.as_str() {
            "steps" => limits.steps = Some(number),
            "depth" => limits.depth = number as usize,
            "memory" => limits.memory = number as usize,
            "text" => limits.text = number as usize,
            "cells" => limits.cells = number as usize,
            other => panic!("there is no limit `{other}`"),
        }
    }
    limits
}

fn to_value(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar(scalar) => match scalar.core() {
            Core::Null => Value::Null,
            Core::Bool(value) => value.into(),
            Core::Number(value) => value.into(),
            Core::Text(text) => text.into(),
        },
        Kind::List(elements) => Value::list(elements.iter().map(to_value).collect()),
        Kind::Map(entries) => Value::record(entries.iter().map(|entry| (&*entry.key, to_value(&entry.value)))),
    }
}
