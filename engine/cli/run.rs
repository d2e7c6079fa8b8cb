//! `flowscript run`: checks and runs a script.

use crate::exit::Exit;
use crate::output::{Stop, Terminal};
use crate::script::{ScriptOptions, Source, execute};
use flowscript_lang::Mode;
use std::path::PathBuf;

/// Checks and runs a script.
#[derive(clap::Args)]
#[command(
    override_usage = "flowscript run [OPTIONS] <FILE>",
    after_help = "\
The result of the script goes to standard output: tables as columns, records as fields, text as it is.
Exit codes: 0 done, 1 the script failed, 2 it could not start."
)]
pub struct Args {
    /// The script; `-` is standard input
    file: Option<PathBuf>,
    #[command(flatten)]
    options: ScriptOptions,
}

/// Runs the command.
pub fn run(mut args: Args, terminal: Terminal) -> Exit {
    // `--allow-http` takes any number of words, also the file if it comes after it.
    let file = args.file.or_else(|| args.options.host.take_last_host().map(PathBuf::from));
    let source = match &file {
        Some(file) => Source::read(file),
        None => Err(Stop::new("The script is missing.").with_hint("flowscript run FILE, or - for standard input")),
    };
    execute(source, Mode::Script, &args.options, terminal)
}
