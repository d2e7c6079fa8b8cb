//! SQLite files. Each step has a connection of its own, so nothing of a session stays for the next one.

use super::call::{SqlCall, bound, changed};
use super::guard::Guard;
use super::trouble::Trouble;
use super::values::{Collected, Space};
use crate::outgoing::own::{Own, resolved};
use crate::sql::{self, SqlWork};
use flowscript_lang::types::Type;
use flowscript_lang::value::{DateTime, Number, Value, Zone, to_datetime, to_text};
use rusqlite::limits::Limit;
use rusqlite::types::{Value as Cell, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, Statement, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long a statement waits for a lock at most.
const BUSY: Duration = Duration::from_secs(30);

/// How many operations of SQLite pass between two checks whether the result is still needed.
const LOOK: i32 = 10_000;

/// A file.
#[derive(Clone, Debug)]
pub struct Sqlite {
    file: PathBuf,
    own: Own,
    /// The connection of the last step. It is not used again, only kept open: when the last connection closes, it would
    /// write a write-ahead log back into the file.
    last: Arc<Mutex<Option<Connection>>>,
    room: Arc<Semaphore>,
}

impl Sqlite {
    /// A file that must exist when it is used. The engine's own files are refused.
    pub(super) fn new(path: &str, pool: usize, project: &Path, own: &Own) -> Result<Self, String> {
        let is_address = path.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("file:"));
        if is_address || path.starts_with(':') {
            return Err(format!("`{path}` must be the path of a file"));
        }
        let here = Self {
            file: project.join(path),
            own: own.clone(),
            last: Arc::default(),
            room: Arc::new(Semaphore::new(pool)),
        };
        if Path::new(path).components().any(|part| part.as_os_str() == "..") || here.own.holds(&here.file) {
            return Err(format!("`{path}` must be a file outside the engine's own data/, written without `..`"));
        }
        Ok(here)
    }

    pub(super) async fn check(&self) -> Result<(), String> {
        let here = self.clone();
        let checked = tokio::task::spawn_blocking(move || {
            let connection = here.open(false).map_err(Trouble::into_reason)?;
            connection
                .query_row("select count(*) from sqlite_master", (), |_| Ok(()))
                .map_err(|error| error.to_string())
        });
        checked.await.map_err(|error| error.to_string())?
    }

    pub(super) async fn run(&self, call: SqlCall) -> Result<Value, Trouble> {
        let timeout = call.timeout;
        let ran = async {
            let permit =
                self.room.clone().acquire_owned().await.map_err(|error| Trouble::Refused(error.to_string()))?;
            let here = self.clone();
            let changes = call.work.changes();
            let opened = tokio::task::spawn_blocking(move || here.open(changes)).await;
            let mut connection = opened.map_err(|error| Trouble::Refused(error.to_string()))??;
            let given_up = Arc::new(AtomicBool::new(false));
            watch(&mut connection, &given_up, call.longest).map_err(told)?;
            let mut stop = Interrupt(Some((given_up, connection.get_interrupt_handle())));
            let last = self.last.clone();
            let work = tokio::task::spawn_blocking(move || {
                let done = perform(&mut connection, &call);
                if done.is_ok() {
                    let before = last.lock().unwrap_or_else(PoisonError::into_inner).replace(connection);
                    drop(before);
                }
                drop(permit);
                done
            });
            let done = work.await.map_err(|error| Trouble::Refused(error.to_string()))?;
            stop.0 = None;
            done
        };
        tokio::time::timeout(timeout, ran).await.unwrap_or(Err(Trouble::Late))
    }

    /// The first change makes the file; reading a missing one is an error, since its name may be mistyped.
    fn open(&self, make: bool) -> Result<Connection, Trouble> {
        // Links may have changed since the connection was read.
        if self.own.holds(&self.file) {
            return Err(Trouble::Refused(format!("{} is one of the engine's own files", self.file.display())));
        }
        let mut flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        flags.set(OpenFlags::SQLITE_OPEN_CREATE, make);
        // An absolute path is never read as an address `file:…`.
        let file = std::path::absolute(resolved(&self.file)).map_err(|error| Trouble::Refused(error.to_string()))?;
        let connection = Connection::open_with_flags(file, flags).map_err(told)?;
        connection.busy_timeout(BUSY).map_err(told)?;
        connection.execute_batch("pragma foreign_keys = on").map_err(told)?;
        Ok(connection)
    }
}

