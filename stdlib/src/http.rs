//! HTTP requests, through the host, which allows or refuses them.

use crate::EncodeError;
use crate::charset;
use crate::json::{self, DecodeError, Problem};
use crate::row::{Row, fails, row};
use crate::show::{quoted, short};
use crate::suggest::nearest;
use crate::url;
use ecow::EcoString;
use encoding_rs::UTF_8;
use flowscript_lang::budget::Budget;
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::host::{HttpRequest, HttpResponse, Interrupt};
use flowscript_lang::value::{Number, Record, Rows, Value, to_boolean, to_number, to_text};

/// The default timeout of a request, in seconds.
const TIMEOUT: f64 = 30.0;

const OPTIONS: [&str; 7] = ["method", "headers", "query", "body", "json", "timeout", "continueOnError"];

pub(crate) const ROWS: &[Row] = &[
    row("HTTP.Request(url: text, options?: record) -> record", "Sends a request and waits for the answer.", request)
        .rules(
            "Options and their defaults: `method: 'GET'`, `headers: {}`, `query: {}` (added to the URL), `body: null` (text or binary), \
             `json: null` (any value, sent as JSON), `timeout: 30` (seconds), `continueOnError: false`. The answer is a record: \
             `statusCode`, `reasonPhrase`, `headers` (names in lower case; several `set-cookie` are a list), `body` (binary, without its gzip, deflate, br or zstd), `text`, and `json`, `null` where the body is \
             no JSON. A status outside 200 to 299 is an `io` error unless `continueOnError`. The host must allow it: `run --allow-http`, \
             or `http.allow` of an engine.",
        )
        .examples(&[fails("HTTP.Request('https://example.com', {methd: 'POST'})", "Did you mean method?"), fails("HTTP.Request('ftp://example.com')", "http://")])
        .reaches_out(),
    row("HTTP.Get(url: text) -> record", "The answer to a GET request.", get)
        .rules("The same as `HTTP.Request(url)`.")
        .examples(&[fails("HTTP.Get('example.com')", "http://")])
        .reaches_out(),
    row("HTTP.Post(url: text, json: any) -> record", "The answer to a POST request with a value as JSON.", post)
        .rules("The same as `HTTP.Request(url, {method: 'POST', json: json})`.")
        .examples(&[fails("HTTP.Post('example.com', {a: 1})", "http://")])
        .reaches_out(),
];

/// A request as a script describes it.
struct Options {
    method: String,
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    is_json: bool,
    timeout: f64,
    continue_on_error: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            method: "GET".into(),
            headers: Vec::new(),
            query: Vec::new(),
            body: None,
            is_json: false,
            timeout: TIMEOUT,
            continue_on_error: false,
        }
    }
}

fn request(call: &mut Call<'_>) -> NativeResult {
    let options = Options::new(call, &call.record(1))?;
    send(call, options)
}

fn get(call: &mut Call<'_>) -> NativeResult {
    send(call, Options::default())
}

fn post(call: &mut Call<'_>) -> NativeResult {
    let mut options = Options { method: "POST".into(), ..Options::default() };
    let value = call.take(1);
    options.set_json(&value, call.budget())?;
    send(call, options)
}

impl Options {
    fn new(call: &mut Call<'_>, record: &Record) -> Result<Self, Box<RunError>> {
        let mut options = Self::default();
        let mut json = None;
        let bad = |name: &str, value: &Value, wanted: &str| {
            call.value_error(format_args!("the option {name} takes {wanted}, not {}.", value.to_literal(60)))
        };
        let mut bodies = 0;
        for (name, value) in record.iter() {
            match name.as_str() {
                // Nothing given.
                _ if value.is_null() => {
                    if !OPTIONS.contains(&name.as_str()) {
                        return Err(unknown(call, name));
                    }
                }
                "method" => match to_text(&value) {
                    Ok(method) if is_token(&method) => options.method = method.to_uppercase().into(),
                    _ => return Err(bad(name, &value, "the name of a method")),
                },
                "headers" => {
                    let headers = pairs(&value).ok_or_else(|| bad(name, &value, "a record of texts"))?;
                    if let Some((header, _)) =
                        headers.iter().find(|(name, value)| !is_token(name) || value.contains(['\r', '\n', '\0']))
                    {
                        return Err(
                            call.value_error(format_args!("{} or its value cannot be a header.", quoted(header)))
                        );
                    }
                    options.headers.extend(headers);
                }
                "query" => {
                    options.query =
                        pairs(&value).ok_or_else(|| bad(name, &value, "a record of texts or lists of them"))?;
                }
                "body" => {
                    bodies += 1;
                    options.body = Some(match &value {
                        Value::Binary(bytes) => bytes.to_vec(),
                        other => to_text(other)
                            .map_err(|_| bad(name, &value, "text or binary; use json for other values"))?
                            .as_bytes()
                            .to_vec(),
                    });
                }
                "json" => {
                    bodies += 1;
                    json = Some(value);
                }
                "timeout" => match to_number(&value).map(Number::to_f64) {
                    Ok(seconds) if seconds > 0.0 => options.timeout = seconds,
                    _ => return Err(bad(name, &value, "seconds, more than 0")),
                },
                "continueOnError" => {
                    options.continue_on_error = to_boolean(&value).map_err(|_| bad(name, &value, "true or false"))?;
                }
                _ => return Err(unknown(call, name)),
            }
        }
        if bodies > 1 {
            return Err(call.value_error("the options body and json exclude each other."));
        }
        if let Some(json) = json {
            options.set_json(&json, call.budget())?;
        }
        Ok(options)
    }

