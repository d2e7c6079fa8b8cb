//! The kinds of steps in the reference.

use super::KINDS;
use super::kind::{May, Retries};
use super::walk::{Read, Row};
use std::fmt::Write;

/// The table of docs/workflows.md.
pub fn markdown() -> String {
    let mut text =
        "| step | what it does | `timeout` | `retry` | `once` | `continueOnFail` |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for row in KINDS {
        let Row { key, summary, read, retry, once, continue_on_fail, .. } = row;
        let (timeout, retry) = (timeout_of(read), retry_of(retry));
        let (once, fails) = (mark(once), mark(continue_on_fail));
        let _ = writeln!(text, "| `{key}` | {summary} | {timeout} | {retry} | {once} | {fails} |");
    }
    text
}

fn timeout_of(read: &Read) -> String {
    match read {
        Read::Timed { default, longest, .. } => {
            let span = crate::config::duration::format;
            format!("{}, up to {}", span(*default), span(*longest))
        }
        Read::Untimed(..) => "–".to_owned(),
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
