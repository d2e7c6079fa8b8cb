//! Connections: accepting them, their limits, and ending them in order.

use super::Routes;
use super::paced::Paced;
use super::problem::Problem;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long the header of a request may take to come.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// How long an answer may wait until its reader takes more of it.
const READER_TIME: Duration = Duration::from_secs(30);
/// The largest header, in bytes.
const HEADER_BYTES: usize = 16 * 1024;
/// Larger headers than this are refused before we see them; in between we can say why.
const BUFFER_BYTES: usize = 64 * 1024;
/// After an error of `accept` (too many open files), how long to let others finish.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Listens. The error says what is in the way.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!("{address} is in use by another program; choose another address with --bind")
        }
        _ => format!("{address} cannot be listened on: {error}"),
    })
}

/// A server that accepts connections until it is told to stop.
pub struct Server {
    listener: TcpListener,
    routes: Routes,
}

impl Server {
    /// A server for these routes.
    pub fn new(listener: TcpListener, routes: Routes) -> Self {
        Self { listener, routes }
    }

    /// Serves until `stop` is ready, then ends idle connections and lets the others finish for `grace`.
    pub async fn run(self, stop: impl Future<Output = ()>, grace: Duration) {
        let connections = GracefulShutdown::new();
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIME).max_buf_size(BUFFER_BYTES);
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    let routes = self.routes.clone();
                    let service = service_fn(move |request| serve(routes.clone(), request));
                    let stream = TokioIo::new(Paced::new(stream, READER_TIME));
                    let connection = connections.watch(http.serve_connection(stream, service));
                    // A connection that breaks is the caller's business.
                    tokio::spawn(async move { connection.await.ok() });
                }
                Err(error) => {
                    tracing::warn!("a connection could not be accepted: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        tokio::select! {
            () = connections.shutdown() => {}
            () = tokio::time::sleep(grace) => {}
        }
    }
}

/// Serves a request. Headers that are too large are refused, in words; a panic ends this request alone.
///
/// Both are done here, once for all routes: as layers of the router they would cost each request two boxes more.
async fn serve(routes: Routes, request: Request<Incoming>) -> Result<Response, Infallible> {
    let line = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let fields: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if line + fields > HEADER_BYTES {
        let problem = Problem::new(431, "header-too-large", "Request header fields too large")
            .with_detail(format!("Address and headers are larger than {HEADER_BYTES} bytes, which are the most."));
        return Ok(problem.into_response());
    }
    // The panic hook writes down what has happened; callers are told only that it did.
    let served = AssertUnwindSafe(routes.answer(request.map(Body::new))).catch_unwind().await;
    Ok(served.unwrap_or_else(|_| {
        let problem = Problem::new(500, "internal", "Internal error");
        problem.with_detail("The engine failed; its log says more.").into_response()
    }))
}
