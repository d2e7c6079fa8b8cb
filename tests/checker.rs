//! The messages for wrong scripts: every message as it is shown, and every code explained.

use flowscript_lang::diagnostic::codes;
use flowscript_lang::diagnostic::render::{self, Colour};
use flowscript_lang::function::Effect;
use flowscript_lang::host::{Host, LogLevel};
use flowscript_lang::{CompileOptions, Compiled, Mode, ModuleLoader, NoModules, Settings, compile};
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

/// The code in a script's file name is among its messages.
#[test]
fn scripts_give_the_code_they_are_named_after() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checker");
    for entry in fs::read_dir(directory).expect("the scripts are beside this file") {
        let path = entry.expect("a readable entry").path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_uppercase();
        let Some((code, _)) = name.split_once('_').filter(|(code, _)| code.len() == 5) else { continue };
        let compiled = check(&fs::read_to_string(&path).expect("a readable script"));
        let codes: Vec<&str> = compiled.diagnostics.iter().map(|diagnostic| diagnostic.code.id).collect();
        assert!(codes.contains(&code), "{} gives {codes:?}", path.display());
    }
}

#[test]
fn every_example_gives_the_code_it_explains() {
    let mut wrong = Vec::new();
    for code in codes::all() {
        let Some(source) = code.example.source() else { continue };
        let compiled = check_with(&source, Effect::Outside, &code.example.others());
        let found: Vec<&str> = compiled.diagnostics.iter().map(|diagnostic| diagnostic.code.id).collect();
        if !found.contains(&code.id) {
            wrong.push(format!("{code}: {:?} gives {found:?}", code.example));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_function_as_value_needs_what_its_call_needs() {
    for source in [
        "let get = HTTP.Get; return get('http://x');",
        "return Map(['http://x'], HTTP.Get);",
        "function f(g) => g('x'); return f((http.get));",
        "open HTTP; let get = Get; return get('x');",
        "open HTTP; return ['x'].Map(get);",
        "function f() { return HTTP.Get; } return f()('x');",
        "let f = Upper; set f = HTTP.Get; return f('x');",
        "let t = JSON.Decode('[]'); return Map(t, HTTP.Get);",
        "open HTTP; let t = JSON.Decode('[]'); return Map(t, Get);",
    ] {
        let inside = check_with(source, Effect::Host, &NoModules);
        assert!(
            inside.diagnostics.iter().any(|found| found.code == codes::NOT_ALLOWED),
            "{source}: {:?}",
            inside.diagnostics
        );
        assert!(inside.program.is_none(), "{source}");
        let outside = check_with(source, Effect::Outside, &NoModules).program;
        assert_eq!(outside.map(|program| program.effect), Some(Effect::Outside), "{source}");
    }
    let effect = |source| check(source).program.map(|program| program.effect);
    assert_eq!(effect("let f = Log; f('x');"), Some(Effect::Host));
    assert_eq!(effect("let f = Upper; return f('x');"), Some(Effect::Pure));
}

/// A module of the user.
struct Pricing;

impl ModuleLoader for Pricing {
    fn load(&self, name: &str) -> Option<Result<String, String>> {
        let text = "let rate = 2;\nlet other = 3;\nprivate let hidden = 4;\nfunction gross(net) => net * rate;\n";
        (name == "pricing").then(|| Ok(text.to_owned()))
    }
}

#[test]
fn modules_are_found_among_rows_of_unknown_columns() {
    let run = |source: &str| {
        let compiled = check_with(source, Effect::Pure, &Pricing);
        let program = compiled.program.ok_or(format!("{:?}", compiled.diagnostics))?;
        let outcome = program.run(Vec::new(), &Settings::default(), &NoHost).map_err(|error| error.message.clone())?;
        Ok::<_, String>(outcome.value.to_literal(80))
    };
    let rows = "let t = JSON.Decode('[{\"q\": 5}, {\"q\": 1}]');";
    for (query, wanted) in [
        ("(t where q > pricing.rate).q", "[5]"),
        ("(t where q > pricing.rate and q > pricing.other).q", "[5]"),
        ("Map(t, pricing.gross(q))", "[10, 2]"),
        ("(select g: pricing.gross(q) + pricing.rate from t).g", "[12, 4]"),
        ("Map(t.q, pricing.gross)", "[10, 2]"),
    ] {
        assert_eq!(run(&format!("{rows} return {query};")).as_deref(), Ok(wanted), "{query}");
    }
    let own = "let t = JSON.Decode('[{\"pricing\": {\"rate\": 7}}]');";
    assert_eq!(run(&format!("{own} return Map(t, pricing.rate);")).as_deref(), Ok("[7]"), "a column comes first");
    assert!(run(&format!("{rows} return t where q > pricing.hidden;")).is_err());
    assert_eq!(run("open pricing; let g = gross; return g(3) + Map([1], Gross)[0];").as_deref(), Ok("8"));
}

/// A folder with a file `json.flow`: here the script itself, which is not a module.
struct Hiding(&'static str);

impl ModuleLoader for Hiding {
    fn load(&self, name: &str) -> Option<Result<String, String>> {
        (name == "json").then(|| Ok(self.0.to_owned()))
    }
}

#[test]
fn a_file_that_hides_a_module_of_the_library_is_told_where_it_is_used() {
    let script = "let t = JSON.Decode('[]');\nreturn json.Encode(t) & Json.Decode('[]');\n";
    for (source, module, wanted) in [
        (script, script, vec!["E0106", "E0114", "E0115", "W0118"]),
        (script, "function encode(t) => 'x'; function decode(t) => 'y';", vec!["W0118"]),
        ("return CSV.Decode('a');", script, vec![]),
        ("let t: json.line? = null; return t;", "type line = {a: number};", vec!["W0118"]),
        ("open JSON; return encode(1);", "function encode(t) => 'x';", vec!["W0118"]),
    ] {
        let compiled = check_with(source, Effect::Pure, &Hiding(module));
        let mut codes: Vec<&str> = compiled.diagnostics.iter().map(|found| found.code.id).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes, wanted, "{source} with {module}: {:?}", compiled.diagnostics);
        let told: Vec<_> = compiled.diagnostics.iter().filter(|found| found.code == codes::HIDDEN_MODULE).collect();
        assert!(told.len() <= 1, "{told:?}");
        for found in told {
            let place = &source[found.span.start as usize..found.span.end as usize];
            assert!(place.eq_ignore_ascii_case("json") && found.module.is_none(), "{found:?} at {place}");
            assert!(found.hint.as_ref().is_some_and(|hint| hint.contains("json.flow")), "{found:?}");
        }
        let circle = compiled.diagnostics.iter().find(|found| found.code == codes::MODULE_CIRCLE);
        assert!(circle.is_none_or(|found| found.hint.as_ref().is_some_and(|hint| hint.contains("rename"))));
    }
}

/// A host that is asked nothing.
struct NoHost;

impl Host for NoHost {
    fn now(&self) -> (i64, u32) {
        (0, 0)
    }

    fn random(&self) -> u64 {
        0
    }

    fn log(&self, _level: LogLevel, _message: &str) {}
}

fn check(source: &str) -> Compiled {
    check_with(source, Effect::Outside, &NoModules)
}

fn check_with(source: &str, effect: Effect, modules: &dyn ModuleLoader) -> Compiled {
    let registry = flowscript_stdlib::registry();
    let options = CompileOptions { mode: Mode::Script, variables: &[], registry: &registry, modules, effect };
    compile(source, &options)
}
