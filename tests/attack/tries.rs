//! Attacks that need only a request: keys in places where they remain, paths, headers, bombs, forged addresses, pages.

use crate::peer::{Peer, Reply, ok};
use crate::server::{Project, Server, TOKEN, bearer, flowscript, raw, wait_for};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Each by its name.
pub const TRIES: &[(&str, fn())] = &[
    ("wrong_keys_take_equally_long", wrong_keys_take_equally_long),
    ("credentials_stay_nowhere", credentials_stay_nowhere),
    ("paths_lead_nowhere_else", paths_lead_nowhere_else),
    ("headers_cannot_be_smuggled_into_answers", headers_cannot_be_smuggled_into_answers),
    ("bombs_do_no_harm", bombs_do_no_harm),
    ("requests_do_not_lead_inside", requests_do_not_lead_inside),
    ("viewers_change_nothing_and_strangers_see_nothing", viewers_change_nothing_and_strangers_see_nothing),
    ("files_of_a_step_stay_in_their_folder", files_of_a_step_stay_in_their_folder),
    ("pages_cannot_use_the_api", pages_cannot_use_the_api),
    ("slow_evaluations_hold_up_no_quick_one", slow_evaluations_hold_up_no_quick_one),
];

/// A workflow with a key that echoes what it gets.
const ECHO: &str = "
input: { value: any, headers: any }
trigger:
  webhook:
    response: wait
    processing: { input: \"[value: body, headers: headers]\" }
steps:
  - log: { message: \"from {headers.host}\" }
output: { value: \"{value}\", headers: \"{headers}\" }
";

/// The engine looks up and compares the SHA-256 of the key it was given. A key that is nearly right has a hash as far
/// from the right one as any other, and a caller cannot choose hashes: the time of the comparison reveals nothing about
/// the key. What could reveal something comes before it: a look into the store, or another answer for a key that was
/// right once.
fn wrong_keys_take_equally_long() {
    let project = Project::new(&[("workflows/a.yaml", ECHO), ("workflows/b.yaml", ECHO)]);
    let server = project.serve();
    let right = server.key("a");
    let revoked = server.send("POST", "/api/v1/keys", &[bearer()], Some(b"{\"workflow\": \"a\"}")).json();
    let id = revoked["id"].as_str().unwrap();
    assert!(server.send("POST", &format!("/api/v1/keys/{id}/revoke"), &[bearer()], Some(b"")).status < 300);
    let keys = [
        // Right up to the last character, right in its beginning, of another workflow, revoked.
        format!("{}{}", &right[..67], if right.ends_with('0') { '1' } else { '0' }),
        format!("fsk_{}", "0".repeat(64)),
        server.key("b"),
        revoked["key"].as_str().unwrap().to_owned(),
    ];
    let mut times = keys.each_ref().map(|_| Vec::new());
    let mut bodies = Vec::new();
    // Alternating, so that other work of the machine affects all alike.
    for _ in 0..150 {
        for (key, times) in keys.iter().zip(&mut times) {
            let started = Instant::now();
            let answer = server.send("GET", "/hooks/a", &[("X-API-Key", key)], None);
            times.push(started.elapsed());
            answer.is_problem(401, "credential");
            bodies.push(answer.text);
        }
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    // A fast one of each: other work of the machine only adds time.
    let typical = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 10]
    });
    let (fastest, slowest) = (typical.iter().min().unwrap(), typical.iter().max().unwrap());
    assert!(*slowest < *fastest * 3 / 2 + Duration::from_micros(500), "{typical:?}");
}

fn credentials_stay_nowhere() {
    let failing = "trigger: { webhook: { response: wait } }\nsteps: [ { script: \"error 'failed';\" } ]";
    let slow = "trigger: { webhook: { response: wait, timeout: 50ms } }
steps:
  - script: |
      let start = now();
      while DateTime.SecondsBetween(start, now()) < 1 { }";
    let strict = "input: { n: number }\ntrigger: { webhook: { response: wait } }\noutput: 1";
    let project = Project::new(&[
        ("workflows/echo.yaml", ECHO),
        ("workflows/failing.yaml", failing),
        ("workflows/slow.yaml", slow),
        ("workflows/strict.yaml", strict),
        (
            "workflows/query.yaml",
            "trigger: { webhook: { auth: { apiKey: { query: k } }, query: { n: {} } } }\ninput: { n: number }",
        ),
    ]);
    // The log may contain anything but this.
    let server = Server::start_with(project.path(), &[], &[("FLOWSCRIPT_LOG", "trace")]);
    let key = server.key("echo");
    for workflow in ["failing", "slow", "strict", "query"] {
        let body = json!({ "workflow": workflow, "key": key }).to_string();
        assert_eq!(server.send("POST", "/api/v1/keys", &[bearer()], Some(body.as_bytes())).status, 201);
    }
    let cookie = "session=cookie-of-a-browser";
    let mut answers = Vec::new();
    for path in ["/hooks/echo", "/hooks/failing", "/hooks/slow", "/hooks/strict", "/hooks/none", "/hooks/echo/runs/x"] {
        for headers in [
            [("X-API-Key", key.as_str()), ("Cookie", cookie)],
            [("Authorization", &format!("Bearer {key}")), ("Cookie", cookie)],
        ] {
            for body in ["{\"a\": 1}", "{"] {
                let headers = [headers.as_slice(), &[("Content-Type", "application/json")]].concat();
                answers.push(server.send("POST", path, &headers, Some(body.as_bytes())).text);
            }
        }
    }
    // Refused before anything runs: size, encoding, method, parameter; the key in the query; broken headers.
    let shown = [("X-API-Key", key.as_str()), ("Cookie", cookie)];
    answers.push(server.send("POST", "/hooks/echo", &shown, Some(&vec![b' '; 2 << 20])).text);
    answers.push(server.send("DELETE", "/hooks/echo", &shown, None).text);
    answers.push(server.send("GET", "/hooks/echo/openapi.json", &shown, None).text);
    let packed = [shown.as_slice(), &[("Content-Encoding", "br")]].concat();
    answers.push(server.send("POST", "/hooks/echo", &packed, Some(b"x")).text);
    let twice = [shown.as_slice(), &[("X-API-Key", key.as_str())]].concat();
    answers.push(server.send("POST", "/hooks/echo", &twice, Some(b"{}")).text);
    let large = "x".repeat(20_000);
    let long = [shown.as_slice(), &[("X-Long", large.as_str())]].concat();
    answers.push(server.send("POST", "/hooks/echo", &long, Some(b"{}")).text);
    for query in [format!("k={key}&n=1"), format!("k={key}&n=x"), format!("n=1&k={key}&n=2"), format!("k={key}")] {
        answers.push(server.get(&format!("/hooks/query?{query}")).text);
        answers.push(server.get(&format!("/hooks/none?{query}")).text);
    }
    answers.push(server.post("/webhook/payload", &json!({ "token": key, "properties": 1 }).to_string()).text);
    answers.push(server.post("/webhook/payload", &json!({ "token": key, "workflowId": "none" }).to_string()).text);
    let token = json!({ "token": key, "workflowId": "echo", "properties": { "value": 1, "headers": 2 } }).to_string();
    answers.push(server.post("/webhook/payload", &token).text);
    for path in ["/runs?limit=1000", "/keys", "/tokens", "/workflows", "/lanes", "/openapi.json"] {
        answers.push(server.api(path).to_string());
    }
    for run in server.api("/runs?limit=1000")["runs"].as_array().unwrap() {
        answers.push(server.api(&format!("/runs/{}", run["id"].as_str().unwrap())).to_string());
    }
    answers.push(server.send("GET", "/metrics", &[bearer()], None).text);
    answers.push(server.log());
    let folder = project.path().join("data");
    let log = server.log();
    drop(server);
    for file in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        answers.push(String::from_utf8_lossy(&std::fs::read(file.path()).unwrap()).into_owned());
    }
    for secret in [key.as_str(), cookie, TOKEN] {
        for answer in &answers {
            assert!(!answer.contains(secret), "{secret} in {}", answer.get(..400).unwrap_or(answer));
        }
        assert!(!log.contains(secret), "{log}");
    }
}

