//! The threads that read. Each has a connection of its own and sees the last committed state.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, InterruptHandle};
use tokio::sync::oneshot;

use super::locked::locked;
use crate::store::{Answer, Result, StoreError};

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The handle of the reading threads; dropping it interrupts their reads and waits for their end.
pub(super) struct Readers {
    jobs: Option<Sender<Job>>,
    threads: Vec<(InterruptHandle, JoinHandle<()>)>,
}

impl Readers {
    /// Starts one thread for each connection.
    pub fn start(connections: Vec<Connection>) -> Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        let mut readers = Self { jobs: Some(jobs), threads: Vec::new() };
        for conn in connections {
            let queue = Arc::clone(&queue);
            let interrupt = conn.get_interrupt_handle();
            let thread = thread::Builder::new()
                .name("store-reader".to_owned())
                .spawn(move || serve(&conn, &queue))
                .map_err(|error| StoreError::Other(format!("a thread of the store could not start: {error}")))?;
            readers.threads.push((interrupt, thread));
        }
        Ok(readers)
    }

    /// Reads on one of the threads.
    pub fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Answer<'static, T> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |conn| {
            // A caller that is gone needs neither the reading nor the answer.
            if !sender.is_closed() {
                let _ = sender.send(read(conn));
            }
        });
        if let Some(jobs) = &self.jobs {
            // If the threads are gone, the sender inside the job is dropped, and the receiver reports it.
            let _ = jobs.send(job);
        }
        Box::pin(async move {
            let gone = || StoreError::Busy("the store is shutting down: ask again when it runs".to_owned());
            receiver.await.unwrap_or_else(|_| Err(gone()))
        })
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.jobs = None;
        for (interrupt, thread) in self.threads.drain(..) {
            interrupt.interrupt();
            // A thread that has panicked has reported it.
            let _ = thread.join();
        }
    }
}

fn serve(conn: &Connection, queue: &Mutex<Receiver<Job>>) {
    loop {
        // The lock is held while waiting: the thread that holds it takes the next job.
        let job = locked(queue).recv();
        match job {
            Ok(job) => job(conn),
            Err(_) => return,
        }
    }
}
