use super::session::{Failed, Session};
use super::{Format, Report, Terminal, to_lines};
use crate::script::{Input, Interrupts};
use clap::{ColorChoice, Parser};
use std::sync::Arc;

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    host: crate::script::HostOptions,
}

fn session() -> Session {
    let options = Options::parse_from(["repl", "--now", "2024-03-01T12:00:00Z"]);
    let interrupts = Arc::<Interrupts>::default();
    let host = options.host.host(interrupts.clone()).unwrap();
    Session::new(options.host.settings(), host, interrupts)
}

/// What each line shows; `!` where it failed.
fn shown(lines: &[&str]) -> Vec<String> {
    let mut session = session();
    lines.iter().map(|line| entered(&mut session, line)).collect()
}

fn entered(session: &mut Session, line: &str) -> String {
    let mut report = Report::new(Format::Text, Terminal::new(ColorChoice::Never));
    match session.evaluate("<repl>", line, &mut report) {
        Ok(given) => given.value.map(|value| to_lines(&value, None).trim_end().to_owned()).unwrap_or_default(),
        Err(Failed) => "!".into(),
    }
}

#[test]
fn variables_stay() {
    assert_eq!(shown(&["let x = 2", "x * 21", "_ + 1", "set x = x + 1;", "x"]), ["", "42", "43", "", "3"]);
    assert_eq!(shown(&["let x = 1", "set x = 'text'", "x & x"]), ["", "", "texttext"]);
    assert_eq!(shown(&["let x = null", "set x = [a: 1]", "x.a", "let x = 5", "x"]), ["", "", "1", "", "5"]);
    assert_eq!(
        shown(&["let t = [a: 1] & [a: 2]", "(t where a > 1).a", "set t = t & [a: 3]; Count(t)"])[1..],
        ["[2]", "3"]
    );
}

#[test]
fn functions_and_types_stay() {
    assert_eq!(
        shown(&["function f(x) {\n  return x * 2;\n}", "f(4)", "function F(x) => x * 3", "f(4)"]),
        ["", "8", "", "12"]
    );
    assert_eq!(
        shown(&["let n = 1; let g = x => x + n;", "g(1)", "set n = 10", "g(1)", "set g = x => 0", "g(1)"])[1..],
        ["2", "", "11", "", "0"]
    );
    assert_eq!(
        shown(&["type p = {name: text, age: number}", "new p {name: 'x'}", "open DateTime", "DaysInMonth(2024, 2)"])
            [1..],
        ["name: x\nage: 0", "", "29"]
    );
    assert_eq!(shown(&["let f = x => x", "let f = 3", "f", "function f() => 4", "f()"])[2..], ["3", "", "4"]);
}

#[test]
fn closures_keep_their_state() {
    let counter = "function counter() { let n = 0; return function () { set n = n + 1; return n; }; }";
    assert_eq!(shown(&[counter, "let c = counter()", "c()", "c()"])[2..], ["1", "2"]);
}

#[test]
fn a_failed_line_changes_nothing() {
    assert_eq!(shown(&["let x = 1", "let x = 2; 1 / 0", "x", "function f() => y", "f()"]), ["", "!", "1", "!", "!"]);
    assert_eq!(shown(&["assert 1 = 2", "1 +", "// note", ""]), ["!", "!", "", ""]);
}

#[test]
fn what_was_entered_can_be_saved() {
    let mut session = session();
    for line in ["let x = 1", "x + 1", "function f(a) {\n  return a;\n}", "log('x');\nx", "bad bad"] {
        entered(&mut session, line);
    }
    let (script, lines) = session.script();
    assert_eq!(lines, 4);
    assert_eq!(script, "let x = 1;\n// x + 1\nfunction f(a) {\n  return a;\n}\n// log('x');\n// x\n");
    session.reset();
    assert_eq!(entered(&mut session, "x"), "!");
}

/// The variables, functions and types of a session as `:vars` shows them, but for what a function is called inside.
fn state(session: &Session) -> Vec<String> {
    let types = session.host_variables();
    let variables = session.variables().iter().zip(&types);
    let mut shown: Vec<String> = variables
        .map(|((name, value), variable)| format!("{name}: {} = {}", variable.ty, value.to_literal(500)))
        .collect();
    shown.extend(session.declared().lines().map(str::to_owned));
    shown.sort();
    shown
}

/// Saves a session of these lines (`input: {…}` for an input) and loads it into a new one, where `questions` must get the
/// same answers.
fn comes_back(lines: &[&str], questions: &[&str]) -> String {
    let mut before = session();
    for line in lines {
        match line.strip_prefix("input: ") {
            Some(json) => drop(before.add_input(Input::decode(json, "input").unwrap())),
            None => drop(entered(&mut before, line)),
        }
    }
    let (script, _) = before.script();
    let mut after = session();
    assert_ne!(entered(&mut after, &script), "!", "{lines:?} gives\n{script}");
    assert_eq!(state(&after), state(&before), "{lines:?} gives\n{script}");
    for question in questions {
        assert_eq!(entered(&mut after, question), entered(&mut before, question), "{question} in\n{script}");
    }
    script
}

