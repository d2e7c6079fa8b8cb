//! The environment of a run's scripts: clock, randomness, the run's log, and the request to stop.

use super::trace::StepTrace;
use crate::burden::Load;
use crate::clock::Clock;
use crate::outgoing::{Outgoing, Sender, masked_header, shown};
use crate::script::{Fault, TIMEOUT};
use crate::steps::attempt::Running;
use crate::store::{LogLine, RunId, Timestamp};
use crate::trigger::callback;
use bytes::Bytes;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::host::{Host, HttpRequest, HttpResponse, Interrupt, LogLevel};
use sha2::{Digest, Sha256};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// The longest a script's request may take.
const MAX_CALL: Duration = Duration::from_secs(3600);
/// The longest line of a log, in bytes.
const MAX_LINE: usize = 16 * 1024;

/// The host of one run.
#[derive(Debug)]
pub struct RunHost {
    clock: Arc<dyn Clock>,
    log: Mutex<Log>,
    /// The completed steps without a commit of their own: visible to others while the run continues.
    trace: Mutex<Vec<StepTrace>>,
    /// The run is visible to others while it is running.
    is_watched: bool,
    max_lines: usize,
    /// When the run's time is over, in elapsed time of the clock.
    deadline: Duration,
    stop: Arc<StopFlag>,
    calls: Option<Calls>,
    /// The time at which the thread is given back.
    patience: Option<Instant>,
    /// The engine's request to end all running work.
    halt: Option<Arc<StopFlag>>,
    /// The weight of its values.
    load: Option<Arc<Load>>,
}

/// The access of a run's scripts to the outside.
#[derive(Clone, Debug)]
pub struct Calls {
    /// Sends their requests.
    pub sender: Arc<Sender>,
    /// Waits for their answers: scripts run on threads of their own.
    pub runtime: Handle,
    /// The run, for the keys of its requests.
    pub run: RunId,
    /// The addresses for events of the run.
    pub callbacks: Option<Callbacks>,
}

/// The addresses for events of runs.
#[derive(Clone)]
pub struct Callbacks {
    /// The engine's address, without a trailing slash.
    pub base: Arc<str>,
    /// The key for signing addresses.
    pub secret: [u8; 32],
}

impl Callbacks {
    /// The address for an event of a run.
    pub fn url(&self, run: RunId, name: &str) -> String {
        callback::url(&self.base, &self.secret, run, name)
    }
}

impl std::fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callbacks").field("base", &self.base).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Log {
    lines: Vec<LogLine>,
    /// The position of the step that is running.
    position: Option<String>,
    /// Its attempt, and when that began, while it computes or reads.
    current: Option<(u32, Timestamp)>,
    full: bool,
    /// The size of the lines.
    bytes: usize,
}

/// A request to a run to stop, from another thread.
#[derive(Debug, Default)]
pub struct StopFlag {
    flags: AtomicU8,
    changed: Notify,
}

const CANCELLED: u8 = 1;
const ABANDONED: u8 = 2;

/// Held by a caller: when it is dropped, the work is cancelled.
#[derive(Debug)]
pub struct CancelledWith(Arc<StopFlag>);

impl Drop for CancelledWith {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl StopFlag {
    /// Requests the end of the run.
    pub fn cancel(&self) {
        self.set(CANCELLED);
    }

    /// Asks the worker to leave the run as it is; another one continues with it.
    pub fn abandon(&self) {
        self.set(ABANDONED);
    }

    /// Was the end requested?
    pub fn is_cancelled(&self) -> bool {
        self.flags.load(Ordering::Acquire) & CANCELLED != 0
    }

    /// Is the run to be left as it is?
    pub fn is_abandoned(&self) -> bool {
        self.flags.load(Ordering::Acquire) & ABANDONED != 0
    }

    /// Was either requested?
    pub fn is_asked(&self) -> bool {
        self.flags.load(Ordering::Acquire) != 0
    }

    /// Cancels its work on drop: the caller is gone.
    #[must_use]
    pub fn cancelled_with(self: &Arc<Self>) -> CancelledWith {
        CancelledWith(self.clone())
    }

    /// Ready once either was requested.
    pub async fn asked(&self) {
        let changed = self.changed.notified();
        tokio::pin!(changed);
        // Listening begins before the check, so that no request is missed between the two.
        changed.as_mut().enable();
        if self.flags.load(Ordering::Acquire) == 0 {
            changed.await;
        }
    }

