//! Authentication of webhooks and the admin API: keys, logins, tokens.

use crate::server::{Answer, Project, Server, bearer};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value as Json, json};

const HOOK: &str = "trigger: { webhook: { response: wait } }\noutput: 1";

fn api(server: &Server, method: &str, path: &str, body: &Json) -> Answer {
    server.send(method, &format!("/api/v1{path}"), &[bearer()], Some(body.to_string().as_bytes()))
}

fn call(server: &Server, path: &str, key: &str) -> u16 {
    server.send("GET", path, &[("X-API-Key", key)], None).status
}

#[test]
fn a_key_that_was_made_opens_and_stays_open_while_others_are_made() {
    let project = Project::new(&[("workflows/a.yaml", HOOK)]);
    let server = project.serve();
    let make = || {
        for _ in 0..15 {
            let key = server.key("a");
            for _ in 0..5 {
                assert_eq!(call(&server, "/hooks/a", &key), 200);
            }
        }
    };
    std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(make))));
}

#[test]
fn a_key_from_its_making_to_its_end() {
    let project = Project::new(&[("workflows/a.yaml", HOOK), ("workflows/b.yaml", HOOK)]);
    let server = project.serve();
    let made = api(&server, "POST", "/keys", &json!({ "workflow": "a", "label": "shop" }));
    assert_eq!(made.status, 201, "{}", made.text);
    let (id, key) = (made.json()["id"].as_str().unwrap().to_owned(), made.json()["key"].as_str().unwrap().to_owned());
    assert!(key.starts_with("fsk_") && key.len() == 68, "{key}");
    assert_eq!((call(&server, "/hooks/a", &key), call(&server, "/hooks/b", &key)), (200, 401));
    // The same key again opens one more workflow, and keeps its label.
    let pasted = api(&server, "POST", "/keys", &json!({ "workflow": "b", "label": "other", "key": key }));
    assert_eq!((pasted.status, pasted.json()["id"].as_str()), (201, Some(id.as_str())), "{}", pasted.text);
    assert_eq!((&pasted.json()["label"], &pasted.json()["workflows"]), (&json!("shop"), &json!(["a", "b"])));
    assert!(pasted.json()["key"].is_null(), "a pasted key is not shown again");
    assert_eq!(call(&server, "/hooks/b", &key), 200);
    let listed = server.api("/keys")["keys"][0].clone();
    assert_eq!(listed["hint"].as_str(), key.get(key.len() - 4..));
    assert!(listed["lastUsedAt"].as_str().unwrap().ends_with(":00.000Z"), "{listed}");
    let renamed = api(&server, "PATCH", &format!("/keys/{id}"), &json!({ "label": "web shop" }));
    assert_eq!((renamed.status, &renamed.json()["label"]), (200, &json!("web shop")));
    let second = server.key("a");
    let revoked = api(&server, "POST", &format!("/keys/{id}/revoke"), &json!({}));
    assert!(revoked.json()["revokedAt"].is_string(), "{}", revoked.text);
    assert_eq!((call(&server, "/hooks/a", &key), call(&server, "/hooks/a", &second)), (401, 200));
    let again = api(&server, "POST", "/keys", &json!({ "workflow": "a", "key": key }));
    again.is_problem(409, "revoked");
    assert_eq!(api(&server, "DELETE", &format!("/keys/{id}"), &json!({})).status, 204);
    api(&server, "DELETE", &format!("/keys/{id}"), &json!({})).is_problem(404, &id);
    assert_eq!(server.api("/keys")["keys"].as_array().unwrap().len(), 1);
    let server = server.restart();
    assert_eq!((call(&server, "/hooks/a", &key), call(&server, "/hooks/a", &second)), (401, 200));
}

#[test]
fn keys_that_cannot_be() {
    let project = Project::new(&[("workflows/a.yaml", HOOK)]);
    let server = project.serve();
    let refused = |body: Json, status: u16, part: &str| api(&server, "POST", "/keys", &body).is_problem(status, part);
    refused(json!({ "workflow": "none" }), 404, "`none`");
    refused(json!({ "workflow": "a", "key": "too short" }), 400, "9 characters");
    refused(json!({ "workflow": "a", "key": "with blanks in the middle of it" }), 400, "blanks");
    refused(json!({ "workflow": "a", "expiresAt": "tomorrow" }), 400, "`expiresAt`");
    refused(json!({ "workflow": "a", "expiresAt": "2001-01-01T00:00:00Z" }), 400, "is in the past");
    refused(json!({ "workflow": "a", "label": "two\nlines" }), 400, "one line");
    refused(json!({ "workflow": "a", "labl": "x" }), 400, "labl");
    refused(json!([]), 400, "must be a JSON object");
    api(&server, "POST", "/keys/x/revoke", &json!({})).is_problem(404, "x");
}

