//! The house rules that a compiler does not check: length of files, direction of dependencies, stray marks.

mod uses;

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use uses::Uses;

/// The most lines of a file; blank ones and the tests at its end do not count.
const MAX_LINES: usize = 500;

/// Each folder of a crate, in the order in which a script or request passes through them, with all that its files may
/// name of their crate by a path from its root. Tests may name anything.
const FOLDERS: &[(&str, &[&str])] = &[
    ("lang/src/value", &["budget", "error"]),
    ("lang/src/value/number", &[]),
    ("lang/src/types", &["budget", "error", "value"]),
    ("lang/src/types/conform", &["budget", "value"]),
    ("lang/src/function", &["budget", "error", "host", "types", "value"]),
    ("lang/src/diagnostic", &["codes", "diagnostic", "error", "span", "suggest"]),
    ("lang/src/diagnostic/codes", &["codes", "diagnostic"]),
    ("lang/src/parse", &["ast", "diagnostic", "parse", "span", "stack", "value"]),
    ("lang/src/parse/layout", &["parse::token"]),
    ("lang/src/parse/message", &["diagnostic", "parse::grammar", "parse::token", "parse::words", "span"]),
    ("lang/src/parse/build", &["ast", "diagnostic", "parse::grammar", "parse::message", "span", "value"]),
    ("lang/src/parse/recover", &["ast", "diagnostic", "parse::layout", "parse::message", "parse::token", "span"]),
    ("lang/src/tree", &["span", "value"]),
    (
        "lang/src/check",
        &[
            "ast",
            "budget",
            "check",
            "diagnostic",
            "error",
            "function",
            "parse",
            "program",
            "settings",
            "span",
            "suggest",
            "tree",
            "types",
            "value",
        ],
    ),
    ("lang/src/check/lint", &["ast", "diagnostic", "function", "parse", "span", "tree", "types", "value"]),
    ("lang/src/compile", &["ast", "compile", "function", "span", "tree", "types", "value"]),
    ("lang/src/query", &["ast", "budget", "settings", "value"]),
    (
        "lang/src/vm",
        &[
            "ast", "budget", "cache", "compile", "error", "function", "host", "query", "settings", "span", "suggest",
            "tree", "types", "value",
        ],
    ),
    ("lang/src/vm/query", &["ast", "budget", "query", "span", "tree", "value"]),
    ("lang/src/vm/select", &["ast", "error", "query", "tree", "value"]),
    ("lang/src/vm/scalar", &["ast", "budget", "error", "function", "host", "span", "tree", "types", "value"]),
    ("stdlib/src/table", &["arguments", "row", "show", "suggest"]),
    ("stdlib/src/datetime", &["arguments", "format", "row", "show", "suggest"]),
    ("stdlib/src/format", &["arguments", "row", "show", "suggest"]),
    ("stdlib/src/regex", &["arguments", "regex", "row", "show"]),
    ("stdlib/src/regex/parse", &["regex::sets", "regex::tree"]),
    ("stdlib/src/regex/backtrack", &["regex::sets", "regex::span", "regex::tree"]),
    ("stdlib/src/json", &["arguments", "letters", "pages", "row", "shapes", "show", "unwritten"]),
    ("stdlib/src/csv", &["arguments", "cells", "letters", "pages", "row", "show", "unwritten"]),
    ("stdlib/src/xml", &["arguments", "cells", "letters", "pages", "row", "shapes", "show", "unwritten"]),
    ("engine/src/config", &["disk"]),
    ("engine/src/sql", &[]),
    ("engine/src/yaml", &["yaml"]),
    ("engine/src/script", &["yaml", "secret::masked", "store::Failure", "store::LogLine"]),
    ("engine/src/files", &["script", "disk"]),
    ("engine/src/outgoing", &["outgoing", "script", "yaml", "sql", "secret", "burden", "disk", "config::duration"]),
    (
        "engine/src/outgoing/database",
        &[
            "outgoing::database",
            "outgoing::named",
            "outgoing::own",
            "outgoing::tls",
            "script",
            "sql",
            "disk",
            "config::duration",
        ],
    ),
    ("engine/src/outgoing/database/postgres", &["outgoing::database", "script", "sql"]),
    ("engine/src/reading", &["script", "yaml", "outgoing", "config::duration"]),
    (
        "engine/src/steps",
        &["reading", "script", "yaml", "burden", "files", "sql", "outgoing", "pool", "clock", "config::duration"],
    ),
    ("engine/src/access", &["outgoing", "store", "trigger::webhook::auth", "yaml::problem"]),
    (
        "engine/src/workflow",
        &["workflow", "steps", "reading", "outgoing", "redact", "script", "yaml", "trigger", "store::VersionHash"],
    ),
    (
        "engine/src/workflow/read",
        &["workflow::history", "workflow::model", "steps", "reading", "script", "yaml", "trigger"],
    ),
    ("engine/src/store", &["store", "clock", "disk"]),
    ("engine/src/store/sqlite", &["store", "clock", "disk"]),
    ("engine/src/store/contract", &["store", "clock"]),
    ("engine/src/trigger", &["redact", "script", "store::RunId", "clock", "room", "yaml::Place"]),
    ("engine/src/trigger/schedule", &["clock"]),
    ("engine/src/trigger/webhook", &["redact", "script", "room", "yaml::Place"]),
    (
        "engine/src/run",
        &[
            "workflow",
            "steps",
            "script",
            "files",
            "outgoing",
            "store",
            "trigger",
            "burden",
            "clock",
            "metrics",
            "secret",
            "yaml::Place",
        ],
    ),
    (
        "engine/src/project",
        &["project", "workflow", "access", "outgoing", "script", "store::VersionHash", "disk", "told", "yaml"],
    ),
    (
        "engine/src/dispatch",
        &[
            "run",
            "workflow",
            "project",
            "steps",
            "script",
            "outgoing::Sender",
            "store",
            "trigger",
            "burden",
            "clock",
            "config::Limits",
            "metrics",
            "pool",
            "room",
            "told",
        ],
    ),
    (
        "engine/src/engine",
        &[
            "engine",
            "dispatch",
            "project",
            "run",
            "workflow",
            "steps::Reply",
            "script",
            "files",
            "outgoing",
            "store",
            "trigger",
            "access",
            "keys",
            "filter",
            "yaml::problem",
            "clock",
            "config",
            "planted",
            "pool",
            "room",
            "told",
        ],
    ),
    ("engine/src/engine/histories", &["engine", "dispatch", "run", "script", "store", "clock", "config", "planted"]),
    (
        "engine/src/http/api",
        &[
            "http",
            "engine",
            "project",
            "workflow",
            "script",
            "access",
            "keys",
            "room",
            "told",
            "yaml::problem",
            "config::duration",
            "filter",
        ],
    ),
    ("engine/src/http/pages", &["http", "engine", "access", "workflow::history"]),
    (
        "engine/src/http",
        &[
            "http", "engine", "project", "workflow", "trigger", "script", "access", "keys", "metrics", "room",
            "config", "disk", "told",
        ],
    ),
];

