//! The thread of outgoing requests. A peer decides how much its connection has to read and in how many pieces: hints or
//! chunks without an end keep the reading thread busy. So it is not one of the threads that serve callers.

use std::future::Future;
use std::sync::OnceLock;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// A thread of its own for requests and their connections. It begins with the first of them.
#[derive(Default)]
pub(super) struct Lane(OnceLock<Runtime>);

impl Lane {
    /// Does this on the thread of requests; it ends when its caller is gone. The error says why it was not done.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, String> {
        let mut task = Task(self.runtime()?.spawn(work));
        (&mut task.0).await.map_err(|_| "the engine failed; its log says more".to_owned())
    }

    fn runtime(&self) -> Result<&Runtime, String> {
        if let Some(runtime) = self.0.get() {
            return Ok(runtime);
        }
        let builder = Builder::new_multi_thread().worker_threads(1).thread_name("outgoing").enable_all().build();
        let runtime = builder.map_err(|error| format!("a thread for requests cannot be started: {error}"))?;
        // If another was first, this one ends, but not by being dropped: tasks must not drop a runtime.
        if let Err(second) = self.0.set(runtime) {
            second.shutdown_background();
        }
        self.0.get().ok_or_else(|| "it is gone".to_owned())
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A task that ends when its caller does.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn it_is_a_thread_of_its_own_that_begins_once() {
        let lane = Lane::default();
        let name = || async { std::thread::current().name().unwrap_or_default().to_owned() };
        let (first, second) = tokio::join!(lane.run(name()), lane.run(name()));
        assert_eq!((first.as_deref(), second.as_deref()), (Ok("outgoing"), Ok("outgoing")));
        assert!(lane.run(async { panic!("on purpose") }).await.is_err_and(|reason: String| reason.contains("failed")));
        assert_eq!(lane.run(async { 1 }).await, Ok(1));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_ends() {
        let lane = Lane::default();
        let (held, dropped) = oneshot::channel::<()>();
        let waits = lane.run(async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        assert!(tokio::time::timeout(Duration::from_millis(20), waits).await.is_err());
        assert!(tokio::time::timeout(Duration::from_secs(10), dropped).await.is_ok_and(|held| held.is_err()));
    }
}
