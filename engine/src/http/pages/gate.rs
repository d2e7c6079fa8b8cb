//! The gate of the pages: session, role, the text of forms, and the frame of each answer.

use super::answers::{comes_from_here, goes, page};
use super::layout::{Around, framed};
use super::page::{Answer, Content, Operation, Place};
use super::parts::prose;
use super::sign_in;
use super::visit::Visit;
use crate::engine::Role;
use crate::http::api::paging::{PageOf, Paged};
use crate::http::api::resource::Load;
use crate::http::api::{lanes, workflows};
use crate::http::app::App;
use crate::http::body;
use crate::http::callers;
use crate::http::capacity::Owner;
use crate::http::problem::Problem;
use crate::http::sent::Reader;
use axum::body::Body;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use url::form_urlencoded::parse;

/// The largest form, in bytes: a source and its variables.
pub const MAX_FORM: usize = 2 << 20;
/// How many held lanes the navigation counts.
const MOST_HELD: u32 = 100;

/// Serves an operation of a page to a browser with a session.
pub async fn serve(
    operation: &'static Operation,
    State(app): State<App>,
    params: RawPathParams,
    request: Request,
) -> Response {
    let (parts, unread) = request.into_parts();
    let Some((session, holder)) = sign_in::session(&app, &parts.headers) else {
        return sign_in::wanted(&parts.method, &parts.headers, &parts.uri);
    };
    let named = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut visit = Visit {
        app: app.clone(),
        session,
        role: holder.role,
        label: holder.label,
        parts: named,
        uri: parts.uri,
        form: Vec::new(),
        headers: parts.headers,
    };
    let caller = callers::of(&parts.extensions).ok().cloned();
    let allowed = match (operation.access, visit.role) {
        (Role::Admin, Role::Viewer) => {
            Err(Problem::forbidden("Your token has the role viewer; this needs the role admin."))
        }
        (Role::Admin | Role::Viewer, Role::Admin) | (Role::Viewer, Role::Viewer) => Ok(()),
    };
    let read = match allowed {
        Ok(()) if parts.method == Method::POST => read_form(&mut visit, unread).await,
        allowed => allowed,
    };
    let frame = Frame::of(&visit);
    let answered = match read {
        Err(problem) => Err(problem),
        Ok(()) => match operation.load {
            Load::Small => (operation.call)(visit).await,
            Load::Run => app.capacity.view(caller.as_ref(), (operation.call)(visit)).await,
        },
    };
    frame.answer(answered).await
}

/// What an answer is framed with.
pub struct Frame(Visit);

impl Frame {
    /// The frame for a visit.
    pub fn of(visit: &Visit) -> Self {
        Self(Visit {
            app: visit.app.clone(),
            session: visit.session.clone(),
            role: visit.role,
            label: visit.label.clone(),
            parts: Vec::new(),
            uri: visit.uri.clone(),
            form: Vec::new(),
            headers: visit.headers.clone(),
        })
    }

    /// The response of an answer.
    pub async fn answer(&self, answered: Result<Answer, Problem>) -> Response {
        let (status, content) = match answered {
            Ok(Answer::Shown(content)) => (StatusCode::OK, content),
            Ok(Answer::Goes(path)) => return goes(&path),
            Ok(Answer::File(name, text)) => return self.file(&name, text),
            Ok(Answer::Stream(response)) => return response,
            Err(problem) => (
                StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
                failed(&problem, self.0.uri.path()),
            ),
        };
        let around = around(&self.0.app).await.unwrap_or_else(|_| Around {
            workflows: Vec::new(),
            held: Vec::new(),
            more_held: false,
        });
        let text = framed(&self.0, &around, &content).into_string();
        match (Reader { app: &self.0.app, owner: Owner::Admin }).ready(text) {
            Ok(body) => page(status, body),
            Err(_) => {
                Problem::unavailable("Too many pages are waiting to be read; try again in a moment.").into_response()
            }
        }
    }

    fn file(&self, name: &str, text: String) -> Response {
        match (Reader { app: &self.0.app, owner: Owner::Admin }).ready(text) {
            Ok(body) => {
                let mut response = body.into_response();
                let headers = response.headers_mut();
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
                    headers.insert(header::CONTENT_DISPOSITION, value);
                }
                headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
                response
            }
            Err(_) => {
                Problem::unavailable("Too many pages are waiting to be read; try again in a moment.").into_response()
            }
        }
    }
}

/// The form of a request, if it comes from a page of its session.
async fn read_form(visit: &mut Visit, unread: Body) -> Result<(), Problem> {
    let raw = body::read_whole(&visit.app, Owner::Admin, &visit.headers, unread, MAX_FORM).await?;
    visit.form = parse(&raw.bytes).into_owned().collect();
    let text = visit.given("form").unwrap_or_default();
    if !comes_from_here(&visit.headers) || !visit.app.engine.access().sessions().is_form(&visit.session, text) {
        let detail = "The form is not of a page of this session. Load the page again, and send it once more.";
        return Err(Problem::forbidden(detail));
    }
    Ok(())
}

/// What the frame shows beside a page, by the functions of the API.
async fn around(app: &App) -> Result<Around, Problem> {
    let workflows = workflows::list(State(app.clone())).await?.0.workflows;
    let filter = lanes::LaneFilter { workflow: None, held: true };
    let page = PageOf { after: None, limit: MOST_HELD };
    let held = lanes::list(State(app.clone()), Paged(filter, page)).await?;
    let more_held = held.next.is_some();
    Ok(Around { workflows, held: held.rows.into_iter().map(|lane| lane.workflow).collect(), more_held })
}

/// The page of a problem.
fn failed(problem: &Problem, path: &str) -> Content {
    let title = problem.title();
    Content {
        title: title.to_owned(),
        place: Place::Home,
        above: Vec::new(),
        wide: false,
        live: None,
        body: explained(problem, path),
    }
}

fn explained(problem: &Problem, path: &str) -> Markup {
    html! {
        div class="head" { div { h1 { (problem.title()) } p { (prose(problem.detail())) } } }
        div class="panel" {
            div class="in stack" {
                @if problem.status() < 500 { p { "Nothing was changed by this request." } }
                div class="row" { a class="btn" href=(above(path)) { "Back" } a class="btn" href="/" { "Home" } }
            }
        }
    }
}

/// The path above: actions are below the page that they belong to.
fn above(path: &str) -> &str {
    path.rsplit_once('/').map(|(above, _)| above).filter(|above| !above.is_empty()).unwrap_or("/")
}
