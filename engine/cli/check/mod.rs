//! `flowscript check`: checks scripts, modules, workflow files and whole projects; runs nothing.

mod connections;
mod find;
mod fix;
mod project;
mod script;

use crate::exit::Exit;
use crate::output::{Format, Report, Stop, Terminal, print};
use crate::script::Input;
use find::{Found, find};
use std::path::PathBuf;

/// Checks scripts, workflows and projects.
#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 no errors, 2 errors or unreadable files. Warnings change nothing.")]
pub struct Args {
    /// Scripts and modules (.flow), workflow files (.yaml), folders of them
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The variables that scripts expect, as `run` would get them: a JSON object, or its file as @FILE
    #[arg(long, value_name = "JSON|@FILE")]
    input: Option<String>,
    /// Also log in to each connection of the projects
    #[arg(long)]
    connections: bool,
    /// Correct mistakes in the files that have only one possible meaning, without changing results, then check the rest;
    /// a source from standard input (`-`) is printed
    #[arg(long)]
    fix: bool,
    /// How to print the findings
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs the command.
pub fn run(args: Args, terminal: Terminal) -> Exit {
    let mut report = Report::new(args.format, terminal);
    match check(&args, &mut report) {
        Ok(files) => {
            let (errors, warnings) = (report.errors(), report.warnings());
            // With `--fix` from standard input the corrected text is all that is printed.
            let is_filter = args.fix && args.paths.iter().any(|path| path.as_os_str() == "-");
            if args.format == Format::Text && !is_filter {
                print(&summary(files, errors, warnings, report.fixable()));
            }
            report.finish_always(if errors > 0 { Exit::NotStarted } else { Exit::Done })
        }
        Err(stop) => report.stop(&stop),
    }
}

/// Checks all paths; gives the number of files.
fn check(args: &Args, report: &mut Report) -> Result<usize, Stop> {
    let input = args.input.as_deref().map(Input::read).transpose()?.unwrap_or_default();
    let mut files = 0;
    for found in find(&args.paths)? {
        files += match found {
            // An unreadable one does not stop the others.
            Found::Script(path) => script::check(&path, &input, args.fix, report).unwrap_or_else(|stop| {
                report.problem(&stop);
                1
            }),
            Found::Workflow { project, path } => project::check(&project, Some(&path), args.fix, report)?,
            Found::Project(path) => {
                let files = project::check(&path, None, args.fix, report)?;
                if args.connections {
                    connections::check(&path, report)?;
                }
                files
            }
        };
    }
    Ok(files)
}

fn summary(files: usize, errors: usize, warnings: usize, fixable: usize) -> String {
    let count = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    let found = match (errors, warnings) {
        (0, 0) => "no problems".to_owned(),
        (errors, 0) => count(errors, "error"),
        (0, warnings) => count(warnings, "warning"),
        (errors, warnings) => format!("{}, {}", count(errors, "error"), count(warnings, "warning")),
    };
    let fixes = if fixable > 0 { format!(" (`--fix` corrects {fixable})") } else { String::new() };
    format!("{} checked: {found}{fixes}\n", count(files, "file"))
}
