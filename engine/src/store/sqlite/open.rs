//! Opening the database: file, permissions, settings, tables, and the remains of a dead process.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::file::{self, StoreFile};
use super::sabotage::Sabotage;
use super::shared::Shared;
use super::tx::{Memory, Tx};
use super::{claim, fire, keys, migrate};
use crate::disk;
use crate::store::{Result, StoreError};

/// How long to wait for another program that holds the database, before an error says so.
const PATIENCE: Duration = Duration::from_secs(5);

/// The number of connections that read single rows, which callers wait for, and of those that scan lists, which may
/// take long.
const READERS: usize = 2;
const LISTERS: usize = 1;

/// The connections of an open store.
pub(super) struct Connections {
    pub writer: Connection,
    pub readers: Vec<Connection>,
    pub listers: Vec<Connection>,
    pub file: StoreFile,
}

/// Opens or makes the database and brings it up to date.
pub(super) fn open(path: &Path, shared: &Shared) -> Result<Connections> {
    file::check_before_opening(path)?;
    make_private(path)?;
    let mut writer = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    file::check_contents(&writer, path)?;
    // Set before the first table is created: it decides the layout of the file.
    writer.pragma_update(None, "auto_vacuum", "incremental")?;
    writer.pragma_update(None, "journal_mode", "wal")?;
    writer.pragma_update(None, "synchronous", if Sabotage::Unsynced.is_on() { "off" } else { "full" })?;
    writer.pragma_update(None, "foreign_keys", true)?;
    writer.pragma_update(None, "cache_size", -8192)?; // KiB
    writer.pragma_update(None, "wal_autocheckpoint", 4000)?; // pages, 16 MiB
    writer.pragma_update(None, "journal_size_limit", 64 << 20)?;
    migrate::migrate(&mut writer, shared.clock.now())?;
    file::mark(&writer, path)?;
    recover(&writer, shared)?;
    let connections = |count: usize| (0..count).map(|_| reader(path)).collect::<Result<_>>();
    let (readers, listers) = (connections(READERS)?, connections(LISTERS)?);
    // Last, so that it sees the files as opening has left them.
    let file = StoreFile::new(path)?;
    Ok(Connections { writer, readers, listers, file })
}

/// The folder lock proves that no other process is alive: all claims are free again.
fn recover(conn: &Connection, shared: &Shared) -> Result<()> {
    conn.execute_batch("begin immediate")?;
    shared.trust_since(keys::newest(conn)?);
    let mut memory = Memory::default();
    let mut tx = Tx::new(conn, shared, &mut memory);
    let recovered =
        keys::ensure_secret(&tx).and_then(|()| claim::free_all(&mut tx)).and_then(|()| fire::rewind(&mut tx));
    let effects = tx.effects;
    memory.apply(&effects);
    let recovered = recovered.and_then(|()| memory.write_counted(conn));
    let end = if recovered.is_ok() { "commit" } else { "rollback" };
    conn.execute_batch(end)?;
    recovered
}

fn reader(path: &Path) -> Result<Connection> {
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.pragma_update(None, "query_only", true)?;
    Ok(conn)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| at(path, error.into()))?;
    conn.busy_timeout(PATIENCE)?;
    // Sorted data and rollback data contain payloads: they stay out of the system's folder for temporary files.
    conn.pragma_update(None, "temp_store", "memory")?;
    conn.set_prepared_statement_cache_capacity(128);
    // The first statement that reads the file fails if it is not a database.
    conn.query_row("select count(*) from sqlite_schema", (), |_| Ok(())).map_err(|error| at(path, error.into()))?;
    Ok(conn)
}

/// Makes the file, or an existing one, readable to its owner only: it holds payloads. SQLite gives its companion files
/// the same rights.
fn make_private(path: &Path) -> Result<()> {
    let failed = |error: std::io::Error| {
        let text = format!("the database {} cannot be opened for writing: {error}", path.display());
        if error.kind() == std::io::ErrorKind::StorageFull {
            StoreError::Full(text)
        } else {
            StoreError::ReadOnly(text)
        }
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        disk::make_private_folder(folder).map_err(failed)?;
    }
    disk::open_private(path).map(drop).map_err(failed)
}

/// An error with the path that it is about.
fn at(path: &Path, error: StoreError) -> StoreError {
    let with_path = |text: String| format!("{}: {text}", path.display());
    match error {
        StoreError::Full(text) => StoreError::Full(with_path(text)),
        StoreError::ReadOnly(text) => StoreError::ReadOnly(with_path(text)),
        StoreError::Busy(text) => StoreError::Busy(with_path(text)),
        StoreError::Corrupt(text) => StoreError::Corrupt(with_path(text)),
        StoreError::Lost(text) => StoreError::Lost(with_path(text)),
        StoreError::Other(text) => StoreError::Other(with_path(text)),
        other => other,
    }
}