/// The house's own crates that a crate may depend on.
const CRATES: &[(&str, &[&str])] =
    &[("lang", &[]), ("stdlib", &["flowscript-lang"]), ("engine", &["flowscript-lang", "flowscript-stdlib"])];

/// What a source must not contain, in halves so that this file may name it.
const MARKS: &[(&str, &str)] = &[
    ("TO", "DO"),
    ("FIX", "ME"),
    ("XX", "X:"),
    ("unimple", "mented!"),
    ("to", "do!("),
    ("db", "g!("),
    ("#[ig", "nore"),
];

#[test]
fn files_are_short() {
    report(sources().iter().filter_map(|path| {
        let lines = counted_lines(path, &read(path));
        (lines > MAX_LINES)
            .then(|| format!("{}: {lines} lines; give a part of its work a file of its own", shown(path)))
    }));
}

#[test]
fn files_say_what_they_are_for() {
    let silent = |path: &&PathBuf| !path.ends_with("tests.rs") && !read(path).starts_with("//! ");
    report(
        sources()
            .iter()
            .filter(silent)
            .map(|path| format!("{}: does not begin with a `//!` line that says what the file is for", shown(path))),
    );
}

#[test]
fn no_stray_marks() {
    report(sources().iter().flat_map(|path| {
        let text = read(path);
        marks(&text).map(|(line, mark)| format!("{}:{line}: `{mark}`", shown(path))).collect::<Vec<_>>()
    }));
}

