//! `flowscript doc`: the function reference, from the registration table.

use crate::exit::Exit;
use crate::output::{Format, Report, Stop, Terminal, print, wrap};
use crate::script::{CommandHost, Permission, Random};
use flowscript_lang::diagnostic::Diagnostic;
use flowscript_lang::function::{Effect, Function, Registry};
use flowscript_lang::suggest::nearest;
use flowscript_lang::{CompileOptions, Mode, NoModules, Settings, compile};
use std::fmt::Write;
use std::sync::Arc;

/// Shows what a function of the library does.
#[derive(clap::Args)]
pub struct Args {
    /// A function (`Left`, `JSON.Encode`) or a module (`JSON`); without it all functions are listed
    name: Option<String>,
    /// Writes the whole reference page as Markdown
    #[arg(long, conflicts_with = "name")]
    markdown: bool,
}

/// Runs the command.
pub fn run(args: &Args, terminal: Terminal) -> Exit {
    if args.markdown {
        return print(&flowscript_stdlib::reference::page());
    }
    match text(&flowscript_stdlib::registry(), args.name.as_deref()) {
        Ok(text) => print(&text),
        Err(stop) => Report::new(Format::Text, terminal).stop(&stop),
    }
}

/// The text about a function or module; about all of them without a name.
pub fn text(registry: &Registry, name: Option<&str>) -> Result<String, Stop> {
    let Some(name) = name else { return Ok(list(registry.functions().iter().map(AsRef::as_ref))) };
    if let Some(function) = registry.find(name) {
        return Ok(describe(function, registry));
    }
    let prefix = format!("{}.", name.to_lowercase());
    let members = || registry.functions().iter().filter(|function| in_module(function, &prefix));
    if members().next().is_some() {
        return Ok(list(members().map(AsRef::as_ref)));
    }
    let near = nearest(name, registry.all_names().chain(registry.modules()));
    let hint = near.map_or("`flowscript doc` lists all functions".into(), |near| format!("did you mean `{near}`?"));
    Err(Stop::new(format!("There is no function or module `{name}`.")).with_hint(hint))
}

fn in_module(function: &Function, prefix: &str) -> bool {
    function.aliases.iter().chain([&function.name]).any(|name| name.to_lowercase().starts_with(prefix))
}

/// A line each, under the names of their sections.
fn list<'a>(functions: impl Iterator<Item = &'a Function>) -> String {
    let functions: Vec<&Function> = functions.collect();
    let width = functions.iter().map(|function| function.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    let mut section = "";
    for function in functions {
        if function.section != section {
            let gap = if section.is_empty() { "" } else { "\n" };
            section = function.section;
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{gap}{section}");
        }
        let _ = writeln!(out, "  {:width$}  {}", function.name, function.summary);
    }
    out
}

fn describe(function: &Function, registry: &Registry) -> String {
    let mut out = format!("{}\n\n", function.signature);
    for paragraph in [function.summary, function.rules].into_iter().filter(|text| !text.is_empty()) {
        wrap(&mut out, paragraph);
        out.push('\n');
    }
    if !function.aliases.is_empty() {
        let _ = writeln!(out, "Also as {}.\n", function.aliases.join(", "));
    }
    let width = function.examples.iter().map(|example| example.source.chars().count()).max().unwrap_or(0).min(48);
    for example in function.examples {
        let _ = if example.fails {
            let message = failure(example.source, registry).unwrap_or_else(|| example.result.to_owned());
            writeln!(out, "  {:width$}  error: {message}", example.source)
        } else {
            writeln!(out, "  {:width$}  → {}", example.source, example.result)
        };
    }
    out
}

/// The message of an example with an error: that of the checker or of the run.
fn failure(source: &str, registry: &Registry) -> Option<String> {
    let options = CompileOptions {
        mode: Mode::Expression,
        variables: &[],
        registry,
        modules: &NoModules,
        effect: Effect::Outside,
    };
    let compiled = compile(source, &options);
    let Some(program) = compiled.program else {
        return compiled.diagnostics.into_iter().find(Diagnostic::is_error).map(|error| error.message);
    };
    let host = CommandHost {
        now: None,
        random: Random::Seeded(0.into()),
        http: Permission::Nowhere,
        interrupts: Arc::default(),
    };
    program.run(Vec::new(), &Settings::default(), &host).err().map(|error| error.message)
}

#[cfg(test)]
mod tests {
    use super::text;

    fn shown(name: &str) -> String {
        match text(&flowscript_stdlib::registry(), Some(name)) {
            Ok(text) => text,
            Err(stop) => format!("{} ({})", stop.message, stop.hint.unwrap_or_default()),
        }
    }

    #[test]
    fn functions_and_modules_are_found_in_any_case() {
        insta::assert_snapshot!(shown("MID"));
        insta::assert_snapshot!(shown("json"));
        assert_eq!(shown("Uper"), "There is no function or module `Uper`. (did you mean `Upper`?)");
        assert_eq!(
            shown("whatever"),
            "There is no function or module `whatever`. (`flowscript doc` lists all functions)"
        );
    }

    #[test]
    fn all_functions_are_listed() {
        let registry = flowscript_stdlib::registry();
        let list = text(&registry, None).unwrap();
        assert_eq!(list.lines().filter(|line| line.starts_with("  ")).count(), registry.functions().len());
    }
}
