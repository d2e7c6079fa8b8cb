//! `/`: what needs me: held lanes, failed runs, files that did not load, runs that wait for an event.

use super::page::{Answer, Content, Operation, Page, Place};
use super::parts::{Button, action, copied_box, encoded, icon, leads_to, state_mark, why_off};
use super::problems;
use super::run::short_id;
use super::visit::Visit;
use crate::engine::Role;
use crate::http::api::lanes::{self, Lane, LaneFilter};
use crate::http::api::paging::{Page as Rows, PageOf, Paged};
use crate::http::api::resource::{Load, Method};
use crate::http::api::runs::{self, Run, RunFilter};
use crate::http::api::workflows::{self, Workflow};
use crate::http::problem::Problem;
use maud::{Markup, html};

/// The row of this page.
pub const PAGE: Page = Page {
    operations: &[Operation {
        method: Method::Get,
        path: "/",
        access: Role::Viewer,
        load: Load::Small,
        call: |visit| Box::pin(show(visit)),
    }],
};

/// How many of each kind are shown.
const MOST: u32 = 10;

async fn show(visit: Visit) -> Result<Answer, Problem> {
    let all = workflows::list(visit.state()).await?.0;
    let first = || PageOf { after: None, limit: MOST };
    let held = LaneFilter { workflow: None, held: true };
    let held = lanes::list(visit.state(), Paged(held, first())).await?;
    let in_state = |state: &str| RunFilter { state: Some(state.to_owned()), ..RunFilter::default() };
    let failed = runs::list(visit.state(), Paged(in_state("failed,timedOut"), first())).await?;
    let waiting = runs::list(visit.state(), Paged(in_state("waiting"), first())).await?;
    let broken: Vec<&Workflow> = all.workflows.iter().filter(|one| one.present && !one.problems.is_empty()).collect();
    let is_empty = !all.workflows.iter().any(|workflow| workflow.present);
    let is_fine = held.rows.is_empty() && failed.rows.is_empty() && broken.is_empty() && all.problems.is_empty();
    let body = html! {
        div class="head" { div {
            h1 { "What needs me" }
            @if is_fine && !is_empty { p { "Nothing. No lane is held, no run has failed, every file has loaded." } }
        } }
        (why_off(&visit))
        @if is_empty { (first_steps(&visit)) }
        div class="homegrid section0" id="live" data-live {
            div class="stack" { (held_lanes(&visit, &held)) (failed_runs(&visit, &failed)) }
            div class="stack" { (files(&broken, &all.problems)) (waiting_runs(&visit, &waiting)) }
        }
    };
    Ok(Answer::Shown(Content {
        title: "Home".into(),
        place: Place::Home,
        above: Vec::new(),
        wide: false,
        live: Some("/events".into()),
        body,
    }))
}

fn panel(state: &str, title: &str, of: usize, has_more: bool, all: (&str, &str), list: &Markup) -> Markup {
    let (address, words) = all;
    html! {
        @if of > 0 {
            section class="panel att" aria-label=(title) {
                header {
                    (state_mark(state)) h2 { (title) " " span class="n dim" { (of) @if has_more { " or more" } } }
                    div class="push" { a href=(address) { (words) } }
                }
                (list)
            }
        }
    }
}

fn held_lanes(visit: &Visit, held: &Rows<Lane>) -> Markup {
    let list = html! { ul class="list" { @for lane in &held.rows {
        @let path = format!("/lanes/{}", encoded(&lane.workflow));
        li {
            div class="what" {
                a class="main-link" href={ "/lanes?held=true&workflow=" (encoded(&lane.workflow)) } { (lane.workflow) @if !lane.key.is_empty() { " · " code { (lane.key) } } }
                p { "Its head, run " a href={ "/runs/" (lane.head.run_id) } { code { (short_id(&lane.head.run_id)) } } ", is " (lane.head.state) "." }
            }
            div class="fact" { b { (lane.length.saturating_sub(1)) } " after it" }
            div class="do" {
                (action(visit, &format!("{path}/resume"), &[("key", &lane.key)], &Button { class: "small", icon: "retry", label: "Resume" }))
                (leads_to(visit, &format!("{path}/skip?key={}", encoded(&lane.key)), &Button { class: "small", icon: "skipto", label: "Skip head…" }))
            }
        }
    } } };
    panel("held", "Held lanes", held.rows.len(), held.next.is_some(), ("/lanes?held=true", "All held lanes"), &list)
}

