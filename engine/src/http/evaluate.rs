//! `/api/v1/evaluate`: FlowScript to play with.

use super::App;
use super::input::Given;
use super::json;
use super::openapi::{Refused, Shown, ok};
use super::problem::Problem;
use super::shapes::Line;
use crate::script::decode_json;
use axum::extract::State;
use flowscript_lang::value::{Record, Value};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

/// What is evaluated.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// An expression, or statements with `return`.
    source: String,
    /// Its variables by name.
    #[schema(value_type = Option<Object>)]
    input: Option<Json>,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
pub struct Evaluated {
    /// Did it give a value?
    ok: bool,
    /// The value.
    value: Json,
    /// The value as the language writes it.
    shown: Option<String>,
    /// Its type, as far as it was known before it ran.
    r#type: String,
    /// What it has logged.
    log: Vec<Line>,
    /// What is wrong with it: code, severity, phase, message, line, column, hint.
    #[schema(value_type = Vec<Object>)]
    errors: Vec<Json>,
}

/// The longest literal that is shown.
const MAX_SHOWN: usize = 10_000;

/// Evaluates FlowScript that reaches nothing outside.
#[utoipa::path(post, path = "/evaluate", tag = "evaluate", request_body = Evaluation, responses((status = 200, body = Evaluated), Refused))]
pub async fn evaluate(State(app): State<App>, Given(wanted): Given<Evaluation>) -> Result<Shown<Evaluated>, Problem> {
    let input = match wanted.input {
        None | Some(Json::Null) => Record::from_fields([]),
        Some(input) => match decode_json(&input.to_string()) {
            Ok(Value::Record(input)) => input,
            _ => return Err(Problem::bad_request("`input` must be an object with the variables by name.")),
        },
    };
    let done = app.engine.evaluate(wanted.source, input).await;
    let outcome = done.ok_or_else(|| Problem::new(500, "internal", "Internal error"))?;
    Ok(ok(Evaluated {
        ok: outcome.value.is_some(),
        value: json::optional(outcome.value.as_ref()),
        shown: outcome.value.as_ref().map(|value| value.to_literal(MAX_SHOWN)),
        r#type: outcome.ty,
        log: outcome.log.iter().map(Line::of).collect(),
        errors: outcome.errors,
    }))
}
