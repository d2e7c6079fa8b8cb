//! OpenAPI descriptions of single webhooks, made from what their files say.

use super::App;
use super::json;
use super::reply::json_response;
use crate::workflow::model::{Auth, Input, Method, Response as When, Webhook, Workflow};
use axum::http::StatusCode;
use axum::response::Response;
use flowscript_lang::types::Type;
use serde_json::{Map, Value as Json, json};

/// The description of a webhook as an OpenAPI 3.1 document.
pub fn endpoint(app: &App, workflow: &Workflow, webhook: &Webhook) -> Response {
    let operations = webhook.methods.iter().map(|method| {
        let name = method.as_str().to_ascii_lowercase();
        (name.clone(), operation(workflow, webhook, *method, &format!("{name}-{}", workflow.id)))
    });
    let mut paths = Map::new();
    paths.insert(format!("/hooks/{}", webhook.path), Json::Object(operations.collect()));
    if !matches!(webhook.auth, Auth::Signature(_)) {
        paths.insert(format!("/hooks/{}/runs/{{runId}}", webhook.path), json!({ "get": status_operation(webhook) }));
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": { "title": workflow.name, "description": workflow.description, "version": workflow.version.to_string() },
        "paths": paths,
        "components": {
            "schemas": { "Problem": problem(), "Accepted": accepted() },
            "securitySchemes": schemes(&webhook.auth),
        },
        "security": security(&webhook.auth),
    });
    if let Some(public) = &app.engine.config().public_url {
        document["servers"] = json!([{ "url": public.trim_end_matches('/') }]);
    }
    json_response(StatusCode::OK, document.to_string())
}

fn operation(workflow: &Workflow, webhook: &Webhook, method: Method, id: &str) -> Json {
    let mut parameters: Vec<Json> = webhook.query.iter().map(query_parameter).collect();
    parameters.push(json!({
        "name": "Idempotency-Key", "in": "header", "required": false,
        "description": "Names the run: the same request with the same key is answered for it.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
    }));
    let mut responses = answers(webhook);
    let refusals = [
        (400, "A parameter or the body does not fit."),
        (408, "The body came too slowly."),
        (413, "The body is too large."),
        (415, "The Content-Encoding is not known."),
        (422, "The Idempotency-Key names a run of another request."),
        (429, "Too many runs are queued."),
        (431, "The header is too large."),
        (503, "The engine stops or cannot keep anything."),
    ];
    responses.extend(refusals.map(|(status, text)| (status.to_string(), refusal(text))));
    if !matches!(webhook.auth, Auth::None) {
        responses.insert("401".into(), refusal("The credential is missing or wrong."));
    }
    let mut operation = json!({
        "operationId": id,
        "summary": workflow.name,
        "description": workflow.description,
        "parameters": parameters,
        "responses": responses,
    });
    if method == Method::Post {
        operation["requestBody"] = request_body(workflow, webhook);
    }
    operation
}

/// What a request may be answered with when it was taken.
fn answers(webhook: &Webhook) -> Map<String, Json> {
    let taken = json!({
        "description": "The run is kept.",
        "headers": { "Location": { "schema": { "type": "string" } } },
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Accepted" } } },
    });
    if webhook.response == When::Accept {
        return Map::from_iter([("202".to_owned(), taken)]);
    }
    let mut responses = results(webhook);
    if webhook.accept_on_timeout {
        responses.insert("202".into(), taken);
    } else {
        responses.insert("504".into(), refusal("The run goes on; ask for it later."));
    }
    responses
}

/// What a run that is over is answered with.
fn results(webhook: &Webhook) -> Map<String, Json> {
    let mut responses = Map::new();
    let mut content = Map::new();
    match &webhook.answer {
        Type::Text => drop(content.insert("text/plain".into(), json!({ "schema": { "type": "string" } }))),
        Type::Binary => drop(content.insert("application/octet-stream".into(), json!({ "schema": {} }))),
        ty => {
            content.insert("application/json".into(), json!({ "schema": schema(ty) }));
            if matches!(ty, Type::Any) {
                content.insert("text/plain".into(), json!({ "schema": { "type": "string" } }));
                content.insert("application/octet-stream".into(), json!({ "schema": {} }));
            }
        }
    }
    responses.insert("200".into(), json!({ "description": "The output.", "content": content }));
    responses.insert("409".into(), refusal("The run was cancelled or skipped."));
    responses.insert("500".into(), refusal("The workflow failed."));
    // Steps may choose a status: `respond`, `assert`.
    responses.insert("default".into(), json!({ "description": "An answer that the workflow chose." }));
    responses
}

