//! Lists of steps as a JSON Schema.

use super::KINDS;
use super::kind::Shared;
use super::walk::{COMMON, Row};
use crate::reading::schema;
use serde_json::{Map, Value as Json, json};

/// The schema of a list of steps.
pub fn steps() -> Json {
    let mut step = schema::of_map(COMMON);
    if let Some(properties) = step["properties"].as_object_mut() {
        properties.extend(KINDS.iter().map(|row| (row.key.to_owned(), what(row))));
    }
    step["oneOf"] = KINDS.iter().map(one).collect();
    json!({ "type": "array", "items": step })
}

/// The value of the key of a kind.
fn what(row: &Row) -> Json {
    let mut what = schema::of(&row.takes);
    what["description"] = json!(row.summary);
    what
}

/// A step of this kind: it has the key, and none that the kind does not allow.
fn one(row: &Row) -> Json {
    let refused = Shared::ALL.into_iter().filter(|key| row.refuses(*key, true).is_some());
    let refused: Map<String, Json> = refused.map(|key| (key.key().to_owned(), json!(false))).collect();
    if refused.is_empty() {
        json!({ "required": [row.key] })
    } else {
        json!({ "required": [row.key], "properties": refused })
    }
}
