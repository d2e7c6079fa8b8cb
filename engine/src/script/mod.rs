//! The one place where the engine meets the language: compiling what stands in a workflow file, and running it.

mod content;
mod conversion;
pub mod encoding;
mod fault;
mod formats;
mod found;
mod functions;
mod loading;
mod reads;
pub mod slot;
mod trial;
mod weight;

pub use content::Content;
pub use conversion::{Conversion, Input, NoFit, convert, convert_input};
pub use fault::{Fault, INTERRUPTED, MAX_PLACES, SourcePlace, TIMEOUT};
pub use formats::{
    NoForm, decode_csv, decode_json, decode_json_within, encode_csv, encode_csv_rows, encode_json, encode_json_within,
    encode_xml,
};
pub use loading::{Loading, Stopped};
pub use reads::{Read, Reads, Step};
pub use slot::Slot;
pub use trial::{Outcome, try_out};
pub use weight::{Weighed, weigh, weight};

use crate::workflow::problem::{Problem, codes};
use crate::yaml::{Place, Scalar};
use ecow::EcoString;
use flowscript_lang::ast;
use flowscript_lang::budget::{Allowance, Budget};
use flowscript_lang::check::{CompileOptions, Mode, ModuleLoader, Variable};
use flowscript_lang::diagnostic::Diagnostic;
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::function::{Effect, Registry};
use flowscript_lang::host::Host;
use flowscript_lang::program::{self, Limits, Program, Settings};
use flowscript_lang::types::{Field, RecordType, Type, Types};
use flowscript_lang::value::{Value, Zone};
use found::problems;
use std::collections::{BTreeMap, HashMap, HashSet};
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
    /// Has the engine an address that events can be sent to?
    has_callbacks: bool,
    /// Does it compile versions that the store has kept, rather than files?
    is_kept: bool,
    /// Steps that reading one file may take.
    file_steps: u64,
    /// Must loading stop?
    stopped: Stopped,
    /// The names of warnings that are switched off.
    allowed: Arc<[String]>,
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
        Self {
            registry: functions::registry(),
            modules: Arc::default(),
            settings: Arc::new(settings),
            has_callbacks: false,
            is_kept: false,
            file_steps: loading::FILE_STEPS,
            stopped: Arc::new(|| None),
            allowed: Arc::default(),
        }
    }

    /// The same functions with these modules, text by name.
    #[must_use]
    pub fn with_modules(&self, modules: BTreeMap<String, Arc<str>>) -> Self {
        Self { modules: Arc::new(modules), ..self.clone() }
    }

    /// The same functions for an engine that is known to others by an address, or is not.
    #[must_use]
    pub fn with_callbacks(&self, has_callbacks: bool) -> Self {
        Self { has_callbacks, ..self.clone() }
    }

    /// The same functions for versions that the store has kept: they loaded when they were made, by the rules of then.
    #[must_use]
    pub fn for_kept_versions(&self) -> Self {
        Self { has_callbacks: true, is_kept: true, ..self.clone() }
    }

    /// Does it compile versions that the store has kept, rather than files?
    pub fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// The same functions for a project that switches off the warnings of these names.
    #[must_use]
    pub fn with_allowed(&self, allowed: &[String]) -> Self {
        Self { allowed: allowed.into(), ..self.clone() }
    }

    /// The names of warnings that are switched off.
    pub fn allowed(&self) -> &[String] {
        &self.allowed
    }

    /// Can events reach runs?
    pub fn has_callbacks(&self) -> bool {
        self.has_callbacks
    }

    /// The same functions with other limits of one script, where they are given.
    #[must_use]
    pub fn with_limits(&self, steps: Option<u64>, memory: Option<usize>) -> Self {
        if steps.is_none() && memory.is_none() {
            return self.clone();
        }
        let limits = &self.settings.limits;
        let limits =
            Limits { steps: steps.or(limits.steps), memory: memory.unwrap_or(limits.memory), ..limits.clone() };
        Self { settings: Arc::new(Settings { limits, ..(*self.settings).clone() }), ..self.clone() }
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
    /// Adds a variable; one of the same name is known no more.
    pub fn define(&mut self, name: &str, slot: Slot, ty: Type, writable: bool) {
        let known = Known { variable: Variable { name: name.into(), ty: outside(&ty), writable }, slot };
        match self.known.iter_mut().find(|k| k.variable.name == name) {
            Some(place) => *place = known,
            None => self.known.push(known),
        }
    }

    /// How many variables are known.
    pub fn width(&self) -> usize {
        self.known.len()
    }

    /// May a variable of this name be known and not be set?
    pub fn is_fixed(&self, name: &str) -> bool {
        self.known.iter().any(|k| k.variable.name == name && !k.variable.writable)
    }

    /// Makes all variables that are known now fixed: steps beside others see copies of them.
    pub fn fix(&mut self) {
        self.known.iter_mut().for_each(|known| known.variable.writable = false);
    }

    /// Makes these variables of any type: a pass sees what an earlier one has left there.
    pub fn widen(&mut self, names: &[String]) {
        let names: HashSet<&str> = names.iter().map(String::as_str).collect();
        for known in self.known.iter_mut().filter(|k| names.contains(k.variable.name.as_str())) {
            known.variable.ty = Type::Any;
        }
    }

    /// Is a variable of this slot known?
    pub fn knows(&self, slot: Slot) -> bool {
        self.known.iter().any(|k| k.slot == slot)
    }

    /// Keeps what both know, where two paths meet.
    pub fn meet(&mut self, other: &Self) {
        let others: HashMap<Slot, &Known> = other.known.iter().map(|known| (known.slot, known)).collect();
        self.known.retain_mut(|known| {
            let there = others.get(&known.slot);
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
    /// The modules it reaches.
    modules: Arc<[(EcoString, Arc<str>)]>,
}

/// A failure with what the script was reading.
#[derive(Debug)]
pub struct Failed {
    /// The failure.
    pub fault: Fault,
    /// What stood where it happened, and at the calls that led there.
    pub reads: Reads,
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

/// The parts of a template, to be compiled each for itself; nothing where it is broken.
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
    let variables: Vec<Variable> = scope.known.iter().map(|k| k.variable.clone()).collect();
    let options = CompileOptions {
        mode,
        variables: &variables,
        registry: &library.registry,
        modules: library,
        // Requests stand in `script` steps only, which are committed before they run.
        effect: if kind == Kind::Script { Effect::Outside } else { Effect::Host },
    };
    let compiled = loading.compile(&source.text, &options);
    let problems = problems(&compiled.diagnostics, source, 0, &compiled.modules, loading);
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
        let modules = compiled.modules.as_slice().into();
        Script { program, uses, width: variables.len(), source: Arc::new(source.clone()), modules }
    });
    Compiled { script, ty: compiled.result, problems, modules: compiled.modules }
}

/// What running needs beside variables.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Time zone, culture, limits.
    pub settings: &'a Settings,
    /// Clock, randomness, log, cancellation.
    pub host: &'a dyn Host,
}