fn request_body(workflow: &Workflow, webhook: &Webhook) -> Json {
    let schema = match webhook.processing_input {
        // FlowScript reads the body, so anything may stand in it.
        Some(_) => json!({}),
        None => inputs(&workflow.inputs),
    };
    json!({ "required": false, "content": { "application/json": { "schema": schema } } })
}

fn status_operation(webhook: &Webhook) -> Json {
    let mut responses = results(webhook);
    responses.insert(
        "202".into(),
        json!({ "description": "The run is not over.", "content": { "application/json": { "schema": { "type": "object" } } } }),
    );
    responses.insert("404".into(), refusal("There is no such run."));
    if !matches!(webhook.auth, Auth::None) {
        responses.insert("401".into(), refusal("The credential is missing or wrong."));
    }
    json!({
        "operationId": "status",
        "summary": "What became of a run",
        "parameters": [{ "name": "runId", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" } }],
        "responses": responses,
    })
}

fn query_parameter(input: &Input) -> Json {
    json!({
        "name": input.name.as_str(),
        "in": "query",
        "required": input.default.is_none(),
        "description": input.description,
        "schema": with_default(schema(input.conversion.ty()), input),
    })
}

/// The inputs as one object. Values of simple types may come as text too, so the schema says what is meant, not all
/// that is taken.
fn inputs(inputs: &[Input]) -> Json {
    let properties: Map<String, Json> = inputs
        .iter()
        .map(|input| {
            let mut schema = with_default(schema(input.conversion.ty()), input);
            if !input.description.is_empty() {
                schema["description"] = input.description.as_str().into();
            }
            (input.name.to_string(), schema)
        })
        .collect();
    let required: Vec<&str> = inputs.iter().filter(|i| i.default.is_none()).map(|i| i.name.as_str()).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

fn with_default(mut schema: Json, input: &Input) -> Json {
    if let Some(default) = &input.default {
        schema["default"] = json::value(default);
    }
    schema
}

/// A type of the language as JSON Schema.
fn schema(ty: &Type) -> Json {
    match ty {
        Type::Null => json!({ "type": "null" }),
        Type::Bool => json!({ "type": "boolean" }),
        Type::Number => json!({ "type": "number" }),
        Type::Text => json!({ "type": "string" }),
        Type::DateTime => json!({ "type": "string", "format": "date-time" }),
        Type::Binary => json!({ "type": "string", "contentEncoding": "base64" }),
        Type::Nullable(inner) => json!({ "anyOf": [schema(inner), { "type": "null" }] }),
        Type::List(element) => json!({ "type": "array", "items": schema(element) }),
        Type::Record(record) => {
            let fields: Map<String, Json> = record.fields.iter().map(|f| (f.name.to_string(), schema(&f.ty))).collect();
            json!({ "type": "object", "properties": fields })
        }
        Type::Never | Type::Any | Type::Named(..) | Type::Function(_) => json!({}),
    }
}

fn schemes(auth: &Auth) -> Json {
    match auth {
        Auth::None | Auth::Signature(_) => json!({}),
        Auth::ApiKey { query } => {
            let mut schemes = json!({
                "apiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
                "bearer": { "type": "http", "scheme": "bearer" },
            });
            if let Some(name) = query {
                schemes["query"] = json!({ "type": "apiKey", "in": "query", "name": name });
            }
            schemes
        }
        Auth::Basic(_) => json!({ "basic": { "type": "http", "scheme": "basic" } }),
    }
}

fn security(auth: &Auth) -> Json {
    let schemes = schemes(auth);
    schemes.as_object().into_iter().flatten().map(|(name, _)| json!({ name: [] })).collect()
}

fn refusal(description: &str) -> Json {
    let content = json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
    json!({ "description": description, "content": content })
}

fn accepted() -> Json {
    json!({
        "type": "object",
        "properties": { "runId": { "type": "string", "format": "uuid" }, "statusUrl": { "type": "string" } },
        "required": ["runId"],
    })
}

/// An error of RFC 9457.
fn problem() -> Json {
    json!({
        "type": "object",
        "properties": {
            "type": { "type": "string" }, "title": { "type": "string" }, "status": { "type": "integer" },
            "detail": { "type": "string" }, "runId": { "type": "string" }, "statusUrl": { "type": "string" },
        },
        "required": ["type", "title", "status", "detail"],
    })
}
