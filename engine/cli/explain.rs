//! `flowscript explain`: what a code means, with an example that gives it.

use crate::exit::Exit;
use crate::output::{Format, Report, Stop, Terminal, print, wrap};
use flowscript_engine::config::Config;
use flowscript_engine::outgoing::Connections;
use flowscript_engine::project::{Folder, SourceFile, load};
use flowscript_engine::script::Library;
use flowscript_engine::yaml::codes as files;
use flowscript_lang::diagnostic::render::{Colour, diagnostics};
use flowscript_lang::diagnostic::{Code, Diagnostic, Example, codes};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::function::Effect;
use flowscript_lang::{CompileOptions, Mode, compile};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Explains the code of a message.
#[derive(clap::Args)]
pub struct Args {
    /// A code such as E0102, or the kind of a runtime error such as `index`; without it all are listed
    code: Option<String>,
}

/// Runs the command.
pub fn run(args: &Args, terminal: Terminal) -> Exit {
    match text(args.code.as_deref()) {
        Ok(text) => print(&text),
        Err(stop) => Report::new(Format::Text, terminal).stop(&stop),
    }
}

fn text(code: Option<&str>) -> Result<String, Stop> {
    let Some(code) = code else { return Ok(list()) };
    // As messages show it: `error[E0102]`.
    let bare = code.trim_start_matches("error").trim_start_matches("warning").trim_matches(['[', ']']);
    if let Some(code) = codes::find(bare) {
        return Ok(describe(code, "", &found_in_script(code)));
    }
    if let Some(code) = files::find(bare) {
        return Ok(describe(code, ", in a workflow file", &found_in_file(code)));
    }
    if let Some(kind) = ErrorKind::ALL.iter().find(|kind| kind.name().eq_ignore_ascii_case(bare)) {
        let mut out = format!("{}: an error of a running script\n\n", kind.name());
        wrap(&mut out, of_kind(*kind));
        return Ok(out);
    }
    Err(Stop::new(format!("There is no code `{code}`.")).with_hint("`flowscript explain` lists all"))
}

fn list() -> String {
    let mut out = String::new();
    for code in codes::all().chain(files::FILES.iter().copied()) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{:10}  {}", code.id, code.title);
    }
    for kind in ErrorKind::ALL {
        let first = of_kind(kind).split(['.', ':']).next().unwrap_or_default();
        let _ = writeln!(out, "{:10}  {}", kind.name(), first.to_lowercase());
    }
    out
}

/// A code with its example and the findings in it.
fn describe(code: &Code, where_found: &str, found: &str) -> String {
    let mut out = format!("{code}: {}{where_found}\n\n", code.title);
    wrap(&mut out, code.text);
    if let Some(lint) = code.lint() {
        let sign = if where_found.is_empty() { "//" } else { "#" };
        let _ = writeln!(out, "\n`{sign} allow({lint})` switches it off.");
    }
    let suffix = if where_found.is_empty() { "flow" } else { "yaml" };
    match code.example {
        Example::Source(source) | Example::Among(source, _) => {
            let _ = write!(out, "\nFor example\n\n{}", indented(source));
        }
        Example::Long { before, part, times, after } => {
            let _ = write!(out, "\nFor example\n\n{}", indented(&format!("{before}{part}…{after}")));
            let _ = write!(out, "\nwith {times} times `{}`\n", part.trim());
        }
        Example::Impossible(why) => {
            let _ = write!(out, "\nThere is no example: {why}\n");
            return out;
        }
    }
    for (name, text) in code.example.others() {
        let _ = write!(out, "\nwith {name}.{suffix}\n\n{}", indented(text));
    }
    let _ = write!(out, "\ngives\n\n{}", indented(found));
    out
}

/// The findings of the checker in the example of a code of the language.
fn found_in_script(code: &Code) -> String {
    let Some(source) = code.example.source() else { return String::new() };
    let registry = flowscript_stdlib::registry();
    let options = CompileOptions {
        mode: Mode::Script,
        variables: &[],
        registry: &registry,
        modules: &code.example.others(),
        effect: Effect::Outside,
    };
    let compiled = compile(&source, &options);
    let mut out = String::new();
    for found in compiled.diagnostics.iter().filter(|found| found.code == code) {
        let module = compiled.modules.iter().find(|(name, _)| Some(name) == found.module.as_ref());
        let (name, text) = module.map_or(("example", &*source), |(name, text)| (name.as_str(), text));
        out += &diagnostics(std::slice::from_ref(found), &format!("{name}.flow"), text, Colour::Never);
    }
    out
}

