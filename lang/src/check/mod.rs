//! From the parsed tree to the typed one: names become slots, types are inferred, mistakes are told.
//!
//! A unit (script or module) is walked several times: a variable has the type of everything assigned to it and a
//! function the type of everything it returns, which later statements may still widen. Nothing is reported before
//! the types stand; then the last walk reports, and leaves the typed tree.

mod bounds;
mod calls;
mod constant;
mod expressions;
mod functions;
mod library;
mod lint;
mod lookup;
mod modules;
mod narrow;
mod operators;
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

use crate::ast;
use crate::budget::{Allowance, Budget, Unlimited};
use crate::diagnostic::{Code, Diagnostic, Label, codes};
use crate::error::RunError;
use crate::function::{Effect, Registry};
use crate::parse;
use crate::program::Program;
use crate::span::Span;
use crate::tree::{self, Tree, Unit};
use crate::types::{Type, Types};
pub use bounds::{LIMITS, LONGEST_SOURCE};
use ecow::EcoString;
use hashbrown::HashMap;
use scope::UnitState;
use std::cell::Cell;
use std::sync::Arc;
pub use symbols::{Symbol, SymbolKind, Symbols, index};

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Statements with `return`.
    Script,
    /// Exactly one expression.
    Expression,
    /// Plain text with `{expression}` parts (docs/workflows.md).
    Template,
    /// A line of the repl: a script whose last expression is its result, `return` and the last `;` left out.
    Line,
}

/// A variable the host gives.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: EcoString,
    /// What is known of its value.
    pub ty: Type,
    /// May the script set it?
    pub writable: bool,
}

/// Where modules come from.
pub trait ModuleLoader {
    /// The text of module `name`, in any case; `None` where there is none. The error says why it cannot be read.
    fn load(&self, name: &str) -> Option<Result<String, String>>;

    /// The names of all modules, for suggestions.
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// No modules.
pub struct NoModules;

impl ModuleLoader for NoModules {
    fn load(&self, _name: &str) -> Option<Result<String, String>> {
        None
    }
}

/// What a source is compiled against.
pub struct CompileOptions<'a> {
    /// What the source is.
    pub mode: Mode,
    /// The variables the host will give, in the order it gives them.
    pub variables: &'a [Variable],
    /// The library.
    pub registry: &'a Registry,
    /// The modules.
    pub modules: &'a dyn ModuleLoader,
    /// The strongest effect allowed here; functions beyond it are an error.
    pub effect: Effect,
}

/// A source after parsing and checking.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The program; `None` where there is an error among the diagnostics.
    pub program: Option<Program>,
    /// Errors and warnings, in the order of the text; those of modules name them.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts of the modules it reached, by name.
    pub modules: Vec<(EcoString, Arc<str>)>,
    /// What is known of the result.
    pub result: Type,
}

impl Compiled {
    /// Did anything keep it from running?
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Stack for the walk over trees nested as deep as the parser allows, and for dropping the typed trees of earlier
/// walks, in which a chain of a hundred thousand calls is as deep as it is long. Untouched, it costs nothing.
const STACK: usize = 256 << 20;

/// Parses and checks `source`, in [`LIMITS`].
pub fn compile(source: &str, options: &CompileOptions<'_>) -> Compiled {
    compile_within(source, options, &mut Allowance::new("The check", LIMITS, &|| None))
}

/// The same with what it may use, which is asked whether to stop, too. Where the budget ends the check, an error `E0117`
/// says why.
pub fn compile_within(source: &str, options: &CompileOptions<'_>, budget: &mut dyn Budget) -> Compiled {
    stacker::grow(STACK, || compile_here(source, options, budget, false).0)
}

/// Reads a type as workflow inputs write it: `number`, `text?`, `{sku: text, qty: number}*`. It may name no declared
/// types. Convert values to it with [`Types::default`].
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
    let mut checker = Checker::new(&options, &mut unlimited);
    checker.units.push(UnitState::new(None, source.into()));
    let ty = checker.type_expr(&parsed.tree);
    if checker.diagnostics.is_empty() { Ok(ty) } else { Err(checker.diagnostics) }
}

