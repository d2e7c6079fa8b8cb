//! The admin API without a socket: commands use it on the store of a folder that no engine holds.

use super::callers::{Allowance, Caller};
use super::routes::{Routes, routers};
use super::token::Guard;
use crate::engine::Engine;
use crate::keys::random_text;
use axum::body::Body;
use axum::http::{Request, header};
use bytes::Bytes;
use http_body_util::BodyExt;

/// The admin API of an engine in this process.
pub struct Local {
    routes: Routes,
    authorization: String,
}

impl Local {
    /// The API of this engine, opened by a token of its own.
    pub fn new(engine: Engine) -> Self {
        let token = random_text();
        let authorization = format!("Bearer {token}");
        Self { routes: routers(engine, Guard::new(&token)).together(), authorization }
    }

    /// Sends a request and returns status and body. The error says what is wrong with the request.
    pub async fn send(&self, method: &str, path: &str, body: String) -> Result<(u16, Bytes), String> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_LENGTH, body.len())
            .body(Body::from(body))
            .map_err(|error| error.to_string())?;
        let all = Allowance { bodies: usize::MAX, answers: usize::MAX, connections: usize::MAX };
        let answer = self.routes.answer(request, &Caller::new(all)).await;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.map_err(|error| error.to_string())?;
        Ok((status, body.to_bytes()))
    }
}
