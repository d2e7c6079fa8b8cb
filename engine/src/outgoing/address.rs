//! Addresses below the address of a connection.

use crate::script::Fault;
use flowscript_lang::error::ErrorKind;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use std::ops::Range;

/// The address at `path` below the address of a connection. It cannot leave the path of the connection.
pub(super) fn below(base: &Url, path: &str) -> Result<String, Fault> {
    if has_scheme(path) {
        let message = format!("`url` is {path}; with a connection it is what follows the connection's address.");
        return Err(Fault::new(ErrorKind::Value, message));
    }
    if let Some(part) = segments(path).filter_map(|range| path.get(range)).find(|part| climbs(part)) {
        return Err(climbing(part));
    }
    let whole = joined(base.as_str(), path);
    let inside = |parsed: Url| {
        let folder = base.path().trim_end_matches('/');
        let rest = parsed.path().strip_prefix(folder);
        parsed.origin() == base.origin() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if Url::parse(&whole).is_ok_and(inside) {
        return Ok(whole);
    }
    Err(Fault::new(ErrorKind::Value, format!("`url` is {path}; it must stay below the connection's address.")))
}

/// A path appended to an address.
pub(super) fn joined(base: &str, path: &str) -> String {
    let (base, path) = (base.trim_end_matches('/'), path.trim_start_matches('/'));
    let between = if path.is_empty() || path.starts_with(['?', '#']) { "" } else { "/" };
    format!("{base}{between}{path}")
}

/// Does an address begin with a scheme, such as `https://`?
fn has_scheme(address: &str) -> bool {
    address.trim_start().split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-'))
    })
}

/// The parts between slashes, up to the query. Addresses read `\` as a slash.
pub fn segments(address: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let end = address.find(['?', '#']).unwrap_or(address.len());
    let path = address.get(..end).unwrap_or_default();
    let mut at = 0;
    path.split(['/', '\\']).map(move |segment| {
        let range = at..at + segment.len();
        at = range.end + 1;
        range
    })
}

/// Would a server read the segment as the same or the upper folder? Some decode first, and some drop what follows `;`.
pub fn climbs(segment: &str) -> bool {
    // Addresses drop these characters.
    let plain: String = segment.chars().filter(|c| !matches!(c, '\t' | '\r' | '\n')).collect();
    let decoded = percent_decode_str(&plain).decode_utf8_lossy();
    decoded.split(['/', '\\']).any(|part| {
        let name = part.split(';').next().unwrap_or_default();
        matches!(name.trim_matches(|c: char| c.is_whitespace() || c.is_control()), "." | "..")
    })
}

/// The failure for such a segment.
pub fn climbing(part: &str) -> Fault {
    Fault::new(ErrorKind::Value, format!("The part `{part}` of the address would lead out of its path."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("http://host/api/v2/").unwrap()
    }

    #[test]
    fn addresses_stay_below_their_connection() {
        for path in [
            "..",
            ".",
            "a/../b",
            "./a",
            "a/..",
            "../..",
            "%2e%2e/a",
            "a/%2E%2e",
            ".%2e/a",
            "a\\..\\b",
            "..\\a",
            "%2e",
            "a/..%2fb",
            "x%5c..%5cy",
            "..;/a",
            "..;x=1/a",
            ".\t.",
            ".\n./a",
            " .. ",
            "a/.. ?q",
            "..#x",
            "..?x",
            "a/%2e./b",
            "/..",
            "//..//a",
            "a/. /b",
        ] {
            let error = below(&base(), path).unwrap_err();
            assert!(error.message.contains("would lead out of its path"), "{path:?}: {}", error.message);
        }
        for path in ["https://evil/x", "HTTP://host/api/v2/x", "a+b.c-d://x", " http://x"] {
            assert!(below(&base(), path).unwrap_err().message.contains("follows the connection's address"), "{path}");
        }
        for (path, whole) in [
            ("echo?to=https://example.com/x", "http://host/api/v2/echo?to=https://example.com/x"),
            ("a/https://example.com", "http://host/api/v2/a/https://example.com"),
            ("/a", "http://host/api/v2/a"),
            ("//evil.com/x", "http://host/api/v2/evil.com/x"),
            ("", "http://host/api/v2"),
            ("?a=../b", "http://host/api/v2?a=../b"),
            ("a..b/...", "http://host/api/v2/a..b/..."),
            ("a%2Fb", "http://host/api/v2/a%2Fb"),
            ("@evil/x", "http://host/api/v2/@evil/x"),
            (":80/x", "http://host/api/v2/:80/x"),
            ("x:1://y", "http://host/api/v2/x:1://y"),
            ("%252e%252e/x", "http://host/api/v2/%252e%252e/x"),
            ("#../x", "http://host/api/v2#../x"),
        ] {
            assert_eq!(below(&base(), path).as_deref(), Ok(whole), "{path}");
        }
    }
}
