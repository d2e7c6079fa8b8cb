//! `/runs`: the list of runs with its filter, and the retry of several.

use super::page::{Answer, Content, Operation, Page, Place};
use super::parts::{choice, counted, encoded, form_text, icon, line, note, state, why_off};
use super::times::Clock;
use super::visit::Visit;
use crate::engine::{Cursor, Role, Timestamp};
use crate::http::api::bulk::{self, Wanted};
use crate::http::api::input::Given;
use crate::http::api::paging::{PageOf, Paged};
use crate::http::api::resource::{Load, Method};
use crate::http::api::runs::{self, Run, RunFilter};
use crate::http::json::time;
use crate::http::problem::Problem;
use chrono::{NaiveDateTime, TimeDelta};
use flowscript_lang::value::{Zone, offset_at};
use maud::{Markup, html};
use url::form_urlencoded::Serializer;

/// The row of this page.
pub const PAGE: Page = Page {
    operations: &[
        Operation {
            method: Method::Get,
            path: "/runs",
            access: Role::Viewer,
            load: Load::Small,
            call: |visit| Box::pin(list(visit)),
        },
        Operation {
            method: Method::Get,
            path: "/runs/retry",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(preview(visit)),
        },
        Operation {
            method: Method::Post,
            path: "/runs/retry",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(retry(visit)),
        },
    ],
};

/// The runs of a page.
const MANY: u32 = 50;

const STATES: &[(&str, &str)] = &[
    ("failed,timedOut", "failed or timed out"),
    ("queued", "queued"),
    ("running", "running"),
    ("waiting", "waiting"),
    ("completed", "completed"),
    ("failed", "failed"),
    ("timedOut", "timed out"),
    ("cancelled", "cancelled"),
    ("skipped", "skipped"),
];

const TRIGGERS: &[(&str, &str)] =
    &[("webhook", "webhook"), ("schedule", "schedule"), ("manual", "by hand"), ("failure", "failure")];

/// The parameters of the filter, as the API has them, with the words of the page.
const FILTERS: [(&str, &str); 8] = [
    ("q", "filter"),
    ("workflow", "workflow"),
    ("state", "state"),
    ("trigger", "trigger"),
    ("from", "from"),
    ("before", "before"),
    ("label", "label"),
    ("text", "text"),
];

async fn list(visit: Visit) -> Result<Answer, Problem> {
    let zone = visit.app.engine.config().time_zone;
    let of = |name: &str| visit.asked(name);
    let at = |name: &str| of(name).map(|text| instant(&text, zone).unwrap_or(text));
    let filter = RunFilter {
        q: of("q"),
        workflow: of("workflow"),
        state: of("state"),
        trigger: of("trigger"),
        from: at("from"),
        before: at("before"),
        label: of("label"),
        text: of("text"),
    };
    let page = PageOf { after: of("cursor").map(Cursor), limit: MANY };
    let found = runs::list(visit.state(), Paged(filter, page)).await?;
    let parts: Vec<(&str, String)> = FILTERS.iter().filter_map(|(name, _)| Some((*name, of(name)?))).collect();
    // An older page shows the same runs later too.
    let live = visit.asked("cursor").is_none().then(|| "/events".to_owned());
    let body = html! {
        div class="head" { div { h1 { "Runs" } } }
        div class="stack s8" { (why_off(&visit)) (filter_form(&visit)) (chips(&parts)) }
        form class="panel section0" action="/runs/retry" method="get" id="live" data-live {
            @if let Some(instant) = &found.searched_to {
                (note("warn", "clock", html! { "The search took long. It has come to runs accepted " (visit.clock().at(instant)) "; the next page continues from there." }))
            }
            (table(&visit.clock(), &found.rows, !parts.is_empty()))
            (pager(&visit, &found.rows, found.next.as_deref(), &parts))
        }
    };
    Ok(Answer::Shown(Content { title: "Runs".into(), place: Place::Runs, above: Vec::new(), wide: false, live, body }))
}

