//! A session: the state left by its lines, and the evaluation of the next one. It does not use the terminal.

use super::declarations::Declarations;
use super::places::{LineTexts, moved, own};
use super::saved::Journal;
use crate::output::Report;
use crate::script::{CommandHost, FolderModules, Input, Interrupts};
use flowscript_lang::ast::{Script, StatementKind};
use flowscript_lang::function::{Effect, Registry};
use flowscript_lang::program::Remains;
use flowscript_lang::types::Type;
use flowscript_lang::value::{Column, Rows, Value};
use flowscript_lang::{CompileOptions, Compiled, Mode, ModuleLoader, Settings, Variable, compile, parse};
use std::path::Path;
use std::sync::Arc;

/// The variable that holds the last value.
pub const LAST: &str = "_";

/// The host of a session and the state left by its lines.
pub struct Session {
    settings: Settings,
    host: CommandHost,
    interrupts: Arc<Interrupts>,
    registry: Arc<Registry>,
    modules: FolderModules,
    declarations: Declarations,
    variables: Vec<(String, Value)>,
    last: Option<Value>,
    /// What functions among the values still use of the runs that made them.
    remains: Vec<Remains>,
    /// The lines that ran.
    journal: Journal,
}

/// The result of a line.
#[derive(Debug)]
pub struct Given {
    /// Its value, if it ends in an expression or returns.
    pub value: Option<Value>,
    /// The steps it took.
    pub steps: u64,
}

/// The line failed; the report has said why.
#[derive(Debug, PartialEq, Eq)]
pub struct Failed;

impl Session {
    /// A session without variables; modules are searched in the current folder.
    pub fn new(mut settings: Settings, host: CommandHost, interrupts: Arc<Interrupts>) -> Self {
        // A person who types an assertion wants it checked.
        settings.asserts = true;
        Self {
            settings,
            host,
            interrupts,
            registry: flowscript_stdlib::registry(),
            modules: FolderModules::beside(Path::new(".")),
            declarations: Declarations::default(),
            variables: Vec::new(),
            last: None,
            remains: Vec::new(),
            journal: Journal::default(),
        }
    }