#[test]
fn wrong_credentials_get_one_answer_before_the_body_is_read() {
    let project = Project::new(&[("workflows/a.yaml", HOOK), ("workflows/b.yaml", HOOK)]);
    let server = project.serve();
    let soon = instant_in(1);
    let made = api(&server, "POST", "/keys", &json!({ "workflow": "a", "expiresAt": soon }));
    assert_eq!(made.status, 201, "{}", made.text);
    let expired = made.json()["key"].as_str().unwrap().to_owned();
    assert_eq!(call(&server, "/hooks/a", &expired), 200);
    let other = server.key("b");
    std::thread::sleep(std::time::Duration::from_millis(1_200));
    let answers = [
        server.get("/hooks/a"),
        server.send("GET", "/hooks/a", &[("X-API-Key", "wrong")], None),
        server.send("GET", "/hooks/a", &[("X-API-Key", &expired)], None),
        server.send("GET", "/hooks/a", &[("Authorization", &format!("Bearer {other}"))], None),
        server.send("GET", "/hooks/a", &[("X-API-Key", &other), ("X-API-Key", &other)], None),
        // Too large and undecodable, but neither is looked at.
        server.send("POST", "/hooks/a", &[("Content-Encoding", "br")], Some(&vec![b'x'; 2 << 20])),
    ];
    for answer in &answers {
        answer.is_problem(401, "credential");
        assert_eq!(answer.text, answers[0].text);
    }
}

/// An instant some seconds from now.
fn instant_in(seconds: i64) -> String {
    (chrono::Utc::now() + chrono::TimeDelta::seconds(seconds)).to_rfc3339()
}

#[test]
fn a_key_in_the_query_only_where_the_file_allows_it() {
    let hook = "trigger: { webhook: { response: wait, query: { q: text? }, auth: { apiKey: { query: key } } } }
input: { q: text? }
output: \"{q}\"";
    let project = Project::new(&[("workflows/a.yaml", hook), ("workflows/b.yaml", HOOK)]);
    let server = project.serve();
    let (a, b) = (server.key("a"), server.key("b"));
    assert_eq!(server.get(&format!("/hooks/a?q=x&key={a}")).text, "x");
    assert_eq!(server.send("GET", "/hooks/a?q=y", &[("X-API-Key", &a)], None).text, "y");
    server.get(&format!("/hooks/a?key={a}&key={a}")).is_problem(401, "credential");
    server.get(&format!("/hooks/b?key={b}")).is_problem(401, "credential");
    for file in ["flowscript.db", "flowscript.db-wal"] {
        let bytes = std::fs::read(project.path().join("data").join(file)).unwrap_or_default();
        assert!(!bytes.windows(a.len()).any(|window| window == a.as_bytes()), "{file}");
    }
}

#[test]
fn basic_logins() {
    let fixed = "trigger: { webhook: { response: wait, auth: { basic: { username: shop, password: '${env:SHOP_PASSWORD}' } } } }
output: 1";
    let keyed = "trigger: { webhook: { response: wait, auth: basic } }\noutput: 2";
    let missing = "trigger: { webhook: { auth: { basic: { username: x, password: '${env:NOT_THERE}' } } } }\noutput: 3";
    let project = Project::new(&[
        ("workflows/fixed.yaml", fixed),
        ("workflows/keyed.yaml", keyed),
        ("workflows/missing.yaml", missing),
    ]);
    let server = Server::start_with(project.path(), &[], &[("SHOP_PASSWORD", "pä:ss")]);
    let login = |path: &str, text: &str| {
        let encoded = format!("Basic {}", BASE64_STANDARD.encode(text));
        server.send("GET", path, &[("Authorization", &encoded)], None)
    };
    assert_eq!(login("/hooks/fixed", "shop:pä:ss").text, "1");
    for wrong in ["shop:pass", "Shop:pä:ss", "shop", "", "shop:pä:ss "] {
        let refused = login("/hooks/fixed", wrong);
        refused.is_problem(401, "credential");
        assert!(refused.header("www-authenticate").starts_with("Basic"), "{wrong}");
    }
    let key = server.key("keyed");
    assert_eq!(login("/hooks/keyed", &format!("anybody:{key}")).text, "2");
    login("/hooks/keyed", "anybody:wrong").is_problem(401, "credential");
    assert!(server.log().contains("missing.yaml:1:63"), "{}", server.log());
    assert!(server.log().contains("NOT_THERE"), "{}", server.log());
    server.get("/hooks/missing").is_problem(404, "`missing`");
}