fn failed_runs(visit: &Visit, failed: &Rows<Run>) -> Markup {
    let clock = visit.clock();
    let list = html! { ul class="list" { @for run in &failed.rows { li {
        div class="what" {
            a class="main-link" href={ "/runs/" (run.id) } { (run.workflow) }
            @if let Some(label) = &run.label { span class="soft lab" { (label) } }
            @if let Some(error) = &run.error {
                p { (error.message) @if let Some(position) = &error.position { span class="dim" { " · step " code { (position) } } } }
            }
        }
        div class="fact" { (state_mark(run.state)) small { (clock.at(run.ended_at.as_ref().unwrap_or(&run.accepted_at))) } }
        div class="do" { (action(visit, &format!("/runs/{}/retry", run.id), &[], &Button { class: "small", icon: "retry", label: "Retry" })) }
    } } } };
    let all = ("/runs?state=failed%2CtimedOut", "All failed");
    panel("failed", "Failed runs", failed.rows.len(), failed.next.is_some(), all, &list)
}

fn files(broken: &[&Workflow], outside: &[String]) -> Markup {
    let list = html! {
        @for workflow in broken { (problems::of_file(workflow)) }
        @if !outside.is_empty() { div class="excerpt" { @for problem in outside { p { (problem) } } } }
    };
    panel("failed", "Files with problems", broken.len() + outside.len(), false, ("/workflows", "Workflows"), &list)
}

fn waiting_runs(visit: &Visit, waiting: &Rows<Run>) -> Markup {
    let clock = visit.clock();
    let list = html! { ul class="list" { @for run in &waiting.rows { li {
        div class="what" {
            a class="main-link" href={ "/runs/" (run.id) } { (run.workflow) }
            @if let Some(label) = &run.label { span class="soft lab" { (label) } }
        }
        div class="fact" { "accepted" small { (clock.since(&run.accepted_at)) " ago" } }
        div class="do" { a class="btn small" href={ "/runs/" (run.id) } { "Open" } }
    } } } };
    panel(
        "waiting",
        "Waiting",
        waiting.rows.len(),
        waiting.next.is_some(),
        ("/runs?state=waiting", "All waiting"),
        &list,
    )
}

/// The first file of a new project.
const FIRST: &str = "name: Hello
trigger: { webhook: { response: wait, auth: none } }
input: { name: { type: text, default: World } }
output: \"Hello, {name}\"";

fn first_steps(visit: &Visit) -> Markup {
    let base = visit.app.engine.config().public_url.clone().unwrap_or_default();
    html! {
        ol class="steps1 panel pad" {
            li class="done" { div { h2 class="h3" { "The engine runs" } p { "It has no workflows yet." } } }
            li { div {
                h2 class="h3" { "Write a workflow" } p { "Save this as " code { "workflows/hello.yaml" } " in the folder of the project." }
                (copied_box("first-file", FIRST))
            } }
            li { div {
                h2 class="h3" { "Load this page again" } p { "The engine reads the file when it changes, and says here if something is wrong with it." }
                a class="btn" href="/" { (icon("retry")) "Load again" }
            } }
            li { div { h2 class="h3" { "Call it" } p { "Send a request to " code { (base.trim_end_matches('/')) "/hooks/hello?name=Anna" } ", and see its run under Runs." } } }
        }
    }
}
