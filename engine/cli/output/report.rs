//! Errors and warnings of a command, as text or as one JSON object.

use super::{Terminal, print, print_error, safe_lines};
use crate::exit::Exit;
use crate::script::{FolderModules, Source};
use flowscript_lang::Compiled;
use flowscript_lang::diagnostic::{Diagnostic, json as as_json, render};
use flowscript_lang::error::RunError;
use serde_json::{Value as Json, json};
use std::collections::HashSet;

/// How errors are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: the place, the line, a hint
    #[default]
    Text,
    /// For tools: one JSON object on the last line of standard error
    Json,
}

/// Why a command cannot start, as a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Stop {
    /// With this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// The texts that findings point into.
pub struct Texts<'a> {
    /// The name of the source in messages.
    pub name: &'a str,
    /// The source.
    pub text: &'a str,
    /// Its modules: their names, files and texts.
    pub modules: Vec<(&'a str, String, &'a str)>,
}

impl<'a> Texts<'a> {
    /// A source and the modules that it uses.
    pub fn new(source: &'a Source, compiled: &'a Compiled) -> Self {
        let folder = FolderModules::beside(&source.folder);
        let modules = compiled.modules.iter().map(|(name, text)| (name.as_str(), folder.file(name), &**text)).collect();
        Self { name: &source.name, text: &source.text, modules }
    }

    /// File and text of a module, or of the source itself.
    fn find<'t>(&'t self, module: Option<&str>) -> (&'t str, &'t str) {
        let found = module.and_then(|module| self.modules.iter().find(|(name, ..)| *name == module));
        found.map_or((self.name, self.text), |(_, file, text)| (file, text))
    }
}

/// Prints findings as they occur, or keeps them for one object at the end.
pub struct Report {
    format: Format,
    terminal: Terminal,
    kept: Vec<Json>,
    /// What was printed, so that a module that many scripts use is reported once.
    told: HashSet<String>,
    errors: usize,
    warnings: usize,
    fixable: usize,
}

impl Report {
    /// A report without findings.
    pub fn new(format: Format, terminal: Terminal) -> Self {
        Self { format, terminal, kept: Vec::new(), told: HashSet::new(), errors: 0, warnings: 0, fixable: 0 }
    }

    /// The findings of the parser and the checker.
    pub fn diagnostics(&mut self, texts: &Texts<'_>, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics {
            let (file, text) = texts.find(diagnostic.module.as_deref());
            if !self.told.insert(format!("{file} {diagnostic:?}")) {
                continue;
            }
            self.fixable += usize::from(diagnostic.fixes.iter().any(|fix| fix.safe));
            *if diagnostic.is_error() { &mut self.errors } else { &mut self.warnings } += 1;
            match self.format {
                Format::Text => print_error(&render::diagnostic(diagnostic, file, text, self.colour())),
                Format::Json => self.kept.push(as_json::diagnostic(diagnostic, file, text)),
            }
        }
    }

    /// The number of errors so far.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// The number of warnings so far.
    pub fn warnings(&self) -> usize {
        self.warnings
    }

    /// The number of findings that have a safe fix.
    pub fn fixable(&self) -> usize {
        self.fixable
    }

    /// Reports what was done; tools that read JSON see it in the findings.
    pub fn note(&mut self, text: &str) {
        if self.format == Format::Text {
            print(&format!("{}\n", safe_lines(text)));
        }
    }

    /// An error that ended a run.
    pub fn run_error(&mut self, texts: &Texts<'_>, error: &RunError) {
        self.errors += 1;
        let text = |module: Option<&str>| texts.find(module);
        match self.format {
            Format::Text => print_error(&render::run_error(error, text, self.colour())),
            Format::Json => self.kept.push(as_json::run_error(error, text)),
        }
    }

    fn colour(&self) -> render::Colour {
        if self.terminal.error { render::Colour::Always } else { render::Colour::Never }
    }

    /// Something that has no place in a source.
    pub fn problem(&mut self, stop: &Stop) {
        self.errors += 1;
        match self.format {
            Format::Text => print_error(&stop_text(stop, "error", self.terminal.error)),
            Format::Json => self.kept.push(stop_json(stop, "error")),
        }
    }

    /// The same for a problem that does not prevent running.
    pub fn warning(&mut self, stop: &Stop) {
        self.warnings += 1;
        match self.format {
            Format::Text => print_error(&stop_text(stop, "warning", self.terminal.error)),
            Format::Json => self.kept.push(stop_json(stop, "warning")),
        }
    }

    /// The end of a command that could not start.
    pub fn stop(mut self, stop: &Stop) -> Exit {
        self.problem(stop);
        self.finish(Exit::NotStarted)
    }

    /// The end of a command: prints the kept findings, if there are any.
    pub fn finish(self, exit: Exit) -> Exit {
        if self.kept.is_empty() { exit } else { self.finish_always(exit) }
    }

    /// The end of a command whose result is the findings, even if there are none.
    pub fn finish_always(self, exit: Exit) -> Exit {
        if self.format == Format::Json {
            print_error(&format!("{}\n", as_json::object(self.kept)));
        }
        exit
    }
}

fn stop_text(stop: &Stop, severity: &str, color: bool) -> String {
    let sign = if severity == "error" { "\x1b[1;31m" } else { "\x1b[1;33m" };
    let (sign, bold, plain) = if color { (sign, "\x1b[1m", "\x1b[0m") } else { ("", "", "") };
    let hint = stop.hint.as_ref().map(|hint| format!("  = hint: {}\n", safe_lines(hint))).unwrap_or_default();
    format!("{sign}{severity}{plain}{bold}: {}{plain}\n{hint}", safe_lines(&stop.message))
}

fn stop_json(stop: &Stop, severity: &str) -> Json {
    json!({
        "code": null, "severity": severity, "phase": null, "kind": null, "message": stop.message, "file": null,
        "line": null, "column": null, "endLine": null, "endColumn": null, "labels": [], "hint": stop.hint, "fixes": [],
        "stack": [],
    })
}
