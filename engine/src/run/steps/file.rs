//! Files of the project: everything below `files/`, and nothing outside.

use crate::script::{Fault, decode_csv, decode_json};
use crate::workflow::model::FileFormat;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::{DateTime, RowsBuilder, Value};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 64 << 20;
/// Decoded files that are kept for the next run; larger ones are read each time.
const CACHED_BYTES: u64 = 4 << 20;
const CACHED_FILES: usize = 64;

/// A folder that file steps read.
#[derive(Debug)]
pub struct Files {
    root: PathBuf,
    /// Decoded contents, good as long as the file's size and time stay.
    cache: Mutex<HashMap<(PathBuf, FileFormat), (Stamp, Value)>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Stamp {
    bytes: u64,
    modified: SystemTime,
}

impl Files {
    /// The files below `root`.
    pub fn new(root: PathBuf) -> Self {
        Self { root, cache: Mutex::default() }
    }

    /// The content of the file at `path`, which must stay inside the folder. Without a format the suffix decides:
    /// `.json`, `.csv`, `.txt`, else bytes.
    pub fn read(&self, path: &str, format: Option<FileFormat>) -> Result<Value, Fault> {
        let file = self.inside(path)?;
        let failed = |error: std::io::Error| io(format!("The file `{path}` cannot be read: {error}"));
        let metadata = std::fs::metadata(&file).map_err(failed)?;
        if !metadata.is_file() {
            return Err(io(format!("`{path}` is not a file")));
        }
        if metadata.len() > MAX_BYTES {
            let bytes = metadata.len();
            return Err(io(format!("The file `{path}` has {bytes} bytes; {MAX_BYTES} are the most")));
        }
        let format = format.unwrap_or_else(|| by_suffix(&file));
        let stamp = metadata.modified().ok().map(|modified| Stamp { bytes: metadata.len(), modified });
        let key = (file, format);
        if let Some(value) = self.cached(&key, stamp) {
            return Ok(value);
        }
        let bytes = std::fs::read(&key.0).map_err(failed)?;
        let value = decode(bytes, format).map_err(|reason| {
            Fault::new(ErrorKind::Value, format!("The file `{path}` does not hold what it should: {reason}"))
        })?;
        if let Some(stamp) = stamp.filter(|stamp| stamp.bytes <= CACHED_BYTES && is_settled(*stamp)) {
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            if cache.len() >= CACHED_FILES {
                cache.clear();
            }
            cache.insert(key, (stamp, value.clone()));
        }
        Ok(value)
    }

    /// Does what a step says.
    pub fn perform(&self, change: &Change) -> Result<Value, Fault> {
        match change {
            Change::Read(path, format) => return self.read(path, *format),
            Change::List(path) => return self.list(path),
            Change::Write(path, bytes) => self.write(path, bytes)?,
            Change::Append(path, bytes) => self.append(path, bytes)?,
            Change::Move(from, to) => self.rename(from, to)?,
            Change::Delete(path) => self.delete(path)?,
        }
        Ok(Value::Null)
    }

    /// Writes a file at `path`, which must stay inside the folder: to a temporary one first, so that readers see the old
    /// content or the new one whole. Folders on the way are made.
    pub fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Fault> {
        let failed = |error: std::io::Error| io(format!("The file `{path}` cannot be written: {error}"));
        let (folder, name) = self.place(path, failed)?;
        let target = folder.join(&name);
        if target.is_dir() {
            return Err(io(format!("`{path}` is a folder; a file cannot take its place")));
        }
        let temporary = folder.join(format!(".{name}.{:016x}", rand::random::<u64>()));
        let write = || {
            let mut file = std::fs::File::create_new(&temporary)?;
            file.write_all(bytes)?;
            // Renamed before its bytes are there, a crash would leave an empty file behind.
            file.sync_all()?;
            std::fs::rename(&temporary, &target)
        };
        write().map_err(|error| {
            // What is left of the attempt is of no use to anybody.
            let _ = std::fs::remove_file(&temporary);
            failed(error)
        })
    }

