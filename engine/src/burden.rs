//! The total weight of the values of runs. A run that has begun always continues; but while the values of others take
//! much of the memory, a run that is about to take more waits until some of them have ended.
//!
//! Only runs with large values wait, and those of workflows whose last runs had some: a run is expected to take as much
//! as the last ones took. One run at a time has a pass and waits for nothing until it ends, so that runs that all wait
//! for each other's room cannot deadlock.

use crate::store::VersionHash;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Smaller values are not counted, in bytes.
pub const LEAST: usize = 16 << 10;
/// Above this total, in bytes, runs with large values wait.
const MOST: usize = 128 << 20;

/// The total weight of the values of all runs.
#[derive(Debug)]
pub struct Burden {
    most: usize,
    held: AtomicUsize,
    /// Notified when it has shrunk.
    eased: Notify,
    /// Runs wait for room one after the other, in the order in which they asked.
    turn: Semaphore,
    pass: Arc<Semaphore>,
    /// The weight of runs of versions with large values, and the number of these versions.
    heavy: RwLock<HashMap<VersionHash, usize>>,
    versions: AtomicUsize,
}

impl Default for Burden {
    fn default() -> Self {
        Self::new(MOST)
    }
}

impl Burden {
    /// Nothing yet.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            held: AtomicUsize::new(0),
            eased: Notify::new(),
            turn: Semaphore::new(1),
            pass: Arc::new(Semaphore::new(1)),
            heavy: RwLock::default(),
            versions: AtomicUsize::new(0),
        }
    }

    /// The expected weight of a run of this version.
    fn expected(&self, version: VersionHash) -> usize {
        if self.versions.load(Ordering::Relaxed) == 0 {
            return 0;
        }
        self.heavy.read().unwrap_or_else(PoisonError::into_inner).get(&version).copied().unwrap_or_default()
    }

    /// A run of this version takes this much, or took this much until its end.
    fn learn(&self, version: VersionHash, weight: usize, is_over: bool) {
        let known = self.expected(version);
        let weight = if is_over && weight < known { (known * 3 + weight) / 4 } else { weight.max(known) };
        if weight == known {
            return;
        }
        let mut heavy = self.heavy.write().unwrap_or_else(PoisonError::into_inner);
        if weight < LEAST {
            heavy.remove(&version);
        } else {
            heavy.insert(version, weight);
        }
        self.versions.store(heavy.len(), Ordering::Relaxed);
    }

    fn give(&self, bytes: usize) {
        if bytes > 0 {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
            self.eased.notify_one();
        }
    }
}

/// The weight of the values of one run. It is given back on drop.
#[derive(Debug)]
pub struct Load {
    burden: Arc<Burden>,
    version: VersionHash,
    state: Mutex<State>,
    /// Notified when the run has got the pass.
    passed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// What the run is expected to take until it ends.
    expected: usize,
    /// The weight of its variables.
    values: usize,
    /// The weight of results on their way to them.
    beside: usize,
    /// The part of all this that is counted.
    counted: usize,
    /// The most that its values took.
    most: usize,
    pass: Option<OwnedSemaphorePermit>,
}

impl Load {
    /// The load of a run of this version that has not begun.
    pub fn new(burden: &Arc<Burden>, version: VersionHash) -> Arc<Self> {
        Arc::new(Self { burden: burden.clone(), version, state: Mutex::default(), passed: Notify::new() })
    }

    /// May the run take more now? If so, its expected weight is counted.
    pub fn may_grow(&self) -> bool {
        let burden = &self.burden;
        let held = burden.held.load(Ordering::Relaxed);
        if held <= burden.most && burden.versions.load(Ordering::Relaxed) == 0 {
            return true;
        }
        let expected = burden.expected(self.version);
        let mut state = self.lock();
        let more = expected.saturating_sub(state.counted);
        if state.pass.is_some() || (state.counted == 0 && more == 0) {
            return true;
        }
        // Two that ask at once may both be refused where one would fit; both ask again while they wait.
        let before = burden.held.fetch_add(more, Ordering::Relaxed);
        let is_alone = before <= state.counted;
        if is_alone || before.saturating_add(more) <= burden.most {
            state.expected = state.expected.max(expected);
            state.counted += more;
            return true;
        }
        burden.give(more);
        false
    }

    /// Ready when the run may take more, in the order in which runs have asked.
    pub async fn room(&self) {
        let passed = self.passed.notified();
        tokio::pin!(passed);
        passed.as_mut().enable();
        if self.may_grow() {
            return;
        }
        tokio::select! {
            () = self.wait() => {}
            // Another step of the same run has got the pass.
            () = passed => {}
        }
    }

    async fn wait(&self) {
        let burden = &self.burden;
        let _turn = burden.turn.acquire().await;
        loop {
            let eased = burden.eased.notified();
            tokio::pin!(eased);
            eased.as_mut().enable();
            if self.may_grow() {
                return;
            }
            tokio::select! {
                pass = burden.pass.clone().acquire_owned() => {
                    self.lock().pass = pass.ok();
                    self.passed.notify_waiters();
                    return;
                }
                () = eased => {}
            }
        }
    }

    /// The variables of the run weigh this much now.
    pub fn set(&self, weight: usize) {
        if weight < LEAST && self.burden.held.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut state = self.lock();
        state.values = if weight < LEAST { 0 } else { weight };
        self.count(&mut state);
    }

    /// The run has ended, and its remains weigh this much: no more is expected.
    pub fn end(&self, weight: usize) {
        if weight < LEAST && self.burden.held.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut state = self.lock();
        state.expected = 0;
        state.values = if weight < LEAST { 0 } else { weight };
        self.count(&mut state);
    }

