//! Peers that send too much, or never end: the step fails, and the engine stays small.

use crate::peer::Peer;
use crate::postgres::Postgres;
use crate::server::{Project, SOON, Server, bearer};
use serde_json::Value as Json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

/// More memory than an engine takes if its steps fail in time, in bytes.
const MOST: u64 = 400 << 20;

/// A peer that does this with each of its connections; gives its address.
fn peer(talk: impl Fn(TcpStream) -> Option<()> + Send + Sync + Clone + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let talk = talk.clone();
            std::thread::spawn(move || talk(stream));
        }
    });
    address
}

/// Sends the same bytes until the other side closes.
fn flood(stream: &mut TcpStream, bytes: &[u8]) -> Option<()> {
    let many = bytes.repeat((64 << 10) / bytes.len() + 1);
    loop {
        stream.write_all(&many).ok()?;
    }
}

/// Limits that are reached soon: a debug build of the engine is slow.
const SMALL: &str = "limits: { scriptMemory: 300000 }\n";

/// The failure of a run of `w`, which stays small and comes soon.
#[track_caller]
fn failure(server: &Server) -> (String, String) {
    let begun = Instant::now();
    let answer = server.get("/hooks/w");
    assert_eq!(answer.status, 500, "{}\n{}", answer.text, server.log());
    assert!(begun.elapsed() < SOON * 2, "{:?}: {}", begun.elapsed(), server.log());
    let resident = server.resident();
    assert!(resident < MOST, "{} MiB", resident >> 20);
    let error = server.api("/runs")["runs"][0]["error"].clone();
    (error["kind"].as_str().unwrap().to_owned(), error["message"].as_str().unwrap().to_owned())
}

/// A project with one workflow of one step.
fn project(step: &str, connections: &str) -> Project {
    let workflow = format!("trigger: {{ webhook: {{ auth: none, response: wait, timeout: 60s }} }}\nsteps:\n{step}\n");
    Project::new(&[("workflows/w.yaml", &workflow), ("connections.yaml", connections)])
}

#[test]
fn mail_servers_say_little() {
    let line_end = |stream: &mut BufReader<TcpStream>| {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|read| *read > 0)
    };
    let greeting = peer(|mut stream| flood(&mut stream, b"x"));
    let lines = peer(|mut stream| flood(&mut stream, b"220-more of it\r\n"));
    let hello = peer(move |mut stream| {
        stream.write_all(b"220 here\r\n").ok()?;
        line_end(&mut BufReader::new(stream.try_clone().ok()?))?;
        flood(&mut stream, b"250-x")
    });
    let refusal = peer(move |mut stream| {
        let mut lines = BufReader::new(stream.try_clone().ok()?);
        stream.write_all(b"220 here\r\n").ok()?;
        line_end(&mut lines)?;
        stream.write_all(b"250 here\r\n").ok()?;
        line_end(&mut lines)?;
        (0..60).try_for_each(|_| stream.write_all(format!("550-{}\r\n", "no ".repeat(300)).as_bytes()).ok())?;
        stream.write_all(b"550 no\r\n").ok()
    });
    for (address, part) in
        [(greeting, "longer than"), (lines, "longer than"), (hello, "longer than"), (refusal, "no no")]
    {
        for (scheme, end) in [("smtp", ""), ("smtp", "?tls=required"), ("smtp", "?tls=opportunistic"), ("smtps", "")] {
            let step = "  - email: { connection: mail, to: a@example.com, subject: s, body: b }";
            let url = format!("mail: {{ smtp: {{ url: \"{scheme}://{address}{end}\", from: me@example.com }} }}");
            let project = project(step, &url);
            let server = project.serve();
            let (kind, message) = failure(&server);
            assert_eq!(kind, "io", "{message}");
            assert!(message.len() < 2_000, "{} bytes", message.len());
            let says = scheme == "smtps" || end == "?tls=required" || message.contains(part);
            assert!(says, "{scheme} {end}: {message}\n{}", server.log());
        }
    }
}

/// A server that accepts any client and then answers with `say`.
fn postgresql(say: impl Fn(&mut TcpStream) -> Option<()> + Send + Sync + Clone + 'static) -> String {
    peer(move |mut stream| {
        let mut message = [0; 4096];
        // The request for TLS, then the login.
        let read = stream.read(&mut message).ok()?;
        if read == 8 {
            stream.write_all(b"N").ok()?;
            stream.read(&mut message).ok().filter(|read| *read > 0)?;
        }
        say(&mut stream)
    })
}

fn message(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind][..], &(content.len() as u32 + 4).to_be_bytes()[..], content].concat()
}

