//! Signals that stop the engine, heard on a thread of their own: whatever its other threads are busy with, a second signal
//! ends it at once.

use std::sync::mpsc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// How long a stop may take in all. Runs get 10 seconds, then what they have done is written down.
const MOST: Duration = Duration::from_secs(30);

/// Listens from now on. What is given is ready when the first signal comes. The error says why nobody can listen.
pub fn listen() -> Result<oneshot::Receiver<()>, String> {
    let (told, stop) = oneshot::channel();
    let (ready, listening) = mpsc::channel();
    let spawned = std::thread::Builder::new().name("signals".into()).spawn(move || hear(&ready, told));
    spawned.map_err(|error| format!("a thread for signals cannot be started: {error}"))?;
    match listening.recv() {
        Ok(Ok(())) => Ok(stop),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the thread for signals has ended".into()),
    }
}

fn hear(ready: &mpsc::Sender<std::io::Result<()>>, told: oneshot::Sender<()>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(ready.send(Err(error))),
    };
    runtime.block_on(async {
        let mut both = match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
            (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
            (Err(error), _) | (_, Err(error)) => return drop(ready.send(Err(error))),
        };
        let _ = ready.send(Ok(()));
        next(&mut both).await;
        tracing::info!("stopping; a second signal stops at once");
        let _ = told.send(());
        if tokio::time::timeout(MOST, next(&mut both)).await.is_err() {
            tracing::error!("the engine has not stopped within {} seconds and is ended", MOST.as_secs());
        }
        std::process::exit(1);
    });
}

async fn next((terminate, interrupt): &mut (Signal, Signal)) {
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
}
