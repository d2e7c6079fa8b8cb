//! What users read when a script is wrong: every message as it is shown, and every code explained.

use flowscript_lang::diagnostic::explain;
use flowscript_lang::diagnostic::render::{self, Colour};
use flowscript_lang::function::Effect;
use flowscript_lang::{CompileOptions, Compiled, Mode, NoModules, compile};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Each script of `tests/checker` with its messages, as the command shows them.
#[test]
fn messages_read_well() {
    let mut files: Vec<_> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checker"))
        .expect("the scripts are beside this file")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "flow"))
        .collect();
    files.sort();
    assert!(files.len() > 40, "the scripts of tests/checker are gone");
    let mut shown = String::new();
    for file in files {
        let source = fs::read_to_string(&file).expect("a readable script");
        let name = file.file_name().and_then(|name| name.to_str()).expect("a plain name");
        let compiled = check(&source);
        assert!(!compiled.diagnostics.is_empty(), "{name} gives no message");
        let rendered = render::diagnostics(&compiled.diagnostics, name, &source, Colour::Never);
        let _ = writeln!(shown, "{rendered}");
    }
    insta::assert_snapshot!(shown);
}

/// The code that a script is named after is among its messages.
#[test]
fn scripts_give_the_code_they_are_named_after() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checker");
    for entry in fs::read_dir(directory).expect("the scripts are beside this file") {
        let path = entry.expect("a readable entry").path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_uppercase();
        let Some((code, _)) = name.split_once('_').filter(|(code, _)| code.len() == 5) else { continue };
        let compiled = check(&fs::read_to_string(&path).expect("a readable script"));
        let codes: Vec<&str> = compiled.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
        assert!(codes.contains(&code), "{} gives {codes:?}", path.display());
    }
}

#[test]
fn every_example_gives_the_code_it_explains() {
    let mut wrong = Vec::new();
    for explanation in explain::all().filter(|explanation| !explanation.example.is_empty()) {
        let compiled = check(explanation.example);
        let codes: Vec<&str> = compiled.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
        if !codes.contains(&explanation.code) {
            wrong.push(format!("{}: {:?} gives {codes:?}", explanation.code, explanation.example));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_in_the_sources_is_explained() {
    let mut used = BTreeSet::new();
    collect_codes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("lang/src"), &mut used);
    let explained: BTreeSet<String> = explain::all().map(|explanation| explanation.code.to_owned()).collect();
    assert_eq!(used, explained);
}

/// The codes that stand in quotes in Rust files, tests aside.
fn collect_codes(folder: &Path, codes: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "tests" && name != "explain") {
                collect_codes(&path, codes);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a readable source");
            let quoted = text.split('"').filter(|part| {
                part.len() == 5
                    && part.starts_with(['E', 'W'])
                    && part.chars().skip(1).all(|character| character.is_ascii_digit())
            });
            codes.extend(quoted.map(str::to_owned));
        }
    }
}

fn check(source: &str) -> Compiled {
    let registry = flowscript_stdlib::registry();
    let options = CompileOptions {
        mode: Mode::Script,
        variables: &[],
        registry: &registry,
        modules: &NoModules,
        effect: Effect::Outside,
    };
    compile(source, &options)
}
