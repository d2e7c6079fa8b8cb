//! `/runs/{id}`: a run with its steps in order, its error, variables, input, output, attempts and log, and what can be
//! done about it.

use super::page::{Answer, Content, Operation, Page, Place};
use super::parts::{
    Button, action, big_state, copy_button, counted, encoded, form_text, icon, indented, leads_to, note, number,
    state_mark, value_box, why_off,
};
use super::runs::state_of;
use super::timeline::{self, Timeline};
use super::times::Clock;
use super::visit::Visit;
use crate::engine::Role;
use crate::http::api::control;
use crate::http::api::input::{At, Holder};
use crate::http::api::log::Line;
use crate::http::api::resource::{Load, Method};
use crate::http::api::runs::{self, RunDetails};
use crate::http::api::steps::{Step, VariableChange};
use crate::http::problem::Problem;
use maud::{Markup, html};
use std::collections::HashMap;

/// The row of this page.
pub const PAGE: Page = Page {
    operations: &[
        Operation {
            method: Method::Get,
            path: "/runs/{id}",
            access: Role::Viewer,
            load: Load::Run,
            call: |visit| Box::pin(show(visit)),
        },
        Operation {
            method: Method::Get,
            path: "/runs/{id}/value/{name}",
            access: Role::Viewer,
            load: Load::Run,
            call: |visit| Box::pin(value(visit)),
        },
        Operation {
            method: Method::Post,
            path: "/runs/{id}/retry",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(act(visit, Act::Retry)),
        },
        Operation {
            method: Method::Post,
            path: "/runs/{id}/rerun",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(act(visit, Act::Rerun)),
        },
        Operation {
            method: Method::Get,
            path: "/runs/{id}/cancel",
            access: Role::Admin,
            load: Load::Run,
            call: |visit| Box::pin(confirm(visit, Act::Cancel)),
        },
        Operation {
            method: Method::Post,
            path: "/runs/{id}/cancel",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(act(visit, Act::Cancel)),
        },
        Operation {
            method: Method::Get,
            path: "/runs/{id}/skip",
            access: Role::Admin,
            load: Load::Run,
            call: |visit| Box::pin(confirm(visit, Act::Skip)),
        },
        Operation {
            method: Method::Post,
            path: "/runs/{id}/skip",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(act(visit, Act::Skip)),
        },
    ],
};

/// What can be done about a run.
#[derive(Clone, Copy)]
enum Act {
    Retry,
    Rerun,
    Cancel,
    Skip,
}

async fn act(visit: Visit, act: Act) -> Result<Answer, Problem> {
    let (state, id) = (visit.state(), visit.part("id"));
    match act {
        Act::Retry => control::retry(state, At(id.clone())).await.map(drop)?,
        Act::Cancel => control::cancel(state, At(id.clone())).await.map(drop)?,
        Act::Skip => control::skip(state, At(id.clone())).await.map(drop)?,
        Act::Rerun => {
            let run = control::run_again(&visit.app, &id).await?;
            return Ok(Answer::Goes(format!("/runs/{run}")));
        }
    }
    Ok(Answer::Goes(format!("/runs/{id}")))
}

async fn read(visit: &Visit) -> Result<RunDetails, Problem> {
    Ok(runs::show(visit.state(), At(visit.part("id")), Holder(visit.role)).await?.0)
}

/// A whole value as a file.
async fn value(visit: Visit) -> Result<Answer, Problem> {
    let run = read(&visit).await?;
    let name = visit.part("name");
    let text = match name.as_str() {
        "input" => &run.input,
        "output" => &run.run.output,
        "payload" => &run.payload,
        "answer" => &run.answer,
        _ => return Err(Problem::not_found(format!("A run has no `{name}`."))),
    };
    Ok(Answer::File(format!("{}-{name}.json", run.run.id), indented(text.get())))
}

