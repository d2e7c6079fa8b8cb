//! The warnings of silent traps: each fires on its kind, and none on correct scripts.

#[path = "support/traps.rs"]
mod traps;

use flowscript_engine::yaml;
use flowscript_lang::diagnostic::{Diagnostic, OtherFile, codes};
use flowscript_lang::function::{Effect, Function, Registry};
use flowscript_lang::span::line_column;
use flowscript_lang::{CompileOptions, Mode, ModuleLoader, NoModules, compile};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use traps::TRAPS;

/// Scripts that look like traps but are correct.
const RIGHT: &[&str] = &[
    "let n = 0; function step() { set n = n + 1; return n; } step(); exec step(); return n;",
    "log('x'); exec log('y'); return 1;",
    "function check(x) { return x ?? error 'none'; } check(1); null ?? error 'x'; return 2;",
    "try { Date('x'); return true; } catch { return false; }",
    "let f = x => log(x); Map(['a'], f); Map(['b'], x => log(x)); [1] where (x => f(x)); return 1;",
    "let r = {f: x => x}; r.f(1); return 1;",
    "return 5; // 2",
    "let x = 5 // the number of items\n  + 1; return x; // done",
    "let x = [\n  10, // 1\n  20 // 2\n]; return x;",
    "return 7 // days",
    "let a = 1; return a // a is enough here",
    "let a = 1; /* a */ return a /// 2",
    "let total = 5; return total // total",
    "return `{'$'}{5}` & '${x}' & `a$b`;",
    "return Format(Now(), 'yyyy-MM-dd HH:mm:ss') & Format(Now(), 'mm:ss') & Format(Now(), 'HH:mm') & Format(Now(), 'D');",
    "return Format(Now(), 'MMMM yyyy') & Format(Now(), 'dd MMM') & Format(1234.5, 'N2') & Format(Now(), 'MM/dd/yyyy hh:mm tt');",
    "return Format(Now(), \"yyyy-MM-dd'T'HH:mm:ss\") & Format(Now(), 'ddMMyyHHmm') & Format(0.5, '#,##0.00 %');",
    "return DateTime.Parse('20240105103000', 'yyyyMMddHHmmss');",
    "return ['C:\\\\temp', @'C:\\temp', 'a\\tb', 'Name:\\tx', 'x:\\n', \"line\\nnew\"];",
    "let t = [{a: 1, b: 2}]; return [(t order by a, b), First(t order by a, b desc), First((t order by a), a > 1)];",
    "let t = [{a: 1, b: 2}]; return Take((t order by a, b > 1), 2);",
    "let t = [{a: 1}]; return t order by a, -a, Len(a), a * 2;",
    "let t = [{a: 'x'}]; return [t where a = 'x', t where 'x' = a, 'a' = 'A', t where row['a'] = 'x', t where 1 = 1];",
    "let t = [{a: 1}]; return t order by row['a'];",
    "let csv = Str(Now()); let t = CSV.Decode(csv); return t order by name, date desc;",
    "let csv = Str(Now()); let t = CSV.Decode(csv); return t order by Val(qty);",
    "let csv = Str(Now()); let t = CSV.Decode(csv) with {qty: Val(qty)}; return [t order by qty];",
    "let csv = Str(Now()); let t = CSV.Decode(csv); set t = t with {qty: Val(qty)}; return Max(t.qty);",
    "let csv = Str(Now()); let t = CSV.Decode(csv); return t where qty > 10 and date < '2024-01-01';",
    "let csv = Str(Now()); let t = CSV.Decode(csv); return select qty: Val(qty), m: name from t order by qty;",
    "let t = CSV.Decode('qty,day\nx,2024-01-05\n10,2024-01-06'); return [(t order by qty), (t order by day)];",
    "let t = CSV.Decode('year\n2024\n2023'); return t order by year;",
    "let t = [{qty: 1}]; return [CSV.Encode(t), Max(t.qty), (t order by qty)];",
    "type r = {price: number}; let csv = Str(Now()); let t: r* = CSV.Decode(csv); return [(t order by price), Max(t.price)];",
    "type r = {price: number}; let t: r* = []; set t = CSV.Decode(Str(Now())); return t order by price;",
    "let csv = Str(Now()); let u = select name, price: Val(price) from CSV.Decode(csv); return u order by price;",
    "let csv = Str(Now()); let u = map CSV.Decode(csv) as [name, price: Val(price)]; return u order by price;",
    "for r in CSV.Decode(Str(Now())) { if r.price > 5 and r.name > 'm' and Val(r.price) > Val(r.cost) { return r; } } return null;",
    "let t = [{a: 1}]; let up = true; let sign = -1; return [(t order by case when up then a else -a end), (t order by a * sign), (t order by Random())];",
    "let by = r => r.a; let t = [{a: 1}]; let k = 'a'; return [(t order by by), (t order by row[k])];",
    "let s = 'x'; let t = [{a: 1}]; return [(t with {b: 'x' = s}), (select a, b: s = 'x' from t)];",
    "return Format(Now(), 'H:m:s') & Format(Now(), 'm:ss') & Format(Now(), 'd MMM, H:mm') & Format(Now(), 'HH:mm dd/MM') & Format(Now(), 'M/d/yyyy h:m');",
    "let a = 6; return a / 2; // 2; the half",
];

