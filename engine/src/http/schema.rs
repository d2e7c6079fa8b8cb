//! Types of the language as JSON Schema, for descriptions of webhooks.

use super::json;
use crate::script::Input;
use flowscript_lang::types::{Field, Type, TypeId, Types};
use serde_json::{Map, Value as Json, json};

/// The schema of an input. Values of simple types are also accepted as text: the schema shows the intended form, not
/// every accepted one.
pub fn of_input(input: &Input) -> Json {
    let (ty, types) = input.conversion.shape();
    let mut schema = of_type(ty, types);
    if let Some(default) = &input.default {
        schema["default"] = json::value(default);
    }
    schema
}

/// The schema of a query parameter, which cannot express `null`.
pub fn of_parameter(input: &Input) -> Json {
    let (ty, types) = input.conversion.shape();
    let mut schema = of_type(types.resolve(ty).without_null(), types);
    if let Some(default) = input.default.as_ref().filter(|default| !default.is_null()) {
        schema["default"] = json::value(default);
    }
    schema
}

/// Can a form hold values of this input: simple ones, and lists of them?
pub fn fits_forms(input: &Input) -> bool {
    let (ty, types) = input.conversion.shape();
    let is_simple = |ty: &Type| !matches!(types.resolve(ty).without_null(), Type::List(_) | Type::Record(_));
    types.element(ty).map_or_else(|| is_simple(ty), is_simple)
}

/// The schema of a type.
pub fn of_type(ty: &Type, types: &Types) -> Json {
    Writer { types, open: Vec::new() }.schema(ty)
}

/// Writes types; `open` holds those that are being written.
struct Writer<'t> {
    types: &'t Types,
    open: Vec<TypeId>,
}

impl Writer<'_> {
    fn schema(&mut self, ty: &Type) -> Json {
        match ty {
            Type::Null => json!({ "type": "null" }),
            Type::Bool => json!({ "type": "boolean" }),
            Type::Number => json!({ "type": "number" }),
            Type::Text => json!({ "type": "string" }),
            Type::DateTime => json!({ "type": "string", "format": "date-time" }),
            Type::Binary => json!({ "type": "string", "contentEncoding": "base64" }),
            Type::Nullable(inner) => json!({ "anyOf": [self.schema(inner), { "type": "null" }] }),
            Type::List(element) => json!({ "type": "array", "items": self.schema(element) }),
            Type::Record(record) => {
                let fields: Map<String, Json> =
                    record.fields.iter().map(|field| (field.name.to_string(), self.field(field))).collect();
                // A field without a default must be present, even if it may be null.
                let required = record.fields.iter().filter(|field| field.default.is_none());
                let required: Vec<&str> = required.map(|field| field.name.as_str()).collect();
                let mut schema = json!({ "type": "object", "properties": fields });
                if !required.is_empty() {
                    schema["required"] = required.into();
                }
                schema
            }
            Type::Named(id, _) => self.named(*id),
            Type::Never | Type::Any | Type::Function(_) => json!({}),
        }
    }

    /// A declared type in full. A reference to itself allows any value.
    fn named(&mut self, id: TypeId) -> Json {
        if self.open.contains(&id) {
            return json!({});
        }
        self.open.push(id);
        let schema = self.schema(&self.types.definition(id).clone());
        self.open.pop();
        schema
    }

    fn field(&mut self, field: &Field) -> Json {
        let mut schema = self.schema(&field.ty);
        if let Some(default) = &field.default {
            schema["default"] = json::value(default);
        }
        schema
    }
}