#[test]
fn dependencies_point_one_way() {
    report(FOLDERS.iter().flat_map(|(folder, rule)| {
        files_of(folder).filter(|path| !is_test(path)).flat_map(|path| {
            let text = read(&path);
            forbidden(without_tests(&text), rule)
                .map(|name| format!("{}: names crate::{name}", shown(&path)))
                .collect::<Vec<_>>()
        })
    }));
}

#[test]
fn every_file_is_a_module() {
    let files = ["lang/src", "stdlib/src", "engine/src", "engine/cli"].map(|folder| rust_files(&root().join(folder)));
    let declares = |folder: &Path, line: &str| {
        let parents = ["mod.rs", "lib.rs", "main.rs"].map(|parent| folder.join(parent));
        parents.iter().chain([&folder.with_extension("rs")]).any(|parent| {
            let text = fs::read_to_string(parent).unwrap_or_default();
            text.lines().any(|found| found.trim_end().ends_with(line))
        })
    };
    report(files.concat().iter().filter_map(|path| {
        let (stem, folder) = (path.file_stem()?.to_str()?, path.parent()?);
        let (name, folder) =
            if stem == "mod" { (folder.file_name()?.to_str()?, folder.parent()?) } else { (stem, folder) };
        let inline = format!("mod {} {{", folder.file_name()?.to_str()?);
        let is_module = declares(folder, &format!("mod {name};")) || declares(folder.parent()?, &inline);
        (!is_module && !["lib", "main"].contains(&stem)).then(|| format!("{}: no file has `mod {name};`", shown(path)))
    }));
}

#[test]
fn every_folder_has_a_row() {
    let sources = ["lang", "stdlib", "engine"].map(|name| rust_files(&root().join(name).join("src")));
    let folders: BTreeSet<String> = sources
        .concat()
        .iter()
        .filter(|path| !is_test(path))
        .filter_map(|path| path.parent().filter(|folder| !folder.ends_with("src")).map(shown))
        .collect();
    let rows: BTreeSet<String> = FOLDERS.iter().map(|(folder, _)| (*folder).to_owned()).collect();
    let without = folders.difference(&rows).map(|folder| format!("{folder} has no row"));
    report(without.chain(rows.difference(&folders).map(|row| format!("the row of {row} is of no folder"))));
}

#[test]
fn rows_list_what_is_named_alone() {
    report(FOLDERS.iter().flat_map(|(folder, rule)| {
        let files = rust_files(&root().join(folder));
        let named: Vec<String> =
            files.iter().flat_map(|path| forbidden(&read(path), &[]).collect::<Vec<_>>()).collect();
        let unused = rule.iter().filter(move |place| !named.iter().any(|name| is_within(name, place)));
        unused.map(move |place| format!("{folder} does not name {place}"))
    }));
}

/// Files that use each other, with the reason: all files of a circle are in the folder of one row.
const CIRCLES: &[(&str, &str)] = &[("lang/src/value", "a record may be a row of a table, and a table holds records")];

