//! `/workflows/{id}`: a workflow with its webhook and a ready request, keys, schedules and problems; starting a run.

use super::page::{Answer, Content, Operation, Page, Place};
use super::parts::{Button, action, copied_box, copy_button, encoded, form_text, icon, leads_to, note, state, why_off};
use super::problems;
use super::schedules::switch as schedule_switch;
use super::visit::Visit;
use super::workflows::{auth, switch};
use crate::engine::Role;
use crate::http::api::input::{At, Given, Raw};
use crate::http::api::keys::{self, Key, NewKey};
use crate::http::api::paging::{MAX_PAGE, PageOf, Paged};
use crate::http::api::resource::{Load, Method};
use crate::http::api::schedules::{self, HowMany, Schedule};
use crate::http::api::workflows::{self, Hook, Parameter, Switch, Workflow};
use crate::http::body::RawBody;
use crate::http::problem::Problem;
use crate::workflow::history::{DiagnosticsSwitch, Keep};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use http_body_util::BodyExt;
use maud::{Markup, html};
use serde_json::{Map, Value as Json, json};
use std::marker::PhantomData;

/// The row of this page.
pub const PAGE: Page = Page {
    operations: &[
        Operation {
            method: Method::Get,
            path: "/workflows/{id}",
            access: Role::Viewer,
            load: Load::Small,
            call: |visit| Box::pin(show(visit)),
        },
        Operation {
            method: Method::Post,
            path: "/workflows/{id}/activate",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(activate(visit)),
        },
        Operation {
            method: Method::Post,
            path: "/workflows/{id}/diagnostics",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(switch_diagnostics(visit)),
        },
        Operation {
            method: Method::Post,
            path: "/workflows/{id}/run",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(run(visit)),
        },
        Operation {
            method: Method::Post,
            path: "/workflows/{id}/keys",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(add_key(visit)),
        },
        Operation {
            method: Method::Get,
            path: "/workflows/{id}/keys/{key}/revoke",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(confirm_revoke(visit)),
        },
        Operation {
            method: Method::Post,
            path: "/workflows/{id}/keys/{key}/revoke",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(revoke(visit)),
        },
    ],
};

fn back(visit: &Visit) -> Answer {
    Answer::Goes(format!("/workflows/{}", encoded(&visit.part("id"))))
}

async fn activate(visit: Visit) -> Result<Answer, Problem> {
    let active = Some(visit.given_as::<bool>("active")?);
    workflows::activate(visit.state(), At(visit.part("id")), Given(Switch { active })).await?;
    Ok(back(&visit))
}

/// Switches the parts that the form names; the others follow the file.
async fn switch_diagnostics(visit: Visit) -> Result<Answer, Problem> {
    let part = |name: &str| match visit.given(name) {
        None => Ok(None),
        Some(word) => match Keep::WORDS.iter().find(|(known, _)| *known == word) {
            Some((_, keep)) => Ok(Some(*keep)),
            None => Err(Problem::bad_request(format!("`{name}` cannot be `{word}`."))),
        },
    };
    let switch = DiagnosticsSwitch { input: part("input")?, output: part("output")?, variables: part("variables")? };
    workflows::diagnostics(visit.state(), At(visit.part("id")), Given(switch)).await?;
    Ok(back(&visit))
}

async fn revoke(visit: Visit) -> Result<Answer, Problem> {
    keys::revoke(visit.state(), At(visit.part("key"))).await?;
    Ok(back(&visit))
}

async fn add_key(visit: Visit) -> Result<Answer, Problem> {
    let label = visit.given("label").unwrap_or_default().to_owned();
    let new = NewKey { workflow: visit.part("id"), label, key: None, expires_at: None };
    let made = keys::add(visit.state(), Given(new)).await?.0;
    page(visit, made.key.as_deref()).await
}

