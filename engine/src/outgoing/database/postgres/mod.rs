//! PostgreSQL servers.

mod local;
mod numeric;
mod parameter;
mod read;
mod reason;
mod session;
mod watch;
mod wire;
mod write;

use super::call::{SqlCall, bound, changed};
use super::tls::{self, Wish};
use super::trouble::Trouble;
use super::values::{Collected, Space};
use crate::sql::{self, SqlWork};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use flowscript_lang::budget::Allowance;
use flowscript_lang::host::Interrupt;
use flowscript_lang::program::Limits;
use flowscript_lang::types::Type;
use flowscript_lang::value::{Value, Zone};
use futures_util::StreamExt;
use parameter::{Parameter, parameters};
use read::{is_read, known, values};
use reason::reason;
use session::Session;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_postgres::types::{Kind, ToSql};
use tokio_postgres::{Client, Column, Config, Row, Statement};
use wire::{CONNECT, Wire};
use write::Bound;

/// The value of an array or a JSON text takes at most this many times the size of its wire form.
const GROWTH: usize = 16;
/// Rows with more bytes are read apart from the async threads.
const LONG_ROW: usize = 64 << 10;
/// The time after the step's timeout until the server itself ends a statement.
const SERVER_GRACE: Duration = Duration::from_millis(200);

/// A server and its open connections.
pub struct Postgres {
    pool: Pool,
    wire: Wire,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres").field("open", &self.pool.status().size).finish_non_exhaustive()
    }
}

impl Postgres {
    pub(super) fn new(url: &str, pool: usize, project: &Path) -> Result<Self, String> {
        let Wish { mode, tls, url } = tls::wish(url, project)?;
        let mut config: Config = url.parse().map_err(|error| format!("`url` cannot be read: {error}"))?;
        config.connect_timeout(CONNECT).application_name("flowscript").ssl_mode(mode);
        let wire = Wire::over(&mut config, tls)?;
        let manager =
            Manager::from_connect(config, wire.clone(), ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let pool = Pool::builder(manager).max_size(pool).runtime(Runtime::Tokio1).build();
        Ok(Self { pool: pool.map_err(|error| error.to_string())?, wire })
    }

    pub(super) async fn check(&self) -> Result<(), String> {
        let client = self.pool.get().await.map_err(|error| reason(&error))?;
        client.simple_query("select 1").await.map(|_| ()).map_err(|error| reason(&error))
    }

    pub(super) async fn run(&self, call: SqlCall) -> Result<Value, Trouble> {
        let late = |_| Trouble::Late;
        let deadline = tokio::time::Instant::now() + call.timeout;
        let client = tokio::time::timeout_at(deadline, self.pool.get()).await.map_err(late)?;
        // If it is dropped before it is given back, it is closed: an interrupted step may have left anything in it.
        let session = Session::new(client.map_err(|error| Trouble::Refused(reason(&error)))?);
        let mut given_up = GivenUp(Some((session.client()?.cancel_token(), self.wire.clone())));
        let done = tokio::time::timeout_at(deadline, transaction(session.client()?, &call)).await.map_err(late)?;
        given_up.0 = None;
        session.give_back(done.is_ok());
        done
    }
}

/// Ends the statement of a call whose caller is gone.
struct GivenUp(Option<(tokio_postgres::CancelToken, Wire)>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        if let Some((token, wire)) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { token.cancel_query(wire).await });
        }
    }
}

/// Does the work in a transaction. After a failure the transaction is still open.
async fn transaction(client: &Client, call: &SqlCall) -> Result<Value, Trouble> {
    let mode = if call.work.changes() { "read write" } else { "read only" };
    let limit = (call.timeout + SERVER_GRACE).as_millis();
    let begin = format!("begin {mode}; set local statement_timeout = {limit}");
    client.batch_execute(&begin).await.map_err(told)?;
    let value = perform(client, call).await?;
    client.batch_execute("commit").await.map_err(told)?;
    Ok(value)
}

async fn perform(client: &Client, call: &SqlCall) -> Result<Value, Trouble> {
    let mut space = call.space;
    match &call.work {
        SqlWork::Query(statement) => read(client, statement, call, &mut space).await,
        SqlWork::Execute { statements, is_list } => {
            let mut results = Vec::with_capacity(statements.len());
            for (number, statement) in (1..).zip(statements) {
                let done = if statement.gives_rows {
                    read(client, statement, call, &mut space).await
                } else {
                    change(client, statement, call).await
                };
                results.push(done.map_err(|trouble| trouble.of_statement(is_list.then_some(number)))?);
            }
            Ok(changed(results, *is_list))
        }
    }
}