#[test]
fn files_use_each_other_one_way() {
    report(["lang", "stdlib", "engine"].iter().flat_map(|name| {
        let folder = root().join(name).join("src");
        let files = rust_files(&folder).into_iter().filter(|path| !is_test(path));
        let sources = files.map(|path| {
            let text = without_tests(&read(&path)).to_owned();
            (path, text)
        });
        let uses = Uses::of(&folder, sources.collect());
        let allowed = |circle: &[&Path]| {
            CIRCLES.iter().any(|(place, _)| circle.iter().all(|file| file.starts_with(root().join(place))))
        };
        let circles = uses.circles().into_iter().filter(|circle| !allowed(circle));
        let findings = circles.map(|circle| {
            let each = uses.among(&circle).into_iter().map(|(file, used)| {
                let used: Vec<String> = used.into_iter().map(shown).collect();
                format!("  {} uses {}", shown(file), used.join(", "))
            });
            format!("a circle of {} files:\n{}", circle.len(), each.collect::<Vec<_>>().join("\n"))
        });
        findings.collect::<Vec<_>>()
    }));
}

#[test]
fn crates_depend_one_way() {
    report(CRATES.iter().flat_map(|(name, allowed)| {
        let manifest = read(&root().join(name).join("Cargo.toml"));
        let used: Vec<String> = dependencies(&manifest).map(|(name, _)| name.to_owned()).collect();
        let wrong = used.into_iter().filter(|used| used.starts_with("flowscript") && !allowed.contains(&used.as_str()));
        wrong.map(move |used| format!("{name} must not depend on {used}"))
    }));
}

#[test]
fn dependencies_have_a_reason() {
    let manifests = ["Cargo.toml", "lang/Cargo.toml", "stdlib/Cargo.toml", "engine/Cargo.toml"];
    report(manifests.iter().flat_map(|manifest| {
        let text = read(&root().join(manifest));
        let bare = dependencies(&text).filter(|(name, reason)| !name.starts_with("flowscript") && !reason);
        bare.map(|(name, _)| format!("{manifest}: `{name}` has no reason on or above its line")).collect::<Vec<_>>()
    }));
}

/// The files that declare codes; everything else names them.
const TABLES: [&str; 2] = ["lang/src/diagnostic/codes", "engine/src/yaml/codes.rs"];

#[test]
fn codes_are_written_in_their_tables_alone() {
    let crates = ["lang/src", "stdlib/src", "engine/src", "engine/cli"];
    let files = crates.iter().flat_map(|folder| rust_files(&root().join(folder)));
    let others = files.filter(|path| !TABLES.iter().any(|table| path.starts_with(root().join(table))));
    report(others.filter(|path| !is_test(path)).flat_map(|path| {
        let text = read(&path);
        let found = code_literals(without_tests(&text));
        found
            .map(|(line, code)| format!("{}:{line}: \"{code}\" is a constant of its table", shown(&path)))
            .collect::<Vec<_>>()
    }));
}

/// Where the language may look for functions: there no name is written, in any case and with any part of it.
const LOOKING: &str = "lang/src/check/lint";

#[test]
fn the_language_names_no_function_of_its_library() {
    let library: Vec<String> = rust_files(&root().join("stdlib/src")).iter().map(|path| read(path)).collect();
    let names: HashSet<&str> = library.iter().flat_map(|text| registered(text)).collect();
    assert!(names.len() > 150, "the rows of the library must be found");
    let parts: HashSet<String> = names.iter().flat_map(|name| parts_of(name)).collect();
    let files = rust_files(&root().join("lang/src")).into_iter().filter(|path| !is_test(path));
    report(files.flat_map(|path| {
        let text = read(&path);
        let looks = path.starts_with(root().join(LOOKING));
        let is_name = |literal: &str| names.contains(literal) || looks && parts.contains(&literal.to_ascii_lowercase());
        let found = quoted(without_tests(&text)).filter(|(_, literal)| is_name(literal));
        found
            .map(|(line, name)| format!("{}:{line}: \"{name}\" is a function; state a fact on its row", shown(&path)))
            .collect::<Vec<_>>()
    }));
}

/// The ways to write a name: `csv.decode`, and its parts `csv` and `decode`.
fn parts_of(name: &str) -> Vec<String> {
    let lower = name.to_ascii_lowercase();
    lower.split('.').chain([lower.as_str()]).map(str::to_owned).collect()
}

