//! The one place where the engine meets the language: compiling what stands in a workflow file, and running it.

use crate::workflow::model::Slot;
use crate::workflow::problem::{Problem, codes};
use crate::yaml::{Place, Scalar};
use ecow::EcoString;
use flowscript_lang::check::{self, CompileOptions, Mode, ModuleLoader, Variable};
use flowscript_lang::diagnostic::Diagnostic;
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::function::{Effect, Registry};
use flowscript_lang::host::Host;
use flowscript_lang::program::{Limits, Program, Settings};
use flowscript_lang::span::line_column;
use flowscript_lang::types::{Field, RecordType, Type, Types};
use flowscript_lang::value::{Column, Rows, Value, Zone};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a source in a workflow file is.
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

/// What sources are compiled against beside their variables: the functions and the project's modules.
#[derive(Clone)]
pub struct Library {
    registry: Arc<Registry>,
    modules: Arc<BTreeMap<String, Arc<str>>>,
    settings: Arc<Settings>,
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library").field("modules", &self.modules.keys()).finish_non_exhaustive()
    }
}

impl Library {
    /// The standard functions without modules, in a time zone and a culture and with the limits of one script.
    pub fn new(zone: Zone, culture: &str, steps: u64, memory: usize) -> Self {
        let limits = Limits { steps: Some(steps), memory, ..Limits::default() };
        let settings = Settings { zone, culture: culture.into(), limits, asserts: false };
        Self { registry: flowscript_stdlib::registry(), modules: Arc::default(), settings: Arc::new(settings) }
    }

    /// The same functions with these modules, text by name.
    #[must_use]
    pub fn with_modules(&self, modules: BTreeMap<String, Arc<str>>) -> Self {
        Self { modules: Arc::new(modules), ..self.clone() }
    }

    /// The settings that scripts run with.
    pub fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }
}

impl ModuleLoader for Library {
    fn load(&self, name: &str) -> Option<Result<String, String>> {
        let found = self.modules.iter().find(|(module, _)| module.eq_ignore_ascii_case(name));
        found.map(|(_, text)| Ok(text.to_string()))
    }

    fn names(&self) -> Vec<String> {
        self.modules.keys().cloned().collect()
    }
}

/// The variables that are known at one point of a workflow.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    known: Vec<Known>,
}

#[derive(Clone, Debug)]
struct Known {
    variable: Variable,
    slot: Slot,
}

impl Scope {
    /// Adds a variable, or gives a known one another type.
    pub fn define(&mut self, name: &str, slot: Slot, ty: Type, writable: bool) {
        let ty = outside(&ty);
        match self.known.iter_mut().find(|k| k.slot == slot) {
            Some(known) => known.variable.ty = ty,
            None => self.known.push(Known { variable: Variable { name: name.into(), ty, writable }, slot }),
        }
    }

    /// Is a variable of this slot known?
    pub fn knows(&self, slot: Slot) -> bool {
        self.known.iter().any(|k| k.slot == slot)
    }

    /// Keeps what both know, where two paths meet.
    pub fn meet(&mut self, other: &Self) {
        self.known.retain_mut(|known| {
            let there = other.known.iter().find(|k| k.slot == known.slot);
            if let Some(there) = there {
                known.variable.ty = Types::default().join(&known.variable.ty, &there.variable.ty);
            }
            there.is_some()
        });
    }
}

/// A type without the names of declared types, which mean something only inside the program that declares them.
fn outside(ty: &Type) -> Type {
    match ty {
        Type::Named(..) | Type::Never => Type::Any,
        Type::Nullable(inner) => outside(inner).nullable(),
        Type::List(element) => outside(element).many(),
        Type::Record(record) => {
            let field = |f: &Field| Field { name: f.name.clone(), ty: outside(&f.ty), default: f.default.clone() };
            let fields = record.fields.iter().map(field).collect();
            Type::Record(Arc::new(RecordType { fields, open: record.open }))
        }
        other => other.clone(),
    }
}

/// A compiled source and where it stands.
#[derive(Clone, Debug)]
pub struct Script {
    program: Program,
    uses: Vec<Use>,
    /// How many variables it was compiled against.
    width: usize,
    source: Arc<Scalar>,
}

