//! How files and folders are read and made: only regular files of bounded size, no blocking on others, and an error is
//! never taken for a missing file.

use std::fmt;
use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// The largest file of a project that is read as text (a workflow, a module, connections, settings), in bytes.
pub const MOST_OF_PROJECT: u64 = 4 << 20;
/// The largest file with a secret or a certificate, in bytes.
pub const MOST_OF_SECRET: u64 = 1 << 20;

/// Why a file was not read.
#[derive(Debug)]
pub enum Unread {
    /// An error of the system.
    Io(io::Error),
    /// It cannot be read at all: not a regular file, too large, or not a text. The text says which.
    Unfit(String),
}

impl Unread {
    /// Is the file missing?
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == ErrorKind::NotFound)
    }

    /// Is the error not about this file, but about the process, the system or the disk? Everything else may fail for
    /// the same reason.
    pub fn is_general(&self) -> bool {
        matches!(self, Self::Io(error) if is_general(error))
    }

    /// May the same file become readable without being changed?
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Io(_))
    }
}

/// Errors that are not about the named path.
pub fn is_general(error: &io::Error) -> bool {
    let of_path = matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::NotADirectory
            | ErrorKind::IsADirectory
            | ErrorKind::InvalidInput
            | ErrorKind::InvalidFilename
    );
    !of_path && !is_loop(error)
}

/// Is it a link that leads to itself?
#[cfg(unix)]
fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn is_loop(_: &io::Error) -> bool {
    false
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{error}"),
            Self::Unfit(reason) => f.write_str(reason),
        }
    }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Opens a regular file for reading. The kind of the file is checked before it is opened, and again after: a pipe would
/// wait for a writer, a device may do anything.
pub fn open(path: &Path) -> Result<(File, Metadata), Unread> {
    check_regular(fs::metadata(path)?.file_type())?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.cast_signed());
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    check_regular(metadata.file_type())?;
    Ok((file, metadata))
}

/// The bytes of a regular file that has `most` bytes at most.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, Unread> {
    let (file, metadata) = open(path)?;
    read_from(file, &metadata, most)
}

/// The bytes of an opened file that has `most` bytes at most.
pub fn read_from(file: File, metadata: &Metadata, most: u64) -> Result<Vec<u8>, Unread> {
    let too_large = |bytes: u64| Unread::Unfit(format!("it has {bytes} bytes; the limit is {most}"));
    if metadata.len() > most {
        return Err(too_large(metadata.len()));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    // It may grow while it is read.
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

/// The text of a regular file that has `most` bytes at most.
pub fn read_text(path: &Path, most: u64) -> Result<String, Unread> {
    text(read(path, most)?)
}

/// Bytes as text.
pub fn text(bytes: Vec<u8>) -> Result<String, Unread> {
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count() + 1;
        Unread::Unfit(format!("line {line} is not UTF-8"))
    })
}

fn check_regular(of: FileType) -> Result<(), Unread> {
    if of.is_file() {
        return Ok(());
    }
    Err(Unread::Unfit(format!("it is {}, not a file", kind(of))))
}

#[cfg(unix)]
fn kind(of: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match of {
        of if of.is_dir() => "a folder",
        of if of.is_fifo() => "a pipe",
        of if of.is_socket() => "a socket",
        of if of.is_block_device() || of.is_char_device() => "a device",
        _ => "something else",
    }
}

#[cfg(not(unix))]
fn kind(of: FileType) -> &'static str {
    if of.is_dir() { "a folder" } else { "something else" }
}

/// Makes a folder that only its owner can access, and its parents; an existing one stays as it is, regardless of the
/// umask.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
        fs::create_dir_all(above)?;
    }
    match fs::create_dir(folder) {
        // Another process has made it first.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => return Ok(()),
        made => made?,
    }
    #[cfg(unix)]
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

/// Opens a file for reading and writing that only its owner can read, and makes it if it is missing; its content stays.
/// The umask has no effect. Only regular files are opened.
pub fn open_private(path: &Path) -> io::Result<File> {
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => {
            let reason = format!("it is {}, not a file", kind(metadata.file_type()));
            return Err(io::Error::new(ErrorKind::InvalidInput, reason));
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

/// The identity of a file under any name: device and number. Two names of one file give the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity(u64, u64);

impl Identity {
    /// The identity from metadata; `None` on systems without file numbers.
    #[cfg(unix)]
    pub fn of(metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        Some(Self(metadata.dev(), metadata.ino()))
    }

    /// Files have no numbers here.
    #[cfg(not(unix))]
    pub fn of(_: &Metadata) -> Option<Self> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn only_regular_files_of_a_bound_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("text"), "abc\n").unwrap();
        assert_eq!(read_text(&at("text"), 4).unwrap(), "abc\n");
        let refused = |name: &str| read(&at(name), 4).unwrap_err();
        fs::write(at("long"), "abcde").unwrap();
        assert!(refused("long").to_string().contains("5 bytes; the limit is 4"));
        let sparse = File::create(at("sparse")).unwrap();
        sparse.set_len(1 << 40).unwrap();
        assert!(refused("sparse").to_string().contains("1099511627776 bytes"));
        fs::create_dir(at("folder")).unwrap();
        assert!(refused("folder").to_string().contains("a folder"));
        assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        assert!(refused("pipe").to_string().contains("a pipe"));
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        assert!(refused("socket").to_string().contains("a socket"));
        std::os::unix::fs::symlink("/dev/zero", at("device")).unwrap();
        assert!(refused("device").to_string().contains("a device"));
        std::os::unix::fs::symlink("loop", at("loop")).unwrap();
        let error = refused("loop");
        assert!(!error.is_missing() && !error.is_general() && error.may_pass(), "{error}");
        assert!(refused("none").is_missing());
        assert!(is_general(&io::Error::from_raw_os_error(24)), "too many open files are about no path");
        fs::write(at("latin"), b"a\nb\xe9").unwrap();
        assert!(read_text(&at("latin"), 9).unwrap_err().to_string().contains("line 2 is not UTF-8"));
    }

    #[test]
    fn what_is_made_is_its_owner_s() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a/data");
        make_private_folder(&data).unwrap();
        make_private_folder(&data).unwrap();
        open_private(&data.join("x")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&data), mode(&data.join("x"))), (0o700, 0o600));
        assert!(open_private(&data).is_err());
    }
}
