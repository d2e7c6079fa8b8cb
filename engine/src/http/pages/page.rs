//! A page of the dashboard: a table of operations, each with its method and path, the required role, and its handler.

use super::visit::Visit;
use crate::engine::Role;
use crate::http::api::resource::{Load, Method};
use crate::http::problem::Problem;
use axum::response::Response;
use maud::Markup;
use std::future::Future;
use std::pin::Pin;

/// A page: one file and one row of the table of pages.
pub struct Page {
    /// What it shows and does.
    pub operations: &'static [Operation],
}

/// One operation. No field has a default.
pub struct Operation {
    /// Its method: `Get` shows something, `Post` takes a form.
    pub method: Method,
    /// Its path.
    pub path: &'static str,
    /// The lowest role of a token that may use it.
    pub access: Role,
    /// The size of what it reads.
    pub load: Load,
    /// The handler: `|visit| Box::pin(show(visit))`.
    pub call: fn(Visit) -> Answering,
}

/// An answer to come.
pub type Answering = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + Send>>;

/// The answer of a handler.
pub enum Answer {
    /// A page.
    Shown(Content),
    /// Another page to go to, after a form was taken.
    Goes(String),
    /// A text to keep, with the name of its file.
    File(String, String),
    /// A stream of events.
    Stream(Response),
}

/// The content of a page.
pub struct Content {
    /// Its title.
    pub title: String,
    /// Its place in the navigation.
    pub place: Place,
    /// The pages above it: path and title.
    pub above: Vec<(String, String)>,
    /// True if its parts have the whole width.
    pub wide: bool,
    /// Where the events come from after which its parts with `data-live` are read again.
    pub live: Option<String>,
    /// What is in it.
    pub body: Markup,
}

/// A place of the navigation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Home,
    Workflows,
    Runs,
    Lanes,
    Schedules,
    Playground,
    Settings,
}

impl Place {
    /// All places, in the order of the navigation.
    pub const ALL: [Self; 7] =
        [Self::Home, Self::Workflows, Self::Runs, Self::Lanes, Self::Schedules, Self::Playground, Self::Settings];

    /// The places that small screens show.
    pub const FIRST: [Self; 5] = [Self::Home, Self::Workflows, Self::Runs, Self::Lanes, Self::Schedules];

    /// Path, title and icon.
    pub fn shown(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Home => ("/", "Home", "home"),
            Self::Workflows => ("/workflows", "Workflows", "flow"),
            Self::Runs => ("/runs", "Runs", "runs"),
            Self::Lanes => ("/lanes", "Lanes", "lanes"),
            Self::Schedules => ("/schedules", "Schedules", "cal"),
            Self::Playground => ("/playground", "Playground", "play-g"),
            Self::Settings => ("/settings", "Settings", "key"),
        }
    }
}
