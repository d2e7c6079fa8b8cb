//! The one thread that writes. It drains concurrent decisions into one transaction, each in a savepoint of its own, and
//! answers after the commit has returned: the price of a sync is shared by all who wait for it.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::claim;
use super::sabotage::Sabotage;
use super::shared::Shared;
use super::tx::{Effects, Memory, Tx};
use crate::clock::Ahead;
use crate::store::{Answer, Result, StoreError};

/// The largest group: more would make the first of it wait too long.
const LARGEST_GROUP: usize = 512;

/// The longest that a group waits for those who are likely to come.
const LONGEST_WAIT: Duration = Duration::from_millis(1);

/// The handle of the writing thread; dropping it lets the thread finish what it was given.
pub(super) struct Writer {
    jobs: Option<Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub fn start(conn: Connection, shared: Arc<Shared>) -> Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let (ahead, set_back) = (Ahead::of(shared.clock.as_ref()), 0);
        let (memory, pace) = (Memory::default(), Pace::default());
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || Thread { conn, shared, queue, memory, pace, ahead, set_back }.run())
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
            // If the thread is gone, the sender inside the job goes with it, and the receiver says so.
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

/// A decision on its way through a transaction.
trait Job: Send {
    /// Makes the decision; tells whether it may be committed.
    fn carry_out(&mut self, tx: &mut Tx<'_>) -> bool;

    /// The decision's own error.
    fn error(&self) -> Option<StoreError>;

    /// Tells the caller how it went; `failed` if the transaction as a whole did.
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
            // A caller that has gone away wants no answer.
            let _ = sender.send(result);
        }
    }
}

/// What the writer knows about the rhythm of its callers.
#[derive(Default)]
struct Pace {
    /// How many decisions to expect.
    expected: usize,
    /// How long the last commit took.
    commit: Duration,
}

struct Thread {
    conn: Connection,
    shared: Arc<Shared>,
    queue: Receiver<Box<dyn Job>>,
    memory: Memory,
    pace: Pace,
    ahead: Ahead,
    /// By how many milliseconds the wall clock was set back, as far as no commit holds it.
    set_back: i64,
}

impl Thread {
    fn run(mut self) {
        while let Ok(first) = self.queue.recv() {
            let group = self.gather(first);
            self.pace.expected = group.len().max(self.pace.expected * 3 / 4);
            self.commit(group);
        }
    }

    /// All decisions that are waiting. Callers who were just answered ask again within a moment; a group that began
    /// with the first of them would leave the others to the next sync, so it waits a fraction of one for them.
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
        match self.transaction(&mut group) {
            Ok(effects) => {
                self.shared.counters.committed(group.len());
                for effects in effects {
                    self.shared.announce(effects);
                }
                for mut job in group {
                    job.answer(None);
                }
            }
            Err(error) => {
                // Whatever the writer remembers may be of the transaction that is gone.
                self.memory = Memory::default();
                if !self.conn.is_autocommit() {
                    // If even this fails, the next group's begin tells the reason.
                    let _ = self.conn.execute_batch("rollback");
                }
                for mut job in group {
                    job.answer(Some(&error));
                }
            }
        }
    }

    /// One transaction. It fails as a whole only if it cannot begin or commit, or if SQLite gives it up.
    fn transaction(&mut self, group: &mut [Box<dyn Job>]) -> Result<Vec<Effects>> {
        self.statement("begin immediate")?;
        let mut effects = Vec::with_capacity(group.len() + 1);
        self.set_back += self.ahead.set_back(self.shared.clock.as_ref()).unwrap_or(0);
        if self.set_back > 0 {
            let mut tx = Tx::new(&self.conn, &self.shared, &mut self.memory);
            claim::set_back(&mut tx, self.set_back)?;
            effects.push(tx.effects);
        }
        for job in group {
            effects.extend(self.savepoint(job.as_mut())?);
            if Sabotage::EarlyAnswer.is_on() {
                job.answer(None);
            }
        }
        let start = Instant::now();
        self.statement("commit")?;
        self.pace.commit = start.elapsed();
        self.set_back = 0;
        Ok(effects)
    }

    /// One decision; if it fails, the transaction goes on as if it had not been.
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
