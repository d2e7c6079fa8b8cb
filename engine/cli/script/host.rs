//! The host of scripts run from the command line: the machine's clock, randomness, standard error as log, HTTP.

use super::http::Permission;
use super::interrupt::Interrupts;
use flowscript_lang::host::{Host, HttpRequest, HttpResponse, Interrupt, LogLevel};
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, mpsc};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long to wait for a request between two checks for Ctrl-C.
const LOOK: Duration = Duration::from_millis(20);

/// The host of one command.
pub struct CommandHost {
    /// The fixed time of the clock; `None` for the machine's.
    pub now: Option<(i64, u32)>,
    /// The source of random numbers.
    pub random: Random,
    /// The allowed targets of requests.
    pub http: Permission,
    /// Ctrl-C.
    pub interrupts: Arc<Interrupts>,
}

/// The source of random numbers.
pub enum Random {
    /// Different each time.
    System,
    /// The same for the same seed, in every version: SplitMix64 over a counter.
    Seeded(AtomicU64),
}

impl Host for CommandHost {
    fn now(&self) -> (i64, u32) {
        self.now.unwrap_or_else(|| match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => (since.as_secs() as i64, since.subsec_nanos()),
            Err(before) => (-(before.duration().as_secs() as i64), 0),
        })
    }

    fn random(&self) -> u64 {
        match &self.random {
            Random::System => rand::random(),
            Random::Seeded(state) => {
                let mixed = state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
                let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                mixed ^ (mixed >> 31)
            }
        }
    }

    fn log(&self, level: LogLevel, message: &str) {
        // A log without a reader is not a reason to stop.
        let _ = writeln!(std::io::stderr().lock(), "[{}] {message}", level.name());
    }

    fn http(&self, request: &HttpRequest) -> Result<HttpResponse, String> {
        // On a thread of its own: Ctrl-C does not wait for a peer.
        let (permission, sent) = (self.http.clone(), request.clone());
        let (answered, answer) = mpsc::channel();
        let thread = std::thread::Builder::new().name("http".into());
        let started = thread.spawn(move || answered.send(permission.send(&sent)));
        started.map_err(|error| format!("no thread for the request can be started: {error}."))?;
        loop {
            match answer.recv_timeout(LOOK) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Timeout) if self.interrupts.is_asked() => {
                    return Err("it was interrupted.".into());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err("the request broke off.".into()),
            }
        }
    }

    fn interrupt(&self) -> Option<Interrupt> {
        self.interrupts.is_asked().then_some(Interrupt::Cancelled)
    }
}
