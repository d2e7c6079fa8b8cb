//! HTTP for scripts: only to hosts that `--allow-http` permits, checked at every redirect.

use flowscript_engine::outgoing::{Outgoing, Sender, shown};
use flowscript_lang::host::{HttpRequest, HttpResponse};
use std::time::Duration;

/// The longest body, in bytes: that of the longest text.
const MAX_BODY: usize = 64 << 20;

/// The allowed targets of requests.
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
            .map_err(|_| format!("the timeout {} is not a number of seconds.", request.timeout))?;
        let permission = self.clone();
        let sender = Sender::unless(move |host, port| permission.refusal(host, port), MAX_BODY)?;
        let outgoing = Outgoing {
            method: request.method.clone(),
            shown: shown(&request.url),
            url: request.url.clone(),
            headers: request.headers.clone(),
            body: request.body.clone().map(Into::into),
            timeout,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("the request cannot be sent: {error}."))?;
        let answer = runtime.block_on(sender.send(outgoing)).map_err(|unsent| format!("{}.", unsent.message))?;
        Ok(HttpResponse {
            status: answer.status,
            reason: answer.reason,
            headers: answer.headers,
            body: answer.body.to_vec(),
        })
    }

    /// Why no request may go to a host; `None` if it is allowed.
    fn refusal(&self, host: &str, port: u16) -> Option<String> {
        let hosts = match self {
            Self::Everywhere => return None,
            Self::Nowhere => {
                return Some(format!(
                    "HTTP is not allowed here; start with `--allow-http {host}` to allow this request"
                ));
            }
            Self::Hosts(hosts) => hosts,
        };
        let with_port = format!("{host}:{port}");
        if hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host) || allowed.eq_ignore_ascii_case(&with_port)) {
            return None;
        }
        Some(format!("The host `{host}` is not among those that `--allow-http` lists: {}", hosts.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn only_listed_hosts_are_reached() {
        let some = Permission::Hosts(vec!["api.example.com".into(), "localhost:8080".into()]);
        for (host, port) in [("API.example.com", 443), ("api.example.com", 81), ("localhost", 8080)] {
            assert_eq!(some.refusal(host, port), None, "{host}");
        }
        for (host, port) in [("example.com", 443), ("localhost", 80), ("api.example.com.evil.org", 443)] {
            assert!(some.refusal(host, port).unwrap().contains("is not among those"), "{host}");
        }
        assert!(Permission::Nowhere.refusal("a.b", 443).unwrap().contains("--allow-http a.b"));
        assert_eq!(Permission::Everywhere.refusal("a.b", 443), None);
    }

    /// Answers requests one after the other, and returns the requests.
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
                // The tests' bodies are one letter after the empty line.
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
        assert!(everywhere("ftp://a.b/").contains("is not http"));
    }
}
