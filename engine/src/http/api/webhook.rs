//! `/api/v1/workflows/{id}/webhook`: the address of a webhook, and a request to it that is ready to be sent.

use super::input::At;
use super::output::Shown;
use super::resource::{Call, Load, Method, Operation, Resource};
use super::workflows::unknown;
use crate::engine::Role;
use crate::http::app::App;
use crate::http::json::value;
use crate::http::problem::Problem;
use crate::script::Input;
use crate::workflow::model::{Auth, Method as Verb, Webhook, Workflow};
use axum::extract::State;
use flowscript_lang::types::{Type, Types};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use url::form_urlencoded::Serializer;
use utoipa::ToSchema;

/// The row of this resource.
pub const RESOURCE: Resource = Resource {
    tag: "workflows",
    operations: &[Operation {
        method: Method::Get,
        path: "/workflows/{id}/webhook",
        access: Role::Viewer,
        load: Load::Small,
        name: "webhook",
        summary: "Shows the address of the webhook of a workflow, and a request that is ready to be sent.",
        call: || Call::of(webhook),
    }],
};

async fn webhook(State(app): State<App>, At(id): At<String>) -> Result<Shown<ReadyHook>, Problem> {
    let workflows = app.engine.workflows();
    let entry = workflows.entry(&id).ok_or_else(|| unknown(&id))?;
    let workflow = entry.workflow.as_deref();
    let hook = workflow.and_then(|workflow| Some((workflow, workflow.webhook.as_ref()?)));
    let (workflow, hook) = hook.ok_or_else(|| Problem::not_found(format!("The workflow `{id}` has no webhook.")))?;
    let config = app.engine.config();
    let public = config.public_url.as_deref().map(|url| url.trim_end_matches('/'));
    let path = format!("/hooks/{}", hook.path);
    // Links need the public address; a command is for the one who asks, and can name the port.
    let base = public.map_or_else(|| format!("http://{}", config.bind), str::to_owned);
    Ok(Shown(ReadyHook {
        url: public.map(|public| format!("{public}{path}")),
        serving: entry.serves(),
        curl: curl(workflow, hook, &format!("{base}{path}")),
        example: example(workflow, hook),
        path,
    }))
}

/// A webhook with a request to it.
#[derive(Serialize, ToSchema)]
pub struct ReadyHook {
    /// The path of its address.
    path: String,
    /// Its address, if the public address of the engine is known.
    url: Option<String>,
    /// True if it answers now.
    serving: bool,
    /// The inputs of a request: defaults, and examples for inputs without one. Null if FlowScript reads the body.
    #[schema(value_type = Option<Object>)]
    example: Option<Json>,
    /// The command that sends the example. It takes a key from `$KEY`, a login from `$LOGIN`; null if a request must be
    /// signed.
    curl: Option<String>,
}

/// The inputs of a request, unless FlowScript reads the body.
fn example(workflow: &Workflow, hook: &Webhook) -> Option<Json> {
    let of = |inputs: &[Input]| {
        let fields: Map<String, Json> = inputs.iter().map(|input| (input.name.to_string(), of_input(input))).collect();
        Json::Object(fields)
    };
    hook.processing_input.is_none().then(|| of(&workflow.inputs))
}

/// The default of an input, or an example of its type.
fn of_input(input: &Input) -> Json {
    let (ty, types) = input.conversion.shape();
    input.default.as_ref().map_or_else(|| of_type(types.resolve(ty), types, 0), value)
}

/// How deep the example of a record is.
const DEEPEST: usize = 4;

fn of_type(ty: &Type, types: &Types, depth: usize) -> Json {
    match ty {
        Type::Bool => json!(false),
        Type::Number => json!(1),
        Type::Text => json!("text"),
        Type::DateTime => json!("2026-01-31T12:00:00Z"),
        Type::Binary => json!(""),
        Type::List(element) if depth < DEEPEST => json!([of_type(types.resolve(element), types, depth + 1)]),
        Type::Record(record) if depth < DEEPEST => {
            let field = |field: &flowscript_lang::types::Field| {
                (field.name.to_string(), of_type(types.resolve(&field.ty), types, depth + 1))
            };
            Json::Object(record.fields.iter().map(field).collect())
        }
        // Everything else may be null, or anything.
        _ => Json::Null,
    }
}

/// The command that sends a request; `None` if it must be signed.
fn curl(workflow: &Workflow, hook: &Webhook, url: &str) -> Option<String> {
    let credential = match &hook.auth {
        Auth::None => None,
        Auth::ApiKey { .. } => Some("-H \"X-API-Key: $KEY\""),
        Auth::Basic(_) => Some("-u \"$LOGIN\""),
        Auth::Signature(_) => return None,
    };
    let posts = hook.methods.contains(&Verb::Post);
    let mut query = Serializer::new(String::new());
    for parameter in &hook.query {
        query.append_pair(&parameter.name, &plain(&of_input(parameter)));
    }
    let body = example(workflow, hook).filter(|body| *body != json!({}));
    if let Some(Json::Object(fields)) = body.as_ref().filter(|_| !posts && hook.fills_input) {
        fields.iter().filter(|(_, value)| !value.is_null()).for_each(|(name, value)| {
            query.append_pair(name, &plain(value));
        });
    }
    let query = query.finish();
    let url = if query.is_empty() { url.to_owned() } else { format!("{url}?{query}") };
    let mut parts = vec![format!("curl {}", quoted(&url))];
    if posts {
        parts.push("-X POST".to_owned());
    }
    parts.extend(credential.map(str::to_owned));
    if posts {
        let body = body.map_or_else(|| "{}".to_owned(), |body| body.to_string());
        parts.extend(["-H \"Content-Type: application/json\"".to_owned(), format!("-d {}", quoted(&body))]);
    }
    Some(parts.join(" "))
}

/// A value as a parameter.
fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A text for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
