//! Connections: accepting them, their limits, and ending them in order.

use super::callers::Caller;
use super::gate::Gate;
use super::paced::Paced;
use super::problem::Problem;
use super::routes::Routes;
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// How long the header of a request may take to arrive.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// The largest header, in bytes.
const HEADER_BYTES: usize = 16 * 1024;
/// Larger headers than this are refused before we see them; between the two limits we answer with a reason.
const BUFFER_BYTES: usize = 64 * 1024;
/// How long to wait after an error of `accept` (too many open files).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How many connections are refused with an answer at a time, and how long that may take.
const REFUSALS: usize = 16;
const REFUSAL_TIME: Duration = Duration::from_secs(1);

/// Binds the address. The error says why it failed.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!("{address} is in use by another program; choose another address with --bind")
        }
        _ => format!("{address} cannot be listened on: {error}"),
    })
}

/// A server that accepts connections until it is stopped.
pub struct Server {
    listener: TcpListener,
    routes: Routes,
    gate: Arc<Gate>,
    /// One permit for each connection that is being refused with an answer.
    refusals: Arc<Semaphore>,
}

impl Server {
    /// A server for these routes, with at most this many connections.
    pub fn new(listener: TcpListener, routes: Routes, connections: usize) -> Self {
        let gate = Gate::new(connections);
        routes.capacity().watch(gate.clone());
        Self { listener, routes, gate, refusals: Arc::new(Semaphore::new(REFUSALS)) }
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
                Ok((stream, peer)) => self.welcome(&http, &connections, stream, peer.ip()),
                Err(error) => {
                    self.gate.make_place();
                    if self.gate.may_tell() {
                        tracing::warn!("a connection could not be accepted: {error}");
                    }
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

    /// Serves a connection, or refuses it if there are too many.
    fn welcome(&self, http: &http1::Builder, connections: &GracefulShutdown, stream: TcpStream, peer: IpAddr) {
        let _ = stream.set_nodelay(true);
        let routes = self.routes.clone();
        let callers = &routes.capacity().callers;
        let (caller, is_proxy) = (callers.at(peer), callers.is_proxy(peer));
        let Some(mut pass) = self.gate.enter(peer, &caller, is_proxy) else {
            // With an answer, unless too many are being refused.
            if let Ok(permit) = self.refusals.clone().try_acquire_owned() {
                tokio::spawn(async move {
                    refuse(stream).await;
                    drop(permit);
                });
            }
            return;
        };
        let (pulse, is_reserved) = (pass.pulse.clone(), pass.is_reserved);
        let stream = TokioIo::new(Paced::new(stream, pulse.clone()));
        let service = service_fn(move |request: Request<Incoming>| {
            let (routes, pulse) = (routes.clone(), pulse.clone());
            let callers = &routes.capacity().callers;
            let caller = if is_proxy { callers.at(callers.origin(peer, request.headers())) } else { caller.clone() };
            async move {
                pulse.busy();
                let answer = if is_reserved && !is_for_admins(&request) {
                    crowded()
                } else {
                    serve(&routes, request, &caller).await
                };
                // A stream continues as long as its reader stays.
                if answer.body().size_hint().exact().is_some() {
                    pulse.answered();
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = connections.watch(http.serve_connection(stream, service));
        tokio::spawn(async move {
            // A broken connection concerns only its caller.
            tokio::select! {
                _ = connection => {}
                Ok(()) = &mut pass.end => {}
            }
        });
    }
}

/// Is it a request to the admin API or the dashboard, or about the health of the engine?
fn is_for_admins<B>(request: &Request<B>) -> bool {
    let path = request.uri().path();
    !["/hooks/", "/webhook/", "/callbacks/"].iter().any(|start| path.starts_with(start))
}

/// The answer to a request on one of the last connections, which are for the admin API and the dashboard.
fn crowded() -> Response {
    let problem = Problem::unavailable("The engine has too many connections; try again in a moment.");
    problem.with_header(header::CONNECTION, "close").into_response()
}

/// Answers a connection beyond the limit, and lets its caller read the answer before it ends.
async fn refuse(mut stream: TcpStream) {
    const PROBLEM: &str = "{\"type\":\"urn:flowscript:problem:unavailable\",\"title\":\"Service unavailable\",\
        \"status\":503,\"detail\":\"The engine has too many connections; try again in a moment.\"}";
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\n\
         content-type: application/problem+json\r\ncontent-length: {}\r\n\r\n{PROBLEM}",
        PROBLEM.len()
    );
    let telling = async {
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
        let mut rest = [0; 1024];
        while let Ok(1..) = stream.read(&mut rest).await {}
    };
    let _ = tokio::time::timeout(REFUSAL_TIME, telling).await;
}

/// Serves a request. Headers that are too large are refused with an answer; a panic ends this request alone. Both are
/// done here, once for all routes: as layers of the router they would cost each request two boxes more.
async fn serve(routes: &Routes, request: Request<Incoming>, caller: &Caller) -> Response {
    let line = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let fields: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if line + fields > HEADER_BYTES {
        let problem = Problem::new(431, "header-too-large", "Request header fields too large")
            .with_detail(format!("Address and headers are larger than the limit of {HEADER_BYTES} bytes."));
        return problem.into_response();
    }
    // The panic hook logs what has happened; the caller only learns that the request failed.
    let served = AssertUnwindSafe(routes.answer(request.map(Body::new), caller)).catch_unwind().await;
    served.unwrap_or_else(|_| {
        let problem = Problem::new(500, "internal", "Internal error");
        problem.with_detail("The engine failed; see its log.").into_response()
    })
}