    fn set_json(&mut self, value: &Value, budget: &mut dyn Budget) -> Result<(), Box<RunError>> {
        let text = json::encode(value, budget).map_err(|error| match error {
            EncodeError::Stopped(stopped) => stopped,
            other => RunError::new(ErrorKind::Type, other.to_string()),
        })?;
        self.body = Some(text.into_bytes());
        self.is_json = true;
        Ok(())
    }
}

fn unknown(call: &Call<'_>, name: &str) -> Box<RunError> {
    let hint = match nearest(name, OPTIONS.into_iter()).first() {
        Some(near) => format!("Did you mean {near}?"),
        None => format!("There are {}.", OPTIONS.join(", ")),
    };
    call.value_error(format_args!("there is no option {}. {hint}", short(name)))
}

/// The fields of a record as texts; a list repeats its name, `null` is left out.
fn pairs(value: &Value) -> Option<Vec<(String, String)>> {
    let Value::Record(record) = value else { return None };
    let mut pairs = Vec::new();
    for (name, value) in record.iter() {
        match (&value, Rows::of(&value)) {
            (Value::Null, _) => {}
            (_, Some(rows)) => {
                for element in rows.iter() {
                    pairs.push((name.to_string(), to_text(&element).ok()?.to_string()));
                }
            }
            _ => pairs.push((name.to_string(), to_text(&value).ok()?.to_string())),
        }
    }
    Some(pairs)
}

/// A token for names of methods and headers (RFC 9110).
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn send(call: &mut Call<'_>, mut options: Options) -> NativeResult {
    let url = call.text(0);
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(call.refuse(0, "a URL that begins with http:// or https://"));
    }
    if url.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(call.refuse(0, "a URL without blanks; use URLEncode for its parts"));
    }
    let typed = options.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if options.is_json && !typed {
        options.headers.push(("Content-Type".into(), "application/json".into()));
    }
    let request = HttpRequest {
        method: options.method,
        url: with_query(url, &options.query),
        headers: options.headers,
        body: options.body,
        timeout: options.timeout,
    };
    let response = call.context.host().http(&request).map_err(|message| unsent(call, message))?;
    if !(200..300).contains(&response.status) && !options.continue_on_error {
        let shown: String = body_text(&response).chars().take(200).collect();
        let body = if shown.is_empty() { String::new() } else { format!(": {shown}") };
        let message = format!(
            "{} {} answered {} {}{body}",
            request.method,
            without_login(&request.url),
            response.status,
            response.reason
        );
        return Err(call.error(ErrorKind::Io, message));
    }
    answer(&response, call.budget()).map(Value::Record)
}

/// Why no answer came. A run that is to end has not failed.
fn unsent(call: &Call<'_>, message: String) -> Box<RunError> {
    match call.context.host().interrupt() {
        None => call.error(ErrorKind::Io, message),
        Some(Interrupt::Cancelled) => call.error(ErrorKind::Cancelled, "the run was cancelled."),
        Some(Interrupt::Deadline) => call.error(ErrorKind::Limit, "the run took longer than the time it was given."),
    }
}

/// An address for messages, without its login.
fn without_login(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let login = authority.rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}://{}", rest.get(login..).unwrap_or_default())
}

