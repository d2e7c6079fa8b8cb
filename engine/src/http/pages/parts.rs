//! The parts of pages: icons, states, notes, forms, values.

use super::visit::Visit;
use maud::{Markup, html};
use serde_json::Value as Json;

/// The most of a value that a page shows, in bytes.
const MOST_SHOWN: usize = 64 << 10;

/// An icon without a meaning of its own.
pub fn icon(name: &str) -> Markup {
    html! { svg class="i" aria-hidden="true" { use href={ "#i-" (name) } {} } }
}

/// The shape of a state.
fn shape(state: &str) -> Markup {
    html! { svg viewBox="0 0 16 16" aria-hidden="true" { use href={ "#s-" (state) } {} } }
}

/// Class, shape and word of a state of the API.
fn named(state: &str) -> (&'static str, &'static str) {
    match state {
        "queued" => ("queued", "Queued"),
        "running" => ("running", "Running"),
        "waiting" => ("waiting", "Waiting"),
        "backOff" => ("waiting", "Back-off"),
        "completed" => ("completed", "Completed"),
        "withErrors" => ("partly", "With errors"),
        "failed" => ("failed", "Failed"),
        "timedOut" => ("timedOut", "Timed out"),
        "cancelled" => ("cancelled", "Cancelled"),
        "interrupted" => ("cancelled", "Interrupted"),
        "skipped" => ("skipped", "Skipped"),
        "held" => ("held", "Held"),
        "paused" => ("paused", "Paused"),
        "finished" => ("completed", "Finished"),
        "active" => ("queued", "Active"),
        _ => ("queued", "Unknown"),
    }
}

/// A state with its word.
pub fn state(name: &str) -> Markup {
    let (class, word) = named(name);
    html! { span class={ "state " (class) } { (shape(class)) (word) } }
}

/// A state in the title of a page.
pub fn big_state(name: &str) -> Markup {
    let (class, word) = named(name);
    html! { span class={ "state big " (class) } { (shape(class)) (word) } }
}

/// The shape of a state, whose word is there for screen readers.
pub fn state_mark(name: &str) -> Markup {
    let (class, word) = named(name);
    html! { span class={ "state " (class) } title=(word) { (shape(class)) span class="sr" { (word) } } }
}

/// A note: `warn`, `bad`, `info` or nothing.
pub fn note(kind: &str, icon_name: &str, text: Markup) -> Markup {
    html! { div class={ "note " (kind) } { (icon(icon_name)) div { (text) } } }
}

/// The line that says why actions are off, for viewers.
pub fn why_off(visit: &Visit) -> Markup {
    html! {
        @if !visit.is_admin() {
            (note("", "info", html! { "Your token has the role viewer: actions are shown, but off. They need the role admin." }))
        }
    }
}

/// The hidden field that each form carries.
pub fn form_text(visit: &Visit) -> Markup {
    html! { input type="hidden" name="form" value=(visit.form_text()); }
}

/// A button of an action.
pub struct Button<'b> {
    /// Its classes, such as `primary` or `small`.
    pub class: &'b str,
    /// Its icon.
    pub icon: &'b str,
    /// Its words.
    pub label: &'b str,
}

/// A form with hidden fields and one button. Viewers see it off.
pub fn action(visit: &Visit, path: &str, fields: &[(&str, &str)], button: &Button<'_>) -> Markup {
    let Button { class, icon: name, label } = button;
    html! {
        form method="post" action=(path) {
            (form_text(visit))
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button class={ "btn " (class) } type="submit" disabled[!visit.is_admin()] { (icon(name)) (label) }
        }
    }
}

/// A link to the page that previews an action. Viewers see it off.
pub fn leads_to(visit: &Visit, path: &str, button: &Button<'_>) -> Markup {
    let Button { class, icon: name, label } = button;
    html! {
        @if visit.is_admin() {
            a class={ "btn " (class) } href=(path) { (icon(name)) (label) }
        } @else {
            button class={ "btn " (class) } type="button" disabled { (icon(name)) (label) }
        }
    }
}

/// A button that copies the text of an element.
pub fn copy_button(id: &str) -> Markup {
    html! {
        button class="btn icon mini quiet" type="button" data-copy=(id) title="Copy" aria-label="Copy" { (icon("copy")) }
    }
}

/// Text in a box with a button that copies it.
pub fn copied_box(id: &str, text: &str) -> Markup {
    html! {
        div class="boxw" {
            span class="corner" { (copy_button(id)) }
            div class="code box wrap" tabindex="0" { pre id=(id) { (text) } }
        }
    }
}

/// A value as JSON, its beginning if it is long. `all` leads to the whole value.
pub fn value_box(json: &str, all: &str) -> Markup {
    let is_cut = json.len() > MOST_SHOWN;
    html! {
        div class="boxw" { div class="code box wrap" tabindex="0" role="group" aria-label="Value" { pre { @if is_cut { (beginning(json)) "…" } @else { (coloured(json)) } } } }
        @if is_cut {
            p class="s dim" { "The first " (MOST_SHOWN >> 10) " of " (json.len() >> 10) " KiB. " a href=(all) { "All of it" } }
        }
    }
}

