//! The admin API without a socket: commands use it on the store of a folder that no engine holds.

use super::{Guard, routers};
use crate::engine::Engine;
use crate::keys::random_text;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

/// The admin API of an engine in this process.
pub struct Local {
    router: Router,
    authorization: String,
}

impl Local {
    /// The API of this engine, opened by a token that nobody else knows.
    pub fn new(engine: Engine) -> Self {
        let token = random_text();
        let authorization = format!("Bearer {token}");
        Self { router: routers(engine, Guard::new(&token)).together(), authorization }
    }

    /// Sends a request and gives status and body. The error says what is wrong with the request.
    pub async fn send(&self, method: &str, path: &str, body: String) -> Result<(u16, Bytes), String> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_LENGTH, body.len())
            .body(Body::from(body))
            .map_err(|error| error.to_string())?;
        let service = TowerToHyperService::new(self.router.clone());
        let answer = match service.call(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.map_err(|error| error.to_string())?;
        Ok((status, body.to_bytes()))
    }
}
