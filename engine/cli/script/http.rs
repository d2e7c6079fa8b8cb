//! HTTP for scripts: only where `--allow-http` lets them, checked at every redirect.

use flowscript_engine::outgoing::{ACCEPTED, expand, is_encoded, may_have_body, travels};
use flowscript_lang::host::{HttpRequest, HttpResponse};
use std::time::Duration;
use ureq::http::{HeaderName, Method, Request, Response, Uri, header};
use ureq::{Agent, Body};

/// The most redirects that are followed.
const MAX_REDIRECTS: usize = 10;
/// The longest body, in bytes: that of the longest text.
const MAX_BODY: u64 = 64 << 20;

/// Where scripts may send requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Nowhere.
    Nowhere,
    /// Everywhere.
    Everywhere,
    /// To these hosts, each with any port (`example.com`) or one (`localhost:8080`).
    Hosts(Vec<String>),
}

impl Permission {
    /// Sends a request and follows its redirects. The error says why not.
    pub fn send(&self, request: &HttpRequest) -> Result<HttpResponse, String> {
        let timeout = Duration::try_from_secs_f64(request.timeout)
            .map_err(|_| format!("the timeout {} is no number of seconds.", request.timeout))?;
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .timeout_global(Some(timeout))
            .user_agent(concat!("flowscript/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        let mut hop = Hop::first(request)?;
        for _ in 0..=MAX_REDIRECTS {
            self.check(&hop.url)?;
            let response = hop.send(&agent).map_err(|error| format!("{}: {}", hop.url, explain(error)))?;
            match hop.next(&response)? {
                Some(next) => hop = next,
                None => return read(response).map_err(|error| format!("{}: {error}", hop.url)),
            }
        }
        Err(format!("{}: redirected more than {MAX_REDIRECTS} times.", request.url))
    }

    fn check(&self, url: &Uri) -> Result<(), String> {
        let host = url.host().unwrap_or_default();
        let hosts = match self {
            Self::Everywhere => return Ok(()),
            Self::Nowhere => {
                return Err(format!(
                    "HTTP is not allowed here; start with `--allow-http {host}` to allow this request."
                ));
            }
            Self::Hosts(hosts) => hosts,
        };
        let port = url.port_u16().unwrap_or(if url.scheme_str() == Some("http") { 80 } else { 443 });
        let with_port = format!("{host}:{port}");
        if hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host) || allowed.eq_ignore_ascii_case(&with_port)) {
            return Ok(());
        }
        Err(format!("The host `{host}` is not among those that `--allow-http` lists: {}.", hosts.join(", ")))
    }
}

/// One request on the way to the answer.
struct Hop {
    method: Method,
    url: Uri,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Hop {
    fn first(request: &HttpRequest) -> Result<Self, String> {
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| format!("`{}` is no HTTP method.", request.method))?;
        let url = absolute(&request.url)?;
        Ok(Self { method, url, headers: request.headers.clone(), body: request.body.clone() })
    }

    fn send(&self, agent: &Agent) -> Result<Response<Body>, ureq::Error> {
        let mut builder = Request::builder().method(self.method.clone()).uri(self.url.clone());
        for (name, value) in &self.headers {
            builder = builder.header(name.as_str(), value.as_str());
        }
        let says = |wanted: HeaderName| self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted.as_str()));
        // A part of an encoded body could not be decoded.
        if !says(header::ACCEPT_ENCODING) && !says(header::RANGE) {
            builder = builder.header(header::ACCEPT_ENCODING, ACCEPTED);
        }
        match &self.body {
            Some(body) => agent.run(builder.body(body.as_slice())?),
            None => agent.run(builder.body(())?),
        }
    }

    /// Where a response sends this request on to.
    fn next(&self, response: &Response<Body>) -> Result<Option<Self>, String> {
        let status = response.status().as_u16();
        if !matches!(status, 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let Some(location) = response.headers().get(header::LOCATION) else { return Ok(None) };
        let location = location.to_str().map_err(|_| format!("{}: redirected to no readable address.", self.url))?;
        let url = join(&self.url, location)?;
        // What these statuses do to other methods is what browsers do.
        let repeat = matches!(status, 307 | 308) || self.method == Method::GET || self.method == Method::HEAD;
        let (here, there) = (self.url.to_string(), url.to_string());
        if repeat && self.body.is_some() && !may_have_body(&here, &there) {
            return Err(format!(
                "{here} redirects to {there}, another host, which does not get the body; send it there yourself."
            ));
        }
        let same_host = url.authority() == self.url.authority() && url.scheme() == self.url.scheme();
        let dropped = |name: &str| {
            (!same_host && !travels(name)) || (!repeat && name.to_ascii_lowercase().starts_with("content-"))
        };
        Ok(Some(Self {
            method: if repeat { self.method.clone() } else { Method::GET },
            url,
            headers: self.headers.iter().filter(|(name, _)| !dropped(name)).cloned().collect(),
            body: self.body.clone().filter(|_| repeat),
        }))
    }
}

