//! Shared by the writer, the readers and waiting callers: clock, leases, notices.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::effects::Effects;
use super::health::Health;
use super::locked::locked;
use crate::clock::{Clock, Trusted};
use crate::store::{CommitSizes, Cursor, Event, EventPage, OwnerId, Result, RunId, StoreError, Timestamp};

/// How many events are remembered for listeners that return.
const REMEMBERED_EVENTS: usize = 4096;

/// Clock, leases and notices of one open store.
pub(super) struct Shared {
    /// The store's clock.
    pub clock: Arc<dyn Clock>,
    /// When leases end, on the clock that never goes back. They end with the process, which the folder lock permits.
    leases: Mutex<HashMap<OwnerId, Duration>>,
    watchers: Mutex<Watchers>,
    ring: Mutex<Ring>,
    /// Notified when the ring has grown.
    pub grown: Notify,
    /// Notified when something may have become claimable.
    pub ready: Notify,
    /// Counted for metrics.
    pub counters: Counters,
    /// Whether it can write.
    pub health: Health,
    /// The wall clock for irreversible actions.
    trusted: Mutex<Trusted>,
}

#[derive(Default)]
struct Watchers {
    by_run: HashMap<RunId, Vec<(u64, oneshot::Sender<()>)>>,
    next: u64,
}

struct Ring {
    /// Random number of this opening: cursors of other openings are rejected.
    opening: u64,
    /// Number of the first remembered event.
    first: u64,
    events: VecDeque<Event>,
}

/// A registered watcher; it unregisters on drop.
pub(super) struct Watcher<'a> {
    shared: &'a Shared,
    run: RunId,
    number: u64,
    /// Resolves when the run was touched.
    pub touched: oneshot::Receiver<()>,
}

impl Shared {
    /// Without leases and watchers.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let ring = Ring { opening: rand::random(), first: 0, events: VecDeque::new() };
        let trusted = Mutex::new(Trusted::of(clock.as_ref()));
        Self {
            trusted,
            health: Health::default(),
            clock,
            leases: Mutex::default(),
            watchers: Mutex::default(),
            ring: Mutex::new(ring),
            grown: Notify::new(),
            ready: Notify::new(),
            counters: Counters::default(),
        }
    }

    /// The wall clock for deleting: a jump forward counts only once it has lasted.
    pub fn trusted_now(&self) -> Timestamp {
        locked(&self.trusted).now(self.clock.as_ref())
    }

    /// The newest instant in the store, when it is opened: a clock that is far ahead of it may be wrong.
    pub fn trust_since(&self, newest: Option<Timestamp>) {
        if let Some(newest) = newest {
            *locked(&self.trusted) = Trusted::since(self.clock.as_ref(), newest);
        }
    }

    /// Starts or renews a lease.
    pub fn renew(&self, owner: OwnerId, lease: Duration) {
        let until = self.clock.elapsed().saturating_add(lease);
        locked(&self.leases).insert(owner, until);
    }

    /// Whether an owner's lease is running.
    pub fn is_leased(&self, owner: OwnerId) -> bool {
        let now = self.clock.elapsed();
        locked(&self.leases).get(&owner).is_some_and(|until| now < *until)
    }

    /// Owners whose lease has run out.
    pub fn expired(&self) -> Vec<OwnerId> {
        let now = self.clock.elapsed();
        locked(&self.leases).iter().filter(|(_, until)| **until <= now).map(|(owner, _)| *owner).collect()
    }

    /// Notifies listeners and watchers of what a committed decision has changed.
    pub fn announce(&self, effects: Effects) {
        for owner in effects.ended_leases {
            locked(&self.leases).remove(&owner);
        }
        if effects.ready {
            self.ready.notify_one();
        }
        if !effects.touched.is_empty() {
            let mut watchers = locked(&self.watchers);
            for run in &effects.touched {
                for (_, sender) in watchers.by_run.remove(run).unwrap_or_default() {
                    // A watcher that is gone needs no notice.
                    let _ = sender.send(());
                }
            }
        }
        if !effects.events.is_empty() {
            locked(&self.ring).push(effects.events);
            self.grown.notify_waiters();
        }
    }

    /// Registers a watcher of a run. Register first, then read: no change is missed in between.
    pub fn watch(&self, run: RunId) -> Watcher<'_> {
        let (sender, touched) = oneshot::channel();
        let mut watchers = locked(&self.watchers);
        let number = watchers.next;
        watchers.next += 1;
        watchers.by_run.entry(run).or_default().push((number, sender));
        Watcher { shared: self, run, number, touched }
    }

    /// The events after a cursor; `None` if there are none yet.
    pub fn events_since(&self, since: Option<&Cursor>) -> Result<Option<EventPage>> {
        let ring = locked(&self.ring);
        let end = ring.first + ring.events.len() as u64;
        let next = Cursor(format!("{:016x}.{end}", ring.opening));
        let Some(since) = since else {
            return Ok(Some(EventPage { events: Vec::new(), next, missed: false }));
        };
        let (opening, place) = read_cursor(since)?;
        let missed = opening != ring.opening || place < ring.first || place > end;
        let from = if missed { ring.first } else { place };
        let events: Vec<Event> = ring.events.iter().skip((from - ring.first) as usize).cloned().collect();
        Ok((missed || !events.is_empty()).then_some(EventPage { events, next, missed }))
    }
}

impl Ring {
    fn push(&mut self, events: Vec<Event>) {
        self.events.extend(events);
        while self.events.len() > REMEMBERED_EVENTS {
            self.events.pop_front();
            self.first += 1;
        }
    }
}

impl Drop for Watcher<'_> {
    fn drop(&mut self) {
        let mut watchers = locked(&self.shared.watchers);
        if let Some(of_run) = watchers.by_run.get_mut(&self.run) {
            of_run.retain(|(number, _)| *number != self.number);
            if of_run.is_empty() {
                watchers.by_run.remove(&self.run);
            }
        }
    }
}

fn read_cursor(cursor: &Cursor) -> Result<(u64, u64)> {
    cursor
        .0
        .split_once('.')
        .and_then(|(opening, place)| Some((u64::from_str_radix(opening, 16).ok()?, place.parse().ok()?)))
        .ok_or_else(|| StoreError::Conflict(format!("'{}' is not a cursor of the events", cursor.0)))
}

/// Counts commits and decisions, for metrics.
#[derive(Default)]
pub(super) struct Counters {
    commits: AtomicU64,
    decisions: AtomicU64,
}

impl Counters {
    /// One commit with this number of decisions.
    pub fn committed(&self, decisions: usize) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.decisions.fetch_add(decisions as u64, Ordering::Relaxed);
    }

    /// What was counted since the store was opened.
    pub fn sizes(&self) -> CommitSizes {
        CommitSizes { commits: self.commits.load(Ordering::Relaxed), decisions: self.decisions.load(Ordering::Relaxed) }
    }
}
