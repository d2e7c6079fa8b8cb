//! Requests that arrive slowly, in tiny pieces, without an end, or in crowds, and callers that do not read their
//! answers.

use crate::field::{Attack, Field, KEY, Stage, admin};
use crate::payloads as p;
use crate::wire::{ATTACKER, Request, connect, waits};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The target and the credential of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// A webhook, with its key.
    Webhook,
    /// A webhook, with a wrong key.
    WrongKey,
    /// A webhook without a key.
    Open,
    /// A webhook whose body is signed.
    Signed,
    /// The token contract: the body contains the credential.
    Token,
    /// A forged address of an event.
    Callback,
    /// The admin API, with its token.
    Admin,
    /// The admin API without a token.
    AdminWithout,
}
use Door::*;

const DOORS: &[Door] = &[Webhook, WrongKey, Open, Signed, Token, Callback, Admin, AdminWithout];

impl Door {
    fn files(self) -> Vec<(&'static str, String)> {
        let hook = |auth: &str| {
            let given = "processing: { input: \"[value: body]\" }";
            format!(
                "input: {{ value: any }}\ntrigger: {{ webhook: {{ response: wait, {auth}{given} }} }}\noutput: done\n"
            )
        };
        let text = match self {
            Open => hook("auth: none, "),
            Signed => hook("auth: { signature: { scheme: github, secret: \"a-secret-of-the-tests-0123456789\" } }, ")
                .replace("response: wait, ", ""),
            _ => hook(""),
        };
        vec![("workflows/target.yaml", text)]
    }

    fn request(self) -> Request {
        let hook = Request::new("POST", "/hooks/target");
        let request = match self {
            Webhook => hook.with("X-API-Key", KEY),
            WrongKey => hook.with("X-API-Key", "key-of-nobody-at-all"),
            Open => hook,
            Signed => hook.with("X-Hub-Signature-256", &format!("sha256={}", "0".repeat(64))),
            Token => Request::new("POST", "/webhook/payload"),
            Callback => Request::new(
                "POST",
                &format!("/callbacks/01900000-0000-7000-8000-000000000000/answer/{}", "0".repeat(64)),
            ),
            Admin => admin("POST", "/api/v1/evaluate"),
            AdminWithout => Request::new("POST", "/api/v1/evaluate"),
        };
        request.with("Content-Type", "application/json")
    }
}

