//! The store's file: whether it is a store before it is opened, and whether it still exists while it is open.
//!
//! SQLite keeps writing to a file that was removed, replaced or truncated: all of it is lost at the next start. So the
//! path is checked before each transaction, and again before anything is acknowledged. Between two transactions only
//! this process writes: files that are shorter, or that were written to, are examined.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::{Connection, OpenFlags, Row};

use super::statement::only;
use crate::disk::{self, Identity};
use crate::store::{Result, StoreError};

/// The first bytes of each database of SQLite.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// `application_id` of our databases: "Flow".
const APPLICATION: i64 = 0x466c_6f77;
/// Up to this size a file that another program has written to is examined completely, in bytes.
const EXAMINED: u64 = 64 << 20;
/// The header of a WAL and that of each of its pages, in bytes.
const WAL_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

/// The companion file of the database with this suffix.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A mark that a store existed, so that an empty file in its place is not taken for a new one.
fn marker(path: &Path) -> PathBuf {
    beside(path, "-made")
}

/// Refuses an existing file that is not a store, and a missing one where a store was. Nothing is changed.
pub(super) fn check_before_opening(path: &Path) -> Result<()> {
    let shown = path.display();
    let corrupt = |text: String| Err(StoreError::Corrupt(text));
    let failed = |error: std::io::Error| StoreError::ReadOnly(format!("the database {shown} cannot be read: {error}"));
    let bytes = match fs::metadata(path) {
        Ok(metadata) => Some(metadata.len()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !path.is_symlink() => None,
        Err(error) => return Err(failed(error)),
    };
    if bytes.unwrap_or(0) == 0 {
        let what = if bytes.is_none() { "is gone" } else { "is empty" };
        let wal = beside(path, "-wal");
        if length(&wal).map_err(failed)?.is_some_and(|bytes| bytes > 0) {
            let text = format!("the database {shown} {what}, and {} holds what was last written to it", wal.display());
            return corrupt(format!(
                "{text}: put back the database that belongs to it, or move both away to begin anew"
            ));
        }
        let marker = marker(path);
        if length(&marker).map_err(failed)?.is_some() {
            let text = format!("the database {shown} {what}: put it back or restore it from a copy");
            return corrupt(format!("{text}; to begin with an empty one, remove {}", marker.display()));
        }
        return Ok(());
    }
    let unread = |unread: disk::Unread| {
        StoreError::ReadOnly(format!("the database {shown} cannot be read: {unread}; `store.url` names the file"))
    };
    let (mut file, _) = disk::open(path).map_err(unread)?;
    let mut header = [0; MAGIC.len()];
    let is_database = std::io::Read::read_exact(&mut file, &mut header).is_ok() && header == *MAGIC;
    if is_database {
        return Ok(());
    }
    corrupt(format!("{shown} is damaged or is not a FlowScript database: restore it from a copy"))
}

/// The length of a file, if it exists.
fn length(path: &Path) -> std::io::Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Refuses a database of another program, and an empty one where a store was.
pub(super) fn check_contents(conn: &Connection, path: &Path) -> Result<()> {
    let shown = path.display();
    let count = |sql: &str| conn.query_row(sql, (), only::<i64>);
    let application = count("pragma application_id")?;
    if application == APPLICATION {
        return Ok(());
    }
    let tables = count("select count(*) from sqlite_schema")?;
    let ours = "select count(*) from sqlite_schema where type = 'table' and name in ('migrations', 'runs', 'settings')";
    // Stores from before the number existed, and one whose first start was interrupted.
    let is_store = count(ours)? == 3 || tables == 0 || (tables == 1 && count(ours)? == 1);
    if application != 0 || !is_store {
        return Err(StoreError::Corrupt(format!(
            "{shown} is a database of another program: name another file in `store.url`, or restore the store from a copy"
        )));
    }
    if tables == 0 && length(&marker(path)).ok().flatten().is_some() {
        let marker = marker(path);
        let text = format!("the database {shown} is empty: restore it from a copy; to begin with an empty one, remove");
        return Err(StoreError::Corrupt(format!("{text} {} and the database", marker.display())));
    }
    Ok(())
}

/// Writes the marks of a store, once its tables exist.
pub(super) fn mark(conn: &Connection, path: &Path) -> Result<()> {
    let application: i64 = conn.query_row("pragma application_id", (), only)?;
    if application != APPLICATION {
        conn.pragma_update(None, "application_id", APPLICATION)?;
    }
    let marker = marker(path);
    if marker.exists() {
        return Ok(());
    }
    let text = "There is a FlowScript store next to this file. Without this file, a new store would be begun where that one is lost.\n";
    let written =
        disk::open_private(&marker).and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
    written.map_err(|error| StoreError::ReadOnly(format!("{} cannot be written: {error}", marker.display())))
}

/// The open files of a store.
pub(super) struct StoreFile {
    path: PathBuf,
    /// A handle for inspecting the database. It stays open as long as connections are: closing any handle of a file
    /// releases all locks that the process has on it.
    handle: File,
    database: Seen,
    wal: Seen,
    /// Why it can no longer write, permanently.
    lost: Option<String>,
}

/// The state of a file as this process has left it.
#[derive(Clone, Copy)]
struct Seen {
    identity: Option<Identity>,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl From<&Metadata> for Seen {
    fn from(metadata: &Metadata) -> Self {
        Self { identity: Identity::of(metadata), bytes: metadata.len(), modified: metadata.modified().ok() }
    }
}

impl StoreFile {
    /// The files of an open store.
    pub fn new(path: &Path) -> Result<Self> {
        let path = path.to_owned();
        let (handle, _) = disk::open(&path).map_err(|unread| {
            StoreError::ReadOnly(format!("the database {} cannot be read: {unread}", path.display()))
        })?;
        let (database, wal) = (look(&path)?, look(&beside(&path, "-wal"))?);
        Ok(Self { path, handle, database, wal, lost: None })
    }

    /// Are the files still those that were opened, as this process has left them? Called before a transaction.
    pub fn check(&mut self, conn: &Connection) -> Result<()> {
        let (database, wal) = self.check_places()?;
        let is_cut = database.bytes < self.database.bytes || wal.bytes < self.wal.bytes;
        let is_touched = database.modified != self.database.modified;
        if is_cut || is_touched {
            if let Err(reason) = self.examine(conn, database, wal, is_cut) {
                let text = format!("the database {} was damaged while it was open ({reason})", self.path.display());
                return Err(self.lose(format!("{text}: stop the engine and restore it from a copy")));
            }
            (self.database, self.wal) = (database, wal);
        }
        Ok(())
    }

    /// Are the files still those that were opened? Called after a commit, before it is acknowledged; the changes of the
    /// commit are recorded as the state that this process has left.
    pub fn check_committed(&mut self) -> Result<()> {
        (self.database, self.wal) = self.check_places()?;
        Ok(())
    }

    fn check_places(&self) -> Result<(Seen, Seen)> {
        if let Some(lost) = &self.lost {
            return Err(StoreError::Lost(lost.clone()));
        }
        let database = place(&self.path, self.database)?;
        Ok((database, place(&beside(&self.path, "-wal"), self.wal)?))
    }

    /// Has another program only moved pages from the WAL into the database, as a backup may do?
    fn examine(&self, conn: &Connection, database: Seen, wal: Seen, is_cut: bool) -> std::result::Result<(), String> {
        let shown = |error: rusqlite::Error| error.to_string();
        let number = |conn: &Connection, sql: &str| conn.query_row(sql, (), only::<i64>).map_err(shown);
        if !begins_as_database(&self.handle) {
            return Err("it does not begin as a database".to_owned());
        }
        if is_cut {
            let page = number(conn, "pragma page_size")?.max(1) as u64;
            if database.bytes < self.database.bytes && database.bytes < number(conn, "pragma page_count")? as u64 * page
            {
                return Err("it was cut off".to_owned());
            }
            // Whether it was busy, the pages of the WAL, and those of them that were moved.
            let frames = |row: &Row<'_>| row.get::<_, i64>("log");
            let frames = conn.query_row("pragma wal_checkpoint(passive)", (), frames).map_err(shown)?;
            let frames = frames.max(0) as u64;
            if frames > 0 && wal.bytes < WAL_HEADER + frames * (page + FRAME_HEADER) {
                return Err("its WAL was cut off".to_owned());
            }
        }
        // A connection of its own: the others have pages in memory that may differ from the file.
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let fresh = Connection::open_with_flags(&self.path, flags).map_err(shown)?;
        number(&fresh, "select count(*) from sqlite_schema")?;
        if database.bytes <= EXAMINED {
            let found: String = fresh.query_row("pragma quick_check(1)", (), only).map_err(shown)?;
            if found != "ok" {
                return Err(found);
            }
        }
        Ok(())
    }

    fn lose(&mut self, text: String) -> StoreError {
        self.lost = Some(text.clone());
        StoreError::Lost(text)
    }
}

#[cfg(unix)]
fn begins_as_database(handle: &File) -> bool {
    let mut header = [0; MAGIC.len()];
    std::os::unix::fs::FileExt::read_exact_at(handle, &mut header, 0).is_ok() && header == *MAGIC
}

/// Without file access the first read through a connection shows it.
#[cfg(not(unix))]
fn begins_as_database(_: &File) -> bool {
    true
}

fn look(path: &Path) -> Result<Seen> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Seen::from(&metadata)),
        Err(error) => Err(unseen(path, &error)),
    }
}

