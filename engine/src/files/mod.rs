//! Files below one folder: the project's `files/`, or the folder of a connection. Paths outside are refused.

mod change;
mod content;
mod format;
mod list;
#[cfg(test)]
mod tests;

pub use content::{Addition, addition, bytes};
pub use format::FileFormat;

use crate::disk;
use crate::script::Fault;
use flowscript_lang::budget::Budget;
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::value::Value;
use std::collections::HashMap;
use std::fs::Metadata;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 64 << 20;
/// Decoded files that are kept for the next run; larger ones are read each time.
const CACHED_BYTES: u64 = 4 << 20;
const CACHED_FILES: usize = 64;

/// A folder that file steps read and change.
#[derive(Debug)]
pub struct Files {
    root: PathBuf,
    /// Decoded contents, valid while the file's size and time stay the same.
    cache: Mutex<HashMap<(PathBuf, FileFormat), (Stamp, Value)>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Stamp {
    bytes: u64,
    modified: SystemTime,
}

/// The action of a step on files.
#[derive(Clone, Debug)]
pub enum FileChange {
    /// Reads a file.
    Read(String, Option<FileFormat>),
    /// Lists a folder, without files that have changed within this time.
    List(String, Option<Duration>),
    /// Writes a whole file.
    Write(String, Vec<u8>),
    /// Adds to the end of a file.
    Append(String, Addition),
    /// Gives a file another path.
    Move(String, String),
    /// Removes a file.
    Delete(String),
}

impl Files {
    /// The files below `root`.
    pub fn new(root: PathBuf) -> Self {
        Self { root, cache: Mutex::default() }
    }

    /// The content of the file at `path`, which must stay inside the folder. Without a format the suffix decides:
    /// `.json`, `.ndjson`, `.csv`, `.txt`, else bytes. The budget pays for the result.
    pub fn read(&self, path: &str, format: Option<FileFormat>, budget: &mut dyn Budget) -> Result<Value, Fault> {
        let (file, metadata) = self.file(path)?;
        if metadata.len() > MAX_BYTES {
            return Err(too_large(path, metadata.len()));
        }
        let format = format.unwrap_or_else(|| FileFormat::by_suffix(&file));
        let stamp = metadata.modified().ok().map(|modified| Stamp { bytes: metadata.len(), modified });
        let key = (file, format);
        if let Some(value) = self.cached(&key, stamp) {
            return Ok(value);
        }
        let bytes = disk::read(&key.0, MAX_BYTES)
            .map_err(|unread| io(format!("The file `{path}` cannot be read: {unread}")))?;
        let stopped = |error: Box<RunError>| Fault::new(error.kind, error.message);
        budget.take(bytes.len()).and_then(|()| budget.scan(bytes.len())).map_err(stopped)?;
        let unfit =
            |reason| Fault::new(ErrorKind::Value, format!("The file `{path}` does not hold what it should: {reason}"));
        let value = content::decode(bytes, format, budget).map_err(|error| error.into_fault(unfit))?;
        if let Some(stamp) = stamp.filter(|stamp| stamp.bytes <= CACHED_BYTES && is_settled(*stamp)) {
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            if cache.len() >= CACHED_FILES {
                cache.clear();
            }
            cache.insert(key, (stamp, value.clone()));
        }
        Ok(value)
    }

    /// How long the file must still stay unchanged until it counts as settled; `None` if it has settled.
    pub fn unsettled(&self, path: &str, settled: Duration) -> Result<Option<Duration>, Fault> {
        let (_, metadata) = self.file(path)?;
        Ok(still_to_wait(&metadata, settled))
    }

    /// Performs the change of a step. `repeated`: an earlier attempt ended without a known result and may have done it
    /// already. The budget pays for what is read, and stops work that is cancelled.
    pub fn perform(&self, change: &FileChange, repeated: bool, budget: &mut dyn Budget) -> Result<Value, Fault> {
        match change {
            FileChange::Read(path, format) => return self.read(path, *format, budget),
            FileChange::List(path, settled) => return self.list(path, *settled, budget),
            FileChange::Write(path, bytes) => self.write(path, bytes)?,
            FileChange::Append(path, addition) => self.append(path, addition, budget)?,
            FileChange::Move(from, to) => self.rename(from, to, repeated)?,
            FileChange::Delete(path) => self.delete(path, repeated)?,
        }
        Ok(Value::Null)
    }

    /// The real path of an existing file, and its metadata.
    fn file(&self, path: &str) -> Result<(PathBuf, Metadata), Fault> {
        let file = self.inside(path)?;
        let metadata = std::fs::metadata(&file).map_err(|error| unread(path, &error))?;
        if !metadata.is_file() {
            return Err(io(format!("`{path}` is not a file")));
        }
        Ok((file, metadata))
    }