fn read(mut response: Response<Body>) -> Result<HttpResponse, String> {
    let status = response.status();
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut headers: Vec<(String, String)> =
        response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let mut body = response.body_mut().with_config().limit(MAX_BODY).read_to_vec().map_err(explain)?;
    let named = headers.iter().filter(|(name, _)| name == header::CONTENT_ENCODING.as_str());
    let encodings = named.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(",");
    if !body.is_empty() && is_encoded(&encodings) {
        let most = usize::try_from(MAX_BODY).unwrap_or(usize::MAX);
        body = expand(body, &encodings, most).map_err(|reason| format!("the answer cannot be read: {reason}."))?;
        // They are about what was sent.
        headers.retain(|(name, _)| {
            ![header::CONTENT_ENCODING, header::CONTENT_LENGTH].iter().any(|gone| name == gone.as_str())
        });
    }
    let reason = status.canonical_reason().unwrap_or_default().to_owned();
    Ok(HttpResponse { status: status.as_u16(), reason, headers, body })
}

fn absolute(url: &str) -> Result<Uri, String> {
    let wrong = || format!("`{url}` is no address; write it with `https://` or `http://`.");
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let http = matches!(uri.scheme_str(), Some("http" | "https"));
    if http && uri.host().is_some_and(|host| !host.is_empty()) { Ok(uri) } else { Err(wrong()) }
}

/// The address that `location` means at `base`.
fn join(base: &Uri, location: &str) -> Result<Uri, String> {
    let (scheme, authority) = (base.scheme_str().unwrap_or("https"), base.authority().map_or("", |a| a.as_str()));
    if has_scheme(location) {
        absolute(location)
    } else if location.starts_with("//") {
        absolute(&format!("{scheme}:{location}"))
    } else if location.starts_with('/') {
        absolute(&format!("{scheme}://{authority}{location}"))
    } else {
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        absolute(&format!("{scheme}://{authority}{folder}/{location}"))
    }
}

/// Does an address begin with a scheme, as `https://` is one?
fn has_scheme(address: &str) -> bool {
    address.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-'))
    })
}

