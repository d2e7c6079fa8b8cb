//! Signals to the engine: the first one stops it in order, a second one at once.
//!
//! They are handled by a thread of their own, so that they count even when the engine's threads are busy.

use std::sync::mpsc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// The longest time of a whole stop: the grace of running work, and the time of the store after it.
const LONGEST_STOP: Duration = Duration::from_secs(30);

/// The received signals.
pub struct Signals(watch::Receiver<bool>);

impl Signals {
    /// Handles signals from now on: one that arrives while the engine starts is not lost. The error is a message.
    pub fn listen() -> Result<Self, String> {
        let (heard, told) = watch::channel(false);
        let (listening, ready) = mpsc::channel();
        let thread = std::thread::Builder::new().name("signals".into()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            match runtime {
                Ok(runtime) => runtime.block_on(hear(&listening, &heard)),
                Err(error) => drop(listening.send(Err(error))),
            }
        });
        thread.map_err(|error| error.to_string())?;
        let listens = ready.recv().map_err(|error| error.to_string())?;
        listens.map_err(|error| format!("signals cannot be received: {error}"))?;
        Ok(Self(told))
    }

    /// Ready once the engine must stop.
    pub async fn stop(&mut self) {
        // The sending thread lives as long as the process.
        let _ = self.0.wait_for(|stops| *stops).await;
    }
}

async fn hear(listening: &mpsc::Sender<std::io::Result<()>>, heard: &watch::Sender<bool>) {
    let both = signal(SignalKind::terminate()).and_then(|term| Ok((term, signal(SignalKind::interrupt())?)));
    let (mut terminate, mut interrupt) = match both {
        Ok(both) => both,
        Err(error) => return drop(listening.send(Err(error))),
    };
    let _ = listening.send(Ok(()));
    next(&mut terminate, &mut interrupt).await;
    tracing::info!("stopping; a second signal stops at once");
    heard.send_replace(true);
    if tokio::time::timeout(LONGEST_STOP, next(&mut terminate, &mut interrupt)).await.is_err() {
        tracing::error!("the stop has taken longer than {} seconds: it ends here", LONGEST_STOP.as_secs());
    }
    std::process::exit(1)
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
}
