//! The command `flowscript`: one file a command, each with its `Args` and a `run`.
//!
//! Results go to standard output, diagnostics and logs to standard error.
#![allow(clippy::print_stdout, clippy::print_stderr)] // this is the one place that talks to a terminal

mod api;
mod exit;
mod keys;
mod serve;
mod trigger;

use clap::{ColorChoice, Parser, Subcommand};
use exit::Exit;
use std::process::ExitCode;

/// The interpreter for FlowScript and the integration engine around it.
#[derive(Parser)]
#[command(name = "flowscript", version, arg_required_else_help = true)]
struct Cli {
    /// When to use colour; `NO_COLOR` counts too.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
    #[command(subcommand)]
    command: Command,
}

/// One variant a command, in the order of the help.
#[derive(Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Trigger(trigger::TriggerArgs),
    Keys(keys::KeysArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let exit: Exit = match cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Trigger(args) => trigger::run(args),
        Command::Keys(args) => keys::run(args),
    };
    exit.into()
}
