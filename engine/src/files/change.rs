//! Files that are written, appended to, moved and deleted. Each is on disk before the step has its result.

use super::{Addition, Files, content, io};
use crate::script::Fault;
use flowscript_lang::budget::Budget;
use flowscript_lang::error::ErrorKind;
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind as IoKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

impl Files {
    /// Writes a file at `path`, which must stay inside the folder: to a temporary one first, so that readers see the old
    /// content or the new one whole. Folders on the way are made.
    pub fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Fault> {
        let failed = |error: Error| io(format!("The file `{path}` cannot be written: {error}"));
        let (folder, name) = self.place(path, failed)?;
        let target = folder.join(&name);
        if target.is_dir() {
            return Err(io(format!("`{path}` is a folder; a file cannot take its place")));
        }
        let temporary = folder.join(format!(".{name}.{:016x}", rand::random::<u64>()));
        let write = || {
            let mut file = File::create_new(&temporary)?;
            file.write_all(bytes)?;
            // Renamed before its bytes are on disk, a crash would leave an empty file.
            file.sync_all()?;
            std::fs::rename(&temporary, &target)?;
            sync_folder(&folder)
        };
        write().map_err(|error| {
            // The rest of the attempt is useless.
            let _ = std::fs::remove_file(&temporary);
            failed(error)
        })
    }

    /// Adds to the end of a file, which is made if it is missing.
    pub(super) fn append(&self, path: &str, addition: &Addition, budget: &mut dyn Budget) -> Result<(), Fault> {
        let failed = |error: Error| io(format!("The file `{path}` cannot be appended to: {error}"));
        let (folder, name) = self.place(path, failed)?;
        let target = self.not_outside(path, &folder.join(name))?;
        let is_new = match target.metadata() {
            Ok(metadata) if metadata.is_file() => false,
            // A pipe would wait for a reader.
            Ok(_) => return Err(io(format!("The file `{path}` cannot be appended to: it is not a file"))),
            Err(error) if error.kind() == IoKind::NotFound => true,
            Err(error) => return Err(failed(error)),
        };
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(target).map_err(failed)?;
        lock(&file).map_err(failed)?;
        let bytes = match addition {
            Addition::Bytes(bytes) => bytes.clone(),
            Addition::Lines(lines) => {
                let gap: &[u8] = if ends_a_line(&mut file).map_err(failed)? { b"" } else { b"\n" };
                [gap, lines].concat()
            }
            Addition::Rows(rows) => {
                let gap: &[u8] = if ends_a_line(&mut file).map_err(failed)? { b"" } else { b"\r\n" };
                let header = first_line(&mut file).map_err(failed)?;
                let unfit = |reason: String| Fault::new(ErrorKind::Value, format!("The file `{path}`: {reason}"));
                let rows = content::csv_rows(rows, header.as_deref(), budget);
                let rows = rows.map_err(|error| error.into_fault(unfit))?;
                [gap, rows.as_bytes()].concat()
            }
        };
        let written = file.write_all(&bytes).and_then(|()| file.sync_all());
        written.and_then(|()| if is_new { sync_folder(&folder) } else { Ok(()) }).map_err(failed)
    }

    /// Moves a file. An existing target is an error, and stays as it is.
    pub(super) fn rename(&self, from: &str, to: &str, repeated: bool) -> Result<(), Fault> {
        let failed = |error: Error| io(format!("The file `{from}` cannot be moved to `{to}`: {error}"));
        super::check_plain(from)?;
        let (target_folder, name) = self.place(to, failed)?;
        let target = target_folder.join(name);
        let (source_folder, source) = match self.existing_place(from, failed) {
            Err(_) if repeated && target.is_file() => return Ok(()),
            found => found?,
        };
        let source = source_folder.join(source);
        if repeated && is_missing(&source) && !is_missing(&target) {
            return Ok(());
        }
        if source != target && !is_missing(&target) {
            return Err(io(format!("The file `{from}` cannot be moved to `{to}`: there is a file already")));
        }
        std::fs::rename(source, target).map_err(failed)?;
        sync_folder(&source_folder).and_then(|()| sync_folder(&target_folder)).map_err(failed)
    }

    /// Removes a file; of a link, the link itself.
    pub(super) fn delete(&self, path: &str, repeated: bool) -> Result<(), Fault> {
        let failed = |error: Error| io(format!("The file `{path}` cannot be deleted: {error}"));
        let (folder, name) = match self.existing_place(path, failed) {
            Err(_) if repeated && self.is_gone(path) => return Ok(()),
            found => found?,
        };
        match std::fs::remove_file(folder.join(name)) {
            Err(error) if repeated && error.kind() == IoKind::NotFound => Ok(()),
            removed => removed.and_then(|()| sync_folder(&folder)).map_err(failed),
        }
    }

    /// Is a path inside the folder and missing, perhaps because its folder is missing too?
    fn is_gone(&self, path: &str) -> bool {
        super::check_plain(path).is_ok() && is_missing(&self.root.join(path))
    }
}

fn is_missing(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|error| error.kind() == IoKind::NotFound)
}

/// Other runs append to the same file at the same time: each adds its part whole.
fn lock(file: &File) -> Result<(), Error> {
    match file.lock() {
        // Some network file systems have no locks.
        Err(error) if error.kind() == IoKind::Unsupported => Ok(()),
        locked => locked,
    }
}

/// Whether a file is empty or ends with a line end.
fn ends_a_line(file: &mut File) -> Result<bool, Error> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// The bytes of the first row of a CSV file; `None` if the file is empty. Line ends in quotes belong to the row.
fn first_line(file: &mut File) -> Result<Option<Vec<u8>>, Error> {
    /// A row of column names that is longer is not one.
    const MOST: u64 = 1 << 20;
    file.seek(SeekFrom::Start(0))?;
    let mut read = Vec::new();
    file.take(MOST).read_to_end(&mut read)?;
    let mut quoted = false;
    let end = read.iter().position(|byte| {
        quoted ^= *byte == b'"';
        *byte == b'\n' && !quoted
    });
    read.truncate(end.unwrap_or(read.len()));
    Ok((!read.is_empty()).then_some(read))
}

/// A change of names is on disk once the folder is.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), Error> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Some file systems cannot do it for folders; these keep names by themselves.
        Err(error) if matches!(error.kind(), IoKind::Unsupported | IoKind::InvalidInput) => Ok(()),
        synced => synced,
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> Result<(), Error> {
    Ok(())
}