fn filter_form(visit: &Visit) -> Markup {
    let workflows = visit.app.engine.workflows();
    let names: Vec<&str> = workflows.entries().map(|entry| entry.id.as_str()).collect();
    let names: Vec<(&str, &str)> = names.iter().map(|id| (*id, *id)).collect();
    let of = |name: &str| visit.asked(name);
    html! {
        form action="/runs" role="search" aria-label="Filter" class="panel" {
            div class="in filters runfilter" {
                (line("q", "Filter", of("q").as_deref(), "state:failed since:24h took:>2s -workflow:import"))
                (choice("state", "State", STATES, of("state").as_deref()))
                (choice("workflow", "Workflow", &names, of("workflow").as_deref()))
                (choice("trigger", "Trigger", TRIGGERS, of("trigger").as_deref()))
                (line("text", "Text", of("text").as_deref(), "id, label, key or error begins with"))
                (line("label", "Label", of("label").as_deref(), "exactly"))
                (moment("from", "Accepted from", of("from").as_deref()))
                (moment("before", "Accepted before", of("before").as_deref()))
                button class="btn primary" { (icon("search")) "Search" }
            }
        }
    }
}

fn moment(name: &str, label: &str, value: Option<&str>) -> Markup {
    let id = format!("f-{name}");
    html! {
        div class="field" {
            label for=(id) { (label) }
            input class="input" id=(id) name=(name) type="datetime-local" step="1" value=[value];
        }
    }
}

/// The parts of the filter, each with a link that removes it.
fn chips(parts: &[(&str, String)]) -> Markup {
    html! {
        @if !parts.is_empty() {
            div class="chips" {
                @for (name, value) in parts {
                    @let others: Vec<(&str, String)> = parts.iter().filter(|(other, _)| other != name).cloned().collect();
                    span class="chip" {
                        b { (name) } span title=(value) { (value) }
                        a href=(address(&others, None)) aria-label={ "Remove " (name) } { (icon("x")) }
                    }
                }
            }
        }
    }
}

fn address(parts: &[(&str, String)], cursor: Option<&str>) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(parts.iter().map(|(name, value)| (*name, value.as_str())));
    query.extend_pairs(cursor.map(|cursor| ("cursor", cursor)));
    let query = query.finish();
    if query.is_empty() { "/runs".to_owned() } else { format!("/runs?{query}") }
}

/// A time that a browser gave, in the zone of the engine, as the API takes it.
fn instant(text: &str, zone: Zone) -> Option<String> {
    let formats = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"];
    let local = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
    let guess = local.and_utc().timestamp();
    // The offset at the guess is that of the time, but within a day of a change of the clocks.
    let offset = offset_at(zone, guess - i64::from(offset_at(zone, guess)));
    let at = local.checked_sub_signed(TimeDelta::seconds(i64::from(offset)))?;
    Some(time(Timestamp(at.and_utc().timestamp_millis())))
}

/// The runs as a table, whose rows are cards on small screens.
fn table(clock: &Clock, rows: &[Run], is_filtered: bool) -> Markup {
    html! {
        @if rows.is_empty() {
            div class="empty" {
                h2 { "No runs" }
                p { @if is_filtered { "No run passes this filter." } @else { "Nothing has run yet." } }
            }
        } @else {
            table class="t rn" {
                thead { tr {
                    th class="fit" { span class="sr" { "Select" } } th { "State" } th { "Workflow and label" }
                    th { "Step and result" } th class="hide-t" { "Lane" } th class="hide-p" { span class="sr" { "Trigger" } }
                    th class="num" { "Took" } th class="num" { "Accepted" }
                } }
                tbody { @for run in rows { (row(clock, run)) } }
            }
        }
    }
}

