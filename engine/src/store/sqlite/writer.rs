//! The one thread that writes. It drains concurrent decisions into one transaction, each in a savepoint of its own, and
//! answers after the commit has returned: all decisions of a transaction share the cost of one sync.
//!
//! While idle it checks at intervals whether the file still exists and whether the clock was set back; after a failed
//! transaction it tries another one.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::effects::Effects;
use super::file::StoreFile;
use super::sabotage::Sabotage;
use super::shared::Shared;
use super::tx::{Memory, Tx};
use super::{claim, fire, keys};
use crate::clock::Ahead;
use crate::store::{Answer, Result, StoreError};

/// The largest group: more would make the first of it wait too long.
const LARGEST_GROUP: usize = 512;

/// The longest time that a group waits for further decisions.
const LONGEST_WAIT: Duration = Duration::from_millis(1);

/// How often an idle store checks file and clock.
const LOOK: Duration = Duration::from_millis(250);
/// How often a store that has failed tries to write.
const TRY: Duration = Duration::from_secs(1);
/// For this long, occurrences counted before the clock was set back may still arrive.
const LATE_OCCURRENCES: Duration = Duration::from_secs(10);

/// The handle of the writing thread; dropping it lets the thread finish its work.
pub(super) struct Writer {
    jobs: Option<Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub fn start(conn: Connection, file: StoreFile, shared: Arc<Shared>) -> Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let (ahead, set_back) = (Ahead::of(shared.clock.as_ref()), 0);
        let (memory, pace) = (Memory::default(), Pace::default());
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                let (tried, rewinding) = (Instant::now(), None);
                Thread { conn, file, shared, queue, memory, pace, ahead, set_back, tried, rewinding }.run();
            })
            .map_err(|error| StoreError::Other(format!("the store's thread could not start: {error}")))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Hands over a decision; the answer comes when it is committed.
    pub fn decide<T: Send + 'static>(
        &self,
        decision: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Answer<'static, T> {
        let (sender, receiver) = oneshot::channel();
        let job = Pending { decision: Some(decision), result: None, sender: Some(sender) };
        if let Some(jobs) = &self.jobs {
            // If the thread is gone, the sender inside the job is dropped, and the receiver reports it.
            let _ = jobs.send(Box::new(job));
        }
        Box::pin(async move {
            let gone = || StoreError::Busy("the store is shutting down: ask again when it runs".to_owned());
            receiver.await.unwrap_or_else(|_| Err(gone()))
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // The thread has reported its own panic, if there was one.
            let _ = thread.join();
        }
    }
}

