//! Outgoing requests: allowed targets, limits, redirects.
//!
//! Hosts of connections and of `http.allow` may have any address. All others must have public addresses, which is
//! checked on the address that is connected to, so that no name can lead inside; and again at every redirect.

mod address;
mod allow;
mod answers;
mod check;
mod connections;
mod database;
mod encoded;
mod exchange;
mod fetch;
mod hop;
mod lane;
mod login;
mod lookup;
mod mail;
mod named;
mod own;
mod pace;
mod smtp;
#[cfg(test)]
mod tests;
mod tls;

pub use crate::secret::{Secret, masked, masked_header, secret_files, secrets_changed, secrets_unread};
pub use address::{climbing, climbs, segments};
pub use allow::{Allowed, is_public};
pub use check::check;
pub use connections::{Connections, HttpConnection, read_connections};
pub use database::{Database, Space as SqlSpace, SqlCall};
pub use encoded::expand;
pub use exchange::{Incoming, Outgoing, Unsent, reason};
pub use login::shown;
pub use mail::{Letter, Mail};
pub use named::{ConnectionKind, ConnectionName, NamedConnections};

use crate::burden::Load;
use bytes::Bytes;
use encoded::ACCEPTED;
use exchange::chain;
use fetch::fetch;
use lane::Lane;
use lookup::{Looking, PublicOnly, look_up, refusal};
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Url};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How many redirects are followed.
const MAX_REDIRECTS: usize = 10;
/// How long connecting may take.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// Returns why a request to a host is refused, by its name and port.
type Refusal = Box<dyn Fn(&str, u16) -> Option<String> + Send + Sync>;

/// Sends requests. Cheap to share.
pub struct Sender {
    shared: Arc<Shared>,
    lane: Lane,
}

/// Shared by all requests.
struct Shared {
    allowed: Vec<Allowed>,
    /// Decides instead of `allowed` and the connections.
    refusal: Option<Refusal>,
    /// The largest body that is fetched, in bytes.
    max_body: usize,
    connections: RwLock<Arc<Connections>>,
    /// For targets that are listed.
    anywhere: Client,
    /// For all others: connects to public addresses only.
    public: Client,
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender").field("allowed", &self.shared.allowed).finish_non_exhaustive()
    }
}

impl Sender {
    /// A sender with the hosts of `http.allow`, for answers of at most `max_body` bytes. The error says what is wrong
    /// with one of them, or with TLS.
    pub fn new(allow: &[String], max_body: usize) -> Result<Self, String> {
        Self::with_lookup(allow, max_body, look_up)
    }

    /// A sender to all hosts that `refusal` does not refuse, at any address, for answers of at most `max_body` bytes.
    /// It is asked again at every redirect. The error says what is wrong with TLS.
    pub fn unless(
        refusal: impl Fn(&str, u16) -> Option<String> + Send + Sync + 'static,
        max_body: usize,
    ) -> Result<Self, String> {
        let shared = Shared { refusal: Some(Box::new(refusal)), ..Shared::new(&[], max_body, look_up)? };
        Ok(Self { shared: Arc::new(shared), lane: Lane::default() })
    }

    /// The same with another resolver of names, for targets that are not listed.
    fn with_lookup(
        allow: &[String],
        max_body: usize,
        lookup: impl Fn(String) -> Looking + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let shared = Shared::new(allow, max_body, lookup)?;
        Ok(Self { shared: Arc::new(shared), lane: Lane::default() })
    }

    /// Replaces the connections.
    pub fn set_connections(&self, connections: Arc<Connections>) {
        *self.shared.connections.write().unwrap_or_else(PoisonError::into_inner) = connections;
    }

    /// The connections as they are now.
    pub fn connections(&self) -> Arc<Connections> {
        self.shared.connections()
    }

    /// Sends a request and fetches the whole answer, with any status.
    pub async fn send(&self, request: Outgoing) -> Result<Incoming, Unsent> {
        self.send_for(request, None).await
    }

    /// The same for a run: a large answer counts as part of its load, and waits while the load may not grow.
    pub async fn send_for(&self, request: Outgoing, load: Option<&Arc<Load>>) -> Result<Incoming, Unsent> {
        let timeout = request.timeout;
        let url = request.shown.clone();
        let (shared, load) = (self.shared.clone(), load.cloned());
        let answer = self.lane.run(async move { shared.follow(request, load).await });
        match tokio::time::timeout(timeout, answer).await {
            Ok(answer) => answer.unwrap_or_else(|reason| Err(Unsent::new(format!("{url} was not asked: {reason}")))),
            Err(_) => {
                let message = format!("{url} did not answer within {}", crate::config::duration::format(timeout));
                Err(Unsent::new(message).late(true))
            }
        }
    }
}

impl Shared {
    fn new(
        allow: &[String],
        max_body: usize,
        lookup: impl Fn(String) -> Looking + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let allowed = allow.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        let failed = |error: reqwest::Error| format!("requests cannot be sent: {}", chain(&error));
        Ok(Self {
            allowed,
            refusal: None,
            max_body,
            connections: RwLock::default(),
            anywhere: client().build().map_err(failed)?,
            public: client().dns_resolver(Arc::new(PublicOnly { lookup })).build().map_err(failed)?,
        })
    }

