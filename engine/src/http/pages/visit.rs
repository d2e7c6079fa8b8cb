//! A visit: a request of a browser with a session, and what its pages need of it.

use super::times::Clock;
use crate::access::Session;
use crate::engine::Role;
use crate::http::app::App;
use crate::http::problem::Problem;
use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use std::str::FromStr;
use url::form_urlencoded::parse;

/// A request of a browser with a session.
pub struct Visit {
    /// The engine's HTTP side.
    pub app: App,
    /// The session.
    pub session: Session,
    /// What the holder of its token may do.
    pub role: Role,
    /// The label of its token.
    pub label: String,
    /// The parts of the path by name.
    pub parts: Vec<(String, String)>,
    /// The address.
    pub uri: Uri,
    /// The fields of the form.
    pub form: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
}

impl Visit {
    /// The state for functions of the API.
    pub fn state(&self) -> State<App> {
        State(self.app.clone())
    }

    /// The part of the path with this name.
    pub fn part(&self, name: &str) -> String {
        first(&self.parts, name).unwrap_or_default().to_owned()
    }

    /// The parameters of the query that are not empty.
    pub fn query(&self) -> Vec<(String, String)> {
        let pairs = parse(self.uri.query().unwrap_or_default().as_bytes()).into_owned();
        pairs.filter(|(_, value)| !value.is_empty()).collect()
    }

    /// A parameter of the query, if it is not empty.
    pub fn asked(&self, name: &str) -> Option<String> {
        first(&self.query(), name).map(str::to_owned)
    }

    /// A field of the form, if it is not empty.
    pub fn given(&self, name: &str) -> Option<&str> {
        first(&self.form, name).filter(|value| !value.is_empty())
    }

    /// A field of the form that must have a value of this type.
    pub fn given_as<T: FromStr>(&self, name: &str) -> Result<T, Problem> {
        let value = self.given(name).unwrap_or_default();
        value.parse().map_err(|_| Problem::bad_request(format!("`{name}` cannot be `{value}`.")))
    }

    /// True if its role is admin.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    /// The text that each of its forms carries.
    pub fn form_text(&self) -> String {
        self.app.engine.access().sessions().form(&self.session)
    }

    /// The time now, in the zone of the engine.
    pub fn clock(&self) -> Clock {
        Clock { now: self.app.engine.now(), zone: self.app.engine.config().time_zone }
    }
}

fn first<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The value of a cookie.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// The path of a page of the dashboard, if the text is one: a redirect must not lead to another site.
pub fn local_path(text: &str) -> Option<&str> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_path = text.starts_with('/') && !text.starts_with("//");
    Some(text).filter(|text| is_plain && is_path && text.parse::<Uri>().is_ok_and(|uri| uri.authority().is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn redirects_stay_here() {
        for path in ["/", "/runs?state=failed", "/workflows/a.b#keys"] {
            assert_eq!(local_path(path), Some(path));
        }
        for other in [
            "",
            "runs",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/a\r\nSet-Cookie: x=1",
            " /runs",
        ] {
            assert_eq!(local_path(other), None, "{other}");
        }
    }

    #[test]
    fn cookies_by_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; session=x.y.z"));
        headers.append(header::COOKIE, HeaderValue::from_static("theme=dark"));
        assert_eq!(cookie(&headers, "session"), Some("x.y.z"));
        assert_eq!(cookie(&headers, "theme"), Some("dark"));
        assert_eq!(cookie(&headers, "sess"), None);
    }
}
