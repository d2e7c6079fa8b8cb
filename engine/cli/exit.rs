//! The exit codes shared by all commands.

use std::process::ExitCode;

/// The result of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: it succeeded.
    Done,
    /// 1: it ran and failed (runtime error, failed test, failed run).
    Failed,
    /// 2: it could not start (syntax or check errors, bad usage, unreadable file).
    NotStarted,
}

impl Exit {
    /// The result of a command that uses an engine; the reason of a failure goes to standard error.
    pub fn of(command: &str, done: Result<(), String>) -> Self {
        match done {
            Ok(()) => Self::Done,
            Err(reason) => {
                crate::output::say(&format!("flowscript {command}: {reason}"));
                Self::NotStarted
            }
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::NotStarted => 2,
        })
    }
}
