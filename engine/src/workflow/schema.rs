//! Workflow files as a JSON Schema, from the tables that the reader itself uses.

use super::read::KEYS;
use crate::reading::schema;
use crate::steps;
use serde_json::{Value as Json, json};

/// The schema of a workflow file.
pub fn workflow() -> Json {
    let mut file = schema::of_map(KEYS);
    file["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    file["title"] = json!("FlowScript workflow");
    file["$defs"] = json!({ "steps": steps::schema::steps() });
    file
}