#[test]
fn traps_are_reported() {
    let mut wrong = String::new();
    for (code, sources) in TRAPS {
        for source in *sources {
            let found = warnings(source, Mode::Script);
            if !found.iter().any(|warning| warning.code.id == *code) {
                let _ = write!(wrong, "{code}: {source}\n    {}\n", shown(&found));
            }
            assert!(found.iter().all(|warning| warning.hint.is_some()), "{source}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Each warning has a name, and a comment with it before the script switches it off.
#[test]
fn every_warning_is_switched_off_by_its_name() {
    let examples = codes::all().filter_map(|code| Some((code, vec![code.example.source()?.into_owned()])));
    let of_code = |(id, sources): &(&str, &[&str])| {
        Some((codes::find(id)?, sources.iter().map(ToString::to_string).collect::<Vec<_>>()))
    };
    let mut switched = BTreeSet::new();
    for (code, sources) in examples.chain(TRAPS.iter().filter_map(of_code)) {
        let (Some(lint), id) = (code.lint(), code.id) else { continue };
        for source in sources {
            let count = |source: &str| {
                let mut found = warnings_among(source, code.example.others());
                // A report that there are more warnings counts those that are switched off.
                found.retain(|warning| warning.code == code || warning.code != codes::MORE_WARNINGS);
                (found.iter().filter(|warning| warning.code == code).count(), found.len())
            };
            let (before, all) = count(&source);
            assert!(before > 0, "{id}: {source}");
            let (after, left) = count(&format!("// allow({lint}): on purpose\n{source}"));
            assert_eq!((after, left), (0, all - before), "{id}: {source}");
            switched.insert(lint);
        }
    }
    assert_eq!(switched.len(), codes::all().filter(|code| code.is_warning()).count());
}

#[test]
fn a_comment_reaches_its_line() {
    let places = |source: &str| {
        let found = warnings(source, Mode::Script);
        let line = |warning: &Diagnostic| line_column(source, warning.span.start).0;
        found.iter().map(|warning| format!("{} {}", line(warning), warning.code)).collect::<Vec<_>>().join(", ")
    };
    for (source, wanted) in [
        ("let a = 1; // allow(unused-variable)\nlet b = 2;\nreturn 1;", "2 W0101"),
        ("let a = 1;\n// allow(unused-variable)\nlet b = 2;\nreturn 1;", "1 W0101"),
        ("let a = 1;\n// allow(unused-variable)\n\n// because\nlet b = 2;\nreturn 1;", "1 W0101"),
        ("// allow(unused-variable)\nlet a = 1;\nlet b = 2;\nreturn 1;", ""),
        ("/* a head */ // allow(unused-variable)\nlet a = 1;\nreturn 1;", ""),
        ("let a = 1;\nlet b = 2; // see // allow(unused-variable)\nreturn 1;", "1 W0101, 2 W0101"),
        ("let a = 1; // allow(unreachable, unused-variable)\nreturn 1;\nlog(1);", "3 W0102"),
        ("let a = 1; // allow(W0101)\nreturn 1;", "1 W0101, 1 W0119"),
        ("let a = 'x // allow(unused-variable)';\nreturn 1;", "1 W0101"),
        ("let x = 1 + y; // allow(unused-variable)\nreturn 1;", ""),
        ("return 1;\n// allow(unusd-variable)", ""),
        ("let a = 1;\n// allow(nothing)\nreturn a;", "2 W0119"),
    ] {
        assert_eq!(places(source), wanted, "{source}");
    }
    assert_eq!(shown(&warnings("{1 // allow(dollar-placeholder)\n} ${2}", Mode::Template)), "W0110");
    assert_eq!(shown(&warnings("// allow(comment-for-division)\n7 // 2", Mode::Expression)), "");
}

#[test]
fn a_trap_is_reported_once() {
    for (code, sources) in TRAPS {
        for source in *sources {
            let found = warnings(source, Mode::Script);
            let mut places: Vec<_> =
                found.iter().filter(|found| found.code.id == *code).map(|found| found.span).collect();
            places.sort_by_key(|span| (span.start, span.end));
            let all = places.len();
            places.dedup();
            assert_eq!(places.len(), all, "{source}: {}", shown(&found));
        }
    }
}

#[test]
fn what_is_right_is_left_alone() {
    let mut wrong = String::new();
    for source in RIGHT {
        let found = traps(source, Mode::Script);
        if !found.is_empty() {
            let _ = write!(wrong, "{source}\n    {}\n", shown(&found));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn expressions_and_templates_are_looked_at() {
    assert_eq!(shown(&traps("7 // 2", Mode::Expression)), "W0109");
    assert_eq!(shown(&traps("Order ${1 + 1} of {2}", Mode::Template)), "W0110");
    assert_eq!(shown(&traps("https://x.example/{1 + 1}", Mode::Template)), "");
}

/// A rule finds the functions of a library by the facts on their rows, whatever their names are.
#[test]
fn rules_know_functions_by_their_facts() {
    let names =
        [("CSV.Decode", "Tabell.Avkoda"), ("Val", "Tal"), ("Max", "Mest"), ("Map", "Avbilda"), ("Format", "Skriv")];
    let library = flowscript_stdlib::registry();
    let renamed = names.map(|(name, own)| {
        let function = library.find(name).expect("a function");
        Function { name: own, aliases: &[], ..(**function).clone() }
    });
    let registry = Registry::new(renamed);
    let hints = |source: &str| -> Vec<String> {
        let options = CompileOptions {
            mode: Mode::Script,
            variables: &[],
            registry: &registry,
            modules: &NoModules,
            effect: Effect::Outside,
        };
        let found = compile(source, &options).diagnostics;
        assert!(found.iter().all(|diagnostic| !diagnostic.is_error()), "{found:?}");
        found.into_iter().filter_map(|warning| warning.hint).collect()
    };
    let csv = "let t = Tabell.Avkoda('a,price\\n1,9\\n1,10');";
    assert_eq!(hints(&format!("{csv} return t order by price;")), ["sort by the number: `Tal(price)`"]);
    assert_eq!(hints(&format!("{csv} return Mest(t.price);")), ["take the numbers: `Mest(Avbilda(t, Tal(price)))`"]);
    assert_eq!(hints("return Skriv(1, 'YYYY-MM-DD');").len(), 1);
}

/// All scripts of the repository that run are free of traps.
#[test]
fn the_scripts_of_the_repository_are_left_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources: Vec<(String, String)> = Vec::new();
    for page in
        ["README.md", "lang/README.md", "docs/engine.md", "docs/execution.md", "docs/webhooks.md", "docs/workflows.md"]
    {
        blocks(&root.join(page), &mut sources);
    }
    collect(&root.join("examples"), &mut sources);
    for file in files(&root.join("tests/conformance")) {
        cases(&file, &mut sources);
    }
    for function in flowscript_stdlib::registry().functions() {
        for example in function.examples {
            sources.push((function.name.to_owned(), format!("return {};", example.source)));
        }
    }
    assert!(sources.len() > 700, "only {} scripts were found", sources.len());
    let mut wrong = String::new();
    for (name, source) in &sources {
        let found = traps(source, Mode::Script);
        if !found.is_empty() {
            let _ = write!(wrong, "{name}: {}\n    {source}\n", shown(&found));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn blocks(page: &Path, sources: &mut Vec<(String, String)>) {
    let text = fs::read_to_string(page).expect("a page");
    for block in text.split("```flowscript\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        sources.push((page.display().to_string(), block.to_owned()));
    }
}

fn collect(folder: &Path, sources: &mut Vec<(String, String)>) {
    for path in files(folder) {
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "flow") {
            sources.push((path.display().to_string(), fs::read_to_string(&path).expect("a script")));
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

/// The scripts of the cases that return something.
fn cases(file: &Path, sources: &mut Vec<(String, String)>) {
    if file.extension().is_none_or(|extension| extension != "yaml") {
        return;
    }
    let tree = yaml::parse(&fs::read_to_string(file).expect("a file")).expect("cases");
    for case in tree.elements().expect("a list of cases") {
        let entries = case.entries().expect("a case is a map");
        let text = |key: &str| {
            let entry = entries.iter().find(|entry| entry.key.as_str() == key)?;
            Some(entry.value.scalar()?.text.clone())
        };
        if let (Some(name), Some(script)) = (text("name"), text("script"))
            && entries.iter().any(|entry| entry.key.as_str() == "returns")
        {
            sources.push((name, script));
        }
    }
}

fn traps(source: &str, mode: Mode) -> Vec<Diagnostic> {
    let mut found = warnings(source, mode);
    found.retain(|warning| ("W0107"..="W0118").contains(&warning.code.id));
    found
}

fn warnings(source: &str, mode: Mode) -> Vec<Diagnostic> {
    warnings_with(source, mode, &NoModules)
}

/// The warnings of a script among modules.
fn warnings_among(source: &str, others: &'static [OtherFile]) -> Vec<Diagnostic> {
    warnings_with(source, Mode::Script, &others)
}

fn warnings_with(source: &str, mode: Mode, modules: &dyn ModuleLoader) -> Vec<Diagnostic> {
    let registry = flowscript_stdlib::registry();
    let options = CompileOptions { mode, variables: &[], registry: &registry, modules, effect: Effect::Outside };
    let mut found = compile(source, &options).diagnostics;
    found.retain(|diagnostic| !diagnostic.is_error());
    found
}

fn shown(found: &[Diagnostic]) -> String {
    found.iter().map(|warning| warning.code.id).collect::<Vec<_>>().join(" ")
}