/// A decision in progress.
trait Job: Send {
    /// Makes the decision; returns whether it may be committed.
    fn carry_out(&mut self, tx: &mut Tx<'_>) -> bool;

    /// The decision's own error.
    fn error(&self) -> Option<StoreError>;

    /// Answers the caller, with `failed` if the transaction as a whole has failed.
    fn answer(&mut self, failed: Option<&StoreError>);
}

struct Pending<T, F> {
    decision: Option<F>,
    result: Option<Result<T>>,
    sender: Option<oneshot::Sender<Result<T>>>,
}

impl<T: Send, F: FnOnce(&mut Tx<'_>) -> Result<T> + Send> Job for Pending<T, F> {
    fn carry_out(&mut self, tx: &mut Tx<'_>) -> bool {
        self.result = self.decision.take().map(|decision| decision(tx));
        matches!(self.result, Some(Ok(_)))
    }

    fn error(&self) -> Option<StoreError> {
        self.result.as_ref().and_then(|result| result.as_ref().err().cloned())
    }

    fn answer(&mut self, failed: Option<&StoreError>) {
        let result = match (self.result.take(), failed) {
            (Some(Ok(_)) | None, Some(failed)) => Err(failed.clone()),
            (Some(result), _) => result,
            (None, None) => Err(StoreError::Other("the decision was not made".to_owned())),
        };
        if let Some(sender) = self.sender.take() {
            // A caller that is gone needs no answer.
            let _ = sender.send(result);
        }
    }
}

/// Measurements of the timing of callers.
#[derive(Default)]
struct Pace {
    /// The expected number of decisions.
    expected: usize,
    /// How long the last commit took.
    commit: Duration,
}

struct Thread {
    conn: Connection,
    file: StoreFile,
    shared: Arc<Shared>,
    queue: Receiver<Box<dyn Job>>,
    memory: Memory,
    pace: Pace,
    ahead: Ahead,
    /// By how many milliseconds the wall clock was set back, as far as this is not committed.
    set_back: i64,
    /// When a transaction was tried last.
    tried: Instant,
    /// Since when schedules are checked because the wall clock was set back.
    rewinding: Option<Instant>,
}

impl Thread {
    fn run(mut self) {
        loop {
            match self.queue.recv_timeout(LOOK) {
                Ok(first) => {
                    let group = self.gather(first);
                    self.pace.expected = group.len().max(self.pace.expected * 3 / 4);
                    self.commit(group);
                }
                Err(RecvTimeoutError::Timeout) => self.look_around(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Checks file and clock while idle.
    fn look_around(&mut self) {
        self.shared.trusted_now();
        self.note_set_back();
        if let Err(error) = self.file.check(&self.conn) {
            self.shared.health.failed(&error);
            return;
        }
        let is_due = self.set_back > 0 || self.rewinding.is_some() || self.shared.health.failing().is_some();
        if is_due && self.tried.elapsed() >= TRY {
            self.commit(Vec::new());
        }
    }

    /// Checks whether the wall clock was set back.
    fn note_set_back(&mut self) {
        let back = self.ahead.set_back(self.shared.clock.as_ref()).unwrap_or(0);
        if back > 0 {
            self.set_back += back;
            self.rewinding = Some(Instant::now());
        }
    }

    /// All waiting decisions. Callers who were just answered ask again within a moment; a group that began with the
    /// first of them would leave the others to the next sync, so it waits a fraction of one for them.
    fn gather(&self, first: Box<dyn Job>) -> Vec<Box<dyn Job>> {
        let mut group = vec![first];
        group.extend(self.queue.try_iter().take(LARGEST_GROUP - 1));
        let expected = self.pace.expected.min(LARGEST_GROUP);
        if expected <= 1 {
            return group;
        }
        let until = Instant::now() + (self.pace.commit / 4).min(LONGEST_WAIT);
        while group.len() < expected {
            let Ok(job) = self.queue.recv_timeout(until.saturating_duration_since(Instant::now())) else { break };
            group.push(job);
        }
        group
    }

    /// Carries out a group and answers.
    fn commit(&mut self, mut group: Vec<Box<dyn Job>>) {
        self.tried = Instant::now();
        match self.transaction(&mut group) {
            Ok(effects) => {
                self.shared.counters.committed(group.len());
                self.shared.health.committed();
                if let Some(error) = group.iter().filter_map(|job| job.error()).find(StoreError::is_of_disk) {
                    self.shared.health.failed(&error);
                }
                for effects in effects {
                    self.shared.announce(effects);
                }
                for mut job in group {
                    job.answer(None);
                }
            }
            Err(error) => {
                self.shared.health.failed(&error);
                // All that the writer remembers may be from the transaction that was rolled back.
                self.memory = Memory::default();
                if !self.conn.is_autocommit() {
                    // If even this fails, the next group's begin gives the reason.
                    let _ = self.conn.execute_batch("rollback");
                }
                for mut job in group {
                    job.answer(Some(&error));
                }
            }
        }
    }

    /// One transaction. It fails as a whole only if it cannot begin or commit, or if SQLite aborts it.
    fn transaction(&mut self, group: &mut [Box<dyn Job>]) -> Result<Vec<Effects>> {
        self.file.check(&self.conn)?;
        self.statement("begin immediate")?;
        let mut effects = Vec::with_capacity(group.len() + 1);
        self.note_set_back();
        let rewinding = self.rewinding;
        if self.set_back > 0 || rewinding.is_some() || group.is_empty() {
            let mut tx = Tx::new(&self.conn, &self.shared, &mut self.memory);
            if self.set_back > 0 {
                claim::set_back(&mut tx, self.set_back)?;
            }
            if rewinding.is_some() {
                fire::rewind(&mut tx)?;
            }
            if group.is_empty() {
                keys::try_to_write(&tx)?;
            }
            let own = tx.effects;
            self.memory.apply(&own);
            effects.push(own);
        }
        for job in group {
            effects.extend(self.savepoint(job.as_mut())?);
            if Sabotage::EarlyAnswer.is_on() {
                job.answer(None);
            }
        }
        self.memory.write_counted(&self.conn)?;
        let start = Instant::now();
        self.statement("commit")?;
        self.pace.commit = start.elapsed();
        self.set_back = 0;
        self.rewinding = rewinding.filter(|since| since.elapsed() < LATE_OCCURRENCES);
        self.file.check_committed()?;
        Ok(effects)
    }

    /// One decision; if it fails, the transaction continues without it.
    fn savepoint(&mut self, job: &mut dyn Job) -> Result<Option<Effects>> {
        self.statement("savepoint decision")?;
        let mut tx = Tx::new(&self.conn, &self.shared, &mut self.memory);
        let holds = job.carry_out(&mut tx);
        let effects = tx.effects;
        if self.conn.is_autocommit() {
            // A full disk and some other failures make SQLite roll back everything by itself.
            let gone = || StoreError::Other("the database gave up the transaction".to_owned());
            return Err(job.error().unwrap_or_else(gone));
        }
        if !holds {
            self.statement("rollback to decision")?;
        }
        self.statement("release decision")?;
        if holds {
            self.memory.apply(&effects);
        }
        Ok(holds.then_some(effects))
    }

    fn statement(&self, sql: &str) -> Result<()> {
        self.conn.prepare_cached(sql)?.execute(())?;
        Ok(())
    }
}