    /// Checks and runs a line, which messages call `name`.
    pub fn evaluate(&mut self, name: &str, line: &str, report: &mut Report) -> Result<Given, Failed> {
        let script = parse::parse_script(line).tree;
        let mut declarations = self.declarations.clone();
        declarations.forget_redeclared(&script);
        let prelude = declarations.prelude();
        let compiled = self.check(line, &prelude);
        let texts = LineTexts { name, line, prelude: &prelude }.with(&compiled, &self.modules);
        report.diagnostics(&texts, &own(&compiled.diagnostics, &prelude));
        let Some(program) = &compiled.program else { return Err(Failed) };
        if script.statements.is_empty() {
            return Ok(Given { value: None, steps: 0 });
        }
        let values = self.variables.iter().map(|(_, value)| value.clone()).chain(self.last.clone()).collect();
        let outcome = self.interrupts.during(|| program.run(values, &self.settings, &self.host));
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                report.run_error(&texts, &moved(*error, &prelude, line));
                return Err(Failed);
            }
        };
        let left = outcome.variables.iter().chain(outcome.exports.iter().map(|(_, value)| value));
        if left.chain([&outcome.value]).any(holds_function) {
            self.remains.push(outcome.remains);
        }
        for ((_, value), now) in self.variables.iter_mut().zip(outcome.variables) {
            *value = now;
        }
        // A function that was set has its value; its text is no longer needed.
        assigned(line).into_iter().for_each(|name| declarations.forget_variable(name));
        declarations.add(&script, line, self.journal.len());
        self.variables.retain(|(name, _)| !declarations.is_function_variable(name));
        for (name, value) in outcome.exports {
            if !declarations.is_function_variable(&name) {
                self.set(&name, value);
            }
        }
        self.declarations = declarations;
        let keeps_state = self.variables.iter().any(|(_, value)| holds_function(value));
        self.journal.add(&script, line, program, keeps_state);
        let value = gives_value(&script).then_some(outcome.value);
        if value.is_some() {
            self.last.clone_from(&value);
        }
        Ok(Given { value, steps: outcome.steps })
    }

    /// The type of a line's result, without running it.
    pub fn type_of(&self, line: &str, report: &mut Report) -> Result<Type, Failed> {
        let prelude = self.declarations.prelude();
        let compiled = self.check(line, &prelude);
        let texts = LineTexts { name: "<repl>", line, prelude: &prelude }.with(&compiled, &self.modules);
        report.diagnostics(&texts, &own(&compiled.diagnostics, &prelude));
        if compiled.has_errors() { Err(Failed) } else { Ok(compiled.result) }
    }

    /// The plans of the queries of a line, without running it.
    pub fn plan_of(&self, line: &str, report: &mut Report) -> Result<String, Failed> {
        let prelude = self.declarations.prelude();
        let compiled = self.check(line, &prelude);
        let texts = LineTexts { name: "<repl>", line, prelude: &prelude }.with(&compiled, &self.modules);
        report.diagnostics(&texts, &own(&compiled.diagnostics, &prelude));
        compiled.program.map(|program| program.plan()).ok_or(Failed)
    }

    /// Makes the fields of an input variables; gives their names.
    pub fn add_input(&mut self, input: Input) -> Vec<String> {
        let names: Vec<String> = input.variables.iter().map(|variable| variable.name.to_string()).collect();
        self.journal.add_input(&names, &input.values);
        for (name, value) in names.iter().zip(input.values) {
            self.declarations.forget_variable(name);
            self.set(name, value);
        }
        names
    }

    /// Discards the state left by all lines.
    pub fn reset(&mut self) {
        self.declarations = Declarations::default();
        self.variables.clear();
        self.last = None;
        self.remains.clear();
        self.journal = Journal::default();
    }

    /// The library.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The variables and their values, in the order they were declared.
    pub fn variables(&self) -> &[(String, Value)] {
        &self.variables
    }

    /// The functions and types that were declared, and the modules that could be used.
    pub fn names(&self) -> Vec<String> {
        self.declarations.names().map(str::to_owned).chain(self.modules.names()).collect()
    }

    /// The functions, types and opened modules as text.
    pub fn declared(&self) -> String {
        self.declarations.prelude()
    }

    /// A script that restores the state of the session, and how many lines it represents.
    pub fn script(&self) -> (String, usize) {
        let mut scripts = self.journal.scripts(&self.declarations, &self.variables);
        let loads = |script: &String| !self.check_with(&[], script).has_errors();
        let best = scripts.iter().position(loads).unwrap_or(scripts.len() - 1);
        (scripts.swap_remove(best), self.journal.len())
    }

    /// The variables for the checker, `_` last.
    pub fn host_variables(&self) -> Vec<Variable> {
        let variable = |name: &str, value: &Value, writable| {
            // A value that is null now may have any type later.
            let ty = if value.is_null() { Type::Any } else { Type::of_value(value) };
            Variable { name: name.into(), ty, writable }
        };
        let variables = self.variables.iter().map(|(name, value)| variable(name, value, true));
        variables.chain(self.last.as_ref().map(|value| variable(LAST, value, false))).collect()
    }

    fn set(&mut self, name: &str, value: Value) {
        if name == LAST {
            self.last = Some(value);
            return;
        }
        match self.variables.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.variables.push((name.to_owned(), value)),
        }
    }

    fn check(&self, line: &str, prelude: &str) -> Compiled {
        self.check_with(&self.host_variables(), &format!("{prelude}{line}"))
    }

    fn check_with(&self, variables: &[Variable], source: &str) -> Compiled {
        let options = CompileOptions {
            mode: Mode::Line,
            variables,
            registry: &self.registry,
            modules: &self.modules,
            effect: Effect::Outside,
        };
        compile(source, &options)
    }
}

/// Is there a function in it, at any depth?
fn holds_function(value: &Value) -> bool {
    match value {
        Value::Function(_) => true,
        Value::List(list) => list.items().iter().any(holds_function),
        Value::Record(record) => record.iter().any(|(_, value)| holds_function(&value)),
        Value::Table(table) => match table.columns() {
            Some(columns) => columns.iter().any(|column| match &**column {
                Column::Any(values) => values.iter().any(holds_function),
                _ => false,
            }),
            None => Rows::Table(table.clone()).iter().any(|row| holds_function(&row)),
        },
        _ => false,
    }
}

/// Does it end in an expression, or return?
fn gives_value(script: &Script) -> bool {
    let returns = script.statements.iter().any(|s| matches!(s.kind, StatementKind::Return(_)));
    returns || script.statements.last().is_some_and(|s| matches!(s.kind, StatementKind::Expression(_)))
}

/// The names after `set` in a line.
fn assigned(line: &str) -> Vec<&str> {
    let words: Vec<&str> = line.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty()).collect();
    let pairs = words.windows(2).filter_map(|pair| Some((pair.first()?, pair.get(1)?)));
    pairs.filter(|(word, _)| word.eq_ignore_ascii_case("set")).map(|(_, name)| *name).collect()
}