/// The number of rows that a statement changes.
async fn change(client: &Client, statement: &sql::Statement, call: &SqlCall) -> Result<Value, Trouble> {
    let prepared = client.prepare(&statement.numbered).await.map_err(told)?;
    let values = bind(&prepared, statement, call).await?;
    let count = client.execute(&prepared, &references(&values)).await.map_err(told)?;
    Ok(Value::from(count as i64))
}

/// The table that a statement returns.
async fn read(
    client: &Client,
    statement: &sql::Statement,
    call: &SqlCall,
    space: &mut Space,
) -> Result<Value, Trouble> {
    let prepared = client.prepare(&statement.numbered).await.map_err(told)?;
    let columns = prepared.columns();
    let names = columns.iter().map(|column| column.name().into()).collect();
    let types = columns.iter().map(|column| known(column.type_())).collect();
    let mut collected = Collected::new(names, types)?;
    let grows = columns.iter().any(|column| known(column.type_()) == Type::Any);
    let unread = columns.iter().find(|column| !is_read(column.type_()));
    let asked = match unread {
        None => prepared.clone(),
        Some(column) => as_texts(client, statement, columns, column).await?,
    };
    let values_in = bind(&asked, statement, call).await?;
    let rows = client.query_raw(&asked, references(&values_in)).await.map_err(told)?;
    // One after the other: rows that do not fit are not waited for.
    let mut rows = std::pin::pin!(rows);
    while let Some(row) = rows.next().await {
        let row = row.map_err(told)?;
        if grows {
            space.check(row.raw_size_bytes().saturating_mul(GROWTH))?;
        }
        let limits = Limits { memory: space.bytes, cells: space.cells, text: call.longest, ..Limits::default() };
        let values = if row.raw_size_bytes() > LONG_ROW {
            aside(row, prepared.clone(), call.zone, limits).await?
        } else {
            values(&row, columns, call.zone, &mut Allowance::new("A row", limits, &|| None))?
        };
        collected.push(values, space)?;
    }
    Ok(collected.finish())
}

/// The values of a long row, read outside the async threads, as long as its caller waits.
async fn aside(row: Row, prepared: Statement, zone: Zone, limits: Limits) -> Result<Vec<Value>, Trouble> {
    let given_up = Arc::new(AtomicBool::new(false));
    let _waiting = Waiting(given_up.clone());
    let read = tokio::task::spawn_blocking(move || {
        let stop = || given_up.load(Ordering::Relaxed).then_some(Interrupt::Cancelled);
        values(&row, prepared.columns(), zone, &mut Allowance::new("A row", limits, &stop))
    });
    read.await.map_err(|error| Trouble::Refused(error.to_string()))?
}

/// Records that its caller no longer waits.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A statement that returns the texts of the columns whose types are not decoded here. The server converts them: the
/// protocol would send each in a form of its own type.
async fn as_texts(
    client: &Client,
    statement: &sql::Statement,
    columns: &[Column],
    unread: &Column,
) -> Result<Statement, Trouble> {
    let name = |number: usize| format!("c{number}");
    let names: Vec<String> = (0..columns.len()).map(name).collect();
    let texts = columns.iter().enumerate().map(|(number, column)| match column.type_().kind() {
        _ if is_read(column.type_()) => name(number),
        Kind::Array(_) => format!("c{number}::text[]"),
        _ => format!("c{number}::text"),
    });
    let texts: Vec<String> = texts.collect();
    let (names, texts, inner) = (names.join(", "), texts.join(", "), statement.inner());
    let wrapped = format!("with flowscript_rows ({names}) as ({inner}\n) select {texts} from flowscript_rows");
    client.prepare(&wrapped).await.map_err(|error| {
        let (column, ty) = (unread.name(), unread.type_().name());
        Trouble::Unfit(format!("the column `{column}` has the type {ty}: cast it to text ({})", reason(&error)))
    })
}

async fn bind(prepared: &Statement, statement: &sql::Statement, call: &SqlCall) -> Result<Vec<Parameter>, Trouble> {
    let values = bound(statement, &call.params)?;
    let values = values.into_iter().map(|value| Bound { value, zone: call.zone }).collect();
    parameters(values, prepared.params()).await
}

fn references(values: &[Parameter]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

fn told(error: tokio_postgres::Error) -> Trouble {
    let code = error.code().cloned();
    if code == Some(tokio_postgres::error::SqlState::QUERY_CANCELED) {
        return Trouble::Late;
    }
    Trouble::Refused(reason(&error))
}
