//! Modules of a script: `name.flow` in its folder, or in the `modules` folder of its project.

use flowscript_lang::ModuleLoader;
use std::path::{Path, PathBuf};

/// Modules in folders; earlier folders take precedence.
#[derive(Clone, Debug, Default)]
pub struct FolderModules {
    folders: Vec<PathBuf>,
}

impl FolderModules {
    /// The modules of scripts in `folder`.
    pub fn beside(folder: &Path) -> Self {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let mut folders = vec![folder.to_owned(), folder.join("modules")];
        // A link or `..` in the path must not hide the project around it.
        let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let project =
            whole.ancestors().find(|at| at.join("flowscript.toml").is_file() || at.join("workflows").is_dir());
        folders.extend(project.map(|project| project.join("modules")));
        Self { folders }
    }

    /// The file of a module, for messages.
    pub fn file(&self, name: &str) -> String {
        let found = self.files().find(|(file, _)| file.to_lowercase() == name.to_lowercase());
        let shown = |path: &Path| path.strip_prefix(".").unwrap_or(path).display().to_string();
        found.map_or_else(|| format!("{name}.flow"), |(_, path)| shown(&path))
    }

    /// The first folder that exists and cannot be read: a module may be in it.
    fn unread(&self) -> Option<String> {
        let error = |folder: &PathBuf| match std::fs::read_dir(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Some(format!("{} cannot be read: {error}", folder.display()))
            }
            _ => None,
        };
        self.folders.iter().find_map(error)
    }

    fn files(&self) -> impl Iterator<Item = (String, PathBuf)> {
        let entries = self.folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok());
        entries.flat_map(Iterator::flatten).filter_map(|entry| {
            let path = entry.path();
            let name = path.file_stem()?.to_str()?.to_owned();
            path.extension().is_some_and(|ext| ext.eq_ignore_ascii_case("flow")).then_some((name, path))
        })
    }
}

impl ModuleLoader for FolderModules {
    fn load(&self, name: &str) -> Option<Result<String, String>> {
        let found = self.files().find(|(file, _)| file.to_lowercase() == name.to_lowercase());
        let Some((_, path)) = found else { return self.unread().map(Err) };
        Some(super::source::read_text(&path).map_err(|reason| format!("{}: {reason}", path.display())))
    }

    fn names(&self) -> Vec<String> {
        self.files().map(|(name, _)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn modules_are_found_beside_the_script_and_in_the_project() {
        let project = tempfile::tempdir().unwrap();
        let scripts = project.path().join("scripts/deep");
        for folder in ["scripts/deep", "modules", "workflows"] {
            fs::create_dir_all(project.path().join(folder)).unwrap();
        }
        fs::write(project.path().join("modules/Pricing.flow"), "let a = 1;").unwrap();
        fs::write(project.path().join("modules/both.flow"), "project").unwrap();
        fs::write(scripts.join("both.flow"), "beside").unwrap();
        let modules = FolderModules::beside(&scripts);
        assert_eq!(modules.load("pricing"), Some(Ok("let a = 1;".into())));
        assert_eq!(modules.load("both"), Some(Ok("beside".into())));
        assert_eq!(modules.load("none"), None);
        let mut names = modules.names();
        names.sort();
        assert_eq!(names, ["Pricing", "both", "both"]);
    }
}
