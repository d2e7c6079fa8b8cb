//! The lock on the data folder: one engine at a time, and others learn its address.
//!
//! Two things are locked: the folder itself, which cannot be removed while the store is in it, and the file `lock` in
//! it, which names the holder. A removed file is made again ([`FolderLock::keep`]) and never admits another engine.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::{Result, StoreError};
use crate::disk::{self, Identity, MOST_OF_SECRET};

/// The name of the lock file in the data folder.
const NAME: &str = "lock";

/// The lock on a data folder; it ends on drop, or with the process, however it ends.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
    path: PathBuf,
    /// The folder, if its file system can lock folders.
    folder: Option<File>,
    holder: Holder,
}

/// The holder of a data folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holder {
    /// The process.
    pub pid: Option<u32>,
    /// The address of its API, once it serves: `http://127.0.0.1:7070`.
    pub address: Option<String>,
}

/// The result of an attempt to lock a folder.
#[derive(Debug)]
pub enum Locking {
    /// It is ours.
    Locked(FolderLock),
    /// Another process has it.
    Held(Holder),
}

impl FolderLock {
    /// Locks a data folder, which is created if it is missing, with access for its owner only.
    pub fn acquire(folder: &Path) -> Result<Locking> {
        let path = folder.join(NAME);
        let failed = |error: std::io::Error| failed(&path, &error);
        disk::make_private_folder(folder).map_err(failed)?;
        let held = || Ok(Locking::Held(read(&path)));
        let Some(locked) = lock_folder(folder).map_err(failed)? else { return held() };
        let file = disk::open_private(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                let holder = Holder { pid: Some(std::process::id()), address: None };
                let mut lock = Self { file, path, folder: locked, holder };
                lock.write()?;
                Ok(Locking::Locked(lock))
            }
            Err(TryLockError::WouldBlock) => held(),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// The process that holds a data folder now; `None` if the folder is missing.
    pub fn holder(folder: &Path) -> Result<Option<Holder>> {
        let path = folder.join(NAME);
        let failed = |error: std::io::Error| failed(&path, &error);
        let is_held = |file: &File| match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        };
        match File::open(folder) {
            // Without locks of folders only the file counts.
            Ok(folder) if is_held(&folder).unwrap_or(false) => return Ok(Some(read(&path))),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        }
        match disk::open(&path) {
            Ok((file, _)) => Ok(is_held(&file).map_err(failed)?.then(|| read(&path))),
            Err(unread) if unread.is_missing() => Ok(None),
            Err(unread) => Err(failed(std::io::Error::other(unread.to_string()))),
        }
    }

    /// Stores the address of the engine's API, for commands that find the folder locked.
    pub fn set_address(&mut self, address: &str) -> Result<()> {
        self.holder.address = Some(address.to_owned());
        self.write()
    }

    /// Makes the file again if it was removed, so that commands find the engine. The folder stays locked in any case.
    pub fn keep(&mut self) -> Result<()> {
        let failed = |error: std::io::Error| failed(&self.path, &error);
        let identity = |metadata: fs::Metadata| Identity::of(&metadata);
        let is_there = match fs::metadata(&self.path) {
            Ok(metadata) => identity(metadata) == self.file.metadata().map(identity).map_err(failed)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => return Err(failed(error)),
        };
        let Some(folder) = self.folder.as_ref().filter(|_| !is_there) else { return Ok(()) };
        // Not in another folder at its path.
        let around = self.path.parent().map(fs::metadata).transpose().map_err(failed)?.map(identity);
        if around != Some(folder.metadata().map(identity).map_err(failed)?) {
            return Ok(());
        }
        let file = disk::open_private(&self.path).map_err(failed)?;
        if file.try_lock().is_ok() {
            self.file = file;
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        let text = serde_json::json!({ "pid": self.holder.pid, "address": self.holder.address }).to_string();
        let written = self
            .file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| self.file.write_all(text.as_bytes()))
            .and_then(|()| self.file.flush());
        written.map_err(|error| failed(&self.path, &error))
    }
}

