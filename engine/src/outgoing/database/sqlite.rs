//! SQLite files.

use super::values::Collected;
use super::{SqlCall, Trouble, affected, bound};
use crate::workflow::model::SqlWork;
use flowscript_lang::types::Type;
use flowscript_lang::value::{DateTime, Number, Value, Zone, to_datetime, to_text};
use rusqlite::types::{Value as Cell, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, Statement, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long a statement waits for a lock at most.
const BUSY: Duration = Duration::from_secs(30);

/// A file and the connections to it that are open.
#[derive(Clone, Debug)]
pub struct Sqlite {
    file: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    room: Arc<Semaphore>,
}

impl Sqlite {
    /// A file that must be there when it is used. The engine's own data is nobody's.
    pub(super) fn new(path: &str, pool: usize, project: &Path) -> Result<Self, String> {
        let file = project.join(path);
        let data = project.join("data");
        let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if whole(&file).starts_with(whole(&data)) || file.components().any(|part| part.as_os_str() == "..") {
            return Err(format!("`{path}` must be a file outside the engine's own data/, written without `..`"));
        }
        Ok(Self { file, idle: Arc::default(), room: Arc::new(Semaphore::new(pool)) })
    }

    pub(super) async fn check(&self) -> Result<(), String> {
        let here = self.clone();
        let checked = tokio::task::spawn_blocking(move || {
            let connection = here.open(false).map_err(|error| error.to_string())?;
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
            let changes = matches!(call.work, SqlWork::Execute { .. });
            let opened = tokio::task::spawn_blocking(move || here.take(changes)).await;
            let connection = opened.map_err(|error| Trouble::Refused(error.to_string()))?.map_err(told)?;
            let mut stop = Interrupt(Some(connection.get_interrupt_handle()));
            let idle = self.idle.clone();
            let work = tokio::task::spawn_blocking(move || {
                let mut connection = connection;
                let done = perform(&mut connection, &call);
                if done.is_ok() {
                    idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
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

    fn take(&self, changes: bool) -> rusqlite::Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| self.open(changes), Ok)
    }

    /// The first change makes the file; reading one that is not there is an error, since its name may be mistyped.
    fn open(&self, make: bool) -> rusqlite::Result<Connection> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        flags.set(OpenFlags::SQLITE_OPEN_CREATE, make);
        let connection = Connection::open_with_flags(&self.file, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.execute_batch("pragma foreign_keys = on")?;
        Ok(connection)
    }
}

/// Ends the statement of a call that nobody waits for any more.
struct Interrupt(Option<rusqlite::InterruptHandle>);

impl Drop for Interrupt {
    fn drop(&mut self) {
        if let Some(handle) = &self.0 {
            handle.interrupt();
        }
    }
}

fn perform(connection: &mut Connection, call: &SqlCall) -> Result<Value, Trouble> {
    let reads = matches!(call.work, SqlWork::Query(_));
    connection.pragma_update(None, "query_only", reads).map_err(told)?;
    let behavior = if reads { TransactionBehavior::Deferred } else { TransactionBehavior::Immediate };
    let transaction = connection.transaction_with_behavior(behavior).map_err(told)?;
    let value = match &call.work {
        SqlWork::Query(statement) => {
            let mut prepared = transaction.prepare_cached(&statement.numbered).map_err(told)?;
            bind(&mut prepared, &bound(statement, &call.params))?;
            query(&mut prepared, call.zone)?
        }
        SqlWork::Execute { statements, is_list } => {
            let mut counts = Vec::with_capacity(statements.len());
            for (number, statement) in (1..).zip(statements) {
                let number = is_list.then_some(number);
                let told = |error| told(error).of_statement(number);
                let mut prepared = transaction.prepare_cached(&statement.numbered).map_err(told)?;
                bind(&mut prepared, &bound(statement, &call.params)).map_err(|trouble| trouble.of_statement(number))?;
                counts.push(prepared.raw_execute().map_err(told)? as u64);
            }
            affected(counts, *is_list)
        }
    };
    transaction.commit().map_err(told)?;
    Ok(value)
}

/// To SQLite `$1` is a name; it gives numbers to names in the order of their first places, which is that of the values.
fn bind(statement: &mut Statement<'_>, values: &[Value]) -> Result<(), Trouble> {
    for (number, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(number + 1, cell(value)?).map_err(told)?;
    }
    Ok(())
}

fn cell(value: &Value) -> Result<Cell, Trouble> {
    Ok(match value {
        Value::Null => Cell::Null,
        Value::Bool(value) => Cell::Integer(i64::from(*value)),
        Value::Number(number) => match number.to_i64().filter(|_| number.is_whole()) {
            Some(whole) => Cell::Integer(whole),
            None => Cell::Real(number.to_f64()),
        },
        Value::Binary(bytes) => Cell::Blob(bytes.to_vec()),
        value => Cell::Text(
            to_text(value)
                .map_err(|_| Trouble::Unfit(format!("a parameter is a {}; give a simple value", value.type_name())))?
                .to_string(),
        ),
    })
}

fn query(statement: &mut Statement<'_>, zone: Zone) -> Result<Value, Trouble> {
    let names = statement.column_names().map(Into::into).collect();
    let declared: Vec<Type> = statement.columns().map(|column| declared(column.decl_type())).collect();
    let mut collected = Collected::new(names, declared.clone())?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(told)? {
        let mut values = Vec::with_capacity(declared.len());
        for (at, ty) in declared.iter().enumerate() {
            values.push(value(row.get_ref(at).map_err(told)?, ty, zone)?);
        }
        collected.push(values)?;
    }
    Ok(collected.finish())
}

/// What a column of this declaration holds, if it keeps to it.
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
            DateTime::from_unix_in(seconds, 0, zone).map_or(Value::Null, Value::DateTime)
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
        _ => Trouble::Refused(error.to_string()),
    }
}
