//! Which file uses which, by the paths in its code: `use` items, and paths that begin with `crate`, `super` or a child.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// The files of one crate and what each uses.
pub struct Uses {
    files: Vec<PathBuf>,
    edges: Vec<BTreeSet<usize>>,
}

/// A name with the path that it refers to.
type Import = (String, Vec<String>);

/// A file as a module: the path of its names, what it declares, and what its imports mean.
struct Module {
    path: Vec<String>,
    text: String,
    children: BTreeSet<String>,
    imports: HashMap<String, Vec<String>>,
}

impl Uses {
    /// Those of the sources below `root`, a crate's `src`, each with its text.
    pub fn of(root: &Path, sources: Vec<(PathBuf, String)>) -> Self {
        let modules: Vec<Module> = sources.iter().map(|(file, text)| Module::of(root, file, text)).collect();
        let known: HashMap<&[String], usize> =
            modules.iter().enumerate().map(|(at, module)| (module.path.as_slice(), at)).collect();
        let edges = modules.iter().enumerate().map(|(at, module)| {
            let paths = module.paths();
            paths.iter().filter_map(|path| file_of(path, &modules, &known, 8)).filter(|to| *to != at).collect()
        });
        Self { edges: edges.collect(), files: sources.into_iter().map(|(file, _)| file).collect() }
    }

    /// The circles: files that use each other, each group in the order of its names.
    pub fn circles(&self) -> Vec<Vec<&Path>> {
        let reach: Vec<BTreeSet<usize>> = (0..self.files.len()).map(|at| self.reached(at)).collect();
        let mut seen = BTreeSet::new();
        let mut circles = Vec::new();
        for at in 0..self.files.len() {
            if reach[at].contains(&at) && seen.insert(at) {
                let mut circle: Vec<usize> = reach[at].iter().copied().filter(|to| reach[*to].contains(&at)).collect();
                seen.extend(circle.iter().copied());
                circle.sort_by_key(|file| &self.files[*file]);
                circles.push(circle.into_iter().map(|file| self.files[file].as_path()).collect());
            }
        }
        circles
    }

    /// The files within these that each of them uses.
    pub fn among(&self, circle: &[&Path]) -> BTreeMap<&Path, Vec<&Path>> {
        let inside = |at: &usize| circle.contains(&self.files[*at].as_path());
        let used = |at: usize| self.edges[at].iter().filter(|to| inside(to)).map(|to| self.files[*to].as_path());
        (0..self.files.len()).filter(inside).map(|at| (self.files[at].as_path(), used(at).collect())).collect()
    }

    fn reached(&self, from: usize) -> BTreeSet<usize> {
        let mut reached = BTreeSet::new();
        let mut left: Vec<usize> = self.edges[from].iter().copied().collect();
        while let Some(at) = left.pop() {
            if reached.insert(at) {
                left.extend(&self.edges[at]);
            }
        }
        reached
    }
}

impl Module {
    fn of(root: &Path, file: &Path, text: &str) -> Self {
        let below = file.strip_prefix(root).unwrap_or(file).with_extension("");
        let mut path: Vec<String> = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        path.pop_if(|last| matches!(last.as_str(), "mod" | "lib" | "main"));
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let declared = |line: &&str| {
            let name = line.split_once("mod ")?.1.strip_suffix(';')?;
            (!line.starts_with(' ')).then(|| name.to_owned())
        };
        let children = code.iter().filter_map(declared).collect();
        let mut module = Self { path, text: code.join("\n"), children, imports: HashMap::new() };
        for (name, path) in module.uses().into_iter().flat_map(|(_, paths)| paths) {
            if let Some(path) = module.absolute(&path) {
                module.imports.insert(name, path);
            }
        }
        module
    }

    /// The `use` items: whether they only hand names on, and their names with what they mean.
    fn uses(&self) -> Vec<(bool, Vec<Import>)> {
        let starts = self.text.match_indices("use ").filter(|(at, _)| {
            let line = self.text[..*at].rsplit('\n').next().unwrap_or_default();
            line.trim().is_empty() || line.trim_start().starts_with("pub")
        });
        starts
            .map(|(at, _)| {
                let line = self.text[..at].rsplit('\n').next().unwrap_or_default();
                let tree = self.text[at + 4..].split(';').next().unwrap_or_default();
                let mut paths = Vec::new();
                spread(tree.trim(), &mut Vec::new(), &mut paths);
                (line.trim_start().starts_with("pub"), paths)
            })
            .collect()
    }

