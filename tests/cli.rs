//! The language commands for their users: the real binary, its output, its exit code.
#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]

use insta::assert_snapshot;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A folder with files, in which commands run.
struct Folder(TempDir);

const ORDERS: &str = "\
// What to order again, the most expensive first.
let items = [sku: 'A100', stock: 3, minimum: 10, price: 12.50]
  & [sku: 'B200', stock: 40, minimum: 5, price: 3]
  & [sku: 'C300', stock: 0, minimum: 2, price: 199.9];
let low = items where stock < minimum with [order: minimum * 2 - stock];
return select sku, order, cost: order * price from low order by cost desc;
";

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// The output of a command: standard output, then standard error after `!`, then its exit code if it is not 0.
    fn shown(&self, arguments: &[&str], input: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowscript"));
        command.args(arguments).current_dir(self.path()).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        for variable in ["FLOWSCRIPT_TIME_ZONE", "FLOWSCRIPT_CULTURE", "NO_COLOR"] {
            command.env_remove(variable);
        }
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let mut shown =
            format!("$ flowscript {}\n", arguments.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "));
        shown.push_str(&String::from_utf8(output.stdout).unwrap());
        for line in String::from_utf8(output.stderr).unwrap().lines() {
            let _ = writeln!(shown, "{}", format!("! {line}").trim_end());
        }
        match output.status.code() {
            Some(0) => {}
            Some(code) => drop(writeln!(shown, "[exit {code}]")),
            None => shown.push_str("[killed]\n"),
        }
        shown
    }

    /// The output of several commands, one after the other.
    fn all(&self, commands: &[&[&str]]) -> String {
        commands.iter().map(|command| self.shown(command, "")).collect::<Vec<_>>().join("\n")
    }
}

fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "-_./@:".contains(c));
    if plain { word.to_owned() } else { format!("'{word}'") }
}

#[test]
fn results() {
    let folder = Folder::new(&[
        ("orders.flow", ORDERS),
        ("silent.flow", "log('working'); log('careful', 'warning');"),
        (
            "order.json",
            r#"{"customer": {"name": "Ann"}, "lines": [{"qty": 2, "price": 0.1}, {"qty": 1, "price": 0.2}]}"#,
        ),
    ]);
    assert_snapshot!(folder.all(&[
        &["run", "orders.flow"],
        &["run", "orders.flow", "--json"],
        &["run", "silent.flow"],
        &["run", "silent.flow", "--json"],
        &["eval", "0.1 + 0.2 = 0.3"],
        &["eval", "'text as it is'"],
        &["eval", "{no: 7, lines: [sku: 'A', qty: 2] & [sku: 'B', qty: 10], tags: ['x'], note: null}"],
        &["eval", "{name: customer.name, total: Sum(lines, qty * price)}", "--input", "@order.json"],
        &["eval", "null"],
        &["eval", "-7 mod 3"],
        &["eval", "[Date('2024-03-01'), Base64Decode('w6k=')]", "--json", "--time-zone", "Europe/Stockholm"],
        &["eval", "Now()", "--now", "2024-07-01T12:00Z", "--time-zone", "europe/stockholm"],
        &["eval", "[Random(), RandomInt(1, 6), Guid()]", "--seed", "7"],
        &["eval", "Format(1234.5, 'C')", "--culture", "sv-SE"],
        &["eval", "--allow-http", "1 + 1"],
    ]));
}

#[test]
fn standard_input_is_a_script() {
    let folder = Folder::new(&[]);
    assert_eq!(folder.shown(&["run", "-"], "return 1 + 2;"), "$ flowscript run -\n3\n");
    assert!(folder.shown(&["run", "-"], "return 1 +;").contains("<stdin>:1:11"));
}

#[test]
fn mistakes_on_the_command_line() {
    let folder = Folder::new(&[("orders.flow", ORDERS), ("broken.json", "{\"a\": 1,\n  b}")]);
    std::fs::write(folder.path().join("latin.flow"), b"return 'caf\xe9';").unwrap();
    assert_snapshot!(folder.all(&[
        &["run"],
        &["run", "ordes.flow"],
        &["run", "."],
        &["run", "latin.flow"],
        &["rum", "orders.flow"],
        &["run", "orders.flow", "--jsn"],
        &["eval"],
        &["eval", "1", "+", "2"],
        &["eval", "--jsn", "1"],
        &["eval", "1", "--input", "{a: 1}"],
        &["eval", "1", "--input", "[1]"],
        &["eval", "1", "--input", "@none.json"],
        &["eval", "1", "--input", "@broken.json"],
        &["eval", "1", "--time-zone", "Mars"],
        &["eval", "1", "--time-zone", "Stockholm"],
        &["eval", "1", "--culture", "sw-SE"],
        &["eval", "1", "--now", "yesterday"],
        &["eval", "1", "--seed", "x"],
        &["eval", "1", "--time-zone", "Mars", "--format", "json"],
        &["run", "none.flow", "--format", "json"],
    ]));
}