fn with_query(url: &str, query: &[(String, String)]) -> String {
    let (base, fragment) = match url.split_once('#') {
        Some((base, fragment)) => (base, format!("#{fragment}")),
        None => (url, String::new()),
    };
    let mut out = base.to_owned();
    for (name, value) in query {
        out.push(if out.contains('?') { '&' } else { '?' });
        out.push_str(&url::encode(name));
        out.push('=');
        out.push_str(&url::encode(value));
    }
    out + &fragment
}

fn answer(response: &HttpResponse, budget: &mut dyn Budget) -> Result<Record, Box<RunError>> {
    let text = body_text(response);
    let begins_like_json = text.trim_start().starts_with(['{', '[']);
    let is_json = begins_like_json || header(response, "content-type").is_some_and(|value| value.contains("json"));
    let json = match is_json.then(|| json::decode(&text, budget)) {
        Some(Ok(value)) => value,
        Some(Err(DecodeError { problem: Problem::Stopped(stopped), .. })) => return Err(stopped),
        Some(Err(_)) | None => Value::Null,
    };
    let mut headers: Vec<(EcoString, Value)> = Vec::new();
    for (name, value) in &response.headers {
        let name = EcoString::from(name.to_ascii_lowercase());
        match headers.iter_mut().find(|(known, _)| *known == name) {
            None => headers.push((name, value.as_str().into())),
            // Cookies may contain commas.
            Some((_, known)) if name == "set-cookie" => {
                let mut all: Vec<Value> = match Rows::of(known) {
                    Some(rows) => rows.iter().collect(),
                    None => vec![known.clone()],
                };
                all.push(value.as_str().into());
                *known = Value::list(all);
            }
            Some((_, known)) => {
                let joined = to_text(known).unwrap_or_default() + ", " + value.as_str();
                *known = Value::text(joined);
            }
        }
    }
    let fields: [(&str, Value); 6] = [
        ("statusCode", i64::from(response.status).into()),
        ("reasonPhrase", response.reason.as_str().into()),
        ("headers", Value::Record(Record::from_fields(headers))),
        ("body", Value::binary(response.body.clone())),
        ("text", text.into()),
        ("json", json),
    ];
    Ok(Record::from_fields(fields.map(|(name, value)| (name.into(), value))))
}