/// The folder, locked; an inner `None` if its file system has no such locks, an outer `None` if another process holds
/// it.
#[allow(clippy::option_option, reason = "locked, not to be locked, and held are three")]
fn lock_folder(folder: &Path) -> std::io::Result<Option<Option<File>>> {
    let folder = File::open(folder)?;
    Ok(match folder.try_lock() {
        Ok(()) => Some(Some(folder)),
        Err(TryLockError::WouldBlock) => None,
        Err(TryLockError::Error(_)) => Some(None),
    })
}

/// The holder's own entry. It is informative only: unreadable parts are left out.
fn read(path: &Path) -> Holder {
    let mut text = String::new();
    if let Ok((file, _)) = disk::open(path) {
        let _ = file.take(MOST_OF_SECRET).read_to_string(&mut text);
    }
    parse(&text)
}

fn parse(text: &str) -> Holder {
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    Holder {
        pid: value["pid"].as_u64().and_then(|pid| pid.try_into().ok()),
        address: value["address"].as_str().map(str::to_owned),
    }
}

fn failed(path: &Path, error: &std::io::Error) -> StoreError {
    let text = format!("the data folder cannot be locked: {}: {error}", path.display());
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StoreError::Full(text),
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly(text),
        _ => StoreError::Other(text),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn locked(folder: &Path) -> FolderLock {
        match FolderLock::acquire(folder).unwrap() {
            Locking::Locked(lock) => lock,
            Locking::Held(holder) => panic!("held by {holder:?}"),
        }
    }

    #[test]
    fn a_second_one_is_told_who_holds_the_folder() {
        let temp = TempDir::new().unwrap();
        let folder = temp.path().join("data");
        assert_eq!(FolderLock::holder(&folder).unwrap(), None);
        let mut lock = locked(&folder);
        let mut holder = Holder { pid: Some(std::process::id()), address: None };
        assert_eq!(FolderLock::holder(&folder).unwrap(), Some(holder.clone()));
        lock.set_address("http://127.0.0.1:7070").unwrap();
        holder.address = Some("http://127.0.0.1:7070".to_owned());
        match FolderLock::acquire(&folder).unwrap() {
            Locking::Held(found) => assert_eq!(found, holder),
            Locking::Locked(_) => panic!("two at a time"),
        }
        drop(lock);
        assert_eq!(FolderLock::holder(&folder).unwrap(), None);
        // The next holder is not mistaken for the one before.
        let lock = locked(&folder);
        assert_eq!(FolderLock::holder(&folder).unwrap(), Some(Holder { address: None, ..holder }));
        drop(lock);
    }

    #[test]
    fn a_lock_file_that_was_removed_lets_nobody_in() {
        let temp = TempDir::new().unwrap();
        let folder = temp.path().join("data");
        let mut lock = locked(&folder);
        lock.set_address("http://127.0.0.1:7070").unwrap();
        fs::remove_file(folder.join(NAME)).unwrap();
        assert!(matches!(FolderLock::acquire(&folder).unwrap(), Locking::Held(_)), "removed");
        fs::write(folder.join(NAME), "{}").unwrap();
        assert!(matches!(FolderLock::acquire(&folder).unwrap(), Locking::Held(_)), "another one");
        assert_eq!(FolderLock::holder(&folder).unwrap(), Some(Holder::default()));
        lock.keep().unwrap();
        assert_eq!(FolderLock::holder(&folder).unwrap().unwrap().address.as_deref(), Some("http://127.0.0.1:7070"));
        lock.keep().unwrap();
        drop(lock);
        locked(&folder);
    }

    #[test]
    fn a_folder_that_cannot_be_is_told() {
        let temp = TempDir::new().unwrap();
        let file = temp.path().join("file");
        fs::write(&file, "").unwrap();
        let error = FolderLock::acquire(&file.join("data")).unwrap_err();
        assert!(error.to_string().starts_with("the data folder cannot be locked: "), "{error}");
    }
}
