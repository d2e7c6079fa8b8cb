//! FlowScript that people try out: checked, run within narrow limits, and forgotten.

use super::Engine;
use crate::run::RunHost;
use crate::script::{Outcome, try_out};
use flowscript_lang::value::Record;
use std::sync::Arc;
use std::time::Duration;

/// How long it may take.
const TIME: Duration = Duration::from_secs(5);
/// How many lines it may log.
const LINES: u32 = 100;

impl Engine {
    /// Evaluates an expression or statements over these variables; nothing if the interpreter itself failed.
    pub async fn evaluate(&self, source: String, input: Record) -> Option<Outcome> {
        let (library, clock) = (self.shared.library.clone(), self.shared.clock.clone());
        let evaluated = self.shared.evaluation.run(move || {
            let host = RunHost::new(clock, TIME, LINES, Arc::default(), None);
            let mut outcome = try_out(&source, &input, &library, &host);
            outcome.log = host.take_log();
            outcome
        });
        evaluated.await.ok()
    }
}