    fn set(&self, flag: u8) {
        self.flags.fetch_or(flag, Ordering::AcqRel);
        self.changed.notify_waiters();
    }
}

impl RunHost {
    /// A host for a run that may take `limit` from now on and write `max_lines` lines of log. Without `calls` its
    /// scripts cannot send requests.
    pub fn new(
        clock: Arc<dyn Clock>,
        limit: Duration,
        max_lines: u32,
        stop: Arc<StopFlag>,
        calls: Option<Calls>,
    ) -> Self {
        let deadline = clock.elapsed().saturating_add(limit);
        Self {
            clock,
            log: Mutex::default(),
            trace: Mutex::default(),
            is_watched: false,
            max_lines: max_lines as usize,
            deadline,
            stop,
            calls,
            patience: None,
            halt: None,
            load: None,
        }
    }

    /// The clock of the run.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// The time of the wall clock.
    pub fn instant(&self) -> Timestamp {
        self.clock.now()
    }

    /// The same for a run that is abandoned when it computes for longer.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience: Instant::now().checked_add(patience), ..self }
    }

    /// The same for work that ends when the engine asks all work to end.
    #[must_use]
    pub fn ending_with(self, halt: Arc<StopFlag>) -> Self {
        Self { halt: Some(halt), ..self }
    }

    /// The same for a run whose values count in the total load.
    #[must_use]
    pub fn loaded(self, load: Arc<Load>) -> Self {
        Self { load: Some(load), ..self }
    }

    /// The weight of its values, if they count.
    pub fn load(&self) -> Option<&Arc<Load>> {
        self.load.as_ref()
    }

    /// The same for a run that is visible to others while it is running.
    #[must_use]
    pub fn watched(self) -> Self {
        Self { is_watched: true, ..self }
    }

    /// The steps for the end of the run. They are visible until that end is stored.
    pub fn last_trace(&self) -> Vec<StepTrace> {
        let mut trace = self.trace();
        if self.is_watched { trace.clone() } else { std::mem::take(&mut *trace) }
    }

    /// Is the run to end, or to be left as it is?
    pub fn is_asked_to_stop(&self) -> bool {
        if self.patience.is_some_and(|patience| Instant::now() >= patience) {
            self.stop.abandon();
        }
        if self.halt.as_ref().is_some_and(|halt| halt.is_asked()) {
            self.stop.abandon();
        }
        self.stop.is_asked()
    }

    /// Ready once the run is to end, or to be left as it is.
    pub async fn asked_to_stop(&self) {
        match &self.halt {
            None => self.stop.asked().await,
            Some(halt) => tokio::select! { () = self.stop.asked() => {}, () = halt.asked() => self.stop.abandon() },
        }
    }

    /// Ready when the run's time is over.
    pub async fn late(&self) {
        self.clock.after(self.deadline).await;
    }

    /// Ready once the run is stopped or its time is over; returns which.
    pub async fn over(&self) -> Fault {
        tokio::select! {
            () = self.asked_to_stop() => Fault::new(ErrorKind::Cancelled, "The run was cancelled."),
            () = self.late() => Fault::of_kind(TIMEOUT, "The run took longer than it may."),
        }
    }

    /// Sets the current step: the path of its strand and its position there.
    pub fn enter(&self, path: &str, position: &str, attempt: u32, begun: Timestamp) {
        let mut log = self.lock();
        log.current = Some((attempt, begun));
        let text = log.position.get_or_insert_default();
        text.clear();
        text.push_str(path);
        text.push_str(position);
    }

    /// No step computes or reads any more.
    pub fn leave(&self) {
        self.lock().current = None;
    }

    /// The step that computes or reads: its position, its attempt, and when that began.
    pub fn current(&self) -> Option<(String, u32, Timestamp)> {
        let log = self.lock();
        let (attempt, begun) = log.current?;
        Some((log.position.clone()?, attempt, begun))
    }

    /// The completed steps without a commit of their own.
    pub fn trace(&self) -> MutexGuard<'_, Vec<StepTrace>> {
        self.trace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is the run's time over?
    pub fn is_late(&self) -> bool {
        self.clock.elapsed() >= self.deadline
    }

    /// The request to stop.
    pub fn stop(&self) -> &Arc<StopFlag> {
        &self.stop
    }

    /// The lines so far; each is returned once.
    pub fn take_log(&self) -> Vec<LogLine> {
        let mut log = self.lock();
        log.bytes = 0;
        std::mem::take(&mut log.lines)
    }

    /// The size of the lines so far, in bytes.
    pub fn log_bytes(&self) -> usize {
        self.lock().bytes
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, position: Option<String>, level: LogLevel, message: &str) {
        let mut log = self.lock();
        if log.full {
            return;
        }
        let (level, message) = if log.lines.len() + 1 >= self.max_lines {
            log.full = true;
            let text = format!("The log is full: a run writes {} lines at most; the rest is left out.", self.max_lines);
            (LogLevel::Warning, text)
        } else {
            let end = (0..=message.len().min(MAX_LINE)).rev().find(|i| message.is_char_boundary(*i)).unwrap_or(0);
            (level, message.get(..end).unwrap_or_default().to_owned())
        };
        let position = position.or_else(|| log.position.clone());
        log.bytes += message.len();
        log.lines.push(LogLine { at: self.instant(), level: level.name().into(), message, position });
    }
}

