//! The command `flowscript`: one file a command, each with its `Args` and a `run`.
//!
//! Results go to standard output, diagnostics and logs to standard error.
#![allow(clippy::print_stdout, clippy::print_stderr)] // this is the one place that talks to a terminal

mod api;
mod check;
mod doc;
mod eval;
mod exit;
mod expiry;
mod explain;
mod keys;
mod lanes;
mod masked;
mod output;
mod repl;
mod run;
mod runs;
mod schedules;
mod schema;
mod script;
mod serve;
mod signals;
mod token;
mod trigger;

use clap::{ColorChoice, Parser, Subcommand};
use exit::Exit;
use output::{Format, Report, Stop, Terminal};
use std::ffi::OsString;
use std::process::ExitCode;

/// Threads that pass messages to each other contend for the system's allocator; see `benches/README.md`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The interpreter for FlowScript and the integration engine around it.
#[derive(Parser)]
#[command(name = "flowscript", version, arg_required_else_help = true)]
struct Cli {
    /// When to use colour; `NO_COLOR` also turns it off.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
    #[command(subcommand)]
    command: Command,
}

/// One variant for each command, in the order of the help.
#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Eval(eval::Args),
    Repl(repl::Args),
    Check(check::Args),
    Serve(serve::ServeArgs),
    Trigger(trigger::TriggerArgs),
    Runs(Box<runs::RunsArgs>),
    Keys(keys::KeysArgs),
    Lanes(lanes::LanesArgs),
    Token(token::TokenArgs),
    Schedules(schedules::SchedulesArgs),
    Schema(schema::Args),
    Doc(doc::Args),
    Explain(explain::Args),
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && wants_json(&arguments) => return usage_as_json(&error).into(),
        Err(error) => error.exit(),
    };
    let terminal = Terminal::new(cli.color);
    let exit = match cli.command {
        Command::Run(args) => run::run(args, terminal),
        Command::Eval(args) => eval::run(args, terminal),
        Command::Repl(args) => repl::run(args, terminal),
        Command::Check(args) => check::run(args, terminal),
        Command::Serve(args) => serve::run(args),
        Command::Trigger(args) => trigger::run(args),
        Command::Runs(args) => runs::run(*args),
        Command::Keys(args) => keys::run(args),
        Command::Lanes(args) => lanes::run(args),
        Command::Token(args) => token::run(args),
        Command::Schedules(args) => schedules::run(args),
        Command::Schema(schema::Args {}) => schema::run(),
        Command::Doc(args) => doc::run(&args, terminal),
        Command::Explain(args) => explain::run(&args, terminal),
    };
    exit.into()
}

/// `--format json` also applies to mistakes in the arguments.
fn wants_json(arguments: &[OsString]) -> bool {
    arguments.iter().any(|word| word == "--format=json")
        || arguments.windows(2).any(|pair| matches!(pair, [option, value] if option == "--format" && value == "json"))
}

fn usage_as_json(error: &clap::Error) -> Exit {
    let text = error.to_string();
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let message = lines.next().unwrap_or_default().trim_start_matches("error: ");
    let hint = lines.next().map(str::trim).unwrap_or_default();
    Report::new(Format::Json, Terminal::new(ColorChoice::Never)).stop(&Stop::new(message).with_hint(hint))
}