/// Ends the statements of a call whose caller is gone. A statement that begins after the interruption ends at the next
/// check of the flag.
struct Interrupt(Option<(Arc<AtomicBool>, rusqlite::InterruptHandle)>);

impl Drop for Interrupt {
    fn drop(&mut self) {
        if let Some((given_up, handle)) = &self.0 {
            given_up.store(true, Ordering::Relaxed);
            handle.interrupt();
        }
    }
}

/// Bounds the statements on this connection: they end once they are not needed, and produce no text or blob of more
/// than `longest` bytes.
fn watch(connection: &mut Connection, given_up: &Arc<AtomicBool>, longest: usize) -> rusqlite::Result<()> {
    let given_up = given_up.clone();
    connection.progress_handler(LOOK, Some(move || given_up.load(Ordering::Relaxed)))?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, i32::try_from(longest).unwrap_or(i32::MAX)).map(|_| ())
}

fn perform(connection: &mut Connection, call: &SqlCall) -> Result<Value, Trouble> {
    let guard = Guard::over(connection).map_err(told)?;
    let reads = !call.work.changes();
    connection.pragma_update(None, "query_only", reads).map_err(told)?;
    let behavior = if reads { TransactionBehavior::Deferred } else { TransactionBehavior::Immediate };
    let transaction = connection.transaction_with_behavior(behavior).map_err(told)?;
    let mut space = call.space;
    let value = {
        let _watching = guard.watch();
        let explained = |trouble| guard.explain(trouble);
        match &call.work {
            SqlWork::Query(statement) => read(&transaction, statement, call, &mut space).map_err(explained)?,
            SqlWork::Execute { statements, is_list } => {
                let mut results = Vec::with_capacity(statements.len());
                for (number, statement) in (1..).zip(statements) {
                    let number = is_list.then_some(number);
                    let done = if statement.gives_rows {
                        read(&transaction, statement, call, &mut space)
                    } else {
                        change(&transaction, statement, call)
                    };
                    results.push(done.map_err(|trouble| explained(trouble).of_statement(number))?);
                }
                changed(results, *is_list)
            }
        }
    };
    transaction.commit().map_err(told)?;
    Ok(value)
}

/// The table that a statement returns.
fn read(
    connection: &Connection,
    statement: &sql::Statement,
    call: &SqlCall,
    space: &mut Space,
) -> Result<Value, Trouble> {
    let mut prepared = connection.prepare(&statement.numbered).map_err(told)?;
    bind(&mut prepared, statement, call)?;
    query(&mut prepared, call.zone, space)
}

/// The number of rows that a statement changes.
fn change(connection: &Connection, statement: &sql::Statement, call: &SqlCall) -> Result<Value, Trouble> {
    let mut prepared = connection.prepare(&statement.numbered).map_err(told)?;
    bind(&mut prepared, statement, call)?;
    Ok(Value::from(prepared.raw_execute().map_err(told)? as i64))
}

/// To SQLite `$1` is a name; it numbers names in the order of their first use, which is that of the values.
fn bind(prepared: &mut Statement<'_>, statement: &sql::Statement, call: &SqlCall) -> Result<(), Trouble> {
    for (at, (name, value)) in statement.names.iter().zip(bound(statement, &call.params)?).enumerate() {
        let cell = cell(&value).map_err(|reason| Trouble::Unfit(format!("the parameter `:{name}` {reason}")))?;
        prepared.raw_bind_parameter(at + 1, cell).map_err(told)?;
    }
    Ok(())
}

