//! The variables of a workflow while it is read: their names, which of them are known, and which steps may set them.

use crate::script::slot::{ERROR, ERRORS, FIRST_INPUT, LAST, OUTPUT, RUN};
use crate::script::{Scope, Slot};
use crate::yaml::problem::Problem;
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
    /// The block around the present steps that runs several of them at the same time.
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

    /// A variable that the workflow has, but not on every path to this place, gets a message other than that for an
    /// unknown one.
    pub(super) fn explain_unset(&self, problem: Problem, scope: &Scope) -> Problem {
        let name = problem.more.subject.clone().filter(|_| problem.code == language::UNKNOWN_VARIABLE);
        let slot = name.as_ref().and_then(|name| self.slots.get(name).copied());
        let Some(name) = name.filter(|_| slot.is_some_and(|slot| slot >= FIRST_INPUT && !scope.knows(slot))) else {
            return problem;
        };
        let message = format!("The variable `{name}` is not set on every path to this place.");
        let hint =
            "Set it before the branches, or in each of them; what `parallel` and `forEach` find comes out as `output`.";
        Problem { message, hint: Some(hint.into()), more: Box::default(), ..problem }
    }
    /// The slot of a variable, a new one for a new name.
    pub(super) fn slot(&mut self, name: &str) -> Slot {
        if let Some(slot) = self.known_slot(name) {
            return slot;
        }
        let slot = self.names.len();
        self.names.push(name.into());
        self.slots.insert(name.into(), slot);
        slot
    }

    /// The slot of a variable that has one.
    pub(super) fn known_slot(&self, name: &str) -> Option<Slot> {
        self.slots.get(name).copied()
    }

    /// The first variables of the workflow are this many inputs.
    pub(super) fn have_inputs(&mut self, count: usize) {
        self.inputs = FIRST_INPUT..FIRST_INPUT + count;
    }

    /// Is this the name of an input?
    pub(super) fn is_input(&self, name: &str) -> bool {
        self.known_slot(name).is_some_and(|slot| self.inputs.contains(&slot))
    }

    /// What is known at the present place.
    pub(super) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The same, to be changed.
    pub(super) fn scope_mut(&mut self) -> &mut Scope {
        &mut self.scope
    }

    /// Declares a variable that can be set.
    pub(super) fn define(&mut self, name: &str, ty: Type) -> Slot {
        let slot = self.slot(name);
        self.scope.define(name, slot, ty, true);
        slot
    }

    /// The block around the present steps that keeps them from setting the variable of this name.
    pub(super) fn fixed_by(&self, name: &str) -> Option<&'static str> {
        self.side_by_side.filter(|_| self.scope.is_fixed(name))
    }

    /// A step sets a variable of this name.
    pub(super) fn set(&mut self, name: &str, ty: Type) -> Slot {
        let slot = self.define(name, ty);
        self.written.insert(slot);
        slot
    }

    /// A script sets these variables, to values of any type.
    pub(super) fn set_by_script(&mut self, slots: impl Iterator<Item = Slot>) {
        for slot in slots.filter(|slot| *slot != RUN && *slot != ERRORS) {
            self.written.insert(slot);
            if let Some(name) = self.names.get(slot) {
                self.scope.define(name, slot, Type::Any, true);
            }
        }
    }

    /// The slots that steps have set since the last call.
    pub(super) fn take_set(&mut self) -> HashSet<Slot> {
        std::mem::take(&mut self.written)
    }

    /// Steps have set these slots too.
    pub(super) fn also_set(&mut self, slots: impl IntoIterator<Item = Slot>) {
        self.written.extend(slots);
    }

    /// The block around the present steps that runs several of them at the same time.
    pub(super) fn side_by_side(&self) -> Option<&'static str> {
        self.side_by_side
    }

    /// The present steps are inside this block.
    pub(super) fn set_side_by_side(&mut self, around: Option<&'static str>) {
        self.side_by_side = around;
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
