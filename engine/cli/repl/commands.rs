//! The `:` commands of a session.

use super::session::{Failed, Session};
use super::show_value;
use crate::doc;
use crate::output::{Report, Stop, print};
use crate::script::{Input, read_text};
use flowscript_lang::suggest::nearest;
use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

const HELP: &str = "\
A line is a statement or an expression; `return` and the last `;` may be left out. `_` is the last value.
A line with open brackets continues on the next line. Ctrl-C discards a line or stops an evaluation, Ctrl-D ends the session.

  :help               this text
  :doc NAME           a function of the library, or a module; without a name all functions
  :type EXPRESSION    its type, as far as the checker knows it, without running it
  :time EXPRESSION    its value, with the time and the steps that it took
  :plan EXPRESSION    how its queries run, without running them
  :vars               variables, functions and types of the session
  :input FILE.json    the fields of a JSON object become variables
  :load FILE          run a script in the session
  :save FILE          write a script that restores the session: its lines, or its values
  :reset              forget everything
  :quit               end the session
";

const NAMES: [&str; 11] =
    [":help", ":doc", ":type", ":time", ":plan", ":vars", ":input", ":load", ":save", ":reset", ":quit"];

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Read another line.
    Line,
    /// End the session.
    Quit,
}

/// The names of the commands, for completion.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter()
}

/// Runs a command, such as `:type x`.
pub fn run(session: &mut Session, line: &str, report: &mut Report) -> Result<Next, Failed> {
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    match name {
        ":help" | ":h" | ":?" => say(HELP),
        ":quit" | ":q" | ":exit" => return Ok(Next::Quit),
        ":reset" => session.reset(),
        ":vars" => say(&variables(session)),
        ":doc" => match doc::text(session.registry(), Some(rest).filter(|name| !name.is_empty())) {
            Ok(text) => say(&text),
            Err(stop) => return refuse(report, &stop),
        },
        ":type" => {
            let expression = wanted(report, name, rest, "EXPRESSION")?;
            let ty = session.type_of(expression, report)?;
            say(&format!("{ty}\n"));
        }
        ":time" => {
            let expression = wanted(report, name, rest, "EXPRESSION")?;
            let start = Instant::now();
            let given = session.evaluate("<repl>", expression, report)?;
            let taken = start.elapsed();
            given.value.iter().for_each(show_value);
            say(&format!("{:.3} ms, {} steps\n", taken.as_secs_f64() * 1000.0, given.steps));
        }
        ":plan" => {
            let expression = wanted(report, name, rest, "EXPRESSION")?;
            let plan = session.plan_of(expression, report)?;
            say(if plan.is_empty() { "no query\n" } else { &plan });
        }
        ":input" => {
            let file = wanted(report, name, rest, "FILE.json")?;
            match Input::read(&format!("@{file}")) {
                Ok(input) => {
                    let names = session.add_input(input);
                    say(&format!("{}\n", if names.is_empty() { "no fields".to_owned() } else { names.join(", ") }));
                }
                Err(stop) => return refuse(report, &stop),
            }
        }
        ":load" => {
            let file = wanted(report, name, rest, "FILE")?;
            match read_text(Path::new(file)) {
                Ok(text) => {
                    let given = session.evaluate(file, &text, report)?;
                    given.value.iter().for_each(show_value);
                }
                Err(reason) => return refuse(report, &Stop::new(format!("Cannot read `{file}`: {reason}"))),
            }
        }
        ":save" => {
            let file = wanted(report, name, rest, "FILE")?;
            let (script, lines) = session.script();
            match std::fs::write(file, script) {
                Ok(()) => say(&format!("{lines} {} in {file}\n", if lines == 1 { "entry" } else { "entries" })),
                Err(error) => return refuse(report, &Stop::new(format!("Cannot write `{file}`: {error}."))),
            }
        }
        _ => {
            let hint = nearest(name, NAMES.iter().copied())
                .map_or(":help lists the commands".to_owned(), |near| format!("did you mean `{near}`?"));
            return refuse(report, &Stop::new(format!("There is no command `{name}`.")).with_hint(hint));
        }
    }
    Ok(Next::Line)
}

fn say(text: &str) {
    print(text);
}

fn refuse(report: &mut Report, stop: &Stop) -> Result<Next, Failed> {
    report.problem(stop);
    Err(Failed)
}

fn wanted<'a>(report: &mut Report, name: &str, rest: &'a str, what: &str) -> Result<&'a str, Failed> {
    if rest.is_empty() {
        report.problem(&Stop::new(format!("`{name}` requires an argument.")).with_hint(format!("{name} {what}")));
        return Err(Failed);
    }
    Ok(rest)
}

fn variables(session: &Session) -> String {
    let mut out = String::new();
    let types = session.host_variables();
    let width = session.variables().iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for ((name, value), variable) in session.variables().iter().zip(types) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{name:width$}  {} = {}", variable.ty, value.to_literal(60));
    }
    out.push_str(&session.declared());
    if out.is_empty() { "nothing yet\n".into() } else { out }
}
