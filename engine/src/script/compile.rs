//! Compiles scalars of a workflow file.

use super::found::problems;
use super::library::{Library, Modules};
use super::loading::Loading;
use super::scope::Scope;
use super::source::Script;
use crate::yaml::problem::{Problem, codes};
use crate::yaml::{Place, Scalar};
use flowscript_lang::ast;
use flowscript_lang::check::{Mode, Variable};
use flowscript_lang::diagnostic::Diagnostic;
use flowscript_lang::function::Effect;
use flowscript_lang::types::Type;

/// The form of a source in a workflow file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Statements with `return`.
    Script,
    /// One expression.
    Expression,
    /// Plain text with `{expression}` parts.
    Template,
    /// One expression, or statements with `return`.
    ExpressionOrScript,
}

/// The result of compiling.
pub struct Compiled {
    /// `None` if there are errors.
    pub script: Option<Script>,
    /// The known type of its result.
    pub ty: Type,
    /// Errors and warnings with their places in the file.
    pub problems: Vec<Problem>,
    /// The modules it reached.
    pub modules: Modules,
}

/// Compiles a scalar of a workflow file.
pub fn compile(source: &Scalar, kind: Kind, scope: &Scope, library: &Library, loading: &mut Loading<'_>) -> Compiled {
    let mut as_mode = |mode| compile_as(source, mode, kind, scope, library, loading);
    match kind {
        Kind::Script => as_mode(Mode::Script),
        Kind::Expression => as_mode(Mode::Expression),
        Kind::Template => as_mode(Mode::Template),
        Kind::ExpressionOrScript => {
            let expression = as_mode(Mode::Expression);
            if expression.script.is_some() {
                return expression;
            }
            let script = as_mode(Mode::Script);
            let statements = source.text.contains(';') || source.text.to_ascii_lowercase().contains("return");
            if script.script.is_some() || statements { script } else { expression }
        }
    }
}

/// A part of a template.
pub enum TemplatePart {
    /// Text between the braces, escapes resolved.
    Text(String),
    /// The expression in a pair of braces.
    Expression(Scalar),
}

/// The parts of a template, each to be compiled on its own; `None` if it is invalid.
pub fn template_parts(source: &Scalar) -> Option<Vec<TemplatePart>> {
    let parsed = flowscript_lang::parse::parse_template(&source.text);
    if parsed.diagnostics.iter().any(Diagnostic::is_error) {
        return None;
    }
    let part = |part: &ast::TemplatePart| match part {
        ast::TemplatePart::Text(text) => TemplatePart::Text(text.to_string()),
        ast::TemplatePart::Expr(expr) => {
            TemplatePart::Expression(source.part(expr.span.start as usize..expr.span.end as usize))
        }
    };
    Some(parsed.tree.iter().map(part).collect())
}

fn compile_as(
    source: &Scalar,
    mode: Mode,
    kind: Kind,
    scope: &Scope,
    library: &Library,
    loading: &mut Loading<'_>,
) -> Compiled {
    let variables = scope.variables();
    // Requests are allowed in `script` steps only, which are committed before they run.
    let effect = if kind == Kind::Script { Effect::Outside } else { Effect::Host };
    let compiled = loading.compile(&source.text, &library.options(mode, &variables, effect));
    let problems = problems(&compiled.diagnostics, source, 0, &compiled.modules, loading);
    let script = compiled.program.map(|program| Script::new(program, scope, source, &compiled.modules));
    Compiled { script, ty: compiled.result, problems, modules: compiled.modules }
}

/// May a variable have this name? The error says why not.
pub fn check_name(name: &str, library: &Library, loading: &mut Loading<'_>) -> Result<(), String> {
    let mut chars = name.chars();
    let begins = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    if !begins || !chars.all(|c| c.is_alphanumeric() || c == '_') {
        return Err(format!("`{name}` is not a name: a letter or _, then letters, digits and _"));
    }
    if ["run", "errors", "input", "output"].contains(&name) {
        return Err(format!("`{name}` is a name of the engine; choose another"));
    }
    let variable = Variable { name: name.into(), ty: Type::Any, writable: false };
    let options = library.options(Mode::Expression, std::slice::from_ref(&variable), Effect::Pure);
    if loading.compile(name, &options).program.is_none() && !loading.has_ended() {
        return Err(format!("`{name}` is a word of FlowScript; choose another name"));
    }
    Ok(())
}

/// The problem of an invalid name.
pub fn name_problem(name: &str, place: Place, library: &Library, loading: &mut Loading<'_>) -> Option<Problem> {
    check_name(name, library, loading).err().map(|message| Problem::new(codes::NAME, place, message))
}