/// A variable that a script touches.
#[derive(Clone, Copy, Debug)]
struct Use {
    at: usize,
    slot: Slot,
    written: bool,
}

/// What compiling gives.
pub struct Compiled {
    /// Nothing where there are errors.
    pub script: Option<Script>,
    /// What is known of its result.
    pub ty: Type,
    /// Errors and warnings with their places in the file.
    pub problems: Vec<Problem>,
    /// The modules it reached.
    pub modules: Modules,
}

/// Texts of modules by name.
pub type Modules = Vec<(EcoString, Arc<str>)>;

/// Compiles a scalar of a workflow file.
pub fn compile(source: &Scalar, kind: Kind, scope: &Scope, library: &Library) -> Compiled {
    let as_mode = |mode| compile_as(source, mode, scope, library);
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

fn compile_as(source: &Scalar, mode: Mode, scope: &Scope, library: &Library) -> Compiled {
    let variables: Vec<Variable> = scope.known.iter().map(|k| k.variable.clone()).collect();
    let options = CompileOptions {
        mode,
        variables: &variables,
        registry: &library.registry,
        modules: library,
        effect: Effect::Host, // outgoing requests are steps of their own in this version
    };
    let compiled = check::compile(&source.text, &options);
    let problems = compiled.diagnostics.iter().map(|d| problem(d, source, 0, &compiled.modules)).collect();
    let script = compiled.program.map(|program| {
        let position = |name: &EcoString| variables.iter().position(|v| v.name == *name);
        let uses = program
            .inputs()
            .iter()
            .filter_map(|input| {
                let at = position(&input.name)?;
                Some(Use { at, slot: scope.known.get(at)?.slot, written: input.written })
            })
            .collect();
        Script { program, uses, width: variables.len(), source: Arc::new(source.clone()) }
    });
    Compiled { script, ty: compiled.result, problems, modules: compiled.modules }
}

/// A diagnostic with its place in the workflow file, or in the module's file. `shift` bytes stood before the scalar's
/// text when it was compiled.
fn problem(diagnostic: &Diagnostic, source: &Scalar, shift: usize, modules: &[(EcoString, Arc<str>)]) -> Problem {
    let (start, end) = (diagnostic.span.start, diagnostic.span.end);
    let at = |offset: u32| source.places.at(&source.text, (offset as usize).saturating_sub(shift));
    let (place, end, file) = match &diagnostic.module {
        None => (at(start), at(end), None),
        Some(module) => {
            let text = modules.iter().find(|(name, _)| name == module).map_or("", |(_, text)| text);
            let at = |offset| {
                let (line, column) = line_column(text, offset);
                Place { line, column }
            };
            (at(start), at(end), Some(format!("modules/{module}.flow")))
        }
    };
    Problem {
        code: diagnostic.code,
        message: diagnostic.message.clone(),
        place,
        end: Some(end),
        hint: diagnostic.hint.clone(),
        warning: !diagnostic.is_error(),
        file,
    }
}

/// Why a script or a step failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The kinds of the language, `timeout`, `interrupted`.
    pub kind: &'static str,
    /// For people.
    pub message: String,
    /// The HTTP status of the answer, where the workflow gives one.
    pub status: Option<u16>,
    /// Where in the workflow file, or in the named module.
    pub place: Option<(Option<String>, Place)>,
}

impl Fault {
    /// A fault of one of the language's kinds, without a place.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind: kind.name(), message: message.into(), status: None, place: None }
    }
}

/// What running needs beside variables.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Time zone, culture, limits.
    pub settings: &'a Settings,
    /// Clock, randomness, log, cancellation.
    pub host: &'a dyn Host,
}

impl Script {
    /// Runs it over the variables; what it sets is kept there, unless it fails.
    pub fn run(&self, variables: &mut [Value], context: Context<'_>) -> Result<Value, Fault> {
        let mut given = vec![Value::Null; self.width];
        for used in &self.uses {
            if let (Some(place), Some(value)) = (given.get_mut(used.at), variables.get(used.slot)) {
                *place = value.clone();
            }
        }
        let mut outcome =
            self.program.run(given, context.settings, context.host).map_err(|error| self.fault(&error))?;
        for used in self.uses.iter().filter(|used| used.written) {
            if let (Some(value), Some(place)) = (outcome.variables.get_mut(used.at), variables.get_mut(used.slot)) {
                let value = std::mem::take(value);
                self.refuse_function(&value)?;
                *place = value;
            }
        }
        self.refuse_function(&outcome.value)?;
        Ok(outcome.value)
    }

