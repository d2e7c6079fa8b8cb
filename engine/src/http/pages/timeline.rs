//! The timeline of a run: its steps in order, each with a bar over the time of the run, a window of them at a time.

use super::parts::{counted, number, state_mark};
use super::times::{Clock, millis, short};
use crate::http::api::runs::RunDetails;
use crate::http::api::steps::Step;
use maud::{Markup, html};
use url::form_urlencoded::Serializer;

/// How many rows are shown at a time.
const WINDOW: usize = 200;

/// The steps of a run.
pub struct Timeline<'r> {
    /// The run.
    pub run: &'r RunDetails,
    /// The time of the page.
    pub clock: Clock,
    /// The chosen row.
    pub chosen: Option<usize>,
    /// The first row that was asked for.
    pub first: Option<usize>,
}

/// The row of the step that was asked for; of the one that failed, if none was.
pub fn chosen(steps: &[Step], position: Option<&str>, attempt: Option<&str>) -> Option<usize> {
    let position = position?;
    let attempt: Option<u32> = attempt.and_then(|attempt| attempt.parse().ok());
    steps.iter().rposition(|step| step.position == position && attempt.is_none_or(|attempt| attempt == step.attempt))
}

impl Timeline<'_> {
    /// The panel.
    pub fn shown(&self) -> Markup {
        let steps = &self.run.steps;
        let first = self.window();
        let rows: Vec<(usize, &Step)> = steps.iter().enumerate().skip(first).take(WINDOW).collect();
        let (start, end) = self.span();
        html! {
            section class="panel r-time" aria-labelledby="steps-title" {
                header {
                    h2 id="steps-title" { "Steps" } span class="s dim" { (counted(steps.len(), "attempt", "attempts")) }
                    @if steps.len() > WINDOW { div class="push" { (self.windows(first)) } }
                }
                @if steps.is_empty() {
                    div class="empty" { p { "No step has started." } }
                } @else {
                    div class="in gantt" {
                        div class="ticks" { span { "Step" } svg aria-hidden="true" {
                            text x="0%" y="13" text-anchor="start" { "0" }
                            text x="100%" y="13" text-anchor="end" { (short(end - start)) }
                        } }
                        @for (at, step) in rows { (self.row(at, step, start, end)) }
                    }
                }
            }
        }
    }

    /// The first row: that of the chosen step, or of the failed one, is among the rows.
    fn window(&self) -> usize {
        let steps = &self.run.steps;
        let wanted = self.chosen.or_else(|| steps.iter().rposition(|step| step.state == "failed")).unwrap_or(0);
        let first = self.first.unwrap_or(wanted / WINDOW * WINDOW);
        first.min(steps.len().saturating_sub(1))
    }

    fn windows(&self, first: usize) -> Markup {
        let length = self.run.steps.len();
        let last = (first + WINDOW).min(length);
        html! {
            div class="btns" role="group" aria-label="Window" {
                @if first > 0 { a class="btn small" href={ "?first=" (first.saturating_sub(WINDOW)) } { "‹ before" } }
                span class="btn small" { (number(first + 1)) " to " (number(last)) }
                @if last < length { a class="btn small" href={ "?first=" (last) } { "after ›" } }
            }
        }
    }

    /// The time of all steps, in milliseconds.
    fn span(&self) -> (i64, i64) {
        let steps = &self.run.steps;
        let now = self.clock.now.0;
        let start = steps.iter().filter_map(|step| millis(&step.started_at)).min().unwrap_or(now);
        let end = steps.iter().map(|step| step.ended_at.as_deref().map_or(Some(now), millis).unwrap_or(now)).max();
        (start, end.unwrap_or(start).max(start + 1))
    }

    fn row(&self, at: usize, step: &Step, start: i64, end: i64) -> Markup {
        let from = millis(&step.started_at).unwrap_or(start);
        let to = step.ended_at.as_deref().and_then(millis).unwrap_or(self.clock.now.0).max(from);
        let part = |millis: i64| 100.0 * (millis - start) as f64 / (end - start) as f64;
        // A bar of a step that took no time is still seen.
        let (x, width) = (part(from).min(99.4), (part(to) - part(from)).max(0.6));
        let (row, bar) = match step.state {
            "failed" => ("g failed", "f-fail"),
            "running" => ("g", "f-run"),
            "waiting" | "backOff" => ("g", "o-wait"),
            "completed" => ("g", "f-ok"),
            _ => ("g", "o-idle"),
        };
        let depth = step.position.matches(['/', '[']).count().min(4);
        html! {
            a class=(row) href=(link(step)) aria-current=[(self.chosen == Some(at)).then_some("true")] {
                span class={ "n d" (depth) } {
                    (state_mark(step.state)) span title=(step.position) { (step.title) @if step.attempt > 1 { " · " (step.attempt) } }
                    small { (self.clock.took(Some(&step.started_at), step.ended_at.as_deref()).unwrap_or_default()) }
                }
                svg class="b" aria-hidden="true" {
                    rect class=(bar) x={ (format!("{x:.2}%")) } y="8" width={ (format!("{width:.2}%")) } height="10" rx="1.5" {}
                }
            }
        }
    }
}

fn link(step: &Step) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("step", &step.position).append_pair("attempt", &step.attempt.to_string());
    format!("?{}", query.finish())
}
