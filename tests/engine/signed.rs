//! Signed deliveries over sockets, and the pages of other origins.

use crate::server::{Answer, Project, Server};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hex::encode as hex;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::time::{SystemTime, UNIX_EPOCH};

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

fn sign(secret: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hook(auth: &str) -> String {
    format!(
        "trigger: {{ webhook: {{ methods: [POST], response: wait, auth: {{ signature: {auth} }},
    processing: {{ input: \"[body: body, headers: headers]\" }} }} }}
input: {{ body: any, headers: any }}
output: {{ body: \"{{body}}\", headers: \"{{headers}}\" }}\n"
    )
}

fn post(server: &Server, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    server.send("POST", path, &[&[("Content-Type", "application/json")], headers].concat(), Some(body.as_bytes()))
}

#[test]
fn deliveries_of_every_scheme() {
    let custom =
        "{ header: X-Sign, algorithm: sha256, encoding: base64, prefix: 'v=', secret: ['${env:OLD}', '${env:NEW}'] }";
    let project = Project::new(&[
        ("workflows/github.yaml", &hook("{ scheme: github, secret: '${env:NEW}' }")),
        ("workflows/stripe.yaml", &hook("{ scheme: stripe, secret: '${env:NEW}' }")),
        ("workflows/slack.yaml", &hook("{ scheme: slack, secret: '${env:NEW}' }")),
        ("workflows/shopify.yaml", &hook("{ scheme: shopify, secret: '${file:secret.txt}' }")),
        ("workflows/custom.yaml", &hook(custom)),
        ("secret.txt", "new-secret-of-the-tests\n"),
    ]);
    let server = Server::start_with(
        project.path(),
        &[],
        &[("OLD", "old-secret-of-the-tests"), ("NEW", "new-secret-of-the-tests")],
    );
    let (secret, body, time) = (b"new-secret-of-the-tests".as_slice(), r#"{"a": 1}"#, now());
    let stripe = format!("t={time},v1={}", hex(sign(secret, &format!("{time}.{body}"))));
    let slack = format!("v0={}", hex(sign(secret, &format!("v0:{time}:{body}"))));
    let seconds = time.to_string();
    let cases: [(&str, Vec<(&str, String)>); 6] = [
        ("github", vec![("X-Hub-Signature-256", format!("sha256={}", hex(sign(secret, body))))]),
        ("stripe", vec![("Stripe-Signature", stripe)]),
        ("slack", vec![("X-Slack-Signature", slack), ("X-Slack-Request-Timestamp", seconds)]),
        ("shopify", vec![("X-Shopify-Hmac-Sha256", BASE64_STANDARD.encode(sign(secret, body)))]),
        ("custom", vec![("X-Sign", format!("v={}", BASE64_STANDARD.encode(sign(secret, body))))]),
        ("custom", vec![("X-Sign", format!("v={}", BASE64_STANDARD.encode(sign(b"old-secret-of-the-tests", body))))]),
    ];
    for (scheme, headers) in &cases {
        let path = format!("/hooks/{scheme}");
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let right = post(&server, &path, &headers, body);
        assert_eq!(
            (right.status, right.json()["body"]["a"].to_string().as_str()),
            (200, "1"),
            "{scheme}: {}",
            right.text
        );
        let signature = headers[0].0.to_ascii_lowercase();
        assert!(right.json()["headers"][signature].is_null(), "scripts see no signature: {}", right.text);
        post(&server, &path, &headers, r#"{"a": 2}"#).is_problem(401, "credential");
        post(&server, &path, &[], body).is_problem(401, "credential");
        post(&server, &path, &[(headers[0].0, "sha256=00")], body).is_problem(401, "credential");
    }
    let stale = format!("t={},v1={}", time - 400, hex(sign(secret, &format!("{}.{body}", time - 400))));
    post(&server, "/hooks/stripe", &[("Stripe-Signature", &stale)], body).is_problem(401, "credential");
    // A sender that only signs cannot read a run.
    server.get("/hooks/github/runs/019a0000-0000-7000-8000-000000000000").is_problem(404, "github/runs");
    assert!(!server.log().contains("secret"), "{}", server.log());
}

#[test]
fn a_delivery_of_standard_webhooks_runs_once() {
    let accept =
        "trigger: { webhook: { methods: [POST], auth: { signature: standard, secret: '${env:WHSEC}' } } }\noutput: 1";
    let project = Project::new(&[("workflows/s.yaml", accept)]);
    let secret = format!("whsec_{}", BASE64_STANDARD.encode("a secret of some length"));
    let server = Server::start_with(project.path(), &[], &[("WHSEC", &secret)]);
    let time = now().to_string();
    let deliver = |id: &str, body: &str, extra: &[(&str, &str)]| {
        let signed = sign(b"a secret of some length", &format!("{id}.{time}.{body}"));
        let signature = format!("v1,AAAA v1,{}", BASE64_STANDARD.encode(signed));
        let headers =
            [("webhook-id", id), ("webhook-timestamp", time.as_str()), ("webhook-signature", signature.as_str())];
        post(&server, "/hooks/s", &[&headers, extra].concat(), body)
    };
    let first = deliver("msg_1", "{}", &[]);
    assert_eq!((first.status, first.header("location")), (202, ""), "{}", first.text);
    assert_eq!(first.json().as_object().unwrap().keys().collect::<Vec<_>>(), ["runId"]);
    assert_eq!(deliver("msg_1", "{}", &[]).text, first.text);
    // The signed id names the delivery, regardless of an unsigned header.
    assert_eq!(deliver("msg_1", "{}", &[("Idempotency-Key", "another")]).text, first.text);
    deliver("msg_1", "{ }", &[]).is_problem(422, "another request");
    assert_ne!(deliver("msg_2", "{}", &[]).text, first.text);
    server.run_in(first.json()["runId"].as_str().unwrap(), "completed");
    assert_eq!(server.api("/runs")["runs"].as_array().unwrap().len(), 2);
}

#[test]
fn pages_of_other_origins() {
    let cors = "trigger: { webhook: { auth: none, methods: [POST], response: wait, cors: ['https://shop.example'] } }\noutput: 1";
    let project = Project::new(&[
        ("workflows/open.yaml", cors),
        ("workflows/plain.yaml", "trigger: { webhook: { auth: none, response: wait } }\noutput: 1"),
    ]);
    let server = project.serve();
    let with = |method: &str, path: &str, origin: &str| server.send(method, path, &[("Origin", origin)], None);
    let preflight = with("OPTIONS", "/hooks/open", "https://shop.example");
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, "https://shop.example"));
    assert!(preflight.header("access-control-allow-headers").contains("X-API-Key"));
    assert_eq!(preflight.header("access-control-allow-credentials"), "");
    assert_eq!(with("HEAD", "/hooks/open", "https://shop.example").status, 204);
    let other = with("OPTIONS", "/hooks/open", "https://evil.example");
    assert_eq!((other.header("access-control-allow-origin"), other.header("vary")), ("", "Origin"));
    let posted = with("POST", "/hooks/open", "https://shop.example");
    assert_eq!((posted.text.as_str(), posted.header("access-control-allow-origin")), ("1", "https://shop.example"));
    let refused = with("GET", "/hooks/open", "https://shop.example");
    assert_eq!((refused.status, refused.header("allow")), (405, "POST, HEAD, OPTIONS"));
    assert_eq!(refused.header("access-control-allow-origin"), "https://shop.example");
    for method in ["HEAD", "OPTIONS"] {
        assert_eq!(with(method, "/hooks/plain", "https://shop.example").status, 405, "{method}");
    }
    assert_eq!(with("GET", "/hooks/plain", "https://shop.example").header("access-control-allow-origin"), "");
    assert_eq!(server.api("/runs")["runs"].as_array().unwrap().len(), 2, "questions run nothing");
}

/// The HMAC-SHA256 of a text, in hexadecimal digits.
pub fn hex_of(secret: &[u8], text: &str) -> String {
    hex(sign(secret, text))
}

/// A delivery of a scheme with its own id.
struct Sender {
    scheme: &'static str,
    /// The header of the id; the field `field` of the body without one.
    id: Option<&'static str>,
    field: &'static str,
}

const SENDERS: [Sender; 5] = [
    Sender { scheme: "github", id: Some("X-GitHub-Delivery"), field: "" },
    Sender { scheme: "shopify", id: Some("X-Shopify-Webhook-Id"), field: "" },
    Sender { scheme: "shopify", id: Some("X-Shopify-Event-Id"), field: "" },
    Sender { scheme: "stripe", id: None, field: "id" },
    Sender { scheme: "slack", id: None, field: "event_id" },
];

impl Sender {
    /// Sends a delivery, signed at `time`.
    fn deliver(&self, server: &Server, id: &str, time: i64, rest: &str, extra: &[(&str, &str)]) -> Answer {
        let body = match self.id {
            None if !id.is_empty() => format!("{{\"{}\": \"{id}\", {rest}}}", self.field),
            _ => format!("{{{rest}}}"),
        };
        let (secret, seconds) = (b"new-secret-of-the-tests".as_slice(), time.to_string());
        let mut headers: Vec<(&str, String)> = match self.scheme {
            "github" => vec![("X-Hub-Signature-256", format!("sha256={}", hex_of(secret, &body)))],
            "stripe" => {
                let signature = hex_of(secret, &format!("{time}.{body}"));
                vec![("Stripe-Signature", format!("t={time},v1={signature}"))]
            }
            "slack" => {
                let signature = format!("v0={}", hex_of(secret, &format!("v0:{time}:{body}")));
                vec![("X-Slack-Signature", signature), ("X-Slack-Request-Timestamp", seconds)]
            }
            _ => vec![("X-Shopify-Hmac-Sha256", BASE64_STANDARD.encode(sign(secret, &body)))],
        };
        headers.extend(self.id.filter(|_| !id.is_empty()).map(|name| (name, id.to_owned())));
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        post(server, &format!("/hooks/{}", self.scheme), &[&headers, extra].concat(), &body)
    }
}

#[test]
fn deliveries_that_are_sent_again_run_once() {
    let accept = |scheme: &str| {
        format!(
            "trigger: {{ webhook: {{ methods: [POST], auth: {{ signature: {{ scheme: {scheme}, secret: '${{env:NEW}}' }} }} }} }}\noutput: 1"
        )
    };
    let schemes = ["github", "shopify", "stripe", "slack"];
    let files: Vec<(String, String)> =
        schemes.iter().map(|scheme| (format!("workflows/{scheme}.yaml"), accept(scheme))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let project = Project::new(&files);
    let server = Server::start_with(project.path(), &[], &[("NEW", "new-secret-of-the-tests")]);
    let time = now();
    for (number, sender) in SENDERS.iter().enumerate() {
        let (id, other) = (format!("evt_{number}"), format!("evt_{number}_b"));
        let first = sender.deliver(&server, &id, time, "\"a\": 1", &[]);
        assert_eq!(first.status, 202, "{}: {}", sender.scheme, first.text);
        // Again, signed at another time, and with an unsigned header.
        assert_eq!(sender.deliver(&server, &id, time - 60, "\"a\": 1", &[]).text, first.text, "{}", sender.scheme);
        let extra = [("Idempotency-Key", "another"), ("X-Slack-Retry-Num", "1")];
        assert_eq!(sender.deliver(&server, &id, time, "\"a\": 1", &extra).text, first.text, "{}", sender.scheme);
        sender.deliver(&server, &id, time, "\"a\": 2", &[]).is_problem(422, "another request");
        assert_ne!(sender.deliver(&server, &other, time, "\"a\": 1", &[]).text, first.text, "{}", sender.scheme);
        // Without an id each one is a run of its own, unless the caller names it.
        let without = sender.deliver(&server, "", time, "\"challenge\": 1", &[]);
        assert_ne!(sender.deliver(&server, "", time, "\"challenge\": 1", &[]).text, without.text, "{}", sender.scheme);
        let named = [("Idempotency-Key", id.as_str())];
        let named_run = sender.deliver(&server, "", time, "\"challenge\": 1", &named);
        assert_eq!((named_run.status, named_run.text != first.text), (202, true), "keys and ids are apart");
        assert_eq!(sender.deliver(&server, "", time, "\"challenge\": 1", &named).text, named_run.text);
    }
    // Fields of Stripe that count down between two tries do not count as a difference.
    let stripe = &SENDERS[3];
    let first = stripe.deliver(&server, "evt_p", time, "\"pending_webhooks\": 2, \"a\": 1", &[]);
    assert_eq!(stripe.deliver(&server, "evt_p", time, "\"pending_webhooks\": 1, \"a\": 1", &[]).text, first.text);
    stripe.deliver(&server, "evt_p", time, "\"pending_webhooks\": 1, \"a\": 2", &[]).is_problem(422, "another request");
}

#[test]
fn a_webhook_describes_itself() {
    let workflow = "
input: { id: text, times: { type: number, default: 1, description: how often } }
trigger: { webhook: { path: shop/items, response: wait, query: { id: {}, times: { type: number, default: 1 } } } }
output: { id: \"{id}\", times: \"{times}\" }
";
    let project = Project::new(&[("workflows/a.yaml", workflow)]);
    let server = project.serve();
    server.get("/hooks/shop/items/openapi.json").is_problem(401, "credential");
    let key = server.key("a");
    let shown = server.send("GET", "/hooks/shop/items/openapi.json", &[("X-API-Key", &key)], None);
    assert_eq!((shown.status, shown.header("content-type")), (200, "application/json"), "{}", shown.text);
    let document = shown.json();
    assert_eq!(document["openapi"], "3.1.0");
    let get = &document["paths"]["/hooks/shop/items"]["get"];
    assert_eq!((&get["parameters"][0]["name"], &get["parameters"][0]["required"]), (&"id".into(), &true.into()));
    let fields = &get["responses"]["200"]["content"]["application/json"]["schema"]["properties"];
    assert_eq!((&fields["id"]["type"], &fields["times"]["type"]), (&"string".into(), &"number".into()));
    let body = &document["paths"]["/hooks/shop/items"]["post"]["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(body["properties"]["times"]["default"].to_string(), "1");
    assert_eq!(document["components"]["securitySchemes"]["apiKey"]["name"], "X-API-Key");
    server.send("POST", "/hooks/shop/items/openapi.json", &[("X-API-Key", &key)], None).is_problem(405, "GET");
}
