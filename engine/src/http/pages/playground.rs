//! `/playground`: evaluates FlowScript.

use super::page::{Answer, Content, Operation, Page, Place};
use super::parts::{copied_box, form_text, icon, indented, why_off};
use super::visit::Visit;
use crate::engine::Role;
use crate::http::api::evaluate::{self, Evaluated, Evaluation};
use crate::http::api::input::GivenWithRoom;
use crate::http::api::resource::{Load, Method};
use crate::http::problem::Problem;
use maud::{Markup, html};
use serde_json::Value as Json;
use serde_json::value::RawValue;
use std::future::ready;

/// The row of this page.
pub const PAGE: Page = Page {
    operations: &[
        Operation {
            method: Method::Get,
            path: "/playground",
            access: Role::Viewer,
            load: Load::Small,
            call: |visit| Box::pin(ready(Ok(show(&visit)))),
        },
        Operation {
            method: Method::Post,
            path: "/playground",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(run(visit)),
        },
    ],
};

/// What a new visitor finds in the editor.
const EXAMPLE: &str = "// What to order again, the most expensive first.
let items = [
  {sku: 'A100', stock: 3, minimum: 10, price: 12.50},
  {sku: 'B200', stock: 40, minimum: 5, price: 3},
];
let low = items where stock < minimum;
return select sku, cost: (minimum - stock) * price from low;
";

fn show(visit: &Visit) -> Answer {
    page(visit, EXAMPLE, "{}", &html! { div class="empty" { p { "Run the script to see its value." } } })
}

async fn run(visit: Visit) -> Result<Answer, Problem> {
    let source = visit.given("source").unwrap_or_default().replace("\r\n", "\n");
    let input = visit.given("input").unwrap_or("{}").to_owned();
    let shown = match RawValue::from_string(input.clone()) {
        Err(error) => failed(&format!("The input is not JSON: {error}.")),
        Ok(variables) => {
            let wanted = Evaluation { source: source.clone(), input: Some(variables) };
            match evaluate::evaluate(visit.state(), GivenWithRoom(wanted, None)).await {
                Ok(done) => result(&visit, &source, &done.0),
                Err(problem) if problem.status() < 500 => failed(problem.detail()),
                Err(problem) => return Err(problem),
            }
        }
    };
    Ok(page(&visit, &source, &input, &shown))
}

fn page(visit: &Visit, source: &str, input: &str, result: &Markup) -> Answer {
    let body = html! {
        div class="head" { div { h1 { "Playground" } p { "FlowScript as the engine runs it. Nothing outside is reached, nothing is kept." } } }
        (why_off(visit))
        form class="pg section0" action="/playground" method="post" {
            (form_text(visit))
            div class="stack" {
                section class="panel" aria-labelledby="script-title" {
                    header { h2 id="script-title" { "Script" } div class="push" { button class="btn small primary" type="submit" disabled[!visit.is_admin()] { (icon("run")) "Run" } } }
                    div class="in" { textarea class="area" name="source" rows="16" spellcheck="false" aria-labelledby="script-title" { "\n" (source) } }
                }
                section class="panel" aria-labelledby="input-title" {
                    header { h2 id="input-title" { "Input" } span class="s dim" { "a JSON object; its fields become variables" } }
                    div class="in" { textarea class="area" name="input" rows="4" spellcheck="false" aria-labelledby="input-title" { "\n" (input) } }
                }
            }
            div class="stack" {
                section class="panel" aria-labelledby="result-title" { header { h2 id="result-title" { "Result" } } (result) }
            }
        }
    };
    let title = "Playground".to_owned();
    Answer::Shown(Content { title, place: Place::Playground, above: Vec::new(), wide: true, live: None, body })
}

fn failed(why: &str) -> Markup {
    html! { div class="errbox" { p class="msg" id="result" { (why) } } }
}

fn result(visit: &Visit, source: &str, done: &Evaluated) -> Markup {
    let clock = visit.clock();
    html! {
        @for error in &done.errors { (one_error(source, error)) }
        @if done.ok {
            div class="in stack" {
                (copied_box("result", &indented(done.value.get())))
                @if let Some(shown) = &done.shown { details { summary class="s dim" { "In the notation of the language" } (copied_box("shown", shown)) } }
            }
            footer { span { "Type " code { (done.r#type) } } }
        }
        @if !done.log.is_empty() {
            ol class="log" { @for line in &done.log { li class=(line.level) { (clock.exact(&line.at)) span class="lv" { (line.level) } p { (line.message) } } } }
        }
    }
}

/// An error with the line that it is about.
fn one_error(source: &str, error: &Json) -> Markup {
    let text = |name: &str| error[name].as_str().unwrap_or_default();
    let line = error["line"].as_u64().unwrap_or_default();
    let written = usize::try_from(line).ok().and_then(|line| source.lines().nth(line.checked_sub(1)?));
    html! {
        div class="errbox" {
            p class="msg" { (text("message")) }
            p class="s soft" { code { (text("code")) } @if line > 0 { " · line " (line) ", column " (error["column"].as_u64().unwrap_or_default()) } @if !text("hint").is_empty() { " · " (text("hint")) } }
        }
        @if let Some(written) = written {
            div class="code" tabindex="0" role="group" aria-label="The line of the error" { div class="lines" { div class="fs bad" { span class="ln" { (line) } span class="src" { (written) } } } }
        }
    }
}