async fn show(visit: Visit) -> Result<Answer, Problem> {
    let run = read(&visit).await?;
    let (details, clock) = (&run.run, visit.clock());
    let chosen = timeline::chosen(&run.steps, visit.asked("step").as_deref(), visit.asked("attempt").as_deref());
    let timeline =
        Timeline { run: &run, clock, chosen, first: visit.asked("first").and_then(|first| first.parse().ok()) };
    let body = html! {
        (head(&visit, &run))
        div class="rungrid" id="live" data-live {
            (timeline.shown())
            (log(&clock, &run.log))
            div class="r-det" {
                @match chosen.and_then(|at| run.steps.get(at)) {
                    Some(step) => (step_panel(&clock, &run, step)),
                    None => (whole(&run)),
                }
            }
        }
    };
    let above = vec![
        ("/runs".to_owned(), "Runs".to_owned()),
        (format!("/workflows/{}", details.workflow), details.workflow.clone()),
    ];
    let title = short_id(&details.id);
    let live = details.ended_at.is_none().then(|| format!("/events?run={}", details.id));
    Ok(Answer::Shown(Content { title, place: Place::Runs, above, wide: true, live, body }))
}

/// The beginning and the end of an id: runs of the same time begin alike.
pub fn short_id(id: &str) -> String {
    match (id.get(..8), id.get(id.len().saturating_sub(4)..)) {
        (Some(start), Some(end)) if id.len() > 16 => format!("{start}…{end}"),
        _ => id.to_owned(),
    }
}

fn head(visit: &Visit, run: &RunDetails) -> Markup {
    let (details, clock) = (&run.run, visit.clock());
    let took = clock.took(details.started_at.as_deref(), details.ended_at.as_deref());
    html! {
        div class="head" id="live-head" data-live {
            div {
                div class="row" {
                    h1 { (details.workflow) @if let Some(label) = &details.label { " " span class="dim" { (label) } } }
                    (big_state(state_of(details)))
                }
                dl class="facts" {
                    (fact("Run", &html! { code id="run-id" { (details.id) } (copy_button("run-id")) }))
                    (fact("Accepted", &html! { (clock.at(&details.accepted_at)) " by " (details.trigger) }))
                    @if let Some(at) = &details.scheduled_for { (fact("Occurrence", &clock.at(at))) }
                    @if let Some(at) = &details.started_at { (fact("Started", &clock.at(at))) }
                    @if let Some(took) = &took { (fact(if details.ended_at.is_some() { "Took" } else { "For" }, &html! { (took) })) }
                    @if let Some(version) = &details.version { (fact("Version", &html! { code title=(version) { (version.get(..8).unwrap_or(version)) } })) }
                    @if let Some(lane) = &details.lane {
                        (fact("Lane", &html! { a href={ "/lanes?workflow=" (encoded(&details.workflow)) } { (lane) } @if details.holds_lane { " held by this run" } }))
                    }
                    @if let Some(cause) = &details.cause { (fact("Caused by", &html! { a href={ "/runs/" (cause) } { code { (short_id(cause)) } } })) }
                    @if run.tries.len() > 1 { (fact("Tries", &html! { (run.tries.len()) })) }
                }
            }
            div class="acts" { (acts(visit, run)) }
        }
        (why_off(visit))
    }
}

