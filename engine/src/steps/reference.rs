//! The kinds of steps in the reference.

use super::KINDS;
use super::kind::{May, Retries, Timeout};
use super::walk::Row;
use std::fmt::Write;

/// The table of docs/workflows.md.
pub fn markdown() -> String {
    let mut text =
        "| step | what it does | `timeout` | `retry` | `once` | `continueOnFail` |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for row in KINDS {
        let Row { key, summary, timeout, retry, once, continue_on_fail, .. } = row;
        let (timeout, retry) = (timeout_of(timeout), retry_of(retry));
        let (once, fails) = (mark(once), mark(continue_on_fail));
        let _ = writeln!(text, "| `{key}` | {summary} | {timeout} | {retry} | {once} | {fails} |");
    }
    text
}

fn timeout_of(timeout: &Timeout) -> String {
    match timeout {
        Timeout::Within { default, longest } => {
            let span = crate::config::duration::format;
            format!("{}, up to {}", span(*default), span(*longest))
        }
        Timeout::No(_) => "–".to_owned(),
    }
}

fn retry_of(retry: &Retries) -> &'static str {
    match retry {
        Retries::All => "yes",
        Retries::Passing => "temporary failures",
        Retries::No(_) => "–",
    }
}

fn mark(may: &May) -> &'static str {
    match may {
        May::Yes => "yes",
        May::No(_) => "–",
    }
}
