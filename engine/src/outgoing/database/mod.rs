//! Databases of connections: pools of connections, queries in read-only transactions, changes that are atomic.

mod call;
mod guard;
mod postgres;
mod sqlite;
mod tls;
mod trouble;
mod values;

pub use call::SqlCall;
pub use values::Space;

use super::own::Own;
use crate::script::{Fault, TIMEOUT};
use crate::sql::SqlWork;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::Value;
use std::path::Path;
use trouble::Trouble;

/// The default size of a pool.
pub const POOL: usize = 8;
/// A database of connections.yaml.
#[derive(Debug)]
pub enum Database {
    /// A file.
    Sqlite(sqlite::Sqlite),
    /// A server.
    Postgres(postgres::Postgres),
}

impl Database {
    /// The database at `url`: `sqlite:PATH`, relative to the project, or `postgres://…`. The error says what is wrong
    /// with it. Nothing is connected yet.
    pub(super) fn new(url: &str, pool: usize, project: &Path, own: &Own) -> Result<Self, String> {
        if let Some(path) = url.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            return sqlite::Sqlite::new(path, pool, project, own).map(Self::Sqlite);
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return postgres::Postgres::new(url, pool, project).map(Self::Postgres);
        }
        Err("`url` must begin with sqlite: or postgres://".to_owned())
    }

    /// Does the work. A failure names the connection and the operation.
    pub async fn run(&self, call: SqlCall) -> Result<Value, Fault> {
        let (name, timeout) = (call.connection.clone(), call.timeout);
        let what = match &call.work {
            SqlWork::Query(_) => "query",
            SqlWork::Execute { .. } => "execute",
        };
        let done = match self {
            Self::Sqlite(database) => database.run(call).await,
            Self::Postgres(database) => database.run(call).await,
        };
        done.map_err(|trouble| {
            let span = crate::config::duration::format(timeout);
            let (kind, reason) = match trouble {
                Trouble::Late => (TIMEOUT, format!("it did not end within {span}")),
                Trouble::Refused(reason) => (ErrorKind::Io.name(), reason),
                Trouble::Unfit(reason) => (ErrorKind::Value.name(), reason),
                Trouble::TooMuch(reason) => (ErrorKind::Limit.name(), reason),
            };
            Fault::of_kind(kind, format!("The connection `{name}` could not {what}: {}.", reason.trim_end_matches('.')))
        })
    }

    /// Tries to connect. The error is the database's reason.
    pub async fn check(&self) -> Result<(), String> {
        match self {
            Self::Sqlite(database) => database.check().await,
            Self::Postgres(database) => database.check().await,
        }
    }
}
