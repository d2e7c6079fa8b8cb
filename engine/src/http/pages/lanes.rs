//! `/lanes`: lanes with runs in them, what holds them, and what can be done about it.

use super::page::{Answer, Content, Operation, Page, Place};
use super::parts::{Button, action, counted, encoded, form_text, icon, leads_to, state, state_mark, why_off};
use super::run::short_id;
use super::runs::{result, state_of};
use super::visit::Visit;
use crate::engine::{Cursor, Role};
use crate::http::api::input::{At, Given};
use crate::http::api::lanes::{self, Lane, LaneFilter, LaneName};
use crate::http::api::paging::{PageOf, Paged};
use crate::http::api::resource::{Load, Method};
use crate::http::api::runs::{self, Run, RunFilter};
use crate::http::problem::Problem;
use maud::{Markup, html};

/// The row of this page.
pub const PAGE: Page = Page {
    operations: &[
        Operation {
            method: Method::Get,
            path: "/lanes",
            access: Role::Viewer,
            load: Load::Small,
            call: |visit| Box::pin(list(visit)),
        },
        Operation {
            method: Method::Post,
            path: "/lanes/{workflow}/resume",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(resume(visit)),
        },
        Operation {
            method: Method::Get,
            path: "/lanes/{workflow}/skip",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(confirm(visit)),
        },
        Operation {
            method: Method::Post,
            path: "/lanes/{workflow}/skip",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(skip(visit)),
        },
    ],
};

/// The lanes of a page.
const MANY: u32 = 100;

fn name(visit: &Visit) -> Given<LaneName> {
    Given(LaneName { key: visit.given("key").unwrap_or_default().to_owned() })
}

async fn resume(visit: Visit) -> Result<Answer, Problem> {
    lanes::resume(visit.state(), At(visit.part("workflow")), name(&visit)).await?;
    Ok(Answer::Goes("/lanes".to_owned()))
}

async fn skip(visit: Visit) -> Result<Answer, Problem> {
    lanes::skip(visit.state(), At(visit.part("workflow")), name(&visit)).await?;
    Ok(Answer::Goes("/lanes".to_owned()))
}

async fn list(visit: Visit) -> Result<Answer, Problem> {
    let held = visit.asked("held").as_deref() == Some("true");
    let filter = LaneFilter { workflow: visit.asked("workflow"), held };
    let page = PageOf { after: visit.asked("cursor").map(Cursor), limit: MANY };
    let found = lanes::list(visit.state(), Paged(filter, page)).await?;
    let workflow = visit.asked("workflow");
    let with = |held: bool| {
        let of = workflow.as_ref().map(|id| format!("workflow={}", encoded(id)));
        let parts: Vec<String> = of.into_iter().chain(held.then(|| "held=true".to_owned())).collect();
        format!("/lanes?{}", parts.join("&"))
    };
    let mut last = None;
    let body = html! {
        div class="head" { div {
            h1 { "Lanes" }
            p { "Messages that must not overtake each other run one at a time, in the order in which they were accepted. A failed run holds its lane." }
        } }
        (why_off(&visit))
        div class="filters section0" {
            div class="btns" role="group" aria-label="Which" {
                a class="btn small" href=(with(false)) aria-current=[(!held).then_some("true")] { "All" }
                a class="btn small" href=(with(true)) aria-current=[held.then_some("true")] { "Held" }
            }
            @if let Some(workflow) = &workflow {
                span class="chip" { b { "workflow" } span { (workflow) } a href=(if held { "/lanes?held=true" } else { "/lanes" }) aria-label="Remove workflow" { (icon("x")) } }
            }
        }
        div class="panel" id="live" data-live {
            @if found.rows.is_empty() { div class="empty" { h2 { @if held { "No lane is held" } @else { "No lane has runs in it" } } p { "Lanes are of workflows whose webhook is " code { "ordered" } "." } } }
            @else {
                table class="t ln-t" {
                    thead { tr { th { "Head" } th { "Key" } th class="num" { "Length" } th class="hide-p" { "After it" } th class="hide-t" { "Run" } th { span class="sr" { "Actions" } } } }
                    tbody { @for lane in &found.rows {
                        @if last != Some(&lane.workflow) { tr class="group" { td colspan="6" { b { (lane.workflow) } } } }
                        (row(&visit, lane))
                        ({ last = Some(&lane.workflow); "" })
                    } }
                }
                @if let Some(next) = &found.next { div class="pager" { span class="push" {} a class="btn small" href={ (with(held)) "&cursor=" (encoded(next)) } { "More" } } }
            }
        }
    };
    Ok(Answer::Shown(Content {
        title: "Lanes".into(),
        place: Place::Lanes,
        above: Vec::new(),
        wide: false,
        live: Some("/events".into()),
        body,
    }))
}

/// How many runs after the head are drawn.
const DRAWN: u32 = 9;

