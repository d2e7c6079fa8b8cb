//! The values of keys as a JSON Schema for editors. It describes the intended form: a text may also be written as a
//! number.

use super::inputs::INPUT;
use super::{Key, Takes};
use serde_json::{Map, Value as Json, json};

/// The place of the schema of a list of steps in a document.
pub const STEPS: &str = "#/$defs/steps";

/// The schema of a map with these keys.
pub fn of_map(keys: &[Key]) -> Json {
    let properties: Map<String, Json> = keys.iter().map(|key| (key.name.to_owned(), of(&key.takes))).collect();
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    let needed: Vec<&str> = keys.iter().filter(|key| key.needed).map(|key| key.name).collect();
    if !needed.is_empty() {
        schema["required"] = json!(needed);
    }
    schema
}

/// The schema of the value of a key.
pub fn of(takes: &Takes) -> Json {
    let text = || json!(["string", "number", "boolean"]);
    match takes {
        Takes::Nothing(rest) => json!({ "anyOf": [{ "type": "null" }, of(rest)] }),
        Takes::Text => json!({ "type": text() }),
        Takes::Template => json!({ "type": text(), "description": "Text with {expression} parts" }),
        Takes::Expression => json!({ "type": text(), "description": "A FlowScript expression" }),
        Takes::Script => json!({ "type": text(), "description": "FlowScript" }),
        Takes::Value => json!({ "description": "Any value, its texts with {expression} parts" }),
        Takes::Duration => json!({ "type": "string", "description": "A duration: 250ms, 30s, 5m, 1h or 1d" }),
        Takes::Flag => json!({ "type": "boolean" }),
        Takes::Whole(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Takes::Word(words) => json!({ "enum": words }),
        Takes::List(element) => json!({ "type": "array", "items": of(element) }),
        Takes::OneOrMore(element) => json!({ "anyOf": [of(element), { "type": "array", "items": of(element) }] }),
        Takes::Named(value) => json!({ "type": "object", "additionalProperties": of(value) }),
        Takes::Either(choices) => json!({ "anyOf": choices.iter().map(of).collect::<Vec<Json>>() }),
        Takes::Map(keys) => of_map(keys),
        Takes::Type => json!({ "anyOf": [{ "type": "null" }, { "type": "string" }, of_map(INPUT)] }),
        Takes::Steps => json!({ "$ref": STEPS }),
    }
}