/// The same, with the index of names where it is `indexed`.
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
    let mut checker = Checker::new(options, budget);
    checker.indexes = indexed.then(Vec::new);
    checker.scan(source.len());
    let (script, diagnostics) = parse_unit(source, options.mode, &mut |bytes| checker.reads(bytes));
    checker.take_over(diagnostics);
    let syntax_ok = !checker.diagnostics.iter().any(Diagnostic::is_error);
    let main = checker.check_unit(None, source, &script);
    let complete = checker.ended.is_none() && checker.untold.errors == 0;
    let mut diagnostics = std::mem::take(&mut checker.diagnostics);
    if !syntax_ok {
        // What an unparsed statement would have returned or read is not known.
        // A comment that took the rest of a line may be the cause of an error of syntax.
        let may_be_cause = |d: &Diagnostic| d.code == codes::COMMENT_FOR_DIVISION;
        diagnostics
            .retain(|d| d.is_error() && d.code != codes::MISSING_RETURN || may_be_cause(d) || d.module.is_some());
    }
    diagnostics.sort_by_key(|d| (d.module.clone(), d.span.start));
    diagnostics.dedup();
    diagnostics.extend(checker.last_words(source));
    let symbols = checker.symbols();
    let modules =
        checker.units.iter().skip(1).map(|u| (u.name.clone().unwrap_or_default(), u.source.clone())).collect();
    let failed = !complete || diagnostics.iter().any(Diagnostic::is_error);
    let result = main.result.clone();
    let effect = checker.effect;
    let program = (!failed).then(|| {
        let tree = checker.into_tree(main);
        Program::new(tree, effect, result.clone())
    });
    (Compiled { program, diagnostics, modules, result }, symbols)
}

/// The statements of a source, whatever its mode: an expression or template becomes one `return`.
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

/// The state of one compilation.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Checker<'a> {
    options: &'a CompileOptions<'a>,
    /// What it may use.
    budget: &'a mut dyn Budget,
    /// Why it was ended before its time.
    ended: Option<Box<RunError>>,
    /// Findings beyond the most that are told, of this walk.
    untold: bounds::Untold,
    /// Bytes that this walk holds, and the most that one has held.
    held: usize,
    most_held: usize,
    /// Expressions that may still be looked at to find out whether a statement only computes.
    looking: Cell<usize>,
    /// The script is unit 0; modules follow as they are met.
    units: Vec<UnitState>,
    /// The unit being walked.
    unit: usize,
    /// Modules being loaded, to find cycles.
    loading: Vec<EcoString>,
    /// The modules met, by lower-case name; `None` for one that cannot be used.
    modules: HashMap<EcoString, Option<usize>>,
    /// Names that statements declare which could not be parsed: nothing is said of them.
    unparsed: Vec<EcoString>,
    /// Modules found to use themselves.
    circular: Vec<EcoString>,
    types: Types,
    /// The functions of finished modules.
    functions: Vec<tree::FunctionDef>,
    /// Program-wide slots taken by finished modules.
    globals: usize,
    /// What sets the constants of finished modules, in order.
    starts: Vec<tree::FunctionId>,
    diagnostics: Vec<Diagnostic>,
    /// The strongest effect met.
    effect: Effect,
    /// Has this walk learned something that the next one must know?
    changed: bool,
    /// Is the text being walked a pattern, where every backslash may stand?
    in_pattern: bool,
    /// Are types that still change made `any`?
    widening: bool,
    /// Is this the first walk of the unit?
    first_walk: bool,
    /// `try` blocks around the statement being walked.
    trying: usize,
    /// What is noted for the index of each unit, where one is wanted.
    indexes: Option<Vec<symbols::Index>>,
}

/// A unit that has been checked.
struct CheckedUnit {
    functions: Vec<tree::FunctionDef>,
    globals: usize,
    inputs: Vec<tree::Input>,
    exports: Vec<(EcoString, tree::GlobalId)>,
    start: tree::FunctionId,
    result: Type,
}

/// Walks before types that still change are made `any`, and before the last.
const WIDEN_AFTER: usize = 5;
const MOST_WALKS: usize = 12;

