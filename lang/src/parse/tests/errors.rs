//! Messages about broken sources.

use super::{messages, print};
use crate::parse::{parse_script, parse_script_while};

/// The places of the errors, as `line:column`.
fn places(source: &str) -> Vec<String> {
    let found = messages(source, &parse_script(source));
    found.lines().map(|line| line.split('-').next().unwrap_or("").to_owned()).collect()
}

#[test]
fn errors_have_their_place() {
    assert_eq!(places("let x = ;\nreturn x;"), ["1:9"]);
    assert_eq!(places("let x = ;\nlet y = 2;\nlet z = * ;\nreturn y;"), ["1:9", "3:11"]);
    assert_eq!(places("return 1 < 2 < 3;"), ["1:14"]);
}

#[test]
fn parsing_goes_on() {
    for (source, tree) in [
        ("let x = ; return x;", "(let x invalid) (return x)"),
        ("let x = 1\nlet y = 2\nreturn x", "(let x 1) (let y 2) (return x)"),
        (
            "function f() { let x = ; return x; } return f();",
            "(function f () {(let x invalid) (return x)}) (return f())",
        ),
        ("if a + { b(); } return 1;", "(if invalid {(do b())}) (return 1)"),
        ("for x in { b(); } return 1;", "(for x invalid {(do b())}) (return 1)"),
        ("while { b(); }", "(while invalid {(do b())})"),
        ("let = 1; return 2;", "invalid (return 2)"),
        ("function f(a b) { return a; } return f(1);", "(function f () invalid) (return f(1))"),
        ("let x; return x;", "(let x invalid) (return x)"),
        ("type t = ; return 1;", "(type t any) (return 1)"),
        ("} return 1;", "(return 1)"),
        ("let x = (1 + 2; return x;", "(let x invalid) (return x)"),
        ("let x = f(1, 2];\nreturn x;", "(let x invalid) (return x)"),
        ("if a { b();", "(if a {(do b())})"),
        ("function f() { if a { b();", "(function f () {(if a {(do b())})})"),
        ("let a = 'x;\nlet b = 'y';\nreturn b;", "(let a invalid) (let b \"y\") (return b)"),
        ("log('x);\nlog('y');", "(do log(invalid)) (do log(\"y\"))"),
        ("let x = 1; /* open", "(let x 1)"),
        ("let x =", "(let x invalid)"),
    ] {
        let parsed = parse_script(source);
        assert!(!parsed.diagnostics.is_empty(), "{source}");
        assert_eq!(print::script(&parsed.tree), tree, "{source}\n{}", messages(source, &parsed));
    }
}

#[test]
fn mending_ends_when_it_is_told_to() {
    let source = "let x = ;\n".repeat(90);
    let mut asked = 0;
    let parsed = parse_script_while(&source, &mut |_| {
        asked += 1;
        asked < 10
    });
    assert_eq!(asked, 10);
    assert_eq!(parsed.diagnostics.len(), 10 + 1, "{:?}", parsed.diagnostics.last());
    assert!(parse_script(&source).diagnostics.len() == 90);
}