    /// Adds to the end of a file, which is made if it is not there.
    fn append(&self, path: &str, bytes: &[u8]) -> Result<(), Fault> {
        let failed = |error: std::io::Error| io(format!("The file `{path}` cannot be appended to: {error}"));
        let (folder, name) = self.place(path, failed)?;
        let target = self.not_outside(path, &folder.join(name))?;
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(target).map_err(failed)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)
    }

    /// Gives a file another path. What is there already stays: it is an error.
    fn rename(&self, from: &str, to: &str) -> Result<(), Fault> {
        let failed = |error: std::io::Error| io(format!("The file `{from}` cannot be moved to `{to}`: {error}"));
        check_plain(from)?;
        let (source_folder, source) = self.existing_place(from, failed)?;
        let (folder, name) = self.place(to, failed)?;
        let (source, target) = (source_folder.join(source), folder.join(name));
        if target.symlink_metadata().is_ok() {
            return Err(io(format!("The file `{from}` cannot be moved to `{to}`: there is a file already")));
        }
        std::fs::rename(source, target).map_err(failed)
    }

    /// Removes a file; a link goes, not what it leads to.
    fn delete(&self, path: &str) -> Result<(), Fault> {
        let failed = |error: std::io::Error| io(format!("The file `{path}` cannot be deleted: {error}"));
        let (folder, name) = self.existing_place(path, failed)?;
        std::fs::remove_file(folder.join(name)).map_err(failed)
    }

    /// The files and folders in a folder, by name; `*` in the last part of the path stands for any characters.
    fn list(&self, path: &str) -> Result<Value, Fault> {
        let failed = |error: std::io::Error| io(format!("The folder `{path}` cannot be listed: {error}"));
        let (folder, pattern) = match path.rsplit_once('/') {
            Some((folder, last)) if last.contains('*') => (folder, last),
            None if path.contains('*') => (".", path),
            _ => (path, "*"),
        };
        let at = self.inside(if folder.is_empty() { "." } else { folder })?;
        let mut entries: Vec<(String, std::fs::Metadata)> = Vec::new();
        for entry in std::fs::read_dir(at).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // Hidden ones are those of editors, and of writes that have not ended.
            if !name.starts_with('.') && matches(pattern, &name) {
                entries.push((name, entry.metadata().map_err(failed)?));
            }
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        let prefix = if folder == "." { String::new() } else { format!("{}/", folder.trim_end_matches('/')) };
        let rows = entries.into_iter().map(|(name, metadata)| {
            let modified = metadata.modified().ok().and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
            let modified = modified.and_then(|at| DateTime::from_unix(at.as_secs() as i64, at.subsec_nanos(), 0));
            Value::record([
                ("name", Value::text(name.as_str())),
                ("path", Value::text(format!("{prefix}{name}"))),
                ("size", Value::from(metadata.len() as i64)),
                ("modified", modified.map_or(Value::Null, Value::DateTime)),
                ("folder", metadata.is_dir().into()),
            ])
        });
        let mut table = RowsBuilder::default();
        rows.for_each(|row| table.push(row));
        Ok(table.finish())
    }

    /// The real folder and the name of a path that need not exist; folders on the way are made.
    fn place(&self, path: &str, failed: impl Fn(std::io::Error) -> Fault) -> Result<(PathBuf, String), Fault> {
        check_plain(path)?;
        std::fs::create_dir_all(&self.root).map_err(&failed)?;
        let root = self.root.canonicalize().map_err(&failed)?;
        let target = root.join(path);
        let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(io(format!("`{path}` is no path of a file")));
        };
        // A link on the way may lead outside: nothing is made behind one that does.
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

    /// The real folder and the name of something that is there.
    fn existing_place(&self, path: &str, failed: impl Fn(std::io::Error) -> Fault) -> Result<(PathBuf, String), Fault> {
        check_plain(path)?;
        let root = self.root.canonicalize().map_err(&failed)?;
        let target = root.join(path);
        let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(io(format!("`{path}` is no path of a file")));
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
        let missing = |error: std::io::Error| io(format!("The file `{path}` cannot be read: {error}"));
        let root = self.root.canonicalize().map_err(missing)?;
        let file = root.join(path).canonicalize().map_err(missing)?;
        if !file.starts_with(&root) {
            return Err(io(format!("`{path}` is a link that leaves the folder")));
        }
        Ok(file)
    }
}

