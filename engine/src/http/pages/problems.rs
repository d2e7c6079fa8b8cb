//! Problems of files, as several pages show them.

use super::parts::{icon, prose};
use crate::http::api::workflows::{Finding, Workflow};
use maud::{Markup, html};

/// The problems of the file of a workflow.
pub fn of_file(workflow: &Workflow) -> Markup {
    let is_kept = workflow.serving && workflow.problems.iter().any(|problem| problem.severity == "error");
    html! {
        div class="excerpt" {
            p class="soft" {
                a class="main-link" href={ "/workflows/" (workflow.id) } { (workflow.file) }
                @if is_kept { span class="dim" { " · its last good version continues to serve" } }
            }
            @for problem in &workflow.problems { (one(problem)) }
        }
    }
}

/// A problem with its place and what to do about it.
pub fn one(problem: &Finding) -> Markup {
    let (class, shape) =
        if problem.severity == "error" { ("state failed", "s-failed") } else { ("state waiting", "i-alert") };
    html! {
        div class="prob" {
            p {
                span class=(class) {
                    @if shape == "i-alert" { (icon("alert")) }
                    @else { svg viewBox="0 0 16 16" aria-hidden="true" { use href={ "#" (shape) } {} } }
                    (problem.code)
                }
                " " code class="dim" { (problem.file) ":" (problem.line) ":" (problem.column) } " " (prose(&problem.message))
            }
            @if let Some(hint) = &problem.hint { p class="dim" { (prose(hint)) } }
            @for fix in &problem.fixes { p class="dim" { "Correction: " (prose(&fix.title)) } }
        }
    }
}