fn row(visit: &Visit, lane: &Lane) -> Markup {
    let path = format!("/lanes/{}", encoded(&lane.workflow));
    let after = lane.length.saturating_sub(1);
    html! {
        tr {
            td class="w-st" { (state(if lane.held { "held" } else { lane.head.state })) }
            td class="fit" { a class="main-link" href={ "/runs/" (lane.head.run_id) } title=(lane.key) { @if lane.key.is_empty() { "all messages" } @else { code { (lane.key) } } } }
            td class="num" { (lane.length) }
            td class="hide-p" { div class="row tight nw" { (drawing(lane)) @if after > DRAWN { span class="xs dim" { "+" (after - DRAWN) } } } }
            td class="hide-t" { a href={ "/runs/" (lane.head.run_id) } { code { (short_id(&lane.head.run_id)) } } }
            td class="num fit" { div class="row tight nw end" {
                @if lane.held { (action(visit, &format!("{path}/resume"), &[("key", &lane.key)], &Button { class: "small", icon: "retry", label: "Resume" })) }
                @if lane.held || lane.head.state == "queued" { (leads_to(visit, &format!("{path}/skip?key={}", encoded(&lane.key)), &Button { class: "small danger", icon: "skipto", label: "Skip…" })) }
            } }
        }
    }
}

fn drawing(lane: &Lane) -> Markup {
    let after = lane.length.saturating_sub(1).min(DRAWN);
    let width = 9 + after * 9;
    let head = match (lane.held, lane.head.state) {
        (true, _) => "f-fail",
        (false, "running") => "f-run",
        (false, "waiting") => "f-wait",
        (false, _) => "f-idle",
    };
    html! {
        svg class="lane-q" width=(width) height="16" viewBox={ "0 0 " (width) " 16" } role="img" aria-label={ (lane.length) " in the lane, head " (lane.head.state) } {
            rect class=(head) x="0" y="2" width="7" height="12" rx="1.5" {}
            @for at in 1..=after { rect class="f-idle" x=(at * 9) y="5" width="7" height="6" rx="1" {} }
        }
    }
}

/// The lane of the request, with the run at its head.
async fn wanted(visit: &Visit) -> Result<(Lane, Option<Run>), Problem> {
    let (workflow, key) = (visit.part("workflow"), visit.asked("key").unwrap_or_default());
    let mut after = None;
    loop {
        let filter = LaneFilter { workflow: Some(workflow.clone()), held: false };
        let page = lanes::list(visit.state(), Paged(filter, PageOf { after, limit: MANY })).await?;
        if let Some(lane) = page.rows.into_iter().find(|lane| lane.key == key) {
            let filter = RunFilter { text: Some(lane.head.run_id.clone()), ..RunFilter::default() };
            let found = runs::list(visit.state(), Paged(filter, PageOf { after: None, limit: 1 })).await?;
            return Ok((lane, found.rows.into_iter().next()));
        }
        after = page.next.map(Cursor);
        if after.is_none() {
            return Err(Problem::not_found(format!("The workflow `{workflow}` has no lane `{key}` with runs in it.")));
        }
    }
}

/// The page that says what a skip does before it is done.
async fn confirm(visit: Visit) -> Result<Answer, Problem> {
    let (lane, head) = wanted(&visit).await?;
    let after = lane.length.saturating_sub(1) as usize;
    let body = html! {
        div class="head" { div { h1 { "Skip the head of " @if lane.key.is_empty() { (lane.workflow) } @else { code { (lane.key) } } "?" } p { "This cannot be taken back: what runs after it has run. Nothing has happened yet." } } }
        form class="panel" method="post" action={ "/lanes/" (encoded(&lane.workflow)) "/skip" } {
            (form_text(&visit))
            input type="hidden" name="key" value=(lane.key);
            @if let Some(run) = &head {
                div class="in row" {
                    (state_mark(state_of(run))) a class="main-link" href={ "/runs/" (run.id) } { (run.workflow) " " code { (short_id(&run.id)) } }
                    @if let Some(label) = &run.label { span class="soft" { (label) } } (result(run))
                }
            }
            div class="in" { ul class="conseq" {
                li { (icon("x")) span { @if lane.held { "The failed run " b { "stays failed" } " and is never processed." } @else { "The queued run " b { "never runs" } "." } " It stays in the history." } }
                li { (icon("run")) span { @if after == 0 { "No other message is in the lane." } @else { b { (counted(after, "message", "messages")) } " after it " @if after == 1 { "runs" } @else { "run" } " in their order, beginning at once." } } }
                li { (icon("alert")) span { "If it is wanted later, “run again” puts it at the " b { "end" } " of the lane." } }
            } }
            footer { button class="btn danger fill" { (icon("skipto")) "Skip 1 run" } a class="btn" href="/lanes" { "Back" } }
        }
    };
    let above = vec![("/lanes".to_owned(), "Lanes".to_owned())];
    Ok(Answer::Shown(Content {
        title: "Skip the head".into(),
        place: Place::Lanes,
        above,
        wide: false,
        live: None,
        body,
    }))
}
