//! Fixes: each one removes its diagnostic, and safe ones leave the result unchanged.

#[path = "support/traps.rs"]
mod traps;

#[expect(dead_code, reason = "other tests use more of it")]
mod support;

use flowscript_engine::yaml;
use flowscript_lang::diagnostic::fix::{self, Applied};
use flowscript_lang::diagnostic::{Diagnostic, Example, codes};
use flowscript_lang::function::Effect;
use flowscript_lang::{CompileOptions, Limits, Mode, NoModules, compile};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use support::Ran;

/// Scripts with mistakes whose fixes no other list has.
const MISTAKES: &[&str] = &[
    "let a = 1\nlet b = 2;\nreturn a + b;",
    "let a = 1; if a === 1 && a !== 2 || false { return 1; } return 2;",
    "let a = 7; return a%2;",
    "return .5;",
    "return 5.;",
    "return 1,5;",
    "return 'it''s';",
    "return 'it's';",
    "return 'open;",
    "/* a comment\nreturn 1;",
    "return [1, 2;",
    "let t = [{a: 1}]; return t.Count(*);",
    "function f(a: text[]) => a; return f(['x']);",
    "let x = 2; if x = 1 { return 1; } elif x = 2 { return 2; } return 3;",
    "var x = 5; return x;",
    "const x = 5; return x;",
    "foreach x in [1] { log(x); } return 1;",
    "let t = [{a: 1}]; return t orderby a;",
    "let t = [{a: 1}]; return t groupby a;",
    "let t = [{a: 1}]; return t order a;",
    "let a == 1; return a;",
    "let a;\nreturn a;",
    "let a 1; return a;",
    "let and = 1; return 1;",
    "retrun 1;",
    "let a = true; let b = a adn a; return b;",
    "if true { return 1; done return 2;",
    "let x = 1; x = 2; return x;",
    "return (1, 2);",
    "return {1, 2};",
    "let x = 1; return {a = x, b: 1};",
    ";return 1;",
    "return 1);",
    "let a\u{a0}= 1; return a;",
    "let a = 1; return a \u{2265} 1;",
    "let a = 1; return a \u{2212} 1;",
    "let a = 1; return ~(a = 1);",
    "# a comment\nreturn 1;",
    "return \u{201c}x\u{201d};",
    "let total = 1; return totl;",
    "set total = 1; return total;",
    "return hello;",
    "return Upper & 'x';",
    "return Uper('x');",
    "return AddDays(Now(), 1);",
    "return Now().AddDays(1);",
    "return DateTime.AdDays(Now(), 1);",
    "return DateTme.AddDays(Now(), 1);",
    "open DateTme; return 1;",
    "let c = {name: 'Ada', 'first name': 'x'}; return c.nam;",
    "let c = {name: 'Ada'}; return c['nam'];",
    "type order = {no: number}; return new order {nr: 1};",
    "type order = {no: number}; let o: oder = {no: 1}; return o;",
    "let s: string = 'x'; return s;",
    "let s: int = 1; return s;",
    "let s: array = [1]; return s;",
    "let t = [{a: 1}]; return `rows: {t}`;",
    "let t = [{a: 1}]; return t['a'];",
    "return 'abc'.Len;",
    "let x = 1; if x > 0 { return 'plus'; }",
    "function f(x) { if x { return 1; } } return f(true);",
    "let x = 1; if x > 1 { return; } return 1;",
    "let n = 'Ada'; return n + ' Lovelace';",
    "return [1] + [2];",
    "let t = [{qty: 1}]; return t where qyt > 1;",
    "// allow(unusd-variable)\nlet x = 1; return 2;",
    "let o = [{id: 1}]; let c = [{id: 1}]; return select id from o join c on o.id = c.id;",
    "let t = [{a: 1}]; return select a * 2 from t;",
    "let t = [{a: 1}]; return t group by a * 2;",
    "let t = [{c: 'a', q: 1}]; return select c, q from t group by c;",
    "let r = {a: 1}; return r where a = 1;",
    "let x = 1; return 2;",
    "return 1; log('x'); log('y');",
    "function f() { return 1; log('x'); } return f();",
    "let limit = 1; let t = JSON.Decode('[]'); return t where qty > limit;",
    "return 'C:\\dir' & 'a\\q' & \"\\w\";",
    "let t = [{date: '2024-01-05'}]; return Map(t, Date);",
    "return 'a' 'b';",
    "let a = 'C:\\';\nlet b = 2; return a & b;",
    "let f = () => 1; exec f;",
    "let y = [1]; for (x in y) { log(x); } return 1;",
    "let y = [1]; for(x in y): log(x); return 1;",
    "return (a: number) => a;",
    "let f = x => x; return f(a: 1);",
    "return select a: a as c from [{a: 1}];",
    "let x = (); return x;",
    "let x = 1; if x > 0 return 'plus'; else return 'minus';",
    "let x = 1; while x > 2 log(x); return 1;",
    "function f(x) return x; return f(1);",
    "function f { return 1; } return f();",
    "return (function x => x)(1);",
    "return new {a: 1};",
    "return 1 < 2 < 3;",
    "let a = 2; return a ^ 3;",
    "let x = 1; x++; return x;",
    "let x = {a: 1}; x.a += 5 - 2; return x;",
    "let x = 'a'; x &= 'b'; return x;",
    "let a = true; return a ? 'x' : 'y';",
    "let a = true; return [1, a ? f(1, 2) : 3];",
    "let f = x => { return x; }; return f(1);",
    "let f = (x, y) => { return x; }; return f(1, 2);",
    "if true: log(1) else: log(2);",
    "if true { log(1); }; else { log(2); }",
    "if true then { log(1); }",
    "if true then log(1);",
    "let t = [{a: 1}]; return t sort by a;",
    "let t = [{a: 1}]; return select a from t limit 5;",
    "let x = 1; return x between 1 and 2;",
    "let x = 'abc'; return x contains 'b';",
    "let x = 7; return x div 2;",
    "return €5;",
    "let t = [{k: 1}, {k: 2}]; return Take(t order by k desc, 1);",
    "for i in 10 { log(i); } return 1;",
    "return 1 in 2;",
    "return 1 + Date('2024-01-02');",
    "type loop = {inner: loop, n: number}; return 1;",
    "let t = [{a: 1, b: 3}]; return select distinct a as x from t order by b;",
    "let id = 2; let t = [{id: 1}]; return t where id = id;",
    "let pattern = 'yyyy-mm-dd'; return Format(Now(), pattern);",
    "let n = 1; return `C:\\temp\\{n}`;",
    "let csv = Str(Now()); let t = CSV.Decode(csv); return Max(t.price) & Min(Map(t, price)) & t.cost.Max();",
];

