//! The limit on connections, and which one ends when a new one needs its place: the one that has waited longest for a
//! request.

use super::callers::Caller;
use crate::room::Share;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// One connection of this number is reserved for the admin API.
const ADMIN_PART: usize = 8;
/// The number of idle connections ended at once: looking for them takes time.
const AT_ONCE: usize = 16;
/// How often the log says that connections are refused.
const TOLD: Duration = Duration::from_secs(60);

/// The connections.
#[derive(Debug)]
pub struct Gate {
    /// The most connections.
    most: usize,
    begun: Instant,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    last: u64,
    connections: HashMap<u64, Known>,
    told: Option<Instant>,
}

/// A connection, as the gate sees it.
#[derive(Debug)]
struct Known {
    pulse: Arc<Pulse>,
    address: IpAddr,
    /// Ends the connection.
    end: oneshot::Sender<()>,
}

/// Is a connection busy, and if not, since when?
#[derive(Debug)]
pub struct Pulse {
    /// [`BUSY`], [`ANSWERED`], or since when it waits for a request, in milliseconds since the start of the engine.
    since: AtomicU64,
    begun: Instant,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { since: AtomicU64::new(0), begun: Instant::now() }
    }
}

const BUSY: u64 = u64::MAX;
const ANSWERED: u64 = u64::MAX - 1;

impl Pulse {
    /// A request has arrived.
    pub fn busy(&self) {
        self.since.store(BUSY, Ordering::Relaxed);
    }

    /// The request is answered; the answer is still to be sent.
    pub fn answered(&self) {
        self.since.store(ANSWERED, Ordering::Relaxed);
    }

    /// Everything is sent.
    #[inline]
    pub fn sent(&self) {
        if self.since.load(Ordering::Relaxed) == ANSWERED {
            self.since.store(self.begun.elapsed().as_millis() as u64, Ordering::Relaxed);
        }
    }

    /// Since when it waits for a request; `None` while it is busy.
    fn idle(&self) -> Option<u64> {
        Some(self.since.load(Ordering::Relaxed)).filter(|since| *since < ANSWERED)
    }
}

/// An admitted connection. It leaves on drop.
#[derive(Debug)]
pub struct Pass {
    gate: Arc<Gate>,
    id: u64,
    connections: Option<Arc<Share>>,
    /// Its state for the gate.
    pub pulse: Arc<Pulse>,
    /// Ready when another one needs its place.
    pub end: oneshot::Receiver<()>,
    /// It has one of the last places: only the admin API is served there.
    pub is_reserved: bool,
}

impl Gate {
    /// A gate for at most this many connections.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most: most.max(2), begun: Instant::now(), inside: Mutex::default() })
    }

    /// Admits a connection; `None` if there is no place for it. Connections of trusted proxies do not count towards a
    /// share per address.
    pub fn enter(self: &Arc<Self>, address: IpAddr, caller: &Caller, is_proxy: bool) -> Option<Pass> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = (!is_proxy).then(|| caller.connections.clone());
        if connections.as_ref().is_some_and(|share| !share.take(1)) {
            // Only its own idle connections end; an ended connection gives its place back a moment later.
            inside.end_idle(|known| known.address == address);
            return self.refuse(&mut inside, "an address has too many connections");
        }
        let open = inside.connections.len();
        let mut is_reserved = false;
        if open >= self.most - self.most / ADMIN_PART {
            inside.end_idle(|_| true);
            is_reserved = true;
        }
        if inside.connections.len() >= self.most {
            if let Some(share) = connections {
                share.give(1);
            }
            return self.refuse(&mut inside, "there are too many connections");
        }
        inside.last += 1;
        let (id, (sender, end)) = (inside.last, oneshot::channel());
        let pulse =
            Arc::new(Pulse { since: AtomicU64::new(self.begun.elapsed().as_millis() as u64), begun: self.begun });
        inside.connections.insert(id, Known { pulse: pulse.clone(), address, end: sender });
        Some(Pass { gate: self.clone(), id, connections, pulse, end, is_reserved })
    }

    /// The limit on open files is reached: idle connections end.
    pub fn make_place(&self) {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).end_idle(|_| true);
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).connections.len()
    }

    /// Is it time to log again that connections are refused?
    pub fn may_tell(&self) -> bool {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).may_tell()
    }

    fn refuse(&self, inside: &mut Inside, why: &str) -> Option<Pass> {
        if inside.may_tell() {
            tracing::warn!("connections are refused: {why}; {} of {} are open", inside.connections.len(), self.most);
        }
        None
    }
}

