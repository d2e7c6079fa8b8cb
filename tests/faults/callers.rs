//! Callers that disconnect, are slow, or are many.

use crate::accept;
use crate::peer::{Gate, Peer, ok};
use crate::server::{Project, Server, wait_for};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A workflow whose caller waits until the peer answers.
fn waiting(peer: &Peer) -> String {
    format!(
        "input: {{ n: number }}
trigger: {{ webhook: {{ auth: none, response: wait, timeout: 10m }} }}
steps:
  - http: {{ url: \"http://{}/{{n}}\", method: POST }}
    timeout: 10m
output: \"{{n}}\"
",
        peer.address
    )
}

/// A peer that answers once the gate is open.
fn gated() -> (Peer, Gate) {
    let gate = Gate::default();
    let held = gate.clone();
    let peer = Peer::new(move |_, _| {
        held.wait();
        ok("1")
    });
    (peer, gate)
}

fn connect(base: &str) -> TcpStream {
    TcpStream::connect(base.trim_start_matches("http://")).unwrap()
}

fn request(n: usize) -> String {
    let body = format!("{{\"n\": {n}}}");
    format!(
        "POST /hooks/w HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn a_caller_who_goes_away_takes_nothing_with_it() {
    let (peer, gate) = gated();
    let project = Project::new(&[("flowscript.toml", &peer.allow()), ("workflows/w.yaml", &waiting(&peer))]);
    let server = project.serve();
    let mut caller = connect(&server.base);
    caller.write_all(request(7).as_bytes()).unwrap();
    wait_for("the request of its run", || (peer.heard().len() == 1).then_some(()));
    drop(caller);
    // One that disconnects in the middle of its body has started nothing.
    let mut half = connect(&server.base);
    half.write_all(request(8).split_at(request(8).len() - 3).0.as_bytes()).unwrap();
    drop(half);
    gate.open();
    let run = server.api("/runs")["runs"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(server.run_in(&run, "completed")["output"], 7);
    assert_eq!(server.post("/hooks/w", "{\"n\": 9}").text, "9");
    assert_eq!(server.api("/runs")["runs"].as_array().unwrap().len(), 2);
}

#[test]
fn a_body_that_trickles_is_given_up() {
    let project = Project::new(&[("workflows/w.yaml", "trigger: { webhook: { auth: none } }\noutput: 1\n")]);
    let server = project.serve();
    let mut caller = connect(&server.base);
    caller.write_all(b"POST /hooks/w HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n").unwrap();
    let mut answers = BufReader::new(caller.try_clone().unwrap());
    let trickle = std::thread::spawn(move || {
        // It ends when the engine closes the connection.
        while caller.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(500));
        }
    });
    accept(&server, "/hooks/w", "{}");
    let started = Instant::now();
    let mut status = String::new();
    answers.read_line(&mut status).unwrap();
    assert!(status.contains("408"), "{status}");
    assert!((3..40).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    trickle.join().unwrap();
    accept(&server, "/hooks/w", "{}");
    assert_eq!(server.api("/runs")["runs"].as_array().unwrap().len(), 2);
}

#[test]
fn a_caller_who_does_not_read_is_given_up() {
    const ASKED: usize = 64;
    let large = "trigger: { webhook: { auth: none, response: wait } }\noutput: \"{Repeat('x', 1000000)}\"\n";
    let project = Project::new(&[("workflows/w.yaml", large)]);
    let server = project.serve();
    let mut caller = connect(&server.base);
    // More answers than all buffers on the way hold.
    caller.write_all("GET /hooks/w HTTP/1.1\r\nHost: x\r\n\r\n".repeat(ASKED).as_bytes()).unwrap();
    let runs = || server.api("/runs?limit=1000")["runs"].as_array().unwrap().len();
    let stuck = wait_for("the answers are stuck", || {
        let before = runs();
        std::thread::sleep(Duration::from_millis(1500));
        (before > 0 && runs() == before).then_some(before)
    });
    assert!(stuck < ASKED, "{stuck} answers fit into buffers");
    assert_eq!(server.get("/hooks/w").text.len(), 1_000_000);
    std::thread::sleep(Duration::from_secs(35));
    caller.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // Data on its way arrives, then the connection ends.
    let mut rest = Vec::new();
    let ended = caller.read_to_end(&mut rest);
    assert!(ended.as_ref().is_ok_and(|read| *read < ASKED * 1_000_000) || ended.is_err(), "{ended:?}");
    assert!(!matches!(ended, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock), "it is still open");
    assert!(runs() <= stuck + 2, "{} runs after {stuck}", runs());
}

/// How many runs are not over.
fn unfinished(server: &Server) -> usize {
    let (mut count, mut cursor) = (0, String::new());
    loop {
        let page = server.api(&format!("/runs?state=queued,running&limit=1000{cursor}"));
        count += page["runs"].as_array().unwrap().len();
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return count,
        }
    }
}

#[test]
fn five_thousand_callers_wait_at_a_time() {
    const CALLERS: usize = 5_000;
    // The tests' own connections, and those of the engine, which raises its limit itself.
    let mut limit = getrlimit(Resource::Nofile);
    assert!(limit.maximum.is_none_or(|most| most > 6_000), "at most {:?} files may be open here", limit.maximum);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    let (peer, gate) = gated();
    let project = Project::new(&[
        ("flowscript.toml", &peer.allow()),
        ("workflows/w.yaml", &waiting(&peer)),
        ("workflows/other.yaml", "trigger: { webhook: { auth: none, response: wait } }\noutput: 1\n"),
    ]);
    let server = project.serve();
    let mut callers: Vec<TcpStream> = (0..CALLERS)
        .map(|n| {
            let mut caller = connect(&server.base);
            caller.write_all(request(n).as_bytes()).unwrap();
            caller
        })
        .collect();
    let started = Instant::now();
    // Counting is work for the engine, too: not too often.
    while unfinished(&server) != CALLERS {
        assert!(started.elapsed() < Duration::from_secs(80), "of {CALLERS} callers {} wait", unfinished(&server));
        std::thread::sleep(Duration::from_millis(500));
    }
    // The others are served as before.
    let started = Instant::now();
    assert_eq!(server.post("/hooks/other", "{}").text, "1");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    gate.open();
    for (n, caller) in callers.iter_mut().enumerate() {
        caller.set_read_timeout(Some(Duration::from_secs(90))).unwrap();
        let mut answer = [0; 1024];
        // A signal to the tests ends a read with a timeout.
        let read = loop {
            match caller.read(&mut answer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => break read.unwrap(),
            }
        };
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(&format!("\r\n\r\n{n}")), "{n}: {answer}");
    }
}
