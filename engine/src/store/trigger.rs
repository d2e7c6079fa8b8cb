//! The triggers of runs: a row of one table for each kind, with the facts about all its runs.

use super::names::names;

/// The facts about all runs of a trigger. Nothing has a default: a new trigger states all of them.
#[expect(clippy::struct_excessive_bools, reason = "a row of plain facts, not a configuration")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TriggerFacts {
    /// A webhook makes the input of the run, and may order it by a key.
    pub has_request: bool,
    /// A caller may ask for the answer again, so it is kept even where diagnostics keep no output.
    pub keeps_answer: bool,
    /// A run that fails for good starts the workflow of `onFailure`.
    pub starts_failure_run: bool,
    /// Most runs have it: the indexes of the database are for all others, whose runs are few.
    pub is_usual: bool,
}

/// Declares [`Trigger`] by its rows: the variant, its name in answers, lists and the database, its facts.
macro_rules! triggers {
    ($($(#[$doc:meta])* $variant:ident = $name:literal $facts:tt)+) => {
        /// What started a run.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Trigger {
            $($(#[$doc])* $variant,)+
        }

        names! { Trigger, "trigger": $($variant = $name),+ }

        impl Trigger {
            /// The facts about all its runs.
            pub const fn facts(self) -> TriggerFacts {
                match self {
                    $(Self::$variant => TriggerFacts $facts,)+
                }
            }
        }
    };
}

triggers! {
    /// A request to the workflow's webhook, or to the token contract.
    Webhook = "webhook" { has_request: true, keeps_answer: true, starts_failure_run: true, is_usual: true }
    /// An occurrence of a schedule.
    Schedule = "schedule" { has_request: false, keeps_answer: false, starts_failure_run: true, is_usual: false }
    /// A person or a command.
    Manual = "manual" { has_request: false, keeps_answer: false, starts_failure_run: true, is_usual: false }
    /// Another run's failure (`onFailure`).
    Failure = "failure" { has_request: false, keeps_answer: false, starts_failure_run: false, is_usual: false }
}