fn explain(error: ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "there is no such host.".into(),
        ureq::Error::ConnectionFailed => "no connection; is the address right and the server running?".into(),
        ureq::Error::Timeout(_) => "no answer in time; `timeout` gives it more.".into(),
        ureq::Error::BodyExceedsLimit(_) => "the answer is larger than 64 MiB.".into(),
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "the connection was refused; is the port right and the server running?".into()
        }
        error => format!("{error}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn refused(permission: &Permission, url: &str) -> String {
        permission.check(&absolute(url).unwrap()).err().unwrap_or_default()
    }

    #[test]
    fn only_listed_hosts_are_reached() {
        let some = Permission::Hosts(vec!["api.example.com".into(), "localhost:8080".into()]);
        for url in ["https://API.example.com/x", "http://api.example.com:81/", "http://localhost:8080/a?b"] {
            assert_eq!(refused(&some, url), "", "{url}");
        }
        for url in ["https://example.com", "http://localhost/", "https://api.example.com.evil.org"] {
            assert!(refused(&some, url).contains("is not among those"), "{url}");
        }
        assert!(refused(&Permission::Nowhere, "https://a.b").contains("--allow-http a.b"));
        assert_eq!(refused(&Permission::Everywhere, "https://a.b"), "");
    }

    /// Answers requests one after the other, and gives what each one sent.
    fn server(answers: &[&str]) -> (u16, std::sync::mpsc::Receiver<String>) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, received) = std::sync::mpsc::channel();
        let answers: Vec<String> = answers.iter().map(|answer| answer.replace("PORT", &port.to_string())).collect();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                let mut part = [0; 4096];
                // The tests' bodies are one letter behind the empty line.
                while !request.windows(4).any(|end| end == b"\r\n\r\n")
                    || request.starts_with(b"POST") && !request.ends_with(b"x")
                {
                    let length = stream.read(&mut part).unwrap();
                    request.extend_from_slice(&part[..length]);
                }
                sender.send(String::from_utf8(request).unwrap()).unwrap();
                write!(stream, "HTTP/1.1 {answer}").unwrap();
            }
        });
        (port, received)
    }

    fn request(method: &str, url: String) -> HttpRequest {
        let headers = vec![("Authorization".into(), "Bearer t".into()), ("Content-Type".into(), "text/x".into())];
        let body = (method == "POST").then(|| b"x".to_vec());
        HttpRequest { method: method.into(), url, headers, body, timeout: 5.0 }
    }

    #[test]
    fn answers_come_back_whole() {
        let (port, received) = server(&["404 Not Found\r\nX-A: 1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"]);
        let answer = Permission::Everywhere.send(&request("POST", format!("http://127.0.0.1:{port}/a?b=c"))).unwrap();
        assert_eq!((answer.status, answer.reason.as_str(), answer.body.as_slice()), (404, "Not Found", &b"no"[..]));
        assert!(answer.headers.contains(&("x-a".into(), "1".into())), "{:?}", answer.headers);
        let sent = received.recv().unwrap();
        assert!(sent.starts_with("POST /a?b=c HTTP/1.1\r\n") && sent.ends_with("\r\n\r\nx"), "{sent}");
    }

    #[test]
    fn redirects_are_followed_and_checked() {
        let moved = |status: &str, to: &str| {
            format!("{status}\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        };
        let end = "200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
        let (port, received) =
            server(&[&moved("303 See Other", "/b"), &moved("302 Found", "http://localhost:PORT/c"), end]);
        let answer = Permission::Everywhere.send(&request("POST", format!("http://127.0.0.1:{port}/a"))).unwrap();
        assert_eq!(answer.body, b"ok");
        let sent: Vec<String> = received.iter().collect();
        assert!(
            sent[1].starts_with("GET /b ") && sent[1].contains("Bearer t") && !sent[1].contains("text/x"),
            "{sent:?}"
        );
        assert!(sent[2].starts_with("GET /c ") && !sent[2].contains("Bearer t"), "{sent:?}");

        let (port, received) = server(&[&moved("307 Temporary Redirect", "http://localhost:PORT/d")]);
        let error = Permission::Everywhere.send(&request("POST", format!("http://127.0.0.1:{port}/"))).unwrap_err();
        assert!(error.contains("does not get the body"), "{error}");
        assert_eq!(received.iter().count(), 1);

        let (port, _received) = server(&[&moved("302 Found", "http://localhost:PORT/")]);
        let only = Permission::Hosts(vec!["127.0.0.1".into()]);
        let error = only.send(&request("GET", format!("http://127.0.0.1:{port}/"))).unwrap_err();
        assert!(error.contains("`localhost` is not among those"), "{error}");
    }

    #[test]
    fn what_does_not_answer_says_so() {
        let everywhere = |url: &str| Permission::Everywhere.send(&request("GET", url.into())).unwrap_err();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert!(everywhere(&format!("http://127.0.0.1:{port}/")).contains("refused"));
        assert!(everywhere("ftp://a.b/").contains("is no address"));
    }

    #[test]
    fn redirects_resolve_against_the_address_before() {
        let base = absolute("https://a.b:99/c/d?e=f").unwrap();
        let to = |location| join(&base, location).map(|url| url.to_string());
        assert_eq!(to("/x?y"), Ok("https://a.b:99/x?y".into()));
        assert_eq!(to("x"), Ok("https://a.b:99/c/x".into()));
        assert_eq!(to("//h/x"), Ok("https://h/x".into()));
        assert_eq!(to("http://h/x"), Ok("http://h/x".into()));
        assert_eq!(to("/x?to=https://h/x"), Ok("https://a.b:99/x?to=https://h/x".into()));
        assert_eq!(to("x?to=https://h/x"), Ok("https://a.b:99/c/x?to=https://h/x".into()));
        assert!(to("file:///etc/passwd").unwrap_err().contains("is no address"));
    }
}
