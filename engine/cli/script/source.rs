//! Texts of scripts, from files and standard input.

use crate::output::Stop;
use flowscript_engine::disk::{self, Unread};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The largest file that is read as a script or as input, in bytes.
const MOST: u64 = 256 << 20;

/// A script and where it came from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name in messages: its path, `<stdin>`, `<expression>`.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The folder that contains its modules or their folder.
    pub folder: PathBuf,
}

impl Source {
    /// The script in `path`; `-` is standard input.
    pub fn read(path: &Path) -> Result<Self, Stop> {
        if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().read_to_end(&mut bytes);
            let text = read.map_err(|error| explain(&Unread::Io(error))).and_then(|_| to_text(bytes));
            let text = text.map_err(|reason| Stop::new(format!("Cannot read standard input: {reason}")))?;
            return Ok(Self { name: "<stdin>".into(), text, folder: ".".into() });
        }
        let text = read_text(path).map_err(|reason| {
            let stop = Stop::new(format!("Cannot read `{}`: {reason}", path.display()));
            match nearest_file(path) {
                Some(near) => stop.with_hint(format!("did you mean `{}`?", near.display())),
                None => stop,
            }
        })?;
        let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
        Ok(Self { name: path.display().to_string(), text, folder })
    }

    /// An expression given as an argument.
    pub fn expression(text: &str) -> Self {
        Self { name: "<expression>".into(), text: text.into(), folder: ".".into() }
    }
}

/// The text in a file, without a byte order mark. The error is a message. Only files that are already open, such as
/// `/dev/stdin` and `<(command)`, need not be regular files.
pub fn read_text(path: &Path) -> Result<String, String> {
    let is_open = ["/dev/stdin", "/dev/fd", "/proc/self/fd"].iter().any(|open| path.starts_with(open));
    let bytes = if is_open { read_stream(path) } else { disk::read(path, MOST) };
    bytes.map_err(|unread| explain(&unread)).and_then(to_text)
}

fn read_stream(path: &Path) -> Result<Vec<u8>, Unread> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(Unread::Unfit(format!("it has more than {MOST} bytes")));
    }
    Ok(bytes)
}

fn to_text(bytes: Vec<u8>) -> Result<String, String> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
        let line = valid.filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not UTF-8 text. Save the file as UTF-8.")
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn explain(unread: &Unread) -> String {
    match unread {
        Unread::Io(error) if error.kind() == ErrorKind::NotFound => "the file does not exist.".into(),
        Unread::Io(error) if error.kind() == ErrorKind::PermissionDenied => "permission denied.".into(),
        other => format!("{other}."),
    }
}

/// The file that was probably meant if the suffix is missing or the name mistyped.
fn nearest_file(path: &Path) -> Option<PathBuf> {
    if path.exists() {
        return None;
    }
    let wanted = path.file_name()?.to_str()?.to_lowercase();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
    let scripts = entries.flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let stem = name.strip_suffix(".flow")?.to_lowercase();
        let distance = strsim::damerau_levenshtein(&stem, wanted.trim_end_matches(".flow"));
        (distance <= 1 + wanted.chars().count() / 5).then_some((distance, name))
    });
    let (_, name) = scripts.min()?;
    Some(folder.map_or_else(|| PathBuf::from(&name), |folder| folder.join(&name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_cannot_be_read_say_why() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("prices.flow"), "\u{feff}return 1;").unwrap();
        std::fs::write(at("latin.flow"), b"let a = 1;\nlet b = '\xe9';").unwrap();
        assert_eq!(Source::read(&at("prices.flow")).unwrap().text, "return 1;");
        let stop = Source::read(&at("price.flow")).unwrap_err();
        assert!(stop.message.ends_with("the file does not exist."), "{}", stop.message);
        assert!(stop.hint.unwrap().contains("prices.flow"));
        assert!(Source::read(&at("latin.flow")).unwrap_err().message.contains("line 2 is not UTF-8"));
        assert!(Source::read(folder.path()).unwrap_err().message.contains("it is a folder"));
    }
}
