//! The ids of workflows, which their files are named by.

/// The id of the workflow whose file is `path` below `workflows/`, slashes between folders. The error says what is
/// wrong with the name.
pub fn id_of_path(path: &str) -> Result<String, String> {
    let stem = path.strip_suffix(".yaml").ok_or_else(|| format!("`{path}` does not end with .yaml"))?;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    for part in stem.split('/') {
        if part.is_empty() || !part.chars().all(allowed) {
            return Err(format!(
                "`{part}` cannot be part of a workflow's id; names of files and folders are made of a-z, 0-9, _ and -"
            ));
        }
    }
    Ok(stem.replace('/', "."))
}

/// Can a workflow have this id?
pub fn is_workflow_id(id: &str) -> bool {
    id_of_path(&format!("{}.yaml", id.replace('.', "/"))).is_ok()
}
