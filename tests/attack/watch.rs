//! The effect of an attack on others: twenty times a second the waiting time of other callers is measured, and the
//! engine's memory every 20 ms.

use crate::wire::{NEIGHBOUR, Request};
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a caller waits before it gives up.
const PATIENCE: Duration = Duration::from_secs(30);
/// An engine that uses this much memory is ended: the machine has other work.
const ENOUGH: u64 = 2 << 30;

/// A caller that does not attack: its requests, and the expected answers.
pub struct Caller {
    pub name: &'static str,
    /// The request with this number.
    pub ask: Box<dyn Fn(u64) -> Request + Send>,
    /// The expected answer: a status, and a part of the body.
    pub wanted: Box<dyn Fn(u64) -> (u16, String) + Send>,
}

/// The observations.
#[derive(Debug, Default)]
pub struct Seen {
    /// The most memory, in bytes.
    pub peak: u64,
    /// The slowest answer of each caller.
    pub slowest: BTreeMap<&'static str, Duration>,
    /// Unexpected answers, by caller: how many, and the first.
    pub wrong: BTreeMap<&'static str, (u64, String)>,
    /// The runs that the engine has acknowledged.
    pub acknowledged: Vec<String>,
    /// The delay of this machine itself.
    pub late: Duration,
}

/// It observes until its result is requested.
pub struct Watch {
    over: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    threads: Vec<JoinHandle<()>>,
}

impl Watch {
    /// Watches the process `id`, which listens at `address`.
    pub fn new(id: u32, address: SocketAddr, callers: Vec<Caller>) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut threads = Vec::new();
        let (ended, notes) = (over.clone(), seen.clone());
        threads.push(std::thread::spawn(move || measure(id, &ended, &notes)));
        for caller in callers {
            let (ended, notes) = (over.clone(), seen.clone());
            threads.push(std::thread::spawn(move || ask(address, &caller, &ended, &notes)));
        }
        Self { over, seen, threads }
    }

    /// The observations until now; it then stops.
    pub fn end(self) -> Seen {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            let _ = thread.join();
        }
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

/// A value of `/proc/PID/status`, in bytes.
pub fn memory(id: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kibibytes| kibibytes << 10)
}

fn measure(id: u32, over: &AtomicBool, seen: &Mutex<Seen>) {
    const PAUSE: Duration = Duration::from_millis(20);
    // It checks once more when all is over.
    let mut last = false;
    while !last {
        last = over.load(Ordering::Relaxed);
        let now = memory(id, "VmHWM").unwrap_or_default();
        if memory(id, "VmRSS").is_some_and(|now| now > ENOUGH) {
            let _ = std::process::Command::new("kill").arg("-9").arg(id.to_string()).status();
        }
        let slept = Instant::now();
        std::thread::sleep(PAUSE);
        let late = slept.elapsed().saturating_sub(PAUSE);
        let mut seen = seen.lock().unwrap();
        seen.peak = seen.peak.max(now);
        seen.late = seen.late.max(late);
    }
}

fn ask(address: SocketAddr, caller: &Caller, over: &AtomicBool, seen: &Mutex<Seen>) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    while !over.load(Ordering::Relaxed) {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let told = (caller.ask)(number).send(address, NEIGHBOUR, PATIENCE);
        let took = started.elapsed();
        let (status, part) = (caller.wanted)(number);
        {
            let mut seen = seen.lock().unwrap();
            let slowest = seen.slowest.entry(caller.name).or_default();
            *slowest = took.max(*slowest);
            let wrong = match &told {
                Ok(told) if told.status == status && told.body().contains(&part) => None,
                Ok(told) => Some(format!("{} {}", told.status, told.body().chars().take(200).collect::<String>())),
                Err(error) => Some(error.to_string()),
            };
            if let Some(wrong) = wrong {
                let (count, _) = seen.wrong.entry(caller.name).or_insert((0, wrong));
                *count += 1;
            }
            if let Ok(told) = told
                && told.status == 202
                && let Some((_, rest)) = told.body().split_once("\"runId\":\"")
            {
                seen.acknowledged.extend(rest.split('"').next().map(str::to_owned));
            }
        }
        std::thread::sleep(Duration::from_millis(50).saturating_sub(took));
    }
}