    /// The absolute paths that its code names, but for those that it only hands on.
    fn paths(&self) -> Vec<Vec<String>> {
        let items = self.uses().into_iter().filter(|(handed_on, _)| !handed_on).flat_map(|(_, paths)| paths);
        let mut paths: Vec<Vec<String>> = items.filter_map(|(_, path)| self.absolute(&path)).collect();
        let without_uses: String = self
            .text
            .lines()
            .filter(|l| !l.trim_start().starts_with("use ") && !l.starts_with("pub"))
            .collect::<Vec<_>>()
            .join("\n");
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        for (at, _) in without_uses.match_indices("::") {
            let before = &without_uses[..at];
            let start = before.rfind(|c: char| !is_name(c)).map_or(0, |end| end + 1);
            let first = &before[start..];
            // A path of `pub(in crate::a)` is not used.
            let is_first = !before[..start].ends_with("::") && !before[..start].ends_with("(in ");
            if is_first && (matches!(first, "crate" | "super" | "self") || self.children.contains(first)) {
                let rest = &without_uses[start..];
                let end = rest.find(|c: char| !(is_name(c) || c == ':')).unwrap_or(rest.len());
                let path: Vec<String> = rest[..end].split("::").filter(|p| !p.is_empty()).map(str::to_owned).collect();
                paths.extend(self.absolute(&path));
            }
        }
        paths
    }

    /// A path from the root of the crate; nothing for one of another crate.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let first = path.first()?;
        match first.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([&self.path, &path[1..]].concat()),
            "super" => {
                let up = path.iter().take_while(|part| *part == "super").count();
                Some([self.path.get(..self.path.len().checked_sub(up)?)?, &path[up..]].concat())
            }
            name if self.children.contains(name) => Some([&self.path, path].concat()),
            _ => None,
        }
    }
}

/// The names that a tree of `use` brings, with the path of each.
fn spread(tree: &str, before: &mut Vec<String>, found: &mut Vec<Import>) {
    let depth = before.len();
    match tree.split_once('{').filter(|(head, _)| !head.contains(',')) {
        Some((head, rest)) => {
            before.extend(head.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned));
            for part in parts(rest.trim_end().strip_suffix('}').unwrap_or(rest)) {
                spread(part.trim(), before, found);
            }
        }
        None => {
            let (path, alias) =
                tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias.trim())));
            before.extend(path.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned));
            if before.len() > depth && before.last().is_some_and(|last| last == "self") {
                before.pop();
            }
            if let Some(last) = before.last() {
                found.push((alias.unwrap_or(last).to_owned(), before.clone()));
            }
        }
    }
    before.truncate(depth);
}

/// The parts between the commas of the outermost level.
fn parts(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&text[start..]);
    found.retain(|part| !part.trim().is_empty());
    found
}

/// The file that a path leads to, through names that others hand on.
fn file_of(path: &[String], modules: &[Module], known: &HashMap<&[String], usize>, left: usize) -> Option<usize> {
    let length = (0..=path.len()).rev().find(|length| known.contains_key(&path[..*length]))?;
    let at = *known.get(&path[..length])?;
    let handed_on = path.get(length).and_then(|name| modules[at].imports.get(name)).filter(|_| left > 0);
    match handed_on {
        Some(meant) => file_of(&[meant, &path[length + 1..]].concat(), modules, known, left - 1),
        None => Some(at),
    }
}

#[test]
fn circles_are_found() {
    let source = |file: &str, text: &str| (PathBuf::from(file), text.to_owned());
    let uses = Uses::of(
        Path::new("src"),
        vec![
            source("src/lib.rs", "pub mod a;\nmod b;\npub use b::B;\n// use crate::a::A;"),
            source("src/a/mod.rs", "mod c;\npub use c::C;\nuse crate::{B, std::x as y};"),
            source("src/a/c.rs", "use super::super::a as other;\npub struct C;"),
            source("src/b.rs", "fn f() -> crate::a::C { g() }"),
        ],
    );
    assert_eq!(uses.circles(), [[Path::new("src/a/c.rs"), Path::new("src/a/mod.rs"), Path::new("src/b.rs")]]);
}