/// Each script of the lists with its findings.
fn sources() -> Vec<String> {
    let mut sources: Vec<String> = MISTAKES.iter().map(ToString::to_string).collect();
    sources.extend(traps::TRAPS.iter().flat_map(|(_, sources)| *sources).map(ToString::to_string));
    let short = codes::all().filter(|code| matches!(code.example, Example::Source(_)));
    sources.extend(short.filter_map(|code| code.example.source()).map(String::from));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checker");
    sources.extend(files(&folder).iter().map(|path| fs::read_to_string(path).expect("a script")));
    sources
}

#[test]
fn a_fix_makes_its_diagnostic_go_away() {
    let mut wrong = String::new();
    let mut fixed = BTreeSet::new();
    for source in sources() {
        let found = check(&source);
        for (finding, fix) in found.iter().flat_map(|finding| finding.fixes.iter().map(move |fix| (finding, fix))) {
            let Applied { text, applied, .. } = fix::apply(&source, [fix]);
            // The text after an edit moves by what the edit adds.
            let moved: usize =
                fix.edits.iter().map(|edit| edit.text.len().max((edit.span.end - edit.span.start) as usize)).sum();
            let is_same = |other: &Diagnostic| {
                other.code == finding.code
                    && other.message == finding.message
                    && other.span.start.abs_diff(finding.span.start) as usize <= moved
            };
            if applied != 1 || check(&text).iter().any(is_same) {
                let _ =
                    writeln!(wrong, "{} ({}, {}):\n{source}\n->\n{text}\n", finding.message, finding.code, fix.title);
            }
            fixed.insert(finding.code.id);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(fixed.len() > 40, "{fixed:?}");
}

#[test]
fn mistakes_have_fixes() {
    let without = MISTAKES.iter().filter(|source| check(source).iter().all(|finding| finding.fixes.is_empty()));
    let without: Vec<&&str> = without.collect();
    assert!(without.is_empty(), "{without:#?}");
}

/// Scripts that run have the same result afterwards, those that the parser refused have no safe fix left.
#[test]
fn safe_fixes_leave_the_result_as_it_was() {
    let mut all = sources();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    for file in files(&folder).iter().filter(|path| path.extension().is_some_and(|extension| extension == "yaml")) {
        all.extend(scripts(&yaml::parse(&fs::read_to_string(file).expect("a file")).expect("cases")));
    }
    assert!(all.len() > 700, "only {} scripts were found", all.len());
    let (mut changed, mut ran, mut wrong) = (0, 0, String::new());
    for source in &all {
        let settled = fix::settle(source, |text| Some(check(text)));
        if settled.skipped > 0 {
            let _ = writeln!(wrong, "left out: {source}");
        }
        if settled.text == *source {
            continue;
        }
        changed += 1;
        let (before, after) = (outcome(source), outcome(&settled.text));
        if let Some(before) = before {
            ran += 1;
            if after.as_ref() != Some(&before) {
                let _ = writeln!(wrong, "{source}\n->\n{}\n  {before}\n  {after:?}", settled.text);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(changed > 20 && ran > 2, "{changed} were changed, {ran} of them ran before");
}

/// For any mistake, a fix names places of the source, and applying safe ones ends.
#[test]
fn fixes_of_broken_sources_fit() {
    let mut wrong = String::new();
    let mut fitting = 0;
    for source in sources() {
        let ends = source.char_indices().map(|(at, _)| at).filter(|at| at % 13 == 3);
        for end in ends {
            let (before, after) = source.split_at(end);
            for broken in [before.to_owned(), format!("{before}{}", after.get(1..).unwrap_or_default())] {
                for fix in check(&broken).iter().flat_map(|finding| &finding.fixes) {
                    match fix::apply(&broken, [fix]).applied {
                        1 => fitting += 1,
                        _ => drop(writeln!(wrong, "{}: {broken}", fix.title)),
                    }
                }
                fix::settle(&broken, |text| Some(check(text)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(fitting > 500, "{fitting}");
}

/// The result of a script; `None` if it does not run.
fn outcome(source: &str) -> Option<String> {
    match support::run(source, Limits::default()) {
        Ran::Returned(value) => Some(value.to_literal(2_000)),
        Ran::Refused(_) => None,
        Ran::Failed(error) => Some(format!("{}: {}", error.kind.name(), error.message)),
    }
}

fn check(source: &str) -> Vec<Diagnostic> {
    let registry = flowscript_stdlib::registry();
    let options = CompileOptions {
        mode: Mode::Script,
        variables: &[],
        registry: &registry,
        modules: &NoModules,
        effect: Effect::Outside,
    };
    compile(source, &options).diagnostics
}

/// The scripts of cases.
fn scripts(cases: &yaml::Node) -> Vec<String> {
    let cases = cases.elements().expect("a list of cases");
    let entries = cases.iter().flat_map(|case| case.entries().expect("a case is a map"));
    let script = entries.filter(|entry| entry.key == "script").filter_map(|entry| entry.value.scalar());
    script.map(|scalar| scalar.text.clone()).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file()).collect()
}