impl Inside {
    /// Ends the connections that have waited longest for a request.
    fn end_idle(&mut self, among: impl Fn(&Known) -> bool) {
        let idle = self.connections.iter().filter(|(_, known)| among(known));
        let mut idle: Vec<(u64, u64)> = idle.filter_map(|(id, known)| Some((known.pulse.idle()?, *id))).collect();
        if idle.len() > AT_ONCE {
            idle.select_nth_unstable(AT_ONCE);
            idle.truncate(AT_ONCE);
        }
        for (_, id) in idle {
            if let Some(known) = self.connections.remove(&id) {
                // A connection that has ended by itself no longer listens.
                let _ = known.end.send(());
            }
        }
    }

    fn may_tell(&mut self) -> bool {
        let may = self.told.is_none_or(|told| told.elapsed() >= TOLD);
        if may {
            self.told = Some(Instant::now());
        }
        may
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(share) = &self.connections {
            share.give(1);
        }
        self.gate.inside.lock().unwrap_or_else(PoisonError::into_inner).connections.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::super::callers::Allowance;
    use super::*;

    fn caller(connections: usize) -> Caller {
        Caller::new(Allowance { bodies: 1, answers: 1, connections })
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn idle_connections_make_place_and_the_last_places_are_reserved() {
        let (gate, caller) = (Gate::new(16), caller(100));
        let enter = || gate.enter(address(1), &caller, false);
        let mut busy: Vec<Pass> = (0..14).map(|_| enter().unwrap()).collect();
        assert!(busy.iter().all(|pass| !pass.is_reserved));
        busy.iter().for_each(|pass| pass.pulse.busy());
        let last = [(); 2].map(|()| {
            let pass = enter().unwrap();
            pass.pulse.busy();
            pass
        });
        assert!(last.iter().all(|pass| pass.is_reserved));
        assert!(enter().is_none());
        assert_eq!((gate.open(), caller.connections.used()), (16, 16));
        // An answered connection whose answer was read waits for a request.
        busy[3].pulse.answered();
        assert!(enter().is_none());
        busy[3].pulse.sent();
        assert!(busy[3].end.try_recv().is_err());
        assert!(enter().is_some_and(|pass| pass.is_reserved));
        assert!(busy[3].end.try_recv().is_ok());
        drop((busy, last));
        assert_eq!((gate.open(), caller.connections.used()), (0, 0));
    }

    #[test]
    fn idle_connections_end_where_no_more_files_can_be_opened() {
        let (gate, caller) = (Gate::new(100), caller(100));
        let mut passes = [(); AT_ONCE + 2].map(|()| gate.enter(address(1), &caller, false).unwrap());
        passes[0].pulse.busy();
        gate.make_place();
        assert!(passes[0].end.try_recv().is_err(), "it is answered");
        let ended = passes.iter_mut().filter_map(|pass| pass.end.try_recv().ok()).count();
        assert_eq!((ended, gate.open()), (AT_ONCE, 2));
        gate.make_place();
        let ended = passes.iter_mut().filter_map(|pass| pass.end.try_recv().ok()).count();
        assert_eq!((ended, gate.open()), (1, 1));
        gate.make_place();
        assert_eq!(gate.open(), 1);
    }

    #[test]
    fn an_address_has_its_share() {
        let (gate, greedy, other) = (Gate::new(100), caller(2), caller(2));
        let mut held = [1, 2].map(|_| gate.enter(address(1), &greedy, false).unwrap());
        let mut theirs = gate.enter(address(2), &other, false).unwrap();
        held[0].pulse.busy();
        assert!(gate.enter(address(1), &greedy, false).is_none());
        assert!(held[1].end.try_recv().is_ok(), "its idle one ends");
        assert!(theirs.end.try_recv().is_err(), "nobody else's");
        assert!(gate.enter(address(1), &greedy, true).is_some(), "a proxy brings many");
        drop(held);
        assert!(gate.enter(address(1), &greedy, false).is_some());
    }
}
