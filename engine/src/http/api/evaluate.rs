//! `/api/v1/evaluate`: evaluates FlowScript, for people who try something.

use super::input::GivenWithRoom;
use super::log::Line;
use super::output::Shown;
use super::resource::{Call, Load, Method, Operation, Resource};
use crate::engine::{NotVariables, Role, Tried};
use crate::http::app::App;
use crate::http::json::Text;
use crate::http::problem::Problem;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// The row of this resource.
pub const RESOURCE: Resource = Resource {
    tag: "evaluate",
    operations: &[Operation {
        method: Method::Post,
        path: "/evaluate",
        access: Role::Admin,
        load: Load::Small,
        name: "evaluate",
        summary: "Evaluates FlowScript without access to anything outside. The source has at most 65,536 bytes, the value at most 1 MiB as JSON.",
        call: || Call::of(evaluate),
    }],
};

/// A source to evaluate, with its variables.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// An expression, or statements with `return`.
    pub source: String,
    /// The variables by name.
    #[schema(value_type = Option<Object>)]
    pub input: Option<Box<RawValue>>,
}

/// The outcome of an evaluation.
#[derive(Serialize, ToSchema)]
pub struct Evaluated {
    /// True if there is a value.
    pub ok: bool,
    /// The value.
    #[schema(value_type = Json)]
    pub value: Text,
    /// The value in the notation of the language.
    pub shown: Option<String>,
    /// The type, as far as it is known before evaluation.
    pub r#type: String,
    /// The lines of its log.
    pub log: Vec<Line>,
    /// The errors: code, severity, phase, message, line, column, labels, hint, fixes.
    #[schema(value_type = Vec<Object>)]
    pub errors: Vec<Json>,
}

/// The longest source, in bytes.
const MAX_SOURCE: usize = 64 << 10;

pub async fn evaluate(
    State(app): State<App>,
    GivenWithRoom(wanted, room): GivenWithRoom<Evaluation>,
) -> Result<Shown<Evaluated>, Problem> {
    if wanted.source.len() > MAX_SOURCE {
        let detail = format!("`source` has {} bytes; at most {MAX_SOURCE} are allowed.", wanted.source.len());
        return Err(Problem::bad_request(detail));
    }
    let input = wanted.input.map(|input| input.get().to_owned());
    let done = app.engine.evaluator().evaluate(wanted.source, input, room).await;
    let done = done.ok_or_else(|| Problem::new(500, "internal", "Internal error"))?;
    let Tried { outcome, json, shown } = done.map_err(|NotVariables(why)| {
        Problem::bad_request(format!("`input` must be an object with the variables by name; {why}."))
    })?;
    Ok(Shown(Evaluated {
        ok: json.is_some(),
        value: json.and_then(Text::of_value).unwrap_or_default(),
        shown,
        r#type: outcome.ty,
        log: outcome.log.iter().map(Line::of).collect(),
        errors: outcome.errors,
    }))
}