impl Host for RunHost {
    fn now(&self) -> (i64, u32) {
        self.clock.exact()
    }

    fn random(&self) -> u64 {
        rand::random()
    }

    fn log(&self, level: LogLevel, message: &str) {
        self.write(None, level, message);
    }

    fn callback_url(&self, name: &str) -> Result<String, String> {
        let calls = self.calls.as_ref();
        match calls.and_then(|calls| Some((calls.run, calls.callbacks.as_ref()?))) {
            Some((run, callbacks)) => Ok(callbacks.url(run, name)),
            None => Err("the address of the engine is not known: set `publicUrl` in flowscript.toml".to_owned()),
        }
    }

    fn interrupt(&self) -> Option<Interrupt> {
        if self.is_asked_to_stop() {
            return Some(Interrupt::Cancelled);
        }
        self.is_late().then_some(Interrupt::Deadline)
    }
}

/// The host of one acting script: its requests are counted separately, and others may run at the same time.
#[derive(Debug)]
pub struct StepHost {
    run: Arc<RunHost>,
    position: String,
    calls: AtomicU32,
    /// Asks the script to end.
    dropped: Arc<StopFlag>,
}

impl StepHost {
    /// A host for the script at `position`.
    pub fn new(run: Arc<RunHost>, position: String, dropped: Arc<StopFlag>) -> Self {
        Self { run, position, calls: AtomicU32::new(0), dropped }
    }
}

impl Host for StepHost {
    fn now(&self) -> (i64, u32) {
        self.run.now()
    }

    fn random(&self) -> u64 {
        self.run.random()
    }

    fn log(&self, level: LogLevel, message: &str) {
        self.run.write(Some(self.position.clone()), level, message);
    }

    fn callback_url(&self, name: &str) -> Result<String, String> {
        self.run.callback_url(name)
    }

    fn http(&self, request: &HttpRequest) -> Result<HttpResponse, String> {
        let Some(calls) = &self.run.calls else {
            return Err(format!("HTTP is not allowed here: {} {} was not sent.", request.method, request.url));
        };
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let key = script_key(calls.run, &self.position, number, request);
        let mut headers = request.headers.clone();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("idempotency-key")) {
            headers.push(("Idempotency-Key".to_owned(), key));
        }
        let timeout = Duration::try_from_secs_f64(request.timeout).unwrap_or(MAX_CALL).min(MAX_CALL);
        let outgoing = Outgoing {
            method: request.method.clone(),
            url: request.url.clone(),
            shown: shown(&request.url),
            headers,
            body: request.body.clone().map(Bytes::from),
            timeout,
        };
        let answer = calls.runtime.block_on(async {
            tokio::select! {
                answer = calls.sender.send_for(outgoing, self.run.load()) => answer.map_err(|unsent| unsent.message),
                () = self.run.asked_to_stop() => Err("The run was cancelled.".to_owned()),
                () = self.run.late() => Err("The run took longer than it may.".to_owned()),
                () = self.dropped.asked() => Err("The step was cancelled.".to_owned()),
            }
        })?;
        Ok(HttpResponse {
            status: answer.status,
            reason: answer.reason,
            headers: answer.headers.into_iter().map(|(name, value)| (name, masked_header(&value))).collect(),
            body: answer.body.to_vec(),
        })
    }

    fn interrupt(&self) -> Option<Interrupt> {
        if self.dropped.is_cancelled() {
            return Some(Interrupt::Cancelled);
        }
        self.run.interrupt()
    }
}

impl Running for StepHost {
    fn over(&self) -> Pin<Box<dyn Future<Output = Fault> + Send + '_>> {
        Box::pin(self.run.over())
    }

    fn load(&self) -> Option<&Arc<Load>> {
        self.run.load()
    }
}

/// The idempotency key of a step: the same for each of its attempts.
pub fn step_key(run: RunId, position: &str) -> String {
    hashed(&[run.as_bytes(), position.as_bytes()])
}

/// The idempotency key of a script's request.
fn script_key(run: RunId, position: &str, number: u32, request: &HttpRequest) -> String {
    let body = request.body.as_deref().unwrap_or_default();
    let number = number.to_le_bytes();
    hashed(&[run.as_bytes(), position.as_bytes(), &number, request.method.as_bytes(), request.url.as_bytes(), body])
}

/// The SHA-256 of these parts, in hexadecimal digits.
fn hashed(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        text
    })
}