fn unseen(path: &Path, error: &std::io::Error) -> StoreError {
    let shown = path.display();
    StoreError::Lost(if error.kind() == std::io::ErrorKind::NotFound {
        format!(
            "{shown} is gone while the store is open: put the same file back, or stop the engine and restore a copy"
        )
    } else {
        format!("{shown} cannot be seen while the store is open: {error}")
    })
}

/// The file at this path, which must be the one that was opened.
fn place(path: &Path, opened: Seen) -> Result<Seen> {
    let now = look(path)?;
    if now.identity == opened.identity {
        return Ok(now);
    }
    Err(StoreError::Lost(format!(
        "another file is at {} than the one that was opened: put that one back, or restart the engine to take this one",
        path.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::queued;
    use crate::store::contract::workflow;
    use crate::store::sqlite::SqliteStore;
    use crate::store::{Accepted, Publication, RunId, Store, Timestamp, Trigger};

    fn refused(path: &Path, part: &str) {
        let error = check_before_opening(path).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }

    #[test]
    fn what_is_no_store_is_not_opened_as_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        check_before_opening(&path).unwrap();
        fs::write(&path, "").unwrap();
        check_before_opening(&path).unwrap();
        fs::write(beside(&path, "-wal"), "frames").unwrap();
        refused(&path, "holds what was last written");
        fs::remove_file(beside(&path, "-wal")).unwrap();
        fs::write(marker(&path), "").unwrap();
        refused(&path, "is empty: put it back");
        fs::remove_file(&path).unwrap();
        refused(&path, "is gone: put it back");
        fs::write(&path, "an essay").unwrap();
        refused(&path, "is not a FlowScript database");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        refused(&path, "a folder");
    }

    #[test]
    fn a_database_of_another_program_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let conn = Connection::open(&path).unwrap();
        check_contents(&conn, &path).unwrap();
        conn.execute_batch("create table customers (id integer)").unwrap();
        assert!(check_contents(&conn, &path).unwrap_err().to_string().contains("another program"));
        conn.execute_batch("drop table customers; pragma application_id = 7").unwrap();
        assert!(check_contents(&conn, &path).unwrap_err().to_string().contains("another program"));
    }

    /// A store in a folder of its own, with a run in it.
    async fn store() -> (SqliteStore, PathBuf, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/x.db");
        let store = SqliteStore::open(&path).unwrap();
        store.publish(Publication { loaded: vec![workflow("w")], kept: vec![] }).await.unwrap();
        (store, path, folder)
    }

    async fn accept(store: &SqliteStore) -> Result<Accepted> {
        store.accept(queued(RunId::new(Timestamp(1_700_000_000_000)), "w", Trigger::Webhook)).await
    }

    async fn is_lost(store: &SqliteStore, part: &str) {
        for _ in 0..3 {
            match accept(store).await {
                Err(StoreError::Lost(text)) => assert!(text.contains(part), "{text}"),
                other => panic!("{other:?}"),
            }
        }
        assert!(store.try_to_keep().await.is_err() && store.failing().is_some());
    }

    #[tokio::test]
    async fn nothing_is_kept_in_a_file_that_is_gone() {
        let (store, path, folder) = store().await;
        let away = folder.path().join("away");
        for name in ["data/x.db", "data/x.db-wal", "data"] {
            fs::rename(folder.path().join(name), &away).unwrap();
            is_lost(&store, "is gone").await;
            // The same file again: it works as before.
            fs::rename(&away, folder.path().join(name)).unwrap();
            assert_eq!(accept(&store).await.unwrap(), Accepted::Queued);
            assert!(store.try_to_keep().await.is_ok() && store.failing().is_none());
        }
        fs::rename(&path, &away).unwrap();
        fs::copy(&away, &path).unwrap();
        is_lost(&store, "another file is at").await;
        drop(store);
        // Acknowledged data exists at the next start.
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.runs(crate::store::RunQuery { limit: 10, ..Default::default() }).await.unwrap().runs.len(), 3);
    }

    #[tokio::test]
    async fn an_idle_store_notices_that_its_file_is_gone() {
        let (store, path, _folder) = store().await;
        fs::remove_file(&path).unwrap();
        for _ in 0..200 {
            if store.failing().is_some() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the change was not seen");
    }

    #[tokio::test]
    async fn a_file_that_was_cut_off_or_written_over_stays_lost() {
        for suffix in ["", "-wal"] {
            let (store, path, _folder) = store().await;
            accept(&store).await.unwrap();
            let file = beside(&path, suffix);
            let bytes = fs::read(&file).unwrap();
            fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(bytes.len() as u64 / 2).unwrap();
            is_lost(&store, "was damaged").await;
            fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(bytes.len() as u64).unwrap();
            is_lost(&store, "stop the engine").await;
        }
        let (store, path, _folder) = store().await;
        drop(store);
        let store = SqliteStore::open(&path).unwrap();
        let pages = fs::metadata(&path).unwrap().len() as usize;
        let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        std::io::Write::write_all(&mut file, &vec![b'x'; pages]).unwrap();
        is_lost(&store, "was damaged").await;
    }

    #[tokio::test]
    async fn others_may_move_the_wal_into_the_database() {
        let (store, path, _folder) = store().await;
        accept(&store).await.unwrap();
        let other = Connection::open(&path).unwrap();
        let moved: i64 = other.query_row("pragma wal_checkpoint(truncate)", (), |row| row.get(0)).unwrap();
        assert_eq!(moved, 0, "not busy");
        drop(other);
        assert_eq!(accept(&store).await.unwrap(), Accepted::Queued);
    }
}
