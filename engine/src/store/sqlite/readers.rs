//! The threads that read. Each has a connection of its own and sees the last committed state.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::shared::locked;
use crate::store::{Answer, Result, StoreError};

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The handle of the reading threads; they end when it is dropped.
pub(super) struct Readers {
    jobs: Sender<Job>,
}

impl Readers {
    /// Starts one thread for each connection.
    pub fn start(connections: Vec<Connection>) -> Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        for conn in connections {
            let queue = Arc::clone(&queue);
            thread::Builder::new()
                .name("store-reader".to_owned())
                .spawn(move || serve(&conn, &queue))
                .map_err(|error| StoreError::Other(format!("a thread of the store could not start: {error}")))?;
        }
        Ok(Self { jobs })
    }

    /// Reads something.
    pub fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Answer<'static, T> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |conn| {
            // A caller that has gone away needs neither the reading nor the answer.
            if !sender.is_closed() {
                let _ = sender.send(read(conn));
            }
        });
        // If the threads are gone, the sender inside the job goes with it, and the receiver says so.
        let _ = self.jobs.send(job);
        Box::pin(async move {
            let gone = || StoreError::Busy("the store is shutting down: ask again when it runs".to_owned());
            receiver.await.unwrap_or_else(|_| Err(gone()))
        })
    }
}

fn serve(conn: &Connection, queue: &Mutex<Receiver<Job>>) {
    loop {
        // The lock is held while waiting: whoever has it takes the next job.
        let job = locked(queue).recv();
        match job {
            Ok(job) => job(conn),
            Err(_) => return,
        }
    }
}
