//! `/events`: the events of the API for the script of a page, which reads the page again when something has happened.

use super::page::{Answer, Operation, Page};
use super::sign_in::session;
use super::visit::Visit;
use crate::engine::Role;
use crate::http::api::events::{self, EventFilter};
use crate::http::api::resource::{Load, Method};
use crate::http::headers::text;
use crate::http::problem::Problem;

/// The row of this page.
pub const PAGE: Page = Page {
    operations: &[Operation {
        method: Method::Get,
        path: "/events",
        access: Role::Viewer,
        load: Load::Small,
        call: |visit| Box::pin(follow(visit)),
    }],
};

async fn follow(visit: Visit) -> Result<Answer, Problem> {
    let filter = EventFilter { run: visit.asked("run"), workflow: visit.asked("workflow") };
    let last_seen = text(&visit.headers, "last-event-id").map(str::to_owned);
    let headers = visit.headers;
    let valid: events::Valid = Box::new(move |app| session(app, &headers).is_some());
    let stream = events::stream(visit.app, filter, last_seen, valid).await?;
    Ok(Answer::Stream(stream.0))
}
