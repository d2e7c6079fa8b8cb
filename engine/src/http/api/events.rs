//! `/api/v1/events`: events as they happen, as server-sent events.
//!
//! The id of an event is the cursor after it. A client that returns with `Last-Event-ID` misses nothing: for events
//! that the engine no longer has, it gets `missed`, and reads its lists again.

use super::input::{Asked, run_id};
use super::log::Line;
use super::output::Stream;
use super::paging::list_failed;
use super::resource::{Call, Load, Method, Operation, Resource};
use super::shapes::{Input, Shapes};
use crate::engine::{Cursor, Event, EventPage, Role, RunId};
use crate::http::app::App;
use crate::http::headers::text;
use crate::http::problem::Problem;
use crate::told;
use axum::extract::{FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::IntoResponse;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use futures_util::stream::unfold;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::IntoParams;

/// The row of this resource.
pub const RESOURCE: Resource = Resource {
    tag: "events",
    operations: &[Operation {
        method: Method::Get,
        path: "/events",
        access: Role::Viewer,
        load: Load::Small,
        name: "follow",
        summary: "Streams events: `start`, `run`, `log`, `workflows`, `keys`, `missed`. Continues after the id in `Last-Event-ID`. The stream ends when its token expires or is removed.",
        call: || Call::of(follow),
    }],
};

/// A comment sent at intervals, so that no proxy closes the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a client whose token was removed may continue to listen.
const RECHECK: Duration = Duration::from_secs(1);
/// How long to wait after the store failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Which events are sent.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventFilter {
    /// Only events of this run.
    pub run: Option<String>,
    /// Only events of runs of this workflow, without their logs.
    pub workflow: Option<String>,
}

/// Is the credential of a client still valid?
pub type Valid = Box<dyn Fn(&App) -> bool + Send + Sync>;

/// A connected client, and its position in the events.
struct Follower {
    app: App,
    /// Is its credential still valid?
    valid: Valid,
    run: Option<RunId>,
    workflow: Option<String>,
    since: Option<Cursor>,
    /// The next events.
    ready: VecDeque<Told>,
    _place: OwnedSemaphorePermit,
}

/// An event for a follower, with the cursor after it.
struct Told {
    what: What,
    cursor: Option<Cursor>,
}

/// Lines of logs are read only when the follower takes them: a client that does not read holds none.
enum What {
    Sent(Sent),
    Log { run: RunId, first: u32, count: u32 },
}

/// The most lines of a log in one event.
const LINES: u32 = 50;

async fn follow(
    State(app): State<App>,
    Asked(filter): Asked<EventFilter>,
    LastSeen(last_seen): LastSeen,
    headers: HeaderMap,
) -> Result<Stream, Problem> {
    let valid: Valid = Box::new(move |app| app.guard.role(&app.engine, &headers).is_some());
    stream(app, filter, last_seen, valid).await
}

/// The events for a client, until its credential is no longer valid.
pub async fn stream(app: App, filter: EventFilter, last_seen: Option<String>, valid: Valid) -> Result<Stream, Problem> {
    let run = filter.run.as_deref().map(run_id).transpose()?;
    let place = app.capacity.follower().ok_or_else(|| {
        Problem::unavailable("Too many follow the events already; try again when one of them has gone.")
    })?;
    let (workflow, ready) = (filter.workflow, VecDeque::new());
    let mut follower = Follower { app, valid, run, workflow, since: None, ready, _place: place };
    match last_seen {
        Some(id) => {
            // An invalid cursor is reported now, not in the middle of the stream.
            let cursor = Cursor(id);
            let known = follower.app.engine.events(Some(cursor.clone()));
            if let Ok(known) = tokio::time::timeout(Duration::from_millis(50), known).await {
                follower.take(known.map_err(|error| list_failed(&error))?);
            } else {
                follower.since = Some(cursor);
            }
        }
        None => {
            let start = follower.app.engine.events(None).await.map_err(|error| Problem::of_store(&error))?;
            follower.ready.push_back(Told { what: sent("start", &json!({})), cursor: Some(start.next.clone()) });
            follower.since = Some(start.next);
        }
    }
    let events = unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    Ok(Stream(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()))
}