    /// The slots it assigns to.
    pub fn written(&self) -> impl Iterator<Item = Slot> + '_ {
        self.uses.iter().filter(|used| used.written).map(|used| used.slot)
    }

    fn fault(&self, error: &RunError) -> Fault {
        let place = error.place.as_ref().map(|place| match &place.module {
            Some(module) => (Some(format!("modules/{module}.flow")), Place { line: place.line, column: place.column }),
            None => (None, self.source.places.at(&self.source.text, place.span.start as usize)),
        });
        Fault { kind: error.kind.name(), message: error.message.clone(), status: None, place }
    }

    /// Variables, inputs, outputs and results are kept in the store, where no function can stand.
    fn refuse_function(&self, value: &Value) -> Result<(), Fault> {
        if !holds_function(value) {
            return Ok(());
        }
        let message = "A variable or result of a workflow cannot hold a function; call it and keep what it gives.";
        let place = (None, self.source.places.at(&self.source.text, 0));
        Err(Fault { place: Some(place), ..Fault::new(ErrorKind::Type, message) })
    }
}

/// Does a function stand anywhere in the value?
fn holds_function(value: &Value) -> bool {
    match value {
        Value::Function(_) => true,
        Value::Record(record) => record.iter().any(|(_, cell)| holds_function(&cell)),
        Value::List(list) => list.items().iter().any(holds_function),
        Value::Table(table) => match table.columns() {
            Some(columns) => columns.iter().any(|column| match &**column {
                Column::Any(cells) => cells.iter().any(holds_function),
                _ => false,
            }),
            None => Rows::of(value).is_some_and(|rows| rows.iter().any(|row| holds_function(&row))),
        },
        _ => false,
    }
}

/// Values with templates in them: what `output` and the like are made of.
#[derive(Clone, Debug)]
pub enum Content {
    /// Without any `{expression}`.
    Constant(Value),
    /// Text with `{expression}` parts; exactly one part keeps its type.
    Template(Script),
    /// Fields in order.
    Record(Vec<(EcoString, Content)>),
    /// Elements.
    List(Vec<Content>),
}

impl Content {
    /// The value over these variables.
    pub fn value(&self, variables: &mut [Value], context: Context<'_>) -> Result<Value, Fault> {
        match self {
            Self::Constant(value) => Ok(value.clone()),
            Self::Template(script) => script.run(variables, context),
            Self::Record(fields) => {
                let mut values = Vec::with_capacity(fields.len());
                for (name, content) in fields {
                    values.push((name.clone(), content.value(variables, context)?));
                }
                Ok(Value::record(values))
            }
            Self::List(elements) => {
                let values: Result<Vec<Value>, Fault> =
                    elements.iter().map(|content| content.value(variables, context)).collect();
                Ok(Value::list(values?))
            }
        }
    }

    /// The same as text. `what` names it in the error for a value without a text form.
    pub fn text(&self, what: &str, variables: &mut [Value], context: Context<'_>) -> Result<EcoString, Fault> {
        let value = self.value(variables, context)?;
        flowscript_lang::value::to_text(&value).map_err(|_| {
            let message = format!("{what} must be a text; {} is a {}.", value.to_literal(60), value.type_name());
            Fault::new(ErrorKind::Type, message)
        })
    }
}

/// How values become an input's type.
#[derive(Clone, Debug)]
pub struct Conversion {
    ty: Type,
    /// Types beyond the simple ones may name declared types, so a program converts to them.
    program: Option<Program>,
    written: String,
}

impl Conversion {
    /// The conversion to a simple type.
    pub fn simple(ty: Type) -> Self {
        Self { written: ty.to_string(), ty, program: None }
    }

