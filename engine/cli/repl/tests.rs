use super::session::{Failed, Session};
use super::{Format, Report, Terminal, to_lines};
use crate::script::Interrupts;
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