impl Context<'_> {
    /// Does work with the limits of a script, which ends when the run does. `what` names it in messages, as in `The body`.
    pub fn within<T>(&self, what: &'static str, work: impl FnOnce(&mut dyn Budget) -> T) -> T {
        let stop = || self.host.interrupt();
        work(&mut Allowance::new(what, self.settings.limits.clone(), &stop))
    }
}

impl Script {
    /// Runs it over the variables; what it sets is kept there, unless it fails.
    pub fn run(&self, variables: &mut [Value], context: Context<'_>) -> Result<Value, Fault> {
        let failed = match self.run_program(variables, context) {
            Ok(outcome) => return self.keep(outcome, variables, context),
            Err(error) => error,
        };
        Err(self.fault(&failed))
    }

    /// Like [`Script::run`]; a failure says what the script was reading.
    pub fn run_and_trace(&self, variables: &mut [Value], context: Context<'_>) -> Result<Value, Box<Failed>> {
        match self.run_program(variables, context) {
            Ok(outcome) => {
                self.keep(outcome, variables, context).map_err(|fault| Box::new(Failed { fault, reads: Vec::new() }))
            }
            Err(error) => Err(Box::new(Failed { fault: self.fault(&error), reads: self.reads_at(&error) })),
        }
    }

    fn run_program(&self, variables: &[Value], context: Context<'_>) -> Result<program::Outcome, Box<RunError>> {
        let mut given = vec![Value::Null; self.width];
        for used in &self.uses {
            if let (Some(place), Some(value)) = (given.get_mut(used.at), variables.get(used.slot)) {
                *place = value.clone();
            }
        }
        self.program.run(given, context.settings, context.host)
    }