/// What a list calls a run: completed with errors is a state of its own.
pub fn state_of(run: &Run) -> &'static str {
    if run.with_errors && run.state == "completed" { "withErrors" } else { run.state }
}

fn row(clock: &Clock, run: &Run) -> Markup {
    let address = format!("/runs/{}", run.id);
    html! {
        tr data-href=(address) data-run=(run.id) {
            td class="fit" {
                @if matches!(run.state, "failed" | "timedOut") {
                    input type="checkbox" name="run" value=(run.id) data-row aria-label={ "Select run " (run.id) };
                }
            }
            td class="w-st" { (state(state_of(run))) }
            td class="w-wf" {
                a class="main-link" href=(address) { (run.workflow) }
                @if let Some(label) = &run.label { span class="soft lab" title=(label) { (label) } }
            }
            td class="max" { (result(run)) }
            td class="fit hide-t" {
                @if let Some(lane) = &run.lane {
                    a class="tag line" href={ "/lanes?workflow=" (encoded(&run.workflow)) } title=(lane) { (icon("lanes")) (lane) }
                }
            }
            td class="fit hide-p" { (trigger(run.trigger)) }
            td class="num dim" { (clock.took(run.started_at.as_deref(), run.ended_at.as_deref()).unwrap_or_default()) }
            td class="num" { (clock.at(&run.accepted_at)) }
        }
    }
}

/// The error of a run, or the beginning of its output.
pub fn result(run: &Run) -> Markup {
    html! {
        @if let Some(error) = &run.error {
            span class="cut red" title=(error.message) {
                @if let Some(position) = &error.position { code class="stp" { (position) } " " }
                (error.message)
            }
        } @else if let Some(stretch) = &run.skipped {
            span class="cut soft" { (counted(stretch.count as usize, "occurrence", "occurrences")) " skipped: " (stretch.reason) }
        } @else if run.output.get() != "null" {
            span class="cut soft" { (run.output.get()) }
        }
    }
}

fn trigger(name: &str) -> Markup {
    let symbol = match name {
        "webhook" => "hook",
        "schedule" => "clock",
        "manual" => "hand",
        _ => "alert",
    };
    html! { span title=(name) { (icon(symbol)) span class="sr" { (name) } } }
}

fn pager(visit: &Visit, rows: &[Run], next: Option<&str>, parts: &[(&str, String)]) -> Markup {
    let failed = rows.iter().any(|run| matches!(run.state, "failed" | "timedOut"));
    html! {
        div class="pager" {
            @if failed {
                button class="btn small" disabled[!visit.is_admin()] { (icon("retry")) "Retry the selected…" }
            }
            span class="push" {}
            @if visit.asked("cursor").is_some() { a href=(address(parts, None)) { "Newest" } }
            span { (counted(rows.len(), "run", "runs")) }
            @if let Some(next) = next { a class="btn small" href=(address(parts, Some(next))) { "Older" } }
        }
    }
}