#[test]
fn a_database_announces_and_reports_little() {
    let announcing = |kind: u8| {
        postgresql(move |stream| {
            stream.write_all(&[&[kind][..], &i32::MAX.to_be_bytes()].concat()).ok()?;
            flood(stream, b"x")
        })
    };
    let settings = postgresql(|stream| {
        stream.write_all(&message(b'R', &[0; 4])).ok()?;
        (0_u64..).try_for_each(|n| stream.write_all(&message(b'S', format!("s{n}\0x\0").as_bytes())).ok())
    });
    let notices = postgresql(|stream| {
        stream.write_all(&message(b'R', &[0; 4])).ok()?;
        let long = "x".repeat(60_000);
        flood(stream, &message(b'N', format!("SNOTICE\0C00000\0M{long}\0\0").as_bytes()))
    });
    let hashing = postgresql(|stream| {
        stream.write_all(&message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0")).ok()?;
        let mut sent = [0; 4096];
        let read = stream.read(&mut sent).ok()?;
        let text = String::from_utf8_lossy(sent.get(..read)?).into_owned();
        let nonce = text.rsplit("r=").next()?;
        let asked = format!("r={nonce}more,s=c2FsdHNhbHQ=,i=4000000000");
        stream.write_all(&message(b'R', &[b"\0\0\0\x0b".as_slice(), asked.as_bytes()].concat())).ok()?;
        stream.read(&mut sent).ok().map(|_| ())
    });
    let peers = [announcing(b'D'), announcing(b'E'), announcing(b'R'), announcing(b'S'), settings, notices, hashing];
    for (number, address) in peers.iter().enumerate() {
        let url = format!("db: {{ sql: {{ url: \"postgres://flow:secret@{address}/x\" }} }}");
        let project = project("  - sql: { connection: db, query: select 1 }", &url);
        let server = project.serve();
        let (kind, reason) = failure(&server);
        assert_eq!(kind, "io", "{number}: {reason}");
        assert!(reason.contains("does not answer as PostgreSQL does"), "{number}: {reason}");
    }
}

#[test]
fn results_without_end_are_a_limit() {
    let postgres = Postgres::start();
    let connections =
        format!("pg: {{ sql: {{ url: \"{}\" }} }}\nfile: {{ sql: {{ url: \"sqlite:a.db\" }} }}", postgres.url());
    let rows = "with recursive n(i) as (select 1 union all select i + 1 from n) select";
    let cases = [
        ("pg", "select repeat('x', 1000000) as x, generate_series(1, 2000000000) as i".to_owned()),
        ("pg", "select generate_series(1, 2000000000) as i".to_owned()),
        ("pg", "select array(select generate_series(1, 3000000)) as x".to_owned()),
        ("file", format!("{rows} i from n")),
        ("file", format!("{rows} printf('%.100000c', 'x') as x from n")),
        ("file", "select zeroblob(900000000) as x".to_owned()),
        ("file", "select printf('%.900000000c', 'x') as x".to_owned()),
        ("file", "select replace(printf('%.1000000c', 'x'), 'x', printf('%.1000c', 'y')) as x".to_owned()),
    ];
    for (connection, query) in cases {
        let step = format!("  - sql:\n      connection: {connection}\n      query: \"{query}\"\n    timeout: 50s");
        let project = project(&step, &connections);
        project.write("a.db", "");
        // Many small rows take long in a test.
        let workflow = std::fs::read_to_string(project.path().join("workflows/w.yaml")).unwrap();
        project.write("workflows/w.yaml", &format!("{SMALL}{workflow}"));
        let (kind, reason) = failure(&project.serve());
        assert_eq!(kind, "limit", "{query}: {reason}");
    }
}

#[test]
fn http_peers_are_bounded() {
    let head = "HTTP/1.1 200 OK\r\n";
    let cases: [(&str, &'static [u8], &str); 5] = [
        ("header names", b"X-A: b\r\n", ""),
        ("a header", b"x", ""),
        ("statuses", b"\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n", ""),
        ("a body", b"\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "larger than"),
        ("an extension", b"Transfer-Encoding: chunked\r\n\r\n1;", ""),
    ];
    for (what, flooding, part) in cases {
        let address = peer(move |mut stream| {
            BufReader::new(stream.try_clone().ok()?).read_line(&mut String::new()).ok()?;
            stream.write_all(head.as_bytes()).ok()?;
            flood(&mut stream, flooding)
        });
        let step = format!("  - http: {{ url: \"http://{address}/\" }}\n    timeout: 5s");
        let project = project(&step, "");
        project.write("flowscript.toml", &format!("[http]\nallow = [\"{address}\"]\n"));
        let (_, reason) = failure(&project.serve());
        assert!(reason.contains(part), "{what}: {reason}");
    }
}

#[test]
fn a_redirect_takes_no_body_to_another_host() {
    let other = Peer::new(|_, _| crate::peer::ok("{}"));
    let target = format!("http://{}/there", other.address);
    for status in [307, 308] {
        let target = target.clone();
        let first = Peer::new(move |request, _| match request.path.as_str() {
            "/here" => crate::peer::ok("{}"),
            "/same" => crate::peer::Reply { status, headers: vec![("Location", "/here".into())], body: String::new() },
            _ => crate::peer::Reply { status, headers: vec![("Location", target.clone())], body: String::new() },
        });
        let url = format!("http://{}", first.address);
        let script = format!("return HTTP.Post('{url}/away', [secret: 1]).statusCode;");
        let steps = [
            (format!("  - http: {{ url: \"{url}/away\", method: POST, json: {{ secret: 1 }} }}"), false),
            (format!("  - script: \"{script}\""), false),
            (format!("  - http: {{ url: \"{url}/same\", method: POST, json: {{ secret: 1 }} }}"), true),
            (format!("  - http: {{ url: \"{url}/away\" }}"), true),
        ];
        for (step, works) in steps {
            let project = project(&step, "");
            let allow = format!("[http]\nallow = [\"{}\", \"{}\"]\n", first.address, other.address);
            project.write("flowscript.toml", &allow);
            let server = project.serve();
            let answer = server.send("GET", "/hooks/w", &[bearer()], None);
            let run: Json = server.api("/runs")["runs"][0].clone();
            assert_eq!(answer.status == 200, works, "{step}: {run}");
            assert!(works || run["error"]["message"].to_string().contains("does not get the body"), "{run}");
        }
    }
    assert!(other.heard().iter().all(|request| request.body.is_empty()), "{:?}", other.heard());
}
