//! `flowscript repl`: a session at the terminal, or of lines from standard input.

mod commands;
mod declarations;
mod editor;
mod history;
mod literal;
mod places;
mod saved;
mod session;
#[cfg(test)]
mod tests;

use crate::exit::Exit;
use crate::output::{Format, Report, Stop, Terminal, print, print_error, to_lines};
use crate::script::{HostOptions, Input, Interrupts};
use commands::Next;
use editor::SessionHelper;
use flowscript_lang::parse;
use flowscript_lang::value::Value;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{ColorMode, CompletionType, Config, Editor};
use session::{Failed, Session};
use std::io::{BufRead, IsTerminal};

/// The most rows that are shown of a table.
const MAX_ROWS: usize = 20;

/// Evaluates FlowScript line by line.
#[derive(clap::Args)]
pub struct Args {
    /// A JSON object whose fields become variables, or the file that holds it as @FILE
    #[arg(long, value_name = "JSON|@FILE")]
    input: Option<String>,
    #[command(flatten)]
    host: HostOptions,
}

/// Runs the command.
pub fn run(args: Args, terminal: Terminal) -> Exit {
    let report = || Report::new(Format::Text, terminal);
    let interrupts = Interrupts::listen();
    let host = match args.host.host(interrupts.clone()) {
        Ok(host) => host,
        Err(stop) => return report().stop(&stop),
    };
    let mut session = Session::new(args.host.settings(), host, interrupts);
    match args.input.as_deref().map(Input::read).transpose() {
        Ok(input) => drop(input.map(|input| session.add_input(input))),
        Err(stop) => return report().stop(&stop),
    }
    if std::io::stdin().is_terminal() {
        at_terminal(session, terminal)
    } else {
        from_input(&mut session, std::io::stdin().lock(), terminal)
    }
}

/// Evaluates the lines of `input`; those that belong together are evaluated together.
fn from_input(session: &mut Session, input: impl BufRead, terminal: Terminal) -> Exit {
    let mut exit = Exit::Done;
    let mut text = String::new();
    for line in input.lines() {
        match line {
            Ok(line) => text.push_str(&line),
            Err(error) => {
                let stop = Stop::new(format!("Cannot read standard input: {error}."));
                return Report::new(Format::Text, terminal).stop(&stop);
            }
        }
        text.push('\n');
        if !text.trim_start().starts_with(':') && parse::is_incomplete(&text) {
            continue;
        }
        match enter(session, &std::mem::take(&mut text), terminal) {
            Ok(Next::Line) => {}
            Ok(Next::Quit) => return exit,
            Err(Failed) => exit = Exit::Failed,
        }
    }
    match enter(session, &text, terminal) {
        Ok(_) => exit,
        Err(Failed) => Exit::Failed,
    }
}

fn at_terminal(session: Session, terminal: Terminal) -> Exit {
    let colours = if terminal.out { ColorMode::Enabled } else { ColorMode::Disabled };
    let config = Config::builder().completion_type(CompletionType::List).color_mode(colours).auto_add_history(true);
    let mut editor = match Editor::<SessionHelper, FileHistory>::with_config(config.build()) {
        Ok(editor) => editor,
        Err(error) => {
            return Report::new(Format::Text, terminal).stop(&Stop::new(format!("Cannot use this terminal: {error}.")));
        }
    };
    editor.set_helper(Some(SessionHelper { session }));
    let history = history::file();
    if let Some(file) = &history {
        // Without a file, as at the first time, the history begins here.
        let _ = editor.load_history(file);
    }
    print(&format!("FlowScript {}. :help for help, Ctrl-D to leave.\n", env!("CARGO_PKG_VERSION")));
    loop {
        let line = match editor.readline("> ") {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(error) => {
                print_error(&format!("error: Cannot read from the terminal: {error}.\n"));
                return Exit::Failed;
            }
        };
        if let Some(file) = &history {
            let _ = editor.append_history(file);
        }
        if let Some(helper) = editor.helper_mut()
            && enter(&mut helper.session, &line, terminal) == Ok(Next::Quit)
        {
            break;
        }
    }
    Exit::Done
}

/// Evaluates what was entered and shows its value, or runs a command.
fn enter(session: &mut Session, text: &str, terminal: Terminal) -> Result<Next, Failed> {
    let mut report = Report::new(Format::Text, terminal);
    let trimmed = text.trim();
    if trimmed.starts_with(':') {
        return commands::run(session, trimmed, &mut report);
    }
    let given = session.evaluate("<repl>", text.trim_end(), &mut report)?;
    given.value.iter().for_each(show_value);
    Ok(Next::Line)
}

fn show_value(value: &Value) {
    print(&to_lines(value, Some(MAX_ROWS)));
}
