//! Sign-in with an admin token, by a link, and sign-out.

use super::answers::{comes_from_here, goes, page};
use super::layout::{THEME, document, mark};
use super::page::{Answer, Operation, Page};
use super::parts::note;
use super::visit::{Visit, cookie, local_path};
use crate::access::Session;
use crate::engine::Role;
use crate::http::api::resource::{Load, Method};
use crate::http::app::App;
use crate::http::body;
use crate::http::callers;
use crate::http::capacity::Owner;
use crate::http::problem::Problem;
use crate::http::token::Holder;
use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{self, HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use url::form_urlencoded::{Serializer, parse};

/// How long a cookie stays in the browser, in seconds; the session itself ends at the same time.
const LASTS: i64 = crate::engine::SESSION_HOURS * 3600;
/// The largest form, in bytes.
const MAX_FORM: usize = 4 << 10;

/// The operations of a session. Those for strangers are in [`router`].
pub const PAGE: Page = Page {
    operations: &[
        Operation {
            method: Method::Post,
            path: "/sign-out",
            access: Role::Viewer,
            load: Load::Small,
            call: |visit| Box::pin(sign_out(visit, false)),
        },
        Operation {
            method: Method::Post,
            path: "/sign-out/everywhere",
            access: Role::Viewer,
            load: Load::Small,
            call: |visit| Box::pin(sign_out(visit, true)),
        },
    ],
};

/// The pages for strangers.
pub fn router() -> Router<App> {
    Router::new().route("/sign-in", get(show).post(sign_in)).route("/sign-in/{code}", get(follow))
}

/// The session of a request, with the holder of its token.
pub fn session(app: &App, headers: &HeaderMap) -> Option<(Session, Holder)> {
    let session = app.engine.access().session(cookie(headers, &cookie_name(app))?)?;
    let holder = app.guard.holder_named(&app.engine, &session.holder)?;
    Some((session, holder))
}

/// The answer to a browser without a session: it signs in, and comes back.
pub fn wanted(method: &http::Method, headers: &HeaderMap, uri: &Uri) -> Response {
    let is_read = method == http::Method::GET;
    // A browser that follows a link of another site leaves the cookie out; the next request is from here.
    if is_read && !comes_from_here(headers) {
        return page(StatusCode::OK, continues(headers, uri.path_and_query().map_or("/", |path| path.as_str())));
    }
    let next = uri.path_and_query().map(PathAndQuery::as_str).filter(|path| is_read && *path != "/");
    let query = next.map(|next| Serializer::new(String::new()).append_pair("next", next).finish());
    goes(&query.map_or_else(|| "/sign-in".to_owned(), |query| format!("/sign-in?{query}")))
}

async fn show(State(app): State<App>, headers: HeaderMap, Query(asked): Query<HashMap<String, String>>) -> Response {
    let next = asked.get("next").and_then(|next| local_path(next)).unwrap_or("/");
    if session(&app, &headers).is_some() {
        return goes(next);
    }
    form(&headers, StatusCode::OK, next, None)
}

async fn sign_in(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (parts, unread) = request.into_parts();
    let caller = callers::of(&parts.extensions)?;
    if !comes_from_here(&parts.headers) {
        return Err(Problem::forbidden("The form is not of this site."));
    }
    let raw = body::read_whole(&app, Owner::Stranger(caller), &parts.headers, unread, MAX_FORM).await?;
    let fields: HashMap<String, String> = parse(&raw.bytes).into_owned().collect();
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let next = local_path(field("next")).unwrap_or("/");
    if let Err(wait) = caller.tries.take(Instant::now()) {
        return Ok(too_many(&parts.headers, next, wait));
    }
    let Some(holder) = app.guard.holder(&app.engine, field("token").trim()) else {
        let why = "This token does not open the dashboard. It may have expired or been removed.";
        return Ok(form(&parts.headers, StatusCode::UNAUTHORIZED, next, Some(why)));
    };
    caller.tries.forget();
    Ok(with_session(&app, &holder, goes(next)))
}

/// Follows a link that signs in once.
async fn follow(State(app): State<App>, Path(code): Path<String>, request: Request) -> Result<Response, Problem> {
    let caller = callers::of(request.extensions())?;
    let headers = request.headers();
    if let Err(wait) = caller.tries.take(Instant::now()) {
        return Ok(too_many(headers, "/", wait));
    }
    if !app.guard.take_link(&code, Instant::now()) {
        let why = "This link has been used, or is older than 10 minutes. Sign in with a token.";
        return Ok(form(headers, StatusCode::UNAUTHORIZED, "/", Some(why)));
    }
    caller.tries.forget();
    let holder = app.guard.admin(&app.engine);
    Ok(with_session(&app, &holder, page(StatusCode::OK, continues(headers, "/"))))
}

async fn sign_out(visit: Visit, everywhere: bool) -> Result<Answer, Problem> {
    let name = if everywhere { &visit.session.holder } else { &visit.session.name };
    visit.app.engine.access().end_sessions(name).await.map_err(|error| Problem::of_store(&error))?;
    Ok(Answer::Goes("/sign-in".to_owned()))
}

/// Switches the colours, for browsers without script.
pub async fn switch_theme(headers: HeaderMap, request: Request) -> Response {
    let to = if cookie(&headers, THEME) == Some("dark") { "light" } else { "dark" };
    let body = axum::body::to_bytes(request.into_body(), MAX_FORM).await.unwrap_or_default();
    let next = parse(&body).find(|(name, _)| name == "next").map(|(_, next)| next.into_owned());
    let mut response = goes(next.as_deref().and_then(local_path).unwrap_or("/"));
    set_cookie(&mut response, &format!("{THEME}={to}; Path=/; Max-Age=31536000; SameSite=Strict"));
    response
}

/// The answer with the cookie of a new session.
fn with_session(app: &App, holder: &Holder, mut response: Response) -> Response {
    let access = app.engine.access();
    let text = access.sessions().seal(&access.start_session(&holder.name));
    let secure = if is_https(app) { "; Secure" } else { "" };
    let name = cookie_name(app);
    set_cookie(&mut response, &format!("{name}={text}; Path=/; Max-Age={LASTS}; HttpOnly; SameSite=Strict{secure}"));
    response
}

fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Cookies do not tell ports apart: each store has a cookie of its own.
fn cookie_name(app: &App) -> String {
    let prefix = if is_https(app) { "__Host-" } else { "" };
    format!("{prefix}flowscript-{}", app.engine.access().sessions().of_store())
}

fn is_https(app: &App) -> bool {
    app.engine.config().public_url.as_deref().is_some_and(|url| url.starts_with("https:"))
}

fn too_many(headers: &HeaderMap, next: &str, wait: Duration) -> Response {
    let seconds = wait.as_secs().max(1);
    let why = format!("Too many attempts from your address. Try again in {seconds} seconds.");
    let mut response = form(headers, StatusCode::TOO_MANY_REQUESTS, next, Some(&why));
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

fn form(headers: &HeaderMap, status: StatusCode, next: &str, why: Option<&str>) -> Response {
    let fields = html! {
        form class="in stack" method="post" action="/sign-in" {
            div { h1 { "Sign in" } p class="soft" { "With an admin token of this engine." } }
            @if let Some(why) = why {
                div role="alert" { (note("bad", "alert", html! { b { (why) } })) }
            }
            input type="hidden" name="next" value=(next);
            div class="field" {
                label for="token" { "Token" }
                input class="input mono" id="token" name="token" type="password" autocomplete="current-password" required aria-describedby="token-help" placeholder="fst_…";
                span class="help" id="token-help" {
                    "The admin’s is in " code { "data/admin-token" } ". " code { "flowscript token add --role viewer" }
                    " makes one that can only look."
                }
            }
            button class="btn primary" type="submit" { "Sign in" }
        }
    };
    page(status, alone(headers, "Sign in", &html! {}, &fields))
}

/// A page that leads on by itself.
fn continues(headers: &HeaderMap, path: &str) -> String {
    let head = html! { meta http-equiv="refresh" content={ "0;url=" (path) }; };
    let body = html! { div class="in stack" { h1 { "Continue" } p { a class="btn primary" href=(path) { "To the dashboard" } } } };
    alone(headers, "Continue", &head, &body)
}

/// A page without navigation.
fn alone(headers: &HeaderMap, title: &str, head: &Markup, body: &Markup) -> String {
    let body = html! {
        main class="login" id="main" {
            div class="card" {
                a class="brand" href="/sign-in" { (mark()) span class="word" { "flowscript" } }
                div class="panel" { (body) }
                p class="s dim" { "flowscript " (env!("CARGO_PKG_VERSION")) }
            }
        }
    };
    document(title, headers, head, &body).into_string()
}
