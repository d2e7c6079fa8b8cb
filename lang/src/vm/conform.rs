//! Annotations: values convert to their types, and each value that is looked at counts a step.

use super::concat::check_columns;
use super::fail::mismatch;
use super::limits::with_stack_for;
use super::machine::Machine;
use super::{Evaluated, Failure};
use crate::budget::Unlimited;
use crate::types::{Stopped, Type, Types};
use crate::value::Value;

impl Machine<'_> {
    /// A value for an annotation. `what` is its name for the error: `the variable rate`.
    pub(super) fn conform(
        &mut self,
        types: &Types,
        value: Value,
        ty: &Type,
        what: impl FnOnce() -> String,
    ) -> Evaluated {
        self.conform_at(types, value, ty, what, String::new)
    }

    /// The same for a part of the annotated value: the error says which.
    pub(super) fn conform_at(
        &mut self,
        types: &Types,
        value: Value,
        ty: &Type,
        what: impl FnOnce() -> String,
        path: impl FnOnce() -> String,
    ) -> Evaluated {
        let zone = self.zone();
        let held = self.meter.held();
        let conformed = if value.depth() == 0 {
            types.conform(&value, ty, zone, &mut Unlimited)
        } else {
            with_stack_for(value.depth(), || types.conform(&value, ty, zone, self))
        };
        self.meter.release_to(held);
        match conformed {
            Ok(None) => Ok(value),
            Ok(Some(changed)) if changed.depth() == 0 => Ok(changed),
            Ok(Some(changed)) => self.made(changed),
            Err(stopped) => {
                let path = path();
                let stopped = if path.is_empty() { stopped } else { stopped.inside(path) };
                Err(failed(stopped, what))
            }
        }
    }

    /// `value is ty`
    pub(super) fn is_of(&mut self, types: &Types, value: &Value, ty: &Type) -> Result<bool, Failure> {
        with_stack_for(value.depth(), || types.matches(value, ty, self))
    }

    /// `new ty` of the given fields.
    pub(super) fn filled(&mut self, types: &Types, given: Value, ty: &Type) -> Evaluated {
        let (zone, held) = (self.zone(), self.meter.held());
        let filled = with_stack_for(given.depth(), || types.fill(given, ty, zone, self));
        self.meter.release_to(held);
        let filled = filled.map_err(|stopped| failed(stopped, || format!("new {ty}")))?;
        self.made(filled)
    }

    /// Appends to the value of an annotated variable, in place unless it is shared. Only new parts convert. After an
    /// error `whole` is unchanged.
    pub(super) fn append_conformed(
        &mut self,
        types: &Types,
        whole: &mut Value,
        added: Value,
        ty: &Type,
        what: &str,
    ) -> Result<(), Failure> {
        let inner = types.resolve(ty).without_null();
        let (Type::List(element), Value::List(_) | Value::Table(_)) = (types.resolve(inner), &*whole) else {
            let mut joined = whole.clone();
            self.append(&mut joined, added)?;
            *whole = self.conform(types, joined, ty, || what.to_owned())?;
            return Ok(());
        };
        let added = self.added(types, whole, added, element, what)?;
        self.append(whole, added)?;
        types.remember(whole, element);
        Ok(())
    }

    /// The values appended to rows, converted.
    fn added(&mut self, types: &Types, whole: &Value, added: Value, element: &Type, what: &str) -> Evaluated {
        let (first, many) = match (whole, &added) {
            (Value::Table(table), Value::Record(_) | Value::Table(_)) => {
                check_columns(table, &added)?;
                (table.len(), matches!(added, Value::Table(_)))
            }
            // It cannot be joined, or is empty.
            (Value::Table(_), _) => return Ok(added),
            (Value::List(list), added) => (list.items().len(), matches!(added, Value::List(_) | Value::Table(_))),
            _ => return Ok(added),
        };
        let (zone, held) = (self.zone(), self.meter.held());
        let conformed =
            with_stack_for(added.depth(), || types.conform_added(&added, (element, many), first, zone, self));
        self.meter.release_to(held);
        match conformed {
            Ok(None) => Ok(added),
            Ok(Some(changed)) => self.made(changed),
            Err(stopped) => Err(failed(stopped, || what.to_owned())),
        }
    }
}

fn failed(stopped: Stopped, what: impl FnOnce() -> String) -> Failure {
    match stopped {
        Stopped::Mismatch(wrong) => mismatch(&what(), &wrong),
        Stopped::Ended(failure) => failure,
    }
}
