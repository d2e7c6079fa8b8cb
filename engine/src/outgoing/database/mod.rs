//! Databases of connections: pools of connections, questions in read-only transactions, changes all or nothing.

mod guard;
mod postgres;
mod sqlite;
mod tls;
mod values;

pub use values::Space;

use super::own::Own;
use crate::script::{Fault, TIMEOUT};
use crate::sql::{SqlWork, Statement};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::{Value, Zone};
use std::path::Path;
use std::time::Duration;

/// How many connections a pool has where nothing is said.
pub const POOL: usize = 8;
/// The most rows that a question gives.
const MAX_ROWS: usize = 1_000_000;

/// A database of connections.yaml.
#[derive(Debug)]
pub enum Database {
    /// A file.
    Sqlite(sqlite::Sqlite),
    /// A server.
    Postgres(postgres::Postgres),
}

/// What is to be done with a database.
#[derive(Clone, Debug)]
pub struct SqlCall {
    /// The name of the connection.
    pub connection: String,
    /// The statements.
    pub work: SqlWork,
    /// The parameters by name.
    pub params: Vec<(String, Value)>,
    /// How long it may take.
    pub timeout: Duration,
    /// The zone of instants, and of local times without one.
    pub zone: Zone,
    /// The longest text or blob that it may make, in bytes.
    pub longest: usize,
    /// The room for what it gives.
    pub space: Space,
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

/// Why a database did not do what was wanted.
#[derive(Debug)]
enum Trouble {
    /// It took too long.
    Late,
    /// What the database says.
    Refused(String),
    /// A value that does not fit.
    Unfit(String),
    /// It gives more than there is room for.
    TooMuch(String),
}

impl Trouble {
    /// The reason in words.
    fn into_reason(self) -> String {
        match self {
            Self::Late => "it took too long".to_owned(),
            Self::Refused(reason) | Self::Unfit(reason) | Self::TooMuch(reason) => reason,
        }
    }

    /// The same, with the number of its statement in a list.
    fn of_statement(self, number: Option<usize>) -> Self {
        match (self, number) {
            (Self::Refused(reason), Some(number)) => Self::Refused(format!("statement {number}: {reason}")),
            (Self::Unfit(reason), Some(number)) => Self::Unfit(format!("statement {number}: {reason}")),
            (Self::TooMuch(reason), Some(number)) => Self::TooMuch(format!("statement {number}: {reason}")),
            (other, _) => other,
        }
    }
}

/// The values of a statement's parameters, by number.
fn bound(statement: &Statement, params: &[(String, Value)]) -> Vec<Value> {
    let value = |name: &String| params.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    statement.names.iter().map(|name| value(name).unwrap_or_default()).collect()
}

/// What `execute` gives: for each statement the number of changed rows or the rows that it returns; a list of these if
/// the statements are one.
fn changed(mut results: Vec<Value>, is_list: bool) -> Value {
    if is_list { Value::list(results) } else { results.pop().unwrap_or_default() }
}
