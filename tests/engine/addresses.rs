//! Addresses of `http` steps, and the results of their answers.

use crate::peer::{Peer, Reply, ok};
use crate::postgres::Postgres;
use crate::server::{Project, Server, wait_for};
use serde_json::json;
use std::time::Duration;

const HEAD: &str = "trigger: { webhook: { auth: none, response: wait } }\ninput: { a: { type: any, default: null } }\nsteps:\n  - id: r\n";

fn served(peer: &Peer, steps: &[(&str, &str)]) -> (Project, Server) {
    let project = Project::new(&[
        ("connections.yaml", &format!("api: {{ http: {{ url: 'http://{}/api/v2/' }} }}", peer.address)),
        ("flowscript.toml", &peer.allow()),
    ]);
    for (name, step) in steps {
        let step = step.replace("PEER", &peer.address);
        project.write(
            &format!("workflows/{name}.yaml"),
            &format!("{HEAD}    http: {{ {step} }}\noutput: \"{{r.headers}}\"\n"),
        );
    }
    let server = project.serve();
    (project, server)
}

#[test]
fn a_part_of_an_address_cannot_lead_out_of_its_path() {
    let peer = Peer::new(|_, _| ok("{}"));
    let steps = [
        ("part", "connection: api, url: 'items/{a}/sub', method: DELETE"),
        ("two", "connection: api, url: 'items/{a}{a}/sub', method: DELETE"),
        ("dot", "connection: api, url: 'items/.{a}', method: DELETE"),
        ("whole", "connection: api, url: '{a}', method: DELETE"),
        ("own", "url: 'http://PEER/api/v2/{a}/sub', method: DELETE"),
    ];
    let (_project, server) = served(&peer, &steps);
    let refused = [
        ("part", ".."),
        ("part", "."),
        ("part", ""),
        ("part", "../x"),
        ("part", "..\\x"),
        ("part", "..;x"),
        ("part", " .. "),
        ("part", "%2e%2e/../a"),
        ("two", "."),
        ("dot", "."),
        ("whole", "../x"),
        ("whole", "a/%2e%2e/%2E%2e/b"),
        ("whole", "..\\x"),
        ("whole", ".\t./x"),
        ("whole", "x/.%2e"),
        ("whole", "https://example.com/x"),
        ("own", ".."),
        ("own", ""),
        ("own", "."),
    ];
    for (name, value) in refused {
        let answer = server.post(&format!("/hooks/{name}"), &json!({ "a": value }).to_string());
        assert_eq!(answer.status, 500, "{name} {value}: {}", answer.text);
        let run = server.api(&format!("/runs?workflow={name}"))["runs"][0].clone();
        let message = run["error"]["message"].as_str().unwrap();
        assert!(
            ["would lead out", "is empty", "follows the connection"].iter().any(|part| message.contains(part)),
            "{message}"
        );
    }
    assert!(peer.heard().is_empty(), "{:?}", peer.heard());
    for (name, value, path) in [
        ("part", "a/b", "/api/v2/items/a%2Fb/sub"),
        ("part", "a..b", "/api/v2/items/a..b/sub"),
        ("part", "%2e%2e", "/api/v2/items/%252e%252e/sub"),
        ("whole", "/x?to=https://example.com/../x", "/api/v2/x?to=https://example.com/../x"),
        ("two", "a", "/api/v2/items/aa/sub"),
        ("whole", "", "/api/v2"),
        ("own", "é", "/api/v2/%C3%A9/sub"),
    ] {
        let answer = server.post(&format!("/hooks/{name}"), &json!({ "a": value }).to_string());
        assert_eq!(answer.status, 200, "{name} {value}: {}", answer.text);
        assert_eq!(peer.heard().last().unwrap().path, path, "{name} {value}");
    }
}

#[test]
fn only_an_address_that_begins_with_a_scheme_is_absolute() {
    let peer = Peer::new(|_, _| ok("{}"));
    let steps = [
        ("text", "connection: api, url: 'echo?to=https://example.com/x'"),
        ("value", "connection: api, url: 'echo?to={a}'"),
        ("query", "connection: api, url: 'echo', query: { to: '{a}' }"),
        ("path", "connection: api, url: 'proxy/https://example.com/x'"),
    ];
    let (_project, server) = served(&peer, &steps);
    let a = json!({ "a": "https://example.com/x" }).to_string();
    for (name, path) in [
        ("text", "/api/v2/echo?to=https://example.com/x"),
        ("value", "/api/v2/echo?to=https%3A%2F%2Fexample.com%2Fx"),
        ("query", "/api/v2/echo?to=https%3A%2F%2Fexample.com%2Fx"),
        ("path", "/api/v2/proxy/https://example.com/x"),
    ] {
        let answer = server.post(&format!("/hooks/{name}"), &a);
        assert_eq!(answer.status, 200, "{name}: {}", answer.text);
        assert_eq!(peer.heard().last().unwrap().path, path, "{name}");
    }
}

#[test]
fn several_cookies_are_a_list() {
    let peer = Peer::new(|request, _| {
        let mut headers = vec![
            ("X-A", "1".to_owned()),
            ("x-a", "2".to_owned()),
            ("Set-Cookie", "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT".to_owned()),
        ];
        if request.path.ends_with("two") {
            headers.push(("set-cookie", "b=2".to_owned()));
        }
        Reply { status: 200, headers, body: "{}".into() }
    });
    let (_project, server) =
        served(&peer, &[("one", "connection: api, url: one"), ("two", "connection: api, url: two")]);
    let cookies = |name: &str| {
        let answer = server.get(&format!("/hooks/{name}")).json();
        assert_eq!(answer["x-a"], "1, 2", "{answer}");
        answer["set-cookie"].clone()
    };
    assert_eq!(cookies("one"), "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT");
    assert_eq!(cookies("two"), json!(["a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "b=2"]));
    assert_eq!(peer.heard()[0].headers["accept-encoding"], "gzip, deflate, br, zstd");
}

#[test]
fn a_wrong_entry_is_told_once_and_good_ones_keep_their_pools() {
    let postgres = Postgres::start();
    let good = format!(
        "db: {{ sql: {{ url: '{}', pool: 1 }} }}\n",
        postgres.url().replace("flow@", "flow:${file:secrets/password}@")
    );
    let workflow = "trigger: { webhook: { auth: none, response: wait } }\nsteps:\n  - id: r\n    sql: { connection: db, query: \"select pg_backend_pid() as pid\" }\noutput: \"{r[0].pid}\"\n";
    let project =
        Project::new(&[("connections.yaml", &good), ("secrets/password", "one"), ("workflows/w.yaml", workflow)]);
    let server = project.serve();
    let backend = || server.get("/hooks/w").text;
    let first = backend();
    project.write("connections.yaml", &format!("{good}bad: {{ sql: {{ url: nothing }} }}\n"));
    let told = || server.log().matches("must begin with sqlite:").count();
    wait_for("the wrong entry is told", || (told() > 0).then_some(()));
    // A log in the project's own folder, as `2> engine.log` makes it.
    for number in 0..12 {
        project.write("engine.log", &server.log().repeat(number + 1));
        project.write("files/out.txt", "x");
        std::thread::sleep(Duration::from_millis(250));
    }
    // An edit without a change of it.
    project.write("workflows/v.yaml", "output: 1\n");
    wait_for("the new workflow", || server.api("/workflows").to_string().contains("\"id\":\"v\"").then_some(()));
    assert_eq!(told(), 1, "{}", server.log());
    assert_eq!(backend(), first, "the pool is the same");
    project.write("secrets/password", "two");
    wait_for("another pool", || (backend() != first).then_some(()));
}