impl<'a> Checker<'a> {
    fn new(options: &'a CompileOptions<'a>, budget: &'a mut dyn Budget) -> Self {
        Self {
            options,
            budget,
            ended: None,
            untold: bounds::Untold::default(),
            held: 0,
            most_held: 0,
            looking: Cell::new(0),
            units: Vec::new(),
            unit: 0,
            loading: Vec::new(),
            modules: HashMap::default(),
            circular: Vec::new(),
            unparsed: Vec::new(),
            types: Types::default(),
            functions: Vec::new(),
            globals: 0,
            starts: Vec::new(),
            diagnostics: Vec::new(),
            effect: Effect::Pure,
            changed: false,
            in_pattern: false,
            widening: false,
            first_walk: true,
            trying: 0,
            indexes: None,
        }
    }

    /// Checks one unit until its types stand.
    fn check_unit(&mut self, name: Option<EcoString>, source: &str, script: &ast::Script) -> CheckedUnit {
        self.units.push(UnitState::new(name, source.into()));
        let outer = std::mem::replace(&mut self.unit, self.units.len() - 1);
        let (outer_changed, outer_widening) = (self.changed, self.widening);
        let outer_first = self.first_walk;
        let before = self.diagnostics.len();
        let (untold, held) = (self.untold, self.held);
        let mut walk = 0;
        let checked = loop {
            walk += 1;
            self.changed = false;
            self.widening = walk > WIDEN_AFTER;
            self.first_walk = walk == 1;
            self.untold = untold;
            self.held = held;
            // Modules met in this walk have reported already, and are not walked again.
            let own = self.units[self.unit].name.clone();
            let mut kept = self.diagnostics.split_off(before);
            kept.retain(|d| d.module != own || d.code.is_syntax());
            self.diagnostics.append(&mut kept);
            let checked = self.walk_unit(script);
            if !self.changed || walk >= MOST_WALKS || self.ended.is_some() {
                break checked;
            }
        };
        self.report_unused();
        self.report_hiding();
        let has_errors = self.diagnostics[before..].iter().any(|d| d.code.is_syntax());
        if self.scan(source.len()) {
            self.lint(script, has_errors);
        }
        self.unit = outer;
        // A module changes where the functions of the unit that uses it lie.
        self.changed = outer_changed;
        self.widening = outer_widening;
        self.first_walk = outer_first;
        checked
    }

    fn into_tree(mut self, main: CheckedUnit) -> Tree {
        self.functions.extend(main.functions);
        self.starts.push(main.start);
        let units = self.units.into_iter().map(|unit| Unit { module: unit.name, source: unit.source }).collect();
        let globals = self.globals + main.globals;
        let (functions, types, starts) = (self.functions, self.types, self.starts);
        Tree { units, functions, types, globals, inputs: main.inputs, exports: main.exports, starts }
    }

    fn report(&mut self, mut diagnostic: Diagnostic) {
        diagnostic.module.clone_from(&self.units[self.unit].name);
        self.tell(diagnostic);
    }

    fn error(&mut self, code: &'static Code, span: Span, message: impl Into<String>) {
        self.report(Diagnostic::error(code, span, message));
    }

    fn error_hint(&mut self, code: &'static Code, span: Span, message: impl Into<String>, hint: Option<String>) {
        let mut diagnostic = Diagnostic::error(code, span, message);
        diagnostic.hint = hint;
        self.report(diagnostic);
    }

    /// Something that is declared again; `first` is where it stands already.
    fn twice(&mut self, span: Span, message: String, first: Option<Span>) {
        let mut diagnostic = Diagnostic::error(codes::DECLARED_TWICE, span, message);
        if let Some(first) = first {
            diagnostic = diagnostic.with_label(first, "first here");
        }
        self.report(diagnostic);
    }

    /// Shows another place with what has been reported since there were `before` findings.
    fn label_since(&mut self, before: usize, code: &Code, span: Span, text: &str) {
        for found in self.diagnostics.iter_mut().skip(before).filter(|found| found.code == code) {
            found.labels.push(Label { span, text: text.to_owned() });
        }
    }

    fn warn(&mut self, code: &'static Code, span: Span, message: impl Into<String>, hint: Option<String>) {
        let mut diagnostic = Diagnostic::warning(code, span, message);
        diagnostic.hint = hint;
        self.report(diagnostic);
    }
}
