//! The entry of requests: who is admitted, and how much of the engine unknown callers may use.

use crate::server::{Project, Server, bearer, raw, wait_for};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A public workflow, which returns its input.
const OPEN: &str = "input: { value: any }
trigger: { webhook: { auth: none, response: wait, processing: { input: \"[value: body]\" } } }
output: \"{value}\"\n";
const KEYED: &str = "trigger: { webhook: { response: wait } }\noutput: 1\n";
const SIGNED: &str =
    "trigger: { webhook: { methods: [POST], auth: { signature: { scheme: github, secret: '${env:SECRET}' } } } }
output: 1\n";
const SECRET: &str = "a secret of the tests";

fn connect(server: &Server) -> TcpStream {
    let address = server.base.trim_start_matches("http://");
    // Other tests of this process have open files too; there may be none left for a moment.
    let stream = wait_for("a free file", || TcpStream::connect(address).ok());
    stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
    stream
}

/// The head of a request with a body of one piece after the other.
fn chunked(path: &str, headers: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Transfer-Encoding: chunked\r\n\r\n")
}

fn answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_token_is_found_without_decoding_the_rest() {
    let project = Project::new(&[("workflows/a.yaml", "input: { rows: any }\ntrigger: { webhook: }\noutput: 1\n")]);
    let server = project.serve();
    let key = server.key("a");
    // Decoding rows of different names costs most.
    let rows: Vec<String> = (0..20_000).map(|n| format!("{{\"k{n}\":1}}")).collect();
    let body = |token: &str| format!("{{\"properties\":{{\"rows\":[{}]}},\"token\":\"{token}\"}}", rows.join(","));
    let before = server.resident();
    server.post("/webhook/payload", &body("wrong")).is_problem(401, "credential");
    assert!(server.resident() < before + (32 << 20), "{} bytes after {before}", server.resident());
    let small = |token: &str| server.post("/webhook/payload", token).status;
    assert_eq!(small(&format!("{{\"properties\":{{\"rows\":1}},\"t\\u006fken\":\"{key}\"}}")), 200);
    assert_eq!(small(&format!("{{\"token\":\"wrong\",\"token\":\"{key}\",\"properties\":{{\"rows\":1}}}}")), 200);
    for wrong in [
        format!("{{\"properties\":{{\"token\":\"{key}\",\"rows\":1}}}}"),
        format!("[{{\"token\":\"{key}\"}}]"),
        format!("{{\"token\":[\"{key}\"]}}"),
        format!("{{\"token\":\"{key}\""),
        "{\"token\":1}".into(),
        String::new(),
    ] {
        assert_eq!(small(&wrong), 401, "{wrong}");
    }
    // A key in the headers is known before the body is read.
    let answer =
        server.send("POST", "/webhook/payload", &[("X-API-Key", &key)], Some(b"{\"properties\":{\"rows\":1}}"));
    assert_eq!(answer.status, 200, "{}", answer.text);
    let id = answer.json()["activityId"].as_str().unwrap().to_owned();
    let ask = |body: &[u8]| server.send("GET", &format!("/webhook/status/{id}"), &[], Some(body));
    assert_eq!(ask(format!("{{\"token\":\"{key}\"}}").as_bytes()).status, 200);
    ask(b"{\"token\":\"wrong\"}").is_problem(401, "credential");
    ask(&vec![b' '; 20_000]).is_problem(413, "16384");
}

#[test]
fn what_is_announced_takes_no_room() {
    let project = Project::new(&[
        ("flowscript.toml", "[limits]\nbody = 500000\nbodiesInFlight = 4000000\n"),
        ("workflows/w.yaml", OPEN),
        ("workflows/key.yaml", KEYED),
    ]);
    let server = project.serve();
    let key = server.key("key");
    // 25 MB are announced, and a byte of each has come.
    let mut callers: Vec<TcpStream> = (0..64).map(|_| connect(&server)).collect();
    for caller in &mut callers {
        caller.write_all(b"POST /hooks/w HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n[").unwrap();
    }
    std::thread::sleep(Duration::from_millis(300));
    let large = format!("\"{}\"", "x".repeat(300_000));
    assert_eq!(server.post("/hooks/w", &large).status, 200);
    // The bodies that have arrived use room: those of strangers no more than their share, and the others continue.
    for caller in &mut callers {
        let _ = caller.write_all(&vec![b' '; 300_000]);
    }
    let refused = wait_for("strangers have taken their share", || {
        let answer = server.post("/hooks/w", &large);
        (answer.status != 200).then_some(answer)
    });
    refused.is_problem(503, "too many large requests");
    assert!(!refused.header("retry-after").is_empty());
    let known = server.send("POST", "/hooks/key", &[("X-API-Key", &key)], Some(large.as_bytes()));
    assert_eq!(known.status, 200, "{}", known.text);
    let padded = format!("{{\"workflow\": \"key\"{}}}", " ".repeat(900_000));
    assert_eq!(server.send("POST", "/api/v1/keys", &[bearer()], Some(padded.as_bytes())).status, 201);
    drop(callers);
    wait_for("their room is given back", || (server.post("/hooks/w", &large).status == 200).then_some(()));
}

#[test]
fn a_body_in_small_pieces_takes_its_size() {
    const CALLERS: usize = 10;
    let project = Project::new(&[("workflows/key.yaml", KEYED), ("workflows/w.yaml", OPEN)]);
    let server = project.serve();
    let before = server.resident();
    let piece = "1\r\n \r\n".repeat(1000);
    let mut callers: Vec<TcpStream> = (0..CALLERS).map(|_| connect(&server)).collect();
    for caller in &mut callers {
        caller.write_all(chunked("/hooks/w", "Content-Type: application/json\r\n").as_bytes()).unwrap();
        for _ in 0..40 {
            caller.write_all(piece.as_bytes()).unwrap();
        }
    }
    let most = server.resident();
    // 40 KB each, in a buffer that may be twice as large; lists of pieces took 880 KB each.
    assert!(most < before + (5 << 20), "{most} bytes after {before}");
    for caller in &mut callers {
        caller.write_all(b"1\r\n7\r\n0\r\n\r\n").unwrap();
        let mut answer = [0; 12];
        caller.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
    }
}

#[test]
fn slow_bodies_are_given_up_soon() {
    let project = Project::new(&[("workflows/w.yaml", OPEN)]);
    let server = project.serve();
    let mut caller = connect(&server);
    caller.write_all(chunked("/hooks/w", "").as_bytes()).unwrap();
    let started = Instant::now();
    let mut trickling = caller.try_clone().unwrap();
    std::thread::spawn(move || {
        while trickling.write_all(b"1\r\n \r\n").is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let answer = answer(&mut caller);
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("1024 bytes a second"), "{answer}");
    assert!((3..20).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

#[test]
fn forms_and_tables_of_many_names_are_read_at_once() {
    let project = Project::new(&[("workflows/w.yaml", OPEN)]);
    let server = project.serve();
    let send = |media: &str, body: &str| {
        let started = Instant::now();
        let answer = server.send("POST", "/hooks/w", &[("Content-Type", media)], Some(body.as_bytes()));
        assert!(started.elapsed() < Duration::from_secs(5), "{media}: {:?}", started.elapsed());
        answer
    };
    let form = "application/x-www-form-urlencoded";
    let names = |count: usize| (0..count).map(|n| format!("n{n}=1")).collect::<Vec<_>>().join("&");
    assert_eq!(send(form, &names(10_000)).status, 200);
    send(form, &names(100_000)).is_problem(400, "100000 fields; the limit is 10000");
    let columns: Vec<String> = (0..90_000).map(|n| format!("c{n}")).collect();
    send("text/csv", &format!("{},c89999\n", columns.join(","))).is_problem(400, "two columns of the name");
}

#[test]
fn descriptions_of_signed_webhooks_are_for_admins() {
    let project = Project::new(&[("workflows/s.yaml", SIGNED)]);
    let server = Server::start_with(project.path(), &[], &[("SECRET", SECRET)]);
    let get = |headers: &[(&str, &str)]| server.send("GET", "/hooks/s/openapi.json", headers, None);
    get(&[]).is_problem(401, "credential");
    get(&[("X-Hub-Signature-256", "sha256=00")]).is_problem(401, "credential");
    assert_eq!(get(&[bearer()]).status, 200);
    let viewer = server.send("POST", "/api/v1/tokens", &[bearer()], Some(b"{\"role\": \"viewer\"}")).json();
    let viewer = format!("Bearer {}", viewer["token"].as_str().unwrap());
    assert_eq!(get(&[("Authorization", &viewer)]).status, 200);
}

#[test]
fn short_secrets_keep_a_file_from_loading() {
    for (secret, scheme) in [("whsec_", "standard"), ("whsec_c2hvcnQ=", "standard"), ("short", "github")] {
        let file = SIGNED.replace("github", scheme);
        let project = Project::new(&[("workflows/s.yaml", &file)]);
        let server = Server::start_with(project.path(), &[], &[("SECRET", secret)]);
        server.post("/hooks/s", "{}").is_problem(404, "`s`");
        let log = server.log();
        assert!(log.contains("workflows/s.yaml:1:") && log.contains("16 at least"), "{log}");
        assert!(secret.len() < 7 || !log.contains(secret), "{log}");
    }
}

#[test]
fn names_of_headers_are_checked_and_nobody_is_everybody() {
    let respond = |name: &str| {
        format!(
            "trigger: {{ webhook: {{ auth: none, response: wait, cors: ['*'] }} }}
steps:\n  - respond: {{ headers: {{ \"{name}\": a }} }}\n"
        )
    };
    let project = Project::new(&[("workflows/a.yaml", &respond("X-A")), ("workflows/b.yaml", &respond("X A"))]);
    let server = project.serve();
    assert_eq!(server.get("/hooks/a").header("x-a"), "a");
    assert_eq!(server.get("/hooks/b").status, 404);
    assert!(server.log().contains("`X A` is not a header name"), "{}", server.log());
    let from = |origin: &str| {
        let answer = server.send("GET", "/hooks/a", &[("Origin", origin)], None);
        answer.header("access-control-allow-origin").to_owned()
    };
    assert_eq!((from("https://a.example").as_str(), from("null").as_str()), ("https://a.example", ""));
}

#[test]
fn silent_connections_make_place_for_others() {
    let project = Project::new(&[("flowscript.toml", "[limits]\nconnections = 40\n"), ("workflows/w.yaml", OPEN)]);
    let server = project.serve();
    // More than one address may have, and none of them sends a request.
    let silent: Vec<TcpStream> = (0..200).map(|_| connect(&server)).collect();
    for _ in 0..20 {
        let answer = wait_for("a connection", || {
            let text = raw(&server.base, b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            text.starts_with("HTTP/1.1 200").then_some(text)
        });
        assert!(answer.ends_with("ok\n"), "{answer}");
    }
    // Busy connections are not ended for new ones: the new ones are refused.
    drop(silent);
    let mut busy: Vec<TcpStream> = Vec::new();
    let refused = wait_for("the place is taken", || {
        // Those whose bodies are too slow are ended again.
        for _ in 0..40 {
            let mut caller = connect(&server);
            let _ = caller.write_all(b"POST /hooks/w HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n[");
            busy.push(caller);
        }
        let text = raw(&server.base, b"GET /hooks/w HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        text.starts_with("HTTP/1.1 503").then_some(text)
    });
    assert!(refused.contains("retry-after: 1") && refused.ends_with("in a moment.\"}"), "{refused}");
    drop(busy);
    wait_for("all is as before", || (server.post("/hooks/w", "{}").status == 200).then_some(()));
}

#[test]
fn what_is_tried_out_is_bounded() {
    let project = Project::new(&[]);
    let server = project.serve();
    let evaluate = |source: &str| {
        let body = serde_json::json!({ "source": source }).to_string();
        server.send("POST", "/api/v1/evaluate", &[bearer()], Some(body.as_bytes()))
    };
    let shared = |levels: usize| {
        let levels: Vec<String> = (1..=levels).map(|n| format!("let a{n} = [a{}, a{}];", n - 1, n - 1)).collect();
        format!("let a0 = 1; {} return a{};", levels.join(" "), levels.len())
    };
    assert_eq!(evaluate(&shared(2)).json()["value"].to_string(), "[[1,1],[1,1]]");
    let (before, started) = (server.resident(), Instant::now());
    let answer = evaluate(&shared(40));
    assert_eq!((answer.status, &answer.json()["ok"]), (200, &false.into()), "{}", answer.text);
    let error = &answer.json()["errors"][0];
    assert!(error["kind"] == "limit" && error["message"].to_string().contains("1048576 bytes as JSON"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert!(server.resident() < before + (64 << 20), "{} bytes after {before}", server.resident());
    assert!(evaluate("return Repeat('x', 2000000);").text.len() < 2000);
    evaluate(&format!("return 1;{}", " ".repeat(70_000))).is_problem(400, "at most 65536 are allowed");
    let unknown = evaluate("return x => x;").json();
    assert_eq!((&unknown["ok"], &unknown["value"]), (&true.into(), &serde_json::Value::Null));
}

#[test]
fn answers_that_nobody_reads_stay_within_their_room() {
    const LARGE: usize = 16_000_000;
    let settings = "[limits]\nbody = 20000000\nanswersInFlight = 30000000\n";
    let project = Project::new(&[("flowscript.toml", settings), ("workflows/w.yaml", OPEN)]);
    let server = project.serve();
    let body = vec![b'x'; LARGE];
    let head = format!(
        "POST /hooks/w HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: {LARGE}\r\nConnection: close\r\n\r\n"
    );
    let ask = || {
        let mut caller = connect(&server);
        caller.write_all(head.as_bytes()).unwrap();
        caller.write_all(&body).unwrap();
        let mut status = [0; 12];
        caller.read_exact(&mut status).unwrap();
        (caller, String::from_utf8_lossy(&status).into_owned())
    };
    let (unread, status) = ask();
    assert_eq!(status, "HTTP/1.1 200");
    let (mut caller, status) = ask();
    let refused = status + &answer(&mut caller);
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("too many answers are waiting"), "{refused}");
    // The run is kept, and its result is there once room is free.
    let (_, problem) = refused.split_once("\r\n\r\n").unwrap();
    let problem: serde_json::Value = serde_json::from_str(problem).unwrap();
    assert_eq!(problem["statusUrl"], format!("/hooks/w/runs/{}", problem["runId"].as_str().unwrap()));
    drop(unread);
    let request =
        format!("GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", problem["statusUrl"].as_str().unwrap());
    wait_for("there is room again", || {
        let read = raw(&server.base, request.as_bytes());
        (read.starts_with("HTTP/1.1 200") && read.len() > LARGE).then_some(())
    });
}

#[test]
fn lists_are_short_whatever_runs_give() {
    let large = "trigger: { webhook: { auth: none, response: wait } }\noutput: \"{Repeat('é', 4000)}\"\n";
    let project = Project::new(&[("workflows/w.yaml", large)]);
    let server = project.serve();
    for _ in 0..600 {
        assert_eq!(server.get("/hooks/w").status, 200);
    }
    let (mut seen, mut cursor, mut pages) = (0, String::new(), 0);
    loop {
        let page = server.send("GET", &format!("/api/v1/runs?limit=1000{cursor}"), &[bearer()], None);
        assert!(page.text.len() < 4 << 20, "{}", page.text.len());
        let page = page.json();
        seen += page["runs"].as_array().unwrap().len();
        pages += 1;
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((seen, pages), (600, 2));
}

/// A run that computes until it is stopped.
const ENDLESS: &str = "trigger: { webhook: { auth: none, response: wait, timeout: 10m } }
limits: { scriptSteps: 4000000000 }
steps:
  - script: |
      let begun = now();
      let n = 0;
      while DateTime.SecondsBetween(begun, now()) < 1000 {
        set n = Count(Split(Repeat('a,', 20000), ','));
      }
output: 1\n";

/// Begins an endless run, and gives its caller.
fn endless(server: &Server) -> TcpStream {
    let mut caller = connect(server);
    caller
        .write_all(b"POST /hooks/endless HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .unwrap();
    wait_for("it computes", || server.api("/runs?state=running")["runs"][0]["id"].is_string().then_some(()));
    caller
}

#[test]
fn a_stop_waits_for_nobody_who_is_slow() {
    let project = Project::new(&[("flowscript.toml", "limits.body = 20000000\n"), ("workflows/w.yaml", OPEN)]);
    let mut server = project.serve();
    let mut deaf = connect(&server);
    let head = "POST /hooks/w HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 16000000\r\n\r\n";
    deaf.write_all(head.as_bytes()).unwrap();
    deaf.write_all(&vec![b'x'; 16_000_000]).unwrap();
    let mut first = [0];
    deaf.read_exact(&mut first).unwrap();
    let mut slow = connect(&server);
    slow.write_all(b"POST /hooks/w HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n[").unwrap();
    let mut idle = connect(&server);
    server.signal("TERM");
    let started = Instant::now();
    let told = answer(&mut slow);
    assert!(told.starts_with("HTTP/1.1 503") && told.contains("stopping"), "{told}");
    assert_eq!(server.ended(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!(answer(&mut idle), "");
}

#[test]
fn a_run_that_is_seen_before_its_end_has_its_label() {
    let project = Project::new(&[("workflows/endless.yaml", &format!("label: no 7\n{ENDLESS}"))]);
    let server = project.serve();
    let _caller = endless(&server);
    let runs = server.api("/runs");
    assert_eq!(runs["runs"][0]["label"], "no 7", "{runs}");
}

#[test]
fn the_grace_of_a_stop_ends_for_those_who_wait() {
    let project = Project::new(&[("workflows/endless.yaml", ENDLESS)]);
    let mut server = project.serve();
    let mut caller = endless(&server);
    server.signal("TERM");
    let started = Instant::now();
    let told = answer(&mut caller);
    assert!(told.starts_with("HTTP/1.1 503") && told.contains("\"runId\""), "{told}");
    assert!((9..18).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert_eq!(server.ended(), Some(0));
}

#[test]
fn a_second_signal_stops_at_once() {
    let project = Project::new(&[("workflows/endless.yaml", ENDLESS)]);
    let mut server = project.serve();
    let _caller = endless(&server);
    server.signal("TERM");
    wait_for("it stops", || (server.get("/readyz").status == 503).then_some(()));
    let started = Instant::now();
    server.signal("TERM");
    assert_eq!(server.ended(), Some(1));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}
