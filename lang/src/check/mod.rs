//! From the parsed tree to the typed one: names become slots, types are inferred, mistakes are reported.
//!
//! A unit (script or module) is walked several times: a variable has the type of everything assigned to it and a
//! function the type of everything it returns, which later statements may still widen. Nothing is reported until the
//! types no longer change; then the last walk reports, and builds the typed tree.

mod bounds;
mod calls;
mod checker;
mod constant;
mod expressions;
mod fields;
mod findings;
mod functions;
mod library;
mod lint;
mod loaded;
mod lookup;
mod mend;
mod modules;
mod narrow;
mod note;
mod operators;
mod options;
mod postfix;
mod queries;
mod scope;
mod select;
mod select_keys;
mod select_names;
mod set;
mod statements;
mod suggest;
mod symbols;
#[cfg(test)]
mod tests;
mod types;
mod walk;
mod work;

pub use bounds::{LIMITS, LONGEST_SOURCE};
pub use options::{CompileOptions, Compiled, Mode, ModuleLoader, NoModules, Variable};
pub use symbols::{Symbol, SymbolKind, Symbols, Use};

use crate::ast;
use crate::budget::{Allowance, Budget, Unlimited};
use crate::diagnostic::{Diagnostic, codes};
use crate::function::{Effect, Registry};
use crate::parse;
use crate::program::Program;
use crate::span::Span;
use crate::types::Type;
use checker::Checker;
use scope::UnitState;
use symbols::Indexes;

/// Stack for the walk over trees nested as deep as the parser allows, and for dropping the typed trees of earlier
/// walks, in which a chain of a hundred thousand calls is as deep as it is long. Unused stack costs nothing.
const STACK: usize = 256 << 20;

/// Parses and checks `source`, in [`LIMITS`].
pub fn compile(source: &str, options: &CompileOptions<'_>) -> Compiled {
    compile_within(source, options, &mut Allowance::new("The check", LIMITS, &|| None))
}

/// The same within a budget, which also decides whether to stop. If the budget ends the check, an error `E0117` says
/// why.
pub fn compile_within(source: &str, options: &CompileOptions<'_>, budget: &mut dyn Budget) -> Compiled {
    stacker::grow(STACK, || compile_here(source, options, budget, false).0)
}

/// Checks a source, and also returns the index of its names.
pub fn index(source: &str, options: &CompileOptions<'_>) -> (Compiled, Symbols) {
    let mut budget = Allowance::new("The check", LIMITS, &|| None);
    stacker::grow(STACK, || compile_here(source, options, &mut budget, true))
}

/// Reads a type in the notation of workflow inputs: `number`, `text?`, `{sku: text, qty: number}*`. It may name no
/// declared types. Convert values to it with [`Types::default`](crate::types::Types::default).
pub fn input_type(source: &str) -> Result<Type, Vec<Diagnostic>> {
    let parsed = parse::parse_type(source);
    if parsed.diagnostics.iter().any(Diagnostic::is_error) {
        return Err(parsed.diagnostics);
    }
    let registry = Registry::default();
    let options = CompileOptions {
        mode: Mode::Expression,
        variables: &[],
        registry: &registry,
        modules: &NoModules,
        effect: Effect::Pure,
    };
    let mut unlimited = Unlimited;
    let mut checker = Checker::new(&options, &mut unlimited, Indexes::new(false));
    checker.units.push(UnitState::new(None, source.into()));
    let ty = checker.type_expr(&parsed.tree);
    let found = checker.findings.take();
    if found.is_empty() { Ok(ty) } else { Err(found) }
}