#[test]
fn no_toolchain_is_prescribed() {
    for name in ["rust-toolchain", "rust-toolchain.toml"] {
        assert!(!root().join(name).exists(), "any current stable toolchain must do: remove {name}");
    }
}

#[test]
fn the_map_names_what_is_there() {
    let map = read(&root().join("ARCHITECTURE.md"));
    let tests: String = rust_files(&root()).iter().map(|path| read(path)).collect();
    report(named_in_code(&map).into_iter().filter_map(|name| {
        let is_there = if is_test_name(name) {
            tests.contains(&format!("fn {name}("))
        } else {
            !name.contains('/')
                || name.contains('[')
                || ["", "engine/src"].iter().any(|folder| root().join(folder).join(name).exists())
        };
        (!is_there).then(|| format!("ARCHITECTURE.md names `{name}`, which is not there"))
    }));
}

#[test]
fn the_rules_find_what_they_look_for() {
    let names = |text, rule: &[&str]| forbidden(text, rule).collect::<Vec<_>>();
    let text = "use crate::value::Number;\nuse crate::{ast, span::Span};\n// crate::run is not code\nfn f() -> crate::run::X {}";
    assert_eq!(names(text, &["value"]), ["ast", "span::Span", "run::X"]);
    assert_eq!(names("use crate::storehouse::X;", &["store"]), ["storehouse::X"]);
    let todo = format!("a\n// {}{} b", "TO", "DO");
    assert_eq!(marks(&todo).map(|(line, _)| line).collect::<Vec<_>>(), [2]);
    let codes = format!("a\nf(\"{}0101\", \"E01\");\ng(\"{}00\")", "E", "F");
    assert_eq!(code_literals(&codes).collect::<Vec<_>>(), [(2, "E0101"), (2, "E01"), (3, "F00")]);
    assert_eq!(code_literals("\"Error\" \"E\" \"W0101x\" \"E-1\"").count(), 0);
    let row = "row(\"Sum(rows: rows) -> number\", sum)\n.also(&[\"Maths.Sum\", \"Add\"])\nrow(\n  \"Map<T>(x)\")";
    assert_eq!(registered(row).collect::<Vec<_>>(), ["Sum", "Map", "Maths.Sum", "Add"]);
    assert_eq!(parts_of("CSV.Decode"), ["csv", "decode", "csv.decode"]);
    assert_eq!(quoted("a\n// \"b\"\nc(\"d\", \"e\")").collect::<Vec<_>>(), [(3, "d"), (3, "e")]);
    let tests = "a\n\nb\n#[cfg(test)]\nmod tests {\nc\n}\n";
    assert_eq!(counted_lines(Path::new("x.rs"), tests), 2);
    assert_eq!(counted_lines(Path::new("tests.rs"), tests), 0);
    let manifest = "[package]\nname = \"x\"\n[dependencies]\n# why\na = \"1\"\nb.workspace = true\nc = \"1\" # why\nd = \"1\"\n[lints]\n";
    let found: Vec<(&str, bool)> = dependencies(manifest).collect();
    assert_eq!(found, [("a", true), ("b", true), ("c", true), ("d", false)]);
    assert_eq!(named_in_code("a `b/c` and `d_e_f_g` d"), ["b/c", "d_e_f_g"]);
    assert!(is_test_name("what_is_not_there") && !is_test_name("scriptSteps") && !is_test_name("a_b"));
    assert!(sources().len() > 50, "the rules must see the sources");
}

fn report(findings: impl Iterator<Item = String>) {
    let mut text = String::new();
    for finding in findings {
        let _ = writeln!(text, "{finding}");
    }
    assert!(text.is_empty(), "\n{text}");
}

/// What a page marks as code, other than blocks.
fn named_in_code(page: &str) -> Vec<&str> {
    page.split('`').skip(1).step_by(2).collect()
}