#[test]
fn mistakes_in_scripts() {
    let folder = Folder::new(&[
        ("typo.flow", "let total = 1;\nreturn totl;\n"),
        ("two.flow", "let x = ;\nlet y = 2;\nlet z = * ;\nreturn y;\n"),
        ("warned.flow", "let unused = 1;\nreturn 2;\n"),
        ("deep.flow", "function f(n) {\n  return g(n);\n}\nfunction g(n) => 10 / n;\nreturn f(0);\n"),
        ("endless.flow", "while true { }"),
        ("uses.flow", "return pricing.net(100);\n"),
        ("modules/pricing.flow", "function net(gross) => gross / rate;\nlet rate = 'abc';\n"),
    ]);
    assert_snapshot!(folder.all(&[
        &["run", "typo.flow"],
        &["run", "two.flow"],
        &["run", "warned.flow"],
        &["run", "deep.flow"],
        &["run", "endless.flow", "--max-steps", "1000"],
        &["run", "uses.flow"],
        &["eval", "Uper('x')"],
        &["eval", "HTTP.Get('https://example.com/a')"],
        &["eval", "HTTP.Get('https://example.com/a')", "--allow-http", "example.org"],
        &["eval", "x => x", "--json"],
        &["run", "typo.flow", "--format", "json"],
        &["run", "deep.flow", "--format", "json"],
        &["eval", "1", "--format", "json"],
    ]));
}

#[test]
fn checks() {
    let folder = Folder::new(&[
        ("orders.flow", ORDERS),
        ("typo.flow", "let total = 1;\nreturn totl;\n"),
        ("needs.flow", "return amount * rate;\n"),
        (
            "shop/workflows/price.yaml",
            "trigger: {webhook: {path: price, auth: none}}\nsteps:\n  - set: {price: \"qty * 2\"}\n",
        ),
        ("shop/modules/pricing.flow", "private let rate = 2;\nfunction net(gross) => gross * rat;\n"),
        ("shop/report.flow", "return pricing.net(1);\n"),
        ("empty/readme.txt", ""),
    ]);
    assert_snapshot!(folder.all(&[
        &["check", "orders.flow"],
        &["check", "orders.flow", "typo.flow"],
        &["check", "needs.flow", "--input", r#"{"amount": 1, "rate": 2}"#],
        &["check", "shop"],
        &["check", "shop/workflows/price.yaml"],
        &["check", "shop/modules/pricing.flow"],
        &["check", "empty"],
        &["check", "none.flow"],
        &["check"],
        &["check", "orders.flow", "--format", "json"],
        &["check", "typo.flow", "--format", "json"],
    ]));
}

#[test]
fn checks_that_correct() {
    let folder = Folder::new(&[
        ("a.flow", "\u{feff}let path = 'C:\\dir'\r\nif path === 'x' && true { return 1; }\r\nreturn path;\r\n"),
        ("guess.flow", "let total = 1;\nreturn totl;\n"),
        (
            "shop/workflows/price.yaml",
            concat!(
                "input: { sku: text, qty: number }\n",
                "steps:\n",
                "  - id: a\n    script: \"if sku == 'a\\\\d' && true { return 1; } return 2\"\n",
                "  - id: b\n    script: 'return ''C:\\dir'' & sku;'\n",
                "  - id: c\n    script: |\n      let x = 'C:\\dir'\n      return x;\n",
                "  - set: { d: qty === 1 && a = 2 }\n",
                "output: total\n",
            ),
        ),
        ("shop/modules/pricing.flow", "function net(gross: int) => gross * .5;\n"),
    ]);
    let mut shown = folder.all(&[
        &["check", "--fix", "a.flow", "guess.flow"],
        &["check", "shop"],
        &["check", "--fix", "shop"],
        &["check", "--fix", "shop"],
    ]);
    shown.push_str(&folder.shown(&["check", "--fix", "-"], "return 'C:\\dir' & 'x'\n"));
    for file in ["a.flow", "guess.flow", "shop/workflows/price.yaml", "shop/modules/pricing.flow"] {
        let text = std::fs::read_to_string(folder.path().join(file)).unwrap();
        let _ = write!(shown, "\n{file}:\n{}", text.escape_debug().to_string().replace("\\n", "\n"));
    }
    let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.count(), 3, "nothing is left behind");
    assert_snapshot!(shown);
}

