//! Slow work: what a step wants done, and what the engine provides for it.

use crate::burden::Load;
use crate::clock::{Clock, Timestamp};
use crate::files::Files;
use crate::outgoing::{Connections, Sender};
use crate::pool::{Panicked, Pool};
use crate::script::{Fault, Slot};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::host::Host;
use flowscript_lang::value::Value;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Longer answers than this are read outside the threads of scripts, in bytes.
const LARGE: usize = 64 << 10;
/// Bytes of large answers that are read at the same time.
const LARGE_AT_A_TIME: usize = 16 << 20;

/// Slow work.
pub trait Perform: Debug + Send {
    /// The weight of its inputs in addition to the variables, in bytes.
    fn weight(&self) -> usize;

    /// Performs it.
    fn perform(self: Box<Self>, attempt: Attempt) -> Performing;
}

/// Work in progress.
pub type Performing = Pin<Box<dyn Future<Output = Result<Performed, Fault>> + Send>>;

/// The result of work.
#[derive(Debug)]
pub struct Performed {
    /// The result of the step.
    pub result: Value,
    /// The variables that it has set.
    pub set: Vec<(Slot, Value)>,
}

impl Performed {
    /// A result alone.
    pub fn result(result: Value) -> Self {
        Self { result, set: Vec::new() }
    }
}

/// The host of one attempt of a step.
pub trait Running: Host + Send + Sync {
    /// Ready once the run is stopped or its time is over; returns which.
    fn over(&self) -> Pin<Box<dyn Future<Output = Fault> + Send + '_>>;

    /// The load of the run's values, if they count.
    fn load(&self) -> Option<&Arc<Load>>;
}

/// Shared by all attempts.
pub struct Tools {
    sender: Arc<Sender>,
    files: Arc<Files>,
    clock: Arc<dyn Clock>,
    scripts: Pool,
    waiting: Pool,
    /// One permit for each byte of large answers that are read.
    reading: Semaphore,
}

impl Tools {
    /// `scripts` are the threads for computation, `waiting` those for waiting.
    pub fn new(sender: Arc<Sender>, files: Arc<Files>, clock: Arc<dyn Clock>, scripts: Pool, waiting: Pool) -> Self {
        Self { sender, files, clock, scripts, waiting, reading: Semaphore::new(LARGE_AT_A_TIME) }
    }

    /// Sends requests.
    pub fn sender(&self) -> &Arc<Sender> {
        &self.sender
    }

    /// The threads for computation.
    pub fn scripts(&self) -> &Pool {
        &self.scripts
    }
}

/// One attempt of a step, which lasts until the run is stopped or its time is over.
pub struct Attempt {
    tools: Arc<Tools>,
    host: Arc<dyn Running>,
    key: String,
    repeated: bool,
}

impl Attempt {
    /// `key` is the same for each attempt of the step. `repeated`: an earlier one ended without a known result, so it may
    /// have done the work.
    pub fn new(tools: Arc<Tools>, host: Arc<dyn Running>, key: String, repeated: bool) -> Self {
        Self { tools, host, key, repeated }
    }

    /// The same key for each attempt of the step, so that receivers can detect a repetition.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// May an earlier attempt have done the work?
    pub fn is_repeated(&self) -> bool {
        self.repeated
    }

    /// Clock, log and interruption of scripts.
    pub fn host(&self) -> Arc<dyn Running> {
        self.host.clone()
    }

    /// Sends requests.
    pub fn sender(&self) -> &Sender {
        &self.tools.sender
    }

    /// The load of the run's values, if they count.
    pub fn load(&self) -> Option<&Arc<Load>> {
        self.host.load()
    }

    /// The connections as they are now.
    pub fn connections(&self) -> Arc<Connections> {
        self.tools.sender.connections()
    }

    /// The project's own files.
    pub fn files(&self) -> &Arc<Files> {
        &self.tools.files
    }

    /// The clock of the engine.
    pub fn clock(&self) -> &dyn Clock {
        self.tools.clock.as_ref()
    }

    /// The time of the wall clock.
    pub fn now(&self) -> Timestamp {
        self.tools.clock.now()
    }

    /// Waits for work, which ends at once when the run is stopped or its time is over. Other work has a moment to end by
    /// itself.
    pub async fn within<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        tokio::select! { done = work => done, fault = self.host.over() => Err(fault) }
    }

    /// Reads an answer of this many bytes on a thread of scripts. A large one is read elsewhere: its value may take
    /// many times as much, and scripts must not wait for it.
    pub async fn read<T: Send + 'static>(
        &self,
        bytes: usize,
        job: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        if bytes <= LARGE {
            return done(self.tools.scripts.run(job).await);
        }
        let _turn = self.turn(bytes).await;
        self.wait_for(job).await
    }

    /// Waits until an answer of this many bytes may be read.
    async fn turn(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        loop {
            // Without the permit: the runs that this waits for may need it.
            if let Some(load) = self.host.load() {
                load.room().await;
            }
            let permit = self.tools.reading.acquire_many(bytes.min(LARGE_AT_A_TIME) as u32).await.ok();
            if self.host.load().is_none_or(|load| load.may_grow()) {
                return permit;
            }
        }
    }

    /// Does blocking work on a thread of its own: it must not delay computation.
    pub async fn wait_for<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        done(self.tools.waiting.run(job).await)
    }
}

fn done<T>(ran: Result<Result<T, Fault>, Panicked>) -> Result<T, Fault> {
    ran.unwrap_or_else(|Panicked| {
        Err(Fault::new(ErrorKind::Io, "The engine failed while it ran this step; its log says more."))
    })
}
