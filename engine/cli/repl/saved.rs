//! `:save`: a session as a script that leaves the same variables, functions and types when it is loaded.
//!
//! Usually these are its lines. If running them again would not give the same result (a function was declared twice, a
//! line read the clock or `_`), the script declares the values as they are, and has the lines as comments.

use super::declarations::Declarations;
use super::literal::literal;
use super::session::LAST;
use flowscript_lang::Program;
use flowscript_lang::ast::{Block, FunctionBody, Script, Statement, StatementKind};
use flowscript_lang::function::Effect;
use flowscript_lang::highlight::{Kind, highlight};
use flowscript_lang::parse;
use flowscript_lang::value::Value;
use std::fmt::Write;

/// The input so far.
#[derive(Default)]
pub struct Journal {
    entries: Vec<Entry>,
    /// The names declared so far, in lower case, as functions are found in any case.
    names: Vec<String>,
    /// Is a function among them?
    functions: bool,
    /// Would the entries give a different result if run again?
    changed: bool,
}

struct Entry {
    /// As entered.
    line: String,
    /// The line in a saved script.
    saved: String,
    /// The statements that declare or set a variable, by its name.
    set: Vec<(String, String)>,
}

impl Journal {
    /// Adds a line that has run. `keeps_state`: a variable holds a function that may keep a state.
    pub fn add(&mut self, script: &Script, line: &str, program: &Program, keeps_state: bool) {
        let kept = script.statements.iter().any(|statement| !is_value(statement));
        let dropped = script.statements.iter().any(is_value);
        let reads_last = program.inputs().iter().any(|input| input.name == LAST && input.read);
        let writes = program.inputs().iter().any(|input| input.written);
        self.changed |= kept && (program.effect != Effect::Pure || reads_last);
        self.changed |= dropped && (writes || keeps_state);
        // A script ends at a `return`.
        self.changed |= kept && script.statements.iter().any(returns);
        for statement in &script.statements {
            self.declare(statement);
        }
        let set = script.statements.iter().filter_map(|statement| {
            let (StatementKind::Let { name, .. } | StatementKind::Set { name, .. }) = &statement.kind else {
                return None;
            };
            Some((name.text.to_string(), statement.span.text(line).to_owned()))
        });
        let set = set.collect();
        self.entries.push(Entry { line: line.trim().to_owned(), saved: saved(script, line), set });
    }

    /// Adds variables that came as input.
    pub fn add_input(&mut self, names: &[String], values: &[Value]) {
        let mut saved = String::new();
        for (name, value) in names.iter().zip(values) {
            if let (true, Some(value)) = (can_be_declared(name), literal(value)) {
                // Writing to a String cannot fail.
                let _ = writeln!(saved, "let {name} = {value};");
                self.declare_name(name, false);
            }
        }
        let line = format!("input: {}", names.join(", "));
        self.entries.push(Entry { line, saved: saved.trim_end().to_owned(), set: Vec::new() });
    }

    /// How many lines and inputs there were.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The scripts that may represent the session, the best first.
    pub fn scripts(&self, declarations: &Declarations, variables: &[(String, Value)]) -> Vec<String> {
        let lines = self.entries.iter().flat_map(|entry| [entry.saved.as_str(), "\n"]).collect();
        let state = |with_functions| self.state(declarations, variables, with_functions);
        let mut scripts = vec![state(true), state(false)];
        if !self.changed {
            scripts.insert(0, lines);
        }
        scripts
    }

