//! The moments at which a deed may hit an engine: its commits and its requests. At each planned one the driver of the
//! history is notified, and the engine is held until it answers.

use super::generate::Deed;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::{mpsc, oneshot};

/// How the engine continues after it was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Go,
    /// The engine dies here.
    Die,
}

/// The notices to the driver.
pub(super) enum Told {
    /// The engine is held, and this is to happen.
    Held(Deed, oneshot::Sender<Verdict>),
    /// A run has ended, or sleeps.
    Rests,
    /// Something was committed.
    Moved,
}

/// Counts the moments of a history and holds the engine at some of them.
pub(super) struct Points {
    plan: Mutex<Plan>,
    told: mpsc::UnboundedSender<Told>,
    moments: AtomicU64,
    calm: AtomicBool,
}

struct Plan {
    deeds: BTreeMap<u32, Deed>,
    reached: u32,
    trace: Vec<String>,
}

/// The most lines of the trace.
const MOST_LINES: usize = 2_000;

impl Points {
    pub(super) fn new(deeds: BTreeMap<u32, Deed>) -> (Self, mpsc::UnboundedReceiver<Told>) {
        let (told, heard) = mpsc::unbounded_channel();
        let plan = Mutex::new(Plan { deeds, reached: 0, trace: Vec::new() });
        (Self { plan, told, moments: AtomicU64::new(0), calm: AtomicBool::new(false) }, heard)
    }

    /// The next number of a common count: a lower number means earlier.
    pub(super) fn moment(&self) -> u64 {
        self.moments.fetch_add(1, Ordering::SeqCst)
    }

    /// From now on no deed happens, and all peers are healthy.
    pub(super) fn calm(&self) {
        self.calm.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::SeqCst)
    }

    /// A line of what happened.
    pub(super) fn note(&self, line: String) {
        let mut plan = self.plan.lock().unwrap();
        if plan.trace.len() < MOST_LINES {
            plan.trace.push(line);
        }
    }

    pub(super) fn trace(&self) -> Vec<String> {
        self.plan.lock().unwrap().trace.clone()
    }

    pub(super) fn reached(&self) -> u32 {
        self.plan.lock().unwrap().reached
    }

    /// The engine is about to commit. Does not return if it dies before.
    pub(super) async fn before(&self) -> Option<Deed> {
        let deed = self.reach();
        if deed == Some(Deed::KillBefore) {
            self.hold(Deed::KillBefore).await;
            std::future::pending::<()>().await;
        }
        deed
    }

    /// The engine has committed.
    pub(super) async fn after(&self, deed: Option<Deed>, rests: bool) {
        if let Some(deed) = deed
            && self.hold(deed).await == Verdict::Die
        {
            std::future::pending::<()>().await;
        }
        // A driver that has stopped listening has ended the history.
        let _ = self.told.send(if rests { Told::Rests } else { Told::Moved });
    }

    /// A request has come.
    pub(super) async fn request(&self, step: &str, run: &str) -> Verdict {
        let deed = self.reach();
        self.note(format!("   {}: request of {step} by {}", self.reached(), &run[run.len().saturating_sub(4)..]));
        match deed {
            None => Verdict::Go,
            Some(Deed::KillBefore) => self.hold(Deed::Kill).await,
            Some(deed) => self.hold(deed).await,
        }
    }

    fn reach(&self) -> Option<Deed> {
        let mut plan = self.plan.lock().unwrap();
        plan.reached += 1;
        let reached = plan.reached;
        plan.deeds.remove(&reached).filter(|_| !self.is_calm())
    }

    async fn hold(&self, deed: Deed) -> Verdict {
        let (release, released) = oneshot::channel();
        let _ = self.told.send(Told::Held(deed, release));
        released.await.unwrap_or(Verdict::Die)
    }
}
