//! Writes corrected files.

use crate::output::{Report, Stop, print};
use crate::script::read_text;
use flowscript_lang::diagnostic::fix::Applied;
use std::fs;
use std::io::{Error, Write};
use std::path::{Path, PathBuf};

/// Writes the corrected text of a file whose text was `before`, and reports the number of fixes. Standard input is printed.
pub fn write(path: &Path, before: &str, settled: &Applied, report: &mut Report) -> Result<(), Stop> {
    if path.as_os_str() == "-" {
        print(&settled.text);
        return Ok(());
    }
    if settled.text != before {
        replace(path, before, &settled.text)
            .map_err(|reason| Stop::new(format!("Cannot write `{}`: {reason}", path.display())))?;
    }
    let count = |number: usize| format!("{number} fix{}", if number == 1 { "" } else { "es" });
    if settled.applied > 0 {
        report.note(&format!("{}: {} applied", path.display(), count(settled.applied)));
    }
    if settled.skipped > 0 {
        let why = "another one changes the same place; check once more";
        report.note(&format!("{}: {} left out: {why}", path.display(), count(settled.skipped)));
    }
    Ok(())
}

/// Replaces a file that still has the text `before` by a new one. At each moment one of the two exists completely.
fn replace(path: &Path, before: &str, after: &str) -> Result<(), String> {
    let told = |error: Error| format!("{error}.");
    // The target of a link is written, not the link.
    let path = path.canonicalize().map_err(told)?;
    if read_text(&path)? != before.trim_start_matches(MARK) {
        return Err("it was changed meanwhile.".to_owned());
    }
    let has_mark = fs::read(&path).map_err(told)?.starts_with(MARK.as_bytes());
    let temporary = beside(&path);
    let written = write_new(&temporary, if has_mark { MARK } else { "" }, after.trim_start_matches(MARK))
        .and_then(|()| fs::set_permissions(&temporary, fs::metadata(&path)?.permissions()))
        .and_then(|()| fs::rename(&temporary, &path));
    written.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        told(error)
    })
}

/// The byte order mark, which is removed when texts are read.
const MARK: &str = "\u{feff}";

fn write_new(path: &Path, mark: &str, text: &str) -> Result<(), Error> {
    let mut file = fs::File::create_new(path)?;
    file.write_all(mark.as_bytes())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A name for a new file in the folder of another one, which no check treats as a source.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.{}.fix", std::process::id()))
}
