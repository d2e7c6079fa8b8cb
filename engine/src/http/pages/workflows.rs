//! `/workflows`: all workflows with their triggers, their switches and their problems.

use super::page::{Answer, Content, Operation, Page, Place};
use super::parts::{Button, action, counted, icon, note, prose, why_off};
use super::visit::Visit;
use crate::engine::Role;
use crate::http::api::paging::{MAX_PAGE, PageOf, Paged};
use crate::http::api::resource::{Load, Method};
use crate::http::api::schedules::{self, HowMany, Schedule};
use crate::http::api::workflows::{self, Hook, Workflow};
use crate::http::problem::Problem;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// The row of this page.
pub const PAGE: Page = Page {
    operations: &[Operation {
        method: Method::Get,
        path: "/workflows",
        access: Role::Viewer,
        load: Load::Small,
        call: |visit| Box::pin(list(visit)),
    }],
};

async fn list(visit: Visit) -> Result<Answer, Problem> {
    let all = workflows::list(visit.state()).await?.0;
    let page = Paged(HowMany { next: Some(1) }, PageOf { after: None, limit: MAX_PAGE });
    let schedules = schedules::list(visit.state(), page).await?.rows;
    let wanted = visit.asked("q").unwrap_or_default().to_lowercase();
    let is_wanted = |one: &&Workflow| {
        let paths = one.webhook.iter().map(|hook| hook.path.as_str());
        [one.id.as_str(), &one.name].into_iter().chain(paths).any(|text| text.to_lowercase().contains(&wanted))
    };
    let mut folders: BTreeMap<&str, Vec<&Workflow>> = BTreeMap::new();
    for workflow in all.workflows.iter().filter(is_wanted) {
        folders.entry(workflow.id.rsplit_once('.').map_or("", |(folder, _)| folder)).or_default().push(workflow);
    }
    let bad = all.workflows.iter().filter(|workflow| !workflow.problems.is_empty()).count();
    let body = html! {
        div class="head" { div {
            h1 { "Workflows" }
            p { (counted(all.workflows.len(), "workflow", "workflows")) @if bad > 0 { ", " (bad) " with problems" } "." }
        } }
        (why_off(&visit))
        @for problem in &all.problems { (note("bad", "alert", html! { (problem) })) }
        form class="filters section0" role="search" aria-label="Filter" action="/workflows" {
            label class="find grow0" { (icon("search")) input type="search" name="q" value=(visit.asked("q").unwrap_or_default()) placeholder="Name, id or path" aria-label="Filter workflows"; }
        }
        div class="panel" {
            @if folders.is_empty() { div class="empty" { h2 { "No workflows" } p { @if wanted.is_empty() { "Files in " code { "workflows/" } " of the project appear here." } @else { "No workflow has this in its name, id or path." } } } }
            @else {
                table class="t wf" {
                    thead { tr { th { "Workflow" } th { "Trigger" } th { span class="sr" { "Runs" } } th { span class="sr" { "Triggers on or off" } } } }
                    tbody { @for (folder, workflows) in &folders {
                        tr class="group" { td colspan="4" { b { "workflows/" @if !folder.is_empty() { (folder) "/" } } " " span class="dim" { (workflows.len()) } } }
                        @for workflow in workflows { (row(&visit, workflow, &schedules)) }
                    } }
                }
            }
        }
    };
    Ok(Answer::Shown(Content {
        title: "Workflows".into(),
        place: Place::Workflows,
        above: Vec::new(),
        wide: false,
        live: None,
        body,
    }))
}

fn row(visit: &Visit, workflow: &Workflow, schedules: &[Schedule]) -> Markup {
    let address = format!("/workflows/{}", workflow.id);
    html! {
        tr data-href=(address) {
            td class="max" {
                a class="main-link cut" href=(address) { (workflow.name) }
                span class="cut s dim" { code { (workflow.id) } }
                @if !workflow.present { p class="prob" { "Its file is missing." } }
                @for problem in workflow.problems.iter().take(1) { p class="prob" { span class="bad-link" { (problem.code) } " " (prose(&problem.message)) } }
            }
            td class="w-trig" {
                @if let Some(hook) = &workflow.webhook { (webhook(hook)) }
                @for schedule in schedules.iter().filter(|schedule| schedule.workflow == workflow.id) {
                    div class="trig" { (icon("clock")) div {
                        span { code { (schedule.schedule) } }
                        small { @match (schedule.state, schedule.next.first()) {
                            ("active", Some(next)) => { "next " (visit.clock().at(next)) },
                            (state, _) => (state),
                        } }
                    } }
                }
                @if workflow.webhook.is_none() && !schedules.iter().any(|schedule| schedule.workflow == workflow.id) {
                    span class="dim" { "By hand, or called" }
                }
            }
            td class="fit" { a class="btn small" href={ "/runs?workflow=" (workflow.id) } aria-label={ "Runs of " (workflow.id) } { (icon("runs")) "Runs" } }
            td class="fit" { (switch(visit, workflow, "small")) }
        }
    }
}

fn webhook(hook: &Hook) -> Markup {
    html! {
        div class="trig" { (icon("hook")) div {
            span { @for method in &hook.methods { span class="method" { (method) } " " } "/hooks/" (hook.path) }
            small { (auth(hook.auth)) " · " @if hook.response == "wait" { "answers" } @else { "accepts" } }
        } }
    }
}

/// The words for the credential of a webhook.
pub fn auth(name: &str) -> &'static str {
    match name {
        "apiKey" => "API key",
        "basic" => "name and password",
        "signature" => "signature",
        _ => "open",
    }
}

/// The button that switches the triggers of a workflow.
pub fn switch(visit: &Visit, workflow: &Workflow, class: &str) -> Markup {
    let (to, label, symbol) =
        if workflow.active { ("false", "Switch off", "pause") } else { ("true", "Switch on", "run") };
    let path = format!("/workflows/{}/activate", workflow.id);
    action(visit, &path, &[("active", to)], &Button { class, icon: symbol, label })
}
