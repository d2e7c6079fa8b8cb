//! The lock on the data folder: one engine at a time, and others learn where it is.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::{Result, StoreError};

/// The name of the lock file in the data folder.
const NAME: &str = "lock";

/// The lock on a data folder; it ends when this is dropped, or with the process, however it ends.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
    path: PathBuf,
}

/// Who holds a data folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holder {
    /// The process.
    pub pid: Option<u32>,
    /// The address of its API, once it serves: `http://127.0.0.1:7070`.
    pub address: Option<String>,
}

/// What came of an attempt to lock a folder.
#[derive(Debug)]
pub enum Locking {
    /// It is ours.
    Locked(FolderLock),
    /// Somebody else has it.
    Held(Holder),
}

impl FolderLock {
    /// Locks a data folder, which is made if it is not there.
    pub fn acquire(folder: &Path) -> Result<Locking> {
        let path = folder.join(NAME);
        let told = |error: std::io::Error| told(&path, &error);
        fs::create_dir_all(folder).map_err(told)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(told)?;
        match file.try_lock() {
            Ok(()) => {
                let mut lock = Self { file, path };
                lock.write(&Holder { pid: Some(std::process::id()), address: None })?;
                Ok(Locking::Locked(lock))
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Who holds it is a courtesy: what cannot be read is left out.
                let _ = file.read_to_string(&mut text);
                Ok(Locking::Held(read(&text)))
            }
            Err(TryLockError::Error(error)) => Err(told(error)),
        }
    }

    /// Who holds a data folder now; nobody, if there is no such folder.
    pub fn holder(folder: &Path) -> Result<Option<Holder>> {
        let path = folder.join(NAME);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(told(&path, &error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // As above.
                let _ = file.read_to_string(&mut text);
                Ok(Some(read(&text)))
            }
            Err(TryLockError::Error(error)) => Err(told(&path, &error)),
        }
    }

    /// Writes down where the engine's API is, for commands that find the folder locked.
    pub fn set_address(&mut self, address: &str) -> Result<()> {
        self.write(&Holder { pid: Some(std::process::id()), address: Some(address.to_owned()) })
    }

    fn write(&mut self, holder: &Holder) -> Result<()> {
        let text = serde_json::json!({ "pid": holder.pid, "address": holder.address }).to_string();
        let written = self
            .file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| self.file.write_all(text.as_bytes()))
            .and_then(|()| self.file.flush());
        written.map_err(|error| told(&self.path, &error))
    }
}

fn read(text: &str) -> Holder {
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    Holder {
        pid: value["pid"].as_u64().and_then(|pid| pid.try_into().ok()),
        address: value["address"].as_str().map(str::to_owned),
    }
}

fn told(path: &Path, error: &std::io::Error) -> StoreError {
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
            Locking::Held(told) => assert_eq!(told, holder),
            Locking::Locked(_) => panic!("two at a time"),
        }
        drop(lock);
        assert_eq!(FolderLock::holder(&folder).unwrap(), None);
        // Whoever comes next is not taken for the one before.
        let lock = locked(&folder);
        assert_eq!(FolderLock::holder(&folder).unwrap(), Some(Holder { address: None, ..holder }));
        drop(lock);
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
