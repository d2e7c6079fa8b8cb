//! What is kept at a redirect to another address.

use reqwest::Url;
use reqwest::header::{self, HeaderName};

/// Headers that follow to another host: none that could carry a secret.
const TRAVELLING: [HeaderName; 5] =
    [header::ACCEPT, header::ACCEPT_ENCODING, header::ACCEPT_LANGUAGE, header::CONTENT_TYPE, header::USER_AGENT];

/// Does a header of this name follow a redirect to another host?
pub fn travels(name: &str) -> bool {
    TRAVELLING.iter().any(|known| name.eq_ignore_ascii_case(known.as_str()))
}

/// May the body for one address go to the other? Only to the same host, and never from TLS to plain HTTP.
pub fn may_have_body(from: &str, to: &str) -> bool {
    let (Ok(from), Ok(to)) = (Url::parse(from), Url::parse(to)) else { return false };
    let upgraded = from.scheme() == "http" && to.scheme() == "https" && (from.port(), to.port()) == (None, None);
    from.origin() == to.origin() || (upgraded && from.host() == to.host())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_stay_with_their_host() {
        let same = |from, to| assert!(may_have_body(from, to), "{from} {to}");
        let other = |from, to| assert!(!may_have_body(from, to), "{from} {to}");
        same("https://a.b/x", "https://a.b/y?z");
        same("http://a.b/", "http://A.B:80/");
        same("http://a.b/", "https://a.b/");
        other("https://a.b/", "http://a.b/");
        other("https://a.b/", "https://c.a.b/");
        other("https://a.b/", "https://a.b:8443/");
        other("http://a.b:8080/", "https://a.b/");
        other("http://a.b/", "https://a.b.c/");
        other("http://a.b/", "no address");
        assert!(travels("Accept") && !travels("X-API-Key") && !travels("idempotency-key"));
    }
}