    fn connections(&self) -> Arc<Connections> {
        self.connections.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn follow(&self, request: Outgoing, load: Option<Arc<Load>>) -> Result<Incoming, Unsent> {
        let wrong = |what: &str, error: String| Unsent::new(format!("{what} cannot be sent: {error}"));
        let first = request.shown;
        let mut shown = first.clone();
        let mut url = Url::parse(&request.url).map_err(|e| wrong(&shown, e.to_string()))?;
        let mut method: Method = request.method.parse().map_err(|_| wrong(&request.method, "no method".into()))?;
        let mut headers = header_map(&request.headers)?;
        if let Some(login) = login::take(&mut url).and_then(|login| HeaderValue::try_from(login).ok()) {
            headers.entry(header::AUTHORIZATION).or_insert(login);
        }
        // A part of an encoded body could not be decoded.
        if !headers.contains_key(header::RANGE) {
            headers.entry(header::ACCEPT_ENCODING).or_insert(HeaderValue::from_static(ACCEPTED));
        }
        let mut body = request.body;
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.once(&method, (&url, &shown), &headers, body.clone()).await?;
            let Some(mut target) = redirect(&answer, &url) else {
                return fetch(answer, &shown, self.max_body, load.as_ref()).await;
            };
            // The target of a redirect gets no login from the peer.
            login::take(&mut target);
            if !matches!(target.scheme(), "http" | "https") {
                return Err(Unsent::new(format!("{shown} redirects to {target}, which is not http")));
            }
            let status = answer.status().as_u16();
            if status == 303 || (matches!(status, 301 | 302) && method == Method::POST) {
                method = Method::GET;
                body = None;
                headers.remove(header::CONTENT_TYPE);
            }
            if body.is_some() && !hop::may_have_body(url.as_str(), target.as_str()) {
                let target = login::shown(target.as_str());
                return Err(Unsent::new(format!(
                    "{shown} redirects to {target}, another host, which does not get the body; send it there yourself"
                )));
            }
            if target.origin() != url.origin() {
                let kept = headers.iter().filter(|(name, _)| hop::travels(name.as_str()));
                headers = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
            }
            shown = login::shown(target.as_str());
            url = target;
        }
        Err(Unsent::new(format!("{first} redirects more than {MAX_REDIRECTS} times")))
    }

    async fn once(
        &self,
        method: &Method,
        (url, shown): (&Url, &str),
        headers: &HeaderMap,
        body: Option<Bytes>,
    ) -> Result<reqwest::Response, Unsent> {
        let client = self.client_for(url, shown)?;
        let mut request = client.request(method.clone(), url.clone()).headers(headers.clone());
        if let Some(body) = body {
            request = request.body(body);
        }
        request.send().await.map_err(|error| {
            Unsent::new(format!("{method} {shown} failed: {}", reason(&error))).late(error.is_timeout())
        })
    }

    /// The client that may connect to an address.
    fn client_for(&self, url: &Url, shown: &str) -> Result<&Client, Unsent> {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(Unsent::new(format!("{shown} has no host")));
        };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Unsent::new(format!("{shown} is not http")));
        }
        let name = host.to_string();
        if let Some(refusal) = &self.refusal {
            return match refusal(&name, port) {
                Some(reason) => Err(Unsent::new(reason)),
                None => Ok(&self.anywhere),
            };
        }
        let listed = self.allowed.iter().any(|allowed| allowed.covers(&name, port))
            || self.connections().all_http().any(|connection| connection.covers(&name, port));
        if listed {
            return Ok(&self.anywhere);
        }
        let address = match host {
            url::Host::Ipv4(address) => Some(IpAddr::V4(address)),
            url::Host::Ipv6(address) => Some(IpAddr::V6(address)),
            url::Host::Domain(_) => None,
        };
        match address {
            Some(address) if !is_public(address) => Err(Unsent::new(refusal(&name))),
            _ => Ok(&self.public),
        }
    }
}

/// The settings shared by the clients of the engine: no proxies of the environment, no unchecked redirects.
pub fn client() -> reqwest::ClientBuilder {
    // A second engine in one process finds the provider installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder();
    // Engines of tests come and go: reading the system's authorities each time would take most of their lives.
    #[cfg(test)]
    let builder = builder.tls_certs_only([]);
    builder
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIME)
        .user_agent(concat!("flowscript/", env!("CARGO_PKG_VERSION")))
}

fn header_map(headers: &[(String, String)]) -> Result<HeaderMap, Unsent> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let wrong = |what: &str| Unsent::new(format!("the header `{name}` {what}"));
        let header = HeaderName::try_from(name.as_str()).map_err(|_| wrong("is not a header name"))?;
        let value = HeaderValue::from_str(value)
            .map_err(|_| wrong("has a line break or a character that is not allowed in a header"))?;
        map.append(header, value);
    }
    Ok(map)
}

fn redirect(answer: &reqwest::Response, url: &Url) -> Option<Url> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    url.join(answer.headers().get(header::LOCATION)?.to_str().ok()?).ok()
}
