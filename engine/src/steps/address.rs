//! The address of an `http` step: filled from its template, and appended to the address of its connection.

use crate::script::{Content, Context, Fault, Script};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::{Value, to_text};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::Url as Parsed;
use std::ops::Range;

/// All characters that are not unreserved in RFC 3986.
pub(super) const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An address with `{parts}`, each of which is percent-encoded.
#[derive(Debug)]
pub(super) enum Url {
    /// The whole address is one value.
    Whole(Content),
    /// Text and values alternating.
    Parts(Vec<UrlPart>),
}

/// A part of an address.
#[derive(Debug)]
pub(super) enum UrlPart {
    /// As it is written.
    Text(String),
    /// A value, to be encoded.
    Value(Script),
}

/// Fills the template of an address. A value is one segment of its path: it is encoded, and must not be empty, `.` or
/// `..`.
pub(super) fn fill(url: &Url, variables: &mut [Value], context: Context<'_>) -> Result<String, Fault> {
    let parts = match url {
        Url::Whole(content) => return content.text("The address", variables, context).map(|text| text.to_string()),
        Url::Parts(parts) => parts,
    };
    let mut text = String::new();
    let mut filled: Vec<Range<usize>> = Vec::new();
    for part in parts {
        match part {
            UrlPart::Text(part) => text.push_str(part),
            UrlPart::Value(script) => {
                let value = script.run(variables, context)?;
                let part = to_text(&value).map_err(|_| {
                    Fault::new(ErrorKind::Type, format!("A part of the address is a {}.", value.type_name()))
                })?;
                let start = text.len();
                text.extend(utf8_percent_encode(&part, ENCODED));
                filled.push(start..text.len());
            }
        }
    }
    for segment in segments(&text).filter(|segment| filled.iter().any(|value| touches(segment, value))) {
        let part = text.get(segment.clone()).unwrap_or_default();
        if part.is_empty() {
            let message = format!("A value in the address {text} is empty, so it would be another address.");
            return Err(Fault::new(ErrorKind::Value, message));
        }
        if climbs(part) {
            return Err(climbing(part));
        }
    }
    Ok(text)
}

/// Is a value in a segment? An empty one at its edges is.
fn touches(segment: &Range<usize>, value: &Range<usize>) -> bool {
    segment.start <= value.start && value.end <= segment.end
}

/// The address at `path` below the address of a connection. It cannot leave the path of the connection.
pub(super) fn below(base: &Parsed, path: &str) -> Result<String, Fault> {
    if has_scheme(path) {
        let message = format!("`url` is {path}; with a connection it is what follows the connection's address.");
        return Err(Fault::new(ErrorKind::Value, message));
    }
    if let Some(part) = segments(path).filter_map(|range| path.get(range)).find(|part| climbs(part)) {
        return Err(climbing(part));
    }
    let whole = joined(base.as_str(), path);
    let inside = |parsed: Parsed| {
        let folder = base.path().trim_end_matches('/');
        let rest = parsed.path().strip_prefix(folder);
        parsed.origin() == base.origin() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if Parsed::parse(&whole).is_ok_and(inside) {
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
fn segments(address: &str) -> impl Iterator<Item = Range<usize>> + '_ {
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
fn climbs(segment: &str) -> bool {
    // Addresses drop these characters.
    let plain: String = segment.chars().filter(|c| !matches!(c, '\t' | '\r' | '\n')).collect();
    let decoded = percent_decode_str(&plain).decode_utf8_lossy();
    decoded.split(['/', '\\']).any(|part| {
        let name = part.split(';').next().unwrap_or_default();
        matches!(name.trim_matches(|c: char| c.is_whitespace() || c.is_control()), "." | "..")
    })
}

fn climbing(part: &str) -> Fault {
    Fault::new(ErrorKind::Value, format!("The part `{part}` of the address would lead out of its path."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Parsed {
        Parsed::parse("http://host/api/v2/").unwrap()
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