    /// This much is on its way to the variables of the run.
    pub fn beside(self: &Arc<Self>, bytes: usize) -> Beside {
        let mut beside = Beside { load: self.clone(), bytes: 0 };
        beside.set(bytes);
        beside
    }

    fn count(&self, state: &mut State) {
        let weight = state.values + state.beside;
        if weight > state.most {
            state.most = weight;
            // Runs that wait for a thread after this one know it now.
            self.burden.learn(self.version, weight, false);
        }
        let counted = weight.max(state.expected);
        if counted > state.counted {
            self.burden.held.fetch_add(counted - state.counted, Ordering::Relaxed);
        } else {
            self.burden.give(state.counted - counted);
        }
        state.counted = counted;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.burden.give(state.counted);
        self.burden.learn(self.version, state.most, true);
    }
}

/// A result on its way to the variables of a run: an answer that is fetched or read. It is dropped on arrival, or when
/// it is discarded.
#[derive(Debug)]
pub struct Beside {
    load: Arc<Load>,
    bytes: usize,
}

impl Beside {
    /// It is this much now.
    pub fn set(&mut self, bytes: usize) {
        let bytes = if bytes < LEAST { 0 } else { bytes };
        if bytes == self.bytes {
            return;
        }
        let mut state = self.load.lock();
        state.beside = state.beside - self.bytes + bytes;
        self.load.count(&mut state);
        self.bytes = bytes;
    }

    /// It is going to weigh this much: waits until the run may take it.
    pub async fn grow(&mut self, bytes: usize) {
        self.load.room().await;
        self.set(bytes);
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const MB: usize = 1 << 20;

    fn burden() -> Arc<Burden> {
        Arc::new(Burden::new(100 * MB))
    }

    fn version(text: &str) -> VersionHash {
        VersionHash([text.bytes().next().unwrap_or_default(); 32])
    }

    async fn waits(load: &Load) -> bool {
        tokio::time::timeout(Duration::from_millis(20), load.room()).await.is_err()
    }

    #[test]
    fn what_is_taken_is_given_back() {
        let burden = burden();
        let load = Load::new(&burden, version("a"));
        load.set(LEAST - 1);
        assert_eq!(burden.held.load(Ordering::Relaxed), 0);
        load.set(10 * MB);
        let mut beside = load.beside(5 * MB);
        assert_eq!(burden.held.load(Ordering::Relaxed), 15 * MB);
        beside.set(1);
        assert_eq!(burden.held.load(Ordering::Relaxed), 10 * MB);
        drop((beside, load));
        assert_eq!(burden.held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn light_runs_never_wait_and_heavy_ones_are_known_by_the_last() {
        let burden = burden();
        let heavy = Load::new(&burden, version("heavy"));
        assert!(heavy.may_grow());
        heavy.set(90 * MB);
        let next = Load::new(&burden, version("heavy"));
        assert!(!next.may_grow(), "90 MB more are expected");
        assert!(Load::new(&burden, version("light")).may_grow());
        heavy.end(5 * MB);
        assert!(next.may_grow());
        assert_eq!(burden.held.load(Ordering::Relaxed), 95 * MB);
        assert!(Load::new(&burden, version("light")).may_grow());
        drop((heavy, next));
        // Each light run makes it less likely that the next is heavy.
        for _ in 0..40 {
            assert!(Load::new(&burden, version("heavy")).may_grow());
        }
        assert_eq!((burden.expected(version("heavy")), burden.held.load(Ordering::Relaxed)), (0, 0));
    }

    #[test]
    fn one_that_is_alone_takes_what_it_wants() {
        let burden = burden();
        let load = Load::new(&burden, version("a"));
        load.set(500 * MB);
        assert!(load.may_grow());
        drop(load);
        assert!(Load::new(&burden, version("a")).may_grow());
    }

    #[tokio::test]
    async fn all_that_wait_come_to_their_turn() {
        let burden = burden();
        let loads: Vec<_> = (0..4).map(|_| Load::new(&burden, version("a"))).collect();
        // All have begun before their weight was known, and none can end without more.
        loads.iter().for_each(|load| load.set(50 * MB));
        assert!(!waits(&loads[0]).await, "it has the pass");
        assert!(waits(&loads[1]).await);
        let next = loads[2].clone();
        let waiting = tokio::spawn(async move { next.room().await });
        tokio::task::yield_now().await;
        loads[0].set(300 * MB);
        assert!(!waits(&loads[0]).await, "it keeps the pass");
        let mut loads = loads;
        drop(loads.remove(0));
        assert!(tokio::time::timeout(Duration::from_secs(10), waiting).await.is_ok());
    }

    #[tokio::test]
    async fn a_pass_is_for_all_steps_of_a_run() {
        let burden = burden();
        let (first, second) = (Load::new(&burden, version("a")), Load::new(&burden, version("b")));
        first.set(80 * MB);
        second.set(80 * MB);
        assert!(!waits(&first).await, "it has the pass");
        let (held, other) = (second.clone(), second.clone());
        let waiting = tokio::spawn(async move { tokio::join!(held.room(), other.room()) });
        tokio::time::sleep(Duration::from_millis(20)).await;
        // It continues although another one heads the queue.
        let mut beside = first.beside(MB);
        assert!(tokio::time::timeout(Duration::from_secs(10), beside.grow(90 * MB)).await.is_ok());
        drop((beside, first));
        assert!(tokio::time::timeout(Duration::from_secs(10), waiting).await.is_ok());
    }
}
