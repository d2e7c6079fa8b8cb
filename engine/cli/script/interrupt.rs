//! Ctrl-C: ends the current evaluation, or without one the command.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

/// The exit code of a command that Ctrl-C ended, as in shells.
const INTERRUPTED: i32 = 130;

/// The state of Ctrl-C, shared with the thread that handles it.
#[derive(Debug, Default)]
pub struct Interrupts {
    running: AtomicBool,
    asked: AtomicBool,
}

impl Interrupts {
    /// Handles Ctrl-C from now on. The first one asks an evaluation to stop, a second one ends the command.
    pub fn listen() -> Arc<Self> {
        let interrupts = Arc::new(Self::default());
        let heard = interrupts.clone();
        let (listening, ready) = mpsc::channel();
        // If the thread or the handler cannot be installed, Ctrl-C ends the command as usual.
        let thread = std::thread::Builder::new().name("ctrl-c".into()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(async {
                    let Ok(mut presses) = presses() else { return };
                    // If the command has ended, the receiver is gone.
                    let _ = listening.send(());
                    while presses.recv().await.is_some() {
                        heard.press();
                    }
                });
            }
        });
        if thread.is_ok() {
            // A script must not start before it can be stopped; the channel closes if it never can.
            let _ = ready.recv();
        }
        interrupts
    }

    /// Runs `evaluate`, which Ctrl-C can end.
    pub fn during<T>(&self, evaluate: impl FnOnce() -> T) -> T {
        self.asked.store(false, Ordering::Relaxed);
        self.running.store(true, Ordering::Relaxed);
        let result = evaluate();
        self.running.store(false, Ordering::Relaxed);
        result
    }

    /// Must the current evaluation stop?
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    fn press(&self) {
        let again = self.asked.swap(true, Ordering::Relaxed);
        if again || !self.running.load(Ordering::Relaxed) {
            std::process::exit(INTERRUPTED);
        }
    }
}

#[cfg(unix)]
fn presses() -> std::io::Result<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())
}

#[cfg(windows)]
fn presses() -> std::io::Result<tokio::signal::windows::CtrlC> {
    tokio::signal::windows::ctrl_c()
}
