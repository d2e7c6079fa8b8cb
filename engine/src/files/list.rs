//! The files and folders in a folder.

use super::{Files, io, still_to_wait};
use crate::script::Fault;
use flowscript_lang::budget::Budget;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::{DateTime, RowsBuilder, Value};
use std::fs::Metadata;
use std::time::{Duration, SystemTime};

/// The most entries that a list has.
pub(super) const MOST_ENTRIES: usize = 100_000;
/// Asking the system for an entry takes about as long as this many steps.
const STEPS_OF_ENTRY: u64 = 10;

impl Files {
    /// The files and folders in a folder, by name; `*` in the last part of the path matches any characters. Files that
    /// have changed within `settled` are left out: they may still be written.
    pub(super) fn list(&self, path: &str, settled: Option<Duration>, budget: &mut dyn Budget) -> Result<Value, Fault> {
        let failed = |error: std::io::Error| io(format!("The folder `{path}` cannot be listed: {error}"));
        let (folder, pattern) = match path.rsplit_once('/') {
            Some((folder, last)) if last.contains('*') => (folder, last),
            None if path.contains('*') => (".", path),
            _ => (path, "*"),
        };
        let at = self.inside(if folder.is_empty() { "." } else { folder })?;
        let mut entries: Vec<(String, Metadata)> = Vec::new();
        for entry in std::fs::read_dir(at).map_err(failed)? {
            budget.spend(STEPS_OF_ENTRY).map_err(|error| Fault::new(error.kind, error.message))?;
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // Hidden ones are those of editors, and of unfinished writes.
            if name.starts_with('.') || !matches(pattern, &name) {
                continue;
            }
            if entries.len() == MOST_ENTRIES {
                let message = format!(
                    "The folder `{path}` has more than {MOST_ENTRIES} entries, the most that a step lists; move some away, \
                     or list fewer with `*`."
                );
                return Err(Fault::new(ErrorKind::Limit, message));
            }
            match entry.metadata() {
                Ok(metadata) => entries.push((name, metadata)),
                // Moved away since the folder was read.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(io(format!("The folder `{path}` cannot be listed: `{name}` in it: {error}")));
                }
            }
        }
        if let Some(settled) = settled {
            entries.retain(|(_, metadata)| metadata.is_dir() || still_to_wait(metadata, settled).is_none());
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        let prefix = if folder == "." { String::new() } else { format!("{}/", folder.trim_end_matches('/')) };
        let mut table = RowsBuilder::default();
        entries.into_iter().for_each(|(name, metadata)| table.push(row(&prefix, &name, &metadata)));
        Ok(table.finish())
    }
}

fn row(prefix: &str, name: &str, metadata: &Metadata) -> Value {
    let modified = metadata.modified().ok().and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    let modified = modified.and_then(|at| DateTime::from_unix(at.as_secs() as i64, at.subsec_nanos(), 0));
    Value::record([
        ("name", Value::text(name)),
        ("path", Value::text(format!("{prefix}{name}"))),
        ("size", Value::from(metadata.len() as i64)),
        ("modified", modified.map_or(Value::Null, Value::DateTime)),
        ("folder", metadata.is_dir().into()),
    ])
}

/// Does a name match a pattern whose `*` matches any characters?
pub(super) fn matches(pattern: &str, name: &str) -> bool {
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