/// The same, with the index of names if `indexed`.
fn compile_here(
    source: &str,
    options: &CompileOptions<'_>,
    budget: &mut dyn Budget,
    indexed: bool,
) -> (Compiled, Symbols) {
    if let Some(refused) = bounds::too_long(source) {
        let refused = Compiled { program: None, diagnostics: vec![refused], modules: Vec::new(), result: Type::Any };
        return (refused, Symbols::default());
    }
    let mut checker = Checker::new(options, budget, Indexes::new(indexed));
    checker.scan(source.len());
    let (script, diagnostics) = parse_unit(source, options.mode, &mut |bytes| checker.reads(bytes));
    checker.take_over(diagnostics);
    let syntax_ok = !checker.findings.has_errors();
    let main = checker.check_unit(None, source, &script);
    let mut diagnostics = checker.findings.take();
    if !syntax_ok {
        // The result and the variables of an unparsed statement are unknown. A comment that hides the rest of a line
        // may be the cause of an error of syntax.
        let may_be_cause = |d: &Diagnostic| d.code == codes::COMMENT_FOR_DIVISION;
        diagnostics
            .retain(|d| d.is_error() && d.code != codes::MISSING_RETURN || may_be_cause(d) || d.module.is_some());
    }
    diagnostics.sort_by_key(|d| (d.module.clone(), d.span.start));
    diagnostics.dedup();
    diagnostics.extend(closing(&mut checker, source));
    let symbols = checker.symbols();
    let modules =
        checker.units.iter().skip(1).map(|u| (u.name.clone().unwrap_or_default(), u.source.clone())).collect();
    let failed = diagnostics.iter().any(Diagnostic::is_error);
    let result = main.result.clone();
    let effect = checker.effect;
    let program = (!failed).then(|| {
        let tree = checker.into_tree(main);
        Program::new(tree, effect, result.clone())
    });
    (Compiled { program, diagnostics, modules, result }, symbols)
}

/// The diagnostics added after all findings: that there are more, and that the check was stopped early.
fn closing(checker: &mut Checker<'_>, source: &str) -> Vec<Diagnostic> {
    let end = source.trim_end().len();
    let end = Span::new(end, end);
    let mut closing = checker.findings.more(end);
    if let Some(why) = checker.work.end() {
        let message = format!("The source was not checked to its end: {}", why.message);
        let hint = "a shorter source, or one with smaller types, takes less; split it into modules";
        closing.push(Diagnostic::error(codes::CHECK_ENDED, end, message).with_hint(hint));
    }
    closing
}

/// The statements of a source in any mode: an expression or template becomes one `return`.
fn parse_unit(source: &str, mode: Mode, go_on: &mut dyn FnMut(usize) -> bool) -> (ast::Script, Vec<Diagnostic>) {
    let returning = |value: ast::Expr| {
        let span = value.span;
        let kind = ast::StatementKind::Return(Some(value));
        ast::Script { statements: vec![ast::Statement { kind, span }] }
    };
    match mode {
        Mode::Script => {
            let parsed = parse::parse_script_while(source, go_on);
            (parsed.tree, parsed.diagnostics)
        }
        Mode::Line => {
            let mut parsed = parse::parse_script_while(source, go_on);
            if let Some(last) = parsed.tree.statements.last_mut()
                && let ast::StatementKind::Expression(value) = &mut last.kind
            {
                let value = std::mem::replace(value, ast::Expr { kind: ast::ExprKind::Null, span: Span::default() });
                last.kind = ast::StatementKind::Return(Some(value));
            }
            (parsed.tree, parsed.diagnostics)
        }
        Mode::Expression => {
            let parsed = parse::parse_expression(source);
            (returning(parsed.tree), parsed.diagnostics)
        }
        Mode::Template => {
            let parsed = parse::parse_template(source);
            let span = Span::new(0, source.len());
            let mut parts = parsed.tree;
            // A text that is exactly one expression keeps the value's type.
            let value = match parts.pop() {
                Some(ast::TemplatePart::Expr(value)) if parts.is_empty() => value,
                last => {
                    parts.extend(last);
                    ast::Expr { kind: ast::ExprKind::Template(parts), span }
                }
            };
            (returning(value), parsed.diagnostics)
        }
    }
}
