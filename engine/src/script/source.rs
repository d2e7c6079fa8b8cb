//! A compiled source of a workflow file, and its runs.

use super::context::Context;
use super::fault::{Fault, MAX_PLACES, SourcePlace};
use super::library::Modules;
use super::reads::{Read, Reads, reads_at, whole};
use super::scope::Scope;
use super::slot::Slot;
use super::weight::Weighed;
use crate::yaml::{Place, Scalar};
use ecow::EcoString;
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::function::Effect;
use flowscript_lang::program::{self, Program};
use flowscript_lang::value::Value;
use std::sync::Arc;

/// A compiled source with its place.
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

/// A failure with the expression that the script was reading.
#[derive(Debug)]
pub struct Failed {
    /// The failure.
    pub fault: Fault,
    /// What was read at the place of the error, and at the calls that led there.
    pub reads: Reads,
}

/// A variable that a script uses.
#[derive(Clone, Copy, Debug)]
struct Use {
    at: usize,
    slot: Slot,
    written: bool,
}

impl Script {
    /// A program that was compiled in `scope`, with the modules that it reaches.
    pub(super) fn new(program: Program, scope: &Scope, source: &Scalar, modules: &Modules) -> Self {
        let position = |name: &EcoString| scope.position(name);
        let uses = program
            .inputs()
            .iter()
            .filter_map(|input| {
                let at = position(&input.name)?;
                Some(Use { at, slot: scope.slot_at(at)?, written: input.written })
            })
            .collect();
        let modules = modules.as_slice().into();
        Self { program, uses, width: scope.width(), source: Arc::new(source.clone()), modules }
    }

    /// Runs it over the variables; values that it sets are kept there, unless it fails.
    pub fn run(&self, variables: &mut [Value], context: Context<'_>) -> Result<Value, Fault> {
        let failed = match self.run_program(variables, context) {
            Ok(outcome) => return self.keep(outcome, variables, context),
            Err(error) => error,
        };
        Err(self.fault(&failed))
    }

    /// Like [`Script::run`]; a failure includes what the script was reading.
    pub fn run_and_trace(&self, variables: &mut [Value], context: Context<'_>) -> Result<Value, Box<Failed>> {
        match self.run_program(variables, context) {
            Ok(outcome) => {
                self.keep(outcome, variables, context).map_err(|fault| Box::new(Failed { fault, reads: Vec::new() }))
            }
            Err(error) => {
                Err(Box::new(Failed { fault: self.fault(&error), reads: reads_at(&error, |module| self.text(module)) }))
            }
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

    /// Keeps the variables set by a run, all or none; the result is its value.
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

    /// The text of a module, or its own.
    fn text(&self, module: Option<&String>) -> &str {
        let Some(module) = module else { return &self.source.text };
        self.modules.iter().find(|(name, _)| name == module).map(|(_, text)| &**text).unwrap_or_default()
    }

    /// The read that makes up the whole source, if it is one.
    pub fn as_read(&self) -> Option<Read> {
        whole(&self.source.text)
    }

    /// Has it external effects, directly or in a function or module that it calls?
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

    /// Variables, inputs, outputs and results are stored, and the store holds no functions; they are also walked often.
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
