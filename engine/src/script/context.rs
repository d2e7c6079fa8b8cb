//! The context of running scripts.

use flowscript_lang::budget::{Allowance, Budget};
use flowscript_lang::host::Host;
use flowscript_lang::program::Settings;

/// The requirements of a run in addition to variables.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Time zone, culture, limits.
    pub settings: &'a Settings,
    /// Clock, randomness, log, cancellation.
    pub host: &'a dyn Host,
}

impl Context<'_> {
    /// Does work with the limits of a script, which ends when the run does. `what` names it in messages, as in `The body`.
    pub fn within<T>(&self, what: &'static str, work: impl FnOnce(&mut dyn Budget) -> T) -> T {
        let stop = || self.host.interrupt();
        work(&mut Allowance::new(what, self.settings.limits.clone(), &stop))
    }
}
