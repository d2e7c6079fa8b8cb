//! What a reader knows of the variables at the present place, and its reports about their names.

use super::Reader;
use crate::script::{Input, Scope, Slot};
use crate::yaml::Place;
use crate::yaml::problem::{Problem, codes};
use flowscript_lang::types::Type;
use std::collections::HashSet;

impl Reader<'_> {
    /// The slot of a variable, a new one for a new name.
    pub fn slot(&mut self, name: &str) -> Slot {
        self.variables.slot(name)
    }

    /// The slot of a variable that has one.
    pub fn known_slot(&self, name: &str) -> Option<Slot> {
        self.variables.known_slot(name)
    }

    /// The workflow has these inputs, which are the first of its variables.
    pub fn declare_inputs(&mut self, inputs: &[Input]) {
        for input in inputs {
            let width = self.scope().width();
            self.loading.look(width);
            self.define(&input.name, input.conversion.ty().clone());
        }
        self.variables.have_inputs(inputs.len());
    }

    /// Is this the name of an input?
    pub fn is_input(&self, name: &str) -> bool {
        self.variables.is_input(name)
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
        self.variables.scope()
    }

    /// The same, to be changed.
    pub fn scope_mut(&mut self) -> &mut Scope {
        self.variables.scope_mut()
    }

    /// Moves to a place with this scope.
    pub fn set_scope(&mut self, scope: Scope) {
        *self.scope_mut() = scope;
    }

    pub(super) fn take_scope(&mut self) -> Scope {
        std::mem::take(self.scope_mut())
    }

    /// Declares a variable that can be set.
    pub fn define(&mut self, name: &str, ty: Type) -> Slot {
        self.variables.define(name, ty)
    }

    /// A step sets a variable of this name. `place` is where it is written.
    pub fn set_variable(&mut self, name: &str, place: Place, ty: Type) -> Slot {
        if let Some(around) = self.variables.fixed_by(name) {
            let message = format!("`{name}` comes from outside and cannot be set inside {around}");
            let hint = "Its steps see a copy; give the value as `output`.";
            self.report(Problem::new(codes::SHARED, place, message).with_hint(hint));
        }
        self.variables.set(name, ty)
    }

    /// A script sets these variables, to values of any type.
    pub fn set_by_script(&mut self, slots: impl Iterator<Item = Slot>) {
        self.variables.set_by_script(slots);
    }

    /// The slots that steps have set since the last call, or since [`Reader::also_set`].
    pub fn take_set(&mut self) -> HashSet<Slot> {
        self.variables.take_set()
    }

    /// Steps have set these slots too.
    pub fn also_set(&mut self, slots: impl IntoIterator<Item = Slot>) {
        self.variables.also_set(slots);
    }

    /// The block around the present steps that runs several of them at the same time, as in `` `parallel` ``.
    pub fn side_by_side(&self) -> Option<&'static str> {
        self.variables.side_by_side()
    }

    /// The present steps are inside this block.
    pub fn set_side_by_side(&mut self, around: Option<&'static str>) {
        self.variables.set_side_by_side(around);
    }
}
