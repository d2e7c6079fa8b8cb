//! `/schedules`: when workflows start by themselves.

use super::page::{Answer, Content, Operation, Page, Place};
use super::parts::{Button, action, encoded, state, why_off};
use super::visit::Visit;
use crate::engine::{Cursor, Role};
use crate::http::api::input::At;
use crate::http::api::paging::{PageOf, Paged};
use crate::http::api::resource::{Load, Method};
use crate::http::api::schedules::{self, HowMany, Schedule};
use crate::http::problem::Problem;
use maud::{Markup, html};

/// The row of this page.
pub const PAGE: Page = Page {
    operations: &[
        Operation {
            method: Method::Get,
            path: "/schedules",
            access: Role::Viewer,
            load: Load::Small,
            call: |visit| Box::pin(list(visit)),
        },
        Operation {
            method: Method::Post,
            path: "/schedules/{workflow}/pause",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(pause(visit)),
        },
        Operation {
            method: Method::Post,
            path: "/schedules/{workflow}/resume",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(resume(visit)),
        },
    ],
};

/// The schedules of a page.
const MANY: u32 = 100;

/// The schedule of a form: its name may be a pattern with characters that paths do not have.
fn named(visit: &Visit) -> At<(String, String)> {
    At((visit.part("workflow"), visit.given("schedule").unwrap_or_default().to_owned()))
}

async fn pause(visit: Visit) -> Result<Answer, Problem> {
    schedules::pause(visit.state(), named(&visit)).await?;
    Ok(Answer::Goes("/schedules".to_owned()))
}

async fn resume(visit: Visit) -> Result<Answer, Problem> {
    schedules::resume(visit.state(), named(&visit)).await?;
    Ok(Answer::Goes("/schedules".to_owned()))
}

async fn list(visit: Visit) -> Result<Answer, Problem> {
    let page = PageOf { after: visit.asked("cursor").map(Cursor), limit: MANY };
    let found = schedules::list(visit.state(), Paged(HowMany { next: Some(5) }, page)).await?;
    let body = html! {
        div class="head" { div {
            h1 { "Schedules" }
            p { "The next occurrences of active workflows, in the zone of the engine, " (visit.app.engine.config().time_zone.name()) "." }
        } }
        (why_off(&visit))
        div class="panel section0" {
            @if found.rows.is_empty() { div class="empty" { h2 { "No schedules" } p { "Workflows with a " code { "schedule" } " trigger appear here." } } }
            @else {
                table class="t sc-t" {
                    thead { tr { th { "Schedule" } th { "Next" } th class="hide-p" { "After that" } th class="hide-t" { "State" } th { span class="sr" { "Actions" } } } }
                    tbody { @for schedule in &found.rows { (row(&visit, schedule)) } }
                }
                @if let Some(next) = &found.next { div class="pager" { span class="push" {} a class="btn small" href={ "/schedules?cursor=" (encoded(next)) } { "More" } } }
            }
        }
    };
    Ok(Answer::Shown(Content {
        title: "Schedules".into(),
        place: Place::Schedules,
        above: Vec::new(),
        wide: false,
        live: None,
        body,
    }))
}

fn row(visit: &Visit, schedule: &Schedule) -> Markup {
    let clock = visit.clock();
    html! {
        tr {
            td {
                a class="main-link" href={ "/workflows/" (encoded(&schedule.workflow)) } { (schedule.workflow) } " · " code { (schedule.schedule) }
                span class="cut s dim" { (schedule.time_zone) @if let Some(at) = &schedule.started_anew_at { " · started anew " (clock.at(at)) ": the clock was set back" } }
            }
            td { @match schedule.next.first() {
                Some(next) if schedule.state == "active" => { "in " (clock.until(next)) span class="cut s dim" { (clock.at(next)) } },
                _ => (state(schedule.state)),
            } }
            td class="hide-p" { ul class="times" { @for at in schedule.next.iter().skip(1) { li { (clock.at(at)) } } } }
            td class="hide-t" { (state(schedule.state)) }
            td class="num" { div class="row tight nw end" { (switch(visit, schedule)) } }
        }
    }
}

/// The button that pauses or resumes a schedule.
pub fn switch(visit: &Visit, schedule: &Schedule) -> Markup {
    let path = |act: &str| format!("/schedules/{}/{act}", encoded(&schedule.workflow));
    let fields = [("schedule", schedule.schedule.as_str())];
    match schedule.state {
        "paused" => action(visit, &path("resume"), &fields, &Button { class: "small", icon: "run", label: "Resume" }),
        "active" => action(visit, &path("pause"), &fields, &Button { class: "small", icon: "pause", label: "Pause" }),
        _ => html! {},
    }
}