    /// The conversion to the type that is written in `source`, with the modules it reached.
    pub fn compile(source: &Scalar, library: &Library) -> Result<(Self, Modules), Vec<Problem>> {
        let written = source.text.trim().to_owned();
        let simple = [Type::Any, Type::Bool, Type::Number, Type::Text, Type::DateTime, Type::Binary, Type::Null];
        let name = written.strip_suffix('?').unwrap_or(&written);
        if let Some(ty) = simple.into_iter().find(|ty| ty.to_string().eq_ignore_ascii_case(name)) {
            let ty = if name.len() < written.len() { ty.nullable() } else { ty };
            return Ok((Self { ty, program: None, written }, Vec::new()));
        }
        let before = "let value: ";
        let text = format!("{before}{} = given; return value;", source.text);
        let given = Variable { name: "given".into(), ty: Type::Any, writable: false };
        let options = CompileOptions {
            mode: Mode::Script,
            variables: &[given],
            registry: &library.registry,
            modules: library,
            effect: Effect::Pure,
        };
        let compiled = check::compile(&text, &options);
        match compiled.program {
            Some(program) => {
                Ok((Self { ty: outside(&compiled.result), program: Some(program), written }, compiled.modules))
            }
            None => Err(compiled
                .diagnostics
                .iter()
                .filter(|d| d.is_error())
                .map(|d| problem(d, source, before.len(), &compiled.modules))
                .collect()),
        }
    }

    /// What is known of converted values.
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// The type as it was written.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Does it take null, so that nothing need be given?
    pub fn takes_null(&self) -> bool {
        matches!(self.ty, Type::Any | Type::Null | Type::Nullable(_))
    }

    /// Does it convert without running anything?
    pub fn is_simple(&self) -> bool {
        self.program.is_none()
    }

    /// Does it take a list, so that a query parameter may be given several times?
    pub fn takes_list(&self) -> bool {
        matches!(self.ty.without_null(), Type::List(_))
    }

    /// The converted value, or why it does not fit, in words.
    pub fn convert(&self, value: Value, library: &Library, host: &dyn Host) -> Result<Value, String> {
        match &self.program {
            None => Types::default()
                .convert(value, &self.ty, library.settings.zone)
                .map_err(|mismatch| mismatch.to_string()),
            Some(program) => program
                .run(vec![value], &library.settings, host)
                .map(|outcome| outcome.value)
                .map_err(|error| error.message),
        }
    }
}

/// May a variable have this name? The error says why not.
pub fn check_name(name: &str, library: &Library) -> Result<(), String> {
    let mut chars = name.chars();
    let begins = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    if !begins || !chars.all(|c| c.is_alphanumeric() || c == '_') {
        return Err(format!("`{name}` is not a name: a letter or _, then letters, digits and _"));
    }
    if ["run", "errors", "input", "output"].contains(&name) {
        return Err(format!("`{name}` is a name of the engine; choose another"));
    }
    let variable = Variable { name: name.into(), ty: Type::Any, writable: false };
    let options = CompileOptions {
        mode: Mode::Expression,
        variables: &[variable],
        registry: &library.registry,
        modules: library,
        effect: Effect::Pure,
    };
    if check::compile(name, &options).program.is_none() {
        return Err(format!("`{name}` is a word of FlowScript; choose another name"));
    }
    Ok(())
}

/// The problem of a name that cannot be one.
pub fn name_problem(name: &str, place: Place, library: &Library) -> Option<Problem> {
    check_name(name, library).err().map(|message| Problem::new(codes::NAME, place, message))
}

/// The value of a JSON text. The error says in words what is wrong and where.
pub fn decode_json(text: &str) -> Result<Value, String> {
    flowscript_stdlib::json::decode(text).map_err(|error| error.to_string())
}

/// A value as compact JSON. The error says in words why it cannot be.
pub fn encode_json(value: &Value) -> Result<String, String> {
    flowscript_stdlib::json::encode(value)
}

/// The table in a CSV text whose first row names the columns. The error says in words what is wrong and where.
pub fn decode_csv(text: &str) -> Result<Value, String> {
    let table = flowscript_stdlib::csv::decode(text, flowscript_stdlib::csv::Dialect::default());
    table.map(Value::table).map_err(|error| error.to_string())
}