/// Shows what a retry of the selected runs does.
async fn preview(visit: Visit) -> Result<Answer, Problem> {
    let ids: Vec<String> = visit.query().into_iter().filter(|(name, _)| name == "run").map(|(_, id)| id).collect();
    let mut found = Vec::new();
    for id in ids.iter().take(MANY as usize) {
        let filter = RunFilter { text: Some(id.clone()), ..RunFilter::default() };
        let page = runs::list(visit.state(), Paged(filter, PageOf { after: None, limit: 1 })).await?;
        found.extend(page.rows.into_iter().filter(|run| run.id == *id));
    }
    let known = found.iter().map(|run| run.id.clone()).collect();
    let done = bulk::retry(visit.state(), Given(Wanted::named(known, true))).await?.0;
    let is_ready = |run: &&Run| done.runs.contains(&run.id);
    let (ready, refused): (Vec<&Run>, Vec<&Run>) = found.iter().partition(is_ready);
    let clock = visit.clock();
    let row = |run: &Run| {
        html! { tr {
            td class="w-st" { (state(state_of(run))) }
            td class="w-wf" { a class="main-link" href={ "/runs/" (run.id) } { (run.workflow) } @if let Some(label) = &run.label { span class="soft lab" { (label) } } }
            td class="max" { (result(run)) }
            td class="num" { (clock.at(&run.accepted_at)) }
        } }
    };
    let title = format!("Retry {}", counted(ready.len(), "run", "runs"));
    let body = html! {
        div class="head" { div { h1 { (title) } p { "Nothing has happened yet." } } }
        form class="panel" method="post" action="/runs/retry" {
            (form_text(&visit))
            @for run in &ready { input type="hidden" name="run" value=(run.id); }
            div class="in stack" {
                ul class="conseq" {
                    li { (icon("retry")) span { b { (counted(ready.len(), "run continues", "runs continue")) } " after its last successful acting step, with the version that it began with." } }
                    li { (icon("check")) span { b { "Kept:" } " what its steps have done. No finished step is done again." } }
                    @for lane in &done.lanes {
                        li { (icon("lanes")) span { b { "Lane " (lane.key) } " of " (lane.workflow) " is free when its run has completed." } }
                    }
                    @for refusal in &done.refused { li { (icon("x")) span { b { "Not retried:" } " " (refusal.detail) } } }
                }
            }
            @if found.is_empty() { div class="empty" { p { "No run is selected." } } }
            @else { div class="scroll" { table class="t" { tbody { @for run in ready.iter().chain(&refused) { (row(run)) } } } } }
            footer {
                @if !ready.is_empty() { button class="btn primary" type="submit" { (icon("retry")) (title) } }
                a class="btn" href="/runs" { "Cancel" }
            }
        }
    };
    let above = vec![("/runs".to_owned(), "Runs".to_owned())];
    Ok(Answer::Shown(Content { title, place: Place::Runs, above, wide: false, live: None, body }))
}

async fn retry(visit: Visit) -> Result<Answer, Problem> {
    let ids = visit.form.iter().filter(|(name, _)| name == "run").map(|(_, id)| id.clone()).collect();
    let done = bulk::retry(visit.state(), Given(Wanted::named(ids, false))).await?.0;
    let title = format!("{} queued again", counted(done.runs.len(), "run is", "runs are"));
    let body = html! {
        div class="head" { div { h1 { (title) } } }
        div class="stack" {
            @for refusal in &done.refused {
                (note("warn", "alert", html! { a href={ "/runs/" (refusal.run_id) } { (refusal.run_id) } ": " (refusal.detail) }))
            }
            div class="panel" { ul class="list" {
                @for id in &done.runs { li { a class="main-link" href={ "/runs/" (id) } { code { (id) } } } }
            } }
            div class="row" { a class="btn" href="/runs" { "All runs" } }
        }
    };
    let above = vec![("/runs".to_owned(), "Runs".to_owned())];
    Ok(Answer::Shown(Content { title, place: Place::Runs, above, wide: false, live: None, body }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_form_are_local() {
        let zone = Zone::Europe__Stockholm;
        assert_eq!(instant("2026-07-01T12:00", zone).as_deref(), Some("2026-07-01T10:00:00.000Z"));
        assert_eq!(instant("2026-12-01T12:00:05", zone).as_deref(), Some("2026-12-01T11:00:05.000Z"));
        assert_eq!(instant("2026-12-01T12:00:05Z", zone), None);
        assert_eq!(instant("soon", zone), None);
    }

    #[test]
    fn a_filter_is_its_address() {
        let parts = [("state", "failed,timedOut".to_owned()), ("text", "a&b=<c>".to_owned())];
        assert_eq!(address(&parts, Some("x")), "/runs?state=failed%2CtimedOut&text=a%26b%3D%3Cc%3E&cursor=x");
        assert_eq!(address(&[], None), "/runs");
    }
}