#[test]
fn a_session_of_lines() {
    let folder = Folder::new(&[
        ("order.json", r#"{"no": 17, "lines": [{"qty": 2}]}"#),
        ("vat.flow", "let rate = 0.25;\nfunction gross(net) => net * (1 + rate);\n"),
    ]);
    let lines = "\
1 + 2
_ * 2
let t = [a: 1] & [a: 2]
t where a > 1;
function twice(x) {
  return x * 2;
}
twice(t[1].a)
:type t.a
:type totl
twice(
  1,
  2)
twice('x')
range(0, 25)
map range(0, 25) as [n: row]
:load vat.flow
gross(100)
:input order.json
no + Count(lines)
:vars
:doc Left
:save saved.flow
:reset
t
:tyep 1
:type
:load none.flow
:input vat.flow
let x =
";
    let shown = folder.shown(&["repl"], lines);
    let saved = std::fs::read_to_string(folder.path().join("saved.flow")).unwrap();
    assert_snapshot!(format!("{shown}--- saved.flow\n{saved}"));
    assert_eq!(folder.shown(&["repl"], "1\n:quit\n2\n"), "$ flowscript repl\n1\n");
    assert!(folder.shown(&["repl"], ":time 1 + 1\n").contains(" ms, "));
}

#[test]
fn the_session_in_the_readme() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let session = readme.split("```repl\n").nth(1).unwrap().split("```").next().unwrap();
    let typed: String =
        session.lines().filter_map(|line| line.strip_prefix("> ")).flat_map(|line| [line, "\n"]).collect();
    let wanted: String = session.lines().filter(|line| !line.starts_with("> ")).flat_map(|line| [line, "\n"]).collect();
    assert!(typed.lines().count() > 3, "the README has lost its session");
    assert_eq!(Folder::new(&[]).shown(&["repl"], &typed), format!("$ flowscript repl\n{wanted}"));
}

#[test]
fn the_session_goes_on_after_ctrl_c() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_flowscript"))
        .arg("repl")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"let x = 20\nlog('started'); while true { }\n").unwrap();
    let mut log = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut log, &mut line).unwrap();
    assert_eq!(line, "[info] started\n");
    interrupt(&child);
    input.write_all(b"x + 1\n").unwrap();
    drop(input);
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut log, &mut rest).unwrap();
    assert!(rest.starts_with("error[cancelled]"), "{rest}");
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "21\n");
}

fn interrupt(child: &std::process::Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn the_session_shows_plans() {
    let shown =
        Folder::new(&[]).shown(&["repl"], "let t = [a: 1] & [a: 2]\n:plan t where a > 1 order by a\n:plan 1 + 1\n");
    assert_eq!(shown, "$ flowscript repl\norder by a\n  where a > 1\n    rows of t\nno query\n");
}

#[test]
fn the_profile_counts_by_line() {
    let script = "let t = 0;\nfor i in range(0, 5000) {\n  set t = t + i;\n}\nreturn t;\n";
    let folder = Folder::new(&[("sum.flow", script)]);
    let shown = folder.shown(&["run", "--profile", "sum.flow"], "");
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.get(1), Some(&"12497500"), "{shown}");
    let of = |line: &str| lines.iter().find(|shown| shown.trim_start_matches('!').trim().starts_with(line)).copied();
    assert!(of("3 ").is_some_and(|line| line.ends_with("set t = t + i;") && line.contains(" ms ")), "{shown}");
    // A step for each pass, one for the call of range, and one for 16 of its numbers.
    assert!(of("2 ").is_some_and(|line| line.contains(" 5313  for i in")), "{shown}");
    assert!(lines.last().is_some_and(|total| total.ends_with(" 5313")), "{shown}");
}

#[test]
fn function_reference() {
    let folder = Folder::new(&[]);
    assert_snapshot!(folder.all(&[&["doc", "instr"], &["doc", "Uper"], &["doc", "log"], &["explain", "E999"]]));
    assert!(folder.shown(&["explain", "W0101"], "").contains("\ngives\n\n  warning[W0101]"));
    let all = folder.shown(&["doc"], "");
    assert!(all.contains("\nText\n  ") && all.contains("JSON.Encode"), "{all}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = Folder::new(&[("long.flow", "return map range(0, 20000) as [n: row];")]);
    let binary = env!("CARGO_BIN_EXE_flowscript");
    let script = format!("'{binary}' run long.flow | head -n 1; '{binary}' doc | head -n 1");
    let output = Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn ctrl_c_ends_the_script() {
    let folder = Folder::new(&[("endless.flow", "log('started'); while true { }")]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowscript"));
    let mut child =
        command.args(["run", "endless.flow"]).current_dir(folder.path()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut log, &mut line).unwrap();
    assert_eq!(line, "[info] started\n");
    interrupt(&child);
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut log, &mut rest).unwrap();
    assert!(rest.starts_with("error[cancelled]"), "{rest}");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn colour_is_for_terminals_or_on_demand() {
    let folder = Folder::new(&[]);
    assert!(!folder.shown(&["eval", "x"], "").contains('\u{1b}'));
    assert!(folder.shown(&["eval", "x", "--color", "always"], "").contains("\u{1b}["));
}
