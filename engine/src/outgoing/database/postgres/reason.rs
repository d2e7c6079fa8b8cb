//! Messages for errors.

use crate::outgoing::database::tls;
use deadpool_postgres::PoolError;
use std::error::Error;

/// An error with its causes, and the server's message about it.
pub(super) fn reason(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        next = error.source();
        if next.is_some() && error.is::<PoolError>() {
            continue; // it says no more than that there was an error
        }
        let text = match error.downcast_ref::<tokio_postgres::error::DbError>() {
            Some(db) => format!("{} ({})", db.message(), db.code().code()),
            None => tls::explained(error).unwrap_or_else(|| error.to_string()),
        };
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
    }
    let mut text = parts.join(": ");
    if text.ends_with("server does not support TLS") {
        text.push_str(" (turn it on there, or connect without it: `sslmode=disable` in `url`)");
    }
    text
}