fn fact(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn acts(visit: &Visit, run: &RunDetails) -> Markup {
    let details = &run.run;
    let path = |act: &str| format!("/runs/{}/{act}", details.id);
    html! {
        @if matches!(details.state, "failed" | "timedOut") {
            (action(visit, &path("retry"), &[], &Button { class: "primary", icon: "retry", label: "Retry" }))
        }
        @if details.ended_at.is_some() && details.skipped.is_none() {
            (action(visit, &path("rerun"), &[], &Button { class: "", icon: "run", label: "Run again" }))
        } @else if details.ended_at.is_none() {
            (leads_to(visit, &path("cancel"), &Button { class: "danger", icon: "x", label: "Cancel…" }))
        }
        @if details.state == "queued" || details.holds_lane {
            (leads_to(visit, &path("skip"), &Button { class: "danger", icon: "skipto", label: "Skip…" }))
        }
    }
}

fn log(clock: &Clock, lines: &[Line]) -> Markup {
    html! {
        section class="panel r-log" aria-labelledby="log-title" {
            header {
                h2 id="log-title" { "Log" } span class="s dim" { (counted(lines.len(), "line", "lines")) }
                @if !lines.is_empty() { div class="push" { (copy_button("log")) } }
            }
            ol class="log" id="log" {
                @for line in lines {
                    li class=(line.level) {
                        (clock.exact(&line.at)) span class="lv" { (line.level) }
                        p { (line.message) @if let Some(position) = &line.position { span class="dim" { "  " (position) } } }
                    }
                }
            }
        }
    }
}

/// The error of the run with its place.
fn error_box(run: &RunDetails) -> Markup {
    html! {
        @if let Some(error) = &run.run.error {
            div class="errbox" {
                p class="msg" id="error" { (error.message) }
                @if let Some(status) = error.status { p class="s soft" { "Answered as " (status) "." } }
            }
            dl class="kv valz" {
                dt { "kind" } dd { code { (error.kind) } }
                @for (at, place) in run.places.iter().enumerate() {
                    dt { @if at == 0 { "at" } @else { "called from" } }
                    dd { code { (place.file) ":" (place.line) ":" (place.column) } }
                }
            }
        }
    }
}

/// A part of the details that opens and closes.
fn part(title: &str, beside: &str, is_open: bool, body: &Markup) -> Markup {
    html! {
        details class="sec" open[is_open] {
            summary { (icon("chev")) h3 { (title) } span class="push s dim" { (beside) } }
            div class="secin" { (body) }
        }
    }
}

/// The run as a whole: error, variables, input, output, tries.
fn whole(run: &RunDetails) -> Markup {
    let id = &run.run.id;
    let all = |name: &str| format!("/runs/{id}/value/{name}");
    let none = |why: &str| html! { p class="dim s" { (why) } };
    let output = match run.run.output.get() {
        "null" if run.run.ended_at.is_none() => none("None yet."),
        "null" => none("None, or it is not kept."),
        json => value_box(json, &all("output")),
    };
    html! {
        div class="panel" {
            header { (state_mark(state_of(&run.run))) h2 { "Run" } }
            (error_box(run))
            @if !run.variables.is_empty() {
                (part("Variables", "the last change of each", true, &changes(&last_changes(run))))
            }
            @let input = run.input.get();
            (part("Input", "", true, &if input == "null" { none("None, or it is not kept.") } else { value_box(input, &all("input")) }))
            @if run.payload.get() != "null" { (part("Request", "", input == "null", &value_box(run.payload.get(), &all("payload")))) }
            (part("Output", "", true, &output))
            @if run.answer.get() != "null" { (part("Answer to the caller", "", false, &value_box(run.answer.get(), &all("answer")))) }
            (part("Tries", &run.tries.len().to_string(), run.tries.len() > 1, &html! {
                ul class="att-l" { @for one in &run.tries { li {
                    (state_mark(one.state)) span { (one.number) }
                    @if let Some(error) = &one.error { span { (error.message) } }
                } } }
            }))
        }
    }
}

/// One step of the run: error, variables, attempts.
fn step_panel(clock: &Clock, run: &RunDetails, step: &Step) -> Markup {
    let attempts: Vec<&Step> = run.steps.iter().filter(|other| other.position == step.position).collect();
    let own = run.variables.iter().filter(|change| change.position == step.position);
    let own: Vec<&VariableChange> = own.flat_map(|step| &step.changes).collect();
    let is_place = run.run.error.as_ref().is_some_and(|error| error.position.as_ref() == Some(&step.position));
    html! {
        div class="panel" {
            header {
                (state_mark(step.state)) h2 { (step.title) } span class="tag" { (step.kind) }
                span class="s dim hide-p" { (step.position) }
                div class="push" { a class="s" href={ "/runs/" (run.run.id) } { "The run" } }
            }
            @if is_place { (error_box(run)) }
            @else if let Some(error) = &step.error { div class="errbox" { p class="msg" { (error) } } }
            @if let Some(event) = &step.waits_for {
                div class="waitbox" {
                    p class="msg" { "Waits for the event " (event) }
                    @if let Some(due) = &step.due_at { p class="s soft" { "until " (clock.at(due)) } }
                }
                @if let Some(address) = &step.callback_url {
                    dl class="kv valz" { dt { "address" } dd { code id="callback" { (address) } (copy_button("callback")) } }
                }
            } @else if let Some(due) = &step.due_at {
                div class="waitbox" { p class="msg" { "Continues at " (clock.at(due)) } }
            }
            (part("Variables", "before → after", true, &changes(&own)))
            (part("Attempts", &attempts.len().to_string(), true, &html! {
                ul class="att-l" { @for attempt in &attempts { li {
                    (state_mark(attempt.state)) span { (attempt.attempt) } (clock.exact(&attempt.started_at))
                    span class="dim" { (clock.took(Some(&attempt.started_at), attempt.ended_at.as_deref()).unwrap_or_default()) }
                    @if let Some(error) = &attempt.error { span { (error) } }
                } } }
            }))
        }
    }
}

/// The most of a variable that a table shows, in bytes.
const MOST_OF_VARIABLE: usize = 400;

/// The last change of each variable, in the order in which they were first changed.
fn last_changes(run: &RunDetails) -> Vec<&VariableChange> {
    let mut last: Vec<&VariableChange> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for change in run.variables.iter().flat_map(|step| &step.changes) {
        match places.get(change.name.as_str()) {
            Some(at) => last[*at] = change,
            None => {
                places.insert(&change.name, last.len());
                last.push(change);
            }
        }
    }
    last
}

fn changes(rows: &[&VariableChange]) -> Markup {
    let cut = |json: &str| {
        let end = (0..=MOST_OF_VARIABLE.min(json.len())).rev().find(|end| json.is_char_boundary(*end)).unwrap_or(0);
        let rest = json.len() - end;
        let cut = json.get(..end).unwrap_or_default().to_owned();
        if rest == 0 { cut } else { format!("{cut}… {} bytes more", number(rest)) }
    };
    html! {
        @if rows.is_empty() {
            p class="dim s" { "None changed, or diagnostics do not keep them." }
        } @else {
            table class="vars" {
                thead { tr { th { "Variable" } th { "Before" } th { "After" } } }
                tbody { @for change in rows { tr {
                    td { (change.name) }
                    td { @if change.before.get() == "null" { span class="dim" { "null" } } @else { del { (cut(change.before.get())) } } }
                    td { ins { (cut(change.after.get())) } }
                } } }
            }
        }
    }
}

/// The page that says what an act does before it is done.
async fn confirm(visit: Visit, act: Act) -> Result<Answer, Problem> {
    let run = read(&visit).await?;
    let id = &run.run.id;
    let (title, path, verb, symbol) = match act {
        Act::Cancel => ("Cancel this run?", format!("/runs/{id}/cancel"), "Cancel the run", "x"),
        Act::Skip => ("Skip this run?", format!("/runs/{id}/skip"), "Skip the run", "skipto"),
        Act::Retry => ("Retry this run?", format!("/runs/{id}/retry"), "Retry the run", "retry"),
        Act::Rerun => ("Run this again?", format!("/runs/{id}/rerun"), "Run again", "run"),
    };
    let done = run.steps.iter().filter(|step| step.state == "completed").count();
    let body = html! {
        div class="head" { div { h1 { (title) } p { (run.run.workflow) @if let Some(label) = &run.run.label { " · " (label) } " · it is " (run.run.state) " now. Nothing has happened yet." } } }
        form class="panel" method="post" action=(path) {
            (form_text(&visit))
            div class="in stack" { ul class="conseq" {
                @match act {
                    Act::Cancel => {
                        @if done > 0 { li { (icon("check")) span { b { "Kept:" } " what its " (counted(done, "completed step has", "completed steps have")) " done. Nothing is undone." } } }
                        li { (icon("x")) span { b { "Not done:" } " everything after. A step at work is ended; what it has sent has been sent." } }
                        li { (icon("retry")) span { "A cancelled run cannot be retried. “Run again” starts a new one." } }
                    },
                    Act::Skip => {
                        li { (icon("x")) span { "The message of this run is " b { "never processed" } "; the run stays in the history." } }
                        @if let Some(lane) = &run.run.lane { li { (icon("run")) span { "The next run of the lane " code { (lane) } " starts." } } }
                    },
                    Act::Retry => li { (icon("retry")) span { "It continues after its last successful acting step." } },
                    Act::Rerun => li { (icon("run")) span { "A new run with the same payload, on the current version." } },
                }
            } }
            footer {
                button class="btn danger fill" type="submit" { (icon(symbol)) (verb) }
                a class="btn" href={ "/runs/" (id) } { "Back" }
            }
        }
        @if run.run.ended_at.is_some() && matches!(act, Act::Cancel) { (note("warn", "alert", html! { "The run has ended already." })) }
    };
    let above = vec![("/runs".to_owned(), "Runs".to_owned()), (format!("/runs/{id}"), short_id(id))];
    Ok(Answer::Shown(Content { title: title.to_owned(), place: Place::Runs, above, wide: false, live: None, body }))
}