/// How a body arrives: its name, how many do it at once, and its content.
type Way = (&'static str, &'static str, usize, fn(&Crowd, usize) -> Sending, &'static [Door]);

/// The data of one sender of a crowd: at once, and then repeatedly until the attack is over.
struct Sending {
    head: String,
    at_once: Vec<u8>,
    crumb: &'static [u8],
    pause: Duration,
    /// The longest time of sending.
    lasts: Duration,
}

/// The longest time that a crowd sends.
const LASTS: Duration = Duration::from_secs(6);

impl Sending {
    /// For this many times as long: until the engine has read it.
    fn longer(self, times: u32) -> Self {
        Self { lasts: self.lasts * times, ..self }
    }
}

struct Crowd {
    request: Request,
}

impl Crowd {
    fn announcing(&self, length: u64, at_once: &[u8], crumb: &'static [u8], pause: u64) -> Sending {
        let head = self.request.clone().with("Content-Length", &length.to_string()).head();
        Sending { head, at_once: at_once.to_vec(), crumb, pause: Duration::from_millis(pause), lasts: LASTS }
    }

    fn chunked(&self, at_once: &[u8], crumb: &'static [u8], pause: u64) -> Sending {
        let head = self.request.clone().with("Transfer-Encoding", "chunked").head();
        Sending { head, at_once: at_once.to_vec(), crumb, pause: Duration::from_millis(pause), lasts: LASTS }
    }
}

/// A million bytes in chunks of `size` bytes each, without the last chunk.
fn crumbs(size: usize) -> Vec<u8> {
    format!("{size:x}\r\n{}\r\n", " ".repeat(size)).repeat(1_000_000 / size).into_bytes()
}

const WAYS: &[Way] = &[
    ("S2", "a body in one-byte chunks", 60, |crowd, _| crowd.chunked(&crumbs(1), b"", 1000).longer(4), &[]),
    ("S2", "a body in one-byte chunks", 30, |crowd, _| crowd.chunked(&crumbs(1), b"", 1000).longer(2), &[Webhook]),
    ("S2", "a body in ten-byte chunks", 150, |crowd, _| crowd.chunked(&crumbs(10), b"", 1000), &[Open]),
    ("S2", "a body in 100-byte chunks", 250, |crowd, _| crowd.chunked(&crumbs(100), b"", 1000), &[Token, WrongKey]),
    (
        "S2",
        "announced bodies, a byte a second",
        256,
        |crowd, _| crowd.announcing(1 << 20, b" ", b" ", 1000),
        &[Webhook, Open, Token, Signed, Admin],
    ),
    (
        "S2",
        "chunked bodies, a byte a second",
        256,
        |crowd, _| crowd.chunked(b"", b"1\r\n \r\n", 1000),
        &[Open, Callback],
    ),
    (
        "S2",
        "announced bodies of which nothing comes",
        1_000,
        |crowd, _| crowd.announcing(1 << 20, b"", b"", 1000),
        &[Open, Token],
    ),
    (
        "S2",
        "nearly all of a body, then a byte a second",
        240,
        |crowd, _| crowd.announcing(1 << 20, &vec![b' '; 1_000_000], b" ", 1000),
        &[Open, Signed],
    ),
    (
        "S2",
        "a small part of a body, then nothing",
        1_000,
        |crowd, n| crowd.announcing(1000 + n as u64, &[b' '; 500], b"", 1000),
        &[],
    ),
    ("S2", "small bodies that never end", 500, |crowd, _| crowd.announcing(100, b"{", b"", 1000), &[Webhook]),
    ("S2", "bodies without an end, as fast as can be", 40, |crowd, _| crowd.chunked(b"", SIXTEEN_KIB, 0), &[WrongKey]),
];

/// A chunk of 16 KiB.
const SIXTEEN_KIB: &[u8] = &{
    let mut chunk = [b' '; 6 + (16 << 10) + 2];
    (chunk[0], chunk[1], chunk[2], chunk[3], chunk[4], chunk[5]) = (b'4', b'0', b'0', b'0', b'\r', b'\n');
    (chunk[6 + (16 << 10)], chunk[7 + (16 << 10)]) = (b'\r', b'\n');
    chunk
};

/// The attacks of the table, and those that differ from all others.
pub fn attacks() -> Vec<Attack> {
    let ways = WAYS.iter().flat_map(|way| DOORS.iter().map(move |door| (way, *door)));
    let ways = ways.map(|((row, name, times, way, always), door)| Attack {
        row,
        name: format!("{times} times {name}: {door:?}"),
        always: always.contains(&door),
        stage: Box::new(move || Stage::of(door.files())),
        act: Box::new(move |field| crowd(field, *times, &|number| way(&Crowd { request: door.request() }, number))),
    });
    ways.chain(heads()).chain(readers()).collect()
}

/// One of a crowd.
struct Sender {
    stream: TcpStream,
    plan: Sending,
    /// The data to be sent next, and how much of it has been sent.
    rest: Vec<u8>,
    sent: usize,
    total: usize,
    next: Instant,
    over: bool,
}

impl Sender {
    fn new(field: &Field, plan: Sending) -> Result<Self, String> {
        let stream = connect(field.address, ATTACKER).map_err(|error| format!("it does not even connect: {error}"))?;
        stream.set_nonblocking(true).unwrap();
        let rest = [plan.head.as_bytes(), &plan.at_once].concat();
        Ok(Self { stream, plan, rest, sent: 0, total: 0, next: Instant::now(), over: false })
    }

    /// Sends as much as the engine takes now; an answer, or the end of the connection, ends it.
    fn go_on(&mut self) {
        if self.over {
            return;
        }
        if self.sent == self.rest.len() && !self.plan.crumb.is_empty() && Instant::now() >= self.next {
            (self.rest, self.sent) = (self.plan.crumb.to_vec(), 0);
            self.next = Instant::now() + self.plan.pause;
        }
        if self.sent < self.rest.len() {
            match self.stream.write(&self.rest[self.sent..]) {
                Ok(written) => (self.sent, self.total) = (self.sent + written, self.total + written),
                Err(error) if waits(&error) => {}
                Err(_) => self.over = true,
            }
        }
        match self.stream.read(&mut [0; 4096]) {
            Err(error) if waits(&error) => {}
            _ => self.over = true,
        }
    }
}

/// Lets a crowd send, each on a connection of its own, until all have been refused or have sent long enough.
fn crowd(field: &mut Field, times: usize, sending: &dyn Fn(usize) -> Sending) -> Result<(), String> {
    open_files();
    let started = Instant::now();
    let mut crowd = Vec::new();
    for number in 0..times {
        crowd.push(Sender::new(field, sending(number))?);
    }
    let lasts = crowd.iter().map(|sender| sender.plan.lasts).max().unwrap_or_default();
    while started.elapsed() < lasts && crowd.iter().any(|sender| !sender.over) {
        for sender in &mut crowd {
            sender.go_on();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let refused = crowd.iter().filter(|sender| sender.over).count();
    let total: usize = crowd.iter().map(|sender| sender.total).sum();
    field.notes.push(format!("{refused} of {times} ended within {:.1?}, {} KB sent", started.elapsed(), total >> 10));
    drop(crowd);
    keeps_nothing(field)
}

/// Their data is not kept after they disconnect.
fn keeps_nothing(field: &mut Field) -> Result<(), String> {
    let mut after = 0;
    let gone = field.wait("the memory is free again", Duration::from_secs(10), || {
        after = field.resident();
        after < 400 << 20
    });
    field.notes.push(format!("{} MB afterwards", after >> 20));
    gone.map(|_| ())
}

/// Raises the limit on open files here.
fn open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// A start of a request before a body: its name, how many do it at once, what is sent at once, and then every half
/// second.
type Head = (&'static str, usize, fn() -> Vec<u8>, &'static [u8], bool);

const HEADS: &[Head] = &[
    ("connections on which nothing comes", 5_000, Vec::new, b"", true),
    ("half requests", 5_000, || b"GET /hooks/target HTTP/1.1\r\nHost: x\r\n".to_vec(), b"", true),
    ("headers that trickle", 1_000, || b"GET /hooks/target HTTP/1.1\r\nX-A: ".to_vec(), b"a", false),
    (
        "a header without an end",
        20,
        || [b"GET /hooks/target HTTP/1.1\r\nX-A: ", "a".repeat(20_000_000).as_bytes()].concat(),
        b"",
        true,
    ),
    (
        "headers without an end",
        20,
        || format!("GET /hooks/target HTTP/1.1\r\n{}", "X-A: a\r\n".repeat(2_000_000)).into_bytes(),
        b"",
        true,
    ),
    (
        "headers of many names",
        20,
        || format!("GET /hooks/target HTTP/1.1\r\n{}", p::parts(500_000, "", |n| format!("X-{n}: a\r\n"))).into_bytes(),
        b"",
        false,
    ),
    ("a path without an end", 20, || [b"GET /hooks/", "a".repeat(20_000_000).as_bytes()].concat(), b"", false),
    ("a method without an end", 20, || "A".repeat(20_000_000).into_bytes(), b"", false),
    ("empty lines without an end", 20, || "\r\n".repeat(5_000_000).into_bytes(), b"\r\n\r\n", false),
    (
        "10,000 requests at once",
        50,
        || "GET /hooks/target HTTP/1.1\r\nHost: x\r\n\r\n".repeat(10_000).into_bytes(),
        b"",
        false,
    ),
    (
        "10,000 requests for the admin API at once",
        50,
        || "GET /api/v1/runs HTTP/1.1\r\nHost: x\r\n\r\n".repeat(10_000).into_bytes(),
        b"",
        true,
    ),
    (
        "many query parameters",
        500,
        || {
            format!("GET /hooks/target?{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", p::form_names(1_500))
                .into_bytes()
        },
        b"",
        true,
    ),
    (
        "one query parameter many times",
        500,
        || {
            format!("GET /hooks/target?{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", p::form_repeated(5_000))
                .into_bytes()
        },
        b"",
        false,
    ),
    (
        "a chunk of nearly all numbers",
        50,
        || b"POST /hooks/target HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff0\r\n".to_vec(),
        b"        ",
        false,
    ),
    (
        "a chunk's extension without an end",
        20,
        || {
            [
                b"POST /hooks/target HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;",
                "a".repeat(20_000_000).as_bytes(),
            ]
            .concat()
        },
        b"",
        true,
    ),
    (
        "trailers without an end",
        20,
        || {
            format!(
                "POST /hooks/target HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{}",
                "X-A: a\r\n".repeat(2_000_000)
            )
            .into_bytes()
        },
        b"",
        false,
    ),
];

fn heads() -> impl Iterator<Item = Attack> {
    HEADS.iter().map(|(name, times, head, crumb, always)| Attack {
        row: "S2",
        name: format!("{times} times {name}"),
        always: *always,
        stage: Box::new(|| {
            let hook = "input: { k: { type: any, default: 1 } }\ntrigger: { webhook: { auth: none, response: wait } }\noutput: done\n";
            Stage { alone: *times > 1_000, ..Stage::of([("workflows/target.yaml", hook)]) }
        }),
        act: Box::new(|field| {
            let at_once = head();
            crowd(field, *times, &|_| Sending {
                head: String::new(),
                at_once: at_once.clone(),
                crumb,
                pause: Duration::from_millis(500),
                lasts: LASTS,
            })
        }),
    })
}

/// What is asked for by callers who do not read it: its name, the project's files, the requests, how many callers, and
/// whether it is tried always.
type Reader = (&'static str, fn() -> Stage, fn(&Field) -> Vec<Request>, usize, bool);

/// A workflow whose output is 8 MB.
fn large(auth: &str) -> Stage {
    let trigger = format!("trigger: {{ webhook: {{ {auth}response: wait }} }}");
    Stage::of([("workflows/target.yaml", format!("{trigger}\noutput: \"{{Repeat('x', 8000000)}}\"\n"))])
}

/// A workflow that stores 8 MB of its input, and has another 10 MB of output.
fn keeping() -> Stage {
    let given = "processing: { input: \"[v: body]\" }";
    let trigger = format!("input: {{ v: text }}\ntrigger: {{ webhook: {{ {given} }} }}\n");
    let steps =
        "steps:\n  - set: { w: \"Repeat('w', 4000000)\" }\n  - checkpoint: here\noutput: \"{Repeat('x', 10000000)}\"\n";
    let text = format!("diagnostics: {{ variables: \"on\" }}\n{trigger}{steps}");
    Stage::of([("flowscript.toml", "[limits]\nbody = 11000000\n".to_owned()), ("workflows/target.yaml", text)])
}

/// Makes it store `count` runs of more than 10 MB each, and returns their ids.
fn keep(field: &Field, count: usize) -> Vec<String> {
    let body = "v".repeat(8_000_000);
    let request =
        Request::new("POST", "/hooks/target").with("X-API-Key", KEY).with("Content-Type", "text/plain").body(body);
    let mut runs = Vec::new();
    for _ in 0..count {
        let told = field.ask(&request).map(|told| told.text).unwrap_or_default();
        runs.extend(told.split_once("\"runId\":\"").and_then(|(_, rest)| rest.split('"').next()).map(str::to_owned));
    }
    assert_eq!(runs.len(), count, "runs are not accepted");
    let _ = field.wait("all are kept", Duration::from_secs(60), || {
        runs.iter().all(|run| field.state(run).is_some_and(|state| state == "completed" || state == "failed"))
    });
    runs
}

fn of_each(field: &Field, count: usize, path: &str) -> Vec<Request> {
    keep(field, count).iter().map(|run| admin("GET", &format!("/api/v1/runs/{run}{path}"))).collect()
}

const READERS: &[Reader] = &[
    (
        "answers of 8 MB of a webhook",
        || large("auth: none, "),
        |_| vec![Request::new("GET", "/hooks/target")],
        100,
        // A debug build keeps others waiting for longer than the limit.
        false,
    ),
    (
        "answers of 8 MB of a webhook with a key",
        || large(""),
        |_| vec![Request::new("GET", "/hooks/target").with("X-API-Key", KEY)],
        100,
        false,
    ),
    (
        "answers of 8 MB of what is evaluated",
        Stage::default,
        |_| vec![admin("POST", "/api/v1/evaluate").json("{\"source\":\"Repeat('x', 8000000)\"}")],
        100,
        true,
    ),
    (
        "lists of 60 runs of 10 MB",
        keeping,
        |field| {
            keep(field, 60);
            vec![admin("GET", "/api/v1/runs?limit=1000"), admin("GET", "/api/v1/runs?workflow=target&limit=1000")]
        },
        100,
        false,
    ),
    ("details of 60 runs of 10 MB", keeping, |field| of_each(field, 60, ""), 120, false),
    ("details of 15 runs of 10 MB", keeping, |field| of_each(field, 15, ""), 120, true),
    ("payloads of 60 runs of 10 MB", keeping, |field| of_each(field, 60, "/payload"), 120, false),
    ("variables of 60 runs of 10 MB", keeping, |field| of_each(field, 60, "/variables"), 120, false),
    ("steps of 60 runs of 10 MB", keeping, |field| of_each(field, 60, "/steps"), 120, false),
    ("the description of the API", Stage::default, |_| vec![admin("GET", "/api/v1/openapi.json")], 500, false),
    ("events", Stage::default, |_| vec![admin("GET", "/api/v1/events")], 500, true),
    ("metrics", Stage::default, |_| vec![admin("GET", "/metrics")], 500, false),
];

fn readers() -> impl Iterator<Item = Attack> {
    let each = READERS.iter().flat_map(|reader| [true, false].map(|reads| (reader, reads)));
    each.map(|((name, stage, requests, times, always), reads)| {
        let how = if reads { "read" } else { "do not read" };
        Attack {
            row: "S10",
            name: format!("{times} callers who {how} {name}"),
            always: *always && !reads,
            stage: Box::new(|| Stage { within: Some(Duration::from_secs(180)), ..stage() }),
            act: Box::new(move |field| read(field, &requests(field), *times, reads && *name != "events")),
        }
    })
}

/// This many callers ask, and read nothing of the answers for some seconds, or all of them.
fn read(field: &mut Field, requests: &[Request], times: usize, reads: bool) -> Result<(), String> {
    open_files();
    let mut callers = Vec::new();
    for request in requests.iter().cycle().take(times) {
        let mut stream =
            connect(field.address, ATTACKER).map_err(|error| format!("it does not even connect: {error}"))?;
        let _ = stream.write_all(&request.bytes());
        stream.set_nonblocking(true).unwrap();
        callers.push(stream);
    }
    let mut room = vec![0; 64 << 10];
    let mut got = 0;
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(if reads { 20 } else { 8 }) && !callers.is_empty() {
        if reads {
            callers.retain_mut(|stream| match stream.read(&mut room) {
                Ok(0) => false,
                Ok(read) => {
                    got += read;
                    true
                }
                Err(error) => waits(&error),
            });
        } else {
            std::thread::sleep(Duration::from_millis(100));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    field.notes.push(format!("{} still open after {:.1?}, {} MB read", callers.len(), started.elapsed(), got >> 20));
    drop(callers);
    keeps_nothing(field)
}