/// Starts a run with the input of the form: a field each, as JSON or as a text.
async fn run(visit: Visit) -> Result<Answer, Problem> {
    let shown = workflows::show(visit.state(), At(visit.part("id"))).await?.0;
    let mut input = Map::new();
    for parameter in shown.input.iter().flatten() {
        if let Some(text) = visit.given(&format!("in-{}", parameter.name)) {
            input.insert(parameter.name.clone(), value_of(parameter, text));
        }
    }
    let body = RawBody { bytes: json!({ "input": input }).to_string().into(), room: None };
    let queued = workflows::run(visit.state(), At(visit.part("id")), HeaderMap::new(), Raw(body, PhantomData)).await?;
    let response = queued.into_response();
    let status = response.status();
    let body = response.into_body().collect().await.map_err(|_| Problem::new(500, "internal", "Internal error"))?;
    let answer: Json = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
    match answer["runId"].as_str() {
        Some(run) => Ok(Answer::Goes(format!("/runs/{run}"))),
        None if status.is_success() => Ok(back(&visit)),
        None => Err(Problem::bad_request(answer["detail"].as_str().unwrap_or("The run was not started."))),
    }
}

/// A text stays one where the parameter is a text; anything else is JSON if it can be read as such.
fn value_of(parameter: &Parameter, text: &str) -> Json {
    let as_text = || Json::String(text.to_owned());
    if parameter.r#type.trim_end_matches('?') == "text" {
        return as_text();
    }
    serde_json::from_str(text).unwrap_or_else(|_| as_text())
}

async fn show(visit: Visit) -> Result<Answer, Problem> {
    page(visit, None).await
}

async fn page(visit: Visit, new_key: Option<&str>) -> Result<Answer, Problem> {
    let id = visit.part("id");
    let workflow = workflows::show(visit.state(), At(id.clone())).await?.0;
    let paging = Paged(HowMany { next: Some(10) }, PageOf { after: None, limit: MAX_PAGE });
    let mut schedules = schedules::list(visit.state(), paging).await?.rows;
    schedules.retain(|schedule| schedule.workflow == id);
    let mut keys = keys::list(visit.state()).await?.0.keys;
    keys.retain(|key| key.workflows.contains(&id));
    let body = html! {
        (head(&visit, &workflow))
        @if let Some(key) = new_key {
            (note("info", "key", html! { b { "The new key is shown only now." } " Copy it before you leave this page." div class="copy mt8" { code id="new-key" { (key) } (copy_button("new-key")) } }))
        }
        @if !workflow.problems.is_empty() {
            section class="panel hot section0" aria-labelledby="problems-title" {
                header { h2 id="problems-title" { "Problems" } }
                (problems::of_file(&workflow))
            }
        }
        div class="cols wfcols" {
            div class="stack" {
                (start(&visit, &workflow))
                @for schedule in &schedules { (of_schedule(&visit, schedule)) }
            }
            div class="stack" {
                @if let Some(hook) = &workflow.webhook { (webhook(&visit, &workflow, hook)) }
                @if workflow.webhook.as_ref().is_some_and(|hook| matches!(hook.auth, "apiKey" | "basic")) { (key_list(&visit, &id, &keys)) }
                (diagnostics(&visit, &workflow))
            }
        }
    };
    let above = vec![("/workflows".to_owned(), "Workflows".to_owned())];
    Ok(Answer::Shown(Content { title: id, place: Place::Workflows, above, wide: false, live: None, body }))
}

fn head(visit: &Visit, workflow: &Workflow) -> Markup {
    html! {
        div class="head" {
            div {
                h1 { (workflow.name) }
                @if let Some(description) = &workflow.description { p { (description) } }
                dl class="facts" {
                    div { dt { "Id" } dd { code { (workflow.id) } } }
                    div { dt { "File" } dd { code { (workflow.file) } } }
                    @if let Some(version) = &workflow.version { div { dt { "Version" } dd { code title=(version) { (version.get(..8).unwrap_or(version)) } } } }
                    div { dt { "Triggers" } dd { @if workflow.active { "on" } @else { "off" } } }
                    @if !workflow.present { div { dt { "File" } dd { "missing" } } }
                }
            }
            div class="acts" {
                (switch(visit, workflow, ""))
                a class="btn" href={ "/runs?workflow=" (encoded(&workflow.id)) } { (icon("runs")) "Runs" }
            }
        }
        (why_off(visit))
    }
}

