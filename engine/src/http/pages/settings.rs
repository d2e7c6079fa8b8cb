//! `/settings`: admin tokens, and the sessions of one's own.

use super::page::{Answer, Content, Operation, Page, Place};
use super::parts::{Button, action, copy_button, form_text, icon, leads_to, note, why_off};
use super::visit::Visit;
use crate::engine::Role;
use crate::http::api::input::{At, Given};
use crate::http::api::resource::{Load, Method};
use crate::http::api::tokens::{self, NewToken, RoleName, Token};
use crate::http::problem::Problem;
use maud::{Markup, html};

/// The row of this page.
pub const PAGE: Page = Page {
    operations: &[
        Operation {
            method: Method::Get,
            path: "/settings",
            access: Role::Viewer,
            load: Load::Small,
            call: |visit| Box::pin(show(visit)),
        },
        Operation {
            method: Method::Post,
            path: "/settings/tokens",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(add(visit)),
        },
        Operation {
            method: Method::Get,
            path: "/settings/tokens/{id}/delete",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(confirm(visit)),
        },
        Operation {
            method: Method::Post,
            path: "/settings/tokens/{id}/delete",
            access: Role::Admin,
            load: Load::Small,
            call: |visit| Box::pin(delete(visit)),
        },
    ],
};

async fn show(visit: Visit) -> Result<Answer, Problem> {
    page(&visit, None).await
}

async fn add(visit: Visit) -> Result<Answer, Problem> {
    let role = match visit.given("role") {
        Some("admin") => RoleName::Admin,
        Some("viewer") => RoleName::Viewer,
        _ => return Err(Problem::bad_request("The role of a token is `admin` or `viewer`.")),
    };
    let new = NewToken { role, label: visit.given("label").unwrap_or_default().to_owned(), expires_at: None };
    let made = tokens::add(visit.state(), Given(new)).await?.0;
    page(&visit, made.token.as_deref()).await
}

async fn delete(visit: Visit) -> Result<Answer, Problem> {
    tokens::delete(visit.state(), At(visit.part("id"))).await?;
    Ok(Answer::Goes("/settings".to_owned()))
}

async fn page(visit: &Visit, new: Option<&str>) -> Result<Answer, Problem> {
    let tokens = tokens::list(visit.state()).await?.0.tokens;
    let clock = visit.clock();
    let body = html! {
        div class="head" { div { h1 { "Settings" } p { "You are signed in with a token of the role " b { (visit.role.as_str()) } " since " (clock.at(&crate::http::json::time(visit.session.started))) "." } } div class="acts" {
            form method="post" action="/sign-out/everywhere" { (form_text(visit)) button class="btn" { "Sign out everywhere" } }
        } }
        (why_off(visit))
        @if let Some(token) = new {
            (note("info", "key", html! { b { "The new token is shown only now." } " Copy it before you leave this page." div class="copy mt8" { code id="new-token" { (token) } (copy_button("new-token")) } }))
        }
        section class="panel section0" aria-labelledby="tokens-title" {
            header { h2 id="tokens-title" { "Admin tokens " span class="n" { (tokens.len()) } } span class="s dim" { "the token of the data folder or the environment is not in the list" } }
            @if tokens.is_empty() { div class="empty" { p { "No further token has been created." } } }
            @else { ul class="keys" { @for token in &tokens { (row(visit, token)) } } }
            form class="in row" method="post" action="/settings/tokens" {
                (form_text(visit))
                input class="input grow" name="label" aria-label="Label of the new token" placeholder="Label" maxlength="200" autocomplete="off";
                select class="input keysel" name="role" aria-label="Role of the new token" { option value="viewer" { "viewer: may look" } option value="admin" { "admin: may do everything" } }
                button class="btn" disabled[!visit.is_admin()] { (icon("plus")) "New token" }
            }
        }
    };
    Ok(Answer::Shown(Content {
        title: "Settings".into(),
        place: Place::Settings,
        above: Vec::new(),
        wide: false,
        live: None,
        body,
    }))
}

fn row(visit: &Visit, token: &Token) -> Markup {
    let clock = visit.clock();
    html! {
        li {
            b { @if token.label.is_empty() { "without a label" } @else { (token.label) } } span class="tag" { (token.role) }
            span class="dim" { "created " (clock.at(&token.created_at)) @match &token.expires_at { Some(at) => { ", expires " (clock.at(at)) }, None => ", never expires" } }
            span { (leads_to(visit, &format!("/settings/tokens/{}/delete", token.id), &Button { class: "small", icon: "x", label: "Delete…" })) }
        }
    }
}

async fn confirm(visit: Visit) -> Result<Answer, Problem> {
    let id = visit.part("id");
    let known = tokens::list(visit.state()).await?.0.tokens;
    let token = known.iter().find(|token| token.id == id);
    let token = token.ok_or_else(|| Problem::not_found(format!("There is no admin token {id}.")))?;
    let body = html! {
        div class="head" { div { h1 { "Delete this token?" } p { (token.label) " · " (token.role) } } }
        div class="panel" {
            div class="in" { ul class="conseq" {
                li { (icon("x")) span { "Requests with it are refused from now on, and " b { "its sessions end" } "." } }
                li { (icon("alert")) span { "This cannot be taken back; a new token is a different one." } }
            } }
            footer {
                (action(&visit, &format!("/settings/tokens/{id}/delete"), &[], &Button { class: "danger fill", icon: "x", label: "Delete the token" }))
                a class="btn" href="/settings" { "Back" }
            }
        }
    };
    let above = vec![("/settings".to_owned(), "Settings".to_owned())];
    Ok(Answer::Shown(Content {
        title: "Delete a token".into(),
        place: Place::Settings,
        above,
        wide: false,
        live: None,
        body,
    }))
}