/// The findings of a check in the example of a code of workflow files.
fn found_in_file(code: &Code) -> String {
    let defaults = Config::default();
    let limits = &defaults.limits;
    let library = Library::new(defaults.time_zone, &defaults.culture, limits.script_steps, limits.script_memory)
        .with_callbacks(true);
    let Some(source) = code.example.source() else { return String::new() };
    let mut folder = Folder::default();
    for (name, text) in [(EXAMPLE, &*source)].iter().chain(code.example.others()) {
        let file = SourceFile { path: format!("workflows/{name}.yaml"), text: Ok((*text).into()) };
        folder.workflows.insert((*name).to_owned(), file);
    }
    let loaded = load(&folder, &library, &Connections::default(), |_| None, &BTreeSet::new());
    let problems = loaded.values().flat_map(|file| &file.problems).filter(|problem| problem.code == code);
    let found: Vec<Diagnostic> = problems.map(|problem| problem.in_text(&source)).collect();
    diagnostics(&found, &format!("workflows/{EXAMPLE}.yaml"), &source, Colour::Never)
}

/// Each line two blanks deeper; without empty ones at the end.
fn indented(text: &str) -> String {
    let mut out = String::new();
    for line in text.trim_end().lines() {
        let _ = writeln!(out, "{}", format!("  {line}").trim_end());
    }
    out
}

/// The workflow that an example is about.
const EXAMPLE: &str = "example";

fn of_kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Type => {
            "A value of the wrong type: a record where a number is expected, a list where a text is. Values that come from \
             outside are checked when they are used; a type in `JSON.Decode<T>`, `new T` or after `:` checks them early."
        }
        ErrorKind::Value => {
            "A value that is not accepted: a text that is not a number, a negative position. The message names the \
             function, the parameter and the value. `IsNumber`, `??` and `Default` help before, `try … catch` after."
        }
        ErrorKind::Arithmetic => {
            "A number that cannot be computed: a division by zero, or a result beyond about 7.9e28. Ask first, as in \
             `case when n = 0 then null else total / n end`."
        }
        ErrorKind::Index => {
            "A place that is not there: a field that a record does not have, a position outside of a list, a field of \
             `null`. `x?.field`, `GetField` and `HasField` ask without failing."
        }
        ErrorKind::Limit => {
            "More than the host allows: steps, calls inside calls, memory, the length of a text or list, time. `catch` does \
             not see it. Look for a loop or recursion that does not end, or for data that need not be held at once."
        }
        ErrorKind::Cancelled => {
            "The run was ended from outside: by Ctrl-C, or it was cancelled. `catch` does not see it."
        }
        ErrorKind::Io => {
            "Something outside did not work: a request that was not allowed, not answered, or answered with an error \
             status. With `continueOnError: true` a status is not an error; `try … catch` sees the others."
        }
        ErrorKind::User => "What the script itself says with `error '…';`, or an `assert` that does not hold.",
        ErrorKind::Internal => {
            "A fault of FlowScript itself, which its tests have not found. `catch` does not see it. Report it with the script \
             and its input; the message names the line of the source that noticed it."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{codes, files, text};

    fn shown(code: &str) -> String {
        text(Some(code)).unwrap_or_else(|stop| format!("{} ({})", stop.message, stop.hint.unwrap_or_default()))
    }

    #[test]
    fn codes_are_explained_with_what_they_give() {
        insta::assert_snapshot!(shown("e0102"));
        assert_eq!(shown("error[E0102]"), shown("E0102"));
        assert!(shown("index").starts_with("index: an error of a running script\n\nA place that is not there"));
        assert!(shown("f0201").starts_with("F0201: a key that is not known there, in a workflow file\n\nA mistyped"));
        assert_eq!(shown("E9999"), "There is no code `E9999`. (`flowscript explain` lists all)");
    }

    #[test]
    fn all_examples_give_their_code() {
        let of_scripts = codes::all().map(|code| (code, super::found_in_script(code)));
        let of_files = files::FILES.iter().map(|code| (*code, super::found_in_file(code)));
        let wrong: Vec<&str> = of_scripts
            .chain(of_files)
            .filter(|(code, found)| found.contains(code.id) != code.example.source().is_some())
            .map(|(code, _)| code.id)
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn all_codes_are_listed() {
        let list = text(None).unwrap();
        assert_eq!(list.lines().count(), codes::all().count() + files::FILES.len() + super::ErrorKind::ALL.len());
        assert!(list.starts_with("E0001       something"), "{list}");
    }
}