fn header<'a>(response: &'a HttpResponse, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// The body in its declared encoding, UTF-8 by default.
fn body_text(response: &HttpResponse) -> String {
    let encoding = charset::encoding(&response.body, header(response, "content-type").unwrap_or_default());
    encoding.unwrap_or(UTF_8).decode(&response.body).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Harness;

    fn harness(status: u16, content_type: &str, body: &str) -> Harness {
        let harness = Harness::default();
        *harness.host.answer.lock().expect("not poisoned") = Some(HttpResponse {
            status,
            reason: "Reason".into(),
            headers: vec![
                ("Content-Type".into(), content_type.into()),
                ("X-A".into(), "1".into()),
                ("x-a".into(), "2".into()),
                ("Set-Cookie".into(), "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT".into()),
                ("set-cookie".into(), "b=2".into()),
            ],
            body: body.as_bytes().to_vec(),
        });
        harness
    }

    fn requested(harness: &Harness) -> HttpRequest {
        harness.host.requests.lock().expect("not poisoned").last().expect("a request").clone()
    }

    #[test]
    fn answers_are_records() {
        let mut harness = harness(200, "application/json", "{\"a\": [1]}");
        let answer = harness.call("HTTP.Get", vec!["https://x.se/a".into()]).map(|value| value.to_literal(500));
        assert_eq!(
            answer.as_deref(),
            Ok(
                "{statusCode: 200, reasonPhrase: 'Reason', headers: {\"content-type\": 'application/json', \"x-a\": '1, 2', \
                \"set-cookie\": ['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2']}, \
                body: binary of 10 bytes, text: '{\"a\": [1]}', json: {a: [1]}}"
            )
        );
        let sent = requested(&harness);
        assert_eq!(
            (sent.method.as_str(), sent.url.as_str(), sent.body, sent.timeout),
            ("GET", "https://x.se/a", None, 30.0)
        );
    }

    #[test]
    fn texts_are_in_the_encoding_that_they_state() {
        let text = |content_type: &str, body: &[u8]| {
            let mut harness = harness(200, content_type, "");
            let mut answer = harness.host.answer.lock().expect("not poisoned");
            answer.as_mut().expect("an answer").body = body.to_vec();
            drop(answer);
            let Ok(Value::Record(answer)) = harness.call("HTTP.Get", vec!["https://x.se/a".into()]) else {
                panic!("no answer");
            };
            to_text(&answer.get("text").unwrap_or_default()).unwrap_or_default().to_string()
        };
        let declared = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe5</a>";
        assert!(text("text/xml", declared).ends_with("<a>\u{e5}</a>"));
        assert!(text("application/atom+xml", declared).ends_with("<a>\u{e5}</a>"));
        assert!(text("text/xml; charset=windows-1252", declared).ends_with("<a>\u{e5}</a>"));
        assert_eq!(text("text/xml", b"\xff\xfe<\0a\0/\0>\0"), "<a/>");
        assert_eq!(text("text/plain", "\u{feff}\u{e5}".as_bytes()), "\u{e5}");
        assert_eq!(text("text/plain; charset=none", "\u{e5}".as_bytes()), "\u{e5}");
    }

    #[test]
    fn options_make_the_request() {
        let mut harness = harness(201, "text/plain; charset=\"iso-8859-1\"", "x");
        let options = Value::record([
            ("method", Value::from("put")),
            ("headers", Value::record([("X-K", Value::from(5)), ("X-N", Value::Null)])),
            ("query", Value::record([("q", Value::from("å b")), ("l", Value::list(vec![1.into(), 2.into()]))])),
            ("json", Value::record([("a", Value::from(1))])),
            ("timeout", "2,5".into()),
            ("body", Value::Null),
        ]);
        harness.call("HTTP.Request", vec!["https://x.se/a?z=1#f".into(), options]).expect("an answer");
        let sent = requested(&harness);
        assert_eq!(sent.method, "PUT");
        assert_eq!(sent.url, "https://x.se/a?z=1&q=%c3%a5+b&l=1&l=2#f");
        assert_eq!(sent.headers, [("X-K".into(), "5".into()), ("Content-Type".into(), "application/json".into())]);
        assert_eq!(sent.body.as_deref(), Some(&b"{\"a\":1}"[..]));
        assert!((sent.timeout - 2.5).abs() < f64::EPSILON);
    }

    #[test]
    fn other_statuses_are_errors_unless_wanted() {
        let mut harness = harness(404, "text/plain", "no such item");
        let url = || Value::from("https://x.se/a");
        let message = harness.call("HTTP.Post", vec![url(), 1.into()]).expect_err("an error");
        assert_eq!(message, "HTTP.Post: POST https://x.se/a answered 404 Reason: no such item");
        let message = harness.call("HTTP.Get", vec!["https://me:s3cret@x.se/a@b".into()]).expect_err("an error");
        assert_eq!(message, "HTTP.Get: GET https://x.se/a@b answered 404 Reason: no such item");
        let options = Value::record([("continueOnError", Value::from(true))]);
        assert!(harness.call("HTTP.Request", vec![url(), options]).is_ok());
        *harness.host.answer.lock().expect("not poisoned") = None;
        assert_eq!(harness.call("HTTP.Get", vec![url()]).expect_err("an error"), "HTTP.Get: no route");
    }

    #[test]
    fn bad_requests_are_refused() {
        let mut harness = harness(200, "", "");
        let mut message =
            |options: Value| harness.call("HTTP.Request", vec!["https://x.se".into(), options]).expect_err("an error");
        assert!(
            message(Value::record([("methd", "GET")].map(|(n, v)| (n, Value::from(v)))))
                .contains("Did you mean method?")
        );
        assert!(message(Value::record([("method", Value::from("a b"))])).contains("the option method takes"));
        let split = Value::record([("X", Value::from("a\r\nB: c"))]);
        assert!(message(Value::record([("headers", split)])).contains("cannot be a header"));
        assert!(message(Value::record([("timeout", Value::from(0))])).contains("seconds, more than 0"));
        assert!(
            message(Value::record([("body", Value::from("x")), ("json", Value::from(1))]))
                .contains("exclude each other")
        );
        assert!(message(Value::record([("body", Value::list(vec![1.into()]))])).contains("text or binary"));
        for url in ["file:///etc/passwd", "x.se", "https://x.se/a b", "https://x.se\r\nHost: y"] {
            assert!(harness.call("HTTP.Get", vec![url.into()]).is_err(), "{url}");
        }
        assert!(harness.host.requests.lock().expect("not poisoned").is_empty());
    }
}