/// The form that starts a run by hand.
fn start(visit: &Visit, workflow: &Workflow) -> Markup {
    let parameters = workflow.input.as_deref().unwrap_or_default();
    html! {
        section class="panel section0" aria-labelledby="run-title" {
            header { h2 id="run-title" { "Run it" } span class="s dim" { "a real run" } }
            @if workflow.serving || workflow.input.is_some() {
                form class="in stack" method="post" action={ "/workflows/" (encoded(&workflow.id)) "/run" } {
                    (form_text(visit))
                    @if parameters.is_empty() { p class="dim" { "It takes no input." } }
                    @for parameter in parameters { (field(parameter)) }
                    div class="row" { button class="btn primary" type="submit" disabled[!visit.is_admin()] { (icon("run")) "Run" } }
                }
            } @else { div class="empty" { p { "It has never loaded; see its problems." } } }
        }
    }
}

fn field(parameter: &Parameter) -> Markup {
    let id = format!("in-{}", parameter.name);
    let default = match &parameter.default {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    html! {
        div class="field" {
            label for=(id) { (parameter.name) " " span class="type" { (parameter.r#type) } }
            @if matches!(parameter.r#type.trim_end_matches('?'), "text" | "number" | "boolean" | "datetime" | "date") {
                input class="input" id=(id) name=(id) placeholder=(default) autocomplete="off" spellcheck="false";
            } @else {
                textarea class="area" id=(id) name=(id) rows="3" placeholder=(default) spellcheck="false" {}
            }
            @if !parameter.description.is_empty() { span class="help" { (parameter.description) } }
        }
    }
}

fn webhook(visit: &Visit, workflow: &Workflow, hook: &Hook) -> Markup {
    let host = visit.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let base = visit.app.engine.config().public_url.clone();
    let base = base.map_or_else(|| format!("http://{host}"), |url| url.trim_end_matches('/').to_owned());
    let url = format!("{base}/hooks/{}", hook.path);
    html! {
        section class="panel section0" aria-labelledby="hook-title" {
            header { h2 id="hook-title" { "Webhook" } span class="s dim" { (auth(hook.auth)) " · " @if hook.response == "wait" { "answers with the result" } @else { "accepts and answers at once" } } }
            div class="in stack" {
                div class="copy" { @for method in &hook.methods { span class="method" { (method) } } code id="url" { (url) } (copy_button("url")) }
                (copied_box("curl", &curl(&url, hook, workflow.input.as_deref().unwrap_or_default())))
            }
        }
    }
}

/// A request that is ready to send, with the defaults of the inputs.
fn curl(url: &str, hook: &Hook, parameters: &[Parameter]) -> String {
    let method = hook.methods.iter().find(|method| **method == "POST").or(hook.methods.first()).unwrap_or(&"GET");
    let credential = match hook.auth {
        "apiKey" => " \\\n  -H \"X-API-Key: $KEY\"",
        "basic" => " \\\n  -u \"$NAME:$PASSWORD\"",
        _ => "",
    };
    let body = if *method == "GET" {
        String::new()
    } else {
        let fields: Map<String, Json> = parameters.iter().map(|one| (one.name.clone(), example(one))).collect();
        let text = Json::Object(fields).to_string().replace('\'', "'\\''");
        format!(" \\\n  -H \"Content-Type: application/json\" \\\n  -d '{text}'")
    };
    format!("curl -X {method} {url}{credential}{body}")
}

/// The default of a parameter, or an empty value of its type.
fn example(parameter: &Parameter) -> Json {
    match (&parameter.default, parameter.r#type.as_str()) {
        (Json::Null, "text") => json!(""),
        (Json::Null, "number") => json!(0),
        (Json::Null, "boolean") => json!(false),
        (default, _) => default.clone(),
    }
}

fn key_list(visit: &Visit, id: &str, keys: &[Key]) -> Markup {
    let clock = visit.clock();
    html! {
        section class="panel" id="keys" aria-labelledby="keys-title" {
            header { h2 id="keys-title" { "API keys " span class="n" { (keys.len()) } } }
            ul class="keys" { @for key in keys {
                li class=(if key.revoked_at.is_some() { "revoked" } else { "" }) {
                    b { @if key.label.is_empty() { "without a label" } @else { (key.label) } } code { (key.prefix) "…" (key.hint) }
                    span class="dim" { @match &key.last_used_at { Some(at) => { "used " (clock.minute(at)) }, None => "never used" } }
                    @if key.revoked_at.is_some() { span class="tag bad" { "revoked" } }
                    @else { (leads_to(visit, &format!("/workflows/{}/keys/{}/revoke", encoded(id), key.id), &Button { class: "small", icon: "x", label: "Revoke…" })) }
                }
            } }
            form class="in row" method="post" action={ "/workflows/" (encoded(id)) "/keys" } {
                (form_text(visit))
                input class="input grow" name="label" aria-label="Label of the new key" placeholder="Label" maxlength="200" autocomplete="off";
                button class="btn" disabled[!visit.is_admin()] { (icon("plus")) "New key" }
            }
        }
    }
}

fn of_schedule(visit: &Visit, schedule: &Schedule) -> Markup {
    let clock = visit.clock();
    html! {
        section class="panel" aria-label={ "Schedule " (schedule.schedule) } {
            header {
                h2 { code { (schedule.schedule) } } (state(schedule.state)) span class="s dim" { (schedule.time_zone) }
                div class="push" { (schedule_switch(visit, schedule)) }
            }
            div class="in" { ul class="times" { @for at in &schedule.next { li { (clock.at(at)) } } @if schedule.next.is_empty() { li { "none" } } } }
        }
    }
}

fn diagnostics(visit: &Visit, workflow: &Workflow) -> Markup {
    let Some(kept) = workflow.diagnostics else { return html! {} };
    let path = format!("/workflows/{}/diagnostics", encoded(&workflow.id));
    html! {
        section class="panel" aria-labelledby="kept-title" {
            header { h2 id="kept-title" { "What is kept of its runs" } }
            form class="in stack" method="post" action=(path) {
                (form_text(visit))
                div class="runfilter filters" {
                    @for (name, keep) in [("input", kept.input), ("output", kept.output), ("variables", kept.variables)] {
                        div class="field" {
                            label for={ "kept-" (name) } { (name) }
                            select class="input" id={ "kept-" (name) } name=(name) disabled[!visit.is_admin()] {
                                @for (word, one) in Keep::WORDS { option value=(word) selected[one == keep] { (word) } }
                            }
                        }
                    }
                }
                div class="row" { button class="btn small" disabled[!visit.is_admin()] { (icon("check")) "Keep this" } }
            }
            footer { (action(visit, &path, &[], &Button { class: "small quiet", icon: "file", label: "Follow the file" })) }
        }
    }
}

async fn confirm_revoke(visit: Visit) -> Result<Answer, Problem> {
    let (id, key) = (visit.part("id"), visit.part("key"));
    let known = keys::list(visit.state()).await?.0.keys;
    let known = known
        .iter()
        .find(|known| known.id == key)
        .ok_or_else(|| Problem::not_found(format!("There is no API key {key}.")))?;
    let path = format!("/workflows/{}/keys/{key}/revoke", encoded(&id));
    let body = html! {
        div class="head" { div { h1 { "Revoke this key?" } p { (known.label) " " code { (known.prefix) "…" (known.hint) } } } }
        form class="panel" method="post" action=(path) {
            (form_text(&visit))
            div class="in" { ul class="conseq" {
                li { (icon("x")) span { "Requests with it are refused from now on, by " b { (known.workflows.join(", ")) } "." } }
                li { (icon("alert")) span { "It never works again. It stays in the list." } }
            } }
            footer { button class="btn danger fill" { (icon("x")) "Revoke the key" } a class="btn" href={ "/workflows/" (encoded(&id)) } { "Back" } }
        }
    };
    let above = vec![("/workflows".to_owned(), "Workflows".to_owned()), (format!("/workflows/{}", encoded(&id)), id)];
    Ok(Answer::Shown(Content {
        title: "Revoke a key".into(),
        place: Place::Workflows,
        above,
        wide: false,
        live: None,
        body,
    }))
}
