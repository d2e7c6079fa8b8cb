//! Connections that are lent to a step: nothing that the step leaves in its session is visible to the next one.

use crate::outgoing::database::trouble::Trouble;
use deadpool_postgres::Object;
use std::time::Duration;
use tokio_postgres::{Client, Error, SimpleQueryMessage};

/// How long cleaning may take before a connection is closed instead.
const CLEANING: Duration = Duration::from_secs(10);
/// The same as `discard all`, except for statements and plans: the client keeps some of its own, which look up types.
/// Statements that steps have prepared are counted.
const CLEAN: &str = "close all; set session authorization default; reset all; unlisten *; \
                     select pg_advisory_unlock_all(); discard temp; discard sequences; \
                     select name as kept from pg_prepared_statements where from_sql";

/// A connection of a pool. Dropped without being given back, it is closed.
pub(super) struct Session(Option<Object>);

impl Session {
    pub fn new(client: Object) -> Self {
        Self(Some(client))
    }

    /// The connection.
    pub fn client(&self) -> Result<&Client, Trouble> {
        let client = self.0.as_ref().map(|object| -> &Client { object });
        client.ok_or_else(|| Trouble::Refused("the connection is closed".to_owned()))
    }

    /// Cleans it, and gives it back to its pool; the step need not wait for that.
    pub fn give_back(self, committed: bool) {
        tokio::spawn(async move {
            let mut session = self;
            let Ok(client) = session.client() else { return };
            let cleaned = tokio::time::timeout(CLEANING, clean(client, committed)).await;
            if matches!(cleaned, Ok(Ok(true))) {
                drop(session.0.take());
            }
        });
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}

/// Cleans a session. `true` if nothing is left in it.
async fn clean(client: &Client, committed: bool) -> Result<bool, Error> {
    if !committed {
        client.batch_execute("rollback").await?;
    }
    let answers = client.simple_query(CLEAN).await?;
    let kept =
        |answer: &SimpleQueryMessage| matches!(answer, SimpleQueryMessage::Row(row) if row.try_get("kept").is_ok());
    Ok(!answers.iter().any(kept))
}