#[test]
fn a_saved_session_comes_back() {
    comes_back(&["let x = 1", "x + 1", "let y = x * 2; y", "set x = 5"], &["[x, y]"]);
    comes_back(&["function f(x) => x + 1", "let a = f(1)", "function F(x) => x + 2"], &["a", "f(1)"]);
    comes_back(&["function f() { return 1; }", "function f() { return 2; }"], &["f()"]);
    comes_back(&["type t = {a: number}", "let x = new t {a: 1}", "type t = {b = 'x'}"], &["x", "new t {}"]);
    comes_back(&["let n = 1; let g = x => x + n;", "set n = 10", "let n = 5"], &["g(1)"]);
    comes_back(&["let x = 1", "let x = 'text'", "let x = [x, 2]"], &["x"]);
    comes_back(&["open DateTime", "open DateTime", "let y = GetYear('2024-01-01')"], &["y", "DaysInMonth(2024, 2)"]);
    comes_back(&["let f = x => x", "let f = 3", "function f() => 4"], &["f()"]);
    comes_back(&["41", "let a = _ + 1", "_"], &["a"]);
    comes_back(&["let a = Random(); let b = Guid()", "let c = Now()"], &["[a, b, c]"]);
    comes_back(&["let n = 0; function step() { set n = n + 1; return n; }", "step()", "step()"], &["n", "step()"]);
    comes_back(&["let a = 1; return a; let b = 2;", "let c = 3"], &["c"]);
    comes_back(&["let a = 1", "if a = 1 { return 5; }", "let b = a + 1"], &["b"]);
    comes_back(&["let x = 1", "let x = 2; 1 / 0", "let y =", "bad bad", "set x = x + 1"], &["x"]);
    comes_back(&["let f = x => 1; let f = 3;", "let g = x => 1; set g = 4;"], &["[f, g]"]);
    comes_back(&["let up = Upper", "let r = {f: up}"], &["up('a')", "Map(['b'], up)"]);
    comes_back(&["let make = n => (x => x + n)", "let add = make(2)"], &["add(1)"]);
}

#[test]
fn a_saved_line_ends_as_it_must() {
    comes_back(&["let r = {a: 1}", "let s = 2 // a note", "let t = 3; // a note", "let u = 4"], &["[r, s, t, u]"]);
    comes_back(&["function f(x) => {a: x}", "type t = {a: number}", "let r = f(1)"], &["r"]);
    comes_back(&["let s = 'two\nlines'", "let t = `{s}\n  x`", "let u = @'C:\\temp'"], &["[s, t, u]"]);
    comes_back(&["for i in [1, 2] { log(i); }", "if true: let z = 1", "let y = 2"], &["y"]);
}

#[test]
fn an_input_is_saved() {
    let json = r#"input: {"no": 17, "lines": [{"qty": 2, "a b": "it's"}, {"x": null}], "d": "2024-01-01", "deep": {"l": [1, [2, "\n"]]}}"#;
    let script =
        comes_back(&[json, "let total = no + 1"], &["[no, total, lines, deep, d]", "HasField(lines[1], 'qty')"]);
    assert!(script.starts_with("let no = 17;\n"), "{script}");
    comes_back(&["let no = 1", json, "function f() => no", json], &["f()"]);
    let odd = r#"input: {"a b": 1, "end": 2, "_": 3, "x": 4}"#;
    let mut session = session();
    session.add_input(Input::decode(odd.trim_start_matches("input: "), "input").unwrap());
    assert_eq!(session.script().0, "let x = 4;\n");
}

#[test]
fn values_are_saved_whole() {
    let first = "let x = Now(); ";
    for value in [
        "Date('2024-03-01T12:00:00+01:00')",
        "Base64Decode('AAEC')",
        "-1.50",
        "79228162514264337593543950335",
        "'\\u{0}\\u{1F600}\\n\\r\\t\\\\\\'\"{x}`'",
        "[{a: 1}, {b: [], c: null}]",
        "[{a: 1, b: 2}, {b: 3}] where b = 3",
        "table(a, 'b c')",
        "[[], [[]], {}, [1, {a: 2}]]",
        "{'a b': 1, order: {x: true}}",
    ] {
        let line = format!("{first}let v = {value}");
        comes_back(&[&line], &["v", "Str(x)", "Columns(*{v})"]);
    }
}

#[test]
fn a_session_that_was_reset_saves_nothing() {
    let mut session = session();
    entered(&mut session, "let x = Now()");
    session.reset();
    entered(&mut session, "let y = 1");
    assert_eq!(session.script(), ("let y = 1;\n".to_owned(), 1));
}
