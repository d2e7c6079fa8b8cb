//! The declarations of a session, kept as text: functions, types, opened modules. Each line is checked together with
//! them.

use flowscript_lang::ast::{ExprKind, Script, StatementKind};
use std::fmt::Write;

/// Declarations of earlier lines, in their order.
#[derive(Clone, Debug, Default)]
pub struct Declarations(Vec<Declaration>);

#[derive(Clone, Debug)]
struct Declaration {
    kind: Kind,
    name: String,
    /// Without a `;` at its end.
    text: String,
    /// The number of its entry.
    entry: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Function,
    /// `let f = x => …;`
    FunctionVariable,
    Type,
    Open,
}

impl Declarations {
    /// The text to put before a line.
    pub fn prelude(&self) -> String {
        self.text_of(|_| true)
    }

    /// The modules and types, which variables may need.
    pub fn before_variables(&self) -> String {
        self.text_of(|kind| matches!(kind, Kind::Open | Kind::Type))
    }

    /// The functions that are declared as such.
    pub fn functions(&self) -> String {
        self.text_of(|kind| kind == Kind::Function)
    }

    /// The variables that are kept as text, with the numbers of their entries.
    pub fn function_variables(&self) -> impl Iterator<Item = (usize, String)> {
        let variables = self.0.iter().filter(|declaration| declaration.kind == Kind::FunctionVariable);
        variables.map(|declaration| (declaration.entry, declaration.text.clone()))
    }

    fn text_of(&self, wanted: impl Fn(Kind) -> bool) -> String {
        let mut text = String::new();
        for declaration in self.0.iter().filter(|declaration| wanted(declaration.kind)) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{};", declaration.text);
        }
        text
    }

    /// Is it a variable that is kept as text?
    pub fn is_function_variable(&self, name: &str) -> bool {
        self.0.iter().any(|d| d.kind == Kind::FunctionVariable && d.name == name)
    }

    /// The names of functions and types, for completion.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|declaration| declaration.kind != Kind::Open).map(|declaration| declaration.name.as_str())
    }

    /// Removes what `script` declares again.
    pub fn forget_redeclared(&mut self, script: &Script) {
        for statement in &script.statements {
            match &statement.kind {
                StatementKind::Let { name, .. } | StatementKind::Function { name, .. } => {
                    self.0
                        .retain(|d| !matches!(d.kind, Kind::Function | Kind::FunctionVariable) || !same(d, &name.text));
                }
                StatementKind::Type { name, .. } => self.0.retain(|d| d.kind != Kind::Type || !same(d, &name.text)),
                StatementKind::Open(name) => self.0.retain(|d| d.kind != Kind::Open || !same(d, &name.text)),
                _ => {}
            }
        }
    }

    /// Removes a variable that has been given another value.
    pub fn forget_variable(&mut self, name: &str) {
        self.0.retain(|declaration| declaration.kind != Kind::FunctionVariable || declaration.name != name);
    }

    /// Adds what `script`, parsed from `text`, declares in entry number `entry`.
    pub fn add(&mut self, script: &Script, text: &str, entry: usize) {
        for statement in &script.statements {
            // Earlier declarations in the same line no longer count.
            match &statement.kind {
                StatementKind::Let { name, .. } | StatementKind::Set { name, .. } => self.forget_variable(&name.text),
                StatementKind::Open(name) => self.0.retain(|d| d.kind != Kind::Open || !same(d, &name.text)),
                _ => {}
            }
            let (kind, name) = match &statement.kind {
                StatementKind::Function { name, .. } => (Kind::Function, name),
                StatementKind::Type { name, .. } => (Kind::Type, name),
                StatementKind::Open(name) => (Kind::Open, name),
                StatementKind::Let { name, value, .. } if matches!(value.kind, ExprKind::Function(_)) => {
                    (Kind::FunctionVariable, name)
                }
                _ => continue,
            };
            let text = statement.span.text(text).to_owned();
            self.0.push(Declaration { kind, name: name.text.to_string(), text, entry });
        }
    }
}

/// Functions and modules are found in any case; a variable that differs in case is removed only with them.
fn same(declaration: &Declaration, name: &str) -> bool {
    declaration.name.eq_ignore_ascii_case(name)
}
