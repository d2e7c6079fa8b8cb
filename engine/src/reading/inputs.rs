//! Parameters: of the start step and of the query string.

use super::content::literal;
use super::{Key, Reader, Takes, optional};
use crate::script::{Conversion, Input};
use crate::yaml::problem::{Problem, codes};
use crate::yaml::{Entry, Node, Place};
use flowscript_lang::types::Type;
use flowscript_lang::value::Value;

/// The keys of a parameter that is a map.
pub(super) const INPUT: &[Key] =
    &[optional("type", Takes::Text), optional("default", Takes::Value), optional("description", Takes::Text)];

impl Reader<'_> {
    /// `input`: types, or maps of type, default and description, by name.
    pub fn inputs(&mut self, node: &Node) -> Vec<Input> {
        let Some(entries) = node.entries() else {
            self.wrong(node, "`input` must be a map from names to types");
            return Vec::new();
        };
        let mut inputs = Vec::new();
        for entry in entries {
            if !self.pay() {
                break;
            }
            if self.is_name(&entry.key, entry.place) {
                inputs.extend(self.input(entry, Type::Any));
            }
        }
        inputs
    }

    /// One parameter. `ty` is its type if none is written.
    pub fn input(&mut self, entry: &Entry, ty: Type) -> Option<Input> {
        let node = &entry.value;
        let mut input = Input {
            name: entry.key.as_str().into(),
            conversion: Conversion::simple(ty),
            default: None,
            description: String::new(),
        };
        if node.entries().is_none() {
            if !node.is_null() {
                input.conversion = self.conversion(node)?;
            }
        } else {
            let mut fields = self.fields(node, "A parameter", INPUT)?;
            if let Some(entry) = fields.take("type") {
                input.conversion = self.conversion(&entry.value)?;
            }
            input.description = self.optional_text(&mut fields, "description").unwrap_or_default();
            if let Some(entry) = fields.get("default") {
                let value = literal(&entry.value);
                match input.conversion.convert_constant(value, &mut self.loading) {
                    Ok(value) => input.default = Some(value),
                    Err(reason) => {
                        let message = format!("The default of `{}` does not fit its type: {reason}", input.name);
                        self.report(Problem::new(codes::WRONG_VALUE, entry.value.place, message));
                    }
                }
            }
        }
        if input.default.is_none() && input.conversion.takes_null() {
            input.default = Some(Value::Null);
        }
        Some(input)
    }

    /// A constant that can never become the input's type.
    pub fn refuse_unfit(&mut self, value: &Value, input: &Input, place: Place) {
        if let Err(reason) = input.conversion.convert_constant(value.clone(), &mut self.loading) {
            let message = format!("The value does not fit the input `{}`: {reason}", input.name);
            self.report(Problem::new(codes::WRONG_VALUE, place, message).for_files_only());
        }
    }

    fn conversion(&mut self, node: &Node) -> Option<Conversion> {
        let Some(scalar) = node.scalar() else {
            self.wrong(node, "A type is expected here, such as text, number, boolean, datetime, any or text?");
            return None;
        };
        match Conversion::compile(scalar, self.library, &mut self.loading) {
            Ok((conversion, modules)) => {
                self.modules.extend(modules);
                Some(conversion)
            }
            Err(problems) => {
                self.report_all(problems);
                None
            }
        }
    }
}