fn beginning(text: &str) -> &str {
    let end = (0..=MOST_SHOWN.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

/// The whole JSON, indented.
pub fn indented(json: &str) -> String {
    let tree: Result<Json, _> = serde_json::from_str(json);
    tree.and_then(|tree| serde_json::to_string_pretty(&tree)).unwrap_or_else(|_| json.to_owned())
}

/// Indented JSON with its keys, texts and numbers marked.
fn coloured(json: &str) -> Markup {
    match serde_json::from_str::<Json>(json) {
        Ok(tree) => coloured_tree(&tree, 0),
        Err(_) => html! { (json) },
    }
}

/// A list or record that is written on one line.
const SHORT_LINE: usize = 60;

fn coloured_tree(tree: &Json, level: usize) -> Markup {
    let is_short = tree.to_string().len() <= SHORT_LINE;
    let line = |level: usize| if is_short { " ".to_owned() } else { format!("\n{}", "  ".repeat(level)) };
    let comma = |at: usize, length: usize| if at + 1 < length { "," } else { "" };
    html! {
        @match tree {
            Json::String(text) => span class="st" { (Json::from(text.as_str()).to_string()) },
            Json::Number(number) => span class="nu" { (number.to_string()) },
            Json::Null | Json::Bool(_) => span class="kw" { (tree.to_string()) },
            Json::Array(items) if items.is_empty() => "[]",
            Json::Object(fields) if fields.is_empty() => "{}",
            Json::Array(items) => {
                "["
                @for (at, item) in items.iter().enumerate() {
                    (if is_short && at == 0 { String::new() } else { line(level + 1) })
                    (coloured_tree(item, level + 1)) (comma(at, items.len()))
                }
                (if is_short { String::new() } else { line(level) }) "]"
            },
            Json::Object(fields) => {
                "{"
                @for (at, (name, value)) in fields.iter().enumerate() {
                    (line(level + 1)) span class="k" { (Json::from(name.as_str()).to_string()) } ": "
                    (coloured_tree(value, level + 1)) (comma(at, fields.len()))
                }
                (line(level)) "}"
            },
        }
    }
}

/// A choice of a form.
pub fn choice(name: &str, label: &str, options: &[(&str, &str)], chosen: Option<&str>) -> Markup {
    html! {
        div class="field" {
            label for={ "f-" (name) } { (label) }
            select class="input" id={ "f-" (name) } name=(name) {
                option value="" { "any" }
                @for (value, word) in options {
                    option value=(value) selected[chosen == Some(*value)] { (word) }
                }
            }
        }
    }
}

/// A line of text in a form.
pub fn line(name: &str, label: &str, value: Option<&str>, hint: &str) -> Markup {
    html! {
        div class="field" {
            label for={ "f-" (name) } { (label) }
            input class="input" id={ "f-" (name) } name=(name) value=[value] placeholder=(hint) autocomplete="off" spellcheck="false";
        }
    }
}

/// A number with its thousands apart.
pub fn number(number: usize) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// The number of something with the right form of its word.
pub fn counted(number_of: usize, one: &str, more: &str) -> String {
    format!("{} {}", number(number_of), if number_of == 1 { one } else { more })
}

/// A message of the engine: what is between backticks is code.
pub fn prose(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() { @if at % 2 == 1 { code { (part) } } @else { (part) } }
    }
}

/// A part of a path, encoded.
pub fn encoded(part: &str) -> String {
    percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_and_keep_their_digits() {
        let shown = coloured(r#"{"<b>": ["</pre><script>", 12345678901234567890.10, null]}"#).into_string();
        assert!(!shown.contains("<b>") && !shown.contains("<script>"), "{shown}");
        assert!(shown.contains("&lt;b&gt;") && shown.contains("12345678901234567890.10"), "{shown}");
        assert_eq!(coloured("<i>").into_string(), "&lt;i&gt;");
    }

    #[test]
    fn long_values_are_cut_at_a_character() {
        let long = format!("\"{}\"", "é".repeat(MOST_SHOWN));
        let shown = value_box(&long, "/all").into_string();
        assert!(shown.len() < MOST_SHOWN + 1000 && shown.contains("href=\"/all\""));
    }

    #[test]
    fn numbers_and_words() {
        assert_eq!([0, 999, 1000, 58_306, 10_000_000].map(number), ["0", "999", "1,000", "58,306", "10,000,000"]);
        assert_eq!(counted(1, "run", "runs"), "1 run");
        assert_eq!(prose("no `<b>` here").into_string(), "no <code>&lt;b&gt;</code> here");
    }
}
