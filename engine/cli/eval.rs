//! `flowscript eval`: evaluates one expression.

use crate::exit::Exit;
use crate::output::{Stop, Terminal};
use crate::script::{ScriptOptions, Source, execute};
use flowscript_lang::Mode;

/// Evaluates an expression.
#[derive(clap::Args)]
#[command(override_usage = "flowscript eval [OPTIONS] <EXPRESSION>")]
pub struct Args {
    /// The expression; quote it, so that the shell does not change it
    #[arg(allow_hyphen_values = true)]
    expression: Option<String>,
    #[arg(hide = true)]
    rest: Vec<String>,
    #[command(flatten)]
    options: ScriptOptions,
}

/// Runs the command.
pub fn run(mut args: Args, terminal: Terminal) -> Exit {
    // `--allow-http` takes any number of words, also the expression if it comes after it.
    let expression = args.expression.or_else(|| args.options.host.take_last_host());
    let source = match expression {
        Some(expression) if !args.rest.is_empty() && !looks_like_option(&expression) => {
            let whole = [&[expression], args.rest.as_slice()].concat().join(" ");
            let hint = format!("quote it, so that the shell passes it as one word: flowscript eval '{whole}'");
            Err(Stop::new("The expression must be one word of the command line.").with_hint(hint))
        }
        None => Err(Stop::new("The expression is missing.").with_hint("flowscript eval '1 + 2'")),
        Some(option) if looks_like_option(&option) => Err(Stop::new(format!("There is no option `{option}`."))
            .with_hint("`flowscript eval --help` lists them; write `- -x` if it is an expression")),
        Some(expression) => Ok(Source::expression(&expression)),
    };
    execute(source, Mode::Expression, &args.options, terminal)
}

fn looks_like_option(text: &str) -> bool {
    text.strip_prefix("--").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
}
