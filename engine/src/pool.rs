//! The threads that scripts run on: bounded in number, with stacks for deep recursion.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use tokio::sync::oneshot;

/// The stack of one script thread. It is virtual memory; pages count when a script recurses that deep.
pub const STACK_BYTES: usize = 64 << 20;

type Job = Box<dyn FnOnce() + Send>;

/// A fixed number of script threads. They end when the pool is dropped and the jobs are done.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    ready: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// The job panicked; the message is in the log.
#[derive(Debug)]
pub struct Panicked;

impl Pool {
    /// A pool of `threads` threads. The error says why a thread cannot be started.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        for number in 0..threads.max(1) {
            let shared = shared.clone();
            std::thread::Builder::new()
                .name(format!("script-{number}"))
                .stack_size(STACK_BYTES)
                .spawn(move || shared.work())?;
        }
        Ok(Self { shared })
    }

    /// Runs `job` on one of the threads. If this is dropped before the job has begun, it is not run.
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Panicked> {
        let (sender, receiver) = oneshot::channel();
        self.shared.lock().jobs.push_back(Box::new(move || {
            if !sender.is_closed() {
                // A caller that is gone does not need the result.
                let _ = sender.send(job());
            }
        }));
        self.shared.ready.notify_one();
        receiver.await.map_err(|_| Panicked)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.ready.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            // The panic hook has reported it; the sender of the result is dropped, which informs the caller.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
        }
    }

    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            if queue.closed {
                return None;
            }
            queue = self.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jobs_run_and_a_panic_takes_nothing_down() {
        let pool = Pool::new(1).unwrap();
        assert!(matches!(pool.run(|| panic!("on purpose")).await, Err(Panicked)));
        assert_eq!(pool.run(|| 1 + 1).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_job_that_nobody_waits_for_does_not_begin() {
        let pool = Pool::new(1).unwrap();
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let first = pool.run(move || gate.recv());
        let ran = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = ran.clone();
        let second = pool.run(move || seen.store(true, std::sync::atomic::Ordering::SeqCst));
        let late = tokio::time::timeout(std::time::Duration::from_millis(20), async { tokio::join!(first, second) });
        assert!(late.await.is_err());
        drop(open);
        pool.run(|| ()).await.unwrap();
        assert!(!ran.load(std::sync::atomic::Ordering::SeqCst));
    }

    #[tokio::test]
    async fn stacks_are_large() {
        fn deep(left: usize) -> usize {
            let page = std::hint::black_box([left; 1024]);
            if left == 0 { 0 } else { deep(left - 1) + usize::from(page[0] == left) }
        }
        // 4,000 frames of 8 KiB are more than the default stack of a thread.
        assert_eq!(Pool::new(1).unwrap().run(|| deep(4_000)).await.unwrap(), 4_000);
    }
}
