//! The variables of a workflow while it is read: their names, which of them are known, and which steps may set them.

use super::Reader;
use crate::script::slot::{ERROR, ERRORS, FIRST_INPUT, LAST, OUTPUT, RUN};
use crate::script::{Input, Scope, Slot};
use crate::workflow::problem::{Problem, codes};
use crate::yaml::Place;
use ecow::EcoString;
use flowscript_lang::diagnostic::codes as language;
use flowscript_lang::types::Type;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// The variables of one workflow.
pub(super) struct Variables {
    /// Their names by slot.
    names: Vec<EcoString>,
    slots: HashMap<EcoString, Slot>,
    /// The slots of the inputs.
    inputs: Range<Slot>,
    /// What is known at the present place.
    scope: Scope,
    /// Slots that steps have set so far.
    written: HashSet<Slot>,
    /// What surrounds the present steps and runs several of them at the same time.
    side_by_side: Option<&'static str>,
}

impl Variables {
    /// The engine's own.
    pub(super) fn new() -> Self {
        // Blanks keep the last three apart from variables of the workflow with these names.
        let own = [(RUN, "run"), (ERRORS, "errors"), (OUTPUT, " output"), (ERROR, " error"), (LAST, " last")];
        debug_assert!(own.iter().enumerate().all(|(at, (slot, _))| at == *slot) && own.len() == FIRST_INPUT);
        let mut scope = Scope::default();
        scope.define("run", RUN, run_type(), false);
        scope.define("errors", ERRORS, Type::any_record(), false);
        let names = own.map(|(_, name)| name.into()).into();
        let slots = own.map(|(slot, name)| (name.into(), slot)).into();
        Self { names, slots, inputs: FIRST_INPUT..FIRST_INPUT, scope, written: HashSet::new(), side_by_side: None }
    }

    pub(super) fn into_names(self) -> Vec<EcoString> {
        self.names
    }

    /// A variable that the workflow has, but not on every way to this place, is reported in other words than one that
    /// it does not have.
    pub(super) fn explain_unset(&self, problem: Problem, scope: &Scope) -> Problem {
        let name = problem.more.subject.clone().filter(|_| problem.code == language::UNKNOWN_VARIABLE);
        let slot = name.as_ref().and_then(|name| self.slots.get(name).copied());
        let Some(name) = name.filter(|_| slot.is_some_and(|slot| slot >= FIRST_INPUT && !scope.knows(slot))) else {
            return problem;
        };
        let message = format!("The variable `{name}` is not set on every way that leads here.");
        let hint =
            "Set it before the branches, or in each of them; what `parallel` and `forEach` find comes out as `output`.";
        Problem { message, hint: Some(hint.into()), more: Box::default(), ..problem }
    }
}

impl Reader<'_> {
    /// The slot of a variable, a new one for a new name.
    pub fn slot(&mut self, name: &str) -> Slot {
        if let Some(slot) = self.known_slot(name) {
            return slot;
        }
        let slot = self.variables.names.len();
        self.variables.names.push(name.into());
        self.variables.slots.insert(name.into(), slot);
        slot
    }

    /// The slot of a variable that has one.
    pub fn known_slot(&self, name: &str) -> Option<Slot> {
        self.variables.slots.get(name).copied()
    }

    /// The workflow has these inputs, which are the first of its variables.
    pub fn declare_inputs(&mut self, inputs: &[Input]) {
        for input in inputs {
            let width = self.scope().width();
            self.loading.look(width);
            self.define(&input.name, input.conversion.ty().clone());
        }
        self.variables.inputs = FIRST_INPUT..FIRST_INPUT + inputs.len();
    }

    /// Is this the name of an input?
    pub fn is_input(&self, name: &str) -> bool {
        self.known_slot(name).is_some_and(|slot| self.variables.inputs.contains(&slot))
    }

    /// May a variable have this name? Reports why not.
    pub fn is_name(&mut self, name: &str, place: Place) -> bool {
        let problem = crate::script::name_problem(name, place, self.library, &mut self.loading);
        let fits = problem.is_none();
        self.report_all(problem);
        fits
    }

    /// What is known at the present place.
    pub fn scope(&self) -> &Scope {
        &self.variables.scope
    }

    /// The same, to be changed.
    pub fn scope_mut(&mut self) -> &mut Scope {
        &mut self.variables.scope
    }

    /// Goes to a place where this is known.
    pub fn set_scope(&mut self, scope: Scope) {
        self.variables.scope = scope;
    }

    pub(super) fn take_scope(&mut self) -> Scope {
        std::mem::take(&mut self.variables.scope)
    }

    /// Makes a variable known that can be set.
    pub fn define(&mut self, name: &str, ty: Type) -> Slot {
        let slot = self.slot(name);
        self.variables.scope.define(name, slot, ty, true);
        slot
    }

    /// A step sets a variable of this name. `place` is where it says so.
    pub fn set_variable(&mut self, name: &str, place: Place, ty: Type) -> Slot {
        let slot = self.slot(name);
        if let Some(around) = self.variables.side_by_side.filter(|_| self.variables.scope.is_fixed(name)) {
            let message = format!("`{name}` comes from outside and cannot be set inside {around}");
            let hint = "Its steps see a copy; give the value as `output`.";
            self.report(Problem::new(codes::SHARED, place, message).with_hint(hint));
        }
        self.variables.written.insert(slot);
        self.variables.scope.define(name, slot, ty, true);
        slot
    }

    /// A script sets these variables, to values of any type.
    pub fn set_by_script(&mut self, slots: impl Iterator<Item = Slot>) {
        for slot in slots.filter(|slot| *slot != RUN && *slot != ERRORS) {
            self.variables.written.insert(slot);
            if let Some(name) = self.variables.names.get(slot).cloned() {
                self.variables.scope.define(&name, slot, Type::Any, true);
            }
        }
    }

    /// The slots that steps have set since the last call, or since [`Reader::also_set`].
    pub fn take_set(&mut self) -> HashSet<Slot> {
        std::mem::take(&mut self.variables.written)
    }

    /// Steps have set these slots too.
    pub fn also_set(&mut self, slots: impl IntoIterator<Item = Slot>) {
        self.variables.written.extend(slots);
    }

    /// What surrounds the present steps and runs several of them at the same time, as in `` `parallel` ``.
    pub fn side_by_side(&self) -> Option<&'static str> {
        self.variables.side_by_side
    }

    /// The present steps are surrounded by this.
    pub fn set_side_by_side(&mut self, around: Option<&'static str>) {
        self.variables.side_by_side = around;
    }
}

/// The type of the variable `run`.
fn run_type() -> Type {
    let text = |name: &str| (EcoString::from(name), Type::Text);
    Type::closed_record([
        text("id"),
        text("workflow"),
        text("version"),
        text("trigger"),
        ("acceptedAt".into(), Type::DateTime),
        ("scheduledFor".into(), Type::DateTime.nullable()),
    ])
}
