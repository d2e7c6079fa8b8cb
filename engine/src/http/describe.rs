//! OpenAPI descriptions of single webhooks, generated from their files.

use super::app::App;
use super::json::json_response;
use super::schema;
use crate::script::Input;
use crate::workflow::model::{Auth, Method, Response as When, Webhook, Workflow};
use axum::http::StatusCode;
use axum::response::Response;
use flowscript_lang::types::{Type, Types};
use serde_json::{Map, Value as Json, json};

/// The description of a webhook as an OpenAPI 3.1 document.
pub fn endpoint(app: &App, workflow: &Workflow, webhook: &Webhook) -> Response {
    let operations = webhook.methods.iter().map(|method| {
        let name = method.as_str().to_ascii_lowercase();
        (name.clone(), operation(workflow, webhook, *method, &format!("{name}-{}", workflow.id)))
    });
    let mut paths = Map::new();
    paths.insert(format!("/hooks/{}", webhook.path), Json::Object(operations.collect()));
    if !webhook.auth.is_signature() {
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
    let mut parameters = query_parameters(workflow, webhook, method);
    parameters.push(json!({
        "name": "Idempotency-Key", "in": "header", "required": false,
        "description": "Names the run: the same request with the same key gets the answer of the same run.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
    }));
    let mut responses = answers(webhook);
    let refusals = [
        (400, "A parameter or the body does not fit."),
        (406, "The answer is JSON or XML, and `Accept` allows neither."),
        (408, "The body came too slowly."),
        (413, "The body is too large."),
        (415, "The Content-Encoding or the type of the body is not supported."),
        (422, "The Idempotency-Key names a run of another request."),
        (429, "Too many runs are queued."),
        (431, "The header is too large."),
        (503, "The engine is stopping, or its store cannot be written."),
    ];
    responses.extend(refusals.map(|(status, text)| (status.to_string(), refusal(text))));
    if !webhook.auth.is_open() {
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

/// The possible answers to an accepted request.
fn answers(webhook: &Webhook) -> Map<String, Json> {
    let taken = json!({
        "description": "The run is accepted.",
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
        responses.insert("504".into(), refusal("The run continues; request it later."));
    }
    responses
}

/// The answers of an ended run.
fn results(webhook: &Webhook) -> Map<String, Json> {
    let mut responses = Map::new();
    let mut content = Map::new();
    match &webhook.answer {
        Type::Text => drop(content.insert("text/plain".into(), json!({ "schema": { "type": "string" } }))),
        Type::Binary => drop(content.insert("application/octet-stream".into(), json!({ "schema": {} }))),
        ty => {
            content.insert("application/json".into(), json!({ "schema": schema::of_type(ty, &Types::default()) }));
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
    if webhook.processing_input.is_some() {
        // FlowScript reads the body, so it may contain anything.
        let anything = ["application/json", "application/x-www-form-urlencoded", "application/xml", "text/plain"];
        let content: Map<String, Json> =
            anything.iter().map(|ty| ((*ty).to_owned(), json!({ "schema": {} }))).collect();
        return json!({ "required": false, "content": content });
    }
    let schema = inputs(&workflow.inputs, &webhook.query);
    let required = schema.get("required").is_some();
    let mut content = Map::from_iter([("application/json".to_owned(), json!({ "schema": schema }))]);
    if workflow.inputs.iter().all(schema::fits_forms) {
        content.insert("application/x-www-form-urlencoded".into(), json!({ "schema": schema }));
    }
    json!({ "required": required, "content": content })
}

fn status_operation(webhook: &Webhook) -> Json {
    let mut responses = results(webhook);
    responses.insert(
        "202".into(),
        json!({ "description": "The run has not ended.", "content": { "application/json": { "schema": { "type": "object" } } } }),
    );
    responses.insert("404".into(), refusal("There is no run with this id."));
    if !webhook.auth.is_open() {
        responses.insert("401".into(), refusal("The credential is missing or wrong."));
    }
    json!({
        "operationId": "status",
        "summary": "The status of a run",
        "parameters": [{ "name": "runId", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" } }],
        "responses": responses,
    })
}

/// The parameters of the query: the declared ones, or the inputs.
fn query_parameters(workflow: &Workflow, webhook: &Webhook, method: Method) -> Vec<Json> {
    if !webhook.fills_input {
        return webhook.query.iter().map(|input| query_parameter(input, input.default.is_none())).collect();
    }
    let key = webhook.auth.key_parameter();
    let inputs = workflow.inputs.iter().filter(|input| Some(input.name.as_str()) != key);
    // A body may contain them as well.
    let required = |input: &Input| method == Method::Get && input.default.is_none();
    inputs.map(|input| query_parameter(input, required(input))).collect()
}

fn query_parameter(input: &Input, required: bool) -> Json {
    json!({
        "name": input.name.as_str(),
        "in": "query",
        "required": required,
        "description": input.description,
        "schema": schema::of_parameter(input),
    })
}

/// The inputs as one object. Inputs that the query may give are optional in it.
fn inputs(inputs: &[Input], query: &[Input]) -> Json {
    let properties: Map<String, Json> = inputs
        .iter()
        .map(|input| {
            let mut schema = schema::of_input(input);
            if !input.description.is_empty() {
                schema["description"] = input.description.as_str().into();
            }
            (input.name.to_string(), schema)
        })
        .collect();
    let in_query = |input: &Input| query.iter().any(|parameter| parameter.name == input.name);
    let required = inputs.iter().filter(|input| input.default.is_none() && !in_query(input));
    let required: Vec<&str> = required.map(|input| input.name.as_str()).collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
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
