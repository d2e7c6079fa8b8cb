//! A peer that workflows call: it records every request, and answers as the test requires.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A request that came.
#[derive(Clone, Debug)]
pub struct Heard {
    pub method: String,
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: String,
    /// When it had arrived completely.
    #[allow(dead_code, reason = "only the crash tests count with it")]
    pub at: Instant,
}

impl Heard {
    /// Its idempotency key.
    pub fn key(&self) -> &str {
        self.headers.get("idempotency-key").map_or("", String::as_str)
    }
}

/// An answer.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// 200 with this body.
pub fn ok(body: &str) -> Reply {
    Reply { status: 200, headers: vec![("Content-Type", "application/json".into())], body: body.into() }
}

/// A status without a body.
pub fn status(status: u16) -> Reply {
    Reply { status, headers: Vec::new(), body: String::new() }
}

/// Holds answers back until a test opens it. Clones are the same gate.
#[derive(Clone, Default)]
pub struct Gate(Arc<AtomicBool>);

impl Gate {
    /// Releases all that wait.
    pub fn open(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Has it been opened?
    pub fn is_open(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits until it is open.
    pub fn wait(&self) {
        while !self.is_open() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A peer on a port of its own; its threads end with the test's process.
pub struct Peer {
    /// `127.0.0.1:PORT`
    pub address: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    /// How many connections are open.
    open: Arc<AtomicUsize>,
}

impl Peer {
    /// A peer that answers with the result of `answer` for a request and the number of requests before it.
    pub fn new(answer: impl Fn(&Heard, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (notes, answer) = (heard.clone(), Arc::new(answer));
        let open = Arc::new(AtomicUsize::new(0));
        let count = open.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (notes, answer, count) = (notes.clone(), answer.clone(), count.clone());
                count.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    serve(stream, &notes, answer.as_ref());
                    count.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, heard, open }
    }

    /// Has it read all that its callers have sent, and are they gone?
    #[allow(dead_code, reason = "only the crash tests wait for it")]
    pub fn is_alone(&self) -> bool {
        self.open.load(Ordering::SeqCst) == 0
    }

    /// All requests so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// The settings that let an engine reach it.
    pub fn allow(&self) -> String {
        format!("[http]\nallow = [\"{}\"]\n", self.address)
    }
}

fn serve(mut stream: TcpStream, notes: &Mutex<Vec<Heard>>, answer: &(dyn Fn(&Heard, usize) -> Reply + Send + Sync)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(request) = read(&mut reader) {
        let before = {
            let mut notes = notes.lock().unwrap();
            notes.push(request.clone());
            notes.len() - 1
        };
        let reply = answer(&request, before);
        let mut text = format!("HTTP/1.1 {} X\r\nContent-Length: {}\r\n", reply.status, reply.body.len());
        for (name, value) in &reply.headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        if stream.write_all(format!("{text}\r\n{}", reply.body).as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Heard> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8_lossy(&body).into_owned();
    Some(Heard { method, path, headers, body, at: Instant::now() })
}