fn paths_lead_nowhere_else() {
    let project = Project::new(&[("workflows/a.yaml", "trigger: { webhook: { auth: none } }\noutput: 1")]);
    let server = project.serve();
    let paths = [
        "/hooks/../../etc/passwd",
        "/hooks/..%2f..%2fdata%2fadmin-token",
        "/hooks/%2e%2e/%2e%2e/data/admin-token",
        "/hooks//a",
        "/hooks/a/",
        "/hooks/a%00",
        "/hooks/a/../a",
        "/api/v1/../../data/admin-token",
        "/api/v1/workflows/..%2f..%2fdata",
        "/data/admin-token",
        "/flowscript.toml",
    ];
    for path in paths {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
        let answer = raw(&server.base, request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 404") || answer.starts_with("HTTP/1.1 400"), "{path}: {answer}");
        assert!(!answer.contains("root:"), "{path}: {answer}");
    }
}

fn headers_cannot_be_smuggled_into_answers() {
    let respond = "
input: { v: text }
trigger: { webhook: { auth: none, response: wait, query: { v: {} } } }
steps:
  - respond: { status: 200, headers: { X-Value: \"{v}\" }, body: ok }
";
    let project = Project::new(&[("workflows/r.yaml", respond)]);
    let server = project.serve();
    let fine = server.get("/hooks/r?v=plain");
    assert_eq!((fine.status, fine.header("x-value")), (200, "plain"));
    let split = server.get("/hooks/r?v=a%0d%0aSet-Cookie:%20x=1");
    assert_eq!((split.header("set-cookie"), split.header("x-value")), ("", ""), "{}", split.text);
    // Two requests in one: lengths that contradict each other.
    let smuggled = raw(
        &server.base,
        b"POST /hooks/r HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    );
    assert_eq!(smuggled.matches("HTTP/1.1").count(), 1, "{smuggled}");
    let cookie = "trigger: { webhook: }\nsteps:\n  - respond: { headers: { Set-Cookie: a=b } }";
    let project = Project::new(&[("workflows/c.yaml", cookie)]);
    let checked = flowscript().arg("check").arg(project.path()).output().unwrap();
    assert!(String::from_utf8_lossy(&checked.stderr).contains("Set-Cookie"), "{checked:?}");
}

fn bombs_do_no_harm() {
    let project = Project::new(&[("workflows/echo.yaml", ECHO)]);
    let server = project.serve();
    let key = server.key("echo");
    let send = |headers: &[(&str, &str)], body: &[u8]| {
        let headers = [&[("X-API-Key", key.as_str())], headers].concat();
        server.send("POST", "/hooks/echo", &headers, Some(body))
    };
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    send(&[("Content-Type", "application/json")], deep.as_bytes()).is_problem(400, "JSON");
    let tags = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    send(&[("Content-Type", "application/xml")], tags.as_bytes()).is_problem(400, "XML");
    let laughs = b"<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]><l>&b;</l>";
    send(&[("Content-Type", "application/xml")], laughs).is_problem(400, "XML");
    // 64 MiB of zeros in 64 KiB: deflate blocks that repeat one byte 258 times each.
    send(&[("Content-Encoding", "gzip")], &gzip_of_zeros()).is_problem(413, "1048576");
    let api = server.send("POST", "/api/v1/keys", &[bearer()], Some(deep.as_bytes()));
    api.is_problem(400, "must be a JSON object");
    server.send("POST", "/api/v1/keys", &[bearer()], Some(&vec![b' '; 2 << 20])).is_problem(413, "1048576");
    let evaluate = json!({ "source": format!("return {}1{};", "(".repeat(30_000), ")".repeat(30_000)) }).to_string();
    let evaluated = server.send("POST", "/api/v1/evaluate", &[bearer()], Some(evaluate.as_bytes()));
    assert_eq!((evaluated.status, &evaluated.json()["ok"]), (200, &json!(false)));
    // A file with aliases that expand to billions is refused when it is read.
    project.write("workflows/bomb.yaml", "a: &a [1, 2]\nb: &b [*a, *a]\noutput: [*b, *b]\n");
    wait_for("the bomb is refused", || server.log().contains("bomb.yaml:1:4").then_some(()));
    assert_eq!(send(&[("Content-Type", "application/json")], b"{}").status, 200);
}

/// Some that would take minutes, in a loop and in one call of a library function.
fn slow_evaluations_hold_up_no_quick_one() {
    let server = Project::new(&[]).serve();
    let evaluate = |source: &str| {
        let body = json!({ "source": source }).to_string();
        server.send("POST", "/api/v1/evaluate", &[bearer()], Some(body.as_bytes()))
    };
    let slow = [
        "let n = 0; while n >= 0 { set n = n + 1; } return n;",
        "Sum(Range(1, 900000), x => Sum(Range(1, 100), y => x * y))",
    ];
    let (evaluate, done) = (&evaluate, &AtomicBool::new(false));
    std::thread::scope(|scope| {
        for source in slow.iter().cycle().take(5) {
            scope.spawn(move || {
                evaluate(source);
                done.store(true, Ordering::Relaxed);
            });
        }
        std::thread::sleep(Duration::from_millis(200));
        for n in 0..10 {
            let begun = Instant::now();
            let answer = evaluate(&format!("{n} + 1"));
            assert_eq!(answer.json()["value"], json!(n + 1));
            let took = begun.elapsed();
            assert!(took < Duration::from_secs(2), "{took:?}");
        }
        assert!(!done.load(Ordering::Relaxed), "the slow ones were not slow");
    });
}

/// A gzip member of stored blocks would be as long as its content; this one repeats a byte.
fn gzip_of_zeros() -> Vec<u8> {
    let mut bits = Bits::default();
    // One block with fixed codes: a literal 0, then copies of 258 bytes from one byte before.
    bits.push(0b1, 1);
    bits.push(0b01, 2);
    bits.push_code(0x30, 8);
    for _ in 0..40_000 {
        bits.push_code(0b1100_0101, 8);
        bits.push_code(0, 5);
    }
    bits.push_code(0, 7);
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    bytes.extend(bits.finish());
    bytes.extend([0; 8]);
    bytes
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    /// The lowest bit first.
    fn push(&mut self, value: u32, count: u32) {
        for at in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> at & 1) as u8) << (self.used % 8);
            }
            self.used += 1;
        }
    }

    /// Huffman codes begin with their highest bit.
    fn push_code(&mut self, code: u32, count: u32) {
        for at in (0..count).rev() {
            self.push(code >> at & 1, 1);
        }
    }

    fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

fn requests_do_not_lead_inside() {
    let inside = Peer::new(|_, _| ok("\"secret inside\""));
    let target = inside.address.clone();
    let outside = Peer::new(move |_, _| Reply {
        status: 302,
        headers: vec![("Location", format!("http://{target}/metadata"))],
        body: String::new(),
    });
    let fetch = "
input: { url: text }
trigger: { webhook: { auth: none, response: wait, query: { url: {} } } }
steps:
  - id: got
    http: { url: \"{url}\" }
output: \"{got.text}\"
";
    let project = Project::new(&[("workflows/fetch.yaml", fetch), ("flowscript.toml", &outside.allow())]);
    let server = project.serve();
    let port = inside.address.rsplit(':').next().unwrap().to_owned();
    let urls = [
        format!("http://{}/", outside.address),
        format!("http://{}/", inside.address),
        // A name that its owner may point anywhere, and other ways to write the address.
        format!("http://localhost:{port}/"),
        format!("http://127.1:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://0x7f000001:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://0.0.0.0:{port}/"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "http://user:pass@127.0.0.1/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ];
    for url in &urls {
        let encoded: String = url.bytes().map(|byte| format!("%{byte:02x}")).fold(String::new(), |all, one| all + &one);
        let answer = server.get(&format!("/hooks/fetch?url={encoded}"));
        answer.is_problem(500, "The workflow failed.");
    }
    assert_eq!(inside.heard().len(), 0, "{:?}", inside.heard());
    assert_eq!(outside.heard().len(), 1);
}

/// All routes of the API, from its description, with parameters that exist.
fn routes(server: &Server, ids: &[(&str, &str)]) -> Vec<(String, String)> {
    let document = server.api("/openapi.json");
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let name = path.split('/').nth(1).unwrap();
        let id = ids.iter().find(|(known, _)| *known == name).map_or("a", |(_, id)| id);
        let filled: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { id } else { part }).collect();
        for method in ["get", "put", "post", "delete", "options", "head", "patch", "trace"] {
            if methods.get(method).is_some() {
                routes.push((method.to_uppercase(), format!("/api/v1{}", filled.join("/"))));
            }
        }
    }
    routes
}

fn viewers_change_nothing_and_strangers_see_nothing() {
    let failing = "trigger: { webhook: { auth: none, response: wait } }\nsteps: [ { script: \"error 'failed';\" } ]";
    let project = Project::new(&[("workflows/a.yaml", failing)]);
    let server = project.serve();
    server.key("a");
    let made = server.send("POST", "/api/v1/tokens", &[bearer()], Some(b"{\"role\": \"viewer\"}")).json();
    let viewer = format!("Bearer {}", made["token"].as_str().unwrap());
    server.get("/hooks/a").is_problem(500, "failed");
    let run = server.api("/runs")["runs"][0]["id"].as_str().unwrap().to_owned();
    let key = server.api("/keys")["keys"][0]["id"].as_str().unwrap().to_owned();
    let routes =
        routes(&server, &[("runs", &run), ("keys", &key), ("tokens", made["id"].as_str().unwrap()), ("lanes", "a")]);
    let changes = routes.iter().filter(|(method, _)| method != "GET").count();
    assert!(changes >= 15 && routes.len() - changes >= 15, "{routes:?}");
    let state = || ["/runs", "/keys", "/tokens", "/workflows", "/lanes", "/schedules"].map(|path| server.api(path));
    let before = state();
    let bodies = ["", "{}", "{\"role\": \"admin\"}", "{\"workflow\": \"a\"}", "{\"active\": false}", "{\"ids\": []}"];
    for (method, path) in &routes {
        for body in bodies.iter().filter(|_| method != "GET") {
            let send = |headers: &[(&str, &str)]| server.send(method, path, headers, Some(body.as_bytes()));
            send(&[("Authorization", &viewer)]).is_problem(403, "viewer");
            send(&[]).is_problem(401, "credential");
            // The method alone determines the action.
            send(&[("Authorization", &viewer), ("X-HTTP-Method-Override", "GET")]).is_problem(403, "viewer");
        }
        if method == "GET" {
            server.get(path).is_problem(401, "credential");
            // A stream of events lasts as long as it has a listener.
            if !path.ends_with("/events") {
                let seen = server.send("GET", path, &[("Authorization", &viewer)], None);
                assert!(seen.status != 403 && seen.status != 401 && seen.status < 500, "{path}: {}", seen.text);
            }
        }
    }
    assert_eq!(state(), before);
}

fn files_of_a_step_stay_in_their_folder() {
    let read = "
input: { name: text }
trigger: { webhook: { auth: none, response: wait, query: { name: {} } } }
steps:
  - id: got
    file: { read: \"{name}\" }
output: \"{got}\"
";
    let project = Project::new(&[("workflows/read.yaml", read), ("files/a.txt", "inside"), ("secret.txt", "outside")]);
    std::os::unix::fs::symlink(project.path(), project.path().join("files/up")).unwrap();
    let server = project.serve();
    assert_eq!(server.get("/hooks/read?name=a.txt").text, "inside");
    let absolute = project.path().join("secret.txt").display().to_string();
    for name in
        ["../secret.txt", "./../secret.txt", "x/../../secret.txt", "up/secret.txt", "%2e%2e/secret.txt", &absolute]
    {
        let answer = server.get(&format!("/hooks/read?name={name}"));
        answer.is_problem(500, "The workflow failed.");
        assert!(!answer.text.contains("outside"), "{name}: {}", answer.text);
    }
}

fn pages_cannot_use_the_api() {
    let project = Project::new(&[("workflows/a.yaml", ECHO)]);
    let server = project.serve();
    // The request that a form of another origin can send: no token, perhaps a cookie.
    let form = [("Origin", "https://evil.example"), ("Content-Type", "text/plain"), ("Cookie", "session=guess")];
    for path in ["/api/v1/keys", "/api/v1/tokens", "/api/v1/workflows/a/run", "/api/v1/runs/retry"] {
        let answer = server.send("POST", path, &form, Some(b"{\"workflow\": \"a\", \"role\": \"admin\"}"));
        answer.is_problem(401, "credential");
        assert_eq!(answer.header("access-control-allow-origin"), "");
        let preflight = server.send("OPTIONS", path, &form, None);
        assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (401, ""));
    }
    // HTML echoed by a workflow is not a page of the engine.
    let html = "trigger: { webhook: { auth: none, response: wait, query: { v: {} } } }
input: { v: text }
steps:
  - respond: { headers: { Content-Type: text/html, Content-Security-Policy: \"default-src *\" }, body: \"{v}\" }";
    project.write("workflows/html.yaml", html);
    let path = "/hooks/html?v=%3Cscript%3Ealert(1)%3C/script%3E";
    let answer = wait_for("the workflow is there", || Some(server.get(path)).filter(|answer| answer.status == 200));
    assert_eq!(answer.header("content-security-policy"), "sandbox", "{}", answer.text);
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    // Links never use the host that a caller names.
    let key = server.key("a");
    project.write("workflows/late.yaml", "trigger: { webhook: }\noutput: 1");
    wait_for("the other is there", || {
        let body = json!({ "workflow": "late", "key": key }).to_string();
        (server.send("POST", "/api/v1/keys", &[bearer()], Some(body.as_bytes())).status == 201).then_some(())
    });
    let request = format!(
        "GET /hooks/late HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nX-API-Key: {key}\r\nConnection: close\r\n\r\n"
    );
    let accepted = raw(&server.base, request.as_bytes());
    assert!(accepted.starts_with("HTTP/1.1 202") && !accepted.contains("evil.example"), "{accepted}");
}