/// Names of tests are sentences.
fn is_test_name(name: &str) -> bool {
    name.matches('_').count() >= 3 && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

/// Lines that are not blank, up to the tests at the end; none in a file of tests or a generated one.
fn counted_lines(path: &Path, text: &str) -> usize {
    if is_test(path) || text.starts_with("//! Generated") {
        return 0;
    }
    without_tests(text).lines().filter(|line| !line.trim().is_empty()).count()
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs")
}

/// Codes of diagnostics, and what they begin with, in quotes: each with its line.
fn code_literals(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(number, line)| {
        let is_code = |part: &&str| {
            let digits = part.strip_prefix(['E', 'W', 'F']).unwrap_or_default();
            (2..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        line.split('"').filter(is_code).map(move |code| (number + 1, code))
    })
}

/// Literals in quotes, each with its line; comments aside.
fn quoted(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.flat_map(|(number, line)| line.split('"').skip(1).step_by(2).map(move |literal| (number + 1, literal)))
}

/// The names in rows of the registration table, aliases at the end.
fn registered(text: &str) -> impl Iterator<Item = &str> {
    let signatures = text.split("row(").skip(1).filter_map(|row| row.trim_start().strip_prefix('"'));
    let names = signatures.filter_map(|signature| signature.split(['(', '<', '"']).next());
    let aliases = text.split(".also(&[").skip(1).filter_map(|rest| rest.split(']').next());
    names.chain(aliases.flat_map(|list| list.split('"').skip(1).step_by(2)))
}

/// The text without the tests at its end.
fn without_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

fn marks(text: &str) -> impl Iterator<Item = (usize, String)> {
    text.lines().enumerate().flat_map(|(number, line)| {
        let found = MARKS.iter().map(|(left, right)| format!("{left}{right}")).filter(|mark| line.contains(mark));
        found.map(move |mark| (number + 1, mark)).collect::<Vec<_>>()
    })
}

/// The paths after `crate::` that a rule does not allow; comments aside.
fn forbidden(text: &str, rule: &[&str]) -> impl Iterator<Item = String> {
    let allowed = move |path: &str| rule.iter().any(|place| is_within(path, place));
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    // A path of `pub(in crate::a)` is not named.
    let code = code.replace("(in crate::", "(in ");
    let paths: Vec<String> = code.split("crate::").skip(1).flat_map(paths_after_crate).collect();
    paths.into_iter().filter(move |path| !allowed(path))
}

/// Is it this path, or one below?
fn is_within(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// `a::b` of `a::b;`, and both of `{a, b::c}`.
fn paths_after_crate(rest: &str) -> Vec<String> {
    let path = |text: &str| -> String {
        let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
        text[..end].trim_end_matches(':').to_owned()
    };
    match rest.strip_prefix('{') {
        Some(group) => group.split('}').next().unwrap_or_default().split(',').map(|p| path(p.trim())).collect(),
        None => vec![path(rest)],
    }
}

/// The names in all tables of dependencies, each with whether a reason is on its line or above its group.
fn dependencies(manifest: &str) -> impl Iterator<Item = (&str, bool)> {
    let (mut inside, mut above) = (false, false);
    manifest.lines().filter_map(move |line| {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        }
        let own = line.contains(" # ");
        let is_dependency = inside && !line.is_empty() && !line.starts_with(['#', '[']);
        let has_reason = own || above;
        above = if is_dependency { above && !own } else { line.starts_with('#') };
        let name = line.split(['=', '.']).next()?.trim();
        is_dependency.then_some((name, has_reason))
    })
}

/// All Rust sources of the repository.
fn sources() -> Vec<PathBuf> {
    let folders = ["lang", "stdlib", "engine", "tests", "benches", "examples", "fuzz"];
    folders.iter().flat_map(|folder| rust_files(&root().join(folder))).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() && entry.file_name() != "target" {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The files of a folder, without those of the folders in it.
fn files_of(folder: &str) -> impl Iterator<Item = PathBuf> {
    let folder = root().join(folder);
    rust_files(&folder).into_iter().filter(move |path| path.parent() == Some(&folder))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