    /// Keeps what a run has set, all of it or nothing; the result is its value.
    fn keep(
        &self,
        mut outcome: program::Outcome,
        variables: &mut [Value],
        context: Context<'_>,
    ) -> Result<Value, Fault> {
        let written = || self.uses.iter().filter(|used| used.written);
        for value in written().filter_map(|used| outcome.variables.get(used.at)).chain([&outcome.value]) {
            self.check_kept(value, context)?;
        }
        for used in written() {
            if let (Some(value), Some(place)) = (outcome.variables.get_mut(used.at), variables.get_mut(used.slot)) {
                *place = std::mem::take(value);
            }
        }
        Ok(outcome.value)
    }

    /// Does it reach out, or a function or module that it calls?
    pub fn acts(&self) -> bool {
        self.program.effect == Effect::Outside
    }

    /// Does it read or set variables of the workflow?
    pub fn uses_variables(&self) -> bool {
        !self.uses.is_empty()
    }

    /// The slots it assigns to.
    pub fn written(&self) -> impl Iterator<Item = Slot> + '_ {
        self.uses.iter().filter(|used| used.written).map(|used| used.slot)
    }

    fn fault(&self, error: &RunError) -> Fault {
        let calls = error.stack.iter().filter_map(|call| call.place.as_ref());
        let mut places: Vec<SourcePlace> = error
            .place
            .iter()
            .chain(calls)
            .take(MAX_PLACES)
            .map(|place| match &place.module {
                Some(module) => {
                    let file = Some(format!("modules/{module}.flow"));
                    SourcePlace { file, place: Place { line: place.line, column: place.column } }
                }
                None => {
                    let place = self.source.places.at(&self.source.text, place.span.start as usize);
                    SourcePlace { file: None, place }
                }
            })
            .collect();
        places.dedup();
        Fault { places, ..Fault::new(error.kind, error.message.clone()) }
    }

    /// Variables, inputs, outputs and results are kept in the store, where no function can stand, and walked by many.
    fn check_kept(&self, value: &Value, context: Context<'_>) -> Result<(), Fault> {
        if matches!(value, Value::Null | Value::Bool(_) | Value::Number(_) | Value::DateTime(_)) {
            return Ok(());
        }
        let fault = match context.weighed(value) {
            Ok(Weighed { holds_function: false, .. }) => return Ok(()),
            Ok(_) => {
                let message =
                    "A variable or result of a workflow cannot hold a function; call it and keep what it gives.";
                Fault::new(ErrorKind::Type, message)
            }
            Err(fault) => fault,
        };
        let place = SourcePlace { file: None, place: self.source.places.at(&self.source.text, 0) };
        Err(Fault { places: vec![place], ..fault })
    }
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
    let options = CompileOptions {
        mode: Mode::Expression,
        variables: &[variable],
        registry: &library.registry,
        modules: library,
        effect: Effect::Pure,
    };
    if loading.compile(name, &options).program.is_none() && !loading.has_ended() {
        return Err(format!("`{name}` is a word of FlowScript; choose another name"));
    }
    Ok(())
}

/// The problem of a name that cannot be one.
pub fn name_problem(name: &str, place: Place, library: &Library, loading: &mut Loading<'_>) -> Option<Problem> {
    check_name(name, library, loading).err().map(|message| Problem::new(codes::NAME, place, message))
}