/// What a step does with files.
#[derive(Clone, Debug)]
pub enum Change {
    /// Reads one.
    Read(String, Option<FileFormat>),
    /// Lists a folder.
    List(String),
    /// Writes one whole.
    Write(String, Vec<u8>),
    /// Adds to one.
    Append(String, Vec<u8>),
    /// Gives one another path.
    Move(String, String),
    /// Removes one.
    Delete(String),
}

/// Does a name fit a pattern whose `*` stand for any characters?
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(found) => rest = rest.get(found + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

/// A path that says nothing of folders outside.
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

pub(super) fn by_suffix(file: &Path) -> FileFormat {
    let suffix = file.extension().and_then(|suffix| suffix.to_str()).unwrap_or_default().to_ascii_lowercase();
    match suffix.as_str() {
        "json" => FileFormat::Json,
        "csv" => FileFormat::Csv,
        "txt" | "md" | "log" | "xml" | "html" => FileFormat::Text,
        _ => FileFormat::Binary,
    }
}

fn decode(bytes: Vec<u8>, format: FileFormat) -> Result<Value, String> {
    if format == FileFormat::Binary {
        return Ok(Value::binary(bytes));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        format!("it is not UTF-8 text at byte {}; read it `as: binary`", error.utf8_error().valid_up_to())
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    match format {
        FileFormat::Json => decode_json(text),
        FileFormat::Csv => decode_csv(text),
        FileFormat::Text | FileFormat::Binary => Ok(Value::text(text)),
    }
}

fn io(message: String) -> Fault {
    Fault::new(ErrorKind::Io, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Files) {
        let project = tempfile::tempdir().unwrap();
        let root = project.path().join("files");
        std::fs::create_dir_all(root.join("in")).unwrap();
        std::fs::write(project.path().join("secret.txt"), "secret").unwrap();
        std::fs::write(root.join("in/a.json"), "{\"n\": 1.50}").unwrap();
        std::fs::write(root.join("a.csv"), "sku,price\nA1,2.5\n").unwrap();
        std::fs::write(root.join("a.bin"), [0xff]).unwrap();
        std::fs::write(root.join("bad.json"), "{").unwrap();
        std::os::unix::fs::symlink(project.path().join("secret.txt"), root.join("link.txt")).unwrap();
        (project, Files::new(root))
    }

    #[test]
    fn formats() {
        let (_project, files) = folder();
        assert_eq!(files.read("in/a.json", None).unwrap().to_literal(100), "{n: 1.5}");
        let Value::Table(table) = files.read("a.csv", None).unwrap() else { panic!("no table") };
        assert_eq!((table.len(), table.shape().names().len()), (1, 2));
        assert!(matches!(files.read("a.csv", Some(FileFormat::Text)), Ok(Value::Text(_))));
        assert!(matches!(files.read("a.bin", None), Ok(Value::Binary(_))));
    }

    #[test]
    fn what_is_refused() {
        let (project, files) = folder();
        let check = |path: &str, part: &str| {
            let fault = files.read(path, None).unwrap_err();
            assert!(fault.message.contains(part), "{path}: {}", fault.message);
        };
        check("../secret.txt", "leaves the folder");
        check("in/../../secret.txt", "leaves the folder");
        check(project.path().join("secret.txt").to_str().unwrap(), "leaves the folder");
        check("", "leaves the folder");
        check("link.txt", "is a link");
        check("none.csv", "cannot be read");
        check("in", "is not a file");
        check("bad.json", "does not hold what it should");
        assert!(files.read("a.bin", Some(FileFormat::Text)).unwrap_err().message.contains("not UTF-8 text at byte 0"));
    }

    #[test]
    fn patterns_of_names() {
        let check = |pattern, name| matches(pattern, name);
        assert!(check("*", "a") && check("*.csv", "a.csv") && check("a*b*c", "a-b-c") && check("a", "a"));
        assert!(!check("*.csv", "a.csvx") && !check("a*b*c", "a-c") && !check("a", "ab") && !check("ab*ba", "aba"));
    }

    #[test]
    fn files_are_listed_appended_moved_and_deleted_inside_only() {
        let (project, files) = folder();
        let perform = |change| files.perform(&change);
        perform(Change::Append("log/a.txt".into(), b"one".to_vec())).unwrap();
        perform(Change::Append("log/a.txt".into(), b"two".to_vec())).unwrap();
        perform(Change::Move("log/a.txt".into(), "done/a.txt".into())).unwrap();
        assert!(matches!(files.read("done/a.txt", None), Ok(Value::Text(text)) if text == "onetwo"));
        let listed = perform(Change::List("*.csv".into())).unwrap();
        assert!(listed.to_literal(200).contains("path: 'a.csv'"), "{}", listed.to_literal(200));
        let listed = perform(Change::List("done".into())).unwrap();
        assert!(listed.to_literal(200).contains("path: 'done/a.txt', size: 6"), "{}", listed.to_literal(200));
        assert!(perform(Change::Move("done/a.txt".into(), "a.csv".into())).is_err(), "what is there stays");
        perform(Change::Delete("done/a.txt".into())).unwrap();
        assert!(perform(Change::Delete("done/a.txt".into())).is_err());
        perform(Change::Delete("link.txt".into())).unwrap();
        assert!(project.path().join("secret.txt").exists(), "the link goes, not the file");
        std::os::unix::fs::symlink(project.path(), project.path().join("files/away")).unwrap();
        std::os::unix::fs::symlink(project.path().join("secret.txt"), project.path().join("files/link.txt")).unwrap();
        let outside = [
            Change::List("away".into()),
            Change::List("../*".into()),
            Change::Append("link.txt".into(), b"x".to_vec()),
            Change::Append("away/new.txt".into(), b"x".to_vec()),
            Change::Write("away/deep/new.txt".into(), b"x".to_vec()),
            Change::Move("away/secret.txt".into(), "mine.txt".into()),
            Change::Move("a.csv".into(), "away/a.csv".into()),
            Change::Delete("away/secret.txt".into()),
        ];
        for change in outside {
            assert!(files.perform(&change).is_err(), "{change:?}");
        }
        assert_eq!(std::fs::read_to_string(project.path().join("secret.txt")).unwrap(), "secret");
        assert!(!project.path().join("deep").exists() && !project.path().join("new.txt").exists());
    }

    #[test]
    fn files_are_written_inside_only() {
        let (project, files) = folder();
        files.write("out/b/c.txt", b"one").unwrap();
        files.write("out/b/c.txt", b"two").unwrap();
        assert!(matches!(files.read("out/b/c.txt", None), Ok(Value::Text(text)) if text == "two"));
        assert_eq!(
            std::fs::read_dir(project.path().join("files/out/b")).unwrap().count(),
            1,
            "nothing temporary stays"
        );
        std::os::unix::fs::symlink(project.path(), project.path().join("files/away")).unwrap();
        for path in ["../x.txt", "/tmp/x.txt", "away/x.txt", "", "out/b"] {
            assert!(files.write(path, b"x").is_err(), "{path}");
        }
        assert!(!project.path().join("x.txt").exists());
    }

    #[test]
    fn a_changed_file_is_read_again() {
        let (project, files) = folder();
        let path = project.path().join("files/in/a.json");
        let old = SystemTime::now() - std::time::Duration::from_secs(60);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        assert_eq!(files.read("in/a.json", None).unwrap().to_literal(100), "{n: 1.5}");
        assert_eq!(files.read("in/a.json", None).unwrap().to_literal(100), "{n: 1.5}");
        std::fs::write(&path, "{\"n\": 2}").unwrap();
        assert_eq!(files.read("in/a.json", None).unwrap().to_literal(100), "{n: 2}");
    }
}