#[test]
fn viewers_see_and_change_nothing() {
    let project = Project::new(&[("workflows/a.yaml", HOOK)]);
    let server = project.serve();
    let key = server.key("a");
    let id = server.api("/keys")["keys"][0]["id"].as_str().unwrap().to_owned();
    let make = |body: Json| api(&server, "POST", "/tokens", &body);
    let made = make(json!({ "role": "viewer", "label": "wall" }));
    assert_eq!(made.status, 201, "{}", made.text);
    let viewer = format!("Bearer {}", made.json()["token"].as_str().unwrap());
    let as_viewer = |method: &str, path: &str| {
        server.send(method, &format!("/api/v1{path}"), &[("Authorization", &viewer)], Some(b"{}"))
    };
    for path in [
        "/runs",
        "/runs/counts",
        "/runs/recent",
        "/workflows",
        "/workflows/a",
        "/keys",
        "/lanes",
        "/tokens",
        "/statistics",
        "/attention",
    ] {
        assert_eq!(
            server.send("GET", &format!("/api/v1{path}"), &[("Authorization", &viewer)], None).status,
            200,
            "{path}"
        );
    }
    let run = "019a0000-0000-7000-8000-000000000000";
    let changes = [
        ("POST", "/workflows/a/run".to_owned()),
        ("POST", "/workflows/a/activate".into()),
        ("PUT", "/workflows/a/diagnostics".into()),
        ("POST", format!("/runs/{run}/retry")),
        ("POST", format!("/runs/{run}/rerun")),
        ("POST", format!("/runs/{run}/cancel")),
        ("POST", format!("/runs/{run}/skip")),
        ("POST", "/runs/retry".into()),
        ("POST", "/runs/rerun".into()),
        ("POST", "/runs/cancel".into()),
        ("POST", "/runs/skip".into()),
        ("POST", "/lanes/a/skip".into()),
        ("POST", "/lanes/a/resume".into()),
        ("POST", "/keys".into()),
        ("PATCH", format!("/keys/{id}")),
        ("DELETE", format!("/keys/{id}")),
        ("POST", format!("/keys/{id}/revoke")),
        ("POST", "/tokens".into()),
        ("DELETE", format!("/tokens/{id}")),
    ];
    for (method, path) in &changes {
        as_viewer(method, path).is_problem(403, "viewer");
    }
    assert_eq!(call(&server, "/hooks/a", &key), 200);
    let admin = make(json!({ "role": "admin", "label": "second" })).json();
    let second = format!("Bearer {}", admin["token"].as_str().unwrap());
    let as_second = |method: &str, path: &str| server.send(method, path, &[("Authorization", &second)], None);
    assert_eq!(as_second("POST", "/api/v1/workflows/a/run").status, 202);
    let id = admin["id"].as_str().unwrap();
    assert_eq!(as_second("DELETE", &format!("/api/v1/tokens/{id}")).status, 204);
    as_second("GET", "/api/v1/runs").is_problem(401, "credential");
    make(json!({ "role": "owner" })).is_problem(400, "`owner`");
    let expiring = make(json!({ "role": "viewer", "expiresAt": instant_in(1) }));
    let text = format!("Bearer {}", expiring.json()["token"].as_str().unwrap());
    assert_eq!(server.send("GET", "/api/v1/runs", &[("Authorization", &text)], None).status, 200);
    std::thread::sleep(std::time::Duration::from_millis(1_200));
    server.send("GET", "/api/v1/runs", &[("Authorization", &text)], None).is_problem(401, "credential");
    assert!(!server.api("/tokens").to_string().contains("fst_"), "tokens are not shown again");
}
