//! Checks a script, runs it and prints what it returns.

use super::profile::LineProfile;
use super::{FolderModules, Input, Interrupts, ScriptOptions, Source};
use crate::exit::Exit;
use crate::output::{Report, Stop, Terminal, Texts, print, print_error, to_lines};
use flowscript_lang::budget::Unlimited;
use flowscript_lang::function::Effect;
use flowscript_lang::value::Value;
use flowscript_lang::{CompileOptions, Mode, compile};

/// Runs `source`, which is a script or an expression by its mode.
pub fn execute(source: Result<Source, Stop>, mode: Mode, options: &ScriptOptions, terminal: Terminal) -> Exit {
    let mut report = Report::new(options.format, terminal);
    match try_execute(source, mode, options, &mut report) {
        Ok(exit) => report.finish(exit),
        Err(stop) => report.stop(&stop),
    }
}

fn try_execute(
    source: Result<Source, Stop>,
    mode: Mode,
    options: &ScriptOptions,
    report: &mut Report,
) -> Result<Exit, Stop> {
    let source = source?;
    let input = options.input.as_deref().map(Input::read).transpose()?.unwrap_or_default();
    let interrupts = Interrupts::listen();
    let host = options.host.host(interrupts.clone())?;
    let registry = flowscript_stdlib::registry();
    let modules = FolderModules::beside(&source.folder);
    let compiled = compile(
        &source.text,
        &CompileOptions {
            mode,
            variables: &input.variables,
            registry: &registry,
            modules: &modules,
            // What HTTP may reach is decided when it is called.
            effect: Effect::Outside,
        },
    );
    let texts = Texts::new(&source, &compiled);
    report.diagnostics(&texts, &compiled.diagnostics);
    let Some(program) = &compiled.program else { return Ok(Exit::NotStarted) };
    let profile = options.profile.then(|| LineProfile::new(&source.text));
    let settings = options.host.settings();
    let outcome = interrupts.during(|| match &profile {
        Some(profile) => program.run_profiled(input.values, &settings, &host, profile),
        None => program.run(input.values, &settings, &host),
    });
    if let (Some(profile), Ok(outcome)) = (&profile, &outcome) {
        print_error(&profile.table(&source.text, outcome.steps));
    }
    match outcome {
        Ok(outcome) => Ok(show(&outcome.value, mode, options, report)),
        Err(error) => {
            report.run_error(&texts, &error);
            Ok(Exit::Failed)
        }
    }
}

fn show(value: &Value, mode: Mode, options: &ScriptOptions, report: &mut Report) -> Exit {
    if !options.json {
        // A script without a result prints nothing; an expression always shows its value.
        let silent = value.is_null() && mode == Mode::Script;
        return if silent { Exit::Done } else { print(&to_lines(value, None)) };
    }
    match flowscript_stdlib::json::encode(value, &mut Unlimited) {
        Ok(line) => print(&format!("{line}\n")),
        Err(message) => {
            report.problem(&Stop::new(message.to_string()).with_hint("return something else, or leave out --json"));
            Exit::Failed
        }
    }
}