/// The SQLite value for a value. The error is a message about why it has none.
fn cell(value: &Value) -> Result<Cell, String> {
    Ok(match value {
        Value::Null => Cell::Null,
        Value::Bool(value) => Cell::Integer(i64::from(*value)),
        Value::Number(number) => number_cell(*number)?,
        Value::Binary(bytes) => Cell::Blob(bytes.to_vec()),
        value => Cell::Text(
            to_text(value).map_err(|_| format!("is a {}; give a simple value", value.type_name()))?.to_string(),
        ),
    })
}

/// A whole number must arrive with all its digits; fractions are rounded to the digits of a `REAL`.
fn number_cell(number: Number) -> Result<Cell, String> {
    if let Some(whole) = number.to_i64() {
        return Ok(Cell::Integer(whole));
    }
    let near = number.to_f64();
    if number.is_whole() && Number::from_f64(near) != Some(number) {
        return Err(format!("is {number}, which has more digits than numbers of SQLite hold; give it as text: Str(…)"));
    }
    Ok(Cell::Real(near))
}

fn query(statement: &mut Statement<'_>, zone: Zone, space: &mut Space) -> Result<Value, Trouble> {
    let names = statement.column_names().map(Into::into).collect();
    let declared: Vec<Type> = statement.columns().map(|column| declared(column.decl_type())).collect();
    let mut collected = Collected::new(names, declared.clone())?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(told)? {
        let mut values = Vec::with_capacity(declared.len());
        for (at, ty) in declared.iter().enumerate() {
            values.push(value(row.get_ref(at).map_err(told)?, ty, zone)?);
        }
        collected.push(values, space)?;
    }
    Ok(collected.finish())
}

/// The type of a column with this declaration, if its values follow it.
fn declared(declaration: Option<&str>) -> Type {
    let text = declaration.unwrap_or_default().to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["BOOL"]) {
        Type::Bool
    } else if has(&["DATE", "TIMESTAMP"]) {
        Type::DateTime
    } else if has(&["INT", "REAL", "FLOA", "DOUB", "NUM", "DEC"]) {
        Type::Number
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        Type::Text
    } else if has(&["BLOB"]) {
        Type::Binary
    } else {
        Type::Any
    }
}

fn value(cell: ValueRef<'_>, ty: &Type, zone: Zone) -> Result<Value, Trouble> {
    Ok(match cell {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) if *ty == Type::Bool && (0..=1).contains(&number) => Value::Bool(number == 1),
        ValueRef::Integer(seconds) if *ty == Type::DateTime => {
            // A number that does not count seconds stays a number.
            DateTime::from_unix_in(seconds, 0, zone).map_or(Value::from(seconds), Value::DateTime)
        }
        ValueRef::Integer(number) => Value::from(number),
        ValueRef::Real(number) => match Number::from_f64(number) {
            Some(number) => Value::Number(number),
            None => {
                return Err(Trouble::Unfit(format!("it gives the number {number}, which FlowScript does not have")));
            }
        },
        ValueRef::Text(bytes) => {
            let text = Value::text(String::from_utf8_lossy(bytes).into_owned());
            match ty {
                Type::DateTime => to_datetime(&text, zone).map_or(text, Value::DateTime),
                _ => text,
            }
        }
        ValueRef::Blob(bytes) => Value::binary(bytes.to_vec()),
    })
}

fn told(error: rusqlite::Error) -> Trouble {
    match &error {
        rusqlite::Error::SqliteFailure(failure, _) if failure.code == ErrorCode::OperationInterrupted => Trouble::Late,
        rusqlite::Error::SqliteFailure(failure, _) if failure.code == ErrorCode::TooBig => {
            Trouble::TooMuch("it makes a text or blob that is longer than a text may be".to_owned())
        }
        _ => Trouble::Refused(error.to_string()),
    }
}
