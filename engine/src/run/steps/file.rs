//! Files of the project: everything below `files/`, and nothing outside.

use crate::script::{Fault, decode_csv, decode_json};
use crate::workflow::model::FileFormat;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::Value;
use std::collections::HashMap;
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

    /// Writes a file at `path`, which must stay inside the folder: to a temporary one first, so that readers see the old
    /// content or the new one whole. Folders on the way are made.
    pub fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Fault> {
        let failed = |error: std::io::Error| io(format!("The file `{path}` cannot be written: {error}"));
        check_plain(path)?;
        std::fs::create_dir_all(&self.root).map_err(failed)?;
        let root = self.root.canonicalize().map_err(failed)?;
        let target = root.join(path);
        let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(io(format!("`{path}` is no path of a file")));
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        // A link on the way may lead outside.
        let folder = folder.canonicalize().map_err(failed)?;
        if !folder.starts_with(&root) {
            return Err(io(format!("`{path}` is a link that leaves the folder files/")));
        }
        let temporary = folder.join(format!(".{}.{:016x}", name.to_string_lossy(), rand::random::<u64>()));
        let written = std::fs::write(&temporary, bytes).and_then(|()| std::fs::rename(&temporary, folder.join(name)));
        written.map_err(|error| {
            // What is left of the attempt is of no use to anybody.
            let _ = std::fs::remove_file(&temporary);
            failed(error)
        })
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
            return Err(io(format!("`{path}` is a link that leaves the folder files/")));
        }
        Ok(file)
    }
}

/// A path that says nothing of folders outside.
fn check_plain(path: &str) -> Result<(), Fault> {
    let mut parts = Path::new(path).components();
    let plain = parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if path.is_empty() || path.contains('\0') || !plain {
        return Err(io(format!("`{path}` leaves the folder files/; write a path inside it, without `..`")));
    }
    Ok(())
}

/// A file that was changed just now may change again within the resolution of its time.
fn is_settled(stamp: Stamp) -> bool {
    SystemTime::now().duration_since(stamp.modified).is_ok_and(|age| age.as_millis() > 100)
}

fn by_suffix(file: &Path) -> FileFormat {
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