    /// The real folder and the name of a path that need not exist; folders on the way are made.
    fn place(&self, path: &str, failed: impl Fn(std::io::Error) -> Fault) -> Result<(PathBuf, String), Fault> {
        check_plain(path)?;
        std::fs::create_dir_all(&self.root).map_err(&failed)?;
        let root = self.root.canonicalize().map_err(&failed)?;
        let target = root.join(path);
        let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(io(format!("`{path}` is not the path of a file")));
        };
        // A link on the way may lead outside: nothing is made below such a link.
        let mut there = folder;
        while !there.exists() {
            there = there.parent().unwrap_or(&root);
        }
        if !there.canonicalize().map_err(&failed)?.starts_with(&root) {
            return Err(io(format!("`{path}` is a link that leaves the folder")));
        }
        std::fs::create_dir_all(folder).map_err(&failed)?;
        let folder = folder.canonicalize().map_err(&failed)?;
        if !folder.starts_with(&root) {
            return Err(io(format!("`{path}` is a link that leaves the folder")));
        }
        Ok((folder, name.to_string_lossy().into_owned()))
    }

    /// The real folder and the name of an existing entry.
    fn existing_place(&self, path: &str, failed: impl Fn(std::io::Error) -> Fault) -> Result<(PathBuf, String), Fault> {
        check_plain(path)?;
        let root = self.root.canonicalize().map_err(&failed)?;
        let target = root.join(path);
        let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(io(format!("`{path}` is not the path of a file")));
        };
        let folder = folder.canonicalize().map_err(&failed)?;
        if !folder.starts_with(&root) {
            return Err(io(format!("`{path}` is a link that leaves the folder")));
        }
        Ok((folder, name.to_string_lossy().into_owned()))
    }

    /// A file that is a link must not lead outside.
    fn not_outside(&self, path: &str, target: &Path) -> Result<PathBuf, Fault> {
        if target.symlink_metadata().is_err() {
            return Ok(target.to_owned());
        }
        self.inside(path)
    }

    fn cached(&self, key: &(PathBuf, FileFormat), stamp: Option<Stamp>) -> Option<Value> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let (seen, value) = cache.get(key)?;
        (Some(*seen) == stamp).then(|| value.clone())
    }

    /// The real path of a file inside the folder, through links.
    fn inside(&self, path: &str) -> Result<PathBuf, Fault> {
        check_plain(path)?;
        let root = self.root.canonicalize().map_err(|error| unread(path, &error))?;
        let file = root.join(path).canonicalize().map_err(|error| unread(path, &error))?;
        if !file.starts_with(&root) {
            return Err(io(format!("`{path}` is a link that leaves the folder")));
        }
        Ok(file)
    }
}

/// A path that does not lead to folders outside.
fn check_plain(path: &str) -> Result<(), Fault> {
    let mut parts = Path::new(path).components();
    let plain = parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if path.is_empty() || path.contains('\0') || !plain {
        return Err(io(format!("`{path}` leaves the folder; write a path inside it, without `..`")));
    }
    Ok(())
}

/// A file that was changed just now may change again within the resolution of its time.
fn is_settled(stamp: Stamp) -> bool {
    SystemTime::now().duration_since(stamp.modified).is_ok_and(|age| age.as_millis() > 100)
}

/// How long a file must still stay unchanged until it has been left alone for `settled`.
///
/// A program that copies a file with its times sets them last; the time of that change counts, where the system has it.
/// A time far in the future comes from another clock and says nothing.
fn still_to_wait(metadata: &Metadata, settled: Duration) -> Option<Duration> {
    let changed = last_change(metadata)?;
    let now = SystemTime::now();
    match now.duration_since(changed) {
        Ok(age) => settled.checked_sub(age).filter(|rest| !rest.is_zero()),
        Err(ahead) => (ahead.duration() < settled).then_some(settled),
    }
}

#[cfg(unix)]
fn last_change(metadata: &Metadata) -> Option<SystemTime> {
    use std::os::unix::fs::MetadataExt;
    let seconds = Duration::from_secs(u64::try_from(metadata.ctime()).ok()?);
    let changed = SystemTime::UNIX_EPOCH + seconds + Duration::from_nanos(u64::try_from(metadata.ctime_nsec()).ok()?);
    Some(metadata.modified().map_or(changed, |modified| modified.max(changed)))
}

#[cfg(not(unix))]
fn last_change(metadata: &Metadata) -> Option<SystemTime> {
    metadata.modified().ok()
}

fn too_large(path: &str, bytes: u64) -> Fault {
    let message = format!("The file `{path}` has {bytes} bytes; a step reads at most {MAX_BYTES}.");
    Fault::new(ErrorKind::Limit, message)
}

fn unread(path: &str, error: &std::io::Error) -> Fault {
    io(format!("The file `{path}` cannot be read: {error}"))
}

fn io(message: String) -> Fault {
    Fault::new(ErrorKind::Io, message)
}