/// `Last-Event-ID`
struct LastSeen(Option<String>);

impl FromRequestParts<App> for LastSeen {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        Ok(Self(text(&parts.headers, "last-event-id").map(str::to_owned)))
    }
}

impl Input for LastSeen {
    fn describe(shapes: &mut Shapes) {
        shapes.header("Last-Event-ID", "The id of the last event that was seen.");
    }
}

impl Follower {
    /// The next event; `None` once the engine stops or the token is no longer valid.
    async fn next(&mut self) -> Option<Sent> {
        loop {
            if !(self.valid)(&self.app) {
                return None;
            }
            if let Some(Told { what, cursor }) = self.ready.pop_front() {
                match (self.shown(what).await, cursor) {
                    (Some(event), Some(cursor)) => return Some(event.id(cursor.0)),
                    (Some(event), None) => return Some(event),
                    (None, _) => continue,
                }
            }
            let page = tokio::select! {
                page = self.app.engine.events(self.since.clone()) => page,
                () = tokio::time::sleep(RECHECK) => continue,
                () = self.app.engine.stopped() => return None,
            };
            match page {
                Ok(page) => self.take(page),
                Err(error) => {
                    told::warn(&format!("events cannot be followed: {error}"));
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Prepares a page for sending. Only its last event has the page's cursor: a client that saw half of it gets all of
    /// it again.
    fn take(&mut self, page: EventPage) {
        let mut told = Vec::new();
        if page.missed {
            told.push(sent("missed", &json!({})));
        }
        for event in &page.events {
            self.tell(event, &mut told);
        }
        self.ready.extend(told.into_iter().map(|what| Told { what, cursor: None }));
        if let Some(last) = self.ready.back_mut() {
            last.cursor = Some(page.next.clone());
        }
        self.since = Some(page.next);
    }

    /// Adds the messages for an event.
    fn tell(&self, event: &Event, told: &mut Vec<What>) {
        let wanted = |run: RunId| self.run.is_none_or(|only| only == run);
        match event {
            Event::Run { run, workflow, state } => {
                let named = self.workflow.as_ref().is_none_or(|only| only == workflow);
                let data = json!({ "runId": run.to_string(), "workflow": workflow, "state": state.as_str() });
                told.extend((wanted(*run) && named).then(|| sent("run", &data)));
            }
            Event::Log { run, first, count } if wanted(*run) && self.workflow.is_none() => {
                let end = first.saturating_add(*count);
                let pieces = (*first..end).step_by(LINES as usize);
                told.extend(pieces.map(|first| What::Log { run: *run, first, count: LINES.min(end - first) }));
            }
            Event::Log { .. } => {}
            Event::Workflows => told.extend(self.run.is_none().then(|| sent("workflows", &json!({})))),
            Event::Keys => told.extend(self.run.is_none().then(|| sent("keys", &json!({})))),
        }
    }

    /// The content to send; `None` for a run that has been deleted.
    async fn shown(&self, what: What) -> Option<Sent> {
        match what {
            What::Sent(sent) => Some(sent),
            What::Log { run, first, count } => {
                let page = self.app.engine.log(run, first, count).await.ok()?;
                let lines: Vec<Line> = page.lines.iter().map(Line::of).collect();
                Some(event("log", &json!({ "runId": run.to_string(), "first": first, "lines": lines })))
            }
        }
    }
}

fn sent(name: &str, data: &Json) -> What {
    What::Sent(event(name, data))
}

fn event(name: &str, data: &Json) -> Sent {
    // JSON has no bare line breaks, which `data` refuses.
    Sent::default().event(name).data(data.to_string())
}
