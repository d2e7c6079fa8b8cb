//! The peer of requests: one server for all worlds of the process, which records requests and answers as each world has
//! planned.

use super::generate::Outcome;
use super::points::{Points, Verdict};
use super::tree::answered;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A request that has come.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// When, as [`Points`] counts.
    pub moment: u64,
    pub step: String,
    pub run: String,
    pub acc: i64,
    /// Its `Idempotency-Key`.
    pub key: String,
    pub outcome: Outcome,
}

/// What one world expects of its peer, and the requests received.
pub(super) struct Desk {
    pub number: u64,
    pub points: Arc<Points>,
    outcomes: BTreeMap<String, Vec<Outcome>>,
    asked: Mutex<Vec<Asked>>,
}

impl Desk {
    /// All requests so far.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Records a request, and returns its planned answer.
    fn take(&self, step: &str, run: &str, acc: i64, key: &str) -> Outcome {
        let mut asked = self.asked.lock().unwrap();
        let before = asked.iter().filter(|asked| asked.key == key).count();
        let planned = self.outcomes.get(step).and_then(|outcomes| outcomes.get(before)).copied();
        let outcome = planned.filter(|_| !self.points.is_calm()).unwrap_or(Outcome::Success);
        let moment = self.points.moment();
        let (step, run, key) = (step.to_owned(), run.to_owned(), key.to_owned());
        asked.push(Asked { moment, step, run, acc, key, outcome });
        outcome
    }
}

/// The server.
pub(super) struct Peer {
    pub address: String,
    desks: Mutex<HashMap<u64, Arc<Desk>>>,
    next: AtomicU64,
}

impl Peer {
    /// The server of this process.
    pub(super) fn here() -> &'static Peer {
        static PEER: OnceLock<Peer> = OnceLock::new();
        PEER.get_or_init(|| {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            let address = listener.local_addr().unwrap().to_string();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let listener = TcpListener::from_std(listener).unwrap();
                    while let Ok((stream, _)) = listener.accept().await {
                        tokio::spawn(serve(stream));
                    }
                });
            });
            Peer { address, desks: Mutex::default(), next: AtomicU64::new(1) }
        })
    }

    /// A place for a world; its number is the first part of its paths.
    pub(super) fn open(&self, points: Arc<Points>, outcomes: BTreeMap<String, Vec<Outcome>>) -> Arc<Desk> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let desk = Arc::new(Desk { number, points, outcomes, asked: Mutex::default() });
        self.desks.lock().unwrap().insert(number, desk.clone());
        desk
    }

    pub(super) fn close(&self, desk: &Desk) {
        self.desks.lock().unwrap().remove(&desk.number);
    }
}

/// Serves a connection until it fails.
async fn serve(stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut stream = BufReader::new(stream);
    while let Some((path, key)) = read(&mut stream).await {
        let Some(answer) = answer(&path, &key).await else { return };
        if stream.get_mut().write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The path and the idempotency key of a request.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let (mut path, mut key, mut length) = (String::new(), String::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if path.is_empty() {
            line.split(' ').nth(1)?.clone_into(&mut path);
        } else if let Some((name, value)) = line.split_once(':') {
            match name.to_ascii_lowercase().as_str() {
                "idempotency-key" => value.trim().clone_into(&mut key),
                "content-length" => length = value.trim().parse().ok()?,
                _ => {}
            }
        }
    }
    stream.read_exact(&mut vec![0; length]).await.ok()?;
    Some((path, key))
}

/// The bytes of an answer; `None` if the connection ends.
async fn answer(path: &str, key: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    let ["", world, step, run, acc] = parts.as_slice() else { return None };
    let acc: i64 = acc.parse().unwrap_or(-1);
    let desk = Peer::here().desks.lock().unwrap().get(&world.parse().ok()?)?.clone();
    let outcome = desk.take(step, run, acc, key);
    if desk.points.request(step, run).await == Verdict::Die {
        return None;
    }
    let text = |status: u16, more: &str, body: &str| {
        format!(
            "HTTP/1.1 {status} X\r\n{more}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    match outcome {
        Outcome::Success => Some(text(200, "", &answered(acc).to_string())),
        Outcome::Status(status, None) => Some(text(status, "", "\"no\"")),
        Outcome::Status(status, Some(after)) => Some(text(status, &format!("Retry-After: {after}\r\n"), "\"no\"")),
        Outcome::Drop => None,
        Outcome::Slow => std::future::pending().await,
    }
}
