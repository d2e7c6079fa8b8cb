//! The file with the lines of earlier sessions.

use std::path::PathBuf;

/// The file of the history; its folder is made. `None` if it cannot have one.
pub fn file() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = variable("XDG_STATE_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".local/state")))
        .or_else(|| variable("LOCALAPPDATA"))?
        .join("flowscript");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}