    fn declare(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Let { name, .. } => self.declare_name(&name.text, false),
            StatementKind::Function { name, .. } => {
                self.functions = true;
                self.declare_name(&name.text, true);
            }
            StatementKind::Type { name, .. } => self.declare_name(&format!("type {}", name.text), true),
            _ => {}
        }
    }

    /// Variables may be declared again in one script, as long as no function uses the earlier one.
    fn declare_name(&mut self, name: &str, once: bool) {
        let name = name.to_lowercase();
        if self.names.contains(&name) {
            self.changed |= once || self.functions;
        } else {
            self.names.push(name);
        }
    }

    /// The session as it is now.
    fn state(&self, declarations: &Declarations, variables: &[(String, Value)], with_functions: bool) -> String {
        let mut text: String = self.entries.iter().map(|entry| comment(&entry.line)).collect();
        let mut functions: Vec<(usize, String)> = Vec::new();
        text.push_str(&declarations.before_variables());
        for (name, value) in variables.iter().filter(|(name, _)| can_be_declared(name)) {
            match literal(value) {
                Some(value) => {
                    // Writing to a String cannot fail.
                    let _ = writeln!(text, "let {name} = {value};");
                }
                None => functions.extend(self.last_set(name).filter(|_| with_functions)),
            }
        }
        functions.extend(declarations.function_variables());
        functions.sort_by_key(|(entry, _)| *entry);
        for (_, statement) in functions {
            let _ = writeln!(text, "{statement};");
        }
        text + &declarations.functions()
    }

    /// The statement that gave a variable its value last, and the number of its entry.
    fn last_set(&self, name: &str) -> Option<(usize, String)> {
        self.entries.iter().enumerate().rev().find_map(|(at, entry)| {
            let (_, statement) = entry.set.iter().rev().find(|(set, _)| set == name)?;
            let declared = match statement.get(..3).filter(|word| word.eq_ignore_ascii_case("set")) {
                Some(_) => format!("let{}", &statement[3..]),
                None => statement.clone(),
            };
            Some((at, declared))
        })
    }
}

/// Is it only an expression for its value?
fn is_value(statement: &Statement) -> bool {
    matches!(statement.kind, StatementKind::Expression(_) | StatementKind::Return(_))
}

/// Does it return, at any depth outside of functions?
fn returns(statement: &Statement) -> bool {
    let in_block = |block: &Block| block.statements.iter().any(returns);
    match &statement.kind {
        StatementKind::Return(_) => true,
        StatementKind::If { branches, otherwise } => {
            branches.iter().any(|(_, block)| in_block(block)) || otherwise.as_ref().is_some_and(in_block)
        }
        StatementKind::For { body, .. } | StatementKind::While { body, .. } => in_block(body),
        StatementKind::Try { body, handler, .. } => in_block(body) || in_block(handler),
        _ => false,
    }
}

/// A line in a saved script: expressions for their value alone are comments.
fn saved(script: &Script, line: &str) -> String {
    if script.statements.iter().all(is_value) {
        return comment(line.trim()).trim_end().to_owned();
    }
    if !script.statements.iter().any(is_value) {
        return terminated(script, line).trim().to_owned();
    }
    let statement = |statement: &Statement| match statement.span.text(line) {
        text if is_value(statement) => comment(text),
        text => format!("{text};\n"),
    };
    script.statements.iter().map(statement).collect::<String>().trim_end().to_owned()
}

/// A line with the `;` that a line may leave out at its end.
fn terminated(script: &Script, line: &str) -> String {
    let Some(last) = script.statements.last() else { return line.to_owned() };
    let (statements, rest) = line.split_at_checked(last.span.end as usize).unwrap_or((line, ""));
    let ends = highlight(rest).iter().any(|part| part.kind != Kind::Comment);
    if ends || ends_in_block(last) { line.to_owned() } else { format!("{statements};{rest}") }
}

fn ends_in_block(statement: &Statement) -> bool {
    match &statement.kind {
        StatementKind::If { .. }
        | StatementKind::For { .. }
        | StatementKind::While { .. }
        | StatementKind::Try { .. } => true,
        StatementKind::Function { function, .. } => matches!(function.body, FunctionBody::Block(_)),
        _ => false,
    }
}

fn comment(text: &str) -> String {
    text.lines().fold(String::new(), |comment, line| comment + "// " + line + "\n")
}

/// Can a variable of a script have this name? Fields of an input may have any.
fn can_be_declared(name: &str) -> bool {
    let parsed = parse::parse_script(&format!("let {name} = 1;"));
    let declared = parsed.tree.statements.first().is_some_and(
        |statement| matches!(&statement.kind, StatementKind::Let { name: declared, .. } if declared.text == name),
    );
    parsed.diagnostics.is_empty() && declared && name != LAST
}
