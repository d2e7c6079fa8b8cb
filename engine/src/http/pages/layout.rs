//! The frame of all pages: navigation, tree of workflows, header, and the bar of small screens.

use super::assets::{ADDRESSES, SYMBOLS};
use super::page::{Content, Place};
use super::parts::{form_text, icon};
use super::visit::{Visit, cookie};
use crate::http::api::workflows::Workflow;
use axum::http::HeaderMap;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::collections::BTreeMap;

/// The cookie of the colours, for browsers without script.
pub const THEME: &str = "flowscript-theme";

/// What the frame shows beside the page.
pub struct Around {
    /// All workflows, by id.
    pub workflows: Vec<Workflow>,
    /// The workflows of held lanes, a lane each.
    pub held: Vec<String>,
    /// There are more held lanes.
    pub more_held: bool,
}

/// A whole document.
pub fn document(title: &str, headers: &HeaderMap, head: &Markup, body: &Markup) -> Markup {
    let theme = cookie(headers, THEME).filter(|theme| matches!(*theme, "light" | "dark"));
    html! {
        (DOCTYPE)
        html lang="en" data-theme=[theme] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · flowscript" }
                link rel="icon" href=(ADDRESSES.icon) type="image/svg+xml";
                link rel="stylesheet" href=(ADDRESSES.style);
                script src=(ADDRESSES.script) defer {}
                (head)
            }
            body { (PreEscaped(SYMBOLS)) (body) }
        }
    }
}

/// The mark.
pub fn mark() -> Markup {
    html! {
        svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true" {
            rect class="a" x="2" y="2.5" width="16" height="4" rx="2" {}
            rect class="a" x="2" y="8" width="10.5" height="4" rx="2" {}
            rect class="b" x="2" y="13.5" width="4" height="4" rx="2" {}
        }
    }
}

/// A page in its frame.
pub fn framed(visit: &Visit, around: &Around, content: &Content) -> Markup {
    let body = html! {
        a class="skip" href="#main" { "To the content" }
        div class="shell" {
            (side(visit, around, content.place))
            div class="page" {
                (header(visit, content))
                main id="main" class={ "main" (if content.wide { " wide" } else { "" }) } tabindex="-1" { (content.body) }
            }
        }
        nav class="tabbar" aria-label="Main, small screens" {
            @for place in Place::FIRST { (place_link(place, content.place, None)) }
        }
    };
    document(&content.title, &visit.headers, &html! {}, &body)
}

fn place_link(place: Place, current: Place, count: Option<&str>) -> Markup {
    let (path, title, symbol) = place.shown();
    let is_current = (place == current).then_some("page");
    html! {
        a href=(path) aria-current=[is_current] {
            (icon(symbol)) span { (title) }
            @if let Some(count) = count { span class="count hot" { (count) } }
        }
    }
}

fn side(visit: &Visit, around: &Around, current: Place) -> Markup {
    let more = if around.more_held { "+" } else { "" };
    let held = (!around.held.is_empty()).then(|| format!("{}{more} held", around.held.len()));
    let zone = visit.app.engine.config().time_zone.name();
    html! {
        aside class="side" {
            a class="brand" href="/" { (mark()) span class="word" { "flowscript" } }
            nav class="nav" aria-label="Main" id="live-nav" data-live {
                @for place in Place::ALL {
                    (place_link(place, current, held.as_deref().filter(|_| place == Place::Lanes)))
                }
            }
            @if !around.workflows.is_empty() {
                h4 { "Workflows" }
                nav class="tree" aria-label="Workflows" { (tree(visit, around)) }
            }
            div class="foot" {
                span { "Times in " (zone) }
                span { "flowscript " (env!("CARGO_PKG_VERSION")) }
            }
        }
    }
}

/// The workflows by folder, which is the part of the id before its last dot.
fn tree(visit: &Visit, around: &Around) -> Markup {
    let mut folders: BTreeMap<&str, Vec<(&str, &Workflow)>> = BTreeMap::new();
    for workflow in around.workflows.iter().filter(|workflow| workflow.present) {
        let (folder, name) = workflow.id.rsplit_once('.').unwrap_or(("", &workflow.id));
        folders.entry(folder).or_default().push((name, workflow));
    }
    let path = visit.uri.path();
    let leaf = |name: &str, workflow: &Workflow| {
        let (class, title) = dot(workflow, around);
        let address = format!("/workflows/{}", workflow.id);
        html! {
            a href=(address) aria-current=[(path == address).then_some("page")] title=(workflow.id) {
                i class={ "dot " (class) } title=(title) {}
                span { (name) }
            }
        }
    };
    html! {
        @for (folder, workflows) in &folders {
            @if folder.is_empty() {
                @for (name, workflow) in workflows { (leaf(name, workflow)) }
            } @else {
                details open {
                    summary { (icon("chev")) span { (folder) "/" } }
                    @for (name, workflow) in workflows { (leaf(name, workflow)) }
                }
            }
        }
    }
}

fn dot(workflow: &Workflow, around: &Around) -> (&'static str, &'static str) {
    if workflow.problems.iter().any(|problem| problem.severity == "error") {
        ("bad", "file did not load")
    } else if around.held.contains(&workflow.id) {
        ("held", "a lane is held")
    } else if workflow.active {
        ("", "on")
    } else {
        ("off", "off")
    }
}

fn header(visit: &Visit, content: &Content) -> Markup {
    let role = visit.role.as_str();
    let label = if visit.label.is_empty() { role } else { &visit.label };
    html! {
        header class="topbar" {
            a class="brand only-p" href="/" aria-label="flowscript, home" { (mark()) }
            nav class="crumbs" aria-label="Where you are" {
                @for (path, title) in &content.above {
                    a href=(path) { (title) } span class="sep" aria-hidden="true" { "/" }
                }
                span aria-current="page" { (content.title) }
            }
            form class="find" role="search" action="/runs" {
                (icon("search"))
                input type="search" name="text" placeholder="Run, label, key, error" aria-label="Search runs";
                kbd { "/" }
            }
            @if let Some(events) = &content.live {
                button class="btn small" type="button" data-live-show hidden { "Changed" }
                span class="live" role="status" data-live-state=(events) hidden { "Live" }
            }
            form method="post" action="/theme" {
                (form_text(visit))
                input type="hidden" name="next" value=(visit.uri.path_and_query().map_or("/", |path| path.as_str()));
                button class="btn quiet icon" data-theme-switch title="Light or dark" aria-label="Light or dark" { (icon("theme")) }
            }
            details class="menu" {
                summary class="btn quiet small" aria-label={ (label) ", account" } { (icon("user")) span class="not-p" { (label) } }
                div {
                    a href="/settings" { (icon("key")) "Role " (role) " · settings" }
                    a href="/playground" { (icon("play-g")) "Playground" }
                    form method="post" action="/sign-out" { (form_text(visit)) button { "Sign out" } }
                    form method="post" action="/sign-out/everywhere" { (form_text(visit)) button { "Sign out everywhere" } }
                }
            }
        }
    }
}
